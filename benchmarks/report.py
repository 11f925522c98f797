"""Findings of the ladder: measurements and target rows, as tables for the terminal and Markdown, and as JSON."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handmade.text.number_format import duration
from timing import Spread

SWEPT = "batches: "  # how sections begin whose rows are batch sizes


@dataclass(frozen=True)
class Measurement:
    """One rung: what was done, in which way, how long it took, and how far its result was from the loops.

    Attributes
    ----------
    section, network, what, way : str
    images : int
        In the batch.
    seconds : Spread
        One number a round.
    error : float or None
        From the nested loops, in tolerances; None where there is nothing to compare, as for a whole step of training.
    """

    section: str
    network: str
    what: str
    images: int
    way: str
    seconds: Spread
    error: float | None

    def plain(self) -> dict[str, Any]:
        """Ready for JSON."""
        low, high = self.seconds.quartiles
        names = ("section", "network", "what", "images", "way", "error")
        seconds = {"median": self.seconds.median, "quartiles": [low, high], "rounds": list(self.seconds.values)}
        return {name: getattr(self, name) for name in names} | {"seconds": seconds}


@dataclass(frozen=True)
class Row:
    """One row of the table of targets.

    Attributes
    ----------
    what : str
        What is compared.
    target : float
        The figure to reach.
    figure : Spread
        What was found.
    most : bool
        Whether the target is the most that is allowed, or the least.
    unit : str
        What follows a figure.
    """

    what: str
    target: float
    figure: Spread
    most: bool
    unit: str

    @property
    def reached(self) -> bool:
        """Return True if the median keeps the target."""
        return self.figure.median <= self.target if self.most else self.figure.median >= self.target

    def cells(self) -> list[str]:
        """Return what stands in the table."""
        low, high = (self._number(value) for value in self.figure.quartiles)
        bound = "at most" if self.most else "at least"
        spread = f" ({low} to {high})" if len(self.figure.values) > 1 else ""
        wanted = f"{bound} {self._number(self.target)}{self.unit}"
        return [self.what, wanted, f"{self._number(self.figure.median)}{self.unit}{spread}", "yes" if self.reached else "no"]

    def plain(self) -> dict[str, Any]:
        """Ready for JSON."""
        found = {"median": self.figure.median, "quartiles": list(self.figure.quartiles), "rounds": list(self.figure.values)}
        return {"what": self.what, "target": self.target, "most": self.most, "unit": self.unit} | {
            "figure": found,
            "reached": self.reached,
        }

    @staticmethod
    def _number(value: float) -> str:
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


@dataclass(frozen=True)
class Results:
    """Everything that one run found; `sentences` are told beside the tables."""

    head: str
    measurements: Sequence[Measurement]
    rows: Sequence[Row]
    sentences: Sequence[str]

    def markdown(self) -> str:
        """The tables and the sentences."""
        parts = [self.head]
        if self.rows:
            parts.append(_table(["what", "target", "found: median (quartiles)", "reached"], [row.cells() for row in self.rows]))
        for (section, network, images), group in _grouped(self.measurements).items():
            title = f"**{section}, {network} network, {counted(images)}**" if network else f"**{section}**"
            parts.append(f"{title}\n\n{_table(*_rungs(group))}")
        return "\n\n".join([*parts, *self.sentences]) + "\n"

    def write(self, folder: Path) -> None:
        """ladder.md and ladder.json."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ladder.md").write_text(self.markdown(), encoding="utf-8")
        found = {"head": self.head, "rows": [row.plain() for row in self.rows], "sentences": list(self.sentences)}
        found["measurements"] = [measurement.plain() for measurement in self.measurements]
        (folder / "ladder.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def counted(images: int) -> str:
    """1 image, 32 images."""
    return f"{images} image{'s' * (images > 1)}"


def busy(granted: int) -> str:
    """Return how many processes wanted a core in the last minute, and what that does to the figures."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    told = f"{load:.1f} processes wanted a core when it began"
    if load <= granted / 2:
        return told
    return f"{told}, too many: threads that wait for one another, PyTorch's above all, lose much more by it than others"


def best(measurements: Iterable[Measurement], prefix: str) -> Measurement | None:
    """The fastest of the ways whose names begin so, or None if there is none."""
    return min((m for m in measurements if m.way.startswith(prefix)), key=lambda m: m.seconds.median, default=None)


def _grouped(measurements: Sequence[Measurement]) -> dict[tuple[str, str, int], list[Measurement]]:
    groups: dict[tuple[str, str, int], list[Measurement]] = {}
    for each in measurements:
        groups.setdefault((each.section, each.network, each.images if each.network else 0), []).append(each)
    return groups


def _rungs(group: Sequence[Measurement]) -> tuple[list[str], list[list[str]]]:
    """A row a piece of work, a column a way: the time, and how many times that of our best it is, round by round."""
    ways = list(dict.fromkeys(each.way for each in group))
    rows = []
    for what in dict.fromkeys(each.what for each in group):
        found = {each.way: each for each in group if each.what == what}
        ours = best(found.values(), "handmade")
        rows.append([what, *(_cell(found.get(way), ours) for way in ways)])
    return ["", *ways], rows


def _cell(found: Measurement | None, ours: Measurement | None) -> str:
    if found is None:
        return ""
    took = duration(found.seconds.median) if found.seconds.median >= 1e-3 else f"{1e6 * found.seconds.median:.0f} µs"
    if ours is None or found is ours:
        return took
    same_rounds = len(found.seconds.values) == len(ours.seconds.values)
    times = found.seconds.over(ours.seconds).median if same_rounds else found.seconds.median / ours.seconds.median
    return f"{took} ({times:,.2g}x)" if times < 100 else f"{took} ({times:,.0f}x)"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
