"""Sweep as a stream of records: its runs, one after the other in this process, or several at a time on an executor.

A sweep can be stopped or killed at any moment. What is on the disk then says what is left: runs that have ended are read, a run
with a checkpoint continues from it, and the others begin.
"""

import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from handmade.data import Dataset
from handmade.engine.arguments import as_path, check_executor
from handmade.engine.errors import HandmadeError
from handmade.engine.printable import Printable
from handmade.files.atomic import remove_temporary_files
from handmade.runs import Progress, Settings, TrainingSession
from handmade.runs.job import Sources
from handmade.runs.record import SETTINGS, locked, next_folder
from handmade.sweep.checks import Checked, cached_files, check_digests, checked
from handmade.sweep.one_run import ENDED, Task, diverged, files_of, open_run, store
from handmade.sweep.plan import make_plan
from handmade.sweep.record import PLAN, is_sweep, read_plan, run_folder, write_plan
from handmade.sweep.results import SweepResults, SweepRun, results_of, run_of
from handmade.sweep.workers import Workers

PROGRESS = "handmade.html.progress"  # imported by its name: views import sweeps
PARENT = Path("sweeps")  # parent of folders without a given name


@dataclass(frozen=True, eq=False)
class SweepProgress(Printable):
    """Progress of a sweep: after each step of a run in this process, after the end of each run, and now and then.

    Attributes
    ----------
    number, total : int
        Number of the run, from 0, and of all runs.
    values : dict
        Values of the settings that vary in this run.
    step : Progress or None
        Step of the run, in this process.
    run : SweepRun or None
        Result, if the run has just ended.
    ended : int
        Number of runs that have ended.
    seconds_left : float
        Estimated time until the end of the sweep.
    """

    number: int
    total: int
    values: dict[str, Any]
    step: Progress | None
    run: SweepRun | None
    ended: int
    seconds_left: float

    def _summary(self) -> str:
        return f"run {self.number + 1} of {self.total}, {self.ended} ended, {self.seconds_left:.0f} s left"


class Sweep(Printable):
    """Sweep from its plan; iterating over it trains, and yields `SweepProgress`.

    Parameters
    ----------
    folder : Path
        Folder of the sweep.
    known : Checked
        Plan that was checked.
    sources : Sources
        Functions that give data sets and networks.
    executor : Executor, optional
        Executor that trains the runs; this process if left out.
    workers : int
        Number of runs that the executor trains at the same time.
    new : bool
        True to write the plan first.

    Attributes
    ----------
    folder, known
        Arguments as given.
    """

    def __init__(
        self, folder: Path, known: Checked, sources: Sources, executor: Executor | None, workers: int, *, new: bool
    ) -> None:
        self.folder, self.known = folder, known
        self._sources, self._executor, self._workers, self._new = sources, executor, workers, new
        self._stopping = False
        self._session: TrainingSession | None = None
        self._ended: set[int] = set()
        self._done = 0.0  # estimated seconds of the work that is done in this session
        self._left = sum(known.seconds)  # estimated seconds of the work that is left
        self._began = time.perf_counter()

    def _summary(self) -> str:
        return f"{self.folder}, {len(self.known.plan)} runs"

    @property
    def results(self) -> SweepResults:
        """Results so far."""
        return results_of(self.folder, self.known.plan)

    @property
    def seconds(self) -> float:
        """Estimated time of the runs that are left, at the beginning."""
        left = [each for n, each in enumerate(self.known.seconds) if run_of(self.folder, self.known.plan, n).status not in ENDED]
        return sum(left) / min(self._workers, max(1, len(left)))

    def stop(self) -> None:
        """End the sweep after the current step; runs on an executor are given up. Another thread may call this."""
        self._stopping = True
        if self._session is not None:
            self._session.stop()

    def finish(self) -> SweepResults:
        """Train all runs and return the results. In a notebook, a line shows the progress."""
        for _ in import_module(PROGRESS).show_progress(self):
            pass
        return self.results

    def __iter__(self) -> Iterator[SweepProgress]:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = locked(self.folder)
        try:
            remove_temporary_files(self.folder, PLAN)
            if self._new:
                _check_free(self.folder)  # again: another sweep may have used the folder since
                write_plan(self.folder, self.known)
                self._new = False
            todo = [number for number in range(len(self.known.plan)) if not self._has_ended(number)]
            self._began = time.perf_counter()
            self._left = sum(self.known.seconds[number] for number in todo)
            yield from self._here(todo) if self._executor is None else self._elsewhere(todo, self._executor)
        finally:
            os.close(lock)

    def _has_ended(self, number: int) -> bool:
        ended = run_of(self.folder, self.known.plan, number).status in ENDED
        if ended:
            self._ended.add(number)
        return ended

    def _here(self, todo: list[int]) -> Iterator[SweepProgress]:
        """Train the runs one after the other."""
        for number in todo:
            if self._stopping:
                return
            session = self._session = open_run(self._place(number), self.known.plan.settings_of(number), self._sources)
            if self._stopping:
                session.stop()
            total, before = session.job.total, session.steps
            try:
                with session:
                    for progress in session:
                        share = (progress.step.number - before) / total
                        yield self._progress(number, progress, working=share * self.known.seconds[number])
            except HandmadeError as error:
                if not diverged(error):
                    raise
            self._session = None
            if self._has_ended(number):
                yield self._end(number)

    def _elsewhere(self, todo: list[int], executor: Executor) -> Iterator[SweepProgress]:
        """Train the runs on an executor; each is written when it comes back."""
        workers = Workers(executor, self._task)
        try:
            for number in todo:
                workers.submit(number)
            while len(workers) and not self._stopping:
                for number, files in workers.ended():
                    store(self._place(number), files, self.known.plan.settings_of(number).network)
                    self._has_ended(number)
                    yield self._end(number)
                if len(workers):
                    yield self._progress(workers.first, None)
        finally:
            workers.give_up()

    def _task(self, number: int) -> tuple[Task, Dataset]:
        """Return a run as plain data, and its data set."""
        settings = replace(self.known.plan.settings_of(number), threads=1)
        data = self._sources.dataset(settings.source)
        network = self._sources.network(settings.network, np.random.default_rng(settings.seed), settings.dtype, data)
        return Task(settings.to_json(), network, files_of(self._place(number))), data

    def _place(self, number: int) -> Path:
        return run_folder(self.folder, number, len(self.known.plan))

    def _end(self, number: int) -> SweepProgress:
        self._done += self.known.seconds[number]
        return self._progress(number, None, run=run_of(self.folder, self.known.plan, number))

    def _progress(
        self, number: int, step: Progress | None, *, run: SweepRun | None = None, working: float = 0.0
    ) -> SweepProgress:
        done, passed = self._done + working, time.perf_counter() - self._began
        speed = done / passed if done > 0 and passed > 0 else float(self._workers)
        left = max(self._left - done, 0.0) / speed
        return SweepProgress(number, len(self.known.plan), self.known.plan.values[number], step, run, len(self._ended), left)


