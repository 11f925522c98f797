"""`handmade train`: from the settings to a trained model and the record of the run."""

import shlex
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from types import FrameType
from typing import Any

import numpy as np

import handmade
from handmade import HandmadeError
from handmade.cli import inputs
from handmade.cli.console import duration, news, print_json, program
from handmade.cli.evaluation import summary
from handmade.cli.live import Live
from handmade.data import Dataset
from handmade.engine.evaluation import Evaluation, evaluate
from handmade.engine.gradients import backprop, definition, difference
from handmade.engine.gradients.definition import cost
from handmade.engine.gradients.settings import Gradient, Scheme, checked_step
from handmade.engine.losses import CrossEntropy, Loss, MeanSquaredError
from handmade.engine.optim import SCHEDULES, Adam, AdamW, GradientDescent, Momentum, Nesterov, RMSProp
from handmade.engine.training import Diverged, Step
from handmade.files.runs import Run, next_folder
from handmade.workers import cores, workers

OPTIMISERS: dict[str, tuple[Any, float]] = {  # and a learning rate that suits the readme network
    "gradient-descent": (GradientDescent, 0.2),
    "momentum": (Momentum, 0.05),
    "nesterov": (Nesterov, 0.05),
    "rmsprop": (RMSProp, 0.001),
    "adam": (Adam, 0.003),
    "adamw": (AdamW, 0.003),
}
LONG = 600  # seconds: beyond them the definition wants --yes
SAVE_EVERY = 60  # seconds
RECENT = 100  # steps whose mean is the training loss at the end


@dataclass(frozen=True)
class Settings:
    """What a run is started with, as the options of the command say it."""

    network: str
    gradient: str
    scheme: Scheme
    step_size: float
    loss: str
    label_smoothing: float
    epochs: int
    steps: int | None
    batch_size: int
    optimiser: str
    learning_rate: float | None
    momentum: float
    schedule: str
    seed: int
    dtype: str
    threads: int | None
    data: str
    limit: int | None


def run(settings: Settings, out: Path | None, *, force: bool, yes: bool, json: bool) -> None:
    """Train, evaluate, save, and tell about it. Ctrl-C ends the training after the step, not the program."""
    digits = inputs.dataset(settings.data)
    rng = np.random.default_rng(settings.seed)
    network = inputs.fresh_network(settings.network, rng, settings.dtype)
    if not network.size:
        raise HandmadeError(
            f"{settings.network}: training wants a network with weights; this one has none. Add a Linear or a Conv2d"
        )
    inputs.check_fit(network, digits, settings.data)
    checked_step(settings.step_size, network)
    loss = _loss(settings)
    optimiser = _optimiser(settings)
    threads = settings.threads or cores()
    with workers(threads, threads=settings.gradient == "backprop") as executor:
        if settings.gradient == "definition":
            _warn_of_cost(settings, network, digits, threads, yes=yes)
        folder = out or next_folder(Path("runs"), Path(settings.network).stem)
        known = {"threads": threads, "weights": network.size, "learning_rate": optimiser.learning_rate}
        with Run(folder, asdict(settings) | known, force=force) as record:
            _announce(settings, network, digits, threads)
            training = handmade.train(
                network,
                digits.train.images[: settings.limit],
                digits.train.labels[: settings.limit],
                gradient=_gradient(settings, loss, executor),
                optimiser=optimiser,
                schedule=SCHEDULES[settings.schedule],
                epochs=settings.epochs,
                steps=settings.steps,
                batch_size=settings.batch_size,
                rng=rng,
                prepare=_prepare(network),
            )
            result = _follow(training, network, settings, record, digits)
    if json:
        print_json(result)
    if result["status"] == "interrupted":
        raise KeyboardInterrupt


def _announce(settings: Settings, network: handmade.Network, digits: Dataset, threads: int) -> None:
    images = min(settings.limit or len(digits.train.images), len(digits.train.images))
    news.print(
        f"Training {Path(settings.network).stem}, {network.size:,} weights, on {images:,} images of {settings.data} "
        f"with {threads} {'core' if threads == 1 else 'cores'}; Ctrl-C stops and saves.\n"
    )


def _optimiser(settings: Settings) -> Any:
    """The optimiser that is meant, with its own learning rate if none is given."""
    kind, usual = OPTIMISERS[settings.optimiser]
    rate = usual if settings.learning_rate is None else settings.learning_rate
    return kind(rate, settings.momentum) if kind in {Momentum, Nesterov} else kind(rate)


def _loss(settings: Settings) -> Loss:
    if settings.loss == "cross-entropy":
        return CrossEntropy(settings.label_smoothing)
    if settings.label_smoothing:
        raise HandmadeError(f"--label-smoothing goes with --loss cross-entropy; got --loss {settings.loss}")
    return MeanSquaredError()


def _gradient(settings: Settings, loss: Loss, executor: Executor | None) -> Gradient:
    if settings.gradient == "backprop":
        return partial(backprop, loss=loss, executor=executor)
    method = difference if settings.gradient == "difference" else definition
    return partial(method, h=settings.step_size, scheme=settings.scheme, loss=loss, executor=executor)


