"""Data sets, networks, models and images, by the names that users type."""

import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike

from handmade import networks
from handmade.data import Dataset, find_digit, load, prepare_for
from handmade.data.fitting_pictures import Fit, image_of, reads_digits
from handmade.data.prepared import raw_shape
from handmade.engine.arrays import Array
from handmade.engine.description import describe, shortened
from handmade.engine.errors import HandmadeError
from handmade.engine.printable import ShortRepr
from handmade.files import images as image_files
from handmade.network import Network
from handmade.network import load as load_network
from handmade.runs.data_source import MNIST, DataSource
from handmade.runs.fitting import fitted, preset, with_names
from handmade.runs.record import SETTINGS, model_of

LARGEST_NETWORK_FILE = 2**20  # bytes of JSON
MODELS = {".safetensors", ".onnx", ".pth", ".pt"}  # endings


def dataset(source: str | DataSource) -> Dataset:
    """Read a data set by its name, perhaps with options for reading it."""
    return load(source) if isinstance(source, str) else load(source.data, **source.options)


@dataclass(frozen=True, eq=False)
class NamedImage(ShortRepr):
    """Raw image, (H, W, C) of uint8, with the name that the user gave and its class, if known."""

    name: str
    pixels: Array
    label: int | None


def image_named(
    name: str,
    data: str | DataSource = MNIST,
    found: Dataset | None = None,
    network: Network | None = None,
    *,
    fit: Fit | None = None,
    invert: bool = False,
) -> NamedImage:
    """Return an image by its name: test:7 or train:12 of a data set, counted from 0, or the picture in a file.

    `found` is the data set, if it has been read already. A picture becomes an image of the network, see `picture_for`. Without a
    network, its digit is taken for MNIST; for other data, it stays as it is. `fit` (by default that of the data) and `invert` are
    for a picture and a network of other things than digits.
    """
    part, _, number = name.partition(":")
    if not is_of_data(name):
        if name != "-" and not Path(name).exists():
            raise HandmadeError(f"image: expected test:7, train:12 or a picture file; there is no file {name!r:.80}. Try test:0")
        return NamedImage(name, _of_file(name, data, network, fit=fit, invert=invert), None)
    if fit is not None or invert:
        raise HandmadeError(f"fit and invert: expected a picture file, which they change; got the image {name}. Try without them")
    found = dataset(data) if found is None else found
    images = found.test if part == "test" else found.train
    if len(number) > 9 or int(number) >= len(images.labels):
        raise HandmadeError(
            f"{data}: expected an image from {part}:0 to {part}:{len(images.labels) - 1}, got {name!r:.80}. Try {part}:0"
        )
    return NamedImage(name, images.images[int(number)], int(images.labels[int(number)]))


def is_of_data(name: str) -> bool:
    """Return True for the name of an image of a data set: test:7 or train:12."""
    part, _, number = name.partition(":")
    return part in {"train", "test"} and number.isascii() and number.isdigit()


def with_image(
    make: Callable[[Dataset | None], Network],
    image: str,
    data: DataSource,
    read: Callable[[DataSource], Dataset] = dataset,
    *,
    fresh: bool = False,
    fit: Fit | None = None,
    invert: bool = False,
) -> tuple[Network, NamedImage]:
    """Return a network and an image by its name.

    The network is made for the data that the image is taken from; for a picture file, for data that are named, if it is `fresh`.
    """
    if not is_of_data(image):
        network = make(read(data) if fresh and data != MNIST else None)
        return network, image_named(image, data, network=network, fit=fit, invert=invert)
    found = read(data)
    network = make(found)
    return network, image_named(image, data, fitted(network, found, str(data)), fit=fit, invert=invert)


def picture(name: str) -> image_files.Picture:
    """Read a picture file; the name - means standard input."""
    if name != "-":
        return image_files.read(Path(name))
    return image_files.read_stream(_standard_input(), "standard input")


