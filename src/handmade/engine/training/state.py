"""Where a training stands, as a value: everything that is not a setting, so that it can be kept and gone on from."""

from dataclasses import dataclass
from typing import Self

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.engine.optim import EMA, Optimiser, State
from handmade.engine.printable import ShortRepr
from handmade.engine.training.stopping import Best


@dataclass(frozen=True, eq=False)
class TrainingState(ShortRepr):
    """A place in a training. There is no generator in it: randomness follows from the seed and the number of the step.

    Attributes
    ----------
    steps : int
        How many steps are done.
    network : Network
        The network that is being trained.
    memory : dict of Array
        What the optimiser remembers.
    ema : dict of Array or None
        What the average of the weights remembers, if there is one.
    best : Best or None
        The best validation, if there was one.
    """

    steps: int
    network: Network
    memory: State
    ema: State | None = None
    best: Best | None = None

    @classmethod
    def start(cls, network: Network, optimiser: Optimiser, ema: EMA | None = None) -> Self:
        """Where every training begins."""
        parameters = network.parameters()
        return cls(0, network, optimiser.start(parameters), None if ema is None else ema.start(parameters))

    def smoothed(self, ema: EMA | None) -> Network:
        """The network with averaged weights; without an average, or before the first step, the network itself."""
        if ema is None or self.ema is None or self.steps == 0:
            return self.network
        return self.network.replace(ema.parameters(self.ema))

    def check(self, network: Network, optimiser: Optimiser, ema: EMA | None) -> None:
        """Raise HandmadeError unless a training of this network, with this optimiser and average, could stand here."""
        wanted = TrainingState.start(network, optimiser, ema)
        pairs = [
            ("network", arrays_of(self.network), arrays_of(network)),
            ("memory of the optimiser", self.memory, wanted.memory),
            ("memory of the average", self.ema or {}, wanted.ema or {}),
        ]
        for what, came, want in pairs:
            if {name: (a.shape, a.dtype) for name, a in came.items()} != {name: (a.shape, a.dtype) for name, a in want.items()}:
                raise HandmadeError(
                    f"the state to start from: expected the {what} of this training, {_listed(want)}; got {_listed(came)}"
                )


def arrays_of(network: Network) -> dict[str, Array]:
    """All arrays that make a network what it is, flat: its weights and its statistics."""
    return network.parameters() | network.statistics()


def _listed(arrays: State) -> str:
    return ", ".join(f"{name} {a.shape} of {a.dtype}" for name, a in list(arrays.items())[:2]) + ", ..." if arrays else "none"
