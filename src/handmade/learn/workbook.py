"""A student's work: the folder, the state and the process together. Every command is one method here."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from handmade.engine.errors import HandmadeError
from handmade.learn.child import Job
from handmade.learn.folder import Folder, Unreadable, digest, file_name
from handmade.learn.grading import Grading, refused
from handmade.learn.results import Outcome
from handmade.learn.state import FILE, State, read_state, write_state
from handmade.learn.steps import NAMES, full_name, load_step, place_of
from handmade.learn.texts import Texts, texts
from handmade.learn.verdict import Verdict
from handmade.learn.watching import Stamp, stamp
from handmade.learn.worker import SECONDS, Worker


@dataclass(frozen=True)
class Line:
    """A step in the list: its number, name and title, and open, passed or gaveUp."""

    number: int
    name: str
    title: str
    status: str
    current: bool
    hints: int


class Workbook:
    """Exercises in a folder. Use it as a context manager: it holds a process for the student's code.

    Parameters
    ----------
    path : Path
        The student's folder; it is made and filled if it does not exist.
    language : str
        en, de or zh; empty for the language of the state.
    seconds : float
        Time limit of one check.

    Raises
    ------
    HandmadeError
        If the folder cannot be used, its state is damaged, or there is no such language.
    """

    def __init__(self, path: Path, language: str = "", seconds: float = SECONDS) -> None:
        if language:
            texts(language)
        self.folder = Folder(path)
        self.state: State = self.folder.prepare(language)
        self._seconds = seconds
        self._worker: Worker | None = None
        self._seen = Stamp()  # of the state, when this process read or wrote it
        self.save()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._worker is not None:
            self._worker.__exit__(kind, error, trace)
            self._worker = None

    @property
    def say(self) -> Texts:
        """Return the texts in the student's language."""
        return texts(self.state.language)

    def save(self) -> None:
        """Write the state."""
        write_state(self.folder.path, self.state)
        self._seen = stamp(self.folder.path / FILE)

    def refresh(self) -> None:
        """Take over the progress that another process noted: a terminal and the lab may share a folder.

        The current step and the language stay those of this process. A state that cannot be read is replaced at the next save.
        """
        now = stamp(self.folder.path / FILE)
        if now not in {self._seen, Stamp()}:
            with suppress(HandmadeError, OSError):
                found = read_state(self.folder.path)
                self.state.steps, self.state.milestones = found.steps, found.milestones
                self._seen = now

    def warm_up(self) -> None:
        """Start the process for the student's code."""
        if self._worker is None:
            self._worker = Worker(self.folder.path.resolve())

    def check(self, name: str = "") -> Verdict:
        """Grade the student's file of a step, the current one by default, and note the result."""
        name = name or self.state.current
        step = load_step(name)
        try:
            source = self.folder.read(name)
        except Unreadable as error:
            return refused(step, error.key, error.values, self.state.language)
        self.warm_up()
        assert self._worker is not None
        functions = tuple(function.name for function in step.functions)
        job = Job(str(self.folder.exercise(name).resolve()), source, functions, step.calls())
        try:
            outcome = self._worker.run(job, self._seconds)
        except OSError:  # no process can be started in the folder
            self.__exit__(None, None, None)
            raise
        verdict = Grading(step, source, outcome).verdict(self.state.language)
        if verdict:
            self._pass(name, source)
        elif self.folder.is_exercise(name):  # a file with bugs is complete, but the student has not begun
            verdict = replace(verdict, state="unwritten")
        return verdict

    def call(
        self, name: str, calls: tuple[tuple[str, tuple[Any, ...]], ...], *, after: str = "", seconds: float = 20.0
    ) -> Outcome:
        """Call functions of the student's file of a step in the student's process; `after` is code that follows the file.

        Raises
        ------
        Unreadable
            If the file cannot be read.
        """
        source = self.folder.read(name)
        self.warm_up()
        assert self._worker is not None
        functions = tuple(dict.fromkeys(function for function, _ in calls))
        file = str(self.folder.exercise(name).resolve())
        return self._worker.run(Job(file, f"{source}\n{after}", functions, calls), seconds)

    def check_all(self) -> Iterator[Verdict]:
        """Grade every step in order. A step that was passed and no longer is becomes open again."""
        for name in NAMES:
            verdict = self.check(name)
            self.refresh()
            if not verdict and self.state.steps[name].passed:
                self.state.steps[name].passed = False
                self.state.steps[name].file = ""
                self.save()
            yield verdict

    def lines(self) -> list[Line]:
        """Return the list of steps."""
        self.refresh()
        return [
            Line(
                place_of(name),
                name,
                self.say.step(name).title,
                self.state.steps[name].status,
                name == self.state.current,
                self.state.steps[name].hints,
            )
            for name in NAMES
        ]

    def go_to(self, text: str) -> str:
        """Make a step the current one; its name or number is given."""
        self.refresh()
        self.state.current = full_name(text)
        self.state.chosen = self.state.steps[self.state.current].status != "open"
        if not self.folder.exercise(self.state.current).exists():
            self.folder.write_exercise(self.state.current, self.state.language)
        self.save()
        return self.state.current

    def next(self) -> str | None:
        """Go to the first open step after the current one, or else before it; None if there is none."""
        self.refresh()
        here = NAMES.index(self.state.current)
        order = (*NAMES[here + 1 :], *NAMES[: here + 1])
        found = next((name for name in order if self.state.steps[name].status == "open"), None)
        return None if found is None else self.go_to(found)

    def hint(self, name: str = "") -> tuple[int, str] | None:
        """Return the next hint with its number; None after the last one."""
        self.refresh()
        name = name or self.state.current
        step, hints = self.state.steps[name], self.say.step(name).hints
        if step.hints == len(hints):
            return None
        step.hints += 1
        self.save()
        return step.hints, hints[step.hints - 1]

    def reset(self, name: str = "") -> Path | None:
        """Replace the student's file by the exercise; return the backup."""
        name = name or self.state.current
        backup = self.folder.reset(name, self.state.language)
        self.refresh()
        self.state.steps[name].passed = False
        self.state.steps[name].file = ""
        self.save()
        return backup

    def give_up(self, name: str = "") -> Path:
        """Let the solution appear, and mark the step; return the solution's file."""
        self.refresh()
        name = name or self.state.current
        if not self.state.steps[name].passed:
            self.state.steps[name].gave_up = True
            self.save()
        return self.folder.write_solution(name)

    def report(self, verdicts: list[Verdict]) -> dict[str, Any]:
        """Return verdicts as plain data, for courses."""
        return {
            "version": 1,
            "folder": self.folder.path.resolve().name,
            "passed": sum(map(bool, verdicts)),
            "steps": len(NAMES),
            "verdicts": [
                {"number": place_of(verdict.step), "file": f"{file_name(verdict.step)}.py"} | verdict.as_dict()
                for verdict in verdicts
            ],
        }

    def _pass(self, name: str, source: str) -> None:
        self.refresh()
        step = self.state.steps[name]
        step.passed, step.file = True, digest(source)
        self.folder.write_solution(name)
        self.save()


def found_folder(given: Path | None) -> Path:
    """Return the student's folder: the given one, the current one if it is a workbook, else ./workbook."""
    if given is not None:
        return given
    here = Path()
    return here if Folder(here).exists else here / "workbook"
