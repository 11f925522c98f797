"""Best validation so far, and early stopping.

Prechelt (1998), "Early Stopping - But When?", in Neural Networks: Tricks of the Trade; patience is criterion UP of the paper,
without its strips of several epochs.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from handmade.engine.network import Network
from handmade.engine.printable import ShortRepr

Stopped: TypeAlias = Literal["patience", "target"]


@dataclass(frozen=True, eq=False)
class Best(ShortRepr):
    """Best validation so far: the highest accuracy; of equal accuracies, the smallest loss.

    Attributes
    ----------
    step : int
        Number of the step before it.
    accuracy, loss : float
        Accuracy and loss on the validation set.
    network : Network
        Validated network.
    validations_since : int
        Number of validations after it.
    """

    step: int
    accuracy: float
    loss: float
    network: Network
    validations_since: int = 0


def stopped_by(best: Best | None, patience: int | None, target: float | None) -> Stopped | None:
    """Return the reason to stop a training with this best validation: target or patience; None if it continues."""
    if best is None:
        return None
    if target is not None and best.accuracy >= target:
        return "target"
    return "patience" if patience is not None and best.validations_since >= patience else None
