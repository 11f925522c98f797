"""Table of operators: for each its value for arrays, and its conversion to layers where it has one.

    @value("Relu")                       arrays in, arrays out, as ONNX defines it for the opset of the node
    @layers("Relu")                      activations and constants in, an activation out; NoLayer if no layer fits

An operator without a conversion is for constants, and for tensors that no network can hold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from handmade.files.onnx.errors import NoLayer
from handmade.files.onnx.graph import Operation
from handmade.files.onnx.layout import Activation, Known

Value: TypeAlias = Callable[..., Any]  # (node, *arrays or None): an array, or a tuple of arrays
Rule: TypeAlias = Callable[..., Any]  # (builder, node, *tensors or None): a tensor, or a tuple of tensors
Tensor: TypeAlias = Activation | Known | None

OLDEST = 6  # opset: before it, many operators had other attributes
UNCHANGED = {"Not"}  # since the first opset


@dataclass
class Operator:
    """Entry of the table."""

    value: Value
    layers: Rule | None = None


TABLE: dict[str, Operator] = {}


def value(*names: str) -> Callable[[Value], Value]:
    """Register the value of operators."""

    def register(function: Value) -> Value:
        for name in names:
            TABLE[name] = Operator(function)
        return function

    return register


def layers(*names: str) -> Callable[[Rule], Rule]:
    """Register the conversion of operators whose value is registered."""

    def register(function: Rule) -> Rule:
        for name in names:
            TABLE[name].layers = function
        return function

    return register


def unsupported(node: Operation) -> str | None:
    """Return the reason why an operation is not supported; None if it is."""
    if node.domain or node.op not in TABLE:
        return "the operator is not supported"
    if node.opset < OLDEST and node.op not in UNCHANGED:
        return f"opsets from {OLDEST} are supported"
    return None


def activation(x: Tensor) -> Activation:
    """Return an operand that must depend on the images; raise NoLayer if it is a constant."""
    if not isinstance(x, Activation):
        raise NoLayer("its first input is a constant")
    return x


def known(x: Tensor, what: str) -> Any:
    """Return the array of an operand that must be a constant, None if it is left out."""
    if x is None:
        return None
    if not isinstance(x, Known):
        raise NoLayer(f"its {what} depends on the images")
    return x.array


def image_axes(axes: Any, rank: int) -> tuple[int, ...]:
    """Return axes of one image, counted without the batch axis, for axes of a tensor of `rank` axes."""
    found = [int(axis) + rank * (int(axis) < 0) for axis in axes]
    if any(not 0 <= axis < rank for axis in found):
        raise NoLayer(f"the axes {tuple(axes)} of a tensor of {rank} axes")
    if 0 in found:
        raise NoLayer("it works along the axis of the images")
    return tuple(axis - 1 for axis in found)
