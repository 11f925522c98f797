"""Plans of sweeps: values of --vary, grids, random searches, and the file sweep.json."""

import json
import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handmade import HandmadeError
from handmade.runs import Settings
from handmade.runs.settings import settings
from handmade.sweep import results
from handmade.sweep.checks import Checked
from handmade.sweep.plan import Plan, in_words, make_plan
from handmade.sweep.record import PLAN, read_plan, write_plan
from handmade.sweep.values import SAME, Range, values_of


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("learning-rate", "0.01, 0.03,0.1", (0.01, 0.03, 0.1)),
        ("learning_rate", "none,1", (None, 1.0)),
        ("batch-size", "16,32", (16, 32)),
        ("seed", "0..3", (0, 1, 2, 3)),
        ("seed", "7", (7,)),
        ("optimiser", "adam,nesterov", ("adam", "nesterov")),
        ("network", "readme,mine/b.json", ("readme", "mine/b.json")),
        ("grey", "yes,No", (True, False)),
        ("augment", "none;shift=2,scale=0.1", ("none", "shift=2,scale=0.1")),
        ("augment", "shift=2,scale=0.1", ("shift=2,scale=0.1",)),
        ("clip-norm", "none,1,5", (None, 1.0, 5.0)),
        ("l2", "0..0.4:5", (0, 0.1, 0.2, 0.3, 0.4)),
        ("learning-rate", "0.001..0.1:3:log", (0.001, 0.01, 0.1)),
        ("learning-rate", "1e-3..1:4:log", (0.001, 0.01, 0.1, 1.0)),
        ("batch-size", "16..128:4:log", (16, 32, 64, 128)),
        ("step-size", "-1..1:3", (-1.0, 0.0, 1.0)),
    ],
)
def test_a_text_is_a_list_of_values(name: str, text: str, values: tuple[Any, ...]) -> None:
    assert values_of(name, text) == values


def test_values_in_python_are_lists_ranges_and_arrays() -> None:
    assert values_of("learning_rate", [0.1, 1]) == (0.1, 1.0)
    assert values_of("seed", range(3)) == (0, 1, 2)
    assert values_of("l2", np.array([0.1, 0.2])) == (0.1, 0.2)
    assert values_of("batch_size", np.array([8, 16])) == (8, 16)
    assert all(type(value) is int for value in values_of("batch_size", np.array([8, 16])))  # type: ignore[union-attr] # no range
    assert values_of("optimiser", ("adam",)) == ("adam",)
    assert values_of("seed", "0..2") == (0, 1, 2)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("learning-rat", "1", "vary: expected the name of a setting of a training, got 'learning-rat'. Did you"),
        (3, "1", "vary: expected the name of a setting of a training, got 3. Try learning_rate"),
        ("learning_rate", "", "vary: expected values for learning rate, got ''. Try learning-rate=0.01,0.1"),
        ("learning_rate", "0.1,,1", "vary: expected values for learning rate, got '0.1,,1'. Try learning-rate=0.01,0.1"),
        ("learning_rate", [], "vary: expected values for learning rate, got none. Try learning-rate=0.01,0.1"),
        ("learning_rate", 0.1, "vary: expected a list of values for learning rate, got 0.1. Try [0.1]"),
        ("learning_rate", "0.1,0.10", "vary: expected different values for learning rate, got 0.1 twice. Try leaving one out"),
        ("learning_rate", "fast,0.1", "vary: expected a number, got 'fast', for learning rate. Try learning-rate=0.01,0.1"),
        ("learning_rate", "0..fast", "vary: expected numbers at both ends of learning rate, got '0..fast'. Try"),
        ("learning_rate", "0..nan", "vary: expected numbers at both ends of learning rate, got '0..nan'. Try"),
        ("learning_rate", "1..0.1", "vary: expected a range that rises for learning rate, got '1..0.1'. Try 0.1..1"),
        ("learning_rate", "0..1:log", "vary: expected a range above 0 for learning rate with log, got '0..1:log'. Try"),
        ("learning_rate", "0..1:1", "vary: expected 2 to 10,000 values for learning rate, got 1. Try 0..1:5"),
        ("batch_size", "0..4", "vary: expected an integer of at least 1, got 0, for batch size. Try batch-size=1..4"),
        ("batch_size", [2.5], "vary: expected an integer of at least 1, got 2.5, for batch size. Try batch-size=1..4"),
        ("optimiser", "adm", "vary: expected one of gradient-descent, momentum, nesterov, rmsprop, adam, adamw, got"),
        ("grey", "perhaps", "vary: expected True or False, got 'perhaps', for grey. Try grey=yes,no"),
        ("augment", "none,shift=2", "vary: expected values that are separated by ; for augment, got 'none,shift"),
        ("seed", range(20_000), "vary: expected at most 10,000 values for seed, got more. Try a random search"),
        ("epochs", ",".join(map(str, range(1, 20_000))), "vary: expected at most 10,000 values for epochs, got more."),
    ],
)  # fmt: skip
def test_values_that_cannot_be_used_are_refused_in_one_line(name: Any, values: Any, message: str) -> None:
    with pytest.raises(HandmadeError) as refused:
        values_of(name, values)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", [*SAME, *(each.name for each in settings() if each.panel == "Files")])
