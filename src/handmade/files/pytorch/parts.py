"""Layers as parts of a PyTorch module, one function each: constructor, call, and arrays in PyTorch's order of axes.

    PARTS[kind](layer, step) -> Part

Images are (N, C, H, W) there. `step` holds the orders of inputs and output (orders.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.layers.windows import sides_of
from handmade.files.orders import Order, Step, axis_there, by_axis, constant_there, shares

Turn = Callable[[Array], Array]


@dataclass(frozen=True)
class Weight:
    """Array of a layer in a state dict: its name with us, and the functions to PyTorch's order and back."""

    name: str
    there: Turn
    back: Turn


@dataclass(frozen=True)
class Part:
    """Part of a module that computes one layer.

    Attributes
    ----------
    module : str or None
        Constructor of a module of torch.nn; None if the call is all.
    call : str
        Expression of the output: {0}, {1}, ... are its inputs, {self} is the name of its module or buffers.
    weights : dict of str to Weight
        Arrays of the module by their names there.
    buffers : dict of str to Weight or Array
        Arrays that have no module: those of the layer, or constants.
    plain : bool
        True if the module alone computes the layer, so that it can be an entry of nn.Sequential.
    """

    module: str | None
    call: str = "self.{self}({0})"
    weights: dict[str, Weight] = field(default_factory=dict)
    buffers: dict[str, Any] = field(default_factory=dict)
    plain: bool = True


def only(call: str, **buffers: Any) -> Part:
    """Return a part without a module."""
    return Part(None, call, buffers=buffers, plain=False)


def _same(array: Array) -> Array:
    return array


def _in_order(order: Order) -> tuple[Turn, Turn]:
    """Return the functions that bring a row into an order and back."""
    places = order.places
    if places is None:
        return _same, _same
    inverse = np.argsort(places)
    return (lambda array: array[places]), (lambda array: array[inverse])


def _conv(layer: Any, _step: Step) -> Part:
    border, around = _padding(layer.padding)
    settings = [
        *(layer.channels, layer.filters, _pair(layer.kernel)),
        *_unless(stride=(_pair(layer.stride), 1), padding=(border, 0), dilation=(_pair(layer.dilation), 1)),
        *_unless(groups=(layer.groups, 1)),
    ]
    weights = {
        "weight": Weight("W", lambda W: W.transpose(3, 2, 0, 1), lambda W: W.transpose(2, 3, 1, 0)),
        "bias": Weight("b", _same, _same),
    }
    call = "self.{self}({0})" if around is None else f"self.{{self}}(F.pad({{0}}, {around}))"
    return Part(f"nn.Conv2d({_arguments(settings)})", call, weights, plain=around is None)


def _linear(layer: Any, step: Step) -> Part:
    there, back = _in_order(step.reads[0])
    weights = {"weight": Weight("W", lambda W: there(W).T, lambda W: back(W.T)), "bias": Weight("b", _same, _same)}
    return Part(f"nn.Linear({layer.W.shape[0]}, {layer.units})", weights=weights)


def _batch_norm(layer: Any, step: Step) -> Part:
    there, back = _in_order(step.reads[0])
    names = {"weight": "W", "bias": "b", "running_mean": "mean", "running_var": "variance"}
    kind = "BatchNorm2d" if len(step.shape) == 3 else "BatchNorm1d"
    settings = [len(layer.W), *_unless(eps=(layer.epsilon, 1e-5), momentum=(layer.momentum, 0.1))]
    weights = {name: Weight(ours, there, back) for name, ours in names.items()}
    return Part(f"nn.{kind}({_arguments(settings)})", weights=weights)


def _max_pool(layer: Any, step: Step) -> Part:
    border, around = _pool_padding(layer, step)
    ceil = layer.ceil_mode and around is None
    settings = [*_pooling(layer, border), *_unless(dilation=(_pair(layer.dilation), 1), ceil_mode=(ceil, False))]
    call = "self.{self}({0})" if around is None else f"self.{{self}}(F.pad({{0}}, {around}, value=-torch.inf))"
    return Part(f"nn.MaxPool2d({_arguments(settings)})", call, plain=around is None)


