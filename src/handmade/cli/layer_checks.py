"""`handmade check my_layer.py:Conv`: layers of a Python file, checked once, or again each time that it is saved."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer
from rich.text import Text

from handmade import gradients
from handmade.cli.console import news, print_json, results
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.layer_files.error_lines import LayerFileError, is_unwritten
from handmade.layer_files.inputs import random_input, read_input, shape_of
from handmade.layer_files.layers_in_file import Arguments, NamedLayer, Pair, every, named, parse_arguments
from handmade.layer_files.loading import LayerFile, checked, files_in, loaded
from handmade.layer_files.watching import check_installed, saves

if TYPE_CHECKING:
    from handmade.gradients import LayerReport

STYLES = {"correct": "bold green", "wrong": "bold red", "not tested": "bold yellow", "error": "bold red"}
NO_INPUT = "expected the shape of an input, images first, or an .npy file, such as --input 2,8,8,3; got none"


@dataclass(frozen=True)
class Order:
    """Settings of a check: a file, the name of a layer in it, texts of inputs and of arguments.

    Without a name (None), every class in the file that has a forward and a backward is checked.
    """

    file: Path
    name: str | None
    inputs: tuple[str, ...]
    arguments: str | None
    dtype: str | None
    seed: int
    json: bool


@dataclass(frozen=True)
class Outcome:
    """The result for one layer and one input: a report, or an error in one line."""

    target: str
    given: str
    report: "LayerReport | None"
    error: str = ""

    @property
    def verdict(self) -> str:
        """Return correct, wrong, not tested or error."""
        return "error" if self.report is None else self.report.verdict

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        found = {"verdict": "error", "error": self.error} if self.report is None else self.report.as_dict()
        return {"target": self.target, "input": self.given} | found


def check_file(order: Order, *, watch: bool) -> None:
    """Check the layers of a file and print the reports; with `watch`, again after each save, until Ctrl-C.

    Raises
    ------
    typer.BadParameter
        If an option cannot be used.
    HandmadeError
        If the file or an input cannot be read, or the layer that was named cannot be checked.
    typer.Exit
        With 1, if not every verdict is correct.
    """
    arguments = _checked_arguments(order)
    if not watch:
        if _run(order, arguments, set()) != "correct":
            raise typer.Exit(1)
        return
    check_installed()
    path = checked(order.file)
    arrays = {Path(text).resolve() for text in order.inputs if shape_of(text) is None}
    modules = {path}
    try:
        for _ in saves(lambda: {file.parent for file in modules | arrays if file.parent.is_dir()}, arrays):
            _run_and_report(order, arguments, modules)
    except KeyboardInterrupt:
        news.print("Watching has ended")  # Ctrl-C is the only way to end it: no failure


def _checked_arguments(order: Order) -> Arguments:
    """Return the arguments of the layer; BadParameter for options that no file could make usable."""
    if order.name is not None and not order.name.isidentifier():
        raise typer.BadParameter(f"expected FILE.py:NAME, got {order.name!r:.80} for NAME", param_hint=str(order.file))
    if not order.inputs:
        raise typer.BadParameter(NO_INPUT, param_hint="--input")
    for text in order.inputs:
        if shape_of(text) is None and not text.endswith(".npy"):
            raise typer.BadParameter(f"expected a shape such as 2,8,8,3, or an .npy file, got {text!r:.80}", param_hint="--input")
    try:
        return parse_arguments(order.arguments) if order.arguments else Arguments()
    except HandmadeError as error:
        raise typer.BadParameter(str(error), param_hint="--args") from None


def _run_and_report(order: Order, arguments: Arguments, modules: set[Path]) -> None:
    """Check once while watching: an error does not end it, and a line shows the time and the verdict."""
    try:
        verdict = _run(order, arguments, modules)
    except HandmadeError as error:
        if "--debug" in sys.argv:
            traceback.print_exception(error)
        news.print(f"handmade: {error}", markup=False)
        modules.update(files_in(error, order.file))
        verdict = "error"
    now = datetime.now().astimezone()
    line = Text.assemble(
        f"{now:%H:%M:%S} ", (verdict, STYLES[verdict]), f": {_target(order, order.name)}. Watching; Ctrl-C ends it"
    )
    news.print(line)


def _run(order: Order, arguments: Arguments, modules: set[Path]) -> str:
    """Load the file, check, print; return the worst verdict. Files that were loaded with it are added to `modules`."""
    arrays = [(text, _input(text, order.seed)) for text in order.inputs]
    alone = order.name is not None and len(arrays) == 1
    with redirect_stdout(sys.stderr):  # output of the student's code: standard output is for the report
        np.random.seed(order.seed)  # noqa: NPY002  the generator that students use: the same weights in each run
        with loaded(order.file) as file:
            try:
                outcomes = list(_outcomes(order, file, arguments, arrays, alone=alone))
            finally:
                modules.update(file.loaded().values())
    if order.json:
        print_json(outcomes[0].as_dict() if alone else _all_as_dict(order, outcomes))
    else:
        _show(outcomes)
    return _worst(outcomes)


def _outcomes(
    order: Order, file: LayerFile, arguments: Arguments, arrays: list[tuple[str, Array]], *, alone: bool
) -> Iterator[Outcome]:
    """Yield the outcome for each layer and each input. An error of one that is `alone` is raised."""
    subjects = every(file, arguments) if order.name is None else [named(file, order.name, arguments)]
    for subject in subjects:
        for text, x in arrays:
            target = _target(order, subject.name)
            try:
                yield Outcome(target, text, _report(subject, x.copy(), order.dtype))
            except (Exception, SystemExit) as error:
                if subject.is_base and is_unwritten(error):
                    news.print(f"{target} is left out: it is not implemented, and other layers derive from it", markup=False)
                    break
                if alone:
                    raise LayerFileError(file.error_line(error)) from error
                yield Outcome(target, text, None, file.error_line(error))


def _report(subject: NamedLayer, x: Array, dtype: str | None) -> "LayerReport":
    made = subject.make()
    if isinstance(made, Pair):
        return gradients.check_function(made.f, made.vjp, x, dtype=dtype)
    return gradients.check_layer(made, x, dtype=dtype)


def _input(text: str, seed: int) -> Array:
    shape = shape_of(text)
    return read_input(Path(text)) if shape is None else random_input(shape, seed)


def _target(order: Order, name: str | None) -> str:
    return f"{order.file}:{name}" if name else str(order.file)


def _worst(outcomes: list[Outcome]) -> str:
    verdicts = {outcome.verdict for outcome in outcomes}
    return next((verdict for verdict in ("error", "wrong", "not tested") if verdict in verdicts), "correct")


def _all_as_dict(order: Order, outcomes: list[Outcome]) -> dict[str, Any]:
    reports = [outcome.as_dict() for outcome in outcomes]
    return {"target": _target(order, order.name), "verdict": _worst(outcomes), "reports": reports}


def _show(outcomes: list[Outcome]) -> None:
    for number, outcome in enumerate(outcomes):
        if number:
            results.print()
        of = "" if shape_of(outcome.given) is None else "random numbers of shape "
        news.print(f"{outcome.target}, on {of}{outcome.given}", markup=False)
        results.print(_coloured(outcome))
    if len(outcomes) > 1:
        results.print()
        results.print(_table(outcomes))


def _coloured(outcome: Outcome) -> Text:
    """Return the text of a report as it is, its verdict in colour."""
    if outcome.report is None:
        return Text.assemble(("error", STYLES["error"]), f": {outcome.error}")
    text = Text(str(outcome.report))
    head = text.plain.partition("\n")[0]
    if (start := head.rfind(outcome.verdict)) >= 0:
        text.stylize(STYLES[outcome.verdict], start, start + len(outcome.verdict))
    return text


def _table(outcomes: list[Outcome]) -> Any:
    from rich import box  # noqa: PLC0415  only several layers need a table
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), show_edge=False)
    for column in ("layer", "input", "verdict"):
        table.add_column(column, overflow="fold")
    for outcome in outcomes:
        layer = outcome.target.rpartition(":")[2]
        table.add_row(Text(layer), Text(outcome.given), Text(outcome.verdict, STYLES[outcome.verdict]))
    return table
