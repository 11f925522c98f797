"""GlobalAvgPool2d: mean of every channel over all pixels of an image.

    y[n,c] = 1/(H W) sum over h,w of x[n,h,w,c]        (1)
    delta     dy[n,c] = 1/(H W) sum over h,w of dx[n,h,w,c]
    backward  gx[n,h,w,c] = gy[n,c] / (H W)

Channel c of an image is number c of its row.

Lin, Chen & Yan (2014), "Network in Network", ICLR, section 3.2.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.channel import EVERY, Channel
from handmade.engine.layers.connections import ONE, Box, Derivatives, all_places, one_place
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, largest_first, stored, total


@dataclass(frozen=True, eq=False)
class GlobalAvgPool2d(Layer):
    """Global average pooling of images: (N, H, W, C) -> (N, C)."""

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3:
            raise HandmadeError(f"GlobalAvgPool2d: expected images (H, W, C); got {shape}. Try it before Flatten")
        return shape[-1:]

    def forward(self, x: Array) -> Array:
        y: Array = x.mean(axis=(1, 2))
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        """Return the mean of dx; it does not depend on x, because (1) is linear."""
        return self.forward(dx)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        share = gy[:, None, None] / math.prod(x.shape[1:3])
        return np.broadcast_to(share, x.shape).copy(), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        height, width, _ = x.shape
        seen = [stored(x[i, j, at[0]], "input", i, j, at[0]) for i in range(height) for j in range(width)]
        pixels = Term(float(height * width), label="pixels")
        return (total(largest_first(seen, "pixels"), "channel") / pixels).named("mean over the image")

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        yield (at[2],), ONE / Term(float(x.shape[0] * x.shape[1]), label="pixels")

    def sources(self, shapes: Sequence[Shape], at: Shape) -> list[Box]:
        return [(*all_places(shapes[0])[:2], (at[0], at[0] + 1))]

    def targets(self, _shapes: Sequence[Shape], _k: int, at: Shape) -> Box:
        return one_place(at[2:])
