"""The settings of a run, one for each option of `handmade train`, and what they mean."""

from concurrent.futures import Executor
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import handmade
from handmade import HandmadeError
from handmade.data import Augmentation
from handmade.engine.gradients import backprop, definition, difference
from handmade.engine.gradients.arguments import Gradient, Scheme
from handmade.engine.losses import CrossEntropy, Loss, MeanSquaredError
from handmade.engine.optim import (
    L1,
    L2,
    SCHEDULES,
    Adam,
    AdamW,
    Average,
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

OPTIMISERS: dict[str, tuple[Any, float]] = {  # and a learning rate that suits the readme network
    "gradient-descent": (GradientDescent, 0.2),
    "momentum": (Momentum, 0.05),
    "nesterov": (Nesterov, 0.05),
    "rmsprop": (RMSProp, 0.001),
    "adam": (Adam, 0.003),
    "adamw": (AdamW, 0.003),
}


@dataclass(frozen=True)
class Settings:
    """What a run is started with, under the names of the options."""

    recipe: str | None
    network: str
    gradient: str
    scheme: Scheme
    step_size: float
    loss: str
    label_smoothing: float
    l1: float
    l2: float
    epochs: int
    steps: int | None
    batch_size: int
    augment: str
    optimiser: str
    learning_rate: float | None
    momentum: float
    weight_decay: float
    clip: float | None
    average: float | None
    schedule: str
    warm_up: float
    validation: int | None
    validate_every: int | None
    patience: int | None
    target: float | None
    time_limit: float | None
    seed: int
    dtype: str
    threads: int | None
    data: str
    limit: int | None
    checkpoint_every: float
    keep: int
    tensorboard: bool

    def make_optimiser(self) -> Optimiser:
        """The optimiser that is meant, with its own learning rate if none is given."""
        kind, usual = OPTIMISERS[self.optimiser]
        rate = usual if self.learning_rate is None else self.learning_rate
        own = {Momentum: [self.momentum], Nesterov: [self.momentum], AdamW: []}.get(kind, [])
        optimiser: Optimiser = kind(rate, *own, **({"weight_decay": self.weight_decay} if kind is AdamW else {}))
        return optimiser

    def make_schedule(self) -> Schedule:
        """The schedule, after its warm-up."""
        schedule = SCHEDULES[self.schedule]
        return warm_up(schedule, self.warm_up) if self.warm_up else schedule

    def make_average(self) -> Average | None:
        """The average of the weights, if there is to be one."""
        return None if self.average is None else Average(self.average)

    def make_loss(self) -> Loss:
        """The loss of one image."""
        if self.loss == "cross-entropy":
            return CrossEntropy(self.label_smoothing)
        if self.label_smoothing:
            raise HandmadeError(f"--label-smoothing goes with --loss cross-entropy; got --loss {self.loss}")
        return MeanSquaredError()

    def make_gradient(self, executor: Executor | None) -> Gradient:
        """The gradient of loss and penalties."""
        numerical = self.gradient != "backprop"
        way: dict[str, Any] = {"h": self.step_size, "scheme": self.scheme} if numerical else {}
        method = {"difference": difference, "definition": definition, "backprop": backprop}[self.gradient]
        gradient: Gradient = partial(method, loss=self.make_loss(), executor=executor, **way)
        penalties = self.make_penalties()
        return Penalised(gradient, penalties, **way) if penalties else gradient

    def make_penalties(self) -> tuple[Penalty, ...]:
        """What large weights cost."""
        both: tuple[Penalty, ...] = (L1(self.l1), L2(self.l2))
        return tuple(penalty for penalty, strength in zip(both, (self.l1, self.l2), strict=True) if strength)

    def make_augmentation(self) -> Augmentation | None:
        """How training images are changed: "shift=2,rotation=10", or "none"."""
        if self.augment == "none":
            return None
        names = [field.name for field in fields(Augmentation)]
        amounts = {}
        for part in self.augment.split(","):
            name, _, amount = part.partition("=")
            try:
                amounts[names[names.index(name.strip())]] = float(amount)
            except ValueError:  # of either
                raise HandmadeError(
                    f"--augment wants none, or numbers for some of {', '.join(names)}, as in shift=2,scale=0.1; got {part!r:.80}"
                ) from None
        return Augmentation(**amounts)

    def make_prepare(self) -> Any:
        """What turns images into what the network wants."""
        return partial(handmade.data.prepare, dtype=self.dtype)
