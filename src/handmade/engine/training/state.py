"""State of a training as a value: everything that is not a setting, so that it can be saved and resumed."""

from dataclasses import dataclass
from typing import Self

from handmade.engine.arguments import described, refused
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.engine.optim import EMA, Optimiser, State
from handmade.engine.printable import ShortRepr
from handmade.engine.training.stopping import Best


@dataclass(frozen=True, eq=False)
class TrainingState(ShortRepr):
    """State of a training after some steps. It holds no random generator: random numbers follow from the seed and the step.

    Attributes
    ----------
    steps : int
        Number of finished steps.
    network : Network
        Network in training.
    memory : dict of Array
        State of the optimiser.
    ema : dict of Array or None
        State of the exponential moving average of the weights; None without an average.
    best : Best or None
        Best validation so far; None before the first validation.
    """

    steps: int
    network: Network
    memory: State
    ema: State | None = None
    best: Best | None = None

    @classmethod
    def start(cls, network: Network, optimiser: Optimiser, ema: EMA | None = None) -> Self:
        """Return the state before the first step."""
        parameters = network.parameters()
        return cls(0, network, optimiser.start(parameters), None if ema is None else ema.start(parameters))

    def smoothed(self, ema: EMA | None) -> Network:
        """Return the network with averaged weights; without an average, or before the first step, the network itself."""
        if ema is None or self.ema is None or self.steps == 0:
            return self.network
        return self.network.replace(ema.parameters(self.ema))

    def check(self, network: Network, optimiser: Optimiser, ema: EMA | None) -> None:
        """Raise HandmadeError unless the state fits a training of this network with this optimiser and average."""
        fresh = TrainingState.start(network, optimiser, ema)
        pairs = [
            ("network", arrays_of(self.network), arrays_of(network)),
            ("memory of the optimiser", self.memory, fresh.memory),
            ("memory of the average", self.ema or {}, fresh.ema or {}),
        ]
        for part, actual, expected in pairs:
            if _types(actual) != _types(expected):
                raise HandmadeError(
                    f"start: expected the {part} of this training, {_summary(expected)}; got {_summary(actual)}. "
                    "Try the settings of the training that the state is from"
                )


def check_state(value: object) -> None:
    """Raise HandmadeError unless a training can start from this."""
    if not isinstance(value, TrainingState):
        raise refused("start", "the state of a step", described(value), "start=step.state")


def arrays_of(network: Network) -> dict[str, Array]:
    """Return all arrays of a network in one flat dict: its weights and its statistics."""
    return network.parameters() | network.statistics()


def _types(arrays: State) -> dict[str, object]:
    return {name: (array.shape, array.dtype) for name, array in arrays.items()}


def _summary(arrays: State) -> str:
    return ", ".join(f"{name} {a.shape} of {a.dtype}" for name, a in list(arrays.items())[:2]) + ", ..." if arrays else "none"
