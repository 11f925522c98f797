"""ReLU and max-pooling backwards: only what decided about the output gets a gradient."""

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign
from handmade.learn.step import Case, Function, Mistake, Step
from handmade.learn.steps.max_pool.step import right as pooled

Pair = tuple[int, int]
Four = tuple[int, int, int, int]


def right_relu(gy: Array, x: Array) -> Array:
    """Return gy where the engine's ReLU lets a number pass."""
    y = loops.relu(x)
    gx = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        gx[at] = gy[at] if y[at] > 0 else 0.0
    return gx


def spread(
    gy: Array, winner: Array, shape: Four, window: Pair, stride: Pair, *, add: bool = True, by_column: bool = False
) -> Array:
    """Give each gradient to the winner of its window."""
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(int(winner[n, h, w, c]), window[0] if by_column else window[1])
        i, j = (j, i) if by_column else (i, j)
        at = n, h * stride[0] + i, w * stride[1] + j, c
        gx[at] = gy[n, h, w, c] + (gx[at] if add else 0)
    return gx


def right(gy: Array, winner: Array, shape: Four, window: Pair, stride: Pair) -> Array:
    """Return the gradient of the image: the sum over all windows that a number wins."""
    return spread(gy, winner, shape, window, stride)


def overwritten(gy: Array, winner: Array, shape: Four, window: Pair, stride: Pair) -> Array:
    """Keep the last window of each number."""
    return spread(gy, winner, shape, window, stride, add=False)


def by_column(gy: Array, winner: Array, shape: Four, window: Pair, stride: Pair) -> Array:
    """Read places column by column."""
    return spread(gy, winner, shape, window, stride, by_column=True)


def to_window(gy: Array, shape: Four, window: Pair, stride: Pair, share: float) -> Array:
    """Give each number of a window the same share of its gradient."""
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        gx[n, h * stride[0] : h * stride[0] + window[0], w * stride[1] : w * stride[1] + window[1], c] += share * gy[n, h, w, c]
    return gx


def to_channels(gy: Array, winner: Array, shape: Four, window: Pair, stride: Pair) -> Array:
    """Add the gradients of all channels."""
    one = right(gy, winner, shape, window, stride).sum(axis=3, keepdims=True)
    return np.repeat(one, shape[3], axis=3)


def inside_only(gy: Array, winner: Array, shape: Four, window: Pair) -> Array:
    """Move by the size of the window, and leave places outside of the image out."""
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(int(winner[n, h, w, c]), window[1])
        r, q = h * window[0] + i, w * window[1] + j
        if r < shape[1] and q < shape[2]:
            gx[n, r, q, c] += gy[n, h, w, c]
    return gx


def row_and_column_swapped(gy: Array, winner: Array, shape: Four, window: Pair, stride: Pair) -> Array:
    """Read the first number of divmod as the column."""
    i, j = np.divmod(winner, window[1])
    return right(gy, j * window[1] + i, shape, (window[0], window[1]), stride) if (i < window[1]).all() else beyond()


def beyond() -> Array:
    """Fail as an index beyond the end does."""
    raise IndexError


def into_integers(gy: Array, winner: Array, shape: Four, window: Pair, stride: Pair) -> Array:
    """Add into an array of integers."""
    gx = np.zeros(shape, int)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(int(winner[n, h, w, c]), window[1])
        gx[n, h * stride[0] + i, w * stride[1] + j, c] += gy[n, h, w, c].astype(int)
    return gx


def picture() -> list[Part]:
    """Draw an image, gradients of its pooled image, and the gradient of the image."""
    x, gy = np.round(numbers(101, 1, 4, 4, 1)), numbers(102, 1, 2, 2, 1)
    _, winner = pooled(x, (2, 2), (2, 2))
    gx = right(gy, winner, (1, 4, 4, 1), (2, 2), (2, 2))
    return [Grid("x", x[0, :, :, 0]), Grid("gy", gy[0, :, :, 0]), Sign("→"), Grid("gx", gx[0, :, :, 0])]


def pool_case(concept: str, seed: int, shape: Four, window: Pair, stride: Pair, *, levels: float = 0) -> Case:
    """Return a case of the pool: an image with few different numbers if there are levels."""
    x = numbers(seed, *shape)
    if levels:
        x = np.round(x / levels) * levels
    y, winner = pooled(x, window, stride)
    return Case(concept, (numbers(seed + 100, *y.shape), winner, shape, window, stride), "max_pool_backward")


