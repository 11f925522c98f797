"""Expand: copies of an image along new axes, and along axes of size 1.

    y = x, broadcast with an array of the given shape
    delta     dy = dx, broadcast in the same way
    backward  gx = sum of gy over all copies

`numpy.broadcast_to` of one image: sizes are compared from the last axis backwards, and a size of 1 fits every other.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from handmade.engine.arguments import as_shape
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.rearrangement import Rearrangement


@dataclass(frozen=True, eq=False)
class Expand(Rearrangement):
    """Copies of images along axes of size 1 and new first axes.

    Parameters
    ----------
    shape : tuple of int
        Shape that one image is broadcast with, without the batch axis. A size of 1 keeps that of the image.

    Raises
    ------
    HandmadeError
        If a size is below 1; from `output_shape`, if NumPy cannot broadcast an image with this shape.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("shape",)
    REQUIRED: ClassVar[tuple[str, ...]] = ("shape",)

    shape: Shape

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", as_shape(self.shape, "Expand: shape", "(3, 1, 1)"))

    def output_shape(self, shape: Shape) -> Shape:
        try:
            return np.broadcast_shapes(tuple(shape), self.shape)
        except ValueError:
            raise HandmadeError(
                f"Expand: expected images that can be broadcast with the shape {self.shape}; got {tuple(shape)}"
            ) from None

    def rearranged(self, places: Array) -> Array:
        return np.broadcast_to(places, self.output_shape(places.shape))
