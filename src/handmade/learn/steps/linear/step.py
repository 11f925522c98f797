"""Flatten and the linear layer: each image becomes a row, each output is a weighted sum of all inputs."""

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign
from handmade.learn.step import Case, Function, Mistake, Step


def right_flatten(x: Array) -> Array:
    """Return the rows by the engine's loops."""
    return loops.flatten(x)


def right(x: Array, W: Array, b: Array) -> Array:
    """Return the weighted sums by the engine's loops."""
    return loops.linear(x, W, b)


def picture() -> list[Part]:
    """Draw inputs, weights, biases and outputs."""
    x, W, b = numbers(81, 2, 3), numbers(82, 3, 2), numbers(83, 2)
    y = right(x, W, b)
    row, column = frozenset({(1, 0), (1, 1), (1, 2)}), frozenset({(0, 0), (1, 0), (2, 0)})
    return [
        Grid("x", x, row),
        Sign("@"),
        Grid("W", W, column),
        Sign("+"),
        Grid("b", b.reshape(1, 2), frozenset({(0, 0)})),
        Sign("="),
        Grid("y", y, frozenset({(1, 0)})),
    ]


def flat(concept: str, seed: int, *shape: int) -> Case:
    """Return a case of flatten."""
    return Case(concept, (numbers(seed, *shape),), "flatten")


def dense(concept: str, seed: int, N: int, inputs: int, outputs: int) -> Case:
    """Return a case of the linear layer."""
    return Case(concept, (numbers(seed, N, inputs), numbers(seed + 100, inputs, outputs), numbers(seed + 200, outputs)), "linear")


STEP = Step(
    "linear",
    (Function("flatten", "x", right_flatten, "y"), Function("linear", "x W b", right, "y")),
    (
        flat("values", 1, 1, 2, 2, 1),
        flat("rectangular", 2, 1, 2, 4, 1),
        flat("rectangular", 3, 1, 5, 3, 1),
        flat("channels", 4, 1, 2, 3, 4),
        flat("channels", 5, 1, 3, 2, 2),
        flat("batch", 6, 3, 2, 3, 2),
        flat("batch", 7, 2, 4, 2, 3),
        Case("layout", (Strided(numbers(8, 2, 3, 2, 2)),), "flatten"),
        dense("values", 11, 1, 2, 1),
        dense("values", 12, 1, 3, 3),
        dense("rectangular", 13, 1, 4, 2),
        dense("rectangular", 14, 1, 2, 5),
        Case("bias", (np.zeros((1, 3)), numbers(15, 3, 4), numbers(16, 4)), "linear"),
        Case("bias", (np.zeros((2, 2)), numbers(17, 2, 3), numbers(18, 3)), "linear"),
        dense("batch", 19, 3, 4, 2),
        dense("batch", 20, 4, 2, 3),
        dense("batch", 21, 2, 3, 3),
        Case("layout", (Strided(numbers(22, 3, 4)), Strided(numbers(23, 4, 2)), numbers(24, 2)), "linear"),
    ),
    (
        Mistake("all_images", lambda x: x.ravel(), "flatten"),
        Mistake("channels_first", lambda x: x.transpose(0, 3, 1, 2).reshape(len(x), -1), "flatten"),
        Mistake("columns_first", lambda x: x.transpose(0, 2, 1, 3).reshape(len(x), -1), "flatten"),
        Mistake("reversed_axes", lambda x: x.transpose(0, 3, 2, 1).reshape(len(x), -1), "flatten"),
        Mistake("columns_as_images", lambda x: x.reshape(-1, len(x)), "flatten"),
        Mistake("images_transposed", lambda x: x.reshape(len(x), -1).T, "flatten"),
        Mistake("images_mixed", lambda x: x.transpose(1, 2, 3, 0).reshape(len(x), -1), "flatten"),
        Mistake("channels_kept", lambda x: x.reshape(len(x), -1, x.shape[3]), "flatten"),
        Mistake("rows_kept", lambda x: x.reshape(len(x), x.shape[1], -1), "flatten"),
        Mistake("first_image", lambda x: x[:1].reshape(1, -1), "flatten"),
        Mistake("no_bias", lambda x, W, b: x @ W, "linear"),
        Mistake("bias_subtracted", lambda x, W, b: x @ W - b, "linear"),
        Mistake("bias_per_input", lambda x, W, b: x @ W + W.shape[0] * b, "linear"),
        Mistake("bias_per_image", lambda x, W, b: x @ W + len(x) * b, "linear"),
        Mistake("all_biases", lambda x, W, b: x @ W + b.sum(), "linear"),
        Mistake("first_bias", lambda x, W, b: x @ W + b[0], "linear"),
        Mistake("weights_transposed", lambda x, W, b: x @ W.T + b, "linear"),
        Mistake("outputs_transposed", lambda x, W, b: (x @ W + b).T, "linear"),
        Mistake("last_product", lambda x, W, b: b + x[:, -1:] * W[-1], "linear"),
        Mistake("averaged", lambda x, W, b: x @ W / W.shape[0] + b, "linear"),
        Mistake("images_added", lambda x, W, b: np.tile(x.sum(axis=0) @ W + b, (len(x), 1)), "linear"),
        Mistake("first_image_for_all", lambda x, W, b: np.tile(x[0] @ W + b, (len(x), 1)), "linear"),
        Mistake("running", lambda x, W, b: np.cumsum(x @ W, axis=1) + b, "linear"),
        Mistake("relu_too", lambda x, W, b: np.maximum(x @ W + b, 0), "linear"),
        Mistake("images_mixed", lambda x: x.reshape(-1, len(x)).T, "flatten"),
        Mistake("factors_swapped", lambda x, W, b: W @ x + b, "linear"),
        Mistake("bias_to_rows", lambda x, W, b: x @ W + b[:, None], "linear"),
        Mistake("one_row", lambda x, W, b: x[0] @ W + b, "linear"),
    ),
    picture,
)
