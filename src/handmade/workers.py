"""The cores that share the work, each with one BLAS thread: processes, or threads of this one.

A difference gradient is made of many short NumPy calls, between which threads would wait for each other's interpreter lock;
processes do not, and what goes to them and back, weights and gradients, is small beside the work. Backpropagation is a few long
calls, which let go of the lock, and too little work for the way to a process and back: threads.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from threadpoolctl import threadpool_limits


def bound() -> int:
    """How many cores this process is bound to: all of the machine's, unless somebody restricted it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores() -> int:
    """How many cores this process may use: those it is bound to, or fewer where a cgroup grants less time."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, min(bound(), int(quota) // int(period)))
    except (OSError, ValueError):  # no cgroup, or no limit ("max")
        return bound()


@contextmanager
def workers(count: int, *, threads: bool = False) -> Iterator[Executor | None]:
    """Provide `count` workers as an executor, processes or threads; None, for this thread alone, when it is one.

    Meanwhile the BLAS of this process uses one thread, too, so that nobody gets in anybody's way.
    """
    with threadpool_limits(limits=1):
        if count == 1:
            yield None
            return
        if threads:
            with ThreadPoolExecutor(count) as executor:
                yield executor
            return
        pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), initializer=_start)
        try:
            _start_without_ctrl_c(pool, count)
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def _start_without_ctrl_c(pool: Executor, count: int) -> None:
    """Start the workers now, deaf to Ctrl-C from their first moment: what this process ignores, they begin by ignoring."""
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may change what a signal does
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for _ in range(count):
            pool.submit(int)
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
