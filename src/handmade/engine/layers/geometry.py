"""Geometry: where the windows of a layer lie in an image.

Along each axis, window n reads k places, d apart:

    n s + i d - p,  i = 0, ..., k - 1         window k, stride s, dilation d, padding p before and q behind the image

A window spans e = (k - 1) d + 1 places. An axis of `size` pixels has floor((size + p + q - e) / s) + 1 windows. With `ceil_mode`
it has ceil(...) + 1: the last one may exceed the padding. It is left out if it would begin behind the last pixel. PyTorch and
ONNX (MaxPool, AveragePool, opset 22) define the same.

Dumoulin & Visin (2016), "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arrays import Padding, Pair, Shape, Sides
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.connections import Box
from handmade.engine.layers.windows import effective_kernel, sides_of


@dataclass(frozen=True)
class Geometry:
    """Windows along rows and columns; equal ones have equal hashes.

    Parameters
    ----------
    window, stride : (int, int)
        Size of a window, and step between windows.
    padding : (int, int) or ((int, int), (int, int))
        Places around the image.
    dilation : (int, int)
        Step between the places of one window.
    ceil_mode : bool
        True if the last window of an axis may exceed the padding.
    """

    window: Pair
    stride: Pair
    padding: Padding = (0, 0)
    dilation: Pair = (1, 1)
    ceil_mode: bool = False

    @property
    def span(self) -> Pair:
        """Rows and columns that a window spans."""
        return effective_kernel(self.window, self.dilation)

    @property
    def sides(self) -> Sides:
        """Padding of each side, ((top, bottom), (left, right))."""
        return sides_of(self.padding)

    def output_size(self, shape: Shape, name: str) -> Pair:
        """Return the number of windows, along rows and columns, for an image of `shape`, (H, W, C).

        Raises
        ------
        HandmadeError
            If `shape` is not (H, W, C), or no window fits into the padded image; the message begins with `name`.
        """
        if len(shape) != 3:
            raise HandmadeError(f"{name}: expected images (H, W, C); got the shape {shape}. Try it before Flatten")
        down, right = self.count(shape)
        if down < 1 or right < 1:
            window, padded = self.span, [size + sum(around) for size, around in zip(shape, self.sides, strict=False)]
            raise HandmadeError(
                f"{name}: expected a window no larger than the padded image; got {window[0]} x {window[1]} over "
                f"{padded[0]} x {padded[1]}"
            )
        return down, right

    def count(self, shape: Shape) -> Pair:
        """Return the number of windows along rows and columns; below 1 if none fits."""
        down, right = (self._count(axis, shape[axis]) for axis in (0, 1))
        return down, right

    def borders(self, shape: Shape) -> Sides:
        """Return the padding of each side, with the places behind it that the last windows read with `ceil_mode`."""
        if not self.ceil_mode:
            return self.sides
        count, span = self.count(shape), self.span
        ends = [(count[axis] - 1) * self.stride[axis] + span[axis] for axis in (0, 1)]
        (top, bottom), (left, right) = self.sides
        return (top, max(bottom, ends[0] - shape[0] - top)), (left, max(right, ends[1] - shape[1] - left))

    def is_empty(self, shape: Shape) -> bool:
        """Return True if a window reads no pixel, for padding smaller than the span.

        A window that begins before the image reads its first places d apart. So it can miss a short image.
        """
        for axis in (0, 1):
            step, apart, before = self.stride[axis], self.dilation[axis], self.sides[axis][0]
            begin = range(-before, min(0, self._count(axis, shape[axis]) * step - before), step)
            if apart > shape[axis] and any(place % apart >= shape[axis] for place in begin[:apart]):
                return True
        return False

    def places(self, at: Shape) -> Iterator[tuple[int, int, int, int]]:
        """Yield i, j, row and column for each place (i, j) of the window of output `at`; the pixel may lie outside the image."""
        (top, _), (left, _) = self.sides
        for i in range(self.window[0]):
            for j in range(self.window[1]):
                row = at[0] * self.stride[0] + i * self.dilation[0] - top
                column = at[1] * self.stride[1] + j * self.dilation[1] - left
                yield i, j, row, column

    def readers(self, at: Shape, outputs: Shape) -> Iterator[tuple[int, int, int, int]]:
        """Yield for each window that reads the row and column of `at`: its row and column, and the place (i, j) in it."""
        rows, columns = (
            [(n, i) for n in range(outputs[axis]) if (i := self._place(axis, at[axis], n)) is not None] for axis in (0, 1)
        )
        for row, i in rows:
            for column, j in columns:
                yield row, column, i, j

    def along(self, axis: int, size: int) -> NDArray[np.int64]:
        """Return the places that each window reads along an axis of `size` pixels: (windows, k)."""
        begin = np.arange(self._count(axis, size))[:, None] * self.stride[axis] - self.sides[axis][0]
        found: NDArray[np.int64] = begin + np.arange(self.window[axis]) * self.dilation[axis]
        return found

    def box(self, at: Shape) -> Box:
        """Return rows and columns that the window of output `at` spans."""
        firsts = [at[axis] * self.stride[axis] - self.sides[axis][0] for axis in (0, 1)]
        return tuple((first, first + self.span[axis]) for axis, first in enumerate(firsts))

    def boxes(self, at: Shape, outputs: Shape) -> Box | None:
        """Return rows and columns of the outputs whose windows span the pixel `at`; None if there are none."""
        spans = []
        for axis in (0, 1):
            place, step = at[axis] + self.sides[axis][0], self.stride[axis]
            first, last = max(0, -(-(place - self.span[axis] + 1) // step)), min(place // step, outputs[axis] - 1)
            spans.append((first, last + 1))
        return None if any(first >= end for first, end in spans) else tuple(spans)

    def _count(self, axis: int, size: int) -> int:
        before, behind = self.sides[axis]
        room, step = size + before + behind - self.span[axis], self.stride[axis]
        if not self.ceil_mode:
            return room // step + 1
        count = -(-room // step) + 1
        return count - 1 if (count - 1) * step >= size + before else count

    def _place(self, axis: int, pixel: int, n: int) -> int | None:
        """Return the place of a pixel in window n of an axis; None if the window does not read it."""
        i, rest = divmod(pixel + self.sides[axis][0] - n * self.stride[axis], self.dilation[axis])
        return i if rest == 0 and 0 <= i < self.window[axis] else None
