"""Processes that share the work with the caller, and memory for the arrays that go to them and come back.

The pool of `concurrent.futures` hands a task from thread to thread before it reaches a process, and its arrays through a pipe.
For a gradient of some milliseconds that is too long a way. Here the caller works, too, and writes to the processes and reads from
them by itself. Arrays lie in shared memory, in a block that is used again for the next call; where there is none, or it is too
small, they take the pipe. And like the threads of the frameworks, processes stay awake for a moment after their work: on a
virtual machine, to wake a core takes longer than many a matrix product.
"""

import pickle
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.shared_memory import SharedMemory
from typing import Any, TypeAlias, TypeVar

from handmade.engine.errors import HandmadeError
from handmade.workers.process import AWAKE, Answer, Key, Task, serve
from handmade.workers.shared_memory import Layout, drop, new_block, pack, seen, unpack

LARGEST_ROOM = 2**26  # bytes of a block that are kept for results; what finds no room there takes the pipe
SHORT = 2**14  # bytes of a task that a pipe surely takes, even while the process at its other end is busy
AHEAD = 2  # tasks that a process has at a time, so that it need not wait for the next
LOST = (
    "a process that shared the work has ended: was it killed, or is there too little memory? "
    'A script that asks for workers wants to do so under if __name__ == "__main__":'
)

Result = TypeVar("Result")
Outcome: TypeAlias = tuple[Any, Exception | None]


@dataclass
class Worker:
    """A process, this end of its pipe, and the tasks that it has."""

    process: BaseProcess
    pipe: Connection
    tasks: list[Key] = field(default_factory=list)


@dataclass
class Call:
    """A `map` whose results are wanted: what is to be done, and the block for its arrays; `room` bytes of it for each result."""

    fn: Callable[..., Any]
    tasks: list[tuple[Any, ...]]
    block: SharedMemory | None
    room: int
    layout: Layout
    alive: list[memoryview] = field(default_factory=list)  # what has been laid out
    long: bool = False  # whether its tasks are too long to be sent ahead

    def task(self, key: Key) -> Task:
        """A task, made ready for a process."""
        what = self.fn, self.tasks[key[1]]
        pickled, buffers = pack(what)
        self.alive += buffers
        spans = self.layout.spans(buffers)
        if self.block is None or self.layout.end > self.block.size:
            return Task(key, pickle.dumps(what, protocol=5), "", [], (0, 0))
        self.layout.copy(buffers, spans, seen(self.block))
        return Task(key, pickled, self.block.name, spans, (key[1] * self.room, (key[1] + 1) * self.room))

    def outcome(self, answer: Answer) -> Outcome:
        """What an answer says; the arrays of a result are copied out of the block."""
        if answer.traceback:
            error = unpack(answer.pickled, [])
            error.__cause__ = InProcess(f"\n{answer.traceback}")
            return None, error
        buffers = [bytearray(seen(self.block)[slice(*span)]) for span in answer.spans] if self.block else []
        return unpack(answer.pickled, buffers), None


class InProcess(Exception):
    """The traceback of an exception in another process: its cause, to show where it was raised."""


class WorkerLostError(HandmadeError, BrokenProcessPool):
    """A process has ended before its work."""


