"""How differences get over each layer, once it is known what the layer's input is.

A hop is a layer's `delta` with the input filled in. A ReLU and a pool are taken by their steady choices instead
(`steady.py`), both at once where they stand side by side.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.gradients.steady import Choices
from handmade.engine.layers import EVERY, Channel, Channelwise, Conv2d, Layer, MaxPool2d, ReLU, spread

ROUNDING = 1.001  # room for the rounding of a bound


@dataclass(frozen=True, eq=False)
class Moved:
    """What a block of nudges does to one activation: a difference, its channel, and a bound on |dx| where one is known."""

    dx: Array
    channel: Channel
    bound: float | None = None

    @cached_property
    def largest(self) -> float:
        """The bound; where none is known, the largest |dx|, without writing |dx| down."""
        return float(max(self.dx.max(), -self.dx.min())) if self.bound is None else self.bound


Hop: TypeAlias = Callable[[Moved], Moved]


def hops(layers: Sequence[Layer], tape: Sequence[Array]) -> list[Hop]:
    """One hop for each layer, at the inputs on the tape. Of a ReLU and a pool side by side, the second is a standstill."""
    over: list[Hop] = []
    while len(over) < len(layers):
        x, layer = tape[len(over)], layers[len(over)]
        pair = layers[len(over) : len(over) + 2]
        kinds = {type(each) for each in pair}  # not of their subclasses, which may do something else
        if kinds == {ReLU, MaxPool2d}:
            pool = next(each for each in pair if isinstance(each, MaxPool2d))
            over += [_chosen(Choices(x, pool, relu=True)), _stay]
        elif type(layer) is ReLU:
            over.append(_chosen(Choices(x, None, relu=True)))
        elif type(layer) is MaxPool2d:
            over.append(_chosen(Choices(x, layer, relu=False)))
        elif isinstance(layer, Channelwise):
            over.append(_by_channel(layer, x))
        else:
            over.append(_in_full(layer, x))
    return over


def _chosen(choices: Choices) -> Hop:
    """A choice makes no difference larger."""
    return lambda moved: Moved(choices.delta(moved.dx, moved.channel, moved.largest), moved.channel, moved.largest)


def _stay(moved: Moved) -> Moved:
    return moved


def _by_channel(layer: Channelwise, x: Array) -> Hop:
    """With the layer's own shortcut. What a convolution makes is so large that its bound is cheaper than a look at all of it."""

    def hop(moved: Moved) -> Moved:
        bound = ROUNDING * layer.gain(moved.channel) * moved.largest if type(layer) is Conv2d else None
        return Moved(layer.delta(x, moved.dx, moved.channel), layer.output_channel(moved.channel, x.shape[1:]), bound)

    return hop


def _in_full(layer: Layer, x: Array) -> Hop:
    """Where a layer has no shortcut: the difference written out, one nudge at a time."""

    def hop(moved: Moved) -> Moved:
        dense = spread(x, moved.dx, moved.channel)
        return Moved(np.stack([layer.delta(x, dense[..., n]) for n in range(dense.shape[-1])], axis=-1), EVERY)

    return hop
