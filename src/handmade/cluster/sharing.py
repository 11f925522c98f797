"""Executor of a cluster: the shards of a batch on its workers, added there as a balanced binary tree; one gradient comes back.

The weights travel once a step to every worker, the structure of the network once a run, images with the tasks. A task is an
aligned run of 1, 2, 4, ... shards. A step is a pure function of its arguments, so one that loses its data is repeated.
"""

import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from importlib import import_module
from typing import Any

import cloudpickle
import dask.config

from handmade.cluster import connection
from handmade.cluster.address import ClusterError
from handmade.cluster.matching import difference_of, facts, fingerprint
from handmade.cluster.tasks import (
    TASKS,
    Shards,
    Unequal,
    Weights,
    arrays_of,
    block_size,
    group_name,
    results_of,
    structure_of,
    sums_of,
    threads_inside,
    total_of,
)
from handmade.cluster.times import Times, joined
from handmade.engine.parallel import Batch, BatchExecutor, Sums, blocks

TOGETHER = 8  # sums that one task adds: three levels of the tree, because each task costs a millisecond or two
REPETITIONS = 5  # of a step whose data were lost, which is rare
NEWS = 2.0  # seconds between two looks at the list of workers
POLL = 1.0  # seconds between two looks while tasks run
LARGE = "distributed.admin.large-graph-warning-threshold"  # images are large, and travel with their tasks


distributed: Any = import_module("distributed")  # of any type: few of its functions have types
CancelledError: Any = import_module("distributed.client").CancelledError


class Lost(Exception):
    """Data or a connection were lost."""


