"""The guard in continuous integration: ratios that a slip in the engine would spoil, with wide margins.

python benchmarks/guard.py        exits with 1 when a limit is broken

Both sides of a ratio run on one core, in turn, and what counts is the processor's time, which stands still while a busy machine
does something else. The median of the rounds' ratios is taken. Where it breaks its limit, the whole is measured again: a slip
breaks it every time, and a neighbour does not.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

import handmade
import plain
from handmade.engine.gradients import backprop, difference
from handmade.threads import threads
from timing import Spread, Way, in_turn

BATCH, ROUNDS, TRIES = 16, 9, 3


@dataclass(frozen=True)
class Limit:
    """What a ratio may be at most, and what it was when the limit was set."""

    what: str
    slow: str
    fast: str
    measured: str
    most: float


LIMITS = (
    Limit("all differences over backpropagation", "difference", "backprop", "12.5 to 13.3", 20.0),
    Limit("our backpropagation over plain NumPy's", "backprop", "plain backprop", "0.21 to 0.24", 0.4),
    Limit("our forward pass over plain NumPy's", "forward", "plain forward", "0.31 to 0.34", 0.6),
)


def measure() -> dict[str, Spread]:
    """The ratio of every limit, on digits of MNIST, by the readme network after a few steps of training."""
    digits = handmade.data.mnist().train
    x, y = handmade.data.prepare(digits.images[:512]), digits.labels[:512]
    *_, last = handmade.train(handmade.networks.readme(np.random.default_rng(0)), x, y, gradient=backprop, steps=20)
    network, x, y = last.network, x[:BATCH], y[:BATCH]
    work: dict[str, Callable[[], object]] = {
        "difference": partial(difference, network, x, y),
        "backprop": partial(backprop, network, x, y),
        "plain backprop": partial(plain.backprop, network, x, y),
        "forward": partial(network.logits, x),
        "plain forward": partial(plain.forward, network, x),
    }
    with threads(1):
        seconds = in_turn([Way(name, each) for name, each in work.items()], ROUNDS, clock=time.process_time)
    return {limit.what: seconds[limit.slow].over(seconds[limit.fast]) for limit in LIMITS}


def main() -> int:
    """Print the table; 1 if a limit was broken in every try."""
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
