"""Which units and windows a nudge pushes across a kink, and what derivative the conventions make of that.

The nudge is followed through the tape, one layer after the other: as a difference, to see what switches, or as a derivative that
takes the conventional branch wherever two of them meet.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.layers import LeakyReLU, MaxPool2d, ReLU, Weighted
from handmade.engine.losses import Loss
from handmade.engine.network import Network

SMALL = 1e-30  # a step for layers that know differences only: beyond the last digit of what is lost


@dataclass(frozen=True)
class Kink:
    """A place where a nudge switches a branch, or starts from where two branches meet.

    Attributes
    ----------
    layer : str
        As people call it: relu1.
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
    tape = network.forward(x)
    first, _, _ = name.partition(".")
    for step in (h, -h):
        dx = _first_difference(network, tape, name, index, step)
        for i in range(int(first) + 1, len(network.layers)):
            layer, x_i = network.layers[i], tape[i]
            if type(layer) in {ReLU, LeakyReLU}:
                yield from _of_relu(network.names[i], x_i, dx)
            elif type(layer) is MaxPool2d:
                yield from _of_pool(network.names[i], layer, x_i, dx)
            dx = layer.delta(x_i, dx)


def by_convention(network: Network, x: Array, y: Array, loss: Loss, name: str, index: tuple[int, ...]) -> float:
    """The derivative dL/dw by convention (relu'(0) = 0, leaky'(0) = slope, the first winner takes all), carried forward.

    Where several kinks are stood on at once, their shares may be of either sign, and this number need not lie between the left
    derivative and the right one.
    """
    *tape, z = network.forward(x)
    first, _, _ = name.partition(".")
    dx = _first_difference(network, [*tape, z], name, index, 1.0)
    for layer, x_i in list(zip(network.layers, tape, strict=True))[int(first) + 1 :]:
        if type(layer) is ReLU:
            dx = dx * (x_i > 0)
        elif type(layer) is LeakyReLU:
            dx = dx * np.where(x_i > 0, 1, layer.slope)
        elif type(layer) is MaxPool2d:
            winner = np.stack(list(layer.pixels(x_i, -np.inf))).argmax(axis=0)
            dx = np.take_along_axis(np.stack(list(layer.pixels(dx, 0))), winner[None], axis=0)[0]
        else:
            dx = layer.delta(x_i, SMALL * dx) / SMALL
    return float((loss.backward(z, y) * dx).sum()) / len(x)


def _first_difference(network: Network, tape: list[Array], name: str, index: tuple[int, ...], h: float) -> Array:
    """How the nudged layer's own output moves: in one channel, by the row of the column that belongs to the weight."""
    number, _, key = name.partition(".")
    i = int(number)
    layer = network.layers[i]
    assert isinstance(layer, Weighted)
    row = 0
    for array_name, array in layer.parameters().items():
        if array_name == key:
            row += int(np.ravel_multi_index(index, array.shape)) // array.shape[-1]
            break
        row += array.size // array.shape[-1]
    dx = np.zeros_like(tape[i + 1])
    for channel, dy in layer.nudges(tape[i], h):
        if channel.start == index[-1]:
            dx[..., channel] = dy[..., row]
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
