"""Ctrl-C and SIGTERM during a training: the first one stops it after the current step, the second one at once."""

import signal
from collections.abc import Callable, Mapping
from types import FrameType, TracebackType
from typing import Any, Self

from handmade.cli.console import news
from handmade.cli.exits import Stopped

STOPPING = {
    signal.SIGINT: "Stopping after this step. Press Ctrl-C again to stop at once, without saving.",
    signal.SIGTERM: "Stopping after this step, because of SIGTERM.",
}


class Signals:
    """Handlers of SIGINT (Ctrl-C) and SIGTERM in the main thread; a context manager.

    Parameters
    ----------
    stop : callable
        Called at the first signal. The second one raises KeyboardInterrupt.
    texts : mapping of str
        Line that is printed at the first signal, by the signal.
    """

    def __init__(self, stop: Callable[[], None], texts: Mapping[signal.Signals, str] = STOPPING) -> None:
        self._stop, self._texts = stop, texts
        self._received: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def exit(self) -> Stopped:
        """Return the exception that ends the command."""
        return Stopped(self._received or signal.SIGINT)

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._handle) for number in STOPPING}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        first, self._received = self._received is None, number
        if not first:
            raise KeyboardInterrupt
        self._stop()
        news.print(self._texts[signal.Signals(number)])
