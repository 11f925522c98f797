"""Progress of a sweep in a notebook: one line that is updated in place, and the results of the last runs below it."""

import time

from handmade.html.line import Line
from handmade.html.markup import shortened
from handmade.sweep import Sweep, SweepProgress
from handmade.sweep.plan import in_words
from handmade.text import sweep_progress
from handmade.text.number_format import duration

EVERY = 0.25  # seconds between two updates
MOST_RUNS = 5


class SweepLine:
    """A line of a notebook with the run, its step, and the time left; below it, the runs that have ended last."""

    def __init__(self) -> None:
        self._line, self._began, self._shown_at = Line(), time.perf_counter(), 0.0
        self._progress: SweepProgress | None = None
        self._ended: list[str] = []

    def show(self, record: SweepProgress) -> None:
        """Show the progress if a run has ended, or if the last update was a while ago."""
        self._progress = record
        text = " ".join(line.plain for line in sweep_progress.layout(record))
        if record.run is not None:
            ended = f"run {record.number + 1:,}: {in_words(record.values)}: {sweep_progress.outcome(record.run)}"
            self._ended = [*self._ended, shortened(ended, 400)][-MOST_RUNS:]
        if time.perf_counter() - self._shown_at >= EVERY:
            self._update(_counted(record) if record.run is not None else text)

    def finished(self) -> None:
        """Show the number of runs that have ended, and the time of all."""
        self._end("finished in")

    def interrupted(self, steps: object) -> None:
        """Show the call that continues."""
        resume = f": handmade.sweep.resume({str(steps.folder)!r}) continues" if isinstance(steps, Sweep) else ""
        self._end("interrupted after", resume)

    def _end(self, words: str, then: str = "") -> None:
        if self._progress is not None:
            self._update(f"{_counted(self._progress)}, {words} {duration(time.perf_counter() - self._began)}{then}")

    def _update(self, text: str) -> None:
        assert self._progress is not None
        self._shown_at = time.perf_counter()
        self._line.show(text, self._progress.ended, self._progress.total, self._ended)


def _counted(progress: SweepProgress) -> str:
    return f"{progress.ended:,} of {progress.total:,} runs have ended"
