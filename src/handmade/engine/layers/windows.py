"""Sliding windows over images (N, H, W, C), as views: nothing is copied before they are read."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError

SHORT = 16  # numbers: shorter blocks are slow to copy one by one


def output_size(
    shape: Shape, window: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int], name: str
) -> tuple[int, int]:
    """Return the output size, rows and columns: (size + 2 padding - window) // stride + 1.

    Raises
    ------
    HandmadeError
        If `shape` is not (H, W, C), or the window is larger than the padded image.
    """
    if len(shape) != 3:
        raise HandmadeError(f"{name}: expected images (H, W, C); got the shape {shape}. Try it before Flatten")
    padded = (shape[0] + 2 * padding[0], shape[1] + 2 * padding[1])
    if window[0] > padded[0] or window[1] > padded[1]:
        raise HandmadeError(
            f"{name}: expected a window no larger than the padded image; got {window[0]} x {window[1]} over "
            f"{padded[0]} x {padded[1]}"
        )
    return (padded[0] - window[0]) // stride[0] + 1, (padded[1] - window[1]) // stride[1] + 1


def pad(x: Array, padding: tuple[int, int], outside: float) -> Array:
    """Surround images (N, H, W, ...) by rows and columns of the value `outside`."""
    if padding == (0, 0):
        return x
    top, left = padding
    images, height, width, *rest = x.shape
    padded = np.full((images, height + 2 * top, width + 2 * left, *rest), outside, x.dtype)
    padded[:, top : top + height, left : left + width] = x
    return padded


def crop(x: Array, padding: tuple[int, int]) -> Array:
    """Return images without their padding: the inverse of `pad`, a view."""
    top, left = padding
    return x[:, top : x.shape[1] - top, left : x.shape[2] - left]


def effective_kernel(window: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    """Return the rows and columns that a dilated window spans: (k - 1) dilation + 1."""
    return (window[0] - 1) * dilation[0] + 1, (window[1] - 1) * dilation[1] + 1


def strided_slice(i: int, places: int, stride: int) -> slice:
    """Return the rows (or columns) that place i of all windows reads: `places` of them, from i on, `stride` apart."""
    return slice(i, i + (places - 1) * stride + 1, stride)


def pixels(x: Array, window: tuple[int, int], stride: tuple[int, int]) -> Iterator[Array]:
    """Yield, for each place of the window, row by row, this pixel of all windows: (N, H, W, ...) -> (N, H', W', ...), views."""
    down, right = ((size - k) // step + 1 for size, k, step in zip(x.shape[1:3], window, stride, strict=True))
    for i in range(window[0]):
        for j in range(window[1]):
            yield x[:, strided_slice(i, down, stride[0]), strided_slice(j, right, stride[1])]


def patches(x: Array, window: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int] = (1, 1)) -> Array:
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
