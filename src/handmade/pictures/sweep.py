"""Results of a sweep: validation accuracy against the settings that vary.

one setting      a curve through the means, with a point for each seed
two settings     a heat map of the means; coloured points if the values form no grid
more settings    a small chart for each setting, with a point for each combination
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from handmade.engine.arguments import described, refused
from handmade.engine.errors import HandmadeError
from handmade.engine.printable import ShortRepr
from handmade.pictures.fonts import fitted, width_of
from handmade.pictures.numbers import counted, percent
from handmade.pictures.scales import Scale
from handmade.pictures.sheet import GAP, MARGIN, Sheet
from handmade.pictures.style import TICK, WIDTH, drawn, letters_on, sequential, theme
from handmade.pictures.sweep_axes import are_numbers, ordered, places_on, text_of, title_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SEED = "seed"
LEFT = 0.75  # inches for the numbers of an axis
HEIGHT, SMALL_HEIGHT = 3.0, 1.9  # inches of a chart; of one of several
ACROSS = 3  # small charts in a row
CELL = 0.42  # inches of a cell's height
MOST_CELLS = 14  # rows or columns of a heat map
ROOM = 3.0  # of the distance from the median to the best: the part of the axis below the median


@dataclass(frozen=True)
class Trial(ShortRepr):
    """Run of a sweep.

    Attributes
    ----------
    values : mapping
        Values of the settings that vary, the seed included.
    accuracy : float or None
        Validation accuracy; None if the run diverged.
    """

    values: Mapping[str, Any]
    accuracy: float | None


@dataclass(frozen=True)
class Point:
    """Combination of values, without the seed: its accuracies in percent, and the number of its runs that diverged."""

    values: tuple[Any, ...]
    accuracies: tuple[float, ...]
    diverged: int

    @property
    def mean(self) -> float:
        """Mean of the accuracies; NaN if there is none."""
        return fmean(self.accuracies) if self.accuracies else np.nan


@drawn
def sweep(trials: Sequence[Trial], *, dark: bool = False, width: float = WIDTH) -> "Figure":
    """Draw the validation accuracy of the runs of a sweep against the settings that vary.

    Parameters
    ----------
    trials : sequence of Trial
        Runs that have ended, such as `results.trials()` of a sweep; all with the same settings.
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
        If no run has an accuracy.
    """
    if not isinstance(trials, Sequence) or not all(isinstance(trial, Trial) for trial in trials):
        raise refused("trials", "a list of Trial", described(trials), "handmade.sweep.results(folder).trials()")
    if all(trial.accuracy is None for trial in trials):
        raise HandmadeError("trials: expected a run that is finished, got none. Try to resume the sweep")
    names = [name for name in trials[0].values if name != SEED]
    names = [name for name in names if len({trial.values[name] for trial in trials}) > 1] or names[:1] or [SEED]
    points, seeds = _points(trials, names), len({trial.values.get(SEED) for trial in trials})
    axis = _Accuracies(points)
    sheet = Sheet(theme(dark=dark), f"Sweep: {counted(len(trials), 'run')}", _note(points, axis, seeds, names), width)
    if len(names) == 2 and _is_grid(points):
        _heat_map(sheet, names, points, axis)
    elif len(names) == 2:
        _coloured_points(sheet, names, points, axis)
    else:
        _charts(sheet, names, points, axis)
    return sheet.done()


class _Accuracies:
    """Range of the accuracies that are shown: very low ones would hide the differences between the others."""

    def __init__(self, points: Sequence[Point]) -> None:
        every = np.array([each for point in points for each in point.accuracies])
        best, middle = every.max(), float(np.median(every))
        least = middle - ROOM * max(best - middle, 0.2)
        self.low = float(max(every.min(), least)) if every.min() < best else float(best - 1)
        self.high = float(best)
        self.cut = bool((every < self.low).any())

    def scale(self, sheet: Sheet) -> Scale:
        """Return the scale of colours."""
        return Scale(sequential(sheet.theme), round(self.low, 2), round(self.high, 2), "validation accuracy (%)")


def _points(trials: Sequence[Trial], names: Sequence[str]) -> list[Point]:
    """Return the combinations in the order of their values."""
    found: dict[tuple[Any, ...], list[Trial]] = {}
    for trial in trials:
        found.setdefault(tuple(trial.values[name] for name in names), []).append(trial)
    return [
        Point(values, tuple(100 * each.accuracy for each in of if each.accuracy is not None), sum(t.accuracy is None for t in of))
        for values, of in found.items()
    ]


def _note(points: Sequence[Point], axis: _Accuracies, seeds: int, names: Sequence[str]) -> str:
    several = seeds > 1 and any(len(point.accuracies) > 1 for point in points)
    if len(names) == 1:
        parts = ["Accuracy on the validation set.", f"Points: runs. Line: mean of {seeds} seeds." if several else "Points: runs."]
    elif len(names) == 2:
        parts = [f"Accuracy on the validation set{f', mean of {seeds} seeds' if several else ''}."]
    else:
        parts = ["Accuracy on the validation set. Points: runs. Circles: the best combination."]
    if len(names) != 2 or not _is_grid(points):
        parts += ["Crosses: diverged."] if any(point.diverged for point in points) else []
        parts += ["Triangles: below the axis."] if axis.cut else []
    return " ".join(parts)


def _is_grid(points: Sequence[Point]) -> bool:
    rows, columns = (len({point.values[k] for point in points}) for k in (0, 1))
    return max(rows, columns) <= MOST_CELLS and 2 * len(points) > rows * columns


def _heat_map(sheet: Sheet, names: Sequence[str], points: Sequence[Point], axis: _Accuracies) -> None:
    """Draw a cell for each pair of values: rows for the first setting, columns for the second."""
    down, across = (ordered({point.values[k] for point in points}) for k in (0, 1))
    scale, at = axis.scale(sheet), {point.values: point for point in points}
    sheet.group("", scale)
    labels = [fitted(text_of(value), 0.3 * sheet.width, TICK) for value in down]
    left = MARGIN + max(width_of(label, TICK) for label in [*labels, title_of(names[0])]) + 0.12
    cell = (sheet.width + MARGIN - left) / len(across)
    sheet.text(left + (sheet.width + MARGIN - left) / 2, sheet.y, title_of(names[1]), across="center")
    sheet.y += 0.22
    sheet.text(left - 0.1, sheet.y, title_of(names[0]), size=TICK, colour=sheet.theme.soft, across="right")
    for column, value in enumerate(across):
        sheet.text(left + (column + 0.5) * cell, sheet.y, fitted(text_of(value), cell, TICK), size=TICK, across="center")
    sheet.y += 0.2
    for label, row in zip(labels, down, strict=True):
        middle = sheet.y + CELL / 2
        sheet.text(left - 0.1, middle, label, size=TICK, across="right", down="center_baseline")
        for column, value in enumerate(across):
            point, x = at.get((row, value)), left + column * cell
            if point is None:
                continue
            shown = min(max(point.mean, scale.low), scale.high) if point.accuracies else np.nan
            sheet.tile(np.array([[shown]]), scale, x, sheet.y, cell - GAP / 2, CELL - GAP / 2)
            colour = sheet.theme.mark
            if point.accuracies:
                colour = letters_on(scale.colours((shown - scale.low) / ((scale.high - scale.low) or 1)))
            text = fitted(_cell_text(point), cell - GAP, TICK)
            sheet.text(x + cell / 2, middle, text, size=TICK, colour=colour, across="center", down="center_baseline")
        sheet.y += CELL


def _cell_text(point: Point) -> str:
    if not point.accuracies:
        return "diverged"
    return percent(point.mean / 100) + (f", {point.diverged} diverged" if point.diverged else "")


def _coloured_points(sheet: Sheet, names: Sequence[str], points: Sequence[Point], axis: _Accuracies) -> None:
    """Draw a coloured point for each pair of values."""
    scale = axis.scale(sheet)
    sheet.group("", scale)
    axes = sheet.chart(LEFT + 0.25, sheet.width + MARGIN - LEFT - 0.25, HEIGHT)
    x = places_on(axes, "x", names[1], [point.values[1] for point in points], sheet.width - LEFT)
    y = places_on(axes, "y", names[0], [point.values[0] for point in points], HEIGHT)
    good = [k for k, point in enumerate(points) if point.accuracies]
    bad = [k for k, point in enumerate(points) if not point.accuracies]
    axes.scatter(
        [x[k] for k in good],
        [y[k] for k in good],
        c=[points[k].mean for k in good],
        cmap=scale.colours,
        vmin=scale.low,
        vmax=scale.high,
        s=60,
        edgecolors=sheet.theme.soft,
        linewidths=0.6,
    )
    axes.plot([x[k] for k in bad], [y[k] for k in bad], "x", color=sheet.theme.mark, linestyle="none")
    best = max(good, key=lambda k: points[k].mean)
    axes.annotate(
        f"best: {percent(points[best].mean / 100)}",
        (x[best], y[best]),
        (0, 7),
        textcoords="offset points",
        ha="center",
        size=TICK,
        fontweight="bold",
    )
    sheet.y += HEIGHT + 0.45


def _charts(sheet: Sheet, names: Sequence[str], points: Sequence[Point], axis: _Accuracies) -> None:
    """Draw a chart for each setting; several stand side by side."""
    across = 1 if len(names) == 1 else 2 if len(names) == 4 or sheet.narrow else ACROSS
    height = HEIGHT if len(names) == 1 else SMALL_HEIGHT
    room = sheet.width / across
    for k, name in enumerate(names):
        axes = sheet.chart(LEFT + k % across * room, room - LEFT + MARGIN - (0.1 if across > 1 else 0), height)
        x = places_on(axes, "x", name, [point.values[k] for point in points], room - LEFT)
        _draw_points(axes, sheet, x, points, axis)
        means = sorted((place, point.mean) for place, point in zip(x, points, strict=True) if point.accuracies)
        if len(names) == 1 and are_numbers(point.values[0] for point in points) and name != SEED:
            axes.plot(*zip(*means, strict=True), color=sheet.theme.lines[0], zorder=1)
        elif len(names) == 1 and name != SEED:
            axes.plot(*zip(*means, strict=True), "_", color=sheet.theme.lines[0], markersize=30, linestyle="none")
        elif len(names) > 1:
            best = max((k for k, point in enumerate(points) if point.accuracies), key=lambda k: points[k].mean)
            axes.plot(x[best], points[best].mean, "o", color=sheet.theme.mark, markersize=9, markerfacecolor="none")
        if k % across == 0:
            axes.set_ylabel("validation accuracy (%)")
        if k % across == across - 1 or k == len(names) - 1:
            sheet.y += height + (0.45 if k == len(names) - 1 else 0.65)


def _draw_points(axes: "Axes", sheet: Sheet, x: Sequence[float], points: Sequence[Point], axis: _Accuracies) -> None:
    """Draw a point for each run; those below the axis, and those that diverged, stand at its lower end."""
    margin = 0.06 * (axis.high - axis.low)
    floor = axis.low - margin
    every = [(place, each) for place, point in zip(x, points, strict=True) for each in point.accuracies]
    inside = [pair for pair in every if pair[1] >= axis.low]
    below = [place for place, each in every if each < axis.low]
    lost = [place for place, point in zip(x, points, strict=True) if point.diverged]
    colour = sheet.theme.lines[0]
    axes.plot(*zip(*inside, strict=True), "o", color=colour, markersize=4, alpha=0.75, linestyle="none")
    axes.plot(below, [floor] * len(below), "v", color=colour, markersize=5, linestyle="none", clip_on=False)
    axes.plot(lost, [floor] * len(lost), "x", color=sheet.theme.mark, markersize=6, linestyle="none", clip_on=False)
    axes.set_ylim(floor - margin if below or lost else floor, axis.high + margin)
    axes.grid(visible=True, axis="y")
