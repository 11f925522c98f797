"""Sliding windows over images (N, H, W, C), as views: nothing is copied before they are read."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from handmade.engine.arrays import Array, Padding, Pair, Sides

SHORT = 16  # numbers: shorter blocks are slow to copy one by one


def sides_of(padding: Padding) -> Sides:
    """Return the padding of each side, ((top, bottom), (left, right))."""
    rows, columns = padding
    return (
        rows if isinstance(rows, tuple) else (rows, rows),
        columns if isinstance(columns, tuple) else (columns, columns),
    )


def pad(x: Array, padding: Padding, outside: float) -> Array:
    """Surround images (N, H, W, ...) by rows and columns of the value `outside`."""
    (top, bottom), (left, right) = sides_of(padding)
    if not (top or bottom or left or right):
        return x
    images, height, width, *rest = x.shape
    padded = np.full((images, top + height + bottom, left + width + right, *rest), outside, x.dtype)
    padded[:, top : top + height, left : left + width] = x
    return padded


def crop(x: Array, padding: Padding) -> Array:
    """Return images without their padding: the inverse of `pad`, a view."""
    (top, bottom), (left, right) = sides_of(padding)
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


def effective_kernel(window: Pair, dilation: Pair) -> Pair:
    """Return the rows and columns that a dilated window spans: (k - 1) dilation + 1."""
    return (window[0] - 1) * dilation[0] + 1, (window[1] - 1) * dilation[1] + 1


def strided_slice(i: int, places: int, stride: int) -> slice:
    """Return the rows (or columns) that place i of all windows reads: `places` of them, from i on, `stride` apart."""
    return slice(i, i + (places - 1) * stride + 1, stride)


def pixels(x: Array, window: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Iterator[Array]:
    """Yield, for each place of the window, row by row, this pixel of all windows: (N, H, W, ...) -> (N, H', W', ...), views."""
    span = effective_kernel(window, dilation)
    down, right = ((size - k) // step + 1 for size, k, step in zip(x.shape[1:3], span, stride, strict=True))
    for i in range(window[0]):
        for j in range(window[1]):
            rows = strided_slice(i * dilation[0], down, stride[0])
            yield x[:, rows, strided_slice(j * dilation[1], right, stride[1])]


def patches(x: Array, window: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Array:
    """Return all windows of all images: (N, H, W, C, ...) -> (N, H', W', K_h, K_w, C, ...), a read-only view.

    Neighbours in a window are `dilation` apart in the image.
    """
    images, height, width, *rest = x.shape
    span_h, span_w = effective_kernel(window, dilation)
    down, right = (height - span_h) // stride[0] + 1, (width - span_w) // stride[1] + 1
    image, row, column, *steps = x.strides
    shape = (images, down, right, *window, *rest)
    strides = (image, row * stride[0], column * stride[1], row * dilation[0], column * dilation[1], *steps)
    if not x.flags.c_contiguous:
        return as_strided(x, shape, strides, writeable=False)
    view: Array = np.ndarray(shape, x.dtype, x, 0, strides)  # the same, in a fifth of the time
    view.flags.writeable = False
    return view


def im2col(windows: Array) -> Array:
    """Return windows (N, H', W', K_h, K_w, C) as a matrix (windows, K_h K_w C), which is multiplied by the filters.

    A row of the matrix consists of K_h blocks of K_w C contiguous numbers, unless dilated. If these blocks are short (one
    channel), each place of the window is copied for all windows at once, and the matrix is a transposed view.
    """
    *lead, down, right, channels = windows.shape
    if right * channels >= SHORT:
        return windows.reshape(math.prod(lead), down * right * channels)
    return im2col_transposed(windows).T


def im2col_transposed(windows: Array) -> Array:
    """Return windows (N, H', W', K_h, K_w, C, ...) as a matrix (K_h K_w C, windows ...)."""
    inner_first = windows.transpose(3, 4, 5, 0, 1, 2, *range(6, windows.ndim))
    return inner_first.reshape(math.prod(windows.shape[3:6]), -1)
