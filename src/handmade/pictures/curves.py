"""Curves: loss and accuracy over the steps of one run or of several, from their logs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.pictures.sheet import MARGIN, Sheet, logarithmic, percent
from handmade.pictures.style import drawn, theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 2)))
LEFT = 0.75  # inches for the numbers of an axis
HEIGHT = 2.6
REACH = 10  # neighbours to each side, where there are enough, that a smoothed value is the mean of
SHARE = 50  # or this part of the series, if that is more: 1 / SHARE


@dataclass(frozen=True, eq=False)
class History:
    """What the log of a run holds.

    Attributes
    ----------
    name : str
        What people call the run.
    records : sequence of mappings
        One a step: "step", "loss", "accuracy" (which may be None) and, where there was one, "validation_accuracy".
    test_accuracy : float, optional
        The share of test images that the finished network got right.
    """

    name: str
    records: Sequence[Mapping[str, Any]]
    test_accuracy: float | None = None
    steps: Array = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", np.array([record.get("step", 0) for record in self.records], np.float64))

    def series(self, key: str) -> tuple[Array, Array]:
        """The steps on which there is such a number, and the numbers."""
        values = np.array([record.get(key) if record.get(key) is not None else np.nan for record in self.records], np.float64)
        there = np.isfinite(values)
        return self.steps[there], values[there]


@drawn
def curves(runs: Sequence[History], *, dark: bool = False) -> "Figure":
    """Draw loss and accuracy over the steps: every value thin, their running mean thick.

    Parameters
    ----------
    runs : sequence of History
        They are laid over each other.
    dark : bool
        For a dark background.

    Returns
    -------
    Figure

    Raises
    ------
    HandmadeError
        If there is no run, or one of them has no step with a finite loss.
    """
    if not runs:
        raise HandmadeError("curves want at least one run")
    for run in runs:
        if not len(run.series("loss")[0]):
            raise HandmadeError(f"{run.name}: curves want at least one step with a finite loss; its log has none")
    house = theme(dark=dark)
    title = f"How {runs[0].name} learnt" if len(runs) == 1 else f"How {len(runs)} runs learnt"
    sheet = Sheet(house, title, _note(runs))
    loss, accuracy = _axes(sheet, "loss of the batch (nats)"), _axes(sheet, "images classified right (%)")
    bottom = 100.0
    for k, run in enumerate(runs):
        colour, dash = house.lines[k % len(house.lines)], DASHES[k // len(house.lines) % len(DASHES)] if k else "-"
        label = run.name if run.test_accuracy is None else f"{run.name}: {percent(run.test_accuracy)} of the test images"
        draw(loss, *run.series("loss"), colour, dash, label)
        steps, shares = run.series("accuracy")
        draw(accuracy, steps, 100 * shares, colour, dash, label)
        bottom = min(bottom, float(np.quantile(100 * shares, 0.1, method="lower")) if len(shares) else 0)
        steps, shares = run.series("validation_accuracy")
        accuracy.plot(steps, 100 * shares, "o-", color=colour, markersize=3.5, linewidth=0.8)
        if run.test_accuracy is not None:
            accuracy.axhline(100 * run.test_accuracy, color=colour, linewidth=0.8, linestyle=":")
    logarithmic(loss)
    accuracy.set_ylim(min(bottom, 95), 100 + 0.02 * (100 - min(bottom, 95)))
    accuracy.set_xlabel("step (one batch)")
    if len(runs) > 1 or runs[0].test_accuracy is not None:
        loss.legend(loc="upper right")
    return sheet.done()


def _note(runs: Sequence[History]) -> str:
    note = "Thin: batch by batch. Thick: the running mean."
    if any(len(run.series("validation_accuracy")[0]) for run in runs):
        note += " Points: the images kept out for validation."
    if any(run.test_accuracy is not None for run in runs):
        note += " Dotted: the test images, at the end."
    return note


def draw(axes: "Axes", steps: Array, values: Array, colour: str, dash: Any, label: str) -> None:
    """One series, as it is and smoothed."""
    axes.plot(steps, values, color=colour, linewidth=0.5, alpha=0.35)
    axes.plot(steps, smoothed(values), color=colour, linestyle=dash, linewidth=1.8, label=label)


def smoothed(values: Array) -> Array:
    """The mean of each value and its neighbours, as many before as after; where the series ends, those that there are."""
    reach = min(max(REACH, len(values) // SHARE), len(values) // 4)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    near = np.minimum(reach, place)
    first, last = place - near, np.minimum(place + near + 1, len(values))
    means: Array = (sums[last] - sums[first]) / (last - first)
    return means


def _axes(sheet: Sheet, what: str) -> "Axes":
    axes = sheet.chart(LEFT, sheet.width + MARGIN - LEFT, HEIGHT)
    axes.set_ylabel(what)
    axes.grid(visible=True)
    axes.margins(x=0.01)
    sheet.y += HEIGHT + 0.35
    return axes
