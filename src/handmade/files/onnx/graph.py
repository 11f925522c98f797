"""Graph: an ONNX model as plain values, checked: nodes in order, every name made once, attributes of known types."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.errors import HandmadeError
from handmade.files.onnx.errors import OutOfScope
from handmade.files.onnx.external import Folder
from handmade.files.onnx.tensors import to_array
from handmade.files.onnx.types import DTYPES, Values, dtype_of

Size: TypeAlias = int | str | None  # of an axis: a number, the name of a number, or unknown
ATTRIBUTES: dict[int, Callable[[Any], Any]] = {  # by the numbers of onnx.AttributeProto.AttributeType
    1: lambda each: float(each.f),
    2: lambda each: int(each.i),
    3: lambda each: each.s.decode("utf-8", "replace"),
    6: lambda each: tuple(map(float, each.floats)),
    7: lambda each: tuple(map(int, each.ints)),
    8: lambda each: tuple(text.decode("utf-8", "replace") for text in each.strings),
}
MAIN = {"", "ai.onnx"}  # two spellings of the same domain


@dataclass(frozen=True)
class Operation:
    """One node of an ONNX graph; an empty name among its inputs stands for an input that is left out."""

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    opset: int
    attributes: dict[str, Any] = field(default_factory=dict)
    domain: str = ""

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or its default."""
        return self.attributes.get(name, default)


@dataclass(frozen=True)
class Port:
    """Input or output of a graph: its name, dtype (None if it is not stated) and sizes (None if the rank is not stated)."""

    name: str
    dtype: np.dtype[Any] | None
    shape: tuple[Size, ...] | None


@dataclass(frozen=True)
class Graph:
    """ONNX model: nodes in topological order, constants, inputs without a default value first, outputs."""

    name: str
    operations: tuple[Operation, ...]
    constants: dict[str, Values]
    inputs: tuple[Port, ...]  # without those that have a value among the constants
    defaults: tuple[Port, ...]  # inputs that have one
    outputs: tuple[Port, ...]
    opset: int
    metadata: dict[str, str]
    notes: tuple[str, ...] = ()


def build(model: Any, folder: Folder, newest: int) -> Graph:
    """Return the graph of a ModelProto.

    Raises
    ------
    HandmadeError
        If the graph is contradictory: a cycle, a name made twice or never, sizes that do not fit.
    OutOfScope
        If it is correct, but holds what is not read: functions, sparse tensors, nested graphs, a newer opset.
    """
    opsets = _opsets(model, newest)
    proto = model.graph
    for what, found in (("functions", model.functions), ("sparse tensors", proto.sparse_initializer)):
        if len(found):
            advice = ". Try onnx.inliner.inline_local_functions" if what == "functions" else ""
            raise OutOfScope(f"the model: expected none of its own {what}; got {len(found)}{advice}")
    constants: dict[str, Values] = {}
    for tensor in proto.initializer:
        _check_text(tensor.name)
        if not tensor.name or tensor.name in constants:
            raise HandmadeError(f"initializers: expected a name of its own for each; got {tensor.name!r:.80} twice or empty")
        constants[tensor.name] = to_array(tensor, folder, f"initializer {tensor.name!r:.80}")
    ports = [_port(value) for value in proto.input]
    operations = [_operation(node, number, opsets, folder) for number, node in enumerate(proto.node)]
    outputs = tuple(_port(value) for value in proto.output)
    if not outputs:
        raise HandmadeError("the model: expected at least one output; got none")
    twice = _twice(port.name for port in ports) or _twice(port.name for port in outputs)
    if twice is not None:
        raise HandmadeError(f"the model: expected a name of its own for each input and output; got {twice!r:.80} twice")
    known = {*constants, *(port.name for port in ports)}
    ordered = _in_order(operations, known)
    used = needed(ordered, [port.name for port in outputs], known)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    notes = [f"{len(ordered) - len(used)} nodes that no output needs were left out"] if len(used) < len(ordered) else []
    notes += ["the part for training was left out"] if len(model.training_info) else []
    return Graph(
        proto.name,
        tuple(used),
        constants,
        tuple(port for port in ports if port.name not in constants),
        tuple(port for port in ports if port.name in constants),
        outputs,
        opsets.get("", 0),
        metadata,
        tuple(notes),
    )


def _opsets(model: Any, newest: int) -> dict[str, int]:
    """Return the version of each domain; the main domain is named ""."""
    opsets: dict[str, int] = {}
    for entry in model.opset_import:
        _check_text(entry.domain)
        domain = "" if entry.domain in MAIN else entry.domain
        if opsets.get(domain, entry.version) != entry.version:
            raise HandmadeError(
                f"opsets: expected one version of {domain or 'ai.onnx'}; got {opsets[domain]} and {entry.version}"
            )
        opsets[domain] = entry.version
    version = opsets.get("", 0)
    if not opsets:
        raise HandmadeError("the model: expected the version of its operators (opset_import); got none")
    if version and not 1 <= version <= newest:
        raise OutOfScope(f"the model: expected an opset up to {newest}, the newest that the installed onnx knows; got {version}")
    return opsets


def _check_text(text: Any) -> None:
    """Raise HandmadeError unless a name is text: protobuf returns the bytes of what is not UTF-8."""
    if not isinstance(text, str):
        raise HandmadeError(f"the model: expected names in UTF-8; got {text!r:.80}")


