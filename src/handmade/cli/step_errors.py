"""Errors of difference quotients against the step size h, measured and laid out."""

import numpy as np
from rich import box
from rich.table import Table

from handmade.cli.console import results
from handmade.cli.progress import progress
from handmade.data import prepare_for
from handmade.engine.check.networks.steps import Curve, StepErrors, error_against_h
from handmade.runs import inputs
from handmade.runs.inputs import network_named
from handmade.threads import cores, threads


def show(errors: StepErrors) -> None:
    """Print the table and its main results."""
    results.print(_table(errors))
    for line in _summary(errors):
        results.print(line)


def measured(target: str, data: str, images: int, seed: int) -> StepErrors:
    """Measure the errors of every kind of quotient at every h, for a network by its name."""
    digits = inputs.dataset(data)
    network = network_named(target, seed)
    inputs.check_fit(network, digits, data)
    x = prepare_for(network, np.float64)(digits.train.images[:images])
    with threads(cores()) as executor, progress("step sizes") as tell:
        return error_against_h(network, x, digits.train.labels[: len(x)], executor=executor, progress=tell)


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
    """Return the main results, and the weights that were left out."""
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
