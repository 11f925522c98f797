"""Sweeps: each run has the bytes of `handmade train`; it is resumed after any kill; its table, picture and executors."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from handmade import HandmadeError, pictures, runs, sweep
from handmade.pictures import Trial
from handmade.runs import Settings, inputs
from handmade.runs.record import locked
from handmade.sweep.one_run import Task, store, train_elsewhere
from handmade.sweep.results import Group, SweepRun
from handmade.text.sweep_results import sweep_lines
from test_resume import KILLED, assert_same, record_of
from tiny_digits import FILES, TINY, write_digits

PATIENCE = 60  # seconds after which a command hangs
QUICK: dict[str, Any] = {
    "data": "digits",
    "network": "tiny.json",
    "steps": 6,
    "batch_size": 16,
    "threads": 1,
    "gradient": "backprop",
    "validate_every": 3,
    "validation": 16,
}
MOMENTS = (1, 2, 3, 4, 5, 12, 40, 60, 75)  # numbers of a sync to the disk
VARY: dict[str, Any] = {"learning_rate": [0.05, 0.5], "seed": [0, 1]}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sweep")
    write_digits(place / "digits", 96, 40)
    (place / "tiny.json").write_text(json.dumps(TINY))
    linear = {"input": [8, 8, 1], "layers": [{"layer": "Flatten"}, {"layer": "Linear", "units": 10}]}
    (place / "linear.json").write_text(json.dumps(linear))
    return place


@pytest.fixture(autouse=True)
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(place)
    return place


@pytest.fixture(scope="module")
def finished(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One sweep that many tests look at."""
    before, folder = Path.cwd(), tmp_path_factory.mktemp("finished") / "sweep"
    os.chdir(place)
    sweep.start(VARY, Settings(**QUICK), folder).finish()
    os.chdir(before)
    return folder


