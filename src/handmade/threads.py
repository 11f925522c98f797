"""Thread pool in which the calling thread works, too, and the number of available cores.

    with threads(cores()) as executor:
        L, g = backprop(network, x, y, executor=executor)

Passing a task to a thread, and its result back, can take longer than a short task. So each thread is called once for all tasks of
a `map`. It takes one task after the other from a queue, as the caller does, until none is left.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Condition
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

__all__ = ["Threads", "bound", "cores", "threads"]

Result = TypeVar("Result")


def bound() -> int:
    """Return the number of cores that this process is bound to (CPU affinity): all cores of the machine, unless restricted."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores() -> int:
    """Return the number of cores that this process may use: those it is bound to, or fewer if a cgroup limits its time."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, min(bound(), int(quota) // int(period)))
    except (OSError, ValueError):  # no cgroup, or no limit ("max")
        return bound()


@contextmanager
def threads(count: int) -> Iterator[Executor | None]:
    """Provide an executor of this thread and `count - 1` others; None if `count` is 1.

    Meanwhile the BLAS of this process uses one thread, so that its threads do not compete with these.
    """
    with threadpool_limits(limits=1):
        if count == 1:
            yield None
            return
        with Threads(count) as executor:
            yield executor


class Threads(ThreadPoolExecutor):
    """Executor of threads in whose `map` the calling thread works, too.

    Any thread may call `map` at any time, also within a task of another `map`.

    Parameters
    ----------
    count : int
        Number of threads, the calling one included; at least 2.
    """

    def __init__(self, count: int) -> None:
        super().__init__(max_workers=count - 1, thread_name_prefix="handmade")
        self._helpers, self._closed = count - 1, False

    def map(
        self, fn: Callable[..., Result], *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1
    ) -> Iterator[Result]:
        """Return the results in the order of the tasks, as in the base class; `chunksize` has no effect.

        After an exception, or if the iterator is closed, no further task is started.

        Raises
        ------
        TimeoutError
            If a result that another thread computes is not available `timeout` seconds after this call.
        """
        call = MapCall(fn, list(zip(*iterables, strict=False)))
        for _ in range(min(self._helpers, call.size - 1)):
            self.submit(self._work_on, call)
        return call.results(None if timeout is None else time.monotonic() + timeout)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  as in the base class
        """Let the threads finish their current tasks only; a caller that still reads results does the other tasks itself."""
        self._closed = True
        super().shutdown(wait, cancel_futures=cancel_futures)

    def _work_on(self, call: "MapCall") -> None:
        while not self._closed and call.work():
            pass


class MapCall:
    """Call of `map`: a queue of its tasks, from which several threads take the next one, and the results."""

    def __init__(self, fn: Callable[..., Any], tasks: list[tuple[Any, ...]]) -> None:
        self.size = len(tasks)
        self._fn, self._queue = fn, deque(enumerate(tasks))
        self._results: dict[int, tuple[Any, BaseException | None]] = {}
        self._changed = Condition()

    def work(self) -> bool:
        """Run the next task; return False if there is none."""
        try:
            number, task = self._queue.popleft()
        except IndexError:
            return False
        try:
            self._store(number, self._fn(*task), None)
        except BaseException as error:
            self._queue.clear()
            self._store(number, None, error)
            if not isinstance(error, Exception):  # Ctrl-C, which is raised at once
                raise
        return True

    def results(self, end: float | None) -> Iterator[Any]:
        """Yield the results in their order, and run tasks as long as there are any; `end` is the time limit."""
        try:
            for number in range(self.size):
                while number not in self._results and self.work():
                    pass
                yield self._result(number, end)
        finally:
            self._queue.clear()

    def _store(self, number: int, result: Any, error: BaseException | None) -> None:
        with self._changed:
            self._results[number] = result, error
            self._changed.notify_all()

    def _result(self, number: int, end: float | None) -> Any:
        """Return the result of a task, or raise its exception, as soon as it is available."""
        with self._changed:
            seconds = None if end is None else max(0.0, end - time.monotonic())
            if not self._changed.wait_for(partial(self._results.__contains__, number), seconds):
                raise TimeoutError("expected a result in time; another thread still works on it. Try a larger timeout")
            result, error = self._results.pop(number)
        if error is not None:
            raise error
        return result
