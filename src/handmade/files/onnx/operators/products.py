"""Matrix products: Gemm and MatMul. A constant matrix becomes the weights of a Linear, its rows in the order of its input.

Gemm  y = alpha A B + beta C
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from handmade.engine.layers import Add, Conv2d, Linear, MatMul
from handmade.files.onnx.builder import Builder
from handmade.files.onnx.errors import NoLayer
from handmade.files.onnx.graph import Operation
from handmade.files.onnx.layout import Activation, Known, view
from handmade.files.onnx.operators.arithmetic import join
from handmade.files.onnx.operators.elementwise import floating
from handmade.files.onnx.operators.table import Tensor, known, layers, value
from handmade.files.onnx.types import Values


@value("Gemm")
def _gemm(node: Operation, a: Values, b: Values, c: Values | None = None) -> Any:
    left, right = (x.T if node.get(name, 0) else x for x, name in ((a, "transA"), (b, "transB")))
    y = a.dtype.type(node.get("alpha", 1.0)) * (left @ right)
    return (y if c is None else y + c.dtype.type(node.get("beta", 1.0)) * c).astype(a.dtype)


@layers("Gemm")
def _gemm_layers(to: Builder, node: Operation, a: Tensor, b: Tensor, c: Tensor = None) -> Activation:
    x, W = floating(a), known(b, "matrix")
    if node.get("transA", 0):
        raise NoLayer("transA: the axis of the images is no longer the first")
    W = node.get("alpha", 1.0) * (W.T if node.get("transB", 0) else W)
    bias = np.zeros(W.shape[1])
    if isinstance(c, Known):
        row = view(x.name, (W.shape[1],), (0,), x.dtype)
        bias = np.broadcast_to(node.get("beta", 1.0) * to.constant(c, row), W.shape[1:])
    y = linear(to, node, x, W, bias)
    if not isinstance(c, Activation):
        return y
    if node.get("beta", 1.0) != 1:
        c = to.affine(node, c, np.array(node.get("beta")), 0.0)
    return join(to, node, Add(), [y, floating(c)])


def linear(to: Builder, node: Operation, x: Activation, W: Values, b: Values) -> Activation:
    """Add a Linear for rows (N, in); the rows of W are put in the order of the activation."""
    if len(x.shape) != 1 or W.ndim != 2 or W.shape[0] != x.shape[0]:
        raise NoLayer(f"a matrix {W.shape} for an activation of the shape {x.shape}")
    sizes = [x.factors[i] for i in x.order]
    rows = W.reshape(*sizes, W.shape[1]).transpose(*np.argsort(x.order), len(sizes)).reshape(W.shape)
    flat = replace(x, groups=(tuple(range(len(x.factors))),))  # the order of the node, which the rows now have
    name = to.emit(node.name, Linear(to.weights(rows), to.weights(b)), to.arrange(node.name, flat))
    to.biased.add(name)
    return view(name, to.shapes[name], (0,), x.dtype)


@value("MatMul")
def _matmul(_node: Operation, a: Values, b: Values) -> Any:
    return np.matmul(a, b)


@layers("MatMul")
def _matmul_layers(to: Builder, node: Operation, a: Tensor, b: Tensor) -> Activation:
    if isinstance(a, Activation) and isinstance(b, Activation):
        return _two(to, node, floating(a), floating(b))
    if isinstance(a, Activation):
        W = known(b, "matrix")
        return _rows(to, node, floating(a), W)
    x, W = floating(b), known(a, "matrix")
    if len(x.shape) < 2 or W.ndim != 2:
        raise NoLayer("a constant times rows of the batch")
    swapped = [*range(len(x.shape) - 2), len(x.shape) - 1, len(x.shape) - 2]
    return _rows(to, node, x.transposed(swapped), W.T).transposed(swapped)  # A x = (x' A')'


def _rows(to: Builder, node: Operation, x: Activation, W: Values) -> Activation:
    """Add a product of each row of x, along its last axis, with a matrix."""
    if W.ndim == 1:
        y = _rows(to, node, x, W[:, None])
        return to.reshape(node.name, y, y.shape[:-1])
    if W.ndim > 2 and W.shape[:-2] == (1,) * (W.ndim - 2) and W.ndim <= 1 + len(x.shape):
        W = W.reshape(W.shape[-2:])
    if W.ndim != 2 or not x.shape or x.shape[-1] != W.shape[0]:
        raise NoLayer(f"a matrix {W.shape} for an activation of the shape {x.shape}")
    biases = np.zeros(W.shape[1])
    if len(x.shape) == 1:
        return linear(to, node, x, W, biases)
    rows = math.prod(x.shape[:-1])
    name = to.arrange(node.name, x, None, (rows, 1, x.shape[-1]))
    filters = to.weights(W.reshape(1, 1, *W.shape))
    made = to.emit(node.name, Conv2d(filters, to.weights(biases)), name)  # a 1 x 1 convolution works row by row
    return to.reshape(node.name, view(made, to.shapes[made], (0, 1, 2), x.dtype), (*x.shape[:-1], W.shape[1]))


def _two(to: Builder, node: Operation, a: Activation, b: Activation) -> Activation:
    if min(len(a.shape), len(b.shape)) < 2:
        raise NoLayer("a product along the axis of the images")
    name = to.emit(node.name, MatMul(), to.arrange(node.name, a), to.arrange(node.name, b))
    return view(name, to.shapes[name], range(len(to.shapes[name])), a.dtype)