def test_a_setting_that_must_be_the_same_for_all_runs_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(HandmadeError, match=f"vary: expected a setting that can differ between runs, got {name}: .* Try "):
        values_of(name, "1,2")


def test_every_other_setting_can_vary() -> None:
    kinds: dict[type, list[Any]] = {int: [1, 2], float: [0.25, 0.5], bool: [False, True], str: ["8x8", "9x9"]}
    free = [each for each in settings() if each.name not in SAME and each.panel != "Files"]
    for each in free:
        values = list(each.choices[:2]) or kinds[each.kind]
        assert values_of(each.name, values) == tuple(values)
    assert len(free) > 25


def test_a_grid_has_every_combination_and_the_seeds_are_outermost() -> None:
    plan = make_plan(Settings(), {"seed": "0..1", "learning-rate": [0.01, 0.1], "batch_size": "8,16"})
    assert plan.varied == ("learning_rate", "batch_size", "seed")
    assert plan.compared == ("learning_rate", "batch_size")
    expected = [(rate, size, seed) for seed, rate, size in product((0, 1), (0.01, 0.1), (8, 16))]
    assert [tuple(values.values()) for values in plan.values] == expected
    settings_of_last = plan.settings_of(7)
    assert (settings_of_last.learning_rate, settings_of_last.batch_size, settings_of_last.seed) == (0.1, 16, 1)
    assert repr(plan) == "Plan(8 runs, grid, learning_rate, batch_size, seed)"


def test_a_random_search_draws_combinations_and_trains_each_with_each_seed() -> None:
    vary = {"learning_rate": "0.001..1:log", "l2": "0..0.5", "batch_size": "8..64", "optimiser": "adam,rmsprop", "seed": "3..4"}
    plan = make_plan(Settings(), vary, random=200)
    assert len(plan) == 400
    first, second = plan.values[:200], plan.values[200:]
    assert [{**values, "seed": 4} for values in first] == list(second)
    logs = np.log10([values["learning_rate"] for values in first])
    assert logs.min() >= -3
    assert logs.max() <= 0
    assert np.histogram(logs, bins=3, range=(-3, 0))[0].min() > 40, "even in the logarithm"
    flat = [values["l2"] for values in first]
    assert 0.2 < np.mean(flat) < 0.3
    assert {values["optimiser"] for values in first} == {"adam", "rmsprop"}
    assert all(type(values["batch_size"]) is int and 8 <= values["batch_size"] <= 64 for values in first)
    assert all(float(f"{values['learning_rate']:.3g}") == values["learning_rate"] for values in first), "short enough to type"


