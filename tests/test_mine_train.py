"""handmade train --mine, and the milestones: her functions train, the run is like any other, each milestone comes once."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from handmade import HandmadeError
from handmade.cli import own_training
from handmade.cli.main import main
from handmade.engine import backend
from handmade.learn import milestones, small
from handmade.learn.folder import Folder
from handmade.learn.milestone import Milestone, all_milestones, note_epoch, reach
from handmade.learn.mine import USED, Row
from handmade.learn.pace import Pace
from handmade.learn.state import read_state
from handmade.learn.steps import NAMES
from handmade.learn.texts import texts
from handmade.learn.workbook import Workbook
from test_mine import plant, unchecked
from tiny_digits import TINY, write_digits

Command = Callable[..., tuple[int, str, str]]
TRAIN = ("train", "--data", "digits", "--network", "tiny.json", "--threads", "1", "--batch-size", "8", "--dtype", "float64")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with digits, a network, and a workbook in which all steps are passed; they are not graded again."""
    write_digits(tmp_path / "digits", 32, 16)
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    plant(tmp_path / "workbook", *NAMES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(own_training, "read_own_functions", lambda folder: unchecked(folder, *USED))
    return tmp_path


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["handmade", *arguments])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capsys.readouterr()
        return int(leaving.value.code or 0), captured.out, captured.err

    return run


