"""RMSProp: v <- rho v + (1 - rho) g^2,  w <- w - lr g / (sqrt(v) + eps).

Tieleman & Hinton (2012), "Neural Networks for Machine Learning", lecture 6e, which divides by the root of the mean square and has
no eps. Here eps is added to the root, as in PyTorch. v is not corrected for its start at 0, so the first steps are long.
"""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.optim.checks import POSITIVE, SHARE, check
from handmade.engine.optim.optimiser import State, zeros


@dataclass(frozen=True)
class RMSProp:
    """Gradient of each weight, divided by the root of its recent mean square; PyTorch's `RMSprop(alpha=rho)`.

    Parameters
    ----------
    learning_rate : float
        lr, above 0.
    decay : float
        rho, decay rate: share of v that is kept at each step, from 0 up to but not including 1.
    eps : float
        Small number above 0 that avoids 0 / 0 for a weight without gradient.

    Raises
    ------
    HandmadeError
        If one of them is outside its range.
    """

    learning_rate: float = 1e-3
    decay: float = 0.9
    eps: float = 1e-8

    def __post_init__(self) -> None:
        check(self, learning_rate=POSITIVE, decay=SHARE, eps=POSITIVE)

    def start(self, parameters: dict[str, Array]) -> State:
        return zeros("v", parameters)

    def step(
        self, parameters: dict[str, Array], gradients: dict[str, Array], state: State, scale: float = 1.0
    ) -> tuple[dict[str, Array], State]:
        lr, rho = float(scale * self.learning_rate), self.decay
        weights, memory = {}, {}
        for name, w in parameters.items():
            g = gradients[name]
            v = rho * state[f"v/{name}"] + (1 - rho) * g**2
            weights[name] = w - lr * g / (np.sqrt(v) + self.eps)
            memory[f"v/{name}"] = v
        return weights, memory
