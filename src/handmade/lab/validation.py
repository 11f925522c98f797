"""Accuracy of a lane over time: on the validation set of its settings, else now and then on the first test images."""

import time
from collections.abc import Callable
from typing import Any

from handmade.data import prepare_for
from handmade.data.split import split_validation
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.evaluation import Evaluation, evaluate
from handmade.engine.network import Network
from handmade.runs import Progress
from handmade.runs.job import Job

PAUSE, SHARE = 1.0, 0.02  # seconds at least between two tests of a training that runs, and their share of the time

Validate = Callable[[Network], dict[str, Any]] | None
Point = tuple[int, float]  # step and accuracy


class Validation:
    """Validations of one lane; one thread calls its methods, others read.

    Parameters
    ----------
    job : Job
        Job of the training, with its validation set, if any.
    validate : callable or None
        Return the results of a network on test images; used without a validation set.

    Attributes
    ----------
    newest : dict or None
        Results of the newest validation, with the number of its step.
    network : Network or None
        The network of these results.
    is_test : bool
        True if these are test images.
    """

    def __init__(self, job: Job, validate: Validate) -> None:
        self.is_test = job.validation is None
        self.newest: dict[str, Any] | None = None
        self.network: Network | None = None
        self._job = job
        self._validate: Validate = validate if self.is_test else self._on_validation_set
        self._ended, self._cost = time.perf_counter(), 0.0

    def after(self, progress: Progress) -> Point | None:
        """Note the results after a step, if there are some or the time has come; return step and accuracy."""
        step = progress.step
        if not self.is_test:
            return None if step.validation is None else self._note(step.number, step.smoothed, _plain(step.validation))
        last = step.stopped is not None or step.number == step.steps
        pause = max(PAUSE, self._cost / SHARE)
        if not last and time.perf_counter() - self._ended < pause:
            return None
        return self.now(step.number, step.smoothed)

    def is_old(self, steps: int) -> bool:
        """Return True if the newest results are those of an earlier network than the one after `steps` steps."""
        return self._validate is not None and steps > 0 and (self.newest is None or self.newest["step"] != steps)

    def now(self, steps: int, network: Network) -> Point | None:
        """Validate the network after `steps` steps; None if that is not possible."""
        if self._validate is None:
            return None
        began = time.perf_counter()
        try:
            found = self._validate(network)
        except (HandmadeError, MemoryError):  # the training is more important
            self._validate = None
            return None
        self._ended = time.perf_counter()
        self._cost = self._ended - began
        return self._note(steps, network, found)

    def numbers(self) -> Array | None:
        """Return the numbers of the validation set among all training images; None for the first test images."""
        settings = self._job.settings
        if settings.validation is None:
            return None
        return split_validation(self._job.data.train.labels[: settings.limit], settings.validation, settings.seed)[1]

    def _note(self, steps: int, network: Network, found: dict[str, Any]) -> Point:
        self.network = network
        self.newest = {"step": steps, "test": self.is_test} | found
        return steps, found["accuracy"]

    def _on_validation_set(self, network: Network) -> dict[str, Any]:
        held = self._job.validation
        assert held is not None
        return _plain(evaluate(network, held.images, held.labels, prepare_for(network)))


def _plain(found: Evaluation) -> dict[str, Any]:
    return {
        "accuracy": found.accuracy,
        "loss": found.loss,
        "images": int(found.confusion.sum()),
        "confusion": found.confusion.tolist(),
    }
