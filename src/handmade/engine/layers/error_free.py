"""Error-free transformations: the rounding error of a sum or a product, as a second number.

    two_sum(a, b)      s + e = a + b exactly,   s = fl(a + b)
    two_product(a, b)  p + e = a b exactly,     p = fl(a b), unless e underflows

Layers use them where a sum decides a branch, and where it may cancel. An error of infinity or NaN, from an overflow, counts as 0.

Knuth (1998), "The Art of Computer Programming", volume 2, third edition, section 4.2.2, theorem B; Dekker (1971), "A
Floating-Point Technique for Extending the Available Precision", Numerische Mathematik 18.
"""

from typing import Any

import numpy as np

from handmade.engine.arrays import Array


def two_sum(a: Any, b: Any) -> tuple[Array, Array]:
    """Return the rounded sum of two numbers of one dtype, and its error."""
    with np.errstate(over="ignore", invalid="ignore"):
        s = a + b
        part = s - a
        return s, _finite((a - (s - part)) + (b - part))


def two_product(a: Any, b: Any) -> tuple[Array, Array]:
    """Return the rounded product of two numbers of one dtype, and its error."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        p = a * b
        (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
        return p, _finite(((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low)


def _halves(a: Any) -> tuple[Array, Array]:
    """Return two numbers of half the digits each, whose sum is a."""
    digits = np.finfo(np.asarray(a).dtype).nmant + 1
    high = a * (2.0 ** -(-digits // 2) + 1)
    high = high - (high - a)
    return high, a - high


def _finite(error: Array) -> Array:
    return np.where(np.isfinite(error), error, 0)
