"""The linear layer backwards: gradients of its inputs, weights and biases."""

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign
from handmade.learn.step import Case, Function, Mistake, Step

Three = tuple[Array, Array, Array]


def right(gy: Array, x: Array, W: Array) -> Three:
    """Return the gradients by the engine's loops: each is a weighted sum, as a linear layer has it."""
    gx = loops.linear(gy, W.T, np.zeros(len(W)))
    gW = loops.linear(x.T, gy, np.zeros(gy.shape[1]))
    gb = loops.linear(np.ones((1, len(gy))), gy, np.zeros(gy.shape[1]))[0]
    return gx, gW, gb


def picture() -> list[Part]:
    """Draw x, gy, and the gradient of the weights, with one of its sums."""
    gy, x, W = numbers(92, 3, 2), numbers(93, 3, 4), numbers(94, 4, 2)
    _, gW, gb = right(gy, x, W)
    inputs, outputs = frozenset({(0, 1), (1, 1), (2, 1)}), frozenset({(0, 0), (1, 0), (2, 0)})
    return [
        Grid("x", x, inputs),
        Grid("gy", gy, outputs),
        Sign("→"),
        Grid("gW", gW, frozenset({(1, 0)})),
        Grid("gb", gb.reshape(1, 2)),
    ]


def case(concept: str, seed: int, N: int, inputs: int, outputs: int) -> Case:
    """Return a case with random numbers."""
    return Case(concept, (numbers(seed, N, outputs), numbers(seed + 100, N, inputs), numbers(seed + 200, inputs, outputs)))


STEP = Step(
    "linear_backward",
    (Function("linear_backward", "gy x W", right, "gx gW gb"),),
    (
        case("values", 1, 1, 2, 1),
        case("values", 2, 1, 3, 3),
        case("rectangular", 3, 1, 4, 2),
        case("rectangular", 4, 1, 2, 5),
        case("batch", 5, 2, 3, 3),
        case("batch", 6, 3, 4, 2),
        case("batch", 7, 4, 2, 3),
        case("batch", 8, 3, 3, 3),
        Case("layout", (Strided(numbers(9, 3, 2)), Strided(numbers(10, 3, 4)), Strided(numbers(11, 4, 2)))),
    ),
    (
        Mistake("weights_not_transposed", lambda gy, x, W: (gy @ W, x.T @ gy, gy.sum(axis=0))),
        Mistake("gW_transposed", lambda gy, x, W: (gy @ W.T, gy.T @ x, gy.sum(axis=0))),
        Mistake("averaged", lambda gy, x, W: (gy @ W.T, x.T @ gy / len(x), gy.mean(axis=0))),
        Mistake("gW_averaged", lambda gy, x, W: (gy @ W.T, x.T @ gy / len(x), gy.sum(axis=0))),
        Mistake("gb_averaged", lambda gy, x, W: (gy @ W.T, x.T @ gy, gy.mean(axis=0))),
        Mistake("gx_averaged", lambda gy, x, W: (gy @ W.T / len(x), x.T @ gy / len(x), gy.mean(axis=0))),
        Mistake("gb_not_summed", lambda gy, x, W: (gy @ W.T, x.T @ gy, gy)),
        Mistake("gb_over_outputs", lambda gy, x, W: (gy @ W.T, x.T @ gy, gy.sum(axis=1))),
        Mistake("gb_one_number", lambda gy, x, W: (gy @ W.T, x.T @ gy, gy.sum())),
        Mistake("gb_row", lambda gy, x, W: (gy @ W.T, x.T @ gy, gy.sum(axis=0, keepdims=True))),
        Mistake("gb_ones", lambda gy, x, W: (gy @ W.T, x.T @ gy, np.ones(gy.shape[1]))),
        Mistake("gb_batch_size", lambda gy, x, W: (gy @ W.T, x.T @ gy, np.full(gy.shape[1], len(gy)))),
        Mistake("last_image", lambda gy, x, W: (gy @ W.T, np.outer(x[-1], gy[-1]), gy[-1])),
        Mistake("last_image_gW", lambda gy, x, W: (gy @ W.T, np.outer(x[-1], gy[-1]), gy.sum(axis=0))),
        Mistake("first_image", lambda gy, x, W: (gy @ W.T, np.outer(x[0], gy[0]), gy[0])),
        Mistake("last_output", lambda gy, x, W: (gy[:, -1:] * W[:, -1], x.T @ gy, gy.sum(axis=0))),
        Mistake("sums_multiplied", lambda gy, x, W: (gy @ W.T, np.outer(x.sum(axis=0), gy.sum(axis=0)), gy.sum(axis=0))),
        Mistake("order_gW_gx", lambda gy, x, W: (x.T @ gy, gy @ W.T, gy.sum(axis=0))),
        Mistake("order_gb_first", lambda gy, x, W: (gy.sum(axis=0), x.T @ gy, gy @ W.T)),
        Mistake("order_gW_gb_gx", lambda gy, x, W: (x.T @ gy, gy.sum(axis=0), gy @ W.T)),
        Mistake("no_gb", lambda gy, x, W: (gy @ W.T, x.T @ gy)),
        Mistake(
            "gy_not_used", lambda gy, x, W: (np.ones_like(gy) @ W.T, x.T @ np.ones_like(gy), np.full(gy.shape[1], float(len(gy))))
        ),
        Mistake("new_weights", lambda gy, x, W: (gy @ W.T, W - x.T @ gy, gy.sum(axis=0))),
        Mistake("gW_times_W", lambda gy, x, W: (gy @ W.T, x.T @ gy * W, gy.sum(axis=0))),
        Mistake("gx_times_x", lambda gy, x, W: (gy @ W.T * x, x.T @ gy, gy.sum(axis=0))),
    ),
    picture,
)
