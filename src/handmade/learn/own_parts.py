"""Functions of a student that cover a layer: rules for exact types, from the settings of a layer to the functions for it.

Of several functions for the same operation, the one of the latest step that covers the settings is taken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handmade.engine.layers import Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU
from handmade.learn.own_function import OwnFunction
from handmade.learn.own_layers import Own, OwnConv2d, OwnFlatten, OwnLinear, OwnMaxPool2d, OwnReLU, Parts

Functions = dict[tuple[str, str], OwnFunction]  # by step and name
CONVOLUTIONS = ("im2col", "conv_stride_padding", "conv_channels", "conv_one_channel")  # the latest first


def some(functions: Functions, **places: tuple[str, str]) -> Parts:
    """Return the functions at some places, by purpose, without those that are missing."""
    return {part: functions[place] for part, place in places.items() if place in functions}


def of_loss(functions: Functions) -> Parts:
    """Return the functions of the cross-entropy."""
    step = "softmax_cross_entropy"
    return some(functions, forward=(step, "cross_entropy"), backward=(step, "softmax"))


def covers(step: str, layer: Conv2d) -> bool:
    """Return if the convolution of a step has all settings of a layer, which has one group and no dilation."""
    if step == "conv_stride_padding":
        return True
    if step == "im2col":
        return layer.padding == (0, 0)
    plain = layer.stride == (1, 1) and layer.padding == (0, 0)
    return plain and (step == "conv_channels" or layer.channels == 1)


def _conv2d(layer: Conv2d, _shape: Any, functions: Functions) -> Parts:
    if layer.groups != 1 or layer.dilation != (1, 1) or any(isinstance(side, tuple) for side in layer.padding):
        return {}
    back = {"db": "conv_backward_db", "dW": "conv_backward_dw", "dX": "conv_backward_dx"}
    parts = some(functions, **{name: (step, step) for name, step in back.items()})
    best = next((step for step in CONVOLUTIONS if (step, "conv2d") in functions and covers(step, layer)), None)
    return parts if best is None else parts | {"forward": functions[best, "conv2d"]}


def _relu(_layer: ReLU, _shape: Any, functions: Functions) -> Parts:
    delta, backward = ("finite_chain_rule", "delta_relu"), ("relu_pool_backward", "relu_backward")
    return some(functions, forward=("relu", "relu"), delta=delta, backward=backward)


def _max_pool2d(layer: MaxPool2d, _shape: Any, functions: Functions) -> Parts:
    if (layer.padding, layer.dilation, layer.ceil_mode) != ((0, 0), (1, 1), False):
        return {}
    delta, backward = ("finite_chain_rule", "delta_max"), ("relu_pool_backward", "max_pool_backward")
    return some(functions, forward=("max_pool", "max_pool2d"), delta=delta, backward=backward)


def _flatten(_layer: Flatten, shape: Any, functions: Functions) -> Parts:
    return some(functions, forward=("linear", "flatten")) if len(shape) == 3 else {}


def _linear(_layer: Linear, shape: Any, functions: Functions) -> Parts:
    if len(shape) != 1:
        return {}
    return some(functions, forward=("linear", "linear"), backward=("linear_backward", "linear_backward"))


@dataclass(frozen=True)
class Kind:
    """Class of layers with a student's functions, and the choice of the functions; `linear` if its difference is its forward."""

    made: type[Own]
    parts: Callable[[Any, Any, Functions], Parts]
    linear: bool = False


KINDS: dict[type[Layer], Kind] = {
    Conv2d: Kind(OwnConv2d, _conv2d, linear=True),
    ReLU: Kind(OwnReLU, _relu),
    MaxPool2d: Kind(OwnMaxPool2d, _max_pool2d),
    Flatten: Kind(OwnFlatten, _flatten),
    Linear: Kind(OwnLinear, _linear, linear=True),
}


def parts_of(layer: Layer, shape: Any, functions: Functions) -> Parts:
    """Return the functions for a layer of the engine that reads an image of `shape`, by what they compute."""
    kind = KINDS.get(type(layer))
    return {} if kind is None else kind.parts(layer, shape, functions)


def own_layer(layer: Layer, shape: Any, functions: Functions) -> Layer:
    """Return the layer with the functions that cover it; the layer itself if there are none."""
    parts = parts_of(layer, shape, functions)
    return KINDS[type(layer)].made.of(layer, parts) if parts else layer
