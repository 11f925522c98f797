"""Mistakes of layers that act on each number by itself: y_i = f(x_i)."""

import numpy as np

from handmade.engine.check.layers.comparison import Comparison, Guess, same
from handmade.engine.check.layers.mistakes.relations import numeric_at
from handmade.engine.check.layers.mistakes.terms import is_elementwise
from handmade.engine.check.layers.slopes import at


def derivative_forgotten(c: Comparison) -> Guess:
    """The gradient handed on: gx = gy."""
    if c.name == "x" and c.got.shape == c.gy.shape and same(c, c.got, c.gy):
        return "gy is handed on as it is: the derivative of the layer itself is forgotten"
    return None


def derivative_elsewhere(c: Comparison) -> Guess:
    """The two ways to mix up a derivative in terms of the input and one in terms of the output."""
    if c.name != "x" or c.x.shape != c.y.shape:
        return None
    if same(c, c.got, numeric_at(c, at(c.point.foreign.fresh(), c.y.astype(c.x.dtype), "x"))):
        return "the derivative is taken at the output y, and should be taken at the input x"
    for formula, value in {"x (1 - x)": c.x * (1 - c.x), "1 - x^2": 1 - c.x**2}.items():
        if same(c, c.got, c.gy * value):
            return f"the derivative is {formula}, which is right for the output y in the place of the input x"
    return None


def wrong_side(c: Comparison) -> Guess:
    """A branch taken between its own threshold and another one."""
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
        return (
            f"for x from about {low:.2g} to {high:.2g}, the branch of its neighbours is taken: look at the threshold of the mask"
        )
    return None
