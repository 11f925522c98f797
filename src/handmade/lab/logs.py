"""Logs of runs on disk, thinned for a chart."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handmade.runs.record import read_log

MOST_POINTS = 2000


def log_of(folder: Path) -> dict[str, Any]:
    """Return steps, loss and accuracy of a run, and the points of its validation."""
    records = read_log(folder)
    kept = thinned(records)
    return {
        "steps": [record["step"] for record in kept],
        "loss": [_number(record["loss"]) for record in kept],
        "accuracy": [_number(record.get("accuracy")) for record in kept],
        "validation": _series(records, "validation_accuracy") or _series(records, "test_accuracy"),
    }


def _series(records: Sequence[dict[str, Any]], key: str) -> list[list[Any]]:
    """Return step and number of the records that have this number."""
    return [[record["step"], share] for record in records if (share := _number(record.get(key))) is not None]


def thinned(points: Sequence[Any], most: int = MOST_POINTS) -> list[Any]:
    """Return at most `most` points, evenly spread, the last one among them."""
    if len(points) <= most:
        return list(points)
    return [points[(n + 1) * len(points) // most - 1] for n in range(most)]


def _number(value: object) -> float | None:
    """Return a finite number of a record, whatever it holds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
