"""From the results of a student's functions to a verdict: the checks in order, up to the first that fails."""

from dataclasses import dataclass, replace

import numpy as np

from handmade.learn.comparison import Difference, agree, form_difference, number_difference
from handmade.learn.diagnosis import named
from handmade.learn.pattern import pattern_of
from handmade.learn.results import Outcome, Raised, Result, printable
from handmade.learn.step import Function, Step, described, spelled
from handmade.learn.verdict import Arrays, Check, Finding, Verdict

NOT_WRITTEN = "NotImplementedError"
CANNOT_CAST = "UFuncTypeError"  # as w -= 0.5 for an array of integers
REFUSED = "PackageRefused"  # an import of this package, see child.py
AMBIGUOUS = "The truth value of an array"  # NumPy, about `if` and max() with an array


@dataclass(frozen=True)
class Grading:
    """A step, the source text of the student's file (may be empty), and everything that its job gave."""

    step: Step
    source: str
    outcome: Outcome

    def verdict(self, language: str = "en") -> Verdict:
        """Return the verdict."""
        checks: list[Check] = []
        finding = self._job_finding()
        for function in self.step.functions:
            for concept, cases in self.groups(function):
                if finding is not None:
                    checks.append(Check(function.name, concept, len(cases), "not run"))
                    continue
                finding = self._check(function, concept, cases)
                checks.append(Check(function.name, concept, len(cases), "passed" if finding is None else "failed"))
        state = "passed" if finding is None else "unwritten" if finding.key == "unwritten" else "failed"
        outcome = self.outcome
        seconds = round(outcome.seconds, 3)
        return Verdict(self.step.name, state, tuple(checks), finding, outcome.printed, outcome.cut, seconds, language)

    def groups(self, function: Function) -> list[tuple[str, list[int]]]:
        """Return the concepts of a function with their cases, in order."""
        every = self.step.cases_of(function)
        concepts = dict.fromkeys(self.step.cases[number].concept for number in every)
        middle = [(concept, [number for number in every if self.step.cases[number].concept == concept]) for concept in concepts]
        return [("form", every), *middle, ("repeat", every)]

    def _check(self, function: Function, concept: str, cases: list[int]) -> Finding | None:
        if function.name in self.outcome.missing:
            others = ", ".join(self.outcome.names) or "-"
            return Finding("missing", {"function": function.name, "signature": function.signature, "names": others})
        for number in cases:
            result = self.outcome.results.get((0, number))
            again = self.outcome.results.get((1, number))
            if result is None or again is None:
                return self._ended()
            if concept == "form":
                finding = self._form(function, number, result)
            elif concept == "repeat":
                finding = self._repeat(function, number, result, again)
            else:
                finding = self._numbers(function, number, result, again)
            if finding is not None:
                return (
                    finding if finding.key == "unwritten" else replace(finding, case=described(function, self.step.cases[number]))
                )
        return None

    def _form(self, function: Function, number: int, result: Result) -> Finding | None:
        if isinstance(result.value, Raised):
            if result.value.kind == NOT_WRITTEN:
                return Finding("unwritten", {"function": function.name}, line=result.value.line)
            if result.value.kind == CANNOT_CAST and (changed := self._changed(function)) is not None:
                return changed
            return replace(self._raised(result.value), mistake=self._mistake(function))
        difference = form_difference(result.value, self.step.expected[number], self.step.cases[number].dtype)
        if difference is None:
            return None
        return Finding(difference.kind, self._about(function, difference), mistake=self._mistake(function))

    def _numbers(self, function: Function, number: int, result: Result, again: Result) -> Finding | None:
        assert not isinstance(result.value, Raised)
        tolerance = self.step.cases[number].tolerance
        difference = number_difference(result.value, self.step.expected[number], tolerance)
        if difference is None:
            return None
        if result.changed or not agree(result.value, again.value):
            return self._repeat(function, number, result, again)
        assert difference.wrong is not None
        assert difference.mine is not None
        assert difference.right is not None
        with np.errstate(all="ignore"):
            error = np.where(difference.wrong, np.abs(difference.mine.astype(float) - difference.right.astype(float)), -1)
        at = tuple(int(k) for k in np.unravel_index(int(np.argmax(np.nan_to_num(error, nan=np.inf))), error.shape))
        values = self._about(function, difference) | {
            "at": f"[{', '.join(map(str, at))}]" if at else "",
            **dict(zip(("yours", "expected"), distinct(difference.mine[at], difference.right[at]), strict=True)),
            "wrong": str(int(difference.wrong.sum())),
            "all": str(difference.wrong.size),
        }
        return Finding(
            "values",
            values,
            pattern=pattern_of(difference.wrong),
            given=spelled(function, self.step.cases[number]),
            mistake=self._mistake(function),
            arrays=Arrays(difference.mine, difference.right, difference.wrong, at),
        )

    def _repeat(self, function: Function, number: int, result: Result, again: Result) -> Finding | None:
        if changed := result.changed or again.changed:
            parameters = function.parameters.split()
            name = parameters[changed[0]] if 0 <= changed[0] < len(parameters) else "?"
            return Finding("mutated", {"function": function.name, "argument": name})
        if isinstance(again.value, Raised) and not isinstance(result.value, Raised):
            return self._raised(again.value)
        if not agree(result.value, again.value):
            return Finding("unrepeatable", {"function": function.name})
        return None

    def _changed(self, function: Function) -> Finding | None:
        """Return the finding that the function changes an argument in one of its cases."""
        for number in self.step.cases_of(function):
            result = self.outcome.results.get((0, number))
            if result is not None and result.changed:
                return self._repeat(function, number, result, result)
        return None

    def _about(self, function: Function, difference: Difference) -> dict[str, str]:
        names = function.returns.split()
        return {
            "function": function.name,
            "part": names[difference.part],
            "yours": difference.yours,
            "expected": difference.expected,
            "returns": ", ".join(names),
        }

    def _mistake(self, function: Function) -> str | None:
        results = {number: result for (turn, number), result in self.outcome.results.items() if turn == 0}
        return named(self.step, function, results)

    def _job_finding(self) -> Finding | None:
        """Return what kept the job from being done."""
        if self.outcome.load is not None:
            error = self.outcome.load
            return self._raised(error, "syntax" if error.kind in {"SyntaxError", "IndentationError", "TabError"} else "load")
        return None if self.outcome.end == "complete" else self._ended()

    def _ended(self) -> Finding:
        outcome = self.outcome
        key = outcome.end if outcome.end != "complete" else "exit"
        case = ""
        if outcome.current is not None and 0 <= outcome.current[1] < len(self.step.cases):
            number = outcome.current[1]
            case = described(self.step.function_of(self.step.cases[number]), self.step.cases[number])
        return Finding(key, {"seconds": f"{outcome.seconds:.0f}", "code": str(outcome.exit_code)}, case)

    def _raised(self, error: Raised, key: str = "raised") -> Finding:
        if error.kind in {"SystemExit", "MemoryError", "KeyboardInterrupt"}:
            key = {"SystemExit": "quits", "MemoryError": "memory", "KeyboardInterrupt": "quits"}[error.kind]
        if error.kind == REFUSED:
            key = "package"
        if error.kind == "ValueError" and error.message.startswith(AMBIGUOUS):
            key = "ambiguous"
        text = " ".join(error.message.split()) or error.kind
        lines = self.source.splitlines()
        line_text = printable(lines[error.line - 1].strip()[:100]) if error.line and 0 < error.line <= len(lines) else ""
        return Finding(key, {"type": error.kind, "message": text}, line=error.line, line_text=line_text)


def distinct(mine: float, right: float) -> tuple[str, str]:
    """Return two numbers with enough digits to tell them apart."""
    for digits in (6, 10, 17):
        shown = f"{mine:.{digits}g}", f"{right:.{digits}g}"
        if shown[0] != shown[1]:
            break
    return shown


def refused(step: Step, key: str, values: dict[str, str], language: str) -> Verdict:
    """Return the verdict on a file that could not be read: nothing was run."""
    empty = Grading(step, "", Outcome(end="exit"))
    checks = tuple(
        Check(function.name, concept, len(cases), "not run")
        for function in step.functions
        for concept, cases in empty.groups(function)
    )
    return Verdict(step.name, "failed", checks, Finding(key, values), language=language)
