"""What a difference gradient costs as weights, images and depth grow: three sweeps, and the exponent of each.

The exponent is the slope of log seconds against log size, from the medians of rounds in turn. Each sweep says where
its arithmetic comes from, and whether the last stretch is steeper than that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from handmade.doctor import arithmetic
from handmade.engine.arrays import Array
from handmade.engine.gradients import difference
from handmade.engine.layers import Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU
from handmade.engine.network import Network
from report import Measurement
from timing import Way, in_turn

FILTERS = (2, 4, 8, 16)
IMAGES = (8, 16, 32, 64, 128)
DEPTHS = (1, 2, 3, 4)
TELLING = 0.15  # how much steeper than its arithmetic a stretch may be by chance
SIDE = 14  # of the images in the sweep of depth


@dataclass(frozen=True)
class Sweep:
    """One size that grows.

    Attributes
    ----------
    name : str
        What grows.
    sizes : sequence of int
    operations : sequence of int
        The arithmetic of each, if nothing is left out.
    seconds : sequence of float
        Medians.
    why : str
        Where its arithmetic comes from.
    """

    name: str
    sizes: Sequence[int]
    operations: Sequence[int]
    seconds: Sequence[float]
    why: str

    @property
    def exponent(self) -> float:
        """The fitted slope of the time."""
        return _slope(self.sizes, self.seconds)

    @property
    def sentence(self) -> str:
        """What was found, and the explanation of a bend."""
        expected, stretches, counted = (
            _slope(self.sizes, self.operations),
            self._stretches(self.seconds),
            self._stretches(self.operations),
        )
        told = (
            f"Growing {self.name} from {self.sizes[0]:,} to {self.sizes[-1]:,}: the time grows with exponent {self.exponent:.2f} "
            f"(stretch by stretch {_listed(stretches)}), its arithmetic with {expected:.2f} ({_listed(counted)}). {self.why}"
        )
        if stretches[-1] > 1 and stretches[-1] > counted[-1] + TELLING:
            told += " The last stretch is steeper than its arithmetic: measure again on an idle machine, and look into it."
        return told

    def _stretches(self, costs: Sequence[float]) -> list[float]:
        """The exponent from each size to the next."""
        return [_slope(self.sizes[i : i + 2], costs[i : i + 2]) for i in range(len(self.sizes) - 1)]


def sweeps(x: Array, y: Array, rounds: int, clock: Callable[[], float], *, quick: bool) -> tuple[list[Sweep], list[Measurement]]:
    """All three, on one core, with the digits that are given."""
    last = -1 if quick else None
    found, measurements = [], []
    swept = _widths(x, y, FILTERS[:last]), _batches(x, y, IMAGES[:last]), _depths(x, y, DEPTHS[:last])
    for name, why, cases in swept:
        seconds = in_turn([Way(str(size), partial(difference, *case)) for size, case in cases.items()], rounds, clock=clock)
        operations = [arithmetic.difference(network) * len(images) for network, images, _ in cases.values()]
        found.append(Sweep(name, list(cases), operations, [seconds[str(size)].median for size in cases], why))
        measurements += [
            Measurement(f"growth of {name}", "", f"{size:,} {name}", len(case[1]), "handmade, 1 thread", seconds[str(size)], None)
            for size, case in cases.items()
        ]
    return found, measurements


Case = tuple[Network, Array, Array]


def _widths(x: Array, y: Array, filters: Sequence[int]) -> tuple[str, str, dict[int, Case]]:
    cases = {}
    for count in filters:
        network = _shallow(count)
        cases[network.size] = (network, x[:8], y[:8])
    why = (
        "Most weights are the last layer's, and grow with the width. Those of the second convolution, which cost most, grow with "
        "its square, and so does the way of the first one's nudges through the second; hence more than 1."
    )
    return "weights", why, cases


def _batches(x: Array, y: Array, counts: Sequence[int]) -> tuple[str, str, dict[int, Case]]:
    network = _shallow(8)
    return (
        "images",
        "Every image costs the same; they share nothing.",
        {count: (network, x[:count], y[:count]) for count in counts},
    )


def _depths(x: Array, y: Array, depths: Sequence[int]) -> tuple[str, str, dict[int, Case]]:
    small = np.ascontiguousarray(x[:8, 1 : 1 + 2 * SIDE : 2, 1 : 1 + 2 * SIDE : 2])
    why = (
        "A further layer adds nudges of its own, and those of all layers before it pass through it, so the cost tends to the "
        "square of the depth. It begins steeper: the first layer has a quarter of the others' nudges, the first convolution "
        "that a nudge meets reads one channel of it, and only from the third layer on is one met whole."
    )
    return "convolutions", why, {depth: (_deep(depth), small, y[:8]) for depth in depths}


def _shallow(filters: int) -> Network:
    rng = np.random.default_rng(0)
    conv1, conv2 = Conv2d.init(rng, 1, filters, 3), Conv2d.init(rng, filters, 2 * filters, 3)
    linear = Linear.init(rng, 169 * 2 * filters, 10)
    return Network([conv1, ReLU(), conv2, ReLU(), MaxPool2d(2), Flatten(), linear])


def _deep(depth: int) -> Network:
    rng = np.random.default_rng(0)
    layers: list[Layer] = []
    for i in range(depth):
        layers += [Conv2d.init(rng, 4 if i else 1, 4, 3, padding=1), ReLU()]
    return Network([*layers, MaxPool2d(2), Flatten(), Linear.init(rng, SIDE * SIDE, 10)], (SIDE, SIDE, 1))


def _listed(exponents: Sequence[float]) -> str:
    return ", ".join(f"{each:.2f}" for each in exponents)


def _slope(sizes: Sequence[int], costs: Sequence[float]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])
