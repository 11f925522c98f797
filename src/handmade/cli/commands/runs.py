"""`handmade runs`: its options."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from handmade.cli.commands.options import Json


class SortChoice(StrEnum):
    """By what the list is ordered."""

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
        typer.Argument(metavar="[DIRECTORY | RUN...]", help="A directory of runs, or runs to compare.  [default: runs]"),
    ] = None,
    *,
    sort: Annotated[SortChoice, typer.Option(help="By what a list is ordered: the newest, best or longest is the last.")] = (
        SortChoice.when
    ),
    json: Json = False,
) -> None:
    """List runs, or compare some: settings, results, curves."""
    from handmade.cli.history import run

    run(paths or [Path("runs")], sort.value, json=json)
