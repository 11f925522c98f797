"""One second of the real work: whether it is right here, and how near to the speed of this machine's BLAS.

Right is what the nested loops say (`engine/loops.py`). Fast is a share: the gradient's arithmetic a second over that of one large
matrix product, measured in turn within the same moments. So the range that is expected holds on any machine.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np

from handmade import networks
from handmade.doctor import arithmetic
from handmade.engine import loops
from handmade.engine.arrays import Array
from handmade.engine.gradients import backprop, difference
from handmade.engine.gradients.arguments import Gradient
from handmade.engine.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU
from handmade.engine.network import Network
from handmade.threads import threads

BATCH, ROUNDS, SIDE = 16, 5, 512  # images, measurements of each speed, and the side of the product's matrices
H = 1e-6  # of the loops' quotients: wrong by about h where the loss is curved, and by eps / h through the subtraction
TOLERANCE = 1e-5  # of the largest number
EXPECTED = {"difference": (0.03, 1.0), "backprop": (0.05, 0.8)}  # share of the BLAS's speed; the smaller, the wider its vectors


@dataclass(frozen=True)
class Verdict:
    """One thing tried against the loops.

    Attributes
    ----------
    name : str
    error : float
        The largest difference from the loops, relative to the largest number.
    """

    name: str
    error: float

    @property
    def right(self) -> bool:
        """Whether the error is one of rounding; not so for NaN."""
        return self.error <= TOLERANCE


@dataclass(frozen=True)
class Speed:
    """How fast one kind of gradient is, on one core.

    Attributes
    ----------
    name : str
    images : float
        Images a second, of the readme network.
    share : float
        Its arithmetic a second, as a share of the BLAS's.
    expected : (float, float)
        Between what this share is usually found.
    """

    name: str
    images: float
    share: float
    expected: tuple[float, float]

    @property
    def usual(self) -> bool:
        """Whether the share is no smaller than it usually is."""
        return self.share >= self.expected[0]


def check() -> tuple[Verdict, ...]:
    """Try a convolution and both gradients against the nested loops, in float64."""
    rng = np.random.default_rng(0)
    network = _tiny(rng)
    x, y = rng.standard_normal((3, 6, 7, 2)), np.array([0, 2, 1])
    wanted = loops.gradient(lambda p: loops.mean_loss(_looped(x, p), y), _copied(network), H)
    p = network.parameters()
    found = [Verdict("convolution", _error(network.layers[0].forward(x), loops.conv2d(x, p["0.W"], p["0.b"])))]
    for name, gradient in (("difference", partial(difference, h=H)), ("backprop", backprop)):
        _, g = gradient(network, x, y)
        found.append(Verdict(f"{name} gradient", max(_error(g[array], wanted[array]) for array in wanted)))
    return tuple(found)


def measure() -> tuple[float, tuple[Speed, ...]]:
    """Measure the BLAS, in operations a second, and what part of them each gradient makes use of, on one core."""
    rng = np.random.default_rng(0)
    network = networks.readme(rng)
    x = (rng.random((BATCH, 30, 30, 1)) * (rng.random((BATCH, 30, 30, 1)) > 0.8)).astype(np.float32)  # paper is mostly blank
    y = rng.integers(0, 10, BATCH)
    a = rng.standard_normal((SIDE, SIDE), np.float32)
    methods: dict[str, tuple[Gradient, int]] = {
        "difference": (difference, arithmetic.difference(network)),
        "backprop": (backprop, arithmetic.backprop(network)),
    }
    times: dict[str, list[float]] = {name: [] for name in ("blas", *methods)}
    with threads(1):
        for _ in range(ROUNDS + 1):  # in turn, so that all of them meet the same moments; the first round warms up
            times["blas"].append(_seconds(lambda: a @ a))
            for name, (gradient, _) in methods.items():
                times[name].append(_seconds(partial(gradient, network, x, y)))
    blas = [2 * SIDE**3 / seconds for seconds in times["blas"][1:]]
    speeds = []
    for name, (_, operations) in methods.items():
        rates = [BATCH / seconds for seconds in times[name][1:]]
        shares = [operations * rate / product for rate, product in zip(rates, blas, strict=True)]
        speeds.append(Speed(name, median(rates), median(shares), EXPECTED[name]))
    return median(blas), tuple(speeds)


def _tiny(rng: "np.random.Generator") -> Network:
    """A network of every kind of layer in the readme network, with biases drawn so that nothing stands on a kink."""
    conv, linear = Conv2d.init(rng, 2, 3, (3, 2), dtype=np.float64), Linear.init(rng, 18, 4, np.float64)
    network = Network([conv, ReLU(), MaxPool2d(2), Flatten(), linear], (6, 7, 2))
    return network.replace({name: rng.standard_normal(network.parameters()[name].shape) for name in ("0.b", "4.b")})


def _looped(x: Array, p: dict[str, Array]) -> Array:
    """The tiny network in nested loops."""
    y = loops.max_pool2d(loops.relu(loops.conv2d(x, p["0.W"], p["0.b"])))
    return loops.linear(loops.flatten(y), p["4.W"], p["4.b"])


def _copied(network: Network) -> dict[str, Array]:
    """Its weights, free to be nudged."""
    return {name: array.copy() for name, array in network.parameters().items()}


def _error(found: Array, wanted: Array) -> float:
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
