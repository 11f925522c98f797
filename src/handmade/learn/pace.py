"""Pace of a training by a student's functions: loops in Python need seconds where compiled ones need milliseconds."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handmade.engine.network import Network
from handmade.learn.mine import OwnFunctions
from handmade.learn.own_function import TooSlow

PLANNED = 75.0  # seconds of a run without --limit and --steps
AGAIN = 5.0  # seconds for an image up to which it is measured twice
LONGEST = 60.0  # seconds after which the measurement of one image ends


@dataclass(frozen=True)
class Pace:
    """Seconds of the gradient for an image; `at_least` is true if the measurement was ended."""

    seconds: float
    at_least: bool = False

    def images(self, batch: int, most: int, epochs: int = 1) -> int:
        """Return the number of images for a run of the planned time, full batches if there is time for one."""
        affordable = int(PLANNED / max(self.seconds, 1e-9) / epochs)
        full = affordable // batch * batch
        return max(1, min(most, full or affordable))


def pace(own: OwnFunctions, gradient: Callable[[Network, Any, Any], Any], network: Network, x: Any, y: Any) -> Pace:
    """Measure the gradient for one image, then for all if that is quick: fast functions take several images at once."""
    try:
        with own.printed.at_most(LONGEST):
            one = _seconds(gradient, network, x[:1], y[:1])
            if one < AGAIN:  # a part of the first time was needed to load what is loaded once
                one = _seconds(gradient, network, x[:1], y[:1])
            return Pace(one if one * len(x) > LONGEST / 20 else _seconds(gradient, network, x, y) / len(x))
    except TooSlow:
        return Pace(LONGEST, at_least=True)


def _seconds(gradient: Callable[[Network, Any, Any], Any], network: Network, x: Any, y: Any) -> float:
    begin = time.perf_counter()
    gradient(network, x, y)
    return time.perf_counter() - begin
