"""Model of one step on a cluster: formulas for its seconds, from costs that `benchmarks/scale.py` measures.

    step = broadcast + submission + computation + addition + return + update

`benchmarks/scale_simulation.py` simulates the same step message by message, and `docs/scale.md` explains each term.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from handmade.cluster.sharing import TOGETHER
from handmade.cluster.tasks import block_size

COPIES = 2  # that each holder of the weights may send in one generation of Dask's broadcast
GOOD = 0.8  # efficiency that a batch shall reach


@dataclass(frozen=True)
class Costs:
    """Costs of one network and one method.

    Attributes
    ----------
    images : int
        In a shard.
    shard, add : float
        Seconds of one core for a shard, and to add two sums.
    weights, total, batch : int
        Bytes of the weights, of a sum, and of the images of a shard.
    send : float
        Seconds of the client for a task.
    task : float
        Seconds of the scheduler for a task: half when it is given out, half when its end is reported.
    call : float
        Seconds of the scheduler for a call of a worker.
    update : float
        Seconds of the client for the update of the weights.
    """

    images: int
    shard: float
    add: float
    weights: int
    total: int
    batch: int
    send: float
    task: float
    call: float
    update: float


@dataclass(frozen=True)
class Cluster:
    """Workers that compute some tasks at a time; a network with a latency in seconds and a bandwidth in bytes a second.

    A worker computes each task with `inside` threads.

    Each worker, the scheduler and the client has its own connection to the network. A thread has a core of its own, unless
    `cores` are shared by all processes, as on one machine.
    """

    workers: int
    tasks: int = 1
    inside: int = 1
    latency: float = 1e-3
    bandwidth: float = 1e9
    cores: int | None = None

    @property
    def at_once(self) -> int:
        """Number of tasks that all workers compute at a time."""
        return self.workers * self.tasks

    @property
    def threads(self) -> int:
        """Number of threads of all workers."""
        return self.at_once * self.inside

    def travel(self, size: float) -> float:
        """Return the seconds of one message."""
        return self.latency + size / self.bandwidth


@dataclass(frozen=True)
class Plan:
    """Tasks of a step: the number of shards of each, and the number of parts of each addition, level by level."""

    tasks: tuple[int, ...]
    levels: tuple[tuple[int, ...], ...]

    @property
    def count(self) -> int:
        """Number of tasks."""
        return len(self.tasks) + sum(map(len, self.levels))


def plan_of(images: int, shard: int, cluster: Cluster, together: int = TOGETHER) -> Plan:
    """Return the tasks of a step, as `handmade.cluster.sharing` makes them."""
    size = block_size(images, shard, cluster.at_once, cluster.inside) // shard
    shards = -(-images // shard)
    tasks = tuple(_groups(shards, size))
    levels, parts = [], len(tasks)
    while parts > 1:
        levels.append(tuple(_groups(parts, together)))
        parts = len(levels[-1])
    return Plan(tasks, tuple(levels))


def generations(workers: int) -> Iterator[int]:
    """Yield the number of new copies in each generation of Dask's broadcast, after the first copy."""
    holders = 1
    while holders < workers:
        new = min(COPIES * holders, workers - holders)
        yield new
        holders += new


def work_of(costs: Costs, cluster: Cluster, shards: int) -> float:
    """Return the seconds of a task with some shards: its threads compute and add; the last sums are added by one of them."""
    rounds = -(-shards // cluster.inside)
    last = min(shards, cluster.inside) - 1
    return rounds * costs.shard + ((shards - 1 - last) / cluster.inside + last) * costs.add


@dataclass(frozen=True)
class Terms:
    """Seconds of a step by the terms of the model."""

    broadcast: float
    submission: float
    computation: float
    addition: float
    returning: float
    update: float

    @property
    def step(self) -> float:
        """Seconds of the step."""
        return float(sum(vars(self).values()))


def terms_of(costs: Costs, cluster: Cluster, images: int, together: int = TOGETHER) -> Terms:
    """Return the terms of the model for one step."""
    latency, bandwidth, at_once = cluster.latency, cluster.bandwidth, cluster.at_once
    plan = plan_of(images, costs.images, cluster, together)
    tasks, size = len(plan.tasks), max(plan.tasks)
    half, copy = costs.task / 2, costs.weights / bandwidth
    broadcast = 2 * cluster.travel(costs.weights) + 2 * latency + costs.call
    broadcast += sum(new * costs.call + 3 * latency + COPIES * copy + latency for new in generations(cluster.workers))

    first = min(tasks, at_once)
    bytes_of_task = size * costs.batch / bandwidth
    submission = first * (costs.send + half + bytes_of_task) + 2 * latency + first * bytes_of_task
    rest = (tasks - first) * (costs.send + half + bytes_of_task) + latency  # while the first tasks are computed

    work = work_of(costs, cluster, size)
    between = 2 * latency + 2 * half + bytes_of_task  # from the end of a task to the start of the next one
    rounds = -(-tasks // at_once)
    computation = work + (rounds - 1) * max(work + between, first * costs.task, first * bytes_of_task)
    computation += max(0.0, rest - work) if rounds > 1 else 0.0

    addition = 0.0
    away = 1 - 1 / cluster.workers  # share of the parts that other workers have
    for number, level in enumerate(plan.levels):
        parts = max(level)
        ends = first if number == 0 else len(plan.levels[number - 1])  # tasks that end at the same time
        addition += 2 * latency + ends * half + half
        addition += away * (2 * latency + (parts - 1) * costs.total / bandwidth) + (parts - 1) * costs.add
    returning = 4 * latency + half + 2 * costs.total / bandwidth
    return Terms(broadcast, submission, computation, addition, returning, costs.update)


def alone(costs: Costs, images: int) -> float:
    """Return the seconds of a step on one core, without a cluster."""
    shards = -(-images // costs.images)
    return shards * costs.shard + (shards - 1) * costs.add + costs.update


def efficiency(costs: Costs, threads: int, images: int, step: float) -> float:
    """Return the seconds of one core over the seconds of all cores."""
    return alone(costs, images) / (threads * step)


def smallest_batch(
    costs: Costs, threads: int, step: Callable[[int], float], least: float = GOOD, most: int = 1 << 20
) -> int | None:
    """Return the smallest batch that is n shards for each thread and reaches an efficiency; None if none up to `most` does."""
    images = costs.images * threads
    while images <= most:
        if efficiency(costs, threads, images, step(images)) >= least:
            return images
        images += costs.images * threads
    return None


def faster(costs: Costs, factor: float) -> Costs:
    """Return costs with faster cores."""
    names = ("shard", "add", "send", "task", "call", "update")
    return replace(costs, **{name: getattr(costs, name) / factor for name in names})


def _groups(parts: int, together: int) -> Iterator[int]:
    """Yield the sizes of groups of consecutive parts."""
    for first in range(0, parts, together):
        yield min(together, parts - first)
