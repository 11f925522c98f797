"""Our own ways on the ladder: a backend, and the threads that share its work."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from handmade.engine.backend import use_backend
from timing import blas_threads


@dataclass(frozen=True)
class Own:
    """One way of ours: a backend, and the threads that share its work."""

    backend: str
    threads: int
    executor: Executor | None

    @property
    def name(self) -> str:
        """Name of the rung."""
        return f"handmade {self.backend}, {self.threads} thread{'s' * (self.threads > 1)}"

    @contextmanager
    def around(self) -> Iterator[Any]:
        """Use the backend, and one BLAS thread for each of ours."""
        with use_backend(self.backend) as backend, blas_threads(1):
            yield backend


@dataclass(frozen=True)
class Crew:
    """Threads for all: a number for the other libraries, and our executor with as many; None where it is one."""

    threads: int
    executor: Executor | None

    def own(self, backend: str = "compiled") -> Own:
        """Return a backend of ours with all threads."""
        return Own(backend, self.threads, self.executor)

    def alone(self) -> Own:
        """Return the compiled backend with one thread."""
        return Own("compiled", 1, None)

    def ways(self) -> Iterator[Own]:
        """Yield every way of ours: compiled with one thread and with all, plain with all."""
        if self.threads > 1:
            yield self.alone()
        yield self.own()
        yield self.own("plain")
