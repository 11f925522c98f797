"""Learning-rate schedules: functions from the finished share of the training, from 0 up to (not including) 1, to a factor.

The optimiser has the largest learning rate; the schedule gives a factor of it. Every schedule here is a plain function or a
frozen value. None of them counts steps, so a training that resumes needs only the share that is finished.
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


def constant(done: float) -> float:  # noqa: ARG001  the argument of every schedule
    """Return 1: a constant learning rate."""
    return 1.0


def linear(done: float) -> float:
    """Return 1 - done: a learning rate that falls linearly to 0."""
    return 1.0 - done


@dataclass(frozen=True)
class StepDecay:
    """Step decay: the learning rate is multiplied by a factor at given moments.

    He, Zhang, Ren & Sun (2016), "Deep Residual Learning for Image Recognition", CVPR, section 4.2: a tenth at 1/2 and at 3/4.

    Parameters
    ----------
    at : tuple of float
        Moments of the drops, as shares of the training, each from 0 up to but not including 1.
    factor : float
        Factor of each drop, above 0.

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
    """Cosine decay: last + (1 - last) (1 + cos(pi done)) / 2, which changes slowly at both ends.

    Loshchilov & Hutter (2017), "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR, equation 5, without restarts.

    Parameters
    ----------
    last : float
        Value at the end, as a share of the learning rate, from 0 up to but not including 1.

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
    """One-cycle schedule: up to the full learning rate, then down to far below the first value, each along half a cosine.

    Smith & Topin (2018), "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates", with straight
    lines; the cosines and the defaults are those of PyTorch's `OneCycleLR`. The momentum does not change.

    Parameters
    ----------
    rise : float
        Share of the training for the rise.
    first, last : float
        Values at the start and at the end, as shares of the learning rate. All three go from 0 up to but not including 1.

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
    """Return a schedule with a warm-up: a linear rise from 0 to the first value, then the given schedule.

    Goyal et al. (2017), "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", section 2.2. The factor of the first step
    is 0: this step does not change the weights, only the state of the optimiser.

    Parameters
    ----------
    schedule : callable
        Any schedule.
    share : float
        Share of the training for the rise, from 0 up to but not including 1.

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
    """Return the value of half a cosine from first, at part = 0, to last, at part = 1."""
    return last + (first - last) * (1 + math.cos(math.pi * part)) / 2


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "linear": linear,
    "cosine": Cosine(),
    "step": StepDecay(),
    "one-cycle": OneCycle(),
}
