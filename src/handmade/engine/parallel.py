"""Parallel work: a batch in blocks of images, a map over tasks by threads or processes, and the sum of its results.

Floating-point sums depend on their order, so the order belongs to the definition of a gradient. A batch is cut into shards of a
fixed number of images. Shards are added as a balanced binary tree over their numbers, wherever they are computed:

    ((0 + 1) + (2 + 3)) + ((4 + 5) + 6)
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias, TypeVar

import numpy as np

from handmade.engine.arguments import check_executor
from handmade.engine.arrays import Array
from handmade.engine.backend import Choice, chosen, use_backend
from handmade.engine.losses import Loss, for_images
from handmade.engine.network import Network

Batch: TypeAlias = tuple[Network, Array, Array, Loss]  # a network, images, labels, and the loss with the weights of the images
Sums: TypeAlias = tuple[float, dict[str, Array]]  # sum of the losses, and sums for each array of weights
CLUSTERS = {"distributed.cfexecutor.ClientExecutor": "handmade.cluster.executors"}  # by the name of the type of an executor
Task = TypeVar("Task")
Result = TypeVar("Result")


def blocks(batch: Batch, size: int) -> Iterator[Batch]:
    """Yield the batch in blocks of `size` images, each with its network and loss; in one if images depend on one another."""
    network, x, y, loss = batch
    size = len(x) if network.mixes_batch else size
    for first in range(0, len(x), size):
        piece = slice(first, first + size)
        yield network.for_images(piece), x[piece], y[piece], for_images(loss, piece)


def parallel_map(executor: Executor | None, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
    """Return the results of the function in the order of the tasks, computed by the executor or by this thread."""
    return map(function, tasks) if executor is None else executor.map(InBackend(chosen(), function), tasks)


def tree_sum(parts: Iterable[Result], add: Callable[[Result, Result], Result]) -> Result:
    """Return the sum of at least one part, added as a balanced binary tree over their numbers."""
    waiting: list[tuple[int, Result]] = []  # sums of 2^level parts, each with its level
    for part in parts:
        total, level = part, 0
        while waiting and waiting[-1][0] == level:
            total, level = add(waiting.pop()[1], total), level + 1
        waiting.append((level, total))
    _, total = waiting.pop()
    while waiting:
        total = add(waiting.pop()[1], total)
    return total


def add_sums(one: Sums, other: Sums) -> Sums:
    """Return the sum of two sums with the same arrays."""
    return one[0] + other[0], {name: array + other[1][name] for name, array in one[1].items()}


class BatchExecutor(Executor):
    """Executor that can share out the shards of a batch itself, such as a cluster."""

    @abstractmethod
    def sums(self, function: Callable[..., Sums], batch: Batch, shard: int) -> Sums:
        """Return the sums of a batch, added as `tree_sum` does.

        `function` makes those of some consecutive shards, given these and, if wished, an executor of threads.
        """


def batch_sums(function: Callable[[Executor | None, Batch], Sums], batch: Batch, shard: int, executor: Executor | None) -> Sums:
    """Return the sums of a batch whose images are independent, in shards of `shard` images.

    Parameters
    ----------
    function : callable
        Function (executor, shards) -> sums, for consecutive shards of the batch. It can be pickled.
    batch : Batch
    shard : int
        Number of images in a shard.
    executor : Executor or None
        Executor that `function` uses, or one that shares out the shards.
    """
    network, x, y, loss = batch
    batch = network, np.ascontiguousarray(x), y, loss  # as images are that have travelled
    if isinstance(executor, BatchExecutor) and not network.mixes_batch:
        return executor.sums(InBackend(chosen(), partial(_apply, function)), batch, shard)
    return function(executor, batch)


def _apply(function: Callable[[Executor | None, Batch], Sums], batch: Batch, executor: Executor | None = None) -> Sums:
    return function(executor, batch)


def as_executor(executor: Executor | None) -> Executor | None:
    """Return the executor as the engine uses it; one of a known cluster is replaced by one that shares out shards.

    Raises
    ------
    HandmadeError
        If it is no executor, or its cluster cannot be used.
    """
    check_executor(executor)
    kind = type(executor)
    module = CLUSTERS.get(f"{kind.__module__}.{kind.__qualname__}")
    if module is None:
        return executor
    found: Executor = import_module(module).as_executor(executor)
    return found


def thread_executor(executor: Executor | None) -> Executor | None:
    """Return the executor if its workers are threads, which can write into the arrays of this thread; else None."""
    return executor if isinstance(executor, ThreadPoolExecutor) else None


@dataclass(frozen=True)
class InBackend:
    """Function that runs with the backend of the thread that submitted it."""

    choice: Choice
    function: Callable[..., Any]

    def __call__(self, task: Any, *more: Any) -> Any:
        """Run the function on a task, with further arguments if it takes some."""
        name, without = self.choice
        with use_backend(name, without=without):
            return self.function(task, *more)
