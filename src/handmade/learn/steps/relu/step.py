"""ReLU: y = max(x, 0), number by number."""

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign
from handmade.learn.step import Case, Function, Mistake, Step


def right(x: Array) -> Array:
    """Return ReLU by the engine's loops."""
    return loops.relu(x)


def integer_result(x: Array) -> Array:
    """Put the numbers into an array of integers, one by one."""
    y = np.zeros(x.shape, int)
    for at in np.ndindex(x.shape):
        y[at] = max(x[at], 0)
    return y


def picture() -> list[Part]:
    """Draw an array before and after ReLU."""
    x = numbers(61, 3, 4)
    return [Grid("x", x), Sign("→"), Grid("y = max(x, 0)", right(x))]


STEP = Step(
    "relu",
    (Function("relu", "x", right, "y"),),
    (
        Case("values", (np.array([-1.5, 0.0, 2.5]),)),
        Case("values", (numbers(1, 6),)),
        Case("values", (numbers(2, 3, 4),)),
        Case("blank", (np.zeros((2, 3)),)),
        Case("blank", (-np.abs(numbers(3, 2, 4)) - 1,)),
        Case("shapes", (numbers(4, 2, 3, 4, 2),)),
        Case("shapes", (np.array(-0.25),)),
        Case("extreme", (np.array([1e300, -1e300, 1e-300, -1e-300]),)),
        Case("extreme", (np.array([[np.inf, 3.0], [-np.inf, -800.0]]),)),
        Case("extreme", (np.array([-np.inf, 1.7e308, 4.0]),)),
        Case("integers", (np.array([[-3, 0], [2, -7]]),)),
        Case("precision", (numbers(5, 2, 5).astype(np.float32),), dtype="float32"),
        Case("layout", (Strided(numbers(6, 3, 4)),)),
    ),
    (
        Mistake("absolute", np.abs),
        Mistake("negative_part", lambda x: np.minimum(x, 0)),
        Mistake("negated", lambda x: np.maximum(-x, 0)),
        Mistake("unchanged", lambda x: x),
        Mistake("mask", lambda x: np.where(x > 0, 1.0, 0.0)),
        Mistake("mask_with_zero", lambda x: np.where(x >= 0, 1.0, 0.0)),
        Mistake("leaky", lambda x: np.where(x > 0, x, 0.01 * x)),
        Mistake("clipped", lambda x: np.clip(x, 0, 1)),
        Mistake("clipped_at_six", lambda x: np.clip(x, 0, 6)),
        Mistake("removed", lambda x: x[x > 0]),
        Mistake("zero_removed_too", lambda x: x[x >= 0]),
        Mistake("largest", np.max),
        Mistake("at_one", lambda x: np.maximum(x, 1)),
        Mistake("squared", lambda x: np.square(np.maximum(x, 0))),
        Mistake("softplus", lambda x: np.logaddexp(0, x)),
        Mistake("softplus_overflow", lambda x: np.log(1 + np.exp(x))),
        Mistake("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
        Mistake("times_mask", lambda x: x * (x > 0)),
        Mistake("half_of_sum", lambda x: (x + np.abs(x)) / 2),
        Mistake("axis_zero", lambda x: np.max(x, axis=0)),
        Mistake("one_decision", lambda x: x if x.sum() > 0 else np.zeros_like(x)),
        Mistake("one_decision", lambda x: x if (x > 0).all() else np.zeros_like(x)),
        Mistake("one_decision", lambda x: x if (x > 0).any() else np.zeros_like(x)),
        Mistake("integer_result", integer_result),
        Mistake("integer_result", lambda x: np.maximum(x, 0).astype(int)),
    ),
    picture,
)
