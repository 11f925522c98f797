"""`handmade learn`: verdicts and lists in the terminal, and the view that checks a file each time that it is saved."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from handmade.cli.console import results
from handmade.cli.keyboard import Keys
from handmade.cli.workbook_lab import WorkbookLab
from handmade.learn.course import Result
from handmade.learn.steps import NAMES, place_of
from handmade.learn.texts import broken
from handmade.learn.verdict import MARKS, Verdict
from handmade.learn.watching import Saves
from handmade.learn.workbook import Workbook

if TYPE_CHECKING:
    from handmade.learn.milestone import Milestone

WAIT = 0.1  # seconds between two questions for a save
PRINTED_LINES = 20
STYLES = {MARKS["passed"]: "green", MARKS["failed"]: "bold red", MARKS["not run"]: "dim"}


def line(text: str, style: str = "") -> None:
    """Print a text, its lines broken at the width of the terminal: between words, and between Chinese characters."""
    results.print(Text(broken(text, results.width), style), soft_wrap=False)


def row(text: str, style: str = "") -> None:
    """Print a row of a table, whose spaces are kept; what does not fit into the terminal is cut."""
    results.print(Text(text, style), no_wrap=True, overflow="ellipsis")


def address_line(text: str) -> None:
    """Print a line that is not broken: an address is copied in one piece."""
    results.print(Text(text), soft_wrap=True)


def shown(path: Path) -> str:
    """Return a path as it is written from here."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive of Windows
        return str(path)
    return str(path) if relative.startswith("..") else relative


def show_head(workbook: Workbook, name: str) -> None:
    """Print number, title and files of a step."""
    say = workbook.say
    line(say("ui.step", number=str(place_of(name)), all=str(len(NAMES)), title=say.step(name).title), "bold")
    line(say("ui.file", file=shown(workbook.folder.exercise(name))))
    line(say("ui.page", file=shown(workbook.folder.explanation(name))))


def show_verdict(workbook: Workbook, verdict: Verdict) -> None:
    """Print a verdict, and what the student's code printed."""
    say = workbook.say
    if verdict.printed.strip():
        line(say("ui.printed"), "dim")
        rows = verdict.printed.rstrip().splitlines()
        for row in rows[:PRINTED_LINES]:
            line(f"  {row[:200]}", "dim")
        if verdict.cut or len(rows) > PRINTED_LINES:
            line(f"  {say('ui.cut')}", "dim")
    *rows, last = verdict.lines(say)
    for row in rows:
        line(row, STYLES.get(row[:1], ""))
    line(last, "bold green" if verdict else "bold")
    if verdict:
        line(say("ui.solution", file=shown(workbook.folder.solution(verdict.step))))


def show_progress(workbook: Workbook) -> None:
    """Print the number of passed steps, with a bar."""
    say, done, every = workbook.say, workbook.state.passed, len(NAMES)
    text = say("ui.allPassed", all=str(every)) if done == every else say("ui.progress", passed=str(done), all=str(every))
    line(f"[{'#' * done}{'.' * (every - done)}]  {text}")
    if workbook.state.first_open() is None:
        line(say("ui.whatNext"))


def show_new_milestones(workbook: Workbook) -> None:
    """Print the milestones that are reached now, each once."""
    from handmade.learn.milestone import reach  # noqa: PLC0415  it loads digits and trains a network

    for found in reach(workbook):
        line("")
        show_milestone(found)


def show_milestone(found: "Milestone | str") -> None:
    """Print a milestone, the digit with its picture; or a line about one that failed."""
    if isinstance(found, str):
        line(found)
        return
    head, *rest = found.lines()
    line(head, "bold green" if found.reached else "")
    if found.image is not None:
        from handmade.cli.terminal_pictures import grey, rows  # noqa: PLC0415

        for row in rows([grey(found.image, str(found.facts.get("image", "")), results)], results):
            results.print(row)
    for text in rest:
        line(text)


