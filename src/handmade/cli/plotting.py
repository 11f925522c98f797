"""`handmade plot`: from a model and an image to a picture file."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import handmade
from handmade import HandmadeError, pictures
from handmade.cli.console import news, results
from handmade.cli.progress import progress
from handmade.cli.steps import measured
from handmade.data import Dataset
from handmade.engine.arrays import Array
from handmade.engine.description import describe
from handmade.engine.evaluation import evaluate
from handmade.engine.gradients import backprop
from handmade.engine.optim import SCHEDULES
from handmade.engine.training import train
from handmade.files.atomic import write_atomically
from handmade.pictures.style import FORMATS, library
from handmade.runs import inputs
from handmade.runs.inputs import network_named
from handmade.runs.record import read_log, read_run_json
from handmade.workers import cores, workers


@dataclass(frozen=True)
class Order:
    """Which picture is wanted, and where."""

    kind: str
    out: Path | None
    force: bool
    dark: bool
    formats: tuple[str, ...] = FORMATS

    def file(self, target: str | Path) -> Path:
        """The file that is meant, named after the model unless it is told; HandmadeError if it cannot be written, or is there."""
        library()
        stem = Path(target).resolve().name.removesuffix(".safetensors").removesuffix(".json")
        file = self.out or Path(f"{stem}-{self.kind}.{self.formats[0]}")
        return writable(file, self.formats, force=self.force)

    def draw(self, file: Path, figure: Any) -> None:
        """Write the picture, and say where it is."""
        self.write(file, pictures.encode(figure, file.suffix[1:].lower()))

    def write(self, file: Path, content: bytes) -> None:
        """The same for one that is encoded already."""
        write_atomically(file, content)
        results.print(f"Picture: {file}", markup=False)


@dataclass(frozen=True)
class Sight:
    """What a network is shown."""

    image: str
    data: str
    label: int | None


def writable(file: Path, formats: Sequence[str], *, force: bool) -> Path:
    """Before anything is worked out: whether there will be a file in the end."""
    if file.suffix[1:].lower() not in formats:
        raise HandmadeError(f"--out wants a name that ends in .{', .'.join(formats)}; got {file}")
    if not file.absolute().parent.is_dir():
        raise HandmadeError(f"--out wants a folder that is there; there is no {file.absolute().parent}")
    if file.is_dir():
        raise HandmadeError(f"--out wants a file; {file} is a folder")
    if file.exists() and not force:
        raise HandmadeError(f"{file} is there already; choose another --out, or add --force to write over it")
    return file


def filters(target: str, seed: int, layer: str | None, order: Order) -> None:
    """Draw the weights."""
    file = order.file(target)
    order.draw(file, pictures.filters(network_named(target, seed), layer, dark=order.dark))


def maps(target: str, seed: int, sight: Sight, order: Order) -> None:
    """Draw an image's way."""
    file = order.file(target)
    network, image, label = _seen(target, seed, sight)
    order.draw(file, pictures.feature_maps(network, image, label, dark=order.dark))


def nudge(target: str, seed: int, sight: Sight, nudge: str, order: Order) -> None:
    """Draw the differences that a nudge makes."""
    file = order.file(target)
    network, image, label = _seen(target, seed, sight)
    order.draw(file, pictures.difference_maps(network, image, nudge, label, dark=order.dark))


def sensitivity(target: str, seed: int, sight: Sight, patch: int, order: Order) -> None:
    """Draw which pixels matter; an image without a label counts as what the network takes it for."""
    file = order.file(target)
    network, image, label = _seen(target, seed, sight)
    if label is None:
        label = int(network.predict(image[None])[0])
        news.print(f"No label is known; the network takes it for a {label}.")
    order.draw(file, pictures.sensitivity(network, image, label, patch=patch, dark=order.dark))


def curves(runs: Sequence[Path], order: Order) -> None:
    """Draw how runs went."""
    file = order.file(runs[0] if len(runs) == 1 else "runs")
    order.draw(file, pictures.curves(histories(runs), dark=order.dark))


