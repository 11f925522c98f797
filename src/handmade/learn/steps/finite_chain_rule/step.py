"""The finite chain rule: exact differences of ReLU and of a maximum, for changes of any size."""

from fractions import Fraction

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign
from handmade.learn.step import Case, Function, Mistake, Step


def exact(x: Array) -> Array:
    """Return the same numbers as fractions, with which the engine's loops compute without rounding."""
    return np.array([Fraction(float(value)) for value in x.ravel()], object).reshape(x.shape)


def right_relu(x: Array, dx: Array) -> Array:
    """Return the difference of two ReLUs by the engine's loops, in fractions."""
    y = loops.relu(exact(x) + exact(dx)) - loops.relu(exact(x))
    return y.astype(float)


def right_max(x: Array, dx: Array) -> Array:
    """Return the difference of two maxima by the engine's loops, in fractions: each row is one window."""
    a, b = (exact(each)[:, None, :, None] for each in (x, dx))
    window = (1, x.shape[1])
    y = loops.max_pool2d(a + b, window, window) - loops.max_pool2d(a, window, window)
    return y[:, 0, 0, 0].astype(float)


def at_winner(x: Array, dx: Array) -> Array:
    """Return the change of the number that is the largest before."""
    return np.asarray(dx[np.arange(len(x)), x.argmax(axis=1)])


def at_new_winner(x: Array, dx: Array) -> Array:
    """Return the change of the number that is the largest afterwards."""
    return np.asarray(dx[np.arange(len(x)), (x + dx).argmax(axis=1)])


def leads(x: Array) -> Array:
    """Return the lead of the largest number of each row."""
    return np.asarray(x.max(axis=1, keepdims=True) - x)


def picture() -> list[Part]:
    """Draw x, its change, and the change of ReLU."""
    x, dx = numbers(97, 2, 4), numbers(98, 2, 4)
    return [Grid("x", x), Grid("dx", dx), Sign("→"), Grid("dy of ReLU", right_relu(x, dx))]


KINK, AROUND = np.array([0.0, 0.0, 0.0]), np.array([0.5, -0.5, 0.0])
TIES = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [2.0, -1.0, 2.0]])


def tiny(seed: int, *shape: int) -> Array:
    """Return changes that are lost if they are added to x."""
    return 1e-30 * numbers(seed, *shape)


STEP = Step(
    "finite_chain_rule",
    (Function("delta_relu", "x dx", right_relu, "dy"), Function("delta_max", "x dx", right_max, "dy")),
    (
        Case("values", (numbers(1, 5), numbers(2, 5) / 100)),
        Case("values", (numbers(3, 2, 3), numbers(4, 2, 3) / 100)),
        Case("switch", (numbers(5, 6), -2 * numbers(5, 6) + 0.25)),
        Case("switch", (numbers(7, 3, 4), 3 * numbers(8, 3, 4))),
        Case("kink", (KINK, AROUND)),
        Case("kink", (np.zeros((2, 3)), numbers(9, 2, 3))),
        Case("tiny", (numbers(10, 6), tiny(11, 6)), tiny=True),
        Case("tiny", (np.array([0.0, 0.0, 3.0, -3.0]), np.array([1e-30, -1e-30, -2e-30, 1e-30])), tiny=True),
        Case("layout", (Strided(numbers(12, 2, 3)), Strided(numbers(13, 2, 3)))),
        Case("values", (numbers(21, 1, 3), numbers(22, 1, 3) / 100), "delta_max"),
        Case("values", (numbers(23, 2, 4), numbers(24, 2, 4) / 100), "delta_max"),
        Case("negative", (-np.abs(numbers(25, 3, 3)) - 1, numbers(26, 3, 3) / 100), "delta_max"),
        Case("switch", (numbers(27, 4, 3), 3 * numbers(28, 4, 3)), "delta_max"),
        Case("switch", (numbers(29, 3, 4), 5 * numbers(30, 3, 4)), "delta_max"),
        Case("ties", (TIES, numbers(31, 3, 3)), "delta_max"),
        Case("ties", (np.zeros((2, 4)), -np.abs(numbers(32, 2, 4)) - 0.5), "delta_max"),
        Case("tiny", (numbers(33, 3, 4), tiny(34, 3, 4)), "delta_max", tiny=True),
        Case("tiny", (TIES, tiny(35, 3, 3)), "delta_max", tiny=True),
        Case("layout", (Strided(numbers(36, 2, 3)), Strided(numbers(37, 2, 3))), "delta_max"),
    ),
    (
        Mistake("subtracted", lambda x, dx: np.maximum(x + dx, 0) - np.maximum(x, 0)),
        Mistake("slope_before", lambda x, dx: np.where(x > 0, dx, 0)),
        Mistake("slope_before_with_zero", lambda x, dx: np.where(x >= 0, dx, 0)),
        Mistake("slope_after", lambda x, dx: np.where(x + dx > 0, dx, 0)),
        Mistake("relu_of_dx", lambda x, dx: np.maximum(dx, 0)),
        Mistake("unchanged", lambda x, dx: dx),
        Mistake("no_lower_limit", lambda x, dx: dx + np.minimum(x, 0)),
        Mistake("limit_at_zero", lambda x, dx: np.maximum(dx + np.minimum(x, 0), 0)),
        Mistake("new_value", lambda x, dx: np.maximum(x + dx, 0)),
        Mistake("wrong_limit", lambda x, dx: np.maximum(dx + np.minimum(x, 0), np.maximum(x, 0))),
        Mistake("switched_off", lambda x, dx: np.where((x > 0) & (x + dx > 0), dx, 0)),
        Mistake("max_subtracted", lambda x, dx: (x + dx).max(axis=1) - x.max(axis=1), "delta_max"),
        Mistake("winner_fixed", at_winner, "delta_max"),
        Mistake("new_winner", at_new_winner, "delta_max"),
        Mistake("largest_change", lambda x, dx: dx.max(axis=1), "delta_max"),
        Mistake("lead_added", lambda x, dx: (dx + (x.max(axis=1, keepdims=True) - x)).max(axis=1), "delta_max"),
        Mistake("lead_of_all", lambda x, dx: (dx - (x.max() - x)).max(axis=1), "delta_max"),
        Mistake("not_reduced", lambda x, dx: dx - (x.max(axis=1, keepdims=True) - x), "delta_max"),
        Mistake("smallest", lambda x, dx: (dx - (x.max(axis=1, keepdims=True) - x)).min(axis=1), "delta_max"),
        Mistake("max_after", lambda x, dx: (x + dx).max(axis=1), "delta_max"),
        Mistake(
            "never_below_zero", lambda x, dx: np.maximum((dx - (x.max(axis=1, keepdims=True) - x)).max(axis=1), 0), "delta_max"
        ),
        Mistake("sum_of_changes", lambda x, dx: dx.sum(axis=1), "delta_max"),
        Mistake("limits_swapped", lambda x, dx: np.maximum(dx + np.maximum(x, 0), -np.minimum(x, 0))),
        Mistake("fall_left_out", lambda x, dx: np.where(x + dx > 0, np.where(x > 0, dx, x + dx), 0)),
        Mistake("down_columns", lambda x, dx: (dx - (x.max(axis=0) - x)).max(axis=0), "delta_max"),
        Mistake("axis_not_kept", lambda x, dx: (dx - (x.max(axis=1) - x)).max(axis=1), "delta_max"),
        Mistake("axis_kept", lambda x, dx: (dx - leads(x)).max(axis=1, keepdims=True), "delta_max"),
    ),
    picture,
)
