"""A convolution with one channel: y[h, w] = sum over i, j of W[i, j] x[h + i, w + j]."""

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign, window
from handmade.learn.step import Case, Function, Mistake, Step


def right(x: Array, W: Array) -> Array:
    """Return the convolution by the engine's loops."""
    return loops.conv2d(x[None, :, :, None].astype(float), W[:, :, None, None].astype(float), np.zeros(1))[0, :, :, 0]


def sized(x: Array, W: Array, rows: int, columns: int) -> Array:
    """Return outputs of this number of rows and columns, the missing ones 0."""
    y = np.zeros((rows, columns))
    inside = right(x, W)[:rows, :columns]
    y[: inside.shape[0], : inside.shape[1]] = inside
    return y


def same_size(x: Array, W: Array) -> Array:
    """Surround the image by zeros, so that the output has its size."""
    p, q = W.shape[0] // 2, W.shape[1] // 2
    return right(np.pad(x, ((p, p), (q, q))), W)


def spaced(x: Array, W: Array) -> Array:
    """Move the window by its own size, so that windows do not overlap."""
    return right(x, W)[:: W.shape[0], :: W.shape[1]]


def place_swapped(x: Array, W: Array) -> Array:
    """Put the window at row w and column h."""
    K_h, K_w = W.shape
    rows, columns = x.shape[0] - K_h + 1, x.shape[1] - K_w + 1
    return np.array([[np.sum(W * x[w : w + K_h, h : h + K_w]) for w in range(columns)] for h in range(rows)])


def square(x: Array, W: Array) -> Array:
    """Take K_h for the width of the kernel as well."""
    K = W.shape[0]
    rows, columns = x.shape[0] - K + 1, x.shape[1] - K + 1
    return np.array([[np.sum(W * x[h : h + K, w : w + K]) for w in range(columns)] for h in range(rows)])


def centred_size(x: Array, W: Array) -> Array:
    """Surround the image by zeros, so that the output has its size for kernels of even size as well."""
    K_h, K_w = W.shape
    top, left = K_h // 2, K_w // 2
    return right(np.pad(x, ((top, K_h - 1 - top), (left, K_w - 1 - left))), W)


def one_size(x: Array, W: Array) -> Array:
    """Take the heights of the image and of the kernel for both axes."""
    m, k = len(x) - len(W) + 1, len(W)
    y = np.zeros((m, m))
    for h, w, i, j in np.ndindex(m, m, k, k):
        y[h, w] += W[i, j] * x[h + i, w + j]
    return y


def one_size_by_slices(x: Array, W: Array) -> Array:
    """Take the heights for both axes, and cut patches."""
    m, k = len(x) - len(W) + 1, len(W)
    return np.array([[np.sum(W * x[h : h + k, w : w + k]) for w in range(m)] for h in range(m)])


def transposed(x: Array, W: Array) -> Array:
    """Add i to the column and j to the row, in an output of the right size."""
    y = np.zeros(right(x, W).shape)
    for h, w, i, j in np.ndindex(*y.shape, *W.shape):
        y[h, w] += W[i, j] * x[h + j, w + i]
    return y


def transposed_windows(x: Array, W: Array) -> Array:
    """Slide the transposed kernel, which has to fit."""
    windows = np.lib.stride_tricks.sliding_window_view(x, W.T.shape)
    return np.asarray(np.einsum("hwij,ji->hw", windows, W))


def matrix_product(x: Array, W: Array, first: Array) -> Array:
    """Add the numbers of a matrix product of the kernel and each patch."""
    K_h, K_w = W.shape
    rows, columns = right(x, W).shape
    return np.array([[np.sum(first @ x[h : h + K_h, w : w + K_w]) for w in range(columns)] for h in range(rows)])


def picture() -> list[Part]:
    """Draw an image with a window, a kernel, and the output with the number of that window."""
    x, W = numbers(31, 5, 5), numbers(32, 3, 2)
    return [Grid("x", x, window(1, 2, 3, 2)), Sign("*"), Grid("W", W), Sign("="), Grid("y", right(x, W), frozenset({(1, 2)}))]


PIXELS = np.array([[200, 0, 17, 9], [255, 90, 3, 31], [0, 128, 64, 5], [7, 77, 250, 1]], np.uint8)

STEP = Step(
    "conv_one_channel",
    (Function("conv2d", "x W", right, "y"),),
    (
        Case("values", (numbers(1, 3, 3), numbers(2, 2, 2))),
        Case("values", (numbers(3, 4, 4), numbers(4, 3, 3))),
        Case("values", (numbers(5, 3, 3), numbers(6, 1, 1))),
        Case("rectangular", (numbers(7, 5, 7), numbers(8, 2, 3))),
        Case("rectangular", (numbers(9, 7, 4), numbers(10, 3, 2))),
        Case("rectangular", (numbers(11, 3, 6), numbers(12, 1, 4))),
        Case("border", (numbers(13, 3, 5), numbers(14, 3, 5))),
        Case("border", (numbers(15, 4, 6), numbers(16, 4, 2))),
        Case("blank", (np.zeros((4, 5)), numbers(17, 2, 3))),
        Case("integers", (PIXELS, numbers(18, 2, 2))),
        Case("integers", (PIXELS[:3], numbers(19, 2, 3))),
        Case("layout", (Strided(numbers(20, 5, 4)), numbers(21, 2, 3))),
    ),
    (
        Mistake("flipped", lambda x, W: right(x, W[::-1, ::-1])),
        Mistake("transposed", lambda x, W: right(x, W.T)),
        Mistake("no_plus_one", lambda x, W: right(x, W)[:-1, :-1]),
        Mistake("last_left_out", lambda x, W: sized(right(x, W)[:-1, :-1], np.ones((1, 1)), *right(x, W).shape)),
        Mistake("size_of_x", lambda x, W: sized(x, W, *x.shape)),
        Mistake("same_size", same_size),
        Mistake("one_too_many", lambda x, W: sized(x, W, *(size + 1 for size in right(x, W).shape))),
        Mistake("not_reset", lambda x, W: np.cumsum(right(x, W)).reshape(right(x, W).shape)),
        Mistake("not_reset_in_row", lambda x, W: np.cumsum(right(x, W), axis=1)),
        Mistake("last_product", lambda x, W: right(x, np.where(np.arange(W.size).reshape(W.shape) == W.size - 1, W, 0))),
        Mistake("averaged", lambda x, W: right(x, W) / W.size),
        Mistake("spaced", spaced),
        Mistake("place_swapped", place_swapped),
        Mistake("square", square),
        Mistake("flat", lambda x, W: right(x, W).ravel()),
        Mistake("kernel_not_used", lambda x, W: right(x, np.ones(W.shape))),
        Mistake("first_window", lambda x, W: np.full(right(x, W).shape, right(x, W)[0, 0])),
        Mistake("integer_result", lambda x, W: right(x, W).astype(x.dtype) if x.dtype.kind in "iu" else right(x, W)),
        Mistake("same_size", centred_size),
        Mistake("one_size", one_size),
        Mistake("one_size", one_size_by_slices),
        Mistake("transposed", transposed),
        Mistake("transposed", transposed_windows),
        Mistake("matrix_product", lambda x, W: matrix_product(x, W, W)),
        Mistake("matrix_product", lambda x, W: matrix_product(x, W, W.T)),
    ),
    picture,
)