def confusion(target: str, seed: int, data: str, order: Order) -> None:
    """Draw what is taken for what."""
    file = order.file(target)
    network, digits = _with_data(target, seed, data)
    x = handmade.data.prepare(digits.test.images, network.dtype)
    order.draw(file, pictures.confusion(evaluate(network, x, digits.test.labels), dark=order.dark))


def mistakes(target: str, seed: int, data: str, most: int, order: Order) -> None:
    """Draw what went wrong."""
    file = order.file(target)
    network, digits = _with_data(target, seed, data)
    x = handmade.data.prepare(digits.test.images, network.dtype)
    order.draw(file, pictures.mistakes(network, x, digits.test.labels, most=most, dark=order.dark))


def histograms(target: str, seed: int, data: str, images: int, order: Order) -> None:
    """Draw how weights and gradients are spread out."""
    file = order.file(target)
    network, digits = _with_data(target, seed, data)
    x = handmade.data.prepare(digits.train.images[:images], network.dtype)
    order.draw(file, pictures.histograms(network, x, digits.train.labels[:images], dark=order.dark))


def steps(target: str, seed: int, data: str, images: int, order: Order) -> None:
    """Draw how the step size spoils a quotient, and how it does not spoil an exact one."""
    file = order.file(target)
    order.draw(file, pictures.error_against_h(measured(target, data, images, seed), dark=order.dark))


def film(target: str, seed: int | None, data: str, steps: int, frames: int, layer: str | None, order: Order) -> None:
    """Train a network of the same layers from fresh weights, and film it."""
    file = order.file(target)
    seed = _seed_of(target) if seed is None else seed
    network, digits = _with_data(target, seed, data)
    if not network.size:
        raise HandmadeError(f"{target}: a film wants a network with weights; this one has none")
    network = handmade.networks.described(describe(network), np.random.default_rng(seed), network.dtype)
    news.print(f"Training {target} anew for {steps:,} steps, by backpropagation with momentum; no file of a run is touched.")
    every = max(1, -(-steps // (frames - 1)))
    taken = []
    with workers(cores()) as executor, progress("steps") as tell:
        training = train(
            network,
            digits.train.images,
            digits.train.labels,
            gradient=partial(backprop, executor=executor),
            schedule=SCHEDULES["linear"],
            steps=steps,
            seed=seed,
            prepare=partial(handmade.data.prepare, dtype=network.dtype),
        )
        for step in training:
            tell(step.number, steps)
            if (step.number - 1) % every == 0:
                taken.append(pictures.Frame(step.number - 1, step.loss, step.before))
    order.write(file, pictures.film([*taken, pictures.Frame(steps, step.loss, step.network)], layer, dark=order.dark))


def histories(runs: Sequence[Path]) -> list[pictures.History]:
    """What the logs of runs say; runs of one name in several places go by their paths."""
    names = Counter(run.resolve().name for run in runs)
    found = []
    for run in runs:
        accuracy = read_run_json(run).get("test_accuracy")
        name = run.resolve().name
        told = float(accuracy) if isinstance(accuracy, int | float) else None
        found.append(pictures.History(name if names[name] == 1 else str(run), read_log(run), told))
    return found


def _seen(target: str, seed: int, sight: Sight) -> tuple[handmade.Network, Array, int | None]:
    """A network, and an image ready for it, with its class if it is known."""
    network, named = network_named(target, seed), inputs.image_named(sight.image, sight.data)
    image = inputs.prepared(network, named)
    return network, image, named.label if sight.label is None else sight.label


def _with_data(target: str, seed: int, data: str) -> tuple[handmade.Network, Dataset]:
    network, digits = network_named(target, seed), inputs.dataset(data)
    inputs.check_fit(network, digits, data)
    return network, digits


def _seed_of(target: str) -> int:
    """The seed of the run that the model is of, if it is of one."""
    path = Path(target)
    with suppress(HandmadeError):
        seed = read_run_json(path if path.is_dir() else path.parent).get("seed")
        return seed if isinstance(seed, int) and seed >= 0 else 0
    return 0
