"""Operators that only change a shape or the order of axes: most of them are absorbed by the layout, and make no layer."""

import math
from typing import Any

import numpy as np

from handmade.files.onnx.builder import Builder
from handmade.files.onnx.errors import NoLayer
from handmade.files.onnx.graph import Operation
from handmade.files.onnx.layout import Activation, Known
from handmade.files.onnx.operators.table import Tensor, activation, image_axes, known, layers, value
from handmade.files.onnx.types import Values, dtype_of, is_float


@value("Identity")
def _identity(_node: Operation, x: Values) -> Values:
    return x


@layers("Identity")
def _identity_layer(_to: Builder, _node: Operation, x: Tensor) -> Activation:
    return activation(x)


@value("Cast")
def _cast(node: Operation, x: Values) -> Values:
    """Return x in another element type; floats are cut to integers."""
    dtype = dtype_of(node.get("to"))
    if dtype is None:
        raise NoLayer(f"Cast to the element type {node.get('to')}")
    with np.errstate(all="ignore"):
        return x.astype(dtype)


@layers("Cast")
def _cast_layer(_to: Builder, node: Operation, x: Tensor) -> Activation:
    given, dtype = activation(x), dtype_of(node.get("to"))
    if dtype is None or not is_float(dtype):
        raise NoLayer(f"Cast of an activation to {dtype or 'another element type'}")
    return Activation(given.name, given.factors, given.groups, dtype)


@value("CastLike")
def _cast_like(_node: Operation, x: Values, other: Values) -> Values:
    with np.errstate(all="ignore"):
        return x.astype(other.dtype)


@layers("CastLike")
def _cast_like_layer(_to: Builder, _node: Operation, x: Tensor, other: Tensor) -> Activation | Known:
    dtype = other.dtype if isinstance(other, Activation) else known(other, "target").dtype
    if isinstance(x, Known):
        with np.errstate(all="ignore"):
            return Known([array.astype(dtype) for array in x.values])
    given = activation(x)
    if not is_float(dtype):
        raise NoLayer(f"Cast of an activation to {dtype}")
    return Activation(given.name, given.factors, given.groups, dtype)


@value("Transpose")
def _transpose(node: Operation, x: Values) -> Values:
    return x.transpose(node.get("perm", tuple(range(x.ndim))[::-1]))


@layers("Transpose")
def _transpose_layer(_to: Builder, node: Operation, x: Tensor) -> Activation:
    given = activation(x)
    rank = 1 + len(given.shape)
    axes = node.get("perm", tuple(range(rank))[::-1])
    if sorted(axes) != list(range(rank)) or axes[0] != 0:
        raise NoLayer(f"the order of axes {axes}, which moves the axis of the images")
    return given.transposed([axis - 1 for axis in axes[1:]])


@value("Flatten")
def _flatten(node: Operation, x: Values) -> Values:
    axis = node.get("axis", 1)
    axis += x.ndim * (axis < 0)
    return x.reshape(math.prod(x.shape[:axis]), -1) if x.size else x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


@layers("Flatten")
def _flatten_layer(to: Builder, node: Operation, x: Tensor) -> Activation:
    given = activation(x)
    axis = node.get("axis", 1)
    if axis + (1 + len(given.shape)) * (axis < 0) != 1:
        raise NoLayer("it merges the axis of the images with another")
    return to.reshape(node.name, given, (math.prod(given.shape),))


@value("Reshape")
def _reshape(node: Operation, x: Values, shape: Values | None = None) -> Values:
    return x.reshape(_target(node, x.shape, np.asarray(node.get("shape") if shape is None else shape)))


def _target(node: Operation, before: tuple[int, ...], shape: Values) -> tuple[int, ...]:
    """Return the shape that a Reshape asks for: 0 copies a size, and -1 is what is left."""
    sizes = [int(size) for size in shape]
    if not node.get("allowzero", 0):
        sizes = [before[k] if size == 0 and k < len(before) else size for k, size in enumerate(sizes)]
    if sizes.count(-1) == 1:
        rest = math.prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = math.prod(before) // rest if rest else 0
    if any(size < 0 for size in sizes) or math.prod(sizes) != math.prod(before):
        raise NoLayer(f"{before} as {tuple(map(int, shape))}")
    return tuple(sizes)


