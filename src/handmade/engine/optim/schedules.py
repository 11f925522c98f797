"""A schedule scales the learning rate: it maps how much of the training is done, from 0 up to (not including) 1, to a factor.

The optimiser has the largest learning rate, a schedule the share of it. Every schedule here is a plain function or a frozen
value: nothing counts steps, so a training that goes on where it stopped needs to know only how much is done.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arguments import check_callable
from handmade.engine.optim.checks import POSITIVE, SHARE, check, checked

Schedule: TypeAlias = Callable[[float], float]


def constant(done: float) -> float:  # noqa: ARG001  a schedule is given how much is done
    """The same learning rate throughout."""
    return 1.0


def linear(done: float) -> float:
    """Down to nothing in a straight line: large steps first, and small ones to settle."""
    return 1.0 - done


@dataclass(frozen=True)
class StepDecay:
    """A drop to so much of what it was, at each of some moments.

    He, Zhang, Ren & Sun (2016), "Deep Residual Learning for Image Recognition", CVPR, section 4.2: a tenth at 1/2 and at 3/4.

    Parameters
    ----------
    at : tuple of float
        How much of the training is done when the learning rate drops, each from 0 up to but not including 1.
    factor : float
        What it is multiplied by, above 0.

    Raises
    ------
    HandmadeError
        If one of them is outside its range.
    """

    at: tuple[float, ...] = (0.5, 0.75)
    factor: float = 0.1

    def __post_init__(self) -> None:
        check(self, factor=POSITIVE)
        object.__setattr__(self, "at", tuple(checked("at", moment, SHARE) for moment in _listed(self.at)))

    def __call__(self, done: float) -> float:
        return self.factor ** sum(done >= moment for moment in self.at)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine: last + (1 - last) (1 + cos(pi done)) / 2, slow at both ends.

    Loshchilov & Hutter (2017), "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR, equation 5, without restarts.

    Parameters
    ----------
    last : float
        Where it ends, as a share of the learning rate, from 0 up to but not including 1.

    Raises
    ------
    HandmadeError
        If it is outside its range.
    """

    last: float = 0.0

    def __post_init__(self) -> None:
        check(self, last=SHARE)

    def __call__(self, done: float) -> float:
        return _half_cosine(1.0, self.last, done)


@dataclass(frozen=True)
class OneCycle:
    """Up to the whole learning rate, then down to far below where it began, each in half a cosine.

    Smith & Topin (2018), "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates", whose legs are
    straight; the cosines and the defaults are those of PyTorch's `OneCycleLR`. The momentum stays as it is.

    Parameters
    ----------
    rise : float
        How much of the training the way up takes.
    first, last : float
        Where it begins and ends, as shares of the learning rate. All three go from 0 up to but not including 1.

    Raises
    ------
    HandmadeError
        If one of them is outside its range.
    """

    rise: float = 0.3
    first: float = 1 / 25
    last: float = 1 / 250_000

    def __post_init__(self) -> None:
        check(self, rise=SHARE, first=SHARE, last=SHARE)

    def __call__(self, done: float) -> float:
        if done < self.rise:
            return _half_cosine(self.first, 1.0, done / self.rise)
        return _half_cosine(1.0, self.last, (done - self.rise) / (1 - self.rise))


def warm_up(schedule: Schedule, share: float = 0.05) -> Schedule:
    """The same schedule, in what is left of the training after a straight rise from 0 to where it begins.

    Goyal et al. (2017), "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", section 2.2. At 0 the factor is 0: the
    first step leaves the weights alone, and only the optimiser's memory begins.

    Parameters
    ----------
    schedule : callable
        Any schedule.
    share : float
        How much of the training the rise takes, from 0 up to but not including 1.

    Raises
    ------
    HandmadeError
        If the share is outside its range.
    """
    return partial(_warmed_up, as_schedule(schedule), checked("share", share, SHARE))


def as_schedule(schedule: Schedule) -> Schedule:
    """Return a schedule as it is; raise HandmadeError if it is none."""
    known = isinstance(schedule, str) and schedule in SCHEDULES
    advice = f"handmade.optim.SCHEDULES[{schedule!r}]" if known else "handmade.optim.Cosine()"
    check_callable(schedule, "schedule", "a schedule", advice)
    return schedule


def _listed(moments: Any) -> list[Any]:
    return list(moments) if isinstance(moments, list | tuple | np.ndarray) else [moments]


def _warmed_up(schedule: Schedule, share: float, done: float) -> float:
    return schedule(0.0) * done / share if done < share else schedule((done - share) / (1 - share))


def _half_cosine(first: float, last: float, part: float) -> float:
    """From first, at part = 0, to last, at part = 1."""
    return last + (first - last) * (1 + math.cos(math.pi * part)) / 2


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "linear": linear,
    "cosine": Cosine(),
    "step": StepDecay(),
    "one-cycle": OneCycle(),
}
