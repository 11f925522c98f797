"""Name of a mistake: a guess that explains a wrong gradient on two independent samples.

guess = the first mistake whose gradient equals the wrong one, but not the right one, on both samples
"""

from itertools import combinations, permutations

import numpy as np

from handmade.engine.check.layers.comparison import Comparison, equal_where_known
from handmade.engine.check.layers.mistakes import FORMULAS, PLACES
from handmade.engine.check.layers.mistakes.positions import at_kinks, condition_on_x
from handmade.engine.check.layers.mistakes.relations import axes_in_words

Diagnosis = tuple[str, str]
UNKNOWN: Diagnosis = ("", "")
NOT_LINEAR = ("zero", "sign lost")  # mistakes after which backward is not linear


def diagnose(first: Comparison, second: Comparison | None, *, linear: bool) -> Diagnosis:
    """Return the name of the mistake, and the guess as text; two empty strings if none is recognised.

    `second` has another input and another gy; None if there is none, as for a layer that accepts one input only. If backward is
    not `linear` in gy, few mistakes are possible.
    """
    with np.errstate(all="ignore"):  # some mistakes are tried on inputs outside the layer's domain
        usable = second is not None and second.got.shape == second.shape and bool(np.any(second.off))
        for name in FORMULAS if linear else NOT_LINEAR:
            mistake = FORMULAS[name]
            words = mistake(first)
            if words and (second is None or (usable and mistake(second) == words)):
                return name, words
    return UNKNOWN


def diagnose_place(first: Comparison, second: Comparison | None) -> Diagnosis:
    """Return the position of the errors, as a name and as text, if it is the same on both samples."""
    name, words = at_kinks(first)
    if words:
        return name, words
    if not first.shape:
        return UNKNOWN
    condition = condition_on_x(first, second)
    if condition:
        return "condition on x", condition
    usable = second is not None and second.got.shape == second.shape and bool(np.any(second.off))
    for name, mistake in PLACES.items():
        guess = mistake(first)
        if guess and (second is None or (usable and mistake(second) == guess)):
            return name, guess
    return UNKNOWN


def diagnose_shape(c: Comparison) -> Diagnosis:
    """Return a possible cause of the wrong shape: a missing transposition, sum or reshape."""
    right, got = c.numeric, c.got
    for axes in permutations(range(right.ndim)):
        if (
            list(axes) != sorted(axes)
            and right.transpose(axes).shape == got.shape
            and equal_where_known(c, got, right.transpose(axes))
        ):
            return "transposed", "it is transposed: the numbers are right, but the axes are in another order"
    for count in range(1, got.ndim + 1):
        for axes in combinations(range(got.ndim), count):
            summed = got.sum(axis=axes)
            if got.size > right.size and summed.shape == right.shape and equal_where_known(c, summed, right):
                return (
                    "not summed",
                    f"it is not summed over {axes_in_words(axes)}: every image and position contributes to the same weight",
                )
    if got.ndim == right.ndim and all(g >= r for g, r in zip(got.shape, right.shape, strict=True)):
        inner = tuple(slice((g - r) // 2, (g - r) // 2 + r) for g, r in zip(got.shape, right.shape, strict=True))
        if equal_where_known(c, got[inner], right):
            return "crop", "it still includes the padding: crop it"
    if got.size == right.size and equal_where_known(c, got.reshape(right.shape), right):
        return "shape", "the numbers are right, only the shape is wrong: reshape it"
    return "shape", ""
