"""Network: layers one after the other. A forward pass returns its tape: every activation, the input first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers import Layer, Weighted
from handmade.engine.memory import keep_freed_memory

IMAGES_AT_ONCE = 32  # in a pass that keeps no tape: enough for the BLAS, few enough for the cache


@dataclass(frozen=True, eq=False)
class Network:
    """A value: to change a weight is to make another network.

    Parameters
    ----------
    layers : sequence of layers
        In the order of the forward pass.
    input_shape : tuple of int
        The shape of one image; (30, 30, 1), a prepared digit, if left out.

    Raises
    ------
    HandmadeError
        If a layer does not fit what comes before it; the message names the layer.
    """

    layers: tuple[Layer, ...]
    input_shape: Shape = (30, 30, 1)

    def __init__(self, layers: Sequence[Layer], input_shape: Shape = (30, 30, 1)) -> None:
        object.__setattr__(self, "layers", tuple(layers))
        object.__setattr__(self, "input_shape", tuple(input_shape))
        _ = self.shapes

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of every activation on the tape, without the batch axis: the input's first."""
        shapes = [self.input_shape]
        for name, layer in zip(self.names, self.layers, strict=True):
            try:
                shapes.append(layer.output_shape(shapes[-1]))
            except HandmadeError as error:
                raise HandmadeError(f"layer {len(shapes) - 1} ({name}): {error}") from None
        return tuple(shapes)

    @property
    def names(self) -> tuple[str, ...]:
        """What people call the layers: conv1, relu1, pool1, ..., in the order of the layers."""
        seen: Counter[str] = Counter()
        names = []
        for layer in self.layers:
            kind = type(layer).__name__.lower().removesuffix("2d").removeprefix("max")
            seen[kind] += 1
            names.append(f"{kind}{seen[kind]}")
        return tuple(names)

    @property
    def classes(self) -> int:
        """How many logits there are; raises HandmadeError unless the network ends in a row of two or more."""
        if len(self.shapes[-1]) != 1 or self.shapes[-1][0] < 2:
            raise HandmadeError(
                f"the network wants to end in at least two logits; its output has the shape {self.shapes[-1]}. End it in Linear"
            )
        return self.shapes[-1][0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the weights, float32 or float64; float64 for a network without any."""
        return np.result_type(*self.parameters().values()) if self.parameters() else np.dtype(np.float64)

    @property
    def size(self) -> int:
        """How many weights there are, biases included."""
        return sum(array.size for array in self.parameters().values())

    def parameters(self) -> dict[str, Array]:
        """All weights, flat: "0.W" is W of layer 0."""
        return {
            f"{i}.{name}": array
            for i, layer in enumerate(self.layers)
            if isinstance(layer, Weighted)
            for name, array in layer.parameters().items()
        }

    def replace(self, parameters: dict[str, Array]) -> Self:
        """The same network with other weights; those that are not named stay.

        Raises
        ------
        HandmadeError
            If a name is unknown or an array has another shape than the one it replaces.
        """
        now = self.parameters()
        for name, array in parameters.items():
            if name not in now:
                raise HandmadeError(f"replace wants names among {', '.join(now)}; got {name!r}")
            if array.shape != now[name].shape:
                raise HandmadeError(f"{name} wants the shape {now[name].shape}; got {array.shape}")
        now |= parameters
        layers = [
            layer.replace({name: now[f"{i}.{name}"] for name in layer.parameters()}) if isinstance(layer, Weighted) else layer
            for i, layer in enumerate(self.layers)
        ]
        return replace(self, layers=tuple(layers))

    def forward(self, x: Array) -> list[Array]:
        """The tape of one pass: x, then the output of every layer; the logits come last.

        Parameters
        ----------
        x : Array, (N, *input_shape)

        Raises
        ------
        HandmadeError
            If x is not a batch of such images.
        """
        self.check_images(x)
        tape = [x]
        for layer in self.layers:
            tape.append(layer.forward(tape[-1]))
        return tape

    def logits(self, x: Array) -> Array:
        """The last activation, (N, classes), for any number of images; the others are not kept."""
        self.check_images(x)
        keep_freed_memory()
        blocks = [self.forward(x[first : first + IMAGES_AT_ONCE])[-1] for first in range(0, len(x), IMAGES_AT_ONCE)]
        return np.concatenate(blocks)

    def predict(self, x: Array) -> Array:
        """The number of the class with the largest logit, (N,) int64; raises HandmadeError if there are no logits."""
        _ = self.classes
        numbers: Array = self.logits(x).argmax(axis=-1)
        return numbers

    def check_images(self, x: Array) -> None:
        """Raise HandmadeError unless x is a batch of images for this network, of floats and not empty."""
        if x.ndim == 0 or x.shape[1:] != self.input_shape or len(x) == 0:
            wanted = ", ".join(map(str, ("N", *self.input_shape)))
            hint = " Try handmade.data.prepare(images)." if x.dtype == np.uint8 else ""
            hint = " For one image, try x[None]." if x.shape == self.input_shape else hint
            raise HandmadeError(f"the network wants images ({wanted}) with N of at least 1; got {x.shape}.{hint}")
        if x.dtype.kind != "f":
            raise HandmadeError(f"the network wants images of floats; got {x.dtype}. Try handmade.data.prepare(images).")
