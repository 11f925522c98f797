"""Positions of wrong numbers that no formula explains: an edge, a channel, an image, a range of x, a kink, one position."""

from itertools import product

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.layers.comparison import Comparison, Guess, same
from handmade.engine.check.layers.mistakes.terms import is_elementwise

FEW = 3  # least number of wrong and of right numbers on the two sides of a threshold
CLEAR = 100.0  # times the tolerance: a clear error, even close to a threshold


def crop(c: Comparison) -> Guess:
    """Recognise a shift along one or two axes; numbers from outside the array are not compared."""
    axes = [axis for axis in range(1 if c.name == "x" else 0, len(c.shape)) if c.shape[axis] >= 4]
    single = [{axis: shift} for axis, shift in product(axes, (1, -1, 2, -2, 3, -3))]
    double = [
        {one: d, other: e} for one, other in product(axes, axes) if one < other for d, e in product((1, -1, 2, -2), repeat=2)
    ]
    for shifts in single + double:
        guess = c.numeric
        for axis, shift in shifts.items():
            guess = _read_from(guess, axis, shift)
        if same(c, c.got, guess):
            words = " and ".join(f"by {abs(shift)} along axis {axis}" for axis, shift in shifts.items())
            return f"it is shifted {words}: is the padding cropped on the right side, and each axis by its own padding?"
    return None


def edge(c: Comparison) -> Guess:
    """Recognise errors only in the first or last rows or columns, of four or more."""
    places = _places(c)
    for axis, size in enumerate(c.shape):
        least, most = int(places[axis].min()), int(places[axis].max())
        for end, count in (("first", most + 1), ("last", size - least)):
            if size >= 4 and 2 * count <= size and (axis > 0 or c.name != "x") and int(c.off.sum()) >= FEW:
                verb = "is" if count == 1 else "are"
                return f"only the {end} {count} along axis {axis} {verb} wrong: check loop bounds, crop and stride"
        inside = int(np.minimum(places[axis], size - 1 - places[axis]).max())
        if size >= 4 and 4 * (inside + 1) <= size and (axis > 0 or c.name != "x") and int(c.off.sum()) >= FEW:
            return f"only the first and last {inside + 1} along axis {axis} are wrong: check padding and loop bounds"
    return None


def one_channel(c: Comparison) -> Guess:
    """Recognise errors at one index of the last axis, spread over the other axes."""
    axis, places = len(c.shape) - 1, _places(c)
    wrong = {int(place) for place in places[axis]} if places else set()
    spread = all(np.ptp(places[other]) > 0 or c.shape[other] == 1 for other in range(axis))
    if len(wrong) == 1 and spread and c.shape[axis] > 2 and (int(c.off.sum()) > 1 or len(c.shape) == 1):
        return f"only index {wrong.pop()} of axis {axis} is wrong"
    return None


def one_image(c: Comparison) -> Guess:
    """Recognise errors in one image."""
    wrong = {int(place) for place in _places(c)[0]} if c.name == "x" else set()
    if len(wrong) == 1 and len(c.x) > 1 and int(c.off.sum()) > 1:
        return f"only image {wrong.pop()} of {len(c.x)} is wrong"
    return None


def one_place(c: Comparison) -> Guess:
    """Recognise a few errors among many right numbers."""
    count = int(c.off.sum())
    if 0 < count <= max(1, len(c.known) // 8) and len(c.known) >= 8:
        places = [tuple(int(i) for i in np.unravel_index(place, c.shape)) for place in c.known[c.off][:3]]
        return f"all other numbers are right; wrong: {', '.join(map(str, places))}{', ...' if count > 3 else ''}"
    return None


def at_kinks(c: Comparison) -> tuple[str, str]:
    """Return a name and a guess for errors only on kinks, outside the range of both one-sided slopes."""
    if c.name != "x" or not np.any(c.off) or not np.all(c.kinked[c.off]):
        return "", ""
    if is_elementwise(c):
        return "kink", "on the kink itself, it is not between the two one-sided slopes; elsewhere it is right"
    return "ties", "where two numbers of a window are equal, it is not between the one-sided slopes; elsewhere it is right"


def condition_on_x(c: Comparison, second: Comparison | None) -> Guess:
    """Recognise errors exactly where x is negative, positive, zero or large, on both samples together."""
    if c.name != "x" or not np.any(c.off):
        return None
    samples = [c, *([second] if second is not None and second.got.shape == second.shape else [])]
    x, off, testable, clear = (np.concatenate(parts) for parts in zip(*map(_sample, samples), strict=True))
    if not 0 < int(off.sum()) < int(testable.sum()):
        return None
    for words, holds in {"is 0": x == 0, "is negative": x < 0, "is positive": x > 0}.items():
        if np.array_equal(holds & testable, off):
            return f"it is wrong exactly where x {words}"
    if int(off.sum()) < FEW or int((testable & ~off).sum()) < FEW or not np.all(clear[off]):
        return None
    least, most, size = float(x[off].min()), float(x[off].max()), float(np.abs(x[off]).min())
    thresholds = {
        f"x is larger than about {least:.2g}": x >= least,
        f"x is smaller than about {most:.2g}": x <= most,
        f"the absolute value of x is larger than about {size:.2g}": np.abs(x) >= size,
    }
    return next(
        (f"it is wrong exactly where {words}" for words, holds in thresholds.items() if np.array_equal(holds & testable, off)),
        None,
    )


def _sample(c: Comparison) -> tuple[Array, Array, Array, Array]:
    """Return for each known number: x, and masks of wrong, of testable and of clearly wrong numbers."""
    got, right = c.got.reshape(-1)[c.known], c.numeric.reshape(-1)[c.known]
    testable = c.off | (np.abs(right) > c.tolerance) | (np.abs(got) > c.tolerance)
    with np.errstate(invalid="ignore"):
        clear = ~(np.abs(got - right) <= CLEAR * c.tolerance)
    return c.x.reshape(-1)[c.known], c.off, testable, clear


def _places(c: Comparison) -> tuple[Array, ...]:
    return np.unravel_index(c.known[c.off], c.shape) if c.shape else ()


def _read_from(array: Array, axis: int, shift: int) -> Array:
    size, target = array.shape[axis], np.full(array.shape, np.nan)
    to, out = np.moveaxis(target, axis, 0), np.moveaxis(array, axis, 0)
    to[max(-shift, 0) : size - max(shift, 0)] = out[max(shift, 0) : size + min(shift, 0)]
    return target
