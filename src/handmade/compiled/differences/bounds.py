"""Bounds: upper limits for the change of each number of an activation by any nudge of a supported weight.

    a nudge of a convolution or a linear layer    h max(|x|, 1)        in one channel
    through W, from one channel                   max over c of  B_c sum over places of |W[..., c, o]|
    through W, from many channels                 sum over c of  B_c sum over places of |W[..., c, o]|
    through a ReLU, a pool, an average            no more than before

The rules of the layers are in layer_bounds.py.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from handmade.compiled.differences.layer_bounds import ROUNDING, Bound, resized
from handmade.compiled.differences.units import Unit, Units
from handmade.engine.arrays import Shape
from handmade.engine.layers import rule
from handmade.engine.network import Network


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
        known = [resized(bound, shape[-1]) for bound, shape in zip(known, shapes, strict=True)]
    key = ("gains", unit.node.name, *(len(bound.one) for bound in known))
    with np.errstate(over="ignore", invalid="ignore"):
        found: Bound = through(network.cached(key, lambda: _gains(unit.node.layer, known, shapes[0])), known)
    return found


def _nothing(shape: Shape) -> Bound:
    return Bound(np.zeros(shape[-1]), np.zeros(shape[-1]))


def _gains(layer: Any, bounds_before: Sequence[Bound], shape: Shape) -> Any:
    """Return the gains of a layer: all that its bound depends on, beside those of its inputs; `shape` is that of the first."""
    gains = rule(layer, "gains")
    return gains(layer, len(bounds_before[0].one), shape) if gains else None
