"""Layers as nodes of ONNX, one function each: attributes and weights in ONNX's order of axes.

    NODES[kind](layer, writer, inputs, output, title, step)

adds the nodes that compute `output` from the values `inputs`, in the orders of `step` (orders.py).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handmade.engine.layers.windows import sides_of
from handmade.files.orders import Step, axis_there, by_axis, constant_there, shares

BEFORE_ALL = -(2**63)  # stop of a Slice that runs backwards to the first number
LOWEST = -3e38  # a number below all others, which float32 can hold
Write = Callable[[Any, Any, list[str], str, str, Step], None]


def border_of(padding: Any) -> list[int]:
    """Return a padding as [top, left, bottom, right]."""
    (top, bottom), (left, right) = sides_of(padding)
    return [top, left, bottom, right]


def _conv(layer: Any, to: Any, x: list[str], output: str, title: str, _step: Step) -> None:
    W = to.constant(layer.W.transpose(3, 2, 0, 1), f"{title}.W")  # (O, C / groups, K_h, K_w)
    b = to.constant(layer.b, f"{title}.b")
    to.add(
        "Conv",
        [*x, W, b],
        output,
        kernel_shape=layer.kernel,
        strides=layer.stride,
        pads=border_of(layer.padding),
        dilations=layer.dilation,
        group=layer.groups,
    )


def _max_pool(layer: Any, to: Any, x: list[str], output: str, title: str, step: Step) -> None:
    sides, attributes = _pool(layer, step)
    if not _fits(sides, layer.window):
        x = [_padded(to, x, sides, title, LOWEST)]  # every window has a pixel, which is larger
        sides = [0, 0, 0, 0]
    to.add("MaxPool", x, output, pads=sides, **attributes, **_apart(layer))


def _avg_pool(layer: Any, to: Any, x: list[str], output: str, title: str, step: Step) -> None:
    sides, attributes = _pool(layer, step)
    plain = not layer.count_padding or sides == border_of(layer.padding)
    if plain and _fits(sides, layer.window) and (layer.dilation == (1, 1) or to.opset >= 19):
        to.add("AveragePool", x, output, pads=sides, count_include_pad=int(layer.count_padding), **attributes, **_apart(layer))
        return
    filters, share = shares(layer, step.shapes[0])  # AveragePool has no such padding: sum of each window, times 1 / K
    names = [_padded(to, x, sides, title, 0.0), to.constant(filters, to.new(title, "ones"))]
    total = to.add("Conv", names, to.new(title, "sum"), dilations=layer.dilation, group=len(filters), **attributes)
    to.add("Mul", [total, to.constant(share, to.new(title, "share"))], output)


def _pool(layer: Any, step: Step) -> tuple[list[int], dict[str, Any]]:
    """Return the padding of each side, with what a last, partial window reads behind it, and the attributes of the windows."""
    return border_of(layer.geometry.borders(step.shapes[0][:2])), {"kernel_shape": layer.window, "strides": layer.stride}


def _apart(layer: Any) -> dict[str, Any]:
    return {} if layer.dilation == (1, 1) else {"dilations": layer.dilation}


def _fits(sides: list[int], window: tuple[int, int]) -> bool:
    """Return True for a padding smaller than the window: some programs allow no other."""
    return all(side < size for side, size in zip(sides, 2 * window, strict=True))


def _padded(to: Any, x: list[str], sides: list[int], title: str, value: float) -> str:
    """Add a Pad of images and return its output."""
    top, left, bottom, right = sides
    pads = _integers([0, 0, top, left, 0, 0, bottom, right], to, title, "pads")
    name: str = to.add("Pad", [*x, pads, to.constant(np.array(value), to.new(title, "outside"))], to.new(title, "padded"))
    return name


def _global(op: str) -> Write:
    def write(_layer: Any, to: Any, x: list[str], output: str, title: str, _step: Step) -> None:
        to.add("Flatten", [to.add(op, x, to.new(title, "mean" if "Average" in op else "maximum"))], output, axis=1)

    return write


def _linear(layer: Any, to: Any, x: list[str], output: str, title: str, step: Step) -> None:
    W = layer.W if step.reads[0].places is None else layer.W[step.reads[0].places]
    b = to.constant(layer.b, f"{title}.b")
    if len(step.shape) == 1:
        to.add("Gemm", [*x, to.constant(W.T, f"{title}.W"), b], output, transB=1)
        return
    product = to.add("MatMul", [*x, to.constant(W, f"{title}.W")], to.new(title, "product"))
    to.add("Add", [product, b], output)


def _batch_norm(layer: Any, to: Any, x: list[str], output: str, title: str, step: Step) -> None:
    places = step.reads[0].places
    arrays = {name: getattr(layer, name) for name in ("W", "b", "mean", "variance")}
    names = [to.constant(array if places is None else array[places], f"{title}.{name}") for name, array in arrays.items()]
    epsilon = np.float32(layer.epsilon)  # as the attribute holds it
    epsilon = np.nextafter(epsilon, np.float32(1)) if float(epsilon) < layer.epsilon else epsilon  # never below the smallest
    to.add("BatchNormalization", [*x, *names], output, epsilon=float(epsilon), momentum=1 - layer.momentum)


def _plain(op: str, **names: str) -> Write:
    """Return the writer of an operator with one input, and attributes with the values of settings."""

    def write(layer: Any, to: Any, x: list[str], output: str, _title: str, _step: Step) -> None:
        to.add(op, x, output, **{attribute: float(getattr(layer, name)) for attribute, name in names.items()})

    return write


def _dropout(layer: Any, to: Any, x: list[str], output: str, title: str, _step: Step) -> None:
    to.add("Dropout", [*x, to.constant(np.array(layer.rate), to.new(title, "rate"))], output)


def _flatten(_layer: Any, to: Any, x: list[str], output: str, _title: str, _step: Step) -> None:
    to.add("Flatten", x, output, axis=1)


def _clip(layer: Any, to: Any, x: list[str], output: str, title: str, _step: Step) -> None:
    limits = [("low", layer.low), ("high", layer.high)]
    names = ["" if limit is None else to.constant(np.array(float(limit)), to.new(title, name)) for name, limit in limits]
    to.add("Clip", [*x, *names], output)


def _affine(layer: Any, to: Any, x: list[str], output: str, title: str, step: Step) -> None:
    scale, shift = (constant_there(array, step.reads[0], step.shapes[0]) for array in (layer.scale, layer.shift))
    times = to.add("Mul", [*x, to.constant(scale, f"{title}.scale")], to.new(title, "scaled"))
    to.add("Add", [times, to.constant(shift, f"{title}.shift")], output)


def _gelu(layer: Any, to: Any, x: list[str], output: str, title: str, _step: Step) -> None:
    approximate = layer.approximate
    if to.opset >= 20:
        to.add("Gelu", x, output, approximate=approximate)
        return

    def number(value: float, name: str) -> str:
        name_of: str = to.constant(np.array(value), to.new(title, name))
        return name_of

    def add(op: str, inputs: list[str], name: str) -> str:
        name_of: str = to.add(op, inputs, to.new(title, name))
        return name_of

    if approximate == "none":  # x (1 + erf(x / sqrt(2))) / 2
        erf = add("Erf", [add("Mul", [*x, number(math.sqrt(0.5), "sqrt_half")], "scaled")], "erf")
        share = add("Mul", [add("Add", [erf, number(1.0, "one")], "one_plus_erf"), number(0.5, "half")], "share")
    else:  # x sigmoid(2 sqrt(2 / pi) x (1 + c x^2))
        square = add("Mul", [*x, *x], "square")
        bracket = add("Add", [add("Mul", [square, number(0.044715, "c")], "c_square"), number(1.0, "one")], "bracket")
        slope = add("Mul", [*x, number(2 * math.sqrt(2 / math.pi), "factor")], "scaled")
        share = add("Sigmoid", [add("Mul", [slope, bracket], "v")], "share")
    to.add("Mul", [*x, share], output)


def _along(op: str) -> Write:
    def write(layer: Any, to: Any, x: list[str], output: str, _title: str, step: Step) -> None:
        axis = axis_there(layer.axis, step.reads[0], len(step.shapes[0]))
        to.add(op, x, output, axis=axis)

    return write


def _join(op: str) -> Write:
    """Return the writer of a join of two or more inputs, from left to right."""

    def write(_layer: Any, to: Any, x: list[str], output: str, title: str, _step: Step) -> None:
        left = x[0]
        for n, right in enumerate(x[1:], 1):
            left = to.add(op, [left, right], output if n == len(x) - 1 else to.new(title, f"part{n}"))

    return write


def _matmul(_layer: Any, to: Any, x: list[str], output: str, title: str, step: Step) -> None:
    axes = max(map(len, step.shapes))
    wide = []
    for n, (name, shape) in enumerate(zip(x, step.shapes, strict=True)):
        if len(shape) < axes:  # the batch axis stands before those that are broadcast
            sizes = _integers([0, *(1,) * (axes - len(shape)), *shape], to, title, f"shape{n}")
            wide.append(to.add("Reshape", [name, sizes], to.new(title, f"wide{n}")))
        else:
            wide.append(name)
    to.add("MatMul", wide, output)


def _concat(layer: Any, to: Any, x: list[str], output: str, _title: str, step: Step) -> None:
    axis = axis_there(layer.axis, step.reads[0], len(step.shape))
    to.add("Concat", x, output, axis=axis)


def _integers(values: Sequence[int], to: Any, title: str, name: str) -> str:
    name_of: str = to.constant(np.array(values, np.int64), to.new(title, name))
    return name_of


def _reshape(_layer: Any, to: Any, x: list[str], output: str, title: str, step: Step) -> None:
    to.add("Reshape", [*x, _integers([0, *step.shape], to, title, "shape")], output)  # 0: the number of images


def _transpose(layer: Any, to: Any, x: list[str], output: str, _title: str, _step: Step) -> None:
    to.add("Transpose", x, output, perm=[0, *(1 + axis % len(layer.axes) for axis in layer.axes)])


def _pad(layer: Any, to: Any, x: list[str], output: str, title: str, step: Step) -> None:
    widths = by_axis(layer.widths, step.reads[0])
    pads = _integers([0, *(width[0] for width in widths), 0, *(width[1] for width in widths)], to, title, "pads")
    value = [to.constant(np.array(float(layer.value)), to.new(title, "value"))] if layer.mode == "constant" else []
    to.add("Pad", [*x, pads, *value], output, mode=layer.mode)


def _slice(layer: Any, to: Any, x: list[str], output: str, title: str, step: Step) -> None:
    ones = (1,) * len(layer.starts)
    given = zip(layer.starts, layer.stops, layer.steps or ones, step.shapes[0], strict=True)
    ranges = by_axis([slice(start, stop, stride).indices(size) for start, stop, stride, size in given], step.reads[0])
    parts = {
        "starts": [start for start, _, _ in ranges],
        "stops": [BEFORE_ALL if stop < 0 else stop for _, stop, _ in ranges],
        "axes": [1 + axis for axis in range(len(ranges))],
        "steps": [stride for _, _, stride in ranges],
    }
    to.add("Slice", [*x, *(_integers(values, to, title, name) for name, values in parts.items())], output)


def _take(layer: Any, to: Any, x: list[str], output: str, title: str, step: Step) -> None:
    axis = axis_there(layer.axis, step.reads[0], len(step.shapes[0]))
    to.add("Gather", [*x, to.constant(np.asarray(layer.indices, np.int64), to.new(title, "indices"))], output, axis=axis)


def _expand(_layer: Any, to: Any, x: list[str], output: str, title: str, step: Step) -> None:
    before, after = step.shapes[0], step.shape
    if len(before) < len(after):
        wide = [0, *(1,) * (len(after) - len(before)), *before]
        x = [to.add("Reshape", [*x, _integers(wide, to, title, "wide")], to.new(title, "reshaped"))]
    to.add("Expand", [*x, _integers([1, *after], to, title, "shape")], output)


def _reduce(op: str) -> Write:
    def write(layer: Any, to: Any, x: list[str], output: str, title: str, step: Step) -> None:
        rank = len(step.shapes[0])
        axes = sorted(axis_there(axis, step.reads[0], rank) for axis in layer.axes)
        if op == "ReduceSum" or to.opset >= 18:
            to.add(op, [*x, _integers(axes, to, title, "axes")], output, keepdims=int(layer.keepdims))
        else:
            to.add(op, x, output, axes=axes, keepdims=int(layer.keepdims))

    return write


NODES: dict[str, Write] = {
    "Conv2d": _conv,
    "MaxPool2d": _max_pool,
    "AvgPool2d": _avg_pool,
    "GlobalAvgPool2d": _global("GlobalAveragePool"),
    "GlobalMaxPool2d": _global("GlobalMaxPool"),
    "BatchNorm2d": _batch_norm,
    "Linear": _linear,
    "Flatten": _flatten,
    "ReLU": _plain("Relu"),
    "LeakyReLU": _plain("LeakyRelu", alpha="slope"),
    "ELU": _plain("Elu", alpha="alpha"),
    "HardSigmoid": _plain("HardSigmoid", alpha="slope", beta="shift"),
    "Sigmoid": _plain("Sigmoid"),
    "Tanh": _plain("Tanh"),
    "Exp": _plain("Exp"),
    "Log": _plain("Log"),
    "Sqrt": _plain("Sqrt"),
    "GELU": _gelu,
    "Clip": _clip,
    "Affine": _affine,
    "Dropout": _dropout,
    "Softmax": _along("Softmax"),
    "LogSoftmax": _along("LogSoftmax"),
    "Add": _join("Add"),
    "Subtract": _join("Sub"),
    "Multiply": _join("Mul"),
    "Divide": _join("Div"),
    "MatMul": _matmul,
    "Concat": _concat,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Pad": _pad,
    "Slice": _slice,
    "Take": _take,
    "Expand": _expand,
    "Sum": _reduce("ReduceSum"),
    "Mean": _reduce("ReduceMean"),
}
