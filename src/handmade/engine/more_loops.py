"""The other layers as nested loops like those of `loops.py`: read that file first.

    conv2d             y[n,h,w,o] = b[o] + sum over i,j,c of W[i,j,c,o] x[n, h s + i d, w t + j e, g C/G + c], where x is padded
                       and g = o // (O/G) is the group of filter o
    leaky_relu         y = x where x > 0, else a x
    sigmoid            y = 1 / (1 + exp(-x))
    tanh               y = tanh(x)
    gelu               y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
    avg_pool2d         y[n,h,w,c] = 1/(K_h K_w) sum over i,j of x[n, h s + i, w t + j, c], where x is padded
    global_avg_pool2d  y[n,c] = 1/(H W) sum over h,w of x[n,h,w,c]
    dropout            y = x / (1 - rate) where the mask is true, else 0
    normalise          y[...,c] = W[c] (x[...,c] - m[c]) / sqrt(v[c] + epsilon) + b[c]
    statistics         m[c] = 1/V sum of x[...,c], v[c] = 1/V sum of (x[...,c] - m[c])^2, over all V values of the channel

Strides are (s, t), paddings (p, q), dilations (d, e): for rows, for columns; there are G groups.
"""

import math
from collections.abc import Callable

import numpy as np

from handmade.engine.loops import Array, Number, Pair, output_size, pad


def conv2d(
    x: Array,
    W: Array,
    b: Array,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """Slide dilated filters over images, group by group: x (N, H, W, C), W (K_h, K_w, C/G, O), b (O,) -> (N, H', W', O)."""
    x = pad(x, padding)
    N = len(x)
    K_h, K_w, C, O = W.shape  # C: the channels of one group
    s, t = stride
    d, e = dilation
    down, across = output_size(x.shape[1], (K_h - 1) * d + 1, s), output_size(x.shape[2], (K_w - 1) * e + 1, t)
    y = np.empty((N, down, across, O), np.result_type(x, W, b))
    for n in range(N):
        for h in range(down):
            for w in range(across):
                for o in range(O):
                    g = o // (O // groups)
                    total = b[o]
                    for i in range(K_h):
                        for j in range(K_w):
                            for c in range(C):
                                total += W[i, j, c, o] * x[n, h * s + i * d, w * t + j * e, g * C + c]
                    y[n, h, w, o] = total
    return y


def leaky_relu(x: Array, slope: Number = 0.01) -> Array:
    """Multiply negative numbers by a slope, in an array of any shape."""
    y = np.empty(x.shape, x.dtype)
    for at in np.ndindex(x.shape):
        y[at] = x[at] if x[at] > 0 else slope * x[at]
    return y


def sigmoid(x: Array, *, exp: Callable[[Number], Number] = math.exp) -> Array:
    """Map every number into the interval from 0 to 1, in an array of any shape."""
    y = np.empty(x.shape, x.dtype)
    for at in np.ndindex(x.shape):
        y[at] = 1 / (1 + exp(-x[at]))
    return y


def tanh(x: Array, *, tanh: Callable[[Number], Number] = math.tanh) -> Array:
    """Map every number into the interval from -1 to 1, in an array of any shape."""
    y = np.empty(x.shape, x.dtype)
    for at in np.ndindex(x.shape):
        y[at] = tanh(x[at])
    return y


def gelu(x: Array, *, tanh: Callable[[Number], Number] = math.tanh) -> Array:
    """Keep large positive numbers, and move large negative ones to 0, smoothly, in an array of any shape."""
    y = np.empty(x.shape, x.dtype)
    for at in np.ndindex(x.shape):
        u = math.sqrt(2 / math.pi) * (x[at] + 0.044715 * x[at] * x[at] * x[at])
        y[at] = x[at] / 2 * (1 + tanh(u))
    return y


def avg_pool2d(x: Array, window: Pair = (2, 2), stride: Pair = (2, 2), padding: Pair = (0, 0)) -> Array:
    """Return the mean of every window, zeros of the padding included: (N, H, W, C) -> (N, H', W', C)."""
    x = pad(x, padding)
    N, H, W, C = x.shape
    K_h, K_w = window
    s, t = stride
    down, across = output_size(H, K_h, s), output_size(W, K_w, t)
    y = np.empty((N, down, across, C), x.dtype)
    for n in range(N):
        for h in range(down):
            for w in range(across):
                for c in range(C):
                    total = 0
                    for i in range(K_h):
                        for j in range(K_w):
                            total += x[n, h * s + i, w * t + j, c]
                    y[n, h, w, c] = total / (K_h * K_w)
    return y


def global_avg_pool2d(x: Array) -> Array:
    """Return the mean of every channel over all pixels of an image: (N, H, W, C) -> (N, C)."""
    N, H, W, C = x.shape
    y = np.empty((N, C), x.dtype)
    for n in range(N):
        for c in range(C):
            total = 0
            for h in range(H):
                for w in range(W):
                    total += x[n, h, w, c]
            y[n, c] = total / (H * W)
    return y


def dropout(x: Array, mask: Array, rate: Number) -> Array:
    """Set to 0 the numbers that the mask drops, and divide the others by 1 - rate, in an array of any shape."""
    y = np.empty(x.shape, x.dtype)
    for at in np.ndindex(x.shape):
        y[at] = x[at] / (1 - rate) if mask[at] else 0 * x[at]
    return y


def statistics(x: Array) -> tuple[Array, Array]:
    """Return mean and variance of every channel over all images and pixels: (N, ..., C) -> (C,) and (C,)."""
    *positions, C = x.shape
    m, v = np.empty(C, x.dtype), np.empty(C, x.dtype)
    V = math.prod(positions)
    for c in range(C):
        total = 0
        for at in np.ndindex(*positions):
            total += x[(*at, c)]
        m[c] = total / V
        squares = 0
        for at in np.ndindex(*positions):
            squares += (x[(*at, c)] - m[c]) * (x[(*at, c)] - m[c])
        v[c] = squares / V
    return m, v


def normalise(
    x: Array,
    W: Array,
    b: Array,
    m: Array,
    v: Array,
    epsilon: Number = 1e-5,
    *,
    sqrt: Callable[[Number], Number] = math.sqrt,
) -> Array:
    """Normalise every channel, then scale and shift it: x (N, ..., C), all others (C,) -> (N, ..., C)."""
    y = np.empty(x.shape, np.result_type(x, W, b))
    for at in np.ndindex(x.shape):
        c = at[-1]
        y[at] = W[c] * (x[at] - m[c]) / sqrt(v[c] + epsilon) + b[c]
    return y
