"""A convolution backwards: the gradient of the biases."""

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign
from handmade.learn.step import Case, Function, Mistake, Step
from handmade.learn.steps.convolution_gradients import SHAPES, upstream


def right(gy: Array) -> Array:
    """Return the slope of the sum of gy * y for each bias, by the engine's loops: x is 0, and one bias is 1."""
    N, rows, columns, O = gy.shape
    x, W = np.zeros((N, rows, columns, 1)), np.zeros((1, 1, 1, O))
    return np.array([float((gy * loops.conv2d(x, W, np.eye(O)[o])).sum()) for o in range(O)])


def square(gy: Array, size: int) -> Array:
    """Use one size for rows and columns."""
    if size > min(gy.shape[1:3]):
        raise IndexError
    return np.asarray(gy[:, :size, :size].sum(axis=(0, 1, 2)))


def picture() -> list[Part]:
    """Draw the gradients of two channels, and their sums."""
    gy = numbers(111, 1, 3, 3, 2)
    return [Grid("gy, o = 0", gy[0, :, :, 0]), Grid("gy, o = 1", gy[0, :, :, 1]), Sign("Σ"), Grid("gb", right(gy).reshape(1, 2))]


STEP = Step(
    "conv_backward_db",
    (Function("conv_backward_db", "gy", right, "gb"),),
    (
        *(Case(shape[0], (upstream(seed, *shape[1:]),)) for seed, shape in enumerate(SHAPES[:10])),
        Case("layout", (Strided(numbers(20, 2, 3, 2, 3)),)),
    ),
    (
        Mistake("averaged", lambda gy: gy.mean(axis=(0, 1, 2))),
        Mistake("batch_averaged", lambda gy: gy.sum(axis=(0, 1, 2)) / len(gy)),
        Mistake("pixels_averaged", lambda gy: gy.mean(axis=(1, 2)).sum(axis=0)),
        Mistake("images_only", lambda gy: gy.sum(axis=0)),
        Mistake("for_each_image", lambda gy: gy.sum(axis=(1, 2))),
        Mistake("one_number", np.sum),
        Mistake("channels_summed", lambda gy: gy.sum(axis=3)),
        Mistake("last_image", lambda gy: gy[-1].sum(axis=(0, 1))),
        Mistake("first_image", lambda gy: gy[0].sum(axis=(0, 1))),
        Mistake("last_number", lambda gy: gy[-1, -1, -1]),
        Mistake("axes_kept", lambda gy: gy.sum(axis=(0, 1, 2), keepdims=True)),
        Mistake("row_kept", lambda gy: gy.sum(axis=(0, 1, 2))[None]),
        Mistake("counted", lambda gy: np.full(gy.shape[3], float(gy[..., 0].size))),
        Mistake("ones", lambda gy: np.ones(gy.shape[3])),
        Mistake("columns_left_out", lambda gy: gy.sum(axis=(0, 1))),
        Mistake("first_axis", lambda gy: gy.sum(axis=(1, 2, 3))),
        Mistake("second_axis", lambda gy: gy.sum(axis=(0, 2, 3))),
        Mistake("reshaped", lambda gy: gy.reshape(gy.shape[3], -1).sum(axis=1)),
        Mistake("square", lambda gy: square(gy, min(gy.shape[1:3]))),
        Mistake("square", lambda gy: square(gy, gy.shape[1])),
        Mistake("running", lambda gy: np.cumsum(gy.sum(axis=(0, 1, 2)))),
        Mistake("added_to_all", lambda gy: np.full(gy.shape[3], gy.sum())),
    ),
    picture,
)
