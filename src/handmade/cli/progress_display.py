"""Progress of a training on the screen: step, loss, accuracy and speed; every few seconds, one weight in detail."""

import time
from collections import deque
from types import TracebackType
from typing import Self

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from handmade.cli.console import news
from handmade.engine.gradients.arguments import Scheme
from handmade.engine.training import Step
from handmade.text.number_format import duration, percent, rate
from handmade.text.training_step import Method, weight_update

WITH_SPEED = 92  # columns of a terminal that has room for all numbers
WEIGHT_EVERY = 10  # seconds between two weights
PLAIN_EVERY = 5  # seconds between two lines where there is no terminal
RECENT = 50  # steps, or measured accuracies, in a running mean


class ProgressDisplay:
    """Progress bar where standard error is a terminal, else a line every few seconds; a context manager.

    Parameters
    ----------
    gradient, scheme, h, optimiser
        Settings of the run, for the line about a weight.
    """

    def __init__(self, gradient: str, scheme: Scheme, h: float, optimiser: str) -> None:
        self._method = Method(gradient, scheme, h, optimiser)
        self._losses: deque[float] = deque(maxlen=RECENT)
        self._accuracies: deque[float] = deque(maxlen=RECENT)
        self._moments: deque[tuple[float, int]] = deque([(time.perf_counter(), 0)], maxlen=RECENT)
        self._validation = ""
        self._images = 0
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
        now = time.perf_counter()
        self._losses.append(step.loss)
        self._images += step.images
        self._moments.append((now, self._images))
        if step.accuracy is not None:
            self._accuracies.append(step.accuracy)
        if step.validation is not None:
            self._validation = f"  validation {percent(step.validation.accuracy)}"
        then, images = self._moments[0]
        speed = (self._images - images) / (now - then)
        accuracy = f"accuracy {percent(float(np.mean(self._accuracies)))}" if self._accuracies else ""
        narrow = news.is_terminal and news.width < WITH_SPEED and self._validation
        shown_speed = "" if narrow else f"  {rate(speed)} images/s"
        numbers = f"loss {np.mean(self._losses):.3f}  {accuracy}{self._validation}{shown_speed}"
        self._bar.update(self._task, completed=step.number, total=step.steps, numbers=numbers, visible=True)
        if now - self._weight_shown > WEIGHT_EVERY:
            self._weight_shown = now
            news.print(*weight_update(step, self._method), sep="\n")
        if not news.is_terminal and (now - self._printed > PLAIN_EVERY or step.number == step.steps or step.stopped):
            self._printed = now
            left = (step.steps - step.number) * (now - then) / (len(self._moments) - 1)
            news.print(f"step {step.number:,}/{step.steps:,}  {numbers}  {duration(left)} left")
