"""`handmade check --steps`: error against h, as a table and as a picture."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich import box
from rich.table import Table

import handmade
from handmade import HandmadeError
from handmade.cli.console import news, print_json, results
from handmade.cli.progress import progress
from handmade.engine.check.steps import Curve, StepErrors, error_against_h
from handmade.files.atomic import write_atomically
from handmade.pictures.steps import error_against_h as drawn
from handmade.pictures.style import FORMATS, encode, library
from handmade.runs import inputs
from handmade.runs.inputs import network_named
from handmade.workers import cores, workers


def run(target: str, data: str, images: int, seed: int, figure: Path | None, *, json: bool) -> None:
    """Measure the error of every kind of quotient at every h, on a few images."""
    if figure:
        check_figure(figure)
    errors = measured(target, data, images, seed)
    if figure:
        write_atomically(figure, encode(drawn(errors), figure.suffix[1:].lower()))
    if json:
        print_json({"target": target, "images": images} | asdict(errors) | {"figure": str(figure) if figure else None})
        return
    counted = sum(errors.weights.values())
    news.print(f"{target}: {counted} weights, on {images} images of {data}, against backpropagation in float64")
    results.print(_table(errors))
    for line in _summary(errors):
        results.print(line)
    if figure:
        news.print(f"Figure: {figure}")


def measured(target: str, data: str, images: int, seed: int) -> StepErrors:
    """The errors of every kind of quotient, for the network that is meant."""
    digits = inputs.dataset(data)
    network = network_named(target, seed)
    inputs.check_fit(network, digits, data)
    x = handmade.data.prepare(digits.train.images[:images], np.float64)
    with workers(cores()) as executor, progress("step sizes") as tell:
        return error_against_h(network, x, digits.train.labels[: len(x)], executor=executor, progress=tell)


def check_figure(figure: Path) -> None:
    """Before anything is worked out: whether there will be a picture in the end."""
    library()
    if figure.suffix[1:].lower() not in FORMATS:
        raise HandmadeError(f"--figure wants a name that ends in .{', .'.join(FORMATS)}; got {figure}")
    if not figure.absolute().parent.is_dir():
        raise HandmadeError(f"--figure wants a folder that is there; there is no {figure.absolute().parent}")


def _table(errors: StepErrors) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        title="The median relative error of difference quotients; * marks each column's best",
        title_justify="left",
        padding=0,
    )
    table.add_column("h\n\n", justify="right")
    for curve in errors.curves:
        table.add_column(f"{curve.method}\n{curve.dtype}\n{_sides(curve)}", justify="right")
    for n, h in enumerate(errors.h):
        table.add_row(f"{h:.0e}", *(_cell(curve, n) for curve in errors.curves))
    return table


def _cell(curve: Curve, n: int) -> str:
    return f"[bold]*{curve.median[n]:.0e}[/]" if n == curve.best else f"{curve.median[n]:.0e}"


def _sides(curve: Curve) -> str:
    return "one side" if curve.scheme == "forward" else "both"


def _summary(errors: StepErrors) -> list[str]:
    """What to read off the table, and what is not in it."""
    textbook, exact = (errors.curve(method, "float64", "forward") for method in ("textbook", "exact"))
    lines = [
        f"The textbook, one side, float64, is best at h = {errors.h[textbook.best]:.0e}: {_error(textbook, textbook.best)}.",
        f"The exact difference at h = {errors.h[-1]:.0e}: {_error(exact, -1)}.",
    ]
    left_out = [f"{count:,} of {name}" for name, count in errors.on_kinks.items() if count]
    if left_out:
        lines.append(f"Left out, because they stand on a kink and have no derivative: {', '.join(left_out)}.")
    return lines


def _error(curve: Curve, n: int) -> str:
    return f"error {curve.median[n]:.0e}, at worst {curve.worst[n]:.0e}"
