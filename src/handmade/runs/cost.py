"""Duration of a run with the gradient by definition: estimated before the run begins, because it may be years."""

from dataclasses import dataclass

from handmade.data import prepare_for
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients.definition import cost
from handmade.runs.backends import use_backend
from handmade.runs.job import Job
from handmade.threads import threads

LONG = 600  # seconds: longer runs need allow_long


@dataclass(frozen=True)
class Estimate:
    """Estimated cost of a run with the gradient by definition.

    Attributes
    ----------
    passes : int
        Forward passes per step.
    pass_seconds : float
        Measured seconds of one pass on one core.
    threads : int
        Cores that share them.
    steps, steps_an_epoch : int
        Steps of the run, and of one epoch.
    """

    passes: int
    pass_seconds: float
    threads: int
    steps: int
    steps_an_epoch: int

    @property
    def seconds(self) -> float:
        """Seconds of the run."""
        return self._step_seconds * self.steps

    @property
    def epoch_seconds(self) -> float:
        """Seconds of an epoch."""
        return self._step_seconds * self.steps_an_epoch

    @property
    def _step_seconds(self) -> float:
        return self.passes * self.pass_seconds / self.threads


class TooLong(HandmadeError):
    """Error: a run with the gradient by definition would take more than ten minutes, without `allow_long`.

    Attributes
    ----------
    estimate : Estimate
        Estimated cost.
    """

    def __init__(self, estimate: Estimate) -> None:
        super().__init__(
            f"expected a run of at most {LONG / 60:g} minutes, got one of about {estimate.seconds / 60:,.0f}. "
            "Try fewer steps=..., or gradient=difference, or allow_long=True to start it anyway"
        )
        self.estimate = estimate


def estimated(job: Job, *, allow_long: bool) -> Estimate | None:
    """Measure a forward pass and estimate the cost of the run if its gradient is by definition; else return None.

    Raises
    ------
    TooLong
        If the run would take more than ten minutes and `allow_long` is False.
    """
    settings, images = job.settings, job.training.images
    if settings.gradient != "definition":
        return None
    size = min(settings.batch_size, len(images))
    x, y = prepare_for(job.network)(images[:size]), job.training.labels[:size]
    with threads(1), use_backend(settings.backend):  # one BLAS thread, as in the run
        network = job.network if job.own is None else job.own.layers(job.network)
        passes, seconds = cost(network, x, y, settings.scheme)
    estimate = Estimate(passes, seconds, settings.threads or 1, job.total, job.steps_an_epoch)
    if estimate.seconds > LONG and not allow_long:
        raise TooLong(estimate)
    return estimate
