"""Runs on disk, listed and compared: whatever lies among them, nothing but words comes of it."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from handmade import HandmadeError, pictures
from handmade.cli.commands.runs import SortChoice
from handmade.cli.commands.runs import runs as command
from handmade.cli.console import results
from handmade.cli.main import main
from handmade.runs.comparison import Curve, common_steps, curve, different
from handmade.runs.history import RunRecord, list_runs, read_record
from handmade.runs.record import RunWriter
from handmade.runs.remaining import remaining

FACTS: dict[str, Any] = {
    "network": "readme",
    "gradient": "backprop",
    "optimiser": "momentum",
    "learning_rate": 0.05,
    "epochs": 1,
    "seed": 0,
    "status": "finished",
    "when": "2026-01-02T03:04:05+00:00",
    "steps": 60,
    "test_accuracy": 0.9203,
    "seconds": 65.0,
}


def write(folder: Path, losses: list[float] | None = None, **facts: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(FACTS | facts))
    lines = [{"step": n, "loss": loss, "accuracy": 0.5 if n % 10 == 1 else None} for n, loss in enumerate(losses or [], 1)]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three runs, and what else may lie beside them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(results, "_width", 80)
    folder = tmp_path / "runs"
    write(folder / "newest", when="2026-01-03T00:00:00+00:00", test_accuracy=0.5, network="my/deep.json", optimiser="adam")
    write(folder / "b", seconds=5.0)
    write(folder / "a", when="2026-01-01T00:00:00+00:00", status="interrupted", test_accuracy=None)
    write(folder / ".hidden")
    (folder / "foreign").mkdir()
    (folder / "half").mkdir()
    (folder / "half" / "run.json").write_text('{"network": "rea')
    (folder / "a file").write_text("x")
    return folder


def names(capsys: pytest.CaptureFixture[str], sort: str) -> list[str]:
    command([Path("runs")], sort=SortChoice(sort), json=True)
    return [run["name"] for run in json.loads(capsys.readouterr().out)["runs"]]


def test_a_sweep_in_a_list_is_named_with_the_command_that_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "sweep.json").write_text("{}")
    command([tmp_path], sort=SortChoice.when, json=True)
    assert json.loads(capsys.readouterr().out)["runs"][0]["problem"].startswith("a sweep. Try: ")
    assert list_runs(tmp_path)[0].problem == f"a sweep. Try: handmade runs '{tmp_path}/a b'"


def test_a_list_has_the_newest_last_and_says_what_is_no_run(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command([runs], sort=SortChoice.when, json=False)

    shown = capsys.readouterr().out
    lines = shown.splitlines()
    assert max(len(line) for line in lines if ": " not in line) <= 80
    first = [line.split()[0] for line in lines if line.strip()]
    assert first.index("a") < first.index("b") < first.index("newest")
    row = next(line for line in lines if line.startswith("b ")).split()
    assert {"readme", "momentum", "60", "92.03"} <= set(row)
    assert "interrupted" in next(line for line in lines if line.startswith("a "))
    assert "foreign: not a run" in lines
    assert "60" not in next(line for line in lines if line.startswith("a ")).split()  # it did not get there
    assert any(line.startswith("half: damaged: expected the settings of a run in JSON") for line in lines)
    assert "hidden" not in shown
    assert "a file" not in shown


def columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int) -> tuple[list[str], list[str]]:
    """The columns of the list at a width, and all of its lines."""
    monkeypatch.setattr(results, "_width", width)
    monkeypatch.setattr(results, "_height", 25)
    command([Path("runs")], sort=SortChoice.when, json=False)
    lines = capsys.readouterr().out.splitlines()
    return lines[0].split(), lines


def test_a_narrow_list_breaks_no_name_and_leaves_out_columns_without_news_first(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "a-name-of-more-than-forty-letters-for-one-run"
    write(runs / long, when="2026-01-04T00:00:00+00:00")
    every = ["run", "when", "network", "gradient", "optimiser", "steps", "seed", "accuracy", "time", "status"]

    assert columns(capsys, monkeypatch, 200)[0] == every
    shown, lines = columns(capsys, monkeypatch, 120)
    assert shown == [name for name in every if name not in {"seed", "gradient"}]
    assert "The same for all: seed 0, gradient backprop." in lines
    shown, lines = columns(capsys, monkeypatch, 80)
    assert {"run", "steps", "accuracy", "status"} <= set(shown)
    assert any(line.startswith("Not shown: ") for line in lines)
    assert all(len(line) <= 80 for line in lines[:5])
    assert any(line.startswith(long) for line in columns(capsys, monkeypatch, 40)[1])


def test_a_running_run_shows_its_step_and_the_time_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "runs" / "alive"
    with RunWriter(folder, FACTS | {"status": "running", "total_steps": 5000}) as writer:
        for step in range(1, 1001):
            writer.log(step=step, loss=1.0, seconds=20 + 0.25 * step)
        command([tmp_path / "runs"], sort=SortChoice.when, json=False)
        row = capsys.readouterr().out.splitlines()[1]
        command([tmp_path / "runs"], sort=SortChoice.when, json=True)
        (run,) = json.loads(capsys.readouterr().out)["runs"]

    assert "1,000/5,000" in row
    assert row.endswith("17 min left")  # 4,000 steps of a quarter of a second
    assert (run["status"], run["steps"], run["total_steps"], run["seconds_left"]) == ("running", 1000, 5000, 1000)


@pytest.mark.parametrize(
    "content", ["", "x\n", "[]\n", '{"step": 1, "seconds": 2}\n', '{"step": 5}\n{"step": 5, "seconds": NaN}\n']
)
def test_a_log_without_two_steps_gives_no_time_left(tmp_path: Path, content: str) -> None:
    (tmp_path / "log.jsonl").write_text(content)

    assert remaining(tmp_path, 100).seconds_left is None
    assert remaining(tmp_path / "none", 100).step == 0


def test_a_list_can_be_ordered(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runs.is_dir()
    assert names(capsys, "when") == ["foreign", "half", "a", "b", "newest"]
    assert names(capsys, "accuracy") == ["foreign", "half", "a", "newest", "b"]
    assert names(capsys, "seconds") == ["foreign", "half", "b", "a", "newest"]
    assert names(capsys, "name") == ["a", "b", "foreign", "half", "newest"]
    assert names(capsys, "network")[-3:] == ["newest", "a", "b"]
    assert names(capsys, "status")[-1] == "a"


def test_json_holds_every_fact(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command([runs], sort=SortChoice.when, json=True)

    listed = {run["name"]: run for run in json.loads(capsys.readouterr().out)["runs"]}
    assert listed["b"] == {"name": "b", "folder": str(runs / "b")} | FACTS | {"seconds": 5.0}
    assert listed["foreign"]["problem"] == "not a run"


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "null",
        '"x"',
        "{}",
        '{"network": 5, "status": "finished"}',
        '{"network": "readme", "status": ["x"]}',
        "[" * 100_000,
        "\xff",
    ],
)
def test_whatever_a_record_holds_is_damaged_and_no_traceback(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content, encoding="latin-1")

    assert read_record(tmp_path).problem.startswith("damaged: ")
    assert "\n" not in read_record(tmp_path).problem


@pytest.mark.parametrize("value", ["x", True, [], {}, None, 1e308, 10**400])
def test_a_fact_of_another_kind_is_not_known(tmp_path: Path, value: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(
        tmp_path / "runs" / "odd", test_accuracy=value, learning_rate=value, when=value, optimiser=value, seconds=value
    )

    assert read_record(folder).number("test_accuracy") is None
    command([tmp_path / "runs"], sort=SortChoice.accuracy, json=False)
    command([folder, folder], sort=SortChoice.when, json=False)
    assert "odd" in capsys.readouterr().out


def test_letters_that_a_terminal_would_obey_are_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "runs" / "[red]x", optimiser="\x1b[2Jadam", gradient="[bold]")

    command([tmp_path / "runs"], sort=SortChoice.when, json=False)

    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "[red]x" in shown
    assert "[bold]" in shown


def test_a_run_that_says_running_is_killed_when_nobody_trains_in_it(tmp_path: Path) -> None:
    write(tmp_path / "run", status="running")
    assert read_record(tmp_path / "run").status == "killed"

    with RunWriter(tmp_path / "alive", {"network": "readme"}):
        assert read_record(tmp_path / "alive").status == "running"
    assert read_record(tmp_path / "alive").status == "killed"  # no result came


def test_the_record_of_a_run_says_when_and_by_which_version(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run", {"network": "readme"}) as run:
        run.result({"status": "finished"})

    known = read_record(tmp_path / "run").known
    assert known["when"].endswith("+00:00")
    assert known["version"].count(".") == 2


# --- comparing ----------------------------------------------------------------------------------------------------------------


def test_settings_that_differ_are_found_and_results_are_none(tmp_path: Path) -> None:
    one, two = (
        RunRecord(tmp_path, FACTS),
        RunRecord(tmp_path, FACTS | {"seed": 1, "test_accuracy": 0.1, "steps": 9, "clip_norm": 1.0}),
    )

    assert different([one, two]) == {"seed": [0, 1], "clip_norm": [None, 1.0]}
    assert different([one, one]) == {}
    assert different([RunRecord(tmp_path, {"x": [1]}), RunRecord(tmp_path, {"x": {}})]) == {"x": [[1], {}]}


def test_a_curve_is_the_mean_of_the_last_fifty_steps(tmp_path: Path) -> None:
    read = curve(read_record(write(tmp_path / "run", [float(n) for n in range(1, 121)])))

    assert read.loss(1) == 1
    assert read.loss(50) == pytest.approx(25.5)
    assert read.loss(120) == pytest.approx(95.5)
    assert read.loss(500) is None
    assert read.accuracy(120) == 0.5
    assert common_steps([read, Curve({1: 1.0, 7: 1.0}, {})], 3) == [2, 5, 7]
    assert common_steps([read, Curve({}, {})], 3) == []


def test_a_damaged_log_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", [2.0, 1.0])
    with (folder / "log.jsonl").open("a") as log:
        log.write(
            '{"step": "x", "loss": 1.0}\n{"step": 3, "loss": NaN}\n[]\nnonsense\n{"step": 4, "loss": 0.5, "accuracy": "x"}\n{"st'
        )

    assert curve(read_record(folder)).losses == {1: 2.0, 2: 1.0, 4: 0.5}
    assert curve(read_record(folder)).accuracies == {1: 0.5}
    (folder / "log.jsonl").unlink()
    assert curve(read_record(folder)) == Curve({}, {})


def test_runs_are_compared_side_by_side(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = write(runs / "one", [2.0] * 60, seed=3)
    two = write(runs / "two", [2.0 * 0.9**n for n in range(100)])

    command([one, two], sort=SortChoice.when, json=False)
    shown = capsys.readouterr().out
    command([one, two], sort=SortChoice.when, json=True)
    result = json.loads(capsys.readouterr().out)

    assert max(map(len, shown.splitlines())) <= 80
    rows = [re.split(r"\s{2,}", line.strip()) for line in shown.splitlines()]
    table = {label: values for label, *values in rows}
    assert table["seed"] == ["3", "0"]
    assert "gradient" not in table
    assert table["test accuracy"] == ["92.03 %", "92.03 %"]
    assert table["loss at step 10"] == ["2.000", f"{2 * (1 - 0.9**10):.3f}"]
    flat, falling = (line.split("  ")[1] for line in shown.splitlines()[-2:])
    assert flat == "█" * 33  # 60 of 100 steps
    assert falling.startswith("█")
    assert falling.endswith("▁")
    assert len(falling) == 56
    assert result["differ"] == {"seed": [3, 0]}
    assert [row["step"] for row in result["at"]] == [10, 20, 30, 40, 50, 60]
    assert result["at"][0]["loss"][0] == 2.0


def test_runs_without_a_log_or_a_difference_can_be_compared(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command([runs / "b", runs / "b"], sort=SortChoice.when, json=False)

    shown = capsys.readouterr().out
    assert "The settings are the same." in shown
    assert "logarithmic" not in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere: expected a directory of runs; there is no such directory. Try: handmade train"),
        (["runs/b", "runs/foreign"], "runs/foreign: expected the folder of a run to compare, got a folder that is not a run"),
        (["runs/b", "runs/z"], "runs/z: expected the folder of a run to compare; there is no such folder"),
        (["runs/half", "runs/b"], "runs/half: expected the folder of a run to compare, got a folder that is damaged"),
    ],
)
@pytest.mark.usefixtures("runs")
def test_a_wrong_path_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["handmade", "runs", *arguments])

    with pytest.raises(SystemExit) as ended:
        main()

    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (1, "")
    assert words in told.err
    assert told.err.count("\n") == 1


def test_an_empty_directory_is_said_to_be_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command([tmp_path], sort=SortChoice.when, json=False)

    assert "There are no runs in" in capsys.readouterr().out
    with pytest.raises(HandmadeError, match="expected a directory of runs"):
        list_runs(tmp_path / "no")


def test_a_comparison_of_many_runs_fits_in_tables_side_by_side_and_breaks_no_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "_width", 80)
    monkeypatch.setattr(results, "_height", 25)
    long = "a-name-of-more-than-forty-letters-for-one-run"
    names = [long, *"bcdef"]
    folders = [write(tmp_path / name, [2.0, 1.0], optimiser=f"gradient-descent-{n}") for n, name in enumerate(names)]

    command(folders, sort=SortChoice.when, json=False)

    lines = capsys.readouterr().out.splitlines()
    assert f"1  {long}" in lines
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("status ") for line in lines) == 2
    assert sum(line.count("finished") for line in lines) == 6


def test_the_log_of_a_run_is_there_for_its_curves(tmp_path: Path) -> None:
    log = read_record(write(tmp_path / "b", [2.0, 1.0])).log()

    steps, losses = pictures.History("b", log).series("loss")
    assert (steps.tolist(), losses.tolist()) == ([1, 2], [2.0, 1.0])
