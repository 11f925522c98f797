"""Texts of values: `print(network)` shows the layout that the command shows, without colour.

Each kind of value has a module here. Its function `layout(value)` yields lines and tables for rich. The command prints them with
colour. `to_text` prints them into a string; `engine/printable.py` calls it.
"""

import io
import os
import shutil
import sys
from collections.abc import Iterable
from importlib import import_module
from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

LAYOUTS = {  # the module of each class; imported when such a value is first printed
    "handmade.engine.check.networks.report.Report": "check_report",
    "handmade.engine.check.networks.steps.StepErrors": "step_errors",
    "handmade.engine.evaluation.Evaluation": "evaluation",
    "handmade.engine.receipts.receipt.Receipt": "receipt_tables",
    "handmade.engine.receipts.trace.Trace": "trace",
    "handmade.engine.structure.Structure": "network_table",
    "handmade.engine.training.loop.Step": "training_step",
    "handmade.runs.comparison.Comparison": "run_comparison",
    "handmade.runs.history.RunList": "runs_table",
    "handmade.runs.history.RunRecord": "run_record",
    "handmade.runs.progress.Progress": "training_progress",
    "handmade.runs.session.TrainingSession": "training_session",
    "handmade.sweep.results.SweepResults": "sweep_results",
    "handmade.sweep.session.Sweep": "sweep_plan",
    "handmade.sweep.session.SweepProgress": "sweep_progress",
}
WIDTH = 100  # columns, where there is no terminal
ASCII = str.maketrans("\N{MINUS SIGN}\N{MULTIPLICATION SIGN}\N{BOX DRAWINGS LIGHT HORIZONTAL}▁▂▃▄▅▆▇█", "-x-.:-=+*#%")


def to_text(value: object, width: int | None = None) -> str:
    """Return the layout of a value as text without colour.

    Parameters
    ----------
    value : object
        An object of a class in LAYOUTS, or of a subclass. Another value is shown by its `repr()`.
    width : int, optional
        Largest number of columns; by default, the width of the terminal, else COLUMNS, else 100.
    """
    parts = layout_of(value)
    if parts is None:
        return repr(value)
    text = rendered(parts, width or _width())
    return text if _can_encode(text) else text.translate(ASCII)


def layout_of(value: object) -> "Iterable[RenderableType] | None":
    """Return the lines and tables of a value; None if its class has no layout."""
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(value).__mro__)
    module = next((LAYOUTS[name] for name in names if name in LAYOUTS), None)
    if module is None:
        return None
    parts: Iterable[RenderableType] = import_module(f"handmade.text.{module}").layout(value)
    return parts


def plain_console(width: int) -> "Console":
    """Return a console that prints into a string, without colour."""
    from rich.console import Console  # noqa: PLC0415  importing handmade.text alone is cheap

    return Console(
        file=io.StringIO(), width=width, height=25, color_system=None, force_terminal=False, highlight=False, emoji=False
    )


def rendered(parts: "Iterable[RenderableType]", width: int) -> str:
    """Return lines and tables below each other. A line that is too long continues below, indented."""
    from rich.text import Text  # noqa: PLC0415

    console = plain_console(width)
    for part in parts:
        if isinstance(part, Text):
            console.print("\n".join(_folded(line, width) for line in part.plain.split("\n")), markup=False, soft_wrap=True)
        else:
            console.print(part)
    file = console.file
    assert isinstance(file, io.StringIO)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()).strip("\n")


def _folded(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return fill(line, width, subsequent_indent=indent, replace_whitespace=False, break_long_words=False, break_on_hyphens=False)


def _width() -> int:
    if sys.stdout is not None and sys.stdout.isatty():
        return shutil.get_terminal_size((WIDTH, 24)).columns
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isascii() and columns.isdigit() and int(columns) else WIDTH


def _can_encode(text: str) -> bool:
    """Return True if standard output can show the text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
