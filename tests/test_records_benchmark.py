"""The benchmark of the records, on tiny runs: resumed after a kill, listed, measured, and written as a table."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import records
import records_direction
import records_kept
import records_table
from handmade.engine.errors import HandmadeError
from handmade.runs import read_record, start
from records import Plan, carry_on, main, measure_direction, plans, state
from tiny_digits import TINY

NAMES = ["mnist-difference-0", "mnist-backprop-0"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small set of images and a small network, of which both recipes make runs of few steps."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 10
    images = rng.integers(0, 256, (60, 6, 6, 1), dtype=np.uint8)
    np.savez("own.npz", images=images[:40], labels=labels[:40], test_images=images[40:], test_labels=labels[40:])
    Path("tiny.json").write_text(json.dumps(TINY))
    return tmp_path


def tiny(**given: Any) -> list[Plan]:
    values: dict[str, Any] = {"data": "own.npz", "network": "tiny.json", "validation": None, "batch_size": 8, "steps": 6}
    values |= {"threads": 1, "checkpoint_every": 0.0, **given}
    return [Plan(run.record, replace(run.settings, **values)) for run in plans("own.npz") if run.name in NAMES]


def test_the_runs_are_those_of_the_recipes_by_both_methods_with_the_same_seeds() -> None:
    made = {run.name: run.settings for run in plans("some.zip")}
    assert list(made) == [
        *(f"mnist-{method}-{seed}" for method in ("difference", "backprop") for seed in range(3)),
        *("cifar-difference-0", "cifar-backprop-0"),
    ]
    for name, settings in made.items():
        record, method, seed = name.split("-")
        assert (settings.recipe, settings.gradient, settings.seed) == ({"mnist": "best"}.get(record, record), method, int(seed))
        other = made[f"{record}-{'backprop' if method == 'difference' else 'difference'}-{seed}"]
        assert {key for key, value in settings.to_json().items() if other.to_json()[key] != value} <= {"gradient", "step_size"}
    assert made["cifar-difference-0"].data == "some.zip"


@pytest.mark.usefixtures("place")
def test_a_run_that_was_stopped_or_killed_ends_with_the_bytes_of_one_that_was_not() -> None:
    by_differences, _ = tiny()
    assert carry_on(by_differences, Path("one"))
    assert not carry_on(by_differences, Path("two"), until=time.monotonic())  # after a step, as with --minutes
    assert read_record("two").status == "interrupted"
    run = json.loads(Path("two/run.json").read_bytes())
    Path("two/run.json").write_text(json.dumps(run | {"status": "running"}))  # as kill -9 leaves it
    with Path("two/times.jsonl").open("a") as file:
        file.write('{"step": 5, "cpu": 1e9}\n{"step": ')  # of steps after the checkpoint, and an incomplete line
    assert state(Path("two")).startswith("killed: step 1 of 6")

    assert carry_on(by_differences, Path("two"))

    assert Path("one/model.safetensors").read_bytes() == Path("two/model.safetensors").read_bytes()
    assert carry_on(by_differences, Path("two"))  # nothing is done again
    assert read_record("two").known["resumed"] == [1]


@pytest.mark.usefixtures("place")
def test_a_folder_that_was_killed_before_its_record_was_written_begins_anew() -> None:
    begun = start(tiny()[0].settings, "run")
    with begun:
        pass
    Path("run/run.json").unlink()
    assert state(Path("run")) == "not begun"
    assert carry_on(tiny()[0], Path("run"))


@pytest.mark.usefixtures("place")
def test_a_folder_of_another_run_is_refused() -> None:
    carry_on(tiny()[0], Path("run"), until=time.monotonic())
    with pytest.raises(
        HandmadeError, match=r"expected a run of mnist-difference-0 as it is now, got other values of batch_size\."
    ):
        carry_on(tiny(batch_size=9)[0], Path("run"))


@pytest.mark.usefixtures("place")
def test_the_processors_time_goes_on_where_the_checkpoint_was() -> None:
    run = tiny()[0]
    carry_on(run, Path("run"), until=time.monotonic())
    Path("run/times.jsonl").write_text('{"step": 1, "cpu": 1000.0}\n{"step": 2, "cpu": 5000.0}\n')
    carry_on(run, Path("run"))
    assert 1000 < list(records.notes(Path("run")))[-1]["cpu"] < 1100
    assert max(line["cpu"] for line in records.notes(Path("run"))) < 1100


def test_the_table_is_made_of_the_folders_and_tells_which_runs_are_not_finished(place: Path) -> None:
    one, other = tiny()
    out = place / "runs"
    carry_on(one, out / one.name)
    measure_direction(out / one.name)
    carry_on(other, out / other.name, until=time.monotonic())

    text = records_table.write([one, other], out, docs=False)

    result = read_record(out / one.name).known
    first, second = (line.split(" | ") for line in text.splitlines()[2:4])
    weights, seen = result["weights"], result["images"]
    assert first[0] == "| mnist, differences, seed 0"
    assert first[1:5] == [f"{weights:,}", f"{weights * 6:.3g}", f"{weights * seen:.3g}", f"{100 * result['test_accuracy']:.2f} %"]
    assert first[7] == "1e-20"
    assert second[0] == "| mnist, backpropagation, seed 0"
    assert second[4].startswith("not finished (interrupted: step 1 of 6")
    assert "%" not in " ".join(second)
    assert "mnist by backpropagation: 0 of 1 runs are finished; no figure is given for the others." in text
    assert f"mnist by differences: {100 * result['test_accuracy']:.2f} % of the test images, the mean of 1 run." in text
    assert (out / "records.md").read_text() == text
    marks = records_table.BEGIN, records_table.END
    document = records_table.inserted(f"a\n{marks[0]}\nold\n{marks[1]}\nb\n", text, ["x.png"])
    assert document.startswith(f"a\n{marks[0]}\n\n{text}")
    assert "old" not in document
    assert document.endswith(f"(pictures/x.png)\n\n{marks[1]}\nb\n")
    with pytest.raises(HandmadeError, match="expected the marks"):
        records_table.inserted("a", text, [])


@pytest.mark.usefixtures("place")
def test_a_finished_run_is_kept_without_its_weights_and_gives_the_same_row() -> None:
    one, _ = tiny(steps=None, epochs=2)
    carry_on(one, Path("runs") / one.name)
    measure_direction(Path("runs") / one.name)
    own = records_table.row(one, Path("runs"), Path("kept"))

    records_kept.keep(Path("runs") / one.name, Path("kept") / one.name)
    kept = records_table.row(one, Path("elsewhere"), Path("kept"))

    assert {path.name for path in kept.record.folder.iterdir()} == {"run.json", "log.jsonl", "times.jsonl", "directions.json"}
    assert kept.record.folder == Path("kept") / one.name
    assert records_table.cells(kept) == records_table.cells(own)
    assert records_table.direction_cells(kept) == records_table.direction_cells(own)
    assert str(Path.cwd()) not in (kept.record.folder / "run.json").read_text()
    assert records_table.row(one, Path("runs"), Path("kept")).record.folder == Path("runs") / one.name  # an own run comes first
    other, _ = tiny(steps=None, epochs=3)
    assert "not begun" in records_table.cells(records_table.row(other, Path("elsewhere"), Path("kept")))[4]
    look = tiny()[0]
    assert "not begun" in records_table.cells(records_table.row(look, Path("elsewhere"), Path("kept")))[4]


def test_a_kept_log_has_the_means_of_its_steps() -> None:
    log = [{"step": n, "loss": float(n), "accuracy": None} for n in range(1, 1002)]
    log[-1]["validation_accuracy"] = 0.5
    made = records_kept.thinned(log)
    assert len(made) <= records_kept.LINES
    assert made[0] == {"step": 4, "loss": 2.5}
    assert made[-1] == {"step": 1001, "loss": 1001.0, "validation_accuracy": 0.5}
    assert records_kept.thinned(log[:3]) == [{"step": n, "loss": float(n)} for n in (1, 2, 3)]
    assert records_kept.thinned([]) == []


def test_both_gradients_of_a_run_agree_where_nothing_is_contested(place: Path) -> None:
    one, _ = tiny(augment="none")  # without background, where weights that begin with biases of 0 are on a kink
    carry_on(one, place / "run")
    measure_direction(place / "run")
    found = json.loads((place / "run" / "directions.json").read_bytes())

    assert [(each["step"], each["dtype"]) for each in found] == [(1, "float32"), (1, "float64"), (6, "float32"), (6, "float64")]
    for each in found:
        if each["contested"] == 0:
            assert each["relative"] < {"float32": 1e-5, "float64": 1e-13}[each["dtype"]]
            assert each["cosine"] == pytest.approx(1, abs=1e-9)
    assert any(each["contested"] == 0 for each in found), found


def test_other_directions_are_told() -> None:
    a = {"W": np.array([3.0, 4.0])}
    assert records_direction.compared({"W": np.array([3.0, -4.0])}, a) == pytest.approx((8 / 5, -7 / 25))
    assert records_direction.compared(a, a) == pytest.approx((0, 1))


def test_the_command_lists_runs_and_refuses_other_names(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--list", "--out", str(place), "--only", "cifar"]) == 0
    assert capsys.readouterr().out.split() == ["cifar-difference-0", "not", "begun", "cifar-backprop-0", "not", "begun"]
    assert main(["--list", "--only", "imagenet"]) == 1
    assert "got 'imagenet'. Try --list" in capsys.readouterr().err
    monkeypatch.setenv("HANDMADE_DATA", str(place / "nothing"))
    assert main(["--only", "cifar-backprop", "--out", str(place / "runs")]) == 1
    assert capsys.readouterr().err.endswith("Try: handmade data fetch cifar-10\n")
