"""`handmade evaluate`: accuracy on the test images, and the confusions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handmade.cli.commands.options import Data, Json

if TYPE_CHECKING:
    from rich.table import Table

    from handmade.engine.evaluation import Evaluation
    from handmade.engine.network import Network


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file, or the folder of a run.")],
    *,
    data: Data = "mnist",
    json: Json = False,
) -> None:
    """Tell how well a model reads the test images."""
    from handmade.cli.console import print_json, results
    from handmade.cli.summary import summary
    from handmade.data import prepare_for
    from handmade.engine import evaluation
    from handmade.runs import inputs

    network, digits = inputs.model(model), inputs.dataset(data)
    inputs.check_fit(network, digits, data)
    found = evaluation.evaluate(network, digits.test.images, digits.test.labels, prepare_for(network))
    if json:
        print_json(
            {
                "model": str(model),
                "test_accuracy": found.accuracy,
                "test_loss": found.loss,
                "images": found.images,
                "weights": network.size,
                "confusion": found.confusion.tolist(),
            }
        )
        return
    results.print(f"{model}: {network.size:,} weights{_of_two(model)}")
    results.print(summary(found, network.class_name))
    results.print(_matrix(found, network))


def _of_two(path: Path) -> str:
    """Return words that tell the models of a run apart, where there are two."""
    from handmade.runs.record import BEST

    return f", after the last step; the best on the validation images is {path / BEST}" if (path / BEST).exists() else ""


def _matrix(evaluation: "Evaluation", network: "Network") -> "Table":
    """Lay out the confusion matrix: right answers stand on the diagonal, and zeros are left out.

    Classes with names have them at the rows; at the columns, which are narrow, stand their numbers.
    """
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    what = "a digit" if network.class_names is None else "a class"
    table = Table(
        title=f"How often {what} (row) was taken for {what} (column)", title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0)
    )
    table.add_column("", justify="right" if network.class_names is None else "left", style="bold")
    for taken in range(len(evaluation.confusion)):
        table.add_column(str(taken), justify="right")
    table.add_column("right", justify="right")
    for true, row in enumerate(evaluation.confusion):
        cells = [(f"[bold]{count}[/]" if true == taken else str(count)) if count else "" for taken, count in enumerate(row)]
        name = str(true) if network.class_names is None else f"{true} {network.class_name(true)}"
        table.add_row(escape(name), *cells, f"{100 * row[true] / row.sum():.1f} %" if row.sum() else "")
    return table
