"""explain: the receipt of a number in a network for one image, and the receipts of its terms, down to the pixels."""

from handmade.engine.arguments import check_choice, integer
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients.arguments import as_loss
from handmade.engine.losses import Loss
from handmade.engine.network import Network
from handmade.engine.receipts import gradients, places
from handmade.engine.receipts.places import GRADIENT
from handmade.engine.receipts.receipt import Receipt
from handmade.engine.receipts.work import Work
from handmade.engine.terms import Place

WAYS = {
    "backprop": lambda work, weight, _: gradients.by_backprop(work, weight),
    "difference": gradients.by_difference,
    "definition": gradients.by_definition,
}


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
    """Return the receipt of a number: the terms from which it is computed.

    Parameters
    ----------
    network : Network
    image : Array, network.input_shape
        One prepared image.
    at : str
        Place of the number: "conv2[12,10,3]" (row, column, channel), "logits[3]", "probability[3]", "loss", "input[5,7,0]", a
        weight such as "conv1.W[1,2,0,5]", or "d loss / d " before a weight, a pixel or an activation.
    label : int, optional
        Class of the image; needed for the loss and its gradients.
    loss : Loss, optional
        Cross-entropy if left out.
    depth : int
        Depth of the tree of receipts: 1 is the number alone, 2 includes the receipts of its terms, and so on.
    most : int
        Largest number of inputs with receipts for each number: those that contribute most.
    by : {"backprop", "difference", "definition"}
        Method that computes a gradient.
    h : float
        Size of the nudge for "difference" and "definition".

    Returns
    -------
    Receipt

    Raises
    ------
    HandmadeError
        If there is no such place, the image does not fit, a label is missing or wrong, or numbers are not finite.
    """
    for name, number in (("depth", depth), ("most", most)):
        integer(number, name, 1)
    check_choice(by, "by", WAYS)
    places.place(network, at)
    return explain_work(Work.of(network, image, label, as_loss(loss), most), at, depth=depth, by=by, h=h)


def explain_work(work: Work, at: str, *, depth: int = 1, by: str = "backprop", h: float = 1e-3) -> Receipt:
    """Return the receipt of a number from activations that are known already; the arguments are those of `explain`."""
    where = places.place(work.network, at)
    try:
        if where.name.startswith(GRADIENT):
            weight = Place(where.name.removeprefix(GRADIENT), where.index)
            return WAYS[by](work, weight, h)
        return work.receipt(where, depth)
    except OverflowError:
        raise HandmadeError(
            f"{where}: expected products and sums within the range of float64; got an overflow. Try smaller weights"
        ) from None
