"""Feature maps: every activation of the tape for one image, in the order of the layers.

Zero has the same colour everywhere, so the zeros of a ReLU are visible.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.graph import INPUT, Node
from handmade.engine.image_arguments import as_label
from handmade.engine.layers import rule
from handmade.engine.layers.probabilities import log_softmax
from handmade.engine.network import Network
from handmade.pictures.fonts import class_labels
from handmade.pictures.image_pixels import image_pixels
from handmade.pictures.numbers import counted, first, number, percent, size
from handmade.pictures.scales import Scale, image_scale, signed_scale
from handmade.pictures.sheet import GAP, MARGIN, Sheet
from handmade.pictures.style import WIDTH, drawn, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 32  # maps of a layer that are shown
BARS = 20  # numbers of a row that are shown as bars; more become a strip
TOP = 10  # classes that are shown where there are more
STRIP = 100  # numbers in a line of a strip
STRIP_LINES = 32
HEIGHT = 0.15  # inches of such a line


@drawn
def feature_maps(
    network: Network, image: Array, label: int | None = None, *, dark: bool = False, width: float = WIDTH
) -> "Figure":
    """Draw the output of every layer for one image.

    Parameters
    ----------
    network : Network
    image : Array, network.input_shape
        One prepared image.
    label : int, optional
        Its class, for the title.
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
        If image or label do not fit the network.
    """
    colours = theme(dark=dark)
    tape = {name: activation[0] for name, activation in network.tape(image[None]).items()}
    sheet = Sheet(
        colours,
        f"Feature maps of one image{of_class(network, label)}",
        "Blue: above zero. Orange: below zero. Each layer has a scale of its own.",
        width,
    )
    _show_input(sheet, tape[INPUT], network)
    for node in network.nodes:
        if repeats(network, node):
            continue
        _show(sheet, network, network.titles[node.name], tape[node.name], label, last=node.name == network.logits_name)
    return sheet.done()


def repeats(network: Network, node: Node) -> bool:
    """Return True if a node shows the numbers before it once more, in a row; the logits are shown always."""
    in_a_row = rule(node.layer, "reorders") and len(network.shape_of[node.name]) == 1
    return bool(in_a_row) and node.name != network.logits_name


def of_class(network: Network, label: int | None) -> str:
    """Return the class of an image for a title, such as " (class 7)"; nothing if it is not known."""
    if label is None:
        return ""
    return f" (class {class_labels(network)[as_label(label, network.classes)]})"


def _show_input(sheet: Sheet, x: Array, network: Network) -> None:
    """Draw the image: in colour, in grey, or each of its channels."""
    channels = math.prod(x.shape[2:])
    if channels not in {1, 3} or x.ndim > 3:
        scale, y = image_scale([x]), as_channels(x)
        sheet.group(f"input: {size(*x.shape)}, {first(MOST, channels, 'channel')}", scale)
        shown = range(min(channels, MOST))
        sheet.maps([y[..., c] for c in shown], scale, captions=[str(c) for c in shown])
        return
    pixels = image_pixels(x[None], network.preparation)
    sheet.group(f"input: {size(*x.shape) if x.ndim > 1 else counted(len(x), 'number')}", pixels.scale)
    sheet.maps(pixels.maps, pixels.scale, across=sheet.across(8))


def _show(sheet: Sheet, network: Network, name: str, y: Array, label: int | None, *, last: bool) -> None:
    """Draw one layer's output: maps, bars or a strip; bars of logits have the names of the classes."""
    if y.ndim > 1:
        maps = as_channels(y)
        cut = f"{_cut(maps.shape[-1])}, " if y.ndim > 2 else ""
        show_maps(sheet, f"{name}: {cut}{size(*y.shape[:2])}", maps, signed_scale(sheet.theme, [y]))
    elif last and len(y) > 1:
        p = np.exp(log_softmax(y[None].astype(np.float64)))[0]
        texts = [[number(float(v)), percent(float(share))] for v, share in zip(y, p, strict=True)]
        show_classes(sheet, f"{name}: logits, and their probabilities by softmax", network, y, texts, label, by=y)
    elif len(y) > BARS:
        show_strip(sheet, f"{name}: {first(STRIP * STRIP_LINES, len(y), 'number')}", y, signed_scale(sheet.theme, [y]))
    else:
        sheet.group(f"{name}: {counted(len(y), 'number')}")
        sheet.bars(y, list(map(str, range(len(y)))), [[number(float(v))] for v in y])


def _cut(maps: int) -> str:
    return counted(maps, "map") if maps <= MOST else f"{MOST} of {maps} maps, most active first"


def as_channels(y: Array) -> Array:
    """Return an array of two axes or more as maps (H, W, C): a matrix is one map; axes after the second are channels."""
    return y.reshape(*y.shape[:2], -1)


def show_maps(sheet: Sheet, title: str, y: Array, scale: Scale, most: int = MOST) -> None:
    """Draw the channels of y, (H, W, C), each with its number; of many the most active ones, by their mean absolute value."""
    sheet.group(title, scale)
    shown = list(range(y.shape[-1]))
    if len(shown) > MOST:
        shown = [int(c) for c in np.argsort(-np.abs(y).mean(axis=(0, 1)), kind="stable")[:most]]
    sheet.maps([y[..., c] for c in shown], scale, captions=list(map(str, shown)))


def show_classes(
    sheet: Sheet,
    title: str,
    network: Network,
    values: Array,
    texts: Sequence[Sequence[str]],
    label: int | None,
    *,
    by: Array,
) -> None:
    """Draw a bar for each class; of many classes those with the largest numbers in `by`, and the class of the image."""
    labels, shown, note = class_labels(network), list(range(len(values))), ""
    if len(shown) > BARS:
        shown = [int(k) for k in np.argsort(-by, kind="stable")[:TOP]]
        note = f" ({TOP} of {len(values)} classes, largest first)"
        if label is not None and label not in shown:
            shown, note = [*shown, label], f"{note[:-1]}; then the true class)"
    sheet.group(title + note)
    marked = shown.index(label) if label is not None else None
    sheet.bars(values[shown], [labels[k] for k in shown], [texts[k] for k in shown], marked)


def show_strip(sheet: Sheet, title: str, y: Array, scale: Scale) -> None:
    """Draw the first numbers of a row, (F,), in lines of STRIP."""
    sheet.group(title, scale)
    rows = -(-min(len(y), STRIP * STRIP_LINES) // STRIP)
    padded = np.full(STRIP * rows, np.nan)
    padded[: len(y)] = y[: padded.size]
    for line in padded.reshape(rows, STRIP):
        sheet.tile(line[None], scale, MARGIN, sheet.y, sheet.width, HEIGHT)
        sheet.y += HEIGHT + GAP
