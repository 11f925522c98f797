"""Bounds by layer: rules for what a layer does to upper limits of the differences of its input.

    bound   (gains, bounds of its inputs) -> bound       also states that the layer is linear: its difference does not depend on x
    gains   (layer, number of bounds, shape) -> gains    all that the bound depends on, beside those of the inputs

There is one bound for each channel. In a row, number i belongs to channel i mod C. `one` holds only while a nudge changes one
channel; where a layer lets it change several, the bound goes to `many`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arrays import Shape
from handmade.engine.layers import (
    EVERY,
    Add,
    Affine,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Dropout,
    Expand,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    Mean,
    Pad,
    Reshape,
    Slice,
    Subtract,
    Sum,
    Take,
    Transpose,
    add_rules,
    one_channel,
)

ROUNDING = 1.001  # factor for the rounding of a bound, and of the bounded numbers
Channels = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Bound:
    """Bounds for each channel: of nudges that change one channel only, and of all other nudges."""

    one: Channels
    many: Channels

    @property
    def both(self) -> Channels:
        """Larger one of the two bounds."""
        return np.maximum(self.one, self.many)


def resized(bound: Bound, channels: int) -> Bound:
    """Return a bound with a number for each of more channels."""
    return Bound(np.resize(bound.one, channels), np.resize(bound.many, channels))


def _gains_of_linear(layer: Any, channels: int, _shape: Shape) -> Channels:
    """Return the sum over places of |W|, (channels, outputs)."""
    return np.asarray(np.abs(layer.W).reshape(-1, channels, layer.units).sum(axis=0), np.float64)


def _gains_of_convolution(layer: Any, channels: int, _shape: Shape) -> Channels:
    summed = np.abs(layer.W).sum(axis=(0, 1), dtype=np.float64)  # (C / groups, O)
    gains, seen, filters = np.zeros((channels, summed.shape[1])), len(summed), summed.shape[1] // layer.groups
    for g in range(layer.groups):
        own = slice(g * filters, (g + 1) * filters)
        gains[g * seen : (g + 1) * seen, own] = summed[:, own]
    return gains


def _gains_of_batch_norm(layer: Any, _channels: int, _shape: Shape) -> Channels:
    return np.asarray(np.abs(layer.W.astype(np.float64)) / np.sqrt(layer.variance.astype(np.float64) + layer.epsilon))


def _gains_of_affine(layer: Any, _channels: int, _shape: Shape) -> Channels:
    """Return the largest |scale| of each channel; one number if they are equal."""
    scale = np.abs(np.atleast_1d(layer.scale).astype(np.float64))
    largest: Channels = scale.reshape(-1, scale.shape[-1]).max(axis=0)
    return largest


def _gains_of_dropout(layer: Any, _channels: int, _shape: Shape) -> Channels:
    return np.array([1 / (1 - layer.rate)])


def _along_channels(layer: Any, _channels: int, shape: Shape) -> bool:
    """Return True for activations that are concatenated along their channels."""
    return bool(layer.axis % len(shape) == len(shape) - 1)


@dataclass(frozen=True, eq=False)
class Copies:
    """Channels that a rearrangement copies.

    Attributes
    ----------
    unchanged : bool
        True if bounds stay as they are.
    channel, output : Array of int, (pairs,)
        Pairs of a channel of the input, and a channel of the output that copies a number of it.
    outputs : int
        Number of channels of the output.
    """

    unchanged: bool
    channel: Places
    output: Places
    outputs: int


def _copies(layer: Any, channels: int, shape: Shape) -> Copies:
    places = layer.rearranged(np.arange(math.prod(shape)).reshape(shape))
    outputs = places.shape[-1]
    flat = np.ascontiguousarray(places).ravel()
    column = np.arange(flat.size) % outputs
    copied = flat >= 0
    pairs = np.unique(flat[copied] % channels * outputs + column[copied])
    channel, output = np.divmod(pairs, outputs)
    in_order = np.array_equal(flat, np.arange(math.prod(shape)))
    kept = outputs == channels and bool((channel == output).all())
    return Copies(kept or (in_order and places.ndim == 1), channel, output, outputs)


def _of_copies(copies: Copies, before: Sequence[Bound]) -> Bound:
    if copies.unchanged:
        return before[0]
    both = np.zeros(copies.outputs)
    np.maximum.at(both, copies.output, before[0].both[copies.channel])
    return Bound(np.zeros_like(both), both)


@dataclass(frozen=True, eq=False)
class Sums:
    """Numbers that a reduction adds up.

    Attributes
    ----------
    factor : float
        Number of channels' numbers in a sum, over the divisor.
    outputs : int
        Number of channels of the output.
    over_channels : int
        Number of channels in a sum; 0 if channels are not added up.
    """

    factor: float
    outputs: int
    over_channels: int


def _sums(layer: Any, channels: int, shape: Shape) -> Sums:
    output = layer.output_shape(shape)
    numbers, divisor = math.prod(shape) // math.prod(output), layer.divisor(shape)
    over = layer.output_channel(one_channel(0), shape) == EVERY
    return Sums(numbers / (shape[-1] if over else 1) / divisor, output[-1], shape[-1] if over else 0)


def _of_sums(sums: Sums, before: Sequence[Bound]) -> Bound:
    factor = sums.factor * ROUNDING
    if not sums.over_channels:
        return Bound(before[0].one * factor, before[0].many * factor)
    total = np.resize(before[0].both, sums.over_channels).sum() * factor
    return Bound(np.zeros(sums.outputs), np.full(sums.outputs, total))


def _by_matrix(gains: Channels, before: Sequence[Bound]) -> Bound:
    one, many = (gains * before[0].one[:, None]).max(axis=0), before[0].many @ gains
    return Bound(np.zeros_like(one), np.maximum(one, many) * ROUNDING)


def _by_factor(gains: Channels, before: Sequence[Bound]) -> Bound:
    """Return bounds times factors. With a factor for each number of a row, a nudge of one channel may change many numbers."""
    found = before[0]
    if len(gains) > len(found.one):
        found = resized(Bound(np.zeros_like(found.one), found.both), len(gains))
    factors = np.resize(gains, len(found.one)) * ROUNDING
    return Bound(found.one * factors, found.many * factors)


def _as_before(_gains: object, before: Sequence[Bound]) -> Bound:
    return before[0]


def _sum(_gains: object, before: Sequence[Bound]) -> Bound:
    total = np.sum([bound.both for bound in before], axis=0) * ROUNDING
    return Bound(np.zeros_like(total), total)


def _side_by_side(along_channels: bool, before: Sequence[Bound]) -> Bound:
    parts = [bound.both for bound in before]
    both = np.concatenate(parts) if along_channels else np.max(parts, axis=0)
    return Bound(np.zeros_like(both), both)


add_rules(Conv2d, bound=_by_matrix, gains=_gains_of_convolution)
add_rules(Linear, bound=_by_matrix, gains=_gains_of_linear)
add_rules(BatchNorm2d, bound=_by_factor, gains=_gains_of_batch_norm)
add_rules(Affine, bound=_by_factor, gains=_gains_of_affine)
add_rules(Dropout, bound=_by_factor, gains=_gains_of_dropout)
add_rules(Concat, bound=_side_by_side, gains=_along_channels)
for averages in (AvgPool2d, GlobalAvgPool2d, Flatten):
    add_rules(averages, bound=_as_before)
for join in (Add, Subtract):
    add_rules(join, bound=_sum)
for rearrangement in (Reshape, Transpose, Pad, Slice, Take, Expand):
    add_rules(rearrangement, bound=_of_copies, gains=_copies)
for reduction in (Sum, Mean):
    add_rules(reduction, bound=_of_sums, gains=_sums)
