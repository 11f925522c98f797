"""`handmade evaluate`: accuracy, and what is taken for what."""

from functools import partial
from pathlib import Path

from rich import box
from rich.table import Table

import handmade
from handmade.cli.console import print_json, results
from handmade.cli.summary import summary
from handmade.engine.evaluation import Evaluation, evaluate
from handmade.runs import inputs
from handmade.runs.record import BEST


def run(path: Path, data: str, *, json: bool) -> None:
    """Evaluate a model on the test images."""
    network, digits = inputs.model(path), inputs.dataset(data)
    inputs.check_fit(network, digits, data)
    prepare = partial(handmade.data.prepare, dtype=network.dtype)
    evaluation = evaluate(network, digits.test.images, digits.test.labels, prepare)
    if json:
        print_json(
            {
                "model": str(path),
                "test_accuracy": evaluation.accuracy,
                "test_loss": evaluation.loss,
                "images": evaluation.images,
                "weights": network.size,
                "confusion": evaluation.confusion.tolist(),
            }
        )
        return
    results.print(f"{path}: {network.size:,} weights{_of_two(path)}")
    results.print(summary(evaluation))
    results.print(_matrix(evaluation))


def _of_two(path: Path) -> str:
    """Which model of a run is meant, where there are two."""
    return f", after the last step; the best on the validation images is {path / BEST}" if (path / BEST).exists() else ""


def _matrix(evaluation: Evaluation) -> Table:
    """The confusion matrix; what is right stands on the diagonal, and zeros are left out."""
    table = Table(title="How often a digit (row) was taken for a digit (column)", title_justify="left", box=box.SIMPLE)
    table.add_column("", justify="right", style="bold")
    for taken in range(len(evaluation.confusion)):
        table.add_column(str(taken), justify="right")
    table.add_column("right", justify="right")
    for true, row in enumerate(evaluation.confusion):
        cells = [(f"[bold]{count}[/]" if true == taken else str(count)) if count else "" for taken, count in enumerate(row)]
        table.add_row(str(true), *cells, f"{100 * row[true] / row.sum():.1f} %" if row.sum() else "")
    return table
