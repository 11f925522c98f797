"""What goes to a process of the pool and comes back, and what the process does in between."""

import os
import pickle
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import NamedTuple, TypeAlias

from handmade.workers.shared_memory import Layout, Span, leave, pack, seen, unpack

AWAKE = 0.003  # seconds that a process asks again and again, before it sleeps until somebody writes

Key: TypeAlias = tuple[int, int]  # the number of a call, and of a task in it


class Task(NamedTuple):
    """What goes to a process: pickled but for its arrays, where these lie, and where those of the result may go."""

    key: Key
    pickled: bytes
    block: str
    spans: list[Span]
    room: Span


class Answer(NamedTuple):
    """What comes back: a result, pickled but for its arrays, where these lie and how many bytes they need; or an exception."""

    key: Key
    pickled: bytes
    spans: list[Span]
    size: int
    traceback: str


def serve(pipe: Connection, initializer: Callable[[], None]) -> None:
    """What a process does: tasks, until there is nobody to give them."""
    initializer()
    with suppress(EOFError, OSError):
        while True:
            awake = time.monotonic() + AWAKE
            while not pipe.poll() and time.monotonic() < awake:
                _step_aside()
            pipe.send(_answer(pipe.recv()))


def _step_aside() -> None:
    """Let others have the core, if there are any that wait for it."""
    if hasattr(os, "sched_yield"):
        os.sched_yield()


def _answer(task: Task) -> Answer:
    try:
        memory = seen(_attached(task.block)) if task.block else memoryview(b"")
        fn, arguments = unpack(task.pickled, [memory[slice(*span)].toreadonly() for span in task.spans])
        result = fn(*arguments)
        pickled, buffers = pack(result)
        layout = Layout(task.room[0])
        spans = layout.spans(buffers)
        size = layout.end - task.room[0]
        if layout.end > task.room[1]:
            return Answer(task.key, pickle.dumps(result, protocol=5), [], size, "")
        layout.copy(buffers, spans, memory)
        return Answer(task.key, pickled, spans, size, "")
    except Exception as error:  # noqa: BLE001  it is raised where the task came from
        return Answer(task.key, _pickled(error), [], 0, traceback.format_exc())


def _pickled(error: Exception) -> bytes:
    try:
        return pickle.dumps(error)
    except Exception:  # noqa: BLE001  whatever an exception's own pickling may raise
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))


_blocks: dict[str, SharedMemory] = {}  # of a process: the one that it saw last


def _attached(name: str) -> SharedMemory:
    if name not in _blocks:
        for other in list(_blocks):
            leave(_blocks.pop(other))
        _blocks[name] = SharedMemory(name)
    return _blocks[name]
