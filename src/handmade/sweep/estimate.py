"""Time of a run, estimated before it begins.

seconds = images in steps * seconds of one + images that are evaluated * seconds of one

A network's seconds are measured on a few of its own steps. They include data augmentation, and leave compiling out.
"""

import time
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice

from handmade.data import prepare_for
from handmade.engine.evaluation import evaluate
from handmade.engine.training import Diverged
from handmade.engine.training.state import TrainingState
from handmade.runs.backends import use_backend
from handmade.runs.cost import estimated
from handmade.runs.job import Job
from handmade.runs.settings import Settings
from handmade.threads import threads

SECONDS, STEPS = 0.3, 20  # of a measurement, at most
EVALUATED = 500  # images


@dataclass(frozen=True)
class Speed:
    """Speed of a network with the settings of its computation.

    Attributes
    ----------
    step_image, evaluated_image : float
        Seconds of one image in a step, and in an evaluation.
    """

    step_image: float
    evaluated_image: float

    def seconds(self, settings: Settings, images: int, tested: int) -> float:
        """Return the seconds of a run, for the number of its training images and of its test images."""
        epoch = -(-images // settings.batch_size)
        steps = settings.steps or settings.epochs * epoch
        validations = -(-steps // (settings.validate_every or epoch))
        evaluated = validations * (settings.validation or 0) + 2 * tested  # the last network, and the best one
        return steps * min(settings.batch_size, images) * self.step_image + evaluated * self.evaluated_image


def measured(job: Job) -> Speed:
    """Measure the speed of a job, on the threads of its settings."""
    settings, test, prepare = job.settings, job.data.test, prepare_for(job.network)
    count = min(EVALUATED, len(test.images))
    with threads(settings.threads or 1) as executor, use_backend(settings.backend):
        evaluate(job.network, test.images[:1], test.labels[:1], prepare, executor)  # it may compile
        began = time.perf_counter()
        evaluate(job.network, test.images[:count], test.labels[:count], prepare, executor)
        evaluated = (time.perf_counter() - began) / count
        if settings.gradient == "definition":
            cost = estimated(job, allow_long=True)
            assert cost is not None
            images = job.total * min(settings.batch_size, len(job.training.images))
            return Speed(cost.seconds / images, evaluated)
        return Speed(_seconds_of_steps(job, executor), evaluated)


def _seconds_of_steps(job: Job, executor: Executor | None) -> float:
    """Return the seconds of one image in a step, without the first step, which may compile."""
    training = job.train(TrainingState.start(job.network, job.optimiser, job.ema), executor)
    images, began = 0, time.perf_counter()
    try:
        first = next(training)
        alone = (time.perf_counter() - began) / first.images
        began = time.perf_counter()
        for step in islice(training, STEPS):
            images += step.images
            if time.perf_counter() - began > SECONDS:
                break
    except Diverged:  # at this learning rate; the run will say so
        alone = time.perf_counter() - began
    finally:
        training.close()
    return (time.perf_counter() - began) / images if images else alone
