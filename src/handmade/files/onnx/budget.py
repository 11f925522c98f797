"""Limits of what a file makes of its constants: memory and time stay in proportion to the file.

Before an operation on constants is computed, the numbers that it makes and its steps are known from the shapes of its inputs.
A file of 200 bytes can ask for a terabyte; no trained network does.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Shape
from handmade.files.onnx.errors import NoLayer
from handmade.files.onnx.graph import Graph, Operation
from handmade.files.onnx.operators.shapes import integers
from handmade.files.onnx.operators.window_sizes import windows
from handmade.files.onnx.types import Values

FREE = 2**24  # bytes that any file may make
TIMES = 16  # bytes for each byte of its own: int8 to float32, shifted, and scaled, are 12
STEPS = 2**33  # additions of all operations together
Inputs = Sequence[Values | None]


@dataclass
class Budget:
    """Bytes and steps that are left for operations on constants."""

    bytes: int
    steps: int = STEPS

    @classmethod
    def for_graph(cls, graph: Graph, others: Mapping[str, Values], free: int = FREE, steps: int = STEPS) -> "Budget":
        """Return the budget of a graph with its constants, and other arrays that are given."""
        arrays = [*(graph.constants | dict(others)).values()]
        arrays += [each for node in graph.operations for each in node.attributes.values() if isinstance(each, np.ndarray)]
        return cls(free + TIMES * sum(array.nbytes for array in arrays), steps)

    def take(self, node: Operation, inputs: Inputs) -> None:
        """Take what an operation needs; raise NoLayer if so much is not left."""
        given = [each for each in inputs if each is not None]
        made, steps = (NEEDS.get(node.op) or _as_inputs)(node, given)
        size = made * max((each.itemsize for each in given), default=8)
        steps += sum(each.size for each in given)
        if size > self.bytes or steps > self.steps:
            raise NoLayer(
                f"it makes {made:,} numbers of constants in {steps:,} steps; for this file, "
                f"{self.bytes:,} bytes and {self.steps:,} steps are left"
            )
        self.bytes, self.steps = self.bytes - size, self.steps - steps


def _as_inputs(_node: Operation, given: Sequence[Values]) -> tuple[int, int]:
    size = sum(each.size for each in given)
    return size, size


def _broadcast(_node: Operation, given: Sequence[Values]) -> tuple[int, int]:
    size = math.prod(np.broadcast_shapes(*(each.shape for each in given)))
    return size, size


def _matmul(_node: Operation, given: Sequence[Values]) -> tuple[int, int]:
    a, b = given[0], given[1]
    rows, columns = a.shape[-2:-1], b.shape[-1:] if b.ndim > 1 else ()
    made = math.prod((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *rows, *columns))
    return made, made * a.shape[-1]


def _gemm(node: Operation, given: Sequence[Values]) -> tuple[int, int]:
    (rows, inner), (first, second) = given[0].shape, given[1].shape
    if node.get("transA", 0):
        rows, inner = inner, rows
    made = rows * (first if node.get("transB", 0) else second)
    return made, made * inner


def _windows(node: Operation, given: Sequence[Values]) -> tuple[int, int]:
    """Count the padded input, too, and each number of each window."""
    x = given[0]
    filters = given[1].shape if node.op == "Conv" else x.shape[1:2]
    kernel: Shape = filters[2:] if node.op == "Conv" else tuple(node.get("kernel_shape") or ())
    use = windows(node, x.shape[2:], kernel)
    padded = math.prod((*x.shape[:2], *(size + sum(pad) for size, pad in zip(x.shape[2:], use.padding, strict=True))))
    made = x.shape[0] * filters[0] * math.prod(use.places(x.shape[2:]))
    return made + padded, made * math.prod(kernel) * x.shape[1]


def _gather(node: Operation, given: Sequence[Values]) -> tuple[int, int]:
    x, indices = given
    made = x.size // max(x.shape[node.get("axis", 0)], 1) * indices.size
    return made, made


def _of_shape(_node: Operation, given: Sequence[Values]) -> tuple[int, int]:
    size = _count(integers(given[0]))
    return size, size


def _expand(_node: Operation, given: Sequence[Values]) -> tuple[int, int]:
    size = _count(np.broadcast_shapes(given[0].shape, (1,) * len(given[1]))) * _count(integers(given[1]))
    return size, size


def _tile(_node: Operation, given: Sequence[Values]) -> tuple[int, int]:
    size = given[0].size * _count(integers(given[1]))
    return size, size


def _range(_node: Operation, given: Sequence[Values]) -> tuple[int, int]:
    start, limit, step = (float(each) for each in given)
    size = max(math.ceil(min((limit - start) / step, 2.0**62)), 0) if step else 0
    return size, size


def _pad(node: Operation, given: Sequence[Values]) -> tuple[int, int]:
    """Count each axis with all widths, of which it has two."""
    widths = integers(node.get("pads") if len(given) < 2 else given[1])
    most = sum(max(width, 0) for width in widths)
    sizes = [size + most for size in given[0].shape] if len(given) > 3 else _padded(given[0].shape, widths)
    return _count(sizes), _count(sizes)


def _padded(shape: Shape, widths: Sequence[int]) -> list[int]:
    return [size + max(a, 0) + max(b, 0) for size, a, b in zip(shape, widths, widths[len(shape) :], strict=False)]


def _count(sizes: Sequence[int]) -> int:
    if any(size < 0 for size in sizes):
        raise NoLayer(f"the shape {tuple(sizes)!s:.100}")
    return math.prod(sizes)


NEEDS: dict[str, Callable[[Operation, Sequence[Values]], tuple[int, int]]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "Sum", "Mean", "Where", "PRelu"), _broadcast),
    **dict.fromkeys(("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or", "Xor"), _broadcast),
    **dict.fromkeys(("Conv", "MaxPool", "AveragePool"), _windows),
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Gather": _gather,
    "ConstantOfShape": _of_shape,
    "Expand": _expand,
    "Tile": _tile,
    "Range": _range,
    "Pad": _pad,
}
