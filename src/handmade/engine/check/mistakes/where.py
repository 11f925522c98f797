"""Where the wrong numbers lie, if no formula explains them: an edge, a channel, an image, a side of x, one place."""

from itertools import product

import numpy as np

from handmade.engine.check.comparison import Comparison, Guess, same


def crop(c: Comparison) -> Guess:
    """Shifted along an axis; what came in from outside is not compared."""
    for axis, shift in product(range(1 if c.name == "x" else 0, c.numeric.ndim), (1, -1, 2, -2, 3, -3)):
        size = c.shape[axis]
        if size - abs(shift) < 2 or size < 4:
            continue
        guess = np.full(c.shape, np.nan)
        to, out = np.moveaxis(guess, axis, 0), np.moveaxis(c.numeric, axis, 0)
        to[max(-shift, 0) : size - max(shift, 0)] = out[max(shift, 0) : size + min(shift, 0)]
        if same(c, c.got, guess):
            return f"it is shifted by {abs(shift)} along axis {axis}: is the padding of another axis cropped?"
    return None


def edge(c: Comparison) -> Guess:
    """Errors in the first or last rows or columns alone, of four or more."""
    places = np.unravel_index(c.known[c.off], c.shape)
    for axis, size in enumerate(c.shape):
        wrong = {int(place) for place in places[axis]}
        count = len(wrong)
        for end, indices in {"first": range(count), "last": range(size - count, size)}.items():
            if size >= 4 and 0 < 2 * count <= size and wrong == set(indices) and (axis > 0 or c.name != "x"):
                return f"all is right but the {end} {count} along axis {axis}: look at loop bounds, crop and stride"
    return None


def one_channel(c: Comparison) -> Guess:
    """Errors at one index of the last axis, or of the second of images that are stored with channels first."""
    places = np.unravel_index(c.known[c.off], c.shape)
    for axis in {len(c.shape) - 1, 1 if len(c.shape) > 2 else len(c.shape) - 1}:
        wrong = {int(place) for place in places[axis]} if len(c.shape) else set()
        if len(wrong) == 1 and c.shape[axis] > 2 and int(c.off.sum()) > 1:
            return f"all is right but index {wrong.pop()} of axis {axis}"
    return None


def one_image(c: Comparison) -> Guess:
    """Errors in one image."""
    wrong = {int(place) for place in np.unravel_index(c.known[c.off], c.shape)[0]} if c.name == "x" else set()
    if len(wrong) == 1 and len(c.x) > 1 and int(c.off.sum()) > 1:
        return f"all is right but image {wrong.pop()} of {len(c.x)}"
    return None


def condition_on_x(c: Comparison) -> Guess:
    """Errors exactly where x is negative, positive, zero or large."""
    if c.name != "x":
        return None
    x, off = c.x.reshape(-1)[c.known], c.off
    told = off | (np.abs(c.numeric.reshape(-1)[c.known]) > c.tolerance) | (np.abs(c.got.reshape(-1)[c.known]) > c.tolerance)
    least = float(np.abs(x[off]).min())
    conditions = {
        "x is 0": x == 0,
        "x is negative": x < 0,
        "x is positive": x > 0,
        f"x is larger than about {x[off].min():.2g}": x >= x[off].min(),
        f"x is smaller than about {x[off].max():.2g}": x <= x[off].max(),
        f"the absolute value of x is larger than about {least:.2g}": np.abs(x) >= least,
    }
    for words, holds in conditions.items():
        if (
            np.array_equal(holds & told, off)
            and 0 < int(off.sum()) < int(told.sum())
            and (int(off.sum()) > 1 or words == "x is 0")
        ):
            return f"it is wrong exactly where {words}"
    return None


def one_place(c: Comparison) -> Guess:
    """A few errors among many numbers that are right."""
    count = int(c.off.sum())
    if 0 < count <= max(1, len(c.known) // 16) and len(c.known) >= 8:
        places = [tuple(int(i) for i in np.unravel_index(place, c.shape)) for place in c.known[c.off][:3]]
        return f"all is right but {', '.join(map(str, places))}{', ...' if count > 3 else ''}"
    return None
