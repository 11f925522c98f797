"""Mistakes that are a relation to the right gradient: a factor, a sign, another order, something added."""

import math
from itertools import permutations, product

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.layers.comparison import Comparison, Guess, compare, same, some
from handmade.engine.check.layers.slopes import Point, at

FEW = 4  # wrong numbers that are looked at before a guess is worked out in full


def unused(c: Comparison) -> Guess:
    """A bias that was never added."""
    if c.name != "x" and not np.any(c.right) and not np.any(c.left):
        return f"forward does not use {c.name}, though backward has a gradient for it: is it added to the output?"
    return None


def zero(c: Comparison) -> Guess:
    """A gradient that was never written."""
    return None if np.any(c.got) else "it is zero everywhere: is it ever written?"


def wrong_sign(c: Comparison) -> Guess:
    """The downhill direction for the uphill one."""
    return "the sign is wrong, everywhere" if same(c, c.got, -c.numeric) else None


def sign_lost(c: Comparison) -> Guess:
    """An absolute value somewhere."""
    if same(c, c.got, np.abs(c.numeric)):
        return "the sign is lost: these are the absolute values"
    slopes = (c.gy * np.abs((c.right + c.left) / 2)).reshape(len(c.known), -1).sum(axis=1)
    return "the sign of the derivative is lost: its absolute value is taken" if same(c, c.got, c.to_full(slopes)) else None


def ratio(c: Comparison) -> Guess:
    """Constant over all entries; of a single one, only if it is a number that is to be expected."""
    right, got = c.numeric.reshape(-1)[c.known], c.got.reshape(-1)[c.known]
    told = np.abs(right) > c.tolerance
    factor = float(np.vdot(right[told], got[told]) / np.vdot(right[told], right[told])) if np.any(told) else math.nan
    images, positions = len(c.x), math.prod(c.y.shape[1:-1])
    if not math.isfinite(factor) or factor == 0 or not same(c, c.got, factor * c.numeric):
        return None
    words = f"it is {abs(factor):.4g} times too large" if abs(factor) > 1 else f"it is {1 / abs(factor):.4g} times too small"
    if abs(abs(factor) - 1) < 0.02:
        words = f"it is {100 * abs(abs(factor) - 1):.3g} % too {'large' if abs(factor) > 1 else 'small'}"
    words += ", everywhere" + (", and of the wrong sign" if factor < 0 else "")
    because = {
        1 / (images * positions): f"; there are {images} x {positions} images and positions: they add up, do not take the mean",
        1 / positions: f"; an output has {positions} positions: they add up, do not take the mean",
        1 / images: f"; there are {images} images: the mean over the batch belongs to the loss, do not divide again",
        1 / c.y.size: f"; there are {c.y.size} outputs: they add up, do not take the mean",
        float(images): f"; there are {images} images: the sum over the batch is taken twice, or the mean undone",
    }
    expected = [reason for value, reason in because.items() if math.isclose(factor, value, rel_tol=1e-5) and value != 1]
    if right.size < 3 and not expected and not math.isclose(factor, round(factor), rel_tol=1e-5):
        return None
    return words + "".join(expected[:1])


def weight_decay(c: Comparison) -> Guess:
    """A multiple of the weights on top."""
    if c.name == "x":
        return None
    W, extra = c.point.array, c.got - c.numeric
    known = np.isfinite(extra)
    factor = float(np.vdot(W[known], extra[known]) / (np.vdot(W[known], W[known]) or 1.0))
    if int(known.sum()) > 2 and factor and same(c, c.got, c.numeric + factor * W):
        return f"{factor:.4g} times the weights are added: a penalty belongs to the optimiser, not to the layer"
    first = float(np.mean(extra[known] * np.sign(W[known]))) if np.any(known) else 0.0
    if int(known.sum()) > 2 and first and same(c, c.got, c.numeric + first * np.sign(W)):
        return f"{first:.4g} times the signs of the weights are added: a penalty belongs to the optimiser, not to the layer"
    return None


def transposed(c: Comparison) -> Guess:
    """The gradient itself, or the weights that it was computed with."""
    right = c.numeric
    for axes in permutations(range(right.ndim)):
        if list(axes) == sorted(axes):
            continue
        turned = right.transpose(axes)
        if turned.shape == c.shape and same(c, c.got, turned):
            return f"it is transposed: the axes stand in the order {axes}"
        if same(c, c.got, turned.reshape(c.shape)):
            return "it is reshaped where it should be transposed: the right numbers, in the order of other axes"
    for name, axes in product(_kernels(c), permutations(range(4))):
        W = c.point.foreign.weights[name]
        order = axes[: W.ndim]
        turns = sorted(order) == list(range(W.ndim)) != list(order) and W.transpose(order).shape == W.shape
        if turns and same(c, c.got, _with_weight(c, name, W.transpose(order))):
            return f"{name} is transposed in backward where it should not be, or not where it should be"
    return None


