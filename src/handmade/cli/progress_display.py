"""Progress of a training on the screen: step, loss, accuracy and speed; every few seconds, one weight in detail."""

import time
from collections import deque
from types import TracebackType
from typing import Self

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from handmade.cli.console import duration, news, percent
from handmade.engine.gradients.arguments import Scheme
from handmade.engine.training import Step

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
        self._gradient, self._scheme, self._h, self._optimiser = gradient, scheme, h, optimiser
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
        shown_speed = "" if narrow else f"  {speed:,.0f} images/s"
        numbers = f"loss {np.mean(self._losses):.3f}  {accuracy}{self._validation}{shown_speed}"
        self._bar.update(self._task, completed=step.number, total=step.steps, numbers=numbers, visible=True)
        if now - self._weight_shown > WEIGHT_EVERY:
            self._weight_shown = now
            news.print(one_weight(step, self._gradient, self._scheme, self._h, self._optimiser))
        if not news.is_terminal and (now - self._printed > PLAIN_EVERY or step.number == step.steps or step.stopped):
            self._printed = now
            left = (step.steps - step.number) * (now - then) / (len(self._moments) - 1)
            news.print(f"step {step.number:,}/{step.steps:,}  {numbers}  {duration(left)} left")


def one_weight(step: Step, gradient: str, scheme: Scheme, h: float, optimiser: str) -> str:
    """Return three lines on one weight: its value, the effect of a nudge on the loss, and its update.

    The weight is drawn by the number of the step, among those that have an effect.
    """
    name, index = _interesting(step)
    place = ",".join(map(str, index))
    weight, after = float(step.before.parameters()[name][index]), float(step.network.parameters()[name][index])
    quotient = float(step.gradients[name][index])
    title = f"[bold]{step.before.display_name(name)}\\[{place}][/]  w = {weight:+.6f}"
    update = f"  {optimiser} moves w by {after - weight:+.6f} to {after:+.6f}"
    if gradient == "backprop":
        return f"{title}\n  L(w) = {step.loss:.9f}   dL/dw = {quotient:+.6f}\n{update}"
    if scheme == "forward":
        losses = f"L(w) = {step.loss:.9f}   L(w + h) = {step.loss + h * quotient:.9f}"
        formula = "(L(w + h) - L(w)) / h"
    else:
        losses = f"L(w) = {step.loss:.9f}   L(w + h) - L(w - h) = {2 * h * quotient:+.3e}"
        formula = "(L(w + h) - L(w - h)) / 2h"
    return f"{title}   h = {h:g}\n  {losses}\n  {formula} = {quotient:+.6f}\n{update}"


def _interesting(step: Step) -> tuple[str, tuple[int, ...]]:
    """Draw an array, and in it one of the weights that have an effect."""
    rng = np.random.default_rng(step.number)
    names = [name for name, g in step.gradients.items() if g.any()] or list(step.gradients)
    name = names[rng.integers(len(names))]
    g = step.gradients[name]
    moving = np.flatnonzero(g) if g.any() else np.arange(g.size)
    return name, tuple(int(i) for i in np.unravel_index(moving[rng.integers(len(moving))], g.shape))
