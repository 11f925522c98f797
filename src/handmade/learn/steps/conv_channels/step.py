"""A convolution with channels, filters and a bias: y[n,h,w,o] = b[o] + sum over i,j,c of W[i,j,c,o] x[n,h+i,w+j,c]."""

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign, window
from handmade.learn.step import Case, Function, Mistake, Step


def right(x: Array, W: Array, b: Array) -> Array:
    """Return the convolution by the engine's loops."""
    return loops.conv2d(x, W, b)


def without_bias(x: Array, W: Array) -> Array:
    """Return the sums of products alone."""
    return loops.conv2d(x, W, np.zeros(W.shape[3]))


def filters_swapped(x: Array, W: Array, b: Array) -> Array:
    """Read the channel of W as the filter, and the filter as the channel."""
    if W.shape[2] != W.shape[3]:
        raise IndexError
    return right(x, W.swapaxes(2, 3), b)


def first_image(x: Array, W: Array, b: Array) -> Array:
    """Use the first image for all."""
    return right(np.repeat(x[:1], len(x), axis=0), W, b)


def other_images_zero(x: Array, W: Array, b: Array) -> Array:
    """Compute the first image alone."""
    y = right(x, W, b)
    y[1:] = 0
    return y


def running(x: Array, W: Array, b: Array) -> Array:
    """Continue the sum from one filter to the next, each with its bias."""
    return np.cumsum(right(x, W, b), axis=-1)


def one_channel_each(x: Array, W: Array, b: Array, *, again: bool) -> Array:
    """Give filter o channel o alone; with more filters than channels, begin with the first channel again, or fail."""
    C, O = W.shape[2:]
    if O > C and not again:
        raise IndexError
    return np.concatenate([right(x[..., [o % C]], W[:, :, [o % C], o : o + 1], b[o : o + 1]) for o in range(O)], axis=3)


