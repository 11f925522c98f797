"""A small network with bugs. Each function has its own cases, in the order of the network: forward, backward, training.

    dL/dz[n, k] = (p[n, k] - [k = labels[n]]) / N        p = softmax(z)

The other gradients are those of the steps before. The tests compare all of them with difference quotients of the engine's loss.
"""

from collections.abc import Callable, Sequence

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, numbers
from handmade.learn.picture import Grid, Part, Sign, window
from handmade.learn.step import Case, Function, Mistake, Step
from handmade.learn.steps.convolution_gradients import gradient_of_weights
from handmade.learn.steps.linear_backward.step import right as linear_backward
from handmade.learn.steps.max_pool.step import right as pooled
from handmade.learn.steps.relu_pool_backward.step import right as max_pool_backward
from handmade.learn.steps.relu_pool_backward.step import right_relu as relu_backward
from handmade.learn.steps.softmax_cross_entropy.step import naive_loss, right, right_softmax, stable_then_log

Weights = Sequence[Array]  # W1 (K_h, K_w, C, O), b1 (O,), W2 (rows * columns * O, K), b2 (K,)
SIZE = 2


def right_prepare(images: Array) -> Array:
    """Return the inner pixels, scaled, number by number."""
    N, H, L = images.shape
    x = np.zeros((N, H - 4, L - 4, 1))
    for n, h, w, c in np.ndindex(x.shape):
        x[n, h, w, c] = images[n, h + 2, w + 2] / 255
    return x


def right_conv2d(x: Array, W: Array, b: Array) -> Array:
    """Return the convolution by the engine's loops."""
    return loops.conv2d(x, W, b)


def right_max_pool(x: Array, size: int) -> Array:
    """Return the largest number of each window by the engine's loops."""
    return loops.max_pool2d(x, (size, size), (size, size))


def right_loss_backward(z: Array, labels: Array) -> Array:
    """Return the gradient of the mean loss with respect to the logits."""
    return np.asarray((right_softmax(z) - np.eye(z.shape[1])[labels]) / len(z))


def right_conv2d_backward(gy: Array, x: Array, W: Array) -> tuple[Array, Array]:
    """Return gW and gb by the engine's loops."""
    return gradient_of_weights(gy, x, W.shape[:2], (1, 1), (0, 0)), gy.sum(axis=(0, 1, 2))


def right_gradients(x: Array, labels: Array, *weights: Array, relu: bool = True, biases: bool = True) -> tuple[Array, ...]:
    """Return the gradients of the four arrays; without ReLU or biases, as mistakes have it."""
    W1, b1, W2, b2 = weights
    y = loops.conv2d(x, W1, b1)
    active = loops.relu(y)
    top, winner = pooled(active, (SIZE, SIZE), (SIZE, SIZE))
    rows = loops.flatten(top)
    g_rows, gW2, gb2 = linear_backward(right_loss_backward(loops.linear(rows, W2, b2), labels), rows, W2)
    gy = max_pool_backward(g_rows.reshape(top.shape), winner, active.shape, (SIZE, SIZE), (SIZE, SIZE))
    gW1, gb1 = right_conv2d_backward(relu_backward(gy, y) if relu else gy, x, W1)
    return (gW1, gb1, gW2, gb2) if biases else (gW1, 0 * gb1, gW2, 0 * gb2)


def training_with(
    keep: Callable[[int], bool] = lambda start: False, share: Callable[[int], float] = lambda images: 1.0
) -> Callable[..., tuple[Array, ...]]:
    """Return a training. `keep` tells if the sums go on at an image; `share` multiplies each change, for a number of images."""

    def train(x: Array, labels: Array, weights: Weights, epochs: int, batch_size: int, lr: float) -> tuple[Array, ...]:
        now = tuple(weights)
        sums = tuple(np.zeros(weight.shape) for weight in now)
        for _ in range(epochs):
            for start in range(0, len(x), batch_size):
                images, classes = x[start : start + batch_size], labels[start : start + batch_size]
                grads = right_gradients(images, classes, *now)
                kept = float(keep(start))
                sums = tuple(kept * total + grad * len(images) for total, grad in zip(sums, grads, strict=True))
                rate = lr * share(len(images)) / len(images)
                now = tuple(weight - rate * total for weight, total in zip(now, sums, strict=True))
        return now

    return train


