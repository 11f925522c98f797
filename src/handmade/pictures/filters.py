"""Filters: the weights themselves, as images of what they look for.

A convolution's W[:, :, c, o] is an image for every channel c that filter o reads. A linear layer behind a Flatten has one as
well, as large as the maps that it reads; any other has one column of numbers for each unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.layers import rule
from handmade.engine.network import Network
from handmade.pictures.sheet import GAP, LINE, MARGIN, POINT, Scale, Sheet, first, signed_scale, size
from handmade.pictures.style import TICK, drawn, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 16  # filters, and channels of each, that are shown
MOST_ALONE = 64  # filters of one channel that are shown
LARGEST = 0.88  # inches of a filter's longer side
LEAST = 0.6  # inches of a matrix's height
MATRIX = "matrix"
BESIDE = 0.25  # inches for the numbers of the channels


@dataclass(frozen=True, eq=False)
class Filters:
    """The weights of one layer as images: W is (H, W, channels, filters)."""

    name: str
    W: Array
    kind: str

    @property
    def title(self) -> str:
        """What is shown, and how much of it."""
        rows, columns, channels, filters = self.W.shape
        title = f"{self.name}, {size(rows, columns)}"
        if self.kind == MATRIX:
            return f"{title}: a row for each input, a column for each unit"
        if channels == 1:
            return f"{title}: {first(MOST_ALONE, filters, self.kind)}"
        return f"{title}: {first(MOST, filters, self.kind)} across, {first(MOST, channels, 'channel')} down"


@drawn
def filters(network: Network, layer: str | None = None, *, dark: bool = False) -> "Figure":
    """Draw the weights of a network's layers, each layer on a scale of its own.

    Parameters
    ----------
    network : Network
    layer : str, optional
        One layer, such as "conv1" or "linear1"; all convolutions if left out, or all layers with matrices if there are none.
    dark : bool
        For a dark background.

    Returns
    -------
    Figure

    Raises
    ------
    HandmadeError
        If there is no such layer, or nothing that can be drawn.
    """
    house = theme(dark=dark)
    sheet = Sheet(
        house,
        "What the filters look for",
        "Blue: what is there speaks for the filter. Orange: it speaks against it. Each layer has a scale of its own.",
    )
    for each in chosen(network, layer):
        scale = signed_scale(house, [each.W], "weight")
        sheet.group(each.title, scale)
        lay(sheet, each, scale)
    return sheet.done()


def lay(sheet: Sheet, layer: Filters, scale: Scale) -> None:
    """The images of one layer: a grid of channels and filters; all in a row where there is one channel; or one matrix."""
    W = layer.W
    rows, columns, channels, filters = W.shape
    if layer.kind == MATRIX:
        height = min(max(rows * sheet.width / columns, LEAST), sheet.width)
        sheet.tile(W[:, :, 0, 0], scale, MARGIN, sheet.y, sheet.width, height)
        sheet.y += height
        return
    if channels == 1:
        shown = min(filters, MOST_ALONE)
        numbers = [str(o) for o in range(shown)] if filters > 1 else []
        sheet.maps([W[:, :, 0, o] for o in range(shown)], scale, across=8 if shown <= 2 * 8 else 16, captions=numbers)
        return
    step = min(LARGEST + GAP, (sheet.width - BESIDE) / min(filters, MOST))
    inch = (step - GAP) / max(rows, columns)
    for o in range(min(filters, MOST)):
        sheet.text(MARGIN + BESIDE + o * step, sheet.y, str(o), size=TICK, colour=sheet.theme.soft)
    sheet.y += LINE * TICK * POINT + 0.02
    for c in range(min(channels, MOST)):
        middle = sheet.y + rows * inch / 2
        sheet.text(MARGIN + 0.17, middle, str(c), size=TICK, colour=sheet.theme.soft, across="right", down="center_baseline")
        for o in range(min(filters, MOST)):
            sheet.tile(W[:, :, c, o], scale, MARGIN + BESIDE + o * step, sheet.y, columns * inch, rows * inch)
        sheet.y += rows * inch + GAP


def chosen(network: Network, layer: str | None) -> Sequence[Filters]:
    """The layers that are meant, or HandmadeError."""
    known = _all(network)
    if layer is None:
        picked = [each for each in known if each.kind == "filter"] or known
    else:
        picked = [each for each in known if f"{each.name}.".startswith(f"{layer}.")]
    if not picked:
        names = ", ".join(each.name for each in known) or "none; it has no convolution and no linear layer"
        wanted = f"layer {layer!r}" if layer else "filter"
        raise HandmadeError(f"{wanted} cannot be drawn; layers of this network that can: {names}")
    return picked


def _all(network: Network) -> list[Filters]:
    """Every array of weights that has the shape of images or of a matrix."""
    rows = {node.name: network.shape_of[node.reads[0]] for node in network.nodes if rule(node.layer, "reorders")}
    flattened = {f"{node.name}.W": rows[node.reads[0]] for node in network.nodes if node.reads[0] in rows}
    found = []
    for key, W in network.parameters().items():
        name, maps = network.display_name(key).removesuffix(".W"), flattened.get(key, ())
        if W.ndim == 4:
            found.append(Filters(name, W, "filter"))
        elif W.ndim == 2 and len(maps) == 3:
            found.append(Filters(name, W.reshape(*maps, -1), "unit"))
        elif W.ndim == 2:
            found.append(Filters(name, W[:, :, None, None], MATRIX))
    return found
