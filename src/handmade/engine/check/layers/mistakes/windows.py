"""Mistakes of layers with sliding windows, recognised by the contribution of each output to a gradient.

    g_i = sum over outputs o of gy_o slope_oi

A mistake leaves out some of these terms, counts some twice, or adds them at the wrong position.
"""

from collections.abc import Callable
from itertools import product

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.layers.comparison import Comparison, Guess, axis_subsets, reads, same

PICKS: dict[str, Callable[[Array], int]] = {
    "the smallest number": lambda x: int(np.argmin(x)),
    "the number with the largest absolute value": lambda x: int(np.argmax(np.abs(x))),
    "the number with the smallest absolute value": lambda x: int(np.argmin(np.abs(x))),
    "the largest number": lambda x: int(np.argmax(x)),
    "the first number": lambda _: 0,
    "the last number": lambda x: len(x) - 1,
    "the mirrored position of the largest number": lambda x: len(x) - 1 - int(np.argmax(x)),
}


def overwritten(c: Comparison) -> Guess:
    """Recognise `=` instead of `+=` in loops over some of the output's axes: only the last or the first iteration counts."""
    terms = c.gy * (c.right + c.left) / 2
    for readers, loops in product((reads(c), terms != 0), axis_subsets(range(c.gy.ndim))):
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
                return f"only the {which.strip()} {what} counts: use `+=` instead of `=`"
    return None


def winner_ignored(c: Comparison) -> Guess:
    """Recognise a max-pool that spreads gy over its windows."""
    if c.name != "x":
        return None
    readers = reads(c).reshape(len(c.known), -1)
    if int(readers.sum(axis=0).max()) < 2:
        return None
    everyone, shares = readers @ c.gy.reshape(-1), (readers / np.maximum(readers.sum(axis=0), 1)) @ c.gy.reshape(-1)
    if _has_winners(c) and same(c, c.got, c.to_full(everyone)):
        return "every number of a window gets the complete gradient, but only the maximum should"
    if _has_winners(c) and same(c, c.got, c.to_full(shares)):
        return "all numbers of a window share the gradient, but only the maximum should get it"
    return None


def wrong_winner(c: Comparison) -> Guess:
    """Recognise a pool that sends gy to a number of the window other than the output of forward."""
    if c.name != "x" or len(c.known) < c.x.size or np.any(c.kinked):
        return None
    readers = reads(c).reshape(len(c.known), -1)
    slopes, x, gy = ((c.right + c.left) / 2).reshape(len(c.known), -1), c.x.reshape(-1), c.gy.reshape(-1)
    if int(readers.sum(axis=0).max()) < 2 or not np.allclose(slopes.sum(axis=0), slopes.sum(axis=0)[0], rtol=1e-4, atol=1e-6):
        return None
    for words, pick in PICKS.items():
        guess = np.zeros(c.x.size)
        for o in range(readers.shape[1]):
            inside = np.flatnonzero(readers[:, o])
            if len(inside):
                guess[inside[pick(x[inside])]] += gy[o] * slopes[:, o].sum()
        if same(c, c.got, guess.reshape(c.shape)):
            return f"in each window, the gradient goes to {words}"
    right, got = np.sort(c.numeric, axis=None), np.sort(c.got, axis=None)
    if c.y.size < c.x.size and _has_winners(c) and np.all(np.abs(right - got) <= 2 * float(c.tolerance.max())):
        return "in some windows, the gradient goes to a number other than the output of forward"
    return None


def ties(c: Comparison) -> Guess:
    """Recognise a tie whose gradients have a wrong sum, though each lies between its two one-sided slopes."""
    if c.name != "x" or not np.any(c.kinked) or np.any(c.off) or not _chooses(c):
        return None
    got = c.got.reshape(-1)[c.known]
    right, left = ((c.gy * side).reshape(len(c.known), -1).sum(axis=1) for side in (c.right, c.left))
    limit = 2 * c.tolerance
    if np.all(np.abs(got - right) <= limit) and np.any(np.abs(got - left) > limit):
        return "every maximum of a tie gets the complete gradient; only one of them should get it, or they should share it"
    return "where numbers of a window are equal, the sum of their gradients differs from that of the window"


def _chooses(c: Comparison) -> bool:
    """Return True if outputs have kinks where several numbers are equal: a maximum, not an activation."""
    kinked = (c.right != c.left).reshape(len(c.known), -1)
    return bool(np.any(kinked.sum(axis=0) > 1))


def stride(c: Comparison) -> Guess:
    """Recognise a wrong stride: the contribution of output w is moved by w d along one or two axes."""
    if c.name != "x" or c.x.ndim != c.y.ndim or len(c.known) < c.x.size:
        return None
    terms = (c.gy * (c.right + c.left) / 2).reshape(*c.x.shape, *c.y.shape)
    axes = [axis for axis in range(1, c.x.ndim) if c.y.shape[axis] > 1]
    choices: list[dict[int, int]] = [{axis: d} for axis in axes for d in (-3, -2, -1, 1, 2, 3)]
    choices += [
        {one: d, other: e} for one, other in product(axes, axes) if one < other for d, e in product((-2, -1, 1, 2), repeat=2)
    ]
    for steps in choices:
        moved = np.zeros(c.x.shape)
        for places in product(*(range(c.y.shape[axis]) for axis in steps)):
            part = terms
            for axis, place in sorted(zip(steps, places, strict=True), reverse=True):
                part = np.take(part, place, axis=c.x.ndim + axis)
            part = part.reshape(*c.x.shape, -1).sum(axis=-1)
            moved += shifted(part, {axis: place * steps[axis] for axis, place in zip(steps, places, strict=True)})
        if same(c, c.got, moved):
            words = " and ".join(f"{abs(d)} too {'far' if d > 0 else 'close'} along axis {axis}" for axis, d in steps.items())
            return f"the stride is wrong: windows lie {words}"
    return None


def shifted(array: Array, shifts: dict[int, int]) -> Array:
    """Return an array moved along some axes, with zeros at the free positions."""
    moved = array
    for axis, shift in shifts.items():
        size, target = array.shape[axis], np.zeros_like(moved)
        if abs(shift) < size:
            to, out = np.moveaxis(target, axis, 0), np.moveaxis(moved, axis, 0)
            to[max(shift, 0) : size + min(shift, 0)] = out[max(-shift, 0) : size - max(shift, 0)]
        moved = target
    return moved


def _has_winners(c: Comparison) -> bool:
    """Return True if each output changes with only one number of its window."""
    slopes = np.abs((c.right + c.left) / 2).reshape(len(c.known), -1)
    return bool(
        np.all((slopes > 0.5 * slopes.max()).sum(axis=0) <= 1) and np.allclose(slopes.sum(axis=0), slopes.max(axis=0), atol=1e-6)
    )
