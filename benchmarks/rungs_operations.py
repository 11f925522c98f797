"""The rungs of single operations: what `operations` makes, checked against the loops and timed at the sizes of both presets."""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from operations import KINDS, Inputs, Maker, complete, effort, error, looped, sizes, small, ways
from report import Measurement
from setting import BATCH, Found, Setup
from timing import Spread, Way, in_turn

WHAT = ("forward", "backward", "delta")
DELTA_IMAGES = 8  # the outputs of a delta are as many times larger as there are nudges
QUICK = {"conv2", "pool1"}

Errors = dict[tuple[str, str, str], float]  # by kind, what and way, in tolerances


def single_operations(setup: Setup) -> Found:
    """Time every operation of both networks, at their sizes."""
    rng, found = np.random.default_rng(0), []
    every = list(ways(setup.crew))
    errors = checked(every)
    loops = {(kind, what): _loops_a_unit(kind, what) for kind in KINDS for what in WHAT}
    for name, network in setup.networks.items():
        for layer, kind, inputs in sizes(network, setup.x[:BATCH], setup.y[:BATCH], rng):
            if setup.quick and layer not in QUICK:
                continue
            for what in WHAT:
                its = _few(kind, inputs, rng) if what == "delta" else inputs
                made = [
                    (way, maker(KINDS[kind], what, its), around) for way, maker, around in every if (kind, what, way) in errors
                ]
                seconds = in_turn(
                    [Way(way, pair[0], around=around) for way, pair, around in made if pair], setup.rounds, clock=setup.clock
                )
                looped_for = effort(KINDS[kind], what, its)
                seconds["loops"] = Spread(tuple(each * looped_for for each in loops[kind, what].values))
                found += [
                    Measurement("operations", name, f"{layer} {what}", BATCH, way, took, errors.get((kind, what, way)))
                    for way, took in seconds.items()
                ]
    told = f"A delta is of {DELTA_IMAGES} images, and all its nudges in one channel."
    return found, [], [f"{told} Loops are run on small inputs, and multiplied; a backward of theirs is taken by definition."]


def checked(every: list[tuple[str, Maker, Any]]) -> Errors:
    """Hold every way to do every operation against the loops on small inputs; raises SystemExit where one is wrong."""
    errors: Errors = {}
    for kind in KINDS:
        inputs = small(kind, np.random.default_rng(0))
        for what in WHAT:
            wanted = looped(KINDS[kind], what, inputs)
            for way, maker, around in every:
                with around():
                    made = maker(KINDS[kind], what, inputs)
                    if made:
                        work, read = made
                        errors[kind, what, way] = error(read(work()), wanted)
    bad = [f"{' '.join(at)} ({found:.1f} tolerances)" for at, found in errors.items() if not found <= 1]
    if bad:
        raise SystemExit(f"wrong against the loops: {', '.join(bad)}")
    return errors


def _loops_a_unit(kind: str, what: str) -> Spread:
    """Seconds of the loops for one unit of their effort."""
    inputs = small(kind, np.random.default_rng(0))
    start = time.process_time()
    looped(KINDS[kind], what, inputs)
    return Spread(((time.process_time() - start) / effort(KINDS[kind], what, inputs),))


def _few(kind: str, inputs: Inputs, rng: np.random.Generator) -> Inputs:
    p = inputs.p | {"y": inputs.p["y"][:DELTA_IMAGES]} if "y" in inputs.p else inputs.p
    return replace(complete(KINDS[kind], inputs.x[:DELTA_IMAGES], p, rng))
