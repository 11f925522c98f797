"""Parts of a training, made from its settings: optimiser, schedule, moving average, loss, gradient, augmentation."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from handmade.data import Augmentation
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients import backprop, definition, difference
from handmade.engine.gradients.arguments import Gradient
from handmade.engine.losses import CrossEntropy, Loss, MeanSquaredError
from handmade.engine.network import Network
from handmade.engine.optim import (
    EMA,
    L1,
    L2,
    SCHEDULES,
    Adam,
    AdamW,
    GradientDescent,
    Momentum,
    Nesterov,
    Optimiser,
    Penalised,
    Penalty,
    RMSProp,
    Schedule,
    warm_up,
)
from handmade.engine.optim.checks import SHARE, checked
from handmade.runs.settings import Settings

OPTIMISERS: dict[str, tuple[Any, float]] = {  # class, and default learning rate, chosen for the readme network
    "gradient-descent": (GradientDescent, 0.2),
    "momentum": (Momentum, 0.05),
    "nesterov": (Nesterov, 0.05),
    "rmsprop": (RMSProp, 0.001),
    "adam": (Adam, 0.003),
    "adamw": (AdamW, 0.003),
}
GRADIENTS: dict[str, Callable[..., Any]] = {"difference": difference, "definition": definition, "backprop": backprop}


class OwnParts(Protocol):
    """Layers and loss of a user that stand in for the engine's while gradients are computed, with the same equations."""

    @property
    def folder(self) -> Path:
        """Folder that they come from."""
        ...

    def layers(self, network: Network) -> Network:
        """Return the network with the user's layers."""
        ...

    def loss(self, loss: Loss) -> Loss:
        """Return the user's loss, or the given one."""
        ...


def make_optimiser(settings: Settings) -> Optimiser:
    """Make the optimiser, with its default learning rate if none is set."""
    kind, usual = OPTIMISERS[settings.optimiser]
    rate = usual if settings.learning_rate is None else settings.learning_rate
    own: dict[Any, dict[str, float]] = {
        Momentum: {"momentum": settings.momentum},
        Nesterov: {"momentum": settings.momentum},
        AdamW: {"weight_decay": settings.weight_decay},
    }
    optimiser: Optimiser = kind(rate, **own.get(kind, {}))
    return optimiser


def make_schedule(settings: Settings) -> Schedule:
    """Make the learning-rate schedule, with its warm-up."""
    schedule = SCHEDULES[settings.schedule]
    return warm_up(schedule, checked("warm_up", settings.warm_up, SHARE)) if settings.warm_up else schedule


def make_ema(settings: Settings) -> EMA | None:
    """Make the exponential moving average of the weights; None without a decay."""
    with _named("ema"):
        return None if settings.ema is None else EMA(settings.ema)


def make_loss(settings: Settings) -> Loss:
    """Make the loss of one image."""
    if settings.loss == "cross-entropy":
        return CrossEntropy(checked("label_smoothing", settings.label_smoothing, SHARE))
    if settings.label_smoothing:
        raise HandmadeError(
            f"label_smoothing={settings.label_smoothing:g}: expected loss='cross-entropy' with it, got {settings.loss}. "
            "Try leaving it out"
        )
    return MeanSquaredError()


def make_gradient(
    settings: Settings,
    executor: Executor | None = None,
    progress: Callable[[int, int], object] | None = None,
    own: OwnParts | None = None,
) -> Gradient:
    """Make the gradient function of loss and penalties; the definition calls `progress` within a step."""
    numerical = settings.gradient != "backprop"
    arguments: dict[str, Any] = {"h": settings.step_size, "scheme": settings.scheme} if numerical else {}
    within = {"progress": progress} if settings.gradient == "definition" else {}
    loss = make_loss(settings) if own is None else own.loss(make_loss(settings))
    gradient: Gradient = partial(GRADIENTS[settings.gradient], loss=loss, executor=executor, **arguments, **within)
    if own is not None:
        gradient = partial(_by_own_layers, gradient, own)
    penalties = _penalties(settings)
    return Penalised(gradient, penalties, **arguments) if penalties else gradient


def _by_own_layers(gradient: Gradient, own: OwnParts, network: Network, x: Array, y: Array) -> tuple[float, dict[str, Array]]:
    return gradient(own.layers(network), x, y)


def _penalties(settings: Settings) -> tuple[Penalty, ...]:
    with _named("l1"):
        l1: Penalty = L1(settings.l1)
    with _named("l2"):
        l2: Penalty = L2(settings.l2)
    return (l1,) * bool(settings.l1) + (l2,) * bool(settings.l2)


@contextmanager
def _named(setting: str) -> Iterator[None]:
    """Raise an error of the engine as one about a setting, which has another name there."""
    try:
        yield
    except HandmadeError as error:
        raise HandmadeError(f"{setting}: {str(error).partition(': ')[2]}") from None


def make_augmentation(settings: Settings) -> Augmentation | None:
    """Make the random changes of training images from text such as "shift=2,border=reflect"; None from "none"."""
    if settings.augment == "none":
        return None
    names = [field.name for field in fields(Augmentation) if field.name != "border"]
    amounts: dict[str, Any] = {}
    for part in settings.augment.split(","):
        name, _, amount = (each.strip() for each in part.partition("="))
        if name == "border":
            amounts[name] = amount
            continue
        try:
            amounts[names[names.index(name)]] = float(amount)
        except ValueError:  # unknown name, or not a number
            expected = f"none, or numbers for some of {', '.join(names)}, and border=reflect"
            raise HandmadeError(
                f"augment={settings.augment:.80}: expected {expected}, got {part!r:.80}. Try shift=2,scale=0.1"
            ) from None
    try:
        return Augmentation(**amounts)
    except HandmadeError as error:
        raise HandmadeError(f"augment={settings.augment:.80}: {error}") from None
