"""The way from the last choices through Flatten and Linear, by the rows that move alone, equals the way by all rows."""

from collections.abc import Callable

import numpy as np
import pytest

from cases import CASES, Case, Draw, generic, kinked
from handmade.engine.arrays import Array
from handmade.engine.backends.differences import Path
from handmade.engine.backends.numpy.fixed_choices import Choices
from handmade.engine.backends.numpy.path import FastPath
from handmade.engine.backends.numpy.tail import Tail
from handmade.engine.backends.plain import Plain
from handmade.engine.graph import INPUT
from handmade.engine.layers import EVERY, Conv2d, Difference, Flatten, Layer, Linear, MaxPool2d, ReLU, only
from handmade.engine.network import Network
from laws import channels
from test_steady import LAYOUTS, SIZES, channels_first, differences, largest_of

OUTPUTS = 3
on_images = pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name)
        for name, case in CASES.items()
        if isinstance(case.layer, MaxPool2d | ReLU) and len(case.shape) == 4
    ],
)


def check_tail(case: Case, draw: Draw, layout: Callable[[Array], Array], *, relu: bool) -> None:
    rng = np.random.default_rng(11)
    x = draw(rng, case.shape)
    pool = case.layer if isinstance(case.layer, MaxPool2d) else None
    choices = Choices(x, pool, relu=relu)
    shape = case.layer.output_shape(case.shape[1:])
    linear = Linear(rng.standard_normal((int(np.prod(shape)), OUTPUTS)), np.zeros(OUTPUTS))
    tail = Tail(choices, shape, linear)
    for channel in (EVERY, *channels(x.shape)):
        for size in SIZES:
            for dx in differences(rng, x[..., channel].shape, size):
                moved = layout(dx)
                dy = choices.delta(moved, channel, largest_of(dx))
                flat = Flatten().delta(
                    x[..., : shape[-1]].reshape(len(x), -1, 1, shape[-1])[:, : shape[0] * shape[1]], dy, channel
                )
                where = Flatten().output_channel(channel, shape)
                wanted = linear.delta(flat[..., 0], flat, where)
                # the same products, added up in another order
                bound = len(linear.W) * np.finfo(np.float64).eps * np.abs(linear.W).max() * np.abs(dy).max()
                np.testing.assert_allclose(tail.delta(moved, channel, largest_of(dx)), wanted, rtol=0, atol=bound)


@on_images
@pytest.mark.parametrize("draw", [kinked, generic])
@pytest.mark.parametrize("layout", [LAYOUTS["in order"], channels_first])
def test_the_rows_that_move_are_enough(case: Case, draw: Draw, layout: Callable[[Array], Array]) -> None:
    if isinstance(case.layer, MaxPool2d):
        check_tail(case, draw, layout, relu=False)
    check_tail(case, draw, layout, relu=True)


def some_case_fails() -> bool:
    for case in CASES.values():
        if isinstance(case.layer, MaxPool2d) and len(case.shape) == 4:
            try:
                check_tail(case, kinked, channels_first, relu=True)
            except AssertionError:
                return True
    return False


def test_a_window_that_zero_wins_by_too_little_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Choices.moving

    def live_alone(self: Choices, *arguments: object) -> object:
        route, lines, others, other_lines = real(self, *arguments)  # type: ignore[arg-type]  # as they come
        return route, lines, others[:0], other_lines[:0]

    assert not some_case_fails()
    monkeypatch.setattr(Tail, "delta", _with(live_alone, Tail.delta))
    assert some_case_fails()


def _with(moving: Callable[..., object], delta: Callable[..., Array]) -> Callable[..., Array]:
    """Tail's delta, with other choices than those that the test compares with."""

    def mutant(self: Tail, *arguments: object) -> Array:
        real, Choices.moving = Choices.moving, moving  # type: ignore[assignment, method-assign]
        try:
            return delta(self, *arguments)
        finally:
            Choices.moving = real  # type: ignore[method-assign]

    return mutant


def conv(channels: int) -> Conv2d:
    return Conv2d.init(np.random.default_rng(0), channels, 3, 2, dtype=np.float64)


@pytest.mark.parametrize(
    "chosen", [[ReLU()], [MaxPool2d(2)], [ReLU(), MaxPool2d(2)], [MaxPool2d(2), ReLU()]], ids=lambda layers: str(len(layers))
)
@pytest.mark.parametrize("after", [[], [ReLU(), Linear.init(np.random.default_rng(2), 4, 2, dtype=np.float64)]], ids=len)
def test_the_hops_lead_to_the_same_end_as_the_layers(chosen: list[Layer], after: list[Layer]) -> None:
    rng = np.random.default_rng(12)
    layers: list[Layer] = [conv(2), *chosen, Flatten()]
    x = rng.standard_normal((2, 5, 6, 2))
    inputs = Network(layers, x.shape[1:]).shapes[-1][0]
    network = Network([*layers, Linear.init(rng, inputs, 4, dtype=np.float64), *after], x.shape[1:])
    moved = Difference(1e-3 * rng.standard_normal((2, 5, 6, 1, 3)), only(1))
    rules = Plain.rules(network)

    hops = FastPath(network, x, rules, frozenset())._hops(INPUT)
    found = moved
    for hop in hops:
        found = hop(found)

    wanted = Path(network, x, rules).after(INPUT, moved)
    assert len(hops) == 2 + len(after)  # the convolution; what is chosen, to the end of the linear layer; the rest
    assert found.channel == wanted.channel
    np.testing.assert_allclose(found.dx, wanted.dx, rtol=1e-12, atol=1e-17)
