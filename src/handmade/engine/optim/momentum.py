"""Momentum: gradient descent with a velocity v: v <- mu v + g,  w <- w - lr v.

Polyak (1964), "Some methods of speeding up the convergence of iteration methods", in the form that is common today: the learning
rate is not part of v, so a change of the learning rate acts on the complete velocity at once.
"""

from dataclasses import dataclass

from handmade.engine.arrays import Array
from handmade.engine.optim.checks import POSITIVE, SHARE, check
from handmade.engine.optim.optimiser import State, zeros


@dataclass(frozen=True)
class Momentum:
    """Heavy-ball momentum; gradient descent for mu = 0. PyTorch's `SGD(momentum=mu)`.

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
        weights, memory = {}, {}
        for name, w in parameters.items():
            v = mu * state[f"v/{name}"]
            v += gradients[name]
            weights[name] = w - lr * v
            memory[f"v/{name}"] = v
        return weights, memory
