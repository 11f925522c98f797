"""Difference maps: the exact difference that one nudge makes at every layer.

dy = layer.delta(x, dx),   layer after layer, as in the finite chain rule
"""

from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.network import Network
from handmade.engine.receipts.trace import trace
from handmade.pictures.image_pixels import image_pixels
from handmade.pictures.maps import (
    BARS,
    MOST,
    STRIP,
    STRIP_LINES,
    as_channels,
    of_class,
    repeats,
    show_classes,
    show_maps,
    show_strip,
)
from handmade.pictures.numbers import counted, number, plain, short, size
from handmade.pictures.scales import signed_scale
from handmade.pictures.sheet import Sheet
from handmade.pictures.style import drawn, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@drawn
def difference_maps(network: Network, image: Array, nudge: str, label: int | None = None, *, dark: bool = False) -> "Figure":
    """Draw the difference that a nudge of one weight, pixel or activation makes at every later layer.

    Parameters
    ----------
    network : Network
    image : Array, network.input_shape
        One prepared image.
    nudge : str
        Place and step: "conv1.W[1,2,0,5]=+0.1".
    label : int, optional
        The image's class; with it, the difference of the loss is written too.
    dark : bool
        For a dark background.

    Returns
    -------
    Figure

    Raises
    ------
    HandmadeError
        If the nudge is not written like this, there is no such place, or image or label do not fit.
    """
    colours = theme(dark=dark)
    traced = trace(network, image, nudge, label=label)
    step = short(traced.step) if traced.step < 0 else f"+{short(traced.step)}"
    sheet = Sheet(
        colours,
        f"Differences after the nudge {traced.at} = {step}",
        f"The number changes from {number(traced.before)} to {number(traced.before + traced.step)}. Exact differences, new minus "
        "old. Blue: increase. Orange: decrease. Each layer has a scale of its own.",
    )
    pixels = image_pixels(image[None], network.preparation)
    sheet.group(f"image{of_class(network, label)}: {size(*image.shape)}{pixels.suffix}", pixels.scale)
    sheet.maps(pixels.maps, pixels.scale, across=8)
    reordered = {network.titles[node.name] for node in network.nodes if repeats(network, node)}
    logits = network.titles.get(network.logits_name)
    for name, d in traced.differences.items():
        if name not in reordered:
            _show(sheet, network, name, d, traced.activations[name], label, last=name == logits)
    if traced.loss is not None and traced.dL is not None:
        sheet.group(f"loss: {plain(traced.loss)}, difference {number(traced.dL)}")
    return sheet.done()


def _show(sheet: Sheet, network: Network, name: str, d: Array, y: Array, label: int | None, *, last: bool) -> None:
    title = f"{name}: {int(np.count_nonzero(d)):,} of {counted(d.size, 'number')} changed"
    if not d.any():
        sheet.group(title)
        return
    scale = signed_scale(sheet.theme, [d], "difference")
    if d.ndim > 1:
        maps = as_channels(d)
        changed = min(MOST, int(maps.any(axis=(0, 1)).sum()))
        cut = f"; {changed} of {maps.shape[-1]} maps{', largest differences first' if changed > 1 else ''}"
        show_maps(sheet, title + (cut if maps.shape[-1] > MOST else ""), maps, scale, changed)
        return
    texts = [[number(float(before)), number(float(by))] for before, by in zip(y, d, strict=True)]
    if last and len(d) > 1:
        show_classes(sheet, f"{title} (before, difference)", network, d, texts, label, by=np.abs(d))
    elif len(d) > BARS:
        cut = f"; the first {STRIP * STRIP_LINES:,}" if len(d) > STRIP * STRIP_LINES else ""
        show_strip(sheet, title + cut, d, scale)
    else:
        sheet.group(f"{title} (before, difference)")
        sheet.bars(d, list(map(str, range(len(d)))), texts)
