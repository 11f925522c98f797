"""Pixels of one window of an image, as terms."""

from collections.abc import Iterator
from typing import TypeAlias

from handmade.engine.arrays import Array, Shape
from handmade.engine.terms import Term, stored

Pair: TypeAlias = tuple[int, int]


def window(at: Shape, size: Pair, stride: Pair, padding: Pair, dilation: Pair = (1, 1)) -> Iterator[tuple[int, int, int, int]]:
    """Yield i, j, row and column for each place (i, j) of the window of output `at`; the pixel may lie outside the image."""
    for i in range(size[0]):
        for j in range(size[1]):
            row = at[0] * stride[0] + i * dilation[0] - padding[0]
            column = at[1] * stride[1] + j * dilation[1] - padding[1]
            yield i, j, row, column


def inside(x: Array, row: int, column: int) -> bool:
    """Return True if the pixel lies inside the image."""
    height, width = x.shape[:2]
    return bool(0 <= row < height and 0 <= column < width)


def pixel(x: Array, row: int, column: int, channel: int) -> Term:
    """Return a pixel of x (H, W, C); outside the image, the zero of the padding."""
    if inside(x, row, column):
        return stored(x[row, column, channel], "input", row, column, channel)
    return Term(0.0, note="padding")
