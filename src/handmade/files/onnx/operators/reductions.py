"""Reductions along axes: sums, means and extremes; ArgMax and ArgMin, which have no layer."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from handmade.engine.arrays import Shape
from handmade.engine.layers import GlobalAvgPool2d, GlobalMaxPool2d, Layer, MaxPool2d, Mean, Multiply, Sqrt, Sum
from handmade.files.onnx.builder import Builder
from handmade.files.onnx.errors import NoLayer
from handmade.files.onnx.graph import Operation
from handmade.files.onnx.layout import Activation, Known, view
from handmade.files.onnx.operators.elementwise import absolute, floating
from handmade.files.onnx.operators.parts import engine_order, turned
from handmade.files.onnx.operators.shapes import integers
from handmade.files.onnx.operators.table import Tensor, image_axes, known, layers, value
from handmade.files.onnx.types import Values, is_float

AXES_AS_INPUT = {"ReduceSum": 13}  # opset from which the axes are an input; 18 for the others


def _lowest(dtype: np.dtype[Any]) -> Any:
    return dtype.type(-np.inf) if is_float(dtype) else False if dtype.kind == "b" else np.iinfo(dtype).min


def _highest(dtype: np.dtype[Any]) -> Any:
    return dtype.type(np.inf) if is_float(dtype) else True if dtype.kind == "b" else np.iinfo(dtype).max


def _log_sum_exp(x: Values, **how: Any) -> Any:
    top = x.max(initial=_lowest(x.dtype), axis=how["axis"], keepdims=True)
    safe = np.where(np.isfinite(top), top, 0)
    return np.log(np.exp(x - safe).sum(**how)) + (safe if how["keepdims"] else safe.reshape(x.sum(**how).shape))


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "ReduceSum": lambda x, **how: x.sum(**how),
    "ReduceMean": lambda x, **how: x.mean(**how) if is_float(x.dtype) else x.sum(**how) // max(x.size, 1),
    "ReduceMax": lambda x, **how: x.max(initial=_lowest(x.dtype), **how),
    "ReduceMin": lambda x, **how: x.min(initial=_highest(x.dtype), **how),
    "ReduceProd": lambda x, **how: x.prod(**how),
    "ReduceL1": lambda x, **how: np.abs(x).sum(**how),
    "ReduceL2": lambda x, **how: np.sqrt(np.square(x).sum(**how)),
    "ReduceSumSquare": lambda x, **how: np.square(x).sum(**how),
    "ReduceLogSum": lambda x, **how: np.log(x.sum(**how)),
    "ReduceLogSumExp": _log_sum_exp,
}


def _axes(node: Operation, given: Any) -> tuple[int, ...] | None:
    """Return the axes; None for all of them. An empty list means all axes, or none if noop_with_empty_axes is set."""
    asked = node.get("axes") if node.opset < AXES_AS_INPUT.get(node.op, 18) else given
    found = () if asked is None else integers(asked)
    return found if found or node.get("noop_with_empty_axes", 0) else None


@value(*REDUCTIONS)
def _values(node: Operation, x: Values, axes: Values | None = None) -> Values:
    how = {"axis": _axes(node, axes), "keepdims": bool(node.get("keepdims", 1))}
    if how["axis"] == () and node.op in {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"}:
        return x
    with np.errstate(divide="ignore"):
        return np.asarray(REDUCTIONS[node.op](x, **how)).astype(x.dtype)


@layers("ReduceMin")
def _smallest(to: Builder, node: Operation, x: Tensor, axes: Tensor = None) -> Activation:
    """Add min(x) = -max(-x)."""
    turned_round = to.affine(_part(node, "turned", op=node.op), floating(x), -1.0, 0.0)
    largest = _layers(to, _part(node, "largest", op="ReduceMax"), turned_round, axes)
    return to.affine(node, largest, -1.0, 0.0)


@layers("ReduceSumSquare", "ReduceL2", "ReduceL1")
def _sizes(to: Builder, node: Operation, x: Tensor, axes: Tensor = None) -> Activation:
    """Add the sum of x x, its square root, or the sum of |x|."""
    given, part = floating(x), _part(node, "each", op=node.op)
    if node.op == "ReduceL1":
        each = absolute(to, part, given)
    else:
        each = replace(given, name=to.emit(part.name, Multiply(), given.name, given.name))
    if node.op != "ReduceL2":
        return _summed(to, node, each, axes)
    return to.apply(node, Sqrt(), _summed(to, _part(node, "sum", op=node.op), each, axes))


@layers("ReduceSum", "ReduceMean", "ReduceMax")
def _layers(to: Builder, node: Operation, x: Tensor, axes: Tensor = None) -> Activation:
    given = floating(x)
    asked = _axes(node, known(axes, "axes"))
    if asked == ():
        return given
    if asked is None:
        raise NoLayer("it adds up over the images")
    gone = image_axes(asked, 1 + len(given.shape))
    order = engine_order(len(given.shape))
    kept = tuple(1 if axis in gone else size for axis, size in enumerate(given.shape))
    name = to.arrange(node.name, given, order)
    if len(order) == 3 and set(gone) == {1, 2} and node.op != "ReduceSum":
        layer: Layer = GlobalAvgPool2d() if node.op == "ReduceMean" else GlobalMaxPool2d()
    elif node.op == "ReduceMax":
        return _largest(to, node, given, gone)
    else:
        kind = Sum if node.op == "ReduceSum" else Mean
        layer = kind(tuple(sorted(order.index(axis) for axis in gone)), keepdims=True)
    made = to.emit(node.name, layer, name)
    if len(to.shapes[made]) == len(order):
        found = turned(made, to, given, order)
    else:
        found = to.reshape(node.name, view(made, to.shapes[made], range(len(to.shapes[made])), given.dtype), kept)
    return _shaped(to, node, found, kept, gone)


def _summed(to: Builder, node: Operation, x: Activation, axes: Tensor) -> Activation:
    """Add a sum along the axes of a node that is another reduction."""
    asked = _axes(node, known(axes, "axes")) or ()
    total = replace(node, op="ReduceSum", opset=AXES_AS_INPUT["ReduceSum"])
    found: Activation = _layers(to, total, x, Known([np.array(asked, np.int64)]))
    return found


def _part(node: Operation, name: str, op: str) -> Operation:
    """Return the node with a name and an operator for one of the layers that it is made of."""
    return replace(node, name=f"{node.name}_{name}", op=op)


def _largest(to: Builder, node: Operation, x: Activation, gone: tuple[int, ...]) -> Activation:
    """Add a MaxPool2d with windows of one row: each row holds the numbers of which the largest is taken."""
    stay = [axis for axis in range(len(x.shape)) if axis not in gone]
    rows, size = (math.prod(x.shape[axis] for axis in axes) for axes in (stay, gone))
    name = to.emit(node.name, MaxPool2d((1, size)), to.arrange(node.name, x, (*stay, *gone), (rows, size, 1)))
    found = view(name, to.shapes[name], (0, 1, 2), x.dtype)
    kept = tuple(1 if axis in gone else size for axis, size in enumerate(x.shape))
    return _shaped(to, node, to.reshape(node.name, found, kept), kept, gone)


def _shaped(to: Builder, node: Operation, x: Activation, kept: Shape, gone: tuple[int, ...]) -> Activation:
    if node.get("keepdims", 1):
        return x
    return to.reshape(node.name, x, tuple(size for axis, size in enumerate(kept) if axis not in gone))


@value("ArgMax", "ArgMin")
def _places(node: Operation, x: Values) -> Values:
    """Return the place of the first extreme along an axis, or of the last one with select_last_index."""
    axis, search = node.get("axis", 0), np.argmax if node.op == "ArgMax" else np.argmin
    last = bool(node.get("select_last_index", 0))
    found = search(np.flip(x, axis) if last else x, axis=axis)
    found = x.shape[axis] - 1 - found if last else found
    places = np.asarray(found).astype(np.int64)
    return np.expand_dims(places, axis) if node.get("keepdims", 1) else places