def _avg_pool(layer: Any, step: Step) -> Part:
    border, around = _pool_padding(layer, step)
    if around is None and layer.dilation == (1, 1):
        counted = _unless(ceil_mode=(layer.ceil_mode, False), count_include_pad=(layer.count_padding, True))
        return Part(f"nn.AvgPool2d({_arguments([*_pooling(layer, border), *counted])})")
    filters, share = shares(layer, step.shapes[0])  # the sum of each window, times 1 / K
    (top, bottom), (left, right) = layer.geometry.borders(step.shapes[0][:2])
    windows = f"stride={layer.stride}, dilation={layer.dilation}, groups={len(filters)}"
    padded = f"F.pad({{0}}, {(left, right, top, bottom)})"
    return only(f"F.conv2d({padded}, self.{{self}}_ones, {windows}) * self.{{self}}_share", ones=filters, share=share)


def _pooling(layer: Any, border: Any) -> list[Any]:
    return [_pair(layer.window), *_unless(stride=(_pair(layer.stride), _pair(layer.window)), padding=(border, 0))]


def _pool_padding(layer: Any, step: Step) -> tuple[Any, tuple[int, ...] | None]:
    """Return the padding of a module, or that of F.pad: PyTorch pads opposite sides alike, by at most half a window."""
    (top, bottom), (left, right) = sides_of(layer.padding)
    if (top, left) == (bottom, right) and 2 * top <= layer.window[0] and 2 * left <= layer.window[1]:
        return _pair((top, left)), None
    (top, bottom), (left, right) = layer.geometry.borders(step.shapes[0][:2])
    return 0, (left, right, top, bottom)


def _padding(padding: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Return the padding of a module, and that of F.pad, (left, right, top, bottom), if opposite sides differ."""
    (top, bottom), (left, right) = sides_of(padding)
    if (top, left) == (bottom, right):
        return _pair((top, left)), None
    return 0, (left, right, top, bottom)


def _pair(sides: Any) -> Any:
    """Return (3, 3) as 3."""
    return sides[0] if sides[0] == sides[1] else tuple(sides)


def _unless(**values: tuple[Any, Any]) -> list[str]:
    """Return the arguments whose value is not the default."""
    return [f"{name}={value!r}" for name, (value, usual) in values.items() if value != usual]


def _arguments(values: list[Any]) -> str:
    return ", ".join(map(str, values))


def _module(constructor: str, **settings: str) -> Callable[[Any, Step], Part]:
    """Return the function for a module whose arguments are settings of the layer."""

    def part(layer: Any, _step: Step) -> Part:
        given = [f"{name}={getattr(layer, ours)!r}" for name, ours in settings.items()]
        return Part(f"{constructor}({_arguments(given)})")

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
        f"{{{n}}}" if len(shape) == axes else f"{{{n}}}.reshape({_arguments([-1, *(1,) * (axes - len(shape)), *shape])})"
        for n, shape in enumerate(step.shapes)
    ]
    return only(" @ ".join(factors))


def _concat(layer: Any, step: Step) -> Part:
    axis = axis_there(layer.axis, step.reads[0], len(step.shape))
    return only(f"torch.cat([{', '.join(f'{{{n}}}' for n in range(len(step.reads)))}], dim={axis})")


def _reshape(_layer: Any, step: Step) -> Part:
    return only(f"{{0}}.reshape({_arguments([-1, *step.shape])})")


def _transpose(layer: Any, _step: Step) -> Part:
    return only(f"{{0}}.permute({_arguments([0, *(1 + axis % len(layer.axes) for axis in layer.axes)])})")


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
    flip = f".flip({_arguments(flipped)})" if flipped else ""
    return only(f"{{0}}{flip}[{', '.join(cuts)}]")


def _take(layer: Any, step: Step) -> Part:
    axis = axis_there(layer.axis, step.reads[0], len(step.shapes[0]))
    return only(f"{{0}}[{':, ' * axis}self.{{self}}_indices]", indices=np.asarray(layer.indices, np.int64))


def _expand(_layer: Any, step: Step) -> Part:
    wide = [-1, *(1,) * (len(step.shape) - len(step.shapes[0])), *step.shapes[0]]
    return only(f"{{0}}.reshape({_arguments(wide)}).expand({_arguments([-1, *step.shape])})")


def _reduce(name: str) -> Callable[[Any, Step], Part]:
    def part(layer: Any, step: Step) -> Part:
        axes = sorted(axis_there(axis, step.reads[0], len(step.shapes[0])) for axis in layer.axes)
        keep = ", keepdim=True" if layer.keepdims else ""
        return only(f"{{0}}.{name}(({_arguments(axes)},){keep})")

    return part


PARTS: dict[str, Callable[[Any, Step], Part]] = {
    "Conv2d": _conv,
    "Linear": _linear,
    "BatchNorm2d": _batch_norm,
    "MaxPool2d": _max_pool,
    "AvgPool2d": _avg_pool,
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
