"""The way from a picture file to a digit that a network can read."""

from pathlib import Path

from handmade.data.picture import Digit, find_digit
from handmade.engine.arguments import as_path


def read_digit(path: str | Path) -> Digit:
    """Find the digit in a picture file, and make it like one of MNIST.

    Parameters
    ----------
    path
        PNG, JPEG, GIF, BMP, WebP or TIFF, of any size up to 100 million pixels and any mode; dark on light or light on dark.

    Returns
    -------
    Digit
        `image` is (28, 28, 1) uint8, ready for `handmade.data.prepare(digit.image[None])`; `rejection` says why it may be none,
        and the other attributes are the stages on the way. Pictures that are arrays already go to `handmade.data.find_digit`.

    Raises
    ------
    HandmadeError
        If Pillow is not installed, or the file is no sound picture.
    """
    from handmade.files import images  # noqa: PLC0415  Pillow is loaded by those who read pictures

    return find_digit(images.read(as_path(path, "path")).grey)