STEP = Step(
    "relu_pool_backward",
    (
        Function("relu_backward", "gy x", right_relu, "gx"),
        Function("max_pool_backward", "gy winner shape window stride", right, "gx"),
    ),
    (
        Case("values", (numbers(1, 6), numbers(2, 6))),
        Case("values", (numbers(3, 3, 4), numbers(4, 3, 4))),
        Case("kink", (numbers(5, 4), np.array([0.0, 1.0, -1.0, 0.0]))),
        Case("kink", (numbers(6, 2, 3), np.zeros((2, 3)))),
        Case("shapes", (numbers(7, 2, 3, 2, 2), numbers(8, 2, 3, 2, 2))),
        Case("layout", (Strided(numbers(9, 2, 3)), Strided(numbers(10, 2, 3)))),
        pool_case("values", 21, (1, 2, 2, 1), (2, 2), (2, 2)),
        pool_case("values", 22, (1, 4, 4, 1), (2, 2), (2, 2)),
        pool_case("rectangular", 23, (1, 4, 6, 1), (2, 3), (2, 3)),
        pool_case("rectangular", 24, (1, 6, 4, 1), (3, 2), (3, 2)),
        pool_case("stride", 25, (1, 6, 7, 1), (2, 2), (3, 2)),
        pool_case("stride", 26, (1, 5, 8, 1), (2, 2), (2, 3)),
        pool_case("overlap", 27, (1, 4, 5, 1), (3, 3), (1, 1)),
        pool_case("overlap", 28, (1, 5, 6, 1), (2, 3), (1, 1)),
        pool_case("overlap", 29, (1, 7, 5, 1), (3, 3), (2, 1)),
        pool_case("ties", 30, (1, 4, 6, 1), (2, 3), (2, 3), levels=4),
        pool_case("ties", 31, (1, 5, 5, 1), (3, 3), (2, 2), levels=4),
        pool_case("channels", 32, (1, 4, 4, 3), (2, 2), (2, 2)),
        pool_case("batch", 33, (3, 4, 4, 2), (2, 2), (2, 2)),
        pool_case("batch", 34, (2, 5, 4, 2), (3, 2), (1, 1)),
    ),
    (
        Mistake("passes_on", lambda gy, x: gy),
        Mistake("not_multiplied", lambda gy, x: np.where(x > 0, 1.0, 0.0)),
        Mistake("slope_at_zero", lambda gy, x: np.where(x >= 0, gy, 0)),
        Mistake("half_at_zero", lambda gy, x: np.where(x > 0, gy, np.where(x == 0, gy / 2, 0))),
        Mistake("relu_of_gy", lambda gy, x: np.maximum(gy, 0)),
        Mistake("relu_of_x", lambda gy, x: np.maximum(x, 0)),
        Mistake("both_positive", lambda gy, x: np.where((x > 0) & (gy > 0), gy, 0)),
        Mistake("times_x", lambda gy, x: gy * np.maximum(x, 0)),
        Mistake("other_side", lambda gy, x: np.where(x > 0, 0, gy)),
        Mistake("by_gy", lambda gy, x: np.where(gy > 0, x, 0)),
        Mistake("overwritten", overwritten, "max_pool_backward"),
        Mistake("by_column", by_column, "max_pool_backward"),
        Mistake("to_all", lambda gy, winner, shape, window, stride: to_window(gy, shape, window, stride, 1), "max_pool_backward"),
        Mistake(
            "shared",
            lambda gy, winner, shape, window, stride: to_window(gy, shape, window, stride, 1 / (window[0] * window[1])),
            "max_pool_backward",
        ),
        Mistake(
            "first_place",
            lambda gy, winner, shape, window, stride: right(gy, 0 * winner, shape, window, stride),
            "max_pool_backward",
        ),
        Mistake(
            "stride_is_window",
            lambda gy, winner, shape, window, stride: right(gy, winner, shape, window, window),
            "max_pool_backward",
        ),
        Mistake(
            "no_stride", lambda gy, winner, shape, window, stride: right(gy, winner, shape, window, (1, 1)), "max_pool_backward"
        ),
        Mistake(
            "swapped_stride",
            lambda gy, winner, shape, window, stride: right(gy, winner, shape, window, stride[::-1]),
            "max_pool_backward",
        ),
        Mistake(
            "width_of_image",
            lambda gy, winner, shape, window, stride: right(gy, winner, shape, (window[0], window[0]), stride),
            "max_pool_backward",
        ),
        Mistake(
            "ones",
            lambda gy, winner, shape, window, stride: right(np.ones_like(gy), winner, shape, window, stride),
            "max_pool_backward",
        ),
        Mistake("over_channels", to_channels, "max_pool_backward"),
        Mistake(
            "only_mask",
            lambda gy, winner, shape, window, stride: np.minimum(right(np.ones_like(gy), winner, shape, window, stride), 1),
            "max_pool_backward",
        ),
        Mistake("sign_of_x", lambda gy, x: gy * np.sign(x)),
        Mistake(
            "stride_is_window",
            lambda gy, winner, shape, window, stride: inside_only(gy, winner, shape, window),
            "max_pool_backward",
        ),
        Mistake("row_and_column_swapped", row_and_column_swapped, "max_pool_backward"),
        Mistake(
            "first_window",
            lambda gy, winner, shape, window, stride: right(gy, winner, shape, window, (0, 0)),
            "max_pool_backward",
        ),
        Mistake("integers", into_integers, "max_pool_backward"),
        Mistake(
            "winner_in_image",
            lambda gy, winner, shape, window, stride: right(gy, winner, shape, shape[1:3], (0, 0)),
            "max_pool_backward",
        ),
    ),
    picture,
)
