"""Training as a stream of records, one a step: w <- w - lr g, batch after batch. It prints nothing."""

import math
from collections.abc import Generator
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from handmade.engine import backend
from handmade.engine.arrays import Array, check_finite
from handmade.engine.errors import HandmadeError
from handmade.engine.evaluation import Evaluation
from handmade.engine.gradients import difference
from handmade.engine.gradients.arguments import Gradient
from handmade.engine.losses import check_labels
from handmade.engine.network import Network
from handmade.engine.optim import EMA, Momentum, Optimiser, Schedule, clip_by_norm, constant, global_norm
from handmade.engine.optim.checks import POSITIVE, checked
from handmade.engine.printable import Printable
from handmade.engine.randomness import STAGE, generator
from handmade.engine.training.batches import Augment, Batches, Prepare
from handmade.engine.training.state import TrainingState
from handmade.engine.training.stopping import Stopped
from handmade.engine.training.validation import Validation

REMEDY = "try a smaller learning rate"


@dataclass(frozen=True, eq=False)
class Step(Printable):
    """What happened in one step.

    Attributes
    ----------
    number, steps : int
        Which step this was, from 1, and how many there will be.
    x : Array
        The batch, as the network saw it.
    loss : float
        The loss of the batch before the update.
    accuracy : float or None
        The share of the batch that was classified right before the update, on the steps where it was looked at.
    gradients : dict of Array
        The gradient of every weight, as it was before it was clipped.
    norm : float
        How long it was, all weights together.
    learning_rate : float
        What the schedule made of it.
    before : Network
        The network before the update.
    smoothed : Network
        The network after the update, with averaged weights if there is an average: the one to evaluate and to keep.
    validation : Evaluation or None
        What `smoothed` made of the validation images, on the steps where it was asked.
    stopped : {"patience", "target"} or None
        In the last record: why training ends before its time.
    state : TrainingState
        Where training stands after this step; `train` goes on from there.
    """

    number: int
    steps: int
    x: Array
    loss: float
    accuracy: float | None
    gradients: dict[str, Array]
    norm: float
    learning_rate: float
    before: Network
    smoothed: Network
    validation: Evaluation | None
    stopped: Stopped | None
    state: TrainingState

    def _summary(self) -> str:
        return f"{self.number:,} of {self.steps:,}, loss {self.loss:.6g}, {self.images:,} images"

    @property
    def images(self) -> int:
        """How many images were in the batch."""
        return len(self.x)

    @property
    def network(self) -> Network:
        """The network after the update."""
        return self.state.network


class Diverged(HandmadeError):
    """A number became infinite or NaN: training cannot go on.

    Attributes
    ----------
    number : int
        The step.
    network : Network
        The last network whose loss was finite, with averaged weights if there is an average.
    """

    def __init__(self, message: str, number: int, network: Network) -> None:
        super().__init__(message)
        self.number = number
        self.network = network


@dataclass(frozen=True, eq=False)
class Rule:
    """What is done with a gradient, from its length to the average of the weights."""

    optimiser: Optimiser
    schedule: Schedule
    clip_norm: float | None
    ema: EMA | None


def train(
    network: Network,
    images: Array,
    labels: Array,
    *,
    gradient: Gradient = difference,
    optimiser: Optimiser | None = None,
    schedule: Schedule = constant,
    clip_norm: float | None = None,
    ema: EMA | None = None,
    epochs: int = 1,
    steps: int | None = None,
    batch_size: int = 32,
    seed: int = 0,
    prepare: Prepare | None = None,
    augment: Augment | None = None,
    validation: tuple[Array, Array] | None = None,
    validate_every: int | None = None,
    patience: int | None = None,
    target: float | None = None,
    watch: int = 10,
    start: TrainingState | None = None,
    executor: Executor | None = None,
) -> Generator[Step, None, None]:
    """Train on batches drawn without replacement, in a new order each epoch.

    Parameters
    ----------
    network : Network
        Where training begins; it is not changed. Its layers are in training for the gradient, and as they are for all else.
    images : Array, (N, ...)
        Images for the network, or for `augment` and `prepare`.
    labels : Array, (N,)
        Their classes.
    gradient : callable
        (network, x, y) -> (loss, gradients): `gradients.difference`, one of its siblings, or one of your own;
        `optim.Penalised` adds penalties to any of them.
    optimiser : Optimiser, optional
        What is done with the gradient; momentum if left out.
    schedule : callable
        Scales the learning rate as training goes on; see `optim.SCHEDULES`.
    clip_norm : float, optional
        The longest gradient that passes, all weights together; see `optim.clip_by_norm`.
    ema : EMA, optional
        Averages the weights, beside the training. The averaged network is the one that is validated.
    epochs : int
        Passes over all images.
    steps : int, optional
        So many batches instead, however many epochs they take.
    batch_size : int
        Images a step; the last batch of an epoch may be smaller.
    seed : int
        Everything random follows from it and from the number of the step or the epoch: what a step does depends on no step
        before it but through the weights.
    prepare : callable, optional
        Turns a batch of images into what the network wants, such as `handmade.data.prepare`.
    augment : callable, optional
        (images, generator) -> images: changes a batch before it is prepared, into one of the same shape and dtype. It runs in
        a thread of its own, while the step before is worked out.
    validation : (images, labels), optional
        Like the first two, but not learnt from.
    validate_every : int, optional
        Steps between two looks at them; an epoch if left out. There is always one after the last step.
    patience : int, optional
        Stop after so many looks without a better one.
    target : float, optional
        Stop at this accuracy on the validation images.
    watch : int
        Every so many steps, from the first, the record holds the accuracy on the batch; it costs a forward pass.
    start : TrainingState, optional
        Go on from there, as if nothing had come between; with the same arguments, the result has the same bits.
    executor : concurrent.futures.Executor, optional
        Where updates and validation images are shared out. The `gradient` has its own.

    Yields
    ------
    Step

    Raises
    ------
    HandmadeError
        If images, labels, numbers or the state to start from are not usable, before the first step.
    Diverged
        If a loss, a gradient or a weight is no longer finite.
    """
    counts = {"batch_size": batch_size, "epochs": epochs, "steps": steps, "watch": watch, "patience": patience}
    for name, value in (counts | {"validate_every": validate_every}).items():
        if value is not None and value < 1:
            raise HandmadeError(f"{name}: expected a whole number of at least 1; got {value}")
    if seed < 0:
        raise HandmadeError(f"seed: expected a whole number of at least 0; got {seed}")
    check_labels(labels, len(images), network.classes)
    check_finite(images)
    rule = Rule(optimiser or Momentum(), schedule, None if clip_norm is None else checked("clip_norm", clip_norm, POSITIVE), ema)
    batches = Batches(images, labels, batch_size, seed, prepare, augment)
    looks = None
    if validation is not None:
        looks = Validation(*validation, validate_every or batches.an_epoch, patience, target, prepare, executor)
        looks.check(network)
    elif (validate_every, patience, target) != (None, None, None):
        raise HandmadeError("validate_every, patience and target want validation images; got none")
    if start is not None:
        start.check(network, rule.optimiser, ema)
    state = start or TrainingState.start(network, rule.optimiser, ema)
    total = epochs * batches.an_epoch if steps is None else steps
    return _steps(state, gradient, rule, batches, looks, total, watch, executor)


