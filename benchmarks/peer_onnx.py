"""onnxruntime's side: a network of ours as an ONNX graph, images (N, H, W, C) at its borders as with us."""

from collections.abc import Callable
from functools import partial

import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from handmade.engine.arrays import Array
from handmade.engine.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU
from handmade.engine.network import Network
from operations import Inputs, Kind, Loss, Made
from peers import conventions

OPSET = 17
IR = 10  # of the file format: what onnxruntime reads may be older than what onnx writes


def session(network: Network, threads: int) -> Callable[[Array], Array]:
    """The network as a function of a batch, with so many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    run = onnxruntime.InferenceSession(graph(network).SerializeToString(), options, providers=["CPUExecutionProvider"]).run

    def logits(x: Array) -> Array:
        found: Array = run(None, {"x": x})[0]
        return found

    return logits


def in_onnx(threads: int, kind: Kind, what: str, inputs: Inputs) -> Made | None:
    """The forward pass of one layer as a graph of its own; onnxruntime has no other."""
    layer = kind.ours(inputs.p)
    if what != "forward" or isinstance(layer, Loss):
        return None
    run = session(Network([layer], inputs.x.shape[1:]), threads)
    return partial(run, inputs.x), lambda y: (y,)


def graph(network: Network) -> onnx.ModelProto:
    """The network with its weights, for any number of images."""
    to_channels, to_pixels = [0, 3, 1, 2], [0, 2, 3, 1]
    images = len(network.input_shape) == 3
    value, nodes = "x", []
    if images:
        nodes.append(helper.make_node("Transpose", ["x"], ["x in channels"], perm=to_channels))
        value = "x in channels"
    for i, (layer, name) in enumerate(zip(network.layers, network.names, strict=True)):
        weights = [f"{i}.W", f"{i}.b"]
        match layer:
            case Conv2d():
                nodes.append(helper.make_node("Conv", [value, *weights], [name], strides=layer.stride, pads=2 * layer.padding))
            case Linear():
                nodes.append(helper.make_node("Gemm", [value, *weights], [name], transB=1))
            case MaxPool2d():
                shape = {"kernel_shape": layer.window, "strides": layer.stride, "pads": 2 * layer.padding}
                nodes.append(helper.make_node("MaxPool", [value], [name], **shape))
            case ReLU() | Flatten():
                nodes.append(helper.make_node({ReLU: "Relu", Flatten: "Flatten"}[type(layer)], [value], [name]))
        value = name
    if len(network.shapes[-1]) == 3:
        nodes.append(helper.make_node("Transpose", [value], ["y in pixels"], perm=to_pixels))
        value = "y in pixels"
    sides = conventions(network)
    arrays = [numpy_helper.from_array(sides[name].out(array), name) for name, array in network.parameters().items()]
    border = [
        helper.make_tensor_value_info(what, TensorProto.FLOAT, ["N", *shape])
        for what, shape in (("x", network.input_shape), (value, network.shapes[-1]))
    ]
    made = helper.make_graph(nodes, "handmade", border[:1], border[1:], arrays)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(model)
    return model
