"""Table of runs that fits the terminal: no name is broken, and columns without news are left out first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from handmade.runs import RunRecord
from handmade.runs.history import RunList
from handmade.runs.remaining import remaining
from handmade.text.number_format import duration, percent

GAP = 2  # columns of the terminal between two columns of the table
RIGHT = {"steps", "seed", "accuracy", "time"}  # columns of numbers
SPENT = "computing/travelling/waiting"  # shares of the time on a cluster
OPTIONAL = ("seed", SPENT, "gradient", "when", "optimiser", "network", "time")  # columns that can be left out, in this order


def layout(runs: RunList) -> Iterator[RenderableType]:
    """Yield the table of the runs, and a line for each folder that is none."""
    yield RunsTable(runs)


@dataclass(frozen=True, eq=False)
class RunsTable:
    """The table of runs within the width of the console."""

    runs: RunList

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield from runs_table([run for run in self.runs if not run.problem], options.max_width)
        yield from (Text(f"{run.folder.name}: {run.problem}") for run in self.runs if run.problem)
        if not self.runs:
            yield Text("There are no runs.")


def runs_table(runs: Sequence[RunRecord], width: int) -> list[Text]:
    """Lay out a list of runs.

    Parameters
    ----------
    runs : sequence of RunRecord
        Runs that could be read.
    width : int
        Columns of the terminal.

    Returns
    -------
    list of Text
        Head, rows, and lines on the columns that are left out.
    """
    rows = [run_cells(run) for run in runs]
    if not rows:
        return []
    shown = [name for name in rows[0] if name in {"run", "steps"} or any(row[name] for row in rows)]
    same = [name for name in OPTIONAL if name in shown and len(rows) > 1 and len({row[name] for row in rows}) == 1]
    left_out = []
    for name in (*same, *OPTIONAL):
        if _width(shown, rows) > width and name in shown:
            shown.remove(name)
            left_out.append(name)
    lines = [
        _line({name: name for name in shown}, rows, "bold"),
        *(_line({name: row[name] for name in shown}, rows) for row in rows),
    ]
    if equal := [f"{name} {rows[0][name]}" for name in left_out if name in same]:
        lines.append(Text(f"The same for all: {', '.join(equal)}."))
    if others := [name for name in left_out if name not in same]:
        lines.append(Text(f"Not shown: {', '.join(others)}. Try a wider terminal, or --json."))
    return lines


def run_cells(run: RunRecord) -> dict[str, str]:
    """Return the main facts of a run, by the name of their column."""
    rate, accuracy, seconds = run.number("learning_rate"), run.number("test_accuracy"), run.number("seconds")
    steps, status, total = run.steps, run.status, run.number("total_steps")
    if status == "running":
        progress = remaining(run.folder, total)
        steps, seconds = progress.step, progress.seconds
        if progress.seconds_left is not None:
            status = f"{duration(progress.seconds_left)} left"
    unfinished = status != "finished" and steps is not None and total is not None and total > steps
    return {
        "run": run.folder.name,
        "when": _when(run.word("when")),
        "network": Path(run.word("network")).stem,
        "gradient": run.word("gradient"),
        "optimiser": f"{run.word('optimiser')} {'' if rate is None else f'{rate:g}'}".strip(),
        "steps": "" if steps is None else f"{steps:,.0f}" + (f"/{total:,.0f}" if unfinished else ""),
        "seed": "" if run.number("seed") is None else f"{run.number('seed'):,.0f}",
        "accuracy": "" if accuracy is None else percent(accuracy),
        "time": "" if seconds is None else duration(seconds),
        SPENT: _spent(run.cluster_seconds),
        "status": "" if status == "finished" else status,
    }


def _spent(seconds: Mapping[str, float]) -> str:
    """Return the shares of the parts of a time, such as "81/7/12 %"."""
    total = sum(seconds.values())
    return f"{'/'.join(f'{100 * each / total:.0f}' for each in seconds.values())} %" if total else ""


def _widths(rows: Sequence[dict[str, str]]) -> dict[str, int]:
    return {name: max(map(cell_len, [name, *(row[name] for row in rows)])) for name in rows[0]}


def _width(names: Sequence[str], rows: Sequence[dict[str, str]]) -> int:
    widths = _widths(rows)
    return sum(widths[name] + GAP for name in names) - GAP


def _line(cells: dict[str, str], rows: Sequence[dict[str, str]], style: str = "") -> Text:
    widths = _widths(rows)
    parts = []
    for name, cell in cells.items():
        space = " " * (widths[name] - cell_len(cell))
        parts.append(space + cell if name in RIGHT else cell + space)
    return Text((" " * GAP).join(parts).rstrip(), style)


def _when(when: str) -> str:
    """Return the day and the minute, in local time."""
    try:
        return f"{datetime.fromisoformat(when).astimezone():%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return ""
