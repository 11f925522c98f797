"""Views of runs: the record of one with the curve of its loss, a table of several, and a comparison."""

from handmade.html.curve import curves
from handmade.html.markup import Markup, cell, joined, shortened, table, tag
from handmade.html.rich_parts import from_rich
from handmade.runs import Comparison, RunRecord
from handmade.runs.history import RunList
from handmade.text import run_record
from handmade.text.run_comparison import comparison_rows, run_names
from handmade.text.runs_table import run_cells

MOST_RUNS = 100  # of a table
MOST_COLUMNS = 12  # runs of a comparison
RIGHT = {"steps", "seed", "accuracy", "time"}


def view(runs: RunRecord | RunList | Comparison) -> Markup:
    """Return the view of one run, of a list of runs, or of a comparison."""
    if isinstance(runs, RunRecord):
        return joined([from_rich(run_record.layout(runs)), _losses(runs)])
    return _table(runs) if isinstance(runs, RunList) else _comparison(runs)


def _losses(run: RunRecord) -> Markup | None:
    if run.problem:
        return None
    return curves({run.folder.name: [(line["step"], line["loss"]) for line in run.log()]})


def _table(runs: RunList) -> Markup:
    """Return the newest runs as a table; columns without content are left out."""
    rows = [run_cells(run) if not run.problem else {"run": run.folder.name, "status": run.problem} for run in runs[-MOST_RUNS:]]
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if any(row.get(name) for row in rows)]
    head = [cell(name, head=True, right=name in RIGHT) for name in names]
    cells = [[cell(shortened(row.get(name, "")), right=name in RIGHT) for name in names] for row in rows]
    rest = f"{len(runs) - MOST_RUNS:,} runs before these are not shown." if len(runs) > MOST_RUNS else ""
    return (
        joined([table(cells, head=head), tag("div", rest, kind="line dim") if rest else None]) if runs else tag("div", "no runs")
    )


def _comparison(compared: Comparison) -> Markup:
    """Return settings that differ, results, losses at the same steps, and the curves of the losses."""
    names, rows = run_names(compared.runs), list(comparison_rows(compared))
    shown = slice(MOST_COLUMNS)
    head = [cell("", head=True), *(cell(shortened(name, 40), head=True, right=True) for name in names[shown])]
    cells = [[cell(row.name, head=True), *(cell(shortened(each), right=True) for each in row.cells[shown])] for row in rows]
    notes = [] if compared.differ else ["The settings are the same."]
    notes += [f"… {len(names) - MOST_COLUMNS:,} more runs"] if len(names) > MOST_COLUMNS else []
    losses = {name: list(each.losses.items()) for name, each in zip(names, compared.curves, strict=True)}
    return joined([table(cells, head=head), *(tag("div", note, kind="line dim") for note in notes), curves(losses)])
