"""The rungs that processes of their own are for: memory, start-up, the engine before; and how the cost of a gradient grows."""

import time
from functools import partial

import footprint
import growth
import whole
from before import Before
from handmade.engine.gradients import difference
from handmade.threads import cores
from operations import error
from report import Measurement, Row
from setting import AT_WORK, BATCH, Found, Setup
from timing import Way, in_turn

MEGABYTES = {"backprop": 116, "difference": 234}  # what training seed took at commit 123b89c
TIMES_BEFORE = 12  # that all differences are to be faster than the engine before
AGREE = 100  # tolerances: rounded differently, a choice may fall the other way


def memory(setup: Setup) -> Found:
    """Measure the peaks of training the seed network, above the data set."""
    if not footprint.measured():
        return [], [], ["Memory: skipped, this system has no /proc to read peaks from."]
    rounds = 1 if setup.quick else 3
    return (
        [],
        [
            Row(f"peak memory above the data set, training seed by {what}", limit, peak, most=True, unit=" MB")
            for what, limit in MEGABYTES.items()
            for peak in [footprint.training(what, rounds)]
        ],
        [f"Memory: a process with {cores()} threads, {footprint.STEPS} steps of {footprint.BATCH} images."],
    )


def start(setup: Setup) -> Found:
    """Measure how long the package and the command take to begin."""
    imports, helps = footprint.start_up(setup.rounds)
    return (
        [],
        [
            Row("`import handmade` beyond `import numpy`", 60, imports, most=True, unit=" ms"),
            Row("`handmade --help`", 0.4, helps, most=True, unit=" s"),
        ],
        [],
    )


def engine_before(setup: Setup) -> Found:
    """Time all differences of readme against those of the engine before, which works in a process of its own."""
    if setup.before is None:
        return [], [], ["The engine before: skipped, no working tree of it was given (--before DIR)."]
    if setup.clock is not time.perf_counter:
        return [], [], ["The engine before: skipped, the processor's time of this process knows nothing of it."]
    network, x, y = setup.networks["readme"], setup.x[:BATCH], setup.y[:BATCH]
    own = setup.crew.own()
    with Before(setup.before, network, x, y) as before:
        with own.around():
            gradient = difference(network, x, y, h=whole.H, executor=own.executor)[1]
        wrong = error(tuple(before.gradient[name] for name in gradient), tuple(gradient.values()))
        if not wrong <= AGREE:
            raise SystemExit(f"the engine before: its differences are not ours, by {wrong:.1f} tolerances")
        ours = Way(own.name, partial(difference, network, x, y, h=whole.H, executor=own.executor), around=own.around)
        seconds = in_turn([ours, Way("the engine before", before.work)], setup.rounds, AT_WORK)
    what = "all differences"
    found = [Measurement("the engine before", "readme", what, BATCH, way, took, None) for way, took in seconds.items()]
    times = seconds["the engine before"].over(seconds[own.name])
    row = Row(f"{what} of readme, batch {BATCH}: faster than the engine before", TIMES_BEFORE, times, most=False, unit="x")
    return found, [row], [f"The engine before: its differences of readme are ours within {wrong:.1f} tolerances."]


def growing(setup: Setup) -> Found:
    """Time the difference gradient as sizes grow."""
    sweeps, measurements = growth.sweeps(setup.x, setup.y, setup.rounds, setup.clock, quick=setup.quick)
    return measurements, [], [sweep.sentence for sweep in sweeps]
