"""Records of runs on disk: read one, or list those in a directory.

The content of run.json and log.jsonl may come from other people. A value of the wrong type counts as unknown.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from handmade.engine.arguments import as_path, check_choice
from handmade.engine.errors import HandmadeError
from handmade.engine.printable import Printable, counted
from handmade.runs.machines import SECONDS
from handmade.runs.record import SETTINGS, SWEEP, read_log, read_run_json
from handmade.runs.remaining import remaining

LARGEST = 1e15  # largest number in a record
LONGEST = 200  # characters of a text in a record: longer texts count as unknown
SORTS = ("when", "name", "network", "accuracy", "seconds", "steps", "status")  # orders of the list
FACTS = ("network", "gradient", "optimiser", "learning_rate", "epochs", "steps", "seed", "test_accuracy", "seconds")
OUTCOMES = {  # keys of run.json that are not settings
    *("status", "steps", "step", "test_accuracy", "test_loss", "train_loss", "seconds", "images", "confused_most", "best"),
    *("stopped", "model", "run", "when", "resumed", "changes", "notices", "cluster_seconds"),
}


@dataclass(frozen=True)
class RunRecord(Printable):
    """Record of one run, read from its folder; or a folder that is not a run.

    Attributes
    ----------
    folder : Path
        Folder of the run.
    known : dict
        Content of run.json; empty if it cannot be read.
    problem : str
        Reason why it cannot be read; empty if it can.
    """

    folder: Path
    known: dict[str, Any]
    problem: str = ""

    def _summary(self) -> str:
        return f"{self.folder}: {self.problem or self.status}"

    def number(self, name: str) -> float | None:
        """Return a number in the record, or None."""
        value = self.known.get(name)
        if (
            not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < LARGEST
        ):  # written so that NaN counts as unknown
            return None
        return value

    def word(self, name: str) -> str:
        """Return a text in the record, or an empty text."""
        value = self.known.get(name)
        return value if isinstance(value, str) and len(value) <= LONGEST and value.isprintable() else ""

    @property
    def status(self) -> str:
        """Status; "killed" if the record says "running" but no process trains in the folder."""
        status = self.word("status")
        return "killed" if status == "running" and not _is_locked(self.folder) else status

    @property
    def steps(self) -> float | None:
        """Number of finished steps, or the step at which the run diverged; None until there is a result."""
        return self.number("step" if self.number("test_accuracy") is None else "steps")

    @property
    def cluster_seconds(self) -> dict[str, float]:
        """Seconds of computing, travelling and waiting; empty unless a cluster computed gradients."""
        known = self.known.get("cluster_seconds")
        found = [RunRecord(self.folder, known).number(name) for name in SECONDS] if isinstance(known, dict) else []
        numbers = [number for number in found if number is not None and number >= 0]
        return dict(zip(SECONDS, numbers, strict=True)) if len(numbers) == len(SECONDS) else {}

    @property
    def settings(self) -> dict[str, Any]:
        """Settings, by name."""
        return {name: value for name, value in self.known.items() if name not in OUTCOMES}

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of log.jsonl: one record for each step, such as `handmade.pictures.History` takes."""
        return read_log(self.folder)

    def to_json(self) -> dict[str, Any]:
        """Return the main facts by name, ready for JSON."""
        place = {"name": self.folder.name, "folder": str(self.folder)}
        if self.problem:
            return place | {"problem": self.problem}
        facts = {name: self.word(name) or self.number(name) for name in FACTS}
        facts |= {"steps": self.steps}
        if self.status == "running":
            total = self.number("total_steps")
            progress = remaining(self.folder, total)
            facts |= {"steps": progress.step, "total_steps": total, "seconds_left": progress.seconds_left}
        spent = {"cluster_seconds": self.cluster_seconds} if self.cluster_seconds else {}
        return place | {"when": self.word("when"), "status": self.status} | facts | spent


class RunList(Printable, list[RunRecord]):
    """List of records of runs, which shows itself as a table."""

    def _summary(self) -> str:
        return counted(len(self), "run")


def read_record(folder: str | os.PathLike[str]) -> RunRecord:
    """Read the record of one run; a folder that is not a run, or is damaged, gives a record with a problem."""
    folder = as_path(folder, "folder")
    try:
        run = RunRecord(folder, read_run_json(folder))
    except (HandmadeError, OSError) as error:
        if (folder / SETTINGS).exists():
            return RunRecord(folder, {}, f"damaged: {str(error).removeprefix(f'{folder / SETTINGS}: ')}")
        is_sweep = (folder / SWEEP).is_file()
        return RunRecord(folder, {}, f"a sweep. Try: handmade runs {quote(str(folder))}" if is_sweep else "not a run")
    missing = [name for name in ("network", "status") if not run.word(name)]
    return RunRecord(folder, {}, f"damaged: {SETTINGS} has no {' and no '.join(missing)}") if missing else run


def list_runs(directory: str | os.PathLike[str] = "runs", sort: str = "when") -> RunList:
    """Read the records of all folders in a directory, without hidden folders.

    Parameters
    ----------
    directory : path
        Folder of the runs.
    sort : {"when", "name", "network", "accuracy", "seconds", "steps", "status"}
        Order: the newest, best or longest run comes last. Equal runs are sorted by time, then by name.

    Raises
    ------
    HandmadeError
        If there is no such directory or order.
    """
    directory = as_path(directory, "directory")
    check_choice(sort, "sort", SORTS)
    if not directory.is_dir():
        raise HandmadeError(f"{directory}: expected a directory of runs; there is no such directory. Try: handmade train")
    folders = (folder for folder in directory.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    return RunList(sorted(map(read_record, folders), key=lambda run: _rank(run, sort)))


def _rank(run: RunRecord, sort: str) -> tuple[bool, float, str, str]:
    """Return the sort key of a run; runs without the value come first."""
    numbers = {"accuracy": run.number("test_accuracy"), "seconds": run.number("seconds"), "steps": run.steps}
    number = numbers.get(sort)
    word = {"name": run.folder.name, "status": run.status}.get(sort, run.word(sort))
    known = number is not None or bool(word)
    return known, number or 0.0, word or run.word("when"), run.folder.name


def _is_locked(folder: Path) -> bool:
    """Return True if a process trains in the folder and holds its lock (see `record.py`)."""
    if os.name != "posix":
        return True
    import fcntl  # noqa: PLC0415  only on POSIX systems

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
