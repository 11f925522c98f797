"""The optimiser as an argument of public functions."""

from typing import Any

from handmade.engine.arguments import check_methods
from handmade.engine.optim.adam import Adam
from handmade.engine.optim.adamw import AdamW
from handmade.engine.optim.gradient_descent import GradientDescent
from handmade.engine.optim.momentum import Momentum
from handmade.engine.optim.nesterov import Nesterov
from handmade.engine.optim.optimiser import Optimiser
from handmade.engine.optim.rmsprop import RMSProp

KNOWN = {kind.__name__.lower(): kind for kind in (Adam, AdamW, GradientDescent, Momentum, Nesterov, RMSProp)}


def as_optimiser(value: Any) -> Optimiser:
    """Return an optimiser as it is; raise HandmadeError if it is none, with the one that is probably meant."""
    name = value.__name__ if isinstance(value, type) else value
    word = name.lower().replace("-", "").replace("_", "") if isinstance(name, str) else ""
    kind = {**KNOWN, "sgd": Momentum}.get(word, Adam)
    check_methods(value, "optimiser", "an optimiser", ("start", "step"), f"handmade.optim.{kind.__name__}()")
    optimiser: Optimiser = value
    return optimiser
