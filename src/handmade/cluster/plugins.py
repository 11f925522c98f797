"""Plugins for workers; this file is imported once a cluster is used."""

import signal
from typing import Any

from distributed import WorkerPlugin


class WithoutInterrupts(WorkerPlugin):
    """Plugin for the workers of this machine: Ctrl-C, which a terminal sends to them too, is for the main process alone."""

    name = "handmade-interrupts"

    def setup(self, worker: Any) -> None:
        """Leave out interrupts in a process that has just started."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
