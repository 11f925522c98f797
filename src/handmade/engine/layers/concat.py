"""Concat: concatenation of the channels of several activations.

    y[..., first_k + c] = x_k[..., c],   first_k = number of channels of x_0, ..., x_(k-1)
    delta     dy = dx, in the same order
    backward  gx_k = gy[..., first_k : first_k + C_k]

Huang, Liu, van der Maaten & Weinberger (2017), "Densely Connected Convolutional Networks", CVPR, section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.channel import EVERY, Difference, to_dense
from handmade.engine.layers.connections import ONE, Box, Derivatives, one_place
from handmade.engine.layers.join import Join, shapes_of
from handmade.engine.terms import Term, made, stored


@dataclass(frozen=True, eq=False)
class Concat(Join):
    """Concatenation of activations of one height and width along the last axis."""

    def output_shape(self, shape: tuple[Shape, ...]) -> Shape:
        if len({each[:-1] for each in shape}) > 1:
            raise HandmadeError(f"Concat: expected activations that differ in their channels alone; got {shapes_of(shape)}")
        return (*shape[0][:-1], sum(each[-1] for each in shape))

    def forward(self, x: tuple[Array, ...]) -> Array:
        return np.concatenate(x, axis=-1)

    def delta(self, x: tuple[Array, ...], dx: tuple[Array, ...]) -> Array:
        """Return the concatenation of dx; it does not depend on x."""
        return np.concatenate(dx, axis=-1)

    def backward(self, x: tuple[Array, ...], gy: Array) -> tuple[tuple[Array, ...], dict[str, Array]]:
        return tuple(np.split(gy, _ends(x)[:-1], axis=-1)), {}

    def receipt(self, x: tuple[Array, ...], at: Shape) -> Term:
        k = next(k for k, end in enumerate(_ends(x)) if at[-1] < end)
        place = (*at[:-1], at[-1] - (_ends(x)[k] - x[k].shape[-1]))
        return made("same", stored(x[k][place], f"input{k}", *place), label="the same number, further along the channels")

    def derivatives(self, x: tuple[Array, ...], k: int, at: Shape) -> Derivatives:
        yield (*at[:-1], sum(each.shape[-1] for each in x[:k]) + at[-1]), ONE

    def sources(self, shapes: Sequence[Shape], at: Shape) -> list[Box | None]:
        found: list[Box | None] = []
        first = 0
        for shape in shapes:
            channel = at[-1] - first
            found.append(one_place((*at[:-1], channel)) if 0 <= channel < shape[-1] else None)
            first += shape[-1]
        return found

    def targets(self, shapes: Sequence[Shape], k: int, at: Shape) -> Box:
        return one_place((*at[:-1], sum(shape[-1] for shape in shapes[:k]) + at[-1]))

    def difference(self, x: tuple[Array, ...], moved: Sequence[Difference | None]) -> Difference:
        """Return the difference in the channel's new place if one channel of one activation changes; else as a complete array."""
        axis, nudges = x[0].ndim - 1, next(each.dx.shape[x[0].ndim :] for each in moved if each is not None)
        if sum(each is not None for each in moved) == 1:
            k, one = next((k, each) for k, each in enumerate(moved) if each is not None)
            if one.channel != EVERY:
                end = _ends(x)[k]
                first = end - x[k].shape[-1]
                stop = end if one.channel.stop is None else first + one.channel.stop
                return Difference(one.dx, slice(first + one.channel.start, stop, one.channel.step))
        parts = [
            np.zeros((*x_k.shape, *nudges), x_k.dtype) if each is None else to_dense(x_k, each.dx, each.channel)
            for x_k, each in zip(x, moved, strict=True)
        ]
        return Difference(np.concatenate(parts, axis=axis))


def _ends(x: Sequence[Array]) -> list[int]:
    """Return the index after the last channel of each activation in the output."""
    return list(accumulate(x_k.shape[-1] for x_k in x))
