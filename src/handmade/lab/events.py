"""Events of a page: news of its trainings as server-sent events.

A training puts its news into a slot of each open stream, and never waits. A stream sends what its slots hold: the newest state of
each lane, and the points of its curves since the last time, thinned. So a slow reader misses news, and the memory is bounded.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from handmade.lab.frames import dumps
from handmade.lab.logs import MOST_POINTS, thinned

PAUSE = 0.1  # seconds between two messages of a stream
LOOK = 0.25  # seconds between two looks for the end of the server
COMMENT = 10.0  # seconds of silence before a comment, which shows that the connection is alive
FIRST = b"retry: 1000\n\n"


class Point(NamedTuple):
    """A step on the curves of a training."""

    step: int
    loss: float
    accuracy: float | None


class Points:
    """Points of a lane's curves, at most 2 * 2,000 of them.

    Attributes
    ----------
    fresh : bool
        True if the curves begin with these points.
    """

    def __init__(self, *, fresh: bool = False) -> None:
        self.fresh = fresh
        self._steps: list[Point] = []
        self._validation: list[tuple[int, float]] = []

    def add(self, step: Point | None, validation: tuple[int, float] | None = None) -> None:
        """Add a step, a validation, or both."""
        if step is not None:
            _add(self._steps, step)
        if validation is not None:
            _add(self._validation, validation)

    @property
    def validation(self) -> dict[int, float]:
        """Accuracies by step."""
        return dict(self._validation)

    def copy(self) -> "Points":
        """Return the same points for a new stream, where the curves begin with them."""
        other = Points(fresh=True)
        other._steps, other._validation = list(self._steps), list(self._validation)
        return other

    def plain(self, lane: str) -> dict[str, Any]:
        """Return the points as plain data."""
        kept = thinned(self._steps, MOST_POINTS)
        return {
            "lane": lane,
            "fresh": self.fresh,
            "steps": [point.step for point in kept],
            "loss": [point.loss for point in kept],
            "accuracy": [point.accuracy for point in kept],
            "validation": thinned(self._validation, MOST_POINTS),
        }


class Stream:
    """One open stream of events: a slot for the news of each lane, and one for its points."""

    def __init__(self) -> None:
        self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        self._lock = threading.Lock()
        self._news: dict[str, dict[str, Any]] = {}
        self._points: dict[str, Points] = {}
        self._full = False

    def put(self, lane: str, news: dict[str, Any] | None, points: Points | None, add: tuple[Any, Any] | None) -> None:
        """Take news, from any thread; `points` go in the place of those that wait, `add` is added to them."""
        with self._lock:
            if news is not None:
                self._news[lane] = news
            if points is not None:
                self._points[lane] = points
            if add is not None:
                self._points.setdefault(lane, Points()).add(*add)
            wake, self._full = not self._full, True
        if wake:
            self.wake()

    def wake(self) -> None:
        """Let the stream look at its slots."""
        try:
            self._loop.call_soon_threadsafe(self._woken.set)
        except RuntimeError:
            return  # the server has ended

    def _taken(self) -> bytes:
        """Return the messages that wait."""
        with self._lock:
            news, points = self._news, self._points
            self._news, self._points, self._full = {}, {}, False
        parts = [_message("training", each) for each in news.values()]
        parts += [_message("log", each.plain(lane)) for lane, each in points.items()]
        return b"".join(parts)

    async def messages(self, ended: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Yield messages until the page or the server ends."""
        yield FIRST
        sent = time.monotonic()
        while not ended():
            try:
                await asyncio.wait_for(self._woken.wait(), LOOK)
            except TimeoutError:
                if time.monotonic() - sent >= COMMENT:
                    sent = time.monotonic()
                    yield b": the lab is here\n\n"
                continue
            self._woken.clear()
            if content := self._taken():
                yield content
                sent = time.monotonic()
                await asyncio.sleep(PAUSE)


class Events:
    """Events of one page: its open streams."""

    def __init__(self) -> None:
        self._streams: list[Stream] = []
        self.closed = False

    def open(self) -> Stream:
        """Open a stream; call this in the event loop."""
        stream = Stream()
        self._streams = [*self._streams, stream]
        return stream

    def drop(self, stream: Stream) -> None:
        """Forget a stream."""
        self._streams = [each for each in self._streams if each is not stream]

    def put(
        self, lane: str, news: dict[str, Any] | None, *, points: Points | None = None, add: tuple[Any, Any] | None = None
    ) -> None:
        """Put news into the slots of all streams, from any thread."""
        for stream in self._streams:
            stream.put(lane, news, None if points is None else points.copy(), add)

    def close(self) -> None:
        """End all streams."""
        self.closed = True
        for stream in self._streams:
            stream.wake()


def _add(points: list[Any], point: Any) -> None:
    """Add a point; of too many, every second one is dropped."""
    points.append(point)
    if len(points) > 2 * MOST_POINTS:
        points[:] = thinned(points, MOST_POINTS)


def _message(kind: str, content: dict[str, Any]) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + dumps(content) + b"\n\n"
