"""Block sizes: numbers of images and nudges that are processed together, so that arrays of differences fit the caches.

numbers = weights nudged together * numbers of the largest activation that one of these nudges moves
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from handmade.engine.graph import downstream
from handmade.engine.layers import EVERY, Channel, one_channel, rule
from handmade.engine.layers.propagate import nudges
from handmade.engine.network import Network

IMAGES_AT_ONCE = 8  # large against the cost of calls
LARGEST = 2**22  # bytes of an array of differences; it is written once, and a part of it is read once


@dataclass(frozen=True)
class Block:
    """Nudges of one node's weights that are processed together.

    Attributes
    ----------
    name : str
        Name of the node.
    weights : int
        Number of nudges.
    numbers : int
        Largest number of values in one activation of an image that change by one of the nudges.
    """

    name: str
    weights: int
    numbers: int


def images_at_once(network: Network) -> int:
    """Return the number of images for which no array of differences exceeds LARGEST."""
    numbers = max((each.weights * each.numbers for each in _blocks(network)), default=1)
    return max(1, min(IMAGES_AT_ONCE, LARGEST // (numbers * network.dtype.itemsize)))


def nudges_at_once(network: Network, name: str, images: int) -> int:
    """Return the number of nudges of one node for which the same holds, if all these images are processed together."""
    block = next(each for each in _blocks(network) if each.name == name)
    return max(1, LARGEST // (block.numbers * images * network.dtype.itemsize))


def _blocks(network: Network) -> Iterator[Block]:
    for name in network.weighted:
        node, shapes = network.node(name), network.shape_of
        known = rule(node.layer, "nudges") is not None
        channels: dict[str, Channel] = {name: one_channel(0) if known else EVERY}
        numbers = math.prod(shapes[name][:-1]) if known else math.prod(shapes[name])
        for later in downstream(network.nodes, name):
            moved = [channels[read] for read in later.reads if read in channels]
            channel = rule(later.layer, "channel")
            if later.layer.joins:
                channels[later.name] = moved[0] if len(moved) == 1 else EVERY
            else:
                channels[later.name] = channel(later.layer, moved[0], shapes[later.reads[0]]) if channel else EVERY
            if channels[later.name] == EVERY:
                numbers = max(numbers, math.prod(shapes[later.name]))
        yield Block(name, nudges(node.layer).block_size, numbers)
