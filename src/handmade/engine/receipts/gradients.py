"""Receipt of a gradient, by each of the three methods.

definition   (L(w + h) - L(w)) / h: the difference of two losses, and the digits that the subtraction loses
difference   dL / h, where dL is the exact difference of the nudge, followed layer by layer
backprop     the sum of (gradient of the output) x (input of the weight there), over all outputs that the weight feeds;
             for a pixel or an activation, the sum of (gradient of the output) x (derivative of the output)
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from handmade.engine.arrays import Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients.arguments import checked_step
from handmade.engine.gradients.definition import mean_loss
from handmade.engine.graph import Node, downstream
from handmade.engine.layers import rule
from handmade.engine.layers.window_terms import inside
from handmade.engine.receipts import places
from handmade.engine.receipts.bounds import bound
from handmade.engine.receipts.derivatives import by_backward, derivatives
from handmade.engine.receipts.places import GRADIENT
from handmade.engine.receipts.receipt import Receipt
from handmade.engine.receipts.trace import follow
from handmade.engine.receipts.work import Work
from handmade.engine.terms import Place, Term, largest_first, largest_products, stored, total


def by_definition(work: Work, at: Place, h: float) -> Receipt:
    """Return the receipt of the difference quotient by definition, for one weight, pixel or activation."""
    network = work.network
    step = checked_step(h, network)
    before, after = _losses(work, at, step)
    if not math.isfinite(after):
        raise HandmadeError(f"the loss overflows once {at} is nudged by {h:g}. Try a smaller h")
    dL = Term(after, "stored", label="L(w + h)") - Term(before, "stored", label="L(w)")
    quotient = dL.named("L(w + h) - L(w)") / Term(float(step), label="h")
    tree = quotient.named("(L(w + h) - L(w)) / h", _lost(before, after, network.dtype))
    return _receipt(work, at, "definition", float(network.dtype.type(tree.value)), tree)


def _losses(work: Work, at: Place, step: Any) -> tuple[float, float]:
    """Return the loss, and the loss with the number moved by a step."""
    network, y = work.network, work.y
    if work.is_activation(at.name):
        name = work.name_of(at.name)
        nudged = work.tape[name].copy()
        nudged[(0, *at.index)] += step
        values = work.tape | {name: nudged}
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the loss
            for node in downstream(network.nodes, name):
                values[node.name] = node.layer.forward(node.inputs(values))
            before, after = (float(work.loss.forward(z, y)[0]) for z in (work.z, values[network.logits_name]))
        return before, after
    key = places.key_of(network, at.name)
    nudged = network.parameters()[key].copy()
    nudged[at.index] += step
    before, after = (mean_loss(each, work.x, y, work.loss) for each in (network, network.replace({key: nudged})))
    return before, after


def by_difference(work: Work, at: Place, h: float) -> Receipt:
    """Return the receipt of the quotient by the finite chain rule, with the effect of the nudge in each layer."""
    step = checked_step(h, work.network)
    y = work.y
    traced = follow(work, at, float(step))
    assert traced.dL is not None
    if not math.isfinite(traced.dL):
        raise HandmadeError(f"the loss overflows once {at} is nudged by {h:g}. Try a smaller h")
    dL = Term(traced.dL, "stored", label="dL")
    explained = rule(work.loss, "delta_receipt")
    if explained is not None:
        dz = traced.differences.get(work.title(work.network.logits_name), np.zeros_like(work.z[0]))
        dL = explained(work.loss, work.z[0], dz, int(y[0]))
    tree = (dL / Term(float(step), label="h")).named("dL / h")
    value = float(work.network.dtype.type(traced.dL) / step)
    receipt = _receipt(work, at, "difference", value, tree)
    return replace(receipt, story=traced.steps)


def by_backprop(work: Work, at: Place) -> Receipt:
    """Return the receipt of the derivative by backpropagation: a sum of products."""
    if work.is_activation(at.name):
        return _of_activation(work, at)
    name, array = work.network.owners[places.key_of(work.network, at.name)]
    node, g = work.network.node(name), work.upstream.activation(name)
    value = float(work.upstream.weights(name)[array][at.index])
    reads = work.nudged(name, array, at.index, work.network.dtype.type(1))[0]  # change of each output per unit of the weight
    by_channel = rule(node.layer, "nudges") is not None
    outputs = np.ndindex(reads.shape[:-1] if by_channel else reads.shape)
    fed = [(*where, at.index[-1]) if by_channel else where for where in outputs]

    def product(n: int) -> Term:
        return _product(work, node, array, at.index, fed[n], g[0][fed[n]], reads[fed[n]])

    what = "sum over the outputs that it feeds of (gradient of the output) x (its input there)"
    sizes = np.array([float(g[0][where]) * float(reads[where]) for where in fed])
    return _receipt(work, at, "backprop", value, total(largest_products(sizes, product, "products"), what))


def _of_activation(work: Work, at: Place) -> Receipt:
    """Return the derivative with respect to a pixel or an activation: a sum over the outputs that read it."""
    network, name = work.network, work.name_of(at.name)
    value = float(work.upstream.activation(name)[0][at.index])
    if name == network.logits_name:
        explained = rule(work.loss, "gradient_receipt")
        tree = stored(value, str(at)) if explained is None else explained(work.loss, work.z[0], int(work.y[0]), at.index[0])
        return _receipt(work, at, "backprop", value, tree)
    products = [
        product
        for node in network.readers[name]
        if node.name in network.below_logits
        for k, read in enumerate(node.reads)
        if read == name
        for product in _through(work, node, k, at.index)
    ]
    what = "sum over the outputs that it feeds of (gradient of the output) x (derivative of the output)"
    return _receipt(work, at, "backprop", value, total(largest_first(products, "products"), what))


def _through(work: Work, node: Node, k: int, at: Shape) -> Iterator[Term]:
    """Yield the product of each output of a node that reads a number: its gradient, times its derivative."""
    g, title = work.upstream.activation(node.name)[0], work.title(node.name)
    one = node.inputs({name: work.tape[name][0] for name in node.reads})
    slopes = derivatives(node.layer, one, k, at) or by_backward(node.layer, one, g, k, at)
    if slopes is None:
        gx = node.layer.backward(node.inputs(work.tape), g[None])[0]
        yield Term(float((gx[k] if node.layer.joins else gx)[(0, *at)]), label=f"backward of {title}")
        return
    for where, slope in slopes:
        upstream = stored(g[where], GRADIENT + title, *where)
        yield upstream.named("", slope.note) if slope == Term(1.0, note=slope.note) else upstream * work.named(node, slope)


def _product(work: Work, node: Node, array: str, weight: Shape, where: Shape, g: Any, reads: Any) -> Term:
    """Return the contribution of one output to the gradient: the gradient of the output times the input of the weight there."""
    upstream = stored(g, GRADIENT + work.title(node.name), *where)
    source = rule(node.layer, "source")
    if array == "b" and rule(node.layer, "nudges"):
        return upstream
    if source is None:
        return upstream * Term(float(reads), "stored", label="its input")
    place = source(node.layer, weight, where)
    read = work.tape[node.reads[0]][0]
    outside = len(place) == 3 and not inside(read, place[0], place[1])
    return upstream * (Term(0.0, note="padding") if outside else stored(reads, work.title(node.reads[0]), *place))


def _receipt(work: Work, at: Place, by: str, value: float, tree: Term) -> Receipt:
    dtype = work.network.dtype
    return Receipt(Place(GRADIENT + at.name, at.index), by, value, tree, bound(tree, dtype), str(dtype))


def _lost(before: float, after: float, dtype: np.dtype[np.floating]) -> str:
    """Return the number of digits that the subtraction loses, as text."""
    digits = -math.log10(np.finfo(dtype).eps)
    if after == before:
        return f"all {digits:.0f} digits are lost: the nudge is not visible"
    lost = max(0.0, math.log10(max(abs(before), abs(after)) / abs(after - before)))
    return f"{min(lost, digits):.1f} of {digits:.0f} digits are lost in the subtraction"
