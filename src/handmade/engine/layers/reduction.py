"""Reduction: base class of sums over axes, times a constant factor.

y[n, j] = f sum over i of x[n, i, j]        i: the axes that are reduced; j: the others        (1)
delta     dy[n, j] = f sum over i of dx[n, i, j]
backward  gx[n, i, j] = f gy[n, j]
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

import numpy as np

from handmade.engine.arguments import described, refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.axes import as_integers, as_lists, normal_axes
from handmade.engine.layers.channel import EVERY, Channel
from handmade.engine.layers.connections import Box, Derivatives, one_place
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, largest_first, stored, total


@dataclass(frozen=True, eq=False)
class Reduction(Layer):
    """Sum over some axes of one image.

    Parameters
    ----------
    axes : tuple of int
        Axes that are reduced; axis 0 is the first after the batch axis, -1 the last.
    keepdims : bool
        True if the axes stay, with size 1.

    Raises
    ------
    HandmadeError
        If a setting is impossible; from `output_shape`, if an image has no such axis, or no axis is left.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("axes", "keepdims")
    REQUIRED: ClassVar[tuple[str, ...]] = ("axes",)

    axes: tuple[int, ...]
    keepdims: bool = False

    def __post_init__(self) -> None:
        given = (self.axes,) if isinstance(self.axes, int | np.integer) else self.axes
        object.__setattr__(self, "axes", as_integers(given, f"{self.kind}: axes", "(0, 1)"))
        if not isinstance(self.keepdims, bool):
            raise refused(f"{self.kind}: keepdims", "True or False", described(self.keepdims))

    def settings(self) -> dict[str, Any]:
        return {name: as_lists(getattr(self, name)) for name in self.SETTINGS}

    def output_shape(self, shape: Shape) -> Shape:
        axes = normal_axes(self.kind, self.axes, shape)
        if self.keepdims:
            return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
        if len(axes) == len(shape):
            raise HandmadeError(f"{self.kind}: expected an axis to be left of one image {tuple(shape)}. Try keepdims=True")
        return tuple(size for axis, size in enumerate(shape) if axis not in axes)

    def divisor(self, shape: Shape) -> int:
        """Return 1 / f for images of a shape."""
        return 1

    def forward(self, x: Array) -> Array:
        return self._reduced(x, x.shape[1:])

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        """Return the same sum of dx, whose other channels are 0; it does not depend on x, because (1) is linear."""
        return self._reduced(dx, x.shape[1:])

    def output_channel(self, channel: Channel, shape: Shape) -> Channel:
        """Return the same channel, unless the sum runs over the channels."""
        return EVERY if len(shape) - 1 in normal_axes(self.kind, self.axes, shape) else channel

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        axes = normal_axes(self.kind, self.axes, x.shape[1:])
        sizes = [1 if axis in axes else size for axis, size in enumerate(x.shape[1:])]
        share = gy.reshape(len(x), *sizes) / self.divisor(x.shape[1:])
        return np.broadcast_to(share, x.shape).copy(), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        read = product(*(range(*span) for span in self.sources([x.shape], at)[0]))
        numbers = total(largest_first([stored(x[place], "input", *place) for place in read], "numbers"), "sum over the axes")
        divisor = self.divisor(x.shape)
        return numbers if divisor == 1 else (numbers / Term(float(divisor), label="numbers")).named("mean over the axes")

    def derivatives(self, x: Array, k: int, at: Shape) -> Derivatives:
        target = tuple(first for first, _ in self.targets([x.shape], k, at))
        divisor = self.divisor(x.shape)
        yield target, Term(1.0) if divisor == 1 else Term(1.0) / Term(float(divisor), label="numbers")

    def sources(self, shapes: Sequence[Shape], at: Shape) -> list[Box]:
        axes, left = normal_axes(self.kind, self.axes, shapes[0]), iter(at)
        found = []
        for axis, size in enumerate(shapes[0]):
            place = next(left) if self.keepdims or axis not in axes else 0
            found.append((0, size) if axis in axes else (place, place + 1))
        return [tuple(found)]

    def targets(self, shapes: Sequence[Shape], _k: int, at: Shape) -> Box:
        axes = normal_axes(self.kind, self.axes, shapes[0])
        if self.keepdims:
            return one_place(tuple(0 if axis in axes else i for axis, i in enumerate(at)))
        return one_place(tuple(i for axis, i in enumerate(at) if axis not in axes))

    def _reduced(self, x: Array, shape: Shape) -> Array:
        """Return (1) for an array (N, *shape, *rest), or with a channel of it."""
        axes = tuple(1 + axis for axis in normal_axes(self.kind, self.axes, shape))
        y: Array = x.sum(axis=axes, keepdims=self.keepdims)
        divisor = self.divisor(shape)
        return y if divisor == 1 else y / divisor

    def _count(self, shape: Shape) -> int:
        return math.prod(shape[axis] for axis in normal_axes(self.kind, self.axes, shape))
