"""Comparison of runs: settings that differ, and loss and accuracy at the same steps."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from handmade.engine.arguments import described, integer, refused
from handmade.engine.errors import HandmadeError
from handmade.engine.printable import Printable, ShortRepr
from handmade.runs.history import RunRecord, read_record
from handmade.runs.record import read_log

MOST_STEPS = 10_000  # at which losses are compared
RECENT = 50  # steps of a mean, because single batches vary


def different(runs: Sequence[RunRecord]) -> dict[str, list[Any]]:
    """Return the settings that differ between runs, each with its value in every run (None if unknown)."""
    names = dict.fromkeys(name for run in runs for name in run.settings)
    values = {name: [run.settings.get(name) for run in runs] for name in names}
    return {name: each for name, each in values.items() if any(value != each[0] for value in each)}


@dataclass(frozen=True)
class Curve(ShortRepr):
    """Loss and accuracy of a run at each step.

    Attributes
    ----------
    losses : dict of float
        Loss by step.
    accuracies : dict of float
        Accuracy on the batch by step, where it was measured.
    """

    losses: dict[int, float]
    accuracies: dict[int, float]

    def loss(self, step: int) -> float | None:
        """Return the mean loss of the 50 steps up to this one; None after the last one."""
        return self._mean(self.losses, step)

    def accuracy(self, step: int) -> float | None:
        """Return the mean accuracy of the 50 steps up to this one; None after the last one."""
        return self._mean(self.accuracies, step)

    def _mean(self, values: dict[int, float], step: int) -> float | None:
        recent = [value for number, value in values.items() if step - RECENT < number <= step]
        return fmean(recent) if recent and step <= max(self.losses) else None


def curve(run: RunRecord) -> Curve:
    """Read the log of a run; lines that cannot be read are left out."""
    lines = [line for line in read_log(run.folder) if math.isfinite(line["loss"])]
    accuracies = {line["step"]: line.get("accuracy") for line in lines}
    seen = {step: value for step, value in accuracies.items() if isinstance(value, float) and math.isfinite(value)}
    return Curve({line["step"]: line["loss"] for line in lines}, seen)


def common_steps(curves: Sequence[Curve], count: int) -> list[int]:
    """Choose at most `count` steps that all runs have reached, evenly spaced up to the end of the shortest run."""
    last = min((max(each.losses, default=0) for each in curves), default=0)
    return sorted({round(last * n / count) for n in range(1, count + 1)} - {0})


@dataclass(frozen=True)
class Comparison(Printable):
    """Comparison of runs; every list has one entry for each run, in their order.

    Attributes
    ----------
    runs : tuple of RunRecord
    curves : tuple of Curve
    differ : dict of list
        Settings that differ between runs, by name.
    at : list of dict
        Keys "step", "loss" and "accuracy", for steps that all runs have reached.
    """

    runs: tuple[RunRecord, ...]
    curves: tuple[Curve, ...]
    differ: dict[str, list[Any]]
    at: list[dict[str, Any]]

    def _summary(self) -> str:
        return f"{len(self.runs)} runs, {len(self.differ)} settings differ"

    def to_json(self) -> dict[str, Any]:
        """Return runs, differences and steps, ready for JSON."""
        return {"runs": [run.to_json() for run in self.runs], "differ": self.differ, "at": self.at}


def compare(runs: Sequence[RunRecord | str | os.PathLike[str]], steps: int = 6) -> Comparison:
    """Compare runs.

    Parameters
    ----------
    runs : sequence of RunRecord or path
        Records, or folders of runs.
    steps : int
        Largest number of steps at which losses are compared.

    Raises
    ------
    HandmadeError
        If a folder is not a run, or is damaged.
    """
    if isinstance(runs, str | bytes | os.PathLike) or not isinstance(runs, Sequence):
        raise refused("runs", "a list of runs", described(runs), "[runs]" if isinstance(runs, str | os.PathLike) else "")
    steps = min(integer(steps, "steps", 1), MOST_STEPS)
    records = tuple(run if isinstance(run, RunRecord) else read_record(run) for run in runs)
    for record in records:
        if record.problem:
            received = f", got a folder that is {record.problem}" if record.folder.is_dir() else "; there is no such folder"
            raise HandmadeError(f"{record.folder}: expected the folder of a run to compare{received}")
    curves = tuple(map(curve, records))
    at = [
        {"step": step, "loss": [each.loss(step) for each in curves], "accuracy": [each.accuracy(step) for each in curves]}
        for step in common_steps(curves, steps)
    ]
    return Comparison(records, curves, different(records), at)
