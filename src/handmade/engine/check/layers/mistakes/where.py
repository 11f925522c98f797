"""Places of wrong numbers that no formula explains: an edge, a channel, an image, a side of x, a kink, one place."""

from itertools import product

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.layers.comparison import Comparison, Guess, same
from handmade.engine.check.layers.mistakes.terms import is_elementwise

FEW = 3  # wrong and right numbers that a threshold must part
CLEAR = 100.0  # times the tolerance: errors that do not shrink towards a threshold


def crop(c: Comparison) -> Guess:
    """Shifted along an axis, or along two; what came in from outside is not compared."""
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
            return f"it is shifted {words}: is the padding cropped on the right side, and each axis by its own?"
    return None


def edge(c: Comparison) -> Guess:
    """Errors in the first or last rows or columns alone, of four or more."""
    places = _places(c)
    for axis, size in enumerate(c.shape):
        least, most = int(places[axis].min()), int(places[axis].max())
        for end, count in (("first", most + 1), ("last", size - least)):
            if size >= 4 and 2 * count <= size and (axis > 0 or c.name != "x") and int(c.off.sum()) >= FEW:
                return f"all is right but the {end} {count} along axis {axis}: look at loop bounds, crop and stride"
        inside = int(np.minimum(places[axis], size - 1 - places[axis]).max())
        if size >= 4 and 4 * (inside + 1) <= size and (axis > 0 or c.name != "x") and int(c.off.sum()) >= FEW:
            return f"all is right but the first and the last {inside + 1} along axis {axis}: look at padding and loop bounds"
    return None


def one_channel(c: Comparison) -> Guess:
    """Errors at one index of the last axis, and at more than one of all others."""
    axis, places = len(c.shape) - 1, _places(c)
    wrong = {int(place) for place in places[axis]} if places else set()
    spread = all(np.ptp(places[other]) > 0 or c.shape[other] == 1 for other in range(axis))
    if len(wrong) == 1 and spread and c.shape[axis] > 2 and (int(c.off.sum()) > 1 or len(c.shape) == 1):
        return f"all is right but index {wrong.pop()} of axis {axis}"
    return None


def one_image(c: Comparison) -> Guess:
    """Errors in one image."""
    wrong = {int(place) for place in _places(c)[0]} if c.name == "x" else set()
    if len(wrong) == 1 and len(c.x) > 1 and int(c.off.sum()) > 1:
        return f"all is right but image {wrong.pop()} of {len(c.x)}"
    return None


def one_place(c: Comparison) -> Guess:
    """A few errors among many numbers that are right."""
    count = int(c.off.sum())
    if 0 < count <= max(1, len(c.known) // 8) and len(c.known) >= 8:
        places = [tuple(int(i) for i in np.unravel_index(place, c.shape)) for place in c.known[c.off][:3]]
        return f"all is right but {', '.join(map(str, places))}{', ...' if count > 3 else ''}"
    return None


def at_kinks(c: Comparison) -> tuple[str, str]:
    """Return a guess about errors that lie on kinks alone: outside of what both one-sided slopes allow."""
    if c.name != "x" or not np.any(c.off) or not np.all(c.kinked[c.off]):
        return "", ""
    if is_elementwise(c):
        return "kink", "on the kink itself, it is outside of the two one-sided slopes; elsewhere it is right"
    return "ties", "where two numbers of a window are equal, it is outside of the one-sided slopes; elsewhere it is right"


def condition_on_x(c: Comparison, second: Comparison | None) -> Guess:
    """Errors exactly where x is negative, positive, zero or large, on both samples together."""
    if c.name != "x" or not np.any(c.off):
        return None
    samples = [c, *([second] if second is not None and second.got.shape == second.shape else [])]
    x, off, told, clear = (np.concatenate(parts) for parts in zip(*map(_sample, samples), strict=True))
    if not 0 < int(off.sum()) < int(told.sum()):
        return None
    for words, holds in {"is 0": x == 0, "is negative": x < 0, "is positive": x > 0}.items():
        if np.array_equal(holds & told, off):
            return f"it is wrong exactly where x {words}"
    if int(off.sum()) < FEW or int((told & ~off).sum()) < FEW or not np.all(clear[off]):
        return None
    least, most, size = float(x[off].min()), float(x[off].max()), float(np.abs(x[off]).min())
    thresholds = {
        f"x is larger than about {least:.2g}": x >= least,
        f"x is smaller than about {most:.2g}": x <= most,
        f"the absolute value of x is larger than about {size:.2g}": np.abs(x) >= size,
    }
    return next(
        (f"it is wrong exactly where {words}" for words, holds in thresholds.items() if np.array_equal(holds & told, off)), None
    )


def _sample(c: Comparison) -> tuple[Array, Array, Array, Array]:
    """Return x, where the gradient is wrong, where it can be told, and where it is clearly wrong; for each known number."""
    got, right = c.got.reshape(-1)[c.known], c.numeric.reshape(-1)[c.known]
    told = c.off | (np.abs(right) > c.tolerance) | (np.abs(got) > c.tolerance)
    with np.errstate(invalid="ignore"):
        clear = ~(np.abs(got - right) <= CLEAR * c.tolerance)
    return c.x.reshape(-1)[c.known], c.off, told, clear


def _places(c: Comparison) -> tuple[Array, ...]:
    return np.unravel_index(c.known[c.off], c.shape) if c.shape else ()


def _read_from(array: Array, axis: int, shift: int) -> Array:
    size, target = array.shape[axis], np.full(array.shape, np.nan)
    to, out = np.moveaxis(target, axis, 0), np.moveaxis(array, axis, 0)
    to[max(-shift, 0) : size - max(shift, 0)] = out[max(shift, 0) : size + min(shift, 0)]
    return target
