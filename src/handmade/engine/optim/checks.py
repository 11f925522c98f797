"""Ranges of hyper-parameters, and the check that a number lies within its range."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from handmade.engine.arguments import described, is_number, refused


class Range(NamedTuple):
    """Range of numbers, in words and as a test; it never contains NaN."""

    words: str
    holds: Callable[[float], bool]


POSITIVE = Range("a finite number above 0", lambda value: 0 < value < math.inf)
NOT_NEGATIVE = Range("a finite number of at least 0", lambda value: 0 <= value < math.inf)
SHARE = Range("a number from 0 up to but not including 1", lambda value: 0 <= value < 1)


def checked(name: str, value: Any, allowed: Range) -> float:
    """Return the value as a plain float, because a NumPy float64 would turn float32 weights into float64.

    Raises
    ------
    HandmadeError
        If it is not a number or outside the range.
    """
    if not is_number(value) or not allowed.holds(float(value)):
        raise refused(name, allowed.words, described(value))
    return float(value)


def check(settings: object, **ranges: Range) -> None:
    """Check the fields of a frozen dataclass, in its `__post_init__`; raise HandmadeError if one is outside its range."""
    for name, allowed in ranges.items():
        object.__setattr__(settings, name, checked(name, getattr(settings, name), allowed))
