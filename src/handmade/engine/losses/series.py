"""Cross-entropy if all logits move along one line, dz = d v, for small d: a power series in d.

    dL(d) = log(sum over k of p_k exp(c_k d)),   c = v - sum over k of t_k v_k
          = l_1 d + l_2 d^2 + l_3 d^3 + ...      (1)
    s_n = sum over k of p_k c_k^n / n!,   n l_n = n s_n - sum from k = 1 to n - 1 of k l_k s_(n-k)      (2)

The l_n are the cumulants of c under p, divided by n!; (2) is the logarithm of a power series. (1) has no axis for the classes:
each d costs two operations for each term, and no exponential.

If all |c_k d| <= x, each term of the series of -log(2 - exp(x)) is at least as large as that of (1), in units of the first-order
sum A = sum over k of p_k |c_k d|. Its n-th coefficient is less than 1.01 / (n log(2)^n). So with q = x / log(2) <= 1/4, the
remainder after J >= 2 terms is less than q^J A. It is below the rounding error of A itself if q^J is below eps / 4.
"""

import math

import numpy as np

from handmade.engine.arrays import Array

FARTHEST = 0.25  # q
FEWEST = 2  # J


def terms(q: float, dtype: np.dtype[np.floating]) -> int | None:
    """Return the number of terms of (1) that give full precision for moves up to q; None if q is too large."""
    if not q <= FARTHEST:
        return None
    count = FEWEST
    while q**count > np.finfo(dtype).eps / 4:
        count += 1
    return count


def series(p: Array, c: Array, d: Array, count: int) -> Array:
    """Return the sum of `count` terms of (1): (N, classes), (N, classes), (N, nudges) -> (N, nudges)."""
    *lower, highest = coefficients(p, c, count)
    dL = d * highest[:, None]
    for coefficient in reversed(lower):
        dL += coefficient[:, None]
        dL *= d
    return dL


def coefficients(p: Array, c: Array, count: int) -> list[Array]:
    """Return l_1 to l_count by (2): p and c (..., classes) -> each (...)."""
    power, s, l = np.ones_like(c), [np.ones_like(c[..., 0])], [np.zeros_like(c[..., 0])]
    for n in range(1, count + 1):
        power = power * c / n
        s.append((p * power).sum(axis=-1))
        l.append(s[n] - sum(k / n * l[k] * s[n - k] for k in range(1, n)))
    return l[1:]


def distance(c: Array, d: Array) -> float:
    """Return q of the largest move."""
    return float(np.abs(c).max()) * float(max(d.max(), -d.min())) / math.log(2)
