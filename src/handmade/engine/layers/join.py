"""Join: base class of layers that read several activations. Their x is a tuple of arrays."""

from dataclasses import dataclass
from typing import ClassVar

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, stored


@dataclass(frozen=True, eq=False)
class Join(Layer):
    """Layer that joins activations of one shape, element by element."""

    joins: ClassVar[bool] = True

    def output_shape(self, shape: tuple[Shape, ...]) -> Shape:
        if len(set(shape)) > 1:
            raise HandmadeError(
                f"{self.kind}: expected activations of one shape; got {shapes_of(shape)}. "
                "Try a padding in one branch, or a 1 x 1 Conv2d in the other"
            )
        return shape[0]

    @staticmethod
    def terms(x: tuple[Array, ...], at: Shape) -> list[Term]:
        """Return the terms of the numbers at one place of all activations."""
        return [stored(x_k[at], f"input{k}", *at) for k, x_k in enumerate(x)]


@dataclass(frozen=True, eq=False)
class Pair(Join):
    """Layer that joins two activations of one shape, element by element."""

    def output_shape(self, shape: tuple[Shape, ...]) -> Shape:
        if len(shape) != 2:
            raise HandmadeError(
                f"{self.kind}: expected two activations to read; got {len(shape)}. Try Node(name, {self.kind}(), [a, b])"
            )
        return super().output_shape(shape)


def shapes_of(shapes: tuple[Shape, ...], most: int = 5) -> str:
    """Return some shapes for a message."""
    return ", ".join(map(str, shapes[:most])) + ", ..." * (len(shapes) > most)
