"""Probabilities along one axis: softmax, its logarithm, and their exact differences. Used by Softmax, LogSoftmax and losses.

    p_i = exp(x_i - m) / sum over k of exp(x_k - m),   m = max over k of x_k
    log p_i = x_i - m - log1p(sum over k other than the place of m of exp(x_k - m))

The difference d_i of log p_i is dx_i - log(sum over k of p_k exp(dx_k)). With s_k = dx_k - dx_r for one reference r, and
E_k = expm1(s_k):

    d_i = -log1p((sum over k != i of p_k E_k - E_i sum over k != i of p_k) / (1 + E_i))         small steps        (1)
    d_i = d_r + (dx_i - dx_r),   d_r = -log1p(sum over k of p_k expm1(dx_k - dx_r))             large steps        (2)

In (1) no digit is lost if one x moves alone, also where p_i is nearly 1: sums without number i are sums of the others, not
subtractions. It is used where no |s_k| is above 1. In (2), r is the largest number before or after the step, the one whose dx is
nearer to dx_i. Where d_r is large, the logarithms before and after are so far apart that subtracting them loses nothing.

    p'_i - p_i = p_i expm1(d_i)   for d_i <= 0,   -p'_i expm1(-d_i)   for d_i > 0
"""

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.terms import Term, largest_first, made, total

CLOSE = 1.0  # largest |s_k| for (1)
APART = 3.0  # d_r from which two logarithms are subtracted
HUGE = 30.0  # step beyond which p exp(step) is exp(log p + step)
NEAR = -0.5  # sum in d_r from which log1p is used; below it, 1 + sum would cancel


def exponentials(x: Array, axis: int) -> tuple[Array, Array]:
    """Return exp(x - m), and the sum of these numbers with the axis kept."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e, e.sum(axis=axis, keepdims=True)


def softmax(x: Array, axis: int) -> Array:
    """Return p."""
    e, sums = exponentials(x, axis)
    p: Array = e / sums
    return p


def log_softmax(x: Array, axis: int = -1) -> Array:
    """Return log p. The largest number is subtracted first, so that exp cannot overflow; its exp is the 1 in log1p."""
    top = x.argmax(axis=axis, keepdims=True)
    shifted = x - np.take_along_axis(x, top, axis)
    e = np.exp(shifted)
    np.put_along_axis(e, top, 0, axis)
    log_p: Array = shifted - np.log1p(e.sum(axis=axis, keepdims=True))
    return log_p


def sum_of_others(a: Array, axis: int) -> Array:
    """Return for each number the sum of all others along the axis, without subtracting."""
    a = np.moveaxis(a, axis, 0)
    before, after = np.zeros_like(a), np.zeros_like(a)
    np.cumsum(a[:-1], axis=0, out=before[1:])
    np.cumsum(a[:0:-1], axis=0, out=after[-2::-1] if len(a) > 1 else after[:0])
    sums: Array = np.moveaxis(before + after, 0, axis)
    return sums


def log_softmax_step(x: Array, dx: Array, axis: int) -> Array:
    """Return the exact difference of log p between x and x + dx; x may have a 1 where dx counts nudges."""
    with np.errstate(all="ignore"):  # an infinite step, and the equation that is not taken
        after, p = x + dx, softmax(x, axis)
        top = after.argmax(axis=axis, keepdims=True)
        steps = dx - np.take_along_axis(dx, top, axis)
        E = np.expm1(steps)
        N = sum_of_others(p * E, axis) - sum_of_others(p, axis) * E
        small = -np.log1p(N / (1 + E))
        close = (np.abs(steps) <= CLOSE).all(axis=axis, keepdims=True)
        d: Array = np.where(close, small, _far_step(x, dx, axis, top, steps)) if not close.all() else small
    return d


def softmax_step(x: Array, dx: Array, axis: int) -> Array:
    """Return the exact difference of p between x and x + dx; x may have a 1 where dx counts nudges."""
    d = log_softmax_step(x, dx, axis)
    with np.errstate(invalid="ignore"):
        weight = np.where(d > 0, softmax(x + dx, axis), softmax(x, axis))
    dp: Array = np.copysign(weight * -np.expm1(-np.abs(d)), d)
    return dp


def _far_step(x: Array, dx: Array, axis: int, top: Array, steps: Array) -> Array:
    """Return equation (2)."""
    p, log_p, log_p_after = softmax(x, axis), log_softmax(x, axis), log_softmax(x + dx, axis)
    first = np.broadcast_to(x.argmax(axis=axis, keepdims=True), top.shape)

    def by_reference(r: Array, s: Array) -> Array:
        large = np.exp(log_p + s)  # where exp(s) alone could overflow, and p underflow
        T, S = (np.where(s > HUGE, large, p * f(s)).sum(axis=axis, keepdims=True) for f in (np.expm1, np.exp))
        d_r = -np.where(T > NEAR, np.log1p(T), np.log(S))
        apart = np.take_along_axis(log_p_after, r, axis) - np.take_along_axis(np.broadcast_to(log_p, dx.shape), r, axis)
        d: Array = np.where(np.abs(apart) < APART, d_r, apart) + s
        return d

    from_first = dx - np.take_along_axis(dx, first, axis)
    nearer = np.abs(from_first) < np.abs(steps)
    d: Array = np.where(nearer, by_reference(first, from_first), by_reference(top, steps))
    return d


# --- receipts -----------------------------------------------------------------------------------------------------------------


def softmax_receipt(x: list[Term], i: int) -> Term:
    """Return p_i as a tree of terms."""
    parts = [made("exp", each) for each in _shifted(x)]
    sums = total(largest_first(list(parts), "terms"), "sum of exp(x - max)")
    return (parts[i].named("exp(x - max)") / sums).named("exp(x - max) / sum")


def log_softmax_receipt(x: list[Term], i: int) -> Term:
    """Return log p_i as a tree of terms. The exp of the largest number is the 1 in log1p."""
    shifted = _shifted(x)
    others = [made("exp", each) for k, each in enumerate(shifted) if k != _top(x)]
    log_sum = made("log1p", total(largest_first(others, "terms"), "exp(x - max) of the others"), label="log(1 + that)")
    return (shifted[i] - log_sum).named("x - max, less log of the sum of exp(x - max)")


def _top(x: list[Term]) -> int:
    return max(range(len(x)), key=lambda k: x[k].value)


def _shifted(x: list[Term]) -> list[Term]:
    top = x[_top(x)].named("max")
    return [(each - top).named("x - max") for each in x]
