"""One-sided and central difference quotients of a function of an array."""

from collections.abc import Callable

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.functions import neighbour_sines, product_sum, relu_sum, sine_sum, square_sum
from handmade.learn.picture import Grid, Part, Sign
from handmade.learn.step import Case, Function, Mistake, Step

F = Callable[[Array], float]


def right(f: F, w: Array, h: float) -> Array:
    """Return one-sided quotients by the engine's loops."""
    return loops.gradient(lambda parameters: f(parameters["w"]), {"w": np.array(w, float)}, h)["w"]


def right_central(f: F, w: Array, h: float) -> Array:
    """Return central quotients: the mean of both one-sided ones."""
    return (right(f, w, h) + right(f, w, -h)) / 2


def not_restored(f: F, w: Array, h: float) -> Array:
    """Leave each number moved."""
    g, before, moved = np.zeros(w.shape), f(w), np.array(w, float)
    for k in np.ndindex(w.shape):
        moved[k] += h
        g[k] = (f(moved) - before) / h
    return g


def central_not_restored(f: F, w: Array, h: float) -> Array:
    """Leave each number below its place."""
    g, moved = np.zeros(w.shape), np.array(w, float)
    for k in np.ndindex(w.shape):
        moved[k] += h
        above = f(moved)
        moved[k] -= 2 * h
        g[k] = (above - f(moved)) / (2 * h)
    return g


def kept_integers(f: F, w: Array, h: float, *, both: bool) -> Array:
    """Add h to an array of integers, which cuts its decimals."""
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        above, below = w.copy(), w.copy()
        above[k] = w[k] + h
        below[k] = w[k] - h
        g[k] = (f(above) - f(below)) / (2 * h) if both else (f(above) - f(w)) / h
    return g


def restored_by_subtracting(f: F, w: Array, h: float) -> Array:
    """Subtract h again after each number: rounding errors stay in it."""
    g, before, moved = np.zeros(w.shape), f(w), np.array(w, float)
    for k in np.ndindex(w.shape):
        moved[k] += h
        g[k] = (f(moved) - before) / h
        moved[k] -= h
    return g


def central_restored_by_adding(f: F, w: Array, h: float) -> Array:
    """Add h again after each number: rounding errors stay in it."""
    g, moved = np.zeros(w.shape), np.array(w, float)
    for k in np.ndindex(w.shape):
        moved[k] += h
        above = f(moved)
        moved[k] -= 2 * h
        g[k] = (above - f(moved)) / (2 * h)
        moved[k] += h
    return g


def rows_moved(f: F, w: Array, h: float, *, both: bool) -> Array:
    """Move all numbers of a row at once."""
    g = np.zeros(w.shape)
    for k in range(len(w)):
        above, below = w.astype(float), w.astype(float)
        above[k] += h
        below[k] -= h
        g[k] = (f(above) - f(below)) / (2 * h) if both else (f(above) - f(w)) / h
    return g


def second_divided(f: F, w: Array, h: float, *, both: bool) -> Array:
    """Divide the second value only."""
    g = np.zeros(w.shape)
    for k in np.ndindex(w.shape):
        above, below = w.astype(float), w.astype(float)
        above[k] += h
        below[k] -= h
        g[k] = f(above) - (f(below) / (2 * h) if both else f(w) / h)
    return g


def own_steps(key: str, formula: Callable[[F, Array, float], Array], function: str) -> list[Mistake]:
    """Return the mistakes of an own step in place of h."""
    return [Mistake(key, lambda f, w, h, own=own: formula(f, w, own), function) for own in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)]


def picture() -> list[Part]:
    """Draw weights and both gradients of the sum of squares."""
    w = numbers(95, 2, 3)
    return [
        Grid("w", w),
        Sign("→"),
        Grid("one-sided, h = 0.1", right(square_sum, w, 0.1)),
        Grid("central, h = 0.1", right_central(square_sum, w, 0.1)),
        Grid("2 w", 2 * w),
    ]


KINKS = np.array([[0.0, 1.0, -1.0], [0.05, -0.05, 0.0]])
INTEGERS = np.array([3, -1, 2])


