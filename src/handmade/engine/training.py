"""Training as a stream of records, one a step: w <- w - lr g, batch after batch. It prints nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients import difference
from handmade.engine.gradients.settings import Gradient
from handmade.engine.losses import check_labels
from handmade.engine.network import Network
from handmade.engine.optim import Momentum, Optimiser, Schedule, constant


@dataclass(frozen=True, eq=False)
class Step:
    """What happened in one step.

    Attributes
    ----------
    number, steps : int
        Which step this was, from 1, and how many there will be.
    images : int
        How many images were in the batch.
    loss : float
        The loss of the batch before the update.
    accuracy : float or None
        The share of the batch that was classified right before the update, on the steps where it was looked at.
    gradients : dict of Array
        The gradient of every weight.
    before, network : Network
        The network before the update and after it.
    """

    number: int
    steps: int
    images: int
    loss: float
    accuracy: float | None
    gradients: dict[str, Array]
    before: Network
    network: Network


class Diverged(HandmadeError):
    """A number became infinite or NaN: training cannot go on.

    Attributes
    ----------
    number : int
        The step.
    network : Network
        The last network whose loss was finite.
    """

    def __init__(self, message: str, number: int, network: Network) -> None:
        super().__init__(message)
        self.number = number
        self.network = network


def train(
    network: Network,
    images: Array,
    labels: Array,
    *,
    gradient: Gradient = difference,
    optimiser: Optimiser | None = None,
    schedule: Schedule = constant,
    epochs: int = 1,
    steps: int | None = None,
    batch_size: int = 32,
    rng: np.random.Generator | None = None,
    prepare: Callable[[Array], Array] | None = None,
    watch: int = 10,
) -> Iterator[Step]:
    """Train on batches drawn without replacement, in a new order each epoch.

    Parameters
    ----------
    network : Network
        Where training begins; it is not changed.
    images : Array, (N, ...)
        Images for the network, or for `prepare`.
    labels : Array, (N,)
        Their classes.
    gradient : callable
        (network, x, y) -> (loss, gradients): `gradients.difference`, `gradients.definition` or one of your own.
    optimiser : Optimiser, optional
        What is done with the gradient; momentum if left out.
    schedule : callable
        Scales the learning rate as training goes on; see `optim.SCHEDULES`.
    epochs : int
        Passes over all images.
    steps : int, optional
        So many batches instead, however many epochs they take.
    batch_size : int
        Images a step; the last batch of an epoch may be smaller.
    rng : np.random.Generator, optional
        Draws the order; seeded with 0 if left out.
    prepare : callable, optional
        Turns a batch of images into what the network wants, such as `handmade.data.prepare`.
    watch : int
        Every so many steps, from the first, the record holds the accuracy; it costs a forward pass.

    Yields
    ------
    Step

    Raises
    ------
    HandmadeError
        If labels or numbers are not usable, before the first step.
    Diverged
        If a loss, a gradient or a weight is no longer finite.
    """
    optimiser = optimiser or Momentum()
    rng = rng or np.random.default_rng(0)
    for name, value in {
        "batch_size": batch_size,
        "epochs": epochs,
        "steps": 1 if steps is None else steps,
        "watch": watch,
    }.items():
        if value < 1:
            raise HandmadeError(f"{name} wants a whole number of at least 1; got {value}")
    check_labels(labels, len(images), network.classes)
    batches = -(-len(images) // batch_size)
    total = epochs * batches if steps is None else steps
    return _steps(network, images, labels, gradient, optimiser, schedule, total, batch_size, rng, prepare, watch)


def _steps(
    network: Network,
    images: Array,
    labels: Array,
    gradient: Gradient,
    optimiser: Optimiser,
    schedule: Schedule,
    total: int,
    batch_size: int,
    rng: np.random.Generator,
    prepare: Callable[[Array], Array] | None,
    watch: int,
) -> Iterator[Step]:
    state = optimiser.start(network.parameters())
    last_good = network
    for number, chosen in zip(range(1, total + 1), _batches(len(images), batch_size, rng), strict=False):
        x, y = images[chosen], labels[chosen]
        x = x if prepare is None else prepare(x)
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow is looked for below
            accuracy = float((network.predict(x) == y).mean()) if (number - 1) % watch == 0 else None
            loss, gradients = gradient(network, x, y)
        if not np.isfinite(loss):
            raise Diverged(f"the loss is {loss} at step {number}: {_first_overflow(network, x)}", number, last_good)
        last_good = network
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow is looked for below
            parameters, state = optimiser.step(network.parameters(), gradients, state, schedule((number - 1) / total))
        for name, w in parameters.items():
            if not np.isfinite(w).all():
                raise Diverged(f"{name} is no longer finite after step {number}; {REMEDY}", number, last_good)
        before, network = network, network.replace(parameters)
        yield Step(number, total, len(x), loss, accuracy, gradients, before, network)


REMEDY = "try a smaller learning rate"


def _batches(images: int, size: int, rng: np.random.Generator) -> Iterator[Array]:
    """Numbers of images, batch by batch, for ever."""
    while True:
        order = rng.permutation(images)
        for first in range(0, images, size):
            yield order[first : first + size]


def _first_overflow(network: Network, x: Array) -> str:
    """Say which layer's output overflowed first."""
    with np.errstate(over="ignore", invalid="ignore"):
        tape = network.forward(x)
    for i, activation in enumerate(tape):
        if not np.isfinite(activation).all():
            where = (
                "the images are not finite"
                if i == 0
                else f"the output of layer {i - 1} ({network.names[i - 1]}) overflowed first"
            )
            return f"{where}; {REMEDY}"
    return f"every layer's output is finite, the loss itself overflowed; {REMEDY}"
