"""Misclassified images with the highest probabilities, and correctly classified images with the lowest ones."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.image_arguments import as_labels
from handmade.engine.layers.probabilities import log_softmax
from handmade.engine.network import Network
from handmade.pictures.fonts import class_labels, fitted, width_of
from handmade.pictures.image_pixels import image_pixels
from handmade.pictures.numbers import percent
from handmade.pictures.sheet import GAP, Sheet
from handmade.pictures.style import TICK, WIDTH, drawn, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Part = tuple[str, str]  # a name, which may be cut, and a number behind it
Caption = Sequence[Part]
ROOM_FOR_NAMES = 1.15  # inches of an image whose class has a long name


@drawn
def mistakes(
    network: Network,
    x: Array,
    y: Array,
    *,
    most: int = 16,
    source: str = "test",
    logits: Array | None = None,
    dark: bool = False,
    width: float = WIDTH,
) -> "Figure":
    """Draw the incorrect predictions with the highest probabilities, and the correct ones with the lowest.

    Parameters
    ----------
    network : Network
    x : Array, (N, *network.input_shape)
        Prepared images.
    y : Array, (N,)
        Their classes.
    most : int
        Largest number of images of each kind.
    source : str
        Name of the images: the first is "test:0".
    logits : Array, (N, classes), optional
        The network's logits for x, if they are known already.
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
        If images or labels do not fit the network, or `most` is below 1.
    """
    if most < 1:
        raise HandmadeError(f"most: expected at least 1 image of each kind; got {most}. Try most=16")
    y = as_labels(y, "y", len(x), network.classes)
    p = np.exp(log_softmax((network.logits(x) if logits is None else logits).astype(np.float64)))
    ranked = np.argsort(-p, axis=-1, kind="stable")[:, :2]
    highest = p[np.arange(len(p)), ranked[:, 0]]
    wrong, right = np.flatnonzero(ranked[:, 0] != y), np.flatnonzero(ranked[:, 0] == y)
    worst = wrong[np.argsort(-highest[wrong], kind="stable")[:most]]
    closest = right[np.argsort(highest[right], kind="stable")[:most]]
    note = image_pixels(x[:1]).note
    sheet = Sheet(
        theme(dark=dark),
        f"{len(wrong):,} of {len(x):,} images misclassified",
        "Incorrect predictions: true class → predicted class, with its probability. Correct predictions: the predicted class and "
        f"the second most probable one.{f' Images: {note}.' if note else ''}",
        width,
    )
    names = class_labels(network)
    _group(
        sheet,
        f"{len(worst)} incorrect predictions with the highest probability" if len(worst) else "No incorrect predictions",
        network,
        x[worst],
        [[(f"{source}:{n}", ""), (f"{names[y[n]]} → {names[ranked[n, 0]]}", f"  {percent(highest[n], 1)}")] for n in worst],
        [
            [(f"{source}:{n}", ""), (names[y[n]], ""), (f"→ {names[ranked[n, 0]]}", ""), ("", percent(highest[n], 1))]
            for n in worst
        ],
    )
    second = p[np.arange(len(p)), ranked[:, 1]]
    _group(
        sheet,
        f"{len(closest)} correct predictions with the lowest probability" if len(closest) else "No correct predictions",
        network,
        x[closest],
        [
            [
                (f"{source}:{n}", ""),
                (names[y[n]], f": {percent(highest[n], 1)}"),
                (names[ranked[n, 1]], f": {percent(second[n], 1)}"),
            ]
            for n in closest
        ],
    )
    return sheet.done()


def _group(
    sheet: Sheet, title: str, network: Network, x: Array, captions: Sequence[Caption], longer: Sequence[Caption] | None = None
) -> None:
    """Draw images with their captions; the longer captions, and fewer images in a row, if the others do not fit."""
    sheet.group(title)
    if not len(x):
        return
    across = sheet.across(8)
    widest = max(width_of("".join(part), TICK) for caption in captions for part in caption)
    if widest > sheet.width / across - GAP:
        captions = longer or captions
        across = min(across, max(1, int(sheet.width / ROOM_FOR_NAMES)))
    room = sheet.width / across - GAP
    pixels = image_pixels(x, network.preparation)
    sheet.maps(pixels.maps, pixels.scale, across=across, captions=[_text(caption, room) for caption in captions])


def _text(caption: Caption, room: float) -> str:
    """Return the lines of a caption, each cut in its name, so that the number stays."""
    return "\n".join(fitted(name, room - width_of(number, TICK), TICK) + number for name, number in caption)
