"""View of an evaluation: accuracy, most frequent confusions, and the confusion matrix with its counts."""

from handmade.engine.evaluation import Evaluation
from handmade.html.markup import Markup, cell, joined, shortened, table, tag
from handmade.html.rich_parts import from_rich
from handmade.text.evaluation import CAPTION, summary
from handmade.text.number_format import percent

MOST_CLASSES = 40  # of a matrix that is shown
WORST = 10  # classes that are listed in place of a matrix
LONGEST = 24  # characters of the name of a class


def view(evaluation: Evaluation) -> Markup:
    """Return the accuracy, and the confusion matrix; of many classes, those with the lowest recall."""
    loss = tag("div", f"Mean cross-entropy: {evaluation.loss:.4g}", kind="line")
    matrix = _matrix(evaluation) if len(evaluation.confusion) <= MOST_CLASSES else _worst(evaluation)
    return joined([from_rich(summary(evaluation)), loss, matrix])


def _matrix(evaluation: Evaluation) -> Markup:
    confusion = evaluation.confusion
    classes = range(len(confusion))
    wrong = max((int(confusion[i, j]) for i in classes for j in classes if i != j), default=0)
    head = [cell("", head=True), *(cell(str(k), head=True, right=True) for k in classes), cell("recall", head=True, right=True)]
    rows = []
    for true in classes:
        counts = [_count(int(count), wrong, right=true == taken) for taken, count in enumerate(confusion[true])]
        rows.append([cell(_name(evaluation, true), head=True), *counts, cell(_recall(evaluation, true), right=True)])
    return joined([table(rows, head=head, caption="Confusion matrix", kind="matrix"), tag("div", CAPTION, kind="line dim")])


def _count(count: int, most: int, *, right: bool) -> Markup:
    """Return the cell of a count; the shade of a confusion repeats its number."""
    if right:
        return cell(str(count), right=True, kind="right")
    shade = f"background-color:rgba(224,123,16,{0.1 + 0.35 * count / most:.2f})" if count else None
    return cell(str(count) if count else "", right=True, style=shade)


def _worst(evaluation: Evaluation) -> Markup:
    """Return the classes with the lowest recall."""
    confusion = evaluation.confusion
    counts = confusion.sum(axis=1)
    present = [k for k in range(len(confusion)) if counts[k]]
    worst = sorted(present, key=lambda k: confusion[k, k] / counts[k])[:WORST]
    head = [cell("class", head=True), cell("images", head=True, right=True), cell("recall", head=True, right=True)]
    rows = [
        [cell(_name(evaluation, k)), cell(f"{int(counts[k]):,}", right=True), cell(_recall(evaluation, k), right=True)]
        for k in worst
    ]
    note = f"The confusion matrix of {len(confusion):,} classes is not shown: it is evaluation.confusion."
    return joined([table(rows, head=head, caption="Lowest recall"), tag("div", note, kind="line dim")])


def _name(evaluation: Evaluation, k: int) -> str:
    return str(k) if evaluation.class_names is None else f"{k} {shortened(evaluation.class_names[k], LONGEST)}"


def _recall(evaluation: Evaluation, k: int) -> str:
    row = evaluation.confusion[k]
    return percent(float(row[k] / row.sum())) if row.sum() else ""
