"""Step and time left of a run that is being trained, from the end of its log.

time left = (total steps - step) * seconds of a step, where the seconds are those of the last steps in the log
"""

import json
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from handmade.runs.record import LOG

TAIL = 2**15  # bytes at the end of a log: hundreds of steps


@dataclass(frozen=True)
class Remaining:
    """Progress of a run.

    Attributes
    ----------
    step : int
        Number of steps that are done.
    seconds : float or None
        Time until now, in seconds; None if the log does not say.
    seconds_left : float or None
        Estimate of the time left, in seconds; None before the second step, or if the number of steps is not known.
    """

    step: int
    seconds: float | None
    seconds_left: float | None


def remaining(folder: Path, total: float | None) -> Remaining:
    """Estimate the time left of a run.

    Parameters
    ----------
    folder : Path
        Folder of the run.
    total : float or None
        Number of steps of the complete run.
    """
    lines = list(_last_lines(folder / LOG))
    if not lines:
        return Remaining(0, None, None)
    (first, began), (step, now) = lines[0], lines[-1]
    if total is None or step <= first or now < began:
        return Remaining(step, now, None)
    return Remaining(step, now, max(total - step, 0) * (now - began) / (step - first))


def _last_lines(log: Path) -> Iterator[tuple[int, float]]:
    """Yield step and seconds of the last lines of a log, without those that cannot be read."""
    try:
        with log.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - TAIL)
            file.seek(start)
            lines = file.read().splitlines()[start > 0 :]  # the first one may be cut off
    except OSError:
        return
    for line in lines:
        with suppress(ValueError, RecursionError):
            record = json.loads(line)
            if not isinstance(record, dict):
                continue
            step, seconds = record.get("step"), record.get("seconds")
            if type(step) is int and isinstance(seconds, int | float) and 0 <= seconds < math.inf:
                yield step, float(seconds)