def rows_twice(images: Array) -> Array:
    """Cut rows twice, and columns never."""
    return np.asarray(images[:, 2:-2][:, 2:-2][..., np.newaxis] / 255)


def with_biases(times: Callable[[Array], float]) -> Callable[..., Array]:
    """Return the mistake of adding each bias some times, by the shape of the filters."""

    def formula(x: Array, W: Array, b: Array) -> Array:
        return loops.conv2d(x, W, times(W) * b)

    return formula


def last_channel(x: Array, W: Array, b: Array) -> Array:
    """Keep the products of the last channel."""
    return loops.conv2d(x[..., -1:], W[:, :, -1:], b)


def in_larger(x: Array, y: Array, size: int) -> Array:
    """Put an output into zeros that have the size of windows with stride 1."""
    larger = np.zeros((len(x), x.shape[1] - size + 1, x.shape[2] - size + 1, x.shape[3]))
    larger[:, : y.shape[1], : y.shape[2]] = y
    return larger


def reused(x: Array, size: int, *, outer: bool = True, inner: bool = True, larger: bool = False) -> Array:
    """Use i, j for windows and again inside of a window: for rows, for columns, or for both."""
    N, H, L, C = x.shape
    right_size = (N, H // size, L // size, C)
    y = np.zeros((N, H - size + 1, L - size + 1, C) if larger else right_size)
    for n, c in np.ndindex(N, C):
        for row in range(H // size):
            i = row
            for column in range(L // size):
                top, left = i * size, column * size
                largest = x[n, top : top + size, left : left + size, c].max()
                i = size - 1 if outer else row
                y[n, i, size - 1 if inner else column, c] = largest
    return y


def last_window(gy: Array, x: Array, W: Array) -> tuple[Array, Array]:
    """Keep the last window of the last image for gW."""
    last = np.zeros_like(gy)
    last[-1, -1, -1] = gy[-1, -1, -1]
    return right_conv2d_backward(last, x, W)[0], gy.sum(axis=(0, 1, 2))


def picture() -> list[Part]:
    """Draw a matrix and what two ways of slicing take from it."""
    a = numbers(191, 4, 4)
    return [Grid("a[1:3, 1:3]", a, window(1, 1, 2, 2)), Sign("≠"), Grid("a[1:3][1:3]", a, window(2, 0, 1, 4))]


def images(seed: int, N: int, H: int, L: int) -> Array:
    """Return grey values from 0 to 255."""
    return np.random.default_rng(seed).integers(0, 256, (N, H, L))


def classes(seed: int, N: int, K: int) -> Array:
    """Return labels."""
    return np.random.default_rng(seed).integers(0, K, N)


def weights(seed: int, filters: tuple[int, int, int, int], places: int, K: int) -> tuple[Array, ...]:
    """Return W1, b1, W2, b2 for an output of the pooling with some places."""
    O = filters[3]
    # The biases switch some windows off completely: there, ReLU decides about the gradient.
    return numbers(seed, *filters) / 4, numbers(seed + 1, O) - 1, numbers(seed + 2, places * O, K) / 4, numbers(seed + 3, K) / 4


def conv(concept: str, seed: int, x: tuple[int, ...], W: tuple[int, ...]) -> Case:
    """Return a case of conv2d."""
    return Case(concept, (numbers(seed, *x), numbers(seed + 1, *W), numbers(seed + 2, W[-1])), "conv2d")


def pool(concept: str, seed: int, x: tuple[int, ...], size: int) -> Case:
    """Return a case of max_pool."""
    return Case(concept, (numbers(seed, *x), size), "max_pool")


def logits(concept: str, seed: int, N: int, K: int, function: str) -> Case:
    """Return a case of the loss or its gradient."""
    return Case(concept, (numbers(seed, N, K), classes(seed + 1, N, K)), function)


def back(concept: str, seed: int, x: tuple[int, int, int, int], W: tuple[int, int, int, int]) -> Case:
    """Return a case of conv2d_backward."""
    gy = numbers(seed, x[0], x[1] - W[0] + 1, x[2] - W[1] + 1, W[3])
    return Case(concept, (gy, numbers(seed + 1, *x), numbers(seed + 2, *W)), "conv2d_backward")


def network(concept: str, seed: int, x: tuple[int, ...], filters: tuple[int, int, int, int], places: int) -> Case:
    """Return a case of all gradients, with three classes."""
    return Case(concept, (numbers(seed, *x), classes(seed + 1, x[0], 3), *weights(seed + 2, filters, places, 3)), "gradients")


def training(concept: str, seed: int, N: int, epochs: int, batch_size: int) -> Case:
    """Return a case of the training."""
    x, given = numbers(seed, N, 4, 5, 1), weights(seed + 2, (3, 2, 1, 2), 2, 3)
    return Case(concept, (x, classes(seed + 1, N, 3), given, epochs, batch_size, 0.1), "train")


LARGE = np.array([[1000.0, 999.0, 998.0], [-2000.0, -2001.0, -2003.0]])
WIDE = np.array([[0.0, 900.0, 3.0, -900.0], [1200.0, -5.0, 0.0, 1199.0]])

FUNCTIONS = (
    Function("prepare", "images", right_prepare, "x"),
    Function("conv2d", "x W b", right_conv2d, "y"),
    Function("max_pool", "x size", right_max_pool, "y"),
    Function("loss", "z labels", right, "L"),
    Function("loss_backward", "z labels", right_loss_backward, "gz"),
    Function("conv2d_backward", "gy x W", right_conv2d_backward, "gW gb"),
    Function("gradients", "x labels W1 b1 W2 b2", right_gradients, "gW1 gb1 gW2 gb2"),
    Function("train", "x labels weights epochs batch_size lr", training_with(), "W1 b1 W2 b2"),
)

CASES = (
    Case("values", (images(1, 1, 12, 12),), "prepare"),
    Case("rectangular", (images(2, 1, 10, 13),), "prepare"),
    Case("batch", (images(3, 3, 11, 9),), "prepare"),
    conv("values", 10, (1, 3, 3, 1), (2, 2, 1, 1)),
    conv("rectangular", 13, (1, 3, 5, 1), (2, 3, 1, 1)),
    conv("filters", 16, (1, 3, 3, 1), (2, 2, 1, 3)),
    conv("channels", 19, (1, 3, 3, 2), (2, 2, 2, 1)),
    conv("channels", 22, (1, 4, 3, 3), (3, 2, 3, 2)),
    conv("batch", 25, (2, 3, 4, 2), (2, 2, 2, 3)),
    pool("values", 31, (1, 4, 4, 1), 2),
    pool("rectangular", 32, (1, 4, 6, 1), 2),
    pool("rectangular", 33, (1, 9, 10, 1), 3),
    pool("border", 34, (1, 5, 7, 1), 2),
    pool("channels", 35, (1, 4, 6, 3), 2),
    pool("batch", 36, (3, 6, 4, 2), 2),
    logits("values", 41, 1, 3, "loss"),
    logits("values", 43, 1, 5, "loss"),
    logits("batch", 45, 4, 3, "loss"),
    Case("extreme", (LARGE, np.array([1, 2])), "loss"),
    Case("extreme", (WIDE, np.array([0, 1])), "loss"),
    Case("extreme", (2 * WIDE, np.array([3, 2])), "loss"),
    logits("difference", 51, 1, 3, "loss_backward"),
    logits("difference", 53, 1, 4, "loss_backward"),
    logits("batch", 55, 3, 3, "loss_backward"),
    logits("batch", 57, 4, 2, "loss_backward"),
    Case("extreme", (LARGE, np.array([1, 2])), "loss_backward"),
    back("difference", 61, (1, 3, 3, 1), (2, 2, 1, 1)),
    back("difference", 64, (1, 3, 5, 1), (2, 3, 1, 1)),
    back("channels", 67, (1, 3, 3, 3), (2, 2, 3, 2)),
    back("batch", 70, (2, 4, 3, 2), (2, 2, 2, 3)),
    back("batch", 73, (3, 3, 4, 1), (2, 3, 1, 1)),
    network("difference", 81, (1, 4, 4, 1), (3, 3, 1, 2), 1),
    network("rectangular", 88, (1, 5, 6, 1), (2, 3, 1, 2), 4),
    network("batch", 95, (3, 4, 6, 2), (3, 3, 2, 2), 2),
    training("values", 101, 2, 1, 2),
    training("batches", 108, 4, 1, 2),
    training("batches", 115, 3, 1, 2),
    training("epochs", 122, 3, 3, 2),
)

MISTAKES = (
    Mistake("rows_twice", rows_twice),
    Mistake("cut_on_one_side", lambda x: x[:, 2:, 2:, np.newaxis] / 255),
    Mistake("not_scaled", lambda x: x[:, 2:-2, 2:-2, np.newaxis]),
    Mistake("no_channel", lambda x: x[:, 2:-2, 2:-2] / 255),
    Mistake("bias_by_channel", with_biases(lambda W: W.shape[2]), "conv2d"),
    Mistake("bias_by_number", with_biases(lambda W: W[..., 0].size), "conv2d"),
    Mistake("no_bias", with_biases(lambda W: 0), "conv2d"),
    Mistake("last_channel", last_channel, "conv2d"),
    Mistake("larger_and_last", lambda x, size: reused(x, size, larger=True), "max_pool"),
    Mistake("larger", lambda x, size: in_larger(x, right_max_pool(x, size), size), "max_pool"),
    Mistake("last_place", reused, "max_pool"),
    Mistake("last_row", lambda x, size: reused(x, size, inner=False), "max_pool"),
    Mistake("last_column", lambda x, size: reused(x, size, outer=False), "max_pool"),
    Mistake("loss_overflow", naive_loss, "loss"),
    Mistake("logarithm_of_zero", stable_then_log, "loss"),
    Mistake("summed", lambda z, y: right(z, y) * len(z), "loss"),
    Mistake("opposite_and_summed", lambda z, y: -right_loss_backward(z, y) * len(z), "loss_backward"),
    Mistake("opposite", lambda z, y: -right_loss_backward(z, y), "loss_backward"),
    Mistake("gradient_summed", lambda z, y: right_loss_backward(z, y) * len(z), "loss_backward"),
    Mistake("divided_by_classes", lambda z, y: right_loss_backward(z, y) * len(z) / z.shape[1], "loss_backward"),
    Mistake("probabilities", lambda z, y: right_softmax(z) / len(z), "loss_backward"),
    Mistake("last_window", last_window, "conv2d_backward"),
    Mistake("averaged", lambda gy, x, W: tuple(g / len(x) for g in right_conv2d_backward(gy, x, W)), "conv2d_backward"),
    Mistake("relu_forgotten", lambda x, y, *w: right_gradients(x, y, *w, relu=False), "gradients"),
    Mistake("no_bias_gradients", lambda x, y, *w: right_gradients(x, y, *w, biases=False), "gradients"),
    Mistake("never_reset", training_with(keep=lambda start: True), "train"),
    Mistake("reset_each_epoch", training_with(keep=lambda start: start > 0), "train"),
    Mistake("uphill", training_with(share=lambda n: -1.0), "train"),
    Mistake("images_summed", training_with(share=float), "train"),
)

STEP = Step("find_the_bugs", FUNCTIONS, CASES, MISTAKES, picture)
