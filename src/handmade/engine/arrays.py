"""The words for arrays and their shapes that every part of the engine shares."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from numpy.typing import NDArray

from handmade.engine.errors import HandmadeError

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]

MOST = 2**31 - 1  # of anything: beyond it a number is a slip, or hostile


def pair(value: object, name: str, minimum: int) -> tuple[int, int]:
    """Read a setting that is one whole number for both directions, or two: (height, width).

    Raises
    ------
    HandmadeError
        If it is neither, or one is below `minimum` or beyond any use.
    """
    sides = (value, value) if isinstance(value, int) else value
    if not isinstance(sides, Sequence) or len(sides) != 2 or not all(_fits(side, minimum) for side in sides):
        raise HandmadeError(f"{name} wants one or two whole numbers {_range(minimum)}; got {value!r:.80}")
    return sides[0], sides[1]


def whole(value: object, name: str, minimum: int) -> int:
    """Read a setting that is one whole number.

    Raises
    ------
    HandmadeError
        If it is not, or is below `minimum` or beyond any use.
    """
    if not isinstance(value, int) or not _fits(value, minimum):
        raise HandmadeError(f"{name} wants a whole number {_range(minimum)}; got {value!r:.80}")
    return value


def _fits(value: object, minimum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= MOST


def _range(minimum: int) -> str:
    return f"of at least {minimum}, below 2^31"
