"""Seconds of a step on a cluster, in three parts that make up its duration.

computing    the longest sum over a worker: no step can be shorter with the same tasks on the same workers
travelling   the weights to the workers, and the gradient back
waiting      the rest: workers that wait for tasks, for each other, or for parts of a sum
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Times:
    """Seconds of some work on a cluster."""

    computing: float = 0.0
    travelling: float = 0.0
    waiting: float = 0.0

    @classmethod
    def of(cls, duration: float, by_worker: Mapping[str, float], travelling: float) -> Self:
        """Divide a duration, given the seconds of computing by the address of the worker, and those of travelling."""
        computing = min(max(by_worker.values(), default=0.0), duration)
        travelling = min(travelling, duration - computing)
        return cls(computing, travelling, duration - computing - travelling)

    def __add__(self, other: "Times") -> "Times":
        return Times(self.computing + other.computing, self.travelling + other.travelling, self.waiting + other.waiting)

    def to_json(self) -> dict[str, float]:
        """Return the seconds by name, ready for JSON."""
        return {name: round(seconds, 6) for name, seconds in vars(self).items()}


def joined(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """Return the sums of seconds by worker."""
    return {worker: one.get(worker, 0.0) + other.get(worker, 0.0) for worker in {**one, **other}}
