"""The words for arrays and their shapes that every part of the engine shares."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from numpy.typing import NDArray

from handmade.engine.errors import HandmadeError

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]


def pair(value: object, name: str, minimum: int) -> tuple[int, int]:
    """Read a setting that is one whole number for both directions, or two: (height, width).

    Raises
    ------
    HandmadeError
        If it is neither, or below `minimum`.
    """
    sides = (value, value) if isinstance(value, int) else value
    if (
        not isinstance(sides, Sequence)
        or len(sides) != 2
        or not all(isinstance(side, int) and not isinstance(side, bool) and side >= minimum for side in sides)
    ):
        raise HandmadeError(f"{name} wants one or two whole numbers of at least {minimum}; got {value!r}")
    return sides[0], sides[1]


def whole(value: object, name: str, minimum: int) -> int:
    """Read a setting that is one whole number.

    Raises
    ------
    HandmadeError
        If it is not, or below `minimum`.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise HandmadeError(f"{name} wants a whole number of at least {minimum}; got {value!r}")
    return value