def test_a_random_search_depends_on_the_seed_alone() -> None:
    def drawn(seed: int) -> tuple[dict[str, Any], ...]:
        return make_plan(Settings(seed=seed), {"learning_rate": "0.001..1:log"}, random=5).values

    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)
    assert drawn(1) == tuple(
        {"learning_rate": values["learning_rate"]}
        for values in make_plan(Settings(), {"learning_rate": "0.001..1:log", "seed": [1]}, random=5).values
    )


def test_a_random_search_of_all_combinations_is_the_grid_in_another_order() -> None:
    vary = {"learning_rate": [0.1, 0.2, 0.3], "batch_size": [8, 16]}
    drawn, grid = make_plan(Settings(), vary, random=6), make_plan(Settings(), vary)
    assert sorted(map(str, drawn.values)) == sorted(map(str, grid.values))


def test_numbers_that_are_drawn_stay_in_their_range() -> None:
    rng = np.random.default_rng(0)
    narrow = Range(0.12345, 0.12346, log=True, kind=float)
    assert all(narrow.low <= narrow.draw(rng) <= narrow.high for _ in range(50))
    assert {Range(1, 3, log=False, kind=int).draw(rng) for _ in range(50)} == {1, 2, 3}
    assert {Range(1, 3, log=True, kind=int).draw(rng) for _ in range(50)} == {1, 2, 3}


