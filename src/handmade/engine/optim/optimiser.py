"""Optimiser: a frozen value (its hyper-parameters) with two pure functions.

    start   state before the first step
    step    w, state <- w and state after one gradient g, at a learning rate of scale * lr

The state of every optimiser is a flat dict of arrays, so that a file can hold it and training can resume from it. "m/0.W" is m
of the equations for the weights "0.W", in their shape and dtype. "t" is the number of steps, an integer in an array without axes.
A state holds only the quantities of the optimiser's equations: that of gradient descent is empty.
"""

from typing import Protocol, TypeAlias

import numpy as np

from handmade.engine.arrays import Array

State: TypeAlias = dict[str, Array]


class Optimiser(Protocol):
    """Update rule: new weights from the weights and their gradients. Arguments are never changed, and float32 stays float32."""

    @property
    def learning_rate(self) -> float:
        """Learning rate lr, which a schedule scales."""
        ...

    def start(self, parameters: dict[str, Array]) -> State:
        """Return the state before the first step; it depends only on names, shapes and dtypes of the weights."""
        ...

    def step(
        self, parameters: dict[str, Array], gradients: dict[str, Array], state: State, scale: float = 1.0
    ) -> tuple[dict[str, Array], State]:
        """Return the new weights and the new state.

        Parameters
        ----------
        parameters, gradients : dict of Array
            Weights, and the gradient of each under the same name, in the same shape and dtype.
        state : dict of Array
            State that `start` or the previous step returned.
        scale : float
            Factor of the learning rate, from the schedule.
        """
        ...


def zeros(letter: str, parameters: dict[str, Array]) -> State:
    """Return zeros for all weights, under "letter/name"."""
    return {f"{letter}/{name}": np.zeros_like(w) for name, w in parameters.items()}


def count(steps: int) -> State:
    """Return the number of steps, under "t"."""
    return {"t": np.array(steps, np.int64)}
