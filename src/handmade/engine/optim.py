"""How a gradient changes the weights: pure functions of weights, gradient and an explicit state.

A schedule scales the learning rate: it maps how much of the training is done, from 0 up to 1, to a factor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError

Schedule: TypeAlias = Callable[[float], float]


def constant(done: float) -> float:  # noqa: ARG001  a schedule is given how much is done
    """The same learning rate throughout."""
    return 1.0


def linear(done: float) -> float:
    """Down to nothing in a straight line: large steps first, and small ones to settle."""
    return 1.0 - done


SCHEDULES: dict[str, Schedule] = {"constant": constant, "linear": linear}


@dataclass(frozen=True)
class Momentum:
    """Gradient descent with memory: v <- mu v + g,  w <- w - lr v; without memory at mu = 0.

    Polyak (1964), "Some methods of speeding up the convergence of iteration methods", in the form that is common today.

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
        if not 0 < self.learning_rate < np.inf:
            raise HandmadeError(f"the learning rate wants a finite number above 0; got {self.learning_rate}")
        if not 0 <= self.momentum < 1:
            raise HandmadeError(f"the momentum wants a number from 0 up to but not including 1; got {self.momentum}")

    def start(self, parameters: dict[str, Array]) -> dict[str, Array]:
        """The state before the first step: v = 0 for every weight."""
        return {name: np.zeros_like(w) for name, w in parameters.items()}

    def step(
        self, parameters: dict[str, Array], gradients: dict[str, Array], state: dict[str, Array], scale: float = 1.0
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """New weights and the new state, at a learning rate of `scale` times lr; nothing given is changed."""
        lr = scale * self.learning_rate
        v = {name: self.momentum * state[name] + g for name, g in gradients.items()}
        return {name: w - lr * v[name] for name, w in parameters.items()}, v
