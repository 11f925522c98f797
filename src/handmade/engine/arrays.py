"""Types of arrays and of their shapes."""

from typing import Any, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
Pair: TypeAlias = tuple[int, int]  # for rows, for columns
Sides: TypeAlias = tuple[Pair, Pair]  # (top, bottom), (left, right)
Padding: TypeAlias = Pair | Sides  # a pair if opposite sides are equal
