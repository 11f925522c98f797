"""Gradient by its definition: one full forward pass for every weight.

    forward   g = (L(w + h) - L(w)) / h
    central   g = (L(w + h) - L(w - h)) / 2h

The result is correct up to rounding. The subtraction magnifies rounding errors: the smaller h, the more digits are lost.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from handmade.engine.arrays import Array
from handmade.engine.gradients.arguments import Scheme, as_batch, as_loss, as_weighted, checked_executor, checked_step
from handmade.engine.losses import CrossEntropy, Loss
from handmade.engine.network import Network
from handmade.engine.parallel import parallel_map

WEIGHTS_PER_TASK = 64

Task: TypeAlias = tuple[str, Array]  # some weights: the name of their array, and their indices in it


def definition(
    network: Network,
    x: ArrayLike,
    y: ArrayLike,
    *,
    h: float = 1e-3,
    scheme: Scheme = "forward",
    loss: Loss | None = None,
    weights: ArrayLike | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[float, dict[str, Array]]:
    """Nudge every weight separately, with a complete forward pass for each.

    Parameters
    ----------
    network : Network
    x : Array, (N, *network.input_shape)
        Prepared images.
    y : Array, (N,)
        Their classes.
    h : float
        Step size of each nudge.
        scheme : {"forward", "central"}
        Difference quotient: one pass for each weight, or two.
    loss : Loss, optional
        Loss of one image, cross-entropy if left out; the gradient is that of its mean over the batch.
    weights : Array, (N,), optional
        Weights of the images: each term of the mean is multiplied by its weight.
    executor : concurrent.futures.Executor, optional
        Executor that processes the weights; the calling thread if left out.
    progress : callable, optional
        Function that is called with the number of finished weights and the total number. If it raises, the computation ends.

    Returns
    -------
    L : float
        Mean loss without a nudge.
    gradients : dict of Array
        One quotient for each weight, named and shaped as in `network.parameters()`.

    Raises
    ------
    HandmadeError
        If images, labels, weights, h or scheme are not usable.
    """
    x, y = as_batch(network, x, y, "handmade.gradients.definition(network, x, y)")
    executor = checked_executor(scheme, executor)
    step, loss = checked_step(h, network), as_weighted(loss, weights, len(x))
    base = mean_loss(network, x, y, loss)
    gradients = {name: np.empty_like(array) for name, array in network.parameters().items()}
    done = 0
    everyone = {name: np.arange(array.size) for name, array in gradients.items()}
    for name, indices, some in _shared_out(partial(_quotients, network, x, y, step, scheme, loss, base), everyone, executor):
        gradients[name].flat[indices] = some
        done += len(indices)
        if progress:
            progress(done, network.size)
    return base, gradients


def quotients(
    network: Network,
    x: Array,
    y: Array,
    chosen: dict[str, Array],
    *,
    h: float = 1e-3,
    scheme: Scheme = "forward",
    loss: Loss | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Array]:
    """Return the quotients of some weights, as `definition` computes them.

    Parameters
    ----------
    chosen : dict of Array
        Chosen weights of each array: their indices in the flat array.
        progress : callable, optional
        Function that is called with the number of finished weights and the total number.

    Returns
    -------
    dict of Array
        One quotient for each index in `chosen`, in float64.
    """
    x, y = as_batch(network, x, y, "handmade.gradients.definition(network, x, y)")
    executor = checked_executor(scheme, executor)
    step, loss = checked_step(h, network), as_loss(loss)
    nudged = partial(_quotients, network, x, y, step, scheme, loss, mean_loss(network, x, y, loss))
    found: dict[str, list[float]] = {name: [] for name in chosen}
    done, total = 0, sum(map(len, chosen.values()))
    for name, weights, some in _shared_out(nudged, chosen, executor):
        found[name] += some
        done += len(weights)
        if progress:
            progress(done, total)
    return {name: np.array(some, np.float64) for name, some in found.items()}


def cost(network: Network, x: Array, y: Array, scheme: Scheme) -> tuple[int, float]:
    """Return the cost of a gradient by definition: the number of forward passes, and the measured seconds of one pass."""
    loss = CrossEntropy()
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        quotient(network, x, y, next(iter(network.parameters())), 0, network.dtype.type(1e-3), "forward", loss, 0.0)
        seconds.append(time.perf_counter() - start)
    return network.size * (2 if scheme == "central" else 1), sorted(seconds)[1]


def quotient(
    network: Network,
    x: Array,
    y: Array,
    name: str,
    index: int,
    h: Any,
    scheme: Scheme,
    loss: Loss,
    base: float,
) -> float:
    """Return the difference quotient of one weight: number `index` of the flat array `name`."""
    array = network.parameters()[name]

    def loss_at(step: Any) -> float:
        nudged = array.copy()
        nudged.flat[index] += step
        return mean_loss(network.replace({name: nudged}), x, y, loss)

    if scheme == "central":
        return (loss_at(h) - loss_at(-h)) / (2 * float(h))
    return (loss_at(h) - base) / float(h)


def _quotients(network: Network, x: Array, y: Array, h: Any, scheme: Scheme, loss: Loss, base: float, task: Task) -> list[float]:
    name, weights = task
    return [quotient(network, x, y, name, int(i), h, scheme, loss, base) for i in weights]


def _shared_out(
    work: Callable[[Task], list[float]], chosen: dict[str, Array], executor: Executor | None
) -> Iterator[tuple[str, Array, list[float]]]:
    """Yield some weights at a time, in their order: name of the array, indices in it, and results of `work`."""
    tasks = [
        (name, weights[first : first + WEIGHTS_PER_TASK])
        for name, weights in chosen.items()
        for first in range(0, len(weights), WEIGHTS_PER_TASK)
    ]
    for (name, weights), some in zip(tasks, parallel_map(executor, work, tasks), strict=True):
        yield name, weights, some


def mean_loss(network: Network, x: Array, y: Array, loss: Loss) -> float:
    """Return the loss of a batch: the mean over its images."""
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the loss, where training looks for it
        return float(loss.forward(network.logits(x), y).mean())
