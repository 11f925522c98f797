"""Stride, padding and output size: floor((H + 2 p - K_h) / s) + 1."""

import math
from typing import Any

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign, window
from handmade.learn.step import Case, Function, Mistake, Step

Pair = tuple[int, int]


def right_size(size: int, window: int, stride: int, padding: int) -> int:
    """Return the output size by the engine's loops."""
    return loops.output_size(size + 2 * padding, window, stride)


def right(x: Array, W: Array, b: Array, stride: Pair, padding: Pair) -> Array:
    """Return the convolution by the engine's loops."""
    return loops.conv2d(x, W, b, stride, padding)


def padded_by(**how: Any) -> Any:
    """Return the mistake of padding with something else than zeros."""
    return lambda x, W, b, stride, padding: right(
        np.pad(x, ((0, 0), *((k, k) for k in padding), (0, 0)), **how), W, b, stride, (0, 0)
    )


def padded_before(x: Array, W: Array, b: Array, stride: Pair, padding: Pair) -> Array:
    """Put all zeros above and to the left."""
    return right(np.pad(x, ((0, 0), *((2 * k, 0) for k in padding), (0, 0))), W, b, stride, (0, 0))


def padded_after(x: Array, W: Array, b: Array, stride: Pair, padding: Pair) -> Array:
    """Put all zeros below and to the right."""
    return right(np.pad(x, ((0, 0), *((0, 2 * k) for k in padding), (0, 0))), W, b, stride, (0, 0))


def one_side(x: Array, W: Array, b: Array, stride: Pair, padding: Pair) -> Array:
    """Put zeros above and to the left, and none below and to the right."""
    return right(np.pad(x, ((0, 0), *((k, 0) for k in padding), (0, 0))), W, b, stride, (0, 0))


def padded_all_axes(x: Array, W: Array, b: Array, stride: Pair, padding: Pair) -> Array:
    """Surround the result by zeros, not the image."""
    y = right(x, W, b, stride, (0, 0))
    return np.pad(y, ((0, 0), *((k, k) for k in padding), (0, 0)))


def stride_not_in_place(x: Array, W: Array, b: Array, stride: Pair, padding: Pair) -> Array:
    """Give y the right size, but move the window by one number."""
    rows, columns = right(x, W, b, stride, padding).shape[1:3]
    return right(x, W, b, (1, 1), padding)[:, :rows, :columns]


def rounded_up(x: Array, W: Array, b: Array, stride: Pair, padding: Pair) -> Array:
    """Give y one row more where the last window does not fit; it sees the numbers that are left."""
    K = W.shape[:2]
    more = [(-(x.shape[1 + k] + 2 * padding[k] - K[k])) % stride[k] for k in (0, 1)]
    wider = np.pad(x, ((0, 0), (padding[0], padding[0] + more[0]), (padding[1], padding[1] + more[1]), (0, 0)))
    return right(wider, W, b, stride, (0, 0))


def dilated(x: Array, W: Array, b: Array, stride: Pair, padding: Pair) -> Array:
    """Use the stride within the window as well."""
    K_h, K_w, C, O = W.shape
    larger = np.zeros(((K_h - 1) * stride[0] + 1, (K_w - 1) * stride[1] + 1, C, O))
    larger[:: stride[0], :: stride[1]] = W
    return right(x, larger, b, (1, 1), padding)


def dilated_windows(x: Array, W: Array, b: Array, stride: Pair, padding: Pair) -> Array:
    """Use the stride between the numbers of a window, which moves by 1; y has the right size."""
    y = np.zeros(right(x, W, b, stride, padding).shape)
    for n, h, w, i, j in np.ndindex(*y.shape[:3], *W.shape[:2]):
        r, c = h + i * stride[0] - padding[0], w + j * stride[1] - padding[1]
        if 0 <= r < x.shape[1] and 0 <= c < x.shape[2]:
            y[n, h, w] += x[n, r, c] @ W[i, j]
    return y + b


def wrapped(x: Array, W: Array, b: Array, stride: Pair, padding: Pair) -> Array:
    """Read an index below 0 from the end of the image; beyond the end are zeros."""
    p, q = padding
    wide = np.pad(x, ((0, 0), (p, 0), (q, 0), (0, 0)), mode="wrap")
    return right(np.pad(wide, ((0, 0), (0, p), (0, q), (0, 0))), W, b, stride, (0, 0))


def picture() -> list[Part]:
    """Draw a padded image with a window, a kernel, and the output for stride 2."""
    x, W = numbers(51, 1, 3, 4, 1), numbers(52, 2, 2, 1, 1)
    wide = loops.pad(x, (1, 1))[0, :, :, 0]
    inside = window(1, 1, 3, 4)
    zeros = frozenset(at for at in np.ndindex(wide.shape) if at not in inside)
    y = right(x, W, np.zeros(1), (2, 2), (1, 1))[0, :, :, 0]
    marked = frozenset({(1, 2)})
    return [
        Grid("x, p = q = 1", wide, window(2, 4, 2, 2), zeros),
        Sign("*"),
        Grid("W", W[:, :, 0, 0]),
        Sign("="),
        Grid("y", y, marked),
    ]


def case(concept: str, seed: int, x: tuple[int, ...], W: tuple[int, ...], stride: Pair, padding: Pair) -> Case:
    """Return a case with random numbers of these shapes."""
    return Case(concept, (numbers(seed, *x), numbers(seed + 100, *W), numbers(seed + 200, W[3]), stride, padding), "conv2d")


def size_case(concept: str, *arguments: int) -> Case:
    """Return a case of the output size."""
    return Case(concept, arguments)


