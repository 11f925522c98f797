"""`handmade train --resume`: however a run is stopped, it ends in the same bytes; and what cannot go on is said in one line."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

import handmade
from handmade.cli.main import main
from handmade.files.checkpoints import Checkpoints, read
from handmade.runs.record import RunWriter
from tiny_digits import FILES, TINY, write_digits

PATIENCE = 60  # seconds after which a command hangs
STAGED: dict[str, Any] = {
    "input": [8, 8, 1],
    "layers": [
        TINY["layers"][0],
        {"layer": "BatchNorm2d"},
        *TINY["layers"][1:4],
        {"layer": "Dropout", "rate": 0.2},
        TINY["layers"][4],
    ],
}
TRAIN = ["train", "--data", "digits", "--network", "staged.json", "--threads", "1", "--steps", "24", "--batch-size", "16"]
EVERYTHING = [
    *("--validation", "16", "--validate-every", "5", "--ema", "0.8", "--augment", "shift=1,noise=20", "--optimiser", "adam"),
    *("--l2", "1e-3", "--clip-norm", "3", "--warm-up", "0.1", "--checkpoint-every", "0"),
]
# The command, killed by a signal that nobody can catch, when it has the system write to the disk for the n-th time.
KILLED = """
import os, runpy, signal, sys
left, sync = int(sys.argv.pop(1)), os.fsync
def fsync(handle):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(handle)
os.fsync = fsync
runpy.run_module("handmade", run_name="__main__")
"""
Command: TypeAlias = Callable[..., str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("resume")
    write_digits(place / "digits", 96, 40)
    (place / "staged.json").write_text(json.dumps(STAGED))
    (place / "tiny.json").write_text(json.dumps(TINY))
    return place


@pytest.fixture
def command(place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """The command in this process, which has to end with the code that is asked for; what it said comes back."""
    monkeypatch.chdir(place)

    def run(*arguments: str | Path, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["handmade", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capfd.readouterr()
        assert (leaving.value.code or 0) == code, captured.err
        return captured.out + captured.err

    return run


def process(place: Path, *arguments: str, killed_at: int | None = None) -> int:
    start = ["-m", "handmade"] if killed_at is None else ["-c", KILLED, str(killed_at)]
    environment = os.environ | {"PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, *start, *arguments], cwd=place, env=environment, capture_output=True, timeout=PATIENCE, check=False
    )
    return done.returncode


def record_of(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "run.json").read_bytes())
    return record


def steps_of(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def assert_same(one: Path, other: Path) -> None:
    for name in ("model.safetensors", "best.safetensors"):
        assert (one / name).exists() == (other / name).exists()
        if (one / name).exists():
            assert (one / name).read_bytes() == (other / name).read_bytes()
    assert steps_of(one) == steps_of(other)
    results = [record_of(folder) for folder in (one, other)]
    for name in ("test_accuracy", "test_loss", "train_loss", "images", "weights", "steps", "status", "stopped"):
        assert results[0][name] == results[1][name]


@pytest.mark.long
@pytest.mark.parametrize("gradient", ["difference", "backprop"])
@pytest.mark.usefixtures("whole_backend")
def test_a_run_that_is_killed_again_and_again_ends_in_the_same_bytes(gradient: str, command: Command, tmp_path: Path) -> None:
    whole, cut = str(tmp_path / "whole"), str(tmp_path / "cut")
    place, options = Path.cwd(), [*EVERYTHING, "--gradient", gradient]
    command(*TRAIN, *options, "--out", whole)

    assert process(place, *TRAIN, *options, "--out", cut, killed_at=1) == -signal.SIGKILL
    assert not (tmp_path / "cut" / "run.json").exists(), "killed before there was anything to go on from"
    shutil.rmtree(cut)
    assert process(place, *TRAIN, *options, "--out", cut, killed_at=4) == -signal.SIGKILL
    for killed_at in (5, 26, 43):
        assert process(place, "train", "--resume", cut, "--threads", "2", killed_at=killed_at) == -signal.SIGKILL
        assert record_of(tmp_path / "cut")["status"] == "running"
    command("train", "--resume", cut, "--threads", "1")

    assert_same(tmp_path / "whole", tmp_path / "cut")
    resumed = record_of(tmp_path / "cut")["resumed"]
    assert resumed[:2] == [0, 0]
    assert resumed == sorted(resumed)
    assert 5 < resumed[-1] < 24
    assert [path.name for path in (tmp_path / "cut").glob("**/.*")] == []


@pytest.mark.long
def test_a_run_that_is_killed_at_any_moment_ends_in_the_same_bytes(command: Command, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    options = [*EVERYTHING, "--gradient", "backprop", "--steps", "60", "--checkpoint-every", "0.02"]
    command(*TRAIN, *options, "--out", whole)
    moments = np.random.default_rng().uniform(0, 0.1, 3)  # what fails once is worth a look, whenever that is
    last = 0
    arguments = [*TRAIN, *options, "--out", str(cut)]
    for moment in moments:
        child = subprocess.Popen(
            [sys.executable, "-m", "handmade", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not (cut / "log.jsonl").exists() or len((cut / "log.jsonl").read_bytes()) <= last:
            with suppress(subprocess.TimeoutExpired):
                child.wait(0.01)
                break
        try:
            child.wait(moment)
        except subprocess.TimeoutExpired:
            child.kill()
        child.wait()
        arguments = ["train", "--resume", str(cut)]
        last = len((cut / "log.jsonl").read_bytes())
        if record_of(cut)["status"] == "finished":
            break
    else:
        command("train", "--resume", cut)

    assert_same(whole, cut)


@pytest.fixture
def stopped(command: Command, tmp_path: Path) -> Path:
    """A run that the clock stopped after one step."""
    said = command(*TRAIN, *EVERYTHING, "--time-limit", "0", "--keep-checkpoints", "9", "--out", tmp_path / "run")
    assert "out of time after 1 step" in " ".join(said.split())
    assert "--resume" in said
    return tmp_path / "run"


def test_a_run_that_ran_out_of_time_goes_on_and_says_what_was_changed(stopped: Path, command: Command) -> None:
    assert record_of(stopped)["status"] == "out of time"

    command("train", "--resume", stopped)
    command("train", "--resume", stopped, "--time-limit", "9")
    command(*TRAIN, *EVERYTHING, "--out", stopped.parent / "whole")

    assert_same(stopped, stopped.parent / "whole")
    record = record_of(stopped)
    assert record["resumed"] == [1, 2]
    assert record["changes"] == [{"step": 2, "time_limit": [0.0, 9.0]}]
    settings = record_of(stopped.parent / "whole")
    for name in ("network", "seed", "validation", "ema", "augment", "epochs", "batch_size", "limit", "total_steps"):
        assert record[name] == settings[name]


def test_what_may_be_changed_is_changed_and_recorded(stopped: Path, command: Command) -> None:
    command(
        "train", "--resume", stopped, "--time-limit", "9", "--learning-rate", "0.5", "--gradient", "backprop", "--patience", "1"
    )

    record = record_of(stopped)
    assert record["changes"] == [
        {
            "step": 1,
            "gradient": ["difference", "backprop"],
            "learning_rate": [0.003, 0.5],
            "patience": [None, 1],
            "time_limit": [0.0, 9.0],
        }
    ]
    assert record["learning_rate"] == 0.5
    assert record["stopped"] == "patience"
    done = 9 / 24 - 0.1
    assert steps_of(stopped)[9]["learning_rate"] == pytest.approx(0.5 * (1 - done / 0.9))


def test_the_settings_of_the_run_may_be_said_again(stopped: Path, command: Command) -> None:
    command("train", "--resume", stopped, "--time-limit", "9", *TRAIN[1:], *EVERYTHING)

    assert record_of(stopped)["status"] == "finished"


def test_a_backend_that_is_gone_is_told_in_one_line(stopped: Path, command: Command) -> None:
    (stopped / "run.json").write_text(json.dumps(record_of(stopped) | {"backend": "numpy"}))

    command("explain", stopped, "--at", "update of conv1.W[0,0,0,0]")  # it needs the settings, too
    said = command("train", "--resume", stopped, "--time-limit", "9")

    backend = record_of(stopped)["backend"]
    assert "This run began with the backend numpy" in said
    assert f"continues with {backend}" in said
    assert record_of(stopped)["changes"][-1]["backend"] == ["numpy", backend]


def test_a_damaged_checkpoint_is_passed_over(stopped: Path, command: Command) -> None:
    for _ in range(3):
        command("train", "--resume", stopped)
    newest = Checkpoints(stopped).paths()[0]
    assert read(newest).step == 4
    newest.write_bytes(newest.read_bytes()[:-1])
    with (stopped / "log.jsonl").open("a") as log:
        log.write('{"step": 5, "loss": 2.')

    said = command("train", "--resume", stopped, "--time-limit", "9", "--checkpoint-every", "999")

    assert not newest.exists()
    assert f"Left out: {newest}" in "".join(said.splitlines())
    assert record_of(stopped)["resumed"][-1] == 3
    command(*TRAIN, *EVERYTHING, "--out", stopped.parent / "whole")
    assert_same(stopped, stopped.parent / "whole")


def test_a_run_that_diverged_goes_on_at_a_smaller_rate(command: Command, tmp_path: Path) -> None:
    train = ["train", "--data", "digits", "--network", "tiny.json", "--threads", "1", "--steps", "9"]
    command(*train, "--learning-rate", "1e30", "--out", tmp_path / "run", code=1)
    assert record_of(tmp_path / "run")["status"] == "diverged"

    command("train", "--resume", tmp_path / "run", "--learning-rate", "0.05")

    command(*train, "--out", tmp_path / "other")
    assert_same(tmp_path / "run", tmp_path / "other")


def test_a_stopped_run_is_left_with_its_best_so_far(command: Command, tmp_path: Path) -> None:
    """The best of a step that is to be done again is none of the best so far."""
    command(*TRAIN, *EVERYTHING, "--out", tmp_path / "run", "--time-limit", "0", "--validate-every", "1")
    best = (tmp_path / "run" / "best.safetensors").read_bytes()
    (tmp_path / "run" / "best.safetensors").write_bytes(b"of a step that was lost")

    command("train", "--resume", tmp_path / "run", "--learning-rate", "1e-30")

    assert json.loads((tmp_path / "run" / "run.json").read_bytes())["best"]["step"] in {1, 2}
    assert best[:8] == (tmp_path / "run" / "best.safetensors").read_bytes()[:8]
    handmade.load(tmp_path / "run" / "best.safetensors")


def change_network(_run: Path) -> None:
    Path("staged.json").write_text(json.dumps(TINY))


def change_data(_run: Path) -> None:
    labels = Path("digits") / FILES[1]
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x03")


def cut_all(run: Path) -> None:
    for path in Checkpoints(run).paths():
        path.write_bytes(path.read_bytes()[:100])


def make_foreign(run: Path) -> None:
    for path in Checkpoints(run).paths():
        shutil.copy(run / "model.safetensors", path)


def take_checkpoints_away(run: Path) -> None:
    shutil.rmtree(run / "checkpoints")


def take_record_away(run: Path) -> None:
    (run / "run.json").unlink()


def damage_record(run: Path) -> None:
    (run / "run.json").write_text('{"network": ')


def empty_record(run: Path) -> None:
    (run / "run.json").write_text("{}")


def fill_record(run: Path) -> None:
    (run / "run.json").write_text("[" * 100_000)


@pytest.mark.parametrize(
    ("happens", "options", "code", "says"),
    [
        (take_record_away, [], 1, ["expected the folder of a run", "run.json"]),
        (damage_record, [], 1, ["run.json", "JSON"]),
        (fill_record, [], 1, ["run.json", "JSON"]),
        (empty_record, ["--data", "digits"], 1, ["missing", "network"]),
        (take_checkpoints_away, [], 1, ["expected a checkpoint; there is none"]),
        (cut_all, [], 1, ["all 2 are damaged"]),
        (make_foreign, [], 1, ["not a checkpoint"]),
        (change_data, [], 1, ["other data", "digits"]),
        (change_network, [], 1, ["another network", "staged.json"]),
        (None, ["--network", "tiny.json"], 1, ["--network tiny.json", "staged.json"]),
        (None, ["--seed", "4"], 1, ["--seed 4", "expected 0"]),
        (None, ["--dtype", "float64"], 1, ["--dtype float64", "expected float32"]),
        (None, ["--batch-size", "8"], 1, ["--batch-size 8", "expected 16"]),
        (None, ["--limit", "90"], 1, ["--limit 90", "expected None"]),
        (None, ["--validation", "17"], 1, ["--validation 17", "expected 16"]),
        (None, ["--optimiser", "momentum"], 1, ["--optimiser momentum", "expected adam"]),
        (None, ["--ema", "0.9"], 1, ["--ema 0.9", "expected 0.8"]),
        (None, ["--recipe", "best"], 1, ["start a new run"]),
        (None, ["--steps", "25"], 1, ["expected 24 steps", "25", "--steps"]),
        (None, ["--epochs", "3"], 1, ["expected 24 steps", "15", "--epochs"]),
        (None, ["--out", "elsewhere"], 2, ["--resume", "--out"]),
        (None, ["--force"], 2, ["--resume", "--force"]),
        (None, ["--learning-rate", "-1"], 1, ["--learning-rate: expected", "-1"]),
    ],
)
def test_what_cannot_go_on_is_said_in_one_line_and_left_as_it_is(
    happens: Callable[[Path], None] | None, options: list[str], code: int, says: list[str], stopped: Path, command: Command
) -> None:
    inputs = [Path("staged.json"), *Path("digits").iterdir()]
    before = {path: path.read_bytes() for path in inputs}
    try:
        if happens is not None:
            happens(stopped)
        files = {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()}
        said = command("train", "--resume", stopped, *options, code=code)
    finally:
        for path, content in before.items():
            path.write_bytes(content)

    assert said.count("\n") == 1
    for words in says:
        assert words in said
    assert {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()} == files


def test_a_finished_run_and_no_run_do_not_go_on(command: Command, tmp_path: Path) -> None:
    command(*TRAIN, "--steps", "1", "--out", tmp_path / "run")

    assert "this one is finished" in command("train", "--resume", tmp_path / "run", code=1)
    assert "there is no such folder" in command("train", "--resume", tmp_path / "nowhere", code=1)


def test_a_run_that_is_still_going_on_is_left_alone(stopped: Path, command: Command) -> None:
    with RunWriter(stopped, record_of(stopped), resumed=True):
        said = command("train", "--resume", stopped, "--time-limit", "9", code=1)

    assert "by another process" in said


def test_a_run_that_was_stopped_at_its_very_end_only_has_its_end_to_do(command: Command, tmp_path: Path) -> None:
    command(*TRAIN, *EVERYTHING, "--out", tmp_path / "run")
    record = record_of(tmp_path / "run")
    model = (tmp_path / "run" / "model.safetensors").read_bytes()
    (tmp_path / "run" / "run.json").write_text(json.dumps(record | {"status": "running"}))
    (tmp_path / "run" / "model.safetensors").unlink()

    command("train", "--resume", tmp_path / "run")

    again = record_of(tmp_path / "run")
    assert again["resumed"] == [24]
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == model
    for name in ("train_loss", "test_accuracy", "steps", "best", "status"):
        assert again[name] == record[name]


def test_the_best_and_the_last_are_told_apart(command: Command, tmp_path: Path) -> None:
    said = command(*TRAIN, *EVERYTHING, "--learning-rate", "1", "--out", tmp_path / "run", "--json")

    best = json.loads(said.splitlines()[0])["best"]
    looks = {line["step"]: line["validation_accuracy"] for line in steps_of(tmp_path / "run") if "validation_accuracy" in line}
    assert list(looks) == [5, 10, 15, 20, 24]
    assert best["validation_accuracy"] == max(looks.values()) == looks[best["step"]]
    assert best["step"] < 24, "a training that only gets better would show nothing"
    assert f"{tmp_path}/run/best.safetensors, of step {best['step']}" in " ".join(said.split())
    for name, accuracy in (("best", best["test_accuracy"]), ("model", json.loads(said.splitlines()[0])["test_accuracy"])):
        told = json.loads(command("evaluate", tmp_path / "run" / f"{name}.safetensors", "--data", "digits", "--json"))
        assert told["test_accuracy"] == accuracy
    assert "best.safetensors" in command("evaluate", tmp_path / "run", "--data", "digits")


def test_a_recipe_sets_defaults_and_what_is_given_goes_first(command: Command, tmp_path: Path) -> None:
    command(
        *("train", "--recipe", "best", "--data", "digits", "--network", "tiny.json", "--threads", "1", "--steps", "2"),
        *("--validation", "10", "--out", tmp_path / "run"),
    )

    record = record_of(tmp_path / "run")
    assert record["recipe"] == "best"
    assert (record["network"], record["validation"], record["total_steps"]) == ("tiny.json", 10, 2)
    assert (record["gradient"], record["optimiser"]) == ("backprop", "adamw")


def test_a_forced_run_takes_nothing_from_the_one_before(stopped: Path, command: Command) -> None:
    command(*TRAIN, "--steps", "2", "--force", "--out", stopped)

    assert not (stopped / "best.safetensors").exists()
    assert [path.name for path in Checkpoints(stopped).paths()] == ["step-00000000.safetensors"]
    assert "changes" not in record_of(stopped)
