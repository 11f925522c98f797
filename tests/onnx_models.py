"""Small ONNX models for tests, as bytes and as protos."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FLOAT, UINT8, INT64 = TensorProto.FLOAT, TensorProto.UINT8, TensorProto.INT64


def model(
    nodes: Sequence[Any],
    constants: Mapping[str, Any] | None = None,
    image: Sequence[Any] = ("N", 1, 6, 6),
    outputs: Sequence[str] = ("y",),
    *,
    opset: int = 17,
    kind: int = FLOAT,
    domain: str = "",
    listed: bool = False,
) -> Any:
    """Return a ModelProto with the input "x"; `listed` lists the constants among the inputs, as old files do."""
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()]
    inputs = [helper.make_tensor_value_info("x", kind, list(image))]
    if listed:
        inputs = [helper.make_tensor_value_info(each.name, each.data_type, list(each.dims)) for each in tensors] + inputs
    for number, each in enumerate(nodes):
        if each.name in {other.name for other in nodes[:number]}:
            each.name += f"_{number}"
    graph = helper.make_graph(
        list(nodes), "test", inputs, [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs], tensors
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, opset)], ir_version=8)


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    """Return a node; names of tensors separated by spaces, "-" for one that is left out."""
    name = attributes.pop("name", f"/{op}")
    ins, outs = (["" if each == "-" else each for each in text.split()] for text in (inputs, outputs))
    return helper.make_node(op, ins, outs, name=name, **attributes)


def draw(seed: int, *shape: int) -> Any:
    """Return random numbers in float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def classifier(**changes: Any) -> Any:
    """Return a small CNN: Conv, Relu, MaxPool, Flatten, Gemm, Softmax."""
    nodes = [
        node("Conv", "x W b", "c", pads=[1, 1, 1, 1]),
        node("Relu", "c", "r"),
        node("MaxPool", "r", "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", "p", "f"),
        node("Gemm", "f V d", "z", transB=1),
        node("Softmax", "z", "y", axis=1),
    ]
    constants = {"W": draw(1, 2, 1, 3, 3), "b": draw(2, 2), "V": draw(3, 3, 18), "d": draw(4, 3)}
    return model(nodes, constants, **changes)
