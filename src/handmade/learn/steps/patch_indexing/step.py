"""A patch of an image: p[i, j] = x[h + i, w + j]."""

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign, window
from handmade.learn.step import Case, Function, Mistake, Step


def right(x: Array, h: int, w: int, K_h: int, K_w: int) -> Array:
    """Return the patch by the engine's loops."""
    return loops.patch(x[None, :, :, None], 0, h, w, (K_h, K_w), (1, 1))[:, :, 0]


def centred(x: Array, h: int, w: int, K_h: int, K_w: int) -> Array:
    """Take h and w as the middle of the patch."""
    top, left = h - K_h // 2, w - K_w // 2
    return x[top : top + K_h, left : left + K_w]


def picture() -> list[Part]:
    """Draw an image, a window in it, and its patch."""
    x = numbers(11, 5, 6)
    return [Grid("x", x, window(1, 2, 2, 3)), Sign("→"), Grid("p", right(x, 1, 2, 2, 3))]


STEP = Step(
    "patch_indexing",
    (Function("patch", "x h w K_h K_w", right, "p"),),
    (
        Case("values", (numbers(1, 3, 3), 0, 0, 2, 2)),
        Case("values", (numbers(2, 4, 4), 1, 1, 2, 2)),
        Case("values", (numbers(3, 6, 6), 2, 1, 3, 3)),
        Case("rectangular", (numbers(4, 5, 7), 1, 3, 2, 4)),
        Case("rectangular", (numbers(5, 8, 6), 3, 0, 4, 2)),
        Case("rectangular", (numbers(6, 6, 5), 1, 2, 3, 1)),
        Case("border", (numbers(7, 5, 7), 3, 4, 2, 3)),
        Case("border", (numbers(8, 4, 6), 0, 3, 1, 3)),
        Case("layout", (Strided(numbers(9, 5, 6)), 2, 1, 2, 4)),
    ),
    (
        Mistake("chained_slices", lambda x, h, w, K_h, K_w: x[h : h + K_h][w : w + K_w]),
        Mistake("swapped_place", lambda x, h, w, K_h, K_w: x[w : w + K_h, h : h + K_w]),
        Mistake("swapped_size", lambda x, h, w, K_h, K_w: x[h : h + K_w, w : w + K_h]),
        Mistake("swapped_axes", lambda x, h, w, K_h, K_w: x[w : w + K_w, h : h + K_h]),
        Mistake("end_without_start", lambda x, h, w, K_h, K_w: x[h:K_h, w:K_w]),
        Mistake("one_too_many", lambda x, h, w, K_h, K_w: x[h : h + K_h + 1, w : w + K_w + 1]),
        Mistake("one_too_few", lambda x, h, w, K_h, K_w: x[h : h + K_h - 1, w : w + K_w - 1]),
        Mistake(
            "counted_from_one", lambda x, h, w, K_h, K_w: x[np.ix_(np.arange(h - 1, h - 1 + K_h), np.arange(w - 1, w - 1 + K_w))]
        ),
        Mistake("centred", centred),
        Mistake("square", lambda x, h, w, K_h, K_w: x[h : h + K_h, w : w + K_h]),
        Mistake("flat", lambda x, h, w, K_h, K_w: x[h : h + K_h, w : w + K_w].ravel()),
        Mistake("corner", lambda x, h, w, K_h, K_w: x[:K_h, :K_w]),
        Mistake("reversed", lambda x, h, w, K_h, K_w: x[h : h + K_h, w : w + K_w][::-1, ::-1]),
        Mistake("centred", lambda x, h, w, K_h, K_w: right(x, max(h - K_h // 2, 0), max(w - K_w // 2, 0), K_h, K_w)),
        Mistake("tiles", lambda x, h, w, K_h, K_w: x[h * K_h : (h + 1) * K_h, w * K_w : (w + 1) * K_w]),
        Mistake(
            "begins_one_later", lambda x, h, w, K_h, K_w: x[np.ix_(np.arange(h + 1, h + 1 + K_h), np.arange(w + 1, w + 1 + K_w))]
        ),
        Mistake("begins_one_later", lambda x, h, w, K_h, K_w: x[h + 1 : h + 1 + K_h, w + 1 : w + 1 + K_w]),
        Mistake("diagonal", lambda x, h, w, K_h, K_w: x[np.arange(h, h + K_h), np.arange(w, w + K_w)]),
        Mistake("indices_swapped", lambda x, h, w, K_h, K_w: x[np.ix_(np.arange(h, h + K_w), np.arange(w, w + K_h))].T),
        Mistake("indices_swapped", lambda x, h, w, K_h, K_w: x[h : h + K_w, w : w + K_h].T),
        Mistake("only_rows", lambda x, h, w, K_h, K_w: x[h : h + K_h]),
    ),
    picture,
)
