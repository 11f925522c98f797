"""Var W = 2 / fan_in: the spread of weights at which a ReLU network keeps the scale of its signals.

He, Zhang, Ren & Sun (2015), "Delving Deep into Rectifiers", ICCV, equation 10.
"""

import math

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError

MOST_WEIGHTS = 2**28  # 1 GiB of float32 in one array: beyond it a size is far more likely a slip than a wish


def he(rng: "np.random.Generator", shape: Shape, dtype: DTypeLike = np.float32) -> Array:
    """Draw the weights of one layer; every axis but the last feeds in, the last is the output channel.

    Parameters
    ----------
    rng : np.random.Generator
        Where the randomness comes from.
    shape : tuple of int
        (..., outputs), as in `Conv2d.W` (K_h, K_w, C, O) and `Linear.W` (in, out).
    dtype : dtype
        float32 or float64. Both are drawn in float64 and then rounded, so they start from the same network.

    Raises
    ------
    HandmadeError
        If the array would hold more than 2**28 weights; nothing has been allocated then.
    """
    fan_in = check_size(shape) // shape[-1]
    return (rng.standard_normal(shape) * math.sqrt(2 / fan_in)).astype(dtype)


def check_size(shape: Shape) -> int:
    """Return the number of weights of an array; raise HandmadeError if there are too many for one layer."""
    size = math.prod(shape)
    if size > MOST_WEIGHTS:
        raise HandmadeError(f"{size:,} weights of shape {shape} are more than the {MOST_WEIGHTS:,} that one layer may have")
    return size
