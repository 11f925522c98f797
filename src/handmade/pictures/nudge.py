"""The nudge's difference maps: what one moved number changes at every layer, exactly.

dy = layer.delta(x, dx),   layer after layer, as in the finite chain rule
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.layers import rule
from handmade.engine.network import Network
from handmade.engine.receipts.trace import trace
from handmade.pictures.maps import BARS, MOST, STRIP, show_maps, show_strip
from handmade.pictures.sheet import Sheet, number, signed_scale
from handmade.pictures.style import drawn, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@drawn
def difference_maps(network: Network, image: Array, nudge: str, label: int | None = None, *, dark: bool = False) -> "Figure":
    """Draw the difference that a nudge of one weight, pixel or activation makes at every layer after it.

    Parameters
    ----------
    network : Network
    image : Array, network.input_shape
        One prepared image.
    nudge : str
        What, and by how much: "conv1.W[1,2,0,5]=+0.1".
    label : int, optional
        The image's class; with it, the difference of the loss is told too.
    dark : bool
        For a dark background.

    Returns
    -------
    Figure

    Raises
    ------
    HandmadeError
        If the nudge is not so written, or there is no such place, or image or label do not fit.
    """
    house = theme(dark=dark)
    traced = trace(network, image, nudge, label=label)
    place, after = str(traced.at), traced.before + traced.step
    sheet = Sheet(
        house,
        f"What {place} changes when it moves by {number(traced.step)}",
        f"From {number(traced.before)} to {number(after)}. Exact differences, new minus old: blue rose, orange fell, "
        "and neutral is what the nudge did not reach. Each layer has a scale of its own.",
    )
    rows = {network.titles[node.name] for node in network.nodes if rule(node.layer, "reorders")}  # the same numbers
    logits = network.titles.get(network.logits_name)
    for name, d in traced.differences.items():
        if name not in rows:
            last = name == logits
            _show(sheet, name, d, traced.activations[name], label if last else None, network.class_names if last else None)
    if traced.loss is not None and traced.dL is not None:
        sheet.group(f"loss: {traced.loss:.6g}, and its difference {number(traced.dL)}")
    return sheet.done()


def _show(sheet: Sheet, name: str, d: Array, y: Array, label: int | None, names: Sequence[str] | None) -> None:
    moved = int(np.count_nonzero(d))
    title = f"{name}: {moved:,} of {d.size:,} numbers moved"
    scale = signed_scale(sheet.theme, [d], "difference")
    if d.ndim == 3:
        largest = np.abs(d).max(axis=(0, 1))
        most = sorted(int(c) for c in np.argsort(-largest, kind="stable")[:MOST])
        cut = f"; the {MOST} of {len(largest)} maps that moved most" if len(most) < len(largest) else ""
        show_maps(sheet, title + cut, d, scale, most)
    elif len(d) > BARS:
        cut = f"; the first {STRIP * MOST:,}" if len(d) > STRIP * MOST else ""
        show_strip(sheet, title + cut, d, scale)
    else:
        sheet.group(f"{title} (before, difference)")
        texts = [[number(float(before)), number(float(by))] for before, by in zip(y, d, strict=True)]
        sheet.bars(d, names or list(map(str, range(len(d)))), texts, label)
