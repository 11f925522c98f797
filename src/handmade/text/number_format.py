"""Format of numbers, percentages and times. A signed number always shows its sign, in blue above zero and in orange below."""

import math
from collections.abc import Iterable

from rich.text import Text

MINUS, TIMES, OVER = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}", "/"
LONG = 1e6  # numbers from here on are written with an exponent
BLUE, ORANGE = "#4393c3", "#e08214"  # readable on light and dark, also with colour blindness


def useful_digits(digits: int, dtype: str) -> int:
    """Return the number of digits, limited to those that tell every number of the dtype from its neighbours."""
    return min(digits, {"float32": 9, "float64": 17}.get(dtype, digits))


def signed(value: float, digits: int) -> Text:
    """Format a number with its sign and some significant digits: +0.1234."""
    return coloured(f"{value:+#.{digits}g}".removesuffix(".") if value else "0", value)


def aligned(value: float, decimals: int) -> Text:
    """Format a number with fixed decimals, so that a column lines up; 0 is exactly 0."""
    return coloured(f"{value:+.{decimals}f}" if value else "0", value)


def fixed(value: float, decimals: int) -> Text:
    """Format a number as `aligned`, but with an exponent if its decimals would be zeros or its digits too many."""
    if not value or 0.5 * 10**-decimals <= abs(value) < LONG:
        return aligned(value, decimals)
    return coloured(f"{value:+.3e}", value)


def decimals_for(values: Iterable[float], digits: int) -> int:
    """Return the number of decimals: `digits` significant ones of the largest value if it is 1 or more, else `digits`."""
    largest = max(map(abs, values), default=0.0)
    return max(0, digits - 1 - math.floor(math.log10(largest))) if largest >= 1 else digits


def digits_before(a: float, b: float, digits: int) -> int:
    """Return the number of digits of a and b that show `digits` of a - b."""
    return digits + max(0, _exponent(max(abs(a), abs(b))) - _exponent(a - b)) if a != b else digits


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value else 0


def coloured(text: str, value: float) -> Text:
    """Return the text in the colour of the value's sign."""
    style = BLUE if value > 0 else ORANGE if value < 0 else "dim"
    return Text(text.replace("-", MINUS), style)


def percent(share: float) -> str:
    """Return a share as a percentage: 98.41 %."""
    return f"{100 * share:.2f} %"


def rate(number: float) -> str:
    """Return a number a second: 2,310, or 0.42 for slow work."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def duration(seconds: float) -> str:
    """Return a time in the usual unit: 65.6 ms, 4.5 s, 45 s, 12 min, 31 h, 4 days, 4,210 years."""
    if 0 < seconds < 1:
        return f"{1000 * seconds:.1f} ms"
    for unit, size, most in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 72), ("days", 86400, 730)):
        if seconds < most * size:
            return f"{seconds / size:,.0f} {unit}" if seconds >= 10 * size or unit != "s" else f"{seconds:.1f} s"
    return f"{seconds / (365.25 * 86400):,.0f} years"
