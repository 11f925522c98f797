"""Machines of a training session: the threads of this one, and the workers of a cluster for the gradients."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from handmade.engine.errors import HandmadeError
from handmade.engine.plain.backend import BACKPROP_SHARD
from handmade.engine.plain.differences import SHARD
from handmade.runs.settings import Settings
from handmade.threads import threads

if TYPE_CHECKING:
    from handmade.cluster.sharing import ClusterExecutor

SECONDS = ("computing", "travelling", "waiting")  # columns of the log of a run on a cluster
SHARDS = {"difference": SHARD, "backprop": BACKPROP_SHARD}  # images: the smallest part of a batch that a worker computes


@dataclass(frozen=True, eq=False)
class Machines:
    """Executors of a session.

    Attributes
    ----------
    here : Executor or None
        Threads of this machine, for updates, validation and tests; None for the calling thread alone.
    cluster : ClusterExecutor or None
        Executor of the cluster, for gradients.
    remarks : tuple of str
        Sentences about the cluster.
    """

    here: Executor | None
    cluster: "ClusterExecutor | None" = None
    remarks: tuple[str, ...] = ()

    @property
    def for_gradients(self) -> Executor | None:
        """Executor of the gradients."""
        return self.here if self.cluster is None else self.cluster

    def seconds(self) -> dict[str, float]:
        """Return the seconds of computing, travelling and waiting since the last call; nothing without a cluster."""
        return {} if self.cluster is None else self.cluster.take_times().to_json()


@contextmanager
def machines(settings: Settings, notice: Callable[[str], object]) -> Iterator[Machines]:
    """Provide the machines that the settings name.

    Parameters
    ----------
    settings : Settings
    notice : callable
        Function that is called with a line if a worker is refused meanwhile.

    Raises
    ------
    HandmadeError
        If the cluster cannot be used.
    """
    with threads(settings.threads or 1) as here:
        if settings.cluster is None:
            yield Machines(here)
            return
        address, connection = import_module("handmade.cluster.address"), import_module("handmade.cluster.connection")
        certificates = address.Certificates(settings.tls_ca, settings.tls_cert, settings.tls_key)
        with connection.connect(settings.cluster, certificates) as client:
            cluster = import_module("handmade.cluster.sharing").ClusterExecutor(client, notice)
            yield Machines(here, cluster, tuple(_remarks(settings, cluster, connection.dashboard(client))))


def total_seconds(log: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the sums of the seconds of all steps on a cluster; empty if there are none."""
    steps = [[line[name] for name in SECONDS] for line in log if all(isinstance(line.get(name), float) for name in SECONDS)]
    return dict(zip(SECONDS, map(sum, zip(*steps, strict=True)), strict=True)) if steps else {}


def check_cluster(settings: Settings, own: object) -> None:
    """Raise HandmadeError if functions of a student compute the gradients: these stay in this process."""
    if settings.cluster is not None and own is not None:
        raise HandmadeError("cluster: expected gradients of the engine with it, got your own functions. Try leaving it out")


def _remarks(settings: Settings, cluster: Any, dashboard: str | None) -> Iterator[str]:
    """Describe the cluster."""
    assert settings.cluster is not None
    workers = f"{cluster.workers:,} {'worker' if cluster.workers == 1 else 'workers'}"
    yield f"Gradients are computed by {workers} of {settings.cluster}."
    warning = import_module("handmade.cluster.address").warning(settings.cluster)
    if warning:
        yield warning
    yield f"Dashboard: {dashboard}" if dashboard else "There is no dashboard: it needs bokeh where the scheduler runs."
    shard = SHARDS.get(settings.gradient)
    shards = None if shard is None else -(-settings.batch_size // shard)
    if shards is not None and shards < cluster.threads:
        yield (
            f"batch_size={settings.batch_size}: only {shards:,} of {cluster.threads:,} threads of workers have work at a time. "
            f"Try batch_size={shard * cluster.threads}"
        )