@layers("Reshape")
def _reshape_layer(to: Builder, node: Operation, x: Tensor, shape: Tensor = None) -> Activation:
    given = activation(x)
    if isinstance(shape, Activation):
        raise NoLayer("its shape depends on the images")
    asked = [np.asarray(node.get("shape"))] * len(to.batches) if shape is None else shape.each(to.batches)
    targets = []
    for batch, sizes in zip(to.batches, asked, strict=True):
        target = _target(node, (batch, *given.shape), sizes)
        if not target or target[0] != batch:
            raise NoLayer(f"{target}: the first axis is no longer that of the images")
        targets.append(target[1:])
    if len(set(targets)) > 1:
        raise NoLayer("its shape depends on the number of images")
    return to.reshape(node.name, given, targets[0])


@value("Squeeze")
def _squeeze(node: Operation, x: Values, axes: Values | None = None) -> Values:
    given = node.get("axes") if axes is None else axes
    return x.squeeze(None if given is None else tuple(int(axis) for axis in given))


@layers("Squeeze")
def _squeeze_layer(to: Builder, node: Operation, x: Tensor, axes: Tensor = None) -> Activation:
    given = activation(x)
    asked = node.get("axes") if axes is None else known(axes, "axes")
    if asked is None and 1 in to.batches:
        raise NoLayer("it removes the axis of the images")
    gone = [k for k, size in enumerate(given.shape) if size == 1] if asked is None else image_axes(asked, 1 + len(given.shape))
    if any(given.shape[axis] != 1 for axis in gone):
        raise NoLayer(f"the axes {tuple(asked)} of {given.shape} have not the size 1")
    return to.reshape(node.name, given, tuple(size for k, size in enumerate(given.shape) if k not in gone))


@value("Unsqueeze")
def _unsqueeze(node: Operation, x: Values, axes: Values | None = None) -> Values:
    given = node.get("axes") if axes is None else axes
    return np.expand_dims(x, tuple(int(axis) for axis in given))


@layers("Unsqueeze")
def _unsqueeze_layer(to: Builder, node: Operation, x: Tensor, axes: Tensor = None) -> Activation:
    given = activation(x)
    asked = node.get("axes") if axes is None else known(axes, "axes")
    new = image_axes(asked, 1 + len(given.shape) + len(asked))
    if len(set(new)) < len(new):
        raise NoLayer(f"the axes {tuple(asked)}, one of them twice")
    sizes = iter(given.shape)
    return to.reshape(node.name, given, tuple(1 if k in new else next(sizes) for k in range(len(given.shape) + len(new))))


@value("Shape")
def _shape(node: Operation, x: Values) -> Values:
    return _of_shape(node, x.shape)


def _of_shape(node: Operation, shape: tuple[int, ...]) -> Values:
    return np.array(shape[node.get("start", 0) : node.get("end", len(shape))], np.int64)


@layers("Shape")
def _shape_layer(to: Builder, node: Operation, x: Tensor) -> Known:
    """Return the sizes, with the size of the batch that is tried: no layer."""
    return Known([_of_shape(node, (batch, *activation(x).shape)) for batch in to.batches])


@value("Size")
def _size(_node: Operation, x: Values) -> Values:
    return np.array(x.size, np.int64)


@layers("Size")
def _size_layer(to: Builder, _node: Operation, x: Tensor) -> Known:
    return Known([np.array(batch * math.prod(activation(x).shape), np.int64) for batch in to.batches])


def integers(given: Any) -> tuple[int, ...]:
    """Return sizes or axes as a tuple of int."""
    return tuple(int(each) for each in np.asarray(given).reshape(-1))
