"""Training of an estimator: its parameters as the settings of a run, and the engine's loop, epoch by epoch."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
from joblib import effective_n_jobs

from handmade.engine.arguments import described, integer, is_number, refused
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.image_arguments import Prepare
from handmade.engine.training import Diverged, TrainingState, train
from handmade.network import Network
from handmade.runs.fields import SettingError
from handmade.runs.parts import make_gradient, make_optimiser, make_schedule
from handmade.runs.settings import Settings
from handmade.threads import threads

# Parameters of the estimator that are settings of a run, with the names of scikit-learn where it has one.
SETTINGS = {
    "gradient": "gradient",
    "loss": "loss",
    "solver": "optimiser",
    "learning_rate_init": "learning_rate",
    "learning_rate": "schedule",
    "dtype": "dtype",
}
FEWEST, MOST, BATCHES = 4, 32, 32  # images in a batch of size "auto", and the number of such batches in an epoch

Report = Callable[[int, int | None, float, float | None], None]  # epoch, epochs, mean loss, accuracy on the validation set


def settings_of(parameters: dict[str, Any]) -> Settings:
    """Return the settings of a run for the parameters of an estimator.

    Raises
    ------
    HandmadeError
        If a value cannot be used; the message has the name of the parameter.
    """
    names = {setting: parameter for parameter, setting in SETTINGS.items()}
    alpha = parameters["alpha"]
    if not is_number(alpha) or not 0 <= alpha < np.inf:
        raise refused("alpha", "a number of at least 0", described(alpha), "1e-4")
    try:
        settings = Settings(**{setting: parameters[name] for name, setting in SETTINGS.items()}, l2=alpha / 2)
        make_optimiser(settings)
    except SettingError as error:
        raise HandmadeError(f"{names.get(error.name, error.name)}: {error.reason}") from None
    except HandmadeError as error:
        name, _, reason = str(error).partition(": ")
        raise HandmadeError(f"{names.get(name, name)}: {reason}") from None
    return settings


def batch_size_of(batch_size: Any, samples: int) -> int:
    """Return the batch size; "auto" is 32, or less for few samples, so that an epoch has some steps."""
    if batch_size == "auto":
        return min(max(samples // BATCHES, FEWEST), MOST)
    return integer(batch_size, "batch_size", 1)


def thread_count(n_jobs: Any) -> int:
    """Return the number of threads: 1 for None outside a joblib context, as in scikit-learn."""
    if n_jobs is not None:
        number = integer(n_jobs, "n_jobs", -(2**15))
        if number == 0:
            raise refused("n_jobs", "None, -1, or an integer above 0", "0", "n_jobs=None")
    return int(effective_n_jobs(n_jobs))


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of a fit.

    Attributes
    ----------
    images : Array, (N, H, W, C)
        Raw images.
    labels : Array, (N,)
        Class numbers.
    weights : Array, (N,), optional
        Weights, with the mean 1.
    """

    images: Array
    labels: Array
    weights: Array | None = None

    def __getitem__(self, numbers: Array) -> "Samples":
        weights = None if self.weights is None else self.weights[numbers]
        return replace(self, images=self.images[numbers], labels=self.labels[numbers], weights=weights)


@dataclass(frozen=True, eq=False)
class Fit:
    """Result of a training.

    Attributes
    ----------
    network : Network
        Last network, or the best one on the validation set.
    memory : dict of Array or None
        State of the optimiser, if the network is the last one.
    losses, accuracies : list of float
        Mean loss of each epoch, and accuracy on the validation set after it.
    """

    network: Network
    memory: dict[str, Array] | None
    losses: list[float]
    accuracies: list[float]


def run(
    network: Network,
    samples: Samples,
    settings: Settings,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    n_threads: int,
    validation: Samples | None = None,
    patience: int | None = None,
    memory: dict[str, Array] | None = None,
    report: Report | None = None,
) -> Fit:
    """Train a network by the engine's loop.

    Parameters
    ----------
    network : Network
        Network at the start.
    samples, validation : Samples
        Training samples, and those of the validation set, if any.
    settings : Settings
        Gradient, loss, optimiser, learning rate and its schedule.
    epochs, batch_size, seed, patience
        As for `handmade.train`; `patience` in epochs.
    n_threads : int
        Number of threads.
    memory : dict of Array, optional
        State of the optimiser at the start.
    report : callable, optional
        Function that is called after each epoch.

    Raises
    ------
    Diverged
        If a number becomes infinite or NaN.
    """
    losses: list[float] = []
    accuracies: list[float] = []
    sums, images = 0.0, 0
    step = None
    with threads(n_threads) as executor:
        steps = train(
            network,
            samples.images,
            samples.labels,
            gradient=make_gradient(settings, executor),
            optimiser=make_optimiser(settings),
            schedule=make_schedule(settings),
            epochs=epochs,
            weights=samples.weights,
            batch_size=batch_size,
            seed=seed,
            prepare=prepare_for(network),
            validation=None if validation is None else (validation.images, validation.labels),
            patience=patience,
            accuracy_every=2**31 - 1,  # nobody reads it
            start=None if memory is None else TrainingState(0, network, memory),
            executor=executor,
        )
        try:
            for step in steps:
                sums, images = sums + step.loss * step.images, images + step.images
                if images < len(samples.labels) and not step.stopped:
                    continue
                losses.append(sums / images)
                accuracy = None if step.validation is None else step.validation.accuracy
                if accuracy is not None:
                    accuracies.append(accuracy)
                if report is not None:
                    report(len(losses), epochs, losses[-1], accuracy)
                sums, images = 0.0, 0
        except Diverged as error:
            raise Diverged(str(error).replace("learning rate", "learning_rate_init"), error.number, error.network) from None
    assert step is not None
    best = step.state.best
    if best is None or best.network is step.network:
        return Fit(cast(Network, step.network), step.state.memory, losses, accuracies)
    return Fit(cast(Network, best.network), None, losses, accuracies)


def prepare_for(network: Network) -> Prepare:
    """Return the function from raw images to inputs of a network.

    It computes in float64, so that no digit is lost if the mean is much larger than the deviation.
    """
    return partial(_prepared, network.preparation, network.dtype)


def _prepared(preparation: Any, dtype: Any, images: Array) -> Array:
    prepared: Array = preparation(images, np.float64).astype(dtype, copy=False)
    return prepared
