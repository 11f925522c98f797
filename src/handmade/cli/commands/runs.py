"""`handmade runs`: list the runs in a directory, or compare some of them."""

import math
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handmade.cli.commands.options import Json

if TYPE_CHECKING:
    from handmade.runs import RunRecord
    from handmade.runs.comparison import Curve

BARS = "\N{LOWER ONE EIGHTH BLOCK}▂▃▄▅▆▇█"
WIDE = 56  # characters of a curve
OUTCOMES = ("steps", "train_loss", "test_loss", "test_accuracy", "seconds")


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
        typer.Argument(metavar="[DIRECTORY | RUN...]", help="Directory of runs, or runs to compare.  [default: runs]"),
    ] = None,
    *,
    sort: Annotated[SortChoice, typer.Option(help="Order of the list; the newest, best or longest run is last.")] = (
        SortChoice.when
    ),
    json: Json = False,
) -> None:
    """List runs, or compare their settings, results and losses."""
    from handmade.runs.record import SETTINGS

    places = paths or [Path("runs")]
    if len(places) == 1 and not (places[0] / SETTINGS).exists():
        _list(places[0], sort.value, json=json)
    else:
        _compare(places, json=json)


def _list(directory: Path, sort: str, *, json: bool) -> None:
    from rich.markup import escape

    from handmade.cli.console import print_json, results
    from handmade.cli.program import program
    from handmade.runs import list_runs

    runs = list_runs(directory, sort)
    if json:
        print_json({"directory": str(directory), "runs": [run.to_json() for run in runs]})
    elif not runs:
        results.print(f"There are no runs in {escape(str(directory))}. Try: {program()} train")
    else:
        from handmade.cli.runs_table import runs_table

        for line in runs_table([run for run in runs if not run.problem], results.width):
            results.print(line)
        for run in runs:
            if run.problem:
                results.print(f"{escape(run.folder.name)}: {escape(run.problem)}")


def _compare(paths: Sequence[Path], *, json: bool) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from handmade.cli.console import percent, print_json, results
    from handmade.runs import compare

    compared = compare(paths)
    if json:
        print_json(compared.to_json())
        return
    runs, at = compared.runs, compared.at
    names = [escape(name) for name in _names(runs)]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for name in ("", *names):
        table.add_column(name, justify="right" if name else "left", overflow="fold")
    for name, values in compared.differ.items():
        table.add_row(name.replace("_", " "), *("" if value is None else escape(_short(value)) for value in values))
    table.add_section()
    table.add_row("status", *(escape(run.status) for run in runs))
    for name in OUTCOMES:
        table.add_row(
            name.replace("_", " "),
            *(_outcome(name, run.steps if name == "steps" else run.number(name)) for run in runs),
            style="bold" * ("acc" in name),
        )
    for row in at:
        table.add_section() if row is at[0] else None
        table.add_row(f"loss at step {row['step']:,}", *("" if value is None else f"{value:.3f}" for value in row["loss"]))
    for row in at:
        table.add_section() if row is at[0] else None
        table.add_row(
            f"accuracy at step {row['step']:,}", *("" if value is None else percent(value) for value in row["accuracy"])
        )
    results.print(table)
    if not compared.differ:
        results.print("The settings are the same.")
    for line in _sparklines(names, compared.curves):
        results.print(line)


def _names(runs: "Sequence[RunRecord]") -> list[str]:
    """Return the names of the folders, or their paths where two have the same name."""
    names = [run.folder.resolve().name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.folder) for run in runs]


def _sparklines(names: Sequence[str], curves: "Sequence[Curve]") -> list[str]:
    """Draw the losses on one logarithmic scale, from the first step to the last of the longest run."""
    from handmade.cli.console import results

    longest = max((max(each.losses, default=0) for each in curves), default=0)
    rows = [[each.loss(round(longest * (n + 1) / WIDE)) for n in range(WIDE)] for each in curves]
    heights = [math.log(value) for row in rows for value in row if value]
    if not heights:
        return []
    low, span = min(heights), max(heights) - min(heights) or 1.0
    bars = BARS if "utf" in results.encoding else ".:-=+*#%"

    def bar(value: float | None) -> str:
        if value is None:
            return " "
        return bars[min(len(bars) - 1, int(len(bars) * (math.log(value) - low) / span))] if value else bars[0]

    wide = max(map(len, names))
    title = f"The loss up to step {longest:,}, from {math.exp(low):.3g} to {math.exp(low + span):.3g}, on a logarithmic scale:"
    return [title, *(f"{name:<{wide}}  {''.join(map(bar, row))}" for name, row in zip(names, rows, strict=True))]


def _outcome(name: str, value: float | None) -> str:
    from handmade.cli.console import duration, percent

    if value is None:
        return ""
    kinds = {"steps": _count, "test_accuracy": percent, "seconds": duration}
    return kinds.get(name, "{:.4f}".format)(value)


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 24 else f"{text[:21]}..."
