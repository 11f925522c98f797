"""Nesterov momentum: v <- mu v + g,  w <- w - lr (g + mu v).

Sutskever, Martens, Dahl & Hinton (2013), "On the importance of initialization and momentum in deep learning", ICML, equations 3
and 4. They take the gradient at theta + mu v, the expected next point. Here w is that point itself. So the gradient is taken at
the weights, and theta is never needed.
"""

from dataclasses import dataclass

from handmade.engine.arrays import Array
from handmade.engine.optim.checks import POSITIVE, SHARE, check
from handmade.engine.optim.optimiser import State, zeros


@dataclass(frozen=True)
class Nesterov:
    """Nesterov's accelerated gradient; gradient descent for mu = 0. PyTorch's `SGD(momentum=mu, nesterov=True)`.

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
            g = gradients[name]
            v = mu * state[f"v/{name}"] + g
            weights[name] = w - lr * (g + mu * v)
            memory[f"v/{name}"] = v
        return weights, memory
