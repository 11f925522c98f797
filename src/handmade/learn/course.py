"""Courses: a folder with exercises and a workflow that checks them, and results by student."""

import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from handmade.engine.errors import HandmadeError
from handmade.files.atomic import write_atomically
from handmade.learn.folder import Folder
from handmade.learn.results import printable
from handmade.learn.state import write_state
from handmade.learn.steps import NAMES

LARGEST = 4 * 1024 * 1024  # bytes of a file of results
WORKFLOW = """# Check all exercises at each push, and keep results.json with the run. The run is red until all steps are passed.
name: workbook
on: [push]
permissions:
  contents: read
jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: python -m pip install handmade=={version}
      - run: handmade learn --folder . check-all --json > results.json
      - run: handmade learn results results.json
        if: always()
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: results
          path: results.json
"""


@dataclass(frozen=True)
class Result:
    """Results of one student: the name of the file, and the state of each step (passed, failed, unwritten, or empty)."""

    student: str
    states: tuple[str, ...]

    @property
    def passed(self) -> int:
        """Return the number of passed steps."""
        return self.states.count("passed")


def export(path: Path, language: str) -> list[Path]:
    """Write exercises, explanations and a workflow of GitHub Actions into a new folder; return the files.

    Raises
    ------
    HandmadeError
        If the folder exists and is not empty.
    OSError
        If it cannot be written to.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise HandmadeError(f"{path}: expected a new or empty folder. Try another name")
    write_state(path, Folder(path).prepare(language))
    workflow = path / ".github" / "workflows" / "workbook.yml"
    workflow.parent.mkdir(parents=True)
    write_atomically(workflow, WORKFLOW.format(version=version("handmade")).encode())
    write_atomically(path / ".gitignore", b"solutions/\nbackups/\nresults.json\n")
    return sorted(file for file in path.rglob("*") if file.is_file())


def read_result(path: Path) -> Result:
    """Read the output of `handmade learn check-all --json`.

    The student is named by the file; by its folder, if it is called results.json; and by the folder of the exercises, if that
    folder is called results, as GitHub unpacks it.

    Raises
    ------
    HandmadeError
        If the file does not hold such results.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    try:
        plain = json.loads(content) if len(content) <= LARGEST else None
    except (ValueError, RecursionError):
        plain = None
    if not isinstance(plain, dict) or not isinstance(plain.get("verdicts"), list):
        raise HandmadeError(
            f"{path}: expected the output of check-all --json. Try: handmade learn check-all --json > {path.name}"
        )
    states = {name: state for name, state in map(_state, plain["verdicts"]) if name in NAMES}
    return Result(_student(path, plain.get("folder")), tuple(states.get(name, "") for name in NAMES))


def _student(path: Path, folder: Any) -> str:
    if path.stem != "results":
        return printable(path.stem)
    parent = path.resolve().parent.name
    named = isinstance(folder, str) and folder.isprintable() and folder != ""
    return folder[:80] if parent == "results" and named else printable(parent)


def _state(verdict: Any) -> tuple[str, str]:
    if not isinstance(verdict, dict) or verdict.get("state") not in {"passed", "failed", "unwritten"}:
        return "", ""
    return str(verdict.get("step")), str(verdict["state"])
