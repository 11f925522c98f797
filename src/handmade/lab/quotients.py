"""Quotients of one weight against the step size h: the V of the textbook, and the exact difference."""

from typing import Any

from handmade.engine.check.networks.steps import error_of_weight
from handmade.engine.errors import HandmadeError
from handmade.engine.receipts import places
from handmade.engine.receipts.work import Work


def quotients(work: Work, text: str) -> dict[str, Any]:
    """Return the relative error of each method at every h.

    Raises
    ------
    HandmadeError
        If this is no weight, or the image has no label.
    """
    at = places.place(work.network, text)
    if at.name not in places.weights(work.network):
        raise HandmadeError(f"quotients: expected a weight such as conv1.W[0,0,0,0]; got {text!r:.80}")
    found = error_of_weight(work, at)
    curves = [{"method": method, "dtype": dtype, "error": list(error)} for (method, dtype), error in found.errors.items()]
    return {"h": list(found.h), "curves": curves, "derivative": found.derivative, "on_kink": found.on_kink}
