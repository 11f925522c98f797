"""Arithmetic of two or more tensors, comparisons and Where.

A constant operand becomes an Affine layer, or joins the biases of the Conv2d or Linear before it; two activations, a join.
"""

import operator
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from handmade.engine.layers import Add, Clip, Divide, Expand, Layer, Multiply, Sqrt, Subtract
from handmade.files.onnx.builder import Builder
from handmade.files.onnx.errors import NoLayer
from handmade.files.onnx.graph import Operation
from handmade.files.onnx.layout import Activation, Known
from handmade.files.onnx.operators.elementwise import floating, quotient
from handmade.files.onnx.operators.table import Tensor, layers, value
from handmade.files.onnx.types import Values

ARITHMETIC: dict[str, Callable[..., Any]] = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply}
COMPARISONS: dict[str, Callable[..., Any]] = {
    "Equal": np.equal,
    "Greater": np.greater,
    "Less": np.less,
    "GreaterOrEqual": np.greater_equal,
    "LessOrEqual": np.less_equal,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Xor": np.logical_xor,
}
JOINS: dict[str, Callable[[], Layer]] = {"Add": Add, "Sub": Subtract, "Mul": Multiply, "Div": Divide, "Sum": Add}


def legacy(node: Operation, a: Values, b: Values) -> Values:
    """Return b so that it broadcasts as NumPy does; before opset 7, the attribute axis said where its axes begin."""
    if node.opset >= 7 or "axis" not in node.attributes or not b.ndim:
        return b
    first = node.get("axis") % a.ndim
    return b.reshape(b.shape + (1,) * (a.ndim - first - b.ndim))


def _register() -> None:
    for op, function in ARITHMETIC.items():
        value(op)(lambda node, a, b, f=function: f(a, legacy(node, a, b)).astype(a.dtype))
    for op, function in COMPARISONS.items():
        value(op)(lambda node, a, b, f=function: f(a, legacy(node, a, b)))


_register()


@value("Div")
def _div(node: Operation, a: Values, b: Values) -> Values:
    """Return a / b; for integers, rounded towards zero."""
    b = legacy(node, a, b)
    if a.dtype.kind not in "iu":
        return (a / b).astype(a.dtype)
    below = np.where(b == 0, 1, b)
    quotient = np.abs(a) // np.abs(below) if a.dtype.kind == "u" else _towards_zero(a, below)
    return np.where(b == 0, 0, quotient).astype(a.dtype)


def _towards_zero(a: Values, b: Values) -> Any:
    quotient = a // b
    return quotient + ((quotient < 0) & (quotient * b != a))


@value("Mod")
def _mod(node: Operation, a: Values, b: Values) -> Values:
    return (np.fmod(a, b) if node.get("fmod", 0) else np.mod(a, b)).astype(a.dtype)


@value("Pow")
def _pow(_node: Operation, a: Values, b: Values) -> Any:
    return np.power(a.astype(np.float64), b.astype(np.float64)).astype(a.dtype) if a.dtype.kind in "iu" else _power(a, b)


def _power(a: Values, b: Values) -> Any:
    return np.power(a, b.astype(a.dtype)).astype(a.dtype)


@value("Max")
def _max(_node: Operation, *x: Values) -> Values:
    return reduce(np.maximum, x)


@value("Min")
def _min(_node: Operation, *x: Values) -> Values:
    return reduce(np.minimum, x)


@value("Sum")
def _sum(_node: Operation, *x: Values) -> Values:
    return reduce(operator.add, x)


@value("Mean")
def _mean(_node: Operation, *x: Values) -> Any:
    return (reduce(operator.add, x) / x[0].dtype.type(len(x))).astype(x[0].dtype)


@value("Where")
def _where(_node: Operation, condition: Values, a: Values, b: Values) -> Values:
    return np.where(condition, a, b)


