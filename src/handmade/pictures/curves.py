"""Training curves: loss and accuracy against the step, of one run or several, from their logs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from handmade.engine.arguments import described, refused
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.printable import ShortRepr, counted
from handmade.pictures.fonts import fitted, width_of
from handmade.pictures.numbers import percent
from handmade.pictures.sheet import MARGIN, Sheet, integer_steps, logarithmic
from handmade.pictures.style import TICK, WIDTH, drawn, theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 2)))
LEFT = 0.75  # inches for the numbers of an axis
HEIGHT = 2.6
LEGEND_LINE = 0.6  # inches of a line and the gaps around it in a legend
NEIGHBOURS = 10  # to each side, in a running mean
SHARE = 50  # or this part of the series, if that is more: 1 / SHARE


@dataclass(frozen=True, eq=False)
class History(ShortRepr):
    """The log of a run.

    Attributes
    ----------
    name : str
        Name of the run.
    records : sequence of mappings
        One for each step: "step", "loss", "accuracy" (may be None), at a validation "validation_accuracy", and at a test of a
        training in the lab "test_accuracy".
    test_accuracy : float, optional
        Accuracy of the trained network on the test images.
    """

    name: str
    records: Sequence[Mapping[str, Any]]
    test_accuracy: float | None = None
    steps: Array = field(init=False)

    def _summary(self) -> str:
        return f"{self.name!r}, {counted(len(self.records), 'record')}"

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", np.array([record.get("step", 0) for record in self.records], np.float64))

    def series(self, key: str) -> tuple[Array, Array]:
        """Return the steps that have this number, and the numbers."""
        values = np.array([record.get(key) if record.get(key) is not None else np.nan for record in self.records], np.float64)
        there = np.isfinite(values)
        return self.steps[there], values[there]


@drawn
def curves(runs: Sequence[History], *, dark: bool = False, width: float = WIDTH) -> "Figure":
    """Draw loss and accuracy against the step: each value thin, the running mean thick.

    Parameters
    ----------
    runs : sequence of History
        Drawn over each other.
    dark : bool
        For a dark background.
    width : float
        Inches of the figure.

    Returns
    -------
    Figure

    Raises
    ------
    HandmadeError
        If there is no run, or one of them has no step with a finite loss.
    """
    if not isinstance(runs, Sequence) or not all(isinstance(run, History) for run in runs):
        advice = (
            "[runs]"
            if isinstance(runs, History)
            else "[handmade.pictures.History(name, handmade.runs.read_record(folder).log())]"
        )
        raise refused("runs", "a list of History", described(runs), advice)
    if not runs:
        raise HandmadeError("runs: expected at least one run; got none. Try curves([history])")
    for run in runs:
        if not len(run.series("loss")[0]):
            raise HandmadeError(
                f"{run.name}: expected a log with at least one step and a finite loss; it has none. Train it first"
            )
    colours = theme(dark=dark)
    sheet = Sheet(colours, "Training curves" if len(runs) == 1 else f"Training curves of {len(runs)} runs", _note(runs), width)
    loss, accuracy = _axes(sheet, "loss (training batch)"), _axes(sheet, "accuracy (%)")
    bottom = 100.0
    for k, run in enumerate(runs):
        colour, dash = colours.lines[k % len(colours.lines)], DASHES[k // len(colours.lines) % len(DASHES)] if k else "-"
        result = "" if run.test_accuracy is None else f": test accuracy {percent(run.test_accuracy)}"
        label = fitted(run.name, sheet.width - LEFT - LEGEND_LINE - width_of(result, TICK), TICK) + result
        label = f" {label}" if label.startswith("_") else label  # a legend leaves out such names
        draw(loss, *run.series("loss"), colour, dash, label)
        steps, shares = run.series("accuracy")
        draw(accuracy, steps, 100 * shares, colour, dash, label)
        bottom = min(bottom, float(np.quantile(100 * shares, 0.1, method="lower")) if len(shares) else 0)
        for key, face in (("validation_accuracy", colour), ("test_accuracy", "none")):
            steps, shares = run.series(key)
            bottom = min(bottom, float(np.quantile(100 * shares, 0.1, method="lower")) if len(shares) else 100)
            accuracy.plot(steps, 100 * shares, "o-", color=colour, markerfacecolor=face, markersize=3.5, linewidth=0.8)
        if run.test_accuracy is not None:
            accuracy.axhline(100 * run.test_accuracy, color=colour, linewidth=0.8, linestyle=":")
    logarithmic(loss)
    accuracy.set_ylim(min(bottom, 95), 100 + 0.02 * (100 - min(bottom, 95)))
    accuracy.set_xlabel("step (one batch)")
    if len(runs) > 1 or runs[0].test_accuracy is not None:
        loss.legend(loc="upper right")
    return sheet.done()


def _note(runs: Sequence[History]) -> str:
    note = "Thin: each training batch. Thick: running mean."
    if any(len(run.series("validation_accuracy")[0]) for run in runs):
        note += " Points: validation accuracy."
    if any(len(run.series("test_accuracy")[0]) for run in runs):
        note += " Circles: accuracy on test images."
    if any(run.test_accuracy is not None for run in runs):
        note += " Dotted: test accuracy at the end."
    return note


def draw(axes: "Axes", steps: Array, values: Array, colour: str, dash: Any, label: str) -> None:
    """Draw one series and its running mean."""
    axes.plot(steps, values, color=colour, linewidth=0.5, alpha=0.35)
    axes.plot(steps, smoothed(values), color=colour, linestyle=dash, linewidth=1.8, label=label)


def smoothed(values: Array) -> Array:
    """Return the running mean: of each value, with the same number of neighbours before and after it, fewer near the ends."""
    reach = min(max(NEIGHBOURS, len(values) // SHARE), len(values) // 4)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    near = np.minimum(reach, place)
    first, last = place - near, np.minimum(place + near + 1, len(values))
    means: Array = (sums[last] - sums[first]) / (last - first)
    return means


def _axes(sheet: Sheet, label: str) -> "Axes":
    axes = sheet.chart(LEFT, sheet.width + MARGIN - LEFT, HEIGHT)
    axes.set_ylabel(label)
    axes.grid(visible=True)
    axes.margins(x=0.01)
    integer_steps(axes)
    sheet.y += HEIGHT + 0.35
    return axes
