"""The guard in continuous integration: ratios that a slip in the engine would spoil, with wide margins.

python benchmarks/guard.py        exits with 1 when a limit is broken

Both sides of a ratio run on one core, in turn, and what counts is the processor's time, which stands still while a busy machine
does something else. The median of the rounds' ratios is taken. Where it breaks its limit, the whole is measured again: a slip
breaks it every time, and a neighbour does not. The first call of each side, which compiles, does not count.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

import handmade
import plain
from handmade.engine.backend import BACKENDS, use_backend
from handmade.engine.gradients import backprop, difference
from handmade.threads import threads
from timing import Spread, Way, in_turn

BATCH, ROUNDS, TRIES = 16, 9, 3


@dataclass(frozen=True)
class Limit:
    """The most that a ratio may be, and what it was when the limit was set."""

    what: str
    slow: str
    fast: str
    measured: str
    most: float


LIMITS = (
    Limit("compiled: all differences over backpropagation", "difference, compiled", "backprop, compiled", "5.9 to 7.4", 12.0),
    Limit("our compiled backpropagation over plain NumPy's", "backprop, compiled", "backprop, NumPy", "0.10 to 0.13", 0.25),
    Limit("our compiled forward pass over plain NumPy's", "forward, compiled", "forward, NumPy", "0.13 to 0.20", 0.4),
    Limit("plain: all differences over backpropagation", "difference, plain", "backprop, plain", "22 to 28", 40.0),
)


def measure() -> dict[str, Spread]:
    """Return the ratio of every limit, on digits of MNIST, by the readme network after a few steps of training."""
    digits = handmade.data.mnist().train
    x, y = handmade.data.prepare(digits.images[:512]), digits.labels[:512]
    *_, last = handmade.train(handmade.networks.readme(np.random.default_rng(0)), x, y, gradient=backprop, steps=20)
    network, x, y = last.network, x[:BATCH], y[:BATCH]
    ours: dict[str, Callable[[], object]] = {
        "difference": partial(difference, network, x, y),
        "backprop": partial(backprop, network, x, y),
        "forward": partial(network.logits, x),
    }
    ways = [
        Way("backprop, NumPy", partial(plain.backprop, network, x, y)),
        Way("forward, NumPy", partial(plain.forward, network, x)),
    ]
    for name in BACKENDS:
        ways += [Way(f"{what}, {name}", work, around=partial(use_backend, name)) for what, work in ours.items()]
    with threads(1):
        seconds = in_turn(ways, ROUNDS, clock=time.process_time)
    return {limit.what: seconds[limit.slow].over(seconds[limit.fast]) for limit in LIMITS}


def main() -> int:
    """Print the table; return 1 if a limit was broken in every try."""
    for number in range(TRIES):
        found = measure()
        print(f"| ratio, on one core | measured when the limit was set | at most | now: median (quartiles), try {number + 1} |")
        print("|---|--:|--:|--:|")
        for limit in LIMITS:
            low, high = found[limit.what].quartiles
            now = f"{found[limit.what].median:.2f} ({low:.2f} to {high:.2f})"
            print(f"| {limit.what} | {limit.measured} | {limit.most:g} | {now} |")
        broken = [limit.what for limit in LIMITS if found[limit.what].median > limit.most]
        if not broken:
            return 0
        print(f"broken: {', '.join(broken)}", flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