def record(run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(run) / "run.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("gradient", ["backprop", "difference", "definition"])
@pytest.mark.usefixtures("place")
def test_a_run_has_the_weights_of_the_engines_run(command: Command, gradient: str) -> None:
    settings = [*TRAIN, "--gradient", gradient, "--limit", "8"]
    assert command(*settings, "--out", "right")[0] == 0

    code, _, err = command(*settings, "--out", "hers", "--mine")

    assert code == 0, err
    mine, right = handmade.load("hers").parameters(), handmade.load("right").parameters()
    for name, array in right.items():
        np.testing.assert_allclose(mine[name], array, rtol=1e-7, atol=1e-7, err_msg=name)
    assert record("hers")["mine"] == "workbook"
    assert "conv1 (yours)" in err
    assert command("evaluate", "hers", "--data", "digits")[0] == 0


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "layer forward difference conv1 (yours) step 3 steps 3, 5 relu1 engine engine"),
        ("de", "Schicht vorwärts Differenz conv1 (von dir) Schritt 3 Schritte 3, 5 relu1 Programm Programm"),
        ("zh", "层 前向 差分 conv1（你的） 第 3 步 第 3, 5 步 relu1 引擎 引擎"),  # noqa: RUF001  Chinese marks
    ],
)
def test_the_table_of_layers_is_in_the_students_language(
    language: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [Row("conv1", (3,), (3, 5), ()), Row("relu1", (), (), ())]

    own_training.show_rows(rows, "difference", texts(language))

    assert " ".join(capsys.readouterr().err.replace("\N{BOX DRAWINGS LIGHT HORIZONTAL}", " ").split()) == expected


def test_a_resumed_run_has_the_same_bits(place: Path, command: Command) -> None:
    settings = [*TRAIN, "--gradient", "backprop", "--limit", "32"]
    assert command(*settings, "--out", "whole", "--mine")[0] == 0
    assert command(*settings, "--out", "part", "--mine", "--time-limit", "0")[0] == 0
    assert record("part")["steps"] < record("whole")["steps"]

    code, _, err = command("train", "--resume", "part")
    assert (code, "Try --mine workbook" in err) == (2, True)
    code, _, err = command("train", "--resume", "part", "--mine", "--time-limit", "9")

    assert code == 0, err
    assert (place / "part" / "model.safetensors").read_bytes() == (place / "whole" / "model.safetensors").read_bytes()


@pytest.mark.usefixtures("place")
def test_a_run_that_goes_on_without_her_says_so(command: Command) -> None:
    assert command(*TRAIN, "--out", "part", "--mine", "--time-limit", "0", "--gradient", "backprop", "--steps", "4")[0] == 0

    assert any("functions of workbook" in remark for remark in handmade.runs.resume("part").remarks)


@pytest.mark.usefixtures("place")
def test_the_defaults_and_the_time(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_training, "pace", lambda *_: Pace(4.7))

    code, _, err = command("train", "--data", "digits", "--network", "tiny.json", "--mine", "--out", "run")

    assert code == 0, err
    known = record("run")
    assert (known["gradient"], known["batch_size"], known["threads"], known["limit"]) == ("backprop", 8, 1, 8)
    assert "One image takes 4.7 s" in err
    assert "Images in this run: 8; time: about 38 s" in err


def test_images_that_the_time_is_enough_for() -> None:
    assert Pace(0.01).images(8, 60_000) == 7496
    assert Pace(0.01).images(8, 500) == 500
    assert Pace(0.01).images(8, 60_000, epochs=10) == 744
    assert Pace(20.0).images(8, 60_000) == 3
    assert Pace(600.0).images(8, 60_000) == 1


@pytest.mark.usefixtures("place")
def test_what_takes_too_long_is_not_begun(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_training, "pace", lambda *_: Pace(100.0, at_least=True))

    code, _, err = command(*TRAIN, "--limit", "32", "--mine", "--out", "run")

    assert code == 1
    assert "more than 100 s" in err
    assert "expected a run of at most 10 min" in err
    assert not Path("run").exists()


def test_the_measurement_ends(place: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "import time, numpy as np\ndef relu(x):\n    time.sleep(0.02)\n    return np.maximum(x, 0)\n"
    Folder(place / "workbook").exercise("relu").write_text(source, encoding="utf-8")
    monkeypatch.setattr("handmade.learn.pace.LONGEST", 0.01)

    code, _, err = command(*TRAIN, "--limit", "8", "--mine", "--out", "run", "--gradient", "backprop")

    assert code == 0, err
    assert "more than 10.0 ms" in err


@pytest.mark.parametrize("words", [["--mine", "--json"], ["--mine=workbook", "--json"], ["--json", "--mine", "workbook"]])
def test_her_output_does_not_reach_the_result(place: Path, command: Command, words: list[str]) -> None:
    source = "import numpy as np\ndef relu(x):\n    print('seen')\n    return np.maximum(x, 0)\n"
    Folder(place / "workbook").exercise("relu").write_text(source, encoding="utf-8")

    code, out, err = command(*TRAIN, "--limit", "8", "--gradient", "backprop", "--out", "run", *words)

    assert code == 0, err
    assert json.loads(out)["steps"] == 1
    assert "printed:\n  seen\n" in err


def test_her_error_ends_the_run_in_one_line(place: Path, command: Command) -> None:
    source = "import numpy as np\nn = [0]\ndef relu(x):\n    n[0] += 1\n    return np.maximum(x, 0)[: 9 - 8 * (n[0] > 3)]\n"
    Folder(place / "workbook").exercise("relu").write_text(source, encoding="utf-8")

    code, _, err = command(*TRAIN, "--limit", "32", "--gradient", "backprop", "--out", "run", "--mine")

    assert code == 1
    assert re.search(r"^handmade: 06_relu.py, in relu: expected an array of shape .* Try: .*learn goto 6$", err, re.MULTILINE)
    assert "Traceback" not in err
    assert record("run")["status"] == "failed"


def test_a_stop_passes_through(place: Path) -> None:
    source = "def relu(x):\n    raise KeyboardInterrupt\n"
    Folder(place / "workbook").exercise("relu").write_text(source, encoding="utf-8")
    before = sys.stdout

    with pytest.raises(KeyboardInterrupt):
        unchecked(place / "workbook", "relu").functions["relu", "relu"](np.zeros(2), shapes=[(2,)], dtype=float)
    assert sys.stdout is before


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--mine", "--threads", "2"], 2, "--threads: expected 1 with --mine"),
        (["--mine", "--network", "other.json"], 1, "no layer of this network uses a step that you have passed"),
        (["--mine", "--loss", "none"], 2, "--loss"),
    ],
)
def test_what_cannot_be_done_is_refused(place: Path, command: Command, words: list[str], code: int, message: str) -> None:
    other = {"input": [8, 8, 1], "layers": [{"layer": "Conv2d", "filters": 10, "kernel": 3, "dilation": 2}, {"layer": "Sigmoid"}]}
    other["layers"] += [{"layer": "GlobalAvgPool2d"}]  # type: ignore[operator]
    (place / "other.json").write_text(json.dumps(other))
    arguments = [each for each in TRAIN if "--threads" not in words or each not in {"--threads", "1"}]

    found, _, err = command(*arguments, *words, "--out", "run")

    assert found == code, err
    assert message in err


