"""Windows with every setting as nested loops like those of `loops.py`: read that file first.

    conv2d             y[n,h,w,o] = b[o] + sum over i,j,c of W[i,j,c,o] x[n, h s + i d - p, w t + j e - q, g C/G + c]
    max_pool2d         y[n,h,w,c] = max over i,j of x[n, h s + i d - p, w t + j e - q, c]
    avg_pool2d         y[n,h,w,c] = 1/K sum over i,j of x[n, h s + i d - p, w t + j e - q, c]
    global_max_pool2d  y[n,c] = max over h,w of x[n,h,w,c]

Strides are (s, t), dilations (d, e), paddings ((p, p'), (q, q')): above and below, left and right. Outside the image, x is 0, or
-infinity for a maximum. g = o // (O/G) is the group of filter o. K is the number of places of the window in the padded image, or
in the image alone.
"""

import math

import numpy as np

from handmade.engine.loops import Array, Pair

Sides = tuple[Pair, Pair]  # (above, below), (left, right)
NONE: Sides = ((0, 0), (0, 0))


def windows(size: int, window: int, stride: int, sides: Pair, dilation: int, *, ceil_mode: bool) -> int:
    """Return the number of positions of a window along one axis of `size` pixels.

    A window lies in the padded image. With `ceil_mode`, one more window reads what is left over behind them, if it begins in the
    image or in the padding before it.
    """
    before, behind = sides
    end = before + size + behind
    number = 0
    while number * stride + (window - 1) * dilation < end:
        number += 1
    last = (number - 1) * stride + (window - 1) * dilation  # what the last window reads
    if ceil_mode and last < end - 1 and number * stride < before + size:
        number += 1
    return number


def conv2d(
    x: Array,
    W: Array,
    b: Array,
    stride: Pair = (1, 1),
    padding: Sides = NONE,
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """Slide filters over images: x (N, H, W, C), W (K_h, K_w, C/G, O), b (O,) -> (N, H', W', O)."""
    N, H, width, _ = x.shape
    K_h, K_w, C, O = W.shape  # C: the channels of one group
    (s, t), (d, e), ((p, _), (q, _)) = stride, dilation, padding
    down = windows(H, K_h, s, padding[0], d, ceil_mode=False)
    across = windows(width, K_w, t, padding[1], e, ceil_mode=False)
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
                                row, column = h * s + i * d - p, w * t + j * e - q
                                if 0 <= row < H and 0 <= column < width:
                                    total += W[i, j, c, o] * x[n, row, column, g * C + c]
                    y[n, h, w, o] = total
    return y


def max_pool2d(
    x: Array,
    window: Pair,
    stride: Pair,
    padding: Sides = NONE,
    dilation: Pair = (1, 1),
    *,
    ceil_mode: bool = False,
) -> Array:
    """Return the largest pixel of every window: (N, H, W, C) -> (N, H', W', C)."""
    N, H, W, C = x.shape
    (s, t), (d, e), ((p, _), (q, _)) = stride, dilation, padding
    down = windows(H, window[0], s, padding[0], d, ceil_mode=ceil_mode)
    across = windows(W, window[1], t, padding[1], e, ceil_mode=ceil_mode)
    y = np.empty((N, down, across, C), x.dtype)
    for n in range(N):
        for h in range(down):
            for w in range(across):
                for c in range(C):
                    largest = -math.inf
                    for i in range(window[0]):
                        for j in range(window[1]):
                            row, column = h * s + i * d - p, w * t + j * e - q
                            if 0 <= row < H and 0 <= column < W:
                                largest = max(largest, x[n, row, column, c])
                    y[n, h, w, c] = largest
    return y


def avg_pool2d(
    x: Array,
    window: Pair,
    stride: Pair,
    padding: Sides = NONE,
    dilation: Pair = (1, 1),
    *,
    ceil_mode: bool = False,
    count_padding: bool = True,
) -> Array:
    """Return the mean of every window: (N, H, W, C) -> (N, H', W', C)."""
    N, H, W, C = x.shape
    (s, t), (d, e), ((p, below), (q, right)) = stride, dilation, padding
    down = windows(H, window[0], s, padding[0], d, ceil_mode=ceil_mode)
    across = windows(W, window[1], t, padding[1], e, ceil_mode=ceil_mode)
    y = np.empty((N, down, across, C), x.dtype)
    for n in range(N):
        for h in range(down):
            for w in range(across):
                for c in range(C):
                    total = 0
                    K = 0
                    for i in range(window[0]):
                        for j in range(window[1]):
                            row, column = h * s + i * d - p, w * t + j * e - q
                            if 0 <= row < H and 0 <= column < W:
                                total += x[n, row, column, c]
                                K += 1
                            elif count_padding and row < H + below and column < W + right:
                                K += 1
                    y[n, h, w, c] = total / K
    return y


def global_max_pool2d(x: Array) -> Array:
    """Return the largest number of every channel of an image: (N, H, W, C) -> (N, C)."""
    N, H, W, C = x.shape
    y = np.empty((N, C), x.dtype)
    for n in range(N):
        for c in range(C):
            largest = -math.inf
            for h in range(H):
                for w in range(W):
                    largest = max(largest, x[n, h, w, c])
            y[n, c] = largest
    return y
