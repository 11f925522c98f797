"""Derivatives of a layer's outputs with respect to one number that it reads, as terms.

The rule "derivatives" of a type gives them (layers/connections.py). Without it, `backward` does, one output at a time.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers import (
    GELU,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Tanh,
    add_rules,
    rule,
)
from handmade.engine.layers.connections import ONE, Derivatives
from handmade.engine.layers.gelu import K, c
from handmade.engine.layers.sigmoid import sigma_receipt
from handmade.engine.layers.window_terms import pixel, window
from handmade.engine.terms import Term, stored

RULE = "derivatives"
MOST_OUTPUTS = 4096  # of a layer without a rule that are looked at one by one
AT_ONCE = 64  # of them

Pair: TypeAlias = tuple[int, int]


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


def fed(
    at: Shape, size: Pair, stride: Pair, padding: Pair, outputs: Shape, dilation: Pair = (1, 1)
) -> Iterator[tuple[int, int, int, int]]:
    """For each window that reads row and column of `at`: its row and column, and the place (i, j) in it."""
    rows, columns = (
        [
            (n, i)
            for n in range(outputs[axis])
            if (i := _tap(at[axis] + padding[axis] - n * stride[axis], dilation[axis], size[axis])) is not None
        ]
        for axis in (0, 1)
    )
    for row, i in rows:
        for column, j in columns:
            yield row, column, i, j


def _tap(distance: int, dilation: int, size: int) -> int | None:
    """Return the place in a window that lies at a distance from its begin, in pixels; None if there is none."""
    i, rest = divmod(distance, dilation)
    return i if rest == 0 and 0 <= i < size else None


def _of_conv(layer: Conv2d, x: Array, _: int, at: Shape) -> Derivatives:
    outputs, seen = layer.output_shape(x.shape), layer.W.shape[2]
    group, channel = divmod(at[2], seen)
    filters = len(layer.b) // layer.groups
    for row, column, i, j in fed(at, layer.kernel, layer.stride, layer.padding, outputs, layer.dilation):
        for o in range(group * filters, (group + 1) * filters):
            yield (row, column, o), stored(layer.W[i, j, channel, o], "W", i, j, channel, o)


def _of_relu(_: ReLU, x: Array, _k: int, at: Shape) -> Derivatives:
    yield at, ONE.named("", "above 0: passes unchanged") if x[at] > 0 else Term(0.0, note="not above 0: cut off")


def _of_leaky_relu(layer: LeakyReLU, x: Array, _: int, at: Shape) -> Derivatives:
    yield at, ONE.named("", "above 0: passes unchanged") if x[at] > 0 else Term(layer.slope, label="slope")


def _of_max_pool(layer: MaxPool2d, x: Array, _: int, at: Shape) -> Derivatives:
    for row, column, i, j in fed(at, layer.window, layer.stride, layer.padding, layer.output_shape(x.shape)):
        seen = [
            ((k, l), pixel(x, r, s, at[2]).value)
            for k, l, r, s in window((row, column), layer.window, layer.stride, layer.padding)
            if 0 <= r < x.shape[0] and 0 <= s < x.shape[1]
        ]
        m = max(value for _, value in seen)
        wins = next(place for place, value in seen if value == m) == (i, j)
        yield (row, column, at[2]), Term(float(wins), note="wins" if wins else "does not win")


def _of_avg_pool(layer: AvgPool2d, x: Array, _: int, at: Shape) -> Derivatives:
    for row, column, _i, _j in fed(at, layer.window, layer.stride, layer.padding, layer.output_shape(x.shape)):
        yield (row, column, at[2]), ONE / Term(float(math.prod(layer.window)), label="pixels")


def _of_global_avg_pool(_: GlobalAvgPool2d, x: Array, _k: int, at: Shape) -> Derivatives:
    yield (at[2],), ONE / Term(float(x.shape[0] * x.shape[1]), label="pixels")


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


add_rules(Conv2d, derivatives=_of_conv)
add_rules(ReLU, derivatives=_of_relu)
add_rules(LeakyReLU, derivatives=_of_leaky_relu)
add_rules(MaxPool2d, derivatives=_of_max_pool)
add_rules(AvgPool2d, derivatives=_of_avg_pool)
add_rules(GlobalAvgPool2d, derivatives=_of_global_avg_pool)
add_rules(BatchNorm2d, derivatives=_of_batch_norm)
add_rules(Dropout, derivatives=_of_dropout)
add_rules(Sigmoid, derivatives=_of_sigmoid)
add_rules(Tanh, derivatives=_of_tanh)
add_rules(GELU, derivatives=_of_gelu)