class ClusterExecutor(BatchExecutor):
    """Executor of a Dask client, for gradients and for `map`.

    Parameters
    ----------
    client : distributed.Client
    notice : callable, optional
        Function that is called with a line if a worker that joins later is refused; `warnings.warn` if left out.
    only : sequence of str, optional
        Addresses of the workers that may be used; all workers if left out.

    Raises
    ------
    ClusterError
        If results of a worker may differ from those of this process.
    """

    def __init__(self, client: Any, notice: Callable[[str], object] | None = None, only: Iterable[str] | None = None) -> None:
        self.client = client
        self.refused: dict[str, str] = {}  # addresses of workers that are not used, and why
        self._notice: Callable[[str], object] | None = None  # none for the first look: a refused worker is then an error
        self._only = None if only is None else frozenset(only)
        self._threads: dict[str, int] = {}  # of each worker that may be used: the number of tasks that it computes at a time
        self._inside = 1  # threads for each of these tasks, the most of all workers
        self._structure: tuple[bytes, Any] | None = None
        self._times = Times()
        self._looked = 0.0
        try:
            self._look(now=True)
        except Lost as lost:
            raise ClusterError(f"cluster: expected a scheduler that answers; {lost}. Start it again") from None
        if self.refused:
            raise ClusterError(next(iter(self.refused.values())))
        self._notice = notice or warnings.warn

    # --- what an executor does ------------------------------------------------------------------------------------------------

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Run one call on a worker."""
        future: Future[Any] = self.client.get_executor(pure=False).submit(fn, *args, **kwargs)
        return future

    def map(
        self, fn: Callable[..., Any], *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1
    ) -> Iterator[Any]:
        """Return the results in the order of the tasks; the function travels once to each worker. `chunksize` has no effect.

        Raises
        ------
        ClusterError
            If the scheduler goes away, or there is no worker for a minute.
        """
        tasks = list(zip(*iterables, strict=False))
        return iter(self._repeated(lambda start: self._map(start, fn, tasks)) if tasks else ())

    def sums(self, function: Callable[..., Sums], batch: Batch, shard: int) -> Sums:
        """Return the sums of a batch, as one thread would compute them, to the last bit."""
        found: Sums = self._repeated(lambda start: self._sums(start, function, batch, shard))
        return found

    @property
    def threads(self) -> int:
        """Number of threads of the workers that may be used; at least 1."""
        return self.at_once * self._inside

    @property
    def at_once(self) -> int:
        """Number of tasks that these workers compute at a time; at least 1."""
        self._look()
        return max(1, sum(self._threads.values()))

    @property
    def workers(self) -> int:
        """Number of workers that may be used."""
        return len(self._threads)

    def take_times(self) -> Times:
        """Return the times since the last call."""
        times, self._times = self._times, Times()
        return times

    # --- one step -------------------------------------------------------------------------------------------------------------

    def _sums(self, start: float, function: Callable[..., Sums], batch: Batch, shard: int) -> Sums:
        network, size = batch[0], block_size(len(batch[1]), shard, self.at_once, self._inside)
        arrays = arrays_of(network)
        structure = structure_of(network, arrays)
        sending = time.perf_counter()
        weights, known = self._scatter("weights", Weights(arrays)), self._scatter_structure(structure)
        sent = time.perf_counter() - sending
        tasks = [
            Shards(x, y, cloudpickle.dumps(loss), None if some is network else structure_of(some, arrays))
            for some, x, y, loss in blocks(batch, size)
        ]
        parts = self._submit(sums_of, tasks, work=function, structure=known, weights=weights, expected=fingerprint())
        used = [weights, *parts]  # kept until the end: Dask forgets a task without its future
        while len(parts) > 1:
            parts = self._submit(total_of, [parts[first : first + TOGETHER] for first in range(0, len(parts), TOGETHER)])
            used += parts
        [part], received = self._results(parts)
        _release(used)
        self._count(start, part.seconds, sent + received)
        sums: Sums = part.sums
        return sums

    def _map(self, start: float, fn: Callable[..., Any], tasks: list[tuple[Any, ...]]) -> list[Any]:
        size = -(-len(tasks) // (2 * TASKS * self.at_once))
        chunks = [tasks[first : first + size] for first in range(0, len(tasks), size)]
        sending = time.perf_counter()
        work = self._scatter("function", fn)
        sent = time.perf_counter() - sending
        futures = self._submit(results_of, chunks, work=work, expected=fingerprint())
        parts, received = self._results(futures)
        _release([work, *futures])
        seconds: dict[str, float] = {}
        for _, spent in parts:
            seconds = joined(seconds, spent)
        self._count(start, seconds, sent + received)
        return [result for results, _ in parts for result in results]

    def _count(self, start: float, seconds: dict[str, float], travelling: float) -> None:
        self._times += Times.of(time.perf_counter() - start, seconds, travelling)

    def _scatter(self, name: str, value: Any) -> Any:
        """Send a value to every worker, and return its future."""
        key = (group_name(name), 0)
        try:
            future = self.client.scatter({key: value}, broadcast=True, hash=False)[key]
        except (CancelledError, OSError) as error:
            raise Lost(_line(error)) from None
        return future

    def _scatter_structure(self, structure: bytes) -> Any:
        if self._structure is None or self._structure[0] != structure or self._structure[1].status != "finished":
            self._structure = structure, self._scatter("structure", structure)
        return self._structure[1]

    def _submit(self, function: Callable[..., Any], tasks: list[Any], **arguments: Any) -> list[Any]:
        """Submit a task for each element: one for each thread first, so that workers compute while the others travel."""
        some = list(self._threads) if self.refused or self._only is not None else None
        group = group_name(function.__name__)
        with dask.config.set({LARGE: "1 TiB"}):
            key = [(group, number) for number in range(len(tasks))]
            futures: list[Any] = []
            for piece in (slice(self.at_once), slice(self.at_once, None)):
                if tasks[piece]:
                    futures += self.client.map(function, tasks[piece], pure=False, workers=some, key=key[piece], **arguments)
        return futures

    def _results(self, futures: list[Any]) -> tuple[list[Any], float]:
        """Return the results of tasks, and the seconds that they travelled; raise the error of a task."""
        for future in futures:
            error = self._error(future)
            if isinstance(error, distributed.KilledWorker):
                raise ClusterError(f"cluster: expected workers that go on; several ended in the same task ({_line(error)})")
            if error is not None:
                raise error
        arriving = time.perf_counter()
        try:
            results: list[Any] = self.client.gather(futures)
        except (CancelledError, OSError) as error:
            raise Lost(_line(error)) from None
        return results, time.perf_counter() - arriving

    def _error(self, future: Any) -> BaseException | None:
        """Wait for the end of a task, and return its error; raise ClusterError if there are no workers for a minute."""
        while not future.done():
            with suppress(TimeoutError):
                try:
                    future.exception(timeout=POLL)
                except CancelledError as error:
                    raise Lost(_line(error)) from None
            if not future.done():
                connection.check_connected(self.client)
                self._look(now=True)
                self._wait_for_workers()
        if future.status not in {"finished", "error"}:
            raise Lost(future.status)
        found: BaseException | None = future.exception() if future.status == "error" else None
        return found

    # --- workers and failures -------------------------------------------------------------------------------------------------

    def _look(self, *, now: bool = False) -> None:
        """Look for new workers, and refuse those whose results may differ; every NEWS seconds, or now."""
        if not now and time.monotonic() - self._looked < NEWS:
            return
        self._looked = time.monotonic()
        try:
            workers = self.client.scheduler_info(n_workers=-1)["workers"].items()
            found = {address: int(each["nthreads"]) for address, each in workers if self._only is None or address in self._only}
            new = [address for address in found if address not in {*self._threads, *self.refused}]
            inside = [threads_inside(each.get("resources", {})) for address, each in workers if address in found]
            theirs = self.client.run(facts, workers=new, on_error="return") if new else {}
        except (CancelledError, OSError) as error:
            raise Lost(_line(error)) from None
        for address, values in theirs.items():
            if isinstance(values, OSError):
                del found[address]  # it has gone since
            elif line := difference_of(address, values):
                self._refuse(address, line)
        self._threads = {address: threads for address, threads in found.items() if address not in self.refused}
        self._inside = max(inside, default=1)

    def _refuse(self, address: str, line: str) -> None:
        known = address in self.refused  # by another task
        self.refused[address] = line
        self._threads.pop(address, None)
        if self._notice is not None and not known:
            self._notice(f"{line}. The other workers go on without it")

    def _repeated(self, work: Callable[[float], Any]) -> Any:
        """Do some work, given the time of its start; again if its data were lost or a worker was refused meanwhile."""
        start, reason = time.perf_counter(), ""
        for _ in range(REPETITIONS):
            try:
                self._look()
                self._wait_for_workers()
                return work(start)
            except Unequal as unequal:
                reason = difference_of(unequal.address, unequal.facts) or ""
                self._refuse(unequal.address, reason)
            except Lost as lost:
                reason, self._structure = str(lost), None
                connection.check_connected(self.client)
        raise ClusterError(f"cluster: expected workers that go on; a step was lost {REPETITIONS} times ({reason})")

    def _wait_for_workers(self) -> None:
        """Wait until there is a worker; raise ClusterError after a minute."""
        end = time.monotonic() + connection.WORKERS
        while not self._threads:
            if time.monotonic() > end:
                got = next(iter(self.refused.values()), f"none for {connection.WORKERS:g} s. Start workers again")
                raise ClusterError(f"cluster: expected a worker, got {got}")
            time.sleep(POLL / 5)
            self._look(now=True)


def _release(futures: list[Any]) -> None:
    """Let the workers forget results; at once, as Dask may hold references for long."""
    for future in futures:
        future.release()


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split()):.160}"
