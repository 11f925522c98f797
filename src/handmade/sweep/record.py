"""Plan of a sweep on disk: sweep.json, written once before the first run and never changed. Each run has a folder beside it.

SWEEP/sweep.json    the settings of all runs, the names of those that vary, and their values in each run
SWEEP/run-01/       the first run, as of `handmade train`
"""

import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from handmade.engine.arguments import as_path, is_number
from handmade.engine.errors import HandmadeError
from handmade.files.atomic import write_atomically
from handmade.runs.record import SWEEP
from handmade.runs.settings import Settings
from handmade.sweep.checks import Checked
from handmade.sweep.plan import Plan, check_run
from handmade.sweep.values import MOST, setting_named

PLAN = SWEEP
VERSION = 1
LARGEST = 2**24  # bytes of JSON


def run_folder(folder: Path, number: int, total: int) -> Path:
    """Return the folder of a run, by its number from 0."""
    return folder / f"run-{number + 1:0{max(2, len(str(total)))}}"


def is_sweep(folder: Path) -> bool:
    """Return True if the folder holds the plan of a sweep."""
    return (folder / PLAN).is_file()


def write_plan(folder: Path, checked: Checked) -> None:
    """Write sweep.json, completely or not at all."""
    plan = checked.plan
    known = {
        "version": VERSION,
        "handmade": version("handmade"),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "search": plan.search,
        "varied": list(plan.varied),
        "settings": plan.settings.to_json(),
        "runs": list(plan.values),
        "seconds": [float(f"{each:.4g}") for each in checked.seconds],
        "digests": checked.digests,
    }
    write_atomically(folder / PLAN, json.dumps(known, indent=1).encode() + b"\n")


def read_plan(folder: Path) -> Checked:
    """Read sweep.json: the plan, the estimated seconds of each run, and the digests of data and networks.

    Raises
    ------
    HandmadeError
        If the folder is no sweep, or its plan cannot be read or used.
    """
    path = as_path(folder, "folder") / PLAN
    if not path.is_file():
        there = f"there is no {PLAN} in it" if path.parent.is_dir() else "there is no such folder"
        raise HandmadeError(f"{path.parent}: expected the folder of a sweep; {there}. Try: handmade sweep --help")
    if path.stat().st_size > LARGEST:
        raise HandmadeError(f"{path}: expected the plan of a sweep; the file is too large: {path.stat().st_size:,} bytes")
    try:
        known = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise HandmadeError(f"{path}: expected the plan of a sweep in JSON; it cannot be read ({error})") from None
    if isinstance(known, dict) and known.get("version", VERSION) != VERSION:
        raise HandmadeError(f"{path}: expected version {VERSION} of a plan, got {known['version']!r:.40}. Use a newer handmade")
    try:
        return _plan(known)
    except HandmadeError as error:
        raise HandmadeError(f"{path}: {error}") from None


def _plan(known: Any) -> Checked:
    """Return the plan in the content of sweep.json, which may be anything."""
    kinds = {"search": str, "varied": list, "settings": dict, "runs": list, "seconds": list, "digests": dict}
    if not isinstance(known, dict) or not all(isinstance(known.get(name), kind) for name, kind in kinds.items()):
        raise HandmadeError(f"expected the plan of a sweep with {', '.join(kinds)}; got other content")
    varied, runs, seconds = tuple(known["varied"]), known["runs"], known["seconds"]
    if known["search"] not in {"grid", "random"} or not 1 <= len(runs) <= MOST or len(seconds) != len(runs):
        raise HandmadeError(f"expected a grid or a random search of 1 to {MOST:,} runs; got other content")
    if not varied or len(set(map(str, varied))) < len(varied) or any(setting_named(name).name != name for name in varied):
        raise HandmadeError("expected the names of settings that vary; got others")
    if any(not isinstance(run, dict) or set(run) != set(varied) for run in runs):
        raise HandmadeError(f"expected values of {', '.join(varied)} for each run; got others")
    if not all(is_number(each) and 0 <= each < float("inf") for each in seconds):
        raise HandmadeError("expected the seconds of each run; got other content")
    plan = Plan(Settings.from_json(known["settings"]), varied, tuple(runs), known["search"])
    if plan.settings.cluster is not None:  # a scheduler can run code in the processes that connect to it
        raise HandmadeError("expected no cluster in a plan; got one. Try --cluster with --resume")
    if plan.settings.validation is None:
        raise HandmadeError("expected a validation set; got none")
    for number in range(len(plan)):
        check_run(plan, number)
    return Checked(plan, tuple(map(float, seconds)), known["digests"])
