"""Reshape: the same numbers in another shape, in the order of rows, columns, channels.

    y = x.reshape(N, *shape)
    delta     dy = dx, in the same shape
    backward  gx = gy, in the shape of the input

`numpy.reshape` of one image. Flatten is Reshape((-1,)).
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from handmade.engine.arguments import refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.axes import as_integers
from handmade.engine.layers.channel import EVERY, Channel
from handmade.engine.layers.rearrangement import Rearrangement


@dataclass(frozen=True, eq=False)
class Reshape(Rearrangement):
    """Images in another shape, in C order.

    Parameters
    ----------
    shape : tuple of int
        Shape of one image of the output, without the batch axis. One size may be -1: the size that fits.

    Raises
    ------
    HandmadeError
        If the shape holds other numbers than sizes and one -1; from `output_shape`, if it does not fit an image.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("shape",)
    REQUIRED: ClassVar[tuple[str, ...]] = ("shape",)

    shape: Shape

    def __post_init__(self) -> None:
        sizes = as_integers(self.shape, "Reshape: shape", "(-1,)")
        if any(size == 0 or size < -1 for size in sizes) or sizes.count(-1) > 1:
            raise refused("Reshape: shape", "sizes above 0, one of which may be -1", str(sizes), "(-1,)")
        object.__setattr__(self, "shape", sizes)

    def output_shape(self, shape: Shape) -> Shape:
        numbers, known = math.prod(shape), math.prod(size for size in self.shape if size > 0)
        if numbers % known or (-1 not in self.shape and numbers != known):
            raise HandmadeError(
                f"Reshape: expected a shape for the {numbers:,} numbers of one image {tuple(shape)}; got {self.shape}. Try (-1,)"
            )
        return tuple(numbers // known if size == -1 else size for size in self.shape)

    def rearranged(self, places: Array) -> Array:
        return places.reshape(self.shape)

    def forward(self, x: Array) -> Array:
        return x.reshape(len(x), *self.output_shape(x.shape[1:]))

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        if channel == EVERY:
            return dx.reshape(len(x), *self.output_shape(x.shape[1:]), *dx.shape[x.ndim :])
        return super().delta(x, dx, channel)
