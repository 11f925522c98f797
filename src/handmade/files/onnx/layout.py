"""Layout: a tensor of an ONNX graph as an activation of the network, its axes split and in another order.

    ONNX array = activation.reshape(N, *factors).transpose(0, groups[0], groups[1], ...).reshape(N, *shape)

So Transpose, Flatten, Squeeze and most Reshapes compute nothing: they change `groups`. An image (N, C, H, W) of ONNX is the
activation (N, H, W, C) with factors (H, W, C) and groups ((2,), (0,), (1,)); flattened, its groups are ((2, 0, 1),).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handmade.engine.arrays import Shape
from handmade.files.onnx.errors import NoLayer
from handmade.files.onnx.types import Values

IMAGE = (1, 2, 0)  # axes (H, W, C) of one image (C, H, W)


@dataclass(frozen=True)
class Activation:
    """Tensor of the graph that depends on the images; its first axis is that of the batch.

    Attributes
    ----------
    name : str
        Node of the network.
    factors : tuple of int
        Sizes above 1 into which one image's array of that node is split, in its own order.
    groups : tuple of tuple of int
        Factors that each axis of the ONNX tensor after the first is made of; empty for an axis of size 1.
    dtype : np.dtype
        Element type in ONNX.
    """

    name: str
    factors: Shape
    groups: tuple[tuple[int, ...], ...]
    dtype: np.dtype[Any]

    @property
    def shape(self) -> Shape:
        """Shape of one image in ONNX, without the batch axis."""
        return tuple(math.prod(self.factors[i] for i in group) for group in self.groups)

    @property
    def order(self) -> tuple[int, ...]:
        """Factors in the order of ONNX."""
        return tuple(i for group in self.groups for i in group)

    @property
    def is_plain(self) -> bool:
        """True if the numbers are in the order of ONNX."""
        return self.order == tuple(range(len(self.factors)))

    def transposed(self, axes: Sequence[int]) -> "Activation":
        """Return the tensor with its axes after the first in another order; `axes` counts from 0."""
        return replace(self, groups=tuple(self.groups[axis] for axis in axes))

    def reshaped(self, shape: Shape) -> "Activation | None":
        """Return the tensor with another shape of one image; None if its numbers must move for it."""
        factors, left = list(self.factors), list(self.order)
        parts: list[list[int]] = [[] for _ in factors]  # pieces that each factor is split into, from left to right
        rest = list(factors)
        groups: list[list[tuple[int, int]]] = []
        for size in shape:
            group: list[tuple[int, int]] = []
            needed = size
            while needed > 1:
                if not left:
                    return None
                i = left[0]
                piece = math.gcd(needed, rest[i]) if rest[i] > needed else rest[i]
                if (rest[i] > needed and rest[i] % needed) or needed % piece:
                    return None
                group.append((i, len(parts[i])))
                parts[i].append(piece)
                rest[i] //= piece
                needed //= piece
                if rest[i] == 1:
                    left.pop(0)
            groups.append(group)
        if left:
            return None
        first = np.cumsum([0, *(len(pieces) for pieces in parts)]).tolist()
        return replace(
            self,
            factors=tuple(piece for pieces in parts for piece in pieces),
            groups=tuple(tuple(first[i] + k for i, k in group) for group in groups),
        )

    def to_onnx(self, array: Values) -> Values:
        """Return the array of the node in ONNX's layout and element type."""
        count = len(array)
        axes = (0, *(1 + i for i in self.order))
        found: Values = array.reshape(count, *self.factors).transpose(axes).reshape(count, *self.shape)
        return found.astype(self.dtype)

    def to_node(self, array: Values, shape: Shape) -> Values:
        """Return numbers for one image, that broadcast against the ONNX shape, as numbers that do so against the node's shape.

        Axes of size 1 are kept where the node's layout allows it, so that one number for each channel stays one.
        """
        given = array.reshape((1,) * (len(self.groups) - array.ndim) + array.shape)
        sizes = [1 if given.shape[axis] == 1 else self.factors[i] for axis, group in enumerate(self.groups) for i in group]
        back = np.argsort(self.order)
        split = given.reshape(sizes).transpose(back)  # in the order of the factors
        small, place = [], 0
        for size in shape:
            first, product = place, 1
            while product < size:
                product *= self.factors[place]
                place += 1
            part = split.shape[first:place]
            if len(set(part) - {1}) and 1 in part:  # a part of this axis varies: write it out
                full = (*split.shape[:first], *self.factors[first:place], *split.shape[place:])
                split = np.broadcast_to(split, full)
                part = self.factors[first:place]
            small.append(math.prod(part))
        return split.reshape(small)


def view(name: str, shape: Shape, order: Sequence[int], dtype: np.dtype[Any]) -> Activation:
    """Return the tensor whose array is that of a node: ONNX axis k of one image is axis order[k] of the node."""
    kept = [axis for axis, size in enumerate(shape) if size > 1]
    number = {axis: i for i, axis in enumerate(kept)}
    groups = tuple((number[axis],) if axis in number else () for axis in order)
    return Activation(name, tuple(shape[axis] for axis in kept), groups, dtype)


def per_image(array: Values, rank: int, batches: Sequence[int]) -> Values:
    """Return a constant without its batch axis, for a tensor of `rank` axes; raise NoLayer if its images differ."""
    if array.ndim < rank:
        return array
    if array.ndim > rank:
        raise NoLayer(f"a constant has {array.ndim} axes, and the activation {rank}")
    if array.shape[0] != 1 and not (array.shape[0] in batches and (array == array[:1]).all()):
        raise NoLayer("a constant differs from image to image")
    row: Values = array[0]
    return row


class Known:
    """Tensor of the graph that does not depend on the images: one array for each size of the batch that is tried.

    A symbolic batch is tried with two sizes, so that numbers that depend on it, such as those of Shape, are found.
    """

    def __init__(self, values: Sequence[Values]) -> None:
        self.values = tuple(values)

    def each(self, batches: Sequence[int]) -> Sequence[Values]:
        """Return one array for each size of the batch."""
        return self.values if len(self.values) > 1 else self.values * len(batches)

    @property
    def array(self) -> Values:
        """The array, if it is the same for every size of the batch."""
        first = self.values[0]
        if any(other is not first and not _same(other, first) for other in self.values[1:]):
            raise NoLayer("a constant depends on the number of images")
        return first


def _same(a: Values, b: Values) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and bool((a == b).all() or a.tobytes() == b.tobytes())
