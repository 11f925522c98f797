"""AvgPool2d: of every window, the mean.

    y[n,h,w,c] = 1/K sum over k of x_k        x_k: the window's K pixels, k = (i, j); outside the image, 0        (1)
    delta     dy = 1/K sum over k of dx_k
    backward  gx_k += gy / K

The zeros outside are pixels like any other: a window that hangs over the edge is still divided by K (`count_include_pad=True` in
PyTorch, its default). So (1) is linear in x.

LeCun, Boser, Denker, Henderson, Howard, Hubbard & Jackel (1990), "Handwritten Digit Recognition with a Back-Propagation Network",
NIPS 2.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from handmade.engine.arrays import Array, Shape, pair
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.layer import EVERY, Channel
from handmade.engine.layers.window_terms import pixel, window
from handmade.engine.layers.windows import crop, pad, pixels, places
from handmade.engine.terms import Term, total


@dataclass(frozen=True, eq=False)
class AvgPool2d:
    """Average-pooling of images (N, H, W, C), channel by channel; windows may overlap.

    Parameters
    ----------
    window : int or (int, int)
        Height and width of a window.
    stride : int or (int, int), optional
        Step between windows; the window itself if left out. Rows and columns that fill no whole window are left out.
    padding : int or (int, int)
        Rows and columns of zeros around the image, counted in the mean: at most half a window, so that every window sees a pixel.

    Raises
    ------
    HandmadeError
        If a setting is impossible.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("window", "stride", "padding")

    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]

    def __init__(
        self,
        window: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        size = pair(window, "window", 1)
        border = pair(padding, "padding", 0)
        if 2 * border[0] > size[0] or 2 * border[1] > size[1]:
            raise HandmadeError(f"padding wants at most half the window {size}, or a window sees no pixel; got {border}")
        object.__setattr__(self, "window", size)
        object.__setattr__(self, "stride", size if stride is None else pair(stride, "stride", 1))
        object.__setattr__(self, "padding", border)

    def settings(self) -> dict[str, Any]:
        return {"window": list(self.window), "stride": list(self.stride), "padding": list(self.padding)}

    def output_shape(self, shape: Shape) -> Shape:
        return (*places(shape, self.window, self.stride, self.padding, "AvgPool2d"), shape[-1])

    def forward(self, x: Array) -> Array:  # (N, H, W, C) -> (N, H', W', C), or with nudges
        first, *others = self._pixels(pad(x, self.padding, 0))
        y = first.copy()
        for x_k in others:
            y += x_k
        y /= math.prod(self.window)
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        """The mean of dx; x itself plays no part, for (1) is linear."""
        return self.forward(dx)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        """Every pixel of a window takes its share; what a pixel gets from several windows adds up."""
        share = gy / math.prod(self.window)
        padded = pad(np.zeros_like(gy, shape=x.shape), self.padding, 0)
        for gx_k in self._pixels(padded):
            np.add(gx_k, share, out=gx_k)
        return crop(padded, self.padding), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        seen = [pixel(x, i, j, at[2]) for _, _, i, j in window(at, self.window, self.stride, self.padding)]
        pixels_of_window = Term(float(math.prod(self.window)), label="pixels")
        return (total(seen, "window") / pixels_of_window).named("mean over the window")

    def output_channel(self, channel: Channel, shape: Shape) -> Channel:
        return channel

    def _pixels(self, padded: Array) -> Iterator[Array]:
        return pixels(padded, self.window, self.stride)