def test_a_workbook_that_is_not_there(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    code, _, err = command("train", "--mine", "nothing")

    assert (code, "expected the folder of a workbook" in err) == (1, True)
    assert list(tmp_path.iterdir()) == []


# --- milestones ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that is trained on few images, and no compiled loops."""
    monkeypatch.setattr(small, "IMAGES", 800)
    usable = backend.unusable
    monkeypatch.setattr(backend, "unusable", lambda name: "Numba is not installed" if name == "compiled" else usable(name))


@pytest.mark.usefixtures("quick")
def test_milestones_come_once_each(tmp_path: Path) -> None:
    with Workbook(plant(tmp_path / "w", "conv_one_channel")) as workbook:
        (digit,) = reach(workbook)
        assert isinstance(digit, Milestone)
        assert digit.facts["prediction"] == digit.facts["label"]
        assert digit.facts["step"] == 3
        assert digit.image is not None
        assert digit.image.shape == (28, 28)
        assert list(reach(workbook)) == []
    with Workbook(plant(tmp_path / "w", "conv_channels", "relu", "max_pool", "linear", "im2col")) as workbook:
        assert "digit" in workbook.state.milestones
        (speed,) = reach(workbook)
    assert isinstance(speed, Milestone)
    assert speed.facts["plain"] > speed.facts["loops"] > 0  # type: ignore[operator]
    assert speed.facts["matrix"] > 0  # type: ignore[operator]
    text = str(speed)
    assert "your loops " in text
    assert "Numba is not installed" in text
    epoch = {"network": "small", "weights": "9", "images": "8", "accuracy": "90.00 %"}
    assert note_epoch(tmp_path / "w", {**epoch, "right": 0.5}) is not None
    assert note_epoch(tmp_path / "w", {**epoch, "right": 0.4, "network": "worse"}) is None
    assert read_state(tmp_path / "w").milestones["epoch"]["network"] == "small"
    assert note_epoch(tmp_path / "w", {**epoch, "right": 0.9, "network": "better"}) is None
    assert read_state(tmp_path / "w").milestones["epoch"]["network"] == "better"
    assert [each.reached for each in milestones(tmp_path / "w")] == [True] * 3


@pytest.mark.usefixtures("quick")
def test_a_step_that_is_not_passed_reaches_nothing(tmp_path: Path) -> None:
    with Workbook(plant(tmp_path / "w", "relu", "max_pool", "linear")) as workbook:
        found = list(all_milestones(workbook))

    assert [isinstance(each, Milestone) and each.reached for each in found] == [False] * 3
    assert "handmade learn goto 3" in str(found[0])


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def conv2d(x, W):\n    raise ValueError('no')\n", "ValueError: no"),
        ("def conv2d(x, W):\n    exit()\n", "SystemExit"),
        ("def conv2d(x, W):\n    return None\n", "gave no result"),
        ("def conv2d(x, W:\n", "SyntaxError"),
    ],
)
def test_code_that_fails_reaches_nothing(tmp_path: Path, source: str, message: str) -> None:
    with Workbook(plant(tmp_path / "w", conv_one_channel=source)) as workbook:
        (line,) = reach(workbook)

    assert isinstance(line, str)
    assert "03_conv_one_channel.py" in line
    assert message in line
    assert read_state(tmp_path / "w").milestones == {}


@pytest.mark.usefixtures("quick")
def test_the_command_shows_them(tmp_path: Path, command: Command) -> None:
    folder = str(plant(tmp_path / "w", "conv_one_channel"))

    code, out, _ = command("learn", "--folder", folder, "--language", "de", "milestones")
    assert code == 0
    assert "Meilenstein: die erste Ziffer, die deine Faltung erkennt" in out
    assert "#%" in out
    assert "noch offen" in out
    code, out, _ = command("learn", "milestones", "--folder", folder, "--json")
    assert [each["reached"] for each in json.loads(out)["milestones"]] == [True, False, False]
    with pytest.raises(HandmadeError, match="handmade learn"):
        milestones(tmp_path / "nothing")


@pytest.mark.usefixtures("quick")
def test_a_verdict_is_followed_by_a_milestone(tmp_path: Path, command: Command) -> None:
    folder = plant(tmp_path / "w", "patch_indexing", "correlate_patch")
    source = Folder(plant(tmp_path / "other", "conv_one_channel")).exercise("conv_one_channel").read_text(encoding="utf-8")
    Folder(folder).exercise("conv_one_channel").write_text(source, encoding="utf-8")
    assert command("learn", "goto", "3", "--folder", str(folder))[0] == 0

    outputs = [command("learn", "--once", "--folder", str(folder))[1] for _ in range(2)]

    assert "Milestone: the first digit" in outputs[0]
    assert "Milestone: the first digit" not in outputs[1]


def test_an_epoch_is_noted_after_a_run(place: Path, command: Command) -> None:
    settings = [*TRAIN, "--gradient", "backprop", "--limit", "8", "--mine"]

    outputs = [command(*settings, "--out", name)[2] for name in ("one", "two")]

    assert "Milestone: the first epoch trained by your gradients" in outputs[0]
    assert "tiny" in outputs[0]
    assert "Milestone" not in outputs[1]
    assert read_state(place / "workbook").milestones["epoch"]["images"] == "8"


def test_facts_of_other_kinds_are_left_out(tmp_path: Path) -> None:
    folder = plant(tmp_path / "w", "relu")
    plain = json.loads((folder / "learn.json").read_text(encoding="utf-8"))
    plain["milestones"] = {"digit": {"number": "many", "image": [1]}, "other": {}, "speed": 5, "epoch": {"images": "8"}}
    (folder / "learn.json").write_text(json.dumps(plain), encoding="utf-8")

    assert read_state(folder).milestones == {"digit": {"number": "many"}, "epoch": {"images": "8"}}
