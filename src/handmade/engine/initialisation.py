"""He initialisation: Var W = 2 / fan_in, the variance at which activations of a ReLU network keep their scale.

He, Zhang, Ren & Sun (2015), "Delving Deep into Rectifiers", ICCV, equation 10.
"""

import math

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError

MOST_WEIGHTS = 2**28  # 1 GiB of float32 in one array: a larger size is most likely a mistake


def he(rng: "np.random.Generator", shape: Shape, dtype: DTypeLike = np.float32) -> Array:
    """Draw the weights of one layer. The last axis is the output channel; fan_in is the product of all other axes.

    Parameters
    ----------
    rng : np.random.Generator
        Source of the random numbers.
    shape : tuple of int
        (..., outputs), as in `Conv2d.W` (K_h, K_w, C, O) and `Linear.W` (in, out).
    dtype : dtype
        float32 or float64. Both are drawn in float64 and then rounded, so both start from the same network.

    Raises
    ------
    HandmadeError
        If the array would hold more than 2**28 weights. No memory has been allocated then.
    """
    fan_in = check_size(shape) // shape[-1]
    return (rng.standard_normal(shape) * math.sqrt(2 / fan_in)).astype(dtype)


def check_size(shape: Shape) -> int:
    """Return the number of weights of an array; raise HandmadeError if there are too many for one layer."""
    size = math.prod(shape)
    if size > MOST_WEIGHTS:
        raise HandmadeError(f"{size:,} weights of shape {shape} are more than the {MOST_WEIGHTS:,} that one layer may have")
    return size
