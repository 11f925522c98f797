"""Is it learning? Every step is looked at. What goes wrong is told: what was seen, why it happens, what to change.

    exploding   the loss or the length of the gradient is far above where it began; next comes NaN
    dead        units behind a ReLU are 0 for every image, look after look
    vanishing   an early layer's gradient is many orders of magnitude below the last one's
    flat        the loss is that of guessing: log of the number of classes, for cross-entropy
    slow        the loss stays, the gradient is fine, and the weights hardly move

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
RISEN = 5.0  # times the loss at the start, or of guessing: what recovers by itself does not get as far
LONGER, LONGEST = 100.0, 10.0  # times the recent median of the gradient's length, and times the longest of the first steps
PATIENCE = 200  # steps: a plateau of as many is too long
NEAR = 0.02  # of the loss of guessing
LOOKS = 3  # into the network, one after the other, before anything is said of them
OFTEN, SELDOM = 25, 100  # steps from look to look: in the first hundred, and after them
MANY = 0.9  # of a layer's units: in a wide layer most are 0 most of the time, and none the worse for it
VANISHED = 1e-3  # of the last layer's gradient, weight for weight
FALLEN, FALLING = 0.02, 0.005  # of the loss: in all, and from one half of the last 100 steps to the other; less is none
HARDLY, BRISKLY = 1e-4, 1e-2  # of the weights' own size, in a step: too little, and a good deal
LEAPS = 1.0  # of it: too much


@dataclass(frozen=True)
class Notice(ShortRepr):
    """One thing that keeps a network from learning.

    Attributes
    ----------
    kind : {"exploding", "dead", "vanishing", "flat", "slow"}
        Which rule speaks.
    step : int
        When.
    seen, why, change : str
        What was seen, with figures; why that happens; what to change.
    settings : tuple of str
        The settings to change, such as "learning_rate", as far as they have a name.
    """

    kind: Kind
    step: int
    seen: str
    why: str
    change: str
    settings: tuple[str, ...]

    def __str__(self) -> str:
        return f"step {self.step:,}: {self.seen}. {self.why}. Try {self.change}."


class Observer:
    """Sees every step of a run and says what keeps its network from learning; it changes nothing.

    Each rule speaks once. That of dead units speaks again when a whole layer is dead. It costs a forward pass of the batch now
    and then.

    Parameters
    ----------
    loss : Loss, optional
        What is made small, cross-entropy if left out.
    """

    def __init__(self, loss: Loss | None = None) -> None:
        self._loss = loss or CrossEntropy()
        self._seen = 0
        self._losses: deque[float] = deque(maxlen=2 * RECENT)
        self._norms: deque[float] = deque(maxlen=RECENT)
        self._first_losses: list[float] = []
        self._longest = self._leap = 0.0  # of the first steps: the gradient's length, and the weights' relative change
        self._rate = 0.0  # the largest learning rate so far: the one that was set, whatever the schedule makes of it
        self._closed: dict[str, deque[Array]] = {}  # which units were 0 for every image, look after look
        self._vanished = 0  # looks
        self._said: set[str] = set()

    def see(self, step: Step) -> list[Notice]:
        """Take in one step.

        Returns
        -------
        list of Notice
            What there is to say now; most often nothing.
        """
        self._seen += 1
        self._rate = max(self._rate, step.learning_rate)
        notices = [*self._exploding(step)]
        self._losses.append(step.loss)
        self._norms.append(step.norm)
        if self._seen <= RECENT:
            self._first_losses.append(step.loss)
            self._longest = max(self._longest, step.norm)
            self._leap = max(self._leap, _change(step))
        if self._seen % (OFTEN if self._seen <= SELDOM else SELDOM) == 0:
            notices += [*self._dead(step), *self._vanishing(step)]
        if self._seen >= PATIENCE and self._seen % OFTEN == 0:
            notices += self._flat(step)
        if self._seen >= 2 * RECENT and self._seen % OFTEN == 0:
            notices += self._slow(step)
        return notices

    def _exploding(self, step: Step) -> Iterator[Notice]:
        if not self._first_losses:
            return
        risen = step.loss > RISEN * self._first_losses[0] and step.loss > RISEN * self._guessing(step)
        longer = self._seen > RECENT and step.norm > LONGEST * self._longest and step.norm > LONGER * median(self._norms)
        if (risen or longer) and self._new("exploding"):
            usual = median(self._norms)
            yield Notice(
                "exploding",
                step.number,
                f"the loss is {step.loss:.3g} and was {self._first_losses[0]:.3g} at the start; "
                f"the gradient is {step.norm:.3g} long, its recent median {usual:.3g}",
                "Steps are so large that each overshoots further than the one before; it ends in NaN, or with dead units",
                f"a learning rate ten times smaller, such as {_rounded(self._rate / 10)}, or clipping of the gradient",
                ("learning_rate", "clip_norm"),
            )

    def _dead(self, step: Step) -> Iterator[Notice]:
        worst, share, units = "", 0.0, 0
        for name, closed in _closed(step):
            looks = self._closed.setdefault(name, deque(maxlen=LOOKS))
            looks.append(closed)
            dead = np.logical_and.reduce(looks)
            if len(looks) == LOOKS and dead.mean() > share:
                worst, share, units = name, float(dead.mean()), len(dead)
        if share >= MANY and self._new("all dead" if share == 1 else "dead"):
            yield Notice(
                "dead",
                step.number,
                f"{round(share * units):,} of the {units:,} units of {worst} were 0 for every image in {LOOKS} batches",
                "A ReLU that never opens hands no gradient back, so the weights before it do not move any more; "
                "a step that was too large does that, biases far below 0, or weights of 0",
                f"a smaller learning rate, such as {_rounded(self._rate / 10)}, from fresh weights, "
                "or LeakyReLU in the place of ReLU",
                ("learning_rate", "network"),
            )

    def _vanishing(self, step: Step) -> Iterator[Notice]:
        sizes = {name: _size(g) for name, g in step.gradients.items() if g.ndim > 1}
        first, last = next(iter(sizes), ""), next(reversed(sizes), "")
        below = bool(sizes) and 0 < sizes[first] < VANISHED * sizes[last]
        self._vanished = self._vanished + 1 if below and not any(closed.all() for _, closed in _closed(step)) else 0
        if self._vanished >= LOOKS and self._new("vanishing"):
            called = step.before.display_name
            yield Notice(
                "vanishing",
                step.number,
                f"the gradient of {called(first)} is {sizes[first]:.0e} a weight, that of {called(last)} {sizes[last]:.0e}",
                "On its way back each layer makes it smaller, Sigmoid and Tanh above all, and the first layers do not learn",
                "ReLU or GELU between the layers, BatchNorm2d, Residual blocks, or fewer layers",
                ("network",),
            )

    def _flat(self, step: Step) -> Iterator[Notice]:
        (before, now), guessing = self._halves(), self._guessing(step)
        stuck = abs(now - guessing) <= NEAR * guessing and now > (1 - FALLING) * before
        if not stuck or self._said & {"all dead", "vanishing"}:
            return
        smaller = f"a learning rate ten times smaller, such as {_rounded(self._rate / 10)}, from fresh weights"
        closed = [name for name, units in _closed(step) if units.all()]
        if closed:
            why, change = f"Every unit of {closed[0]} is 0 for every image, so all images look the same", smaller
        elif not any(g.any() for g in step.gradients.values() if g.ndim > 1):
            why = "No gradient reaches the weights, because what they are multiplied by is 0"
            change = "fresh weights, drawn at random: equal ones stay equal, and zeros stay zeros"
        elif self._leap > LEAPS:
            why = f"An early step changed weights by {self._leap:.2g} times their own size, and what they knew was lost"
            change = smaller
        else:
            why = "All images get the same answer: labels that do not belong to them do that, or a wrong learning rate"
            change = "a look at images and labels, and learning rates ten times smaller and larger"
        if self._new("flat"):
            seen = f"the loss of the last {RECENT} steps is {now:.3f}; guessing gives {guessing:.3f}"
            yield Notice("flat", step.number, seen, why, change, ("data", "learning_rate"))

    def _slow(self, step: Step) -> Iterator[Notice]:
        start, now = fmean(self._first_losses), self._halves()[1]
        if now < (1 - FALLEN) * start or now < self._guessing(step) / 2 or self._said:  # or it has learnt before, and ends
            return
        change = _change(step)
        if not 0 < change < HARDLY or not self._new("slow"):
            return
        yield Notice(
            "slow",
            step.number,
            f"the loss was {start:.3f} and is {now:.3f} after {self._seen:,} steps; "
            f"a step changes the weights by {change:.0e} of their size",
            f"The gradient is fine, {step.norm:.2g} long, but the learning rate makes nothing of it",
            f"a larger learning rate, such as {_rounded(self._rate * BRISKLY / change)}",
            ("learning_rate",),
        )

    def _halves(self) -> tuple[float, float]:
        """The mean loss of the 50 steps before the last 50, and of these."""
        losses = list(self._losses)
        return fmean(losses[:RECENT]), fmean(losses[RECENT:])

    def _guessing(self, step: Step) -> float:
        """The loss of equal shares for all classes, whatever the image."""
        classes = step.before.classes
        return float(self._loss.forward(np.full((1, classes), 1 / classes), np.zeros(1, np.int64))[0])

    def _new(self, what: str) -> bool:
        """Whether this has not been said yet; now it has."""
        new = what not in self._said
        self._said.add(what)
        return new


def _closed(step: Step) -> list[tuple[str, Array]]:
    """Return for every ReLU, by name, which of its units (channels, of images) are 0 for every image of the batch."""
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is for training to find
        tape = step.before.tape(step.x)
    rectifiers = [node for node in step.before.nodes if rule(node.layer, "rectifies")]
    outputs = [(step.before.titles[node.name], tape[node.name]) for node in rectifiers]
    return [(name, np.logical_not(y.any(axis=tuple(range(y.ndim - 1))))) for name, y in outputs]


def _change(step: Step) -> float:
    """How much the step changed the weights, relative to their size: of the arrays with more than one axis, the most."""
    before, after = step.before.parameters(), step.network.parameters()
    sizes = {name: _size(w) for name, w in before.items() if w.ndim > 1}
    return max((_size(after[name] - before[name]) / size for name, size in sizes.items() if size), default=0.0)


def _size(array: Array) -> float:
    """The root of the mean square; in float64, so that no square is lost."""
    with np.errstate(over="ignore"):  # what is as large as that is told by its loss
        return math.sqrt(float(np.mean(np.square(array, dtype=np.float64)))) if array.size else 0.0


def _rounded(rate: float) -> str:
    return f"{rate:.0e}" if rate < 1e-3 else f"{rate:.1g}"
