"""Flatten: every image becomes one row of numbers, in the order of rows, columns, channels.

    y[n, (h W + w) C + c] = x[n,h,w,c]
    delta     dy = dx, in the same order
    backward  gx = gy, in the shape of the image

Channel c of an image is every C-th number of its row, from number c on.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel
from handmade.engine.layers.connections import ONE, Box, Derivatives, one_place
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, made, stored


@dataclass(frozen=True, eq=False)
class Flatten(Layer):
    """Flattening of images (N, ...) -> (N, numbers), in C order."""

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def forward(self, x: Array) -> Array:
        return x.reshape(len(x), -1)

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return dx.reshape(len(x), -1, *dx.shape[x.ndim :])

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return gy.reshape(x.shape), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        index = np.unravel_index(at[0], x.shape)
        return made("same", stored(x[index], "input", *index), label="the same number, flattened")

    def output_channel(self, channel: Channel, shape: Shape) -> Channel:
        """Return the numbers of the row that change: channel c of C channels is every C-th number."""
        if channel == EVERY or len(shape) == 1:
            return channel
        return slice(channel.start, None, shape[-1])

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        yield (int(np.ravel_multi_index(at, x.shape)),), ONE

    def sources(self, shapes: Sequence[Shape], at: Shape) -> list[Box]:
        return [one_place(tuple(map(int, np.unravel_index(at[0], shapes[0]))))]

    def targets(self, shapes: Sequence[Shape], _k: int, at: Shape) -> Box:
        return one_place((int(np.ravel_multi_index(at, shapes[0])),))
