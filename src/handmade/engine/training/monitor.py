"""Monitor of a training: it looks for problems in every step, and reports what it found, the reason, and what to change.

    exploding   the loss or the norm of the gradient is far above its first values; NaN follows soon
    dead        units behind a ReLU are 0 for every image, in several checks one after the other
    vanishing   an early layer's gradient is many orders of magnitude below the last one's
    flat        the loss is that of random guessing: log of the number of classes, for cross-entropy
    slow        the loss does not fall, the gradient is normal, and the weights hardly change

Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal, TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.layers import rule
from handmade.engine.losses import CrossEntropy, Loss
from handmade.engine.printable import ShortRepr
from handmade.engine.training.loop import Step

Kind: TypeAlias = Literal["exploding", "dead", "vanishing", "flat", "slow"]

RECENT = 50  # steps
LOSS_FACTOR = 5.0  # times the loss at the start, or of guessing: a loss that recovers by itself stays below
MEDIAN_FACTOR, FIRST_FACTOR = 100.0, 10.0  # times the recent median of the gradient's norm, and times its first values
PATIENCE = 200  # steps: a longer plateau is too long
NEAR_GUESSING = 0.02  # of the loss of guessing
CHECKS = 3  # consecutive checks of the network with the same problem, before it is reported
FIRST_INTERVAL, LATER_INTERVAL = 25, 100  # steps from check to check: in the first hundred, and after them
DEAD_SHARE = 0.9  # of a layer's units: in a wide layer it is normal that most are 0 most of the time
VANISHING_RATIO = 1e-3  # of the last layer's gradient, root mean square of a weight
TOTAL_FALL, RECENT_FALL = 0.02, 0.005  # fall of the loss: in total, and between the halves of the last 100 steps
SMALL_CHANGE, GOOD_CHANGE = 1e-4, 1e-2  # relative change of the weights in a step: too small, and large enough
LARGE_CHANGE = 1.0  # the same: too large


@dataclass(frozen=True)
class Notice(ShortRepr):
    """Problem that keeps a network from learning.

    Attributes
    ----------
    kind : {"exploding", "dead", "vanishing", "flat", "slow"}
        Name of the problem.
    step : int
        Number of the step.
    seen, why, change : str
        Observation with numbers; reason; change that may help.
    settings : tuple of str
        Names of the settings to change, such as "learning_rate".
    """

    kind: Kind
    step: int
    seen: str
    why: str
    change: str
    settings: tuple[str, ...]

    def __str__(self) -> str:
        return f"step {self.step:,}: {self.seen}. {self.why}. Try {self.change}."


class TrainingMonitor:
    """Monitor that gets every step of a run and reports problems of its training; it changes nothing.

    Each problem is reported once. Dead units are reported again when all units of a layer are dead. Some steps cost an additional
    forward pass of the batch.

    Parameters
    ----------
    loss : Loss, optional
        Loss of the training; cross-entropy if left out.
    """

    def __init__(self, loss: Loss | None = None) -> None:
        self._loss = loss or CrossEntropy()
        self._seen = 0
        self._losses: deque[float] = deque(maxlen=2 * RECENT)
        self._norms: deque[float] = deque(maxlen=RECENT)
        self._first_losses: list[float] = []
        self._largest_norm = self._largest_change = 0.0  # in the first steps
        self._rate = 0.0  # largest learning rate so far: the learning rate of the optimiser, without the schedule
        self._closed: dict[str, deque[Array]] = {}  # for each check, the units that were 0 for every image
        self._vanished = 0  # checks
        self._reported: set[str] = set()

    def observe(self, step: Step) -> list[Notice]:
        """Observe one step.

        Returns
        -------
        list of Notice
            Problems that are new at this step; usually none.
        """
        self._seen += 1
        self._rate = max(self._rate, step.learning_rate)
        notices = [*self._exploding(step)]
        self._losses.append(step.loss)
        self._norms.append(step.norm)
        if self._seen <= RECENT:
            self._first_losses.append(step.loss)
            self._largest_norm = max(self._largest_norm, step.norm)
            self._largest_change = max(self._largest_change, _change(step))
        if self._seen % (FIRST_INTERVAL if self._seen <= LATER_INTERVAL else LATER_INTERVAL) == 0:
            notices += [*self._dead(step), *self._vanishing(step)]
        if self._seen >= PATIENCE and self._seen % FIRST_INTERVAL == 0:
            notices += self._flat(step)
        if self._seen >= 2 * RECENT and self._seen % FIRST_INTERVAL == 0:
            notices += self._slow(step)
        return notices

    def _exploding(self, step: Step) -> Iterator[Notice]:
        if not self._first_losses:
            return
        risen = step.loss > LOSS_FACTOR * self._first_losses[0] and step.loss > LOSS_FACTOR * self._guessing(step)
        above_first = self._seen > RECENT and step.norm > FIRST_FACTOR * self._largest_norm
        steeper = above_first and step.norm > MEDIAN_FACTOR * median(self._norms)
        if (risen or steeper) and self._is_new("exploding"):
            usual = median(self._norms)
            yield Notice(
                "exploding",
                step.number,
                f"the loss is {step.loss:.3g} and was {self._first_losses[0]:.3g} at the start; "
                f"the norm of the gradient is {step.norm:.3g}, its recent median {usual:.3g}",
                "Each step is so large that it overshoots further than the previous one; it ends in NaN or with dead units",
                f"a learning rate ten times smaller, such as {_rounded(self._rate / 10)}, or gradient clipping",
                ("learning_rate", "clip_norm"),
            )

    def _dead(self, step: Step) -> Iterator[Notice]:
        worst, share, units = "", 0.0, 0
        for name, closed in _closed(step):
            checks = self._closed.setdefault(name, deque(maxlen=CHECKS))
            checks.append(closed)
            dead = np.logical_and.reduce(checks)
            if len(checks) == CHECKS and dead.mean() > share:
                worst, share, units = name, float(dead.mean()), len(dead)
        if share >= DEAD_SHARE and self._is_new("all dead" if share == 1 else "dead"):
            yield Notice(
                "dead",
                step.number,
                f"{round(share * units):,} of the {units:,} units of {worst} were 0 for every image in {CHECKS} batches",
                "A ReLU whose output is always 0 passes no gradient back, so the weights before it do not change any more; "
                "a too large step, biases far below 0 or weights of 0 can cause this",
                f"a smaller learning rate, such as {_rounded(self._rate / 10)}, with new initial weights, "
                "or LeakyReLU instead of ReLU",
                ("learning_rate", "network"),
            )

    def _vanishing(self, step: Step) -> Iterator[Notice]:
        sizes = {name: _size(g) for name, g in step.gradients.items() if g.ndim > 1}
        first, last = next(iter(sizes), ""), next(reversed(sizes), "")
        below = bool(sizes) and 0 < sizes[first] < VANISHING_RATIO * sizes[last]
        self._vanished = self._vanished + 1 if below and not any(closed.all() for _, closed in _closed(step)) else 0
        if self._vanished >= CHECKS and self._is_new("vanishing"):
            name = step.before.display_name
            yield Notice(
                "vanishing",
                step.number,
                f"the gradient of {name(first)} is {sizes[first]:.0e} for each weight, that of {name(last)} {sizes[last]:.0e}",
                "In backpropagation each layer makes it smaller, Sigmoid and Tanh most of all, so the first layers do not learn",
                "ReLU or GELU between the layers, BatchNorm2d, Residual blocks, or fewer layers",
                ("network",),
            )

    def _flat(self, step: Step) -> Iterator[Notice]:
        (before, now), guessing = self._halves(), self._guessing(step)
        stuck = abs(now - guessing) <= NEAR_GUESSING * guessing and now > (1 - RECENT_FALL) * before
        if not stuck or self._reported & {"all dead", "vanishing"}:
            return
        smaller = f"a learning rate ten times smaller, such as {_rounded(self._rate / 10)}, with new initial weights"
        closed = [name for name, units in _closed(step) if units.all()]
        if closed:
            why, change = f"Every unit of {closed[0]} is 0 for every image, so all images give the same output", smaller
        elif not any(g.any() for g in step.gradients.values() if g.ndim > 1):
            why = "The gradients of all weights are 0, because their inputs or the weights after them are 0"
            change = "new random initial weights: equal weights stay equal, and zeros stay zeros"
        elif self._largest_change > LARGE_CHANGE:
            why = f"An early step changed weights by {self._largest_change:.2g} times their own size; their old values were lost"
            change = smaller
        else:
            why = "All images get the same prediction; labels of other images or a wrong learning rate can cause this"
            change = "to check images and labels, and learning rates ten times smaller and larger"
        if self._is_new("flat"):
            seen = f"the loss of the last {RECENT} steps is {now:.3f}; guessing gives {guessing:.3f}"
            yield Notice("flat", step.number, seen, why, change, ("data", "learning_rate"))

    def _slow(self, step: Step) -> Iterator[Notice]:
        start, now = fmean(self._first_losses), self._halves()[1]
        if now < (1 - TOTAL_FALL) * start or now < self._guessing(step) / 2 or self._reported:  # it learns or has learned
            return
        change = _change(step)
        if not 0 < change < SMALL_CHANGE or not self._is_new("slow"):
            return
        yield Notice(
            "slow",
            step.number,
            f"the loss was {start:.3f} and is {now:.3f} after {self._seen:,} steps; "
            f"a step changes the weights by {change:.0e} of their size",
            f"The gradient is normal, with a norm of {step.norm:.2g}, but the learning rate is too small",
            f"a larger learning rate, such as {_rounded(self._rate * GOOD_CHANGE / change)}",
            ("learning_rate",),
        )

    def _halves(self) -> tuple[float, float]:
        """Return the mean loss of the 50 steps before the last 50, and that of the last 50."""
        losses = list(self._losses)
        return fmean(losses[:RECENT]), fmean(losses[RECENT:])

    def _guessing(self, step: Step) -> float:
        """Return the loss of random guessing: equal probabilities for all classes."""
        classes = step.before.classes
        return float(self._loss.forward(np.full((1, classes), 1 / classes), np.zeros(1, np.int64))[0])

    def _is_new(self, problem: str) -> bool:
        """Return True if a problem has not been reported yet, and note that it is reported now."""
        new = problem not in self._reported
        self._reported.add(problem)
        return new


def _closed(step: Step) -> list[tuple[str, Array]]:
    """Return the name of every ReLU, and an array: True for each unit or channel that is 0 for all images of the batch."""
    with np.errstate(over="ignore", invalid="ignore"):  # training reports an overflow
        tape = step.before.tape(step.x)
    rectifiers = [node for node in step.before.nodes if rule(node.layer, "rectifies")]
    outputs = [(step.before.titles[node.name], tape[node.name]) for node in rectifiers]
    return [(name, np.logical_not(y.any(axis=tuple(range(y.ndim - 1))))) for name, y in outputs]


def _change(step: Step) -> float:
    """Return the relative change of the weights by a step: the largest one of the arrays with more than one axis."""
    before, after = step.before.parameters(), step.network.parameters()
    sizes = {name: _size(w) for name, w in before.items() if w.ndim > 1}
    return max((_size(after[name] - before[name]) / size for name, size in sizes.items() if size), default=0.0)


def _size(array: Array) -> float:
    """Return the root mean square, in float64, so that no square underflows."""
    with np.errstate(over="ignore"):  # such large numbers are found by their loss
        return math.sqrt(float(np.mean(np.square(array, dtype=np.float64)))) if array.size else 0.0


def _rounded(rate: float) -> str:
    return f"{rate:.0e}" if rate < 1e-3 else f"{rate:.1g}"