def flipped(c: Comparison) -> Guess:
    """The gradient itself, or the weights that it was computed with."""
    for axes in some(range(c.numeric.ndim)):
        if same(c, c.got, np.flip(c.numeric, axes)):
            return f"it is flipped along {axes_in_words(axes)}: a convolution where a correlation is needed"
    for name in _kernels(c):
        W = c.point.foreign.weights[name]
        for axes in some(range(W.ndim)):
            if same(c, c.got, _with_weight(c, name, np.flip(W, axes))):
                return f"{name} is flipped along {axes_in_words(axes)} in backward, or not flipped where the transpose needs it"
    return None


def weights_without_sign(c: Comparison) -> Guess:
    """The absolute values of weights in the gradient of x."""
    for name in _kernels(c):
        if same(c, c.got, _with_weight(c, name, np.abs(c.point.foreign.weights[name]))):
            return f"the absolute values of {name} are used in backward"
    return None


def weights_of_integers(c: Comparison) -> Guess:
    """Weights rounded to integers in the gradient of x."""
    for name in _kernels(c):
        W = c.point.foreign.weights[name]
        for rounded in (np.trunc(W), np.round(W), np.floor(W)):
            if same(c, c.got, _with_weight(c, name, rounded)):
                return f"{name} is rounded to integers in backward"
    return None


def slice_of_weights_left_out(c: Comparison) -> Guess:
    """A loop over weights that starts too late or ends too early."""
    for name in _kernels(c):
        W = c.point.foreign.weights[name]
        for axis, size in enumerate(W.shape):
            for end, place in (("first", 0), ("last", size - 1)):
                part = W.copy()
                np.moveaxis(part, axis, 0)[place] = 0
                if size > 1 and same(c, c.got, _with_weight(c, name, part)):
                    return f"the {end} slice of {name} along axis {axis} is left out: look at the bounds of the loop"
    return None


def groups(c: Comparison) -> Guess:
    """Channels taken in turns where they belong to groups side by side."""
    order = _permutation(c, range(1, len(c.shape)) if c.name == "x" else range(len(c.shape)))
    if order is None:
        return None
    axis, places = order
    size = len(places)
    for count in range(2, size):
        turns = np.arange(size).reshape(count, -1).T.reshape(-1) if size % count == 0 else np.zeros(0)
        if np.array_equal(places, turns) or np.array_equal(np.argsort(places), turns):
            return f"along axis {axis}, channels are interleaved where they should be grouped, or grouped where interleaved"
    return None


def permuted(c: Comparison) -> Guess:
    """Images, channels or groups in another order."""
    order = _permutation(c, range(len(c.shape)))
    if order is None:
        return None
    return f"along axis {order[0]}, the numbers stand in another order: {', '.join(map(str, order[1]))}"


def axes_in_words(axes: tuple[int, ...]) -> str:
    """Return axes in words."""
    return f"{'axis' if len(axes) == 1 else 'axes'} {', '.join(map(str, axes))}"


def numeric_at(c: Comparison, point: Point) -> Array:
    """Return the numerical gradient at another point, where a mistake is none; NaN where it does not fit or is not sure."""
    if not agrees_at_first(c, point):
        return np.full(c.shape, np.nan)
    other = compare(point, c.gy, c.got, c.known)
    return other.to_full(np.where(other.kinked, np.nan, np.add(*other.bounds) / 2))


def agrees_at_first(c: Comparison, point: Point) -> bool:
    """Return False if a few of the wrong numbers show already that another point does not explain them."""
    few = c.known[c.off][:FEW]
    if point.y.shape != c.gy.shape:
        return False
    other = compare(point, c.gy, c.got, few)
    return not np.any(other.off)


def is_near(one: Array, other: Array) -> Array:
    """Return where two arrays are equal to five digits."""
    return np.asarray(np.abs(one - other) <= 1e-5 * np.maximum(1.0, np.abs(other)))


def with_weights(c: Comparison, name: str, array: Array, x: Array | None = None) -> Point:
    """Return the same point of a copy with other weights, or with another input."""
    foreign = c.point.foreign.fresh()
    foreign.put(name, array)
    return at(foreign, c.x if x is None else x, c.name)


def _with_weight(c: Comparison, name: str, array: Array) -> Array:
    return numeric_at(c, with_weights(c, name, array))


def _kernels(c: Comparison) -> list[str]:
    """Return the weights that the gradient of x may have been computed with."""
    return [name for name, W in c.point.foreign.weights.items() if W.ndim > 1] if c.name == "x" else []


def _permutation(c: Comparison, axes: range) -> tuple[int, list[int]] | None:
    """Return the axis and the order in which the slices of the right gradient stand in the wrong one."""
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
