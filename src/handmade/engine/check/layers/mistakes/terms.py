"""Mistakes in the product with the Jacobian J, g_i = sum over outputs o of J_oi gy_o: other terms or other factors."""

from itertools import permutations

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.layers.comparison import Comparison, Guess, axis_subsets, compare, same
from handmade.engine.check.layers.mistakes.relations import axes_in_words, is_near, numeric_at, with_weights
from handmade.engine.check.layers.slopes import at

TWO = 2  # number of different factors in a mask


def jacobian_transposed(c: Comparison) -> Guess:
    """Recognise the product with J instead of the one with its transpose."""
    if c.name == "x" and c.gy.size == c.got.size == len(c.known):
        J = ((c.right + c.left) / 2).reshape(len(c.known), -1).T
        if same(c, c.got, (J @ c.gy.reshape(-1)).reshape(c.shape)):
            return "this is the product with the Jacobian: expected the product with its transpose"
    return None


def swapped(c: Comparison) -> Guess:
    """Recognise the gradient of another weight of the same shape."""
    for name, array in c.point.foreign.weights.items():
        if name not in {c.name, "x"} and c.name != "x" and array.shape == c.shape:
            point = at(c.point.foreign.fresh(), c.x, name)
            other = compare(point, c.gy, c.got, c.known)
            theirs = c.point.foreign.fresh().both(c.x, c.gy)[2].get(name)
            exchanged = theirs is not None and np.array_equal(_near(c, theirs, c.numeric), np.ones(c.shape, bool))
            if exchanged and same(c, c.got, other.numeric):
                return f"this is the gradient of {name}: the two gradients are exchanged"
    return None


def summed_too_far(c: Comparison) -> Guess:
    """Recognise a sum over an axis that should be kept."""
    if len(c.known) < c.got.size:
        return None
    for axis in range(c.gy.ndim) if c.gy.shape == c.shape else ():
        if same(c, c.got, c.gy.sum(axis=axis, keepdims=True) * np.ones(c.shape)):
            return f"gy is summed over the complete axis {axis}"
    for axes in axis_subsets(range(len(c.shape))):
        if all(c.shape[axis] > 1 for axis in axes):
            summed = c.numeric.sum(axis=axes, keepdims=True) * np.ones(c.shape)
            if same(c, c.got, summed) or same(c, c.got, summed / np.prod([c.shape[axis] for axis in axes])):
                return f"it is summed or averaged over {axes_in_words(axes)}, which it should keep"
    return None


def truncated(c: Comparison) -> Guess:
    """Recognise numbers that are rounded to integers."""
    if np.all(c.got == np.round(c.got)) and np.any(c.got) and np.all(np.abs(c.got - c.numeric)[np.isfinite(c.numeric)] < 1):
        return "it is rounded to integers: does backward write to an array of integers?"
    if is_elementwise(c):
        factor, right = _factor(c), own_slopes(c)
        several = len(np.unique(np.round(factor))) > TWO
        if several and any(np.all(is_near(factor, rounded(right))) for rounded in (np.trunc, np.round, np.floor)):
            return "its factors are rounded to integers: does backward use an array of integers?"
    return None


def shortcut(c: Comparison) -> Guess:
    """Recognise a residual connection, y = x + f(x), whose gradient is left out or added twice."""
    if c.name != "x" or c.gy.shape != c.shape:
        return None
    if same(c, c.got, c.numeric - c.gy):
        return "gy is missing in the sum: the gradient of the shortcut x in y = x + f(x)"
    if same(c, c.got, c.numeric + c.gy):
        return "gy is added once too often, as if there were a shortcut x in y = x + f(x)"
    return None


def product_rule(c: Comparison) -> Guess:
    """Recognise that one of the two terms of the derivative of y = x s(x) is missing: s or x s'."""
    if not is_elementwise(c):
        return None
    s = c.y / c.x
    if same(c, c.got, c.gy * s):
        return "for y = x s(x), the term x s'(x) is missing"
    if same(c, c.got, c.numeric - c.gy * s):
        return "for y = x s(x), the term s(x) is missing"
    return None


def factor_forgotten(c: Comparison) -> Guess:
    """Recognise a missing factor: a weight in the gradient of x, or the factor of a weight in its own gradient."""
    if c.name == "x":
        for name, W in c.point.foreign.weights.items():
            if W.ndim <= 1 and same(c, c.got, numeric_at(c, with_weights(c, name, np.ones(W.shape)))):
                return f"the factor {name} is left out"
        return None
    sums = [total for axes in axis_subsets(range(c.gy.ndim)) if (total := c.gy.sum(axis=axes)).shape == c.shape]
    if not any(_is(c, total) for total in sums) and any(same(c, c.got, total) for total in sums):
        return "its factor is left out: this is the sum of gy"
    return None


def mask_forgotten(c: Comparison) -> Guess:
    """Recognise a sum of gy x over all x, or over the wrong side of 0, instead of one side."""
    right, got = _sums(c)
    sides = {"gy x where x < 0", "gy x where x > 0"}
    if right in sides and got in {*sides, "gy x", "gy |x|"} - {right}:
        return f"this is the sum of {got}: expected the sum of {right}"
    return None


def x_forgotten(c: Comparison) -> Guess:
    """Recognise the sum of gy instead of the sum of gy x."""
    right, got = _sums(c)
    if right.startswith("gy x") and got in {"gy where x < 0", "gy where x > 0", "gy"}:
        return f"this is the sum of {got}: expected the sum of {right}"
    return None


