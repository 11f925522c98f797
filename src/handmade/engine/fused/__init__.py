"""Layers in a row as one piece of work, where that saves arithmetic or passes over memory.

`fuse` makes links of layers; a link does what its layers do one by one, but for rounding. Backpropagation and inference go
through links. Who wants to see what lies between the layers, or must have it exact to the last bit, takes the layers themselves.
"""

from handmade.engine.fused.convolution import Convolution
from handmade.engine.fused.link import Alone, Link
from handmade.engine.fused.tiles import Tiles, apart, serves
from handmade.engine.layers import Conv2d, Layer, MaxPool2d, ReLU

__all__ = ["Alone", "Convolution", "Link", "Tiles", "fuse"]


def fuse(layers: tuple[Layer, ...]) -> dict[int, Link]:
    """Links for all layers, in their order, each by the number of its first layer.

    A layer of the reader's own, or a relative of ours that may do something else, is always alone.
    """
    links: dict[int, Link] = {}
    rest = list(layers)
    while rest:
        number, layer = len(layers) - len(rest), rest.pop(0)
        links[number] = _convolution(layer, rest) if type(layer) is Conv2d else Alone(layer)
    return links


def _convolution(conv: Conv2d, rest: list[Layer]) -> Link:
    """The link of a convolution, which takes from what comes next at most one ReLU and one pool, in either order."""
    tiled = serves(conv)
    relu: ReLU | None = None
    pool: MaxPool2d | None = None
    while rest:
        following = rest[0]
        if type(following) is ReLU and relu is None:
            relu = following
        elif type(following) is MaxPool2d and pool is None and (apart(following) or not tiled):
            pool = following
        else:
            break
        rest.pop(0)
    return (Tiles if tiled else Convolution)(conv, relu, pool)