@layers("Add", "Sub", "Mul", "Div")
def arithmetic(to: Builder, node: Operation, a: Tensor, b: Tensor) -> Activation:
    """Add an Affine for a constant, a join for two activations."""
    if isinstance(a, Activation) and isinstance(b, Activation):
        return join(to, node, JOINS[node.op](), [floating(a), floating(b)])
    x = floating(a if isinstance(a, Activation) else b)
    given = b if isinstance(a, Activation) else a
    if not isinstance(given, Known):
        raise NoLayer("one of its inputs is left out")
    if node.opset < 7 and "axis" in node.attributes:
        given = Known([legacy(node, np.empty((1,) * (1 + len(x.shape))), given.array)])
    c = to.constant(given, x)
    first = x is a
    if node.op == "Add" or (node.op == "Sub" and first):
        shift = c if node.op == "Add" else -c
        return to.add_to_bias(node, x, shift) or to.affine(node, x, 1.0, shift)
    if node.op == "Sub":
        return to.affine(node, x, -1.0, c)
    if node.op == "Div" and not first:
        return quotient(to, node, c, x)
    with np.errstate(divide="ignore"):
        scale = c if node.op == "Mul" else 1 / c.astype(np.float64)
    return to.affine(node, x, scale, 0.0)


@layers("Sum")
def _sum_layers(to: Builder, node: Operation, *x: Tensor) -> Activation:
    varying = [floating(each) for each in x if isinstance(each, Activation)]
    found = varying[0] if len(varying) == 1 else join(to, node, Add(), varying)
    for each in x:
        if isinstance(each, Known):
            found = to.affine(node, found, 1.0, to.constant(each, found))
    return found


@layers("Mean")
def _mean_layers(to: Builder, node: Operation, *x: Tensor) -> Activation:
    total = _sum_layers(to, replace(node, name=f"{node.name}_sum"), *x) if len(x) > 1 else floating(x[0])
    return total if len(x) == 1 else to.affine(node, total, 1 / len(x), 0.0)


@layers("Max", "Min")
def _clip(to: Builder, node: Operation, *x: Tensor) -> Activation:
    """Add a Clip for numbers beside one activation."""
    varying = [each for each in x if isinstance(each, Activation)]
    limits = [each.array for each in x if isinstance(each, Known)]
    if len(varying) > 1 or any(each.size != 1 for each in limits):
        raise NoLayer("more than one activation beside numbers")
    if not limits:
        return varying[0]
    best = (max if node.op == "Max" else min)(float(each.reshape(())) for each in limits)
    return to.apply(node, Clip(low=best) if node.op == "Max" else Clip(high=best), floating(varying[0]))


@layers("Pow")
def _pow_layers(to: Builder, node: Operation, x: Tensor, exponent: Tensor) -> Activation:
    given = floating(x)
    if not isinstance(exponent, Known) or exponent.array.size != 1:
        raise NoLayer("an exponent that is not one number")
    power = float(exponent.array.reshape(()))
    if power == 1:
        return given
    if power == 0.5:
        return to.apply(node, Sqrt(), given)
    if power in {2.0, 3.0, 4.0}:
        return replace(given, name=to.emit(node.name, Multiply(), *[given.name] * int(power)))
    raise NoLayer(f"the exponent {power:g}; 0.5, 1, 2, 3 and 4 have layers")


def join(to: Builder, node: Operation, layer: Layer, x: list[Activation]) -> Activation:
    """Add a join of activations, in the layout of the largest; smaller ones are repeated along axes of size 1."""
    if len({len(each.shape) for each in x}) > 1:
        raise NoLayer("activations with different numbers of axes")
    shape = np.broadcast_shapes(*(each.shape for each in x))
    main = next((each for each in x if each.shape == shape), None)
    if main is None:
        raise NoLayer("activations that both grow")
    gated = any(each.shape != shape for each in x)
    if gated and (main.factors != tuple(size for size in to.shapes[main.name] if size > 1) or max(map(len, main.groups)) > 1):
        main = to.plain(node.name, main)  # its axes were split or merged
    names = []
    for each in x:
        name = to.like(node.name, each, main)
        target = to.shapes[main.name]
        if to.shapes[name] != target:
            name = to.emit(f"{node.name}_expand", Expand(target), name)
        names.append(name)
    return replace(main, name=to.emit(node.name, layer, *names))
