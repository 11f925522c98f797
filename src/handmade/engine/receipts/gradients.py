"""The receipt of a gradient, by each of the three ways to it.

definition   (L(w + h) - L(w)) / h: two losses, subtracted, and the digits that this costs
difference   dL / h, where dL is the nudge's own exact difference, followed layer by layer
backprop     the sum of (gradient of the output) x (what the weight reads there), over all outputs that the weight feeds
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients.arguments import checked_step
from handmade.engine.gradients.definition import mean_loss
from handmade.engine.layers import Composite, Conv2d, Layer, Linear
from handmade.engine.layers.window_terms import inside
from handmade.engine.losses import ExplainedLoss
from handmade.engine.receipts import places
from handmade.engine.receipts.bounds import bound
from handmade.engine.receipts.places import GRADIENT
from handmade.engine.receipts.receipt import Receipt
from handmade.engine.receipts.sites import Site
from handmade.engine.receipts.trace import follow
from handmade.engine.receipts.work import Work
from handmade.engine.terms import Place, Term, largest_first, stored, total


def by_definition(work: Work, at: Place, h: float) -> Receipt:
    """The textbook at its word, for one weight."""
    network, y = work.network, work.y
    step = checked_step(h, network)
    key = places.key_of(network, at.room)
    nudged = network.parameters()[key].copy()
    nudged[at.index] += step
    before, after = (mean_loss(each, work.x, y, work.loss) for each in (network, network.replace({key: nudged})))
    if not math.isfinite(after):
        raise HandmadeError(f"the loss overflows once {at} is nudged by {h:g}; take a smaller h")
    dL = Term(after, "stored", label="L(w + h)") - Term(before, "stored", label="L(w)")
    quotient = dL.named("L(w + h) - L(w)") / Term(float(step), label="h")
    tree = quotient.named("(L(w + h) - L(w)) / h", _lost(before, after, network.dtype))
    return _receipt(work, at, "definition", float(network.dtype.type(tree.value)), tree)


def by_difference(work: Work, at: Place, h: float) -> Receipt:
    """The same quotient by the finite chain rule, and the way of the nudge as a story."""
    step = checked_step(h, work.network)
    y = work.y
    traced = follow(work, at, float(step))
    assert traced.dL is not None
    if not math.isfinite(traced.dL):
        raise HandmadeError(f"the loss overflows once {at} is nudged by {h:g}; take a smaller h")
    dL = Term(traced.dL, "stored", label="dL")
    if isinstance(work.loss, ExplainedLoss):
        dL = work.loss.delta_receipt(work.z[0], traced.differences[work.network.names[-1]], int(y[0]))
    tree = (dL / Term(float(step), label="h")).named("dL / h")
    value = float(work.network.dtype.type(traced.dL) / step)
    receipt = _receipt(work, at, "difference", value, tree)
    return replace(receipt, story=traced.steps)


def by_backprop(work: Work, at: Place) -> Receipt:
    """The derivative."""
    name, _, array = at.room.rpartition(".")
    g, site = _upstream(work, name), work.sites[name]
    value = float(site.layer.backward(site.x, g)[1][array][at.index])
    reads = site.nudged(array, at.index, work.network.dtype.type(1))[0]  # what one unit of the weight adds to each output
    channel = [(*where, at.index[-1]) for where in np.ndindex(reads.shape[:-1])]
    products = [_product(site, array, at.index, where, g[0][where], reads[where]) for where in channel]
    what = "sum over the outputs that it feeds of (gradient of the output) x (what it reads there)"
    return _receipt(work, at, "backprop", value, total(largest_first(products, "products"), what))


def _upstream(work: Work, name: str) -> Array:
    """The gradient of the loss with respect to the output of a layer."""
    g = {work.network.names[-1]: work.loss.backward(work.z, work.y)}
    for site in reversed(work.sites.values()):
        if site.name == name:
            break
        if site.name not in g:
            continue
        if isinstance(site.layer, Composite):
            parts = dict.fromkeys(site.reads, g[site.name])
        elif callable(getattr(site.layer, "backward", None)):
            parts = {site.reads[0]: site.layer.backward(site.x, g[site.name])[0]}
        else:
            raise HandmadeError(
                f"backpropagation wants every layer to have a method backward; {site.name} has none. Try difference"
            )
        for end, part in parts.items():
            g[end] = g[end] + part if end in g else part
    return g[name]


def _product(site: Site, array: str, weight: Shape, where: Shape, g: Any, reads: Any) -> Term:
    """What one output adds to the gradient: its own gradient, times what the weight reads there."""
    upstream = stored(g, GRADIENT + site.name, *where)
    if array == "b":
        return upstream
    source = _source(site.layer, weight, where)
    if source is None:
        return upstream * Term(float(reads), "stored", label="what it reads")
    outside = len(source) == 3 and not inside(site.x[0], source[0], source[1])
    return upstream * (Term(0.0, note="padding") if outside else stored(reads, site.reads[0], *source))


def _source(layer: Layer, weight: Shape, where: Shape) -> Shape | None:
    """Which number of the input a weight reads for one output, perhaps outside the image; None for a layer that is not known."""
    if type(layer) is Linear:
        return weight[:1]
    if type(layer) is not Conv2d:
        return None
    steps = zip(where[:2], weight[:2], layer.stride, layer.dilation, layer.padding, strict=True)
    row, column = (place * stride + k * dilation - padding for place, k, stride, dilation, padding in steps)
    group = weight[3] // (len(layer.b) // layer.groups)
    return row, column, group * layer.W.shape[2] + weight[2]


def _receipt(work: Work, at: Place, by: str, value: float, tree: Term) -> Receipt:
    dtype = work.network.dtype
    return Receipt(Place(GRADIENT + at.room, at.index), by, value, tree, bound(tree, dtype), str(dtype))


def _lost(before: float, after: float, dtype: np.dtype[np.floating]) -> str:
    """What the subtraction costs."""
    digits = -math.log10(np.finfo(dtype).eps)
    if after == before:
        return f"all {digits:.0f} digits are lost: nothing is left of the nudge"
    lost = max(0.0, math.log10(max(abs(before), abs(after)) / abs(after - before)))
    return f"{min(lost, digits):.1f} of {digits:.0f} digits are lost in the subtraction"
