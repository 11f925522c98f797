"""Bounds: no nudge of a served weight moves a number of an activation by more than this.

    a nudge of a convolution or a linear layer    h max(|x|, 1)        in one channel
    through W, from one channel                   max over c of  B_c sum over places of |W[..., c, o]|
    through W, from many channels                 sum over c of  B_c sum over places of |W[..., c, o]|
    through a ReLU, a pool, an average            no more than before

One number for each channel. Numbers of a row belong to channels in turn: number i to channel i mod C.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handmade.compiled.differences.units import Unit, Units
from handmade.engine.arrays import Array
from handmade.engine.layers import BatchNorm2d, Conv2d, Dropout, Linear
from handmade.engine.network import Network

ROUNDING = 1.001  # room for the rounding of a bound, and of what it bounds
Channels = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bound:
    """Bounds for each channel: of nudges that move one channel at a time, and of the others."""

    one: Channels
    many: Channels

    @property
    def both(self) -> Channels:
        """The larger one."""
        return np.maximum(self.one, self.many)


def bounds(network: Network, units: Units, largest: dict[str, float], h: float) -> dict[str, Bound]:
    """Return the bound of each activation that nudges reach, by its name; before and after the choice of a unit they are the same.

    `largest` has the largest |x| that each served unit reads.
    """
    found: dict[str, Bound] = {}
    for unit in units.all:
        bound = _through(network, unit, found)
        if unit.node.name in units.served:
            own = np.full(_channels(network, unit.node.name), h * max(largest[unit.node.name], 1.0) * ROUNDING)
            bound = Bound(own, np.zeros_like(own)) if bound is None else Bound(np.maximum(own, bound.one), bound.many)
        if bound is not None:
            found[unit.node.name] = found[unit.last] = bound
    return found


def _channels(network: Network, name: str) -> int:
    return network.shape_of[name][-1]


def _through(network: Network, unit: Unit, found: dict[str, Bound]) -> Bound | None:
    """Return the bound of what a unit makes of its inputs' differences."""
    node, layer = unit.node, unit.node.layer
    reaching = [found.get(name) for name in node.reads]
    if all(bound is None for bound in reaching):
        return None
    if unit.role == "choice" or (unit.role == "other" and layer.kind in {"Flatten", "AvgPool2d", "GlobalAvgPool2d"}):
        return reaching[0]
    if unit.role in {"convolution", "linear"}:
        assert reaching[0] is not None  # the one thing that it reads
        gains = network.remembered((node.name, "gains"), lambda: _gains(layer, len(reaching[0].one)))  # type: ignore[union-attr]
        with np.errstate(over="ignore", invalid="ignore"):
            one, many = (gains * reaching[0].one[:, None]).max(axis=0), reaching[0].many @ gains
        return Bound(np.zeros_like(one), np.maximum(one, many) * ROUNDING)
    return _joined(network, unit, reaching)


def _joined(network: Network, unit: Unit, reaching: list[Bound | None]) -> Bound:
    """Return the bound behind a layer that goes number by number, or joins."""
    C, layer = _channels(network, unit.node.name), unit.node.layer
    both = [np.zeros(_channels(network, name)) if bound is None else bound.both for name, bound in zip(unit.node.reads, reaching, strict=True)]
    if layer.kind == "Concat":
        axis_is_last = sum(map(len, both)) == C
        total = np.concatenate(both) if axis_is_last else np.full(C, max(map(np.max, both)))
    else:
        total = np.sum([each if len(each) == C else np.full(C, each.max()) for each in both], axis=0)
    return Bound(np.zeros(C), total * _factor(layer) * ROUNDING)


def _factor(layer: Any) -> Any:
    if isinstance(layer, BatchNorm2d):
        return np.abs(layer.W.astype(np.float64)) / np.sqrt(layer.variance.astype(np.float64) + layer.epsilon)
    return 1 / (1 - layer.rate) if isinstance(layer, Dropout) else 1.0


def _gains(layer: Any, channels: int) -> Array:
    """Return sum over places of |W|, (channels, outputs)."""
    W = np.abs(layer.W).astype(np.float64) if layer.W.size < 2**16 else np.abs(layer.W)
    if isinstance(layer, Linear):
        return np.asarray(W.reshape(-1, channels, W.shape[-1]).sum(axis=0), np.float64)
    assert isinstance(layer, Conv2d)
    summed, G = W.sum(axis=(0, 1)), layer.groups  # (C / groups, O)
    gains = np.zeros((channels, W.shape[-1]))
    seen, filters = channels // G, W.shape[-1] // G
    for g in range(G):
        own = slice(g * filters, (g + 1) * filters)
        gains[g * seen : (g + 1) * seen, own] = summed[:, own]
    return gains


def size(shape: tuple[int, ...]) -> int:
    """Return the number of numbers of a shape."""
    return math.prod(shape)