def filters_swapped_by_slices(x: Array, W: Array, b: Array) -> Array:
    """Read the axes of W as (K_h, K_w, O, C), without a look at the number of channels."""
    K_h, K_w, O, _ = W.shape
    y = np.zeros((len(x), x.shape[1] - K_h + 1, x.shape[2] - K_w + 1, O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + np.sum(W[:, :, o, :] * x[n, h : h + K_h, w : w + K_w])
    return y


def channels_kept(x: Array, W: Array, b: Array) -> Array:
    """Convolve each channel with its part of the first filter, and keep the results apart."""
    return np.concatenate([right(x[..., [c]], W[:, :, [c], :1], b[:1]) for c in range(x.shape[3])], axis=3)


def picture() -> list[Part]:
    """Draw two channels with a window each, two kernels, and the number that they give together."""
    x, W = numbers(41, 1, 4, 4, 2), numbers(42, 2, 2, 2, 1)
    b = numbers(43, 1)
    at, y = window(1, 2, 2, 2), right(x, W, b)
    return [
        Grid("x, c = 0", x[0, :, :, 0], at),
        Sign("*"),
        Grid("W, c = 0", W[:, :, 0, 0]),
        Sign("+"),
        Grid("x, c = 1", x[0, :, :, 1], at),
        Sign("*"),
        Grid("W, c = 1", W[:, :, 1, 0]),
        Sign("+"),
        Grid("b", b.reshape(1, 1)),
        Sign("="),
        Grid("y, o = 0", y[0, :, :, 0], frozenset({(1, 2)})),
    ]


def case(concept: str, seed: int, x: tuple[int, ...], W: tuple[int, ...]) -> Case:
    """Return a case with random images, weights and biases of these shapes."""
    return Case(concept, (numbers(seed, *x), numbers(seed + 100, *W), numbers(seed + 200, W[3])))


STEP = Step(
    "conv_channels",
    (Function("conv2d", "x W b", right, "y"),),
    (
        case("values", 1, (1, 3, 3, 1), (2, 2, 1, 1)),
        case("values", 2, (1, 4, 4, 1), (3, 3, 1, 1)),
        case("rectangular", 3, (1, 4, 6, 1), (2, 3, 1, 1)),
        case("rectangular", 4, (1, 5, 4, 1), (3, 1, 1, 1)),
        case("channels", 5, (1, 4, 4, 3), (2, 2, 3, 1)),
        case("channels", 6, (1, 3, 5, 2), (2, 3, 2, 1)),
        case("filters", 7, (1, 3, 4, 1), (2, 2, 1, 3)),
        case("filters", 8, (1, 4, 4, 2), (2, 3, 2, 2)),
        case("filters", 9, (1, 4, 3, 3), (2, 2, 3, 2)),
        Case("bias", (np.zeros((1, 3, 3, 2)), numbers(10, 2, 2, 2, 3), numbers(11, 3))),
        case("batch", 12, (2, 3, 4, 2), (2, 2, 2, 3)),
        case("batch", 13, (3, 4, 3, 1), (2, 3, 1, 2)),
        Case("layout", (Strided(numbers(14, 2, 3, 4, 2)), numbers(15, 2, 2, 2, 3), numbers(16, 3))),
    ),
    (
        Mistake("no_bias", lambda x, W, b: without_bias(x, W)),
        Mistake("bias_subtracted", lambda x, W, b: right(x, W, -b)),
        Mistake("bias_per_channel", lambda x, W, b: right(x, W, W.shape[2] * b)),
        Mistake("bias_per_product", lambda x, W, b: right(x, W, W[..., 0].size * b)),
        Mistake("first_bias", lambda x, W, b: right(x, W, np.full_like(b, b[0]))),
        Mistake("all_biases", lambda x, W, b: right(x, W, np.full_like(b, b.sum()))),
        Mistake("first_channel", lambda x, W, b: right(x[..., :1], W[:, :, :1], b)),
        Mistake("last_channel", lambda x, W, b: right(x[..., -1:], W[:, :, -1:], b)),
        Mistake("last_channel_no_bias", lambda x, W, b: without_bias(x[..., -1:], W[:, :, -1:])),
        Mistake("channels_averaged", lambda x, W, b: without_bias(x, W) / W.shape[2] + b),
        Mistake("first_filter", lambda x, W, b: without_bias(x, np.repeat(W[..., :1], W.shape[3], axis=3)) + b),
        Mistake(
            "filters_added", lambda x, W, b: without_bias(x, np.repeat(W.sum(axis=3, keepdims=True), W.shape[3], axis=3)) + b
        ),
        Mistake("filters_swapped", filters_swapped),
        Mistake("first_image", first_image),
        Mistake("other_images_zero", other_images_zero),
        Mistake("images_added", lambda x, W, b: np.repeat(without_bias(x, W).sum(axis=0, keepdims=True), len(x), axis=0) + b),
        Mistake("running", running),
        Mistake("running_products", lambda x, W, b: np.cumsum(without_bias(x, W), axis=-1) + b),
        Mistake("flipped", lambda x, W, b: right(x, W[::-1, ::-1], b)),
        Mistake("transposed", lambda x, W, b: right(x, W.swapaxes(0, 1), b)),
        Mistake("channels_first", lambda x, W, b: right(x, W, b).transpose(0, 3, 1, 2)),
        Mistake("no_plus_one", lambda x, W, b: right(x, W, b)[:, :-1, :-1]),
        Mistake("no_filter_axis", lambda x, W, b: right(x, W, b)[..., 0]),
        Mistake("one_channel_each", lambda x, W, b: one_channel_each(x, W, b, again=True)),
        Mistake("one_channel_each", lambda x, W, b: one_channel_each(x, W, b, again=False)),
        Mistake("filters_swapped", filters_swapped_by_slices),
        Mistake("channels_added_first", lambda x, W, b: right(x.sum(axis=3, keepdims=True), W.sum(axis=2, keepdims=True), b)),
        Mistake("channels_kept", channels_kept),
        Mistake("relu_too", lambda x, W, b: np.maximum(right(x, W, b), 0)),
    ),
    picture,
)