def _standard_input() -> BinaryIO:
    if sys.stdin.isatty():
        raise HandmadeError(
            "-: expected a picture on standard input, got a terminal. Try: handmade predict runs/readme-1 - < picture.png"
        )
    return sys.stdin.buffer


def pixels_of(name: str) -> tuple[Array, tuple[int, int], tuple[str, ...]]:
    """Read a picture file as (H, W, 1 or 3) of uint8, with its height and width in the file, and remarks; - is standard input."""
    if name != "-":
        return image_files.read_pixels_of(Path(name))
    return image_files.read_pixels(_standard_input(), "standard input")


def picture_with_copy(name: str) -> tuple[image_files.Picture, Array]:
    """Read a picture file as grey levels, and as (H, W, 1 or 3) of uint8 in the same size; - is standard input."""
    if name != "-":
        return image_files.read(Path(name)), image_files.read_pixels_of(Path(name))[0]
    content = BytesIO(_standard_input().read(image_files.LARGEST_FILE + 1))
    found = image_files.read_stream(content, "standard input")
    content.seek(0)
    return found, image_files.read_pixels(content, "standard input")[0]


def _of_file(name: str, data: str | DataSource, network: Network | None, *, fit: Fit | None, invert: bool) -> Array:
    if network is not None:
        if reads_digits(network) and (fit is not None or invert):
            expected = "fit and invert: expected a network of other things than digits"
            raise HandmadeError(f"{expected}; a digit is found, dark or light, and scaled. Try without them")
        return picture_for(network, name, fit_of(data) if fit is None else fit, invert=invert)
    pixels: Array = find_digit(picture(name).grey).image if str(data) == MNIST.data else pixels_of(name)[0]
    return pixels


def picture_for(network: Network, name: str, fit: Fit = "crop", *, invert: bool = False) -> Array:
    """Return the picture in a file as a raw image of a network: its digit, if it reads digits, else all of it in another size.

    `invert` swaps light and dark of a picture that is no digit.
    """
    shape = raw_shape(network)
    if shape is None:
        expected = "image: expected test:7 or train:12, as this network reads no pictures"
        raise HandmadeError(f"{expected} but inputs of shape {network.input_shape}; got {name!r:.80}. Try test:0")
    if reads_digits(network):
        digit: Array = find_digit(picture(name).grey, shape=(shape[0], shape[1])).image
        return digit
    pixels = pixels_of(name)[0]
    return image_of(255 - pixels if invert else pixels, shape, fit)


def fit_of(data: str | DataSource) -> Fit:
    """Return the way in which pictures become images of the same size: stretched as those of the data, or cropped."""
    return "stretch" if isinstance(data, DataSource) and data.resize is not None else "crop"


def prepared(network: Network, image: NamedImage) -> Array:
    """Return the image, prepared for the network, without a batch axis."""
    ready: Array = prepare_for(network)(image.pixels[None])[0]
    return ready


def fresh_network(name: str, rng: "np.random.Generator", dtype: DTypeLike, data: Dataset | None = None) -> Network:
    """Make a preset, or the network of a JSON file, with new random weights.

    A preset is made for the images and classes of the data, if there are any; a file without an input, for the images alone.
    """
    if name in networks.PRESETS:
        return preset(name, rng, dtype, data)
    return network_file(Path(name), rng, dtype, data)


def network_to_train(name: str, rng: "np.random.Generator", dtype: DTypeLike, data: Dataset) -> Network:
    """Make a preset or the network of a JSON file with new random weights; or read a model, whose weights are kept.

    A network without names of its classes gets those of the data.
    """
    if not is_model(name):
        return with_names(fresh_network(name, rng, dtype, data), data)
    network = with_names(model(Path(name)), data)
    arrays = network.parameters() | network.statistics()
    return network.replace({each: array.astype(dtype) for each, array in arrays.items()})


