"""Records by nothing but finite differences: MNIST and CIFAR-10, each run beside the same run by backpropagation.

python benchmarks/records.py --data cifar-10            all runs, one after the other; each goes on where it was stopped
python benchmarks/records.py --only cifar-difference    runs whose names begin so; may be given several times
python benchmarks/records.py --list                     state of each run
python benchmarks/records.py --table                    table and curves of the runs so far
python benchmarks/records.py --table --docs             the same, written into docs/records.md and docs/pictures

A run is a folder of `handmade.runs` in --out. It may be stopped at any moment, by Ctrl-C, by --minutes or by kill -9; the same
command resumes it from its newest checkpoint, with the same bytes as without the pause. Finished runs are not repeated. The table
is made from the folders alone, and says of each run that is not finished that it is not. With --docs, the records of finished
runs are also kept in benchmarks/records, without weights. They are read where --out has no finished run of the same settings.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from handmade.cli.signals import Signals
from handmade.engine.errors import HandmadeError
from handmade.files.atomic import write_atomically
from handmade.runs import Settings, TrainingSession, read_record, resume, start
from handmade.runs.history import RunRecord
from handmade.runs.job import assemble
from handmade.runs.launch import settings_of
from handmade.runs.record import SETTINGS, read_run_json
from handmade.runs.remaining import remaining
from handmade.text.number_format import duration

OUT = Path(__file__).parent / "results" / "records"
SEEDS = {"mnist": (0, 1, 2), "cifar": (0,)}
RECIPES = {"mnist": "best", "cifar": "cifar"}
METHODS = ("difference", "backprop")
TIMES, DIRECTIONS = "times.jsonl", "directions.json"


@dataclass(frozen=True)
class Plan:
    """One run of a record.

    Attributes
    ----------
    record : str
        Record that it belongs to, such as "mnist".
    settings : Settings
        Settings of the run.
    """

    record: str
    settings: Settings

    @property
    def name(self) -> str:
        """Name of the run and of its folder."""
        return f"{self.record}-{self.settings.gradient}-{self.settings.seed}"


def plans(data: str, **given: Any) -> list[Plan]:
    """Return all runs: by differences and by backpropagation, with the same seeds. `data` is CIFAR-10's name or path."""
    sources = {"mnist": "mnist", "cifar": data}
    return [
        Plan(record, Settings.from_recipe(recipe, **({"data": sources[record], "gradient": method, "seed": seed} | given)))
        for record, recipe in RECIPES.items()
        for method in METHODS
        for seed in SEEDS[record]
    ]


def chosen(runs: Sequence[Plan], only: Sequence[str]) -> list[Plan]:
    """Return the runs whose names begin with one of these words; raise HandmadeError if a word fits none."""
    for word in only:
        if not any(run.name.startswith(word) for run in runs):
            raise HandmadeError(
                f"--only: expected the beginning of {', '.join(run.name for run in runs)}; got {word!r}. Try --list"
            )
    return [run for run in runs if not only or run.name.startswith(tuple(only))]


def carry_on(run: Plan, folder: Path, until: float = float("inf")) -> bool:
    """Start a run or resume it, up to a moment of `time.monotonic`; return True if it is finished.

    Each checkpoint adds a line to times.jsonl: its step, and the processor's time up to there, of all threads of this process. A
    session continues the time of its first step, as the record of the run continues its seconds.
    """
    record = read_record(folder)
    if record.status in {"finished", "diverged"}:
        return record.status == "finished"
    session = _session(run, record)
    with Signals(session.stop), session:
        began = time.process_time() - _spent(folder, session.steps)
        for progress in session:
            if progress.checkpoint:
                _note(folder, progress.step.number, time.process_time() - began)
            if time.monotonic() > until:
                session.stop()
    assert session.result is not None
    _note(folder, session.steps, time.process_time() - began)
    return bool(session.result["status"] == "finished")


