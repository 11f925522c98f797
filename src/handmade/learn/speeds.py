"""The student's loops beside the compiled ones: the same forward pass, in images a second."""

import time
from typing import cast

import numpy as np

from handmade.data import mnist, prepare
from handmade.engine import backend
from handmade.engine.arrays import Array
from handmade.engine.layers import Conv2d, Linear, MaxPool2d
from handmade.engine.network import Network
from handmade.learn.first_digit import Calls, calls_of, convolution_step, result_of, run
from handmade.learn.own_parts import CONVOLUTIONS
from handmade.learn.small import trained
from handmade.learn.state import Facts
from handmade.learn.workbook import Workbook

TIMED_IMAGES, ENGINE_IMAGES = 4, 512
ROUNDS = 3  # of the engine; the fastest counts
FORWARD = ("relu", "max_pool", "linear")  # beside a convolution: steps whose functions are the whole forward pass
TIMING = """
def handmade_seconds(name, *arguments):
    import time
    begin = time.perf_counter()
    globals()[name](*arguments)
    return time.perf_counter() - begin
"""


def speed(workbook: Workbook) -> Facts | None:
    """Measure the forward pass by the student's functions and by the engine; None if a function is missing."""
    network = trained(workbook.folder.path)
    loops = convolution_step(workbook, network, CONVOLUTIONS[1:])
    if loops is None or not all(workbook.state.steps[name].passed for name in FORWARD):
        return None
    x = prepare(mnist().test.images[:TIMED_IMAGES]).astype(float)
    others = _other_seconds(workbook, network, x)
    facts: Facts = {"weights": f"{network.size:,}", "loops": _speed(_conv_seconds(workbook, loops, network, x) + others)}
    if workbook.state.steps["im2col"].passed:
        facts["matrix"] = _speed(_conv_seconds(workbook, "im2col", network, x) + others)
    for name in ("plain", "compiled"):
        reason = backend.unusable(name)
        if reason is None:
            facts[name] = _engine_speed(network, name)
        else:
            facts["missing"] = reason
    return facts


def _speed(seconds: float) -> float:
    return round(TIMED_IMAGES / seconds, 2)


def _conv_seconds(workbook: Workbook, step: str, network: Network, x: Array) -> float:
    first = cast("Conv2d", network.layers[0])
    return _seconds(workbook, step, calls_of(step, first, x))


def _other_seconds(workbook: Workbook, network: Network, x: Array) -> float:
    """Return the time of the layers after the convolution, on the numbers that they get in the network."""
    values = network.forward(x)
    pool, linear = cast("MaxPool2d", network.layers[2]), cast("Linear", network.layers[4])
    W, b = linear.W.astype(float), linear.b.astype(float)
    return (
        _seconds(workbook, "relu", (("relu", (values[1],)),))
        + _seconds(workbook, "max_pool", (("max_pool2d", (values[2], pool.window, pool.stride)),))
        + _seconds(workbook, "linear", (("flatten", (values[3],)), ("linear", (values[4], W, b))))
    )


def _seconds(workbook: Workbook, step: str, calls: Calls) -> float:
    """Return the time of some calls; of two rounds, the shorter time of each counts."""
    outcome = run(workbook, step, tuple(("handmade_seconds", (name, *arguments)) for name, arguments in calls), TIMING)
    total = 0.0
    for number in range(len(calls)):
        once, again = float(result_of(workbook, step, outcome, number)), outcome.results.get((1, number))
        second = again.value if again is not None and isinstance(again.value, np.ndarray) else once
        total += min(once, float(second))
    return max(total, 1e-9)


def _engine_speed(network: Network, name: str) -> float:
    """Return images a second of the engine, for many images."""
    x = prepare(mnist().test.images[:ENGINE_IMAGES])
    with backend.use_backend(name):
        network.logits(x)  # compiled or loaded before the clock starts
        fastest = float("inf")
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            network.logits(x)
            fastest = min(fastest, time.perf_counter() - begin)
    return round(len(x) / fastest, 1)
