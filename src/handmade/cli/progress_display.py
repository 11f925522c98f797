"""Progress of a training on the screen: step, loss, accuracy and speed; every few seconds, one weight in detail."""

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from handmade.cli.console import news
from handmade.engine.gradients.arguments import Scheme
from handmade.engine.training import Step
from handmade.text.number_format import duration
from handmade.text.pace import Pace
from handmade.text.training_step import Method, weight_update

WITH_SPEED = 92  # columns of a terminal that has room for all numbers
WEIGHT_EVERY = 10  # seconds between two weights
PLAIN_EVERY = 5  # seconds between two lines where there is no terminal


class ProgressDisplay:
    """Progress bar where standard error is a terminal, else a line every few seconds; a context manager.

    Parameters
    ----------
    gradient, scheme, h, optimiser
        Settings of the run, for the line about a weight.
    """

    def __init__(self, gradient: str, scheme: Scheme, h: float, optimiser: str) -> None:
        self._method = Method(gradient, scheme, h, optimiser)
        self._pace = Pace()
        self._weight_shown = self._printed = 0.0
        self._bar = Progress(
            TextColumn("step {task.completed:,}/{task.total:,}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            console=news,
            disable=not news.is_terminal,
            expand=True,
            refresh_per_second=4,  # drawing takes time from computing
        )
        self._task = self._bar.add_task("", total=None, start=True, numbers="starting", visible=False)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def show(self, step: Step) -> None:
        """Show one step."""
        now, pace = time.perf_counter(), self._pace
        pace.add(step)
        narrow = news.is_terminal and news.width < WITH_SPEED and pace.validation is not None
        numbers = "  ".join(pace.numbers(speed=not narrow))
        self._bar.update(self._task, completed=step.number, total=step.steps, numbers=numbers, visible=True)
        if now - self._weight_shown > WEIGHT_EVERY:
            self._weight_shown = now
            news.print(*weight_update(step, self._method), sep="\n")
        if not news.is_terminal and (now - self._printed > PLAIN_EVERY or step.number == step.steps or step.stopped):
            self._printed = now
            news.print(f"step {step.number:,}/{step.steps:,}  {numbers}  {duration(pace.seconds_left)} left")
