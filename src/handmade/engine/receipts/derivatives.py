"""Derivatives of a layer's outputs with respect to one number that it reads, as terms.

The rule "derivatives" of a type gives them (layers/connections.py). Without it, `backward` does, one output at a time.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers import (
    GELU,
    BatchNorm2d,
    Dropout,
    Layer,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Tanh,
    add_rules,
    rule,
)
from handmade.engine.layers.connections import ONE, Derivatives
from handmade.engine.layers.gelu import K, c
from handmade.engine.layers.sigmoid import sigma_receipt
from handmade.engine.terms import Term, stored

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


def _of_relu(_: ReLU, x: Array, _k: int, at: Shape) -> Derivatives:
    yield at, ONE.named("", "above 0: passes unchanged") if x[at] > 0 else Term(0.0, note="not above 0: cut off")


def _of_leaky_relu(layer: LeakyReLU, x: Array, _: int, at: Shape) -> Derivatives:
    yield at, ONE.named("", "above 0: passes unchanged") if x[at] > 0 else Term(layer.slope, label="slope")


def _of_batch_norm(layer: BatchNorm2d, _x: Array, _: int, at: Shape) -> Derivatives:
    channel = at[-1]
    variance = stored(layer.variance[channel], "variance", channel) + Term(layer.epsilon, label="epsilon")
    yield at, stored(layer.W[channel], "W", channel) / variance.sqrt().named("1 / r")


def _of_dropout(layer: Dropout, _x: Array, _: int, at: Shape) -> Derivatives:
    if layer.mask is None:
        yield at, ONE.named("", "not in training: passes unchanged")
    else:
        yield at, Term(bool(layer.mask[(0, *at)]) / (1 - layer.rate), label="s m")


def _of_sigmoid(_: Sigmoid, x: Array, _k: int, at: Shape) -> Derivatives:
    before = stored(x[at], "input", *at)
    yield at, (sigma_receipt(before) * sigma_receipt(-before)).named("sigma(x) sigma(-x)")


def _of_tanh(_: Tanh, x: Array, _k: int, at: Shape) -> Derivatives:
    twice = 2 * stored(x[at], "input", *at)
    yield at, (4 * sigma_receipt(twice) * sigma_receipt(-twice)).named("4 sigma(2x) sigma(-2x)")


def _of_gelu(_: GELU, x: Array, _k: int, at: Shape) -> Derivatives:
    before, scale = stored(x[at], "input", *at), Term(K, label="2 sqrt(2/pi)")
    v = (scale * before * (1 + Term(c, label="c") * before**2)).named("v")
    slope = (scale * (1 + Term(3 * c, label="3 c") * before**2)).named("dv/dx")
    yield (
        at,
        (sigma_receipt(v) + before * sigma_receipt(v) * sigma_receipt(-v) * slope).named("sigma(v) + x sigma(v) sigma(-v) dv/dx"),
    )


add_rules(ReLU, derivatives=_of_relu)
add_rules(LeakyReLU, derivatives=_of_leaky_relu)
add_rules(BatchNorm2d, derivatives=_of_batch_norm)
add_rules(Dropout, derivatives=_of_dropout)
add_rules(Sigmoid, derivatives=_of_sigmoid)
add_rules(Tanh, derivatives=_of_tanh)
add_rules(GELU, derivatives=_of_gelu)
