"""Feature maps: one image's way through the network, every activation of the tape in the order of the layers.

Zero has the same colour everywhere, so what a ReLU puts out is seen to go out.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.graph import INPUT
from handmade.engine.layers import rule
from handmade.engine.losses.cross_entropy import log_softmax
from handmade.engine.network import Network
from handmade.pictures.sheet import GAP, MARGIN, Scale, Sheet, digit_scale, first, number, on_paper, percent, signed_scale, size
from handmade.pictures.style import drawn, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 32  # maps of a layer that are shown
BARS = 20  # numbers of a row that are shown as bars; more become a strip
STRIP = 100  # numbers in a line of a strip
TALL = 0.15  # inches of such a line


@drawn
def feature_maps(network: Network, image: Array, label: int | None = None, *, dark: bool = False) -> "Figure":
    """Draw what every layer makes of an image.

    Parameters
    ----------
    network : Network
    image : Array, network.input_shape
        One prepared image.
    label : int, optional
        Its class, for the title.
    dark : bool
        For a dark background.

    Returns
    -------
    Figure

    Raises
    ------
    HandmadeError
        If it is no image for the network.
    """
    house = theme(dark=dark)
    tape = {name: activation[0] for name, activation in network.tape(image[None]).items()}
    what = "an image" if label is None or network.class_names is not None else f"a {label}"
    sheet = Sheet(
        house,
        f"The way of {what} through the network",
        "Blue is above zero, orange below, and zero is neutral. Each layer has a scale of its own.",
    )
    pixels = tape[INPUT]
    scale = digit_scale([pixels])
    sheet.group(f"input: {size(*pixels.shape)}", scale)
    sheet.maps([on_paper(pixels)], scale)
    for node in network.nodes:
        if rule(node.layer, "reorders"):
            continue  # the same numbers in a row
        last = node.name == network.logits_name
        show(
            sheet, network.titles[node.name], tape[node.name], last=last, label=label, names=network.class_names if last else None
        )
    return sheet.done()


def show(sheet: Sheet, name: str, y: Array, *, last: bool, label: int | None, names: Sequence[str] | None) -> None:
    """One layer's output: maps, bars or a strip; bars of logits have the names of the classes."""
    scale = signed_scale(sheet.theme, [y])
    if y.ndim == 3:
        show_maps(sheet, f"{name}: {first(MOST, y.shape[-1], 'map')} of {size(*y.shape[:2])}", y, scale)
    elif len(y) > BARS:
        show_strip(sheet, f"{name}: {first(STRIP * MOST, len(y), 'number')} in a row", y, scale)
    else:
        sheet.group(f"{name}: " + ("logits, and the probabilities that softmax makes of them" if last else f"{len(y)} numbers"))
        p = np.exp(log_softmax(y[None].astype(np.float64)))[0]
        texts = [[number(float(v)), percent(float(share))] if last else [number(float(v))] for v, share in zip(y, p, strict=True)]
        sheet.bars(y, names or list(map(str, range(len(y)))), texts, label if last else None)


def show_maps(sheet: Sheet, title: str, y: Array, scale: Scale, channels: Sequence[int] | None = None) -> None:
    """Some channels of y, (H, W, C), the first ones if left out; each as a map with its number."""
    sheet.group(title, scale)
    shown = range(min(y.shape[-1], MOST)) if channels is None else channels
    sheet.maps([y[..., c] for c in shown], scale, across=8 if len(shown) <= 2 * 8 else 16, captions=[str(c) for c in shown])


def show_strip(sheet: Sheet, title: str, y: Array, scale: Scale) -> None:
    """The first numbers of a row, (F,), in lines of STRIP."""
    sheet.group(title, scale)
    lines = -(-min(len(y), STRIP * MOST) // STRIP)
    padded = np.full(STRIP * lines, np.nan)
    padded[: len(y)] = y[: padded.size]
    for line in padded.reshape(lines, STRIP):
        sheet.tile(line[None], scale, MARGIN, sheet.y, sheet.width, TALL)
        sheet.y += TALL + GAP
