"""Concat: concatenation of several activations along one axis.

    y[..., first_k + i, ...] = x_k[..., i, ...],   first_k = sizes of x_0, ..., x_(k-1) along the axis, added up
    delta     dy = dx, in the same order
    backward  gx_k = gy[..., first_k : first_k + size_k, ...]

Along the last axis, the default, these are the channels of images.

Huang, Liu, van der Maaten & Weinberger (2017), "Densely Connected Convolutional Networks", CVPR, section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar

import numpy as np

from handmade.engine.arguments import MOST, integer
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.axes import normal_axis
from handmade.engine.layers.channel import EVERY, Difference, in_common_channel, to_dense
from handmade.engine.layers.connections import ONE, Box, Derivatives, one_place
from handmade.engine.layers.join import Join, shapes_of
from handmade.engine.terms import Term, made, stored


@dataclass(frozen=True, eq=False)
class Concat(Join):
    """Concatenation of activations that differ in their sizes along one axis alone.

    Parameters
    ----------
    axis : int
        Axis 0 is the first after the batch axis, -1 the last: the channels.

    Raises
    ------
    HandmadeError
        If the axis is no integer; from `output_shape`, if the activations do not fit together.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("axis",)

    axis: int = -1

    def __post_init__(self) -> None:
        object.__setattr__(self, "axis", integer(self.axis, "Concat: axis", -MOST))

    def settings(self) -> dict[str, Any]:
        """Return the settings; those of the last axis are empty, as before there was a choice."""
        return {} if self.axis == -1 else super().settings()

    def output_shape(self, shape: tuple[Shape, ...]) -> Shape:
        axis = normal_axis("Concat", self.axis, shape[0])
        if len({(*each[:axis], None, *each[axis + 1 :]) for each in shape}) > 1:
            apart = "in their channels alone" if axis == len(shape[0]) - 1 else f"along axis {axis} alone"
            raise HandmadeError(f"Concat: expected activations that differ {apart}; got {shapes_of(shape)}")
        return (*shape[0][:axis], sum(each[axis] for each in shape), *shape[0][axis + 1 :])

    def forward(self, x: tuple[Array, ...]) -> Array:
        return np.concatenate(x, axis=self._in_batch(x))

    def delta(self, x: tuple[Array, ...], dx: tuple[Array, ...]) -> Array:
        """Return the concatenation of dx; it does not depend on x."""
        return np.concatenate(dx, axis=self._in_batch(x))

    def backward(self, x: tuple[Array, ...], gy: Array) -> tuple[tuple[Array, ...], dict[str, Array]]:
        axis = self._in_batch(x)
        return tuple(np.split(gy, _ends([x_k.shape[axis] for x_k in x])[:-1], axis=axis)), {}

    def receipt(self, x: tuple[Array, ...], at: Shape) -> Term:
        k, place = self._source([x_k.shape for x_k in x], at)
        return made("same", stored(x[k][place], f"input{k}", *place), label="the same number, further along the axis")

    def derivatives(self, x: tuple[Array, ...], k: int, at: Shape) -> Derivatives:
        yield self._target([x_k.shape for x_k in x], k, at), ONE

    def sources(self, shapes: Sequence[Shape], at: Shape) -> list[Box | None]:
        k, place = self._source(shapes, at)
        return [one_place(place) if j == k else None for j in range(len(shapes))]

    def targets(self, shapes: Sequence[Shape], k: int, at: Shape) -> Box:
        return one_place(self._target(shapes, k, at))

    def difference(self, x: tuple[Array, ...], moved: Sequence[Difference | None]) -> Difference:
        """Return the difference in one channel if it lies in one; else as a complete array.

        Along the last axis, the channel of one activation gets a new number; along another axis, a channel stays where it is.
        """
        axis, nudges = self._in_batch(x), next(each.dx.shape[x[0].ndim :] for each in moved if each is not None)
        if axis < x[0].ndim - 1:
            parts, channel = in_common_channel(x, moved)
            given = [
                np.zeros((*x_k[..., channel].shape, *nudges), x_k.dtype) if p is None else p
                for x_k, p in zip(x, parts, strict=True)
            ]
            return Difference(np.concatenate(given, axis=axis), channel)
        if sum(each is not None for each in moved) == 1:
            k, one = next((k, each) for k, each in enumerate(moved) if each is not None)
            if one.channel != EVERY:
                end = _ends([x_k.shape[-1] for x_k in x])[k]
                first = end - x[k].shape[-1]
                stop = end if one.channel.stop is None else first + one.channel.stop
                return Difference(one.dx, slice(first + one.channel.start, stop, one.channel.step))
        dense = [
            np.zeros((*x_k.shape, *nudges), x_k.dtype) if each is None else to_dense(x_k, each.dx, each.channel)
            for x_k, each in zip(x, moved, strict=True)
        ]
        return Difference(np.concatenate(dense, axis=axis))

    def _in_batch(self, x: Sequence[Array]) -> int:
        """Return the axis of a batch of images."""
        return 1 + self.axis % (x[0].ndim - 1)

    def _source(self, shapes: Sequence[Shape], at: Shape) -> tuple[int, Shape]:
        """Return the number of the activation that an output is copied from, and the place there."""
        axis = self.axis % len(at)
        sizes = [shape[axis] for shape in shapes]
        k = next(k for k, end in enumerate(_ends(sizes)) if at[axis] < end)
        return k, (*at[:axis], at[axis] - sum(sizes[:k]), *at[axis + 1 :])

    def _target(self, shapes: Sequence[Shape], k: int, at: Shape) -> Shape:
        axis = self.axis % len(at)
        return (*at[:axis], sum(shape[axis] for shape in shapes[:k]) + at[axis], *at[axis + 1 :])


def _ends(sizes: Sequence[int]) -> list[int]:
    """Return the place after the last one of each activation in the output."""
    return list(accumulate(sizes))
