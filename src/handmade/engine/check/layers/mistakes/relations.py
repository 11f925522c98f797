"""Gradients that are related to the right one: by a factor, a sign, another order, or an added term."""

import math
from itertools import permutations, product

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.layers.comparison import Comparison, Guess, axis_subsets, compare, same
from handmade.engine.check.layers.slopes import Point, at

FEW = 4  # number of wrong numbers that are compared before a guess is computed in full


def unused(c: Comparison) -> Guess:
    """Recognise a weight that forward does not use, such as a bias that was never added."""
    if c.name != "x" and not np.any(c.right) and not np.any(c.left):
        return f"forward does not use {c.name}, though backward has a gradient for it: is it added to the output?"
    return None


def zero(c: Comparison) -> Guess:
    """Recognise a gradient that was never written."""
    return None if np.any(c.got) else "it is zero everywhere: does backward write to it?"


def wrong_sign(c: Comparison) -> Guess:
    """Recognise a gradient with the opposite sign."""
    return "the sign is wrong everywhere" if same(c, c.got, -c.numeric) else None


def sign_lost(c: Comparison) -> Guess:
    """Recognise absolute values."""
    if same(c, c.got, np.abs(c.numeric)):
        return "the sign is lost: these are the absolute values"
    slopes = (c.gy * np.abs((c.right + c.left) / 2)).reshape(len(c.known), -1).sum(axis=1)
    return "the sign of the derivative is lost: its absolute value is taken" if same(c, c.got, c.to_full(slopes)) else None


def ratio(c: Comparison) -> Guess:
    """Recognise a constant factor; for one or two numbers, only a typical factor."""
    right, got = c.numeric.reshape(-1)[c.known], c.got.reshape(-1)[c.known]
    clear = np.abs(right) > c.tolerance
    factor = float(np.vdot(right[clear], got[clear]) / np.vdot(right[clear], right[clear])) if np.any(clear) else math.nan
    images, positions = len(c.x), math.prod(c.y.shape[1:-1])
    if not math.isfinite(factor) or factor == 0 or not same(c, c.got, factor * c.numeric):
        return None
    words = f"it is {abs(factor):.4g} times too large" if abs(factor) > 1 else f"it is {1 / abs(factor):.4g} times too small"
    if abs(abs(factor) - 1) < 0.02:
        words = f"it is {100 * abs(abs(factor) - 1):.3g} % too {'large' if abs(factor) > 1 else 'small'}"
    words += ", everywhere" + (", and of the wrong sign" if factor < 0 else "")
    reasons = {
        1 / (images * positions): f"; there are {images} x {positions} images and positions: use their sum, not their mean",
        1 / positions: f"; an output has {positions} positions: use their sum, not their mean",
        1 / images: f"; there are {images} images: the loss takes the mean over the batch, so do not divide again",
        1 / c.y.size: f"; there are {c.y.size} outputs: use their sum, not their mean",
        float(images): f"; there are {images} images: the sum over the batch is taken twice, or the mean is undone",
    }
    expected = [reason for value, reason in reasons.items() if math.isclose(factor, value, rel_tol=1e-5) and value != 1]
    if right.size < 3 and not expected and not math.isclose(factor, round(factor), rel_tol=1e-5):
        return None
    return words + "".join(expected[:1])


def weight_decay(c: Comparison) -> Guess:
    """Recognise an added multiple of the weights."""
    if c.name == "x":
        return None
    W, extra = c.point.array, c.got - c.numeric
    known = np.isfinite(extra)
    factor = float(np.vdot(W[known], extra[known]) / (np.vdot(W[known], W[known]) or 1.0))
    if int(known.sum()) > 2 and factor and same(c, c.got, c.numeric + factor * W):
        return f"{factor:.4g} times the weights are added: a penalty belongs in the optimiser, not in the layer"
    first = float(np.mean(extra[known] * np.sign(W[known]))) if np.any(known) else 0.0
    if int(known.sum()) > 2 and first and same(c, c.got, c.numeric + first * np.sign(W)):
        return f"{first:.4g} times the signs of the weights are added: a penalty belongs in the optimiser, not in the layer"
    return None


def transposed(c: Comparison) -> Guess:
    """Recognise a transposed gradient, or a gradient that was computed with transposed weights."""
    right = c.numeric
    for axes in permutations(range(right.ndim)):
        if list(axes) == sorted(axes):
            continue
        turned = right.transpose(axes)
        if turned.shape == c.shape and same(c, c.got, turned):
            return f"it is transposed: the axes are in the order {axes}"
        if same(c, c.got, turned.reshape(c.shape)):
            return "it is reshaped instead of transposed: the numbers are right, but in another order"
    for name, axes in product(_kernels(c), permutations(range(4))):
        W = c.point.foreign.weights[name]
        order = axes[: W.ndim]
        turns = sorted(order) == list(range(W.ndim)) != list(order) and W.transpose(order).shape == W.shape
        if turns and same(c, c.got, _with_weight(c, name, W.transpose(order))):
            return f"backward transposes {name} but should not, or does not transpose it but should"
    return None


