"""Exact differences of losses for the nudges of one image, in compiled loops.

    cross-entropy        dL = log1p(sum over k of p_k expm1(dz_k - m)),   m = sum over k of t_k dz_k
    mean squared error   dL = 1/K sum over k of dz_k (2 (z_k - t_k) + dz_k)

The equations are those of engine/losses. Near 0, expm1 and log1p are series with enough terms for full precision, because a loop
over nudges is then a loop over vectors. For larger numbers, the library functions are used.
"""

from typing import Any

import numpy as np

from handmade.compiled.jit import loops

BLOCK = 64  # nudges that are processed together
MOST_TERMS = 32  # of the series; at NEAR, 12 are enough for float64
NEAR = 0.25  # |dz_k - m| and |sum| up to which the series are used
FAR = 0.5  # |sum| up to which log1p(sum) is used; beyond it, 1 + sum could cancel or overflow
HUGE = 30.0  # step beyond which p expm1(step) is exp(log p + step)


@loops
def cross_entropy(dz: Any, M: int, log_p: Any, target: Any, label: int, weight: Any, dL: Any) -> None:
    """Add dL for each nudge, times the weight of the image, from dz (nudges, M), flat.

    target (K,) holds the smoothed target t; it is empty without label smoothing.
    """
    K, nudges = log_p.size, dL.size
    p = np.exp(log_p)
    steps, total, farthest = np.empty((K, BLOCK), dz.dtype), np.empty(BLOCK, dz.dtype), np.empty(BLOCK, dz.dtype)
    series, inverse = np.empty(BLOCK, dz.dtype), np.empty(MOST_TERMS, dz.dtype)
    for n in range(1, MOST_TERMS):
        inverse[n] = dz.dtype.type(1) / n
    precise = dz.itemsize == 8
    for first in range(0, nudges, BLOCK):
        count = min(BLOCK, nudges - first)
        for k in range(K):
            row = steps[k]
            for i in range(count):
                row[i] = dz[(first + i) * M + k]
        mean = total
        if target.size:
            mean[:] = 0
            for k in range(K):
                for i in range(count):
                    mean[i] += target[k] * steps[k, i]
        else:
            mean[:count] = steps[label, :count]
        farthest[:] = 0
        for k in range(K):
            row = steps[k]
            for i in range(count):
                row[i] -= mean[i]
                farthest[i] = max(farthest[i], abs(row[i]))
        largest = dz.dtype.type(0)
        for i in range(count):
            largest = max(largest, farthest[i])
        total[:] = 0
        if largest <= NEAR:
            order = series_order(largest, precise)
            for k in range(K):
                row = steps[k]
                add_expm1(row, p[k], order, count, inverse, series, total)
            largest = dz.dtype.type(0)
            for i in range(count):
                largest = max(largest, abs(total[i]))
        if largest <= NEAR:
            add_log1p(total, log_order(largest, precise), count, farthest, series, weight, dL[first : first + count])
        else:
            for i in range(count):
                dL[first + i] += weight * far_cross_entropy(steps[:, i], log_p)


@loops
def series_order(x: Any, precise: bool) -> int:
    """Return the number of terms of expm1(x) / x for full precision."""
    smallest = 2.0**-54 if precise else 2.0**-25
    order, term = 1, x / 2
    while term > smallest:
        order += 1
        term *= x / (order + 1)
    return order


@loops
def log_order(x: Any, precise: bool) -> int:
    """Return the number of terms of log1p(x) / (2 u), u = x / (2 + x), for full precision."""
    smallest = 2.0**-54 if precise else 2.0**-25
    u = x / (2 - x)
    order, term = 1, u * u / 3
    while term > smallest:
        order += 1
        term *= u * u
    return order


@loops
def add_expm1(x: Any, p: Any, order: int, count: int, inverse: Any, series: Any, total: Any) -> None:
    """Add p expm1(x) = p x (1 + x/2 (1 + x/3 (1 + ...))) to total."""
    one = total.dtype.type(1)
    series[:count] = one
    for n in range(order, 1, -1):
        factor = inverse[n]
        for i in range(count):
            series[i] = one + x[i] * factor * series[i]
    for i in range(count):
        total[i] += p * x[i] * series[i]


@loops
def add_log1p(x: Any, order: int, count: int, u: Any, series: Any, weight: Any, total: Any) -> None:
    """Add weight log1p(x), log1p(x) = 2 u (1 + u^2/3 + u^4/5 + ...), u = x / (2 + x), to total."""
    one = total.dtype.type(1)
    for i in range(count):
        u[i] = x[i] / (2 * one + x[i])
        series[i] = 0
    for n in range(order, 0, -1):
        share = one / (2 * n - 1)
        for i in range(count):
            series[i] = share + u[i] * u[i] * series[i]
    for i in range(count):
        total[i] += weight * (2 * u[i] * series[i])


@loops
def far_cross_entropy(steps: Any, log_p: Any) -> Any:
    """Return dL of one nudge for steps of any size."""
    total = steps.dtype.type(0)
    for k in range(steps.size):
        total += np.exp(log_p[k] + steps[k]) if steps[k] > HUGE else np.exp(log_p[k]) * np.expm1(steps[k])
    if abs(total) <= FAR:
        return np.log1p(total)
    top = log_p[0] + steps[0]
    for k in range(steps.size):
        top = max(top, log_p[k] + steps[k])
    total = steps.dtype.type(0)
    for k in range(steps.size):
        total += np.exp(log_p[k] + steps[k] - top)
    return top + np.log(total)


@loops
def mean_squared_error(dz: Any, M: int, distance: Any, weight: Any, dL: Any) -> None:
    """Add dL for each nudge, times the weight of the image, from dz (nudges, M), flat. distance (K,): z - t."""
    K = distance.size
    for i in range(dL.size):
        total = distance.dtype.type(0)
        for k in range(K):
            step = dz[i * M + k]
            total += step * (2 * distance[k] + step)
        dL[i] += weight * (total / K)
