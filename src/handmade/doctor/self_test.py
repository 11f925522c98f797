"""Self-test of about one second: correctness, and speed relative to this machine's BLAS.

Results are compared with the nested loops (`engine/loops.py`). Speed is a ratio: operations per second of a gradient, divided by
those of one large matrix product. Both are measured alternately, so the expected range holds on any machine.
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
H = 1e-6  # step size of the loops' quotients: errors of about h from curvature, and of eps / h from the subtraction
TOLERANCE = 1e-5  # relative to the largest number
EXPECTED = {
    "difference": (0.03, 1.0),
    "backprop": (0.05, 0.8),
}  # usual range of the ratio to the BLAS's speed; the wider its vectors, the smaller the ratio


@dataclass(frozen=True)
class Verdict:
    """Result of one comparison with the loops.

    Attributes
    ----------
    name : str
        Name of the test.
    error : float
        Largest difference from the loops, relative to the largest number.
    """

    name: str
    error: float

    @property
    def right(self) -> bool:
        """True if the error is only rounding; False for NaN."""
        return self.error <= TOLERANCE


@dataclass(frozen=True)
class Speed:
    """Speed of one kind of gradient on one core.

    Attributes
    ----------
    name : str
        Kind of gradient.
    images : float
        Images per second of the readme network.
    share : float
        Operations per second, as a share of those of the BLAS.
    expected : (float, float)
        Usual range of this share.
    """

    name: str
    images: float
    share: float
    expected: tuple[float, float]

    @property
    def usual(self) -> bool:
        """True if the share is not below its usual range."""
        return self.share >= self.expected[0]


def check() -> tuple[Verdict, ...]:
    """Compare a convolution and both gradients with the nested loops, in float64."""
    rng = np.random.default_rng(0)
    network = _tiny(rng)
    x, y = rng.standard_normal((3, 6, 7, 2)), np.array([0, 2, 1])
    expected = loops.gradient(lambda p: loops.mean_loss(_looped(x, p), y), _copied(network), H)
    p = network.parameters()
    found = [Verdict("convolution", _error(network.layers[0].forward(x), loops.conv2d(x, p["0.W"], p["0.b"])))]
    for name, gradient in (("difference", partial(difference, h=H)), ("backprop", backprop)):
        _, g = gradient(network, x, y)
        found.append(Verdict(f"{name} gradient", max(_error(g[array], expected[array]) for array in expected)))
    return tuple(found)


def measure() -> tuple[float, tuple[Speed, ...]]:
    """Measure the operations per second of the BLAS, and the speed of each gradient relative to it, on one core."""
    rng = np.random.default_rng(0)
    network = networks.readme(rng)
    x = (rng.random((BATCH, 30, 30, 1)) * (rng.random((BATCH, 30, 30, 1)) > 0.8)).astype(np.float32)  # most pixels are background
    y = rng.integers(0, 10, BATCH)
    a = rng.standard_normal((SIDE, SIDE), np.float32)
    methods: dict[str, tuple[Gradient, int]] = {
        "difference": (difference, arithmetic.difference(network)),
        "backprop": (backprop, arithmetic.backprop(network)),
    }
    times: dict[str, list[float]] = {name: [] for name in ("blas", *methods)}
    with threads(1):
        for _ in range(ROUNDS + 1):  # alternately, so that all have the same conditions; the first round is a warm-up
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
    """Return a network with all kinds of layers of the readme network, with random biases so that no unit lies on a kink."""
    conv, linear = Conv2d.init(rng, 2, 3, (3, 2), dtype=np.float64), Linear.init(rng, 18, 4, np.float64)
    network = Network([conv, ReLU(), MaxPool2d(2), Flatten(), linear], (6, 7, 2))
    return network.replace({name: rng.standard_normal(network.parameters()[name].shape) for name in ("0.b", "4.b")})


def _looped(x: Array, p: dict[str, Array]) -> Array:
    """Return the logits of the tiny network, computed by nested loops."""
    y = loops.max_pool2d(loops.relu(loops.conv2d(x, p["0.W"], p["0.b"])))
    return loops.linear(loops.flatten(y), p["4.W"], p["4.b"])


def _copied(network: Network) -> dict[str, Array]:
    """Return copies of the weights, which may be changed."""
    return {name: array.copy() for name, array in network.parameters().items()}


def _error(found: Array, expected: Array) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
