"""Who shares the work: this process and others, each with one BLAS thread.

Not threads: all gradients are made of many short NumPy calls, between which threads would wait for each other's interpreter lock.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from handmade.workers.cores import bound, cores
from handmade.workers.pool import ProcessPool

__all__ = ["bound", "cores", "workers"]


@contextmanager
def workers(count: int) -> Iterator[Executor | None]:
    """Provide an executor of this thread and `count - 1` processes; None, for this thread alone, when it is one.

    Meanwhile the BLAS of this process uses one thread, so that nobody gets in anybody's way.
    """
    with threadpool_limits(limits=1):
        if count == 1:
            yield None
            return
        with _without_ctrl_c():
            pool = ProcessPool(count - 1, _start)
        with pool:
            yield pool


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Processes that start meanwhile are deaf to Ctrl-C from the first: what this one ignores, they begin by ignoring."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may change what a signal does
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _start() -> None:
    """Leave Ctrl-C to the process that hands out the work, end with it, and keep the BLAS to one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(limits=1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Where the process that hands out the work is killed, nobody tells its workers, and they would wait for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
