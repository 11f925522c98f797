"""Operations that exporters write for one: GELU before opset 20, which had no operator of its own, and Softmax in parts.

GELU        y = x p(x),  p(x) = (1 + erf(x / sqrt 2)) / 2, or the form with tanh        recognised by the values of p
Softmax     y = e / sum(e),  e = exp(x) or exp(x - max(x))                              recognised by its operations
LogSoftmax  y = z - log(sum(exp(z))),  z = x or x - max(x)
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from handmade.files.onnx.graph import Graph, Operation, needed
from handmade.files.onnx.operators.shapes import integers

GELU_SINCE, SOFTMAX_SINCE = 20, 13  # opsets of the operators that are put in place
CLOSE = 1e-6  # constants of an exporter are rounded to float32
SAMPLES = (-3.1, -1.3, -0.4, 0.2, 0.7, 1.9, 3.3)
STEPS = 40  # operations of p that are followed
NUMBERS: dict[str, Callable[..., float]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: a / b,
    "Pow": lambda a, b: float(a**b),
    "Neg": lambda a: -a,
    "Sqrt": math.sqrt,
    "Erf": math.erf,
    "Tanh": math.tanh,
    "Sigmoid": lambda a: 1 / (1 + math.exp(-a)),
    "Identity": lambda a: a,
    "Cast": lambda a: a,
    "CastLike": lambda a: a,
}
PARTS = {"Erf", "Tanh", "Sigmoid", "Exp"}  # one of them is in each group
SHARES: dict[str, Callable[[float], float]] = {  # p, by the attribute approximate
    "none": lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "tanh": lambda x: 0.5 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
}


def fused(graph: Graph) -> Graph:
    """Return the graph with one operation for each such group."""
    if not any(node.op in PARTS for node in graph.operations):
        return graph
    groups = _Groups(graph)
    operations = [groups.replaced(node) or node for node in graph.operations]
    if operations == list(graph.operations):
        return graph
    known = {*graph.constants, *(port.name for port in graph.inputs)}
    return replace(graph, operations=tuple(needed(operations, [port.name for port in graph.outputs], known)))


@dataclass
class _Groups:
    """The graph, with the node that makes each tensor."""

    graph: Graph
    maker: dict[str, Operation] = field(init=False)
    left: int = field(init=False, default=0)  # operations that may still be followed

    def __post_init__(self) -> None:
        self.maker = {name: node for node in self.graph.operations for name in node.outputs}

    def replaced(self, node: Operation) -> Operation | None:
        """Return the operation that a group of operations with this last one is; None if it is none."""
        if node.op in {"Mul", "Div"} and (found := self._gelu(node)) is not None:
            return found
        if node.op == "Div":
            return self._softmax(node)
        return self._log_softmax(node) if node.op == "Sub" else None

    def _gelu(self, node: Operation) -> Operation | None:
        factors = list(self._factors(node))
        number = math.prod(factor for factor in factors if isinstance(factor, float))
        names = [factor for factor in factors if isinstance(factor, str)]
        if len(names) != 2:
            return None
        for x, bracket in (names, names[::-1]):
            shares = [self._value(bracket, x, at) for at in SAMPLES]
            for approximate, share in SHARES.items():
                if all(
                    each is not None and abs(number * each - share(at)) < CLOSE for each, at in zip(shares, SAMPLES, strict=True)
                ):
                    attributes = {"approximate": approximate}
                    return replace(node, op="Gelu", inputs=(x,), opset=GELU_SINCE, attributes=attributes)
        return None

    def _factors(self, node: Operation, depth: int = 0) -> Iterator[str | float]:
        """Yield the factors of a product, through products within it; numbers as numbers, a divisor as its reciprocal."""
        for place, name in enumerate(node.inputs):
            number, made = self._value(name), self.maker.get(name)
            if node.op == "Div" and place == 1:
                yield 1 / number if number else name
                if not number:
                    yield name  # no product of two factors
            elif number is not None:
                yield number
            elif made is not None and made.op in {"Mul", "Div"} and depth < 2:
                yield from self._factors(made, depth + 1)
            else:
                yield name

    def _value(self, name: str, x: str = "", at: float = 0.0) -> float | None:
        """Return a number that is made of constants and of x; None if it is made of other tensors."""
        self.left = STEPS
        return self._computed(name, x, at)

    def _computed(self, name: str, x: str, at: float) -> float | None:
        self.left -= 1
        if name == x or self.left < 0:
            return at if name == x else None
        made, array = self.maker.get(name), self.graph.constants.get(name)
        if made is not None and made.op == "Constant":
            array = made.get("value", made.get("value_float"))
        if array is not None:
            found = np.asarray(array)
            return float(found.reshape(())) if found.size == 1 and found.dtype.kind in "fiu" else None
        if made is None or made.op not in NUMBERS:
            return None
        read = made.inputs[:1] if made.op == "CastLike" else made.inputs  # the other one only tells the element type
        values = [self._computed(each, x, at) for each in read]
        if None in values:
            return None
        try:
            return NUMBERS[made.op](*values)
        except (ArithmeticError, ValueError, TypeError):  # no such number, or a wrong number of inputs
            return None

    def _softmax(self, node: Operation) -> Operation | None:
        e, total = node.inputs if len(node.inputs) == 2 else ("", "")
        exp, axis = self._made("Exp", e), self._axis("ReduceSum", e, total)
        if exp is None or axis is None:
            return None
        return self._along("Softmax", node, exp.inputs[0], axis)

    def _log_softmax(self, node: Operation) -> Operation | None:
        z, shift = node.inputs if len(node.inputs) == 2 else ("", "")
        log = self._made("Log", shift)
        total = self._made("ReduceSum", log.inputs[0]) if log is not None else None
        exp = self._made("Exp", total.inputs[0]) if total is not None else None
        if log is None or exp is None or exp.inputs[0] != z:
            return None
        axis = self._axis("ReduceSum", exp.outputs[0], log.inputs[0])
        return None if axis is None else self._along("LogSoftmax", node, z, axis)

    def _along(self, op: str, node: Operation, z: str, axis: int) -> Operation:
        """Return the whole operation; its input is x where z is x - max(x)."""
        shifted = self._made("Sub", z)
        if shifted is not None and len(shifted.inputs) == 2 and self._axis("ReduceMax", *shifted.inputs) == axis:
            z = shifted.inputs[0]
        return replace(node, op=op, inputs=(z,), opset=SOFTMAX_SINCE, attributes={"axis": axis})

    def _made(self, op: str, name: str) -> Operation | None:
        made = self.maker.get(name)
        return made if made is not None and made.op == op and made.inputs else None

    def _axis(self, op: str, x: str, name: str) -> int | None:
        """Return the axis along which a tensor is the reduction of another one, with the axis kept; None if it is not."""
        made = self._made(op, name)
        if made is None or made.inputs[0] != x or not made.get("keepdims", 1):
            return None
        axes: Any = made.get("axes")
        if len(made.inputs) > 1:
            constant = self._made_constant(made.inputs[1])
            axes = None if constant is None else integers(constant)
        return int(axes[0]) if axes is not None and len(axes) == 1 else None

    def _made_constant(self, name: str) -> Any:
        made = self.maker.get(name)
        if made is not None and made.op == "Constant":
            return made.get("value", made.get("value_ints"))
        return self.graph.constants.get(name)
