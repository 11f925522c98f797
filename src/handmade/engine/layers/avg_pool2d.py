"""AvgPool2d: mean of every window.

    y[n,h,w,c] = 1/K sum over k of x_k        x_k: the K pixels of the window, k = (i, j); outside the image, 0        (1)
    delta     dy = 1/K sum over k of dx_k
    backward  gx_k += gy / K

The zeros outside the image count as pixels: the sum of a window at the edge is divided by K, too (`count_include_pad=True` in
PyTorch, its default). So (1) is linear in x.

LeCun, Boser, Denker, Henderson, Howard, Hubbard & Jackel (1990), "Handwritten Digit Recognition with a Back-Propagation Network",
NIPS 2.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel
from handmade.engine.layers.pool import Pool
from handmade.engine.layers.window_terms import pixel, window
from handmade.engine.layers.windows import crop, pad, pixels
from handmade.engine.terms import Term, total


@dataclass(frozen=True, eq=False, init=False)
class AvgPool2d(Pool):
    """Average pooling of images (N, H, W, C), channel by channel; windows may overlap.

    Parameters
    ----------
    window : int or (int, int)
        Height and width of a window.
    stride : int or (int, int), optional
        Step between windows; the size of the window if left out. Rows and columns at the end that do not fill a complete window
        are ignored.
    padding : int or (int, int)
        Rows and columns of zeros around the image, counted in the mean: at most half a window, so that every window contains a
        pixel.

    Raises
    ------
    HandmadeError
        If a setting is impossible.
    """

    def forward(self, x: Array) -> Array:  # (N, H, W, C) -> (N, H', W', C), or with nudges
        first, *others = self._pixels(pad(x, self.padding, 0))
        y = first.copy()
        for x_k in others:
            y += x_k
        y /= math.prod(self.window)
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        """Return the mean of dx; it does not depend on x, because (1) is linear."""
        return self.forward(dx)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        """Return gy / K for every pixel of a window; contributions of overlapping windows are added."""
        share = gy / math.prod(self.window)
        padded = pad(np.zeros_like(gy, shape=x.shape), self.padding, 0)
        for gx_k in self._pixels(padded):
            np.add(gx_k, share, out=gx_k)
        return crop(padded, self.padding), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        seen = [pixel(x, i, j, at[2]) for _, _, i, j in window(at, self.window, self.stride, self.padding)]
        pixels_of_window = Term(float(math.prod(self.window)), label="pixels")
        return (total(seen, "window") / pixels_of_window).named("mean over the window")

    def _pixels(self, padded: Array) -> Iterator[Array]:
        return pixels(padded, self.window, self.stride)
