"""`handmade sweep`: what it prints, its signals, and `handmade runs` and `handmade plot sweep` afterwards."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from handmade import HandmadeError, sweep
from handmade.cli.main import main
from test_cli import Outcome
from tiny_digits import TINY, write_digits

PATIENCE = 60  # seconds after which a command hangs
QUICK = ["--data", "digits", "--network", "tiny.json", "--gradient", "backprop", "--steps", "6", "--batch-size", "16"]
VARY = ["--vary", "learning-rate=0.05,0.5", "--vary", "seed=0..1"]
Command: TypeAlias = Callable[..., Outcome]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sweep-command")
    write_digits(place / "digits", 96, 40)
    (place / "tiny.json").write_text(json.dumps(TINY))
    return place


@pytest.fixture
def command(place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """The command in this process."""
    monkeypatch.chdir(place)

    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["handmade", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capfd.readouterr()
        return Outcome(int(leaving.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture(scope="module")
def trained(place: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """One sweep that many tests look at, in a process where warnings are errors."""
    out = tmp_path_factory.mktemp("trained") / "sweep"
    environment = os.environ | {"PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-m", "handmade", "sweep", *QUICK, *VARY, "--out", out],
        cwd=place, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    return out, Outcome(done.returncode, done.stdout, done.stderr)


def test_a_sweep_prints_its_plan_its_runs_and_its_table(trained: tuple[Path, Outcome]) -> None:
    out, outcome = trained
    assert outcome.code == 0, outcome.err
    lines = outcome.err.splitlines()
    assert lines[0] == "Sweep of 4 runs, a grid, with tiny on digits:"
    assert lines[1:3] == ["  learning rate: 0.05, 0.5", "  seed: 0, 1"]
    assert lines[3].startswith("Selection by the accuracy on a validation set of 9 training images")
    assert re.fullmatch(rf"Estimated time: [\d.]+ m?s\. Folder: {re.escape(str(out))}", lines[4])
    ends = [line for line in lines if line.startswith("run ")]
    assert [line.partition(": validation")[0] for line in ends] == [
        f"run {number} of 4: learning rate {rate}, seed {seed}"
        for number, (seed, rate) in enumerate([(0, "0.05"), (0, "0.5"), (1, "0.05"), (1, "0.5")], 1)
    ]
    assert all(re.search(r"; [\d.]+ m?s left$", line) for line in ends[:3])
    assert lines[-1] == f"Picture: {out / 'sweep.png'}"
    assert (out / "sweep.png").read_bytes().startswith(b"\x89PNG")
    assert outcome.out.split() == str(sweep.results(out)).split()


def test_the_table_is_shown_again_by_runs(trained: tuple[Path, Outcome], command: Command) -> None:
    out, outcome = trained
    assert command("runs", out) == Outcome(0, outcome.out, "")
    known = json.loads(command("runs", out, "--json").out)
    assert known == json.loads(json.dumps(sweep.results(out).to_json()))
    listed = command("runs", out, "--sort", "name").out
    assert [line.split()[0] for line in listed.splitlines()[1:5]] == ["run-01", "run-02", "run-03", "run-04"]


def test_a_sweep_is_drawn_by_plot(trained: tuple[Path, Outcome], command: Command, tmp_path: Path) -> None:
    out, _ = trained
    drawn = command("plot", "sweep", out, "--dark", "--out", tmp_path / "rates.svg")
    assert drawn.code == 0, drawn.err
    assert b"<svg" in (tmp_path / "rates.svg").read_bytes()
    assert command("plot", "sweep", out / "run-01", "--out", tmp_path / "no.png").error().endswith("Try: handmade sweep --help")


def test_one_json_object_is_on_standard_output_alone(command: Command, tmp_path: Path) -> None:
    done = command("sweep", *QUICK, "--vary", "optimiser=adam,momentum", "--json", "--out", tmp_path / "s")
    known = json.loads(done.out)
    assert known["best"]["settings"]["optimiser"] in {"adam", "momentum"}
    assert "optimiser  validation" in done.err


def test_a_random_search_and_a_recipe(command: Command, tmp_path: Path) -> None:
    options = [
        "--recipe",
        "best",
        *QUICK,
        "--random",
        "3",
        "--vary",
        "learning-rate=0.001..0.1:log",
        "--seed",
        "4",
        "--augment",
        "none",
    ]
    done = command("sweep", *options, "--validation", "10", "--out", tmp_path / "s")
    assert done.code == 0, done.err
    record = json.loads((tmp_path / "s" / "run-03" / "run.json").read_bytes())
    assert (record["recipe"], record["optimiser"], record["ema"], record["seed"]) == ("best", "adamw", 0.999, 4)
    assert done.err.startswith("Sweep of 3 runs, a random search, with tiny on digits:")
    assert "seed: 4 in all runs. Several seeds, such as seed=0..2, show the effect of chance." in done.err


def test_sweeps_are_numbered_and_named_after_their_network(command: Command, place: Path) -> None:
    for number in (1, 2):
        assert command("sweep", *QUICK, "--vary", "seed=0").code == 0
        assert (place / "sweeps" / f"tiny-{number}" / "sweep.json").is_file()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("--vary lr=0.1", 2, "--vary: expected an option of handmade train, got 'lr'. Did you mean learning-rate?"),
        ("--vary learning-rate", 2, "--vary: expected NAME=VALUES, got 'learning-rate'. Try --vary learning-rate=0.01,0.1"),
        (
            "--vary nonsense=1",
            2,
            "--vary: expected an option of handmade train, got 'nonsense'. Try --vary",
        ),
        ("", 2, "--vary: expected NAME=VALUES, got nothing. Try --vary learning-rate=0.01,0.1"),
        ("--vary seed=1 --vary seed=2", 2, "--vary: expected each setting once, got seed twice. Try seed=A,B"),
        ("--vary seed=0..99999", 2, "--vary: expected a list of seeds, got the range 0 to 99999. Try seed=0..4"),
        ("--vary batch-size=0", 2, "--vary: expected an integer of at least 1, got 0, for batch size. Try batch-size=1..4"),
        ("--vary l2=0..1", 2, "--vary: expected the values of l2 for a grid, got the range 0..1. Try l2=0..1:5 for 5 values, or"),
        ("--random 0 --vary seed=1", 2, "--random: expected an integer of at least 1, got '0'."),
        ("--random 2 --vary seed=1", 2, "--random: expected a setting to draw, got none beside the seed."),
        ("--epochs 1 --vary seed=1", 2, "--steps: expected --epochs or --steps, not both."),
        ("--patience 1 --vary seed=1", 2, "--patience: expected a validation set with it, got none. Try --validation 5000"),
        (
            "--validation 96 --vary seed=1",
            2,
            "--validation: expected fewer than the 96 training images, got 96.",
        ),
        ("--resume s --vary seed=1", 2, "--vary: expected no plan with --resume: the sweep has one."),
        ("--resume s", 2, "--network: expected no plan with --resume: the sweep has one."),
        ("--tls-ca a.pem --vary seed=1", 2, "--tls-ca: expected a cluster with it, got none. Try --cluster tls://HOST:PORT"),
        ("--cluster local:2 --threads 2 --vary seed=1", 2, "--threads: expected no threads with --cluster: each run has one."),
        ("--cluster local:0 --vary seed=1", 2, "--cluster: expected tcp://HOST:PORT, tls://HOST:PORT or local:N"),
        (
            "--cluster tcp://127.0.0.1:9 --vary seed=1",
            1,
            "tcp://127.0.0.1:9: expected a scheduler of Dask;",
        ),
        ("--time-limit 1 --vary seed=1", 1, "--time-limit 1: expected no time limit of a run in a sweep"),
        (
            "--vary network=tiny.json,none.json",
            1,
            "The run with network none.json: expected readme or seed or deep",
        ),
        (
            "--vary learning-rate=-1,1",
            1,
            "The run with learning rate -1: learning_rate: expected a finite number",
        ),
        ("--limit 1 --vary seed=1", 2, "--validation: expected at least 2 training images, got 1. Try more images"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_nothing_is_written(
    options: str, code: int, message: str, command: Command, tmp_path: Path
) -> None:
    out = ["--out", tmp_path / "s"] if "--resume" not in options else []
    done = command("sweep", *QUICK, *options.split(), *out)
    last = done.error(code)
    assert last.startswith(f"handmade: {message}")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_sweep_is_said_in_one_line(command: Command, place: Path, trained: tuple[Path, Outcome]) -> None:
    expected = f"handmade: {place / 'digits'}: expected the folder of a sweep; there is no sweep.json in it."
    assert command("sweep", "--resume", place / "digits").error().startswith(expected)
    again = command("sweep", *QUICK, *VARY, "--out", trained[0]).error()
    assert again.endswith("expected a folder without a sweep; this one already holds a sweep. Try another --out")


def test_a_finished_sweep_that_is_resumed_shows_its_table(command: Command, trained: tuple[Path, Outcome]) -> None:
    done = command("sweep", "--resume", trained[0])
    assert done.code == 0
    assert done.out == trained[1].out
    assert "4 of 4 runs have ended." in done.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.long)])
def test_a_signal_stops_the_sweep_shows_the_table_and_says_how_to_resume(
    number: signal.Signals, code: int, place: Path, command: Command, tmp_path: Path
) -> None:
    out = tmp_path / "s"
    slow = [*QUICK, "--steps", "100000", "--vary", "seed=0,1", "--vary", "learning-rate=0.05", "--out", str(out)]
    child = subprocess.Popen(
        [sys.executable, "-m", "handmade", "sweep", *slow], cwd=place, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    log, end = out / "run-01" / "log.jsonl", time.monotonic() + PATIENCE
    while not (log.exists() and log.stat().st_size > 1000):
        assert time.monotonic() < end
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(number)
    shown, news = child.communicate(timeout=PATIENCE)
    assert child.returncode == code
    assert "0 of 2; 1 interrupted, 1 waiting" in shown
    assert "0 of 2 runs have ended." in shown
    assert re.search(r"^Resume: .*handmade sweep --resume \S+$", news, re.MULTILINE)
    assert json.loads((out / "run-01" / "run.json").read_bytes())["status"] == "interrupted"
    known: dict[str, Any] = json.loads(command("runs", out, "--json").out)
    assert (known["ended"], known["best"]) == (0, None)


def test_a_sweep_that_loses_its_workers_says_how_to_resume_it(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def lost(sweep: Any) -> None:
        next(iter(sweep))
        raise HandmadeError("Run 1: expected its result from a worker, got OSError. Resume the sweep")

    monkeypatch.setattr("handmade.cli.sweep_view.follow", lost)
    done = command("sweep", *QUICK, "--vary", "seed=0", "--out", tmp_path / "s")
    assert done.code == 1
    last = done.err.splitlines()[-1]
    assert last.startswith("handmade: Run 1: expected its result from a worker, got OSError. Resume: ")
    assert last.endswith(f"sweep --resume {tmp_path / 's'}")


def test_without_matplotlib_there_is_a_table_and_no_picture(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = command("sweep", *QUICK, "--vary", "seed=0", "--out", tmp_path / "s")
    assert done.code == 0
    assert "No picture: pictures: expected matplotlib, which is not installed. Try " in " ".join(done.err.split())
    assert not (tmp_path / "s" / "sweep.png").exists()


@pytest.mark.long
def test_a_sweep_on_two_processes_prints_the_same_table(trained: tuple[Path, Outcome], place: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "handmade", "sweep", *QUICK, *VARY, "--out", tmp_path / "s", "--cluster", "local:2"],
        cwd=place, capture_output=True, text=True, timeout=2 * PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Connected to local:2: 2 runs at the same time." in done.stderr

    def numbers(table: str) -> list[list[str]]:
        return [line.split()[:8] for line in table.splitlines()[:3]]

    assert numbers(done.stdout) == numbers(trained[1].out)
