"""View of a trace: the difference that a nudge causes in every layer, as a row of small maps, and the table of their numbers."""

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.receipts.trace import Trace
from handmade.html.images import picture, signed_map, thinned
from handmade.html.markup import Markup, joined, shortened, tag
from handmade.html.numbers import signed_number
from handmade.html.rich_parts import block, from_rich
from handmade.text import trace as text
from handmade.text.receipt_tables import DIGITS

MOST_LAYERS = 40
MOST_MAPS = 8  # of a layer
STRIP = 32  # numbers in a row of a layer without height and width
NOTE = "Differences of each layer: blue is positive, orange negative, and zero empty. Each layer has a scale of its own."


def view(trace: Trace) -> Markup:
    """Return the nudge, a map of each layer's difference, the table of the layers, and the change of the loss."""
    title, *others = text.layout(trace)
    layers = list(trace.differences.items())
    shown = [_layer(name, np.asarray(dx)) for name, dx in layers[:MOST_LAYERS]]
    if len(layers) > MOST_LAYERS:
        shown.append(tag("figure", f"… {len(layers) - MOST_LAYERS:,} more layers", kind="dim"))
    return joined([block(title), tag("div", NOTE, kind="line dim"), tag("div", *shown, kind="maps"), from_rich(others)])


def _layer(name: str, dx: Array) -> Markup:
    """Return the maps of one layer, with its largest difference."""
    maps = _maps(dx)
    with np.errstate(invalid="ignore"):
        largest = float(np.nanmax(np.abs(dx), initial=0))
        furthest = float(dx.flat[int(np.abs(dx).argmax())])
    images = [
        picture(signed_map(thinned(each), largest), f"{shortened(name)}, channel {k}") for k, each in enumerate(maps[:MOST_MAPS])
    ]
    rest = f" … {len(maps) - MOST_MAPS:,} more maps" if len(maps) > MOST_MAPS else ""
    caption = joined([tag("b", shortened(name)), " largest ", signed_number(furthest, DIGITS), rest])
    return tag("figure", tag("div", *images), tag("figcaption", caption))


def _maps(dx: Array) -> list[Array]:
    """Return a layer's numbers as maps: the channels of (H, W, C), or (K,) in rows of 32."""
    if dx.ndim >= 3:
        together = dx.reshape(dx.shape[0], dx.shape[1], -1)
        return [together[..., k] for k in range(together.shape[-1])]
    if dx.ndim == 2:
        return [dx]
    flat = dx.reshape(-1)[: STRIP * STRIP]
    padded = np.zeros(-(-len(flat) // STRIP) * STRIP, dx.dtype) if len(flat) > STRIP else np.zeros(len(flat), dx.dtype)
    padded[: len(flat)] = flat
    return [padded.reshape(-1, min(STRIP, len(padded)))]