def _session(run: Plan, record: RunRecord) -> TrainingSession:
    """Return a new session, or one that resumes; a folder that was killed before its record was written begins anew."""
    if not (record.folder / SETTINGS).is_file():
        return start(run.settings, record.folder, force=True)
    differ = differing(run.settings, record.folder)
    if differ:
        raise HandmadeError(
            f"{record.folder}: expected a run of {run.name} as it is now, got other values of {', '.join(differ)}. "
            "Remove the folder, or try another --out"
        )
    return resume(record.folder)


def differing(settings: Settings, folder: Path) -> list[str]:
    """Return the names of the settings in which a run differs from these; a shorter one, and one with other threads, does not."""
    known = read_run_json(folder)
    same = replace(settings, threads=None, learning_rate=None, backend=None).to_json()
    before = replace(settings_of(folder, known), threads=None, learning_rate=None, backend=None, steps=settings.steps).to_json()
    return [name for name, value in same.items() if before[name] != value]


def _note(folder: Path, step: int, cpu: float) -> None:
    with (folder / TIMES).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": step, "cpu": round(cpu, 3)}) + "\n")


def _spent(folder: Path, step: int) -> float:
    """Return the processor's time up to a step, in seconds, and remove the notes of later steps, which are done again."""
    kept = [line for line in notes(folder) if line["step"] <= step]
    write_atomically(folder / TIMES, "".join(json.dumps(line) + "\n" for line in kept).encode())
    return max((line["cpu"] for line in kept), default=0.0)


def notes(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of times.jsonl; one that a killed process left incomplete is left out."""
    path = folder / TIMES
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        with suppress(ValueError):
            yield json.loads(line)


def measure_direction(folder: Path) -> None:
    """Write directions.json of a finished run by differences, once."""
    from records_direction import directions  # noqa: PLC0415  only after a run

    known = read_run_json(folder)
    if known["gradient"] == "difference" and not (folder / DIRECTIONS).is_file():
        job = assemble(settings_of(folder, known))
        write_atomically(folder / DIRECTIONS, json.dumps(directions(job, folder), indent=1).encode() + b"\n")


def state(folder: Path) -> str:
    """Describe a run in one line: step, steps in all, and the time left."""
    record = read_record(folder)
    if not (folder / SETTINGS).is_file():
        return "not begun"
    if record.problem:
        return record.problem
    total = record.number("total_steps")
    progress = remaining(folder, total)
    left = "" if progress.seconds_left is None or record.status == "finished" else f", {duration(progress.seconds_left)} left"
    return f"{record.status}: step {progress.step:,} of {total or 0:,.0f}{left}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, list or print the records; return the exit code."""
    parser = argparse.ArgumentParser(description="Records by nothing but finite differences, beside backpropagation.")
    parser.add_argument("--data", default="cifar-10", metavar="NAME|PATH", help="CIFAR-10: a name, a folder, a .zip or an .npz")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="runs whose names begin so")
    parser.add_argument("--list", action="store_true", help="print the state of each run")
    parser.add_argument("--table", action="store_true", help="print the table, and write it with the curves to --out")
    parser.add_argument("--docs", action="store_true", help="with --table: write docs/records.md, and keep the records")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), metavar="N", help="stop after N minutes; the rest can be resumed"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="number of threads")
    parser.add_argument("--steps", type=int, metavar="N", help="a look: N steps of each run, in --out")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="where the folders of the runs are")
    options = parser.parse_args(arguments)
    given = {name: getattr(options, name) for name in ("threads", "steps") if getattr(options, name) is not None}
    try:
        runs = plans(options.data, **given)
        some = chosen(runs, options.only)
        if options.list:
            print("\n".join(f"{run.name:20} {state(options.out / run.name)}" for run in some))
            return 0
        if not options.table:
            return _run(some, options.out, time.monotonic() + 60 * options.minutes)
        from records_table import write  # noqa: PLC0415  only for the table

        print(write(some, options.out, docs=options.docs))
    except HandmadeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(runs: Sequence[Plan], out: Path, until: float) -> int:
    """Carry on with one run after the other; return 130 if one of them was stopped, 1 if one diverged."""
    for run in runs:
        folder = out / run.name
        done = carry_on(run, folder, until)
        print(f"{run.name:20} {state(folder)}", flush=True)
        if not done:
            return 1 if read_record(folder).status == "diverged" else 130
        measure_direction(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
