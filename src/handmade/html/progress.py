"""Progress of a training in a notebook: one line that is updated in place.

IPython is no dependency: it is used only if this process is the kernel of a notebook, and so has loaded it.
"""

import sys
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, nullcontext
from importlib import import_module
from typing import Any, TypeVar

from handmade.engine.errors import HandmadeError
from handmade.engine.training import Step
from handmade.html.line import Line
from handmade.html.markup import shortened
from handmade.runs import Progress, TrainingSession
from handmade.text.number_format import duration
from handmade.text.pace import Pace

SWEEPS = "handmade.html.sweep_progress"  # imported by its name, for sweeps alone
EVERY = 0.25  # seconds between two updates
MOST_NOTICES = 5

T = TypeVar("T")


def show_progress(steps: Iterable[T]) -> Iterator[T]:
    """Show the progress of a training in a notebook, on a line that is updated in place.

    Outside a notebook, nothing is shown. If the kernel is interrupted, the line says how to continue, and KeyboardInterrupt
    is raised: a session has then written a checkpoint, and its `network` is the one after the last step.

    Parameters
    ----------
    steps : iterable of Step, Progress or SweepProgress
        `handmade.train(...)`, a session of `handmade.runs.start` or `resume`, or a sweep of `handmade.sweep.start` or `resume`.

    Yields
    ------
    Step, Progress or SweepProgress
        Each record, unchanged.

    Raises
    ------
    HandmadeError
        If it is no training.

    Examples
    --------
    >>> for step in handmade.show_progress(handmade.train(network, images, labels)):  # doctest: +SKIP
    ...     pass
    """
    if not isinstance(steps, Iterable):
        raise HandmadeError(
            f"steps: expected the steps of a training; got {type(steps).__name__}. "
            "Try handmade.show_progress(handmade.train(network, images, labels))"
        )
    return _shown(steps) if in_notebook() else iter(steps)


def in_notebook() -> bool:
    """Return True if this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    names = {kind.__name__ for kind in type(shell).__mro__}
    return (
        "InteractiveShell" in names and "TerminalInteractiveShell" not in names
    )  # a terminal cannot change a line that it has shown


def _shown(steps: Iterable[T]) -> Iterator[T]:
    line: Any = import_module(SWEEPS).SweepLine() if _is_sweep(steps) else ProgressLine()
    records = iter(steps)
    try:
        with closing(records) if isinstance(records, Generator) else nullcontext():
            for record in records:
                line.show(record)
                yield record
    except KeyboardInterrupt:
        line.interrupted(steps)
        raise
    line.finished()


def _is_sweep(steps: object) -> bool:
    """Return True for a sweep; if `handmade.sweep` is not loaded, it is none."""
    loaded = sys.modules.get("handmade.sweep")
    return loaded is not None and isinstance(steps, loaded.Sweep)


class ProgressLine:
    """A line of a notebook with step, loss, accuracy, speed and time left; below it, signs that the network does not learn."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._line = Line()
        self._began = time.perf_counter()
        self._shown_at = 0.0
        self._step: Step | None = None
        self._notices: list[str] = []

    def show(self, record: Step | Progress) -> None:
        """Count a step, and show it if the last update was a while ago."""
        step = record.step if isinstance(record, Progress) else record
        if isinstance(record, Progress):
            self._notices += [shortened(str(notice), 400) for notice in record.notices]
        self._step = step
        self._pace.add(step)
        if time.perf_counter() - self._shown_at >= EVERY:
            self._update(f"{duration(self._pace.seconds_left)} left")

    def finished(self) -> None:
        """Show the last step, and the time of all."""
        self._update(f"finished in {duration(time.perf_counter() - self._began)}")

    def interrupted(self, steps: object) -> None:
        """Show the last step, and the call that continues."""
        resume = f": handmade.runs.resume({str(steps.folder)!r}) continues" if isinstance(steps, TrainingSession) else ""
        self._update(f"interrupted after {duration(time.perf_counter() - self._began)}{resume}")

    def _update(self, end: str) -> None:
        self._shown_at = time.perf_counter()
        step = self._step
        if step is None:
            return
        text = "   ".join([f"step {step.number:,}/{step.steps:,}", *self._pace.numbers(), end])
        notices = self._notices[:MOST_NOTICES]
        if len(self._notices) > MOST_NOTICES:
            notices.append(f"… {len(self._notices) - MOST_NOTICES:,} more")
        self._line.show(text, step.number, step.steps, notices)
