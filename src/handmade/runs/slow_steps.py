"""A line about a step size with which differences of a deep network take far longer than with a smaller one."""

from collections.abc import Iterator
from importlib import import_module

import numpy as np

from handmade.data import prepare_for
from handmade.engine.backend import chosen
from handmade.runs.backends import use_backend
from handmade.runs.job import Job
from handmade.threads import threads

IMAGES = 16  # of the first ones of the training set
SMALLEST = 1e-12  # step size to try
FEW = 4.0  # contested inputs of an image that cost next to nothing


def slow_step_note(job: Job) -> Iterator[str]:
    """Say that most images would be processed nudge by nudge, and which step size avoids it."""
    settings = job.settings
    if settings.gradient != "difference" or job.own is not None:
        return
    with use_backend(settings.backend), threads(1):
        name, without = chosen()
        if name != "compiled" or "differences" in without:
            return
        x = prepare_for(job.network)(job.training.images[:IMAGES])
        h = float(settings.step_size)
        smaller = [10.0**-k for k in range(3, 13) if SMALLEST <= 10.0**-k < h]
        left_out = import_module("handmade.compiled.differences.left_out").left_out
        (now, _), *then = left_out(job.network.in_training(len(x), np.random.default_rng(0)), x, [h, *smaller])
    better = next((step for step, (_, outputs) in zip(smaller, then, strict=True) if outputs <= FEW), None)
    if 2 * now > len(x) and better is not None:
        yield (
            f"Each step will take very long: with step_size={h:g}, too many ReLUs and pools could switch in {now} of {len(x)} "
            f"images, so their nudges are computed one by one. Try step_size={better:g}; the quotients are exact for any h."
        )
