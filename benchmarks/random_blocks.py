"""Blocks of nodes for random graphs, with every kind of layer; an image keeps its shape. Beside them, the same in PyTorch."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handmade.engine.arrays import Shape
from handmade.engine.graph import Node
from handmade.engine.layers import (
    ELU,
    GELU,
    Affine,
    Clip,
    Concat,
    Divide,
    Exp,
    Expand,
    HardSigmoid,
    Layer,
    Log,
    LogSoftmax,
    MatMul,
    Mean,
    Pad,
    Reshape,
    Sigmoid,
    Slice,
    Softmax,
    Sqrt,
    Subtract,
    Sum,
    Take,
    Tanh,
    Transpose,
)

MODES = {
    "constant": "constant",
    "edge": "replicate",
    "reflect": "reflect",
    "wrap": "circular",
}  # of Pad, and their names in PyTorch


def random_block(rng: "np.random.Generator", name: str, source: str, other: str, shape: Shape) -> list[Node]:
    """Return nodes from one or two images of a shape to one of that shape; the last node has the name."""
    H, W, C = shape

    def chain(*layers: Layer, start: str = source, end: str = name, prefix: str = "") -> list[Node]:
        names = [f"{name}_{prefix}{k}" for k in range(len(layers) - 1)] + [end]
        return [Node(own, layer, read) for own, layer, read in zip(names, layers, [start, *names], strict=False)]

    def padded() -> list[Node]:
        widths = tuple((int(a), int(b)) for a, b in rng.integers(0, 2, (3, 2)) * (1, 1)) if C > 1 else ((1, 1), (0, 1), (0, 0))
        stops = tuple(size + before + after for size, (before, after) in zip(shape, widths, strict=True))
        starts = tuple(int(rng.integers(stop - size + 1)) for stop, size in zip(stops, shape, strict=True))
        ends = tuple(first + size for first, size in zip(starts, shape, strict=True))
        mode = str(rng.choice(list(MODES)))
        return chain(Pad(widths, mode, 0.5 * (mode == "constant")), Slice(starts, ends, (1, 1, 1)))

    def backwards() -> list[Node]:
        whole: Any = (None, None, None)
        return chain(Slice((H - 1, 0, 0), whole, (-1, 1, 1)))

    def halves() -> list[Node]:
        lower = Node(f"{name}_low", Slice((0, 0, 0), (2, W, C), (1, 1, 1)), source)
        upper = Node(f"{name}_high", Take(0, list(range(2, H))[::-1]), other)
        return [lower, upper, Node(name, Concat(0), [lower.name, upper.name])]

    def attention() -> list[Node]:
        rows, turned, weights, mixed = (f"{name}_{part}" for part in ("rows", "turned", "weights", "mixed"))
        return [
            Node(rows, Reshape((H * W, C)), source),
            Node(turned, Transpose((1, 0)), rows),
            Node(f"{name}_gram", MatMul(), [turned, rows]),
            Node(weights, Softmax(int(rng.integers(2))), f"{name}_gram"),
            Node(mixed, MatMul(), [rows, weights]),
            Node(name, Reshape((H, W, -1)), mixed),
        ]

    def divided() -> list[Node]:
        return [Node(f"{name}_by", Sigmoid(), other), Node(name, Divide(), [source, f"{name}_by"])]

    def by_number() -> list[Node]:
        constants = (C,), (H, 1, 1), (W, C), ()
        a, b = (constants[int(k)] for k in rng.integers(0, 4, 2))
        layers = (ELU(0.7), Clip(-0.4, 0.9), HardSigmoid(), GELU("none"), Affine(rng.standard_normal(a), rng.standard_normal(b)))
        return chain(layers[int(rng.integers(len(layers)))])

    def root() -> list[Node]:
        # Away from 0, where a difference that cancels a number leaves no digit of it: its logarithm is not known.
        positive = (Sigmoid(), Affine(np.array(0.9), np.array(0.1)))
        return chain(Tanh(), Exp()) if rng.integers(2) else chain(*positive, Sqrt() if rng.integers(2) else Log())

    ways: Sequence[Callable[[], list[Node]]] = (
        by_number,
        by_number,
        padded,
        backwards,
        halves,
        attention,
        divided,
        lambda: [Node(name, Subtract(), [source, other])],
        root,
        lambda: chain(LogSoftmax(int(rng.integers(3))) if rng.integers(2) else Softmax(int(rng.integers(3)))),
        lambda: chain((Sum if rng.integers(2) else Mean)((0, 2), keepdims=True), Expand((H, 1, C))),
        lambda: chain(Take(-1, rng.permutation(C).tolist()), Transpose((1, 0, 2)), Transpose((1, 0, 2))),
    )
    return ways[int(rng.integers(len(ways)))]()


def _padded(torch: Any, layer: Any, a: Any) -> Any:
    """Return padded images; PyTorch pads two axes in other modes, so the axes of the image go one by one."""
    for axis, (before, after) in enumerate(layer.widths, 1):
        line = a.movedim(axis, -1)
        flat = line.reshape(1, -1, line.shape[-1])
        settings = {"value": layer.value} if layer.mode == "constant" else {}
        made = torch.nn.functional.pad(flat, (before, after), mode=MODES[layer.mode], **settings)
        a = made.reshape(*line.shape[:-1], -1).movedim(-1, axis)
    return a


def _sliced(_torch: Any, layer: Any, a: Any) -> Any:
    for axis, (start, stop, step) in enumerate(zip(layer.starts, layer.stops, layer.steps, strict=True), 1):
        a = a.index_select(axis, _torch.tensor(list(range(a.shape[axis]))[start:stop:step]))
    return a


IN_TORCH: dict[str, Callable[..., Any]] = {  # (torch, layer, activations in the order of our axes) -> activation
    "ELU": lambda torch, layer, a: torch.nn.functional.elu(a, layer.alpha),
    "Clip": lambda _, layer, a: a.clamp(layer.low, layer.high),
    "HardSigmoid": lambda _, layer, a: (layer.slope * a + layer.shift).clamp(0, 1),
    "Exp": lambda _torch, _, a: a.exp(),
    "Log": lambda _torch, _, a: a.log(),
    "Sqrt": lambda _torch, _, a: a.sqrt(),
    "Affine": lambda torch, layer, a: torch.tensor(layer.scale) * a + torch.tensor(layer.shift),
    "Softmax": lambda _, layer, a: a.softmax(layer.axis % (a.ndim - 1) + 1),
    "LogSoftmax": lambda _, layer, a: a.log_softmax(layer.axis % (a.ndim - 1) + 1),
    "Subtract": lambda _torch, _, a, b: a - b,
    "Divide": lambda _torch, _, a, b: a / b,
    "MatMul": lambda _torch, _, a, b: a @ b,
    "Reshape": lambda _, layer, a: a.reshape(len(a), *layer.shape),
    "Transpose": lambda _, layer, a: a.permute(0, *(axis + 1 for axis in layer.axes)),
    "Pad": _padded,
    "Slice": _sliced,
    "Take": lambda torch, layer, a: a.index_select(layer.axis % (a.ndim - 1) + 1, torch.tensor(layer.indices)),
    "Expand": lambda _, layer, a: a.expand(len(a), *layer.output_shape(tuple(a.shape[1:]))),
    "Sum": lambda _, layer, a: a.sum([axis + 1 for axis in layer.axes], keepdim=layer.keepdims),
    "Mean": lambda _, layer, a: a.mean([axis + 1 for axis in layer.axes], keepdim=layer.keepdims),
    "Concat": lambda torch, layer, *a: torch.cat(a, dim=layer.axis % (a[0].ndim - 1) + 1),
}
