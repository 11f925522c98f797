"""What an optimiser is: a frozen value (its hyper-parameters) and two pure functions.

    start   state = what it remembers before the first step
    step    w, state <- w and state after one gradient g, at a learning rate of scale * lr

The state of every optimiser has one form, so that a file can hold it and training can go on from there: a flat dict of arrays.
"m/0.W" is what the equations call m, for the weights "0.W", in their shape and dtype; "t" is how many steps were taken, a whole
number in an array without axes. What an optimiser's equations do not mention is not there: gradient descent's state is empty.
"""

from typing import Protocol, TypeAlias

import numpy as np

from handmade.engine.arrays import Array

State: TypeAlias = dict[str, Array]


class Optimiser(Protocol):
    """What is done with a gradient. Nothing given is ever changed, and float32 stays float32."""

    @property
    def learning_rate(self) -> float:
        """lr, which a schedule scales."""
        ...

    def start(self, parameters: dict[str, Array]) -> State:
        """The state before the first step; only names, shapes and dtypes of the weights matter."""
        ...

    def step(
        self, parameters: dict[str, Array], gradients: dict[str, Array], state: State, scale: float = 1.0
    ) -> tuple[dict[str, Array], State]:
        """New weights and the new state.

        Parameters
        ----------
        parameters, gradients : dict of Array
            The weights, and the gradient of each under the same name, in the same shape and dtype.
        state : dict of Array
            What `start` or the step before returned.
        scale : float
            The schedule's factor of the learning rate.
        """
        ...


def zeros(letter: str, parameters: dict[str, Array]) -> State:
    """A zero for every weight, under "letter/name"."""
    return {f"{letter}/{name}": np.zeros_like(w) for name, w in parameters.items()}


def count(steps: int) -> State:
    """The number of steps, under "t"."""
    return {"t": np.array(steps, np.int64)}
