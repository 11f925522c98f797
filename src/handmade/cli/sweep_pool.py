"""Executor of a sweep on a cluster, from the options of the command."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from handmade.cli.commands.options import in_options
from handmade.cli.console import news
from handmade.runs import Settings

STOPPING_THERE = {
    signal.SIGINT: "Stopping. The runs on workers are given up; they start again when the sweep is resumed.",
    signal.SIGTERM: "Stopping, because of SIGTERM. The runs on workers are given up.",
}


@contextmanager
def pool(settings: Settings) -> Iterator[dict[str, Any]]:
    """Connect to the cluster of some settings; provide the arguments `executor` and `workers` of a sweep, none without one."""
    if settings.cluster is None:
        yield {}
        return
    from handmade.cluster.address import Certificates, warning  # noqa: PLC0415  for clusters alone
    from handmade.cluster.connection import connect, dashboard  # noqa: PLC0415  the same
    from handmade.cluster.sharing import ClusterExecutor  # noqa: PLC0415  it loads Dask

    text = warning(settings.cluster)
    if text:
        news.print(in_options(text), markup=False)
    with connect(settings.cluster, Certificates(settings.tls_ca, settings.tls_cert, settings.tls_key)) as client:
        workers = ClusterExecutor(client, news.print).at_once  # it compares each worker with this process
        runs = f"{workers} {'run' if workers == 1 else 'runs'}"
        news.print(f"Connected to {settings.cluster}: {runs} at the same time.", markup=False)
        link = dashboard(client)
        if link:
            news.print(f"Dashboard: {link}", markup=False)
        yield {"executor": client.get_executor(), "workers": workers}
