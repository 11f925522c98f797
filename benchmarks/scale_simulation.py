"""Simulation of one step on a cluster: each message and each task, in the order of Dask, with latency and bandwidth.

Needs simpy 4.1 (`pip install simpy==4.1.2`), which is no dependency of handmade.

A message holds the outgoing side of its sender and the incoming side of its receiver for bytes / bandwidth, and arrives a
latency later. The scheduler does one thing at a time. A worker computes its tasks, and receives data meanwhile.
"""

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import simpy

from handmade.cluster.sharing import TOGETHER
from scale_model import Cluster, Costs, generations, plan_of, work_of

Events = Generator[Any, Any, Any]


@dataclass
class Node:
    """Client, scheduler or worker: both sides of its connection, its threads, and the parts that it holds."""

    out: Any
    into: Any
    threads: Any
    held: set[tuple[int, int]] = field(default_factory=set)
    free: int = 0
    adding: int = 0


class Step:
    """One step, simulated; `seconds` is its duration."""

    def __init__(self, costs: Costs, cluster: Cluster, images: int, together: int = TOGETHER, seed: int = 0) -> None:
        self.costs, self.cluster, self.together = costs, cluster, together
        self.plan = plan_of(images, costs.images, cluster, together)
        self.random = random.Random(seed)  # noqa: S311  choices of workers
        self.env = simpy.Environment()
        self.cores = simpy.Resource(self.env, cluster.cores) if cluster.cores else None
        self.client, self.scheduler = self._node(1), self._node(1)
        self.workers = [self._node(cluster.tasks) for _ in range(cluster.workers)]
        self.queue: list[int] = []  # tasks that are not given out
        self.missing: dict[tuple[int, int], int] = {}  # parts that an addition waits for
        self.place: dict[tuple[int, int], Node] = {}
        self.computing = 0.0
        self.done = self.env.event()
        end = self.env.process(self._client())
        self.env.run(until=end)
        self.seconds = float(self.env.now)

    def _node(self, threads: int) -> Node:
        resource = simpy.Resource
        return Node(resource(self.env), resource(self.env), resource(self.env, threads), free=threads)

    # --- messages and computation ---------------------------------------------------------------------------------------------

    def _send(self, sender: Node, receiver: Node, size: float = 0) -> Events:
        if sender is not receiver:
            if size:
                with sender.out.request() as out:
                    yield out
                    with receiver.into.request() as into:
                        yield into
                        yield self.env.timeout(size / self.cluster.bandwidth)
            yield self.env.timeout(self.cluster.latency)

    def _compute(self, node: Node, seconds: float) -> Events:
        with node.threads.request() as thread:
            yield thread
            if self.cores is None:
                yield self.env.timeout(seconds)
            else:
                with self.cores.request() as core:
                    yield core
                    yield self.env.timeout(seconds)

    # --- client ---------------------------------------------------------------------------------------------------------------

    def _client(self) -> Events:
        costs, client, scheduler = self.costs, self.client, self.scheduler
        yield from self._send(client, scheduler, costs.weights)
        yield self.env.process(self._broadcast())
        yield from self._send(scheduler, client)
        numbers, at_once = range(len(self.plan.tasks)), self.cluster.at_once
        for piece in (numbers[:at_once], numbers[at_once:]):
            yield from self._compute(client, len(piece) * costs.send)
            self.env.process(self._arrive(0, sum(self.plan.tasks[each] for each in piece) * costs.batch, piece))
        for number, level in enumerate(self.plan.levels, 1):
            yield from self._compute(client, len(level) * costs.send)
            self.env.process(self._arrive(number, 0))
        holder = yield self.done
        yield from self._send(scheduler, client)
        yield from self._send(client, scheduler)
        yield from self._send(scheduler, holder)
        yield from self._send(holder, scheduler, costs.total)
        yield from self._send(scheduler, client, costs.total)
        yield from self._compute(client, costs.update)

    # --- scheduler ------------------------------------------------------------------------------------------------------------

    def _broadcast(self) -> Events:
        holders, rest = self.workers[:1], self.workers[1:]
        yield from self._compute(self.scheduler, self.costs.call)
        yield from self._send(self.scheduler, holders[0], self.costs.weights)
        yield from self._send(holders[0], self.scheduler)
        for new in generations(len(self.workers)):
            yield simpy.AllOf(
                self.env, [self.env.process(self._copy(worker, self.random.choice(holders))) for worker in rest[:new]]
            )
            holders, rest = holders + rest[:new], rest[new:]

    def _copy(self, worker: Node, holder: Node) -> Events:
        yield from self._compute(self.scheduler, self.costs.call)
        yield from self._send(self.scheduler, worker)
        yield from self._send(worker, holder)
        yield from self._send(holder, worker, self.costs.weights)
        yield from self._send(worker, self.scheduler)

    def _arrive(self, level: int, size: float, tasks: Sequence[int] = ()) -> Events:
        """Receive the tasks of a level: 0 for those that compute shards."""
        yield from self._send(self.client, self.scheduler, size)
        count = len(self.plan.levels[level - 1] if level else tasks)
        yield from self._compute(self.scheduler, count * self.costs.task / 2)
        if level:
            for number, parts in enumerate(self.plan.levels[level - 1]):
                known = sum((level - 1, part) in self.place for part in self._parts(level, number))
                self.missing[level, number] = parts - known
                self._add_if_ready(level, number)
        else:
            self.queue += tasks
            for _ in range(self.cluster.tasks):
                for worker in self.workers:
                    self._give_out(worker)

    def _parts(self, level: int, number: int) -> range:
        return range(number * self.together, number * self.together + self.plan.levels[level - 1][number])

    def _give_out(self, worker: Node) -> None:
        if worker.free and self.queue:
            worker.free -= 1
            self.env.process(self._shards(worker, self.queue.pop(0)))

    def _add_if_ready(self, level: int, number: int) -> None:
        if self.missing.get((level, number)) == 0:
            self.missing[level, number] = -1
            places = [self.place[level - 1, part] for part in self._parts(level, number)]
            worker = max(self.workers, key=lambda each: (sum(place is each for place in places), -each.adding))
            worker.adding += 1
            self.env.process(self._addition(worker, level, number))

    def _report(self, worker: Node, level: int, number: int) -> Events:
        """Tell the scheduler the end of a task; it gives out what can be computed now."""
        worker.held.add((level, number))
        yield from self._send(worker, self.scheduler)
        yield from self._compute(self.scheduler, self.costs.task / 2)
        self.place[level, number] = worker
        if level == 0:
            worker.free += 1
            self._give_out(worker)
        else:
            worker.adding -= 1
        if level == len(self.plan.levels):
            self.done.succeed(worker)
        else:
            parent = level + 1, number // self.together
            if parent in self.missing:
                self.missing[parent] -= 1
                self._add_if_ready(*parent)

    # --- workers --------------------------------------------------------------------------------------------------------------

    def _shards(self, worker: Node, number: int) -> Events:
        shards = self.plan.tasks[number]
        yield from self._send(self.scheduler, worker, shards * self.costs.batch)
        seconds = work_of(self.costs, self.cluster, shards)
        self.computing += seconds
        yield from self._compute(worker, seconds)
        yield from self._report(worker, 0, number)

    def _addition(self, worker: Node, level: int, number: int) -> Events:
        yield from self._send(self.scheduler, worker)
        parts = self._parts(level, number)
        others = [self.place[level - 1, part] for part in parts if self.place[level - 1, part] is not worker]
        yield simpy.AllOf(self.env, [self.env.process(self._fetch(worker, other)) for other in others])
        seconds = (len(parts) - 1) * self.costs.add
        self.computing += seconds
        yield from self._compute(worker, seconds)
        yield from self._report(worker, level, number)

    def _fetch(self, worker: Node, other: Node) -> Events:
        yield from self._send(worker, other)
        yield from self._send(other, worker, self.costs.total)
