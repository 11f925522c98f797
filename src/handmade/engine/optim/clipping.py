"""Gradients that are too long are made shorter: all together, g <- g min(1, largest / |g|), or number by number.

Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent neural networks", ICML, algorithm 1; |g| is the norm of
all gradients as one long vector. What is infinite or NaN stays so: training looks for it, and a clip must not hide an overflow.
"""

import math

import numpy as np

from handmade.engine.arguments import described, refused
from handmade.engine.arrays import Array
from handmade.engine.optim.checks import POSITIVE, checked

CACHED = 2**14  # numbers
SMALLEST = 1e-280  # a sum of squares below which single ones may have lost digits, or vanished


def clip_by_norm(gradients: dict[str, Array], largest: float) -> tuple[dict[str, Array], float]:
    """Shorten the gradient as a whole; its direction stays.

    Parameters
    ----------
    gradients : dict of Array
        They are not changed.
    largest : float
        The longest norm that may pass, above 0.

    Returns
    -------
    gradients : dict of Array
        As they came if their norm is at most `largest`, or is infinite or NaN.
    norm : float
        The norm as it was.

    Raises
    ------
    HandmadeError
        If `largest` is outside its range.
    """
    bound = checked("largest", largest, POSITIVE)
    norm = global_norm(gradients)
    if not bound < norm < math.inf:
        return gradients, norm
    return {name: np.multiply(g, bound / norm, dtype=np.float64).astype(g.dtype) for name, g in gradients.items()}, norm


def clip_by_value(gradients: dict[str, Array], largest: float) -> dict[str, Array]:
    """Bring every number that is beyond `largest` or `-largest` back to it, unless it is infinite or NaN.

    Parameters
    ----------
    gradients : dict of Array
        They are not changed.
    largest : float
        Above 0.

    Raises
    ------
    HandmadeError
        If `largest` is outside its range.
    """
    bound = checked("largest", largest, POSITIVE)
    check_gradients(gradients)
    return {name: _clip(g, bound) for name, g in gradients.items()}


def global_norm(gradients: dict[str, Array]) -> float:
    """|g|: the root of the sum of all squares, in float64."""
    check_gradients(gradients)
    with np.errstate(over="ignore", under="ignore"):  # what does not fit is looked at again below
        squares = sum(map(_squares, gradients.values()))
    if SMALLEST < squares < math.inf:
        return math.sqrt(squares)
    longest = float(np.max([np.abs(g).max(initial=0) for g in gradients.values()], initial=0))
    if not 0 < longest < math.inf:
        return longest
    # Divided by the longest, no square overflows, and not all of them can vanish.
    squares = sum(float(np.square(np.divide(g, longest, dtype=np.float64)).sum()) for g in gradients.values())
    return longest * math.sqrt(squares)


def check_gradients(gradients: object) -> None:
    """Raise HandmadeError unless these are gradients by the names of the weights."""
    if not isinstance(gradients, dict):
        raise refused("gradients", "a dict of arrays by the names of the weights", described(gradients))


def _squares(g: Array) -> float:
    """The sum of the squares, in float64, of so many numbers at a time that these stay in the cache."""
    numbers, total = g.reshape(-1), 0.0
    for first in range(0, g.size, CACHED):
        some = numbers[first : first + CACHED].astype(np.float64)
        total += float(some @ some)
    return total


def _clip(g: Array, bound: float) -> Array:
    bound = min(bound, float(np.finfo(g.dtype).max))  # a bound that float32 cannot hold clips nothing there
    return np.where(np.isfinite(g), np.clip(g, -bound, bound), g)
