"""Text of the record of a run: settings and results as a table."""

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from handmade.runs.history import RunRecord
from handmade.text.number_format import duration, percent

SETTINGS = ("network", "data", "gradient", "optimiser", "learning_rate", "epochs", "batch_size", "seed")
LONGEST = 60  # letters of a value


def layout(record: RunRecord) -> Iterator[RenderableType]:
    """Yield the folder, and a table of the main settings and results; or the reason why there are none."""
    yield Text(str(record.folder), "bold")
    if record.problem:
        yield Text(f"  {record.problem}")
        return
    table = Table(box=box.SIMPLE, show_header=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column()
    table.add_column(overflow="fold")
    for name, text in _facts(record):
        if text:
            table.add_row(name, Text(text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."))
    yield table


def _facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    yield "status", record.status
    yield "started", record.word("when")
    for name in SETTINGS:
        number = record.number(name)
        yield name.replace("_", " "), record.word(name) if number is None else f"{number:,g}"
    yield "steps", "" if record.steps is None else f"{record.steps:,.0f}"
    accuracy, loss, seconds = record.number("test_accuracy"), record.number("test_loss"), record.number("seconds")
    yield "test accuracy", "" if accuracy is None else percent(accuracy)
    yield "test loss", "" if loss is None else f"{loss:.4f}"
    yield "time", "" if seconds is None else duration(seconds)
