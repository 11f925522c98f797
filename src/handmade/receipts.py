"""Receipts, for users: how a number of a network came about, what a step did to a weight, and what a nudge changes.

An image may be a prepared one, or a raw digit (H, W) or (H, W, 1) of uint8, which is prepared here.
"""

from typing import Any

import numpy as np

from handmade.data.digits import prepare_for
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.losses import Loss
from handmade.engine.network import Network
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
    image: Array,
    at: str,
    *,
    label: int | None = None,
    loss: Loss | None = None,
    depth: int = 1,
    most: int = 10,
    by: str = "backprop",
    h: float = 1e-3,
) -> Receipt:
    """Tell how a number came about: every number that it is made of, which add up.

    Parameters
    ----------
    network : Network
    image : Array
        One image, prepared (network.input_shape) or raw.
    at : str
        Which number: "conv2[12,10,3]" (row, column, channel), "logits[3]", "probability[3]", "loss", "input[5,7,0]", a weight
        such as "conv1.W[1,2,0,5]", or "d loss / d conv1.W[1,2,0,5]".
    label : int, optional
        The image's class; the loss and its gradients want it.
    loss : Loss, optional
        Cross-entropy if left out.
    depth : int
        How many receipts deep to go: 1 is the number alone, 2 is with the receipts of what it is made of, and so on.
    most : int
        How many inputs of one number to follow, those that contribute most.
    by : {"backprop", "difference", "definition"}
        Which way a gradient is worked out.
    h : float
        How far "difference" and "definition" nudge the weight.

    Returns
    -------
    Receipt
        `receipt.total` is the tree of terms, `receipt.value` what the network stored, `receipt.rounding` how far they are apart,
        `receipt.inputs` the receipts below, and `receipt.to_json()` all of it as plain data.

    Raises
    ------
    HandmadeError
        If there is no such place, the image does not fit, a label is missing or wrong, or the numbers are not finite.
    """
    one = _prepared(network, image)
    return engine.explain(network, one, at, label=label, loss=loss, depth=depth, most=most, by=by, h=h)


def trace(network: Network, image: Array, nudge: str, *, label: int | None = None, loss: Loss | None = None) -> Trace:
    """Follow a nudge of one weight, pixel or activation through the network, as exact differences.

    Parameters
    ----------
    network : Network
    image : Array
        One image, prepared (network.input_shape) or raw.
    nudge : str
        What, and by how much: "conv1.W[1,2,0,5]=+0.1".
    label : int, optional
        The image's class; with it, the loss is followed too.
    loss : Loss, optional
        Cross-entropy if left out.

    Returns
    -------
    Trace
        `trace.differences` has the difference of every layer's output, `trace.steps` what is large about them.

    Raises
    ------
    HandmadeError
        If the nudge is not so written or there is no such place, or image or label do not fit.
    """
    return tracing.trace(network, _prepared(network, image), nudge, label=label, loss=loss)


def _prepared(network: Network, image: Any) -> Array:
    if not isinstance(image, np.ndarray):
        raise HandmadeError(f"an image: expected an array; got {type(image).__name__}. Try numpy.asarray(image)")
    raw = image.dtype == np.uint8 and image.ndim in {2, 3}
    return prepare_for(network)(image[None])[0] if raw else image
