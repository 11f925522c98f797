"""`handmade.runs`: a notebook trains, stops, goes on, lists and compares as the command does; a mistake is one line."""

import json
import math
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from typer.main import get_command

import handmade
from handmade import HandmadeError, networks
from handmade.cli.commands.options import in_options
from handmade.cli.main import app, main
from handmade.data import Augmentation
from handmade.engine.backend import BACKENDS
from handmade.engine.optim import SCHEDULES
from handmade.files.checkpoints import Checkpoints
from handmade.runs import (
    RunRecord,
    SettingError,
    Settings,
    TooLong,
    compare,
    cost,
    explain_next_update,
    list_runs,
    parts,
    resume,
    start,
)
from handmade.runs.old_names import in_new_names
from handmade.runs.recipes import CLOTHES, RECIPES
from handmade.runs.settings import settings
from tiny_digits import TINY, write_digits

TRAIN: dict[str, Any] = {"data": "digits", "network": "tiny.json", "threads": 1, "steps": 12, "batch_size": 16}
EVERYTHING: dict[str, Any] = {
    "validation": 16,
    "validate_every": 5,
    "ema": 0.8,
    "augment": "shift=1,noise=20",
    "optimiser": "adam",
    "l2": 1e-3,
    "clip_norm": 3,
    "warm_up": 0.1,
    "checkpoint_every": 0,
}
ALL = Settings(**TRAIN, **EVERYTHING)
DEFAULT = next(iter(BACKENDS))
BEFORE = Path(__file__).parent / "data" / "before" / "interrupted" / "run.json"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder but for data and a network."""
    monkeypatch.chdir(tmp_path)
    write_digits(tmp_path / "digits", 96, 40)
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    (tmp_path / "large.json").write_text(json.dumps(networks.PRESETS["readme"] | {"input": [30, 30, 1]}))
    return tmp_path


def command(*arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["handmade", *arguments])
        with pytest.raises(SystemExit) as leaving:
            main()
    code = leaving.value.code or 0
    assert isinstance(code, int)
    return code


def record_of(folder: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(Path(folder, "run.json").read_bytes())
    return record


def lines_of(folder: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(folder, "log.jsonl").read_text().splitlines()]


def assert_same(one: str, other: str) -> None:
    """The same bytes, but for times and places."""
    for name in ("model.safetensors", "best.safetensors"):
        assert Path(one, name).read_bytes() == Path(other, name).read_bytes()
    changing = {"seconds", "when", "model", "run", "best", "resumed", "changes", "epochs"}
    facts = [{name: value for name, value in record_of(folder).items() if name not in changing} for folder in (one, other)]
    assert facts[0] == facts[1]
    steps = [[{**line, "seconds": 0} for line in lines_of(folder)] for folder in (one, other)]
    assert steps[0] == steps[1]


# --- starting, stopping, going on ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("place")
def test_a_notebook_makes_the_bytes_of_the_command_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    words = [word for name, value in (TRAIN | EVERYTHING).items() for word in (f"--{name.replace('_', '-')}", str(value))]
    assert command("train", *words, "--out", "command") == 0
    capfd.readouterr()

    result = start(ALL, "notebook").finish()

    assert capfd.readouterr() == ("", "")
    assert_same("command", "notebook")
    assert list(record_of("command")) == list(record_of("notebook"))
    assert result == {name: record_of("notebook")[name] for name in result}


@pytest.mark.usefixtures("place")
def test_a_run_starts_from_given_weights_and_resumes_from_them() -> None:
    other = networks.described(TINY, np.random.default_rng(7))
    assert start(replace(ALL, ema=None), "given", weights=other).network.parameters()["0.W"] is other.parameters()["0.W"]
    complete = start(ALL, "complete", weights=other).finish()
    session = start(ALL, "part", weights=other)
    for progress in session:
        if progress.step.number == 2:
            session.stop()

    result = resume("part").finish()

    assert result["test_loss"] == complete["test_loss"] != start(ALL, "fresh").finish()["test_loss"]
    assert_same("complete", "part")
    assert record_of("part")["start"] == "given weights"
    assert "start" not in record_of("fresh")
    for wrong, reason in (
        (networks.readme(np.random.default_rng(0)), "layers"),
        (networks.described(TINY, np.random.default_rng(0), np.float64), "float32"),
    ):
        with pytest.raises(HandmadeError, match=f"weights.*{reason}"):
            start(ALL, "wrong", weights=wrong)


@pytest.mark.usefixtures("place")
def test_a_result_on_the_way_is_that_of_a_stop_and_changes_nothing() -> None:
    with start(ALL, "saved") as session:
        for progress in session:
            session.leave_out(100.0)
            if progress.step.number == 2:
                found = session.save()
                assert record_of("saved")["status"] == "running"
    other = start(ALL, "stopped")
    for progress in other:
        if progress.step.number == 2:
            other.stop()
    start(ALL, "plain").finish()

    assert other.result is not None
    timeless = {"seconds", "model", "run", "best"}
    assert {k: v for k, v in found.items() if k not in timeless} == {k: v for k, v in other.result.items() if k not in timeless}
    assert found["seconds"] < 0
    assert_same("saved", "plain")


@pytest.mark.usefixtures("place")
def test_every_step_is_on_the_disk_before_it_is_seen() -> None:
    session = start(ALL, "run")
    assert not Path("run").exists()

    for number, progress in enumerate(session, 1):
        assert progress.step.number == session.steps == number
        assert lines_of("run")[-1]["step"] == number
        assert lines_of("run")[-1]["loss"] == progress.step.loss
        assert progress.checkpoint is not None
        assert Checkpoints(Path("run")).newest_intact()[0].step == number
        assert record_of("run")["status"] == "running"

    assert session.result is not None
    assert session.evaluation is not None
    assert session.result["test_accuracy"] == session.evaluation.accuracy
    assert record_of("run")["status"] == "finished"


@pytest.mark.usefixtures("place")
def test_checkpoints_and_notices_come_with_their_step() -> None:
    slow = Settings(**TRAIN | {"steps": 125}, gradient="backprop", optimiser="gradient-descent", learning_rate=1e-6)
    found = list(start(slow, "run"))

    assert {progress.checkpoint for progress in found} == {None}
    notices = [notice for progress in found for notice in progress.notices]
    assert notices
    assert [notice.kind for notice in notices] == [each["kind"] for each in record_of("run")["notices"]]
    assert [progress.seconds for progress in found] == sorted(progress.seconds for progress in found)


def test_settings_are_settings(tmp_path: Path) -> None:
    for wrong in ({"epochs": 2}, "run", 3):
        with pytest.raises(HandmadeError, match=r"settings: expected Settings; got \w+\. Try Settings\(epochs=2\)"):
            start(wrong, tmp_path / "run")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("place")
def test_a_run_is_named_after_its_network() -> None:
    assert start(ALL).folder == Path("runs/tiny-1")
    start(ALL).finish()
    assert start(ALL).folder == Path("runs/tiny-2")


@pytest.mark.usefixtures("place")
def test_a_session_that_is_stopped_has_a_result_and_goes_on_to_the_same_bytes() -> None:
    session = start(ALL, "cut")
    for progress in session:
        if progress.step.number == 5:
            session.stop()
    assert session.result is not None
    assert (session.result["status"], session.result["steps"]) == ("interrupted", 5)

    rest = resume("cut")
    assert rest.steps == 5
    assert [progress.step.number for progress in rest] == list(range(6, 13))

    start(ALL, "whole").finish()
    assert_same("whole", "cut")
    assert record_of("cut")["resumed"] == [5]


@pytest.mark.usefixtures("place")
def test_another_thread_can_stop_a_session() -> None:
    session = start(replace(ALL, steps=10**6), "run")
    thread = threading.Timer(0.2, session.stop)
    thread.start()

    assert session.finish()["status"] == "interrupted"
    thread.join()


def leave_by_break() -> None:
    for progress in start(replace(ALL, checkpoint_every=9999), "cut"):
        if progress.step.number == 5:
            break


def leave_by_an_interrupt_in_the_cell() -> None:
    for progress in start(replace(ALL, checkpoint_every=9999), "cut"):
        if progress.step.number == 5:
            raise KeyboardInterrupt


def leave_by_an_interrupt_in_the_step() -> None:
    session = start(replace(ALL, checkpoint_every=9999, steps=10**6), "cut")
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    session.finish()


def leave_a_block() -> None:
    with start(replace(ALL, checkpoint_every=9999), "cut") as session:
        next(iter(session))


def leave_while_it_stops() -> None:
    session = start(replace(ALL, checkpoint_every=9999), "run")
    for _ in session:
        session.stop()
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("leave", "interrupted"),
    [
        (leave_by_break, False),
        (leave_by_an_interrupt_in_the_cell, True),
        (leave_by_an_interrupt_in_the_step, True),
        (leave_a_block, False),
    ],
)
@pytest.mark.usefixtures("place")
def test_a_session_that_is_left_early_is_saved(leave: Any, *, interrupted: bool) -> None:
    if interrupted:
        with pytest.raises(KeyboardInterrupt):
            leave()
    else:
        leave()

    assert record_of("cut")["status"] == "interrupted"
    steps = len(lines_of("cut"))
    checkpoint = Checkpoints(Path("cut")).newest_intact()[0]
    assert checkpoint.step in {steps, steps - 1}  # an interrupt may fall between a line of the log and what follows it
    assert checkpoint.step > 0
    handmade.load(Path("cut/model.safetensors"))
    if leave is not leave_by_an_interrupt_in_the_step:
        resume("cut", checkpoint_every=0).finish()
        start(ALL, "whole").finish()
        assert_same("whole", "cut")


@pytest.mark.usefixtures("place")
def test_an_interrupt_of_a_session_that_is_stopping_does_not_wait_for_a_checkpoint() -> None:
    with pytest.raises(KeyboardInterrupt):
        leave_while_it_stops()

    assert [path.name for path in Checkpoints(Path("run")).paths()] == ["step-00000000.safetensors"]
    assert record_of("run")["status"] == "interrupted"


@pytest.mark.usefixtures("place")
def test_a_block_holds_the_folder_and_a_loop_in_it_can_be_left_and_taken_up_again() -> None:
    with start(ALL, "run") as session:
        assert record_of("run")["status"] == "running"
        with pytest.raises(HandmadeError, match="by another process"):
            resume("run").finish()
        for progress in session:
            if progress.step.number == 3:
                break
        assert [progress.step.number for progress in session] == list(range(4, 13))
        assert list(session) == []
    assert record_of("run")["status"] == "finished"


@pytest.mark.usefixtures("place")
def test_a_session_is_gone_through_once() -> None:
    session = start(ALL, "run")
    session.finish()

    with pytest.raises(HandmadeError, match=r"expected a new session, got one that has ended\. Try handmade\.runs\.resume"):
        session.finish()


@pytest.mark.usefixtures("place")
def test_a_run_is_not_written_over_even_if_it_came_after_the_check() -> None:
    late = start(ALL, "run")
    start(ALL, "run").finish()

    for begin in (late.finish, lambda: start(ALL, "run")):
        with pytest.raises(HandmadeError, match=r"already holds a run\. Try another out=\.\.\., or force=True"):
            begin()
    assert start(replace(ALL, seed=1), "run", force=True).finish()["status"] == "finished"
    assert record_of("run")["seed"] == 1


@pytest.mark.usefixtures("place")
def test_what_may_change_is_changed_and_recorded() -> None:
    for _ in start(ALL, "run"):
        break

    resume("run", learning_rate=0.5, threads=3).finish()

    assert record_of("run")["changes"] == [{"step": 1, "learning_rate": [0.003, 0.5], "threads": [1, 3]}]
    assert record_of("run")["threads"] == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 4}, "seed=4: expected 0, as in run. Leave seed=... out, or start a new run"),
        ({"limit": 90}, "limit=90: expected None, as in run. Leave limit=... out, or start a new run"),
        (
            {"epochs": 9},
            "run: expected 12 steps, as at its start, got 45. Leave epochs=... and steps=... out, or start a new run",
        ),
        ({"learning_rate": "fast"}, "learning_rate: expected a number, got 'fast'. Try leaving learning_rate out"),
        ({"backend": "abacus"}, f"backend: expected one of {', '.join(BACKENDS)}, got 'abacus'. Try 'plain'"),
        ({"backend": "numpy"}, f"backend: expected one of {', '.join(BACKENDS)}, got 'numpy'. Try 'plain'"),
    ],
)
@pytest.mark.usefixtures("place")
def test_what_may_not_change_is_one_line(changes: dict[str, Any], message: str) -> None:
    for _ in start(ALL, "run"):
        break

    with pytest.raises(HandmadeError) as caught:
        resume("run", **changes)

    assert str(caught.value) == message


@pytest.mark.usefixtures("place")
def test_an_old_record_without_a_backend_goes_on() -> None:
    for _ in start(ALL, "run"):
        break
    known = record_of("run")
    del known["backend"]
    Path("run/run.json").write_text(json.dumps(known))

    resume("run").finish()

    assert record_of("run")["backend"] == DEFAULT
    assert record_of("run")["changes"] == []


@pytest.mark.parametrize(("changes", "goes_on"), [({}, DEFAULT), ({"backend": "plain"}, "plain")], ids=["default", "named"])
@pytest.mark.usefixtures("place")
def test_a_run_with_a_backend_that_is_gone_goes_on_with_another(changes: dict[str, Any], goes_on: str) -> None:
    for _ in start(ALL, "run"):
        break
    Path("run/run.json").write_text(json.dumps(record_of("run") | {"backend": "numpy"}))

    session = resume("run", **changes)
    session.finish()

    assert [line.startswith("This run began with the backend numpy") for line in session.remarks] == [True]
    assert record_of("run")["backend"] == goes_on
    assert record_of("run")["changes"] == [{"step": 1, "backend": ["numpy", goes_on]}]


@pytest.mark.usefixtures("place")
def test_a_record_with_a_wrong_value_is_one_line() -> None:
    for _ in start(ALL, "run"):
        break
    Path("run/run.json").write_text(json.dumps(record_of("run") | {"optimiser": 7}))

    with pytest.raises(HandmadeError, match=r"^run/run\.json: optimiser: expected one of gradient-descent, .*, got 7\. Try"):
        resume("run")


@pytest.mark.usefixtures("place")
def test_a_run_by_the_definition_is_estimated_and_refused_if_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    by_definition = replace(ALL, gradient="definition", steps=1, validation=None, validate_every=None)
    session = start(by_definition, "run")
    assert session.estimate is not None
    assert session.estimate.passes == 210
    assert session.estimate.epoch_seconds == pytest.approx(6 * session.estimate.seconds)
    assert start(ALL, "run").estimate is None

    monkeypatch.setattr(cost, "LONG", 0)
    with pytest.raises(TooLong, match="allow_long=True") as caught:
        start(by_definition, "run")
    assert caught.value.estimate.steps == 1
    assert start(by_definition, "run", allow_long=True).finish()["status"] == "finished"


@pytest.mark.usefixtures("place")
def test_the_next_update_of_a_run_is_explained() -> None:
    for progress in start(ALL, "run"):
        if progress.step.number == 4:
            break

    number, receipt = explain_next_update("run", "conv1.W[1,2,0,1]")

    later = next(iter(resume("run")))
    assert number == later.step.number == 5
    assert receipt.value == later.step.network.parameters()["0.W"][1, 2, 0, 1]


# --- looking back --------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("place")
def test_runs_are_listed_and_compared() -> None:
    one, two = start(ALL).finish(), start(replace(ALL, seed=1)).finish()
    Path("runs/foreign").mkdir()

    listed = list_runs(sort="name")
    compared = compare([run for run in listed if not run.problem])

    assert [(run.folder.name, run.status, run.problem) for run in listed] == [
        ("foreign", "", "not a run"),
        ("tiny-1", "finished", ""),
        ("tiny-2", "finished", ""),
    ]
    assert [run.number("test_accuracy") for run in listed[1:]] == [one["test_accuracy"], two["test_accuracy"]]
    assert compared.differ == {"seed": [0, 1]}
    assert [row["step"] for row in compared.at] == [2, 4, 6, 8, 10, 12]
    assert compared.to_json() == compare(["runs/tiny-1", "runs/tiny-2"]).to_json()
    assert json.dumps(compared.to_json())
    assert isinstance(listed[0], RunRecord)


@pytest.mark.usefixtures("place")
def test_a_wrong_list_or_comparison_is_one_line() -> None:
    with pytest.raises(HandmadeError, match=r"sort: expected one of when, name, .*, got 'luck'\. Try 'when'"):
        list_runs(".", "luck")
    with pytest.raises(HandmadeError, match="digits: expected the folder of a run to compare, got a folder that is not a run"):
        compare(["digits"])


# --- settings ------------------------------------------------------------------------------------------------------------------


def test_settings_go_through_json_and_back() -> None:
    for each in (Settings(), ALL, Settings.from_recipe("best"), Settings.from_recipe("cifar")):
        assert Settings.from_json(json.loads(json.dumps(each.to_json()))) == each
    assert set(Settings().to_json()) == {field.name for field in fields(Settings)}


def test_a_record_of_before_gives_its_settings() -> None:
    written = json.loads(BEFORE.read_bytes())
    read = Settings.from_json(written)

    assert {"clip", "average", "keep"} < written.keys()
    known = in_new_names(written)
    assert not {"clip", "average", "keep"} & known.keys()
    assert "backend" not in known
    assert read.backend is None
    assert read.steps == known["total_steps"] != known["steps"]
    for name, value in known.items():
        if name in read.to_json() and name != "steps":
            assert getattr(read, name) == value
    assert [setting.name for setting in settings() if setting.name not in known] == [
        setting.name for setting in settings() if setting.added
    ]


def test_old_names_become_new_ones_in_settings_values_and_changes() -> None:
    old = {"loss": "squares", "clip": 3, "changes": [{"step": 4, "loss": ["squares", "cross-entropy"], "keep": [3, 9]}, "odd"]}
    new = {"loss": "mse", "clip_norm": 3}

    assert in_new_names(old) == new | {
        "changes": [{"step": 4, "loss": ["mse", "cross-entropy"], "keep_checkpoints": [3, 9]}, "odd"]
    }
    assert in_new_names(in_new_names(old)) == in_new_names(old)
    assert in_new_names(new | {"changes": None}) == new | {"changes": None}
    assert Settings.from_json(old).loss == "mse"


def test_settings_are_plain_values() -> None:
    made = Settings(network=Path("my.json"), clip_norm=3, time_limit=1)  # type: ignore[arg-type]  # as a notebook may have them

    assert made.network == "my.json"
    assert [type(value) for value in (made.network, made.clip_norm, made.time_limit)] == [str, float, float]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "epochs: expected an integer of at least 1, got 0. Try epochs=1"),
        ({"epochs": 1.5}, "epochs: expected an integer of at least 1, got 1.5. Try epochs=1"),
        ({"steps": "9"}, "steps: expected an integer of at least 1, got '9'. Try leaving steps out"),
        ({"seed": -1}, "seed: expected an integer of at least 0, got -1. Try seed=0"),
        ({"seed": True}, "seed: expected an integer of at least 0, got True. Try seed=0"),
        ({"step_size": None}, "step_size: expected a number, got None. Try step_size=0.001"),
        ({"momentum": 10**400}, f"momentum: expected a number, got {'1' + 79 * '0'}. Try momentum=0.9"),
        ({"time_limit": -0.5}, "time_limit: expected a number of at least 0, got -0.5. Try leaving time_limit out"),
        ({"time_limit": math.nan}, "time_limit: expected a number of at least 0, got nan. Try leaving time_limit out"),
        ({"checkpoint_every": math.inf}, "checkpoint_every: expected a number of at least 0, got inf. Try checkpoint_every=30.0"),
        (
            {"gradient": "guess"},
            "gradient: expected one of difference, definition, backprop, got 'guess'. Try gradient='difference'",
        ),
        ({"recipe": "soup"}, "recipe: expected one of best, cifar, got 'soup'. Try leaving recipe out"),
        ({"network": 3}, "network: expected text, got 3. Try network='readme'"),
        ({"tensorboard": 1}, "tensorboard: expected True or False, got 1. Try tensorboard=False"),
        ({"patience": 3}, "patience: expected a validation set with it, got none. Try validation=5000"),
        ({"weight_decay": 0.1}, "weight_decay: expected optimiser='adamw' with it, got momentum. Try l2=0.1 instead"),
    ],
)
def test_a_wrong_value_is_one_line(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings(**values)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"label_smoothing": 0.1, "loss": "mse"}, "label_smoothing=0.1: expected loss='cross-entropy' with it, got mse"),
        (
            {"augment": "bend=2"},
            "augment=bend=2: expected none, or numbers for some of shift, .*, got 'bend=2'. Try shift=2,scale=0.1",
        ),
        (
            {"network": "large.json"},
            r"^data: expected images of shape \(30, 30, 1\) for this network, got \(8, 8, 1\) from digits. Try resize='28x28'",
        ),
    ],
)
@pytest.mark.usefixtures("place")
def test_settings_that_make_no_training_are_one_line(values: dict[str, Any], message: str) -> None:
    with pytest.raises(HandmadeError, match=message):
        start(replace(ALL, **values), "run")
    assert not Path("run").exists()


def test_a_recipe_is_other_defaults() -> None:
    assert Settings.from_recipe("best").to_json() == Settings().to_json() | RECIPES["best"] | {"recipe": "best"}
    assert Settings.from_recipe("best", steps=5, seed=3).to_json() == (
        Settings().to_json() | RECIPES["best"] | {"recipe": "best", "steps": 5, "epochs": 1, "seed": 3}
    )
    clothes = Settings.from_recipe("best", data="fashion-mnist")
    assert clothes.to_json() == Settings().to_json() | RECIPES["best"] | CLOTHES | {"recipe": "best", "data": "fashion-mnist"}
    assert Settings.from_recipe("best", data="fashion-mnist", augment="none").augment == "none"
    with pytest.raises(SettingError, match="recipe: expected one of best, cifar, got 'soup'"):
        Settings.from_recipe("soup")
    with pytest.raises(SettingError, match=r"^recipe: expected the values of a recipe, got defaults\. Try Settings\.from_recipe"):
        Settings(recipe="best", seed=3)


# --- written once --------------------------------------------------------------------------------------------------------------


def options() -> Iterator[Any]:
    group: Any = get_command(app)
    yield from group.commands["train"].params


def test_the_options_of_the_command_are_the_settings_and_a_few_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    found = {name: option for option in options() for name in option.opts if name.startswith("--")}

    own = {"--out", "--force", "--resume", "--yes", "--json", "--mine"}
    assert set(found) == {f"--{field.name.replace('_', '-')}" for field in fields(Settings)} | own
    for setting in settings():
        option = found[f"--{setting.name.replace('_', '-')}"]
        assert option.help == setting.text
        assert option.default == setting.default
        assert option.min == setting.least
    assert command("train", "--help") == 0
    shown = capfd.readouterr().out
    for setting in settings():
        assert f"--{setting.name.replace('_', '-')} {setting.metavar or ''}".strip() in shown
        assert "|".join(setting.choices) in shown


def test_every_choice_stands_for_something() -> None:
    choices = {setting.name: setting.choices for setting in settings()}

    assert set(choices["optimiser"]) == set(parts.OPTIMISERS)
    assert set(choices["schedule"]) == set(SCHEDULES)
    assert set(choices["gradient"]) == set(parts.GRADIENTS)
    assert set(choices["recipe"]) == set(RECIPES)
    assert set(choices["dtype"]) == {"float32", "float64"}
    assert parts.make_augmentation(Settings(augment="shift=2")) == Augmentation(shift=2)


def test_settings_are_described_as_they_are_typed() -> None:
    hints = get_type_hints(Settings)

    assert [setting.name for setting in settings()] == list(hints)
    for setting in settings():
        assert setting.optional == (type(None) in get_args(hints[setting.name]))
        assert setting.default is not None or setting.optional
        assert setting.text.endswith((".", "]"))


def test_the_documentation_lists_every_setting() -> None:
    told = Settings.__doc__ or ""

    for setting in settings():
        assert f"    {setting.name} : " in told
        assert setting.text in told


def test_errors_name_options_on_the_command_line() -> None:
    assert in_options("learning_rate: expected 1", of_training=True) == "--learning-rate: expected 1"
    assert in_options("learning_rate: expected 1") == "learning_rate: expected 1"
    assert in_options("Try another out=..., or force=True to overwrite it") == "Try another --out, or --force to overwrite it"
    assert in_options("fewer steps=..., or gradient=difference, allow_long=True") == (
        "fewer --steps, or --gradient difference, --yes"
    )
    assert (
        in_options("label_smoothing=0.1: expected loss=cross-entropy") == "--label-smoothing 0.1: expected --loss cross-entropy"
    )
    assert in_options("my/seed=3/run, shift=2") == "my/seed=3/run, shift=2"


def test_a_help_text_needs_no_engine() -> None:
    code = "import sys, handmade.runs, handmade.runs.settings; print(*{'numpy', 'safetensors', 'typer'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
