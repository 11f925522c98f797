"""The verdict on a student's file: what was checked, what was found, and what was not run."""

from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from typing import Any

from handmade.engine.printable import ShortRepr
from handmade.learn.pattern import Pattern
from handmade.learn.results import Array
from handmade.learn.texts import Texts, texts

MARKS = {"passed": "✓", "failed": "✗", "not run": "·"}


@dataclass(frozen=True)
class Check:
    """One group of comparisons: a function, a concept, the number of its cases, and passed, failed or not run."""

    function: str
    concept: str
    cases: int
    status: str


@dataclass(frozen=True, eq=False)
class Arrays:
    """Wrong numbers: the student's array, the expected one, which numbers are wrong, and the place of the worst one."""

    yours: Array
    expected: Array
    wrong: Array
    at: tuple[int, ...]


@dataclass(frozen=True)
class Finding:
    """The first thing that is not right.

    Attributes
    ----------
    key : str
        Key of its text: syntax, raised, shape, values, ...
    values : dict
        Values for the gaps of the text.
    case : str
        Arguments of the call; empty if it is not about one call.
    line : int or None
        Line of the student's file, and its text.
    pattern : Pattern or None
        Places of the wrong numbers.
    given : tuple of str
        Arguments of the call, number by number, if they are few.
    mistake : str or None
        Key of the known mistake that explains every result.
    arrays : Arrays or None
        The arrays, if numbers are wrong; left out of the plain data.
    """

    key: str
    values: dict[str, str] = field(default_factory=dict)
    case: str = ""
    line: int | None = None
    line_text: str = ""
    pattern: Pattern | None = None
    given: tuple[str, ...] = ()
    mistake: str | None = None
    arrays: Arrays | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Verdict(ShortRepr):
    """The verdict. It is true if the step is passed.

    Attributes
    ----------
    step : str
        Name of the step.
    state : str
        passed, failed, or unwritten: the exercise as it was copied, or with a function that is not written yet.
    checks : tuple of Check
    finding : Finding or None
    printed : str
        Output of the student's code; `cut` if there was more.
    seconds : float
        Time of the calls.
    """

    step: str
    state: str
    checks: tuple[Check, ...]
    finding: Finding | None = None
    printed: str = ""
    cut: bool = False
    seconds: float = 0.0
    language: str = "en"

    def __bool__(self) -> bool:
        return self.state == "passed"

    def _summary(self) -> str:
        passed, every = self.counts
        return f"{self.step}: {self.state}, {passed} of {every} checks passed"

    def __str__(self) -> str:
        return "\n".join(self.lines(texts(self.language)))

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, with its text."""
        finding = None if self.finding is None else replace(self.finding, arrays=None)
        plain = asdict(replace(self, finding=finding))
        if finding is not None:
            del plain["finding"]["arrays"]
        plain["text"] = self.lines(texts(self.language))
        return plain

    @property
    def counts(self) -> tuple[int, int]:
        """Return the number of checks that passed, and of all checks."""
        return sum(check.status == "passed" for check in self.checks), len(self.checks)

    def lines(self, say: Texts) -> list[str]:
        """Return its text, line by line. Of several functions, only the failing one is shown check by check."""
        functions = {function: list(checks) for function, checks in groupby(self.checks, key=lambda check: check.function)}
        lines, found = [], [] if self.finding is None else [f"  {line}" for line in finding_lines(self.step, self.finding, say)]
        if not any(check.status == "failed" for check in self.checks):
            lines, found = found, []  # about the file, not about one check
        for function, checks in functions.items():
            begin = f"{function}: " if len(functions) > 1 else ""
            states = {check.status for check in checks}
            if begin and states == {"passed"}:
                lines.append(f"{MARKS['passed']} {function}  ({say('checks', n=str(len(checks)))})")
                continue
            for check in (each for each in checks if each.status != "not run"):
                note = say("cases", n=str(check.cases))
                lines.append(f"{MARKS[check.status]} {begin}{say(f'concept.{check.concept}')}  ({note})")
                if check.status == "failed":
                    lines += found
            rest = [say(f"concept.{check.concept}") for check in checks if check.status == "not run"]
            if begin and states == {"not run"}:
                lines.append(f"{MARKS['not run']} {function}  ({say('notRun')})")
            elif rest:
                lines.append(f"{MARKS['not run']} {say('notRunNames', names=say('separator').join(rest))}")
        passed, every = self.counts
        state = "passed" if self else "unwritten" if self.finding is not None and self.finding.key == "unwritten" else "failed"
        lines.append(say(f"state.{state}", passed=str(passed), all=str(every)))
        return lines


def finding_lines(step: str, finding: Finding, say: Texts) -> list[str]:
    """Return the text of a finding."""
    lines = [say(f"finding.{finding.key}", **finding.values)]
    if finding.line is not None and finding.key != "unwritten":
        lines.append(say("line", line=str(finding.line), text=finding.line_text))
    if finding.case:
        lines.append(say("case", case=finding.case))
        lines += [f"  {each}" for each in finding.given]
    if finding.key == "values":
        lines.append(say("numbers", **finding.values))
        if finding.pattern is not None:
            lines.append(say(f"pattern.{finding.pattern.key}.{finding.pattern.axis}"))
    if finding.mistake is not None:
        general = finding.mistake.startswith("general.")
        text = say(finding.mistake) if general else say.step(step).mistakes[finding.mistake]
        lines.append(say("looksLike", text=text))
    return lines
