"""Confusion matrix: a row for each true class, a column for each predicted class, and the number of images in each cell."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arguments import described, refused
from handmade.engine.arrays import Array
from handmade.engine.evaluation import Evaluation
from handmade.pictures.fonts import fitted, labels_of, width_of
from handmade.pictures.numbers import percent
from handmade.pictures.scales import Scale, rising_scale
from handmade.pictures.sheet import MARGIN, NAMES, Sheet
from handmade.pictures.style import LABEL, POINT, TICK, WIDTH, Theme, drawn, letters_on, theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LARGEST = 5.6  # inches of the matrix
LONGEST = 1.3  # inches of a name of a class
AXIS = 0.22  # inches for the title of an axis
RECALL = 0.7  # inches for the column at the right
MOST = 20  # classes up to which the counts are written into the cells
FREQUENT = 10  # pairs that are listed where there are more classes


@drawn
def confusion(
    evaluation: Evaluation, class_names: Sequence[str] | None = None, *, dark: bool = False, width: float = WIDTH
) -> "Figure":
    """Draw the number of images for each true and predicted class: errors in blue, correct predictions as numbers.

    Parameters
    ----------
    evaluation : Evaluation
        From `handmade.evaluate`.
    class_names : sequence of str, optional
        Names of the classes; those of the evaluation, or else their numbers, if left out.
    dark : bool
        For a dark background.
    width : float
        Inches of the figure.

    Returns
    -------
    Figure
    """
    if not isinstance(evaluation, Evaluation):
        raise refused("evaluation", "an Evaluation", described(evaluation), "handmade.evaluate(network, images, labels)")
    colours = theme(dark=dark)
    counts = evaluation.confusion
    classes = len(counts)
    errors = counts.astype(np.float64)
    np.fill_diagonal(errors, np.nan)
    sheet = Sheet(
        colours,
        "Confusion matrix",
        f"Accuracy {percent(evaluation.accuracy)}: {evaluation.right:,} of {evaluation.images:,} images. Diagonal: correct "
        f"predictions.{' Recall: share of the images of a class that are classified correctly.' if classes <= MOST else ''}",
        width,
    )
    scale = rising_scale(colours, [errors], "errors")
    sheet.group("", scale)
    sheet.y += 0.1
    labels = labels_of(class_names or evaluation.class_names, classes)
    ticks = range(0, classes, 1 if classes <= MOST else -(-classes // MOST))
    longest = LONGEST if not sheet.narrow else LONGEST / 2
    names = [fitted(labels[k], longest, TICK) for k in ticks]
    widest = max(width_of(name, TICK) for name in names)
    recall = RECALL if classes <= MOST else 0.1
    left = MARGIN + AXIS + widest + 0.08
    side = min(LARGEST, sheet.width + MARGIN - left - recall)
    turned = widest > 0.9 * side / len(names)
    sheet.text(left + side / 2, sheet.y, "predicted class", across="center")
    sheet.y += AXIS + (widest if turned else TICK * POINT) + 0.06
    axes = sheet.chart(left, side, side)
    axes.imshow(errors, cmap=scale.colours, vmin=scale.low, vmax=scale.high, aspect="auto", interpolation="nearest")
    axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xticks(ticks, names, rotation=90 if turned else 0)
    axes.set_yticks(ticks, names)
    sheet.text(MARGIN, sheet.y + side / 2, "true class", across="center", turned=90)
    if classes <= MOST:
        _write(axes, counts, side / classes, colours, scale)
        sheet.text(left + side + 0.08, sheet.y - 0.08, "recall", down="baseline")
    sheet.y += side
    if classes > MOST and (pairs := evaluation.mistakes(FREQUENT)):
        total = int(np.count_nonzero(np.nan_to_num(errors)))
        sheet.y += 0.1
        sheet.group(f"Most frequent errors: {len(pairs)} of {total:,} pairs of classes (true → predicted)")
        room = (NAMES * sheet.width - width_of(" → ", TICK, "bold")) / 2
        cut = [fitted(label, room, TICK, "bold") for label in labels]
        rows = [f"{cut[true]} → {cut[predicted]}" for true, predicted, _ in pairs]
        sheet.bars(np.array([count for *_, count in pairs]), rows, [[f"{count:,}"] for *_, count in pairs])
    return sheet.done()


def _write(axes: "Axes", counts: Array, cell: float, colours: Theme, scale: Scale) -> None:
    """Write the counts into the cells, and the recall of each class beside its row."""
    longest = max(width_of(f"{count:,}", LABEL, "bold") for count in (counts.max(), counts.diagonal().max()))
    size = min(LABEL, LABEL * 0.92 * cell / longest)
    for true, predicted in zip(*np.nonzero(counts), strict=True):
        right = true == predicted
        colour = colours.ink if right else letters_on(scale.colours(float(counts[true, predicted]) / scale.high))
        weight = "bold" if right else "normal"
        text = f"{counts[true, predicted]:,}"
        axes.text(predicted, true, text, ha="center", va="center_baseline", size=size, color=colour, fontweight=weight)
    for true, row in enumerate(counts):
        if row.sum():
            share = percent(row[true] / row.sum())
            axes.annotate(
                share,
                (len(counts) - 0.5, true),
                (0.08 / POINT, 0),
                textcoords="offset points",
                va="center_baseline",
                size=TICK,
                annotation_clip=False,
            )
