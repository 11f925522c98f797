"""Operators that work number by number: activation functions and roots.

Gelu: y = x (1 + erf(x / sqrt 2)) / 2, or its tanh form. HardSwish: y = x max(0, min(1, x / 6 + 1 / 2)).
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from handmade.engine.layers import (
    ELU,
    GELU,
    Add,
    Clip,
    Divide,
    Exp,
    HardSigmoid,
    LeakyReLU,
    Log,
    Multiply,
    ReLU,
    Sigmoid,
    Sqrt,
    Tanh,
)
from handmade.files.onnx.builder import Builder
from handmade.files.onnx.errors import NoLayer
from handmade.files.onnx.graph import Operation
from handmade.files.onnx.layout import Activation, Known
from handmade.files.onnx.operators.table import Tensor, activation, known, layers, value
from handmade.files.onnx.types import Values

ELEMENTS = {  # value, and layer, of operators without attributes
    "Relu": (lambda x: np.maximum(x, x.dtype.type(0)), ReLU),
    "Tanh": (np.tanh, Tanh),
    "Exp": (np.exp, Exp),
    "Log": (np.log, Log),
    "Sqrt": (np.sqrt, Sqrt),
}
VALUES = {  # values of other operators; those with layers follow below
    "Abs": np.abs,
    "Neg": np.negative,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Round": np.rint,
    "Sign": np.sign,
    "Not": np.logical_not,
    "Reciprocal": lambda x: x.dtype.type(1) / x,
    "Softplus": lambda x: np.logaddexp(x, x.dtype.type(0)),
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Mish": lambda x: x * np.tanh(np.logaddexp(x, x.dtype.type(0))),
    "Sin": np.sin,
    "Cos": np.cos,
    "IsNaN": np.isnan,
}


def _register() -> None:
    for op, (function, kind) in ELEMENTS.items():
        value(op)(lambda _node, x, f=function: _kept(f(x), x))
        layers(op)(lambda to, node, x, kind=kind: to.apply(node, kind(), floating(x)))
    for op, function in VALUES.items():
        value(op)(lambda node, x, f=function: f(x) if node.op in {"Not", "IsNaN"} else _kept(f(x), x))


def _kept(y: Any, x: Values) -> Values:
    """Return a result in the element type of its input."""
    return np.asarray(y).astype(x.dtype)


def floating(x: Tensor) -> Activation:
    """Return an activation of floats; raise NoLayer for others."""
    found = activation(x)
    if found.dtype.kind in "iub":
        raise NoLayer(f"it computes with {found.dtype}")
    return found


_register()


@value("Sigmoid")
def _sigmoid(_node: Operation, x: Values) -> Values:
    return _kept(sigmoid(x), x)


def sigmoid(x: Values) -> Values:
    """Return 1 / (1 + exp(-x)) without overflow."""
    e = np.exp(-np.abs(x))
    y: Values = np.where(x >= 0, 1, e) / (1 + e)
    return y


@layers("Sigmoid")
def _sigmoid_layer(to: Builder, node: Operation, x: Tensor) -> Activation:
    return to.apply(node, Sigmoid(), floating(x))


@value("LeakyRelu")
def _leaky_relu(node: Operation, x: Values) -> Values:
    return np.where(x < 0, x * x.dtype.type(node.get("alpha", 0.01)), x)


@layers("LeakyRelu")
def _leaky_relu_layer(to: Builder, node: Operation, x: Tensor) -> Activation:
    return to.apply(node, LeakyReLU(node.get("alpha", 0.01)), floating(x))


@value("PRelu")
def _prelu(node: Operation, x: Values, slope: Values) -> Values:
    return np.where(x < 0, x * _of_channels(node, slope, x.ndim), x)


def _of_channels(node: Operation, slope: Values, rank: int) -> Values:
    """Return slopes that broadcast; before opset 7, one slope for each channel stood without axes after it."""
    return slope.reshape(slope.shape + (1,) * (rank - 2)) if node.opset < 7 and slope.ndim == 1 else slope


@layers("PRelu")
def _prelu_layer(to: Builder, node: Operation, x: Tensor, slope: Tensor) -> Activation:
    given = floating(x)
    slopes = _of_channels(node, known(slope, "slope"), 1 + len(given.shape))
    if slopes.size == 1:
        return to.apply(node, LeakyReLU(float(slopes.reshape(()))), given)
    to.note(f"{node.name}: a PRelu with several slopes is max(x, 0) - slope max(-x, 0), in layers; its slopes are constants")
    positive, negative = _halves(to, node, given)
    scaled = to.affine(_part(node, "scaled"), negative, -to.constant(Known([slopes]), given), 0.0)
    return replace(given, name=to.emit(node.name, Add(), positive.name, scaled.name))


def _part(node: Operation, name: str) -> Operation:
    """Return the node with a name for one of the layers that it is made of."""
    return replace(node, name=f"{node.name}_{name}")


def _halves(to: Builder, node: Operation, x: Activation) -> tuple[Activation, Activation]:
    """Add max(x, 0) and max(-x, 0)."""
    turned = to.affine(_part(node, "turned"), x, -1.0, 0.0)
    return to.apply(_part(node, "positive"), ReLU(), x), to.apply(_part(node, "negative"), ReLU(), turned)


@value("Elu")
def _elu(node: Operation, x: Values) -> Values:
    return _kept(np.where(x < 0, node.get("alpha", 1.0) * np.expm1(np.minimum(x, 0)), x), x)


@layers("Elu")
def _elu_layer(to: Builder, node: Operation, x: Tensor) -> Activation:
    return to.apply(node, ELU(node.get("alpha", 1.0)), floating(x))


@value("Selu")
def _selu(node: Operation, x: Values) -> Values:
    alpha, gamma = node.get("alpha", 1.67326319217681884765625), node.get("gamma", 1.05070102214813232421875)
    return _kept(gamma * np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x), x)


@layers("Selu")
def _selu_layer(to: Builder, node: Operation, x: Tensor) -> Activation:
    alpha, gamma = node.get("alpha", 1.67326319217681884765625), node.get("gamma", 1.05070102214813232421875)
    return to.affine(node, to.apply(_part(node, "elu"), ELU(alpha), floating(x)), gamma, 0.0)


@value("HardSigmoid")
def _hard_sigmoid(node: Operation, x: Values) -> Values:
    return _kept(np.clip(node.get("alpha", 0.2) * x + node.get("beta", 0.5), 0, 1), x)


@layers("HardSigmoid")
def _hard_sigmoid_layer(to: Builder, node: Operation, x: Tensor) -> Activation:
    return to.apply(node, HardSigmoid(node.get("alpha", 0.2), node.get("beta", 0.5)), floating(x))


@value("HardSwish")
def _hard_swish(_node: Operation, x: Values) -> Values:
    return _kept(x * np.clip(x / 6 + 0.5, 0, 1), x)


@layers("HardSwish")
def _hard_swish_layer(to: Builder, node: Operation, x: Tensor) -> Activation:
    given = floating(x)
    gate = to.apply(_part(node, "gate"), HardSigmoid(1 / 6, 0.5), given)
    return replace(given, name=to.emit(node.name, Multiply(), given.name, gate.name))


@layers("Neg")
def _neg_layer(to: Builder, node: Operation, x: Tensor) -> Activation:
    return to.affine(node, floating(x), -1.0, 0.0)


@layers("Abs")
def _abs_layer(to: Builder, node: Operation, x: Tensor) -> Activation:
    return absolute(to, node, floating(x))


def absolute(to: Builder, node: Operation, x: Activation) -> Activation:
    """Add |x| = max(x, 0) + max(-x, 0)."""
    return replace(x, name=to.emit(node.name, Add(), *(half.name for half in _halves(to, node, x))))


@layers("Softplus")
def _softplus_layers(to: Builder, node: Operation, x: Tensor) -> Activation:
    """Add log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), which does not overflow."""
    given = floating(x)
    minus = to.affine(_part(node, "minus"), absolute(to, _part(node, "size"), given), -1.0, 0.0)
    one_more = to.affine(_part(node, "one_more"), to.apply(_part(node, "exp"), Exp(), minus), 1.0, 1.0)
    log = to.apply(_part(node, "log"), Log(), one_more)
    return replace(given, name=to.emit(node.name, Add(), to.apply(_part(node, "above"), ReLU(), given).name, log.name))


@layers("Mish")
def _mish_layers(to: Builder, node: Operation, x: Tensor) -> Activation:
    """Add x tanh(softplus(x))."""
    given = floating(x)
    gate = to.apply(_part(node, "gate"), Tanh(), _softplus_layers(to, _part(node, "softplus"), given))
    return replace(given, name=to.emit(node.name, Multiply(), given.name, gate.name))


@layers("Softsign")
def _softsign_layers(to: Builder, node: Operation, x: Tensor) -> Activation:
    """Add x / (1 + |x|)."""
    given = floating(x)
    below = to.affine(_part(node, "below"), absolute(to, _part(node, "size"), given), 1.0, 1.0)
    return replace(given, name=to.emit(node.name, Divide(), given.name, below.name))


@layers("Reciprocal")
def _reciprocal_layers(to: Builder, node: Operation, x: Tensor) -> Activation:
    """Add 1 / x."""
    return quotient(to, node, np.array(1.0), floating(x))


def quotient(to: Builder, node: Operation, c: Values, x: Activation) -> Activation:
    """Add c / x: 1, by a Clip from 1 to 1, divided by x, and times c."""
    ones = to.apply(_part(node, "one"), Clip(low=1.0, high=1.0), x)
    inverse = replace(x, name=to.emit(node.name if (c == 1).all() else f"{node.name}_inverse", Divide(), ones.name, x.name))
    return inverse if (c == 1).all() else to.affine(node, inverse, c, 0.0)


@value("Swish")
def _swish(node: Operation, x: Values) -> Values:
    return _kept(x * sigmoid(x * x.dtype.type(node.get("alpha", 1.0))), x)


@layers("Swish")
def _swish_layer(to: Builder, node: Operation, x: Tensor) -> Activation:
    given, alpha = floating(x), node.get("alpha", 1.0)
    scaled = given if alpha == 1 else to.affine(_part(node, "scaled"), given, alpha, 0.0)
    gate = to.apply(_part(node, "gate"), Sigmoid(), scaled)
    return replace(given, name=to.emit(node.name, Multiply(), given.name, gate.name))


@value("Erf")
def _erf(_node: Operation, x: Values) -> Values:
    return _kept(np.vectorize(math.erf, otypes=[np.float64])(x.astype(np.float64)), x)


@value("Gelu")
def _gelu(node: Operation, x: Values) -> Values:
    u = x.astype(np.float64)
    if node.get("approximate", "none") == "tanh":
        return _kept(0.5 * u * (1 + np.tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * u**3))), x)
    return _kept(0.5 * u * (1 + _erf(node, u / math.sqrt(2))), x)


@layers("Gelu")
def _gelu_layer(to: Builder, node: Operation, x: Tensor) -> Activation:
    return to.apply(node, GELU(node.get("approximate", "none")), floating(x))


@value("Clip")
def _clip(node: Operation, x: Values, low: Values | None = None, high: Values | None = None) -> Values:
    """Return min(max(x, low), high); before opset 11 the limits were attributes."""
    if node.opset < 11:
        low, high = node.get("min"), node.get("max")
    found = x if low is None else np.maximum(x, np.asarray(low).astype(x.dtype))
    return _kept(found if high is None else np.minimum(found, np.asarray(high).astype(x.dtype)), x)


@layers("Clip")
def _clip_layer(to: Builder, node: Operation, x: Tensor, low: Tensor = None, high: Tensor = None) -> Activation:
    limits = (node.get("min"), node.get("max")) if node.opset < 11 else (known(low, "minimum"), known(high, "maximum"))
    numbers = [None if each is None else float(np.asarray(each).reshape(())) for each in limits]
    unlimited = [None if each is None or math.isinf(each) or abs(each) >= np.finfo(np.float32).max else each for each in numbers]
    return floating(x) if unlimited == [None, None] else to.apply(node, Clip(*unlimited), floating(x))
