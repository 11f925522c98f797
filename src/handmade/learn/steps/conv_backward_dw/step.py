"""A convolution backwards: the gradient of the weights."""

from typing import Any

import numpy as np

from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign, window
from handmade.learn.step import Case, Function, Mistake, Step
from handmade.learn.steps.convolution_gradients import SHAPES, Pair, gradient_of_weights, upstream

right = gradient_of_weights


def by_slices(gy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair) -> Array:
    """Add patches as most students do: a patch outside of the padded image is an error."""
    wide = np.pad(x, ((0, 0), (padding[0],) * 2, (padding[1],) * 2, (0, 0)))
    gW = np.zeros((*kernel, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        a, b = h * stride[0], w * stride[1]
        gW[..., o] += gy[n, h, w, o] * wide[n, a : a + kernel[0], b : b + kernel[1]]
    return gW


def only(place: Any) -> Any:
    """Return the mistake of using one place of gy alone."""

    def formula(gy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair) -> Array:
        kept = np.zeros_like(gy)
        kept[place] = gy[place]
        return right(kept, x, kernel, stride, padding)

    return formula


def unpadded(gy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair) -> Array:
    """Shift the image by the padding: read the first pixels where zeros should be."""
    p, q = padding
    wide = np.pad(x, ((0, 0), (0, 2 * p), (0, 2 * q), (0, 0)))
    return right(gy, wide, kernel, stride, (0, 0))


def swapped(gy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair) -> Array:
    """Swap the channels of x and the filters."""
    return right(gy, x, kernel, stride, padding).swapaxes(2, 3)


def first_positions(gy: Array, x: Array, kernel: Pair, padding: Pair) -> Array:
    """Move the window by one number, whatever the stride is."""
    wide = np.pad(x, ((0, 0), (padding[0],) * 2, (padding[1],) * 2, (0, 0)))
    rows, columns = gy.shape[1] + kernel[0] - 1, gy.shape[2] + kernel[1] - 1
    return right(gy, wide[:, :rows, :columns], kernel, (1, 1), (0, 0))


def kernel_from_sizes(gy: Array, x: Array, padding: Pair) -> Array:
    """Compute the size of the kernel from those of x and gy, as if the stride were 1."""
    size = (x.shape[1] + 2 * padding[0] - gy.shape[1] + 1, x.shape[2] + 2 * padding[1] - gy.shape[2] + 1)
    return right(gy, x, size, (1, 1), padding)


def picture() -> list[Part]:
    """Draw an image, gradients of the output, and the gradient of the weights: itself a sum over a window."""
    x, gy = numbers(121, 1, 4, 4, 1), numbers(122, 1, 3, 3, 1)
    gW = right(gy, x, (2, 2), (1, 1), (0, 0))
    return [
        Grid("x", x[0, :, :, 0], window(0, 1, 3, 3)),
        Sign("*"),
        Grid("gy", gy[0, :, :, 0]),
        Sign("="),
        Grid("gW", gW[:, :, 0, 0], frozenset({(0, 1)})),
    ]


STEP = Step(
    "conv_backward_dw",
    (Function("conv_backward_dw", "gy x kernel stride padding", right, "gW"),),
    (
        *(
            Case(concept, (upstream(seed, x, W, stride, padding), numbers(seed + 100, *x), W[:2], stride, padding))
            for seed, (concept, x, W, stride, padding) in enumerate(SHAPES)
        ),
        Case("layout", (Strided(numbers(50, 2, 2, 3, 2)), Strided(numbers(51, 2, 3, 4, 2)), (2, 2), (1, 1), (0, 0))),
    ),
    (
        Mistake("flipped", lambda gy, x, K, s, p: right(gy, x, K, s, p)[::-1, ::-1]),
        Mistake("averaged", lambda gy, x, K, s, p: right(gy, x, K, s, p) / len(x)),
        Mistake("windows_averaged", lambda gy, x, K, s, p: right(gy, x, K, s, p) / (gy.shape[1] * gy.shape[2])),
        Mistake("all_averaged", lambda gy, x, K, s, p: right(gy, x, K, s, p) / gy[..., 0].size),
        Mistake("last_window", only((-1, -1, -1))),
        Mistake("last_image", only(-1)),
        Mistake("first_image", only(0)),
        Mistake("first_image_of_x", lambda gy, x, K, s, p: right(gy, np.repeat(x[:1], len(x), axis=0), K, s, p)),
        Mistake("gy_not_used", lambda gy, x, K, s, p: right(np.ones_like(gy), x, K, s, p)),
        Mistake("gy_averaged", lambda gy, x, K, s, p: right(gy.mean(axis=(1, 2), keepdims=True) + 0 * gy, x, K, s, p)),
        Mistake("padding_forgotten", unpadded),
        Mistake("swapped_padding", lambda gy, x, K, s, p: by_slices(gy, x, K, s, p[::-1])),
        Mistake("swapped_stride", lambda gy, x, K, s, p: by_slices(gy, x, K, s[::-1], p)),
        Mistake("stride_forgotten", lambda gy, x, K, s, p: first_positions(gy, x, K, p)),
        Mistake("swapped_kernel", lambda gy, x, K, s, p: right(gy, x, K[::-1], s, p)),
        Mistake("channels_swapped", swapped),
        Mistake(
            "channels_added", lambda gy, x, K, s, p: right(gy, np.repeat(x.sum(axis=3, keepdims=True), x.shape[3], 3), K, s, p)
        ),
        Mistake(
            "filters_added", lambda gy, x, K, s, p: right(np.repeat(gy.sum(axis=3, keepdims=True), gy.shape[3], 3), x, K, s, p)
        ),
        Mistake("gy_transposed", lambda gy, x, K, s, p: right(gy.swapaxes(1, 2), x, K, s, p)),
        Mistake("gy_flipped", lambda gy, x, K, s, p: right(gy[:, ::-1, ::-1], x, K, s, p)),
        Mistake("rows_and_columns_of_W", lambda gy, x, K, s, p: right(gy, x, K, s, p).swapaxes(0, 1)),
        Mistake("kernel_from_sizes", lambda gy, x, K, s, p: kernel_from_sizes(gy, x, p)),
    ),
    picture,
)
