"""A sheet on which titles, maps, bars and charts are laid out row after row, in inches from the top left corner."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.pictures.fonts import fitted, lines, readable, width_of
from handmade.pictures.numbers import number, short
from handmade.pictures.scales import Scale
from handmade.pictures.style import DPI, LABEL, POINT, TICK, TITLE, WIDTH, Theme, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARGIN = 0.25  # inches, all around
GAP = 0.06  # between two maps
LEGEND, SHORT_LEGEND = 1.5, 1.1  # length of a legend; on a narrow sheet
LEAST_WIDTH = 3.0  # of a sheet
NARROW = 6.0  # width below which fewer maps stand in a row
BAR = 0.19  # height of a bar with its gap
NAMES = 0.35  # of the width: longest name in front of a bar
FEW = 300  # the highest over the lowest number of an axis, below which powers of ten are too few
LINE = 1.5  # of the size of the letters: distance between lines


class Sheet:
    """A figure that grows downwards.

    Parameters
    ----------
    theme : Theme
    title : str
    note : str
        A paragraph below the title.
    width : float
        Inches of the complete figure.

    Raises
    ------
    HandmadeError
        If the width is too small.
    """

    def __init__(self, theme: Theme, title: str, note: str = "", width: float = WIDTH) -> None:
        if not LEAST_WIDTH <= width < math.inf:
            raise HandmadeError(f"width: expected at least {LEAST_WIDTH:g} inches; got {width:g}. Try width={WIDTH:g}")
        self.figure: Figure = canvas(width, 1)
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.theme = theme
        self.width = width - 2 * MARGIN
        self.narrow = width < NARROW
        self.legend = SHORT_LEGEND if self.narrow else LEGEND
        self.y = MARGIN
        self._charts: list[tuple[Axes, float, float, float, float]] = []
        for line in lines(title, self.width, TITLE, "bold"):
            self.text(MARGIN, self.y, line, size=TITLE, weight="bold")
            self.y += 1.6 * TITLE * POINT
        self.paragraph(note)
        self.y += 0.06

    def paragraph(self, text: str, width: float | None = None) -> None:
        """Write a paragraph at the left, over the full width if left out, and move below it."""
        for line in lines(text, width or self.width, LABEL):
            self.text(MARGIN, self.y, line, size=LABEL, colour=self.theme.soft)
            self.y += LINE * LABEL * POINT

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
        """Write letters with their top left corner at (x, y), unless `across` and `down` name another point."""
        self.axes.text(
            x,
            y,
            readable(text),
            fontsize=size,
            color=colour or self.theme.ink,
            fontweight=weight,
            ha=across,
            va=down,
            rotation=turned,
            rotation_mode="anchor",
        )

    def group(self, title: str, scale: Scale | None = None) -> None:
        """Begin a group: its title, and to the right the legend of its scale."""
        self.y += 0.14
        top = self.y
        unit = width_of(scale.unit, TICK) + 0.2 if scale and scale.unit else 0.2
        for line in lines(title, self.width - (self.legend + unit if scale else 0), LABEL, "bold"):
            self.text(MARGIN, self.y, line, weight="bold")
            self.y += LINE * LABEL * POINT
        if scale:
            self._legend(scale, MARGIN + self.width - self.legend, top, self.legend)
            self.y = max(self.y, top + 0.27)
        self.y += 0.05

    def tile(self, map_: Array, scale: Scale | None, x: float, y: float, width: float, height: float) -> None:
        """Draw a map (H, W) on a scale, or an image (H, W, 3) in colour, with its top left corner at (x, y)."""
        smaller = map_.shape[0] > height * DPI or map_.shape[1] > width * DPI
        self.axes.imshow(
            map_,
            cmap=scale.colours if scale else None,
            vmin=scale.low if scale else None,
            vmax=scale.high if scale else None,
            extent=(x, x + width, y + height, y),
            aspect="auto",
            interpolation="antialiased" if smaller else "nearest",
        )

    def across(self, count: int) -> int:
        """Return the number of maps in a row: 8, or 16 if there are many; half of it on a narrow sheet."""
        return (8 if count <= 16 else 16) // (2 if self.narrow else 1)

    def maps(self, maps: Sequence[Array], scale: Scale | None, *, across: int = 0, captions: Sequence[str] = ()) -> None:
        """Draw maps of one size in rows; captions, each with the same number of lines, stand above their maps."""
        rows, columns = maps[0].shape[:2]
        across = across or self.across(len(maps))
        step = self.width / across
        inch = (step - GAP) / max(rows, columns)
        above = (1 + captions[0].count("\n")) * LINE * TICK * POINT + 0.02 if captions else 0
        for n, map_ in enumerate(maps):
            x, y = MARGIN + n % across * step, self.y + n // across * (above + rows * inch + GAP)
            self.tile(map_, scale, x, y + above, columns * inch, rows * inch)
            if captions:
                text = "\n".join(fitted(line, step - 0.02, TICK) for line in captions[n].split("\n"))
                self.text(x, y, text, size=TICK, colour=self.theme.soft)
        self.y += math.ceil(len(maps) / across) * (above + rows * inch + GAP)

    def captioned(self, caption: str, map_: Array, scale: Scale | None, x: float, side: float) -> None:
        """Draw one large map with its caption above and its legend below; y stays the same."""
        rows, columns = map_.shape[:2]
        inch = side / max(rows, columns)
        self.text(x, self.y, fitted(caption, side + 0.15, LABEL), colour=self.theme.soft)
        self.tile(map_, scale, x, self.y + 0.2, columns * inch, rows * inch)
        if scale:
            self._legend(replace(scale, unit=""), x, self.y + 0.2 + rows * inch + 0.07, min(LEGEND, side))

    def bars(self, values: Array, labels: Sequence[str], texts: Sequence[Sequence[str]], marked: int | None = None) -> None:
        """Draw a bar for each number, to both sides of a line at zero, and columns of texts at the right."""
        labels = [fitted(label, NAMES * self.width, TICK, "bold") for label in labels]
        indent = max(0.3, max(width_of(label, TICK, "bold") for label in labels) + 0.12)
        left = MARGIN + indent
        cells = [max(width_of(cell, TICK, "bold") for cell in column) + 0.12 for column in zip(*texts, strict=True)]
        room = self.width - indent - sum(cells)
        low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
        inch = room / ((high - low) or 1.0)
        zero = left - low * inch
        for n, (value, label, text) in enumerate(zip(values, labels, texts, strict=True)):
            y, weight = self.y + (n + 0.5) * BAR, "bold" if n == marked else "normal"
            colour = self.theme.positive if value >= 0 else self.theme.negative
            self.axes.barh(y, float(value) * inch, 0.7 * BAR, left=zero, color=colour)
            self.text(left - 0.08, y, label, size=TICK, weight=weight, across="right", down="center_baseline")
            for column, cell in enumerate(text):
                x = left + room + sum(cells[: column + 1])
                self.text(x, y, cell, size=TICK, weight=weight, across="right", down="center_baseline")
        self.axes.plot([zero, zero], [self.y, self.y + len(values) * BAR], color=self.theme.soft, linewidth=0.6)
        self.y += len(values) * BAR

    def chart(self, x: float, width: float, height: float) -> "Axes":
        """Return axes of this size in inches, x from the left edge of the sheet, at the current height; y stays the same."""
        axes = self.figure.add_axes((0, 0, 1, 1), label=f"chart {len(self._charts)}")
        self._charts.append((axes, x, self.y, width, height))
        return axes

    def done(self) -> "Figure":
        """Return the figure, cut below the last row."""
        width, height = self.width + 2 * MARGIN, self.y + MARGIN
        for axes, x, y, across, down in self._charts:
            axes.set_position((x / width, 1 - (y + down) / height, across / width, down / height))
        self.figure.set_size_inches(width, height)
        self.axes.set_xlim(0, width)
        self.axes.set_ylim(height, 0)
        return self.figure

    def _legend(self, scale: Scale, x: float, y: float, length: float) -> None:
        self.tile(np.linspace(scale.low, scale.high, 256)[None], scale, x, y, length, 0.09)
        below = y + 0.11
        low, high = ((number if scale.low < 0 else short)(value) for value in (scale.low, scale.high))
        self.text(x, below, low, size=TICK)
        self.text(x + length, below, high, size=TICK, across="right")
        zero = x - length * scale.low / (scale.high - scale.low)
        if x + width_of(low, TICK) + 0.1 < zero < x + length - width_of(high, TICK) - 0.1:
            self.text(zero, below, "0", size=TICK, across="center")
        if scale.unit:
            self.text(x - 0.08, y + 0.045, scale.unit, size=TICK, colour=self.theme.soft, across="right", down="center_baseline")


def integer_steps(axes: "Axes") -> None:
    """Put integers only on the x axis."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter  # noqa: PLC0415  loaded when something is drawn

    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def logarithmic(axes: "Axes") -> None:
    """Set a logarithmic y axis for what is drawn, with numbers such as 0.1, 1, 10, or 1, 2, 5 if the range is small."""
    from matplotlib.ticker import LogLocator, StrMethodFormatter  # noqa: PLC0415  loaded when something is drawn

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < FEW * low else (1,)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    axes.minorticks_off()
