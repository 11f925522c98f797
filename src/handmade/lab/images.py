"""Images of a page: those of the data, pixels, drawings and picture files, each as a raw image with the stages that made it."""

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handmade.data import Dataset
from handmade.data.fitting_pictures import reads_digits
from handmade.data.picture import ALL_STAGES, Answer, Digit, Stages, answer, find_digit
from handmade.data.prepared import raw_shape
from handmade.data.sources.options import LUMINANCE
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.files.images import read_colour, read_stream
from handmade.lab import schemas
from handmade.lab.colour_images import COLOURS, colour_image
from handmade.lab.structure import fits

LONGEST_SIDE = 2048  # pixels of a drawing


@dataclass(frozen=True, eq=False)
class RawImage:
    """A raw image of a network.

    Attributes
    ----------
    pixels : Array, (H, W, C) of uint8
    choice : dict
        Name of the image: the page can ask for it again with this.
    label : int or None
        Class, if it is known.
    stages : mapping of Array
        Stages of its preparation, 0 to 1, by name.
    digit : Digit or None
        The digit that was found in a picture, or that the pixels are.
    """

    pixels: NDArray[np.uint8]
    choice: dict[str, Any]
    label: int | None = None
    stages: Mapping[str, Array] = field(default_factory=dict)
    digit: Digit | None = None

    @property
    def measures(self) -> dict[str, Any]:
        """Measures of its ink; empty without a digit."""
        return {} if self.digit is None else asdict(self.digit.measures)


def stages_of(given: schemas.Stages) -> Stages:
    """Return the stages of a request as the preparation takes them."""
    return Stages(crop=given.crop, scale=given.scale, centre=given.centre)


def stages_named(text: str) -> Stages:
    """Return the stages that are listed: "crop,scale,centre".

    Raises
    ------
    HandmadeError
        If there is no such stage.
    """
    names = {name for name in text.split(",") if name}
    known = {"crop", "scale", "centre"}
    if not names <= known:
        raise HandmadeError(f"stages: expected some of crop,scale,centre; got {text!r:.80}")
    return Stages(**{name: name in names for name in known})


def first_image(network: Network, data: Dataset) -> RawImage:
    """Return the image that a page begins with: the first test image, or zeros where the data do not fit."""
    if fits(network, data):
        return of_data(network, data, "test", 0)
    shape = _raw_shape(network)
    return of_pixels(np.zeros(shape, np.uint8))


def chosen(network: Network, data: Dataset, choice: schemas.Choice) -> RawImage:
    """Return the image that a page chose.

    Raises
    ------
    HandmadeError
        If there is no such image, or it does not fit the network.
    """
    if choice.pixels is not None and choice.split is None and choice.index is None:
        pixels = _decoded(choice.pixels, _raw_shape(network))
        digit = replace(find_digit(pixels[..., 0], ALL_STAGES, pixels.shape[:2]), image=pixels) if reads_digits(network) else None
        return replace(of_pixels(pixels), digit=digit)
    if choice.pixels is None and choice.split is not None and choice.index is not None:
        return of_data(network, data, choice.split, choice.index)
    raise HandmadeError("choice: expected split and index of an image, or its pixels; got neither or both")


def of_data(network: Network, data: Dataset, split: str, index: int) -> RawImage:
    """Return one image of the data."""
    images = data.test if split == "test" else data.train
    if not fits(network, data):
        size = " x ".join(map(str, data.test.images.shape[1:]))
        raise HandmadeError(f"choice: expected pixels; this network does not read the {size} images of the data")
    if index >= len(images.labels):
        raise HandmadeError(f"index: expected 0 to {len(images.labels) - 1} of the {split} images; got {index}")
    return RawImage(images.images[index], {"split": split, "index": index}, int(images.labels[index]))


def of_pixels(pixels: NDArray[np.uint8]) -> RawImage:
    """Return a raw image as it is."""
    return RawImage(pixels, {"pixels": encoded(pixels)})


