"""Pace of a training: running means of loss and accuracy, images per second, and the time that is left."""

import time
from collections import deque
from collections.abc import Iterator
from statistics import fmean

from handmade.engine.training import Step
from handmade.text.number_format import percent, rate

RECENT = 50  # steps in a running mean


class Pace:
    """Running means over the last steps.

    Attributes
    ----------
    validation : float or None
        Last accuracy on the validation set, if there is one.
    seconds_left : float
        Expected time until the last step, at the speed of the last steps.
    """

    def __init__(self) -> None:
        self.validation: float | None = None
        self.seconds_left = 0.0
        self._losses: deque[float] = deque(maxlen=RECENT)
        self._accuracies: deque[tuple[int, float]] = deque(maxlen=RECENT)  # step and accuracy, where it was measured
        self._moments: deque[tuple[float, int]] = deque([(time.perf_counter(), 0)], maxlen=RECENT)
        self._images = 0
        self._speed = 0.0

    def add(self, step: Step) -> None:
        """Count one step."""
        now = time.perf_counter()
        self._losses.append(step.loss)
        self._images += step.images
        self._moments.append((now, self._images))
        if step.accuracy is not None:
            self._accuracies.append((step.number, step.accuracy))
        while len(self._accuracies) > 1 and self._accuracies[0][0] <= step.number - RECENT:
            self._accuracies.popleft()
        if step.validation is not None:
            self.validation = step.validation.accuracy
        then, images = self._moments[0]
        seconds = max(now - then, 1e-9)
        self._speed = (self._images - images) / seconds
        self.seconds_left = (step.steps - step.number) * seconds / (len(self._moments) - 1)

    def numbers(self, *, speed: bool = True) -> Iterator[str]:
        """Yield the numbers as text: loss, accuracy, accuracy on the validation set, and speed."""
        yield f"loss {fmean(self._losses):.3f}"
        if self._accuracies:
            yield f"accuracy {percent(fmean(accuracy for _, accuracy in self._accuracies))}"
        if self.validation is not None:
            yield f"validation {percent(self.validation)}"
        if speed:
            yield f"{rate(self._speed)} images/s"
