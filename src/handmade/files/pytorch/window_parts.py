"""Layers with weights or windows as parts of a PyTorch module, one function each; see parts.py."""

from typing import Any

from handmade.engine.layers.windows import sides_of
from handmade.files.orders import Step, shares
from handmade.files.pytorch.part import Part, Weight, arguments_of, in_order, only, pair_of, same, unless


def conv(layer: Any, _step: Step) -> Part:
    """Return a convolution; padding that differs from side to side is a call of F.pad."""
    border, around = _padding(layer.padding)
    settings = [
        *(layer.channels, layer.filters, pair_of(layer.kernel)),
        *unless(stride=(pair_of(layer.stride), 1), padding=(border, 0), dilation=(pair_of(layer.dilation), 1)),
        *unless(groups=(layer.groups, 1)),
    ]
    weights = {
        "weight": Weight("W", lambda W: W.transpose(3, 2, 0, 1), lambda W: W.transpose(2, 3, 1, 0)),
        "bias": Weight("b", same, same),
    }
    call = "self.{self}({0})" if around is None else f"self.{{self}}(F.pad({{0}}, {around}))"
    return Part(f"nn.Conv2d({arguments_of(settings)})", call, weights, plain=around is None)


def linear(layer: Any, step: Step) -> Part:
    """Return a linear layer whose inputs stand in the order of the row that it reads."""
    there, back = in_order(step.reads[0])
    weights = {"weight": Weight("W", lambda W: there(W).T, lambda W: back(W.T)), "bias": Weight("b", same, same)}
    return Part(f"nn.Linear({layer.W.shape[0]}, {layer.units})", weights=weights)


def batch_norm(layer: Any, step: Step) -> Part:
    """Return a batch normalisation of images or rows."""
    there, back = in_order(step.reads[0])
    names = {"weight": "W", "bias": "b", "running_mean": "mean", "running_var": "variance"}
    kind = "BatchNorm2d" if len(step.shape) == 3 else "BatchNorm1d"
    settings = [len(layer.W), *unless(eps=(layer.epsilon, 1e-5), momentum=(layer.momentum, 0.1))]
    weights = {name: Weight(ours, there, back) for name, ours in names.items()}
    return Part(f"nn.{kind}({arguments_of(settings)})", weights=weights)


def max_pool(layer: Any, step: Step) -> Part:
    """Return a max pool."""
    border, around = _pool_padding(layer, step)
    ceil = layer.ceil_mode and around is None
    settings = [*_pooling(layer, border), *unless(dilation=(pair_of(layer.dilation), 1), ceil_mode=(ceil, False))]
    call = "self.{self}({0})" if around is None else f"self.{{self}}(F.pad({{0}}, {around}, value=-torch.inf))"
    return Part(f"nn.MaxPool2d({arguments_of(settings)})", call, plain=around is None)


def avg_pool(layer: Any, step: Step) -> Part:
    """Return an average pool, or the convolution that computes it where PyTorch has no such pool."""
    border, around = _pool_padding(layer, step)
    if around is None and layer.dilation == (1, 1):
        counted = unless(ceil_mode=(layer.ceil_mode, False), count_include_pad=(layer.count_padding, True))
        return Part(f"nn.AvgPool2d({arguments_of([*_pooling(layer, border), *counted])})")
    filters, share = shares(layer, step.shapes[0])  # the sum of each window, times 1 / K
    (top, bottom), (left, right) = layer.geometry.borders(step.shapes[0][:2])
    windows = f"stride={layer.stride}, dilation={layer.dilation}, groups={len(filters)}"
    padded = f"F.pad({{0}}, {(left, right, top, bottom)})"
    return only(f"F.conv2d({padded}, self.{{self}}_ones, {windows}) * self.{{self}}_share", ones=filters, share=share)


def _pooling(layer: Any, border: Any) -> list[Any]:
    return [pair_of(layer.window), *unless(stride=(pair_of(layer.stride), pair_of(layer.window)), padding=(border, 0))]


def _pool_padding(layer: Any, step: Step) -> tuple[Any, tuple[int, ...] | None]:
    """Return the padding of a module, or that of F.pad: PyTorch pads opposite sides alike, by at most half a window."""
    (top, bottom), (left, right) = sides_of(layer.padding)
    if (top, left) == (bottom, right) and 2 * top <= layer.window[0] and 2 * left <= layer.window[1]:
        return pair_of((top, left)), None
    (top, bottom), (left, right) = layer.geometry.borders(step.shapes[0][:2])
    return 0, (left, right, top, bottom)


def _padding(padding: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Return the padding of a module, and that of F.pad, (left, right, top, bottom), if opposite sides differ."""
    (top, bottom), (left, right) = sides_of(padding)
    if (top, left) == (bottom, right):
        return pair_of((top, left)), None
    return 0, (left, right, top, bottom)
