"""The rungs that are no race: memory, start-up, and how the cost of a difference gradient grows."""

import footprint
import growth
from handmade.threads import cores
from report import Row
from setting import Found, Setup


def memory(setup: Setup) -> Found:
    """Peaks of training the seed network, above the data set."""
    if not footprint.measured():
        return [], [], ["Memory: skipped, this system has no /proc to read peaks from."]
    rounds = 1 if setup.quick else 3
    limits = {"backprop": 150, "difference": 400}
    return (
        [],
        [
            Row(f"peak memory above the data set, training seed by {what}", limit, peak, most=True, unit=" MB")
            for what, limit in limits.items()
            for peak in [footprint.training(what, rounds)]
        ],
        [f"Memory: a process with {cores()} threads, {footprint.STEPS} steps of {footprint.BATCH} images."],
    )


def start(setup: Setup) -> Found:
    """How long the package and the command take to begin."""
    imports, helps = footprint.start_up(setup.rounds)
    return (
        [],
        [
            Row("`import handmade` beyond `import numpy`", 60, imports, most=True, unit=" ms"),
            Row("`handmade --help`", 0.4, helps, most=True, unit=" s"),
        ],
        [],
    )


def growing(setup: Setup) -> Found:
    """The difference gradient as sizes grow."""
    sweeps, measurements = growth.sweeps(setup.x, setup.y, setup.rounds, setup.clock, quick=setup.quick)
    return measurements, [], [sweep.sentence for sweep in sweeps]
