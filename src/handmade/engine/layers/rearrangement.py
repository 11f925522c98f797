"""Rearrangement: base class of layers whose outputs are copies of inputs, or a constant.

    y[n,k] = x[n,index[k]]        index[k]: place in one image that output k copies; -1 if output k is the constant        (1)
    delta     dy[n,k] = dx[n,index[k]];   0 for a constant
    backward  gx[n,p] = sum over k with index[k] = p of gy[n,k]

A layer states what NumPy does to an array of places 0, 1, 2, ... in the shape of one image: that is `index`. All equations follow
from it. The index is computed once for each shape.
"""

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.axes import as_lists
from handmade.engine.layers.channel import EVERY, Channel, one_channel
from handmade.engine.layers.connections import ONE, Box, Derivatives, one_place
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, made, stored

CACHED = 64  # indices of layers and shapes that are kept


@dataclass(frozen=True, eq=False)
class Rearrangement(Layer):
    """Layer whose outputs are copies of inputs, or a constant."""

    @abstractmethod
    def rearranged(self, places: Array) -> Array:
        """Return an array of places, (*shape of one image), as the layer rearranges it; -1 stands for the constant."""

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the output from sizes alone: no array is made before they are checked."""

    @property
    def constant(self) -> float:
        """Value of the outputs that copy no input."""
        return 0.0

    def settings(self) -> dict[str, Any]:
        return {name: as_lists(getattr(self, name)) for name in self.SETTINGS}

    def forward(self, x: Array) -> Array:
        return copied(x, x.ndim, _index(self, x.shape[1:]).places, self.constant)

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        """Return the same rearrangement of dx, with 0 for constants; it does not depend on x, because (1) is linear."""
        index = _index(self, x.shape[1:])
        places = index.places if channel == EVERY else _in_channel(self, index.shape, *_key(channel))[1]
        return copied(dx, x.ndim, places, 0.0)

    def output_channel(self, channel: Channel, shape: Shape) -> Channel:
        """Return the channel of the output that holds all copies: of maps one or all, of rows also every n-th number."""
        return channel if channel == EVERY else _in_channel(self, tuple(shape), *_key(channel))[0]

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return _index(self, x.shape[1:]).added(gy).reshape(x.shape), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        place = _index(self, x.shape).source(at)
        if place is None:
            return Term(self.constant, label="constant", note="no number of the input")
        return made("same", stored(x[place], "input", *place), label="the same number, in another place")

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        for place in _index(self, x.shape).copies(at):
            yield tuple(map(int, place)), ONE

    def sources(self, shapes: Sequence[Shape], at: Shape) -> list[Box | None]:
        place = _index(self, tuple(shapes[0])).source(at)
        return [None if place is None else one_place(place)]

    def targets(self, shapes: Sequence[Shape], _k: int, at: Shape) -> Box | None:
        copies = _index(self, tuple(shapes[0])).copies(at)
        if not len(copies):
            return None
        return tuple((int(low), int(high) + 1) for low, high in zip(copies.min(axis=0), copies.max(axis=0), strict=True))


class Index:
    """Places that the outputs of a rearrangement copy, for images of one shape.

    Attributes
    ----------
    shape : Shape
        Shape of one image of the input.
    places : Array of int, (*output shape)
        Equation (1).
    """

    def __init__(self, shape: Shape, places: Array) -> None:
        self.shape, self.places = shape, places
        places.flags.writeable = False
        flat = places.ravel()
        self._in_order = bool(np.array_equal(flat, np.arange(math.prod(shape))))
        order = np.argsort(flat, kind="stable")
        self._order = order[np.searchsorted(flat[order], 0) :]  # outputs by the place that they copy, without constants
        self._read, self._first = np.unique(flat[self._order], return_index=True)

    def source(self, at: Shape) -> Shape | None:
        """Return the place that an output copies; None for a constant."""
        place = int(self.places[at])
        return None if place < 0 else tuple(map(int, np.unravel_index(place, self.shape)))

    def copies(self, at: Shape) -> Array:
        """Return the places of all outputs that copy one number: (copies, axes of the output)."""
        found: Array = np.argwhere(self.places == np.ravel_multi_index(at, self.shape))
        return found

    def added(self, gy: Array) -> Array:
        """Return the sums of gy over all copies of each number: (N, numbers of one image)."""
        flat = gy.reshape(len(gy), -1)
        if self._in_order:
            return flat
        gx = np.zeros((len(gy), math.prod(self.shape)), gy.dtype)
        copies = flat[:, self._order]
        once = len(self._first) == len(self._order)
        gx[:, self._read] = copies if once else np.add.reduceat(copies, self._first, axis=1)
        return gx


def copied(x: Array, axes: int, places: Array, constant: float) -> Array:
    """Return copies of numbers of each image: x (N, *shape, *rest) -> (N, *places.shape, *rest); N and shape have `axes` axes."""
    numbers = math.prod(x.shape[1:axes])
    flat = x.reshape(len(x), numbers, *x.shape[axes:])
    y: Array = flat.take(places, axis=1)  # -1 takes the last number; it is replaced below
    y[:, places < 0] = constant
    return y


@lru_cache(maxsize=CACHED)
def _index(layer: Rearrangement, shape: Shape) -> Index:
    return Index(shape, np.array(layer.rearranged(np.arange(math.prod(shape)).reshape(shape)), order="C"))


@lru_cache(maxsize=CACHED)
def _in_channel(
    layer: Rearrangement, shape: Shape, start: int | None, stop: int | None, step: int | None
) -> tuple[Channel, Array]:
    """Return the channel of the output that changes with a channel of the input, and the places that it copies from there."""
    places, numbers = _index(layer, shape).places, math.prod(shape)
    moved = np.arange(numbers).reshape(shape)[..., start:stop:step].ravel()
    number_of = np.full(numbers + 1, -1)  # the last one: of a constant
    number_of[moved] = np.arange(len(moved))
    own = number_of[places]
    reached = np.flatnonzero((own >= 0).reshape(-1, own.shape[-1]).any(axis=0))
    goes_to = _as_channel(reached, rows=own.ndim == 1)
    return goes_to, np.ascontiguousarray(own[..., goes_to])


def _as_channel(reached: Array, *, rows: bool) -> Channel:
    """Return the smallest channel that holds some numbers of the last axis; of maps, one or all."""
    if len(reached) < 2:  # none: the channel of zeros is the first
        return one_channel(int(reached[0]) if len(reached) else 0)
    steps = np.unique(np.diff(reached))
    return slice(int(reached[0]), int(reached[-1]) + 1, int(steps[0])) if rows and len(steps) == 1 else EVERY


def _key(channel: Channel) -> tuple[int | None, int | None, int | None]:
    return channel.start, channel.stop, channel.step
