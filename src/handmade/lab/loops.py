"""Lines of the nested loops that compute a number, read from the package itself: engine/loops.py and its neighbours.

The innermost line is the longest of the most indented ones: there the number is added up, compared or divided.
"""

import inspect
from collections.abc import Callable
from typing import Any

from handmade.engine import join_loops, loops, more_loops
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import INPUT
from handmade.engine.layers import (
    GELU,
    Add,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    Linear,
    MaxPool2d,
    Multiply,
    ReLU,
    Sigmoid,
    Tanh,
)
from handmade.engine.network import Network
from handmade.engine.receipts.places import LOSS, PROBABILITY
from handmade.engine.receipts.receipt import Receipt

OF_LAYER: dict[type[Layer], Callable[..., Any]] = {
    Conv2d: loops.conv2d,
    ReLU: loops.relu,
    MaxPool2d: loops.max_pool2d,
    Flatten: loops.flatten,
    Linear: loops.linear,
    LeakyReLU: more_loops.leaky_relu,
    Sigmoid: more_loops.sigmoid,
    Tanh: more_loops.tanh,
    GELU: more_loops.gelu,
    AvgPool2d: more_loops.avg_pool2d,
    GlobalAvgPool2d: more_loops.global_avg_pool2d,
    Dropout: more_loops.dropout,
    BatchNorm2d: more_loops.normalise,
    Add: join_loops.add,
    Multiply: join_loops.multiply,
    Concat: join_loops.concat,
}


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


def _function(network: Network, receipt: Receipt) -> Callable[..., Any] | None:
    if receipt.at.name in {LOSS, PROBABILITY}:
        return loops.cross_entropy if receipt.kind in {"CrossEntropy", "softmax"} else None
    if receipt.kind == "definition":
        return loops.gradient
    layers = {network.titles[node.name]: node.layer for node in network.nodes} | {
        "logits": network.node(network.logits_name).layer
    }
    layer = layers.get(receipt.at.name)
    if receipt.at.name == INPUT or layer is None:
        return None
    loop, settings = OF_LAYER.get(type(layer)), layer.settings()
    if loop is loops.conv2d and (settings.get("dilation", [1, 1]), settings.get("groups", 1)) != ([1, 1], 1):
        return more_loops.conv2d
    return loop