def start(
    vary: dict[str, Any],
    settings: Settings | None = None,
    out: str | os.PathLike[str] | None = None,
    *,
    random: int | None = None,
    executor: Executor | None = None,
    workers: int = 1,
) -> Sweep:
    """Plan a sweep as `handmade sweep` does, and check each of its runs; nothing is written before it is iterated over.

    Parameters
    ----------
    vary : dict
        Values by the name of a setting: a list, or a text such as "0.01,0.1", "0..4", "0.001..0.1:5:log", or for a random search
        "0.001..0.1:log".
    settings : Settings, optional
        Settings of all runs, but for those that vary; the defaults of `handmade train` if left out. Without a validation set, a
        tenth of the training images is used, at most 5,000.
    out : path, optional
        Folder of the sweep; sweeps/NAME-1, sweeps/NAME-2, ... if left out.
    random : int, optional
        Number of combinations to draw; all combinations if left out.
    executor : concurrent.futures.Executor, optional
        Executor that trains the runs, each on one thread: a ProcessPoolExecutor, or `client.get_executor()` of Dask. Without it,
        the runs are trained one after the other in this process.
    workers : int
        Number of runs that the executor trains at the same time, for the estimate of the time.

    Returns
    -------
    Sweep
        Sweep that begins when it is iterated over; `start(...).finish()` trains all runs.

    Raises
    ------
    HandmadeError
        If a setting, a value or a combination cannot be used, or the folder already holds a sweep.
    """
    check_executor(executor)
    if settings is not None and not isinstance(settings, Settings):
        raise HandmadeError(f"settings: expected Settings; got {type(settings).__name__}. Try Settings(epochs=2)")
    plan = make_plan(settings or Settings(), vary, random)
    folder = next_folder(PARENT, Path(plan.settings.network).stem) if out is None else as_path(out, "out")
    _check_free(folder)
    sources = cached_files()
    known = checked(plan, sources, None if executor is None else 1)
    return Sweep(folder, known, sources, executor, 1 if executor is None else workers, new=True)


def resume(folder: str | os.PathLike[str], *, executor: Executor | None = None, workers: int = 1) -> Sweep:
    """Resume a sweep: runs that have ended are read, and the others continue from their checkpoints with the same bytes.

    Parameters
    ----------
    folder : path
        Folder of the sweep.
    executor, workers
        As in `start`.

    Returns
    -------
    Sweep
        Rest of the sweep, which continues when it is iterated over.

    Raises
    ------
    HandmadeError
        If the folder is no sweep, or its data or a network has changed.
    """
    check_executor(executor)
    folder = as_path(folder, "folder")
    known, sources = read_plan(folder), cached_files()
    if results_of(folder, known.plan).ended < len(known.plan):
        check_digests(folder, known, sources)
    return Sweep(folder, known, sources, executor, 1 if executor is None else workers, new=False)


def _check_free(folder: Path) -> None:
    """Raise HandmadeError if a new sweep cannot use the folder."""
    if folder.exists() and not folder.is_dir():
        raise HandmadeError(f"{folder}: expected a folder, got a file. Try another out=...")
    if is_sweep(folder):
        raise HandmadeError(f"{folder}: expected a folder without a sweep; this one already holds a sweep. Try another out=...")
    if (folder / SETTINGS).exists() or any(folder.glob(f"run-*/{SETTINGS}")):
        raise HandmadeError(f"{folder}: expected a folder without a run; this one already holds a run. Try another out=...")
