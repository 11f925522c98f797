"""Network: layers one after the other. A forward pass returns its tape: every activation, the input first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from handmade.engine.arrays import Array, Shape, whole
from handmade.engine.errors import HandmadeError
from handmade.engine.fused import Link, fuse
from handmade.engine.layers import Layer, chain
from handmade.engine.memory import keep_freed_memory

IMAGES_AT_ONCE = 32  # in a pass that keeps no tape: enough for the BLAS, few enough for the cache


@dataclass(frozen=True, eq=False)
class Network:
    """A value: to change a weight is to make another network.

    As it is, a network is for inference; `in_training` gives the one for a training batch, which has the same weights.

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
        return chain.shapes(self.layers, self.input_shape)

    @cached_property
    def links(self) -> dict[int, Link]:
        """The layers as what is worked out together: each link by the number of its first layer."""
        return fuse(self.layers)

    @property
    def names(self) -> tuple[str, ...]:
        """What people call the layers: conv1, relu1, pool1, ..., in the order of the layers."""
        return chain.names(self.layers)

    def called(self, array: str) -> str:
        """What people call an array of `parameters`: conv1.W for "0.W", residual1.block.conv1.W for "3.block.0.W"."""
        return chain.called(self.layers, array)

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
        return chain.parameters(self.layers)

    def statistics(self) -> dict[str, Array]:
        """All arrays that are kept and are no weights, named in the same way: the running statistics of BatchNorm2d."""
        return chain.statistics(self.layers)

    def replace(self, parameters: dict[str, Array]) -> Self:
        """The same network with other weights, or other statistics; those that are not named stay.

        Raises
        ------
        HandmadeError
            If a name is unknown or an array has another shape than the one it replaces.
        """
        now = self.parameters() | self.statistics()
        for name, array in parameters.items():
            if name not in now:
                raise HandmadeError(f"replace wants names among {', '.join(now)}; got {name!r}")
            if array.shape != now[name].shape:
                raise HandmadeError(f"{name} wants the shape {now[name].shape}; got {array.shape}")
        return replace(self, layers=chain.replaced(self.layers, parameters))

    def in_training(self, images: int, rng: "np.random.Generator") -> Self:
        """The network for one training batch: Dropout forgets, BatchNorm2d takes the statistics of the batch.

        Parameters
        ----------
        images : int
            How many there are in the batch.
        rng : np.random.Generator
            Draws what is forgotten. Nothing is drawn, and the network itself returned, where no layer is another in training.

        Raises
        ------
        HandmadeError
            If a layer cannot be trained on such a batch.
        """
        return self._with(chain.in_training(self.layers, whole(images, "images", 1), self.input_shape, rng))

    def of(self, images: slice) -> Self:
        """The network for some images of its batch; itself, unless it holds something for each image."""
        return self._with(chain.of(self.layers, images))

    @property
    def couples(self) -> bool:
        """Whether the images of a batch depend on one another, as they do under a BatchNorm2d in training."""
        return chain.couples(self.layers)

    def observe(self, x: Array) -> dict[str, Array]:
        """The statistics of a network in training, moved towards those of the batch x, (N, *input_shape), by one pass.

        Empty, at no cost, where there are none; `replace` takes them.
        """
        if not self.couples:
            return {}
        self.check_images(x)
        return chain.observe(self.layers, x)[1]

    def _with(self, layers: chain.Layers) -> Self:
        return self if layers is self.layers else replace(self, layers=layers)

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
        return chain.tape(self.layers, x)

    def logits(self, x: Array) -> Array:
        """The last activation, (N, classes), for any number of images; the others are not kept."""
        self.check_images(x)
        keep_freed_memory()
        if len(x) <= IMAGES_AT_ONCE or self.couples:
            return self._output(x)
        blocks = [slice(first, first + IMAGES_AT_ONCE) for first in range(0, len(x), IMAGES_AT_ONCE)]
        return np.concatenate([self.of(block)._output(x[block]) for block in blocks])  # noqa: SLF001  of its own kind

    def _output(self, x: Array) -> Array:
        for link in self.links.values():
            x = link.forward(x)
        return x

    def predict(self, x: Array) -> Array:
        """The number of the class with the largest logit, (N,) int64; raises HandmadeError if there are no logits."""
        _ = self.classes
        numbers: Array = self.logits(x).argmax(axis=-1)
        return numbers

    def check_images(self, x: Array) -> None:
        """Raise HandmadeError unless x is a batch of images for this network, of floats and not empty, or of another number."""
        if x.ndim == 0 or x.shape[1:] != self.input_shape or len(x) == 0:
            wanted = ", ".join(map(str, ("N", *self.input_shape)))
            hint = " Try handmade.data.prepare(images)." if x.dtype == np.uint8 else ""
            hint = " For one image, try x[None]." if x.shape == self.input_shape else hint
            raise HandmadeError(f"the network wants images ({wanted}) with N of at least 1; got {x.shape}.{hint}")
        if x.dtype.kind != "f":
            raise HandmadeError(f"the network wants images of floats; got {x.dtype}. Try handmade.data.prepare(images).")
        batch = chain.made_for(self.layers)
        if batch not in (None, len(x)):
            raise HandmadeError(
                f"the network in training is made for a batch of {batch} images; got {len(x)}. Try in_training again"
            )
