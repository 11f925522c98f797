"""Gradient descent: w <- w - lr g.

Cauchy (1847), "Méthode générale pour la résolution des systèmes d'équations simultanées". On batches it is stochastic gradient
descent, the stochastic approximation of Robbins & Monro (1951).
"""

from dataclasses import dataclass

from handmade.engine.arrays import Array
from handmade.engine.optim.checks import POSITIVE, check
from handmade.engine.optim.optimiser import State


@dataclass(frozen=True)
class GradientDescent:
    """Gradient descent without momentum; PyTorch's `SGD`.

    Parameters
    ----------
    learning_rate : float
        lr, above 0.

    Raises
    ------
    HandmadeError
        If it is outside its range.
    """

    learning_rate: float = 0.02

    def __post_init__(self) -> None:
        check(self, learning_rate=POSITIVE)

    def start(self, parameters: dict[str, Array]) -> State:
        return {}

    def step(
        self, parameters: dict[str, Array], gradients: dict[str, Array], state: State, scale: float = 1.0
    ) -> tuple[dict[str, Array], State]:
        lr = float(scale * self.learning_rate)
        return {name: w - lr * gradients[name] for name, w in parameters.items()}, {}
