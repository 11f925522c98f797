"""The way from a picture file to digits that a network can read."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handmade.data.picture import Answer, Digit, answer, find_digit, find_page
from handmade.engine.arguments import as_path
from handmade.engine.arrays import Array
from handmade.engine.network import Network, check_network
from handmade.engine.printable import ShortRepr


@dataclass(frozen=True, eq=False)
class PageDigit(ShortRepr):
    """Digit of a page, with its place and its answer.

    Attributes
    ----------
    row
        Number of its row, from 1 at the top.
    place
        Number of its place in the row, from 1 at the left.
    digit
        The digit, with the stages of its preparation.
    reading
        The network's probabilities and the decision; None without a network.
    """

    row: int
    place: int
    digit: Digit
    reading: Answer | None

    @property
    def answer(self) -> int | None:
        """Class; None if the digit is rejected, or there is no network."""
        return None if self.reading is None else self.reading.answer

    @property
    def certainty(self) -> float | None:
        """Certainty of the most likely class; None without a network."""
        return None if self.reading is None else self.reading.certainty

    @property
    def rejection(self) -> str | None:
        """Reason why there is no answer; without a network, the reason why this does not look like a digit."""
        return self.digit.rejection if self.reading is None else self.reading.rejection

    @property
    def corners(self) -> NDArray[np.float64]:
        """(4, 2) float64: x and y of the corners of its box, clockwise from the upper left.

        They are in pixels of the file, after it is rotated by its EXIF data.
        """
        return self.digit.corners

    def _summary(self) -> str:
        return f"row {self.row}, place {self.place}, answer={self.answer}, rejection={self.rejection!r}"


def read_digit(path: str | Path) -> Digit:
    """Find the digit in a picture file, and make it like one of MNIST.

    Parameters
    ----------
    path
        PNG, JPEG, GIF, BMP, WebP, TIFF or HEIC, of up to 100 million pixels and any mode; dark on light or light on dark.

    Returns
    -------
    Digit
        `image` is (28, 28, 1) uint8, ready for `handmade.data.prepare(digit.image[None])`; `rejection` says why it may be none,
        and the other attributes are the stages on the way. Pictures that are arrays already go to `handmade.data.find_digit`.

    Raises
    ------
    HandmadeError
        If Pillow or scikit-image is not installed, or the file is no sound picture.
    """
    from handmade.files import images  # noqa: PLC0415  Pillow is loaded by those who read pictures

    return find_digit(images.read(as_path(path, "path")).grey)


def read_digits(path: str | Path, network: Network | None = None) -> tuple[PageDigit, ...]:
    """Read all digits in a picture file, such as a row or a page of them.

    Parameters
    ----------
    path
        As `read_digit` takes it.
    network
        Network that reads images of 28 x 28, such as `handmade.load("runs/readme-1")`. Without it, the digits are found, but not
        classified.

    Returns
    -------
    tuple of PageDigit
        In the order of reading: row by row from the top, each row from the left.

    Raises
    ------
    HandmadeError
        As `read_digit`; also if `network` is no network, or reads other images.

    Examples
    --------
    >>> network = handmade.load("runs/readme-1")  # doctest: +SKIP
    >>> for each in handmade.read_digits("page.png", network):  # doctest: +SKIP
    ...     print(each.row, each.place, each.answer, each.rejection)
    """
    from handmade.files import images  # noqa: PLC0415  Pillow is loaded by those who read pictures

    if network is not None:
        check_network(network, "handmade.read_digits(path, network)")
    picture = images.read(as_path(path, "path"))
    return digits_of(picture.grey, picture.size, network)


def digits_of(grey: Array, size: tuple[int, int], network: Network | None) -> tuple[PageDigit, ...]:
    """Return all digits in a picture, in the order of reading.

    Parameters
    ----------
    grey
        (H, W) grey levels, as `handmade.data.find_digit` takes them.
    size
        Height and width of the picture in its file: the corners are in its pixels.
    network
        As `read_digits` takes it.
    """
    scale = max(size) / max(grey.shape)  # a large picture is read at a smaller size
    found = []
    for row, digits in enumerate(find_page(grey).rows, start=1):
        for place, digit in enumerate(digits, start=1):
            placed = replace(digit, corners=scale * digit.corners)
            found.append(PageDigit(row, place, placed, None if network is None else answer(network, placed)))
    return tuple(found)
