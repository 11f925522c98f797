"""AvgPool2d: mean of every window.

    y[n,h,w,c] = 1/K sum over k of x_k        x_k: pixels of the window, k = (i, j); outside the image, 0        (1)
    delta     dy = 1/K sum over k of dx_k
    backward  gx_k += gy / K

K is the number of places of the window in the padded image: zeros of the padding count as pixels. With `count_padding=False`, K
is the number of pixels in the image alone. Places behind the padding, which `ceil_mode` adds, never count. So K may depend on h
and w, but not on x: (1) is linear. The setting is `count_include_pad` in PyTorch and ONNX. The places are those of `geometry.py`.

LeCun, Boser, Denker, Henderson, Howard, Hubbard & Jackel (1990), "Handwritten Digit Recognition with a Back-Propagation Network",
NIPS 2.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from handmade.engine.arguments import true_or_false
from handmade.engine.arrays import Array, Padding, Pair, Shape
from handmade.engine.layers.channel import EVERY, Channel
from handmade.engine.layers.connections import ONE, Derivatives
from handmade.engine.layers.pool import Pool
from handmade.engine.layers.window_terms import pixel
from handmade.engine.layers.windows import crop, pad
from handmade.engine.terms import Term, total


@dataclass(frozen=True, eq=False, init=False)
class AvgPool2d(Pool):
    """Average pooling of images (N, H, W, C), channel by channel.

    Parameters
    ----------
    window, stride, padding, dilation, ceil_mode
        See `Pool`. The padding consists of zeros.
    count_padding : bool
        True to divide by the number of places in the padded image, False by that of pixels in the image.

    Raises
    ------
    HandmadeError
        If a setting is impossible.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = (*Pool.SETTINGS, "count_padding")

    count_padding: bool

    def __init__(
        self,
        window: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Padding = 0,
        dilation: int | Pair = 1,
        *,
        ceil_mode: bool = False,
        count_padding: bool = True,
    ) -> None:
        super().__init__(window, stride, padding, dilation, ceil_mode=ceil_mode)
        object.__setattr__(self, "count_padding", true_or_false(count_padding, "count_padding"))

    def forward(self, x: Array) -> Array:  # (N, H, W, C) -> (N, H', W', C), or with nudges
        first, *others = self.places(pad(x, self.borders(x), 0))
        y = first.copy()
        for x_k in others:
            y += x_k
        y /= self._counts(x)
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        """Return the mean of dx; it does not depend on x, because (1) is linear."""
        return self.forward(dx)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        """Return gy / K for every pixel of a window; contributions of overlapping windows are added."""
        borders = self.borders(x)
        share = gy / self._counts(x)
        padded = pad(np.zeros_like(gy, shape=x.shape), borders, 0)
        for gx_k in self.places(padded):
            np.add(gx_k, share, out=gx_k)
        return crop(padded, borders), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        seen = [pixel(x, row, column, at[2]) for row, column in self._counted(x, at)]
        others = math.prod(self.window) - len(seen)
        note = f"{others} places outside the image do not count" * (others > 0)
        return (total(seen, "window") / Term(float(len(seen)), label="pixels")).named("mean over the window", note)

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        for row, column, _i, _j in self.geometry.readers(at, self.output_shape(x.shape)):
            yield (row, column, at[2]), ONE / Term(float(len(self._counted(x, (row, column)))), label="pixels")

    def _counted(self, x: Array, at: Shape) -> list[tuple[int, int]]:
        """Return row and column of the places of one window that K counts, for one image x."""
        (top, end), (left, right) = (self._counted_span(axis, x.shape[axis]) for axis in (0, 1))
        places = self.geometry.places(at)
        return [(row, column) for _, _, row, column in places if top <= row < end and left <= column < right]

    def _counted_span(self, axis: int, size: int) -> tuple[int, int]:
        """Return the first place along an axis that K counts, and the one behind the last."""
        before, behind = self.geometry.sides[axis] if self.count_padding else (0, 0)
        return -before, size + behind

    def _counts(self, x: Array) -> Any:
        """Return K, or K of each window, (H', W', 1, ...), for images x (N, H, W, ...)."""
        if not self.ceil_mode and (self.count_padding or not any(map(any, self.geometry.sides))):
            return math.prod(self.window)
        rows, columns = (self._counts_along(axis, x.shape[1 + axis]) for axis in (0, 1))
        counts = np.multiply.outer(rows, columns).astype(x.dtype)
        return counts.reshape(*counts.shape, *(1 for _ in x.shape[3:]))

    def _counts_along(self, axis: int, size: int) -> Array:
        """Return the number of rows or columns of each window that K counts."""
        first, end = self._counted_span(axis, size)
        places = self.geometry.along(axis, size)
        number: Array = ((places >= first) & (places < end)).sum(axis=1)
        return number