class ProcessPool(Executor):
    """An executor that has nothing but `map`, for one thread, which works too.

    Parameters
    ----------
    count : int
        How many processes there are beside it.
    initializer : callable
        What each of them does first.
    """

    def __init__(self, count: int, initializer: Callable[[], None]) -> None:
        self._workers: list[Worker] = []
        self._queue: deque[Key] = deque()
        self._outcomes: dict[Key, Outcome] = {}
        self._calls: dict[int, Call] = {}
        self._number = 0  # of the last call
        self._idle: list[SharedMemory] = []
        self._inputs = self._room = 0  # bytes that the arrays of all tasks of a call, and of one result, have needed
        context = get_context("spawn")
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(theirs, initializer), daemon=True)
            process.start()
            theirs.close()
            self._workers.append(Worker(process, ours))

    def map(
        self, fn: Callable[..., Result], *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1
    ) -> Iterator[Result]:
        """The results in the order of the tasks, as in the class above; `chunksize` plays no part.

        Arrays arrive at a process read-only; those that come back are the caller's own.

        Raises
        ------
        WorkerLostError
            If a process has ended.
        TimeoutError
            If nothing comes back for so many seconds.
        """
        tasks = list(zip(*iterables, strict=False))
        room = self._room if self._room * len(tasks) <= LARGEST_ROOM else 0
        block = self._block(self._inputs + room * len(tasks))
        self._number += 1
        self._calls[self._number] = Call(fn, tasks, block, room, Layout(room * len(tasks)))
        self._queue.extend((self._number, i) for i in range(len(tasks)))
        self._hand_out()
        return self._results(self._number, timeout)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  as above
        """End the processes, whatever they are doing, and give the shared memory back."""
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
        for block in [*self._idle, *(call.block for call in self._calls.values())]:
            if block is not None:
                drop(block)
        self._workers.clear()
        self._idle.clear()
        self._calls.clear()

    def _results(self, number: int, timeout: float | None) -> Iterator[Any]:
        call = self._calls[number]
        try:
            for key in [(number, i) for i in range(len(call.tasks))]:
                while key not in self._outcomes:
                    if not self._receive(0):
                        self._work() if self._queue else self._wait(timeout)
                result, error = self._outcomes.pop(key)
                if error is not None:
                    raise error
                yield result
        finally:
            self._forget(number)

    def _forget(self, number: int) -> None:
        """The results of a call are not wanted any more, whether they were all there or not."""
        call = self._calls.pop(number, None)
        if call is None:
            return  # shut down meanwhile
        self._queue = deque(key for key in self._queue if key[0] != number)
        self._outcomes = {key: outcome for key, outcome in self._outcomes.items() if key[0] != number}
        self._inputs = max(self._inputs, call.layout.end - call.room * len(call.tasks))
        if call.block is not None and any(key[0] == number for worker in self._workers for key in worker.tasks):
            drop(call.block)  # somebody may still write there
        elif call.block is not None:
            self._idle.append(call.block)

    def _block(self, size: int) -> SharedMemory | None:
        """One that nobody uses now, large enough; None where it cannot be had."""
        while self._idle:
            block = self._idle.pop()
            if block.size >= size:
                return block
            drop(block)
        return new_block(size)

    def _hand_out(self) -> None:
        """Give tasks to those who have fewest; the last one, before somebody would have two, is the caller's."""
        while self._queue and self._workers:
            worker = min(self._workers, key=lambda each: len(each.tasks))
            call = self._calls[self._queue[0][0]]
            if worker.tasks and (call.long or len(worker.tasks) >= AHEAD or len(self._queue) == 1):
                return
            task = call.task(self._queue[0])
            call.long = call.long or len(task.pickled) > SHORT
            if worker.tasks and call.long:
                return  # both might wait for each other to read
            self._queue.popleft()
            with _noticed():
                worker.pipe.send(task)
            worker.tasks.append(task.key)

    def _work(self) -> None:
        """Do what comes next here."""
        key = self._queue.popleft()
        call = self._calls[key[0]]
        try:
            self._outcomes[key] = call.fn(*call.tasks[key[1]]), None
        except Exception as error:  # noqa: BLE001  raised when it is its turn
            self._outcomes[key] = None, error

    def _wait(self, timeout: float | None) -> None:
        awake = time.monotonic() + AWAKE
        while time.monotonic() < awake:
            if self._receive(0):
                return
        if not self._receive(timeout):
            raise TimeoutError(f"no result within {timeout} s")

    def _receive(self, timeout: float | None) -> bool:
        """Take what answers there are, hand out what can be, and say whether there were any."""
        busy: dict[object, Worker] = {worker.pipe: worker for worker in self._workers if worker.tasks}
        ready = wait([worker.pipe for worker in self._workers if worker.tasks], timeout)
        for worker in map(busy.__getitem__, ready):
            with _noticed():
                answer: Answer = worker.pipe.recv()
            worker.tasks.remove(answer.key)
            call = self._calls.get(answer.key[0])
            if call is not None:
                self._outcomes[answer.key] = call.outcome(answer)
            self._room = max(self._room, answer.size)
        if ready:
            self._hand_out()
        return bool(ready)


@contextmanager
def _noticed() -> Iterator[None]:
    """What a pipe says when there is nobody at its other end."""
    try:
        yield
    except (EOFError, OSError):
        raise WorkerLostError(LOST) from None
