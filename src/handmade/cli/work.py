"""What the settings of a run stand for: data, a network and what is done with its gradient, all of it checked."""

from collections.abc import Generator
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import handmade
from handmade import HandmadeError
from handmade.cli import inputs
from handmade.cli.settings import Settings
from handmade.data import Dataset, Images
from handmade.data.split import held_out
from handmade.engine.gradients.arguments import checked_step
from handmade.engine.optim import Average, Optimiser
from handmade.engine.training import Step
from handmade.engine.training.state import TrainingState
from handmade.files.checkpoints import Checkpoints, fingerprint
from handmade.files.tensorboard import check_installed
from handmade.workers import cores


@dataclass(frozen=True, eq=False)
class Work:
    """What the settings stand for, checked: everything that a training needs but the workers."""

    settings: Settings
    digits: Dataset
    network: handmade.Network
    training: Images
    validation: Images | None
    optimiser: Optimiser
    average: Average | None
    fingerprint: str

    @property
    def total(self) -> int:
        """How many steps there are to do, from the first one on."""
        return self.settings.steps or self.settings.epochs * -(-len(self.training.images) // self.settings.batch_size)

    @property
    def record(self) -> dict[str, Any]:
        """What run.json says of it."""
        return asdict(self.settings) | {"total_steps": self.total, "weights": self.network.size}

    def train(self, state: TrainingState, executor: Executor | None) -> Generator[Step, None, None]:
        """The steps from a state on."""
        settings = self.settings
        return handmade.train(
            self.network,
            self.training.images,
            self.training.labels,
            gradient=settings.make_gradient(executor),
            optimiser=self.optimiser,
            schedule=settings.make_schedule(),
            clip=settings.clip,
            average=self.average,
            epochs=settings.epochs,
            steps=settings.steps,
            batch_size=settings.batch_size,
            seed=settings.seed,
            prepare=settings.make_prepare(),
            augment=settings.make_augmentation(),
            validation=None if self.validation is None else (self.validation.images, self.validation.labels),
            validate_every=settings.validate_every,
            patience=settings.patience,
            target=settings.target,
            start=state,
            executor=executor,
        )

    def checkpoint(self, folder: Path) -> Any:
        """What writes a checkpoint of this work, when it is given the state and the seconds."""
        return partial(Checkpoints(folder, self.settings.keep).write, fingerprint=self.fingerprint, settings=self.record)


def assemble(settings: Settings) -> Work:
    """Read, make and check it all; HandmadeError if something does not fit."""
    if settings.tensorboard:
        check_installed()
    digits = inputs.dataset(settings.data)
    network = inputs.fresh_network(settings.network, np.random.default_rng(settings.seed), settings.dtype)
    if not network.size:
        raise HandmadeError(
            f"{settings.network}: training wants a network with weights; this one has none. Add a Linear or a Conv2d"
        )
    inputs.check_fit(network, digits, settings.data)
    checked_step(settings.step_size, network)
    settings.make_gradient(None)
    optimiser = settings.make_optimiser()
    all_images, all_labels = digits.train.images[: settings.limit], digits.train.labels[: settings.limit]
    training, validation = Images(all_images, all_labels), None
    if settings.validation is not None:
        training, validation = (
            Images(all_images[numbers], all_labels[numbers])
            for numbers in held_out(all_labels, settings.validation, settings.seed)
        )
    settings = replace(settings, learning_rate=optimiser.learning_rate, threads=settings.threads or cores())
    mark = fingerprint(all_images, all_labels)
    return Work(settings, digits, network, training, validation, optimiser, settings.make_average(), mark)
