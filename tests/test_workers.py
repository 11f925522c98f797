"""The pool: everything comes back, in order and whole, and what goes wrong elsewhere is seen here."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.shared_memory import SharedMemory

import numpy as np
import pytest

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.workers import pool as pools
from handmade.workers import workers
from handmade.workers.pool import ProcessPool, WorkerLostError
from handmade.workers.shared_memory import Layout, pack, unpack

COUNT = 3  # this process among them


def nothing() -> None:
    """What a process of these tests does first."""


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPool]:
    with ProcessPool(COUNT - 1, nothing) as made:
        yield made


def twice(x: Array) -> tuple[Array, int]:
    return 2 * x, os.getpid()


def last_of(shared: dict[str, Array], i: int) -> tuple[int, float]:
    return i, float(shared["large"][i] + shared["other"][0, 0])


def slowly(x: float) -> float:
    time.sleep(x)
    return x


def writeable(x: Array) -> tuple[bool, int]:
    return x.flags.writeable, os.getpid()


def refuse(i: int) -> int:
    if i == 3:
        raise ValueError(f"not {i}")
    return i


class Stubborn(Exception):
    """Cannot be pickled."""

    def __reduce__(self) -> str:
        raise TypeError


def stubbornly(parent: int) -> int:
    if os.getpid() != parent:
        raise Stubborn("no way")
    time.sleep(0.2)
    return parent


def die(parent: int) -> int:
    if os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2)
    return parent


def test_results_come_in_the_order_of_the_tasks_from_everybody(pool: ProcessPool) -> None:
    tasks = [np.full((50, 40), i) for i in range(24)]
    who = set()
    for _ in range(3):  # the first time through the pipes, then through shared memory
        for i, (doubled, pid) in enumerate(pool.map(twice, tasks)):
            np.testing.assert_array_equal(doubled, 2 * tasks[i], strict=True)
            who.add(pid)
    assert os.getpid() in who
    assert 2 <= len(who) <= COUNT


def test_no_tasks_have_no_results(pool: ProcessPool) -> None:
    assert list(pool.map(twice, [])) == []


def test_several_iterables_are_taken_together(pool: ProcessPool) -> None:
    assert list(pool.map(pow, [2, 3, 4], [1, 2, 3])) == [2, 9, 64]


@pytest.mark.parametrize("size", [0, 1, 1000, 300_000])
def test_arrays_of_every_size_and_layout_come_back_as_they_were(pool: ProcessPool, size: int) -> None:
    x = np.arange(2 * size, dtype=np.float32).reshape(2, size)
    for array in (x, x.T, x[:, ::2], np.asfortranarray(x)):
        for _ in range(2):
            for doubled, _ in pool.map(twice, [array] * 5):
                np.testing.assert_array_equal(doubled, 2 * array, strict=True)


def test_what_comes_back_is_the_callers_own(pool: ProcessPool) -> None:
    x = np.ones((100, 100))
    before = [doubled for doubled, _ in pool.map(twice, [x] * 6)]
    for doubled in before:
        np.add(doubled, 1, out=doubled)
    list(pool.map(twice, [5 * x] * 6))
    assert all((doubled == 3).all() for doubled in before)


def test_what_arrives_is_read_only(pool: ProcessPool) -> None:
    seen = [found for _ in range(2) for found in pool.map(writeable, [np.zeros(1000)] * 9)][9:]
    assert {may for may, pid in seen if pid != os.getpid()} == {False}


def test_an_array_that_many_tasks_have_is_laid_down_once(pool: ProcessPool) -> None:
    shared = {"large": np.arange(100_000.0), "other": np.full((3, 3), 0.5)}
    for _ in range(2):
        found = list(pool.map(partial(last_of, shared), range(40)))
        assert found == [(i, i + 0.5) for i in range(40)]
    assert pool._inputs < 40 * shared["large"].nbytes


def test_calls_may_overlap(pool: ProcessPool) -> None:
    first, second = pool.map(refuse, [0, 1, 2]), pool.map(twice, [np.ones(3)] * 4)
    assert [float(doubled.sum()) for doubled, _ in second] == [6] * 4
    assert list(first) == [0, 1, 2]


def test_an_exception_is_raised_when_it_is_its_turn_and_the_pool_goes_on(pool: ProcessPool) -> None:
    for tasks in ([0, 1, 2, 3, 4, 5], [3, 3, 3]):
        results = pool.map(refuse, tasks)
        assert [next(results) for _ in range(tasks.index(3))] == tasks[: tasks.index(3)]
        with pytest.raises(ValueError, match="not 3"):
            next(results)
    assert list(pool.map(refuse, [4, 5])) == [4, 5]


def test_an_exception_elsewhere_shows_where(pool: ProcessPool) -> None:
    with pytest.raises(RuntimeError, match="Stubborn: no way") as caught:
        list(pool.map(stubbornly, [os.getpid()] * COUNT))
    assert "in stubbornly" in str(caught.value.__cause__)


def test_results_that_nobody_wants_any_more_do_no_harm(pool: ProcessPool) -> None:
    for _ in range(3):
        results = pool.map(twice, [np.ones(10_000)] * 20)
        next(results)
        results.close()  # type: ignore[attr-defined]  # a generator
        assert [float(doubled.sum()) for doubled, _ in pool.map(twice, [np.full(10_000, 2.0)] * 6)] == [40_000] * 6


def test_a_result_that_takes_too_long_is_not_waited_for() -> None:
    with ProcessPool(1, nothing) as own:
        results = own.map(slowly, [30.0, 0.0], timeout=0.3)
        began = time.monotonic()
        with pytest.raises(TimeoutError, match=r"0\.3 s"):
            next(results)
    assert time.monotonic() - began < 20  # and the process that slept is gone


def test_without_shared_memory_everything_goes_through_the_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "new_block", lambda _: None)
    x = np.arange(200_000.0)  # more than a pipe holds, in both directions
    with ProcessPool(COUNT - 1, nothing) as own:
        for doubled, _ in own.map(twice, [x] * 12):
            np.testing.assert_array_equal(doubled, 2 * x)


def test_a_process_that_was_killed_is_noticed() -> None:
    own = ProcessPool(1, nothing)
    with pytest.raises(WorkerLostError, match="was it killed") as caught, own:
        list(own.map(die, [os.getpid()] * 4))
    assert isinstance(caught.value, HandmadeError)
    assert isinstance(caught.value, BrokenProcessPool)


def test_shared_memory_is_given_back() -> None:
    with ProcessPool(1, nothing) as own:
        for _ in range(2):
            list(own.map(twice, [np.ones(1000)] * 4))
        names = [block.name for block in own._idle]
        assert names
    for name in names:
        with pytest.raises(FileNotFoundError):
            SharedMemory(name)


def test_one_worker_is_this_thread_alone() -> None:
    with workers(1) as executor:
        assert executor is None
    with workers(2) as executor:
        assert executor is not None
        assert list(executor.map(abs, [-1, 2])) == [1, 2]


def test_a_layout_knows_an_array_again_and_begins_each_at_a_cache_line() -> None:
    a, b = np.arange(5.0), np.arange(100, dtype=np.uint8)
    pickled, buffers = pack({"a": a, "b": b, "again": a[:]})
    layout, memory = Layout(start=64), memoryview(bytearray(512))

    spans = layout.spans(buffers)
    layout.copy(buffers, spans, memory)

    assert spans == [(64, 104), (128, 228), (64, 104)]
    assert layout.end == 256
    found = unpack(pickled, [memory[slice(*span)] for span in spans])
    np.testing.assert_array_equal(found["again"], a)
    np.testing.assert_array_equal(found["b"], b)
