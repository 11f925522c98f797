"""Runs as they lie on disk, for those who look back: what a folder of them holds, and how several compare.

What run.json and log.jsonl say may come from anybody. Whatever is not of the kind that it should be counts as not known.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from handmade.engine.errors import HandmadeError
from handmade.files.runs import SETTINGS, logged, recorded

LARGEST = 1e15  # of any number in a record
LONGEST = 200  # letters of a word in a record: beyond it, it is none
OUTCOMES = {  # what is found out, or happens, rather than set
    *("status", "steps", "step", "test_accuracy", "test_loss", "train_loss", "seconds", "images", "confused_most", "best"),
    *("stopped", "model", "run", "when", "resumed", "changes", "notices"),
}
RECENT = 50  # steps whose mean tells where a run stands: a batch alone says little


@dataclass(frozen=True)
class Past:
    """One run, or a folder that is none.

    Attributes
    ----------
    folder : Path
        Where it is.
    known : dict
        What run.json says; empty if it cannot be read.
    problem : str
        Why it cannot; empty if it can.
    """

    folder: Path
    known: dict[str, Any]
    problem: str = ""

    def number(self, name: str) -> float | None:
        """A number that the record holds, or None."""
        value = self.known.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < LARGEST:  # so written for NaN
            return None
        return value

    def word(self, name: str) -> str:
        """A word that the record holds, or nothing."""
        value = self.known.get(name)
        return value if isinstance(value, str) and len(value) <= LONGEST and value.isprintable() else ""

    @property
    def status(self) -> str:
        """How it ended; "killed" if it says that it is running, and nobody trains in it."""
        status = self.word("status")
        return "killed" if status == "running" and not _held(self.folder) else status

    @property
    def steps(self) -> float | None:
        """How many steps it took, or got to before it diverged; until there is a result, "steps" is what was asked for."""
        return self.number("step" if self.number("test_accuracy") is None else "steps")

    @property
    def settings(self) -> dict[str, Any]:
        """What was set, by name."""
        return {name: value for name, value in self.known.items() if name not in OUTCOMES}


def past(folder: Path) -> Past:
    """Look at one folder, whatever it holds."""
    try:
        run = Past(folder, recorded(folder))
    except (HandmadeError, OSError) as error:
        foreign = not (folder / SETTINGS).exists()
        return Past(folder, {}, "not a run" if foreign else f"damaged: {str(error).removeprefix(f'{folder / SETTINGS}: ')}")
    missing = [name for name in ("network", "status") if not run.word(name)]
    return Past(folder, {}, f"damaged: {SETTINGS} does not say the {' or the '.join(missing)}") if missing else run


def runs_in(directory: Path) -> list[Past]:
    """Look at every folder in a directory, by name; hidden ones are left out.

    Raises
    ------
    HandmadeError
        If there is no such directory.
    """
    if not directory.is_dir():
        raise HandmadeError(f"{directory}: wanted a directory of runs; there is no such directory. Train one: handmade train")
    return [past(folder) for folder in sorted(directory.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]


def different(runs: Sequence[Past]) -> dict[str, list[Any]]:
    """The settings that are not the same in all runs, each with its value in every one (None where it is not said)."""
    names = dict.fromkeys(name for run in runs for name in run.settings)
    values = {name: [run.settings.get(name) for run in runs] for name in names}
    return {name: each for name, each in values.items() if any(value != each[0] for value in each)}


@dataclass(frozen=True)
class Curve:
    """The log of a run.

    Attributes
    ----------
    losses : dict of float
        The loss by step.
    accuracies : dict of float
        The accuracy on the batch, by the steps at which it was looked at.
    """

    losses: dict[int, float]
    accuracies: dict[int, float]

    def loss(self, step: int) -> float | None:
        """Where the loss stood at a step: the mean over the 50 up to it; None after the last one."""
        return self._mean(self.losses, step)

    def accuracy(self, step: int) -> float | None:
        """The same of the accuracy."""
        return self._mean(self.accuracies, step)

    def _mean(self, values: dict[int, float], step: int) -> float | None:
        recent = [value for number, value in values.items() if step - RECENT < number <= step]
        return fmean(recent) if recent and step <= max(self.losses) else None


def curve(run: Past) -> Curve:
    """Read a run's log, as far as it can be read."""
    lines = [line for line in logged(run.folder) if math.isfinite(line["loss"])]
    accuracies = {line["step"]: line.get("accuracy") for line in lines}
    seen = {step: value for step, value in accuracies.items() if isinstance(value, float) and math.isfinite(value)}
    return Curve({line["step"]: line["loss"] for line in lines}, seen)


def common_steps(curves: Sequence[Curve], count: int) -> list[int]:
    """So many steps, or fewer, that every run has reached: evenly spread, the last of the shortest run among them."""
    last = min((max(each.losses, default=0) for each in curves), default=0)
    return sorted({round(last * n / count) for n in range(1, count + 1)} - {0})


def _held(folder: Path) -> bool:
    """Whether a process trains in the folder: it holds a lock on it (see `files/runs.py`)."""
    if os.name != "posix":
        return True
    import fcntl  # noqa: PLC0415  which other systems do not have

    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False
