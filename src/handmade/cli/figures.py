"""Files of pictures: names, checks and writing, for all commands that draw."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handmade import HandmadeError, pictures
from handmade.cli import data_sets
from handmade.cli.console import results
from handmade.cli.targets import class_number, has_fresh_weights
from handmade.data import Dataset
from handmade.engine.arrays import Array
from handmade.files.atomic import write_atomically
from handmade.network import Network
from handmade.pictures.style import FORMATS, library
from handmade.runs import inputs
from handmade.runs.data_source import DataSource
from handmade.runs.fitting import fitted
from handmade.runs.record import read_log, read_run_json


@dataclass(frozen=True)
class Order:
    """A picture to draw: its kind, and the options of its file."""

    kind: str
    out: Path | None
    force: bool
    dark: bool
    formats: tuple[str, ...] = FORMATS

    def file(self, target: str | Path) -> Path:
        """Return the file, named after the model if none is given; HandmadeError if it cannot be written."""
        library()
        file = self.out or Path(f"{stem_of(target)}-{self.kind}.{self.formats[0]}")
        return writable(file, self.formats, force=self.force)

    def draw(self, file: Path, figure: Any) -> None:
        """Encode and write the picture."""
        self.write(file, pictures.encode(figure, file.suffix[1:].lower()))

    def write(self, file: Path, content: bytes) -> None:
        """Write an encoded picture, and print its name."""
        write_atomically(file, content)
        results.print(f"Picture: {file}", markup=False)


def stem_of(target: str | Path) -> str:
    """Return the name of a run, a model file, a network file or a preset, without its ending."""
    return Path(target).resolve().name.removesuffix(".safetensors").removesuffix(".json").removesuffix(".onnx")


def writable(file: Path, formats: Sequence[str], *, force: bool) -> Path:
    """Return a file that can be written, or raise HandmadeError before anything is computed."""
    if file.suffix[1:].lower() not in formats:
        raise HandmadeError(
            f"--out: expected a name that ends in .{', .'.join(formats)}, got {file}. Try --out picture.{formats[0]}"
        )
    if not file.absolute().parent.is_dir():
        raise HandmadeError(f"--out: expected a folder that exists; there is no {file.absolute().parent}. Try mkdir first")
    if file.is_dir():
        raise HandmadeError(f"--out: expected a file, got the folder {file}. Try another name")
    if file.exists() and not force:
        raise HandmadeError(f"--out: expected a new file, got {file}, which exists. Try another name, or --force to overwrite it")
    return file


def check_figure(figure: Path) -> None:
    """Raise HandmadeError before anything is computed, unless a picture can be written there."""
    library()
    if figure.suffix[1:].lower() not in FORMATS:
        raise HandmadeError(
            f"--figure: expected a name that ends in .{', .'.join(FORMATS)}, got {figure}. Try --figure picture.{FORMATS[0]}"
        )
    if not figure.absolute().parent.is_dir():
        raise HandmadeError(f"--figure: expected a folder that exists; there is no {figure.absolute().parent}. Try mkdir first")


def histories(runs: Sequence[Path]) -> list[pictures.History]:
    """Read the logs of runs; runs of the same name are called by their paths."""
    runs = list(map(inputs.run_of, runs))
    names = Counter(run.resolve().name for run in runs)
    found = []
    for run in runs:
        accuracy = read_run_json(run).get("test_accuracy")
        name = run.resolve().name
        test_accuracy = float(accuracy) if isinstance(accuracy, int | float) else None
        found.append(pictures.History(name if names[name] == 1 else str(run), read_log(run), test_accuracy))
    return found


def with_image(target: str, seed: int, image: str, data: DataSource, label: str | None) -> tuple[Network, Array, int | None]:
    """Return a network, and an image prepared for it, with its class if that is known."""
    fresh = has_fresh_weights(target)
    network, named = inputs.with_image(
        lambda found: inputs.network_named(target, seed, found), image, data, data_sets.read, fresh=fresh
    )
    return network, inputs.prepared(network, named), class_number(network, label, named.label)


def with_data(target: str, seed: int, data: DataSource) -> tuple[Network, Dataset]:
    """Return a network, and a data set that fits it."""
    found = data_sets.read(data)
    network = inputs.network_named(target, seed, found)
    return network, fitted(network, found, str(data))


def seed_of(target: str) -> int:
    """Return the seed of the run that the model belongs to; 0 if it belongs to none."""
    path = Path(target)
    with suppress(HandmadeError):
        seed = read_run_json(path if path.is_dir() else path.parent).get("seed")
        return seed if isinstance(seed, int) and seed >= 0 else 0
    return 0
