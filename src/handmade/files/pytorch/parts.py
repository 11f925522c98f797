"""Layers as parts of a PyTorch module, one function each: constructor, call, and arrays in PyTorch's order of axes.

    PARTS[kind](layer, step) -> Part

Images are (N, C, H, W) there. `step` holds the orders of inputs and output (orders.py).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.files.orders import Step, axis_there, by_axis, constant_there
from handmade.files.pytorch.part import Part, Weight, arguments_of, only
from handmade.files.pytorch.window_parts import avg_pool, batch_norm, conv, linear, max_pool


def _module(constructor: str, **settings: str) -> Callable[[Any, Step], Part]:
    """Return the function for a module whose arguments are settings of the layer."""

    def part(layer: Any, _step: Step) -> Part:
        given = [f"{name}={getattr(layer, ours)!r}" for name, ours in settings.items()]
        return Part(f"{constructor}({arguments_of(given)})")

    return part


def _fixed(constructor: str) -> Callable[[Any, Step], Part]:
    return lambda _layer, _step: Part(constructor)


def _call(call: str) -> Callable[[Any, Step], Part]:
    return lambda _layer, _step: only(call)


def _gelu(layer: Any, _step: Step) -> Part:
    return Part(f"nn.GELU(approximate={layer.approximate!r})")


def _clip(layer: Any, _step: Step) -> Part:
    if layer.low is not None and layer.high is not None and layer.low < layer.high:
        return Part(f"nn.Hardtanh({float(layer.low)!r}, {float(layer.high)!r})")
    return only(f"{{0}}.clamp(min={layer.low!r}, max={layer.high!r})")


def _hard_sigmoid(layer: Any, _step: Step) -> Part:
    if (layer.slope, layer.shift) == (1 / 6, 0.5):
        return Part("nn.Hardsigmoid()")
    return only(f"({layer.slope!r} * {{0}} + {layer.shift!r}).clamp(0, 1)")


def _along(constructor: str) -> Callable[[Any, Step], Part]:
    def part(layer: Any, step: Step) -> Part:
        return Part(f"{constructor}(dim={axis_there(layer.axis, step.reads[0], len(step.shapes[0]))})")

    return part


def _affine(layer: Any, step: Step) -> Part:
    def weight(name: str) -> Weight:
        ours = getattr(layer, name)
        places = np.arange(ours.size).reshape(ours.shape)
        there = constant_there(places, step.reads[0], step.shapes[0])

        def back(array: Array) -> Array:
            found = np.empty(ours.size, array.dtype)
            found[there.reshape(-1)] = array.reshape(-1)
            return found.reshape(ours.shape)

        return Weight(name, lambda array: array.reshape(-1)[there], back)

    return only("{0} * self.{self}_scale + self.{self}_shift", scale=weight("scale"), shift=weight("shift"))


def _join(sign: str) -> Callable[[Any, Step], Part]:
    return lambda _layer, step: only(f" {sign} ".join(f"{{{n}}}" for n in range(len(step.reads))))


def _matmul(_layer: Any, step: Step) -> Part:
    axes = max(map(len, step.shapes))
    factors = [
        f"{{{n}}}" if len(shape) == axes else f"{{{n}}}.reshape({arguments_of([-1, *(1,) * (axes - len(shape)), *shape])})"
        for n, shape in enumerate(step.shapes)
    ]
    return only(" @ ".join(factors))


def _concat(layer: Any, step: Step) -> Part:
    axis = axis_there(layer.axis, step.reads[0], len(step.shape))
    return only(f"torch.cat([{', '.join(f'{{{n}}}' for n in range(len(step.reads)))}], dim={axis})")


def _reshape(_layer: Any, step: Step) -> Part:
    return only(f"{{0}}.reshape({arguments_of([-1, *step.shape])})")


def _transpose(layer: Any, _step: Step) -> Part:
    return only(f"{{0}}.permute({arguments_of([0, *(1 + axis % len(layer.axes) for axis in layer.axes)])})")


def _pad(layer: Any, step: Step) -> Part:
    widths, sizes = by_axis(layer.widths, step.reads[0]), by_axis(step.shapes[0], step.reads[0])
    if layer.mode == "constant":
        around = tuple(int(side) for width in reversed(widths) for side in width)
        return only(f"F.pad({{0}}, {around}, value={float(layer.value)!r})")
    call, buffers = "{0}", {}
    for axis, (width, size) in enumerate(zip(widths, sizes, strict=True), 1):  # F.pad does not know these modes for each axis
        if any(width):
            buffers[f"places{axis}"] = np.pad(np.arange(size), width, layer.mode)
            call += f".index_select({axis}, self.{{self}}_places{axis})"
    return only(call, **buffers)


def _slice(layer: Any, step: Step) -> Part:
    ones = (1,) * len(layer.starts)
    given = zip(layer.starts, layer.stops, layer.steps or ones, step.shapes[0], strict=True)
    ranges = [(slice(start, stop, stride).indices(size), size) for start, stop, stride, size in given]
    flipped, cuts = [], [":"]
    for axis, ((start, stop, stride), size) in enumerate(by_axis(ranges, step.reads[0]), 1):
        if stride < 0:  # PyTorch steps forwards only
            flipped.append(axis)
            start, stop, stride = size - 1 - start, size - 1 - stop, -stride  # noqa: PLW2901  the same numbers, from the end
        cuts.append(f"{start}:{stop}:{stride}")
    flip = f".flip({arguments_of(flipped)})" if flipped else ""
    return only(f"{{0}}{flip}[{', '.join(cuts)}]")


def _take(layer: Any, step: Step) -> Part:
    axis = axis_there(layer.axis, step.reads[0], len(step.shapes[0]))
    return only(f"{{0}}[{':, ' * axis}self.{{self}}_indices]", indices=np.asarray(layer.indices, np.int64))


def _expand(_layer: Any, step: Step) -> Part:
    wide = [-1, *(1,) * (len(step.shape) - len(step.shapes[0])), *step.shapes[0]]
    return only(f"{{0}}.reshape({arguments_of(wide)}).expand({arguments_of([-1, *step.shape])})")


def _reduce(name: str) -> Callable[[Any, Step], Part]:
    def part(layer: Any, step: Step) -> Part:
        axes = sorted(axis_there(axis, step.reads[0], len(step.shapes[0])) for axis in layer.axes)
        keep = ", keepdim=True" if layer.keepdims else ""
        return only(f"{{0}}.{name}(({arguments_of(axes)},){keep})")

    return part


PARTS: dict[str, Callable[[Any, Step], Part]] = {
    "Conv2d": conv,
    "Linear": linear,
    "BatchNorm2d": batch_norm,
    "MaxPool2d": max_pool,
    "AvgPool2d": avg_pool,
    "GlobalAvgPool2d": _fixed("nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())"),
    "GlobalMaxPool2d": _fixed("nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten())"),
    "Flatten": _fixed("nn.Flatten()"),
    "ReLU": _fixed("nn.ReLU()"),
    "LeakyReLU": _module("nn.LeakyReLU", negative_slope="slope"),
    "Sigmoid": _fixed("nn.Sigmoid()"),
    "Tanh": _fixed("nn.Tanh()"),
    "GELU": _gelu,
    "ELU": _module("nn.ELU", alpha="alpha"),
    "Clip": _clip,
    "HardSigmoid": _hard_sigmoid,
    "Exp": _call("{0}.exp()"),
    "Log": _call("{0}.log()"),
    "Sqrt": _call("{0}.sqrt()"),
    "Softmax": _along("nn.Softmax"),
    "LogSoftmax": _along("nn.LogSoftmax"),
    "Dropout": _module("nn.Dropout", p="rate"),
    "Affine": _affine,
    "Add": _join("+"),
    "Subtract": _join("-"),
    "Multiply": _join("*"),
    "Divide": _join("/"),
    "MatMul": _matmul,
    "Concat": _concat,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Pad": _pad,
    "Slice": _slice,
    "Take": _take,
    "Expand": _expand,
    "Sum": _reduce("sum"),
    "Mean": _reduce("mean"),
}
