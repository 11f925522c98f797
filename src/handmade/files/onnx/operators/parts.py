"""Operators that copy, join or repeat parts of a tensor: Concat, Split, Slice, Gather, Pad, Expand, Tile."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from handmade.engine.layers import Concat, Expand, Pad, Slice, Take
from handmade.files.onnx.builder import LARGEST_ACTIVATION, Builder
from handmade.files.onnx.errors import NoLayer
from handmade.files.onnx.graph import Operation
from handmade.files.onnx.layout import Activation, Known, view
from handmade.files.onnx.operators.shapes import integers
from handmade.files.onnx.operators.table import Tensor, activation, image_axes, known, layers, value
from handmade.files.onnx.types import Values

MODES = {"constant": "constant", "reflect": "reflect", "edge": "edge", "wrap": "wrap"}


def checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of an activation that a model asks for; raise NoLayer for negative sizes, and for too many numbers."""
    if any(size < 0 for size in shape) or math.prod(shape) > LARGEST_ACTIVATION:
        raise NoLayer(f"an activation of the shape {tuple(shape)!s:.100}; at most {LARGEST_ACTIVATION:,} numbers are supported")
    return tuple(shape)


@value("Concat")
def _concat(node: Operation, *x: Values) -> Values:
    return np.concatenate(x, axis=node.get("axis", 1))


@layers("Concat")
def _concat_layer(to: Builder, node: Operation, *x: Tensor) -> Activation:
    if any(not isinstance(each, Activation) for each in x):
        raise NoLayer("it appends a constant to an activation")
    given = [activation(each) for each in x]
    if len(given) == 1:
        return given[0]
    first = given[0]
    (axis,) = image_axes([node.get("axis", 1)], 1 + len(first.shape))
    order = engine_order(len(first.shape))
    names = [to.arrange(node.name, each, order) for each in given]
    return turned(to.emit(node.name, Concat(order.index(axis)), *names), to, first, order)


def engine_order(rank: int) -> tuple[int, ...]:
    """Return the order of the axes in which layers keep a tensor: images with their channels last, others as they are."""
    return (1, 2, 0) if rank == 3 else tuple(range(rank))


def turned(name: str, to: Builder, x: Activation, order: Sequence[int]) -> Activation:
    """Return the tensor of a node whose axes are those of ONNX in another order."""
    return view(name, to.shapes[name], tuple(np.argsort(order).tolist()), x.dtype)


@value("Split")
def _split(node: Operation, x: Values, sizes: Values | None = None) -> tuple[Values, ...]:
    axis = node.get("axis", 0)
    return tuple(np.split(x, _ends(node, x.shape[axis], sizes)[:-1], axis))


