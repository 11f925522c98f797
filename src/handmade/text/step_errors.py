"""Text of the errors of difference quotients against the step size h."""

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from handmade.engine.check.networks.steps import Curve, StepErrors


def layout(errors: StepErrors) -> Iterator[RenderableType]:
    """Yield the table of errors, the main results, and the weights that were left out."""
    yield from (Text("Median relative error of difference quotients; * marks the best h of each column"), _table(errors))
    textbook, exact = (errors.curve(method, "float64", "forward") for method in ("textbook", "exact"))
    best = f"h = {errors.h[textbook.best]:.0e}: {_error(textbook, textbook.best)}"
    yield Text(f"The textbook, one side, float64, is best at {best}.")
    yield Text(f"The exact difference at h = {errors.h[-1]:.0e}: {_error(exact, -1)}.")
    left_out = [f"{count:,} of {name}" for name, count in errors.on_kinks.items() if count]
    if left_out:
        yield Text(f"Left out, because they are on a kink and have no derivative: {', '.join(left_out)}.")


def _table(errors: StepErrors) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=0,
    )
    table.add_column("h\n\n", justify="right")
    for curve in errors.curves:
        table.add_column(f"{curve.method}\n{curve.dtype}\n{_sides(curve)}", justify="right")
    for n, h in enumerate(errors.h):
        table.add_row(f"{h:.0e}", *(_cell(curve, n) for curve in errors.curves))
    return table


def _cell(curve: Curve, n: int) -> Text:
    return Text(f"*{curve.median[n]:.0e}", "bold") if n == curve.best else Text(f"{curve.median[n]:.0e}")


def _sides(curve: Curve) -> str:
    return "one side" if curve.scheme == "forward" else "both"


def _error(curve: Curve, n: int) -> str:
    return f"error {curve.median[n]:.0e}, at worst {curve.worst[n]:.0e}"