def cases(function: str) -> tuple[Case, ...]:
    """Return the cases of one function."""
    return (
        Case("values", (square_sum, numbers(1, 3), 0.1), function),
        Case("values", (sine_sum, numbers(2, 4), 0.5), function),
        Case("shapes", (sine_sum, numbers(3, 2, 3), 0.25), function),
        Case("shapes", (product_sum, numbers(4, 2, 2, 2), 0.1), function),
        Case("step_sizes", (sine_sum, numbers(5, 3), 0.001), function),
        Case("step_sizes", (product_sum, numbers(6, 2, 2), 2.0), function),
        Case("kink", (relu_sum, KINKS, 0.1), function),
        Case("kink", (relu_sum, np.zeros(3), 0.5), function),
        Case("integers", (square_sum, INTEGERS, 0.5), function),
        Case("integers", (product_sum, INTEGERS, 0.25), function),
        Case("step_sizes", (neighbour_sines, numbers(8, 4), 1e9), function, tiny=True),  # h is large: w + h - h is not w
        Case("step_sizes", (neighbour_sines, numbers(9, 2, 2), 3e8), function, tiny=True),
        Case("layout", (sine_sum, Strided(numbers(7, 2, 3)), 0.1), function),
    )


STEP = Step(
    "difference_quotients",
    (Function("one_sided", "f w h", right, "g"), Function("central", "f w h", right_central, "g")),
    (*cases("one_sided"), *cases("central")),
    (
        Mistake("not_divided", lambda f, w, h: right(f, w, h) * h),
        Mistake("multiplied", lambda f, w, h: right(f, w, h) * h * h),
        Mistake("sign_lost", lambda f, w, h: np.abs(right(f, w, h))),
        Mistake("opposite_sign", lambda f, w, h: -right(f, w, h)),
        Mistake("backward", lambda f, w, h: right(f, w, -h)),
        Mistake("two_h", lambda f, w, h: right(f, w, h) / 2),
        Mistake("central_instead", right_central),
        Mistake("all_at_once", lambda f, w, h: np.full(w.shape, (f(w + h) - f(w)) / h)),
        Mistake("not_restored", not_restored),
        Mistake("integers_kept", lambda f, w, h: kept_integers(f, w, h, both=False)),
        Mistake("value_not_subtracted", lambda f, w, h: right(f, w, h) + f(w) / h),
        Mistake("one_number", lambda f, w, h: (f(w + h) - f(w)) / h),
        Mistake("central_h", lambda f, w, h: 2 * right_central(f, w, h), "central"),
        Mistake("central_not_divided", lambda f, w, h: 2 * h * right_central(f, w, h), "central"),
        Mistake("precedence", lambda f, w, h: right_central(f, w, h) * h * h, "central"),
        Mistake("one_sided_instead", right, "central"),
        Mistake("backward_instead", lambda f, w, h: right(f, w, -h), "central"),
        Mistake("half_of_one_sided", lambda f, w, h: right(f, w, h) / 2, "central"),
        Mistake("half_step", lambda f, w, h: right_central(f, w, h / 2), "central"),
        Mistake("central_sign_lost", lambda f, w, h: np.abs(right_central(f, w, h)), "central"),
        Mistake("central_opposite_sign", lambda f, w, h: -right_central(f, w, h), "central"),
        Mistake("central_not_restored", central_not_restored, "central"),
        Mistake("central_all_at_once", lambda f, w, h: np.full(w.shape, (f(w + h) - f(w - h)) / (2 * h)), "central"),
        Mistake("central_integers_kept", lambda f, w, h: kept_integers(f, w, h, both=True), "central"),
        Mistake("restored_by_subtracting", restored_by_subtracting),
        Mistake("rows_moved", lambda f, w, h: rows_moved(f, w, h, both=False)),
        Mistake("integer_slopes", lambda f, w, h: right(f, w, h).astype(w.dtype)),
        Mistake("second_divided", lambda f, w, h: second_divided(f, w, h, both=False)),
        Mistake("flat", lambda f, w, h: right(f, w, h).ravel()),
        *own_steps("own_step", right, "one_sided"),
        Mistake("central_restored_by_adding", central_restored_by_adding, "central"),
        Mistake("central_rows_moved", lambda f, w, h: rows_moved(f, w, h, both=True), "central"),
        Mistake("central_integer_slopes", lambda f, w, h: right_central(f, w, h).astype(w.dtype), "central"),
        Mistake("central_second_divided", lambda f, w, h: second_divided(f, w, h, both=True), "central"),
        Mistake("central_flat", lambda f, w, h: right_central(f, w, h).ravel(), "central"),
        *own_steps("central_own_step", right_central, "central"),
    ),
    picture,
)
