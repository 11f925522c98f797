"""Operations that exporters write for one: the exact GELU before opset 20, which had no operator of its own.

y = x (1 + erf(x / sqrt 2)) / 2          the factor 1/2 may stand at x, at the bracket, or at the product
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from handmade.files.onnx.graph import Graph, Operation, needed
from handmade.files.onnx.types import Values

GELU_SINCE = 20  # opset
CLOSE = 1e-6  # constants of an exporter are rounded to float32


def fused(graph: Graph) -> Graph:
    """Return the graph with one Gelu for each such group of operations."""
    if not any(node.op == "Erf" for node in graph.operations):
        return graph
    maker = {name: node for node in graph.operations for name in node.outputs}
    found = dict(_gelus(graph, maker))
    if not found:
        return graph
    operations = [
        replace(node, op="Gelu", inputs=(found[node.outputs[0]],), opset=GELU_SINCE, attributes={})
        if node.outputs[0] in found
        else node
        for node in graph.operations
    ]
    known = {*graph.constants, *(port.name for port in graph.inputs)}
    return replace(graph, operations=tuple(needed(operations, [port.name for port in graph.outputs], known)))


def _gelus(graph: Graph, maker: Mapping[str, Operation]) -> Iterator[tuple[str, str]]:
    """Yield output and input of each group, found from its last product."""
    for node in graph.operations:
        if node.op != "Mul":
            continue
        factors = list(_factors(node, graph, maker))
        half = math.prod(factor for factor in factors if isinstance(factor, float))
        names = [factor for factor in factors if isinstance(factor, str)]
        if len(names) != 2 or abs(half - 0.5) > CLOSE:
            continue
        for x, bracket in (names, names[::-1]):
            if _is_bracket(x, bracket, graph, maker):
                yield node.outputs[0], x


def _factors(node: Operation, graph: Graph, maker: Mapping[str, Operation], depth: int = 0) -> Iterator[str | float]:
    """Yield the factors of a product, through products within it; numbers as numbers."""
    for name in node.inputs:
        number, made = _number(name, graph, maker), maker.get(name)
        if number is not None:
            yield number
        elif made is not None and made.op == "Mul" and depth < 2:
            yield from _factors(made, graph, maker, depth + 1)
        else:
            yield name


def _is_bracket(x: str, name: str, graph: Graph, maker: Mapping[str, Operation]) -> bool:
    """Return True for 1 + erf(x / sqrt 2)."""
    added = maker.get(name)
    if added is None or added.op != "Add":
        return False
    erf = [maker.get(each) for each in added.inputs if _number(each, graph, maker) is None]
    ones = [number for each in added.inputs if (number := _number(each, graph, maker)) is not None]
    if len(erf) != 1 or erf[0] is None or erf[0].op != "Erf" or ones != [1.0]:
        return False
    scaled = maker.get(erf[0].inputs[0])
    if scaled is None or scaled.op not in {"Mul", "Div"} or x not in scaled.inputs:
        return False
    numbers = [number for each in scaled.inputs if (number := _number(each, graph, maker)) is not None]
    if len(numbers) != 1 or (scaled.op == "Div" and scaled.inputs[0] != x):
        return False
    return abs(numbers[0] - (math.sqrt(0.5) if scaled.op == "Mul" else math.sqrt(2))) < CLOSE


def _number(name: str, graph: Graph, maker: Mapping[str, Operation]) -> float | None:
    """Return a constant of one number; None for other tensors."""
    made = maker.get(name)
    array: Values | None = graph.constants.get(name)
    if made is not None and made.op == "Constant":
        array = made.get("value", made.get("value_float"))
    if array is None:
        return None
    return float(array) if isinstance(array, float) else float(array.reshape(())) if array.size == 1 else None