def _sums(c: Comparison) -> tuple[str, str]:
    """Return the sums that equal the right gradient of a weight and the wrong one, as text; "" if there are none."""
    if c.name == "x" or c.x.shape != c.gy.shape:
        return "", ""
    terms = {
        "gy": c.gy,
        "gy x": c.gy * c.x,
        "gy |x|": c.gy * np.abs(c.x),
        "gy where x < 0": c.gy * (c.x < 0),
        "gy where x > 0": c.gy * (c.x > 0),
        "gy x where x < 0": c.gy * np.minimum(c.x, 0),
        "gy x where x > 0": c.gy * np.maximum(c.x, 0),
    }
    for axes in axis_subsets(range(c.gy.ndim)):
        sums = {words: each.sum(axis=axes) for words, each in terms.items()}
        right = next((words for words, each in sums.items() if each.shape == c.shape and _is(c, each)), "")
        got = next((words for words, each in sums.items() if each.shape == c.shape and same(c, c.got, each)), "")
        if right and got:
            return right, got
    return "", ""


def factor_of_output(c: Comparison) -> Guess:
    """Recognise the output y instead of the factor of a weight."""
    if c.name != "x":
        for axes in axis_subsets(range(c.gy.ndim)):
            total = (c.gy * c.y).sum(axis=axes)
            if total.shape == c.shape and same(c, c.got, total):
                return "it is the sum of gy times the output y: expected gy times the factor of the weight"
    return None


def neighbour(c: Comparison) -> Guess:
    """Recognise the derivative at a neighbouring position."""
    if is_elementwise(c) and len(c.known) == c.got.size:
        slopes = own_slopes(c).reshape(c.shape)
        for axis in range(len(c.shape)):
            for shift in (1, -1):
                if c.shape[axis] > 1 and same(c, c.got, c.gy * np.roll(slopes, shift, axis)):
                    return f"it uses the derivative at the neighbour along axis {axis}"
    return None


def other_branch(c: Comparison) -> Guess:
    """Recognise factors of the layer at wrong positions: a mask or a comparison is wrong."""
    if not is_elementwise(c):
        return None
    slopes, factor = own_slopes(c), _factor(c)
    if np.any(c.kinked) or not np.all(np.isfinite(factor)):
        return None
    branches = np.unique(np.round(slopes, 5))
    taken = np.abs(factor[:, None] - branches[None]).min(axis=1)
    if 2 <= len(branches) <= 4 and np.all(taken <= 2e-5 * max(1.0, float(np.abs(branches).max()))) and int(c.off.sum()) > 1:
        return "the factors are those of the layer's branches, but at wrong positions: check the mask or the comparison"
    return None


def wrong_axis(c: Comparison) -> Guess:
    """Recognise a sum, a mean or a cumulative sum along another axis."""
    if c.name != "x":
        sums = {axes: total for axes in axis_subsets(range(c.gy.ndim)) if (total := c.gy.sum(axis=axes)).shape == c.shape}
        wrong = [axes for axes, total in sums.items() if same(c, c.got, total)]
        if wrong and any(_is(c, total) for total in sums.values()):
            return f"gy is summed over {axes_in_words(wrong[0])}, but should be summed over other axes"
        return None
    if c.name != "x" or c.gy.shape != c.shape or c.gy.ndim < 2:
        return None
    operations = (lambda g, axis: g - g.mean(axis=axis, keepdims=True), _sums_from_the_end)
    for operation in operations:
        for one, other in permutations(range(c.gy.ndim), 2):
            if c.shape[one] > 1 and _is(c, operation(c.gy, one)) and same(c, c.got, operation(c.gy, other)):
                return f"backward uses axis {other}, but forward uses axis {one}"
    return None


def other_order(c: Comparison) -> Guess:
    """Recognise the numbers of the right gradient at other positions."""
    if len(c.known) < c.got.size or not np.all(np.isfinite(c.got)):
        return None
    right, got = np.sort(c.numeric, axis=None), np.sort(c.got, axis=None)
    limit = 2 * float(c.tolerance.max())
    distinct = np.sum(np.diff(right) > 4 * limit) >= min(4, right.size - 1)
    if distinct and np.all(np.abs(right - got) <= limit) and int(c.off.sum()) > 2:
        return "all numbers are right, but at other positions"
    return None


def is_elementwise(c: Comparison) -> bool:
    """Return True if, by all slopes, each output depends only on the input at its own position."""
    if c.name != "x" or c.x.shape != c.y.shape or c.x.size < 2:
        return False
    rows = np.abs(c.right).reshape(len(c.known), -1).copy()
    rows[np.arange(len(c.known)), c.known] = 0
    return not np.any(rows)


def own_slopes(c: Comparison) -> Array:
    """Return dy_i/dx_i at the known positions."""
    rows = ((c.right + c.left) / 2).reshape(len(c.known), -1)
    return np.asarray(rows[np.arange(len(c.known)), c.known])


def _factor(c: Comparison) -> Array:
    return np.asarray(c.got.reshape(-1)[c.known] / c.gy.reshape(-1)[c.known])


def _near(c: Comparison, one: Array, other: Array) -> Array:
    return np.asarray(np.abs(one - other) <= 10 * float(np.max(c.tolerance, initial=0.0)))


def _is(c: Comparison, formula: Array) -> bool:
    return bool(np.all(np.abs(formula.reshape(-1)[c.known] - c.numeric.reshape(-1)[c.known]) <= 2 * c.tolerance))


def _sums_from_the_end(g: Array, axis: int) -> Array:
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)
