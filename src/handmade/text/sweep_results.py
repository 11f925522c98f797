"""Table of a sweep: a row for each group of runs that differ in the seed alone, the best first."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from handmade.engine.printable import counted
from handmade.sweep.plan import SEED, in_words, shown
from handmade.sweep.results import Group, SweepResults
from handmade.text.class_names import short
from handmade.text.number_format import duration, percent

GAP = 2  # columns of the terminal between two columns of the table
LONGEST = 24  # columns of a value
OPTIONAL = ("time", "largest", "smallest")  # columns that are left out, in this order, where the terminal is narrow


def layout(results: SweepResults) -> Iterator[RenderableType]:
    """Yield the table and the best settings."""
    yield SweepTable(results)


@dataclass(frozen=True, eq=False)
class SweepTable:
    """Table of a sweep within the width of the console."""

    results: SweepResults

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield from sweep_lines(self.results, options.max_width)


def sweep_lines(results: SweepResults, width: int) -> list[Text]:
    """Lay out the results of a sweep for a width: the table, the best settings, and remarks."""
    rows = [cells(group, rank) for rank, group in enumerate(results.groups, 1)]
    columns = [name for name in rows[0] if name in results.plan.varied or any(row[name] for row in rows)]
    left_out = []
    for name in OPTIONAL:
        if sum(_widths(columns, rows).values()) + GAP * (len(columns) - 1) > width and name in columns:
            columns.remove(name)
            left_out.append(name)
    widths = _widths(columns, rows)
    texts = {name for name in results.plan.varied if any(isinstance(run.values[name], str) for run in results.runs)} | {"runs"}
    lines = [_line({name: name.replace("_", " ") for name in columns}, widths, texts, "bold")]
    lines += [_line(row, widths, texts) for row in rows]
    if left_out:
        lines.append(Text(f"Not shown: {', '.join(left_out)}. Try a wider terminal, or --json."))
    return [*lines, *_remarks(results)]


def cells(group: Group, rank: int) -> dict[str, str]:
    """Return the cells of a group by the names of their columns; the first columns are the settings that vary."""
    several = len(group.runs) > 1
    accuracies = group.accuracies
    seconds = [run.seconds for run in group.runs if run.seconds is not None]
    varied = {name: short(shown(value), LONGEST) for name, value in group.values.items()}
    return {
        "": "" if group.mean is None else str(rank),
        **varied,
        "validation": "" if group.mean is None else percent(group.mean),
        "smallest": percent(min(accuracies)) if several and accuracies else "",
        "largest": percent(max(accuracies)) if several and accuracies else "",
        "runs": _state(group),
        "time": duration(sum(seconds)) if seconds else "",
    }


def _state(group: Group) -> str:
    """Return the number of finished runs, and of the others by their status."""
    count = len(group.runs)
    others = [run.status for run in group.runs if run.accuracy is None]
    if not others:
        return str(count) if count > 1 else ""
    if count == 1:
        run = group.runs[0]
        return f"diverged at step {run.step:,.0f}" if run.status == "diverged" and run.step is not None else run.status
    states = ", ".join(f"{others.count(each)} {each}" for each in dict.fromkeys(others))
    return f"{count - len(others)} of {count}; {states}"


def _remarks(results: SweepResults) -> Iterator[Text]:
    """Yield the number of runs that have ended, and the best settings with their test accuracy."""
    seeds = len(dict.fromkeys(run.values.get(SEED) for run in results.runs))
    if results.ended < len(results.runs):
        yield Text(f"{results.ended:,} of {counted(len(results.runs), 'run')} have ended.")
    if seeds > 1 and results.best is not None:
        yield Text(f"validation: mean of {seeds} seeds.")
    best = results.best
    if best is None or best.chosen is None:
        return
    known = results.to_json()["best"]
    means = f", mean of {len(best.accuracies)}" if len(best.accuracies) > 1 else ""
    yield Text(f"Best: {in_words(best.values) if best.values else 'the settings of all runs'}; {_ends(best)}.")
    if known["test_accuracy"] is not None:
        yield Text(f"      Test accuracy {percent(known['test_accuracy'])}{means}; it had no part in the selection.")
    yield Text(f"Model: {best.chosen.folder}/best.safetensors")


def _ends(group: Group) -> str:
    """Return the mean of the validation accuracies, with both ends if there are several."""
    accuracies = group.accuracies
    ends = f" ({percent(min(accuracies))} to {percent(max(accuracies))})" if len(accuracies) > 1 else ""
    return f"validation accuracy {percent(group.mean or 0)}{ends}"


def _widths(columns: list[str], rows: list[dict[str, str]]) -> dict[str, int]:
    return {name: max(cell_len(cell) for cell in (name, *(row[name] for row in rows))) for name in columns}


def _line(row: dict[str, str], widths: dict[str, int], texts: set[str], style: str = "") -> Text:
    parts = []
    for name, wide in widths.items():
        space = " " * (wide - cell_len(row[name]))
        parts.append(row[name] + space if name in texts else space + row[name])
    return Text((" " * GAP).join(parts).rstrip(), style)
