"""Layers in front of a network from another library, so that it reads images (H, W, 1).

row of H * W pixels        pixels = Flatten
image (H, W)               pixels = Reshape
grey image in 3 channels   channels = Expand
"""

import math
from typing import TypeVar

from handmade.engine.arrays import Shape
from handmade.engine.graph import INPUT, Node
from handmade.engine.layers import Expand, Flatten, Layer, Reshape
from handmade.engine.network import Network

COLOURS = 3

N = TypeVar("N", bound=Network)


def as_images(network: N) -> N:
    """Return a network that reads rows of a square image, or an image without channels, as one that reads images (H, W, 1)."""
    shape = network.input_shape
    side = math.isqrt(math.prod(shape))
    if len(shape) == 1 and side > 1 and side**2 == shape[0]:
        return _with_first(network, "pixels", Flatten(), (side, side, 1))
    return _with_first(network, "pixels", Reshape(shape), (*shape, 1)) if len(shape) == 2 else network


def as_grey(network: N) -> N | None:
    """Return a network of colour images as one of grey images, which repeats them in all channels; None for other networks."""
    shape = network.input_shape
    if len(shape) != 3 or shape[-1] != COLOURS:
        return None
    return _with_first(network, "channels", Expand(shape), (*shape[:2], 1))


def _with_first(network: N, name: str, layer: Layer, shape: Shape) -> N:
    """Return the network with one more layer, between the input and those that read it."""
    while name in network.shape_of:
        name += "_"
    nodes = [Node(name, layer, INPUT)]
    nodes += [node.with_reads({read: name if read == INPUT else read for read in node.reads}) for node in network.nodes]
    return type(network)(
        nodes,
        shape,
        logits=network.logits_name,
        outputs=network.output_names,
        class_names=network.class_names,
    )
