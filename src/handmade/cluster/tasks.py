"""Tasks of a gradient, as they run on workers: the sums of some shards, and the sum of these.

A network travels in two parts: its arrays of weights, which change with each step, and its structure, which does not.
"""

import io
import pickle
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import uuid4

import cloudpickle
import numpy as np
from distributed import get_worker
from threadpoolctl import threadpool_limits

from handmade.cluster.matching import facts, fingerprint
from handmade.cluster.times import joined
from handmade.engine.arrays import Array
from handmade.engine.network import Network
from handmade.engine.parallel import Sums, add_sums, tree_sum

TASKS = 4  # for a thread: as workers become free, they take the next one, so a slow worker holds the others up by one task
THREADS = "threads"  # resource of a worker: dask worker --nthreads 1 --resources "threads=8"


class Unequal(Exception):
    """Worker whose results may differ from those of the client.

    Attributes
    ----------
    address : str
        Address of the worker.
    facts : dict of str
        Facts of the worker.
    """

    def __init__(self, address: str, facts: dict[str, str]) -> None:
        super().__init__(address, facts)
        self.address, self.facts = address, facts


class Weights:
    """Arrays of a network by name, for one step; on a worker also the networks that have been made with them."""

    def __init__(self, arrays: dict[str, Array]) -> None:
        self.arrays = arrays
        self._networks: dict[bytes, Network] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"arrays": self.arrays, "_networks": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.arrays = {name: usable(array) for name, array in self.arrays.items()}

    def network(self, structure: bytes) -> Network:
        """Return the network of a structure with these weights."""
        if structure not in self._networks:
            self._networks = {structure: _Unpickler(io.BytesIO(structure), self.arrays).load()}
        return self._networks[structure]


def usable(array: Array) -> Array:
    """Return an array that has travelled as one of this process: NumPy multiplies unaligned arrays in another order."""
    return np.require(array, requirements=["ALIGNED", "WRITEABLE"])


def arrays_of(network: Network) -> dict[str, Array]:
    """Return the arrays that travel apart: weights and statistics."""
    return network.parameters() | network.statistics()


def structure_of(network: Network, arrays: dict[str, Array]) -> bytes:
    """Return a network without these arrays."""
    found = io.BytesIO()
    _Pickler(found, arrays).dump(network)
    return found.getvalue()


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    """Pickler that writes the names of some arrays in their place; it can write classes of a script, too."""

    def __init__(self, file: Any, arrays: dict[str, Array]) -> None:
        super().__init__(file)
        self._names = {id(array): name for name, array in arrays.items()}

    def persistent_id(self, value: Any) -> str | None:
        """Return the name of an array that travels apart."""
        return self._names.get(id(value)) if type(value) is np.ndarray else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, arrays: dict[str, Array]) -> None:
        super().__init__(file)
        self._arrays = arrays

    def persistent_load(self, name: str) -> Array:
        """Return an array that has travelled apart."""
        return self._arrays[name]


@dataclass(frozen=True)
class Shards:
    """Some consecutive shards of a batch.

    Attributes
    ----------
    x, y : Array
        Their images and labels.
    loss : bytes
        Loss with the weights of these images.
    structure : bytes or None
        Structure of their network if it has data of single images; None if that of the batch is meant.
    """

    x: Array
    y: Array
    loss: bytes
    structure: bytes | None = None


@dataclass(frozen=True)
class Part:
    """Sums of some shards, and the seconds that they took, by the address of the worker."""

    sums: Sums
    seconds: dict[str, float] = field(default_factory=dict)


def sums_of(shards: Shards, work: Callable[..., Sums], structure: bytes, weights: Weights, expected: str) -> Part:
    """Compute the sums of some shards, with the threads of this worker for one task."""
    with _measured(expected) as seconds:
        network = weights.network(shards.structure or structure)
        batch = network, usable(shards.x), usable(shards.y), pickle.loads(shards.loss)  # noqa: S301  from the client
        sums = work(batch, _threads(threads_inside(get_worker().state.total_resources)))
    return Part(sums, seconds)


def total_of(parts: Sequence[Part]) -> Part:
    """Add some consecutive sums, whose number is that of an aligned part of the tree."""
    with _measured(fingerprint()) as seconds:
        sums = tree_sum((part.sums for part in parts), add_sums)
    for part in parts:
        seconds = joined(seconds, part.seconds)
    return Part(sums, seconds)


def results_of(tasks: Sequence[tuple[Any, ...]], work: Callable[..., Any], expected: str) -> tuple[list[Any], dict[str, float]]:
    """Return the results of some calls of a function, and the seconds that they took."""
    with _measured(expected) as seconds:
        results = [work(*task) for task in tasks]
    return results, seconds


def worker_folder() -> str:
    """Return the folder for temporary files of this worker: Dask removes it, even if the worker is killed."""
    folder: str = get_worker().local_directory
    return folder


@contextmanager
def _measured(expected: str) -> Iterator[dict[str, float]]:
    """Measure the seconds of a task, by the address of this worker; raise Unequal unless it computes as the client does."""
    address = get_worker().address
    if fingerprint() != expected:
        raise Unequal(address, facts())
    _limit_blas()
    seconds = {address: 0.0}
    start = time.perf_counter()
    yield seconds
    seconds[address] = time.perf_counter() - start


def block_size(images: int, shard: int, threads: int, inside: int = 1) -> int:
    """Return the number of images of a task: a shard, or 2, 4, ... shards if there are far more shards than threads.

    Parameters
    ----------
    images, shard : int
        Images of the batch and of a shard.
    threads : int
        Number of tasks that are computed at a time.
    inside : int
        Number of threads that compute the shards of a task.
    """
    size = shard
    while (tasks := -(-images // size)) > TASKS * threads or (size < inside * shard and tasks > threads):
        size *= 2
    return size


def group_name(name: str) -> str:
    """Return a new name for a group of tasks.

    The scheduler gives a task to a worker only when the worker is free, if its group is large and depends on few tasks of others.
    """
    return f"handmade_{name}-{uuid4().hex}"


def threads_inside(resources: Mapping[str, float]) -> int:
    """Return the number of threads that a worker has for each task: its resource `threads`, 1 if it has none."""
    return max(1, int(resources.get(THREADS, 1)))


@cache
def _threads(count: int) -> Executor | None:
    """Return the threads for tasks of this worker, which its tasks share; None if a task has one."""
    return ThreadPoolExecutor(count, "handmade") if count > 1 else None


@cache
def _limit_blas() -> None:
    """Let the BLAS of this worker use one thread from now on, as in training on one machine."""
    threadpool_limits(limits=1)
