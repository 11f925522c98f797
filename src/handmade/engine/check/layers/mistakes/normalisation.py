"""Mistakes of softmax and of normalisations, whose outputs depend on a group of inputs.

softmax:        gx = y (gy - sum(y gy))
log-softmax:    gx = gy - exp(y) sum(gy)
normalisation:  gx = g - mean(g) - z mean(g z), divided by the deviation, where z = (x - mean) / deviation
"""

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.layers.comparison import Comparison, Guess, axis_subsets, same
from handmade.engine.check.layers.mistakes.relations import axes_in_words, numeric_at
from handmade.engine.check.layers.mistakes.terms import own_slopes
from handmade.engine.check.layers.slopes import at
from handmade.engine.foreign.objects import numbers, write

Axes = tuple[int, ...]
EPSILONS = (0.0, 1e-12, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
NEARLY = 1e-3  # largest violation of an invariance that an epsilon explains
CLOSE = 0.02  # largest error of a guess that an epsilon explains


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
        for y in (c.y, _softmax(c.x, axis)):
            if same(c, c.got, y * (c.gy - (y * c.gy).sum(axis=axis, keepdims=True))):
                return {
                    "softmax axis": f"backward takes the softmax, or its sum, over axis {axis}, but forward over axis {axes[0]}"
                }
    return {}


def log_softmax(c: Comparison) -> dict[str, Guess]:
    """Return guesses about the gradient of a log-softmax, by name."""
    if c.name != "x" or c.x.shape != c.y.shape:
        return {}
    p = np.exp(c.y)
    axes = [axis for axis in range(c.y.ndim) if np.allclose(p.sum(axis=axis), 1)]
    if not axes:
        return {}
    means = [c.gy - p * c.gy.mean(axis=axis, keepdims=True) for axis in axes]
    for formula in (c.gy - p * c.gy, c.gy - p, c.gy, *means):
        if same(c, c.got, formula):
            return {"log-softmax sum": f"softmax times the sum of gy over axis {axes[0]} must be subtracted"}
    for axis in set(range(c.y.ndim)) - set(axes):
        if same(c, c.got, c.gy - p * c.gy.sum(axis=axis, keepdims=True)):
            return {"softmax axis": f"the sum is taken over axis {axis}, but the log-softmax over axis {axes[0]}"}
    return {}


def normalisation(c: Comparison) -> dict[str, Guess]:
    """Return guesses about the gradient of a layer that divides by a deviation or a norm, by name.

    Let a be dy_i/dx_i without the terms of mean and deviation. A mean held constant leaves out mean(a gy), a deviation held
    constant leaves out z mean(a gy z), and a norm n held constant leaves out x sum(a gy x) / n^2.
    """
    if c.name != "x" or c.x.shape != c.y.shape or len(c.known) < c.x.size or not np.all(np.isfinite(c.got)):
        return {}
    own = own_slopes(c).reshape(c.shape)
    tiny = np.finfo(float).tiny
    for axes in axis_subsets(range(c.x.ndim)):
        size, over = int(np.prod([c.x.shape[axis] for axis in axes])), axes_in_words(axes)
        if size > 2 and _unmoved(c, _shifted(c.x, axes)):
            away = c.x - c.x.mean(axis=axes, keepdims=True)
            z = away / (np.sqrt((away**2).mean(axis=axes, keepdims=True)) + tiny)
            a = own / (1 - (1 + z**2) / size)
            constant = (a * c.gy).mean(axis=axes, keepdims=True) * np.ones(c.shape)
            along = (a * c.gy * z).mean(axis=axes, keepdims=True) * z
            if _adds(c, [constant]):
                return {"mean held constant": f"the mean over {over} is held constant, but it depends on x"}
            if _adds(c, [along]):
                return {"variance held constant": f"the variance over {over} is held constant, but it depends on x"}
            if _adds(c, [constant, along]):
                return {"mean held constant": f"mean and variance over {over} are held constant, but they depend on x"}
        if size > 1 and _unmoved(c, 1.5 * c.x):
            square = (c.x**2).sum(axis=axes, keepdims=True) + tiny
            a = own / (1 - c.x**2 / square)
            if _adds(c, [(a * c.gy * c.x).sum(axis=axes, keepdims=True) / square * c.x]):
                return {"norm held constant": f"the norm over {over} is held constant, but it depends on x"}
    return {}


def _adds(c: Comparison, parts: list[Array]) -> bool:
    """Return True if the wrong gradient is the right one plus these parts, up to a few percent for unknown epsilons."""
    rows = np.stack([part.reshape(-1) for part in parts], axis=1)
    extra = (c.got - c.numeric).reshape(-1)
    if not np.all(np.isfinite(rows)) or not np.all(np.isfinite(extra)):
        return False
    factors, *_ = np.linalg.lstsq(rows, extra, rcond=None)
    if not np.all(np.abs(factors - 1) < CLOSE):
        return False
    left = extra - rows @ factors
    return bool(
        np.linalg.norm(left) <= CLOSE * np.linalg.norm(extra) and np.linalg.norm(extra) > 10 * np.linalg.norm(c.tolerance)
    )


def epsilon(c: Comparison) -> Guess:
    """Recognise a deviation sqrt(v + e) with another e in backward: a factor for each group, closer to 1 for a larger v."""
    if c.name != "x" or c.x.shape != c.y.shape or len(c.known) < c.x.size:
        return None
    for axes in axis_subsets(range(c.x.ndim)):
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
                    return f"the factor varies from group to group, as with another epsilon in backward (by {abs(solved[1]):.1g})"
    return None


def _softmax(x: Array, axis: int) -> Array:
    p = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(p / p.sum(axis=axis, keepdims=True))


def epsilon_of_layer(c: Comparison) -> Guess:
    """Recognise a number other than the layer's own eps."""
    for path, value in numbers(c.point.foreign.layer):
        if str(path[-1].key).lower().strip("_") in {"eps", "epsilon"} and isinstance(value, float):
            for other in EPSILONS:
                foreign = c.point.foreign.fresh()
                write(foreign.layer, path, other)
                if other != value and same(c, c.got, numeric_at(c, at(foreign, c.x, c.name))):
                    return f"backward uses eps = {other:g}, but forward uses eps = {value:g}"
    return None


def _shifted(x: Array, axes: Axes) -> Array:
    """Return x with another constant added to each group."""
    groups = np.mean(x, axis=axes, keepdims=True).shape
    return np.asarray(x + np.random.default_rng(0).uniform(0.5, 1.5, groups))


def _unmoved(c: Comparison, x: Array) -> bool:
    y = np.array(c.point.foreign.fresh().forward(x.copy()))
    return y.shape == c.y.shape and bool(np.allclose(y, c.y, rtol=NEARLY, atol=NEARLY * float(np.abs(c.y).max())))
