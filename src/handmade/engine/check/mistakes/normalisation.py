"""Mistakes of softmax and of normalisations, whose outputs depend on a whole group of inputs.

softmax:        gx = y (gy - sum(y gy))
log-softmax:    gx = gy - exp(y) sum(gy)
normalisation:  gx = g - mean(g) - z mean(g z), divided by the deviation, where z = (x - mean) / deviation
"""

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.comparison import Comparison, Guess, same, some

Axes = tuple[int, ...]


def softmax(c: Comparison) -> dict[str, Guess]:
    """Return guesses about the gradient of a softmax, by name."""
    if c.name != "x" or c.x.shape != c.y.shape or c.y.min() < 0:
        return {}
    axes = [axis for axis in range(c.y.ndim) if np.allclose(c.y.sum(axis=axis), 1)]
    if not axes:
        return {}
    for formula in (c.gy * c.y * (1 - c.y), c.gy * c.y, c.y * (1 - c.y)):
        if same(c, c.got, formula):
            return {
                "softmax diagonal": "only the diagonal of the softmax's derivative is used: each output depends on all inputs"
            }
    for axis in set(range(c.y.ndim)) - set(axes):
        if same(c, c.got, c.y * (c.gy - (c.y * c.gy).sum(axis=axis, keepdims=True))):
            return {"softmax axis": f"the sum is taken over axis {axis}, and the softmax over axis {axes[0]}"}
    return {}


def log_softmax(c: Comparison) -> dict[str, Guess]:
    """Return guesses about the gradient of a log-softmax, by name."""
    if c.name != "x" or c.x.shape != c.y.shape:
        return {}
    p = np.exp(c.y)
    axes = [axis for axis in range(c.y.ndim) if np.allclose(p.sum(axis=axis), 1)]
    if not axes:
        return {}
    for formula in (c.gy - p * c.gy, c.gy - p, c.gy, c.gy * (1 - p)):
        if same(c, c.got, formula):
            return {"log-softmax sum": f"softmax times the sum of gy over axis {axes[0]} is to be subtracted"}
    for axis in set(range(c.y.ndim)) - set(axes):
        if same(c, c.got, c.gy - p * c.gy.sum(axis=axis, keepdims=True)):
            return {"softmax axis": f"the sum is taken over axis {axis}, and the log-softmax over axis {axes[0]}"}
    return {}


def normalisation(c: Comparison) -> dict[str, Guess]:
    """Return guesses about the gradient of a layer that takes away a mean and divides by a deviation, by name."""
    if c.name != "x" or c.x.shape != c.y.shape or len(c.known) < c.x.size or not np.all(np.isfinite(c.got)):
        return {}
    for axes in some(range(c.x.ndim)):
        size = int(np.prod([c.x.shape[axis] for axis in axes]))
        mean = c.x.mean(axis=axes, keepdims=True)
        if size < 3 or not _unmoved(c, c.x + np.float64(0.5)) or not _unmoved(c, _shifted(c.x, axes)):
            continue
        extra, away = c.got - c.numeric, c.x - mean
        constant = extra.mean(axis=axes, keepdims=True)
        along = (extra * away).sum(axis=axes, keepdims=True) / ((away**2).sum(axis=axes, keepdims=True) + np.finfo(float).tiny)
        over = f"over axes {', '.join(map(str, axes))}"
        if same(c, c.got, c.numeric + constant * np.ones_like(extra)):
            return {"mean held constant": f"the mean {over} is held constant, and depends on x"}
        if size > 3 and same(c, c.got, c.numeric + along * away):
            return {"variance held constant": f"the variance {over} is held constant, and depends on x"}
        if size > 3 and same(c, c.got, c.numeric + constant + along * away):
            words = f"mean and variance {over} are held constant, and depend on x"
            return {"mean held constant": words}
    return {}


def epsilon(c: Comparison) -> Guess:
    """A deviation sqrt(v + e) with another e in backward: a factor for each group, nearer to 1 where v is larger."""
    if c.name != "x" or c.x.shape != c.y.shape or len(c.known) < c.x.size:
        return None
    for axes in some(range(c.x.ndim)):
        moments = [
            c.x.var(axis=axes, keepdims=True),
            (c.x**2).sum(axis=axes, keepdims=True),
            (c.x**2).mean(axis=axes, keepdims=True),
        ]
        right, got = c.numeric, c.got
        square = (right**2).sum(axis=axes, keepdims=True)
        if right.size == square.size or square.size < 3 or not np.all(square > 0):
            continue
        factor = (right * got).sum(axis=axes, keepdims=True) / square
        if np.ptp(factor) < 1e-9 or np.any(factor <= 0) or not same(c, got, factor * right):
            continue
        for v in moments:
            for each in (factor**-2 - 1, factor**-1 - 1):  # (v + e') / (v + e) = factor^-2: linear in v and the constants
                rows = np.stack([each.reshape(-1), np.ones(each.size)], axis=1)  # each (v + e) = e' - e
                solved, *_ = np.linalg.lstsq(rows, -(each * v).reshape(-1), rcond=None)
                left = rows @ solved + (each * v).reshape(-1)
                if np.abs(left).max() <= 1e-3 * np.abs(each * v).max():
                    return (
                        f"the factor differs from group to group, as with another epsilon in backward (by {abs(solved[1]):.1g})"
                    )
    return None


def _shifted(x: Array, axes: Axes) -> Array:
    """Return x with another constant added to each group."""
    groups = np.mean(x, axis=axes, keepdims=True).shape
    return np.asarray(x + np.random.default_rng(0).uniform(0.5, 1.5, groups))


def _unmoved(c: Comparison, x: Array) -> bool:
    y = np.array(c.point.foreign.fresh().forward(x.copy()))
    return y.shape == c.y.shape and bool(np.allclose(y, c.y, rtol=1e-6, atol=1e-6 * float(np.abs(c.y).max())))
