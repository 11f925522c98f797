"""Derivatives of a layer's outputs with respect to one number that it reads, as terms.

The rule "derivatives" of a type gives them (layers/connections.py). Without it, `backward` does, one output at a time.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers import Layer, rule
from handmade.engine.layers.connections import Derivatives
from handmade.engine.terms import Term

RULE = "derivatives"
MOST_OUTPUTS = 4096  # of a layer without a rule that are looked at one by one
AT_ONCE = 64  # of them


def derivatives(layer: Layer, x: Any, k: int, at: Shape) -> Derivatives | None:
    """Return the outputs that read x_k[at] with their derivatives; None if the layer has no rule."""
    found: Callable[..., Derivatives] | None = rule(layer, RULE)
    return None if found is None else found(layer, x, k, at)


def by_backward(layer: Layer, x: Any, g: Array, k: int, at: Shape) -> Derivatives | None:
    """Return the derivatives of the outputs with a gradient other than 0, by `backward` alone; None if there are too many."""
    places = [tuple(map(int, place)) for place in np.argwhere(g)]
    if len(places) > MOST_OUTPUTS:
        return None
    return _one_by_one(layer, x, g, places, k, at)


def _one_by_one(layer: Layer, x: Any, g: Array, places: list[Shape], k: int, at: Shape) -> Derivatives:
    for start in range(0, len(places), AT_ONCE):
        block = places[start : start + AT_ONCE]
        gy = np.zeros((len(block), *g.shape), g.dtype)
        for n, place in enumerate(block):
            gy[(n, *place)] = 1
        repeated = [np.repeat(each[None], len(block), axis=0) for each in (x if layer.joins else (x,))]
        gx = layer.backward(tuple(repeated) if layer.joins else repeated[0], gy)[0]
        for place, slope in zip(block, (gx[k] if layer.joins else gx)[(slice(None), *at)], strict=True):
            if slope:
                yield place, Term(float(slope), label="derivative")