def copy(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to


def numbers(results: sweep.SweepResults) -> list[tuple[Any, ...]]:
    return [(run.values, run.status, run.accuracy, run.loss, run.test_accuracy, run.step) for run in results.runs]


def test_each_run_has_the_bytes_of_a_single_training(finished: Path, tmp_path: Path) -> None:
    results = sweep.results(finished)
    assert [run.folder.name for run in results.runs] == ["run-01", "run-02", "run-03", "run-04"]
    for run in results.runs:
        single = tmp_path / run.folder.name
        runs.start(Settings(**QUICK | run.values), single).finish()
        assert_same(run.folder, single)
        assert run.accuracy == record_of(single)["best"]["validation_accuracy"]


def test_progress_tells_the_run_its_steps_and_the_time_left(tmp_path: Path) -> None:
    records = list(sweep.start(VARY, Settings(**QUICK), tmp_path / "s"))
    assert [(each.number, each.step.step.number) for each in records if each.step] == [
        (n, k) for n in range(4) for k in range(1, 7)
    ]
    ends = [each for each in records if each.run]
    assert [each.ended for each in ends] == [1, 2, 3, 4]
    assert [each.run.status for each in ends if each.run] == ["finished"] * 4
    left = [each.seconds_left for each in records]
    assert left[-1] == 0
    assert all(each > 0 for each in left[:-2])
    assert str(ends[0]).startswith("run 1 of 4: learning rate 0.05, seed 0: validation ")
    assert str(ends[0]).endswith(" left")
    assert not str(ends[-1]).endswith(" left")
    assert str(records[0]).startswith("run 1 of 4, step 1/6; ")


def test_nothing_is_written_before_the_sweep_begins(tmp_path: Path) -> None:
    planned = sweep.start(VARY, Settings(**QUICK), tmp_path / "s")
    assert list(tmp_path.iterdir()) == []
    assert repr(planned) == f"Sweep({tmp_path / 's'}, 4 runs)"
    lines = str(planned).splitlines()
    assert lines[0] == "Sweep of 4 runs, a grid, with tiny on digits:"
    assert lines[1:3] == ["  learning rate: 0.05, 0.5", "  seed: 0, 1"]
    assert "a validation set of 16 training images; the test set has no part in it" in lines[3]
    assert lines[-1].startswith("Estimated time: ")


def test_a_validation_set_is_a_tenth_of_the_training_images_unless_another_is_given() -> None:
    quick = {**QUICK, "validation": None, "validate_every": None}
    assert sweep.start({"seed": [0, 1]}, Settings(**quick)).known.plan.settings.validation == 9
    assert sweep.start({"seed": [0, 1]}, Settings(**quick | {"limit": 50})).known.plan.settings.validation == 5
    assert sweep.start({"limit": [40, 90]}, Settings(**quick)).known.plan.settings.validation == 4
    assert sweep.start({"seed": [0]}, Settings(steps=1, gradient="backprop")).known.plan.settings.validation == 5000


def test_the_estimate_is_of_the_right_size(tmp_path: Path) -> None:
    planned = sweep.start({"epochs": [1, 20]}, Settings(**QUICK | {"steps": None}), tmp_path / "s")
    short, long = planned.known.seconds
    assert 3 < long / short < 21
    slow = sweep.start({"seed": [0]}, Settings(**QUICK | {"gradient": "definition", "steps": 10**9}), tmp_path / "s")
    assert slow.seconds > 1e5
    assert "days" in str(slow) or "years" in str(slow)


def test_the_table_ranks_groups_by_the_validation_set(finished: Path) -> None:
    results = sweep.results(finished)
    groups = results.groups
    assert [len(group.runs) for group in groups] == [2, 2]
    assert (groups[0].mean or 0) >= (groups[1].mean or 0)
    best = groups[0]
    assert best.mean == pytest.approx(np.mean([run.accuracy for run in best.runs]))
    head, first, second, *rest = str(results).splitlines()
    assert head.split() == ["learning", "rate", "validation", "smallest", "largest", "runs", "time"]
    assert first.split()[:2] == ["1", f"{best.values['learning_rate']:g}"]
    assert f"{100 * (best.mean or 0):.2f} %" in first
    for line in (first, second):
        assert line.index("%") == first.index("%"), "columns line up"
    assert rest[0] == "validation: mean of 2 seeds."
    tested = np.mean([run.test_accuracy for run in best.runs])
    assert f"Test accuracy {100 * tested:.2f} %, mean of 2; it had no part in the selection." in rest[2]
    assert rest[3] == f"Model: {best.chosen.folder if best.chosen else ''}/best.safetensors"


def test_json_has_every_run_and_the_test_accuracy_of_the_best_alone(finished: Path) -> None:
    known = json.loads(json.dumps(sweep.results(finished).to_json()))
    assert known["count"] == known["ended"] == 4
    assert [run["settings"]["seed"] for group in known["groups"] for run in group["runs"]] == [0, 1, 0, 1]
    assert "test_accuracy" not in json.dumps(known["groups"])
    assert known["best"]["settings"] == known["groups"][0]["settings"]
    assert 0 <= known["best"]["test_accuracy"] <= 1


def made(rate: float, accuracies: list[float | None]) -> Group:
    results = []
    for seed, each in enumerate(accuracies):
        status = "diverged" if each is None else "finished"
        results.append(SweepRun(Path("s/run"), {"learning_rate": rate, "seed": seed}, status, each, 0.1, each, 1.0, 5))
    return Group({"learning_rate": rate}, tuple(results))


def test_a_group_with_a_diverged_run_ranks_below_all_that_are_stable() -> None:
    stable, shaky, lost = made(0.1, [0.7, 0.7]), made(0.2, [0.9, None]), made(0.3, [None, None])
    assert sorted([lost, shaky, stable], key=lambda group: group.rank) == [stable, shaky, lost]
    assert shaky.mean == 0.9
    assert lost.mean is None
    assert lost.chosen is None
    assert shaky.chosen is shaky.runs[0]


def test_a_run_that_diverges_is_shown_and_the_sweep_goes_on(tmp_path: Path) -> None:
    results = sweep.start({"learning_rate": [1e38, 0.05]}, Settings(**QUICK), tmp_path / "s").finish()
    assert [run.status for run in results.runs] == ["diverged", "finished"]
    step = results.runs[0].step
    head, first, second, *_ = str(results).splitlines()
    assert head.split() == ["learning", "rate", "validation", "runs", "time"]
    assert first.split()[:2] == ["1", "0.05"]
    assert second.split() == ["1e+38", "diverged", "at", "step", f"{step:.0f}"]
    assert results.best is not None
    assert results.best.values == {"learning_rate": 0.05}
    assert results.ended == 2
    again = sweep.resume(tmp_path / "s")
    assert list(again) == [], "a run that diverged has ended"


def test_the_table_fits_a_narrow_terminal(finished: Path) -> None:
    results = sweep.results(finished)
    wide = sweep_lines(results, 120)
    narrow = [line.plain for line in sweep_lines(results, 46)]
    assert "largest" not in narrow[0]
    assert "Not shown: time, largest. Try a wider terminal, or --json." in narrow
    assert len(narrow[0]) <= 46 < len(wide[0].plain)


def test_a_sweep_over_seeds_alone_is_one_row(tmp_path: Path) -> None:
    results = sweep.start({"seed": "0..2"}, Settings(**QUICK), tmp_path / "s").finish()
    assert len(results.groups) == 1
    lines = str(results).splitlines()
    assert lines[0].split() == ["validation", "smallest", "largest", "runs", "time"]
    assert lines[2] == "validation: mean of 3 seeds."
    assert lines[3].startswith("Best: the settings of all runs; validation accuracy ")


# --- stop and resume ----------------------------------------------------------------------------------------------------------


def test_a_sweep_that_is_stopped_continues_with_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    first = sweep.start(VARY, Settings(**QUICK), tmp_path / "s")
    for progress in first:
        if progress.number == 1 and progress.step and progress.step.step.number == 4:
            first.stop()
    before = first.results
    assert [run.status for run in before.runs] == ["finished", "interrupted", "waiting", "waiting"]
    assert before.ended == 1
    assert "1 of 4 runs have ended." in str(before)
    assert "1 of 2; 1 interrupted" in str(before) or "1 of 2; 1 waiting" in str(before)
    model = (tmp_path / "s" / "run-01" / "model.safetensors").stat().st_mtime_ns

    rest = sweep.resume(tmp_path / "s")
    assert "1 of 4 runs have ended." in str(rest)
    assert [(each.number, each.step.step.number) for each in rest if each.step][:2] == [(1, 5), (1, 6)]

    assert numbers(rest.results) == numbers(sweep.results(finished))
    for run in rest.results.runs:
        assert_same(run.folder, finished / run.folder.name)
    assert (tmp_path / "s" / "run-01" / "model.safetensors").stat().st_mtime_ns == model, "a finished run is not touched"


def test_a_loop_that_ends_early_leaves_a_sweep_to_resume(finished: Path, tmp_path: Path) -> None:
    for progress in sweep.start(VARY, Settings(**QUICK), tmp_path / "s"):
        if progress.number == 2:
            break
    assert [run.status for run in sweep.results(tmp_path / "s").runs] == ["finished", "finished", "interrupted", "waiting"]
    assert numbers(sweep.resume(tmp_path / "s").finish()) == numbers(sweep.results(finished))


PLANNED = """
import json
from pathlib import Path
from handmade import sweep
from handmade.runs import Settings
vary, quick, out = map(json.loads, sys.argv[1:4])
session = sweep.resume(out) if (Path(out) / "sweep.json").exists() else sweep.start(vary, Settings(**quick), out)
session.finish()
"""


def killed(out: Path, moment: int) -> int:
    """Run a sweep, or the rest of one, in a process that is killed when it syncs to the disk for the n-th time."""
    begin = KILLED.partition("runpy.run_module")[0]
    arguments = [str(moment), json.dumps(VARY), json.dumps(QUICK | {"checkpoint_every": 0}), json.dumps(str(out))]
    script = [sys.executable, "-c", begin + PLANNED, *arguments]
    return subprocess.run(script, capture_output=True, timeout=PATIENCE, check=False).returncode


def rest_of(out: Path) -> sweep.SweepResults:
    settings = Settings(**QUICK | {"checkpoint_every": 0})
    return (sweep.resume(out) if (out / "sweep.json").exists() else sweep.start(VARY, settings, out)).finish()


@pytest.mark.parametrize("moment", [23, *(pytest.param(each, marks=pytest.mark.long) for each in MOMENTS)])
def test_a_sweep_that_is_killed_continues_with_the_same_bytes(moment: int, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    assert killed(out, moment) == -signal.SIGKILL
    results = rest_of(out)
    assert numbers(results) == numbers(sweep.results(finished))
    for run in results.runs:
        assert_same(run.folder, finished / run.folder.name)
    assert [path.name for path in out.glob("**/.*")] == []


@pytest.mark.long
def test_a_sweep_that_is_killed_again_and_again_continues_with_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    out, kills = tmp_path / "s", 0
    while killed(out, 13) == -signal.SIGKILL:
        kills += 1
    assert kills > 3
    assert numbers(sweep.results(out)) == numbers(sweep.results(finished))


def damage(run: Path) -> None:
    for path in (run / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    "change", [damage, lambda run: shutil.rmtree(run / "checkpoints"), lambda run: (run / "run.json").unlink()]
)
def test_a_run_without_an_intact_checkpoint_starts_again(change: Callable[[Path], None], finished: Path, tmp_path: Path) -> None:
    out = copy(finished, tmp_path / "s")
    record = record_of(out / "run-02") | {"status": "running"}
    (out / "run-02" / "run.json").write_text(json.dumps(record))
    change(out / "run-02")
    assert numbers(sweep.resume(out).finish()) == numbers(sweep.results(finished))
    assert_same(out / "run-02", finished / "run-02")


def test_a_finished_sweep_may_be_resumed_and_trains_nothing(finished: Path) -> None:
    again = sweep.resume(finished)
    assert list(again) == []
    assert again.seconds == 0


def test_a_run_with_other_settings_is_not_mixed_in(finished: Path, tmp_path: Path) -> None:
    out = copy(finished, tmp_path / "s")
    (out / "run-02" / "run.json").write_text(json.dumps(record_of(out / "run-02") | {"learning_rate": 0.07}))
    results = sweep.results(out)
    assert results.runs[1].status == "other settings"
    assert "1 of 2; 1 other settings" in str(results)
    with pytest.raises(
        HandmadeError, match=r"run-02: expected learning rate 0.5, as in the plan of the sweep, got 0.07. Move this"
    ):
        sweep.resume(out).finish()


def test_data_and_networks_must_be_those_of_the_plan(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    shutil.copytree(place / "digits", mine / "digits")
    shutil.copy(place / "tiny.json", mine)
    monkeypatch.chdir(mine)
    first = sweep.start(VARY, Settings(**QUICK), "s")
    next(iter(first))
    (mine / "tiny.json").write_text(json.dumps(TINY | {"layers": [{"layer": "Tanh"}, *TINY["layers"]]}))
    with pytest.raises(
        HandmadeError, match=r"^network tiny.json: expected the content it had when s began, got another. Restore"
    ):
        sweep.resume("s")
    shutil.copy(place / "tiny.json", mine)
    content = bytearray((mine / "digits" / FILES[0]).read_bytes())
    content[-1] ^= 1
    (mine / "digits" / FILES[0]).write_bytes(content)
    with pytest.raises(HandmadeError, match=r"^data digits: expected the content it had when s began"):
        sweep.resume("s")


def test_a_folder_that_is_in_use_is_left_alone(finished: Path, tmp_path: Path) -> None:
    out = copy(finished, tmp_path / "s")
    (out / "run-04" / "run.json").unlink()
    lock = locked(out)
    try:
        with pytest.raises(HandmadeError, match="expected a folder that is not in use"):
            sweep.resume(out).finish()
    finally:
        os.close(lock)


def test_a_folder_with_a_sweep_or_a_run_is_not_used_for_a_new_one(finished: Path, tmp_path: Path) -> None:
    for folder, message in [
        (finished, "expected a folder without a sweep"),
        (finished / "run-01", "expected a folder without a run"),
        (finished / "sweep.json", "expected a folder, got a file"),
    ]:
        with pytest.raises(HandmadeError, match=message):
            sweep.start(VARY, Settings(**QUICK), folder)
    first, second = (sweep.start(VARY, Settings(**QUICK), tmp_path / "s") for _ in range(2))
    first.finish()
    with pytest.raises(HandmadeError, match="expected a folder without a sweep"):
        second.finish()
    with pytest.raises(HandmadeError, match=r"expected the folder of a sweep; there is no sweep.json in it"):
        sweep.resume(finished / "run-01")
    with pytest.raises(HandmadeError, match="expected the folder of a sweep; there is no such folder"):
        sweep.results(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("vary", "settings", "message"),
    [
        (
            {"network": ["tiny.json", "none.json"]},
            {},
            "The run with network none.json: expected readme or seed or deep, or a JSON",
        ),
        ({"learning_rate": [0.1, -1]}, {}, "The run with learning rate -1: learning_rate: expected a finite number above 0"),
        ({"warm_up": [0.1, 7]}, {}, "The run with warm up 7: warm_up: expected a number from 0 up to but not including 1"),
        ({"ema": [None, 3]}, {}, "The run with ema 3: ema: expected a number from 0"),
        ({"augment": "none;zoom=1"}, {}, "The run with augment zoom=1: augment=zoom=1: expected none, or numbers for some of"),
        ({"resize": ["8x8"]}, {}, "The run with resize 8x8: data: expected images of shape"),
        ({"seed": [1]}, {"data": "nothing-here"}, "nothing-here"),
        ({"seed": [1]}, {"time_limit": 1.0}, "time_limit=1: expected no time limit of a run in a sweep"),
        ({"seed": [1]}, {"validation": 96}, "validation: expected fewer than the 96 training images, got 96."),
        ({"limit": [90, 10]}, {"validation": 50}, "validation: expected fewer than the 10 training images, got 50."),
        ({"seed": [1]}, {"limit": 1, "validation": None}, "validation: expected at least 2 training images, got 1."),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    vary: dict[str, Any], settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(HandmadeError) as refused:
        sweep.start(vary, Settings(**QUICK | {"validate_every": None} | settings), tmp_path / "s")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_argument_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(HandmadeError, match="cluster: expected no cluster of a run: in a sweep, a cluster trains several runs"):
        sweep.start(VARY, Settings(**QUICK, cluster="local:2"), tmp_path / "s")
    with pytest.raises(HandmadeError, match="settings: expected Settings; got dict"):
        sweep.start(VARY, QUICK, tmp_path / "s")  # type: ignore[arg-type] # on purpose
    with pytest.raises(HandmadeError, match="executor: expected an executor"):
        sweep.start(VARY, Settings(**QUICK), tmp_path / "s", executor=3)  # type: ignore[arg-type] # on purpose


# --- executors ----------------------------------------------------------------------------------------------------------------


def test_runs_on_an_executor_have_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as executor:
        planned = sweep.start(VARY, Settings(**QUICK), tmp_path / "s", executor=executor, workers=2)
        records = list(planned)
    assert numbers(planned.results) == numbers(sweep.results(finished))
    for run in planned.results.runs:
        assert_same(run.folder, finished / run.folder.name)
        record = record_of(run.folder)
        assert record["run"] == str(run.folder)
        assert Path(record["model"]).is_file()
        assert Path(record["best"]["model"]).is_file()
        assert [path.suffix for path in run.folder.rglob("*.pickle")] == []
    assert [each.ended for each in records if each.run] == [1, 2, 3, 4]


@pytest.mark.long
def test_runs_in_other_processes_have_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    with ProcessPoolExecutor(2) as executor:
        results = sweep.start(VARY, Settings(**QUICK), tmp_path / "s", executor=executor, workers=2).finish()
    assert numbers(results) == numbers(sweep.results(finished))
    for run in results.runs:
        assert_same(run.folder, finished / run.folder.name)


def test_a_sweep_that_was_stopped_continues_on_an_executor_from_its_checkpoints(finished: Path, tmp_path: Path) -> None:
    first = sweep.start(VARY, Settings(**QUICK), tmp_path / "s")
    for progress in first:
        if progress.number == 1 and progress.step and progress.step.step.number == 4:
            first.stop()
    with ThreadPoolExecutor(1) as executor:
        results = sweep.resume(tmp_path / "s", executor=executor).finish()
    assert numbers(results) == numbers(sweep.results(finished))
    assert_same(results.runs[1].folder, finished / "run-02")
    assert record_of(results.runs[1].folder)["resumed"] == [4]


def test_a_run_that_diverges_on_an_executor_is_shown_and_the_sweep_goes_on(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        results = sweep.start({"learning_rate": [1e38, 0.05]}, Settings(**QUICK), tmp_path / "s", executor=executor).finish()
    assert [run.status for run in results.runs] == ["diverged", "finished"]


def test_a_stop_gives_up_the_runs_on_an_executor(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        planned = sweep.start(VARY, Settings(**QUICK), tmp_path / "s", executor=executor)
        for progress in planned:
            if progress.run:
                planned.stop()
    ended = planned.results.ended
    assert 1 <= ended < 4
    assert sweep.resume(tmp_path / "s").finish().ended == 4


def test_an_error_on_an_executor_is_one_line_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handmade.sweep.workers.train_elsewhere", lambda *_: ({}, "memory: expected more"))
    with ThreadPoolExecutor(1) as executor, pytest.raises(HandmadeError, match=r"^Run \d: memory: expected more$"):
        sweep.start(VARY, Settings(**QUICK), tmp_path / "s", executor=executor).finish()


def test_a_worker_with_other_versions_is_refused_in_one_line() -> None:
    files, reason = train_elsewhere(Task({}, handmade.networks.readme(0), {}, expected="other"), inputs.dataset("digits"))
    assert files == {}
    assert re.fullmatch(r"expected versions and vectors as here on the worker .+; got others. Resume without this worker", reason)


def test_files_of_a_run_stay_in_its_folder(finished: Path, tmp_path: Path) -> None:
    files = {"run.json": (finished / "run-01" / "run.json").read_bytes(), "../outside": b"x"}
    with pytest.raises(HandmadeError, match=r"expected files of a run, got '../outside' outside its folder"):
        store(tmp_path / "run", files, "tiny.json")
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_run_that_was_not_stored_completely_is_trained_again(finished: Path, tmp_path: Path) -> None:
    out = copy(finished, tmp_path / "s")
    for name in ("run.json", "log.jsonl", "model.safetensors"):
        (out / "run-03" / name).unlink()
    for name in (".run.json.x.tmp", ".best.safetensors.y.tmp"):
        (out / "run-03" / name).write_bytes(b"half")
    assert [run.status for run in sweep.results(out).runs] == ["finished", "finished", "waiting", "finished"]
    with ThreadPoolExecutor(1) as executor:
        results = sweep.resume(out, executor=executor).finish()
    assert numbers(results) == numbers(sweep.results(finished))
    assert_same(out / "run-03", finished / "run-03")
    assert [path.name for path in out.glob("**/.*")] == []


# --- pictures -----------------------------------------------------------------------------------------------------------------


def texts(figure: Any) -> str:
    return " | ".join(
        text.get_text() for axes in figure.axes for text in [*axes.texts, *axes.get_xticklabels(), axes.xaxis.label]
    )


def trials(names: dict[str, list[Any]], seeds: int = 1) -> list[Trial]:
    rng, found = np.random.default_rng(0), []
    for number in range(len(next(iter(names.values())))):
        values = {name: given[number] for name, given in names.items()}
        found += [Trial(values | {"seed": seed}, 0.9 + 0.05 * rng.random()) for seed in range(seeds)]
    return found


def test_one_setting_is_a_curve_with_a_point_for_each_seed() -> None:
    found = [*trials({"learning_rate": [0.01, 0.1, 1.0]}, seeds=3), Trial({"learning_rate": 10.0, "seed": 0}, None)]
    figure = pictures.sweep(found)
    chart = figure.axes[1]
    points = next(line for line in chart.lines if line.get_marker() == "o")
    assert sorted(map(float, points.get_ydata())) == pytest.approx(sorted(100 * (trial.accuracy or 0) for trial in found[:9]))  # type: ignore[arg-type] # of matplotlib
    line = next(line for line in chart.lines if line.get_marker() == "None" and len(np.asarray(line.get_xdata())) == 3)
    assert np.asarray(line.get_ydata())[0] == pytest.approx(100 * np.mean([trial.accuracy or 0 for trial in found[:3]]))
    crosses = next(line for line in chart.lines if line.get_marker() == "x")
    assert list(np.asarray(crosses.get_xdata())) == [10.0]
    assert chart.get_xscale() == "log"
    assert "Line: mean of 3 seeds. Crosses: diverged." in texts(figure)


def test_two_settings_are_a_heat_map() -> None:
    found = trials({"learning_rate": [0.01, 0.01, 0.1, 0.1], "batch_size": [16, 32, 16, 32]}, seeds=2)
    found[-2:] = [Trial(found[-1].values, None), Trial(found[-2].values, None)]
    shown = texts(pictures.sweep(found, dark=True))
    mean = 100 * np.mean([trial.accuracy or 0 for trial in found[:2]])
    assert f"{mean:.2f} %" in shown
    assert "diverged" in shown
    assert "batch size" in shown
    assert len(pictures.sweep(found).axes) == 1


def test_two_settings_that_were_drawn_are_coloured_points() -> None:
    figure = pictures.sweep(trials({"learning_rate": [0.01, 0.02, 0.5, 0.7], "l2": [0.1, 0.3, 0.2, 0.9]}))
    assert len(figure.axes) == 2
    assert len(figure.axes[1].collections[0].get_offsets()) == 4  # type: ignore[arg-type] # of matplotlib
    assert "best: " in texts(figure)


def test_more_settings_are_small_charts() -> None:
    figure = pictures.sweep(
        trials({"learning_rate": [0.01, 0.1, 1], "batch_size": [8, 16, 32], "optimiser": ["adam", "gradient-descent", "adam"]})
    )
    assert [axes.get_xlabel() for axes in figure.axes[1:]] == ["learning rate", "batch size", "optimiser"]
    assert [label.get_text() for label in figure.axes[3].get_xticklabels()] == ["adam", "\ngradient-descent"]


def test_a_picture_is_drawn_of_any_results(finished: Path) -> None:
    for found in (
        sweep.results(finished).trials(),
        [Trial({"seed": 0}, 0.5)],
        [Trial({"grey": True}, 0.5), Trial({"grey": False}, 0.5)],
        [Trial({"ema": None}, 0.0), Trial({"ema": 0.9}, 1.0), Trial({"ema": 0.99}, None)],
        trials({"network": [f"a network with a long name {n}.json" for n in range(9)]}),
        trials(
            {
                "learning_rate": list(np.geomspace(1e-4, 1, 30)),
                "l2": list(np.linspace(0, 1, 30)),
                "batch_size": list(range(1, 31)),
            }
        ),
    ):
        assert pictures.encode(pictures.sweep(found, width=5.0), "png").startswith(b"\x89PNG")


def test_results_without_an_accuracy_are_no_picture() -> None:
    with pytest.raises(HandmadeError, match="trials: expected a run that is finished, got none"):
        pictures.sweep([Trial({"seed": 0}, None)])
    with pytest.raises(HandmadeError, match="trials: expected a list of Trial"):
        pictures.sweep({"seed": 0})  # type: ignore[arg-type] # on purpose
