"""Types of arrays and shapes, and checks of settings, that all parts of the engine share."""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from handmade.engine.errors import HandmadeError

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]

MOST = 2**31 - 1  # largest number that is accepted: a larger one is a mistake or an attack
IMAGES_A_LOOK = 1000  # checked at a time: one array of truth values for a large set would need too much memory


def pair(value: object, name: str, minimum: int) -> tuple[int, int]:
    """Read a setting that is one integer for both directions, or two: (height, width).

    Raises
    ------
    HandmadeError
        If it is neither, or one is below `minimum` or too large.
    """
    sides = (value, value) if isinstance(value, int) else value
    if not isinstance(sides, Sequence) or len(sides) != 2 or not all(_fits(side, minimum) for side in sides):
        raise HandmadeError(f"{name}: expected one or two whole numbers {_range(minimum)}; got {value!r:.80}")
    return sides[0], sides[1]


def integer(value: object, name: str, minimum: int) -> int:
    """Read a setting that is one integer.

    Raises
    ------
    HandmadeError
        If it is not, or is below `minimum` or too large.
    """
    if not isinstance(value, int) or not _fits(value, minimum):
        raise HandmadeError(f"{name}: expected a whole number {_range(minimum)}; got {value!r:.80}")
    return value


def number(value: object, name: str, low: float, high: float) -> float:
    """Read a setting that is one number from `low` to `high`.

    Raises
    ------
    HandmadeError
        If it is not.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise HandmadeError(f"{name}: expected a number from {low:g} to {high:g}; got {value!r:.80}")
    return float(value)


def check_finite(images: Array) -> None:
    """Raise HandmadeError if one of the images holds NaN or infinity; integers cannot."""
    if images.dtype.kind != "f":
        return
    for first in range(0, len(images), IMAGES_A_LOOK):
        finite = np.isfinite(images[first : first + IMAGES_A_LOOK]).reshape(-1, math.prod(images.shape[1:])).all(axis=1)
        if not finite.all():
            worst = first + int(finite.argmin())
            raise HandmadeError(f"images: expected finite numbers; image {worst}, counted from 0, holds NaN or infinity")


def _fits(value: object, minimum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= MOST


def _range(minimum: int) -> str:
    return f"of at least {minimum}, below 2^31"
