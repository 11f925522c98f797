"""Differences of a linear layer, for all images of a block at once.

A nudge of a weight moves all logits along one line v, so dL is a power series in d = h x:

    dL = l_1 d + l_2 d^2 + ...,   sum over images of dL / h = sum over m of (x (x/s)^(m-1))^T ((h s)^(m-1) l_m)        (1)

This is one matrix product for all images and terms. x has a 1 for the bias at its end, and s is the largest |x|, so that no power
overflows. If the unit after the weight may switch, d is the difference of its ReLU for h x.

    cross-entropy        the l_m are cumulants, with enough terms for full precision: engine/losses/series.py
    mean squared error   l_1 = 2/K sum over k of v_k (z_k - t_k),   l_2 = 1/K sum over k of v_k^2
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from handmade.compiled.differences.layer_bounds import ROUNDING
from handmade.compiled.differences.records import Record
from handmade.compiled.differences.units import Unit
from handmade.compiled.products import rows_of_product
from handmade.engine.arrays import Array
from handmade.engine.layers import add_rules, rule
from handmade.engine.layers.probabilities import log_softmax
from handmade.engine.losses import CrossEntropy, Loss, MeanSquaredError, for_images, series, split_weights


@dataclass(frozen=True, eq=False)
class LinearSums:
    """Sums of a linear layer: factors of (1), and columns of units that may switch.

    Attributes
    ----------
    x, gains : Array, (images * terms, in + 1), (images * terms, out)
        Factors x (x/s)^(m - 1) and (h s)^(m - 1) l_m.
    columns : dict of Array, (in + 1,)
        Additional sums of some units, biases last.
    """

    x: Array
    gains: Array
    columns: dict[int, Array] = field(default_factory=dict)


def linear_sums(
    unit: Unit, made: Record, z: Array, y: Array, directions: dict[int, Array], h: Any, scheme: str, loss: Loss
) -> LinearSums | None:
    """Return the sums of a linear layer; None if a nudge is too large for the series."""
    images = np.array(list(directions))
    x, v = made.images[images], np.stack(list(directions.values()))  # (N, in), (N, out, K)
    unweighted, a = split_weights(for_images(loss, images))
    terms = rule(unweighted, "series_terms")
    if terms is None:
        return None
    largest = max(float(x.max()), -float(x.min()), 1.0)
    farthest = float(abs(h)) * largest
    switches = np.zeros(v.shape[:2], bool)
    if unit.relu:
        switches = ~(made.lead[images] > 2 * farthest * ROUNDING)  # (N, out)
        v = np.where((~switches & (made.winner[images] >= 0))[..., None], v, 0)
    coefficients = terms(unweighted, z[images], y[images], v, farthest)  # (terms, N, out)
    if coefficients is None:
        return None
    powers, gains = [], []
    power, scale = np.hstack([x, np.ones((len(x), 1), x.dtype)]), 1.0
    share = power / x.dtype.type(largest)
    for m, l in enumerate(coefficients):
        if scheme != "central" or m % 2 == 0:  # terms that are even in h cancel in central differences
            powers.append(power)
            gains.append((scale * l if a is None else scale * l * a[:, None]).astype(x.dtype))
        power, scale = power * share, scale * float(h) * largest
    columns: dict[int, Array] = {}
    steps = (h, -h) if scheme == "central" else (h,)
    along = partial(rule(unweighted, "delta_along") or _along, unweighted)
    for n, u in np.argwhere(switches):
        m = made.z[images[n], u]
        total = columns.setdefault(int(u), np.zeros(x.shape[1] + 1, x.dtype))
        for step in steps:
            d = np.append(step * x[n], step).astype(x.dtype)
            d = np.maximum(d + min(m, 0), -max(m, 0))
            dL = along(z[images[n]][None], directions[images[n]][u], d[None], y[images[n]][None])[0]
            total += (dL if a is None else dL * x.dtype.type(a[n])) / (step * len(steps))
    return LinearSums(np.concatenate(powers), np.concatenate(gains), columns)


def _along(loss: Any, z: Array, v: Array, d: Array, y: Array) -> Array:
    found: Array = loss.delta(z, v[:, None] * d[:, None], y)
    return found


class ShardSums:
    """Sums of a node over a shard, of which some rows are written at a time: (in + 1, out), biases last.

    Parameters
    ----------
    linear : sequence of LinearSums
        Sums of a linear layer, for some images at a time.
    more : Array or None
        Other sums, which are added; the only ones if `linear` is empty.
    """

    def __init__(self, linear: Sequence[LinearSums], more: Array | None) -> None:
        self.linear, self.more = linear, more
        if linear:
            x, gains = (np.concatenate(each) for each in ([one.x for one in linear], [one.gains for one in linear]))
            self._write = rows_of_product(x, gains)

    def __call__(self, rows: slice, out: Array) -> None:
        """Write some rows of the sums."""
        if not self.linear:
            assert self.more is not None
            out[:] = self.more[rows]
            return
        self._write(rows, out)
        for each in self.linear:
            for u, column in each.columns.items():
                out[:, u] += column[rows]
        if self.more is not None:
            out += self.more[rows]


# --- the terms of (1) -----------------------------------------------------------------------------------------------------------


def _cross_entropy_terms(loss: Any, z: Array, y: Array, v: Array, farthest: float) -> list[Array] | None:
    """Return the l_m, each (N, out), for v (N, out, K); None if |d| may be too large for the series."""
    images = np.arange(len(y))
    m = v[images, :, y]
    if loss.smoothing:
        m = (1 - loss.smoothing) * m + loss.smoothing * v.mean(axis=-1)
    c = v - m[..., None]
    count = series.terms(float(np.abs(c).max()) * farthest / np.log(2), v.dtype)
    return None if count is None else series.coefficients(np.exp(log_softmax(z))[:, None], c, count)


def _mean_squared_error_terms(_loss: Any, z: Array, y: Array, v: Array, _farthest: float) -> list[Array]:
    """Return l_1 and l_2, each (N, out), for v (N, out, K)."""
    distance = z - (np.arange(z.shape[1]) == y[:, None])
    return [2 * (v * distance[:, None]).mean(axis=-1), (v * v).mean(axis=-1)]


add_rules(CrossEntropy, series_terms=_cross_entropy_terms)
add_rules(MeanSquaredError, series_terms=_mean_squared_error_terms)
