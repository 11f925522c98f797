"""Layer: a frozen value (its arrays and settings) with pure functions of its input.

    forward   y  = f(x)
    delta     dy = f(x + dx) - f(x)          exact, computed without subtracting two outputs
    backward  <gx, dx> = <gy, delta(x, dx)>  as dx goes to 0: the transpose of delta

The defaults below hold for most layers; a layer overrides the others. `forward` and `delta` are required; `backward` is needed
for backpropagation, `receipt` for receipts. A subclass that overrides the equations needs nothing else: shortcuts are registered
in `registry.py` for the exact type, and are not inherited.
"""

import copy
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.printable import ShortRepr, as_plain, setting
from handmade.engine.terms import Term

if TYPE_CHECKING:
    import numpy as np

Input: TypeAlias = Any  # an array (N, *shape); for a layer that joins, a tuple of arrays, one for each activation it reads


class Layer(ShortRepr, ABC):
    """Base class of layers.

    Shapes are those of one image, without the batch axis. A join gets tuples of shapes, arrays and differences.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ()  # names of the settings, as arguments of `init`
    REQUIRED: ClassVar[tuple[str, ...]] = ()  # names of the settings without a default
    WEIGHTS: ClassVar[tuple[str, ...]] = ()  # names of the arrays that are trained
    STATISTICS: ClassVar[tuple[str, ...]] = ()  # names of the arrays of running statistics
    joins: ClassVar[bool] = False  # True if it reads several activations

    @abstractmethod
    def forward(self, x: Input) -> Array:
        """Return y, (N, *output_shape)."""

    @abstractmethod
    def delta(self, x: Input, dx: Input) -> Array:
        """Return forward(x + dx) - forward(x), exactly; dx has the shape of x."""

    def backward(self, x: Input, gy: Array) -> tuple[Any, dict[str, Array]]:
        """Return gx, and the gradients of the weight arrays by name; gy is the gradient with respect to the output at x."""
        raise HandmadeError(f"expected {self.kind} to have a method backward; it has none. Try gradients.difference")

    def receipt(self, x: Input, at: Shape) -> Term:
        """Return the number at place `at` of the output as a tree of terms, for one image x without the batch axis.

        The layer calls its input "input" (a join: "input0", "input1", ...) and its arrays by their names.
        """
        raise HandmadeError(f"expected {self.kind} to have a method receipt; it has none")

    def _summary(self) -> str:
        return ", ".join(setting(name, value) for name, value in self.settings().items())

    @property
    def kind(self) -> str:
        """Name of the class."""
        return type(self).__name__

    @classmethod
    def init(cls, *_: Any, **settings: Any) -> Self:
        """Return a new layer from (rng, channels of its input, dtype=..., **settings)."""
        return cls(**{name: value for name, value in settings.items() if name in cls.SETTINGS})

    @classmethod
    def restore(cls, arrays: dict[str, Array], settings: dict[str, Any]) -> Self:
        """Return the layer from its arrays and its `settings`."""
        return cls(**(arrays | settings))

    def settings(self) -> dict[str, Any]:
        """Return the settings of the layer as plain data, ready for JSON."""
        return {name: as_plain(getattr(self, name)) for name in self.SETTINGS}

    def output_shape(self, shape: Any) -> Shape:
        """Return the shape of the output for an input of `shape`; raise HandmadeError if they do not fit."""
        return tuple(shape)

    def parameters(self) -> dict[str, Array]:
        """Return the weight arrays by name. The last axis of each is the output channel that it feeds."""
        return {name: getattr(self, name) for name in self.WEIGHTS}

    def statistics(self) -> dict[str, Array]:
        """Return the arrays of running statistics, by name."""
        return {name: getattr(self, name) for name in self.STATISTICS}

    def replace(self, arrays: dict[str, Array]) -> Self:
        """Return the same layer with other weights or statistics."""
        other = copy.copy(self)
        other.__dict__.update(arrays)
        return other

    @property
    def mixes_batch(self) -> bool:
        """True if the output of one image depends on the other images."""
        return False

    @property
    def images(self) -> int | None:
        """Number of images of the batch that the layer is made for; None for any number."""
        return None

    def in_training(self, images: int, shape: Any, rng: "np.random.Generator") -> Self:
        """Return the layer for one training batch of `images` images; `shape` is the input shape of the layer."""
        return self

    def for_images(self, images: slice) -> Self:
        """Return the layer for some images of its batch."""
        return self

    def update_statistics(self, x: Input) -> dict[str, Array]:
        """Return the running statistics, moved towards those of this training batch."""
        return {}
