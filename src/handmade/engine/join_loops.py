"""Layers that read several activations, as nested loops like those of `loops.py`: read that file first.

add        y = sum over k of x_k
multiply   y = product over k of x_k
concat     y[..., first_k + c] = x_k[..., c], first_k = C_0 + ... + C_(k-1)
"""

import numpy as np

from handmade.engine.loops import Array, Number


def add(*x: Array) -> Array:
    """Add activations of one shape, element by element."""
    y = np.empty(x[0].shape, x[0].dtype)
    for at in np.ndindex(y.shape):
        total: Number = 0
        for x_k in x:
            total += x_k[at]
        y[at] = total
    return y


def multiply(*x: Array) -> Array:
    """Multiply activations of one shape, element by element."""
    y = np.empty(x[0].shape, x[0].dtype)
    for at in np.ndindex(y.shape):
        product: Number = 1
        for x_k in x:
            product *= x_k[at]
        y[at] = product
    return y


def concat(*x: Array) -> Array:
    """Concatenate the channels of activations: (N, ..., C_k) -> (N, ..., sum of C_k)."""
    channels = 0
    for x_k in x:
        channels += x_k.shape[-1]
    y = np.empty((*x[0].shape[:-1], channels), x[0].dtype)
    first = 0
    for x_k in x:
        for at in np.ndindex(x_k.shape):
            y[(*at[:-1], first + at[-1])] = x_k[at]
        first += x_k.shape[-1]
    return y
