"""Convolution and pooling for arrays (N, C, ...) with any number of axes, by their definitions.

Conv      y[n,o,i] = b[o] + sum over c,k of W[o,c,k] x[n, c, i stride + k dilation - pad]
MaxPool   the largest, AveragePool the mean of the numbers of a window
"""

import math
from typing import Any

import numpy as np

from handmade.engine.arrays import Shape
from handmade.files.onnx.graph import Operation
from handmade.files.onnx.operators.table import value
from handmade.files.onnx.operators.window_sizes import Windows, windows
from handmade.files.onnx.types import Values, is_float


def patches(x: Values, use: Windows, fill: float) -> Values:
    """Return the windows of x, (N, C, *places, *kernel), a view of the padded array."""
    size = x.shape[2:]
    places = use.places(size)
    needed = [
        max(before + each + after, (count - 1) * stride + reach) - before - each
        for each, (before, after), count, stride, reach in zip(size, use.padding, places, use.stride, use.reach, strict=True)
    ]
    around = [(0, 0), (0, 0), *((before, after) for (before, _), after in zip(use.padding, needed, strict=True))]
    padded = np.pad(x, around, constant_values=x.dtype.type(fill))
    axes = tuple(range(2, x.ndim))
    found = np.lib.stride_tricks.sliding_window_view(padded, use.reach, axes)
    steps = (slice(None), slice(None), *(slice(0, (n - 1) * s + 1, s) for n, s in zip(places, use.stride, strict=True)))
    gaps = tuple(slice(None, None, dilation) for dilation in use.dilation)
    return found[(*steps, *gaps)]


def _sizes(node: Operation, x: Values, kernel: Shape | None = None) -> Windows:
    return windows(node, x.shape[2:], tuple(node.get("kernel_shape") or () if kernel is None else kernel))


@value("Conv")
def _conv(node: Operation, x: Values, W: Values, b: Values | None = None) -> Values:
    group, axes = node.get("group", 1), W.ndim - 2
    found = patches(x, _sizes(node, x, W.shape[2:]), 0)
    inside = tuple(range(2 + axes, 2 + 2 * axes))
    parts = []
    for part, filters in zip(np.split(found, group, axis=1), np.split(W, group), strict=True):
        y = np.tensordot(part, filters, ((1, *inside), tuple(range(1, 2 + axes))))  # (N, *places, O / group)
        parts.append(np.moveaxis(y, -1, 1))
    y = np.concatenate(parts, axis=1)
    return (y if b is None else y + b.reshape(-1, *[1] * axes)).astype(x.dtype)


@value("MaxPool")
def _max_pool(node: Operation, x: Values) -> Values | tuple[Values, Values]:
    use, axes = _sizes(node, x), x.ndim - 2
    lowest = -np.inf if is_float(x.dtype) else np.iinfo(x.dtype).min
    found = patches(x, use, lowest)
    inside = tuple(range(x.ndim, x.ndim + axes))
    y = found.max(axis=inside)
    return y if len(node.outputs) < 2 else (y, _places(node, x, use))


def _places(node: Operation, x: Values, use: Windows) -> Values:
    """Return the number of each maximum in the whole input; storage_order 1 counts the rows first."""
    axes = x.ndim - 2
    order = tuple(range(axes)) if not node.get("storage_order", 0) else tuple(range(axes))[::-1]
    own = np.arange(math.prod(x.shape[2:])).reshape([x.shape[2 + k] for k in order]).transpose(np.argsort(order))
    first = np.arange(x.shape[0] * x.shape[1]).reshape(x.shape[:2] + (1,) * axes) * own.size
    numbers = patches((first + own).astype(np.int64), use, -1)
    lowest = -np.inf if is_float(x.dtype) else np.iinfo(x.dtype).min
    found = patches(x, use, lowest)
    flat = found.reshape(*found.shape[: x.ndim], -1)
    best = np.where(numbers.reshape(flat.shape) < 0, lowest, flat).argmax(axis=-1)[..., None]
    return np.take_along_axis(numbers.reshape(flat.shape), best, -1)[..., 0]


@value("AveragePool")
def _average_pool(node: Operation, x: Values) -> Any:
    """Return the sum of each window, divided by the numbers that count: those of the image, perhaps with its padding."""
    use = _sizes(node, x)
    inside = tuple(range(x.ndim, 2 * x.ndim - 2))
    total = patches(x, use, 0).sum(axis=inside)
    counted = np.ones((1, 1, *x.shape[2:]))
    inner = use
    if node.get("count_include_pad", 0):
        counted = np.pad(counted, [(0, 0), (0, 0), *use.padding], constant_values=1.0)
        inner = Windows(use.kernel, use.stride, use.dilation, ((0, 0),) * len(use.kernel), use.ceil)
    places = tuple(slice(count) for count in total.shape[2:])
    count = patches(counted, inner, 0).sum(axis=inside)[(slice(None), slice(None), *places)]
    return (total / count).astype(x.dtype)


@value("GlobalAveragePool")
def _global_average(_node: Operation, x: Values) -> Any:
    return x.mean(axis=tuple(range(2, x.ndim)), keepdims=True, dtype=x.dtype)


@value("GlobalMaxPool")
def _global_max(_node: Operation, x: Values) -> Any:
    return x.max(axis=tuple(range(2, x.ndim)), keepdims=True)
