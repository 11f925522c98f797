"""Executor of a sweep on a cluster, from the options of the command."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handmade.cli.console import news

STOPPING_THERE = {
    signal.SIGINT: "Stopping. The runs on workers are given up; they start again when the sweep is resumed.",
    signal.SIGTERM: "Stopping, because of SIGTERM. The runs on workers are given up.",
}


@contextmanager
def pool(address: str | None, ca: Path | None, cert: Path | None, key: Path | None) -> Iterator[dict[str, Any]]:
    """Connect to a cluster, and provide the arguments `executor` and `workers` of a sweep; none without an address."""
    if address is None:
        yield {}
        return
    from handmade.cluster.connection import Certificates, connect, dashboard, warning  # noqa: PLC0415  for clusters alone

    certificates = Certificates(ca, cert, key)
    text = warning(address)
    if text:
        news.print(text, markup=False)
    with connect(address, certificates) as client:
        workers = sum(client.nthreads().values())
        news.print(f"Connected to {address}: {workers} {'run' if workers == 1 else 'runs'} at the same time.", markup=False)
        link = dashboard(client)
        if link:
            news.print(f"Dashboard: {link}", markup=False)
        yield {"executor": client.get_executor(), "workers": workers}
