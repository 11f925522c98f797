"""Text of a comparison of runs: tables that fit the terminal, and curves of their losses in a line each."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from handmade.runs import Comparison, RunRecord
from handmade.runs.comparison import Curve
from handmade.text.number_format import duration, percent

BARS, PLAIN_BARS = "\N{LOWER ONE EIGHTH BLOCK}▂▃▄▅▆▇█", ".:-=+*#%"
WIDE = 56  # characters of a curve
LONGEST_NAME = 24  # characters of a name at the head of a column; longer names stand above the tables
GAP = 1  # columns of the terminal between two columns of a table


def layout(comparison: Comparison) -> Iterator[RenderableType]:
    """Yield settings that differ, results, loss and accuracy at the same steps, and the curves of the losses."""
    yield RunsSideBySide(comparison)


@dataclass(frozen=True, eq=False)
class RunsSideBySide:
    """Tables and curves within the width of the console."""

    comparison: Comparison

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        names, tables = comparison_tables(self.comparison, options.max_width)
        yield from tables
        if not self.comparison.differ:
            yield Text("The settings are the same.")
        yield from map(Text, sparklines(names, self.comparison.curves, utf="utf" in console.encoding))


@dataclass(frozen=True)
class Row:
    """One row of a comparison: its name, and a cell for each run.

    Attributes
    ----------
    name : str
        Setting or result.
    cells : list of str
        Its value in each run.
    ends_section : bool
        True if a line is left free below it.
    """

    name: str
    cells: list[str]
    ends_section: bool = False


def comparison_tables(compared: Comparison, width: int) -> tuple[list[str], list[RenderableType]]:
    """Lay out a comparison, in several tables if the runs need more than the width.

    Returns
    -------
    names : list of str
        Short names of the runs: of their folders, or numbers if a name is long.
    tables : list
        Long names with their numbers, and the tables.
    """
    names = run_names(compared.runs)
    legend: list[RenderableType] = []
    if len(names) > 1 and max(map(cell_len, names)) > LONGEST_NAME:
        legend = [Text(f"{number}  {name}") for number, name in enumerate(names, 1)]
        names = [str(number) for number in range(1, len(names) + 1)]
    rows = list(comparison_rows(compared))
    tables = (_table(group, names, rows) for group in _groups(names, rows, width))
    return names, [*legend, *(part for table in tables for part in (table, Text()))]


def run_names(runs: Sequence[RunRecord]) -> list[str]:
    """Return the names of the folders, or their paths where two have the same name."""
    names = [run.folder.resolve().name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.folder) for run in runs]


def comparison_rows(compared: Comparison) -> Iterator[Row]:
    """Yield settings that differ, results, and loss and accuracy at the same steps."""
    runs = compared.runs
    for number, (name, values) in enumerate(compared.differ.items(), 1):
        cells = ["" if value is None else _short(value) for value in values]
        yield Row(name.replace("_", " "), cells, number == len(compared.differ))
    yield Row("status", [run.status for run in runs])
    yield Row("steps", [_text(run.steps, _count) for run in runs])
    for name in ("train_loss", "test_loss"):
        yield Row(name.replace("_", " "), [_text(run.number(name), "{:.4f}".format) for run in runs])
    yield Row("test accuracy", [_text(run.number("test_accuracy"), percent) for run in runs])
    yield Row("time", [_text(run.number("seconds"), duration) for run in runs], ends_section=True)
    for name, key, form in (("loss", "loss", "{:.3f}".format), ("accuracy", "accuracy", percent)):
        for at in compared.at:
            yield Row(f"{name} at step {at['step']:,}", [_text(value, form) for value in at[key]], at is compared.at[-1])


def _groups(names: Sequence[str], rows: Sequence[Row], width: int) -> list[list[int]]:
    """Return the numbers of the runs in each table: as many as fit, at least one."""
    left = first = width - max(cell_len(row.name) for row in rows) - 2 * GAP
    groups: list[list[int]] = []
    for n, name in enumerate(names):
        needed = max(map(cell_len, [name, *(row.cells[n] for row in rows)])) + GAP
        if not groups or needed > left:
            groups.append([])
            left = first
        groups[-1].append(n)
        left -= needed
    return groups


def _table(group: Sequence[int], names: Sequence[str], rows: Sequence[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, GAP, 0, 0), show_edge=False)
    table.add_column("", no_wrap=True)
    for n in group:
        table.add_column(Text(names[n]), justify="right", overflow="fold")
    for row in rows:
        style = "bold" if row.name == "test accuracy" else ""
        table.add_row(row.name, *(Text(row.cells[n]) for n in group), style=style, end_section=row.ends_section)
    return table


def sparklines(names: Sequence[str], curves: Sequence[Curve], *, utf: bool) -> list[str]:
    """Draw the losses on one logarithmic scale, from the first step to the last of the longest run."""
    longest = max((max(each.losses, default=0) for each in curves), default=0)
    rows = [[each.loss(round(longest * (n + 1) / WIDE)) for n in range(WIDE)] for each in curves]
    heights = [math.log(value) for row in rows for value in row if value]
    if not heights:
        return []
    low, span = min(heights), max(heights) - min(heights) or 1.0
    bars = BARS if utf else PLAIN_BARS

    def bar(value: float | None) -> str:
        if value is None:
            return " "
        return bars[min(len(bars) - 1, int(len(bars) * (math.log(value) - low) / span))] if value else bars[0]

    wide = max(map(len, names))
    title = f"The loss up to step {longest:,}, from {math.exp(low):.3g} to {math.exp(low + span):.3g}, on a logarithmic scale:"
    return [title, *(f"{name:<{wide}}  {''.join(map(bar, row))}".rstrip() for name, row in zip(names, rows, strict=True))]


def _text(value: float | None, form: Callable[[float], str]) -> str:
    return "" if value is None else form(value)


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 24 else f"{text[:21]}..."