def _prepare(network: handmade.Network) -> Any:
    return partial(handmade.data.prepare, dtype=network.dtype)


def _warn_of_cost(settings: Settings, network: handmade.Network, digits: Dataset, threads: int, *, yes: bool) -> None:
    """Measure a forward pass and say how long the definition will take; above ten minutes, only with --yes."""
    images = digits.train.images[: settings.limit]
    size = min(settings.batch_size, len(images))
    batch = _prepare(network)(images[:size])
    passes, seconds = cost(network, batch, digits.train.labels[:size], settings.scheme)
    step, epoch = passes * seconds / threads, -(-len(images) // settings.batch_size)
    steps = settings.steps or settings.epochs * epoch
    on = f" on {threads} cores" if threads > 1 else ""
    news.print(f"definition: {passes:,} passes x {1000 * seconds:.1f} ms a step{on}, {duration(step * epoch)} an epoch")
    news.print(f"This run of {steps:,} {'step' if steps == 1 else 'steps'} will take {duration(step * steps)}.")
    if step * steps > LONG and not yes:
        raise HandmadeError(
            f"this run would take {duration(step * steps)}: add --yes to begin it all the same, or take fewer --steps, "
            "or --gradient difference"
        )


def _follow(
    training: Iterator[Step], network: handmade.Network, settings: Settings, record: Run, digits: Dataset
) -> dict[str, Any]:
    """Go through the steps, record and show them; at the end, the result."""
    began, images, losses, status = time.perf_counter(), 0, [], "finished"
    saved = began
    try:
        with _stop_on_interrupt() as stopping, _live(settings) as live:
            for step in training:
                assert isinstance(step.network, handmade.Network)  # training keeps the kind of network it was given
                network = step.network
                now = time.perf_counter()
                images += step.images
                losses.append(step.loss)
                record.log(step=step.number, loss=step.loss, accuracy=step.accuracy, seconds=round(now - began, 3))
                live.show(step)
                if now - saved > SAVE_EVERY:
                    network.save(record.model)
                    saved = now
                if stopping:
                    status = "interrupted"
                    break
    except Diverged as error:
        last_good = error.network
        assert isinstance(last_good, handmade.Network)
        last_good.save(record.model)
        record.result({"status": "diverged", "step": error.number})
        raise HandmadeError(f"{error}; the last good model is in {record.model}") from None
    seconds = time.perf_counter() - began
    network.save(record.model)
    evaluation = evaluate(network, digits.test.images, digits.test.labels, _prepare(network))
    result = _result(evaluation, losses, seconds, network, record) | {"images": images, "status": status}
    record.result(result)
    _tell(result, evaluation, settings)
    return result


def _live(settings: Settings) -> Live:
    return Live(settings.gradient, settings.scheme, settings.step_size, settings.optimiser.replace("-", " "))


@contextmanager
def _stop_on_interrupt() -> Iterator[list[int]]:
    """Note the first Ctrl-C in the list that this gives; the second one is a KeyboardInterrupt as usual."""
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if seen:
            signal.default_int_handler(number, frame)
        seen.append(number)
        news.print("Stopping after this step. Press Ctrl-C again to leave at once, without saving.")

    before = signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def _result(
    evaluation: Evaluation, losses: list[float], seconds: float, network: handmade.Network, record: Run
) -> dict[str, Any]:
    return {
        "test_accuracy": evaluation.accuracy,
        "test_loss": evaluation.loss,
        "train_loss": fmean(losses[-RECENT:]),
        "seconds": round(seconds, 3),
        "steps": len(losses),
        "weights": network.size,
        "model": str(record.model),
        "run": str(record.folder),
        "confused_most": [{"true": true, "taken_for": taken, "times": times} for true, taken, times in evaluation.mistakes(5)],
    }


def _tell(result: dict[str, Any], evaluation: Evaluation, settings: Settings) -> None:
    """The end of the story, for people."""
    stopped = "stopped by Ctrl-C after" if result["status"] == "interrupted" else "in"
    speed = result["images"] / result["seconds"]
    quotients = f"{settings.gradient} ({settings.scheme}, h = {settings.step_size:g})"
    way = "backpropagation" if settings.gradient == "backprop" else quotients
    news.print(
        f"\nTrained {result['weights']:,} weights by {way}, "
        f"{stopped} {result['steps']:,} {'step' if result['steps'] == 1 else 'steps'}: {duration(result['seconds'])}, "
        f"{speed:,.0f} images/s."
    )
    news.print(summary(evaluation))
    news.print(f"Model:  {result['model']}")
    news.print(f"Record: {result['run']}/run.json and log.jsonl")
    data = "" if settings.data == "mnist" else f" --data {shlex.quote(settings.data)}"
    news.print(f"Next:   {program()} evaluate {shlex.quote(result['run'])}{data}")