def drawing(network: Network, content: bytes, height: int, width: int, stages: Stages) -> RawImage:
    """Return the image of a drawing: height * width bytes, grey, white ink on black; for networks of colours, also three a pixel.

    Raises
    ------
    HandmadeError
        If there are more or fewer bytes.
    """
    if not (1 <= height <= LONGEST_SIDE and 1 <= width <= LONGEST_SIDE):
        raise HandmadeError(f"drawing: expected 1 to {LONGEST_SIDE} pixels on a side; got {height} x {width}")
    colours = COLOURS if reads_colours(network) and len(content) == COLOURS * height * width else 1
    if len(content) != height * width * colours:
        raise HandmadeError(f"drawing: expected {height * width:,} bytes, height * width; got {len(content):,}")
    pixels = np.frombuffer(content, np.uint8).reshape(height, width, colours)
    if _finds_digits(network):
        return _of_digit(network, pixels[..., 0], stages)
    return _of_picture(network, np.broadcast_to(pixels, (height, width, COLOURS)) / 255, stages)


def picture(network: Network, content: bytes, stages: Stages) -> RawImage:
    """Return the image of a picture file: its digit for a network of digits, else all of it, in the network's channels.

    Raises
    ------
    HandmadeError
        If it is no picture.
    """
    if _finds_digits(network):
        return _of_digit(network, read_stream(BytesIO(content), "file").grey, stages)
    return _of_picture(network, read_colour(BytesIO(content), "file"), stages)


def reads_colours(network: Network) -> bool:
    """Return True if the images of a network have red, green and blue."""
    return _raw_shape(network)[2] == COLOURS


def encoded(pixels: NDArray[np.uint8]) -> str:
    """Return the pixels as base64url."""
    return base64.urlsafe_b64encode(pixels.tobytes()).decode().rstrip("=")


def _decoded(text: str, shape: Shape) -> NDArray[np.uint8]:
    size = math.prod(shape)
    expected = f"pixels: expected {size:,} bytes of {' x '.join(map(str, shape))} as base64url"
    if len(text) > 4 * (size // 3 + 2):
        raise HandmadeError(f"{expected}; got more")
    try:
        content = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise HandmadeError(f"{expected}; got {text!r:.40}") from None
    if len(content) != size:
        raise HandmadeError(f"{expected}; got {len(content):,} bytes")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _of_picture(network: Network, picture: Array, stages: Stages) -> RawImage:
    """Return the image of a picture (H, W, 3); grey unless the network reads colours."""
    rows, columns, channels = _raw_shape(network)
    if channels != COLOURS:
        picture = (picture @ LUMINANCE)[..., None]
    pixels, shown = colour_image(picture, (rows, columns), stages)
    if channels != pixels.shape[2]:
        pixels = np.repeat(pixels, channels, axis=2)
    return RawImage(pixels, {"pixels": encoded(pixels)}, None, _as_sent(shown))


def _finds_digits(network: Network) -> bool:
    """Return True for a network whose pictures are prepared as digits: its classes have no names, and it reads no colours."""
    return reads_digits(network) or (network.class_names is None and not reads_colours(network))


def _of_digit(network: Network, grey: Array, stages: Stages) -> RawImage:
    """Return the image of the digit in a picture, in all channels of the network."""
    rows, columns, channels = _raw_shape(network)
    digit = find_digit(grey, stages, (rows, columns))
    pixels = np.repeat(digit.image, channels, axis=2)
    return RawImage(pixels, {"pixels": encoded(pixels)}, None, _as_sent(digit.stages_by_attribute()), digit)


def decided(network: Network, image: RawImage) -> Answer | None:
    """Return the answer of a network for a picture, or its rejection, as `handmade predict` decides.

    None for images of the data, for networks of other classes than the ten digits, and if the output is not finite.
    """
    if image.digit is None or not reads_digits(network) or image.pixels.shape[2] != 1:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        found = answer(network, image.digit)
    return found if np.isfinite(found.probabilities).all() else None


def _as_sent(stages: Mapping[str, Array]) -> dict[str, Array]:
    return {name: np.asarray(stage, np.float32) for name, stage in stages.items()}


def _raw_shape(network: Network) -> Shape:
    shape = raw_shape(network)
    if shape is None:
        raise HandmadeError(f"image: expected a network that reads images (H, W, C); this one reads {network.input_shape}")
    return shape