def flipped(c: Comparison) -> Guess:
    """Recognise a flipped gradient, or a gradient that was computed with flipped weights."""
    for axes in axis_subsets(range(c.numeric.ndim)):
        if same(c, c.got, np.flip(c.numeric, axes)):
            return f"it is flipped along {axes_in_words(axes)}: a convolution instead of a correlation"
    for name in _kernels(c):
        W = c.point.foreign.weights[name]
        for axes in axis_subsets(range(W.ndim)):
            if same(c, c.got, _with_weight(c, name, np.flip(W, axes))):
                return f"backward flips {name} along {axes_in_words(axes)} but should not, or does not flip it but should"
    return None


def weights_without_sign(c: Comparison) -> Guess:
    """Recognise absolute values of weights in the gradient of x."""
    for name in _kernels(c):
        if same(c, c.got, _with_weight(c, name, np.abs(c.point.foreign.weights[name]))):
            return f"backward uses the absolute values of {name}"
    return None


def weights_of_integers(c: Comparison) -> Guess:
    """Recognise weights that are rounded to integers in the gradient of x."""
    for name in _kernels(c):
        W = c.point.foreign.weights[name]
        for rounded in (np.trunc(W), np.round(W), np.floor(W)):
            if same(c, c.got, _with_weight(c, name, rounded)):
                return f"backward rounds {name} to integers"
    return None


def slice_of_weights_left_out(c: Comparison) -> Guess:
    """Recognise a loop over weights that starts too late or ends too early."""
    for name in _kernels(c):
        W = c.point.foreign.weights[name]
        for axis, size in enumerate(W.shape):
            for end, place in (("first", 0), ("last", size - 1)):
                part = W.copy()
                np.moveaxis(part, axis, 0)[place] = 0
                if size > 1 and same(c, c.got, _with_weight(c, name, part)):
                    return f"the {end} slice of {name} along axis {axis} is left out: check the bounds of the loop"
    return None


def groups(c: Comparison) -> Guess:
    """Recognise channels that are interleaved instead of grouped."""
    order = _permutation(c, range(1, len(c.shape)) if c.name == "x" else range(len(c.shape)))
    if order is None:
        return None
    axis, places = order
    size = len(places)
    for count in range(2, size):
        turns = np.arange(size).reshape(count, -1).T.reshape(-1) if size % count == 0 else np.zeros(0)
        if np.array_equal(places, turns) or np.array_equal(np.argsort(places), turns):
            return f"along axis {axis}, channels are interleaved instead of grouped, or grouped instead of interleaved"
    return None


def permuted(c: Comparison) -> Guess:
    """Recognise images, channels or groups in another order."""
    order = _permutation(c, range(len(c.shape)))
    if order is None:
        return None
    return f"along axis {order[0]}, the numbers are in another order: {', '.join(map(str, order[1]))}"


def axes_in_words(axes: tuple[int, ...]) -> str:
    """Return axes as text."""
    return f"{'axis' if len(axes) == 1 else 'axes'} {', '.join(map(str, axes))}"


def numeric_at(c: Comparison, point: Point) -> Array:
    """Return the numerical gradient at another point that would make a mistake correct; NaN if it does not fit or has a kink."""
    if not agrees_at_first(c, point):
        return np.full(c.shape, np.nan)
    other = compare(point, c.gy, c.got, c.known)
    return other.to_full(np.where(other.kinked, np.nan, np.add(*other.bounds) / 2))


def agrees_at_first(c: Comparison, point: Point) -> bool:
    """Return True if another point explains the first few of the wrong numbers."""
    few = c.known[c.off][:FEW]
    if point.y.shape != c.gy.shape:
        return False
    other = compare(point, c.gy, c.got, few)
    return not np.any(other.off)


def is_near(one: Array, other: Array) -> Array:
    """Return a mask of the numbers that are equal to five digits."""
    return np.asarray(np.abs(one - other) <= 1e-5 * np.maximum(1.0, np.abs(other)))


def with_weights(c: Comparison, name: str, array: Array, x: Array | None = None) -> Point:
    """Return the same point of a copy with other weights, or with another input."""
    foreign = c.point.foreign.fresh()
    foreign.put(name, array)
    return at(foreign, c.x if x is None else x, c.name)


def _with_weight(c: Comparison, name: str, array: Array) -> Array:
    return numeric_at(c, with_weights(c, name, array))


def _kernels(c: Comparison) -> list[str]:
    """Return the names of the weights that may be used in the gradient of x."""
    return [name for name, W in c.point.foreign.weights.items() if W.ndim > 1] if c.name == "x" else []


def _permutation(c: Comparison, axes: range) -> tuple[int, list[int]] | None:
    """Return the axis, and the order of the right gradient's slices in the wrong one."""
    if len(c.known) < c.got.size:
        return None
    for axis in axes:
        size = c.shape[axis]
        if not 2 <= size <= 64:
            continue
        got, right = np.moveaxis(c.got, axis, 0).reshape(size, -1), np.moveaxis(c.numeric, axis, 0).reshape(size, -1)
        limit = 2 * np.moveaxis(c.to_full(c.tolerance), axis, 0).reshape(size, -1).max()
        places = [next((k for k in range(size) if np.all(np.abs(got[n] - right[k]) <= limit)), -1) for n in range(size)]
        distinct = sorted(places) == list(range(size)) != places
        if distinct and same(c, c.got, np.take(c.numeric, places, axis=axis)):
            return axis, places
    return None
