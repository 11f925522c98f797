"""How differences get over each layer, once it is known what the layer's input is.

A hop is a layer's `delta` with the input filled in. A ReLU and a pool are taken by their steady choices instead
(`steady.py`), both at once where they stand side by side. A Residual is a fork: both of its branches are paths of their own.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Self, TypeAlias

from handmade.engine.arrays import Array, Shape
from handmade.engine.gradients.blank import Blank, along
from handmade.engine.gradients.steady import Choices
from handmade.engine.gradients.tail import Tail
from handmade.engine.layers import (
    EVERY,
    Channel,
    Channelwise,
    Composite,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Nudgeable,
    ReLU,
    Residual,
    chain,
    is_channelwise,
    is_nudgeable,
    moved,
)
from handmade.engine.layers.residual import added

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


@dataclass(frozen=True, eq=False)
class Path:
    """Layers one after the other, their tape, and the hops over them."""

    layers: tuple[Layer, ...]
    tape: list[Array]
    over: list[Hop]

    @classmethod
    def of(cls, layers: tuple[Layer, ...], x: Array, blank: Blank | None = None) -> Self:
        """The path that begins at x; at the images themselves, it is plain to see where they are blank."""
        tape = chain.tape(layers, x)
        return cls(layers, tape, hops(layers, tape, along(layers, blank)))

    def starts(self, prefix: str = "", rest: Sequence[Hop] = ()) -> Iterator[tuple[str, Nudgeable, Array, list[Hop]]]:
        """Where nudges begin: how the names of the layer's arrays begin, the layer, its input, and all hops after it."""
        for i, (layer, hop) in enumerate(zip(self.layers, self.over, strict=True)):
            after = [*self.over[i + 1 :], *rest]
            if isinstance(hop, Fork):
                for branch, path in hop.paths.items():
                    yield from path.starts(f"{prefix}{i}.{branch}.", after)
            elif is_nudgeable(layer):
                yield f"{prefix}{i}.", layer, self.tape[i], after


class Fork:
    """Over a Residual: along both branches, and the sum of what arrives. A nudge within a branch leaves the other alone."""

    def __init__(self, layer: Composite, x: Array, blank: Blank | None = None) -> None:
        self.paths = {branch: Path.of(layers, x, blank) for branch, layers in layer.branches.items()}

    def __call__(self, start: Moved) -> Moved:
        """Both branches make no difference larger than the sum of what each may make of it."""
        block, shortcut = (reduce(hopped, path.over, start) for path in self.paths.values())
        y = self.paths["block"].tape[-1]
        dy, channel = added(y, (block.dx, block.channel), (shortcut.dx, shortcut.channel))
        return Moved(dy, channel, ROUNDING * (block.largest + shortcut.largest))


def hops(layers: Sequence[Layer], tape: Sequence[Array], blank: Sequence[Blank | None] | None = None) -> list[Hop]:
    """One hop for each layer, at the inputs on the tape, which may be blank in places.

    Of a ReLU and a pool side by side, the second is a standstill; so are Flatten and Linear after them.
    """
    over: list[Hop] = []
    while len(over) < len(layers):
        x, layer = tape[len(over)], layers[len(over)]
        paper = blank[len(over)] if blank else None
        pair = layers[len(over) : len(over) + 2]
        kinds = {type(each) for each in pair}  # not of their subclasses, which may do something else
        if type(layer) in {ReLU, MaxPool2d}:
            over += _choosing(layers[len(over) :], x, paper, both=kinds == {ReLU, MaxPool2d})
        elif isinstance(layer, Residual):
            over.append(Fork(layer, x, paper))
        elif type(layer) is Linear:
            over.append(Straight(layer))
        elif is_channelwise(layer):
            over.append(_by_channel(layer, x))
        else:
            over.append(_in_full(layer, x))
    return over


def _choosing(layers: Sequence[Layer], x: Array, blank: Blank | None, *, both: bool) -> list[Hop]:
    """Over a ReLU, a pool or both; with Flatten and Linear after them, to the end of those."""
    chosen, rest = (layers[:2], layers[2:4]) if both else (layers[:1], layers[1:3])
    pool = next((layer for layer in chosen if isinstance(layer, MaxPool2d)), None)
    choices = Choices(x, pool, relu=any(isinstance(layer, ReLU) for layer in chosen), blank=blank)
    if [type(layer) for layer in rest] == [Flatten, Linear]:
        return [_through(choices, chain.shapes(tuple(chosen), x.shape[1:])[-1], rest[1]), *[_stay] * (len(chosen) + 1)]
    return [_chosen(choices), *[_stay] * (len(chosen) - 1)]


def _chosen(choices: Choices) -> Hop:
    """A choice makes no difference larger."""
    return lambda start: Moved(choices.delta(start.dx, start.channel, start.largest), start.channel, start.largest)


def _through(choices: Choices, shape: Shape, layer: Layer) -> Hop:
    assert isinstance(layer, Linear)
    tail = Tail(choices, shape, layer)
    return lambda start: Moved(tail.delta(start.dx, start.channel, start.largest), EVERY)


def _stay(start: Moved) -> Moved:
    return start


def _by_channel(layer: Channelwise, x: Array) -> Hop:
    """With the layer's own shortcut. What a convolution makes is so large that its bound is cheaper than a look at all of it."""

    def hop(start: Moved) -> Moved:
        bound = ROUNDING * layer.gain(start.channel) * start.largest if type(layer) is Conv2d else None
        return Moved(layer.delta(x, start.dx, start.channel), layer.output_channel(start.channel, x.shape[1:]), bound)

    return hop


@dataclass(frozen=True, eq=False)
class Straight:
    """Over a linear layer. A difference of a single input moves all outputs along one line, and the loss may like to know."""

    layer: Linear

    def __call__(self, start: Moved) -> Moved:
        return Moved(self.layer.delta(start.dx[..., 0], start.dx, start.channel), EVERY)

    def line(self, start: Moved) -> tuple[Array, Array] | None:
        """The direction v, (out,), and how far along it, d (N, nudges), if it is one line."""
        if start.channel == EVERY or start.dx.shape[1] != 1:
            return None
        return self.layer.W[start.channel][0], start.dx[:, 0]


def _in_full(layer: Layer, x: Array) -> Hop:
    """Where a layer has no shortcut."""
    return lambda start: Moved(*moved(layer, x, start.dx, start.channel))


def hopped(start: Moved, hop: Hop) -> Moved:
    """One hop further."""
    return hop(start)
