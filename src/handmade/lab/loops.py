"""Lines of the nested loops that compute a number, read from the package itself: engine/loops.py and the files beside it.

The innermost line is the longest of the most indented ones: there the number is added up, compared or divided.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from handmade.engine import elementwise_loops, join_loops, loops, more_loops, rearrangement_loops, window_loops
from handmade.engine.arrays import Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import INPUT, Node
from handmade.engine.layers import (
    ELU,
    GELU,
    Add,
    Affine,
    AvgPool2d,
    BatchNorm2d,
    Clip,
    Concat,
    Conv2d,
    Divide,
    Dropout,
    Exp,
    Expand,
    Flatten,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    HardSigmoid,
    Layer,
    LeakyReLU,
    Linear,
    Log,
    LogSoftmax,
    MatMul,
    MaxPool2d,
    Mean,
    Multiply,
    Pad,
    ReLU,
    Reshape,
    Sigmoid,
    Slice,
    Softmax,
    Sqrt,
    Subtract,
    Sum,
    Take,
    Tanh,
    Transpose,
)
from handmade.engine.layers.registry import standard
from handmade.engine.network import Network
from handmade.engine.receipts.places import LOSS, PROBABILITY
from handmade.engine.receipts.receipt import Receipt

Loops: TypeAlias = Callable[..., Any]
Settings: TypeAlias = dict[str, Any]
IMAGE_AXES = 3


def _unequal(settings: Settings) -> bool:
    """Return True if the padding of two opposite sides is given apart: ((above, below), (left, right))."""
    return any(isinstance(sides, list) for sides in settings["padding"])


def _conv2d(settings: Settings, _: Shape) -> Loops:
    if _unequal(settings):
        return window_loops.conv2d
    return loops.conv2d if settings["dilation"] == [1, 1] and settings["groups"] == 1 else more_loops.conv2d


def _max_pool2d(settings: Settings, _: Shape) -> Loops:
    return window_loops.max_pool2d if _unequal(settings) or settings.keys() - PLAIN_POOL else loops.max_pool2d


def _avg_pool2d(settings: Settings, _: Shape) -> Loops:
    return window_loops.avg_pool2d if _unequal(settings) or settings.keys() - PLAIN_POOL else more_loops.avg_pool2d


def _flatten(_: Settings, shape: Shape) -> Loops:
    return loops.flatten if len(shape) == IMAGE_AXES else rearrangement_loops.reshape


def _linear(_: Settings, shape: Shape) -> Loops:
    return loops.linear if len(shape) == 1 else rearrangement_loops.linear_rows


def _gelu(settings: Settings, _: Shape) -> Loops:
    return elementwise_loops.gelu if settings else more_loops.gelu  # the settings of the form with tanh are empty


def _concat(settings: Settings, shape: Shape) -> Loops:
    return join_loops.concat if settings.get("axis", -1) in {-1, len(shape) - 1} else rearrangement_loops.concat


PLAIN_POOL = {"window", "stride", "padding"}  # settings of a pool without dilation, ceil_mode and the like

# The loops of a type; of a type with several, a function of the settings and the shape of what it reads.
OF_TYPE: dict[type[Layer], Loops] = {
    ReLU: loops.relu,
    LeakyReLU: more_loops.leaky_relu,
    Sigmoid: more_loops.sigmoid,
    Tanh: more_loops.tanh,
    GlobalAvgPool2d: more_loops.global_avg_pool2d,
    GlobalMaxPool2d: window_loops.global_max_pool2d,
    Dropout: more_loops.dropout,
    BatchNorm2d: more_loops.normalise,
    ELU: elementwise_loops.elu,
    Clip: elementwise_loops.clip,
    HardSigmoid: elementwise_loops.hard_sigmoid,
    Exp: elementwise_loops.each,
    Log: elementwise_loops.each,
    Sqrt: elementwise_loops.each,
    Affine: elementwise_loops.affine,
    Softmax: elementwise_loops.softmax,
    LogSoftmax: elementwise_loops.log_softmax,
    Add: join_loops.add,
    Multiply: join_loops.multiply,
    Subtract: elementwise_loops.subtract,
    Divide: elementwise_loops.divide,
    MatMul: rearrangement_loops.matmul,
    Reshape: rearrangement_loops.reshape,
    Transpose: rearrangement_loops.transpose,
    Pad: rearrangement_loops.pad,
    Slice: rearrangement_loops.slice_,
    Take: rearrangement_loops.take,
    Expand: rearrangement_loops.expand,
    Sum: rearrangement_loops.sum_,
    Mean: rearrangement_loops.mean,
}
CHOSEN: dict[type[Layer], Callable[[Settings, Shape], Loops]] = {
    Conv2d: _conv2d,
    MaxPool2d: _max_pool2d,
    AvgPool2d: _avg_pool2d,
    Flatten: _flatten,
    Linear: _linear,
    GELU: _gelu,
    Concat: _concat,
}


def of_layer(layer: Layer, shapes: Sequence[Shape]) -> Loops | None:
    """Return the loops of a layer that reads arrays of some shapes, without the batch axis; None for other types."""
    kind = type(standard(layer))
    choose = CHOSEN.get(kind)
    return choose(layer.settings(), shapes[0]) if choose else OF_TYPE.get(kind)


def name(network: Network, receipt: Receipt) -> str | None:
    """Return the name of the function whose loops compute a number; None if no loop does."""
    function = _function(network, receipt)
    return function.__name__ if function else None


def source(network: Network, receipt: Receipt) -> dict[str, Any]:
    """Return the lines of these loops, and the place of the innermost one.

    Raises
    ------
    HandmadeError
        If no loop computes the number: it is a pixel, a weight, or a gradient by another way than the definition.
    """
    function = _function(network, receipt)
    if function is None:
        raise HandmadeError(f"loop: expected a number that a layer or the loss computes; {receipt.at} is a {receipt.kind}")
    lines, first = inspect.getsourcelines(function)
    written = [line.rstrip("\n") for line in lines]
    indents = [len(line) - len(line.lstrip()) if line.strip() else 0 for line in written]
    deepest = [k for k, indent in enumerate(indents) if indent == max(indents)]
    inner = max(deepest, key=lambda k: len(written[k]))
    module = function.__module__.removeprefix("handmade.").replace(".", "/")
    return {
        "file": f"{module}.py",
        "function": function.__name__,
        "first": first,
        "inner": first + inner,
        "lines": written,
    }


def _function(network: Network, receipt: Receipt) -> Loops | None:
    if receipt.at.name in {LOSS, PROBABILITY}:
        return loops.cross_entropy if receipt.kind in {"CrossEntropy", "softmax"} else None
    if receipt.kind == "definition":
        return loops.gradient
    nodes: dict[str, Node] = {network.titles[node.name]: node for node in network.nodes}
    nodes["logits"] = network.node(network.logits_name)
    node = nodes.get(receipt.at.name)
    if receipt.at.name == INPUT or node is None:
        return None
    return of_layer(node.layer, [network.shape_of[name] for name in node.reads])
