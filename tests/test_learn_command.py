"""`handmade learn`: verdicts, lists, the view that watches a file, and courses."""

import json
import re
import sys
from pathlib import Path

import pytest

from handmade.cli import main as command
from handmade.learn.steps import NAMES

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
    code, out, _ = run(monkeypatch, capsys, "learn", "results", "ada.json")
    assert re.search(rf"^ada .* 1 / {len(NAMES)}$", out, re.MULTILINE)
    for content in ("", "[]", "[" * 100_000, '{"verdicts": 3}'):
        (tmp_path / "bad.json").write_text(content, encoding="utf-8")
        code, _, err = run(monkeypatch, capsys, "learn", "results", "bad.json")
        assert code == 1
        assert "expected the output of check-all --json" in err
