"""Records that are kept beside the programs: what tables and curves need of each finished run, without its weights.

A kept run is a small folder of `handmade.runs`: run.json, a log with means over some steps, the last line of the times, and the
comparison of the directions.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from handmade.files.atomic import write_atomically
from handmade.runs import read_record
from handmade.runs.record import LOG, SETTINGS, read_run_json
from records import DIRECTIONS, TIMES, Plan, differing, notes

KEPT = Path(__file__).parent / "records"
LINES = 300  # of a log
MEANS = ("loss", "accuracy")  # numbers of each step
LAST = ("validation_accuracy", "validation_loss")  # numbers of some steps
PLACES = {"model", "run"}  # keys of run.json that name files of one machine


def keep(folder: Path, kept: Path) -> None:
    """Write what the table and the curves need of a finished run into the folder `kept`."""
    kept.mkdir(parents=True, exist_ok=True)
    known = {name: value for name, value in read_run_json(folder).items() if name not in PLACES}
    log, times = thinned(read_record(folder).log()), list(notes(folder))[-1:]
    write_atomically(kept / SETTINGS, json.dumps(known, indent=1).encode() + b"\n")
    write_atomically(kept / LOG, _lines(log))
    write_atomically(kept / TIMES, _lines(times))
    if (folder / DIRECTIONS).is_file():
        write_atomically(kept / DIRECTIONS, (folder / DIRECTIONS).read_bytes())


def thinned(log: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return at most LINES lines of a log: each has the means over some steps, and the last of them as its step."""
    size = max(1, math.ceil(len(log) / LINES))
    made = []
    for first in range(0, len(log), size):
        block = log[first : first + size]
        numbers = {name: [line[name] for line in block if line.get(name) is not None] for name in (*MEANS, *LAST)}
        line: dict[str, Any] = {"step": block[-1]["step"]}
        line |= {name: round(fmean(numbers[name]), 5) for name in MEANS if numbers[name]}
        made.append(line | {name: numbers[name][-1] for name in LAST if numbers[name]})
    return made


def _lines(records: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def folder_of(plan: Plan, out: Path, kept: Path) -> Path:
    """Return the folder of a run in `out`; if it is not finished there, the kept one of the same settings, if there is one.

    A run of a given number of steps is only a look, and never replaced.
    """
    own, other = out / plan.name, kept / plan.name
    statuses = [read_record(folder).status for folder in (own, other)]
    if plan.settings.steps is not None or statuses[0] == "finished" or statuses[1] != "finished":
        return own
    return own if set(differing(plan.settings, other)) - {"data"} else other