STEP = Step(
    "conv_stride_padding",
    (
        Function("output_size", "size window stride padding", right_size, "size"),
        Function("conv2d", "x W b stride padding", right, "y"),
    ),
    (
        size_case("values", 5, 3, 1, 0),
        size_case("values", 28, 5, 1, 0),
        size_case("stride", 7, 3, 2, 0),
        size_case("stride", 8, 3, 2, 0),
        size_case("stride", 11, 4, 3, 0),
        size_case("stride", 12, 4, 3, 0),
        size_case("stride", 9, 3, 4, 0),
        size_case("padding", 5, 3, 1, 1),
        size_case("padding", 9, 5, 1, 2),
        size_case("padding", 6, 3, 2, 1),
        size_case("padding", 10, 4, 3, 2),
        case("values", 1, (1, 4, 4, 1), (2, 2, 1, 1), (1, 1), (0, 0)),
        case("stride", 2, (1, 5, 5, 1), (3, 3, 1, 1), (2, 2), (0, 0)),
        case("stride", 3, (1, 6, 8, 2), (2, 3, 2, 1), (2, 2), (0, 0)),
        case("stride", 4, (1, 7, 6, 1), (2, 2, 1, 2), (3, 1), (0, 0)),
        case("stride", 5, (1, 6, 9, 1), (1, 3, 1, 1), (1, 3), (0, 0)),
        case("padding", 6, (1, 3, 3, 1), (3, 3, 1, 1), (1, 1), (1, 1)),
        case("padding", 7, (1, 3, 5, 2), (2, 3, 2, 2), (1, 1), (2, 1)),
        case("padding", 8, (1, 4, 3, 1), (3, 2, 1, 1), (1, 1), (0, 2)),
        case("padding", 9, (1, 5, 6, 1), (3, 2, 1, 1), (2, 3), (1, 2)),
        case("padding", 10, (1, 6, 5, 2), (2, 3, 2, 1), (3, 2), (2, 1)),
        case("batch", 11, (2, 5, 4, 3), (3, 2, 3, 2), (2, 1), (1, 2)),
        Case("layout", (Strided(numbers(12, 2, 4, 5, 2)), numbers(13, 3, 2, 2, 3), numbers(14, 3), (1, 2), (1, 0)), "conv2d"),
    ),
    (
        Mistake("size_rounded_up", lambda a, k, s, p: math.ceil((a + 2 * p - k) / s) + 1),
        Mistake("size_not_rounded", lambda a, k, s, p: (a + 2 * p - k) / s + 1),
        Mistake("size_no_plus_one", lambda a, k, s, p: (a + 2 * p - k) // s),
        Mistake("size_padding_once", lambda a, k, s, p: (a + p - k) // s + 1),
        Mistake("size_no_padding", lambda a, k, s, p: (a - k) // s + 1),
        Mistake("size_padding_outside", lambda a, k, s, p: (a - k) // s + 1 + 2 * p),
        Mistake("size_padding_subtracted", lambda a, k, s, p: (a - 2 * p - k) // s + 1),
        Mistake("size_plus_one_inside", lambda a, k, s, p: (a + 2 * p - k + 1) // s),
        Mistake("size_no_stride", lambda a, k, s, p: a + 2 * p - k + 1),
        Mistake("size_no_window", lambda a, k, s, p: (a + 2 * p) // s),
        Mistake("size_divided_first", lambda a, k, s, p: (a + 2 * p) // s - k + 1),
        Mistake("no_padding", lambda x, W, b, s, p: right(x, W, b, s, (0, 0)), "conv2d"),
        Mistake("no_stride", lambda x, W, b, s, p: right(x, W, b, (1, 1), p), "conv2d"),
        Mistake("stride_not_in_place", stride_not_in_place, "conv2d"),
        Mistake("swapped_stride", lambda x, W, b, s, p: right(x, W, b, s[::-1], p), "conv2d"),
        Mistake("swapped_padding", lambda x, W, b, s, p: right(x, W, b, s, p[::-1]), "conv2d"),
        Mistake("rows_for_both", lambda x, W, b, s, p: right(x, W, b, (s[0], s[0]), (p[0], p[0])), "conv2d"),
        Mistake("row_stride_for_both", lambda x, W, b, s, p: right(x, W, b, (s[0], s[0]), p), "conv2d"),
        Mistake("row_padding_for_both", lambda x, W, b, s, p: right(x, W, b, s, (p[0], p[0])), "conv2d"),
        Mistake("edge_repeated", padded_by(mode="edge"), "conv2d"),
        Mistake("padded_with_ones", padded_by(mode="constant", constant_values=1), "conv2d"),
        Mistake("reflected", padded_by(mode="reflect"), "conv2d"),
        Mistake("padded_before", padded_before, "conv2d"),
        Mistake("padded_after", padded_after, "conv2d"),
        Mistake("one_side", one_side, "conv2d"),
        Mistake("result_padded", padded_all_axes, "conv2d"),
        Mistake("rounded_up", rounded_up, "conv2d"),
        Mistake("dilated", dilated, "conv2d"),
        Mistake("no_bias", lambda x, W, b, s, p: right(x, W, 0 * b, s, p), "conv2d"),
        Mistake("flipped", lambda x, W, b, s, p: right(x, W[::-1, ::-1], b, s, p), "conv2d"),
        Mistake("size_rounded", lambda a, k, s, p: round((a + 2 * p - k) / s) + 1),
        Mistake("dilated", dilated_windows, "conv2d"),
        Mistake("wrapped", wrapped, "conv2d"),
    ),
    picture,
)
