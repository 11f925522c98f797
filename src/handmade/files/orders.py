"""Orders of the axes in other libraries: images are (N, C, H, W) there, and (N, H, W, C) with us.

`steps` says for every node of a network in which order it reads its inputs there, and in which order it makes its output. A layer
that treats all numbers alike keeps the order. Flatten of a channels-first image makes a row in another order than ours. Linear
can read such a row if the rows of W stand in the same order, so nothing needs to be moved while the network runs.

    OURS     as with us
    FIRST    image (C, H, W)
    places   row: number k there is number places[k] of ours
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arrays import Array, Shape
from handmade.engine.graph import INPUT, Node
from handmade.engine.layers.windows import pad
from handmade.engine.network import Network

TO_FIRST, TO_OURS = (2, 0, 1), (1, 2, 0)  # axes of one image
AXES_FIRST = (1, 2, 0)  # place of our axis h, w, c in (C, H, W)


@dataclass(frozen=True, eq=False)
class Order:
    """Order of the numbers of an activation in another library."""

    name: str
    places: NDArray[np.intp] | None = None

    def same(self, other: "Order") -> bool:
        """Return True if both are the same order."""
        if self.places is None or other.places is None:
            return self.name == other.name
        return np.array_equal(self.places, other.places)


OURS, FIRST = Order("ours"), Order("channels first")


@dataclass(frozen=True, eq=False)
class Step:
    """Orders in which a node reads its inputs and makes its output; `shapes` are those of its inputs with us."""

    node: Node
    reads: tuple[Order, ...]
    makes: Order
    shapes: tuple[Shape, ...]
    shape: Shape


WINDOWS = {"Conv2d", "MaxPool2d", "AvgPool2d"}
GLOBAL = {"GlobalAvgPool2d", "GlobalMaxPool2d"}
BY_NUMBER = {
    *("ReLU", "LeakyReLU", "Sigmoid", "Tanh", "GELU", "ELU", "Clip", "HardSigmoid", "Exp", "Log", "Sqrt", "Affine", "Dropout"),
    *("Add", "Multiply", "Subtract", "Divide"),
}
ALONG_AXES = {"Softmax", "LogSoftmax", "Pad", "Slice", "Take", "Sum", "Mean", "Concat"}


def steps(network: Network) -> list[Step]:
    """Return the orders of all nodes of a network, in their order."""
    made = {INPUT: border(network.input_shape)}
    found = []
    for node in network.nodes:
        given, shapes = [made[name] for name in node.reads], tuple(network.shape_of[name] for name in node.reads)
        reads, makes = _step(node.layer, given, shapes, network.shape_of[node.name])
        made[node.name] = makes
        found.append(Step(node, reads, makes, shapes, network.shape_of[node.name]))
    return found


def border(shape: Shape) -> Order:
    """Return the order of an input or output of a network: images are channels first."""
    return FIRST if len(shape) == 3 else OURS


def axis_there(axis: int, order: Order, rank: int) -> int:
    """Return the number of one of our axes there, the batch axis counted."""
    ours = axis % rank
    return 1 + (AXES_FIRST[ours] if order is FIRST else ours)


def by_axis(values: Sequence[Any], order: Order) -> list[Any]:
    """Return one value for each axis of one image, in the order there."""
    return [values[axis] for axis in TO_FIRST] if order is FIRST else list(values)


def constant_there(array: Array, order: Order, shape: Shape) -> Array:
    """Return a constant that broadcasts against an activation of `shape`, in the order there."""
    if array.size == 1:
        return array.reshape(())
    wide = array.reshape((1,) * (len(shape) - array.ndim) + array.shape)
    if order.places is not None:
        return np.broadcast_to(wide, shape)[order.places]
    return np.ascontiguousarray(wide.transpose(TO_FIRST)) if order is FIRST else wide


def shares(layer: Any, shape: Shape) -> tuple[Array, Array]:
    """Return an average pool as a convolution: filters of ones (C, 1, K_h, K_w), and 1 / K for each window, (1, 1, H', W')."""
    ones = np.ones((1, *shape[:2], 1))
    pixels = sum(layer.places(pad(ones, layer.borders(ones), 0)))  # of each window, padding left out
    share = np.divide(layer.forward(ones), pixels, out=np.zeros(pixels.shape), where=pixels > 0)
    return np.ones((shape[-1], 1, *layer.window)), share.transpose(0, 3, 1, 2)


def _step(layer: Any, given: list[Order], shapes: tuple[Shape, ...], shape: Shape) -> tuple[tuple[Order, ...], Order]:
    """Return the orders in which a layer reads its inputs and makes its output."""
    image, kind, first = len(shapes[0]) == 3, layer.kind, given[0]
    if kind in WINDOWS or kind in GLOBAL or (kind == "BatchNorm2d" and image):
        reads, makes = [FIRST], OURS if kind in GLOBAL else FIRST
    elif kind in BY_NUMBER or kind == "BatchNorm2d":
        makes = first if all(each.same(first) for each in given) else border(shape)
        reads = [makes] * len(given)
    elif kind == "Flatten" or (kind == "Linear" and len(shape) == 1):
        reads, makes = [first], _flattened(first, shapes[0]) if kind == "Flatten" else OURS
    elif kind in {"Concat", "Softmax", "LogSoftmax"} and len(shape) == 1:
        reads, makes = given, _joined(given, shapes) if kind == "Concat" else first
    elif kind in ALONG_AXES and image and (len(shape) == 3 or (kind in {"Sum", "Mean"} and len(shape) == 1)):
        common = FIRST if any(each is FIRST for each in given) else OURS
        reads, makes = [common] * len(given), common if len(shape) == 3 else OURS
    else:
        reads, makes = [OURS] * len(given), OURS
    return tuple(reads), makes


def _flattened(order: Order, shape: Shape) -> Order:
    if order is not FIRST:
        return order
    places = np.arange(math.prod(shape)).reshape(shape).transpose(TO_FIRST).reshape(-1)
    return OURS if np.array_equal(places, np.arange(len(places))) else Order("row", places)


def _joined(orders: Sequence[Order], shapes: Sequence[Shape]) -> Order:
    """Return the order of rows one after the other."""
    if all(order is OURS for order in orders):
        return OURS
    first, parts = 0, []
    for order, (size,) in zip(orders, shapes, strict=True):
        parts.append(first + (np.arange(size) if order.places is None else order.places))
        first += size
    return Order("row", np.concatenate(parts))
