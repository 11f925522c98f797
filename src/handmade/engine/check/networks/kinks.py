"""Units and windows that a nudge pushes across a kink, and the derivative that the conventions give there.

The nudge is followed through the tape, layer by layer. As a difference, it shows the units that switch. As a derivative, it uses
the conventional branch where two branches meet.

    switched   (layer, x, dx) -> True where the output takes another branch at x + dx than at x
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.graph import Node, Values, propagate_differences
from handmade.engine.layers import (
    ELU,
    Clip,
    GlobalMaxPool2d,
    HardSigmoid,
    LeakyReLU,
    MaxPool2d,
    ReLU,
    add_rules,
    rule,
    to_dense,
)
from handmade.engine.layers.propagate import nudges
from handmade.engine.losses import Loss
from handmade.engine.network import Network

SMALL = 1e-30  # step for layers without a slope rule: so small that the curvature disappears

Over: TypeAlias = Callable[[Node, Any, Any], Array]  # node, x, dx -> dy


@dataclass(frozen=True)
class Kink:
    """Place where a nudge switches a branch, or starts at the point where two branches meet.

    Attributes
    ----------
    layer : str
        Display name: relu1, or residual1.block.relu1.
    image : int
        Number of the image in the batch.
    place : tuple of int
        Position in the layer's output: row, column and channel.
    what : str
        Event at that place, as text.
    """

    layer: str
    image: int
    place: tuple[int, ...]
    what: str

    def __str__(self) -> str:
        return f"{self.layer}[{','.join(map(str, self.place))}] of image {self.image} {self.what}"


def kinks(network: Network, x: Array, name: str, index: tuple[int, ...], h: float) -> Iterator[Kink]:
    """Follow the nudge of one weight, by h to either side, through the network.

    Parameters
    ----------
    network : Network
    x : Array, (N, *network.input_shape)
    name, index
        Position of the weight: `network.parameters()[name][index]`.
    h : float
        The size of the nudge.

    Yields
    ------
    Kink
        Kinks of the upward nudge, in the order of the nodes, then those of the downward nudge.
    """
    tape = network.tape(x)
    for step in (h, -h):
        found: list[Kink] = []

        def over(node: Node, x_i: Any, dx: Any, found: list[Kink] = found) -> Array:
            switches = rule(node.layer, "kinks")
            if switches:
                found += switches(network.titles[node.name], node.layer, x_i, dx)
            dy: Array = node.layer.delta(x_i, dx)
            return dy

        _follow(network, tape, name, index, step, over)
        yield from found


def by_convention(network: Network, x: Array, y: Array, loss: Loss, name: str, index: tuple[int, ...]) -> float:
    """Return the derivative dL/dw by convention (relu'(0) = 0, leaky'(0) = slope, first maximum of a pool).

    Where several kinks meet, their contributions may have either sign. Then this number need not lie between the left derivative
    and the right one.
    """
    tape = network.tape(x)
    dz = _follow(network, tape, name, index, 1.0, _conventionally)
    return float((loss.backward(tape[network.logits_name], y) * dz).sum()) / len(x)


def _conventionally(node: Node, x: Any, dx: Any) -> Array:
    """Return the derivative of one node's output."""
    slope = rule(node.layer, "slope")
    small = tuple(SMALL * each for each in dx) if node.layer.joins else SMALL * dx
    dy: Array = slope(node.layer, x, dx) if slope else node.layer.delta(x, small) / SMALL
    return dy


def _follow(network: Network, tape: Values, name: str, index: tuple[int, ...], step: float, over: Over) -> Array:
    """Return the difference of the logits for the nudge of a weight."""
    start, array = network.owners[name]
    node = network.node(start)
    moved = nudges(node.layer).difference(node.inputs(tape), array, index, step)
    differences = propagate_differences(network.nodes, tape, start, to_dense(tape[start], moved.dx, moved.channel), over)
    dz: Array = differences.get(network.logits_name, np.zeros_like(tape[network.logits_name]))
    return dz


def _of_relu(name: str, _relu: object, x: Array, dx: Array) -> Iterator[Kink]:
    yield from _of_sides(name, np.sign(x), np.sign(x + dx), dx)


