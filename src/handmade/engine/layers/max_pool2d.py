"""MaxPool2d: largest number of every window.

    y[n,h,w,c] = m = max over k of x_k        x_k: pixels of the window, k = (i, j); outside the image, -infinity
    delta     dy = max over k of dx_k - (m - x_k)
    backward  gx_k += gy for the first k with x_k = m

m - x_k is the slack of pixel k: its distance from the old maximum m.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.pool import Pool
from handmade.engine.layers.window_terms import inside, pixel, window
from handmade.engine.layers.windows import crop, pad, pixels, strided_slice
from handmade.engine.terms import Term, made


@dataclass(frozen=True, eq=False, init=False)
class MaxPool2d(Pool):
    """Max pooling of images (N, H, W, C), channel by channel; windows may overlap.

    Parameters
    ----------
    window : int or (int, int)
        Height and width of a window.
    stride : int or (int, int), optional
        Step between windows; the size of the window if left out. Rows and columns at the end that do not fill a complete window
        are ignored.
    padding : int or (int, int)
        Rows and columns of -infinity around the image: at most half a window, so that every window contains a pixel.

    Raises
    ------
    HandmadeError
        If a setting is impossible.
    """

    def forward(self, x: Array) -> Array:  # (N, H, W, C) -> (N, H', W', C)
        """Return the maximum of every window: first over its rows, which is faster, then over its columns."""
        rows = _largest(pad(x, self.padding, -np.inf), 1, self.window[0], self.stride[0])
        return _largest(rows, 2, self.window[1], self.stride[1])

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        m = self.forward(x)
        moved = [dx_k - (m - x_k) for x_k, dx_k in zip(self.pixels(x, -np.inf), self.pixels(dx, 0), strict=True)]
        return reduce(np.maximum, moved)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        """Return gx: the first maximum of a window gets the complete gy; contributions of overlapping windows are added."""
        m = self.forward(x)
        free = np.ones(m.shape, bool)
        apart = self.window[0] <= self.stride[0] and self.window[1] <= self.stride[1]  # no pixel is in two windows
        padded = pad(np.zeros_like(gy, shape=x.shape), self.padding, 0)
        for x_k, gx_k in zip(self.pixels(x, -np.inf), self._places(padded), strict=True):
            wins = x_k == m
            wins &= free
            free ^= wins
            if apart:
                np.multiply(gy, wins, out=gx_k)
            else:
                np.add(gx_k, gy * wins, out=gx_k)
        return crop(padded, self.padding), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        """Return the maximum of the pixels inside the image; the padding never wins."""
        spots = [(i, j) for _, _, i, j in window(at, self.window, self.stride, self.padding) if inside(x, i, j)]
        seen = [pixel(x, i, j, at[2]) for i, j in spots]
        m = max(candidate.value for candidate in seen)
        ties = sum(candidate.value == m for candidate in seen)
        marked = [candidate.named("", ("wins" if ties == 1 else "tie") * (candidate.value == m)) for candidate in seen]
        outside = self.window[0] * self.window[1] - len(seen)
        notes = [f"a tie of {ties}: in backpropagation, the first one gets the complete gradient"] * (ties > 1)
        notes += [f"{outside} places of the padding never win"] * (outside > 0)
        return made("largest", *marked, label="max over the window", note="; ".join(notes))

    def pixels(self, x: Array, outside: float) -> Iterator[Array]:
        """Yield, for each place k of the window, row by row, this pixel of all windows: (N, H', W', ...), views."""
        return self._places(pad(x, self.padding, outside))

    def _places(self, padded: Array) -> Iterator[Array]:
        return pixels(padded, self.window, self.stride)


def _largest(x: Array, axis: int, window: int, stride: int) -> Array:
    """Return the largest of every `window` numbers along an axis, as a new array."""
    number = (x.shape[axis] - window) // stride + 1
    first, *others = (x[(slice(None),) * axis + (strided_slice(k, number, stride),)] for k in range(window))
    m = np.maximum(first, others[0]) if others else first.copy()
    for x_k in others[1:]:
        np.maximum(m, x_k, out=m)
    return m
