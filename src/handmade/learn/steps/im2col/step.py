"""im2col: all patches as rows of a matrix, and the convolution as one matrix product."""

from collections.abc import Callable
from typing import Any

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign, window
from handmade.learn.step import Case, Function, Mistake, Step

Pair = tuple[int, int]


def patches(x: Array, kernel: Pair, stride: Pair) -> Array:
    """Return all patches by the engine's loops: (N, R, S, K_h, K_w, C)."""
    R, S = (loops.output_size(x.shape[1 + k], kernel[k], stride[k]) for k in (0, 1))
    found = np.zeros((len(x), R, S, *kernel, x.shape[3]))
    for n, h, w in np.ndindex(len(x), R, S):
        found[n, h, w] = loops.patch(x, n, h, w, kernel, stride)
    return found


def right(x: Array, kernel: Pair, stride: Pair) -> Array:
    """Return the patches as rows."""
    found = patches(x, kernel, stride)
    return found.reshape(-1, found[0, 0, 0].size)


def right_conv(x: Array, W: Array, b: Array, stride: Pair) -> Array:
    """Return the convolution by the engine's loops."""
    return loops.conv2d(x, W, b, stride)


def _filters_first(y: Array) -> Array:
    """Read the numbers of an output in the shape (N, O, R, S), without moving them."""
    N, R, S, O = y.shape
    return y.reshape(N, O, R, S)


def ordered(*axes: int) -> Callable[..., Any]:
    """Return the mistake of another order of the axes n, h, w, i, j, c."""

    def formula(x: Array, kernel: Pair, stride: Pair) -> Array:
        return patches(x, kernel, stride).transpose(axes).reshape(-1, kernel[0] * kernel[1] * x.shape[3])

    return formula


def weights_ordered(*axes: int) -> Callable[..., Any]:
    """Return the mistake of another order of the axes of W before it becomes a matrix."""

    def formula(x: Array, W: Array, b: Array, stride: Pair) -> Array:
        matrix = W.transpose(axes).reshape(-1, W.shape[3])
        return loops.conv2d(x, matrix.reshape(W.shape), b, stride)

    return formula


def stride_not_in_place(x: Array, kernel: Pair, stride: Pair) -> Array:
    """Take the right number of patches, but move the window by one number."""
    R, S = patches(x, kernel, stride).shape[1:3]
    return patches(x, kernel, (1, 1))[:, :R, :S].reshape(len(x) * R * S, -1)


def row_number_with_R(x: Array, kernel: Pair, stride: Pair) -> Array:
    """Put a patch into row (n R + h) R + w."""
    found = patches(x, kernel, stride)
    N, R, S = found.shape[:3]
    X = np.zeros((N * R * S, found[0, 0, 0].size))
    for n, h, w in np.ndindex(N, R, S):
        X[(n * R + h) * R + w] = found[n, h, w].ravel()
    return X


def reshaped_to_filters_first(x: Array, W: Array, b: Array, stride: Pair) -> Array:
    """Reshape the matrix to (N, O, R, S), then move the filters to the end."""
    y = right_conv(x, W, b, stride)
    N, R, S, O = y.shape
    return y.reshape(N, O, R, S).transpose(0, 2, 3, 1)


def rows_and_columns_swapped(x: Array, W: Array, b: Array, stride: Pair) -> Array:
    """Reshape the matrix to (N, S, R, O)."""
    y = right_conv(x, W, b, stride)
    return y.reshape(len(y), y.shape[2], y.shape[1], -1)


def picture() -> list[Part]:
    """Draw an image with a window, and its patches as rows."""
    x = numbers(141, 1, 3, 4, 1)
    X = right(x, (2, 2), (1, 1))
    return [Grid("x", x[0, :, :, 0], window(0, 1, 2, 2)), Sign("→"), Grid("X", X, frozenset((1, k) for k in range(4)))]


def case(concept: str, seed: int, x: tuple[int, ...], kernel: Pair, stride: Pair) -> Case:
    """Return a case of im2col."""
    return Case(concept, (numbers(seed, *x), kernel, stride))


def conv_case(concept: str, seed: int, x: tuple[int, ...], W: tuple[int, ...], stride: Pair) -> Case:
    """Return a case of the convolution."""
    return Case(concept, (numbers(seed, *x), numbers(seed + 100, *W), numbers(seed + 200, W[3]), stride), "conv2d")