def _of_sides(name: str, before: Array, after: Array, dx: Array) -> Iterator[Kink]:
    """Yield the kinks of numbers whose sides of one kink are given: -1, 0 on it, or 1."""
    for n, *place in np.argwhere((dx != 0) & (before == 0)).tolist():
        yield Kink(name, n, tuple(place), "lies exactly on its kink")
    for n, *place in np.argwhere((before != 0) & ((before > 0) != (after > 0))).tolist():
        yield Kink(name, n, tuple(place), "crosses its kink")


def _of_elu(name: str, elu: ELU, x: Array, dx: Array) -> Iterator[Kink]:
    if elu.alpha != 1:
        yield from _of_relu(name, elu, x, dx)


def _of_bounds(name: str, layer: Clip | HardSigmoid, x: Array, dx: Array) -> Iterator[Kink]:
    for before, after in zip(layer.sides(x), layer.sides(x + dx), strict=True):
        yield from _of_sides(name, before, after, dx)


def _of_pool(name: str, pool: MaxPool2d | GlobalMaxPool2d, x: Array, dx: Array) -> Iterator[Kink]:
    pixels, moves = np.stack(list(pool.pixels(x, -np.inf))), np.stack(list(pool.pixels(dx, 0)))
    top = pixels == pixels.max(axis=0)
    tied = np.where(top, moves, np.inf).min(axis=0) < np.where(top, moves, -np.inf).max(axis=0)
    for n, *place in np.argwhere(tied).tolist():
        yield Kink(name, n, tuple(place), "has a tie, and its pixels move differently")
    deposed = ~tied & (pixels.argmax(axis=0) != (pixels + moves).argmax(axis=0))
    for n, *place in np.argwhere(deposed).tolist():
        yield Kink(name, n, tuple(place), "changes its winner")


def _slope_of_relu(_relu: object, x: Array, dx: Array) -> Array:
    dy: Array = dx * (x > 0)
    return dy


def _slope_of_leaky(leaky: LeakyReLU, x: Array, dx: Array) -> Array:
    dy: Array = dx * np.where(x > 0, 1, leaky.slope)
    return dy


def _slope_of_elu(elu: ELU, x: Array, dx: Array) -> Array:
    return elu.backward(x, dx)[0]


def _slope_of_bounds(layer: Clip | HardSigmoid, x: Array, dx: Array) -> Array:
    return layer.backward(x, dx)[0]


def _slope_of_pool(pool: MaxPool2d | GlobalMaxPool2d, x: Array, dx: Array) -> Array:
    winner = np.stack(list(pool.pixels(x, -np.inf))).argmax(axis=0)
    dy: Array = np.take_along_axis(np.stack(list(pool.pixels(dx, 0))), winner[None], axis=0)[0]
    return dy


def _switched_relu(_relu: object, x: Array, dx: Array) -> Array:
    """Return True where a number takes the other branch."""
    switched: Array = (x > 0) != (x + dx > 0)
    return switched


def _switched_elu(elu: ELU, x: Array, dx: Array) -> Array:
    """Return True where a number crosses a kink; with alpha = 1, there is none."""
    return _switched_relu(elu, x, dx) & (elu.alpha != 1)


def _switched_bounds(layer: Clip | HardSigmoid, x: Array, dx: Array) -> Array:
    """Return True where a number takes another branch."""
    pairs = zip(layer.sides(x), layer.sides(x + dx), strict=True)
    switched = np.zeros(x.shape, bool)
    for before, after in pairs:
        switched |= (before > 0) != (after > 0)
    return switched


def _switched_pool(pool: MaxPool2d | GlobalMaxPool2d, x: Array, dx: Array) -> Array:
    """Return True where a window has another winner."""
    pixels = np.stack(list(pool.pixels(x, -np.inf)))
    switched: Array = pixels.argmax(axis=0) != (pixels + np.stack(list(pool.pixels(dx, 0)))).argmax(axis=0)
    return switched


add_rules(ReLU, kinks=_of_relu, slope=_slope_of_relu, switched=_switched_relu)
add_rules(LeakyReLU, kinks=_of_relu, slope=_slope_of_leaky, switched=_switched_relu)
add_rules(ELU, kinks=_of_elu, slope=_slope_of_elu, switched=_switched_elu)
for bounded in (Clip, HardSigmoid):
    add_rules(bounded, kinks=_of_bounds, slope=_slope_of_bounds, switched=_switched_bounds)
for pool in (MaxPool2d, GlobalMaxPool2d):
    add_rules(pool, kinks=_of_pool, slope=_slope_of_pool, switched=_switched_pool)
