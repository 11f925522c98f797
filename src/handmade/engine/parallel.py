"""Parallel work: a batch in blocks of images, and a map over tasks by threads or processes."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from handmade.engine.arrays import Array
from handmade.engine.backend import Choice, chosen, use_backend
from handmade.engine.losses import Loss, for_images
from handmade.engine.network import Network

Batch: TypeAlias = tuple[Network, Array, Array, Loss]  # a network, images, labels, and the loss with the weights of the images
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


def thread_executor(executor: Executor | None) -> Executor | None:
    """Return the executor if its workers are threads, which can write into the arrays of this thread; else None."""
    return executor if isinstance(executor, ThreadPoolExecutor) else None


@dataclass(frozen=True)
class InBackend:
    """Function that runs with the backend of the thread that submitted it."""

    choice: Choice
    function: Callable[[Any], Any]

    def __call__(self, task: Any) -> Any:
        """Run the function on a task."""
        name, without = self.choice
        with use_backend(name, without=without):
            return self.function(task)
