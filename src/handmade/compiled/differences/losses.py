"""Exact differences of losses for the nudges of one image, in compiled loops.

    cross-entropy        dL = log1p(sum over k of p_k expm1(dz_k - m)),   m = sum over k of t_k dz_k
    mean squared error   dL = 1/K sum over k of dz_k (2 (z_k - t_k) + dz_k)

The equations are those of engine/losses. Near 0, expm1 and log1p are series with enough terms for full precision, because a loop
over nudges is then a loop over vectors. For larger numbers, the library functions are used.
"""

from typing import Any

import numpy as np

from handmade.compiled.jit import loops
from handmade.compiled.tiles import add_products, along, larger, load, quotient, spread, store, width, zeros

BLOCK = 256  # nudges that are processed together; a multiple of the length of every vector
MOST_TERMS = 32  # of the series; at NEAR, 12 are enough for float64
NEAR = 0.25  # |dz_k - m| and |sum| up to which the series are used
FAR = 0.5  # |sum| up to which log1p(sum) is used; beyond it, 1 + sum could cancel or overflow
HUGE = 30.0  # step beyond which p expm1(step) is exp(log p + step)


@loops
def cross_entropy(tile: Any, dz: Any, M: int, across: bool, log_p: Any, target: Any, label: int, weight: Any, dL: Any) -> None:
    """Add dL for each nudge, times the weight of the image, from dz (nudges, M), flat; or from dz (K, nudges) if `across`.

    target (K,) holds the smoothed target t; it is empty without label smoothing. `tile` is one vector of nudges. With `across`,
    the numbers of one vector behind the end of dz are read, and not used.
    """
    K, nudges, W = log_p.size, dL.size, width(tile)
    p, minus_one = np.exp(log_p), dz.dtype.type(-1)
    steps, total, mean = np.empty(K * BLOCK, dz.dtype), np.empty(BLOCK, dz.dtype), np.empty(BLOCK, dz.dtype)
    inverse, farthest = np.empty(MOST_TERMS, dz.dtype), np.empty(W, dz.dtype)
    for n in range(1, MOST_TERMS):
        inverse[n] = dz.dtype.type(1) / n
    precise = dz.itemsize == 8
    for first in range(0, nudges, BLOCK):
        count = min(BLOCK, nudges - first)
        wide = -(-count // W) * W
        if across:
            source, begin, between = dz, first, nudges
        else:
            copy_steps(dz, M, first, count, wide, steps)
            source, begin, between = steps, 0, BLOCK
        far, negative = zeros(tile), spread(tile, -1.0)
        for a in range(0, wide, W):
            t = zeros(tile)
            if target.size:
                for k in range(K):
                    t = along(t, target[k], source, k * between + begin + a, 0)
            else:
                t = load(tile, source, label * between + begin + a, 0)
            store(t, mean, a, 0)
            for k in range(K):
                step = along(load(tile, source, k * between + begin + a, 0), minus_one, mean, a, 0)
                store(step, steps, k * BLOCK + a, 0)
                far = larger(larger(far, step), add_products(zeros(tile), negative, step))
        largest = largest_of(tile, far, farthest)
        if largest <= NEAR:
            order = series_order(largest, precise)
            far = zeros(tile)
            for a in range(0, wide, W):
                t = expm1_sum(tile, steps, a, p, order, inverse)
                store(t, total, a, 0)
                far = larger(larger(far, t), add_products(zeros(tile), negative, t))
            largest = largest_of(tile, far, farthest)
        if largest <= NEAR:
            order = log_order(largest, precise)
            for a in range(0, wide, W):
                store(log1p(tile, load(tile, total, a, 0), order), total, a, 0)
            for i in range(count):
                dL[first + i] += weight * total[i]
        else:
            for i in range(count):
                dL[first + i] += weight * far_cross_entropy(steps[i::BLOCK], log_p)


@loops
def copy_steps(dz: Any, M: int, first: int, count: int, wide: int, steps: Any) -> None:
    """Copy dz of `count` nudges from the first on, with all nudges of an output side by side, and zeros up to `wide`."""
    for k in range(steps.size // BLOCK):
        at = k * BLOCK
        for i in range(count):
            steps[at + i] = dz[(first + i) * M + k]
        for i in range(count, wide):
            steps[at + i] = 0


@loops
def largest_of(tile: Any, t: Any, numbers: Any) -> Any:
    """Return the largest number of a tile of one vector; `numbers` is room for it."""
    store(t, numbers, 0, 0)
    largest = numbers[0]
    for l in range(1, width(tile)):
        largest = max(largest, numbers[l])
    return largest


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
def expm1_sum(tile: Any, steps: Any, a: int, p: Any, order: int, inverse: Any) -> Any:
    """Return the sum over k of p expm1(x) = p x (1 + x/2 (1 + x/3 (1 + ...))), for a vector of nudges."""
    one, total = spread(tile, 1.0), zeros(tile)
    if order == 1:
        for k in range(p.size):
            total = along(total, p[k], steps, k * BLOCK + a, 0)
        return total
    for k in range(p.size):
        x = load(tile, steps, k * BLOCK + a, 0)
        product, n = x, order
        while n > 1:
            product = add_products(zeros(tile), x, add_products(one, spread(tile, inverse[n]), product))
            n -= 1
        total = add_products(total, spread(tile, p[k]), product)
    return total


@loops
def log1p(tile: Any, x: Any, order: int) -> Any:
    """Return log1p(x) = 2 u (1 + u^2/3 + u^4/5 + ...), u = x / (2 + x), for a vector of nudges."""
    one = spread(tile, 1.0)
    two = add_products(one, one, one)
    u = quotient(x, add_products(two, one, x))
    square, series = add_products(zeros(tile), u, u), zeros(tile)
    for n in range(order, 0, -1):
        series = add_products(spread(tile, 1 / (2 * n - 1)), square, series)
    return add_products(zeros(tile), add_products(u, one, u), series)


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
def mean_squared_error(dz: Any, M: int, across: bool, distance: Any, weight: Any, dL: Any) -> None:
    """Add dL for each nudge, times the weight of the image, from dz as in `cross_entropy`. distance (K,): z - t."""
    K = distance.size
    for i in range(dL.size):
        total = distance.dtype.type(0)
        for k in range(K):
            step = dz[k * dL.size + i] if across else dz[i * M + k]
            total += step * (2 * distance[k] + step)
        dL[i] += weight * (total / K)
