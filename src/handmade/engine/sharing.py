"""Work shared out: a batch in blocks of images, and tasks in the order of their results."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import TypeAlias, TypeVar

from handmade.engine.arrays import Array
from handmade.engine.network import Network

Batch: TypeAlias = tuple[Network, Array, Array]  # a network, images and labels
Task = TypeVar("Task")
Result = TypeVar("Result")


def blocks(batch: Batch, size: int) -> Iterator[Batch]:
    """The batch in pieces of so many images, each with the network for it; in one piece if the images depend on one another."""
    network, x, y = batch
    size = len(x) if network.couples else size
    for first in range(0, len(x), size):
        piece = slice(first, first + size)
        yield network.of(piece), x[piece], y[piece]


def mapped(executor: Executor | None, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
    """The function's results in the order of the tasks, from the executor's workers or from this thread."""
    return map(function, tasks) if executor is None else executor.map(function, tasks)
