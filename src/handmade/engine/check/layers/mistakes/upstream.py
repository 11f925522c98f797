"""Mistakes with gy, the upstream gradient: ignored, partly left out, or read in another order."""

from itertools import permutations

import numpy as np

from handmade.engine.check.layers.comparison import Comparison, Guess, axis_subsets, same
from handmade.engine.check.layers.mistakes.relations import axes_in_words


def ignores_gy(c: Comparison) -> Guess:
    """Recognise ones, or a mean, instead of gy."""
    ones = np.ones_like(c.gy)
    if same(c, c.got, c.with_gy(ones)):
        return "gy is ignored: this is the gradient of the sum of all outputs (gy = 1)"
    for axes in axis_subsets(range(1, c.gy.ndim)):
        if same(c, c.got, c.with_gy(c.gy.mean(axis=axes, keepdims=True) * ones)):
            return f"gy is averaged over {axes_in_words(axes)} before it is used"
    return None


def slice_left_out(c: Comparison) -> Guess:
    """Recognise a loop over outputs that starts too late or ends too early."""
    for axis, size in enumerate(c.gy.shape):
        for end, place in (("first", 0), ("last", size - 1)):
            part = c.gy.copy()
            np.moveaxis(part, axis, 0)[place] = 0
            if size > 1 and same(c, c.got, c.with_gy(part)):
                return f"the {end} slice of gy along axis {axis} is left out: check the bounds of the loop"
    return None


def misread_gy(c: Comparison) -> Guess:
    """Recognise gy in reverse order, transposed or reshaped."""
    for axes in axis_subsets(range(c.gy.ndim)):
        if same(c, c.got, c.with_gy(np.flip(c.gy, axes))):
            return f"gy is read in reverse order along {axes_in_words(axes)}"
    for axes in permutations(range(c.gy.ndim)):
        turned = c.gy.transpose(axes)
        if list(axes) == sorted(axes):
            continue
        if turned.shape == c.gy.shape and same(c, c.got, c.with_gy(turned)):
            return "gy is read with its axes in another order"
        if same(c, c.got, c.with_gy(turned.reshape(c.gy.shape))):
            return "gy is reshaped instead of transposed"
    return None
