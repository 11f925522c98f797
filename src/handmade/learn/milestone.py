"""Milestones of a student, each shown once when it is reached: a digit recognised, her loops timed, an epoch trained.

The student's code runs in its own process here, with the limits of a check.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from handmade.data import mnist
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.printable import ShortRepr
from handmade.learn.first_digit import Failed, digit
from handmade.learn.folder import Folder
from handmade.learn.speeds import speed
from handmade.learn.state import MILESTONES, Facts, State
from handmade.learn.texts import Texts
from handmade.learn.workbook import Workbook

SPEEDS = ("loops", "matrix", "plain", "compiled")
ADVICE = {"digit": "handmade learn goto 3", "speed": "handmade learn", "epoch": "handmade train --mine"}


@dataclass(frozen=True, eq=False)
class Milestone(ShortRepr):
    """One milestone.

    Attributes
    ----------
    key : str
        digit, speed or epoch.
    reached : bool
    facts : dict
        Its numbers; empty if it is still open.
    image : Array or None
        Picture of the digit, (H, W), from 0, black, to 1, white.
    """

    key: str
    reached: bool
    facts: Facts
    say: Texts = field(repr=False)
    image: Array | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _summary(self) -> str:
        return f"{self.key}, {'reached' if self.reached else 'open'}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"milestone": self.key, "reached": self.reached, **self.facts}

    def lines(self) -> list[str]:
        """Return its text, line by line."""
        say, title = self.say, self.say(f"milestone.{self.key}")
        if not self.reached:
            return [say("milestone.open", title=title, command=ADVICE[self.key])]
        facts = {name: str(value) for name, value in self.facts.items()}
        head = say("milestone.reached", title=title)
        if self.key == "speed":
            return [head, say("milestone.speed.what", **facts), *self._speeds()]
        texts = [key for key in (f"milestone.{self.key}.result", f"milestone.{self.key}.how") if key in say.messages]
        return [head, *(say(key, **facts) for key in texts)]

    def _speeds(self) -> Iterator[str]:
        """Yield the table of speeds; each is compared with the first."""
        found = {name: float(self.facts[name]) for name in SPEEDS if _number(self.facts.get(name)) > 0}
        names = {name: self.say(f"milestone.speed.{name}") for name in found}
        width = max(map(columns, names.values()), default=0)
        first = next(iter(found), "")
        for name, text in names.items():
            gap = " " * (width - columns(text))
            times = "" if name == first else f"   {self.say('milestone.speed.times', ratio=rounded(found[name] / found[first]))}"
            yield f"  {text}{gap}  {rounded(found[name]):>9}{times}"
        if "missing" in self.facts:
            yield self.say("milestone.speed.missing", reason=str(self.facts["missing"]))


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else 0.0


def columns(text: str) -> int:
    """Return the number of columns of a terminal that a text takes; a Chinese letter takes two."""
    return sum(1 + (east_asian_width(letter) in "WF") for letter in text)


def rounded(number: float) -> str:
    """Return a number with two significant digits, or as an integer from 100 on."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.2g}" if number < 10 else f"{number:.0f}"


def reach(workbook: Workbook) -> Iterator[Milestone | str]:
    """Yield the milestones that are reached now and were not before, and note them; a line for one that failed."""
    for key, facts_of in (("digit", digit), ("speed", speed)):
        if key not in workbook.state.milestones:
            try:
                found = facts_of(workbook)
            except Failed as failure:
                yield str(failure)
                continue
            if found is not None:
                workbook.refresh()  # a training may have noted its own since
                workbook.state.milestones[key] = found
                workbook.save()
                yield shown(workbook, key)


def noted(state: State, key: str, say: Texts) -> Milestone:
    """Return a milestone as the state has it, without a picture; one that lacks a number of its text is not reached."""
    facts = state.milestones.get(key, {})
    reached = key in state.milestones and complete(key, facts, say)
    return Milestone(key, reached, facts if reached else {}, say)


def shown(workbook: Workbook, key: str) -> Milestone:
    """Return a milestone as the state has it, with the picture of the digit."""
    found = noted(workbook.state, key, workbook.say)
    number = found.facts.get("number")
    if key == "digit" and type(number) is int and 0 <= number < len((test := mnist().test).labels):
        return replace(found, image=test.images[number, :, :, 0] / 255)
    return found


def complete(key: str, facts: Facts, say: Texts) -> bool:
    """Return if there is a number for each name in the texts of a milestone: a state that was edited may lack some."""
    texts = (say.messages.get(f"milestone.{key}.{part}", "") for part in ("what", "result", "how"))
    return all(name in facts for text in texts for name in re.findall(r"\{(\w+)\}", text))


def all_milestones(workbook: Workbook) -> Iterator[Milestone | str]:
    """Yield all milestones: those that are reached now are noted, and the speeds are measured again."""
    if "speed" in workbook.state.milestones:
        del workbook.state.milestones["speed"]
    yield from (each for each in reach(workbook) if isinstance(each, str))
    yield from (shown(workbook, key) for key in MILESTONES)


def note_epoch(path: Path, facts: Facts) -> Milestone | None:
    """Note an epoch by the student's gradients, unless a better one is noted; return the milestone if it is the first."""
    with Workbook(path) as workbook:
        before = workbook.state.milestones.get("epoch")
        if before is None or _number(facts.get("right")) > _number(before.get("right")):
            workbook.state.milestones["epoch"] = facts
            workbook.save()
        return shown(workbook, "epoch") if before is None else None


def read_milestones(path: Path) -> list[Milestone]:
    """Return all milestones of a workbook; see `handmade.learn.milestones`."""
    if not Folder(path).exists:
        raise HandmadeError(f"{path}: expected the folder of a workbook; there is none. Try: handmade learn")
    with Workbook(path) as workbook:
        return [each for each in all_milestones(workbook) if isinstance(each, Milestone)]
