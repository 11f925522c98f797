"""Costs of a step on a cluster, measured on this machine: in seconds of the processor, which other programs disturb less.

Seconds of the scheduler are those of its process: with local workers that is this process, whose client is measured apart.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import handmade
from handmade.cluster.connection import connect
from handmade.cluster.sharing import ClusterExecutor
from handmade.cluster.tasks import arrays_of, structure_of
from handmade.engine.arrays import Array
from handmade.engine.optim import Momentum
from handmade.engine.parallel import add_sums
from handmade.gradients import backprop, difference
from handmade.threads import threads
from scale_model import Cluster, Costs
from timing import Spread

METHODS: dict[str, tuple[Callable[..., Any], int]] = {"differences": (difference, 16), "backpropagation": (backprop, 64)}
FEW, MANY = 20, 120  # empty tasks
ROUNDS = 5


@dataclass(frozen=True)
class Shared:
    """Costs that do not depend on the network.

    Attributes
    ----------
    send, task, call : Spread
        As in `Costs`.
    trip : Spread
        Seconds by the clock of an empty task on one worker: two messages between processes that wait for a core, and `task`.
    """

    send: Spread
    task: Spread
    call: Spread
    trip: Spread

    def local(self, workers: int) -> Cluster:
        """Return this machine as a cluster: its latency is the time until a process that gets a message has a core."""
        latency = max(0.0, self.trip.median - self.task.median) / 2
        return Cluster(workers, latency=latency, bandwidth=1e9)


def digits(count: int) -> tuple[Array, Array]:
    """Return images of random pixels and labels; the time of a step does not depend on them much."""
    rng = np.random.default_rng(1)
    return handmade.data.prepare(rng.integers(0, 256, (count, 28, 28, 1), np.uint8)), rng.integers(0, 10, count)


def network_of(preset: str) -> handmade.Network:
    """Return a preset with random weights."""
    return handmade.Network(handmade.networks.described(handmade.networks.PRESETS[preset], np.random.default_rng(0)).layers)


def costs_of(preset: str, method: str, shared: Shared) -> Costs:
    """Measure the costs of a network and a method."""
    gradient, images = METHODS[method]
    network, (x, y) = network_of(preset), digits(images)
    optimiser, weights = Momentum(0.02, 0.9), network_of(preset).parameters()
    state = optimiser.start(weights)
    with threads(1):
        sums = gradient(network, x, y)
        shard = _seconds(lambda: gradient(network, x, y))
        add = _seconds(lambda: add_sums(sums, sums))
        update = _seconds(lambda: (structure_of(network, arrays_of(network)), optimiser.step(weights, sums[1], state)))
    return Costs(
        images=images,
        shard=shard,
        add=add,
        weights=sum(each.nbytes for each in arrays_of(network).values()),
        total=sum(each.nbytes for each in sums[1].values()),
        batch=x.nbytes + y.nbytes,
        send=shared.send.median,
        task=shared.task.median,
        call=shared.call.median,
        update=update,
    )


def shared_costs(workers: int = 4) -> Shared:
    """Measure empty tasks on one worker, and broadcasts to one and to more."""
    with connect("local:1") as client:
        client.wait_for_workers(1)
        executor = ClusterExecutor(client)
        rounds = [(_tasks(executor, FEW), _tasks(executor, MANY)) for _ in range(ROUNDS)]
        send, both, trip = (Spread(tuple((many[i] - few[i]) / (MANY - FEW) for few, many in rounds)) for i in range(3))
        one = [_processor(partial(_broadcast, executor)) for _ in range(2 * ROUNDS)]
    with connect(f"local:{workers}") as client:
        client.wait_for_workers(workers)
        executor = ClusterExecutor(client)
        _broadcast(executor)
        more = [_processor(partial(_broadcast, executor)) for _ in range(2 * ROUNDS)]
    task = Spread(tuple(max(0.0, b - s) for s, b in zip(send.values, both.values, strict=True)))
    call = Spread(tuple(max(0.0, b - a) / (workers - 1) for a, b in zip(one, more, strict=True)))
    return Shared(send, task, call, trip)


def _nothing(_: int) -> None:
    """Compute nothing."""


def _tasks(executor: ClusterExecutor, count: int) -> tuple[float, float, float]:
    """Return the seconds of this thread, of this process, and by the clock, for some empty tasks."""
    clock, process, thread = time.perf_counter(), time.process_time(), time.thread_time()
    futures = executor._submit(_nothing, list(range(count)))  # noqa: SLF001  as a step does
    thread = time.thread_time() - thread
    executor.client.gather(futures)
    for future in futures:
        future.release()
    return thread, time.process_time() - process, time.perf_counter() - clock


def _broadcast(executor: ClusterExecutor) -> None:
    executor._scatter("weights", 0.0).release()  # noqa: SLF001  as a step does


def _processor(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _seconds(work: Callable[[], object]) -> float:
    work()
    return float(np.median([_processor(work) for _ in range(ROUNDS)]))
