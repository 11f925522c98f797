"""What a layer is: a frozen value (its arrays and its settings) and pure functions of its input.

    forward   y  = f(x)
    delta     dy = f(x + dx) - f(x)          exact, computed without subtracting two outputs
    backward  <gx, dx> = <gy, delta(x, dx)>  for ever smaller dx: the transpose of delta

Two extensions let many differences go through together. A nudge of one weight moves one channel of that layer's output, so a
difference may live in one channel: `dx` then has the shape of `x[..., channel]` and is zero in all others. And `dx` may have
one axis more than `x`, at the end, which counts nudges: what one nudge does to one number of x stands side by side with what
the others do to it, and is moved through memory as a block.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np

from handmade.engine.arrays import Array, Shape

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
class Weighted(Protocol):
    """A layer with weights.

    The last axis of every weight array is the output channel that it feeds. So all weights of a channel, one under the
    other in the order of `parameters`, make a *column*, and a nudge of any of them moves that channel alone.
    """

    def parameters(self) -> dict[str, Array]:
        """The weight arrays by name."""
        ...

    def replace(self, parameters: dict[str, Array]) -> Self:
        """The same layer with other weights, all of them."""
        ...

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
