"""Softmax and LogSoftmax: along one axis from opset 13; before, over all axes from `axis` on together."""

import math

import numpy as np

from handmade.engine.layers import LogSoftmax, Softmax
from handmade.files.onnx.builder import Builder
from handmade.files.onnx.graph import Operation
from handmade.files.onnx.layout import Activation
from handmade.files.onnx.operators.elementwise import floating
from handmade.files.onnx.operators.parts import engine_order, turned
from handmade.files.onnx.operators.table import Tensor, image_axes, layers, value
from handmade.files.onnx.types import Values


def log_softmax(x: Values, axis: int) -> Values:
    """Return x - log(sum of exp(x)) along an axis, without overflow."""
    shifted = x - x.max(axis=axis, keepdims=True)
    found: Values = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return found


def _softmax(x: Values, axis: int) -> Values:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    found: Values = e / e.sum(axis=axis, keepdims=True)
    return found


@value("Softmax", "LogSoftmax")
def _values(node: Operation, x: Values) -> Values:
    function = _softmax if node.op == "Softmax" else log_softmax
    wide = x.astype(np.result_type(x.dtype, np.float32))
    if node.opset >= 13:
        return function(wide, node.get("axis", -1)).astype(x.dtype)
    axis = node.get("axis", 1)
    axis += x.ndim * (axis < 0)
    flat = wide.reshape(math.prod(x.shape[:axis]), -1)
    return function(flat, 1).reshape(x.shape).astype(x.dtype)


@layers("Softmax", "LogSoftmax")
def _layers(to: Builder, node: Operation, x: Tensor) -> Activation:
    given = floating(x)
    kind = Softmax if node.op == "Softmax" else LogSoftmax
    rank = len(given.shape)
    if node.opset < 13:
        (axis,) = image_axes([node.get("axis", 1)], 1 + rank)
        rest = (*given.shape[:axis], math.prod(given.shape[axis:]))
        flat = to.plain(node.name, to.reshape(node.name, given, rest))
        found = to.apply(node, kind(), flat)
        to.softmaxes[found.name] = flat.name
        return to.reshape(node.name, found, given.shape)
    (axis,) = image_axes([node.get("axis", -1)], 1 + rank)
    order = engine_order(rank)
    name = to.arrange(node.name, given, order)
    made = to.emit(node.name, kind(axis=order.index(axis)), name)
    to.softmaxes[made] = name
    return turned(made, to, given, order)
