"""A sheet of paper on which maps are laid out row after row: everything is placed in inches, from the top left corner.

All maps of a group share one scale, and the scale's legend stands beside the title of the group.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.pictures.style import LABEL, TICK, TITLE, WIDTH, Theme, canvas, digits, diverging, limit, sequential

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

MARGIN = 0.25  # inches, all around
GAP = 0.06  # between two maps
LEGEND = 1.5  # how long a legend is
POINT = 1 / 72  # inches
LETTER = 0.6  # of its size in points: how wide a letter is
BOLD = 0.7  # the same for digits in bold
FEW = 300  # the highest over the lowest number of an axis, below which powers of ten are too few
NAME = 16  # letters of a name in front of a bar
LINE = 1.5  # of its size in points: how far apart lines are


@dataclass(frozen=True)
class Scale:
    """From numbers to colours, and what the legend says: the lowest number, 0 and the highest.

    Attributes
    ----------
    colours : Colormap
    low, high : float
        The numbers of the first and the last colour.
    unit : str
        What the numbers are, for the legend.
    """

    colours: "Colormap"
    low: float
    high: float
    unit: str = ""


def signed_scale(theme: Theme, arrays: Sequence[Array], unit: str = "") -> Scale:
    """Blue above zero, orange below; as far to both sides as the largest of the numbers."""
    largest = limit(arrays)
    return Scale(diverging(theme), -largest, largest, unit)


def rising_scale(theme: Theme, arrays: Sequence[Array], unit: str = "") -> Scale:
    """From nothing to the largest of the numbers."""
    return Scale(sequential(theme), 0, limit(arrays), unit)


def digit_scale(arrays: Sequence[Array]) -> Scale:
    """Of images: black is 0, white is ink."""
    return Scale(digits(), 0, max(1.0, limit(arrays)), "ink")


class Sheet:
    """A figure that grows downwards.

    Parameters
    ----------
    theme : Theme
    title : str
        What is to be seen.
    note : str
        What else the reader has to know.
    """

    def __init__(self, theme: Theme, title: str, note: str = "") -> None:
        self.figure: Figure = canvas(WIDTH, 1)
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.theme = theme
        self.width = WIDTH - 2 * MARGIN
        self.y = MARGIN
        self._charts: list[tuple[Axes, float, float, float, float]] = []
        self.text(MARGIN, self.y, title, size=TITLE, weight="bold")
        self.y += 1.6 * TITLE * POINT
        self.words(note)
        self.y += 0.06

    def words(self, note: str, width: float | None = None, *, down: bool = True) -> None:
        """A paragraph at the left, as wide as the paper unless it is told; what follows goes below it, or beside it."""
        top = self.y
        for line in lines(note, width or self.width, LABEL):
            self.text(MARGIN, self.y, line, size=LABEL, colour=self.theme.soft)
            self.y += LINE * LABEL * POINT
        self.y = self.y if down else top

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = LABEL,
        colour: str | None = None,
        weight: str = "normal",
        across: str = "left",
        down: str = "top",
        turned: float = 0,
    ) -> None:
        """Letters, their top left corner at (x, y) unless `across` and `down` say something else."""
        self.axes.text(
            x,
            y,
            text,
            fontsize=size,
            color=colour or self.theme.ink,
            fontweight=weight,
            ha=across,
            va=down,
            rotation=turned,
            rotation_mode="anchor",
        )

    def group(self, title: str, scale: Scale | None = None) -> None:
        """Begin a group: its title, and to the right its legend."""
        self.y += 0.14
        top = self.y
        for line in lines(title, self.width - (LEGEND + 0.6 if scale else 0), LABEL):
            self.text(MARGIN, self.y, line, weight="bold")
            self.y += LINE * LABEL * POINT
        if scale:
            self._legend(scale, MARGIN + self.width - LEGEND, top)
            self.y = max(self.y, top + 0.24)
        self.y += 0.05

    def tile(self, map_: Array, scale: Scale, x: float, y: float, width: float, height: float) -> None:
        """One map, (H, W), with its top left corner at (x, y)."""
        self.axes.imshow(
            map_,
            cmap=scale.colours,
            vmin=scale.low,
            vmax=scale.high,
            extent=(x, x + width, y + height, y),
            aspect="auto",
            interpolation="nearest",
        )

    def maps(self, maps: Sequence[Array], scale: Scale, *, across: int = 8, captions: Sequence[str] = ()) -> None:
        """Maps of one size, so many in a row; captions of at most so many lines as the first go above their maps."""
        rows, columns = maps[0].shape
        step = self.width / across
        inch = (step - GAP) / max(rows, columns)
        above = (1 + captions[0].count("\n")) * LINE * TICK * POINT + 0.02 if captions else 0
        for n, map_ in enumerate(maps):
            x, y = MARGIN + n % across * step, self.y + n // across * (above + rows * inch + GAP)
            self.tile(map_, scale, x, y + above, columns * inch, rows * inch)
            if captions:
                self.text(x, y, captions[n], size=TICK, colour=self.theme.soft)
        self.y += math.ceil(len(maps) / across) * (above + rows * inch + GAP)

    def captioned(self, caption: str, map_: Array, scale: Scale, x: float, side: float) -> None:
        """One large map with its caption above and its legend below; y stays where it is."""
        rows, columns = map_.shape
        inch = side / max(rows, columns)
        self.text(x, self.y, caption, colour=self.theme.soft)
        self.tile(map_, scale, x, self.y + 0.2, columns * inch, rows * inch)
        self._legend(replace(scale, unit=""), x, self.y + 0.2 + rows * inch + 0.07)

    def bars(self, values: Array, labels: Sequence[str], texts: Sequence[Sequence[str]], marked: int | None = None) -> None:
        """A bar for each number, from the line of zero to its side, with what is said of it in columns at the right."""
        labels = [shortened(label, NAME) for label in labels]
        pitch, indent = 0.19, max(0.3, max(map(len, labels)) * BOLD * TICK * POINT + 0.12)
        left = MARGIN + indent
        cells = [max(map(len, column)) * BOLD * TICK * POINT + 0.12 for column in zip(*texts, strict=True)]
        room = self.width - indent - sum(cells)
        low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
        inch = room / ((high - low) or 1.0)
        zero = left - low * inch
        for n, (value, label, text) in enumerate(zip(values, labels, texts, strict=True)):
            y, weight = self.y + (n + 0.5) * pitch, "bold" if n == marked else "normal"
            colour = self.theme.positive if value >= 0 else self.theme.negative
            self.axes.barh(y, float(value) * inch, 0.7 * pitch, left=zero, color=colour)
            self.text(left - 0.08, y, label, size=TICK, weight=weight, across="right", down="center_baseline")
            for column, cell in enumerate(text):
                x = left + room + sum(cells[: column + 1])
                self.text(x, y, cell, size=TICK, weight=weight, across="right", down="center_baseline")
        self.axes.plot([zero, zero], [self.y, self.y + len(values) * pitch], color=self.theme.soft, linewidth=0.6)
        self.y += len(values) * pitch

    def chart(self, x: float, width: float, height: float) -> "Axes":
        """Axes of so many inches, x from the left edge of the paper, at the height that has been reached; y stays there."""
        axes = self.figure.add_axes((0, 0, 1, 1), label=f"chart {len(self._charts)}")
        self._charts.append((axes, x, self.y, width, height))
        return axes

    def done(self) -> "Figure":
        """Cut the paper where the last row ends."""
        height = self.y + MARGIN
        for axes, x, y, across, down in self._charts:
            axes.set_position((x / WIDTH, 1 - (y + down) / height, across / WIDTH, down / height))
        self.figure.set_size_inches(WIDTH, height)
        self.axes.set_xlim(0, WIDTH)
        self.axes.set_ylim(height, 0)
        return self.figure

    def _legend(self, scale: Scale, x: float, y: float) -> None:
        self.tile(np.linspace(scale.low, scale.high, 256)[None], scale, x, y, LEGEND, 0.09)
        below = y + 0.11
        low, high = (number(value) if scale.low < 0 else f"{value:.3g}" for value in (scale.low, scale.high))
        self.text(x, below, low, size=TICK)
        self.text(x + LEGEND, below, high, size=TICK, across="right")
        if scale.low < 0:
            self.text(x + LEGEND / 2, below, "0", size=TICK, across="center")
        if scale.unit:
            self.text(x - 0.08, y + 0.045, scale.unit, size=TICK, colour=self.theme.soft, across="right", down="center_baseline")


def number(value: float) -> str:
    """Three digits, with a sign and a real minus: +0.104, +2.5e-07, 0."""
    return f"{value:+.3g}".replace("-", "\N{MINUS SIGN}") if value else "0"


def percent(share: float) -> str:
    """98.51 %."""
    return f"{100 * share:.2f} %"


def size(*sides: int) -> str:
    """Sides with a cross between them."""
    return " \N{MULTIPLICATION SIGN} ".join(map(str, sides))


def first(most: int, there: int, thing: str) -> str:
    """What is shown of so many things: 16 filters, or first 16 of 64 filters, or 1 filter."""
    things = thing if there == 1 else f"{thing}s"
    return f"{there} {things}" if there <= most else f"first {most} of {there} {things}"


def lines(text: str, width: float, size: float) -> list[str]:
    """Words broken into lines of so many inches."""
    most, broken = int(width / (LETTER * 0.9 * size * POINT)), [""]
    for word in text.split():
        if broken[-1] and len(broken[-1]) + 1 + len(word) > most:
            broken.append("")
        broken[-1] += f" {word}" if broken[-1] else word
    return broken if text else []


def on_paper(x: Array) -> Array:
    """An image (H, W, C) as one map (H, W): the mean of its channels. A row (F,) is folded into a square, to be seen at all."""
    if x.ndim > 1:
        mean: Array = x.mean(axis=-1)
        return mean
    side = math.isqrt(len(x) - 1) + 1
    folded = np.full(side * side, np.nan)
    folded[: len(x)] = x
    return folded.reshape(side, side)[: -(-len(x) // side)]


def logarithmic(axes: "Axes") -> None:
    """A logarithmic axis upwards for what is drawn, with numbers as people write them: 0.1, 1, 10, or closer if there are few."""
    from matplotlib.ticker import LogLocator, StrMethodFormatter  # noqa: PLC0415  loaded by those who draw

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < FEW * low else (1,)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    axes.minorticks_off()


def shortened(name: str, most: int) -> str:
    """Return a name of up to `most` letters; a longer one is cut, and ends in an ellipsis."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
