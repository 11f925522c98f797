"""Finding about a wrong gradient: number of wrong values, the worst position, and the name of the mistake."""

import numpy as np

from handmade.engine.check.layers import other_inputs
from handmade.engine.check.layers.agreement import LOCALISED, Agreement, Disagreement
from handmade.engine.check.layers.comparison import Comparison
from handmade.engine.check.layers.diagnosis import UNKNOWN, Diagnosis, diagnose, diagnose_place, diagnose_shape
from handmade.engine.check.layers.mistakes.windows import ties
from handmade.engine.check.layers.report import Finding
from handmade.engine.check.layers.slopes import at
from handmade.engine.errors import HandmadeError


def wrong_shape(c: Comparison) -> Finding:
    """Return the finding about a gradient with a shape other than that of its array."""
    what = f"it has the shape {c.got.shape}: expected the shape of {c.name}, {c.shape}"
    return Finding(f"gradient of {c.name}", c.name, what, *diagnose_shape(c))


def wrong_numbers(agreement: Agreement, c: Comparison, *, continuous: bool) -> Finding:
    """Return the finding about wrong numbers."""
    got, expected = c.got.reshape(-1)[c.known], c.numeric.reshape(-1)[c.known]
    n = int(np.argmax(np.where(c.off, np.where(np.isfinite(got), np.abs(got - expected), np.inf), -1)))
    index = tuple(int(i) for i in np.unravel_index(c.known[n], c.shape))
    what = f"{int(c.off.sum()):,} of {len(c.known):,} numbers are wrong"
    if not np.isfinite(got[n]):
        what += f"; the gradient of {c.name}[{', '.join(map(str, index))}] is {got[n]}"
    name, guess = _diagnosed(agreement, c, continuous=continuous)
    return Finding(f"gradient of {c.name}", c.name, what, name, guess, index, float(got[n]), float(expected[n]))


def wrong_along(c: Comparison, found: Disagreement) -> Finding:
    """Return the finding about a gradient that is wrong along a direction, though each single number is within its bounds."""
    name, guess = ("ties", words) if (words := ties(c)) else UNKNOWN
    what = f"it is wrong along one direction ({found.direction}), though each compared number is within its bounds"
    return Finding(f"gradient of {c.name}", c.name, what, name, guess, None, found.got, found.expected)


def _diagnosed(agreement: Agreement, c: Comparison, *, continuous: bool) -> Diagnosis:
    finite = np.isfinite(c.got).reshape(-1)[c.known]
    if np.array_equal(~finite, c.off):
        return "not finite", "there is a division by zero, a logarithm of zero, or an overflow in backward"
    second = _second(agreement, c, continuous=continuous)
    linear = agreement.gradients.is_linear(c.x, c.name)
    found = diagnose(c, second, linear=linear)
    if found != UNKNOWN:
        return found
    if not linear:
        return "not linear", "backward is not linear in gy: twice the gy must give twice the gradient"
    if continuous and _is_right_alone(agreement, c):
        return "batch size", "it is right for one image alone, but wrong for several"
    return diagnose_place(c, second)


def _second(agreement: Agreement, c: Comparison, *, continuous: bool) -> Comparison | None:
    """Return the same comparison for another input and another gy; if possible, one with a wrong gradient, too."""
    gradients, second = agreement.gradients, None
    candidates = other_inputs.others(gradients.foreign, c.x, gradients.rng) if continuous else iter([c.x])
    for x in candidates:
        point = at(gradients.foreign.fresh(), x, c.name)
        second = Agreement(gradients, point, agreement.allowed).compared(LOCALISED)
        if second.got.shape == second.shape and np.any(second.off):
            break
    return second


def _is_right_alone(agreement: Agreement, c: Comparison) -> bool:
    """Return True if the gradient is right for single images: for each image with wrong numbers in the batch."""
    if len(c.x) < 2 or len(c.y) != len(c.x):
        return False
    wrong = np.unique(np.unravel_index(c.known[c.off], c.shape)[0]) if c.name == "x" else np.arange(len(c.x))
    gradients, seen = agreement.gradients, False
    try:
        for n in wrong.tolist():
            point = at(gradients.foreign.fresh(), c.x[n : n + 1], c.name)
            gy = c.gy[n : n + 1]
            alone = Agreement(gradients, point, agreement.allowed).compared(LOCALISED, gy)
            if len(point.y) != 1 or alone.got.shape != alone.shape or np.any(alone.off):
                return False
            seen |= alone.seen  # a batch norm of one image has slopes of 0, which test nothing
    except HandmadeError:
        return False
    return seen
