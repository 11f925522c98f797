"""Convolution and pooling as layers: images (N, C, H, W), or rows (N, C, L), which are images of height 1."""

import math
from typing import Any

import numpy as np

from handmade.engine.arrays import Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers import AvgPool2d, Conv2d, GlobalAvgPool2d, GlobalMaxPool2d, Layer, MaxPool2d
from handmade.files.onnx.builder import LARGEST_ACTIVATION, Builder
from handmade.files.onnx.errors import NoLayer
from handmade.files.onnx.graph import Operation
from handmade.files.onnx.layout import Activation, view
from handmade.files.onnx.operators import window_values as _values  # noqa: F401  the values of these operators
from handmade.files.onnx.operators.elementwise import floating
from handmade.files.onnx.operators.table import Tensor, activation, known, layers
from handmade.files.onnx.operators.window_sizes import Windows, windows

STEPS = 2**33  # numbers of all windows of one layer, for one image


def _use(node: Operation, x: Activation, kernel: Shape) -> Windows:
    """Return the windows of a layer; raise NoLayer if the image with its padding, or the work, is larger than networks need."""
    use = windows(node, x.shape[1:], kernel)
    padded = math.prod(size + sum(pads) for size, pads in zip(x.shape[1:], use.padding, strict=True))
    steps = math.prod(use.places(x.shape[1:])) * math.prod(kernel)
    if padded * x.shape[0] > LARGEST_ACTIVATION or steps * x.shape[0] > STEPS:
        raise NoLayer(f"windows of {kernel} on an image of {x.shape[1:]} with the padding {use.padding}: too large for a network")
    return use.in_two()


def _image(to: Builder, node: Operation, x: Activation) -> str:
    """Return the node that holds x as images (H, W, C)."""
    if len(x.shape) == 2:
        return to.arrange(node.name, x, (1, 0), (1, x.shape[1], x.shape[0]))
    if len(x.shape) != 3:
        raise NoLayer(f"images of {len(x.shape) - 1} axes; one and two are supported")
    return to.arrange(node.name, x, (1, 2, 0))


def _from_image(to: Builder, node: Operation, name: str, x: Activation) -> Activation:
    found = view(name, to.shapes[name], (2, 0, 1), x.dtype)
    return to.reshape(node.name, found, (found.shape[0], found.shape[2])) if len(x.shape) == 2 else found


def _made(kind: Any, *settings: Any, **more: Any) -> Layer:
    """Return a layer; a setting that it refuses is a reason for NoLayer."""
    try:
        layer: Layer = kind(*settings, **more)
    except HandmadeError as error:
        raise NoLayer(str(error)) from None
    return layer


@layers("Conv")
def _conv_layer(to: Builder, node: Operation, x: Tensor, W: Tensor, b: Tensor = None) -> Activation:
    given, filters = floating(x), known(W, "filters")
    axes = tuple(node.get("kernel_shape") or filters.shape[2:])
    if filters.ndim != 1 + len(given.shape) or axes != filters.shape[2:]:
        raise NoLayer(f"filters of the shape {filters.shape} for images of the shape {given.shape}")
    biases = np.zeros(len(filters)) if b is None else known(b, "biases")
    use = _use(node, given, axes)
    image = filters.reshape(*filters.shape[:2], *use.kernel).transpose(2, 3, 1, 0)  # (K_h, K_w, C / groups, O)
    arrays = to.weights(image), to.weights(biases)
    layer = _made(Conv2d, *arrays, use.stride, use.padding, use.dilation, node.get("group", 1))
    name = to.emit(node.name, layer, _image(to, node, given))
    to.biased.add(name)
    return _from_image(to, node, name, given)


@layers("MaxPool")
def _max_pool_layer(to: Builder, node: Operation, x: Tensor) -> Activation:
    if len(node.outputs) > 1 and node.outputs[1]:
        raise NoLayer("it also returns the places of the largest numbers")
    given = activation(x)
    use = _use(node, given, tuple(node.get("kernel_shape")))
    layer = _made(MaxPool2d, use.kernel, use.stride, padding=use.padding, dilation=use.dilation, ceil_mode=use.ceil)
    return _from_image(to, node, to.emit(node.name, layer, _image(to, node, given)), given)


@layers("AveragePool")
def _avg_pool_layer(to: Builder, node: Operation, x: Tensor) -> Activation:
    given = floating(x)
    use = _use(node, given, tuple(node.get("kernel_shape")))
    layer = _made(
        AvgPool2d,
        use.kernel,
        use.stride,
        padding=use.padding,
        dilation=use.dilation,
        ceil_mode=use.ceil,
        count_padding=bool(node.get("count_include_pad", 0)),
    )
    return _from_image(to, node, to.emit(node.name, layer, _image(to, node, given)), given)


@layers("GlobalAveragePool", "GlobalMaxPool")
def _global_pool_layer(to: Builder, node: Operation, x: Tensor) -> Activation:
    given = floating(x)
    kind = GlobalAvgPool2d if node.op == "GlobalAveragePool" else GlobalMaxPool2d
    name = to.emit(node.name, kind(), _image(to, node, given))
    channels = view(name, to.shapes[name], range(len(to.shapes[name])), given.dtype)
    return to.reshape(node.name, channels, (given.shape[0], *[1] * (len(given.shape) - 1)))