def show_list(workbook: Workbook) -> None:
    """Print the list of steps."""
    for each in workbook.lines():
        mark = {"passed": MARKS["passed"], "open": MARKS["not run"], "gaveUp": "g"}[each.status]
        here = ">" if each.current else " "
        row(f"{here} {mark} {each.number:2} {each.name:22} {each.title}", "bold" if each.current else "")


def show_hint(workbook: Workbook, name: str = "") -> None:
    """Print the next hint, or the place of the explanation after the last one."""
    say, name = workbook.say, name or workbook.state.current
    found = workbook.hint(name)
    if found is None:
        line(say("ui.noHints", file=shown(workbook.folder.explanation(name))))
    else:
        line(say("ui.hint", n=str(found[0]), all=str(len(say.step(name).hints))), "bold")
        line(found[1])


def show_results(students: Sequence[Result]) -> None:
    """Print a row for each student, and a column for each step."""
    width = max(7, *(len(each.student) for each in students))
    row(f"{'':{width}}  {' '.join(f'{k:2}' for k in range(1, len(NAMES) + 1))}  passed", "bold")
    signs = {"passed": MARKS["passed"], "failed": MARKS["failed"], "unwritten": MARKS["not run"], "": "-"}
    for each in sorted(students, key=lambda result: result.student):
        marks = " ".join(f"{signs[state]:>2}" for state in each.states)
        row(f"{each.student:{width}}  {marks}  {each.passed:2} / {len(NAMES)}")


class View:
    """The view that watches the file of the current step."""

    def __init__(self, workbook: Workbook, keys: Keys) -> None:
        self._workbook, self._keys = workbook, keys
        self._asked = ""  # the key that has to be pressed twice
        self._lab = WorkbookLab(workbook.folder.path)
        self._address = ""  # of the lab, once it is open
        self._saves = Saves(workbook.folder.exercise(workbook.state.current))

    def run(self) -> None:
        """Check now, and again after each save, until q."""
        with self._lab:
            self._try(self._check)
            while (key := self._keys.read(WAIT)) != "q":
                if key:
                    self._try(self._press, key)
                while not self._lab.news.empty():
                    self._tell(*self._lab.news.get())
                if self._saves.happened():
                    self._try(self._check)

    def _try(self, do: Callable[..., None], *arguments: str) -> None:
        """Do something; where the system refuses it, as in a folder that is read-only, say so and go on."""
        try:
            do(*arguments)
        except OSError as error:
            reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            line(self._workbook.say("ui.notSaved", reason=reason), "bold red")

    def _check(self) -> None:
        name = self._workbook.state.current
        if results.is_terminal:
            results.clear()
        show_head(self._workbook, name)
        verdict = self._workbook.check(name)
        show_verdict(self._workbook, verdict)
        show_progress(self._workbook)
        if verdict:
            show_new_milestones(self._workbook)
        line(self._workbook.say("ui.keys" if self._keys.there_are_some else "ui.watching"), "dim")
        if self._address:
            address_line(self._address)

    def _tell(self, key: str, values: dict[str, str]) -> None:
        """Show the address of the lab, or the reason why there is none."""
        text = self._workbook.say(key, **values)
        if "address" in values:
            self._address = text
        address_line(text)

    def _press(self, key: str) -> None:
        say, asked, self._asked = self._workbook.say, self._asked, ""
        if key == "h":
            show_hint(self._workbook)
        elif key == "l":
            show_list(self._workbook)
        elif key == "w":
            line(say("ui.labStarts"), "dim")
            self._lab.open(self._workbook.state.current)
        elif key == "n":
            self._workbook.next()
            self._begin()
        elif key in {"x", "g"} and asked != key:
            self._asked = key
            line(say("ui.confirmReset" if key == "x" else "ui.confirmGiveUp"))
        elif key == "x":
            backup = self._workbook.reset()
            self._begin()
            if backup is not None:
                line(say("ui.reset", file=shown(backup)))
        elif key == "g":
            line(say("ui.solution", file=shown(self._workbook.give_up())))

    def _begin(self) -> None:
        self._saves = Saves(self._workbook.folder.exercise(self._workbook.state.current))
        self._check()
