"""The ladder: every rung agrees with the nested loops, a wrong one is refused, and ratios are what they are said to be."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import epoch
import guard
import handmade
import plain
import reference
import rungs_peak
import whole
from before import Before
from figures import draw, rates
from growth import Sweep
from handmade.engine import backend
from handmade.threads import threads
from operations import KINDS, ways
from own import Crew
from peers import conventions, images_first
from report import Measurement, Results, Row
from rungs_operations import checked
from setting import Setup
from timing import Spread, Way, in_turn

OURS = {"handmade compiled, 1 thread", "handmade compiled, 2 threads", "handmade plain, 2 threads"}


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    with threads(2) as executor:
        yield Crew(2, executor)


def test_every_way_to_every_operation_agrees_with_the_loops(crew: Crew) -> None:
    errors = checked(list(ways(crew)))

    assert {kind for kind, _, _ in errors} == set(KINDS)
    assert {way for _, what, way in errors if what == "delta"} >= {"plain NumPy", "handmade plain, 2 threads"}
    for what in ("forward", "backward"):
        assert {way for _, each, way in errors if each == what} >= {"plain NumPy"} | OURS


def test_a_wrong_operation_is_refused(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "relu", replace(KINDS["relu"], plain=lambda x, _: np.maximum(1.001 * x, 0)))

    with pytest.raises(SystemExit, match="relu forward plain NumPy"):
        checked(list(ways(crew)))


@pytest.mark.parametrize("section", [whole.inference, whole.backpropagation, whole.differences, whole.definitions])
def test_every_way_through_a_whole_network_agrees_with_the_loops(section: whole.Section, crew: Crew) -> None:
    network = handmade.networks.readme(np.random.default_rng(0))

    errors = whole.checked(list(section(crew)), network)

    assert set(errors) >= ({"handmade compiled"} if section is whole.definitions else OURS)


def test_our_inference_uses_the_backend_of_its_name_in_every_thread(crew: Crew) -> None:
    used: list[str] = []

    class Noting:
        def logits(self, x: Any) -> Any:
            used.append(backend.current().name)
            return x

    network: Any = Noting()
    for own in crew.ways():
        used.clear()
        with own.around():
            z = whole.logits(network, np.arange(64.0)[:, None], own)
        assert set(used) == {own.backend}
        np.testing.assert_array_equal(z, np.arange(64.0)[:, None])


def test_a_gradient_that_is_wrong_in_one_array_is_refused(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    def slip(*batch: object) -> object:
        L, g = backprop(*batch)  # type: ignore[arg-type]  # passed on
        return L, g | {"2.b": 1.01 * g["2.b"]}

    backprop = plain.backprop
    monkeypatch.setattr(plain, "backprop", slip)

    with pytest.raises(SystemExit, match="plain NumPy"):
        whole.checked(list(whole.backpropagation(crew)), handmade.networks.readme(np.random.default_rng(0)))


def test_a_pass_in_loops_is_counted_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    network = handmade.networks.readme(np.random.default_rng(0))
    x = np.zeros((3, 30, 30, 1), np.float32)
    rows: list[int] = []
    ticks = iter(range(1000))
    monkeypatch.setattr(reference, "_looped", lambda *layer: rows.append(layer[1].shape[1]))
    monkeypatch.setattr(time, "process_time", lambda: next(ticks))  # everything takes one second

    assert reference.seconds_of_a_pass(network, x) == 28 / 2 + 1 + 26 / 2 + 1 + 1 + 1 + 1
    assert rows[:3] == [4, 28, 4]  # two rows of output, of the 28 and the 26 that there are
    assert reference.estimate(network, x) == (28_298 + 1) * 3 * 32


def test_ways_are_timed_in_turn_and_parts_are_multiplied() -> None:
    order: list[str] = []
    clock = iter(range(1000))
    seconds = in_turn(
        [Way(name, partial(order.append, name), times=times) for name, times in (("a", 1), ("b", 10))],
        rounds=3,
        least=0,
        clock=lambda: next(clock),
    )

    assert order[-6:] == ["b", "a", "a", "b", "b", "a"]
    assert seconds["a"].values == (1, 1, 1)
    assert seconds["b"].values == (10, 10, 10)


def test_a_ratio_is_taken_round_by_round() -> None:
    slow, fast = Spread((10.0, 40.0, 90.0)), Spread((1.0, 2.0, 30.0))

    assert slow.over(fast).values == (10, 20, 3)
    assert slow.over(fast).median == 10
    assert fast.per(60).values == (60, 30, 2)
    assert Spread((1.0, 2.0, 3.0)).quartiles == (1.5, 2.5)


def test_a_row_tells_whether_its_target_is_reached() -> None:
    most = Row("memory", 150, Spread((120.0, 151.0, 140.0)), most=True, unit=" MB")
    least = Row("speed", 1.2, Spread((1.1,)), most=False, unit="x")

    assert most.reached
    assert not least.reached
    assert most.cells() == ["memory", "at most 150 MB", "140 MB (130 to 146)", "yes"]
    assert least.cells() == ["speed", "at least 1.2x", "1.1x", "no"]


def test_the_tables_hold_every_rung_beside_ours() -> None:
    rungs = [
        Measurement("gradients", "readme", "backpropagation", 32, way, Spread(seconds), 0.1)
        for way, seconds in {"handmade, 1 thread": (0.2, 0.1), "plain NumPy": (0.4, 0.3), "loops": (50.0,)}.items()
    ]
    text = Results("A machine.", rungs, [], ["A sentence."]).markdown()

    assert "**gradients, readme network, 32 images**" in text
    assert "| backpropagation | 150.0 ms | 350.0 ms (2.5x) | 50 s (333x) |" in text
    assert text.startswith("A machine.")
    assert text.endswith("A sentence.\n")


def test_the_guard_fails_when_a_ratio_breaks_its_limit_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = {limit.what: Spread((limit.most / 2, limit.most / 2, limit.most * 9)) for limit in guard.LIMITS}
    slip = sound | {guard.LIMITS[0].what: Spread((guard.LIMITS[0].most * 1.01,) * 3)}

    for tries, code in (([sound], 0), ([slip, slip, sound], 0), ([slip, slip, slip], 1)):
        left = iter(tries)
        monkeypatch.setattr(guard, "measure", partial(next, left))
        assert guard.main() == code
        assert list(left) == []


def test_arrays_in_the_frameworks_order_give_the_same_network() -> None:
    network = handmade.networks.seed(np.random.default_rng(0))
    sides, p = conventions(network), network.parameters()
    x = np.random.default_rng(1).standard_normal((2, 13, 13, 64)).astype(np.float32)

    theirs = images_first(x).reshape(2, -1) @ sides["6.W"].out(p["6.W"]).T

    np.testing.assert_allclose(theirs, x.reshape(2, -1) @ p["6.W"], rtol=1e-3, atol=1e-4)
    for name, array in p.items():
        np.testing.assert_array_equal(sides[name].back(sides[name].out(array)), array)


def test_an_exponent_is_fitted_and_a_bend_explained() -> None:
    straight = Sweep("images", [1, 2, 4], [5, 10, 20], [0.3, 0.6, 1.2], "They share nothing.")
    bent = Sweep("images", [1, 2, 4], [5, 10, 20], [0.3, 0.6, 2.4], "They share nothing.")

    assert straight.exponent == pytest.approx(1)
    assert "steeper" not in straight.sentence
    assert "steeper" in bent.sentence


def test_convolutions_are_held_against_a_peak_that_is_measured(monkeypatch: pytest.MonkeyPatch, crew: Crew) -> None:
    monkeypatch.setattr(rungs_peak, "CONVOLUTIONS", {"a small one": (6, 2, 8)})
    monkeypatch.setattr(rungs_peak, "AT_WORK", 0)
    setup = Setup(crew, np.zeros(0), np.zeros(0), {}, 3, quick=True, clock=time.perf_counter)

    measurements, (row,), (told,) = rungs_peak.peak(setup)

    assert {each.way for each in measurements} == {"handmade compiled, 1 thread", "at the peak"}
    assert all(each.error is None or each.error < 1 for each in measurements)
    assert 0 < row.figure.median < 110
    assert "GFLOP/s" in told


def test_the_engine_of_another_tree_takes_the_same_gradient_in_a_process_of_its_own(crew: Crew) -> None:
    x, y = np.random.default_rng(0).random((4, 30, 30, 1), np.float32), np.arange(4)
    network = handmade.networks.readme(np.random.default_rng(0))
    tree = Path(__file__).parent.parent

    with Before(tree, network, x, y) as before:
        before.work()
        before.work()

    _, gradient = handmade.gradients.difference(network, x, y, h=1e-3, executor=crew.executor)
    assert all(np.array_equal(gradient[name], found) for name, found in before.gradient.items())
    assert before.gradient.keys() == gradient.keys()


def test_a_line_of_the_plot_is_the_best_way_of_its_party(tmp_path: Path) -> None:
    seconds = {("PyTorch", 1): 0.1, ("PyTorch, 1 thread", 1): 0.05, ("PyTorch", 2): 0.1, ("JAX", 1): 0.5}
    swept = [
        Measurement("batches: training readme", "", f"{size} images", size, way, Spread((took,)), None)
        for (way, size), took in seconds.items()
    ]

    assert rates(swept, "PyTorch") == {1: 20, 2: 20}
    assert rates(swept, "onnxruntime") == {}
    assert draw(Results("A machine.", swept, [], []), tmp_path) == ["ladder-batches.svg"]
    assert (tmp_path / "ladder-batches.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_an_epoch_is_held_against_whoever_took_part() -> None:
    found = {"handmade": (Spread((10.0, 12.0)), [0.98, 0.98]), "the engine before": (Spread((50.0, 80.0)), [0.98, 0.98])}

    (row,) = epoch.rows(found)

    assert row.figure.values == (0.2, 0.15)
    assert row.reached
