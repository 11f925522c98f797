"""Several ways to the same result, timed in turn: what disturbs the machine disturbs all of them.

Round after round, every way is timed once, in an order that turns round each time. A ratio is taken within each round; its median
over the rounds is what is told, with the quartiles. A median of ratios of neighbours in time holds on a busy machine, where a
ratio of two medians, or of two minima, does not.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
from threadpoolctl import ThreadpoolController

SETTLE = 0.15  # seconds: threads of the way before may spin for so long, waiting for more work; OpenBLAS's for 2^28 cycles


@dataclass(frozen=True)
class Way:
    """One way to do a piece of work.

    Attributes
    ----------
    name : str
    work : callable
        Does it, or a part of it.
    times : float
        How many such parts the whole has: a part is measured, and multiplied.
    around : callable
        A context that holds while the work is timed, such as a number of threads.
    """

    name: str
    work: Callable[[], object]
    times: float = 1
    around: Callable[[], AbstractContextManager[object]] = nullcontext


@dataclass(frozen=True)
class Spread:
    """Findings, a number a round.

    Attributes
    ----------
    values : tuple of float
    """

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of what was found."""
        return float(np.median(self.values))

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between what half of the rounds lie."""
        low, high = np.quantile(self.values, [0.25, 0.75])
        return float(low), float(high)

    def over(self, other: "Spread") -> "Spread":
        """The ratio to another, round by round."""
        return Spread(tuple(mine / its for mine, its in zip(self.values, other.values, strict=True)))

    def per(self, amount: float) -> "Spread":
        """Return how many of `amount` a second, where these are the seconds of all."""
        return Spread(tuple(amount / seconds for seconds in self.values))


def in_turn(
    ways: Sequence[Way], rounds: int, least: float = 0.01, clock: Callable[[], float] = time.perf_counter
) -> dict[str, Spread]:
    """The seconds of every way, each round one mean over so many calls as fill `least` seconds.

    `clock` is the time that people wait. For work of one thread it may be `time.process_time`, which stands still while the
    machine does something else.
    """
    calls = {way.name: _calls(way, least) for way in ways}
    seconds: dict[str, list[float]] = {way.name: [] for way in ways}
    for number in range(rounds):
        for way in ways if number % 2 else reversed(ways):
            seconds[way.name].append(_timed(way, calls[way.name], clock))
    return {name: Spread(tuple(values)) for name, values in seconds.items()}


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Let NumPy's BLAS use `count` threads, and keep it from that again."""
    with _CONTROLLER.limit(limits=count, user_api="blas"):
        yield


_CONTROLLER = ThreadpoolController()


def _calls(way: Way, least: float) -> int:
    """Return how many calls fill `least` seconds; the first one compiles and warms up, and tells nothing."""
    with way.around():
        way.work()
        return max(1, round(least / _seconds(way)))


def _seconds(way: Way) -> float:
    start = time.perf_counter()
    way.work()
    return time.perf_counter() - start


def _timed(way: Way, calls: int, clock: Callable[[], float]) -> float:
    time.sleep(SETTLE)
    with way.around():
        if calls > 1:
            way.work()  # brings its own data into the cache again
        start = clock()
        for _ in range(calls):
            way.work()
        return (clock() - start) * way.times / calls
