"""Max-pooling: the largest number of each window, and its place; of equal numbers, the first."""

from collections.abc import Callable
from typing import Any

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign, window
from handmade.learn.step import Case, Function, Mistake, Step

Pair = tuple[int, int]


def right(x: Array, window: Pair, stride: Pair) -> tuple[Array, Array]:
    """Return the largest numbers by the engine's loops, and the first place of each in its window."""
    y = loops.max_pool2d(x, window, stride)
    winner = np.zeros(y.shape, int)
    for n, h, w, c in np.ndindex(y.shape):
        patch = loops.patch(x, n, h, w, window, stride)[:, :, c]
        winner[n, h, w, c] = next(k for k, value in enumerate(patch.ravel()) if value == y[n, h, w, c])
    return y, winner


def by_window(value: Callable[[Array], Any], place: Callable[[Array], Any]) -> Callable[..., Any]:
    """Return the mistake of a wrong value, or a wrong place, in each window."""

    def formula(x: Array, window: Pair, stride: Pair) -> tuple[Array, Array]:
        y, winner = right(x, window, stride)
        for n, h, w, c in np.ndindex(y.shape):
            patch = loops.patch(x, n, h, w, window, stride)[:, :, c]
            y[n, h, w, c], winner[n, h, w, c] = value(patch), place(patch)
        return y, winner

    return formula


def last_place(patch: Array) -> int:
    """Return the last place of the largest number."""
    return int(patch.size - 1 - patch.ravel()[::-1].argmax())


def column_first(patch: Array) -> int:
    """Return the place if the window is read column by column."""
    i, j = divmod(int(patch.argmax()), patch.shape[1])
    return int(j * patch.shape[0] + i)


def in_image(x: Array, window: Pair, stride: Pair) -> tuple[Array, Array]:
    """Return places in the image instead of the window."""
    y, winner = right(x, window, stride)
    for n, h, w, c in np.ndindex(y.shape):
        i, j = divmod(int(winner[n, h, w, c]), window[1])
        winner[n, h, w, c] = (h * stride[0] + i) * x.shape[2] + w * stride[1] + j
    return y, winner


def over_channels(x: Array, window: Pair, stride: Pair) -> tuple[Array, Array]:
    """Take the largest number over all channels."""
    y, winner = right(x, window, stride)
    for n, h, w in np.ndindex(y.shape[:3]):
        patch = loops.patch(x, n, h, w, window, stride)
        y[n, h, w], winner[n, h, w] = patch.max(), patch.argmax()
    return y, winner


def values_over_channels(x: Array, window: Pair, stride: Pair) -> tuple[Array, Array]:
    """Take the largest number over all channels, and the place within the own channel."""
    y, winner = right(x, window, stride)
    return np.repeat(y.max(axis=3, keepdims=True), y.shape[3], axis=3), winner


def as_pair(x: Array, window: Pair, stride: Pair) -> tuple[Array, Array]:
    """Return row and column of the place."""
    y, winner = right(x, window, stride)
    return y, np.stack(np.divmod(winner, window[1]), axis=-1)


def not_reset(x: Array, window: Pair, stride: Pair) -> tuple[Array, Array]:
    """Keep the largest number, and its place, from one window to the next."""
    y, winner = right(x, window, stride)
    best, place = -np.inf, 0
    for at in np.ndindex(y.shape):
        if y[at] > best:
            best, place = float(y[at]), int(winner[at])
        y[at], winner[at] = best, place
    return y, winner


def cut_windows(x: Array, window: Pair, stride: Pair) -> tuple[Array, Array]:
    """Make H // s windows in a column; the border cuts the last ones."""
    (K_h, K_w), (s, t) = window, stride
    shape = len(x), x.shape[1] // s, x.shape[2] // t, x.shape[3]
    y, winner = np.zeros(shape), np.zeros(shape, int)
    for n, h, w, c in np.ndindex(shape):
        patch = x[n, h * s : h * s + K_h, w * t : w * t + K_w, c]
        y[n, h, w, c], winner[n, h, w, c] = patch.max(), patch.argmax()
    return y, winner


def picture() -> list[Part]:
    """Draw an image with a window, the largest numbers, and their places."""
    x = numbers(71, 1, 4, 6, 1)
    x[0, 2, 3, 0] = x[0, 3, 2, 0] = 4.5
    y, winner = right(x, (2, 2), (2, 2))
    at = frozenset({(1, 1)})
    return [
        Grid("x", x[0, :, :, 0], window(2, 2, 2, 2)),
        Sign("→"),
        Grid("y", y[0, :, :, 0], at),
        Grid("winner", winner[0, :, :, 0], at),
    ]


