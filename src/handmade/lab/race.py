"""Turns of the lanes of a page: those that train share the processor, so that each has it for the same time.

A race is two lanes that begin with the same weights and end after the same time.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar

from handmade.engine.errors import HandmadeError

OF_BOTH = ("network", "seed", "dtype")  # settings that decide the first weights


class Runner(Protocol):
    """A lane, as far as its turns are concerned.

    Attributes
    ----------
    clock : float
        Seconds that it has used, by which turns are given.
    """

    clock: float

    @property
    def runs(self) -> bool:
        """True if it has a step to make."""
        ...


Lane = TypeVar("Lane", bound=Runner)


def next_turn(lanes: Iterable[Lane]) -> Lane | None:
    """Return the lane that makes the next step: of those that run, the one with the least time used; None if none runs."""
    return min((lane for lane in lanes if lane.runs), key=lambda lane: lane.clock, default=None)


def same_start(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings of both lanes of a race, where what is given for one holds for both if it decides the first weights.

    Raises
    ------
    HandmadeError
        If the lanes would begin with different weights.
    """
    for name in OF_BOTH:
        if a.get(name) is not None and b.get(name) is not None and a[name] != b[name]:
            raise HandmadeError(f"{name}: expected the same for both lanes of a race; got {a[name]!r:.80} and {b[name]!r:.80}")
    common = {name: value for each in (a, b) for name in OF_BOTH if (value := each.get(name)) is not None}
    return {**a, **common}, {**b, **common}


def joined(lane: Runner, others: Iterable[Runner]) -> float:
    """Return the clock of a lane that begins to run: it does not make up for the time before."""
    return max([lane.clock, *([min(clocks)] if (clocks := [each.clock for each in others if each.runs]) else [])])