@pytest.mark.parametrize(
    ("vary", "random", "message"),
    [
        ({}, None, "vary: expected values by the names of settings, got {}. Try vary={"),
        ([("seed", [1])], None, "vary: expected values by the names of settings, got [('seed', [1])]. Try vary={"),
        ({"seed": [1], "Seed": [2]}, None, "vary: expected the name of a setting of a training, got 'Seed'. Did you mean seed?"),
        ({"batch_size": [1], "batch-size": [2]}, None, "vary: expected each setting once, got batch size twice."),
        ({"l2": "0.1..1"}, None, "vary: expected the values of l2 for a grid, got the range 0.1..1. Try"),
        ({"seed": "0..20000"}, None, "vary: expected a list of seeds, got the range 0 to 20000. Try seed=0..4"),
        ({"seed": "0..99", "batch_size": "1..200"}, None, "vary: expected at most 10,000 runs, got 20,000."),
        ({"epochs": "1..200", "batch_size": "1..200"}, None, "vary: expected at most 10,000 runs, got 40,000."),
        ({"epochs": [1, 2], "steps": [3, 4]}, None, "vary: expected epochs or steps, got both."),
        ({"optimiser": ["adam"], "weight_decay": [0.1]}, None, "The run with optimiser adam, weight decay 0.1: weight_decay"),
        ({"patience": [None, 3]}, None, "The run with patience 3: patience: expected a validation set with it"),
        ({"learning_rate": [0.1, 0.2]}, 3, "random: expected at most 2 combinations of these values, got 3."),
        ({"seed": [1, 2]}, 2, "random: expected a setting to draw, got none beside the seed."),
        ({"learning_rate": [0.1]}, 0, "random: expected an integer from 1 to 10,000, got 0."),
        ({"learning_rate": [0.1]}, True, "random: expected an integer from 1 to 10,000, got True."),
        ({"learning_rate": "0.1..0.1001"}, 9, "random: expected ranges with 9 different combinations, got fewer."),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_used_is_refused_in_one_line(vary: Any, random: Any, message: str) -> None:
    with pytest.raises(HandmadeError) as refused:
        make_plan(Settings(), vary, random)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_values_are_shown_in_words() -> None:
    assert (
        in_words({"learning_rate": 0.03, "ema": None, "grey": True, "seed": 2})
        == "learning rate 0.03, ema none, grey yes, seed 2"
    )
    assert math.isclose(float(in_words({"l2": 1e-5}).removeprefix("l2 ")), 1e-5)


def known() -> dict[str, Any]:
    plan = make_plan(Settings(validation=9), {"learning_rate": [0.01, 0.1], "seed": [0, 1]})
    return {
        "version": 1,
        "search": "grid",
        "varied": list(plan.varied),
        "settings": plan.settings.to_json(),
        "runs": list(plan.values),
        "seconds": [1.0] * 4,
        "digests": {},
    }


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:

    plan = make_plan(Settings(validation=9, network="seed"), {"learning_rate": [None, 0.1], "augment": "none;flip=0.5"})
    write_plan(tmp_path, Checked(plan, (1.0, 2.0, 3.0, 4.0), {"data mnist": "abc"}))
    assert read_plan(tmp_path) == Checked(plan, (1.0, 2.0, 3.0, 4.0), {"data mnist": "abc"})
    assert [path.name for path in tmp_path.iterdir()] == [PLAN]
    assert isinstance(read_plan(tmp_path).plan, Plan)


@pytest.mark.parametrize(
    ("name", "values", "ends"),
    [
        ("batch_size", "1..3:4", "got 4 values, of which 3 differ when they are rounded to integers. Try 1..3:3"),
        ("learning_rate", "1..2:1000", "of which 101 differ when they are rounded to numbers of 3 digits. Try 1..2:101"),
        ("seed", "1..16:99:log", "got 99 values, of which 16 differ when they are rounded to integers. Try 1..16:4:log"),
    ],
)
def test_a_range_with_equal_values_is_refused_with_one_that_has_none(name: str, values: str, ends: str) -> None:
    with pytest.raises(HandmadeError, match="vary: expected different values for") as refused:
        values_of(name, values)
    assert str(refused.value).endswith(ends)
    advised = ends.rpartition("Try ")[2]
    values_there = values_of(name, advised)
    assert isinstance(values_there, tuple)
    assert len(values_there) == int(advised.split(":")[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "expected version 1 of a plan, got 2"),
        ({"version": [1]}, "expected version 1 of a plan, got [1]"),
        ({"version": {}}, "expected version 1 of a plan, got {}"),
        ({"varied": ["seed", "seed", "learning_rate"]}, "expected the names of settings that vary"),
        ({"settings": {"validation": 9, "cluster": "tcp://10.0.0.1:1"}}, "expected no cluster in a plan"),
        ({"runs": [{"learning_rate": 10**400, "seed": 0}] * 4}, "learning_rate: expected"),
        ({"runs": []}, "expected a grid or a random search of 1 to 10,000 runs"),
        ({"runs": [{"learning_rate": 0.1}] * 4}, "expected values of learning_rate, seed for each run"),
        (
            {"runs": [{"learning_rate": 0.1, "seed": "x"}] * 4},
            "The run with learning rate 0.1, seed x: seed: expected",
        ),
        (
            {"runs": [{"learning_rate": 0.1, "seed": 0, "network": "/etc"}] * 4},
            "expected values of learning_rate, seed for each run",
        ),
        ({"varied": []}, "expected the names of settings that vary"),
        ({"varied": ["learning_rate", "__class__"]}, "vary: expected the name of a setting"),
        ({"varied": ["learning_rate", "threads"]}, "vary: expected a setting that can differ"),
        ({"seconds": [1.0]}, "expected a grid or a random search"),
        ({"seconds": [1.0, 2.0, "x", -1]}, "expected the seconds of each run"),
        ({"search": "all"}, "expected a grid or a random search"),
        ({"settings": []}, "expected the plan of a sweep with search, varied, settings"),
        ({"settings": {"epochs": 0}}, "epochs: expected an integer of at least 1"),
        ({"settings": {}}, "expected a validation set"),
        (None, "expected the plan of a sweep with search"),
    ],
)
def test_a_plan_of_other_people_is_checked(change: dict[str, Any] | None, message: str, tmp_path: Path) -> None:

    (tmp_path / "sweep.json").write_text(json.dumps([] if change is None else known() | change))
    with pytest.raises(HandmadeError) as refused:
        results(tmp_path)
    assert message in str(refused.value)
    assert "sweep.json" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < len(str(tmp_path)) + 500


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000, b" " * (2**24 + 1)])
def test_a_damaged_plan_is_refused(content: bytes, tmp_path: Path) -> None:

    (tmp_path / "sweep.json").write_bytes(content)
    with pytest.raises(HandmadeError, match=r"sweep.json: expected the plan of a sweep"):
        results(tmp_path)
