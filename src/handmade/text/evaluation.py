"""Text of an evaluation: accuracy, most frequent confusions, and the confusion matrix."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from handmade.engine.evaluation import Evaluation
from handmade.text.class_names import short
from handmade.text.number_format import percent

WIDEST = 10_000  # columns
FEW = 5  # confusions that are listed
CAPTION = "Rows: true class. Columns: predicted class. Recall: correct share of the row."


def layout(evaluation: Evaluation, title: str = "Accuracy") -> Iterator[RenderableType]:
    """Yield accuracy, most frequent confusions, and the confusion matrix."""
    yield from summary(evaluation, title)
    yield ConfusionMatrix(evaluation)


def summary(evaluation: Evaluation, title: str = "Accuracy") -> Iterator[Text]:
    """Yield accuracy and the most frequent confusions, with the names of the classes."""
    yield Text(f"{title} {percent(evaluation.accuracy)}: {evaluation.right:,} of {evaluation.images:,} images right.")
    names = [short(evaluation.class_name(k)) for k in range(len(evaluation.confusion))]
    confusions = [
        f"{names[true]} predicted as {names[predicted]} ({count})" for true, predicted, count in evaluation.mistakes(FEW)
    ]
    if confusions:
        yield Text(f"Most frequent confusions: {', '.join(confusions)}.")


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """The table of true and predicted classes; one line in its place where it is wider than the console."""

    evaluation: Evaluation

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        confusion = self.evaluation.confusion
        at_least = sum(1 + len(str(count)) for count in confusion.max(axis=0).tolist())
        table = _table(self.evaluation) if at_least <= options.max_width else None
        if table is not None and table.__rich_measure__(console, options.update(max_width=WIDEST)).maximum <= options.max_width:
            yield from (table, Text(CAPTION))
        else:
            wider = f"The confusion matrix of {len(confusion)} classes is wider than {options.max_width} columns."
            yield Text(f"{wider} Try evaluation.confusion, or --json.")


def _table(evaluation: Evaluation) -> Table:
    """Return the confusion matrix. Correct predictions are on the diagonal; zeros are left out.

    Rows show the names of the classes; columns, which are narrow, show their numbers.
    """
    table = Table(title="Confusion matrix", title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    names = evaluation.class_names
    table.add_column("", justify="right" if names is None else "left", style="bold")
    for predicted in range(len(evaluation.confusion)):
        table.add_column(str(predicted), justify="right")
    table.add_column("recall", justify="right")
    for true, row in enumerate(evaluation.confusion):
        cells = [
            Text(str(count) if count else "", "bold" if true == predicted else "") for predicted, count in enumerate(row.tolist())
        ]
        name = str(true) if names is None else f"{true} {short(names[true])}"
        table.add_row(Text(name), *cells, f"{100 * row[true] / row.sum():.1f} %" if row.sum() else "")
    return table
