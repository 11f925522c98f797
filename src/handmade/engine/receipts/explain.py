"""explain: the receipt of a number in a network at work on one image, and of those that it is made of, down to the pixels."""

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.losses import CrossEntropy, Loss
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
    """Tell how a number came about.

    Parameters
    ----------
    network : Network
    image : Array, network.input_shape
        One prepared image.
    at : str
        Which number: "conv2[12,10,3]" (row, column, channel), "logits[3]", "probability[3]", "loss", "input[5,7,0]", a weight
        such as "conv1.W[1,2,0,5]", or "d loss / d " before a weight, a pixel or an activation.
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

    Raises
    ------
    HandmadeError
        If there is no such place, the image does not fit, a label is missing or wrong, or the numbers are not finite.
    """
    for name, number in (("depth", depth), ("most", most)):
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise HandmadeError(f"{name}: expected a whole number of at least 1; got {number!r:.80}")
    if by not in WAYS:
        raise HandmadeError(f"by: expected one of {', '.join(WAYS)}; got {by!r:.80}")
    places.place(network, at)
    return explain_work(Work.of(network, image, label, loss or CrossEntropy(), most), at, depth=depth, by=by, h=h)


def explain_work(work: Work, at: str, *, depth: int = 1, by: str = "backprop", h: float = 1e-3) -> Receipt:
    """Return the receipt of a number of a network that is at work already; the arguments are those of `explain`."""
    where = places.place(work.network, at)
    try:
        if where.name.startswith(GRADIENT):
            weight = Place(where.name.removeprefix(GRADIENT), where.index)
            return WAYS[by](work, weight, h)
        return work.receipt(where, depth)
    except OverflowError:
        raise HandmadeError(f"{where} is made of numbers whose products or sums float64 cannot hold; scale the weights") from None
