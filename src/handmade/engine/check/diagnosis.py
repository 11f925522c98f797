"""What a wrong gradient looks like: a small list of mistakes, each with the gradient that a layer with that mistake computes.

    guess = the first mistake in MISTAKES whose gradient equals the wrong one, to rounding

The right gradient is known number by number (`Comparison`); most mistakes are a relation to it. For the others, the numerical
gradient is taken once more in a world where the mistake is none: with flipped weights, say, or at the output.
"""

import math
from collections.abc import Callable
from itertools import combinations, permutations, product

import numpy as np

from handmade.engine.check.comparison import Comparison, Guess, same, slopes_agree, some
from handmade.engine.check.window_mistakes import overwritten, stride, ties, winner_ignored


def diagnose(c: Comparison) -> tuple[str, str]:
    """The name of the mistake, and the guess in words; two empty strings if none is recognised."""
    if not np.any(np.isfinite(c.numeric)):
        return "", ""
    with np.errstate(all="ignore"):  # some mistakes are tried on inputs that the layer was not made for
        return next(((name, words) for name, mistake in MISTAKES.items() if (words := mistake(c))), ("", ""))


def diagnose_shape(c: Comparison) -> tuple[str, str]:
    """What may have led to the wrong shape: a missing transposition, sum or reshape."""
    right, got = c.numeric, c.got
    for axes in permutations(range(right.ndim)):
        if list(axes) != sorted(axes) and right.transpose(axes).shape == got.shape and same(c, got, right.transpose(axes)):
            return "transposed", "it is transposed: the numbers are right, the axes are in another order"
    for count in range(1, got.ndim + 1):
        for axes in combinations(range(got.ndim), count):
            summed = got.sum(axis=axes)
            if summed.shape == right.shape and got.size > right.size and same(c, summed, right):
                return "not summed", f"it is not summed over {_axes(axes)}: every image and position adds to the same weight"
    if got.ndim == right.ndim and all(g >= r for g, r in zip(got.shape, right.shape, strict=True)):
        inner = tuple(slice((g - r) // 2, (g - r) // 2 + r) for g, r in zip(got.shape, right.shape, strict=True))
        if same(c, got[inner], right):
            return "crop", "the padding is still around it: crop it"
    if got.size == right.size and same(c, got.reshape(right.shape), right):
        return "shape", "the numbers are right, only the shape is not: reshape it"
    return "shape", ""


# --- relations to the right gradient ------------------------------------------------------------------------------------------


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
    """abs() somewhere."""
    return "the sign is lost: these are the absolute values" if same(c, c.got, np.abs(c.numeric)) else None


def ratio(c: Comparison) -> Guess:
    """Constant over all entries; of a single one, only if it is a number that is to be expected."""
    right, got = c.numeric.reshape(-1)[c.known], c.got.reshape(-1)[c.known]
    factor = float(np.vdot(right, got) / np.vdot(right, right)) if np.any(right) else math.nan
    images, positions = len(c.x), math.prod(c.y.shape[1:-1])
    if not math.isfinite(factor) or factor == 0 or abs(factor - 1) < 1e-4 or not same(c, c.got, factor * c.numeric):
        return None
    words = f"it is {abs(factor):.6g} times too large" if abs(factor) > 1 else f"it is {1 / abs(factor):.6g} times too small"
    words += ", everywhere" + (", and of the wrong sign" if factor < 0 else "")
    because = {
        1 / (images * positions): f"; there are {images} x {positions} images and positions: they add up, do not take the mean",
        1 / positions: f"; an output has {positions} positions: they add up, do not take the mean",
        1 / images: f"; there are {images} images: the mean over the batch belongs to the loss, do not divide again",
        float(images): f"; there are {images} images: the sum over the batch is taken twice, or the mean undone",
    }
    expected = [reason for value, reason in because.items() if math.isclose(factor, value, rel_tol=1e-5) and value != 1]
    if right.size < 3 and not expected and not math.isclose(factor, round(factor), rel_tol=1e-5):
        return None
    return words + "".join(expected[:1])


def ignores_gy(c: Comparison) -> Guess:
    """gy taken for ones, or for its mean."""
    ones = np.ones_like(c.gy)
    if same(c, c.got, c.with_gy(ones)):
        return "gy is ignored: this is the gradient of the sum of all outputs (gy = 1)"
    for axes in some(range(1, c.gy.ndim)):
        if same(c, c.got, c.with_gy(c.gy.mean(axis=axes, keepdims=True) * ones)):
            return f"gy is averaged over {_axes(axes)} before it is used"
    return None


def misread_gy(c: Comparison) -> Guess:
    """gy in reverse, or transposed."""
    for axes in some(range(c.gy.ndim)):
        if same(c, c.got, c.with_gy(np.flip(c.gy, axes))):
            return f"gy is read in reverse along {_axes(axes)}"
    for axes in permutations(range(c.gy.ndim)):
        turned = c.gy.transpose(axes)
        if list(axes) != sorted(axes) and turned.shape == c.gy.shape and same(c, c.got, c.with_gy(turned)):
            return "gy is read with its axes in another order"
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
        W = c.stranger.weights[name]
        order = axes[: W.ndim]
        if sorted(order) == list(range(W.ndim)) != list(order) and W.transpose(order).shape == W.shape:
            other = c.stranger.with_weights({name: W.transpose(order)})
            if slopes_agree(c, other, c.x):
                return f"{name} is transposed in backward where it should not be, or not where it should be"
    return None


def flipped(c: Comparison) -> Guess:
    """The gradient itself, or the weights that it was computed with."""
    for axes in some(range(c.numeric.ndim)):
        if same(c, c.got, np.flip(c.numeric, axes)):
            return f"it is flipped along {_axes(axes)}: a convolution where a correlation is needed"
    for name in _kernels(c):
        for axes in some(range(c.stranger.weights[name].ndim)):
            if slopes_agree(c, c.stranger.with_weights({name: np.flip(c.stranger.weights[name], axes)}), c.x):
                return f"{name} is flipped along {_axes(axes)} in backward, or not flipped where the transpose needs it"
    return None


def derivative_forgotten(c: Comparison) -> Guess:
    """gx = gy."""
    if c.name == "x" and c.got.shape == c.gy.shape and same(c, c.got, c.gy):
        return "gy is handed on as it is: the derivative of the layer itself is forgotten"
    return None


def derivative_elsewhere(c: Comparison) -> Guess:
    """The two ways to mix up a derivative in terms of the input and one in terms of the output."""
    if c.name != "x" or c.x.shape != c.y.shape:
        return None
    if slopes_agree(c, c.stranger, c.y):
        return "the derivative is taken at the output y, and should be taken at the input x"
    for formula, value in {"x (1 - x)": c.x * (1 - c.x), "1 - x^2": 1 - c.x**2}.items():
        if same(c, c.got, c.gy * value):
            return f"the derivative is {formula}, which wants the output y in the place of the input x"
    return None


def weight_decay(c: Comparison) -> Guess:
    """A multiple of the weights on top."""
    if c.name == "x":
        return None
    W, extra = c.stranger.weights[c.name], c.got - c.numeric
    known = np.isfinite(extra)
    factor = float(np.vdot(W[known], extra[known]) / (np.vdot(W[known], W[known]) or 1.0))
    if int(known.sum()) > 2 and factor and same(c, c.got, c.numeric + factor * W):
        return f"{factor:.6g} times the weights are added: a penalty belongs to the optimiser, not to the layer"
    return None


# --- where the errors lie -----------------------------------------------------------------------------------------------------


def crop(c: Comparison) -> Guess:
    """Shifted along an axis; what came in from outside is not compared."""
    for axis, shift in product(range(c.numeric.ndim), (1, -1, 2, -2, 3, -3)):
        size = c.shape[axis]
        if size - abs(shift) < 2:
            continue
        got, right = np.moveaxis(c.got, axis, 0), np.moveaxis(c.numeric, axis, 0)
        inner, outer = slice(max(-shift, 0), size - max(shift, 0)), slice(max(shift, 0), size + min(shift, 0))
        if same(c, got[inner], right[outer]):
            return f"it is shifted by {abs(shift)} along axis {axis}: is the padding of another axis cropped?"
    return None


def edge(c: Comparison) -> Guess:
    """Errors in the first or last rows or columns alone, of four or more."""
    places = np.unravel_index(c.known[c.off], c.shape)
    for axis, size in enumerate(c.shape):
        wrong = {int(place) for place in places[axis]}
        count = len(wrong)
        for end, indices in {"first": range(count), "last": range(size - count, size)}.items():
            if size >= 4 and 0 < 2 * count <= size and wrong == set(indices):
                return f"all is right but the {end} {count} along axis {axis}: look at loop bounds, crop and stride"
    return None


MISTAKES: dict[str, Callable[[Comparison], Guess]] = {  # the most specific first
    "ties": ties,
    "unused": unused,
    "zero": zero,
    "wrong sign": wrong_sign,
    "sign lost": sign_lost,
    "ratio": ratio,
    "derivative forgotten": derivative_forgotten,
    "derivative elsewhere": derivative_elsewhere,
    "ignores gy": ignores_gy,
    "flipped": flipped,
    "transposed": transposed,
    "misread gy": misread_gy,
    "overwritten": overwritten,
    "winner ignored": winner_ignored,
    "weight decay": weight_decay,
    "stride": stride,
    "crop": crop,
    "edge": edge,
}


# --- tools --------------------------------------------------------------------------------------------------------------------


def _kernels(c: Comparison) -> list[str]:
    """The weights that the gradient of x may have been computed with."""
    return [name for name, W in c.stranger.weights.items() if W.ndim > 1] if c.name == "x" else []


def _axes(axes: tuple[int, ...]) -> str:
    return f"{'axis' if len(axes) == 1 else 'axes'} {', '.join(map(str, axes))}"
