"""From a model to the arguments of a Network: logits, outputs, and notes on what was left out."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handmade.engine.arrays import Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import INPUT, join_names
from handmade.engine.layers import Flatten
from handmade.engine.network import Network
from handmade.engine.preparation import Preparation
from handmade.files.onnx.convert import FOLLOWS, Converted, check_supported, convert, image_size
from handmade.files.onnx.errors import OutOfScope
from handmade.files.onnx.graph import Graph, Operation, Port
from handmade.files.onnx.layout import Activation
from handmade.files.onnx.operators.parts import engine_order
from handmade.files.onnx.reader import read_graph

AT_THE_END = {"ArgMax", "ArgMin", "SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss", "Cast", "Squeeze", "Identity"}
ENDS = {"ArgMax", "ArgMin", "SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"}
TOLD = 50  # operations without a layer that an error tells
TRIED = (2, 3)  # sizes of a symbolic batch


@dataclass(frozen=True)
class Imported:
    """ONNX model as a network.

    Attributes
    ----------
    arguments : dict
        Arguments of Network.
    notes : tuple of str
        Sentences about what was left out, folded or changed.
    metadata : dict of str to str
        Metadata of the model.
    outputs : dict of str to str
        Node of the network for each output of the graph that it has. Images (N, C, H, W) are (N, H, W, C) in the network, if
        they are not (N, C, H, W) there as well; scores (N, K, 1, 1) are (N, K).
    inputs : tuple of str
        Name of the graph's input of images.
    """

    arguments: dict[str, Any]
    notes: tuple[str, ...]
    metadata: dict[str, str]
    outputs: dict[str, str]
    inputs: tuple[str, ...]

    @property
    def network(self) -> Network:
        """The network of the engine; `handmade.load` gives one that can be saved."""
        return Network(**self.arguments)


def read_network(model: Any, *, external_data: bool = False, image_shape: Shape | None = None) -> Imported:
    """Read an ONNX model as a network.

    Parameters
    ----------
    model : str, Path, bytes or onnx.ModelProto
        Path of a file, its content, or the parsed model.
    external_data : bool
        True if numbers may be read from other files in the folder of the model.
    image_shape : tuple of int, optional
        Shape of one image in the order of the model, as (1, 28, 28), for a model that leaves it open.

    Raises
    ------
    HandmadeError
        If the model is damaged or contradictory.
    OutOfScope
        If it is correct, but no network here; the message lists all operators that are not supported.
    """
    graph = read_graph(model, external_data=external_data)
    check_supported(graph)
    try:
        return _imported(graph, image_shape)
    except HandmadeError as error:
        prefix = f"{model}: " if isinstance(model, str | Path) else ""
        raise type(error)(f"{prefix}{error}") from None


def _imported(graph: Graph, image_shape: Shape | None = None) -> Imported:
    images = _image_port(graph)
    assert images.dtype is not None  # or it would not be the input of the images
    found = _converted(graph, images, image_shape)
    left_out = _left_out(graph, found)
    outputs = {port.name: tensor for port in graph.outputs if isinstance(tensor := found.tensors.get(port.name), Activation)}
    ends = join_names(f"{node.op} ({node.name})" for node in left_out)
    if left_out:
        for name in dict.fromkeys(name for node in left_out for name in node.inputs):
            if isinstance(tensor := found.tensors[name], Activation):
                outputs.setdefault(name, tensor)
    if not outputs:
        raise OutOfScope("the model: expected outputs that depend on the images; got none")
    names = {name: _row(found, tensor) for name, tensor in outputs.items()}
    logits = _logits(found, list(names.values()))
    exits = [*dict.fromkeys([*names.values(), logits])]
    nodes = found.nodes_for(exits)
    if not nodes or INPUT in exits:
        raise OutOfScope("the model: expected at least one layer; an output is the input itself, at most with its axes reordered")
    notes = [*graph.notes, *found.builder.notes, *([f"left out at the end, as they are no layers: {ends}"] if left_out else [])]
    arguments: dict[str, Any] = {"layers": nodes, "input_shape": found.builder.shapes[INPUT], "logits": logits, "outputs": exits}
    if images.dtype.kind in "iu":
        arguments["preparation"] = Preparation(scale=1.0)
        notes.append(f"the network takes pixels of {images.dtype} as they are: the model scales them itself")
    if found.folded:
        notes.append(f"{found.folded} operations on constants were computed once")
    return Imported(arguments, tuple(notes), graph.metadata, names, (images.name,))


def _converted(graph: Graph, images: Port, image_shape: Shape | None) -> Converted:
    """Return the conversion for the size of the batch that the graph states; for any, or for 1, if it states none."""
    assert images.shape is not None  # or it would not be the input of the images
    assert images.dtype is not None
    batch, *_ = images.shape
    size = image_size(images.shape, images.name, image_shape)
    if isinstance(batch, int) and batch > 0:
        return convert(graph, images.name, size, (batch,), images.dtype, {})
    found = convert(graph, images.name, size, TRIED, images.dtype, {})
    if not any(node.op == "Reshape" and reason != FOLLOWS for node, reason in found.rest):
        return found
    alone = convert(graph, images.name, size, (1,), images.dtype, {})  # a Reshape to (1, -1), of a model that saw one image
    if len(alone.rest) >= len(found.rest):
        return found
    alone.builder.note("a shape in the model is that of one image alone; the network takes any number of images")
    return alone


def _image_port(graph: Graph) -> Port:
    """Return the input of the images: the first one with floats or pixels and an axis of images."""
    fits = [port for port in graph.inputs if port.dtype is not None and port.shape is not None and len(port.shape) > 1]
    if not fits:
        raise OutOfScope(f"the model: expected an input of images (N, ...); got {_listed(graph.inputs)}")
    return fits[0]


def _listed(ports: tuple[Port, ...]) -> str:
    return join_names((f"{port.name} {port.dtype} {port.shape}" for port in ports), 5)


def _left_out(graph: Graph, found: Converted) -> list[Operation]:
    """Return the operations at the end that are left out; raise OutOfScope, with all reasons, if others have no layer."""
    others = {port.name for port in graph.inputs} - {found.source}
    refused, ends = [], set[str]()
    for node, reason in found.rest:
        if node.op in ENDS or (node.op in AT_THE_END and ends.intersection(node.inputs)):
            ends.update(node.outputs)
        elif reason != FOLLOWS:
            refused.append(f"{node.op} (node {node.name!r:.80}, opset {node.opset}): {reason}")
    read = others.intersection(name for node, reason in found.rest if node.op not in ENDS for name in node.inputs)
    if read:
        names = join_names([found.source, *sorted(read)])
        raise OutOfScope(f"the model: expected one input, of images; its nodes read {names}. A network here has one input")
    if refused:
        listed = "; ".join([*refused[:TOLD], *([f"and {len(refused) - TOLD} more"] if len(refused) > TOLD else [])])
        raise OutOfScope(f"the model: expected operations that have layers; {len(refused)} have none: {listed}")
    return [node for node, _ in found.rest]


def _row(found: Converted, tensor: Activation) -> str:
    """Return the node of an output: scores (N, K, 1, 1) as a row, images with their channels last, others in ONNX's order."""
    sizes = tuple(size for size in tensor.shape if size > 1)
    builder = found.builder
    if len(sizes) == 1:
        same = builder.shapes[tensor.name] == sizes
        return tensor.name if same else builder.arrange(f"{tensor.name}_row", tensor, None, sizes)
    last = engine_order(len(tensor.shape))
    for order in (last, tuple(range(len(last)))):
        if tensor.transposed(order).is_plain and builder.shapes[tensor.name] == tuple(tensor.shape[axis] for axis in order):
            return tensor.name
    return builder.arrange(f"{tensor.name}_output", tensor, last)


def _logits(found: Converted, names: list[str]) -> str:
    """Return the node of the logits: what a Softmax at the end reads, else the first row among the outputs."""
    builder = found.builder
    rows = [name for name in names if len(builder.shapes[name]) == 1] or names
    for name in rows:
        end = name
        while end in builder.reshaped:
            end = builder.reshaped[end]
        before = builder.softmaxes.get(end, INPUT)
        if before == INPUT:
            continue
        builder.note(f"{end}: the {builder.nodes[end].layer.kind} at the end is an output beside the logits")
        shape = builder.shapes[before]
        is_row = len(shape) == 1 or math.prod(shape) != max(shape)
        return before if is_row else builder.emit(f"{before}_flatten", Flatten(), before)
    return rows[0]


def from_graph(graph: Graph) -> Imported:
    """Return a checked graph as a network; see `read_network`."""
    check_supported(graph)
    return _imported(graph)
