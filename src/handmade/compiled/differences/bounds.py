"""Bounds: upper limits for the change of each number of an activation by any nudge of a supported weight.

    a nudge of a convolution or a linear layer    h max(|x|, 1)        in one channel
    through W, from one channel                   max over c of  B_c sum over places of |W[..., c, o]|
    through W, from many channels                 sum over c of  B_c sum over places of |W[..., c, o]|
    through a ReLU, a pool, an average            no more than before

There is one bound for each channel. In a row, number i belongs to channel i mod C. The rule `bound` of a layer, (gains, bounds of
its inputs) -> bound, also states that the layer is linear: its difference does not depend on its input.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handmade.compiled.differences.units import Unit, Units
from handmade.engine.arrays import Shape
from handmade.engine.layers import (
    Add,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    add_rules,
    rule,
)
from handmade.engine.network import Network

ROUNDING = 1.001  # factor for the rounding of a bound, and of the bounded numbers
Channels = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bound:
    """Bounds for each channel: of nudges that change one channel only, and of all other nudges."""

    one: Channels
    many: Channels

    @property
    def both(self) -> Channels:
        """Larger one of the two bounds."""
        return np.maximum(self.one, self.many)


def bounds(network: Network, units: Units, largest: dict[str, float], h: float) -> dict[str, Bound]:
    """Return the bound of each activation that nudges change, by its name; it is the same before and after a unit's choice.

    `largest` holds the largest |x| among the inputs of each supported unit.
    """
    found: dict[str, Bound] = {}
    for unit in units.all:
        bound = _through(network, unit, [found.get(name) for name in unit.node.reads])
        if unit.node.name in units.supported:
            own = np.full(network.shape_of[unit.node.name][-1], h * max(largest[unit.node.name], 1.0) * ROUNDING)
            bound = Bound(own, np.zeros_like(own)) if bound is None else Bound(np.maximum(own, bound.one), bound.many)
        if bound is not None:
            found[unit.node.name] = found[unit.last] = bound
    return found


def _through(network: Network, unit: Unit, reaching: Sequence[Bound | None]) -> Bound | None:
    """Return the bound of a unit's output; None if no nudge reaches its inputs."""
    through = rule(unit.node.layer, "bound")
    if all(bound is None for bound in reaching):
        return None
    if unit.role == "choice" or through is None:
        return reaching[0]
    shapes = [network.shape_of[name] for name in unit.node.reads]
    known = [_nothing(shape) if bound is None else bound for bound, shape in zip(reaching, shapes, strict=True)]
    if unit.node.layer.joins:  # for concatenated rows, i mod C is not the channel
        known = [_resized(bound, shape[-1]) for bound, shape in zip(known, shapes, strict=True)]
    key = ("gains", unit.node.name, *(len(bound.one) for bound in known))
    with np.errstate(over="ignore", invalid="ignore"):
        found: Bound = through(network.cached(key, lambda: _gains(unit.node.layer, known, shapes[0])), known)
    return found


def _resized(bound: Bound, channels: int) -> Bound:
    return Bound(np.resize(bound.one, channels), np.resize(bound.many, channels))


def _nothing(shape: Shape) -> Bound:
    return Bound(np.zeros(shape[-1]), np.zeros(shape[-1]))


# --- by layer -------------------------------------------------------------------------------------------------------------------


def _gains(layer: Any, bounds_before: Sequence[Bound], shape: Shape) -> Any:
    """Return the gains of a layer: all that its bound depends on, beside those of its inputs; `shape` is that of the first."""
    gains = rule(layer, "gains")
    return gains(layer, len(bounds_before[0].one), shape) if gains else None


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


def _gains_of_dropout(layer: Any, _channels: int, _shape: Shape) -> Channels:
    return np.array([1 / (1 - layer.rate)])


def _along_channels(layer: Any, _channels: int, shape: Shape) -> bool:
    """Return True for activations that are concatenated along their channels."""
    return bool(layer.axis % len(shape) == len(shape) - 1)


def _by_matrix(gains: Channels, before: Sequence[Bound]) -> Bound:
    one, many = (gains * before[0].one[:, None]).max(axis=0), before[0].many @ gains
    return Bound(np.zeros_like(one), np.maximum(one, many) * ROUNDING)


def _by_factor(gains: Channels, before: Sequence[Bound]) -> Bound:
    C = max(len(gains), len(before[0].one))
    found, factors = _resized(before[0], C), np.resize(gains, C) * ROUNDING
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
add_rules(Dropout, bound=_by_factor, gains=_gains_of_dropout)
add_rules(Add, bound=_sum)
add_rules(Concat, bound=_side_by_side, gains=_along_channels)
for each in (Flatten, AvgPool2d, GlobalAvgPool2d):
    add_rules(each, bound=_as_before)
