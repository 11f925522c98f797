"""From a network to an ONNX file: NCHW outside, any number of images, names and metadata kept.

The weights of a layer become initializers named as in `Network.display_name`, "conv1.W". The metadata key "handmade" holds what
ONNX has no place for: names of the classes, preparation, and the output that is the logits. Dropout and BatchNorm2d are those of
inference.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.arguments import as_dtype, as_path, refused
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import INPUT
from handmade.engine.layers.registry import KINDS
from handmade.engine.network import Network, check_network
from handmade.engine.preparation import Preparation
from handmade.engine.printable import counted
from handmade.files.atomic import write_atomically
from handmade.files.onnx.layer_nodes import NODES
from handmade.files.onnx.reader import import_onnx
from handmade.files.orders import FIRST, OURS, TO_FIRST, TO_OURS, Order, Step, border, steps

OPSET, OLDEST, NEWEST = 20, 17, 26
LARGEST = 2**31 - 1  # bytes of a message of protobuf
METADATA = "handmade"
VERSION = 1


def export(network: Network, path: str | Path, *, opset: int = OPSET, dtype: DTypeLike = np.float32) -> None:
    """Write a network to an ONNX file, completely or not at all.

    Parameters
    ----------
    network : Network
        Any graph of layers of handmade, with one or several outputs.
    path : str or Path
    opset : int
        Version of ONNX's operators, from 17 to 26.
    dtype : dtype
        Dtype of weights, input and outputs: float32 or float64. Some programs run float32 only.

    Raises
    ------
    HandmadeError
        If a layer is not one of handmade, the opset is another, or `onnx` is not installed.
    OSError
        If the file cannot be written.
    """
    target = as_path(path, "path")
    content = to_model(network, opset=opset, dtype=dtype).SerializeToString()
    write_atomically(target, content)


def to_model(network: Network, *, opset: int = OPSET, dtype: DTypeLike = np.float32) -> Any:
    """Return a network as an onnx.ModelProto that passes the checker; see `export`."""
    check_network(network, "to_model(network)")
    newest = min(NEWEST, import_onnx().defs.onnx_opset_version())
    if isinstance(opset, bool) or not isinstance(opset, int) or not OLDEST <= opset <= newest:
        raise refused("opset", f"an integer from {OLDEST} to {newest}", repr(opset), str(OPSET))
    floats = as_dtype(dtype)
    if floats.itemsize not in {4, 8}:
        raise refused("dtype", "float32 or float64", str(floats), "np.float32")
    _check_layers(network)
    size = floats.itemsize * sum(array.size for array in (network.parameters() | network.statistics()).values())
    if size > LARGEST - 2**20:
        raise HandmadeError(f"network: expected weights of at most 2 GiB, the limit of an ONNX file; got {size:,} bytes")
    return _Writer(network, opset, floats).model()


def _check_layers(network: Network) -> None:
    """Raise HandmadeError with all layers that cannot be written."""
    unknown = [
        f"{network.titles[node.name]} ({node.layer.kind})"
        for node in network.nodes
        if node.layer.kind not in NODES or KINDS.get(node.layer.kind) is not type(node.layer)
    ]
    if unknown:
        raise HandmadeError(f"network: expected layers of handmade; ONNX has no operators for {', '.join(unknown)}")


class _Writer:
    """The graph while it is written: nodes, initializers, and the values of each activation in each order."""

    def __init__(self, network: Network, opset: int, dtype: "np.dtype[Any]") -> None:
        self.onnx = import_onnx()
        self.network, self.opset, self.dtype = network, opset, dtype
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self.values: dict[str, list[tuple[Order, str]]] = {INPUT: [(border(network.input_shape), INPUT)]}
        self.names = {INPUT, *network.titles.values(), *(network.display_name(name) for name in network.owners)}

    def model(self) -> Any:
        """Return the complete model, checked."""
        helper, network = self.onnx.helper, self.network
        for step in steps(network):
            self._add(step)
        outputs = []
        for name in network.output_names:
            self._value(name, border(network.shape_of[name]))
            outputs.append(self._info(network.titles[name], network.shape_of[name], ""))
        x = self._info(INPUT, network.input_shape, about_input(network))
        graph = helper.make_graph(self.nodes, "handmade", [x], outputs, list(self.initializers.values()))
        opsets = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=helper.find_min_ir_version_for(opsets),
            producer_name="handmade",
            producer_version=version("handmade"),
        )
        helper.set_model_props(model, metadata(network))
        self.onnx.checker.check_model(model, full_check=True)
        return model

    def add(self, op: str, inputs: list[str], output: str, name: str = "", **attributes: Any) -> str:
        """Add a node of ONNX and return the name of its output."""
        self.nodes.append(self.onnx.helper.make_node(op, inputs, [output], name or output, **attributes))
        return output

    def constant(self, array: Any, name: str) -> str:
        """Add an initializer and return its name; floats are converted to the dtype of the model."""
        values = np.asarray(array)
        values = values.astype(self.dtype) if values.dtype.kind == "f" else values
        self.initializers[name] = self.onnx.numpy_helper.from_array(np.array(values, order="C"), name)
        return name

    def new(self, title: str, what: str) -> str:
        """Return a new name for a value or a constant of a node."""
        name = f"{title}/{what}"
        while name in self.names:
            name += "_"
        self.names.add(name)
        return name

    def _add(self, step: Step) -> None:
        """Add the nodes of one layer."""
        name, title = step.node.name, self.network.titles[step.node.name]
        inputs = [self._value(read, order) for read, order in zip(step.node.reads, step.reads, strict=True)]
        turned = name in self.network.output_names and not step.makes.same(border(step.shape))
        output = self.new(title, "inside") if turned else title
        NODES[step.node.layer.kind](step.node.layer, self, inputs, output, title, step)
        self.values[name] = [(step.makes, output)]

    def _value(self, name: str, order: Order) -> str:
        """Return the value of an activation in an order; it is converted if it is not there yet."""
        known = self.values[name]
        for has, value in known:
            if has.same(order):
                return value
        title = INPUT if name == INPUT else self.network.titles[name]
        free = name in self.network.output_names and order.same(border(self.network.shape_of[name]))
        output = title if free else self.new(title, "nchw" if order is FIRST else "nhwc" if known[0][0] is FIRST else "row")
        known.append((order, self._converted(*known[0], order, output)))
        return output

    def _converted(self, has: Order, value: str, order: Order, output: str) -> str:
        if order is FIRST or has is FIRST:
            axes = TO_FIRST if order is FIRST else TO_OURS
            return self.add("Transpose", [value], output, perm=[0, *(1 + axis for axis in axes)])
        if order is not OURS or has.places is None:
            raise HandmadeError(f"unexpected orders of the value {value!r}: {has.name} and {order.name}")
        places = self.constant(np.argsort(has.places), self.new(output, "places"))
        return self.add("Gather", [value, places], output, axis=1)

    def _info(self, name: str, shape: tuple[int, ...], about: str) -> Any:
        sizes = [shape[axis] for axis in TO_FIRST] if border(shape) is FIRST else shape
        kind = self.onnx.TensorProto.DOUBLE if self.dtype.itemsize == 8 else self.onnx.TensorProto.FLOAT
        return self.onnx.helper.make_tensor_value_info(name, kind, ["N", *sizes], about)


def metadata(network: Network) -> dict[str, str]:
    """Return the metadata of a model: ours, and NominalPixelRange as other programs read it."""
    prepare = network.preparation
    own = {
        "version": VERSION,
        "logits": network.titles[network.logits_name],
        "classes": None if network.class_names is None else list(network.class_names),
        "prepare": None if prepare is None else prepare.to_json(),
    }
    found = {METADATA: json.dumps(own)}
    steps_of = prepare or (Preparation(padding=1) if network.input_shape == (30, 30, 1) else None)
    if steps_of is not None and steps_of.shift == 0 and len(network.input_shape) == 3 and network.input_shape[-1] in {1, 3}:
        ranges = {1.0: "NominalRange_0_255", 1 / 255: "Normalized_0_1"}
        if steps_of.scale in ranges:
            pixels = "Gray8" if network.input_shape[-1] == 1 else "Rgb8"
            found |= {"Image.BitmapPixelFormat": pixels, "Image.NominalPixelRange": ranges[steps_of.scale]}
    return found


def about_input(network: Network) -> str:
    """Return the preparation of the input in words."""
    steps_of = network.preparation or (Preparation(padding=1) if network.input_shape == (30, 30, 1) else None)
    if steps_of is None:
        return ""
    around = f", then {counted(steps_of.padding, 'row')} of {steps_of.outside:g} on each side" if steps_of.padding else ""
    return f"images (N, C, H, W): pixels from 0 to 255, times {_listed(steps_of.scale)}, plus {_listed(steps_of.shift)}{around}"


def _listed(numbers: Any) -> str:
    return " ".join(map(repr, numbers)) if isinstance(numbers, tuple) else repr(numbers)


def from_metadata(found: dict[str, str]) -> dict[str, Any]:
    """Return the arguments of `Network` that `metadata` wrote: class_names, preparation and logits; empty if there are none.

    Raises
    ------
    HandmadeError
        If the entry is damaged.
    """
    if METADATA not in found:
        return {}
    try:
        own = json.loads(found[METADATA])
    except (ValueError, RecursionError) as error:
        raise HandmadeError(f"metadata {METADATA!r}: expected JSON; it cannot be read ({error})") from None
    if not isinstance(own, dict) or own.get("version") != VERSION:
        raise HandmadeError(f"metadata {METADATA!r}: expected version {VERSION} of our metadata; got {own!r:.80}")
    classes, prepare, logits = own.get("classes"), own.get("prepare"), own.get("logits")
    return {
        "class_names": classes,
        "preparation": None if prepare is None else Preparation.from_json(prepare),
        "logits": logits,
    }
