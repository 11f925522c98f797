"""`handmade runs`: list the runs in a directory, or compare some of them."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from handmade.cli.commands.options import Json


class SortChoice(StrEnum):
    """Orders of a list."""

    when = "when"
    name = "name"
    network = "network"
    accuracy = "accuracy"
    seconds = "seconds"
    steps = "steps"
    status = "status"


def runs(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="DIRECTORY|RUN...", help="Directory of runs, sweep, or runs to compare.  [default: runs]"),
    ] = None,
    *,
    sort: Annotated[
        SortChoice | None,
        typer.Option(help="Order of the list; the newest, best or longest run is last.  [default: when]"),
    ] = None,
    json: Json = False,
) -> None:
    """List runs, compare them, or show the table of a sweep.

    For the folder of a sweep, --sort lists its runs one by one.
    """
    from handmade.runs.record import SETTINGS
    from handmade.sweep.record import is_sweep

    places = paths or [Path("runs")]
    if len(places) == 1 and sort is None and is_sweep(places[0]):
        _show_sweep(places[0], json=json)
    elif len(places) == 1 and not (places[0] / SETTINGS).exists():
        _list(places[0], (sort or SortChoice.when).value, json=json)
    else:
        _compare(places, json=json)


def _list(directory: Path, sort: str, *, json: bool) -> None:
    from rich.markup import escape

    from handmade.cli.console import print_json, results
    from handmade.cli.program import callable_here, program
    from handmade.runs import list_runs

    runs = list_runs(directory, sort)
    runs[:] = [replace(run, problem=callable_here(run.problem)) for run in runs]  # it may name a command
    if json:
        print_json({"directory": str(directory), "runs": [run.to_json() for run in runs]})
    elif not runs:
        results.print(f"There are no runs in {escape(str(directory))}. Try: {program()} train")
    else:
        from handmade.text.runs_table import layout

        results.print(*layout(runs))


def _show_sweep(folder: Path, *, json: bool) -> None:
    from handmade.cli.console import print_json, results
    from handmade.sweep import results as results_of
    from handmade.text.sweep_results import layout

    found = results_of(folder)
    if json:
        print_json(found.to_json())
    else:
        results.print(*layout(found))


def _compare(paths: Sequence[Path], *, json: bool) -> None:
    from handmade.cli.console import print_json, results
    from handmade.runs import compare
    from handmade.text.run_comparison import layout

    compared = compare(paths)
    if json:
        print_json(compared.to_json())
    else:
        results.print(*layout(compared), sep="\n")
