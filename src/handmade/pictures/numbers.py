"""Numbers as text: three significant digits, and the minus sign of Unicode (U+2212)."""

import re

MINUS = "\N{MINUS SIGN}"
DIGITS = 3
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float) -> str:
    """Return a number with its sign: +0.104, +0.100, -2.50e-07 with MINUS; 0 has no sign."""
    return plain(value, sign="+")


def plain(value: float, sign: str = "") -> str:
    """Return a number without a plus sign: 0.104, -12.0 with MINUS, 1,234."""
    if not value:
        return "0"
    if 1000 <= abs(value) < 1e6:
        return f"{value:{sign},.0f}".replace("-", MINUS)
    return f"{value:{sign}#.{DIGITS}g}".removesuffix(".").replace("-", MINUS)


def signed_decimals(value: float, decimals: int) -> str:
    """Return a number with its sign and some decimals: +0.89."""
    return f"{value:+.{decimals}f}".replace("-", MINUS)


def short(value: float) -> str:
    """Return a count, or a number that a user chose, without trailing zeros: 12, 0.1, 1e-07."""
    return (f"{value:,.6g}" if abs(value) < 1e6 else f"{value:g}").replace("-", MINUS)


def with_minus(text: str) -> str:
    """Return a text in which every negative number has the minus sign of Unicode."""
    return re.sub(r"(?<![\w.])-(?=\d)|(?<=\de)-(?=\d)", MINUS, text)


def percent(share: float, decimals: int = 2) -> str:
    """Return a share as a percentage: 98.51 %."""
    return f"{100 * share:.{decimals}f} %"


def power_of_ten(exponent: int) -> str:
    """Return a power of ten: 10⁻¹²."""
    return f"10{str(exponent).translate(SUPERSCRIPTS)}"


def size(*sides: int) -> str:
    """Return sides with a cross between them: 28 x 28."""
    return " \N{MULTIPLICATION SIGN} ".join(f"{side:,}" for side in sides)


def counted(count: int, thing: str) -> str:
    """Return a count and its noun: 1 filter, 16 filters, 2 classes."""
    plural = f"{thing}es" if thing.endswith("s") else f"{thing}s"
    return f"{count:,} {thing if count == 1 else plural}"


def first(most: int, total: int, thing: str) -> str:
    """Return the count of things, or how many of them are shown: 16 filters, first 16 of 64 filters."""
    return counted(total, thing) if total <= most else f"first {most:,} of {counted(total, thing)}"
