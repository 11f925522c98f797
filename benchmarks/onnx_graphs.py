"""Random ONNX graphs: image classifiers of random operators at a random opset.

Convolutions with any pads, strides, dilations and groups, pools, activation functions, joins, constants, slices, pads, transposes
to the channels last and back, and a head of several kinds.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from handmade.engine.arrays import Shape

OPSETS = (7, 9, 11, 13, 17, 18, 21)
SIDE, CHANNELS, CLASSES = 7, 2, 3
BATCHES = (3, 1, 4)  # images of the inputs, by the remainder of the seed; the first ones are symbolic in the graph


@dataclass
class Maker:
    """A graph that grows: its nodes, constants, and the shapes of one image of its tensors."""

    rng: "np.random.Generator"
    opset: int
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)

    def constant(self, array: Any) -> str:
        """Add an initializer and return its name."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def numbers(self, *shape: int, scale: float = 1.0) -> str:
        """Add an initializer of random numbers."""
        return self.constant((self.rng.standard_normal(shape) * scale).astype(np.float32))

    def add(self, op: str, inputs: list[str], shape: Shape, **attributes: Any) -> str:
        """Add a node with one output of this shape."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"/{op}_{len(self.nodes)}", **attributes))
        self.shapes[name] = shape
        return name

    def axes(self, op: str, x: str, axes: list[int], shape: Shape, since: int, **more: Any) -> str:
        """Add a node whose axes are an attribute before an opset, and an input from then on."""
        if self.opset < since:
            return self.add(op, [x], shape, axes=axes, **more)
        return self.add(op, [x, self.constant(np.array(axes, np.int64))], shape, **more)


def random_model(seed: int, length: int = 7) -> Any:
    """Return a ModelProto."""
    rng = np.random.default_rng(seed)
    to = Maker(rng, int(rng.choice(OPSETS)))
    to.shapes["image"] = (CHANNELS, SIDE, SIDE)
    images = ["image"]
    for _ in range(length):
        x = str(rng.choice(images[-3:]))
        step = STEPS[int(rng.integers(len(STEPS)))]
        made = step(to, x, images)
        if made is not None and min(to.shapes[made]) > 0:
            images.append(made)
    output = head(to, images[-1])
    graph = helper.make_graph(
        to.nodes,
        "random",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [["N", 1, 4][seed % 3], CHANNELS, SIDE, SIDE])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [["N", 1, 4][seed % 3], CLASSES])],
        to.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", to.opset)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def places(size: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int], *, ceil: bool = False) -> int:
    """Return the number of places of a window along one axis."""
    room = size + sum(pads) - (kernel - 1) * dilation - 1
    count = (-(-room // stride) if ceil else room // stride) + 1
    return count - (ceil and (count - 1) * stride >= size + pads[0])


def _windows(to: Maker, x: str, *, conv: bool) -> tuple[dict[str, Any], Shape] | None:
    """Return random attributes of windows, and rows and columns of the output."""
    rng, (_, *size) = to.rng, to.shapes[x]
    kernel = [int(rng.integers(1, 4)) for _ in size]
    stride = [int(rng.integers(1, 3)) for _ in size]
    dilated = conv or to.opset >= 10
    dilation = [int(rng.integers(1, 3)) if dilated and conv else 1 for _ in size]
    auto = str(rng.choice(["NOTSET", "NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]))
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": stride}
    if auto == "NOTSET":
        pads = [int(rng.integers(0, kernel[k % 2])) for k in range(4)]
        ceil = bool(rng.integers(2)) and not conv and to.opset >= 10
        attributes |= {"pads": pads} | ({"dilations": dilation} if conv else {}) | ({"ceil_mode": 1} if ceil else {})
        found = tuple(places(size[k], kernel[k], stride[k], dilation[k], (pads[k], pads[k + 2]), ceil=ceil) for k in range(2))
        whole = [-(-(size[k] + pads[k] + pads[k + 2] - kernel[k]) // stride[k]) + 1 for k in range(2)]
        if ceil and found != tuple(whole):  # a window that begins in the padding: before opset 22, onnxruntime keeps it
            return None
    else:
        attributes["auto_pad"] = auto
        if auto.startswith("SAME") and not conv and any(s > k for s, k in zip(stride, kernel, strict=True)):
            return None  # SAME asks for a negative padding, which onnxruntime refuses
        same = auto != "VALID"
        found = tuple(-(-size[k] // stride[k]) if same else places(size[k], kernel[k], stride[k], 1, (0, 0)) for k in range(2))
    return None if min(found) < 1 else (attributes, found)


def conv(to: Maker, x: str, _: list[str]) -> str | None:
    """Add a Conv."""
    drawn = _windows(to, x, conv=True)
    if drawn is None:
        return None
    attributes, size = drawn
    channels = to.shapes[x][0]
    group = int(to.rng.choice([g for g in range(1, channels + 1) if channels % g == 0]))
    filters = group * int(to.rng.integers(1, 3))
    W = to.numbers(filters, channels // group, *attributes["kernel_shape"], scale=0.5)
    inputs = [x, W, to.numbers(filters)] if to.rng.integers(2) else [x, W]
    y = to.add("Conv", inputs, (filters, *size), group=group, **attributes)
    return y if to.rng.integers(2) else to.add("Add", [y, to.numbers(filters, 1, 1)], (filters, *size))


def pool(to: Maker, x: str, _: list[str]) -> str | None:
    """Add a MaxPool or an AveragePool."""
    drawn = _windows(to, x, conv=False)
    if drawn is None:
        return None
    attributes, size = drawn
    op = str(to.rng.choice(["MaxPool", "AveragePool"]))
    if op == "AveragePool":
        attributes["count_include_pad"] = int(to.rng.integers(2))
    return to.add(op, [x], (to.shapes[x][0], *size), **attributes)


def activation(to: Maker, x: str, _: list[str]) -> str:
    """Add an activation function."""
    ops = ["Relu", "LeakyRelu", "Sigmoid", "Tanh", "Elu", "HardSigmoid", "Selu", "Clip", "Log", "PRelu", "Neg", "Abs"]
    ops += ["Softplus", "Softsign", "Div"] + ["HardSwish"] * (to.opset >= 14) + ["Mish"] * (to.opset >= 18)
    ops += ["Gelu", "Gelu"] * (to.opset >= 20)
    op, shape = str(to.rng.choice(ops)), to.shapes[x]
    if op == "Log":  # of exp of a bounded number
        return to.add("Log", [to.add("Exp", [to.add("Tanh", [x], shape)], shape)], shape)
    if op == "Div":  # a constant, or 1, by a positive number
        below = to.add("Exp", [to.add("Tanh", [x], shape)], shape)
        return to.add("Reciprocal", [below], shape) if to.rng.integers(2) else to.add(op, [to.numbers(*shape), below], shape)
    if op == "PRelu":
        return to.add(op, [x, to.constant(to.rng.random((shape[0], 1, 1)).astype(np.float32))], shape)
    if op == "Clip" and to.opset >= 11:
        return to.add(op, [x, to.constant(np.float32(-0.5)), to.constant(np.float32(1.5))], shape)
    settings: dict[str, dict[str, Any]] = {
        "LeakyRelu": {"alpha": 0.2},
        "Elu": {"alpha": 0.7},
        "HardSigmoid": {"alpha": 0.3, "beta": 0.4},
        "Clip": {"min": -0.5, "max": 1.5},
        "Gelu": {"approximate": str(to.rng.choice(["none", "tanh"]))},
    }
    return to.add(op, [x], shape, **settings.get(op, {}))


def batch_norm(to: Maker, x: str, _: list[str]) -> str:
    """Add a BatchNormalization."""
    C = to.shapes[x][0]
    positive = to.constant((to.rng.random(C) + 0.5).astype(np.float32))
    return to.add("BatchNormalization", [x, to.numbers(C), to.numbers(C), to.numbers(C), positive], to.shapes[x], epsilon=1e-3)


def by_constant(to: Maker, x: str, _: list[str]) -> str:
    """Add arithmetic with a constant of any shape that broadcasts."""
    shape = to.shapes[x]
    own = tuple(size if to.rng.integers(2) else 1 for size in shape)
    c = to.constant((to.rng.random((1, *own) if to.rng.integers(2) else own) + 0.5).astype(np.float32))
    op = str(to.rng.choice(["Add", "Sub", "Mul", "Div"]))
    return to.add(op, [c, x] if op != "Div" and to.rng.integers(2) else [x, c], shape)


def join(to: Maker, x: str, images: list[str]) -> str:
    """Add a join with another tensor of the same shape, or with a gate for each channel."""
    shape = to.shapes[x]
    same = [other for other in images if to.shapes[other] == shape]
    if to.rng.integers(3) == 0:
        mean = to.add("GlobalAveragePool", [x], (shape[0], 1, 1))
        return to.add("Mul", [x, to.add("Sigmoid", [mean], (shape[0], 1, 1))], shape)
    other = str(to.rng.choice(same))
    op = str(to.rng.choice(["Add", "Sub", "Mul", "Sum", "Div"]))
    if op == "Div":
        other = to.add("Exp", [to.add("Tanh", [other], shape)], shape)
    return to.add(op, [x, other], shape)


def concat(to: Maker, x: str, images: list[str]) -> str:
    """Add a Concat of channels."""
    shape = to.shapes[x]
    others = [other for other in images if to.shapes[other][1:] == shape[1:]]
    other = str(to.rng.choice(others))
    return to.add("Concat", [x, other], (shape[0] + to.shapes[other][0], *shape[1:]), axis=1)


def pad(to: Maker, x: str, _: list[str]) -> str | None:
    """Add a Pad."""
    C, H, W = to.shapes[x]
    mode = str(to.rng.choice(["constant", "reflect", "edge"]))
    most = min(H, W, 3)
    top, left, bottom, right = (int(to.rng.integers(0, most)) for _ in range(4))
    shape, pads = (C, H + top + bottom, W + left + right), [0, 0, top, left, 0, 0, bottom, right]
    if to.opset < 11:
        return to.add("Pad", [x], shape, mode=mode, pads=pads, **({"value": 0.5} if mode == "constant" else {}))
    more = [to.constant(np.float32(0.5))] if mode == "constant" else []
    return to.add("Pad", [x, to.constant(np.array(pads, np.int64)), *more], shape, mode=mode)


def cut(to: Maker, x: str, _: list[str]) -> str | None:
    """Add a Slice of rows, with a step, or every second channel by Gather."""
    C, H, W = to.shapes[x]
    if to.rng.integers(2):
        places = to.rng.permutation(C)[: max(1, C // 2)]
        return to.add("Gather", [x, to.constant(places.astype(np.int64))], (len(places), H, W), axis=1)
    if H < 3:
        return None
    if to.opset < 10:
        return to.add("Slice", [x], (C, H - 1, W), axes=[2], starts=[1], ends=[2**31])
    start, stop, step = [(1, H, 2), (-1, -(H + 1), -1), (0, -1, 1)][int(to.rng.integers(3))]
    given = [to.constant(np.array([each], np.int64)) for each in (start, stop, 2, step)]
    return to.add("Slice", [x, *given], (C, len(range(H)[start:stop:step]) if step > 0 else H, W))


def channels_last(to: Maker, x: str, _: list[str]) -> str:
    """Add a Transpose to the channels last, a Softmax or a product with a matrix there, and the way back."""
    C, H, W = to.shapes[x]
    y, size = to.add("Transpose", [x], (H, W, C), perm=[0, 2, 3, 1]), C
    kind = int(to.rng.integers(3))
    if kind == 0:
        size = int(to.rng.integers(1, 4))
        y = to.add("MatMul", [y, to.numbers(C, size)], (H, W, size))
    elif kind == 1 and to.opset >= 13:
        y = to.add("Softmax", [y], (H, W, C), axis=int(to.rng.choice([-1, 1, 2])))
    return to.add("Transpose", [y], (size, H, W), perm=[0, 3, 1, 2])


def reshaped(to: Maker, x: str, _: list[str]) -> str:
    """Add a Reshape to rows and back, with a mean or nothing between; or a shuffle of channels, as ShuffleNet has it."""
    C, H, W = to.shapes[x]
    if C % 2 == 0 and to.rng.integers(2):
        y = to.add("Reshape", [x, to.constant(np.array([0, 2, C // 2, H, W], np.int64))], (2, C // 2, H, W))
        y = to.add("Transpose", [y], (C // 2, 2, H, W), perm=[0, 2, 1, 3, 4])
        return to.add("Reshape", [y, to.constant(np.array([0, -1, H, W], np.int64))], (C, H, W))
    y = to.add("Reshape", [x, to.constant(np.array([0, C, -1], np.int64))], (C, H * W))
    y = to.axes("Unsqueeze", y, [1], (1, C, H * W), 13)
    y = to.axes("Squeeze", y, [1], (C, H * W), 13)
    return to.add("Reshape", [y, to.constant(np.array([-1, C, H, W], np.int64))], (C, H, W))


STEPS = [conv, conv, conv, pool, activation, activation, batch_norm, by_constant, join, concat, pad, cut, channels_last, reshaped]


def head(to: Maker, x: str) -> str:
    """Add the layers from an image to the logits."""
    C, H, W = to.shapes[x]
    kind = int(to.rng.integers(5))
    if kind == 0:
        x, size = to.add("Flatten", [x], (C * H * W,)), C * H * W
    elif kind == 1:
        x, size = to.add("Reshape", [x, to.constant(np.array([0, -1], np.int64))], (C * H * W,)), C * H * W
    elif kind == 2:
        op = str(to.rng.choice(["ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceSumSquare"]))
        x, size = to.axes(op, x, [2, 3], (C,), 18, keepdims=0), C
    elif kind == 3:
        sizes = to.add("Shape", [x], ())  # as PyTorch writes x.view(x.size(0), -1)
        batch = to.add("Gather", [sizes, to.constant(np.array(0, np.int64))], (), axis=0)
        row = to.add("Concat", [to.axes("Unsqueeze", batch, [0], (), 13), to.constant(np.array([-1], np.int64))], (), axis=0)
        x, size = to.add("Reshape", [x, row], (C * H * W,)), C * H * W
    else:
        op = str(to.rng.choice(["GlobalAveragePool", "GlobalMaxPool"]))
        x, size = to.add("Flatten", [to.add(op, [x], (C, 1, 1))], (C,)), C
    if to.rng.integers(2):
        x = to.add("Dropout", [x], (size,))
    scale = 1 / np.sqrt(size)
    if to.rng.integers(2):
        y = to.add("Gemm", [x, to.numbers(CLASSES, size, scale=scale), to.numbers(CLASSES)], (CLASSES,), transB=1, alpha=0.9)
    else:
        y = to.add("MatMul", [x, to.numbers(size, CLASSES, scale=scale)], (CLASSES,))
        y = to.add("Add", [to.numbers(CLASSES), y], (CLASSES,))
    ends = [None, None, "Softmax", "LogSoftmax"]
    end = ends[int(to.rng.integers(4))]
    return y if end is None else to.add(end, [y], (CLASSES,), axis=1)
