"""Gradient descent with memory: v <- mu v + g,  w <- w - lr v.

Polyak (1964), "Some methods of speeding up the convergence of iteration methods", in the form that is common today: the learning
rate stands outside v, so a schedule acts at once on all that is remembered.
"""

from dataclasses import dataclass

from handmade.engine.arrays import Array
from handmade.engine.optim.checks import POSITIVE, SHARE, check
from handmade.engine.optim.optimiser import State, zeros


@dataclass(frozen=True)
class Momentum:
    """A heavy ball that rolls downhill; without memory at mu = 0. PyTorch's `SGD(momentum=mu)`.

    Parameters
    ----------
    learning_rate : float
        lr, above 0.
    momentum : float
        mu, from 0 up to but not including 1.

    Raises
    ------
    HandmadeError
        If one of them is outside its range.
    """

    learning_rate: float = 0.02
    momentum: float = 0.9

    def __post_init__(self) -> None:
        check(self, learning_rate=POSITIVE, momentum=SHARE)

    def start(self, parameters: dict[str, Array]) -> State:
        return zeros("v", parameters)

    def step(
        self, parameters: dict[str, Array], gradients: dict[str, Array], state: State, scale: float = 1.0
    ) -> tuple[dict[str, Array], State]:
        lr, mu = float(scale * self.learning_rate), self.momentum
        moved, remembered = {}, {}
        for name, w in parameters.items():
            v = mu * state[f"v/{name}"]
            v += gradients[name]
            moved[name] = w - lr * v
            remembered[f"v/{name}"] = v
        return moved, remembered
