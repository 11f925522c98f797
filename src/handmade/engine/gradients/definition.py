"""The gradient by its definition, the seed's own way: one full forward pass for every weight.

    forward   g = (L(w + h) - L(w)) / h
    central   g = (L(w + h) - L(w - h)) / 2h

Right up to rounding, which the subtraction magnifies: losing L to the last digits is the price of a small h.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.gradients.arguments import Scheme, checked
from handmade.engine.losses import CrossEntropy, Loss
from handmade.engine.network import Network
from handmade.engine.parallel import parallel_map

WEIGHTS_A_TASK = 64

Task: TypeAlias = tuple[str, Array]  # some weights: the name of their array, and their numbers in it


def definition(
    network: Network,
    x: Array,
    y: Array,
    *,
    h: float = 1e-3,
    scheme: Scheme = "forward",
    loss: Loss | None = None,
    executor: Executor | None = None,
) -> tuple[float, dict[str, Array]]:
    """Nudge every weight on its own and run the whole network again.

    Parameters
    ----------
    network : Network
    x : Array, (N, *network.input_shape)
        Prepared images.
    y : Array, (N,)
        Their classes.
    h : float
        How far each weight is moved.
    scheme : {"forward", "central"}
        One pass a weight, or two.
    loss : Loss, optional
        The loss of one image, cross-entropy if left out; the gradient is that of its mean over the batch.
    executor : concurrent.futures.Executor, optional
        Where the weights are shared out; this thread if left out.

    Returns
    -------
    L : float
        The loss at the weights as they are.
    gradients : dict of Array
        One quotient a weight, named and shaped as in `network.parameters()`.

    Raises
    ------
    HandmadeError
        If images, labels, h or scheme are not usable.
    """
    step = checked(network, x, y, h, scheme)
    loss = loss or CrossEntropy()
    base = mean_loss(network, x, y, loss)
    gradients = {name: np.empty_like(array) for name, array in network.parameters().items()}
    everyone = {name: np.arange(array.size) for name, array in gradients.items()}
    for name, weights, some in _shared_out(partial(_quotients, network, x, y, step, scheme, loss, base), everyone, executor):
        gradients[name].flat[weights] = some
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
    """The quotients of some weights alone, as `definition` has them.

    Parameters
    ----------
    chosen : dict of Array
        Of each array, which weights: their numbers, counted through it in order.
    progress : callable, optional
        Is told now and then how many weights are done, and how many there are.

    Returns
    -------
    dict of Array
        One quotient for each number in `chosen`, in float64.
    """
    step = checked(network, x, y, h, scheme)
    loss = loss or CrossEntropy()
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
    """What a step by definition costs here: how many forward passes, and the seconds that one takes, measured."""
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
    """The difference quotient of one weight: number `index` of the array `name`, counted through it in order."""
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
    """Some weights at a time, in their order: the array's name, their numbers in it, and what `work` makes of them."""
    tasks = [
        (name, weights[first : first + WEIGHTS_A_TASK])
        for name, weights in chosen.items()
        for first in range(0, len(weights), WEIGHTS_A_TASK)
    ]
    for (name, weights), some in zip(tasks, parallel_map(executor, work, tasks), strict=True):
        yield name, weights, some


def mean_loss(network: Network, x: Array, y: Array, loss: Loss) -> float:
    """The loss of a batch: the mean over its images."""
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the loss, where training looks for it
        return float(loss.forward(network.logits(x), y).mean())
