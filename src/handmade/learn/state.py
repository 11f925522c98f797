"""The state of a student, in a small file that can be read, edited and synchronised: learn.json."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from handmade.engine.errors import HandmadeError
from handmade.files.atomic import write_atomically
from handmade.learn.results import printable
from handmade.learn.steps import NAMES
from handmade.learn.texts import HINTS, LANGUAGES

FILE = "learn.json"
VERSION = 1
MILESTONES = ("digit", "speed", "epoch")  # in the order in which they are reached
LARGEST = 64 * 1024  # bytes: a state with all steps has less than a tenth of that
Facts: TypeAlias = dict[str, int | float | str]  # numbers of a milestone, by name


@dataclass
class StepState:
    """State of one step: passed or not, given up or not, the hints that were shown, and a hash of the file that passed."""

    passed: bool = False
    gave_up: bool = False
    hints: int = 0
    file: str = ""

    @property
    def status(self) -> str:
        """Return passed, gaveUp or open."""
        return "passed" if self.passed else "gaveUp" if self.gave_up else "open"


@dataclass
class State:
    """Language, current step, the state of every step, and the milestones that were reached, each with its numbers.

    `chosen`: the current step was opened again after it was passed or given up, so the next open step does not replace it.
    """

    language: str = "en"
    current: str = NAMES[0]
    chosen: bool = False
    steps: dict[str, StepState] = field(default_factory=lambda: {name: StepState() for name in NAMES})
    milestones: dict[str, Facts] = field(default_factory=dict)

    def first_open(self) -> str | None:
        """Return the first step that is neither passed nor given up."""
        return next((name for name in NAMES if self.steps[name].status == "open"), None)

    @property
    def passed(self) -> int:
        """Return the number of passed steps."""
        return sum(step.passed for step in self.steps.values())


def read_state(folder: Path) -> State:
    """Read the state of a folder; a new one if there is none. Steps that this version does not know are left out.

    Raises
    ------
    HandmadeError
        If learn.json is damaged.
    OSError
        If it cannot be read.
    """
    path = folder / FILE
    try:
        content = _content(path)
    except FileNotFoundError:
        return State()
    try:
        plain = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise _damaged(path, "it is no JSON") from None
    if not isinstance(plain, dict) or plain.get("version") != VERSION or not isinstance(plain.get("steps"), dict):
        raise _damaged(path, f'expected an object with "version": {VERSION} and "steps"')
    state = State()
    if plain.get("language") in LANGUAGES:
        state.language = plain["language"]
    if plain.get("current") in NAMES:
        state.current, state.chosen = plain["current"], plain.get("chosen") is True
    for name in NAMES:
        state.steps[name] = _step(path, name, plain["steps"].get(name, {}))
    reached = plain.get("milestones")
    for name, facts in reached.items() if isinstance(reached, dict) else ():
        if name in MILESTONES and isinstance(facts, dict):
            state.milestones[name] = {key: _fact(value) for key, value in facts.items() if isinstance(value, int | float | str)}
    return state


def _fact(value: float | str) -> float | str:
    """Return a number as it is, and a text without characters that control a terminal."""
    return printable(value) if isinstance(value, str) else value


def write_state(folder: Path, state: State) -> None:
    """Write the state; steps that were not begun are left out."""
    steps = {name: _plain(step) for name, step in state.steps.items() if step != StepState()}
    plain: dict[str, Any] = {"version": VERSION, "language": state.language, "current": state.current, "steps": steps}
    if state.chosen:
        plain["chosen"] = True
    if state.milestones:
        plain["milestones"] = state.milestones
    write_atomically(folder / FILE, (json.dumps(plain, indent=2) + "\n").encode())


def _content(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise _damaged(path, "it is no file")
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise _damaged(path, "it is larger than 64 KiB")
    return content


def _plain(step: StepState) -> dict[str, Any]:
    plain: dict[str, Any] = {"status": step.status}
    if step.passed and step.gave_up:
        plain["gaveUp"] = True
    if step.hints:
        plain["hints"] = step.hints
    if step.file:
        plain["file"] = step.file
    return plain


def _step(path: Path, name: str, plain: Any) -> StepState:
    if not isinstance(plain, dict) or plain.get("status", "open") not in ("open", "passed", "gaveUp"):
        raise _damaged(path, f"{name}: expected a status of open, passed or gaveUp")
    hints, file = plain.get("hints", 0), plain.get("file", "")
    if type(hints) is not int or not 0 <= hints <= HINTS or not isinstance(file, str):
        raise _damaged(path, f"{name}: expected hints from 0 to {HINTS}, and a text for file")
    status = plain.get("status", "open")
    return StepState(status == "passed", status == "gaveUp" or plain.get("gaveUp") is True, hints, file[:64])


def _damaged(path: Path, reason: str) -> HandmadeError:
    return HandmadeError(f"{path}: {reason}. Try deleting the file: your exercises stay, and check-all finds what is passed")
