"""Transpose: the axes of an image in another order.

    y[n, i_(axes[0]), i_(axes[1]), ...] = x[n, i_0, i_1, ...]
    delta     dy = dx, with its axes in the same order
    backward  gx = gy, with its axes back in their old order

`numpy.transpose` of one image.
"""

from dataclasses import dataclass
from typing import ClassVar

from handmade.engine.arguments import refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.axes import as_integers
from handmade.engine.layers.rearrangement import Rearrangement


@dataclass(frozen=True, eq=False)
class Transpose(Rearrangement):
    """Images with their axes in another order.

    Parameters
    ----------
    axes : tuple of int
        Axis of the input for each axis of the output; axis 0 is the first after the batch axis.

    Raises
    ------
    HandmadeError
        If the axes are not 0, 1, 2, ... in some order; from `output_shape`, if an image has another number of axes.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("axes",)
    REQUIRED: ClassVar[tuple[str, ...]] = ("axes",)

    axes: tuple[int, ...]

    def __post_init__(self) -> None:
        axes = as_integers(self.axes, "Transpose: axes", "(2, 0, 1)")
        if sorted(axes) != list(range(len(axes))):
            raise refused("Transpose: axes", f"the integers from 0 to {len(axes) - 1} in some order", str(axes), "(2, 0, 1)")
        object.__setattr__(self, "axes", axes)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != len(self.axes):
            advice = tuple(reversed(range(len(shape))))
            raise HandmadeError(f"Transpose: expected images with {len(self.axes)} axes; got {tuple(shape)}. Try {advice}")
        return tuple(shape[axis] for axis in self.axes)

    def rearranged(self, places: Array) -> Array:
        return places.transpose(self.axes)
