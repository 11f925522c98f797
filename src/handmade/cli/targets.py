"""Networks and images on the command line: the network that is meant, and models and images that were swapped."""

import shlex
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from handmade.cli import data_sets
from handmade.cli.console import news
from handmade.data.fitting_pictures import FITS, Fit
from handmade.engine.errors import HandmadeError
from handmade.networks import PRESETS
from handmade.runs import inputs
from handmade.runs.data_source import DataSource

if TYPE_CHECKING:
    from handmade.data import Dataset
    from handmade.network import Network

LONGEST_NUMBER = 10  # characters
PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"}


def network_of(target: str, seed: int, data: "Dataset | None" = None) -> "Network":
    """Return the network of a run, a model file, a network file or a preset. If its weights are fresh, a line says so.

    A preset is made for the images and classes of the data, if there are any.
    """
    if is_image(target):
        raise HandmadeError(
            f"expected a model first, got the image {target!r:.80}. Try a run such as runs/readme-1, or the preset readme"
        )
    network = inputs.network_named(target, seed, data)
    if has_fresh_weights(target):
        news.print(f"{target}: fresh weights of seed {seed}, not trained", markup=False)
    return network


def network_and_image(
    target: str, image: str, seed: int, data: DataSource, *, fit: str | None = None, invert: bool = False
) -> "tuple[Network, inputs.NamedImage]":
    """Return a network, and an image by its name; HandmadeError names both if they were swapped.

    `fit` and `invert` change the picture in a file for a network of other things than digits.
    """
    if is_image(target) and is_network(image):
        swapped = f"{shlex.quote(image)} --image {shlex.quote(target)}"
        raise HandmadeError(f"expected a model first and an image after --image, got them swapped. Try {swapped}")
    if is_network(image):
        raise HandmadeError(f"--image: expected an image such as test:7, or a picture file; got the model {image!r:.80}")
    fresh = has_fresh_weights(target)
    chosen = None if fit is None else fit_named(fit)
    return inputs.with_image(
        lambda found: network_of(target, seed, found), image, data, data_sets.read, fresh=fresh, fit=chosen, invert=invert
    )


def fit_named(name: str) -> Fit:
    """Return the way of fitting pictures that a user gave.

    Raises
    ------
    HandmadeError
        If there is no such way.
    """
    chosen = next((each for each in FITS if each == name), None)
    if chosen is None:
        raise HandmadeError(f"--fit: expected one of {', '.join(FITS)}; got {name!r:.80}. Try --fit crop")
    return chosen


def class_number(network: "Network", given: str | None, known: int | None) -> int | None:
    """Return the number of the class that a user gave by its number or its name; the known one if none is given.

    Raises
    ------
    HandmadeError
        If it is neither. A number that no class has is refused where it is used.
    """
    if given is None:
        return known
    if given.removeprefix("-").isascii() and given.removeprefix("-").isdigit() and len(given) < LONGEST_NUMBER:
        return int(given)
    names = network.class_names or ()
    if given in names:
        return names.index(given)
    similar = get_close_matches(given, names, n=1)
    advice = f"Did you mean {similar[0]!r:.80}?" if similar else f"Try {names[0]!r:.80}" if names else "Try --label 0"
    raise HandmadeError(f"--label: expected the number or the name of a class, got {given!r:.80}. {advice}")


def has_fresh_weights(target: str) -> bool:
    """Return True for a preset or a network file, which hold no weights."""
    return target in PRESETS or target.endswith(".json")


def is_image(name: str) -> bool:
    """Return True for test:7, train:12, - and the name of a picture file."""
    if Path(name).is_dir():
        return False
    part, _, number = name.partition(":")
    return name == "-" or (part in {"train", "test"} and bool(number)) or Path(name).suffix.lower() in PICTURES


def is_network(name: str) -> bool:
    """Return True for a preset, a network file, a folder, or a file that begins as a model does."""
    path = Path(name)
    if has_fresh_weights(name) or path.suffix.lower() in inputs.MODELS or path.is_dir():
        return True
    if is_image(name) or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(9)[8:] == b"{"  # eight bytes of a length, and the header in JSON