def is_model(name: str) -> bool:
    """Return True for a run, a model file or an ONNX model, which hold weights."""
    path = Path(name)
    return name not in networks.PRESETS and (path.suffix.lower() in MODELS or path.is_dir())


def network_file(path: Path, rng: "np.random.Generator", dtype: DTypeLike, data: Dataset | None = None) -> Network:
    """Make the network described in a JSON file, with new random weights; without an input, it reads the images of the data."""
    description = description_file(path)
    if data is not None and isinstance(description, dict) and "input" not in description:
        description = networks.with_input(description, data.image_shape)
    try:
        return networks.described(description, rng, dtype)
    except HandmadeError as error:
        raise HandmadeError(f"{path}: {error}") from None


def description_file(path: Path) -> Any:
    """Read a JSON file that describes a network; the caller must check its content."""
    presets = " or ".join(networks.PRESETS)
    if not path.is_file():
        found = f"{path} is a folder" if path.is_dir() else f"there is no file {path}"
        raise HandmadeError(f"expected {presets}, or a JSON file that lists layers; {found}. Try handmade networks")
    if path.stat().st_size > LARGEST_NETWORK_FILE:
        raise HandmadeError(f"{path}: expected a list of layers in JSON; {path.stat().st_size:,} bytes are too many for one")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise HandmadeError(f"{path}: expected a list of layers in JSON; it cannot be read ({error})") from None


def model(path: Path) -> Network:
    """Read a model file, the model of a run, or an ONNX model."""
    try:
        return load_network(model_of(path))
    except HandmadeError as error:
        option, command = "Try external_data=True", f"Try handmade import {shlex.quote(str(path))} --external-data"
        raise type(error)(str(error).replace(option, command)) from None


def run_with(path: Path) -> Path | None:
    """Return the folder of a run: the path itself, or the folder of a model file in a run; None if it is neither."""
    for folder in (path, path.parent if path.is_file() and not path.name.endswith(".json") else path):
        if (folder / SETTINGS).is_file():
            return folder
    return None


def run_of(path: Path) -> Path:
    """Return the folder of a run, as `run_with`.

    Raises
    ------
    HandmadeError
        If the path is neither. Only a run has the log of a training.
    """
    run = run_with(path)
    if run is not None:
        return run
    reason, advice = "there is no such folder", "handmade runs"
    if path.is_dir():
        reason = f"there is no {SETTINGS} in it"
    elif path.is_file():
        reason, advice = "this file is in no run", f"handmade evaluate {shlex.quote(str(path))}"
    elif str(path) in networks.PRESETS:
        reason, advice = "a preset has no training log", f"handmade train --network {path}"
    raise HandmadeError(f"{path}: expected the folder of a run; {reason}. Try: {advice}")


def network_named(target: str, seed: int = 0, data: Dataset | None = None) -> Network:
    """Make a preset or the network of a JSON file with new random weights, in float64; or read a model.

    A preset, or a network file without an input, is made for the data, if there are any; see `fresh_network`.
    """
    if target in networks.PRESETS or target.endswith(".json"):
        return fresh_network(target, np.random.default_rng(seed), np.float64, data)
    path = Path(target)
    if not path.exists():
        similar = get_close_matches(target, networks.PRESETS, n=1)
        advice = f"Did you mean {similar[0]}?" if similar else "Try readme"
        raise HandmadeError(f"{target}: expected a run, a model file, a preset or a network file; there is none. {advice}")
    return model(path)


def description_of(target: str, data: Dataset | None = None) -> dict[str, Any]:
    """Return the description of a preset, of a network file or of a model, as short as possible; see `networks.for_images`.

    A preset is made for the images and classes of the data, if there are any.
    """
    if target in networks.PRESETS:
        known = networks.PRESETS[target]
        return known if data is None else networks.for_images(known, data.image_shape, len(data.class_names), data.names)
    return shortened(describe(network_named(target, data=data)))
