"""Training as a stream of records, one for each step: w <- w - lr g, batch after batch. It prints nothing."""

import math
from collections.abc import Generator
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from handmade.engine import backend
from handmade.engine.arguments import as_seed, integer, refused
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.evaluation import Evaluation, as_labelled
from handmade.engine.gradients import difference
from handmade.engine.gradients.arguments import Gradient, as_result, check_gradient, weights_for, with_weights
from handmade.engine.image_arguments import Prepare
from handmade.engine.network import Network, check_network
from handmade.engine.optim import EMA, Optimiser, Schedule, clip_by_norm, constant, global_norm
from handmade.engine.parallel import as_executor
from handmade.engine.printable import Printable
from handmade.engine.randomness import STAGE, generator
from handmade.engine.training.batches import Augment, Batches, check_augment
from handmade.engine.training.state import TrainingState, check_state
from handmade.engine.training.stopping import Stopped
from handmade.engine.training.update_rule import UpdateRule
from handmade.engine.training.validation import Validation

REMEDY = "try a smaller learning rate"


@dataclass(frozen=True, eq=False)
class Step(Printable):
    """Record of one step.

    Attributes
    ----------
    number, steps : int
        Number of this step, counted from 1, and total number of steps.
    x : Array
        Images of the batch, as inputs of the network.
    loss : float
        Loss of the batch before the update.
    accuracy : float or None
        Accuracy on the batch before the update; None on steps where it was not computed.
    gradients : dict of Array
        Gradient of every weight, before clipping.
    norm : float
        Norm of the gradient of all weights together, before clipping.
    learning_rate : float
        Learning rate of this step, scaled by the schedule.
    before : Network
        Network before the update.
    smoothed : Network
        Network after the update, with averaged weights if there is an average: the network to evaluate and to save.
    validation : Evaluation or None
        Result of `smoothed` on the validation set; None on steps without validation.
    stopped : {"patience", "target"} or None
        Reason for an early end of the training; only in the last record.
    state : TrainingState
        State after this step; `train` can resume from it.
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
        """Number of images in the batch."""
        return len(self.x)

    @property
    def network(self) -> Network:
        """Network after the update."""
        return self.state.network


class Diverged(HandmadeError):
    """Error: a number became infinite or NaN, so training cannot continue.

    Attributes
    ----------
    number : int
        Number of the step.
    network : Network
        Last network with a finite loss, with averaged weights if there is an average.
    """

    def __init__(self, message: str, number: int, network: Network) -> None:
        super().__init__(message)
        self.number = number
        self.network = network


def train(
    network: Network,
    images: ArrayLike,
    labels: ArrayLike,
    *,
    gradient: Gradient = difference,
    optimiser: Optimiser | None = None,
    schedule: Schedule = constant,
    clip_norm: float | None = None,
    ema: EMA | None = None,
    epochs: int = 1,
    weights: ArrayLike | None = None,
    steps: int | None = None,
    batch_size: int = 32,
    seed: int = 0,
    prepare: Prepare | None = None,
    augment: Augment | None = None,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    validate_every: int | None = None,
    patience: int | None = None,
    target: float | None = None,
    accuracy_every: int = 10,
    start: TrainingState | None = None,
    executor: Executor | None = None,
) -> Generator[Step, None, None]:
    """Train on batches drawn without replacement, in a new order each epoch.

    Parameters
    ----------
    network : Network
        Network at the start; it is not changed. For the gradient its layers are in training mode, else in inference mode.
    images : Array, (N, ...)
        Images for the network, or for `augment` and `prepare`.
    labels : Array, (N,)
        Their classes.
    gradient : callable
        (network, x, y) -> (loss, gradients): `gradients.difference`, another one of `gradients`, or a function of your own;
        `optim.Penalised` adds penalties to any of them.
    optimiser : Optimiser, optional
        Optimiser; momentum if left out.
    schedule : callable
        Learning-rate schedule; see `optim.SCHEDULES`.
    clip_norm : float, optional
        Largest norm of the gradient of all weights together (gradient clipping); see `optim.clip_by_norm`.
    ema : EMA, optional
        Exponential moving average of the weights. It does not change the training; the averaged network is validated.
    epochs : int
        Number of passes over all images.
    weights : Array, (N,), optional
        Weights of the images: each term of the loss is multiplied by its weight. The gradient needs an argument `weights`, too.
    steps : int, optional
        Number of batches; it replaces `epochs`.
    batch_size : int
        Number of images in a batch; the last batch of an epoch may be smaller.
    seed : int
        Seed of all random numbers, together with the number of the step or of the epoch. So a step depends on earlier steps
        only by the state: the weights and the memory of the optimiser.
    prepare : callable, optional
        Function that makes inputs of the network from a batch of images, such as `handmade.data.prepare`.
    augment : callable, optional
        (images, generator) -> images: augmentation of a batch before it is prepared; shape and dtype stay the same. It runs in
        a thread of its own, during the previous step.
    validation : (images, labels), optional
        Validation set, in the form of `images` and `labels`; it is not used for training.
    validate_every : int, optional
        Number of steps between two validations; one epoch if left out. The last step is always followed by one.
    patience : int, optional
        Number of validations without improvement after which training stops (early stopping).
    target : float, optional
        Accuracy on the validation set at which training stops.
    accuracy_every : int
    Number of steps from one record with the accuracy on the batch to the next, beginning with the first step. The accuracy
    costs a forward pass.
    start : TrainingState, optional
        State to resume from. With the same arguments, the result has the same bits as a training without interruption.
    executor : concurrent.futures.Executor, optional
        Executor for updates and validation. The `gradient` has an executor of its own.

    Yields
    ------
    Step

    Raises
    ------
    HandmadeError
        If images, labels, settings or the state are not usable; raised before the first step.
    Diverged
        If a loss, a gradient or a weight is no longer finite.
    """
    call = "handmade.train(network, images, labels)"
    check_network(network, call)
    counts = {"batch_size": batch_size, "epochs": epochs, "steps": steps, "accuracy_every": accuracy_every, "patience": patience}
    for name, value in (counts | {"validate_every": validate_every}).items():
        if value is not None or name in {"batch_size", "epochs", "accuracy_every"}:
            integer(value, name, 1)
    check_gradient(gradient)
    check_augment(augment)
    executor = as_executor(executor)
    rule = UpdateRule.of(optimiser, schedule, clip_norm, ema)
    if start is not None:
        check_state(start)
        start.check(network, rule.optimiser, ema)
    images, labels = as_labelled(network, images, labels, prepare, call)
    shares = weights_for(gradient, weights, len(images))
    batches = Batches(images, labels, batch_size, as_seed(seed), prepare, augment, shares)
    validator = None
    if validation is not None:
        options = {"patience": patience, "target": target, "prepare": prepare, "executor": executor}
        validator = Validation.of(network, validation, validate_every or batches.per_epoch, **options)
    elif (validate_every, patience, target) != (None, None, None):
        raise refused("validation", "images for validate_every, patience and target", "None", "(images[-500:], labels[-500:])")
    state = start or TrainingState.start(network, rule.optimiser, ema)
    total = epochs * batches.per_epoch if steps is None else steps
    return _steps(state, gradient, rule, batches, validator, total, accuracy_every, executor)


def _steps(
    state: TrainingState,
    gradient: Gradient,
    rule: UpdateRule,
    batches: Batches,
    validation: Validation | None,
    total: int,
    accuracy_every: int,
    executor: Executor | None,
) -> Generator[Step, None, None]:
    if validation is not None and validation.stopped(state.best):
        return  # training had already stopped in this state
    smoothed = last_good = state.smoothed(rule.ema)
    numbers = range(state.steps + 1, total + 1)
    with closing(batches.stream(numbers)) as made:
        for number, (x, y, weights) in zip(numbers, made, strict=True):
            network = state.network
            stage = network.in_training(len(x), generator(batches.seed, STAGE, number))
            with np.errstate(over="ignore", invalid="ignore"):  # an overflow is looked for below
                accuracy = float((network.predict(x) == y).mean()) if (number - 1) % accuracy_every == 0 else None
                loss, gradients = as_result(with_weights(gradient, weights)(stage, x, y), "gradient")
            if not np.isfinite(loss):
                raise Diverged(f"the loss is {loss} at step {number}: {_first_overflow(stage, x)}", number, last_good)
            last_good = smoothed
            scale = rule.scale((number - 1) / total)
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
    rule: UpdateRule,
    gradients: dict[str, Array],
    scale: float,
    statistics: dict[str, Array],
    last_good: Network,
    executor: Executor | None,
) -> tuple[TrainingState, float]:
    """Return the state after one gradient, and the norm of the gradient before clipping."""
    number = state.steps + 1
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is looked for below
        norm = global_norm(gradients)
        if rule.clip_norm is not None:
            gradients, norm = clip_by_norm(gradients, rule.clip_norm)
        weights = state.network.parameters()
        parameters, memory = backend.current().update(rule.optimiser, weights, gradients, state.memory, scale, executor)
        for name, array in (parameters | statistics).items():
            if not math.isfinite(array.sum()) and not np.isfinite(array).all():  # a sum is computed faster, but may overflow
                raise Diverged(f"{name} is no longer finite after step {number}; {REMEDY}", number, last_good)
    ema = rule.ema.step(state.ema, parameters) if rule.ema and state.ema else None
    return TrainingState(number, state.network.replace(parameters | statistics), memory, ema, state.best), norm


def _first_overflow(network: Network, x: Array) -> str:
    """Return a message that names the first layer whose output overflowed."""
    with np.errstate(over="ignore", invalid="ignore"):
        tape = network.forward(x)
    for i, activation in enumerate(tape):
        if not np.isfinite(activation).all():
            layer = f"the output of layer {i - 1} ({network.names[i - 1]}) overflowed first"
            return f"{layer if i else 'the images are not finite'}; {REMEDY}"
    return f"every layer's output is finite, the loss itself overflowed; {REMEDY}"