def _port(value: Any) -> Port:
    _check_text(value.name)
    if not value.name:
        raise HandmadeError("the model: expected a name for each input and output; one has none")
    kind = value.type.WhichOneof("value")
    if kind not in {"tensor_type", None}:
        raise OutOfScope(f"{value.name!r:.80}: expected a tensor; got a {kind}")
    tensor = value.type.tensor_type
    shape: tuple[Size, ...] | None = None
    if tensor.HasField("shape"):
        shape = tuple(
            each.dim_value if each.HasField("dim_value") and each.dim_value >= 0 else (each.dim_param or None)
            for each in tensor.shape.dim
        )
    dtype = dtype_of(tensor.elem_type)
    if dtype is None and tensor.elem_type:
        raise OutOfScope(
            f"{value.name!r:.80}: expected an element type among {', '.join(DTYPES.values())}; got number {tensor.elem_type}"
        )
    return Port(value.name, dtype, shape)


def _operation(node: Any, number: int, opsets: dict[str, int], folder: Folder) -> Operation:
    for text in (node.name, node.op_type, node.domain, *node.input, *node.output, *(each.name for each in node.attribute)):
        _check_text(text)
    domain = "" if node.domain in MAIN else node.domain
    name = node.name or f"{node.op_type}_{number}"
    if not (node.op_type.isidentifier() and node.domain.isprintable()):
        raise HandmadeError(f"node {name!r:.80}: expected the name of an operator; got {node.op_type!r:.80}")
    if domain not in opsets:
        raise HandmadeError(f"node {name!r:.80}: expected a domain with a version; got {domain or 'ai.onnx'!r:.80}")
    attributes: dict[str, Any] = {}
    for each in node.attribute:
        if each.name in attributes:
            raise HandmadeError(f"node {name!r:.80}: expected each attribute once; got {each.name!r:.80} twice")
        attributes[each.name] = _attribute(each, folder, f"node {name!r:.80} ({node.op_type})")
    return Operation(name, node.op_type, tuple(node.input), tuple(node.output), opsets[domain], attributes, domain)


def _attribute(each: Any, folder: Folder, what: str) -> Any:
    """Return the value of an attribute: number, text, array, or a tuple of these."""
    if each.ref_attr_name:
        raise HandmadeError(f"{what}: expected the attribute {each.name!r:.80} with a value; it refers to that of a function")
    if each.type in {5, 10}:
        raise OutOfScope(f"{what}: expected no graph within the graph; the attribute {each.name!r:.80} is one")
    if each.type == 4:
        return to_array(each.t, folder, f"{what}, attribute {each.name!r:.80}")
    if each.type not in ATTRIBUTES:
        raise OutOfScope(f"{what}: expected numbers, texts or tensors as attributes; {each.name!r:.80} is of type {each.type}")
    return ATTRIBUTES[each.type](each)


def _in_order(operations: list[Operation], known: set[str]) -> list[Operation]:
    """Return the nodes in topological order; where the graph allows it, in the given order."""
    maker = _makers(operations, known)
    waits = [{maker[name] for name in each.inputs if name in maker} for each in operations]
    waiting: list[list[int]] = [[] for _ in operations]
    for number, sources in enumerate(waits):
        for earlier in sources:
            waiting[earlier].append(number)
    ready, found = [number for number, sources in enumerate(waits) if not sources], list[int]()
    while ready:
        found.append(heapq.heappop(ready))
        for number in waiting[found[-1]]:
            waits[number].discard(found[-1])
            if not waits[number]:
                heapq.heappush(ready, number)
    if len(found) < len(operations):
        stuck = next(number for number, sources in enumerate(waits) if sources)
        raise HandmadeError(f"the model: expected a graph without a cycle; node {operations[stuck].name!r:.80} waits for itself")
    return [operations[number] for number in found]


def _makers(operations: list[Operation], known: set[str]) -> dict[str, int]:
    """Return the number of the node that makes each tensor; raise HandmadeError if two do, or none makes an input."""
    maker: dict[str, int] = {}
    for number, operation in enumerate(operations):
        for name in filter(None, operation.outputs):
            if name in maker or name in known:
                raise HandmadeError(f"node {operation.name!r:.80}: expected outputs with new names; {name!r:.80} is made twice")
            maker[name] = number
    for operation in operations:
        missing = next((name for name in operation.inputs if name and name not in maker and name not in known), None)
        if missing is not None:
            raise HandmadeError(
                f"node {operation.name!r:.80}: expected inputs that the graph makes; nothing makes {missing!r:.80}"
            )
    return maker


def needed(ordered: list[Operation], outputs: list[str], known: set[str]) -> list[Operation]:
    """Return the nodes that the outputs are made of."""
    made = {name for operation in ordered for name in operation.outputs} | known
    missing = next((name for name in outputs if name not in made), None)
    if missing is not None:
        raise HandmadeError(f"the model: expected outputs that the graph makes; nothing makes {missing!r:.80}")
    read_names, found = set(outputs), list[Operation]()
    for operation in reversed(ordered):
        if read_names.intersection(filter(None, operation.outputs)):
            read_names.update(operation.inputs)
            found.append(operation)
    return found[::-1]


def _twice(names: Iterable[str]) -> str | None:
    return next((name for name, times in Counter(names).items() if times > 1), None)
