"""The weights averaged over the steps, the latest counting most: a <- decay a + (1 - decay) w,  mean = a / (1 - decay^t).

Polyak & Juditsky (1992), "Acceleration of stochastic approximation by averaging", SIAM Journal on Control and Optimization 30.
They take the plain mean; to forget exponentially, and to correct for the start at 0, is as in Adam. Training goes on from the
weights themselves; the average beside them is for evaluating.
"""

from dataclasses import dataclass

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.optim.checks import SHARE, check
from handmade.engine.optim.optimiser import State, count, zeros


@dataclass(frozen=True)
class EMA:
    """The exponential moving average of the weights; its state has the form of an optimiser's.

    Parameters
    ----------
    decay : float
        How much of the average is kept at a step, from 0 up to but not including 1: it looks back about 1 / (1 - decay) steps.

    Raises
    ------
    HandmadeError
        If it is outside its range.
    """

    decay: float = 0.999

    def __post_init__(self) -> None:
        check(self, decay=SHARE)

    def start(self, parameters: dict[str, Array]) -> State:
        """The state before the first step."""
        return count(0) | zeros("a", parameters)

    def step(self, state: State, parameters: dict[str, Array]) -> State:
        """The state with one more set of weights in it; nothing given is changed."""
        averages = {f"a/{name}": self.decay * state[f"a/{name}"] + (1 - self.decay) * w for name, w in parameters.items()}
        return count(int(state["t"]) + 1) | averages

    def parameters(self, state: State) -> dict[str, Array]:
        """The average, named as the weights are; raises HandmadeError before the first step."""
        t = int(state["t"])
        if t == 0:
            raise HandmadeError("an average wants at least one step; got none")
        return {name.removeprefix("a/"): a / (1 - self.decay**t) for name, a in state.items() if name.startswith("a/")}
