"""Numbers with their sign: always printed, and coloured where there is colour, blue above zero and orange below."""

import math
from collections.abc import Iterable

import numpy as np
from rich.text import Text

MINUS, TIMES, OVER = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}", "/"
BLUE, ORANGE = "#4393c3", "#e08214"  # readable on light and dark, and told apart by every kind of eye


def useful_digits(digits: int, dtype: str) -> int:
    """So many digits as asked for, at most as many as tell every number of the dtype from its neighbours."""
    return min(digits, {"float32": 9, "float64": 17}.get(str(np.dtype(dtype)), digits))


def signed(value: float, digits: int) -> Text:
    """+0.1234, so many digits, and a real minus sign."""
    return coloured(f"{value:+#.{digits}g}".removesuffix(".") if value else "0", value)


def aligned(value: float, decimals: int) -> Text:
    """So many decimals, so that a column of them lines up; 0 is exactly 0."""
    return coloured(f"{value:+.{decimals}f}" if value else "0", value)


def decimals_for(values: Iterable[float], digits: int) -> int:
    """How many decimals show so many digits of the largest, if that is 1 or more; of smaller ones, so many decimals."""
    largest = max(map(abs, values), default=0.0)
    return max(0, digits - 1 - math.floor(math.log10(largest))) if largest >= 1 else digits


def digits_before(a: float, b: float, digits: int) -> int:
    """How many digits of a and b it takes to see so many of a - b."""
    return digits + max(0, _exponent(max(abs(a), abs(b))) - _exponent(a - b)) if a != b else digits


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value else 0


def coloured(text: str, value: float) -> Text:
    """In the colour of the value's sign."""
    style = BLUE if value > 0 else ORANGE if value < 0 else "dim"
    return Text(text.replace("-", MINUS), style)
