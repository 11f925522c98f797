"""A lane: one training of a page, step by step, and its news."""

import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import asdict, replace
from typing import Any

from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.engine.training import Diverged
from handmade.lab.events import Point, Points
from handmade.lab.layer_facts import layer_facts
from handmade.lab.validation import Validate, Validation
from handmade.runs import Progress, TrainingSession

SMOOTHING = 0.95  # of the loss from step to step
RECENT = 50  # steps from which the speed is told
FACTS_PAUSE = 0.5  # seconds between two looks at the layers
PROGRESS_PAUSE = 0.2  # seconds between two news of one long step


class Lane:
    """A training that goes on step by step; one thread calls `begin`, `step` and the rest, others read.

    Parameters
    ----------
    name : str
        "a" or "b".
    session : TrainingSession
        The training, which has not begun.
    validate : callable or None
        Return the results of a network on test images.
    limit : float, optional
        Seconds after which it pauses.

    Attributes
    ----------
    network : Network
        The newest network; the last good one after a divergence.
    version : int
        Number of this network among all that the page's trainings made.
    newest : tuple of Network, int and int
        Network, version and number of steps that belong together.
    points : Points
        The curves.
    clock, used : float
        Seconds by which turns are given, and seconds in steps.
    until : int
        Step after which it pauses.
    ended, reason : str
        "finished", "stopped", "diverged" or "failed" after the end; "target", "patience" or "time" for an early one.
    validation : Validation
        Its accuracy over time.
    """

    def __init__(
        self, name: str, session: TrainingSession, validate: Validate, *, limit: float | None = None, paused: bool = False
    ) -> None:
        self.name, self.session, self.limit = name, session, limit
        self.total, self.steps_an_epoch = session.job.total, session.job.steps_an_epoch
        self.network: Network = session.network
        self.points = Points()
        self.version, self.steps = 0, 0
        self.newest: tuple[Network, int, int] = (self.network, 0, 0)
        self.until = 0 if paused else self.total
        self.clock = self.used = 0.0
        self.ended, self.error = "", ""
        self.closing = self.stopping = False
        self.validation = Validation(session.job, validate)
        self.reason = ""
        self._stream: Generator[Progress | None] | None = None
        self._left = 0.0  # when the last step ended
        self._begun = False
        self._numbers: dict[str, Any] = {"loss": None, "accuracy": None, "learning_rate": None}  # of the last step
        self._images = session.job.settings.batch_size
        self._smoothed: float | None = None
        self._durations: deque[float] = deque(maxlen=RECENT)
        self._warnings: list[dict[str, Any]] = []
        self._layers: list[dict[str, Any]] = []
        self._looked = 0.0  # when they were looked at
        self._newest: Progress | None = None
        self._part, self._parts_told = 0.0, 0.0  # of a long step

    @property
    def runs(self) -> bool:
        """True if it has a step to make, or an end."""
        return not self.ended and (self.closing or self.stopping or self.steps < self.until)

    @property
    def unsettled(self) -> bool:
        """True if it pauses or has ended, and its results are those of an earlier network."""
        return not self.runs and not self.closing and self.ended != "failed" and self.validation.is_old(self.steps)

    def settle(self) -> tuple[int, float] | None:
        """Validate the network as it is, and look at its layers; return step and accuracy."""
        self._look()
        return self.validation.now(self.steps, self.network)

    @property
    def status(self) -> str:
        """One of running, paused, finished, stopped, diverged and failed."""
        return self.ended or ("running" if self.steps < self.until else "paused")

    def begin(self, tell: Callable[[], object]) -> None:
        """Enter the session, so that its folder is there."""
        self._tell = tell
        self.session.job = replace(self.session.job, progress=self._within)
        self._stream = self._progress()
        self._guarded(lambda: next(self._stream, None) if self._stream else None)
        self._left = time.perf_counter()

    def _progress(self) -> Generator[Progress | None]:
        with self.session as session:
            yield None
            yield from session

    def show(self, version: int) -> None:
        """Give the network a version, under which others read it."""
        self.version = version
        self.newest = self.network, version, self.steps

    def step(self) -> tuple[Point | None, tuple[int, float] | None]:
        """Make one step, or the end; return the new points of the curves."""
        stream, now = self._stream, time.perf_counter()
        if stream is None or self.ended:
            return None, None
        self.session.leave_out(now - self._left)
        if self.closing or (self.stopping and not self._begun):
            self.close()
            return None, None
        if self.stopping:
            self.session.stop()
            self._guarded(lambda: next(stream, None))  # which saves and ends
            self._end("stopped")
            return None, None
        progress = self._guarded(lambda: next(stream, None))
        self._left = time.perf_counter()
        self.used += self._left - now
        self.clock += self._left - now
        if progress is None:
            self._end("finished", "time" if not self.ended and self.steps < self.total else "")
            return None, None
        return self._taken(progress, self._left - now)

    def _guarded(self, work: Callable[[], Progress | None]) -> Progress | None:
        """Return the result of work on the session; an error ends the lane, and is told."""
        try:
            return work()
        except KeyboardInterrupt:  # from `_within`
            self._end("stopped")
        except HandmadeError as error:
            cause = error.__cause__
            if isinstance(cause, Diverged):
                self.network, self.error = cause.network, _with_title(cause)
                self._end("diverged")
            else:
                self.error = str(error)
                self._end("failed")
        except Exception as error:  # noqa: BLE001  the page hears of it, and the server goes on
            self.error = f"unexpected {type(error).__name__}: {error}"
            self._end("failed")
        return None

    def _taken(self, progress: Progress, seconds: float) -> tuple[Point, tuple[int, float] | None]:
        step = progress.step
        self.network, self.steps, self._begun, self._part = step.smoothed, step.number, True, 0.0
        self._durations.append(seconds)
        self._smoothed = step.loss if self._smoothed is None else SMOOTHING * self._smoothed + (1 - SMOOTHING) * step.loss
        self._warnings = [*self._warnings, *map(asdict, progress.notices)]
        accuracy = self._numbers["accuracy"] if step.accuracy is None else step.accuracy
        self._numbers = {"loss": step.loss, "accuracy": accuracy, "learning_rate": step.learning_rate}
        self._images = step.images
        share = self.validation.after(progress)
        self._newest = progress
        if time.perf_counter() - self._looked >= FACTS_PAUSE:
            self._look()
        if self.limit is not None and self.used >= self.limit:
            self.until, self.limit = self.steps, None
        if step.stopped or step.number == step.steps:
            self._guarded(lambda: next(self._stream, None) if self._stream else None)
            self._end("finished", step.stopped or "")
        return Point(step.number, step.loss, step.accuracy), share

    def _look(self) -> None:
        """Note the facts about the layers at the newest step."""
        if self._newest is not None:
            self._layers = layer_facts(self._newest.step)
            self._looked = time.perf_counter()

    def _within(self, done: int, total: int) -> None:
        """Note the progress of one long step; end it if the lane is to end."""
        if self.closing or self.stopping:
            raise KeyboardInterrupt
        now = time.perf_counter()
        self._part = done / total
        if now - self._parts_told >= PROGRESS_PAUSE:
            self._parts_told = now
            self._tell()

    def save(self) -> dict[str, Any]:
        """Write a checkpoint and the model, and return the result so far; nothing after the end, when all is written."""
        if self.ended:
            return {}
        now = time.perf_counter()
        self.session.leave_out(now - self._left)
        self._left = now
        return self.session.save()

    def close(self) -> None:
        """End without a result, and let go of what is large."""
        stream, self._stream = self._stream, None
        if self.closing:
            self.session.stop()  # nothing is saved any more
        self._guarded(lambda: stream.close() if stream else None)
        self._newest = None
        self._end("stopped")

    def _end(self, status: str, reason: str = "") -> None:
        if not self.ended:
            self.ended, self.reason = status, reason
        self.until = self.steps

    def news(self) -> dict[str, Any]:
        """Return the newest state as plain data."""
        per_step = sum(self._durations) / len(self._durations) if self._durations else None
        left = None if per_step is None else per_step * (self.total - self.steps)
        if left is not None and self.limit is not None:
            left = max(0.0, min(left, self.limit - self.used))
        return {
            "lane": self.name,
            "status": self.status,
            "step": self.steps,
            "steps": self.total,
            "part": self._part,
            "epoch": self.steps // self.steps_an_epoch,
            "epochs": -(-self.total // self.steps_an_epoch),
            "steps_an_epoch": self.steps_an_epoch,
            **self._numbers,
            "smoothed": self._smoothed,
            "validation": self.validation.newest,
            "layers": self._layers,
            "seconds": self.used,
            "left": left,
            "images_per_second": self._images / per_step if per_step else None,
            "warnings": self._warnings,
            "version": self.version,
            "reason": self.reason,
        } | ({"error": self.error} if self.error else {})


def _with_title(error: Diverged) -> str:
    """Return the message of a divergence, with the title of an array, such as conv1.W, in the place of its key."""
    message = str(error)
    key, _, rest = message.partition(" ")
    return f"{error.network.display_name(key)} {rest}" if key in error.network.parameters() else message
