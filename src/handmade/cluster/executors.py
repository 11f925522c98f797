"""Executor of a client of Dask, `client.get_executor()`, as the engine uses it."""

from concurrent.futures import Executor
from typing import Any

from handmade.cluster.sharing import ClusterExecutor
from handmade.engine.arguments import refused


def as_executor(executor: Executor) -> ClusterExecutor:
    """Return the executor of the cluster behind `client.get_executor()`; one for each client and choice of workers.

    Raises
    ------
    HandmadeError
        If the client is closed or asynchronous, or a worker may compute other bits.
    """
    client: Any = vars(executor)["_client"]
    only = vars(executor).get("_kwargs", {}).get("workers")
    if client.asynchronous or client.status != "running":
        state = "an asynchronous one" if client.asynchronous else f"one that is {client.status}"
        raise refused("executor", "the executor of a connected client", state, "distributed.Client(address).get_executor()")
    known: dict[Any, ClusterExecutor] = vars(client).setdefault("_handmade_executors", {})
    key = None if only is None else frozenset([only] if isinstance(only, str) else only)
    if key not in known:
        known[key] = ClusterExecutor(client, only=key)
    return known[key]