def _steps(
    state: TrainingState,
    gradient: Gradient,
    rule: Rule,
    batches: Batches,
    validation: Validation | None,
    total: int,
    watch: int,
    executor: Executor | None,
) -> Generator[Step, None, None]:
    if validation is not None and validation.stopped(state.best):
        return  # it had stopped where it goes on
    smoothed = last_good = state.smoothed(rule.ema)
    numbers = range(state.steps + 1, total + 1)
    with closing(batches.stream(numbers)) as made:
        for number, (x, y) in zip(numbers, made, strict=True):
            network = state.network
            stage = network.in_training(len(x), generator(batches.seed, STAGE, number))
            with np.errstate(over="ignore", invalid="ignore"):  # an overflow is looked for below
                accuracy = float((network.predict(x) == y).mean()) if (number - 1) % watch == 0 else None
                loss, gradients = gradient(stage, x, y)
            if not np.isfinite(loss):
                raise Diverged(f"the loss is {loss} at step {number}: {_first_overflow(stage, x)}", number, last_good)
            last_good = smoothed
            scale = rule.schedule((number - 1) / total)
            state, norm = _updated(state, rule, gradients, scale, stage.update_statistics(x), last_good, executor)
            smoothed = state.smoothed(rule.ema)
            outcome = stopped = None
            if validation is not None and validation.due(number, total):
                outcome, best = validation.evaluate_after(smoothed, number, state.best)
                state, stopped = replace(state, best=best), validation.stopped(best)
            learning_rate = scale * rule.optimiser.learning_rate
            yield Step(
                *(number, total, x, loss, accuracy, gradients, norm, learning_rate, network, smoothed, outcome, stopped, state)
            )
            if stopped:
                return


def _updated(
    state: TrainingState,
    rule: Rule,
    gradients: dict[str, Array],
    scale: float,
    statistics: dict[str, Array],
    last_good: Network,
    executor: Executor | None,
) -> tuple[TrainingState, float]:
    """The state after one gradient, and how long that was."""
    number = state.steps + 1
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is looked for below
        norm = global_norm(gradients)
        if rule.clip_norm is not None:
            gradients, norm = clip_by_norm(gradients, rule.clip_norm)
        weights = state.network.parameters()
        parameters, memory = backend.current().update(rule.optimiser, weights, gradients, state.memory, scale, executor)
        for name, array in (parameters | statistics).items():
            if not math.isfinite(array.sum()) and not np.isfinite(array).all():  # a sum is found sooner, and may overflow
                raise Diverged(f"{name} is no longer finite after step {number}; {REMEDY}", number, last_good)
    ema = rule.ema.step(state.ema, parameters) if rule.ema and state.ema else None
    return TrainingState(number, state.network.replace(parameters | statistics), memory, ema, state.best), norm


def _first_overflow(network: Network, x: Array) -> str:
    """Say which layer's output overflowed first."""
    with np.errstate(over="ignore", invalid="ignore"):
        tape = network.forward(x)
    for i, activation in enumerate(tape):
        if not np.isfinite(activation).all():
            layer = f"the output of layer {i - 1} ({network.names[i - 1]}) overflowed first"
            return f"{layer if i else 'the images are not finite'}; {REMEDY}"
    return f"every layer's output is finite, the loss itself overflowed; {REMEDY}"
