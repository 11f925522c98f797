"""The confusion matrix: which class (row) was taken for which (column), and how often."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.evaluation import Evaluation
from handmade.pictures.sheet import MARGIN, Sheet, percent, rising_scale, shortened
from handmade.pictures.style import LABEL, TICK, drawn, letters_on, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 5.6  # inches
NAME = 8  # letters of a name, which stands above a narrow column
MOST = 20  # classes up to which the counts are written into the cells


@drawn
def confusion(evaluation: Evaluation, class_names: Sequence[str] | None = None, *, dark: bool = False) -> "Figure":
    """Draw how often each class was taken for each: mistakes in blue, what is right as a number on the diagonal.

    Parameters
    ----------
    evaluation : Evaluation
        What `handmade.engine.evaluation.evaluate` found.
    class_names : sequence of str, optional
        What people call the classes; their numbers if left out.
    dark : bool
        For a dark background.

    Returns
    -------
    Figure
    """
    house = theme(dark=dark)
    counts = evaluation.confusion
    classes = len(counts)
    wrong = counts.astype(np.float64)
    np.fill_diagonal(wrong, np.nan)
    title = f"{percent(evaluation.accuracy)} right: {evaluation.right:,} of {evaluation.images:,} images"
    sheet = Sheet(house, title, "Each row is a class, each column what it was taken for. The diagonal is what is right.")
    scale = rising_scale(house, [wrong], "mistakes")
    sheet.group("", scale)
    sheet.y += 0.25
    axes = sheet.chart(MARGIN + 0.75, SIDE, SIDE)
    axes.imshow(wrong, cmap=scale.colours, vmin=scale.low, vmax=scale.high, aspect="auto", interpolation="nearest")
    axes.set_ylabel("the digit that it is" if classes == 10 and class_names is None else "the class that it is")
    axes.set_xlabel("what it was taken for")
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    ticks = range(0, classes, 1 if classes <= MOST else -(-classes // MOST))
    names = [str(k) if class_names is None else shortened(class_names[k], NAME) for k in ticks]
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    if classes <= MOST:
        for true, taken in zip(*np.nonzero(counts), strict=True):
            right = true == taken
            colour = house.ink if right else letters_on(scale.colours(float(wrong[true, taken]) / scale.high))
            weight = "bold" if right else "normal"
            text = f"{counts[true, taken]:,}"
            axes.text(taken, true, text, ha="center", va="center_baseline", size=LABEL, color=colour, fontweight=weight)
        for true, row in enumerate(counts):
            if row.sum():
                share = percent(row[true] / row.sum())
                axes.text(classes - 0.3, true, share, ha="left", va="center_baseline", size=TICK, clip_on=False)
        axes.text(classes - 0.3, -0.75, "right", ha="left", va="center_baseline", size=LABEL, clip_on=False)
    sheet.y += SIDE
    return sheet.done()
