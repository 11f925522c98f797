"""Options that all formats share, and the last steps from arrays to a data set: grey, size, split."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handmade.data.dataset import Dataset, Images, frozen
from handmade.data.resize import area_average
from handmade.data.split import split_test
from handmade.engine.arguments import described, integer, is_number, refused
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError

TEST_SHARE = 0.2
LONGEST_SIDE = 1024  # pixels, as for pictures
MOST_BYTES = 4 * 2**30  # of all pixels together
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # weights of red, green and blue: ITU-R BT.601
AT_ONCE = 1000  # images that are changed at a time


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading a data set.

    Parameters
    ----------
    resize : tuple of int, optional
        Height and width to which all images are resized, by area averaging; the aspect ratio is not kept.
    grey : bool
        True to make grey images of colour ones: Y = 0.299 R + 0.587 G + 0.114 B.
    skip_unreadable : bool
        True to leave out pictures that cannot be read.
    test_share : float
        Share of the images that is kept for testing, if the data have no test images.
    split_seed : int
        Seed of that choice.

    Raises
    ------
    HandmadeError
        If an option is none of these.
    """

    resize: tuple[int, int] | None = None
    grey: bool = False
    skip_unreadable: bool = False
    test_share: float = TEST_SHARE
    split_seed: int = 0

    def __post_init__(self) -> None:
        if self.resize is not None:
            object.__setattr__(self, "resize", as_size(self.resize))
        if not (is_number(self.test_share) and 0 < self.test_share < 1):
            raise refused("test_share", "a share between 0 and 1", described(self.test_share), "test_share=0.2")
        object.__setattr__(self, "split_seed", integer(self.split_seed, "split_seed", 0))


def as_size(value: Any) -> tuple[int, int]:
    """Return height and width of "28x28" or (28, 28); raise HandmadeError if they are none."""
    sides = value.lower().split("x") if isinstance(value, str) else value
    expected, advice = f"height and width of 1 to {LONGEST_SIDE:,} pixels", "resize='28x28'"
    if not isinstance(sides, list | tuple) or len(sides) != 2:
        raise refused("resize", expected, described(value), advice)
    if isinstance(value, str):
        sides = [int(side) if side.isascii() and side.isdigit() and len(side) < 9 else 0 for side in sides]
    height, width = (side if is_number(side) and side in range(1, LONGEST_SIDE + 1) else 0 for side in sides)
    if not (height and width):
        raise refused("resize", expected, described(value), advice)
    return int(height), int(width)


@dataclass(frozen=True, eq=False)
class Parts:
    """Arrays of a data set as its files hold them.

    Attributes
    ----------
    train : tuple of Array
        Images (N, H, W, C) of uint8 and labels (N,).
    test : tuple of Array, optional
        The same to test on; None if the files have no test images.
    class_names : tuple of str
        Names of the classes.
    remarks : tuple of str
        Sentences for the user.
    """

    train: tuple[Array, Array]
    test: tuple[Array, Array] | None
    class_names: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def finished(parts: Parts, options: ReadOptions, source: str) -> Dataset:
    """Return the data set of some arrays: grey or resized if asked, and split if there are no test images.

    Raises
    ------
    HandmadeError
        If training and test images have different shapes, or there are too few images to split.
    """
    remarks = list(parts.remarks)
    given = [part for part in (parts.train, parts.test) if part is not None]
    images = [changed(part[0], options) for part in given]
    if len({each.shape[1:] for each in images}) > 1:
        shapes = [each.shape[1:3] if len({one.shape[3] for one in images}) == 1 else each.shape[1:] for each in images]
        sizes = " and ".join(" x ".join(map(str, shape)) for shape in shapes)
        raise HandmadeError(f"{source}: expected train and test images of one size, got {sizes}. Take both from one source.")
    if parts.test is not None:
        train, test = (frozen(pixels, part[1]) for pixels, part in zip(images, given, strict=True))
        return Dataset(train, test, parts.class_names, tuple(remarks))
    labels = parts.train[1]
    chosen = split_test(labels, options.test_share, options.split_seed, source)
    train, test = (Images(*_taken(images[0], labels, numbers)) for numbers in chosen)
    remarks.append(
        f"{source}: there are no test images; {len(test.labels):,} of {len(labels):,} images "
        f"({100 * options.test_share:g} % of each class) are kept for testing."
    )
    return Dataset(train, test, parts.class_names, tuple(remarks))


def changed(images: NDArray[np.uint8], options: ReadOptions) -> NDArray[np.uint8]:
    """Return images (N, H, W, C), made grey or resized if the options say so."""
    channels = 1 if options.grey and images.shape[3] == 3 else images.shape[3]
    size = options.resize or images.shape[1:3]
    if (*size, channels) == images.shape[1:]:
        return images
    check_pixels(len(images), (*size, channels), "resize")
    result = np.empty((len(images), *size, channels), np.uint8)
    for start in range(0, len(images), AT_ONCE):
        block: Array = images[start : start + AT_ONCE]
        if channels != images.shape[3]:
            block = (block @ LUMINANCE)[..., None]
        if size != images.shape[1:3]:
            block = resized(block, size)
        result[start : start + AT_ONCE] = np.rint(block)
    return result


def resized(images: Array, size: tuple[int, int]) -> Array:
    """Return images (..., H, W, C) resized by area averaging, (..., *size, C) float64."""
    channels_first = np.moveaxis(images, -1, -3)  # (..., C, H, W)
    return np.moveaxis(area_average(channels_first, size), -3, -1)


def check_pixels(count: int, shape: tuple[int, ...], source: str) -> None:
    """Raise HandmadeError if images of this shape are too many for the memory; nothing is allocated before."""
    total = count
    for side in shape:
        total *= side
    if total > MOST_BYTES:
        raise HandmadeError(
            f"{source}: expected at most {MOST_BYTES >> 30} GB of pixels, got {count:,} images {' x '.join(map(str, shape))}. "
            "Try fewer or smaller images"
        )


def one_line(error: Exception) -> str:
    """Return the text of another library's error for a message."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _taken(images: Array, labels: Array, numbers: Array) -> tuple[Array, Array]:
    part = frozen(images[numbers], labels[numbers])
    return part.images, part.labels
