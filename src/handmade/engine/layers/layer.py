"""What a layer is: a frozen value (its arrays and its settings) and pure functions of its input.

    forward   y  = f(x)
    delta     dy = f(x + dx) - f(x)          exact, computed without subtracting two outputs
    backward  <gx, dx> = <gy, delta(x, dx)>  for ever smaller dx: the transpose of delta

Two extensions let many differences go through together. A nudge of one weight moves one channel of that layer's output, so a
difference may live in one channel: `dx` then has the shape of `x[..., channel]` and is zero in all others. And `dx` may have
one axis more than `x`, at the end, which counts nudges: what one nudge does to one number of x stands side by side with what
the others do to it, and is moved through memory as a block.

What only some layers have or do is a protocol of its own below: a layer has it by having its methods.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Protocol, Self, TypeAlias, TypeGuard, runtime_checkable

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.inheritance import defined_together
from handmade.engine.terms import Term

Channel: TypeAlias = slice
EVERY: Channel = slice(None)


def only(c: int) -> Channel:
    """The channel number c, as the slice that keeps its axis."""
    return slice(c, c + 1)


def beside(x: Array, dx: Array, channel: Channel) -> Array:
    """The part of x that dx belongs to, with an axis for the nudges if dx has one."""
    part = x[..., channel]
    return part[..., None] if dx.ndim > x.ndim else part


def spread(x: Array, dx: Array, channel: Channel) -> Array:
    """A difference of x that lives in one channel, written out in full: zeros in all the others."""
    if channel == EVERY:
        return dx
    dense = np.zeros((*x.shape, *dx.shape[x.ndim :]), dx.dtype)
    dense[(slice(None),) * (x.ndim - 1) + (channel,)] = dx
    return dense


class Layer(Protocol):
    """The least that a layer must be. Shapes are those of one image, without the batch axis."""

    SETTINGS: ClassVar[tuple[str, ...]]

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of the output for an input of `shape`; raises HandmadeError when they do not fit."""
        ...

    def forward(self, x: Array) -> Array:
        """y, (N, *output_shape), for x, (N, *shape)."""
        ...

    def delta(self, x: Array, dx: Array) -> Array:
        """forward(x + dx) - forward(x), exactly; dx has the shape of x."""
        ...

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        """gx, and the gradient of every weight array by name, from gy: the gradient with respect to the output at x."""
        ...

    def settings(self) -> dict[str, Any]:
        """What describes the layer beside its input shape, ready for JSON: one entry a name in SETTINGS."""
        ...


@runtime_checkable
class Channelwise(Protocol):
    """A layer with a shortcut: it takes many nudges together, and differences that live in one channel."""

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        """As in Layer, for dx (*x[..., channel].shape, nudges) too."""
        ...

    def output_channel(self, channel: Channel, shape: Shape) -> Channel:
        """Where the output's difference lives when the input's, of `shape`, lives in `channel`."""
        ...


@runtime_checkable
class Explained(Protocol):
    """A layer that tells how each of its numbers is made."""

    def receipt(self, x: Array, at: Shape) -> Term:
        """The number at the place `at` of the output, as a tree of terms, for one image x without the batch axis.

        The layer calls its input "input", and its weights by their names; it is the network that knows what people call them.
        """
        ...


@runtime_checkable
class Weighted(Protocol):
    """A layer with weights: its own, or those of the layers that it is made of.

    The last axis of every weight array is the output channel that it feeds. So all weights of a channel, one under the
    other in the order of `parameters`, make a *column*, and a nudge of any of them moves that channel alone.
    """

    def parameters(self) -> dict[str, Array]:
        """The weight arrays by name."""
        ...

    def replace(self, parameters: dict[str, Array]) -> Self:
        """The same layer with other weights; arrays that keep statistics go by their names too."""
        ...


@runtime_checkable
class Nudgeable(Weighted, Protocol):
    """A layer with weights that knows by itself what nudges of them do."""

    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        """For each output channel, how it moves when the weights of its column are nudged by h, each on its own.

        Yields
        ------
        channel : slice
            The output channel that moves.
        dy : Array, (N, *output_shape[:-1], 1, weights in the column)
            Its exact differences. Not to be written to: channels may share it.
        """
        ...


@runtime_checkable
class Halved(Weighted, Protocol):
    """A layer with weights whose `backward` comes in two halves, so that one can be left out or done elsewhere."""

    def input_gradient(self, x: Array, gy: Array) -> Array:
        """gx alone."""
        ...

    def weight_gradients(self, x: Array, gy: Array) -> dict[str, Array]:
        """What `backward` returns beside it."""
        ...


@runtime_checkable
class Staged(Protocol):
    """A layer that does something else in training; as it is, it is for inference."""

    def in_training(self, images: int, shape: Shape, rng: "np.random.Generator") -> Layer:
        """The layer for one training batch of so many images, of `shape` each when they reach it.

        It has the same weights. Raises HandmadeError if it cannot be trained on such a batch.
        """
        ...


@runtime_checkable
class PerImage(Protocol):
    """A layer that may hold something for each image of one batch."""

    @property
    def images(self) -> int | None:
        """How many images it is made for; None: any number."""
        ...

    def of(self, images: slice) -> Layer:
        """The layer for some of them."""
        ...


@runtime_checkable
class Coupling(Protocol):
    """A layer that may couple the images of a batch: what it makes of one depends on the others."""

    @property
    def couples(self) -> bool:
        """Whether it does so, as it is."""
        ...


@runtime_checkable
class Observant(Weighted, Protocol):
    """A layer that keeps statistics of what passed through it in training: arrays that are no weights."""

    def statistics(self) -> dict[str, Array]:
        """Those arrays by name."""
        ...

    def observe(self, x: Array) -> tuple[Array, dict[str, Array]]:
        """forward(x), and the statistics moved towards those of this batch; none from a layer that is not in training."""
        ...


@runtime_checkable
class Composite(Protocol):
    """A layer that is made of layers."""

    @property
    def branches(self) -> dict[str, tuple[Layer, ...]]:
        """Layers one after the other, by the name of their branch; all branches read the input, their outputs add up."""
        ...


# What `isinstance` tells of these protocols, a hundred times as fast: the gradients ask for every block of images.


def is_channelwise(layer: Layer) -> TypeGuard[Channelwise]:
    """Whether it takes differences by channel."""
    return hasattr(layer, "output_channel")


def is_nudgeable(layer: Layer) -> TypeGuard[Nudgeable]:
    """Whether it knows what nudges of its weights do."""
    return hasattr(layer, "nudges")


def is_halved(layer: Layer) -> TypeGuard[Halved]:
    """Whether its backward comes in two halves: its own, and not a parent's beside a backward that it has overridden."""
    return defined_together(type(layer), "backward", "input_gradient", "weight_gradients")


def is_composite(layer: Layer) -> TypeGuard[Composite]:
    """Whether it is made of layers."""
    return hasattr(layer, "branches")


def moved(layer: Layer, x: Array, dx: Array, channel: Channel) -> tuple[Array, Channel]:
    """Where a difference goes from any layer: dy and its channel.

    A layer without a shortcut of its own gets the difference written out in full, one nudge at a time.
    """
    if is_channelwise(layer):
        return layer.delta(x, dx, channel), layer.output_channel(channel, x.shape[1:])
    dense = spread(x, dx, channel)
    if dx.ndim == x.ndim:
        return layer.delta(x, dense), EVERY
    return np.stack([layer.delta(x, dense[..., n]) for n in range(dense.shape[-1])], axis=-1), EVERY
