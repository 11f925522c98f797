"""The best validation so far, and the moment to stop.

Prechelt (1998), "Early Stopping - But When?", in Neural Networks: Tricks of the Trade; patience is his criterion UP, without
strips.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from handmade.engine.network import Network
from handmade.engine.printable import ShortRepr

Stopped: TypeAlias = Literal["patience", "target"]


@dataclass(frozen=True, eq=False)
class Best(ShortRepr):
    """The best validation so far: the highest accuracy, and of equal ones the smallest loss.

    Attributes
    ----------
    step : int
        After which step it was.
    accuracy, loss : float
        What came out.
    network : Network
        Of which network.
    ago : int
        How many validations there have been since.
    """

    step: int
    accuracy: float
    loss: float
    network: Network
    ago: int = 0


def stopped_by(best: Best | None, patience: int | None, target: float | None) -> Stopped | None:
    """Why a training is over whose best validation this is: the target is reached, or patience has run out."""
    if best is None:
        return None
    if target is not None and best.accuracy >= target:
        return "target"
    return "patience" if patience is not None and best.ago >= patience else None
