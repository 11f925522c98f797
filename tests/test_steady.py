"""The fast path for ReLU, max-pool and both together equals the layers' own differences, one after the other."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import DTypeLike

from cases import CASES, Case, Draw, generic, kinked
from handmade.engine.arrays import Array, Shape
from handmade.engine.backends.numpy.fixed_choices import Choices
from handmade.engine.layers import EVERY, Channel, Linear, MaxPool2d, ReLU
from laws import assert_within, channels
from strategies import pools, rectifiers, seeds

SIZES = [1e-30, 1e-9, 1e-3, 0.5, 3.0, 1e3]


def in_order(dx: Array) -> Array:
    return np.ascontiguousarray(dx)


def channels_first(dx: Array) -> Array:
    """As Conv2d makes it: a plane for each channel, nudges side by side."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(dx, -2, 0)), 0, -2)


def nudges_before_channels(dx: Array) -> Array:
    """As Linear makes it: a row of outputs for each nudge."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(dx, -1, 1)), 1, -1)


def fortran(dx: Array) -> Array:
    return np.asfortranarray(dx)


def with_gaps(dx: Array) -> Array:
    wide = np.full([2 * size for size in dx.shape], np.nan, dx.dtype)  # what lies between must not be read
    view = wide[(slice(None, None, 2),) * dx.ndim]
    view[...] = dx
    return view


def backwards(dx: Array) -> Array:
    return np.flip(np.flip(dx).copy())


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "in order": in_order,
    "channels first, from Conv2d": channels_first,
    "nudges before channels, from Linear": nudges_before_channels,
    "Fortran order": fortran,
    "with gaps": with_gaps,
    "backwards": backwards,
}


def largest_of(dx: Array) -> float:
    return float(np.abs(dx).max())


def check_choices(case: Case, x: Array, make: Callable[[Shape], list[Array]]) -> None:
    """With every candidate that may take part, for every channel, and many differences through the same Choices."""
    if isinstance(case.layer, MaxPool2d):
        check_one_choices(case.layer, x, make, relu=False)
        check_one_choices(case.layer, x, make, relu=True)
    else:
        check_one_choices(None, x, make, relu=True)


def check_one_choices(pool: MaxPool2d | None, x: Array, make: Callable[[Shape], list[Array]], *, relu: bool) -> None:
    choices = Choices(x, pool, relu=relu)
    shared: dict[Shape, list[Array]] = {}  # as a layer's nudges: the same array for every channel
    for channel in (EVERY, *channels(x.shape)):
        shape = x[..., channel].shape
        if shape not in shared:
            shared[shape] = make(shape)
        for dx in shared[shape]:
            dy = choices.delta(dx, channel, largest_of(dx))
            assert dy.dtype == dx.dtype
            # a number is dx_k less its slack, rounded once or twice in each; a slack above 2 max |dx| never shows in the result
            scale = np.abs(dx).max(axis=tuple(range(dx.ndim - 1)))
            for wanted in unfused(pool, x, dx, channel, relu=relu):
                assert_within(dy, wanted, 4 * np.finfo(dx.dtype).eps * scale)


def unfused(pool: MaxPool2d | None, x: Array, dx: Array, channel: Channel, *, relu: bool) -> list[Array]:
    rectifier = ReLU()
    if pool is None:
        return [rectifier.delta(x, dx, channel)]
    if not relu:
        return [pool.delta(x, dx, channel)]
    return [
        pool.delta(rectifier.forward(x), rectifier.delta(x, dx, channel), channel),
        rectifier.delta(pool.forward(x), pool.delta(x, dx, channel), channel),
    ]


def differences(rng: np.random.Generator, shape: Shape, size: float) -> list[Array]:
    """Any differences, some that all go down, some that just reach the next tie or kink of an input of halves, and none."""
    anyhow, down = size * rng.standard_normal((*shape, 4)), -size * rng.random((*shape, 3))
    return [anyhow, down, size * rng.choice([-1, -0.5, 0, 0.5, 1], (*shape, 2)), np.zeros((*shape, 1))]


def check_case(case: Case, draw: Draw, layout: Callable[[Array], Array], seed: int, dtype: DTypeLike = np.float64) -> None:
    rng = np.random.default_rng(seed)

    def make(shape: Shape) -> list[Array]:
        return [layout(dx.astype(dtype)) for size in SIZES for dx in differences(rng, shape, size)]

    check_choices(case, draw(rng, case.shape).astype(dtype), make)


choosers = pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in CASES.items() if isinstance(case.layer, MaxPool2d | ReLU)]
)


@choosers
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_choices_equal_the_layers_wherever_numbers_lie_in_memory(case: Case, layout: Callable[[Array], Array]) -> None:
    check_case(case, kinked, layout, 1)
    check_case(case, generic, layout, 2)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(pools() | rectifiers(), st.sampled_from([kinked, generic]), st.sampled_from([in_order, channels_first]), seeds)
def test_choices_equal_any_layers(case: Case, draw: Draw, layout: Callable[[Array], Array], seed: int) -> None:
    check_case(case, draw, layout, seed)


@choosers
@pytest.mark.parametrize("draw", [kinked, generic])
def test_choices_keep_float32(case: Case, draw: Draw) -> None:
    check_case(case, draw, in_order, 3, np.float32)


def test_what_linear_hands_on_is_followed_through_a_relu() -> None:
    rng = np.random.default_rng(4)
    linear = Linear(rng.standard_normal((5, 3)), rng.standard_normal(3))
    x = rng.standard_normal((2, 5))
    y, dy = linear.forward(x), linear.delta(x, rng.standard_normal((2, 5, 4)))
    largest = float(np.abs(dy).max())
    assert_within(Choices(y, None, relu=True).delta(dy, EVERY, largest), ReLU().delta(y, dy), 1e-15 * largest)


# --- mutants ------------------------------------------------------------------------------------------------------------------


def none_at_all(dx: Array) -> float:
    return 0.0 * dx.size


def smallest(dx: Array) -> float:
    return float(np.abs(dx).min())


def positive_only(dx: Array) -> float:
    return float(max(dx.max(), 0))


def half_as_large(dx: Array) -> float:
    return float(np.abs(dx).max()) / 2


def some_case_fails() -> bool:
    for case in CASES.values():
        if isinstance(case.layer, MaxPool2d | ReLU):
            for draw in (kinked, generic):
                try:
                    check_case(case, draw, in_order, 1)
                except AssertionError:
                    return True
    return False


@pytest.mark.parametrize("largest", [none_at_all, smallest, positive_only, half_as_large])
def test_a_bound_that_is_too_small_is_caught(monkeypatch: pytest.MonkeyPatch, largest: Callable[[Array], float]) -> None:
    assert not some_case_fails()
    monkeypatch.setattr("test_steady.largest_of", largest)
    assert some_case_fails()


@choosers
def test_a_bound_that_is_too_large_costs_time_and_nothing_else(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("test_steady.largest_of", lambda dx: 3 * float(np.abs(dx).max()) + 1)
    check_case(case, kinked, in_order, 5)


def test_winners_that_ignore_the_constant_zero_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Choices.__init__

    def without_zero(self: Choices, x: Array, pool: MaxPool2d | None, *, relu: bool) -> None:
        real(self, x, pool, relu=relu)
        self._winner %= self._zero

    monkeypatch.setattr(Choices, "__init__", without_zero)
    assert some_case_fails()


def test_a_contest_that_forgets_the_slack_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Choices._contest

    def level(self: Choices, rows: Array, pixels: Array, windows: Array, channel: Channel) -> Array:
        x, self._x = self._x, np.broadcast_to(self._x.max(), self._x.shape)
        try:
            return real(self, rows, pixels, windows, channel)
        finally:
            self._x = x

    monkeypatch.setattr(Choices, "_contest", level)
    assert some_case_fails()


def test_windows_that_overlap_the_wrong_way_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Choices._along_windows

    def swapped(self: Choices, shape: Shape, steps: Shape) -> list[Array]:
        return [sites[::-1] for sites in real(self, shape, steps)]

    monkeypatch.setattr(Choices, "_along_windows", swapped)
    assert some_case_fails()
