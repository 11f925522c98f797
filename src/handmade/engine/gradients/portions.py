"""How much goes together, so that no array of differences outgrows what is good for the memory.

numbers = weights of a column * numbers of the largest activation that their nudges move
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from handmade.engine.arrays import Shape
from handmade.engine.layers import BatchNorm2d, Layer, chain, is_channelwise, is_composite, is_nudgeable
from handmade.engine.network import Network

IMAGES_AT_ONCE = 8  # enough to outweigh the calls
LARGEST = 2**22  # bytes that an array of differences may take; it is written once, and a part of it read once


def images_at_once(network: Network) -> int:
    """So many that no array of differences outgrows LARGEST."""
    numbers = max((each.weights * each.numbers for each in _columns(network.layers, network.input_shape)), default=1)
    return max(1, min(IMAGES_AT_ONCE, LARGEST // (numbers * network.dtype.itemsize)))


def nudges_at_once(network: Network, prefix: str, images: int) -> int:
    """The same for nudges of a column of one layer, where so many images have to go together."""
    column = next(each for each in _columns(network.layers, network.input_shape) if each.prefix == prefix)
    return max(1, LARGEST // (column.numbers * images * network.dtype.itemsize))


@dataclass(frozen=True)
class Column:
    """The weights that feed one output channel of a layer.

    Attributes
    ----------
    prefix : str
        What the names of the layer's arrays begin with.
    weights : int
        How many there are.
    numbers : int
        How many numbers of an image a nudge of one of them may move, in the activation where these are most.
    """

    prefix: str
    weights: int
    numbers: int


def _columns(layers: chain.Layers, shape: Shape, rest: Sequence[tuple[bool, int]] = (), prefix: str = "") -> Iterator[Column]:
    """One column of every layer; `rest` are the layers that come after these.

    Of those it counts whether they spread a difference over all channels, and how many numbers they make.
    """
    shapes = chain.shapes(layers, shape)
    way = [*(_made(layer, each) for layer, each in zip(layers, shapes, strict=False)), *rest]
    for i, layer in enumerate(layers):
        if is_composite(layer):
            for branch, inner in layer.branches.items():
                yield from _columns(inner, shapes[i], way[i + 1 :], f"{prefix}{i}.{branch}.")
        elif is_nudgeable(layer):
            weights = sum(array.size for array in layer.parameters().values()) // shapes[i + 1][-1]
            numbers, spread_out = math.prod(shapes[i + 1][:-1]), False
            for spreads, made in way[i + 1 :]:
                spread_out |= spreads
                numbers = max(numbers, made if spread_out else 0)
            yield Column(f"{prefix}{i}.", weights, numbers)


def _made(layer: Layer, shape: Shape) -> tuple[bool, int]:
    """Of a layer made of others, the most that is made on any of its branches."""
    made = math.prod(layer.output_shape(shape))
    if not is_composite(layer):
        return _spreads(layer), made
    for inner in layer.branches.values():
        made = max([made, *(_made(one, each)[1] for one, each in zip(inner, chain.shapes(inner, shape), strict=False))])
    return True, made


def _spreads(layer: Layer) -> bool:
    """Whether a difference that comes in one channel goes out in many."""
    return not is_channelwise(layer) or (hasattr(layer, "parameters") and not isinstance(layer, BatchNorm2d))
