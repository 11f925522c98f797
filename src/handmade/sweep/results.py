"""Results of a sweep, read from the folders of its runs.

Runs that differ in the seed alone are one group. Groups are ranked by the mean of their validation accuracies, and equal ones by
their validation loss. The test set has no part in it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from handmade.engine.arguments import as_path
from handmade.engine.printable import Printable, ShortRepr, counted
from handmade.pictures import Trial
from handmade.runs.history import RunRecord, read_record
from handmade.sweep.one_run import ENDED, changed_setting
from handmade.sweep.plan import SEED, Plan
from handmade.sweep.record import read_plan, run_folder

WAITING, CHANGED = "waiting", "other settings"


@dataclass(frozen=True)
class SweepRun(ShortRepr):
    """Result of one run.

    Attributes
    ----------
    folder : Path
    values : dict
        Values of the settings that vary.
    status : str
        "finished", "diverged", or a status of a run that has not ended; "waiting" before it begins.
    accuracy, loss : float or None
        Best validation of a finished run: the accuracy, and its loss.
    test_accuracy : float or None
        Test accuracy of the network with the best validation.
    seconds : float or None
        Time of the run.
    step : float or None
        Number of finished steps, or the step at which the run diverged.
    """

    folder: Path
    values: dict[str, Any]
    status: str
    accuracy: float | None = None
    loss: float | None = None
    test_accuracy: float | None = None
    seconds: float | None = None
    step: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the result without the test accuracy, ready for JSON."""
        known = {"run": str(self.folder), "settings": self.values, "status": self.status, "steps": self.step}
        return known | {"validation_accuracy": self.accuracy, "validation_loss": self.loss, "seconds": self.seconds}


@dataclass(frozen=True)
class Group(ShortRepr):
    """Runs that differ in the seed alone.

    Attributes
    ----------
    values : dict
        Values of the settings that vary, without the seed.
    runs : tuple of SweepRun
    """

    values: dict[str, Any]
    runs: tuple[SweepRun, ...]

    @property
    def accuracies(self) -> list[float]:
        """Validation accuracies of the finished runs."""
        return [run.accuracy for run in self.runs if run.accuracy is not None]

    @property
    def mean(self) -> float | None:
        """Mean of the validation accuracies; None before a run is finished."""
        return fmean(self.accuracies) if self.accuracies else None

    @property
    def diverged(self) -> int:
        """Number of runs that diverged."""
        return sum(run.status == "diverged" for run in self.runs)

    @property
    def chosen(self) -> SweepRun | None:
        """Run with the best validation; None before a run is finished."""
        finished = [run for run in self.runs if run.accuracy is not None]
        return min(finished, key=lambda run: (-(run.accuracy or 0), run.loss or 0), default=None)

    @property
    def rank(self) -> tuple[int, int, float, float]:
        """Sort key: groups in which a run diverged, and those without a result, come last."""
        losses = [run.loss for run in self.runs if run.loss is not None]
        return self.mean is None, self.diverged, -(self.mean or 0), fmean(losses) if losses else 0

    def to_json(self) -> dict[str, Any]:
        """Return values and results, ready for JSON."""
        ends = {"smallest": min(self.accuracies, default=None), "largest": max(self.accuracies, default=None)}
        runs = [run.to_json() for run in self.runs]
        return {"settings": self.values, "mean": self.mean, **ends, "diverged": self.diverged, "runs": runs}


@dataclass(frozen=True)
class SweepResults(Printable):
    """Results of a sweep so far; `print()` shows them as a table.

    Attributes
    ----------
    folder : Path
    plan : Plan
    runs : tuple of SweepRun
        Results in the order of the plan.
    """

    folder: Path
    plan: Plan
    runs: tuple[SweepRun, ...]

    def _summary(self) -> str:
        return f"{self.folder}, {self.ended} of {counted(len(self.runs), 'run')}"

    @property
    def ended(self) -> int:
        """Number of runs that are finished, or that diverged."""
        return sum(run.status in ENDED for run in self.runs)

    @property
    def groups(self) -> list[Group]:
        """Groups of runs that differ in the seed alone, the best first."""
        found: dict[tuple[Any, ...], list[SweepRun]] = {}
        for run in self.runs:
            found.setdefault(tuple(run.values[name] for name in self.plan.compared), []).append(run)
        groups = [Group(dict(zip(self.plan.compared, key, strict=True)), tuple(runs)) for key, runs in found.items()]
        return sorted(groups, key=lambda group: group.rank)

    @property
    def best(self) -> Group | None:
        """Best group; None before a run is finished."""
        first = self.groups[0]
        return None if first.mean is None else first

    def trials(self) -> list[Trial]:
        """Return the runs that have ended, for `handmade.pictures.sweep`."""
        return [Trial(run.values, run.accuracy) for run in self.runs if run.status in ENDED]

    def to_json(self) -> dict[str, Any]:
        """Return all results, ready for JSON; the test accuracy of the best group alone."""
        known: dict[str, Any] = {"folder": str(self.folder), "search": self.plan.search, "varied": list(self.plan.varied)}
        known |= {"count": len(self.runs), "ended": self.ended, "validation": self.plan.settings.validation}
        best = None if self.best is None else dict(_best(self.best))
        return known | {"groups": [group.to_json() for group in self.groups], "best": best}


def results(folder: str | os.PathLike[str]) -> SweepResults:
    """Read the results of a sweep, whether it is finished, stopped or running.

    Parameters
    ----------
    folder : path
        Folder of the sweep.

    Raises
    ------
    HandmadeError
        If the folder is no sweep.
    """
    folder = as_path(folder, "folder")
    return results_of(folder, read_plan(folder).plan)


def results_of(folder: Path, plan: Plan) -> SweepResults:
    """Read the results of the runs of a plan."""
    return SweepResults(folder, plan, tuple(run_of(folder, plan, number) for number in range(len(plan))))


def run_of(folder: Path, plan: Plan, number: int) -> SweepRun:
    """Read the result of one run, by its number from 0."""
    place, values = run_folder(folder, number, len(plan)), plan.values[number]
    record = read_record(place)
    if record.problem:
        return SweepRun(place, values, "damaged" if record.problem.startswith("damaged") else WAITING)
    if changed_setting(record.known, plan.settings_of(number)) is not None:
        return SweepRun(place, values, CHANGED)
    status, seconds, step = record.status, record.number("seconds"), record.steps
    if status != "finished":
        return SweepRun(place, values, status, seconds=seconds, step=step)
    best = record.known.get("best")
    judged = RunRecord(place, best if isinstance(best, dict) else {})
    accuracy, loss, tested = map(judged.number, ("validation_accuracy", "validation_loss", "test_accuracy"))
    return SweepRun(place, values, status, accuracy, loss, tested, seconds, step)


def _best(group: Group) -> Iterator[tuple[str, Any]]:
    tested = [run.test_accuracy for run in group.runs if run.test_accuracy is not None]
    assert group.chosen is not None
    yield "settings", group.values
    yield "validation_accuracy", group.mean
    yield "test_accuracy", fmean(tested) if tested else None
    yield "run", str(group.chosen.folder)
    yield "seed", group.chosen.values.get(SEED)
