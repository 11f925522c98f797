"""Filters: weights as images.

A convolution's W[:, :, c, o] is an image for every channel c that filter o reads. Filters of red, green and blue are drawn in
colour as well. The weights of a linear layer after a Flatten are images, too, as large as the maps that it reads. Any other
linear layer is drawn as a matrix, one column for each unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import INPUT
from handmade.engine.layers import rule
from handmade.engine.network import Network, check_network
from handmade.pictures.image_pixels import COLOURS
from handmade.pictures.numbers import first, size
from handmade.pictures.scales import Scale, signed_scale
from handmade.pictures.sheet import GAP, LINE, MARGIN, Sheet
from handmade.pictures.style import POINT, TICK, WIDTH, drawn, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 16  # filters, and channels of each, that are shown
MOST_ALONE = 64  # filters of one channel that are shown
LARGEST = 0.88  # inches of a filter's longer side
LEAST = 0.6  # inches of a matrix's height
HIGHEST = 0.3  # inches of a row of a matrix
MATRIX = "matrix"
NUMBERS = 0.25  # inches for the numbers of the channels


@dataclass(frozen=True, eq=False)
class Filters:
    """The weights of one layer as images: W is (H, W, channels, filters)."""

    name: str
    W: Array
    kind: str
    in_colour: bool = False  # the channels are red, green and blue

    def title(self, most: int = MOST) -> str:
        """Return the name of the layer, the size of its filters, and the number of those that are shown."""
        rows, columns, channels, filters = self.W.shape
        title = f"{self.name}, {size(rows, columns)}"
        if self.kind == MATRIX:
            return f"{title}: a row for each input, a column for each unit"
        if channels == 1:
            return f"{title}: {first(MOST_ALONE, filters, self.kind)}"
        return f"{title}: {first(most, filters, self.kind)} across, {first(most, channels, 'channel')} down"


@drawn
def filters(network: Network, layer: str | None = None, *, dark: bool = False, width: float = WIDTH) -> "Figure":
    """Draw the weights of a network's layers, each layer on a scale of its own.

    Parameters
    ----------
    network : Network
    layer : str, optional
        One layer, such as "conv1" or "linear1"; all convolutions if left out, or all linear layers if there are none.
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
        If there is no such layer, or nothing that can be drawn.
    """
    check_network(network, "handmade.pictures.filters(network)")
    colours = theme(dark=dark)
    sheet = Sheet(
        colours,
        "Filters (weights)",
        "Blue: positive weight. Orange: negative weight. Each layer has a scale of its own.",
        width,
    )
    for each in chosen(network, layer):
        scale = signed_scale(colours, [each.W], "weight")
        sheet.group(each.title(shown_of(sheet)), scale)
        lay(sheet, each, scale)
        if each.in_colour:
            _lay_in_colour(sheet, each, scale)
    return sheet.done()


def shown_of(sheet: Sheet) -> int:
    """Return the number of filters, and of channels, that a grid shows on this sheet."""
    return MOST // 2 if sheet.narrow else MOST


def lay(sheet: Sheet, layer: Filters, scale: Scale) -> None:
    """Draw the images of one layer: a grid of channels and filters; rows of filters if there is one channel; or one matrix."""
    W, most = layer.W, shown_of(sheet)
    rows, columns, channels, filters = W.shape
    if layer.kind == MATRIX:
        height = min(max(rows * sheet.width / columns, LEAST), max(rows * HIGHEST, LEAST), sheet.width)
        sheet.tile(W[:, :, 0, 0], scale, MARGIN, sheet.y, sheet.width, height)
        sheet.y += height
        return
    if channels == 1:
        shown = min(filters, MOST_ALONE)
        numbers = [str(o) for o in range(shown)] if filters > 1 else []
        sheet.maps([W[:, :, 0, o] for o in range(shown)], scale, captions=numbers)
        return
    step = min(LARGEST + GAP, (sheet.width - NUMBERS) / min(filters, most))
    inch = (step - GAP) / max(rows, columns)
    for o in range(min(filters, most)):
        sheet.text(MARGIN + NUMBERS + o * step, sheet.y, str(o), size=TICK, colour=sheet.theme.soft)
    sheet.y += LINE * TICK * POINT + 0.02
    for c in range(min(channels, most)):
        middle = sheet.y + rows * inch / 2
        sheet.text(MARGIN + 0.17, middle, str(c), size=TICK, colour=sheet.theme.soft, across="right", down="center_baseline")
        for o in range(min(filters, most)):
            sheet.tile(W[:, :, c, o], scale, MARGIN + NUMBERS + o * step, sheet.y, columns * inch, rows * inch)
        sheet.y += rows * inch + GAP


def _lay_in_colour(sheet: Sheet, layer: Filters, scale: Scale) -> None:
    """Draw the filters of a layer that reads colours, each as one image: grey is zero."""
    shown = range(min(layer.W.shape[3], shown_of(sheet)))
    sheet.group(f"{layer.name} in colour: its channels are red, green and blue. Grey is zero.")
    images = [np.clip(0.5 + layer.W[..., o] / (2 * scale.high), 0, 1) for o in shown]  # (H, W, 3)
    sheet.maps(images, None, captions=[str(o) for o in shown], across=max(len(images), 8))


def chosen(network: Network, layer: str | None) -> Sequence[Filters]:
    """Return the layers of this name, or all convolutions; raise HandmadeError if there is none."""
    known = _all(network)
    if layer is None:
        picked = [each for each in known if each.kind == "filter"] or known
    else:
        picked = [each for each in known if f"{each.name}.".startswith(f"{layer}.")]
    if not picked:
        names = ", ".join(each.name for each in known) or "none; it has no convolution and no linear layer"
        received = f"{layer!r}" if layer else "a network without them"
        raise HandmadeError(f"layer: expected a layer with filters or weights, got {received}; this network has {names}")
    return picked


def has_filters(network: Network) -> bool:
    """Return True if the network has a layer that can be drawn."""
    return bool(_all(network))


def _all(network: Network) -> list[Filters]:
    """Return every array of weights that has the shape of images or of a matrix."""
    rows = {
        node.name: network.shape_of[node.reads[0]]
        for node in network.nodes
        if rule(node.layer, "reorders") and len(network.shape_of[node.name]) == 1
    }
    flattened = {f"{node.name}.W": rows[node.reads[0]] for node in network.nodes if node.reads[0] in rows}
    colours = {f"{node.name}.W" for node in network.nodes if node.reads == (INPUT,) and network.input_shape[2:] == (COLOURS,)}
    found = []
    for key, W in network.parameters().items():
        name, maps = network.display_name(key).removesuffix(".W"), flattened.get(key, ())
        if W.ndim == 4:
            found.append(Filters(name, W, "filter", in_colour=key in colours and W.shape[2] == COLOURS))
        elif W.ndim == 2 and len(maps) == 3:
            found.append(Filters(name, W.reshape(*maps, -1), "unit"))
        elif W.ndim == 2:
            found.append(Filters(name, W[:, :, None, None], MATRIX))
    return found
