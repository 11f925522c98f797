"""Conversion: walk through the graph, fold what is constant, and turn the rest into nodes of a network.

A tensor is constant (Known), an activation of the network (Activation), or neither: Outside is for a node without a layer,
and for all that read it.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arrays import Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import INPUT, Node
from handmade.files.onnx.budget import Budget
from handmade.files.onnx.builder import Builder
from handmade.files.onnx.errors import NoLayer, OutOfScope
from handmade.files.onnx.fuse import fused
from handmade.files.onnx.graph import Graph, Operation
from handmade.files.onnx.layout import IMAGE, Activation, Known, view
from handmade.files.onnx.operators import TABLE, unsupported
from handmade.files.onnx.types import Values

FOLLOWS = "it reads an output that is not in the network"
CONSUMED = 50  # operations between an input and the Transpose that tells its layout


@dataclass(frozen=True)
class Outside:
    """Tensor that no network can hold."""


Tensor: TypeAlias = Activation | Known | Outside | None


@dataclass
class Converted:
    """Nodes of a network, and the operations that remain."""

    source: str  # input of the images
    builder: Builder
    order: Shape  # axes of one image in ONNX, in the order of the network
    tensors: dict[str, Tensor]
    budget: Budget
    rest: list[tuple[Operation, str]] = field(default_factory=list)  # with the reasons
    folded: int = 0

    def nodes_for(self, names: Sequence[str]) -> list[Node]:
        """Return the nodes that some nodes of the network are made of, in order."""
        nodes, needed = list(self.builder.nodes.values()), set(names)
        for node in reversed(nodes):
            if node.name in needed:
                needed.update(node.reads)
        return [node for node in nodes if node.name in needed]


def check_supported(graph: Graph) -> None:
    """Raise OutOfScope, with all operations that are not supported, unless there are none."""
    reasons = [(node, reason) for node in graph.operations if (reason := unsupported(node)) is not None]
    if reasons:
        listed = "; ".join(
            f"{node.domain + '.' if node.domain else ''}{node.op} (node {node.name!r:.80}, opset {node.opset}: {reason})"
            for node, reason in reasons
        )
        raise OutOfScope(f"the model: expected operators that are supported; got {len(reasons)} others: {listed}")


def evaluate(node: Operation, inputs: Sequence[Values | None], budget: Budget) -> tuple[Values, ...]:
    """Return the outputs of one operation for arrays, as ONNX defines it; take what it needs from the budget.

    Raises
    ------
    OutOfScope
        If the operation has no value here, or needs more than is left of the budget.
    HandmadeError
        If its inputs or attributes do not fit.
    """
    what = f"node {node.name!r:.80} ({node.op}, opset {node.opset})"
    try:
        budget.take(node, inputs)
        with np.errstate(all="ignore"):
            found = TABLE[node.op].value(node, *inputs)
    except NoLayer as reason:
        raise OutOfScope(f"{what}: {reason}") from reason
    except HandmadeError:
        raise
    except Exception as error:  # noqa: BLE001  damaged attributes and inputs make NumPy raise any kind
        raise HandmadeError(f"{what}: expected inputs and attributes that fit together ({one_line(error)})") from None
    outputs = tuple(np.asarray(each) for each in (found if isinstance(found, tuple) else (found,)))
    if any(node.outputs[len(outputs) :]):
        raise HandmadeError(f"{what}: expected at most {len(outputs)} outputs; got {len(node.outputs)}")
    return outputs


def convert(
    graph: Graph,
    source: str,
    shape: Sequence[int],
    batches: Sequence[int],
    dtype: np.dtype[Any],
    known: Mapping[str, Values],
) -> Converted:
    """Convert a graph whose input `source` holds images.

    Parameters
    ----------
    graph : Graph
    source : str
        Input of the images.
    shape : sequence of int
        Shape of one image in ONNX.
    batches : sequence of int
        Sizes of the batch that are tried.
    dtype : np.dtype
        Element type of the images in ONNX.
    known : mapping of str to array
        Values of the other inputs.
    """
    graph = fused(graph)
    order = IMAGE if len(shape) == 3 and not is_channels_last(graph, source) else tuple(range(len(shape)))
    engine = tuple(shape[axis] for axis in order) or (1,)
    builder = Builder(engine, batches, np.dtype(np.float64 if dtype == np.float64 else np.float32))
    found = Converted(source, builder, order, {"": None}, Budget.for_graph(graph, known))
    found.tensors |= {name: Known([array]) for name, array in (graph.constants | dict(known)).items()}
    found.tensors |= {port.name: Outside() for port in graph.inputs if port.name not in found.tensors}
    found.tensors[source] = view(INPUT, engine, np.argsort(order).tolist(), dtype)
    uses = Counter(name for node in graph.operations for name in node.inputs)
    uses.update(port.name for port in graph.outputs)
    for node in graph.operations:
        inputs = [found.tensors[name] for name in node.inputs]
        for name, tensor in zip(node.inputs, inputs, strict=True):
            if isinstance(tensor, Activation) and uses[name] > 1:
                builder.shared.add(tensor.name)
        outputs = _converted(found, node, inputs)
        for k, name in enumerate(node.outputs):
            if name:
                found.tensors[name] = outputs[k]
    return found


def one_line(error: Exception) -> str:
    """Return the message of an error of NumPy for a message of ours."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _converted(found: Converted, node: Operation, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """Return the outputs of one operation."""
    reason = FOLLOWS
    if all(tensor is None or isinstance(tensor, Known) for tensor in inputs):
        try:
            folded = _folded(node, inputs, found.budget)  # type: ignore[arg-type]
        except OutOfScope as error:
            reason = str(error.__cause__)  # without the name of the node, which is told anyway
        else:
            found.folded += 1
            return folded
    elif not any(isinstance(tensor, Outside) for tensor in inputs):
        rule = TABLE[node.op].layers or _without_layer
        try:
            with np.errstate(all="ignore"):
                outputs = rule(found.builder, node, *inputs)
        except (NoLayer, HandmadeError) as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001  as for evaluate
            reason = f"its inputs and attributes do not fit together ({one_line(error)})"
        else:
            made = outputs if isinstance(outputs, tuple) else (outputs,)
            if not any(node.outputs[len(made) :]):
                return made
            reason = f"its layers have {len(made)} outputs, not {len(node.outputs)}"
    found.rest.append((node, reason))
    return [Outside()] * len(node.outputs)


def _without_layer(_to: Builder, node: Operation, *_: Tensor) -> Tensor:
    raise NoLayer(f"{node.op} has no layer")


def _folded(node: Operation, inputs: Sequence[Known | None], budget: Budget) -> list[Known]:
    """Return the constants that an operation makes of constants, for every size of the batch that is tried."""
    counts = {len(tensor.values) for tensor in inputs if tensor is not None}
    many = max(counts, default=1)
    rows = [[None if each is None else each.values[k % len(each.values)] for each in inputs] for k in range(many)]
    results = [evaluate(node, row, budget) for row in rows]
    return [Known(values) for values in zip(*results, strict=True)]


def is_channels_last(graph: Graph, source: str) -> bool:
    """Return True if the first operation that looks at the axes of the images is a Transpose to (N, C, H, W).

    TensorFlow's images are (N, H, W, C), and exports turn them before a convolution.
    """
    names, passed = {source}, 0
    for node in graph.operations:
        if names.isdisjoint(node.inputs):
            continue
        if node.op == "Transpose":
            return tuple(node.get("perm", ())) == (0, 3, 1, 2)
        if node.op in {"Conv", "MaxPool", "AveragePool", "BatchNormalization", "Reshape", "Flatten", "GlobalAveragePool"}:
            return False
        names.update(node.outputs)
        passed += 1
        if passed > CONSUMED:
            break
    return False


def image_size(shape: Sequence[Any], name: str, given: Shape | None = None) -> Shape:
    """Return the shape of one image of an input, `given` if the model leaves it open; raise OutOfScope if it is not known."""
    sizes = tuple(shape)[1:]
    if given is not None:
        fits = len(given) == len(sizes) and all(
            own == size or not isinstance(own, int) or own < 1 for own, size in zip(sizes, given, strict=True)
        )
        if not fits:
            raise HandmadeError(f"image_shape: expected the shape of one image of the input {name!r:.80}, {sizes}; got {given}")
        sizes = given
    if any(not isinstance(size, int) or size < 1 for size in sizes):
        example = _example(sizes)
        raise OutOfScope(
            f"input {name!r:.80}: expected images of a known size; got {tuple(shape)}. Try handmade import FILE --image-shape "
            f"{','.join(map(str, example))}, or handmade.load(FILE, image_shape={example})"
        )
    if math.prod(sizes) > 2**24:
        raise OutOfScope(f"input {name!r:.80}: expected images of at most {2**24:,} numbers; got {sizes}")
    return sizes


def _example(sizes: Sequence[Any]) -> Shape:
    """Return sizes of an image with numbers for those that are open: 1 channel, 28 rows and columns."""
    usual = (1, *[28] * (len(sizes) - 1)) if len(sizes) == 3 else (28,) * len(sizes)
    return tuple(size if isinstance(size, int) and size > 0 else own for size, own in zip(sizes, usual, strict=True))
