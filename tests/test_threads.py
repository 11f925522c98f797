"""The threads: everybody works, results come in order, and nothing hangs when something goes wrong."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import handmade
from handmade.threads import Threads, cores, threads

PATIENCE = 20  # seconds until something has hung
COUNT = 3  # this thread among them


@pytest.fixture(scope="module")
def pool() -> Iterator[Threads]:
    with Threads(COUNT) as made:
        yield made


def in_time(work: Callable[[], object]) -> object:
    """What the work returns; it fails if it hangs."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(work).result(PATIENCE)


def noting(begun: list[int]) -> Callable[[int], int]:
    """A task that writes down that it was begun, takes its time, and returns its number."""

    def work(number: int) -> int:
        begun.append(number)
        time.sleep(0.001)
        return number

    return work


def refuse(number: int) -> int:
    if number == 3:
        raise ValueError(f"not {number}")
    return number


# --- results ------------------------------------------------------------------------------------------------------------------


def test_results_come_in_the_order_of_the_tasks_from_everybody(pool: Threads) -> None:
    together = threading.Barrier(COUNT)  # each of the first tasks waits for the others

    def work(number: int) -> tuple[int, int]:
        if number < COUNT:
            together.wait(PATIENCE)
        time.sleep(0.002 * (number % 3))
        return number, threading.get_ident()

    numbers, who = zip(*pool.map(work, range(30)), strict=True)

    assert numbers == tuple(range(30))
    assert threading.get_ident() in who
    assert len(set(who)) == COUNT


def test_no_tasks_have_no_results_and_one_is_the_callers(pool: Threads) -> None:
    assert list(pool.map(abs, [])) == []
    assert list(pool.map(lambda _: threading.get_ident(), [0])) == [threading.get_ident()]


def test_several_iterables_are_taken_together_as_far_as_the_shortest_goes(pool: Threads) -> None:
    assert list(pool.map(pow, [2, 3, 4], [1, 2, 3, 4])) == [2, 9, 64]


def test_an_executor_is_what_the_standard_library_expects(pool: Threads) -> None:
    assert isinstance(pool, Executor)
    assert pool.submit(pow, 2, 5).result(PATIENCE) == 32
    assert list(pool.map(abs, [-1, 2], timeout=PATIENCE, chunksize=7)) == [1, 2]


def test_a_helper_is_called_once_and_not_once_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def counted(self: Threads, *work: Any) -> Any:
        calls.append(work)
        return ThreadPoolExecutor.submit(self, *work)

    monkeypatch.setattr(Threads, "submit", counted)
    with Threads(COUNT) as own:
        assert list(own.map(abs, range(-50, 0))) == list(range(50, 0, -1))
        assert len(calls) == COUNT - 1
        assert list(own.map(abs, [-1, -2])) == [1, 2]
    assert len(calls) == COUNT


def test_results_are_kept_no_longer_than_they_are_wanted(pool: Threads) -> None:
    results = pool.map(lambda _: np.zeros(10), range(4))
    reference = weakref.ref(next(results))
    gc.collect()
    assert reference() is None
    assert len(list(results)) == 3


# --- calls --------------------------------------------------------------------------------------------------------------------


def test_calls_may_overlap(pool: Threads) -> None:
    first, second = pool.map(refuse, [0, 1, 2]), pool.map(abs, [-5, -6])
    assert list(second) == [5, 6]
    assert list(first) == [0, 1, 2]


def test_a_task_may_share_out_tasks_of_its_own(pool: Threads) -> None:
    def tree(depth: int) -> int:
        return 1 + sum(pool.map(tree, [depth - 1] * 3)) if depth else 1

    assert in_time(lambda: tree(5)) == (3**6 - 1) // 2


def test_several_threads_may_share_out_at_once(pool: Threads) -> None:
    start = threading.Barrier(8)

    def caller(k: int) -> bool:
        start.wait(PATIENCE)
        return all(list(pool.map(lambda i: (k, i), range(20))) == [(k, i) for i in range(20)] for _ in range(30))

    with ThreadPoolExecutor(8) as callers:
        assert all(callers.map(caller, range(8), timeout=PATIENCE))


# --- what goes wrong ----------------------------------------------------------------------------------------------------------


def test_an_exception_is_raised_when_it_is_its_turn_and_the_rest_is_not_begun(pool: Threads) -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        return refuse(number)

    for _ in range(20):
        begun.clear()
        results = pool.map(work, range(1000))
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(ValueError, match="not 3"):
            next(results)
        assert len(begun) < 1000
        assert list(results) == []
    assert list(pool.map(refuse, [4, 5])) == [4, 5]


