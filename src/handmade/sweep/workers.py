"""Runs on an executor: each is sent as plain data, and its files come back as bytes.

A run whose worker is lost is sent again, with its data. An executor of Dask is recognised by the name of its type. It gets each
data set once, for all workers, and does that itself for a worker that is killed, as long as another one has the data.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from dataclasses import replace
from typing import Any

from handmade.cluster.matching import fingerprint
from handmade.data import Dataset
from handmade.engine.errors import HandmadeError
from handmade.sweep.one_run import Task, train_elsewhere

TICK = 0.5  # seconds between two looks at the runs
TRIES = 3  # of one run
DASK = "distributed.cfexecutor"  # module of the executor of Dask


class Workers:
    """Runs on an executor.

    Parameters
    ----------
    executor : Executor
    task_of : callable
        Function of the number of a run that returns it as plain data, and its data set.
    """

    def __init__(self, executor: Executor, task_of: Callable[[int], tuple[Task, Dataset]]) -> None:
        self._executor, self._task_of = executor, task_of
        self._running: dict[Future[Any], int] = {}
        self._tries: Counter[int] = Counter()
        self._shared: dict[int, Any] = {}  # data sets on the workers of Dask, by their identity here

    def __len__(self) -> int:
        return len(self._running)

    @property
    def first(self) -> int:
        """Smallest number of a run that has not come back."""
        return min(self._running.values())

    def submit(self, number: int) -> None:
        """Send a run.

        Raises
        ------
        HandmadeError
            If the executor takes no more runs.
        """
        self._tries[number] += 1
        task, data = self._task_of(number)
        try:
            if type(self._executor).__module__ == DASK:
                arguments: dict[str, Any] = {"pure": False}  # a run that is sent again is another task
                task = replace(task, expected=fingerprint())
                future = self._executor.submit(train_elsewhere, task, self._share(data), **arguments)
            else:
                future = self._executor.submit(train_elsewhere, task, data)
        except Exception as error:  # noqa: BLE001  of the executor: it was closed, or its scheduler is gone
            raise _lost(number, error) from None
        self._running[future] = number

    def ended(self) -> Iterator[tuple[int, dict[str, bytes]]]:
        """Wait a moment, and yield the runs that have come back: their numbers and their files.

        Raises
        ------
        HandmadeError
            If a run cannot be trained, or its workers were lost again and again.
        """
        done, _ = wait(self._running, TICK, FIRST_COMPLETED)
        for future in done:
            number = self._running.pop(future)
            try:
                files, reason = future.result()
            except CancelledError as error:  # the data were on lost workers alone
                if self._tries[number] == TRIES:
                    raise _lost(number, error) from None
                self._shared.clear()
                self.submit(number)
                continue
            except Exception as error:  # noqa: BLE001  of the executor, or of a worker: out of memory, killed too often
                raise _lost(number, error) from None
            if reason:
                raise HandmadeError(f"Run {number + 1}: {reason}")
            yield number, files

    def give_up(self) -> None:
        """Give up the runs that have not come back."""
        for future in self._running:
            future.cancel()

    def _share(self, data: Dataset) -> Any:
        """Return the data set on all workers of Dask; it is sent once."""
        if id(data) not in self._shared:
            client = self._executor._client  # type: ignore[attr-defined] # noqa: SLF001  there is no public name
            self._shared[id(data)] = client.scatter(data, broadcast=True, hash=False)
        return self._shared[id(data)]


def _lost(number: int, error: BaseException) -> HandmadeError:
    reason = " ".join(f"{type(error).__name__} {error}".split())
    return HandmadeError(f"Run {number + 1}: expected its result from a worker, got {reason:.200}. Resume the sweep")
