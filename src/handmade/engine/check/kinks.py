"""Which units and windows a nudge pushes across a kink, and what derivative the conventions make of that.

The nudge is followed through the tape, one layer after the other: as a difference, to see what switches, or as a derivative that
takes the conventional branch wherever two of them meet. Through a Residual it goes along both branches.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from typing import TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.layers import Composite, Layer, LeakyReLU, MaxPool2d, Nudgeable, ReLU, chain
from handmade.engine.losses import Loss
from handmade.engine.network import Network

SMALL = 1e-30  # a step for layers that know differences only: beyond the last digit of what is lost

Over: TypeAlias = Callable[[str, Layer, Array, Array], Array]  # the layer's name, the layer, x, dx -> dy


@dataclass(frozen=True)
class Kink:
    """A place where a nudge switches a branch, or starts from where two branches meet.

    Attributes
    ----------
    layer : str
        As people call it: relu1, or residual1.block.relu1.
    image : int
        Which of the batch.
    place : tuple of int
        Where in the layer's output: row, column and channel.
    what : str
        What happens there, in words.
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
        The weight, as in `network.parameters()[name][index]`.
    h : float
        How far it is nudged.

    Yields
    ------
    Kink
        First those of the nudge upwards, in the order of the layers, then those of the nudge downwards.
    """
    for step in (h, -h):
        found: list[Kink] = []

        def over(layer_name: str, layer: Layer, x_i: Array, dx: Array, found: list[Kink] = found) -> Array:
            if type(layer) in {ReLU, LeakyReLU}:
                found += _of_relu(layer_name, x_i, dx)
            elif type(layer) is MaxPool2d:
                found += _of_pool(layer_name, layer, x_i, dx)
            return layer.delta(x_i, dx)

        _follow(network.layers, x, name, index, step, over)
        yield from found


def by_convention(network: Network, x: Array, y: Array, loss: Loss, name: str, index: tuple[int, ...]) -> float:
    """The derivative dL/dw by convention (relu'(0) = 0, leaky'(0) = slope, the first winner takes all), carried forward.

    Where several kinks are stood on at once, their shares may be of either sign, and this number need not lie between the left
    derivative and the right one.
    """
    dz = _follow(network.layers, x, name, index, 1.0, _conventionally)
    return float((loss.backward(network.forward(x)[-1], y) * dz).sum()) / len(x)


def _conventionally(_name: str, layer: Layer, x: Array, dx: Array) -> Array:
    """The derivative of one layer's output."""
    dy: Array
    if type(layer) is ReLU:
        dy = dx * (x > 0)
    elif type(layer) is LeakyReLU:
        dy = dx * np.where(x > 0, 1, layer.slope)
    elif type(layer) is MaxPool2d:
        winner = np.stack(list(layer.pixels(x, -np.inf))).argmax(axis=0)
        dy = np.take_along_axis(np.stack(list(layer.pixels(dx, 0))), winner[None], axis=0)[0]
    else:
        dy = layer.delta(x, SMALL * dx) / SMALL
    return dy


def _follow(
    layers: chain.Layers, x: Array, name: str, index: tuple[int, ...], step: float, over: Over, prefix: str = ""
) -> Array:
    """What becomes of the nudge of a weight at the end of the layers."""
    number, _, rest = name.partition(".")
    i, tape = int(number), chain.tape(layers, x)
    layer = layers[i]
    if isinstance(layer, Composite):
        branch, _, inner = rest.partition(".")
        within = f"{prefix}{chain.names(layers)[i]}.{branch}."
        dx = _follow(layer.branches[branch], tape[i], inner, index, step, over, within)
    else:
        assert isinstance(layer, Nudgeable)
        dx = _first_difference(layer, tape[i], rest, index, step)
    return _carried(layers, tape, i + 1, dx, over, prefix)


def _first_difference(layer: Nudgeable, x: Array, key: str, index: tuple[int, ...], h: float) -> Array:
    """How the nudged layer's own output moves: in one channel, by the row of the column that belongs to the weight."""
    row = 0
    for name, array in layer.parameters().items():
        if name == key:
            row += int(np.ravel_multi_index(index, array.shape)) // array.shape[-1]
            break
        row += array.size // array.shape[-1]
    channel, part = next((channel, dy[..., row]) for channel, dy in layer.nudges(x, h) if channel.start == index[-1])
    dx = np.zeros((*part.shape[:-1], array.shape[-1]), part.dtype)
    dx[..., channel] = part
    return dx


def _carried(layers: chain.Layers, tape: list[Array], first: int, dx: Array, over: Over, prefix: str) -> Array:
    """What becomes of a difference of the input of layer number `first`."""
    for name, layer, x in list(zip(chain.names(layers), layers, tape, strict=False))[first:]:
        if isinstance(layer, Composite):
            ways = layer.branches.items()
            dx = reduce(
                np.add,
                [_carried(inner, chain.tape(inner, x), 0, dx, over, f"{prefix}{name}.{branch}.") for branch, inner in ways],
            )
        else:
            dx = over(prefix + name, layer, x, dx)
    return dx


def _of_relu(name: str, x: Array, dx: Array) -> Iterator[Kink]:
    for n, *place in np.argwhere((dx != 0) & (x == 0)).tolist():
        yield Kink(name, n, tuple(place), "stands exactly on its kink")
    for n, *place in np.argwhere((x != 0) & ((x > 0) != (x + dx > 0))).tolist():
        yield Kink(name, n, tuple(place), "crosses its kink")


def _of_pool(name: str, pool: MaxPool2d, x: Array, dx: Array) -> Iterator[Kink]:
    pixels, moves = np.stack(list(pool.pixels(x, -np.inf))), np.stack(list(pool.pixels(dx, 0)))
    m = pixels.max(axis=0)
    tied = np.zeros(m.shape, bool)
    for k, j in combinations(range(len(pixels)), 2):
        tied |= (pixels[k] == m) & (pixels[j] == m) & (moves[k] != moves[j])
    for n, *place in np.argwhere(tied).tolist():
        yield Kink(name, n, tuple(place), "has a tie, and its pixels part")
    deposed = ~tied & (pixels.argmax(axis=0) != (pixels + moves).argmax(axis=0))
    for n, *place in np.argwhere(deposed).tolist():
        yield Kink(name, n, tuple(place), "changes its winner")
