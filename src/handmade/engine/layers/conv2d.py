"""Conv2d: slide filters over an image and take dot products.

    y[n,h,w,o] = b[o] + sum over i,j,c of W[i,j,c,o] x[n, h s + i - p, w s + j - p, c]        (1)

with stride s, padding p and x = 0 outside the image. (1) is linear in x and linear in (W, b); the rest follows.

    forward   y  = W * x + b
    delta     dy = W * dx
    backward  gx[n, h s + i - p, w s + j - p, c] += W[i,j,c,o] gy[n,h,w,o],   gW[i,j,c,o] = sum of patch and gy,   gb = sum of gy
    nudges    dy[..., o] = h patch[..., i,j,c]  for W[i,j,c,o],   h  for b[o]

LeCun, Bottou, Bengio & Haffner (1998), "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 86(11), section II.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.arrays import Array, Shape, pair, whole
from handmade.engine.errors import HandmadeError
from handmade.engine.initialisation import he
from handmade.engine.layers.layer import EVERY, Channel, only
from handmade.engine.layers.windows import columns, crop, pad, patches, places, reached, rows


@dataclass(frozen=True, eq=False)
class Conv2d:
    """Convolution (cross-correlation, as everywhere in deep learning) of images (N, H, W, C).

    Parameters
    ----------
    W : Array, (K_h, K_w, C, O)
        The filters.
    b : Array, (O,)
        One bias a filter.
    stride, padding : int or (int, int)
        Step between windows, and zeros around the image, down and across.

    Raises
    ------
    HandmadeError
        If the arrays do not fit together or a setting is impossible.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("filters", "kernel", "stride", "padding")

    W: Array
    b: Array
    stride: tuple[int, int]
    padding: tuple[int, int]

    def __init__(self, W: Array, b: Array, stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0) -> None:
        if W.ndim != 4 or b.shape != W.shape[-1:] or 0 in W.shape:
            raise HandmadeError(f"Conv2d wants W (K_h, K_w, C, O) and b (O,); got {W.shape} and {b.shape}")
        object.__setattr__(self, "W", W)
        object.__setattr__(self, "b", b)
        object.__setattr__(self, "stride", pair(stride, "stride", 1))
        object.__setattr__(self, "padding", pair(padding, "padding", 0))

    @classmethod
    def init(
        cls,
        rng: np.random.Generator,
        channels: int,
        filters: int,
        kernel: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dtype: DTypeLike = np.float32,
    ) -> Self:
        """Fresh filters for images of so many channels: weights after He et al., biases zero."""
        size = (*pair(kernel, "kernel", 1), whole(channels, "channels", 1), whole(filters, "filters", 1))
        return cls(he(rng, size, dtype), np.zeros(filters, dtype), stride, padding)

    @classmethod
    def restore(cls, parameters: dict[str, Array], settings: dict[str, Any]) -> Self:
        """The layer again from its arrays and what `settings` said."""
        return cls(parameters["W"], parameters["b"], settings["stride"], settings["padding"])

    def settings(self) -> dict[str, Any]:
        return {
            "filters": self.W.shape[-1],
            "kernel": list(self.kernel),
            "stride": list(self.stride),
            "padding": list(self.padding),
        }

    @property
    def kernel(self) -> tuple[int, int]:
        """(K_h, K_w)."""
        return self.W.shape[0], self.W.shape[1]

    def output_shape(self, shape: Shape) -> Shape:
        down, right = places(shape, self.kernel, self.stride, self.padding, "Conv2d")
        if shape[-1] != self.W.shape[2]:
            raise HandmadeError(f"Conv2d wants images (H, W, {self.W.shape[2]}); got {shape}")
        return down, right, self.W.shape[-1]

    def parameters(self) -> dict[str, Array]:
        return {"W": self.W, "b": self.b}

    def replace(self, parameters: dict[str, Array]) -> Self:
        return replace(self, W=parameters["W"], b=parameters["b"])

    def forward(self, x: Array) -> Array:  # (N, H, W, C) -> (N, H', W', O)
        y = self._correlate(x, self.W)
        y += self.b
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        """Only the filters' slices for the channels that moved take part; x itself plays none, for (1) is linear."""
        return self._correlate(dx, self.W[:, :, channel])

    def gain(self, channel: Channel) -> float:
        """How many times larger than dx a delta can be at most: the largest sum of |W| that one output reads from the channel."""
        return float(np.abs(self.W[:, :, channel]).sum(axis=(0, 1, 2)).max())

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        """Whatever index (1) sums over is now spread over; where windows overlap, what they spread adds up."""
        padded = pad(x, self.padding, 0)
        windows = patches(padded, self.kernel, self.stride)  # (N, H', W', K_h, K_w, C)
        g = gy.reshape(-1, gy.shape[-1])
        gW = (rows(windows).T @ g).reshape(self.W.shape)
        g_windows = (g @ self.W.reshape(-1, gy.shape[-1]).T).reshape(windows.shape)
        gx = np.zeros_like(padded)
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                below, beside = reached(i, gy.shape[1], self.stride[0]), reached(j, gy.shape[2], self.stride[1])
                gx[:, below, beside] += g_windows[:, :, :, i, j]
        return crop(gx, self.padding), {"W": gW, "b": g.sum(axis=0)}

    def output_channel(self, channel: Channel, shape: Shape) -> Channel:
        return EVERY

    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        """A weight nudged by h moves its filter's channel by h times the pixels it reads; a bias reads ones."""
        windows = self._patches(x)  # (N, H', W', K_h, K_w, C)
        positions, weights = windows.shape[:3], math.prod(windows.shape[3:])
        dy = np.empty((*positions, 1, weights + 1), x.dtype)
        np.multiply(windows, h, out=dy[..., 0, :-1].reshape(windows.shape))
        dy[..., -1] = h
        for o in range(self.W.shape[-1]):
            yield only(o), dy

    def _correlate(self, x: Array, W: Array) -> Array:
        windows = self._patches(x)  # (N, H', W', K_h, K_w, C), or with nudges (N, H', W', K_h, K_w, C, nudges)
        positions, outputs = windows.shape[:3], W.shape[-1]
        filters = W.reshape(-1, outputs)
        if windows.ndim == 6:
            return (rows(windows) @ filters).reshape(*positions, outputs)
        y = filters.T @ columns(windows)  # (O, N H' W' nudges): nudges stay side by side
        return np.moveaxis(y.reshape(outputs, *positions, -1), 0, 3)

    def _patches(self, x: Array) -> Array:
        return patches(pad(x, self.padding, 0), self.kernel, self.stride)