def _ends(node: Operation, size: int, sizes: Any) -> list[int]:
    """Return where the parts of a Split end; without sizes they are equal, but for a smaller last one."""
    given = node.get("split") if sizes is None else sizes
    count = len(node.outputs)
    if node.get("num_outputs", count) != count:
        raise NoLayer(f"{node.get('num_outputs')} parts for {count} outputs")
    each = -(-size // max(count, 1))
    parts = [min(each, size - each * k) for k in range(count)] if given is None else integers(given)
    if sum(parts) != size or any(part < 0 for part in parts):
        raise NoLayer(f"parts of {list(parts)} of {size}")
    return [int(end) for end in np.cumsum(parts)]


@layers("Split")
def _split_layer(to: Builder, node: Operation, x: Tensor, sizes: Tensor = None) -> tuple[Activation, ...]:
    given = activation(x)
    (axis,) = image_axes([node.get("axis", 0)], 1 + len(given.shape))
    ends = _ends(node, given.shape[axis], known(sizes, "split"))
    return tuple(_sliced(to, node, given, {axis: (a, b, 1)}) for a, b in zip([0, *ends], ends, strict=False))


def _sliced(to: Builder, node: Operation, x: Activation, steps: dict[int, tuple[int, int | None, int]]) -> Activation:
    order = engine_order(len(x.shape))
    cuts = [slice(*steps[axis]).indices(x.shape[axis]) if axis in steps else (0, x.shape[axis], 1) for axis in order]
    if any(not range(*cut) for cut in cuts):
        raise NoLayer("a slice without numbers")
    if all(range(*cut) == range(x.shape[axis]) for cut, axis in zip(cuts, order, strict=True)):
        return x
    starts, strides = (tuple(cut[k] for cut in cuts) for k in (0, 2))
    stops = tuple(None if stop < 0 else stop for _, stop, _ in cuts)  # backwards, to the first number
    name = to.arrange(node.name, x, order)
    return turned(to.emit(node.name, Slice(starts, stops, strides), name), to, x, order)


@value("Slice")
def _slice(node: Operation, x: Values, *given: Values | None) -> Values:
    cuts = [slice(None)] * x.ndim
    for axis, (start, stop, step) in _cuts(node, x.ndim, given).items():
        cuts[axis] = slice(*_clipped(start, stop, step, x.shape[axis]))
    return x[tuple(cuts)]


def _cuts(node: Operation, rank: int, given: Sequence[Any]) -> dict[int, tuple[int, int, int]]:
    """Return start, stop and step of each axis that is cut; before opset 10 they were attributes."""
    starts, ends, axes, steps = (
        (node.get("starts"), node.get("ends"), node.get("axes"), None) if node.opset < 10 else (*given, None, None)[:4]
    )
    first = integers(starts)
    places = range(len(first)) if axes is None else integers(axes)
    strides = [1] * len(first) if steps is None else integers(steps)
    if 0 in strides or any(not -rank <= axis < rank for axis in places):
        raise NoLayer("steps of 0, or axes that the tensor has not")
    return {axis % rank: cut for axis, *cut in zip(places, first, integers(ends), strides, strict=True)}  # type: ignore[misc]


def _clipped(start: int, stop: int, step: int, size: int) -> tuple[int, int | None, int]:
    """Return a slice in NumPy's sense: ONNX counts a stop below -size, with a negative step, as before the first number."""
    start += size * (start < 0)
    stop += size * (stop < 0)
    if step > 0:
        return max(start, 0), max(stop, 0), step
    return min(max(start, 0), size - 1), (None if stop < 0 else stop), step


@layers("Slice")
def _slice_layer(to: Builder, node: Operation, x: Tensor, *given: Tensor) -> Activation:
    source = activation(x)
    cuts = _cuts(node, 1 + len(source.shape), [known(each, "slice") for each in given])
    images = cuts.pop(0, (0, max(to.batches), 1))
    if images[0] != 0 or images[2] != 1 or images[1] < max(to.batches):
        raise NoLayer("it takes some of the images")
    return _sliced(to, node, source, {axis - 1: _clipped(*cut, source.shape[axis - 1]) for axis, cut in cuts.items()})


@value("Gather")
def _gather(node: Operation, x: Values, indices: Values) -> Values:
    return np.take(x, indices, axis=node.get("axis", 0))


@layers("Gather")
def _gather_layer(to: Builder, node: Operation, x: Tensor, indices: Tensor) -> Activation:
    given, places = activation(x), known(indices, "indices")
    (axis,) = image_axes([node.get("axis", 0)], 1 + len(given.shape))
    size = given.shape[axis]
    if places.size == 0 or not ((places >= -size) & (places < size)).all():
        raise NoLayer("indices outside of the axis")
    order = engine_order(len(given.shape))
    name = to.emit(
        node.name, Take(order.index(axis), [int(k) % size for k in places.reshape(-1)]), to.arrange(node.name, given, order)
    )
    shape = (*given.shape[:axis], *places.shape, *given.shape[axis + 1 :])
    return to.reshape(node.name, turned(name, to, given, order), shape)


@value("GatherElements")
def _gather_elements(node: Operation, x: Values, indices: Values) -> Values:
    axis = node.get("axis", 0)
    return np.take_along_axis(x, np.where(indices < 0, indices + x.shape[axis], indices), axis)


@value("Pad")
def _pad(
    node: Operation, x: Values, pads: Values | None = None, fill: Values | None = None, axes: Values | None = None
) -> Values:
    widths, mode, number = _widths(node, x.ndim, pads, fill, axes)
    cuts = tuple(slice(max(-a, 0), size - max(-b, 0)) for size, (a, b) in zip(x.shape, widths, strict=True))
    around = [(max(a, 0), max(b, 0)) for a, b in widths]
    more = {"constant_values": x.dtype.type(number)} if mode == "constant" else {}
    return np.pad(x[cuts], around, mode, **more)  # type: ignore[call-overload, no-any-return]


def _widths(node: Operation, rank: int, pads: Any, fill: Any, axes: Any) -> tuple[list[tuple[int, int]], str, Any]:
    """Return the widths on both sides of each axis, the mode, and the number that is filled in."""
    numbers = integers(node.get("pads") if pads is None else pads)
    number = node.get("value", 0.0) if fill is None else fill.reshape(-1)[0] if fill.size else 0.0
    places = list(range(rank)) if axes is None else [axis % rank for axis in integers(axes)]
    mode = node.get("mode", "constant")
    if len(numbers) != 2 * len(places) or mode not in MODES:
        raise NoLayer(f"pads {numbers} for {len(places)} axes, in the mode {mode}")
    widths = [(0, 0)] * rank
    for k, axis in enumerate(places):
        widths[axis] = (numbers[k], numbers[k + len(places)])
    return widths, MODES[mode], number


@layers("Pad")
def _pad_layer(
    to: Builder, node: Operation, x: Tensor, pads: Tensor = None, fill: Tensor = None, axes: Tensor = None
) -> Activation:
    given = activation(x)
    (batch, *widths), mode, number = _widths(
        node, 1 + len(given.shape), known(pads, "pads"), known(fill, "number"), known(axes, "axes")
    )
    if batch != (0, 0):
        raise NoLayer("it pads along the axis of the images")
    cut: dict[int, tuple[int, int | None, int]] = {
        axis: (max(-a, 0), given.shape[axis] - max(-b, 0), 1) for axis, (a, b) in enumerate(widths) if a < 0 or b < 0
    }
    inner = _sliced(to, node, given, cut)
    around = [(max(a, 0), max(b, 0)) for a, b in widths]
    if not any(map(any, around)):
        return inner
    order = engine_order(len(given.shape))
    checked_shape([size + a + b for size, (a, b) in zip(inner.shape, around, strict=True)])
    layer = Pad(tuple(around[axis] for axis in order), mode=mode, value=float(number))
    return turned(to.emit(node.name, layer, to.arrange(node.name, inner, order)), to, inner, order)


@value("Expand")
def _expand(_node: Operation, x: Values, shape: Values) -> Values:
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, integers(shape)))


@layers("Expand")
def _expand_layer(to: Builder, node: Operation, x: Tensor, shape: Tensor) -> Activation:
    given = activation(x)
    if not isinstance(shape, Known):
        raise NoLayer("its shape depends on the images")
    targets = {
        np.broadcast_shapes((batch, *given.shape), integers(sizes))[1:]
        for batch, sizes in zip(to.batches, shape.each(to.batches), strict=True)
        if np.broadcast_shapes((batch, *given.shape), integers(sizes))[0] == batch
    }
    if len(targets) != 1 or len(next(iter(targets))) != len(given.shape):
        raise NoLayer("its shape depends on the number of images, or changes it")
    target = targets.pop()
    if target == given.shape:
        return given
    order = engine_order(len(given.shape))
    layer = Expand(tuple(target[axis] for axis in order))
    return turned(to.emit(node.name, layer, to.arrange(node.name, given, order)), to, given, order)


@value("Tile")
def _tile(_node: Operation, x: Values, repeats: Values) -> Values:
    return np.tile(x, integers(repeats))
