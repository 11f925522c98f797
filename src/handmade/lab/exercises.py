"""A student's workbook as the page needs it: steps, files, verdicts, hints and explanations, as plain data in a language.

The student's file is the single truth. A text from the page names the text that it was edited from. If an editor has changed the
file since, it is refused, until the student has chosen one of both.
"""

from typing import Any

from handmade.lab import exercise_grids, prose
from handmade.lab.errors import LabError
from handmade.learn.folder import Unreadable, digest, equation, file_name
from handmade.learn.milestone import noted
from handmade.learn.state import FILE, MILESTONES
from handmade.learn.steps import NAMES, load_step, place_of
from handmade.learn.texts import texts
from handmade.learn.verdict import Verdict, finding_lines
from handmade.learn.watching import stamp
from handmade.learn.workbook import Workbook

UNREADABLE = "unreadable"  # in the place of the digest of a file


class Exercises:
    """The workbook of the lab. Its methods are called from one thread at a time.

    Parameters
    ----------
    workbook : Workbook
    """

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._verdicts: dict[str, tuple[str, Verdict]] = {}  # with the digest of the file

    def warm_up(self) -> None:
        """Start the process for the student's code."""
        self._workbook.warm_up()

    def close(self) -> None:
        """End the process for the student's code."""
        self._workbook.__exit__(None, None, None)

    def stamp(self, name: str) -> dict[str, str]:
        """Return texts that change when the file of a step, or the state, is saved."""
        folder = self._workbook.folder
        paths = {"file": folder.exercise(_known(name)), "state": folder.path / FILE}
        return {key: "{0.time}-{0.size}-{0.number}".format(stamp(path)) for key, path in paths.items()}

    def steps(self, language: str) -> dict[str, Any]:
        """Return the list of steps."""
        book = self._workbook
        lines = book.lines()
        return {
            "folder": str(book.folder.path.resolve()),
            "current": book.state.current,
            "passed": book.state.passed,
            "milestones": [noted(book.state, key, texts(language)).lines() for key in MILESTONES],
            "steps": [
                {"number": line.number, "name": line.name, "title": texts(language).step(line.name).title, "status": line.status}
                for line in lines
            ],
        }

    def step(self, name: str, language: str) -> dict[str, Any]:
        """Return everything about a step; its solution and explanation if it is passed or given up."""
        seen = self.stamp(name)  # before the file is read, so that a later change is seen
        book, text = self._workbook, texts(language).step(name)
        book.refresh()
        source, now = self._source(name)
        state = book.state.steps[name]
        known = self._verdicts.get(name)
        return {
            "name": name,
            "number": place_of(name),
            "title": text.title,
            "status": state.status,
            "file": f"{file_name(name)}.py",
            "equation": equation(name),
            "task": prose.trees(text.task),
            "hints": [prose.trees(hint) for hint in text.hints[: state.hints]],
            "all_hints": len(text.hints),
            "text": None if source is None else "\n".join(source.splitlines()) + "\n" * source.endswith(("\n", "\r")),
            "base": now,
            "verdict": _plain(known[1], language) if known and known[0] == now else None,
            "explained": self._explained(name, language) if state.status != "open" else None,
            "stamp": seen,
        }

    def open(self, name: str, language: str) -> dict[str, Any]:
        """Make a step the current one; grade its file if that was not done yet."""
        self._workbook.folder.provide(_known(name), language)
        self._workbook.go_to(name)
        known = self._verdicts.get(name)
        if known is None or known[0] != self._source(name)[1]:
            self._grade(name)
        return self.step(name, language)

    def check(self, name: str, language: str) -> dict[str, Any]:
        """Grade the file of a step."""
        self._grade(_known(name))
        return self.step(name, language)

    def save(self, name: str, text: str, base: str, language: str, *, replace: bool) -> dict[str, Any]:
        """Write the student's file, and grade it.

        Parameters
        ----------
        name : str
        text : str
        base : str
            `base` of the step that the text was edited from.
        language : str
        replace : bool
            Replace a file that was changed since; it goes to backups.

        Raises
        ------
        LabError
            If the file was changed since, unless it is to be replaced.
        """
        folder = self._workbook.folder
        source, now = self._source(_known(name))
        if now not in {base, ""} and not replace:
            raise LabError("file: an editor has changed it since this page read it. Choose one of both texts", 409, "changed")
        ends = "\r\n" if source is not None and "\r\n" in source else "\n"
        if folder.exercise(name).exists() and (now != base or source is None):
            folder.back_up(name)
        folder.write(name, text.replace("\r\n", "\n").replace("\n", ends))
        self._grade(name)
        return self.step(name, language)

    def hint(self, name: str, language: str) -> dict[str, Any]:
        """Give the next hint."""
        self._workbook.hint(_known(name))
        return self.step(name, language)

    def reset(self, name: str, language: str) -> dict[str, Any]:
        """Replace the file by the exercise; the old one goes to backups."""
        backup = self._workbook.reset(_known(name))
        self._workbook.folder.provide(name, language)
        self._grade(name)
        return self.step(name, language) | {"backup": backup and f"{backup.parent.name}/{backup.name}"}

    def give_up(self, name: str, language: str) -> dict[str, Any]:
        """Show the solution, and mark the step."""
        self._workbook.give_up(_known(name))
        return self.step(name, language)

    def _grade(self, name: str) -> None:
        _, now = self._source(name)  # if it changes after this line, the verdict belongs to no text
        self._verdicts[name] = now, self._workbook.check(name)

    def _source(self, name: str) -> tuple[str | None, str]:
        """Return the text of the file, None if it cannot be read, and its digest; the digest of no file is empty."""
        try:
            source = self._workbook.folder.read(name)
        except Unreadable as error:
            return None, "" if error.key == "absent" else UNREADABLE
        return source, digest(source)

    def _explained(self, name: str, language: str) -> dict[str, Any]:
        step = load_step(name)
        return {
            "text": prose.trees(texts(language).step(name).explanation),
            "picture": exercise_grids.of_picture(step.picture()),
            "solution": (step.folder / "solution.py").read_text(encoding="utf-8"),
        }


def _known(name: str) -> str:
    if name not in NAMES:
        raise LabError("step: expected one of this workbook. Choose one from the list", 404)
    return name


def _plain(verdict: Verdict, language: str) -> dict[str, Any]:
    """Return a verdict as the page shows it."""
    say, finding = texts(language), verdict.finding
    several = len({check.function for check in verdict.checks}) > 1
    lines = [] if finding is None or finding.key == "unwritten" else finding_lines(verdict.step, finding, say)
    named = bool(finding and finding.mistake is not None)
    return {
        "state": verdict.state,
        "summary": verdict.lines(say)[-1],
        "checks": [
            {
                "name": f"{check.function}: {say(f'concept.{check.concept}')}" if several else say(f"concept.{check.concept}"),
                "cases": check.cases,
                "status": check.status,
            }
            for check in verdict.checks
        ],
        "finding": lines[:-1] if named else lines,
        "looks_like": lines[-1] if named else None,
        "line": finding.line if finding else None,
        "numbers": exercise_grids.of_arrays(finding.arrays, finding.values["part"]) if finding and finding.arrays else [],
        "printed": verdict.printed,
        "cut": verdict.cut,
        "seconds": verdict.seconds,
    }
