"""Exponential moving average of the weights: a <- decay a + (1 - decay) w,  mean = a / (1 - decay^t).

Polyak & Juditsky (1992), "Acceleration of stochastic approximation by averaging", SIAM Journal on Control and Optimization 30.
Their average is the plain mean; the exponential decay and the correction for the start at 0 are as in Adam. Training continues
with the weights themselves; the average is used for evaluation.
"""

from dataclasses import dataclass

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.optim.checks import SHARE, check
from handmade.engine.optim.optimiser import State, count, zeros


@dataclass(frozen=True)
class EMA:
    """Exponential moving average of the weights; its state has the form of an optimiser's state.

    Parameters
    ----------
    decay : float
        Decay rate: share of the average that is kept at each step, from 0 up to but not including 1. The average covers about
        1 / (1 - decay) steps.

    Raises
    ------
    HandmadeError
        If it is outside its range.
    """

    decay: float = 0.999

    def __post_init__(self) -> None:
        check(self, decay=SHARE)

    def start(self, parameters: dict[str, Array]) -> State:
        """Return the state before the first step."""
        return count(0) | zeros("a", parameters)

    def step(self, state: State, parameters: dict[str, Array]) -> State:
        """Return the state after one more set of weights; the arguments are not changed."""
        averages = {f"a/{name}": self.decay * state[f"a/{name}"] + (1 - self.decay) * w for name, w in parameters.items()}
        return count(int(state["t"]) + 1) | averages

    def parameters(self, state: State) -> dict[str, Array]:
        """Return the average, with the names of the weights; raise HandmadeError before the first step."""
        t = int(state["t"])
        if t == 0:
            raise HandmadeError("EMA.parameters: expected a state after at least one step; got none. Try ema.step first")
        return {name.removeprefix("a/"): a / (1 - self.decay**t) for name, a in state.items() if name.startswith("a/")}
