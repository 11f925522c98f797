"""Mistakes of layers that slide windows: seen in what each number of the output contributes to a gradient.

    g_i = sum over outputs o of gy_o slope_oi

A mistake drops some of these terms, counts too many, or puts them in the wrong place.
"""

from itertools import product

import numpy as np

from handmade.engine.check.comparison import Comparison, Guess, reads, same, some


def overwritten(c: Comparison) -> Guess:
    """`=` for `+=` in loops over some of the output's axes keeps one turn of these loops: the last, or the first."""
    terms, readers = c.gy * (c.right + c.left) / 2, reads(c)
    for loops in some(range(c.gy.ndim)):
        rest = tuple(1 + axis for axis in range(c.gy.ndim) if axis not in loops)
        each = terms.sum(axis=rest).reshape(len(c.known), -1)
        read = readers.any(axis=rest).reshape(len(c.known), -1)
        rows, turns = np.arange(len(each)), each.shape[1]
        latest, earliest = turns - 1 - np.argmax(read[:, ::-1], axis=1), np.argmax(read, axis=1)
        for which, kept in {
            "last": each[rows, latest],
            "first": each[rows, earliest],
            "last ": each[:, -1],
            "first ": each[:, 0],
        }.items():
            if same(c, c.got, c.to_full(kept)):
                what = "image" if loops == (0,) else "of the windows" if c.name == "x" else "contribution"
                return f"only the {which.strip()} {what} counts: `=` where `+=` is needed"
    return None


def winner_ignored(c: Comparison) -> Guess:
    """A pool that spreads gy over its windows."""
    everyone = (c.gy * reads(c)).reshape(len(c.known), -1).sum(axis=1)
    if c.name == "x" and same(c, c.got, c.to_full(everyone)):
        return "every number of a window gets the whole gradient, and only the winner should"
    return None


def ties(c: Comparison) -> Guess:
    """Every winner of a tie counted as the only one: each number is a right-hand slope, and together they are too much."""
    if c.name == "x" and np.any(c.kinked) and not np.any(c.off):
        got = c.got.reshape(-1)[c.known]
        right, left = ((c.gy * side).reshape(len(c.known), -1).sum(axis=1) for side in (c.right, c.left))
        limit = 2 * c.tolerance
        if np.all(np.abs(got - right) <= limit) and np.any(np.abs(got - left) > limit):
            return "every winner of a tie gets the whole gradient; one should take it, or they should share it"
    return None


def stride(c: Comparison) -> Guess:
    """What output w contributes lands w d further along an axis: the step between windows is off by d."""
    if c.name != "x" or c.x.ndim != c.y.ndim or len(c.known) < c.x.size:
        return None
    terms = (c.gy * (c.right + c.left) / 2).reshape(*c.x.shape, *c.y.shape)
    for axis, d in product(range(1, c.x.ndim), (-2, -1, 1, 2)):
        size, moved = c.x.shape[axis], np.zeros(c.x.shape)
        for w in range(c.y.shape[axis]):
            part = np.moveaxis(np.take(terms, w, axis=c.x.ndim + axis).reshape(*c.x.shape, -1).sum(axis=-1), axis, 0)
            target, shift = np.moveaxis(moved, axis, 0), w * d
            if abs(shift) < size:
                target[max(shift, 0) : size + min(shift, 0)] += part[max(-shift, 0) : size - max(shift, 0)]
        if same(c, c.got, moved):
            return f"the stride is mistaken along axis {axis}: windows stand {abs(d)} too {'far' if d > 0 else 'close'}"
    return None
