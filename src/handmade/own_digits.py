"""The way from a picture file to digits that a network can read."""

from pathlib import Path

from handmade.data.picture import Answer, Digit, answer, find_digit, find_digits
from handmade.engine.arguments import as_path
from handmade.engine.network import Network, check_network


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


def read_digits(path: str | Path, network: Network) -> tuple[Answer, ...]:
    """Read all digits in a picture file, such as a row or a page of them.

    Parameters
    ----------
    path
        As `read_digit` takes it.
    network
        Network that reads images of 28 x 28, such as `handmade.load("runs/readme-1")`.

    Returns
    -------
    tuple of Answer
        In the order of reading. `answer` is the class, or None with the reason in `rejection`. `digit.corners` are x and y of its
        box, in pixels of the file.

    Raises
    ------
    HandmadeError
        As `read_digit`; also if `network` is no network, or reads other images.
    """
    from dataclasses import replace  # noqa: PLC0415  used here alone

    from handmade.files import images  # noqa: PLC0415  Pillow is loaded by those who read pictures

    check_network(network, "handmade.read_digits(path, network)")
    picture = images.read(as_path(path, "path"))
    scale = max(picture.size) / max(picture.grey.shape)  # a large picture is read at a smaller size
    digits = [replace(digit, corners=scale * digit.corners) for digit in find_digits(picture.grey)]
    return tuple(answer(network, digit) for digit in digits)
