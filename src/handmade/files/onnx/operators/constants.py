"""Operators that make constants: Constant, ConstantOfShape, Range."""

from typing import Any

import numpy as np

from handmade.files.onnx.errors import NoLayer
from handmade.files.onnx.graph import Operation
from handmade.files.onnx.operators.shapes import integers
from handmade.files.onnx.operators.table import value
from handmade.files.onnx.types import Values

NUMBERS: dict[str, Any] = {
    "value": np.asarray,
    "value_float": np.float32,
    "value_floats": lambda numbers: np.array(numbers, np.float32),
    "value_int": np.int64,
    "value_ints": lambda numbers: np.array(numbers, np.int64),
}


@value("Constant")
def _constant(node: Operation) -> Values:
    name = next((name for name in NUMBERS if name in node.attributes), None)
    if name is None:
        raise NoLayer("a Constant without numbers")
    return np.asarray(NUMBERS[name](node.get(name)))


@value("ConstantOfShape")
def _constant_of_shape(node: Operation, shape: Values) -> Values:
    number = node.get("value", np.zeros(1, np.float32)).reshape(-1)
    return np.full(integers(shape), number[0], number.dtype)


@value("Range")
def _range(_node: Operation, start: Values, limit: Values, step: Values) -> Values:
    count = max(int(np.ceil((limit - start) / step)), 0) if step else 0
    return (start + np.arange(count) * step).astype(start.dtype)