def test_of_several_exceptions_the_first_in_the_order_is_raised(pool: Threads) -> None:
    def work(number: int) -> None:
        time.sleep(0.05 if number == 0 else 0)  # the first one is the last to fail
        raise ValueError(f"task {number}")

    with pytest.raises(ValueError, match="task 0"):
        list(pool.map(work, range(9)))


def test_a_helper_that_would_leave_is_seen(pool: Threads) -> None:
    here = threading.get_ident()

    def work(_: int) -> None:
        time.sleep(0.01)
        if threading.get_ident() != here:
            raise SystemExit(3)

    with pytest.raises(SystemExit):
        list(pool.map(work, range(50)))
    assert list(pool.map(abs, [-1, -2, -3])) == [1, 2, 3]


def test_results_that_nobody_wants_any_more_are_not_made(pool: Threads) -> None:
    begun: list[int] = []
    results = pool.map(noting(begun), range(1000))
    next(results)
    results.close()  # type: ignore[attr-defined]  # a generator
    count = len(begun)
    time.sleep(0.05)
    assert len(begun) <= count + COUNT < 1000


def test_an_executor_that_is_shut_down_begins_nothing_more_and_the_caller_can_do_the_rest() -> None:
    own = Threads(COUNT)
    begun: list[int] = []
    results = own.map(noting(begun), range(300))
    own.shutdown()
    assert len(begun) < 300
    assert list(results) == list(range(300))
    with pytest.raises(RuntimeError):
        own.map(abs, [1, 2])


def test_a_result_that_takes_too_long_is_not_waited_for() -> None:
    here, free = threading.get_ident(), threading.Event()

    def work(_: int) -> None:
        if threading.get_ident() != here:
            free.wait(PATIENCE)

    with Threads(2) as own:
        results = own.map(work, range(500), timeout=0.1)
        time.sleep(0.02)  # so that the helper has the first task
        with pytest.raises(TimeoutError, match="expected a result in time"):
            list(results)
        free.set()


SCRIPT = """
import threading, time
from handmade.threads import threads

begun = []
def work(number):
    begun.append(number)
    if len(begun) == 2:
        print("working", flush=True)
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        time.sleep(0.01)

try:
    with threads(2) as executor:
        for _ in executor.map(work, range(1000)):
            WHERE
except KeyboardInterrupt:
    print("left", len(begun), threading.active_count(), flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are sent to a process")
@pytest.mark.parametrize("where", ["pass", "time.sleep(30)"], ids=["in a task", "between results"])
def test_ctrl_c_ends_the_work_and_nothing_hangs(where: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", SCRIPT.replace("WHERE", where)], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    try:
        assert child.stdout.readline() == "working\n"
        time.sleep(0.1 if where == "pass" else 0.6)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=PATIENCE)
    finally:
        child.kill()
    word, begun, alive = out.split()
    assert (word, alive) == ("left", "1")
    assert int(begun) < 1000
    assert child.returncode == 0


# --- the context --------------------------------------------------------------------------------------------------------------


def blas_threads() -> set[int]:
    return {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


def test_one_thread_is_this_one_alone() -> None:
    with threads(1) as executor:
        assert executor is None
    with threads(2) as executor:
        assert executor is not None
        assert list(executor.map(abs, [-1, 2])) == [1, 2]


@pytest.mark.parametrize("count", [1, 2])
def test_the_blas_keeps_to_one_thread_meanwhile(count: int) -> None:
    before = blas_threads()
    with threads(count) as executor:
        assert blas_threads() <= {1}
        if executor is not None:
            wait([executor.submit(blas_threads)])
    assert blas_threads() == before


def test_the_threads_end_with_the_context() -> None:
    before = threading.active_count()
    with pytest.raises(ValueError, match="not 3"), threads(4) as executor:
        list(executor.map(refuse, range(20)) if executor else [])
    assert threading.active_count() == before


def test_a_gradient_has_the_same_bits_however_many_threads_share_it() -> None:
    digits = handmade.data.mnist().train
    network = handmade.networks.readme(np.random.default_rng(0))
    x, y = handmade.data.prepare(digits.images[:70]), digits.labels[:70]
    for gradient in (handmade.gradients.backprop, handmade.gradients.difference):
        with threads(1):  # a BLAS with several threads may round otherwise
            L, alone = gradient(network, x, y)
        with threads(max(2, cores())) as executor:
            for _ in range(3):
                other, shared = gradient(network, x, y, executor=executor)
                assert other == L
                for name, array in alone.items():
                    np.testing.assert_array_equal(shared[name], array, strict=True)