def ties(seed: int, *shape: int) -> Array:
    """Return an image of few different numbers, so that many are equal."""
    return np.random.default_rng(seed).integers(0, 2, shape).astype(float)


STEP = Step(
    "max_pool",
    (Function("max_pool2d", "x window stride", right, "y winner"),),
    (
        Case("values", (numbers(1, 1, 2, 2, 1), (2, 2), (2, 2))),
        Case("values", (numbers(2, 1, 4, 4, 1), (2, 2), (2, 2))),
        Case("negative", (-np.abs(numbers(3, 1, 4, 4, 1)) - 1, (2, 2), (2, 2))),
        Case("negative", (-np.abs(numbers(4, 1, 2, 6, 1)) - 1, (2, 2), (2, 2))),
        Case("rectangular", (numbers(5, 1, 4, 6, 1), (2, 3), (2, 3))),
        Case("rectangular", (numbers(6, 1, 6, 5, 1), (3, 1), (3, 1))),
        Case("stride", (numbers(7, 1, 5, 5, 1), (2, 2), (3, 3))),
        Case("stride", (numbers(8, 1, 5, 7, 1), (2, 2), (2, 3))),
        Case("overlap", (numbers(9, 1, 4, 5, 1), (3, 3), (1, 1))),
        Case("overlap", (numbers(10, 1, 5, 7, 1), (3, 2), (2, 1))),
        Case("channels", (numbers(11, 1, 4, 4, 3), (2, 2), (2, 2))),
        Case("channels", (numbers(12, 1, 2, 4, 2), (2, 2), (2, 2))),
        Case("ties", (ties(13, 1, 4, 6, 1), (2, 3), (2, 3))),
        Case("ties", (ties(14, 1, 6, 6, 2), (3, 3), (3, 3))),
        Case("blank", (np.zeros((1, 4, 4, 1)), (2, 2), (2, 2))),
        Case("batch", (numbers(15, 3, 4, 4, 2), (2, 2), (2, 2))),
        Case("layout", (Strided(numbers(16, 2, 4, 6, 2)), (2, 2), (2, 2))),
    ),
    (
        Mistake("start_at_zero", by_window(lambda p: max(0, p.max()), lambda p: p.argmax())),
        Mistake("start_at_zero_both", by_window(lambda p: max(0, p.max()), lambda p: p.argmax() if p.max() > 0 else 0)),
        Mistake("last_of_equal", by_window(np.max, last_place)),
        Mistake("column_first", by_window(np.max, column_first)),
        Mistake("counted_from_one", by_window(np.max, lambda p: p.argmax() + 1)),
        Mistake("winner_in_image", in_image),
        Mistake("winner_is_row", by_window(np.max, lambda p: p.argmax() // p.shape[1])),
        Mistake("winner_is_column", by_window(np.max, lambda p: p.argmax() % p.shape[1])),
        Mistake("winner_not_set", by_window(np.max, lambda p: 0)),
        Mistake("smallest", by_window(np.min, lambda p: p.argmin())),
        Mistake("averaged", by_window(np.mean, lambda p: p.argmax())),
        Mistake("largest_absolute", by_window(lambda p: p.ravel()[np.abs(p).argmax()], lambda p: np.abs(p).argmax())),
        Mistake("first_number", by_window(lambda p: p[0, 0], lambda p: 0)),
        Mistake("over_channels", over_channels),
        Mistake("stride_is_window", lambda x, window, stride: right(x, window, window)),
        Mistake("stride_is_one", lambda x, window, stride: right(x, window, (1, 1))),
        Mistake("swapped_window", lambda x, window, stride: right(x, window[::-1], stride)),
        Mistake("swapped_stride", lambda x, window, stride: right(x, window, stride[::-1])),
        Mistake("only_y", lambda x, window, stride: right(x, window, stride)[0]),
        Mistake("row_times_height", by_window(np.max, lambda p: p.argmax() // p.shape[1] * p.shape[0] + p.argmax() % p.shape[1])),
        Mistake("over_channels", values_over_channels),
        Mistake("winner_as_pair", as_pair),
        Mistake("not_reset", not_reset),
        Mistake("order", lambda x, window, stride: right(x, window, stride)[::-1]),
        Mistake("cut_windows", cut_windows),
    ),
    picture,
)
