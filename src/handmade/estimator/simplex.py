"""Probabilities that are nearest to some numbers: the Euclidean projection onto the probability simplex.

    p_k = max(z_k - t, 0),   t such that sum over k of p_k = 1

The order of the numbers stays the same, and numbers that are probabilities already do not change.

Duchi et al. (2008), "Efficient Projections onto the l1-Ball for Learning in High Dimensions", ICML, figure 1.
"""

import numpy as np

from handmade.engine.arrays import Array


def nearest_probabilities(z: Array) -> Array:
    """Return the probabilities nearest to each row of z (N, K)."""
    largest_first = -np.sort(-z, axis=1)
    surplus = largest_first.cumsum(axis=1) - 1  # of the sum of the first numbers over 1
    counts = np.arange(1, z.shape[1] + 1)
    last = (largest_first > surplus / counts).sum(axis=1) - 1  # index of the smallest number that stays above 0
    t = surplus[np.arange(len(z)), last] / counts[last]
    p: Array = np.maximum(z - t[:, None], 0)
    p /= p.sum(axis=1, keepdims=True)  # rounding
    return p
