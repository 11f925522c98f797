"""Histograms of the weights of every layer, and of their gradients."""

from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients import backprop
from handmade.engine.network import Network
from handmade.pictures.numbers import counted, number, percent, plain
from handmade.pictures.sheet import MARGIN, Sheet, logarithmic
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
        raise HandmadeError("network: expected a network with weights; this one has none. Try another network")
    colours = theme(dark=dark)
    _, gradients = backprop(network, x, y)
    names = list(parameters)[:MOST]
    cut = f" The first {MOST} of {len(parameters)} arrays." if len(parameters) > MOST else ""
    sheet = Sheet(
        colours,
        f"Histograms of weights, and of their gradients on {counted(len(x), 'image')}",
        f"Counts on a logarithmic scale. Blue: above zero. Orange: below zero. rms: root mean square.{cut}",
    )
    width = (sheet.width + MARGIN - LEFT - BETWEEN - 0.35) / 2
    for name in names:
        sheet.group(f"{network.display_name(name)}: {counted(parameters[name].size, 'number')}")
        sheet.text(LEFT, sheet.y, "weights", colour=colours.soft)
        sheet.text(LEFT + width + BETWEEN, sheet.y, "gradients dL/dw", colour=colours.soft)
        sheet.y += 0.2
        _histogram(sheet.chart(LEFT, width, HEIGHT), parameters[name], colours)
        _histogram(sheet.chart(LEFT + width + BETWEEN, width, HEIGHT), gradients[name], colours)
        sheet.y += HEIGHT + 0.3
    return sheet.done()


def _histogram(axes: "Axes", values: Array, colours: Theme) -> None:
    """Draw a histogram that is symmetric about zero."""
    largest = limit([values])
    edges = np.linspace(-largest, largest, BINS + 1)
    counts, _ = np.histogram(values, edges)
    middles = (edges[1:] + edges[:-1]) / 2
    middle = np.abs(middles) < largest / BINS
    of_bars = np.where(middle, colours.soft, np.where(middles > 0, colours.positive, colours.negative))
    axes.bar(middles, counts, 2 * largest / BINS, color=of_bars.tolist())
    axes.set_yscale("log")
    axes.set_ylim(0.7, max(10, 2 * counts.max()))
    logarithmic(axes)
    axes.set_xlim(-largest, largest)
    ends = [-largest, 0, largest] if values.any() else [0]
    axes.set_xticks(ends, [number(end) for end in ends])
    rms = float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))
    zeros = np.mean(values == 0)
    text = f"rms {plain(rms)}" + (f"\n{percent(zeros, 0)} zeros" if zeros >= 0.005 else "")
    axes.text(0.99, 0.97, text, transform=axes.transAxes, ha="right", va="top", size=TICK, color=colours.soft)
