"""Histograms: how the weights of every layer are spread out, and their gradients."""

from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients import backprop
from handmade.engine.network import Network
from handmade.pictures.sheet import MARGIN, Sheet, logarithmic, number
from handmade.pictures.style import TICK, Theme, drawn, limit, theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 61  # odd: one of them is centred on zero
HEIGHT = 0.85  # inches of a row
LEFT = 0.8  # inches for the counts
BETWEEN = 0.75
MOST = 24  # arrays that are shown


@drawn
def histograms(network: Network, x: Array, y: Array, *, dark: bool = False) -> "Figure":
    """Draw the distribution of every array of weights, and of their gradients on a batch.

    Parameters
    ----------
    network : Network
    x : Array, (N, *network.input_shape)
        Prepared images.
    y : Array, (N,)
        Their classes.
    dark : bool
        For a dark background.

    Returns
    -------
    Figure

    Raises
    ------
    HandmadeError
        If images or labels do not fit the network, or it has no weights.
    """
    parameters = network.parameters()
    if not parameters:
        raise HandmadeError("histograms want a network with weights; this one has none")
    house = theme(dark=dark)
    _, gradients = backprop(network, x, y)
    names = list(parameters)[:MOST]
    cut = f" The first {MOST} of {len(parameters)} arrays." if len(parameters) > MOST else ""
    sheet = Sheet(
        house,
        f"Weights and their gradients on {len(x):,} images",
        f"How many numbers are how large; the counts are on a logarithmic scale. Blue is above zero, orange below. "
        f"rms is the root of the mean square.{cut}",
    )
    width = (sheet.width + MARGIN - LEFT - BETWEEN - 0.35) / 2
    for name in names:
        sheet.group(
            f"{network.display_name(name)}: {parameters[name].size:,} {'number' if parameters[name].size == 1 else 'numbers'}"
        )
        sheet.text(LEFT, sheet.y, "weights", colour=house.soft)
        sheet.text(LEFT + width + BETWEEN, sheet.y, "gradients (loss / weight)", colour=house.soft)
        sheet.y += 0.2
        _histogram(sheet.chart(LEFT, width, HEIGHT), parameters[name], house)
        _histogram(sheet.chart(LEFT + width + BETWEEN, width, HEIGHT), gradients[name], house)
        sheet.y += HEIGHT + 0.3
    return sheet.done()


def _histogram(axes: "Axes", values: Array, house: Theme) -> None:
    """Symmetric about zero, so that a lean to one side is seen as one."""
    largest = limit([values])
    edges = np.linspace(-largest, largest, BINS + 1)
    counts, _ = np.histogram(values, edges)
    middles = (edges[1:] + edges[:-1]) / 2
    middle = np.abs(middles) < largest / BINS
    colours = np.where(middle, house.soft, np.where(middles > 0, house.positive, house.negative))
    axes.bar(middles, counts, 2 * largest / BINS, color=colours.tolist())
    axes.set_yscale("log")
    axes.set_ylim(0.7, max(10, 2 * counts.max()))
    logarithmic(axes)
    axes.set_xlim(-largest, largest)
    axes.set_xticks([-largest, 0, largest], [number(-largest), "0", number(largest)])
    rms = float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))
    zeros = np.mean(values == 0)
    told = f"rms {rms:.3g}" + (f"\n{100 * zeros:.0f} % are 0" if zeros >= 0.005 else "")
    axes.text(0.99, 0.97, told, transform=axes.transAxes, ha="right", va="top", size=TICK, color=house.soft)