STEP = Step(
    "im2col",
    (Function("im2col", "x kernel stride", right, "X"), Function("conv2d", "x W b stride", right_conv, "y")),
    (
        case("values", 1, (1, 3, 3, 1), (2, 2), (1, 1)),
        case("values", 2, (1, 4, 4, 1), (3, 3), (1, 1)),
        case("rectangular", 3, (1, 3, 5, 1), (2, 3), (1, 1)),
        case("rectangular", 4, (1, 5, 4, 1), (3, 2), (1, 1)),
        case("channels", 5, (1, 3, 4, 2), (2, 2), (1, 1)),
        case("channels", 6, (1, 3, 3, 3), (2, 3), (1, 1)),
        case("batch", 7, (2, 3, 4, 1), (2, 2), (1, 1)),
        case("batch", 8, (3, 3, 3, 2), (2, 2), (1, 1)),
        case("stride", 9, (1, 5, 7, 1), (2, 2), (2, 3)),
        case("stride", 10, (2, 6, 5, 2), (2, 3), (3, 1)),
        Case("layout", (Strided(numbers(11, 2, 3, 4, 2)), (2, 2), (1, 1))),
        conv_case("values", 21, (1, 3, 3, 1), (2, 2, 1, 1), (1, 1)),
        conv_case("rectangular", 22, (1, 3, 5, 1), (2, 3, 1, 1), (1, 1)),
        conv_case("channels", 23, (1, 4, 3, 2), (2, 2, 2, 1), (1, 1)),
        conv_case("channels", 24, (1, 3, 4, 3), (2, 3, 3, 1), (1, 1)),
        conv_case("filters", 25, (1, 3, 4, 1), (2, 2, 1, 3), (1, 1)),
        conv_case("filters", 26, (1, 4, 3, 2), (3, 2, 2, 2), (1, 1)),
        conv_case("batch", 27, (2, 3, 4, 2), (2, 2, 2, 3), (1, 1)),
        conv_case("stride", 28, (2, 5, 7, 1), (2, 3, 1, 2), (2, 1)),
        conv_case("stride", 29, (1, 5, 6, 2), (2, 2, 2, 2), (1, 3)),
        Case("layout", (Strided(numbers(30, 2, 3, 4, 2)), numbers(31, 2, 2, 2, 2), numbers(32, 2), (1, 1)), "conv2d"),
    ),
    (
        Mistake("transposed", lambda x, K, s: right(x, K, s).T),
        Mistake("channels_first", ordered(0, 1, 2, 5, 3, 4)),
        Mistake("columns_of_patch_first", ordered(0, 1, 2, 4, 3, 5)),
        Mistake("columns_of_output_first", ordered(0, 2, 1, 3, 4, 5)),
        Mistake("images_last", ordered(1, 2, 0, 3, 4, 5)),
        Mistake("not_flat", patches),
        Mistake("image_axis_kept", lambda x, K, s: right(x, K, s).reshape(len(x), -1, K[0] * K[1] * x.shape[3])),
        Mistake("places_kept", lambda x, K, s: patches(x, K, s).reshape(*patches(x, K, s).shape[:3], -1)),
        Mistake("no_stride", lambda x, K, s: right(x, K, (1, 1))),
        Mistake("swapped_stride", lambda x, K, s: right(x, K, s[::-1])),
        Mistake("swapped_kernel", lambda x, K, s: right(x, K[::-1], s)),
        Mistake("first_image", lambda x, K, s: right(x[:1], K, s)),
        Mistake("conv_no_bias", lambda x, W, b, s: right_conv(x, W, 0 * b, s), "conv2d"),
        Mistake("conv_matrix", lambda x, W, b, s: right_conv(x, W, b, s).reshape(-1, W.shape[3]), "conv2d"),
        Mistake("conv_weights_channels_first", weights_ordered(2, 0, 1, 3), "conv2d"),
        Mistake("conv_weights_columns_first", weights_ordered(1, 0, 2, 3), "conv2d"),
        Mistake(
            "conv_weights_filters_first",
            lambda x, W, b, s: right_conv(x, W.reshape(W.shape[3], -1).T.reshape(W.shape), b, s),
            "conv2d",
        ),
        Mistake("conv_output_filters_first", lambda x, W, b, s: right_conv(x, W, b, s).transpose(0, 3, 1, 2), "conv2d"),
        Mistake(
            "conv_output_mixed",
            lambda x, W, b, s: (y := right_conv(x, W, b, s)).reshape(-1, W.shape[3]).T.reshape(y.shape),
            "conv2d",
        ),
        Mistake("conv_no_stride", lambda x, W, b, s: right_conv(x, W, b, (1, 1)), "conv2d"),
        Mistake("conv_flipped", lambda x, W, b, s: right_conv(x, W[::-1, ::-1], b, s), "conv2d"),
        Mistake("conv_bias_twice", lambda x, W, b, s: right_conv(x, W, 2 * b, s), "conv2d"),
        Mistake("no_stride", stride_not_in_place),
        Mistake("row_number_with_R", row_number_with_R),
        Mistake("patches_not_flat", lambda x, K, s: right(x, K, s).reshape(-1, *K, x.shape[3])),
        Mistake("conv_output_mixed", reshaped_to_filters_first, "conv2d"),
        Mistake("conv_output_renamed", lambda x, W, b, s: _filters_first(right_conv(x, W, b, s)), "conv2d"),
        Mistake("conv_output_swapped", rows_and_columns_swapped, "conv2d"),
    ),
    picture,
)
