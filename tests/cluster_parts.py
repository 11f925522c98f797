"""Parts of the tests of clusters: processes of Dask, and a loss that takes time and says where it was computed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from handmade import Flatten, Linear, Network
from handmade.engine.arrays import Array
from handmade.engine.losses import CrossEntropy

PATIENCE = 60  # seconds after which a process hangs
Sums = tuple[float, dict[str, Array]]


@dataclass(frozen=True)
class Slow:
    """Cross-entropy that sleeps in each forward pass of a block, and writes there the process that computes it."""

    folder: Path
    seconds: float
    slower: dict[int, float] = field(default_factory=dict)  # factor by the number of the process

    def forward(self, z: Array, y: Array) -> Array:
        with (self.folder / str(os.getpid())).open("a") as file:
            file.write(".")
        time.sleep(self.seconds * self.slower.get(os.getpid(), 1))
        return CrossEntropy().forward(z, y)

    def backward(self, z: Array, y: Array) -> Array:
        return CrossEntropy().backward(z, y)

    def delta(self, z: Array, dz: Array, y: Array, channel: Any = slice(None)) -> Array:
        return CrossEntropy().delta(z, dz, y, channel)


def blocks_of(folder: Path) -> dict[int, int]:
    """Return the number of blocks that each process has begun."""
    return {int(file.name): file.stat().st_size for file in folder.iterdir()}


def small(seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)
    return Network([Flatten(), Linear(rng.standard_normal((9, 4)), rng.standard_normal(4))], (3, 3, 1))


def batch(images: int, network: Network) -> tuple[Array, Array]:
    x = np.random.default_rng(images).standard_normal((images, *network.input_shape)).astype(network.dtype)
    return x, np.arange(images) % network.classes


def assert_same(one: Sums, other: Sums) -> None:
    """Compare loss and gradients, byte by byte."""
    assert one[0] == other[0]
    assert one[1].keys() == other[1].keys()
    for name, array in one[1].items():
        np.testing.assert_array_equal(other[1][name], array, strict=True)
        assert other[1][name].tobytes() == array.tobytes()


def until(happened: Callable[[], object], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def process(module: str, *arguments: str, **variables: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a module until the end of the context; it is killed if it still runs then."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(
        command, env=os.environ | variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        try:
            yield started
        finally:
            started.kill()
            started.communicate(timeout=PATIENCE)


@contextmanager
def scheduler(port: int, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    with process(
        "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", *arguments
    ) as started:
        until(lambda: _listens(port))
        yield started


@contextmanager
def worker(port: int, *arguments: str, protocol: str = "tcp", **variables: str) -> Iterator["subprocess.Popen[str]"]:
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
    address = f"{protocol}://127.0.0.1:{port}"
    with process("distributed.cli.dask_worker", address, *options, *arguments, **variables) as started:
        yield started


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def kill(number: int) -> None:
    os.kill(number, signal.SIGKILL)
