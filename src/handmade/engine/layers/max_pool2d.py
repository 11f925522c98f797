"""MaxPool2d: largest number of every window.

    y[n,h,w,c] = m = max over k of x_k        x_k: pixels of the window, k = (i, j); outside the image, -infinity
    delta     dy = max over k of dx_k - (m - x_k)
    backward  gx_k += gy for the first k with x_k = m

m - x_k is the slack of pixel k: its distance from the old maximum m. The places of the windows are those of `geometry.py`.

Riesenhuber & Poggio (1999), "Hierarchical Models of Object Recognition in Cortex", Nature Neuroscience 2(11).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.connections import Derivatives
from handmade.engine.layers.pool import Pool
from handmade.engine.layers.window_terms import inside, largest, pixel
from handmade.engine.layers.windows import crop, pad, strided_slice
from handmade.engine.terms import Term


@dataclass(frozen=True, eq=False, init=False)
class MaxPool2d(Pool):
    """Max pooling of images (N, H, W, C), channel by channel; the padding counts as -infinity, so it is never the largest.

    Parameters
    ----------
    window, stride, padding, dilation, ceil_mode
        See `Pool`.

    Raises
    ------
    HandmadeError
        If a setting is impossible.
    """

    def forward(self, x: Array) -> Array:  # (N, H, W, C) -> (N, H', W', C)
        """Return the maximum of every window: first over its rows, which is faster, then over its columns."""
        rows = self._largest(pad(x, self.borders(x), -np.inf), 0)
        return self._largest(rows, 1)

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        m = self.forward(x)
        moved = [dx_k - (m - x_k) for x_k, dx_k in zip(self.pixels(x, -np.inf), self.pixels(dx, 0), strict=True)]
        return reduce(np.maximum, moved)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        """Return gx: the first maximum of a window gets the complete gy; contributions of overlapping windows are added."""
        m = self.forward(x)
        free = np.ones(m.shape, bool)
        span = self.geometry.span
        apart = span[0] <= self.stride[0] and span[1] <= self.stride[1]  # no pixel is in two windows
        borders = self.borders(x)
        padded = pad(np.zeros_like(gy, shape=x.shape), borders, 0)
        for x_k, gx_k in zip(self.pixels(x, -np.inf), self.places(padded), strict=True):
            wins = x_k == m
            wins &= free
            free ^= wins
            if apart:
                np.multiply(gy, wins, out=gx_k)
            else:
                np.add(gx_k, gy * wins, out=gx_k)
        return crop(padded, borders), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        """Return the maximum of the pixels inside the image; places outside never win."""
        seen = [pixel(x, i, j, at[2]) for i, j in self._inside(x, at)]
        outside = self.window[0] * self.window[1] - len(seen)
        return largest(seen, "max over the window", [f"{outside} places of the padding never win"] * (outside > 0))

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        for row, column, _i, _j in self.geometry.readers(at, self.output_shape(x.shape)):
            seen = [(place, x[(*place, at[2])]) for place in self._inside(x, (row, column))]
            m = max(value for _, value in seen)
            wins = next(place for place, value in seen if value == m) == at[:2]
            yield (row, column, at[2]), Term(float(wins), note="wins" if wins else "does not win")

    def pixels(self, x: Array, outside: float) -> Iterator[Array]:
        """Yield, for each place k of the window, row by row, this pixel of all windows: (N, H', W', ...), views."""
        return self.places(pad(x, self.borders(x), outside))

    def _inside(self, x: Array, at: Shape) -> list[tuple[int, int]]:
        """Return row and column of the pixels of one window that lie inside the image."""
        return [(row, column) for _, _, row, column in self.geometry.places(at) if inside(x, row, column)]

    def _largest(self, x: Array, axis: int) -> Array:
        """Return the largest number of every window along rows (0) or columns (1) of padded images, as a new array."""
        window, stride, dilation = self.window[axis], self.stride[axis], self.dilation[axis]
        number = (x.shape[1 + axis] - self.geometry.span[axis]) // stride + 1
        slices = (strided_slice(k * dilation, number, stride) for k in range(window))
        first, *others = (x[:, each] if axis == 0 else x[:, :, each] for each in slices)
        m = np.maximum(first, others[0]) if others else first.copy()
        for x_k in others[1:]:
            np.maximum(m, x_k, out=m)
        return m
