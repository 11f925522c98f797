"""Text of the check of a network: the table of its arrays, the worst weights, and the result."""

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from handmade.engine.check.networks.report import Report

STYLES = {"agree": "bold", "kink": "", "not tested": "bold", "bug": "bold reverse"}
TITLES = {"bug": "wrong gradients", "not tested": "not tested", "kink": "kinks"}  # by verdict, in order
CAPTION = (
    "\nWorst error: of backpropagation, for all weights, against the exact quotient.\n"
    "Definition: the worst of the textbook's subtraction, for the weights tried."
)


def layout(report: Report) -> Iterator[RenderableType]:
    """Yield the verdict, the table, wrong gradients, arrays that were not tested, kinks, notes, and the summary."""
    yield Text.assemble("verdict: ", (report.verdict, STYLES[report.verdict]))
    if report.arrays:
        yield from (_table(report), Text(CAPTION))
    for verdict, title in TITLES.items():
        details = [array.story() for array in report.arrays if array.verdict == verdict]
        yield from _section(title, details)
    yield from _section("inactive units", report.notes)
    yield Text(report.summary(), "" if report.ok else "bold")


def _section(title: str, lines: "list[str] | tuple[str, ...]") -> Iterator[Text]:
    if lines:
        yield Text(title, "bold")
        yield from (Text(f"  {line}") for line in lines)


def _table(report: Report) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("array", overflow="fold")  # a name that is cut could be that of several arrays
    for name in ("weights", "on a\nkink", "worst\nerror", "definition", "tried"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for array in report.arrays:
        counts = (f"{array.entries:,}", f"{array.kinks:,}" if array.kinks else "")
        verdict = Text("BUG" if array.verdict == "bug" else array.verdict, STYLES[array.verdict])
        table.add_row(Text(array.name), *counts, _error(array.error), _error(array.definition), f"{array.tried:,}", verdict)
    return table


def _error(error: float) -> str:
    return f"{error:.0e}" if error else "0"
