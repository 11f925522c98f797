"""Job: data, network, optimiser and other objects that the settings describe, read and checked."""

from collections.abc import Callable, Generator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from handmade.data import Dataset, Images, prepare_for
from handmade.data.split import split_validation
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients.arguments import checked_step
from handmade.engine.optim import EMA, Optimiser
from handmade.engine.printable import ShortRepr
from handmade.engine.training import Step, train
from handmade.engine.training.state import TrainingState
from handmade.files.checkpoints import Checkpoints, fingerprint
from handmade.files.tensorboard import check_installed
from handmade.network import Network
from handmade.runs import inputs
from handmade.runs.backends import backend_name, lanes
from handmade.runs.data_source import DataSource
from handmade.runs.fitting import fitted, standardised
from handmade.runs.machines import check_cluster
from handmade.runs.parts import OwnParts, make_augmentation, make_ema, make_gradient, make_optimiser, make_schedule
from handmade.runs.settings import Settings
from handmade.threads import cores

OWN = "mine"  # key of run.json: the folder of the functions that computed the gradients


@dataclass(frozen=True)
class Sources:
    """Functions that give the data set and the network that settings name; the defaults read them from their files.

    Attributes
    ----------
    dataset : callable
        Function of a DataSource.
    network : callable
        Function of the name, a generator, the dtype and the data set.
    """

    dataset: Callable[[DataSource], Dataset] = inputs.dataset
    network: Callable[[str, "np.random.Generator", str, Dataset], Network] = inputs.network_to_train


FROM_FILES = Sources()


@dataclass(frozen=True, eq=False)
class Job(ShortRepr):
    """Objects of a training, without the threads.

    Attributes
    ----------
    settings : Settings
        Settings with the learning rate, the number of threads and the backend that are used.
    data : Dataset
        Training and test images.
    network : Network
        Network with new random weights, or with those of the model that the settings name.
    training, validation : Images
        Training images, and the validation set, if any.
    optimiser : Optimiser
    ema : EMA or None
    fingerprint : str
        Digest of the training images.
    progress : callable or None
        Called with the number of finished weights and their total within a step by the definition; it may raise to end the step.
    own : OwnParts or None
        Layers and loss of a user that compute the gradients. The weights, the model and all accuracies are the engine's.
    """

    settings: Settings
    data: Dataset
    network: Network
    training: Images
    validation: Images | None
    optimiser: Optimiser
    ema: EMA | None
    fingerprint: str
    progress: Callable[[int, int], object] | None = None
    own: OwnParts | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences about the reading of the data."""
        return self.data.remarks

    @property
    def steps_an_epoch(self) -> int:
        """Number of batches in one epoch."""
        return -(-len(self.training.images) // self.settings.batch_size)

    @property
    def total(self) -> int:
        """Number of steps of the complete run."""
        return self.settings.steps or self.settings.epochs * self.steps_an_epoch

    @property
    def record(self) -> dict[str, Any]:
        """Content of run.json before there is a result."""
        known = self.settings.to_json() | {"total_steps": self.total, "weights": self.network.size}
        if self.own is not None:
            known[OWN] = str(self.own.folder)
        vector = lanes(self.settings.backend)
        return known if vector is None else known | {"lanes": vector}

    def train(
        self, state: TrainingState, executor: Executor | None, for_gradients: Executor | None = None
    ) -> Generator[Step, None, None]:
        """Train from a state, and yield each step; the gradients may have an executor of their own."""
        settings = self.settings
        return train(
            self.network,
            self.training.images,
            self.training.labels,
            gradient=make_gradient(settings, for_gradients or executor, self.progress, self.own),
            optimiser=self.optimiser,
            schedule=make_schedule(settings),
            clip_norm=settings.clip_norm,
            ema=self.ema,
            epochs=settings.epochs,
            steps=settings.steps,
            batch_size=settings.batch_size,
            seed=settings.seed,
            prepare=prepare_for(self.network),
            augment=make_augmentation(settings),
            validation=None if self.validation is None else (self.validation.images, self.validation.labels),
            validate_every=settings.validate_every,
            patience=settings.patience,
            target=settings.target,
            start=state,
            executor=executor,
        )

    def checkpoint(self, folder: Path) -> Any:
        """Return a function that writes a checkpoint of this job, given the state and the seconds."""
        return partial(
            Checkpoints(folder, self.settings.keep_checkpoints).write, fingerprint=self.fingerprint, settings=self.record
        )


def checked_parts(settings: Settings, network: Network) -> Optimiser:
    """Return the optimiser; raise HandmadeError if a part of the training cannot be made from the settings."""
    checked_step(settings.step_size, network, "step_size")
    for make in (make_gradient, make_augmentation, make_schedule, make_ema):  # only checked here; the training makes them again
        make(settings)
    return make_optimiser(settings)


def assemble(settings: Settings, own: OwnParts | None = None, sources: Sources = FROM_FILES) -> Job:
    """Read, make and check all objects that the settings describe; `own` computes the gradients, if given.

    Raises
    ------
    HandmadeError
        If a file cannot be read, or two settings do not fit together.
    """
    backend = backend_name(settings.backend)
    check_cluster(settings, own)
    if settings.tensorboard:
        check_installed()
    data = sources.dataset(settings.source)
    network = sources.network(settings.network, np.random.default_rng(settings.seed), settings.dtype, data)
    if not network.size:
        raise HandmadeError(
            f"{settings.network}: expected a network with weights, got one without. Try adding a Linear or a Conv2d"
        )
    data = fitted(network, data, settings.data)
    optimiser = checked_parts(settings, network)
    all_images, all_labels = data.train.images[: settings.limit], data.train.labels[: settings.limit]
    training, validation = Images(all_images, all_labels), None
    if settings.validation is not None:
        training, validation = (
            Images(all_images[numbers], all_labels[numbers])
            for numbers in split_validation(all_labels, settings.validation, settings.seed)
        )
    if settings.standardise:
        network = standardised(network, training, settings.network, trained=inputs.is_model(settings.network))
    used = replace(settings, learning_rate=optimiser.learning_rate, threads=settings.threads or cores(), backend=backend)
    mark = fingerprint(all_images, all_labels)
    return Job(used, data, network, training, validation, optimiser, make_ema(settings), mark, own=own)
