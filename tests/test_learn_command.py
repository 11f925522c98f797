"""`handmade learn`: verdicts, lists, the view that watches a file, and courses."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from handmade.cli import main as command
from handmade.cli.workbook_view import View
from handmade.learn.folder import Folder
from handmade.learn.steps import NAMES, load_step
from handmade.learn.workbook import Workbook

if TYPE_CHECKING:
    from handmade.cli.keyboard import Keys

RELU = "import numpy as np\ndef relu(x):\n    {}\n"


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["handmade", *words])
    with pytest.raises(SystemExit) as end:
        command.main()
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(monkeypatch, capsys, "learn", "--once")
    assert code == 1
    assert "patch is not written yet" in out
    exercise = tmp_path / "workbook" / "01_patch_indexing.py"
    exercise.write_text("def patch(x, h, w, K_h, K_w):\n    return x[h : h + K_h, w : w + K_w]\n", encoding="utf-8")
    code, out, _ = run(monkeypatch, capsys, "learn", "--once", "--json")
    assert code == 0
    plain = json.loads(out)
    assert plain["passed"] == 1
    assert plain["verdicts"][0]["state"] == "passed"
    code, out, _ = run(monkeypatch, capsys, "learn", "list", "--json")
    assert [each["status"] for each in json.loads(out)["steps"]][:2] == ["passed", "open"]
    code, out, _ = run(monkeypatch, capsys, "learn", "list")
    assert len({line.index(load_step(name).name) for line, name in zip(out.splitlines(), NAMES, strict=True)}) == 1  # a column
    code, out, _ = run(monkeypatch, capsys, "learn", "hint", "2")
    assert code == 0
    assert "hint 1 of 3" in out
    code, out, err = run(monkeypatch, capsys, "learn", "goto", "77")
    assert code == 1
    assert "expected a number from 1 to" in err
    code, out, _ = run(monkeypatch, capsys, "learn", "give-up", "6")
    assert "solutions/06_relu.py" in out.replace("\\", "/")
    code, out, _ = run(monkeypatch, capsys, "learn", "reset", "1")
    assert "backups" in out
    code, out, err = run(monkeypatch, capsys, "learn", "--json")
    assert code == 2
    assert "--once" in err
    code, out, err = run(monkeypatch, capsys, "learn", "nothing")
    assert code == 2


def test_a_passed_step_stays_the_current_one_after_goto(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def checked() -> int:
        number: int = json.loads(run(monkeypatch, capsys, "learn", "--once", "--json")[1])["verdicts"][0]["number"]
        return number

    monkeypatch.chdir(tmp_path)
    with Workbook(tmp_path / "workbook") as workbook:
        workbook.folder.exercise(NAMES[0]).write_text((load_step(NAMES[0]).folder / "solution.py").read_text(encoding="utf-8"))
        assert workbook.check()
        assert checked() == 2
        assert "step 1 of 19" in run(monkeypatch, capsys, "learn", "goto", "1")[1]
        assert [checked(), checked()] == [1, 1]  # it passes, and stays
        run(monkeypatch, capsys, "learn", "goto", "2")  # an open one
        assert checked() == 2

        workbook.go_to("1")
        assert workbook.next() == NAMES[1]
        assert not workbook.state.chosen


class Pressed:
    """Keys that a student presses, and what is done before each one."""

    there_are_some = True

    def __init__(self, *steps: str | Callable[[], object]) -> None:
        self._steps = iter(steps)

    def read(self, seconds: float) -> str:
        step = next(self._steps, "q")
        if isinstance(step, str):
            return step
        step()
        return ""


def seen(workbook: Workbook, capsys: pytest.CaptureFixture[str], *steps: str | Callable[[], object]) -> str:
    View(workbook, cast("Keys", Pressed(*steps))).run()
    return capsys.readouterr().out


def test_the_view_follows_saves_and_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Workbook(tmp_path) as workbook:
        exercise = workbook.folder.exercise("patch_indexing")
        right = (load_step("patch_indexing").folder / "solution.py").read_text(encoding="utf-8")
        out = seen(workbook, capsys, "h", "l", lambda: exercise.write_text("def patch(:"), lambda: exercise.write_text(right))
        for text in ("not written yet", "hint 1 of 3", "19 find_the_bugs", "not valid Python", "Passed: all", "1 of 19 steps"):
            assert text in out
        assert workbook.state.current == "patch_indexing"
        out = seen(workbook, capsys, "x", "h", "x", "n", "g", "g")  # another key takes the first x back
        assert exercise.read_text(encoding="utf-8") == right
        assert workbook.state.steps["correlate_patch"].status == "gaveUp"
        assert "Press x again" in out
        out = seen(workbook, capsys, "x", "x")
        assert workbook.state.current == "correlate_patch"
        assert max(map(len, out.splitlines())) <= 80


def test_what_comes_after_the_last_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Workbook(tmp_path) as workbook:
        for name in NAMES[:-1]:
            workbook.state.steps[name].passed = True
        workbook.go_to(NAMES[-1])
        solution = (load_step(NAMES[-1]).folder / "solution.py").read_text(encoding="utf-8")
        out = seen(workbook, capsys, lambda: workbook.folder.exercise(NAMES[-1]).write_text(solution, encoding="utf-8"))

    assert "0 of 44 checks are right" in out
    assert "All 19 steps are passed" in out
    assert "handmade train --mine" in out


def test_the_view_goes_on_where_nothing_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Folder, name: str) -> Path:
        raise PermissionError(13, "Permission denied", str(folder.solution(name)))

    monkeypatch.setattr(Folder, "write_solution", refuse)
    with Workbook(tmp_path) as workbook:
        out = seen(workbook, capsys, "g", "g", "h")

    assert "not saved:" in out
    assert out.index("Permission denied") < out.index("hint 1 of 3")


def test_a_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(monkeypatch, capsys, "learn", "--language", "de", "export", "course")
    assert code == 0
    exercises = sorted(path.name for path in (tmp_path / "course").glob("*.py"))
    assert exercises == [f"{k:02}_{name}.py" for k, name in enumerate(NAMES, 1)]
    assert "handmade learn --folder . check-all --json" in (tmp_path / "course/.github/workflows/workbook.yml").read_text()
    assert run(monkeypatch, capsys, "learn", "export", "course")[0] == 1  # nothing is overwritten
    (tmp_path / "course/06_relu.py").write_text(RELU.format("return np.maximum(x, 0)"), encoding="utf-8")
    code, out, _ = run(monkeypatch, capsys, "learn", "--folder", "course", "check-all", "--json")
    assert code == 1
    (tmp_path / "ada.json").write_text(out, encoding="utf-8")
    code, out, _ = run(monkeypatch, capsys, "learn", "results", "ada.json", "--json")
    assert code == 0
    [ada] = json.loads(out)["students"]
    assert (ada["student"], ada["passed"], ada["states"]["relu"], ada["states"]["linear"]) == ("ada", 1, "passed", "unwritten")
    assert ada["states"]["find_the_bugs"] == "unwritten"
    code, out, _ = run(monkeypatch, capsys, "learn", "results", "ada.json")
    assert re.search(rf"^ada .* 1 / {len(NAMES)}$", out, re.MULTILINE)
    assert re.search(r"^ada   ( +·){5} +✓", out, re.MULTILINE)  # a file with bugs that is untouched is not begun
    for folder, name in (("bob", "bob"), ("results", "course")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "results.json").write_bytes((tmp_path / "ada.json").read_bytes())
        code, out, _ = run(monkeypatch, capsys, "learn", "results", f"{folder}/results.json", "--json")
        assert json.loads(out)["students"][0]["student"] == name
    for content in ("", "[]", "[" * 100_000, '{"verdicts": 3}'):
        (tmp_path / "bad.json").write_text(content, encoding="utf-8")
        code, _, err = run(monkeypatch, capsys, "learn", "results", "bad.json")
        assert code == 1
        assert "expected the output of check-all --json" in err
