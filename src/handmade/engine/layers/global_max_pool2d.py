"""GlobalMaxPool2d: largest number of every channel over all pixels of an image.

    y[n,c] = m = max over h,w of x[n,h,w,c]
    delta     dy[n,c] = max over h,w of dx[n,h,w,c] - (m - x[n,h,w,c])
    backward  gx[n,h,w,c] = gy[n,c] for the first h,w with x[n,h,w,c] = m, else 0

Channel c of an image is number c of its row.

Oquab, Bottou, Laptev & Sivic (2015), "Is Object Localization for Free? Weakly-Supervised Learning with Convolutional Neural
Networks", CVPR.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.connections import Box, Derivatives, all_places, one_place
from handmade.engine.layers.layer import Layer
from handmade.engine.layers.window_terms import largest
from handmade.engine.terms import Term, stored


@dataclass(frozen=True, eq=False)
class GlobalMaxPool2d(Layer):
    """Global max pooling of images: (N, H, W, C) -> (N, C)."""

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3:
            raise HandmadeError(f"GlobalMaxPool2d: expected images (H, W, C); got {shape}. Try it before Flatten")
        return shape[-1:]

    def forward(self, x: Array) -> Array:
        y: Array = x.max(axis=(1, 2))
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        dy: Array = (dx - (x.max(axis=(1, 2), keepdims=True) - x)).max(axis=(1, 2))
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        """Return gx: the first maximum of a channel gets the complete gradient."""
        rows = x.reshape(len(x), -1, x.shape[-1])
        gx = np.zeros_like(gy, shape=rows.shape)
        np.put_along_axis(gx, rows.argmax(axis=1)[:, None], gy[:, None], axis=1)
        return gx.reshape(x.shape), {}

    def pixels(self, x: Array, _outside: float) -> Iterator[Array]:
        """Yield each pixel of all images, row by row: (N, C), views."""
        for row in range(x.shape[1]):
            yield from (x[:, row, column] for column in range(x.shape[2]))

    def receipt(self, x: Array, at: Shape) -> Term:
        height, width, _ = x.shape
        seen = [stored(x[i, j, at[0]], "input", i, j, at[0]) for i in range(height) for j in range(width)]
        return largest(seen, "max over the image")

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        first = np.unravel_index(x[..., at[2]].argmax(), x.shape[:2])
        wins = tuple(map(int, first)) == at[:2]
        yield (at[2],), Term(float(wins), note="wins" if wins else "does not win")

    def sources(self, shapes: Sequence[Shape], at: Shape) -> list[Box]:
        return [(*all_places(shapes[0])[:2], (at[0], at[0] + 1))]

    def targets(self, _shapes: Sequence[Shape], _k: int, at: Shape) -> Box:
        return one_place(at[2:])
