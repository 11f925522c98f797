"""Mistakes of element-wise layers: y_i = f(x_i)."""

import numpy as np

from handmade.engine.check.layers.comparison import Comparison, Guess, same
from handmade.engine.check.layers.mistakes.relations import numeric_at
from handmade.engine.check.layers.mistakes.terms import is_elementwise
from handmade.engine.check.layers.slopes import at


def derivative_forgotten(c: Comparison) -> Guess:
    """Recognise gy returned unchanged: gx = gy."""
    if c.name == "x" and c.got.shape == c.gy.shape and same(c, c.got, c.gy):
        return "gy is returned unchanged: the derivative of the layer itself is missing"
    return None


def derivative_elsewhere(c: Comparison) -> Guess:
    """Recognise a derivative by the input and one by the output that are mixed up."""
    if c.name != "x" or c.x.shape != c.y.shape:
        return None
    if same(c, c.got, numeric_at(c, at(c.point.foreign.fresh(), c.y.astype(c.x.dtype), "x"))):
        return "the derivative is taken at the output y, but should be taken at the input x"
    for formula, value in {"x (1 - x)": c.x * (1 - c.x), "1 - x^2": 1 - c.x**2}.items():
        if same(c, c.got, c.gy * value):
            return f"the derivative is {formula}, which is right with the output y instead of the input x"
    return None


def wrong_side(c: Comparison) -> Guess:
    """Recognise a wrong branch between its threshold and another one."""
    if not is_elementwise(c):
        return None
    x, off = c.x.reshape(-1)[c.known], c.off
    if not 2 <= int(off.sum()) < len(off):
        return None
    low, high = float(x[off].min()), float(x[off].max())
    inside = (x >= low) & (x <= high)
    with np.errstate(all="ignore"):
        factor = c.got.reshape(-1)[c.known] / c.gy.reshape(-1)[c.known]
    if not np.array_equal(inside, off) or not np.all(np.isfinite(factor[off])):
        return None
    spread = float(np.ptp(factor[off]))
    near = [
        float(factor[side][np.argmin(np.abs(x[side] - end))]) for side, end in ((x < low, low), (x > high, high)) if np.any(side)
    ]
    if spread <= 1e-5 * max(1.0, float(np.abs(factor[off]).max())) and any(abs(value - factor[off][0]) <= 1e-5 for value in near):
        return f"for x from about {low:.2g} to {high:.2g}, the wrong branch is used: check the threshold of the mask"
    return None
