"""AdamW: Adam with a decay of the weights that does not pass through m and v: w <- (1 - lr lambda) w, then Adam's step.

Loshchilov & Hutter (2019), "Decoupled Weight Decay Regularization", ICLR, algorithm 2. Their decay is not multiplied by the
learning rate; here it is, as in PyTorch. So their lambda is lr times `weight_decay`. The schedule's factor scales both, as in
the paper.
"""

from dataclasses import dataclass

from handmade.engine.arrays import Array
from handmade.engine.optim.adam import Adam
from handmade.engine.optim.checks import NOT_NEGATIVE, check
from handmade.engine.optim.optimiser import State


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay; PyTorch's `AdamW`.

    Every weight decays, biases included, as in the paper; the penalties `L1` and `L2` do not act on biases.

    Parameters
    ----------
    learning_rate, beta1, beta2, eps : float
        Learning rate, decay rates and eps of `Adam`.
    weight_decay : float
        lambda, at least 0; with 0 this is Adam.

    Raises
    ------
    HandmadeError
        If one of them is outside its range.
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, weight_decay=NOT_NEGATIVE)

    def step(
        self, parameters: dict[str, Array], gradients: dict[str, Array], state: State, scale: float = 1.0
    ) -> tuple[dict[str, Array], State]:
        kept = 1 - float(scale * self.learning_rate) * self.weight_decay
        return super().step({name: kept * w for name, w in parameters.items()}, gradients, state, scale)
