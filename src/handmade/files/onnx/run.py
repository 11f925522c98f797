"""A model as a backend, in the sense of onnx.backend.base.Backend: ONNX's layouts, shapes and element types outside.

What is a network runs as one; the operations that no network can hold are computed one by one, by their definitions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handmade.engine.arguments import described
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import INPUT, join_names
from handmade.engine.network import Network
from handmade.files.onnx.budget import Budget
from handmade.files.onnx.convert import Converted, check_supported, convert, evaluate
from handmade.files.onnx.errors import OutOfScope
from handmade.files.onnx.graph import Graph, Operation, Port
from handmade.files.onnx.layout import Activation, Known
from handmade.files.onnx.reader import read_graph
from handmade.files.onnx.types import Values, is_float

LARGEST, MOST_STEPS = 2**30, 2**36  # bytes and additions of operations that are computed one by one, beside what the inputs allow


@dataclass(frozen=True)
class Result:
    """Outputs of a model, and how they were computed.

    Attributes
    ----------
    outputs : list of array
        In the order of the graph.
    layers : int
        Number of nodes of the network that ran; 0 if there was none.
    operations : tuple of Operation
        Operations that were computed one by one.
    """

    outputs: list[Values]
    layers: int
    operations: tuple[Operation, ...]


def run_model(model: Any, inputs: Any, *, external_data: bool = False) -> list[Values]:
    """Return the outputs of a model.

    Parameters
    ----------
    model : str, Path, bytes or onnx.ModelProto
        Path of a file, its content, or the parsed model.
    inputs : sequence of array, or mapping of str to array
        Inputs of the graph, in its order or by name; those with a default value may be left out.
    external_data : bool
        True if numbers may be read from other files in the folder of the model.

    Raises
    ------
    HandmadeError
        If the model is damaged, or the inputs do not fit.
    OutOfScope
        If it is correct but not supported; the message lists all operators that are not.
    """
    return run(read_graph(model, external_data=external_data), inputs).outputs


def run(graph: Graph, inputs: Any) -> Result:
    """Return the outputs of a graph, and how they were computed."""
    check_supported(graph)
    given = _given(graph, inputs)
    images = _images(graph, given)
    if images is not None:
        x = given[images]
        others = {name: array for name, array in given.items() if name != images}
        found = convert(graph, images, x.shape[1:], (len(x),), x.dtype, others)
        if found.builder.nodes:
            return _as_network(graph, found, x)
    values: dict[str, Values] = graph.constants | given
    return _finished(graph, values, graph.operations, 0)


def _as_network(graph: Graph, found: Converted, x: Values) -> Result:
    """Run the network, and then the operations that remain."""
    rest = [node for node, _ in found.rest]
    exits = {name for node in rest for name in node.inputs} | {port.name for port in graph.outputs}
    live = {name: tensor for name in exits if isinstance(tensor := found.tensors.get(name), Activation)}
    values = {name: tensor.array for name, tensor in found.tensors.items() if isinstance(tensor, Known)}
    nodes = found.nodes_for([tensor.name for tensor in live.values()])
    inner = x.transpose(0, *(1 + axis for axis in found.order)).reshape(len(x), *found.builder.shapes[INPUT])
    arrays: dict[str, Values] = {INPUT: inner}
    if nodes:
        ends = [*dict.fromkeys(tensor.name for tensor in live.values() if tensor.name != INPUT)]
        network = Network(nodes, found.builder.shapes[INPUT], logits=ends[0], outputs=ends)
        arrays |= network.tape(np.ascontiguousarray(inner.astype(found.builder.dtype)))
        arrays[INPUT] = inner
    values |= {name: tensor.to_onnx(arrays[tensor.name]) for name, tensor in live.items()}
    return _finished(graph, values, rest, len(nodes))


def _finished(graph: Graph, values: dict[str, Values], rest: Sequence[Operation], layers: int) -> Result:
    """Compute operations one by one, and collect the outputs."""
    budget = Budget.for_graph(graph, values, free=LARGEST, steps=MOST_STEPS)
    for node in rest:
        outputs = evaluate(node, [values[name] if name else None for name in node.inputs], budget)
        values.update((name, array) for name, array in zip(node.outputs, outputs, strict=False) if name)
    missing = [port.name for port in graph.outputs if port.name not in values]
    if missing:
        raise OutOfScope(f"the model: expected outputs that its nodes make here; there is no {join_names(missing)}")
    return Result([np.asarray(values[port.name]) for port in graph.outputs], layers, tuple(rest))


def _given(graph: Graph, inputs: Any) -> dict[str, Values]:
    """Return the inputs by name; raise HandmadeError unless they are those of the graph."""
    needed = [port.name for port in graph.inputs]
    ports = {port.name: port for port in (*graph.inputs, *graph.defaults)}
    if isinstance(inputs, Mapping):
        named = dict(inputs)
    elif isinstance(inputs, Sequence) and not isinstance(inputs, str | bytes):
        if len(inputs) not in {len(needed), len(ports)}:
            raise HandmadeError(f"inputs: expected {len(needed)} of them, {join_names(needed)}; got {len(inputs)}")
        named = dict(zip(needed if len(inputs) == len(needed) else ports, inputs, strict=True))
    else:
        raise HandmadeError(f"inputs: expected a list of arrays, or arrays by name; got {described(inputs)}. Try [x]")
    if not set(needed) <= set(named) <= set(ports):
        raise HandmadeError(f"inputs: expected {join_names(needed)}; got {join_names(named)}")
    return {name: _checked(ports[name], array) for name, array in named.items()}


def _checked(port: Port, given: Any) -> Values:
    """Return an input as an array; raise HandmadeError unless it fits the sizes and the element type of the graph."""
    array = np.asarray(given)
    if port.dtype is not None and array.dtype != port.dtype:
        raise HandmadeError(f"input {port.name!r:.80}: expected {port.dtype}; got {array.dtype}. Try astype")
    sizes = port.shape
    fixed = sizes is None or (
        len(sizes) == array.ndim
        and all(not isinstance(size, int) or size == own for size, own in zip(sizes, array.shape, strict=True))
    )
    if not fixed:
        raise HandmadeError(f"input {port.name!r:.80}: expected an array {sizes}; got {array.shape}")
    return array


def _images(graph: Graph, given: Mapping[str, Values]) -> str | None:
    """Return the input that holds images: the first one with floats, or pixels, and an axis of images; None if there is none."""
    for port in graph.inputs:
        array = given[port.name]
        if array.ndim and array.size and (is_float(array.dtype) or array.dtype == np.uint8):
            return port.name
    return None
