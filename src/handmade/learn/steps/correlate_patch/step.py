"""One patch times one kernel: y = sum over i, j of W[i, j] p[i, j]."""

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign
from handmade.learn.step import Case, Function, Mistake, Step


def right(p: Array, W: Array) -> Array:
    """Return the sum of products by the engine's loops: a convolution with one window."""
    y = loops.conv2d(p[None, :, :, None].astype(float), W[:, :, None, None].astype(float), np.zeros(1))
    return np.asarray(y[0, 0, 0, 0])


def square(p: Array, W: Array) -> Array:
    """Take the number of rows for the number of columns as well."""
    n = len(W)
    if n > W.shape[1]:
        raise IndexError
    return np.asarray(np.sum(W[:, :n] * p[:, :n]))


def picture() -> list[Part]:
    """Draw a patch, a kernel, their products, and the sum."""
    p, W = numbers(21, 3, 3), numbers(22, 3, 3)
    return [
        Grid("p", p),
        Sign("×"),
        Grid("W", W),
        Sign("="),
        Grid("p × W", p * W),
        Sign("Σ"),
        Grid("y", right(p, W).reshape(1, 1)),
    ]


PIXELS = np.array([[200, 0, 17], [255, 90, 3], [0, 128, 64]], np.uint8)

STEP = Step(
    "correlate_patch",
    (Function("correlate", "p W", right, "y"),),
    (
        Case("values", (numbers(1, 2, 2), numbers(2, 2, 2))),
        Case("values", (numbers(3, 3, 3), numbers(4, 3, 3))),
        Case("values", (numbers(5, 1, 1), numbers(6, 1, 1))),
        Case("rectangular", (numbers(7, 2, 3), numbers(8, 2, 3))),
        Case("rectangular", (numbers(9, 4, 2), numbers(10, 4, 2))),
        Case("rectangular", (numbers(11, 1, 5), numbers(12, 1, 5))),
        Case("blank", (np.zeros((3, 3)), numbers(13, 3, 3))),
        Case("integers", (PIXELS, numbers(14, 3, 3))),
        Case("integers", (PIXELS[:2], numbers(15, 2, 3))),
        Case("layout", (Strided(numbers(16, 3, 4)), numbers(17, 3, 4))),
    ),
    (
        Mistake("flipped", lambda p, W: np.sum(p * W[::-1, ::-1])),
        Mistake("transposed", lambda p, W: np.sum(p * W.T)),
        Mistake("matrix_product", lambda p, W: np.sum(p @ W)),
        Mistake("trace", lambda p, W: np.trace(p @ W)),
        Mistake("only_matrix_product", lambda p, W: p @ W),
        Mistake("product_of_sums", lambda p, W: np.sum(p.astype(float)) * np.sum(W)),
        Mistake("averaged", lambda p, W: np.mean(p * W)),
        Mistake("not_summed", lambda p, W: p * W),
        Mistake("columns_summed", lambda p, W: np.sum(p * W, axis=0)),
        Mistake("rows_summed", lambda p, W: np.sum(p * W, axis=1)),
        Mistake("last_product", lambda p, W: p[-1, -1] * W[-1, -1]),
        Mistake("first_product", lambda p, W: p[0, 0] * W[0, 0]),
        Mistake("first_row", lambda p, W: np.sum(p[0] * W[0])),
        Mistake("last_row", lambda p, W: np.sum(p[-1] * W[-1])),
        Mistake("diagonal", lambda p, W: np.sum(np.diagonal(p) * np.diagonal(W))),
        Mistake("added", lambda p, W: np.sum(p + W)),
        Mistake("largest", lambda p, W: np.max(p * W)),
        Mistake("square", square),
        Mistake("read_by_columns", lambda p, W: np.dot(p.ravel(), W.T.ravel())),
        Mistake("last_left_out", lambda p, W: np.sum(p[:-1, :-1] * W[:-1, :-1])),
        Mistake("decimals_lost", lambda p, W: np.sum(np.trunc(p * W))),
        Mistake("weighted_mean", lambda p, W: np.sum(p * W) / np.sum(W)),
    ),
    picture,
)
