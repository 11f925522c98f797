"""Affine: y = s x + t, with constants s and t.

    delta     dy = s dx
    backward  gx = s gy

The constants are arrays that training does not change, such as numbers that a network of another library multiplies or adds.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.arguments import as_dtype, as_weight_arrays, integer, refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.initialisation import check_size
from handmade.engine.layers.channel import EVERY, Channel
from handmade.engine.layers.connections import Derivatives
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, stored

ADVICE = "handmade.Affine(np.ones(8), np.zeros(8)), for 8 channels"


@dataclass(frozen=True, eq=False)
class Affine(Layer):
    """Constants times the input, plus constants.

    Parameters
    ----------
    scale, shift : Array
        Constants s and t. Each broadcasts, as in NumPy, to the shape of one image: () for one number, (C,) for one a channel.

    Raises
    ------
    HandmadeError
        If one is no array of numbers, or, from `output_shape`, if one does not broadcast to the shape of the input.
    """

    STATISTICS: ClassVar[tuple[str, ...]] = ("scale", "shift")

    scale: Array
    shift: Array

    def __post_init__(self) -> None:
        arrays = as_weight_arrays("Affine", {name: getattr(self, name) for name in self.STATISTICS}, ADVICE)
        for name, array in zip(self.STATISTICS, arrays, strict=True):
            object.__setattr__(self, name, array)
        if not all(array.size for array in arrays):
            raise refused(
                "Affine", "a scale and a shift of at least one number", f"{self.scale.shape}, {self.shift.shape}", ADVICE
            )

    @classmethod
    def init(
        cls,
        rng: "np.random.Generator | int",  # noqa: ARG003  as in the other layers: nothing is drawn here
        channels: int,
        dtype: DTypeLike = np.float32,
    ) -> Self:
        """Return a new layer that changes nothing: scale 1 and shift 0 for each channel."""
        size, floats = integer(channels, "channels", 1), as_dtype(dtype)
        check_size((size,))
        return cls(np.ones(size, floats), np.zeros(size, floats))

    def output_shape(self, shape: Shape) -> Shape:
        for name in self.STATISTICS:
            constants: Array = getattr(self, name)
            fits = len(constants.shape) <= len(shape) and all(
                own in (1, size) for own, size in zip(constants.shape[::-1], shape[::-1], strict=False)
            )
            if not fits:
                raise HandmadeError(f"Affine: expected a {name} that broadcasts to {tuple(shape)}; got {constants.shape}")
        return tuple(shape)

    def forward(self, x: Array) -> Array:
        y: Array = self.scale * x + self.shift
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        """Return s dx; it does not depend on x."""
        scale: Any = self.scale
        if scale.ndim and scale.shape[-1] > 1:
            scale = scale[..., channel]
        dy: Array = (scale[..., None] if dx.ndim > x.ndim else scale) * dx
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return self.scale * gy, {}

    def receipt(self, x: Array, at: Shape) -> Term:
        product = self._constant("scale", at) * stored(x[at], "input", *at)
        return (product + self._constant("shift", at)).named("scale x + shift")

    def derivatives(self, _x: Array, _k: int, at: Shape) -> Derivatives:
        yield at, self._constant("scale", at)

    def _constant(self, name: str, at: Shape) -> Term:
        constants: Array = getattr(self, name)
        last = at[len(at) - constants.ndim :]
        place = tuple(0 if size == 1 else i for size, i in zip(constants.shape, last, strict=True))
        return stored(constants[place], name, *place)
