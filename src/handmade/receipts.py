"""Receipts, for users: the terms of a number of a network, of a step of a weight, and the effect of a nudge.

An image may be a prepared one, or a raw one, (H, W) or (H, W, C) of uint8, which is prepared here.
"""

from typing import Any

from numpy.typing import ArrayLike

from handmade.data.prepared import prepare_for
from handmade.engine.arguments import refused
from handmade.engine.arrays import Array
from handmade.engine.image_arguments import as_image
from handmade.engine.losses import Loss
from handmade.engine.network import Network, check_network
from handmade.engine.receipts import explain as engine
from handmade.engine.receipts import trace as tracing
from handmade.engine.receipts.receipt import Receipt, Step
from handmade.engine.receipts.snippet import snippet
from handmade.engine.receipts.trace import Trace
from handmade.engine.receipts.update import explain_update
from handmade.engine.terms import Place, Term

__all__ = ["Place", "Receipt", "Step", "Term", "Trace", "explain", "explain_update", "snippet", "trace"]


def explain(
    network: Network,
    image: ArrayLike,
    at: str,
    *,
    label: int | None = None,
    loss: Loss | None = None,
    depth: int = 1,
    most: int = 10,
    by: str = "backprop",
    h: float = 1e-3,
) -> Receipt:
    """Explain a number of a network by all the numbers that it is made of, which add up.

    Parameters
    ----------
    network : Network
    image : Array
        One image, prepared (network.input_shape) or raw.
    at : str
        Place of the number: "conv2[12,10,3]" (row, column, channel), "logits[3]", "probability[3]", "loss", "input[5,7,0]", a
        weight such as "conv1.W[1,2,0,5]", or "d loss / d conv1.W[1,2,0,5]".
    label : int, optional
        The image's class; the loss and its gradients need it.
    loss : Loss, optional
        Cross-entropy if left out.
    depth : int
        Levels of receipts: 1 is the number alone, 2 is with the receipts of the numbers that it is made of, and so on.
    most : int
        Largest number of inputs to follow, those that contribute most.
    by : {"backprop", "difference", "definition"}
        Method of a gradient.
    h : float
        Nudge of the weight in "difference" and "definition".

    Returns
    -------
    Receipt
        `receipt.total` is the tree of terms, `receipt.value` what the network stored, `receipt.rounding` their distance,
        `receipt.inputs` the receipts below, and `receipt.to_json()` all of it as plain data.

    Raises
    ------
    HandmadeError
        If there is no such place, the image does not fit, a label is missing or wrong, or the numbers are not finite.
    """
    one = _prepared(network, image, at, "image and at", "handmade.explain(network, image, at)")
    return engine.explain(network, one, at, label=label, loss=loss, depth=depth, most=most, by=by, h=h)


def trace(network: Network, image: ArrayLike, nudge: str, *, label: int | None = None, loss: Loss | None = None) -> Trace:
    """Follow a nudge of one weight, pixel or activation through the network, as exact differences.

    Parameters
    ----------
    network : Network
    image : Array
        One image, prepared (network.input_shape) or raw.
    nudge : str
        Place and amount: "conv1.W[1,2,0,5]=+0.1".
    label : int, optional
        The image's class; with it, the loss is followed too.
    loss : Loss, optional
        Cross-entropy if left out.

    Returns
    -------
    Trace
        `trace.differences` has the difference of every layer's output, `trace.steps` the largest of each.

    Raises
    ------
    HandmadeError
        If the nudge is not so written or there is no such place, or image or label do not fit.
    """
    one = _prepared(network, image, nudge, "image and nudge", "handmade.trace(network, image, nudge)")
    return tracing.trace(network, one, nudge, label=label, loss=loss)


def _prepared(network: Network, image: Any, text: Any, names: str, call: str) -> Array:
    """Return one prepared image, made of a raw or a prepared one; `text` is the argument after it."""
    check_network(network, call)
    if isinstance(image, str) and not isinstance(text, str):
        raise refused(names, "the image before the text", "the text first", call)
    return as_image(image, "image", network.input_shape, prepare_for(network))
