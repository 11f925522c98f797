"""Data set: labelled images to train on and to test on, with the names of their classes.

images (N, H, W, C) of uint8, labels (N,) from 0 to K - 1, class_names K
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.printable import ShortRepr

MOST_CLASSES = 1000  # more are a mistake: numbers that are no classes


@dataclass(frozen=True, eq=False)
class Images(ShortRepr):
    """Labelled images; the arrays are read-only.

    Attributes
    ----------
    images
        (N, H, W, C) uint8; for MNIST, 0 is paper and 255 is ink.
    labels
        (N,) int64, numbers of the classes.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def _summary(self) -> str:
        return f"{len(self.images):,} images {' x '.join(map(str, self.images.shape[1:]))}"


@dataclass(frozen=True, eq=False)
class Dataset(ShortRepr):
    """Training images and test images, all of one shape.

    Attributes
    ----------
    train, test
        Images to train on, and to test on.
    class_names
        Name of each class, in the order of the labels; "0", "1", ... for classes that are plain numbers.
    remarks
        Sentences for the user about the reading, such as the number of files that were left out.
    """

    train: Images
    test: Images
    class_names: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    def _summary(self) -> str:
        return f"{len(self.train.images):,} training images, {len(self.test.images):,} test images"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every image."""
        height, width, channels = self.train.images.shape[1:]
        return height, width, channels

    @property
    def names(self) -> tuple[str, ...] | None:
        """Names of the classes for a network: None if they are the numbers that a network without names has."""
        return None if self.class_names == numbered(len(self.class_names)) else self.class_names


def numbered(classes: int) -> tuple[str, ...]:
    """Return the names of classes that are plain numbers: "0", "1", ..."""
    return tuple(map(str, range(classes)))


def frozen(images: NDArray[np.uint8], labels: Array) -> Images:
    """Return labelled images whose arrays cannot be changed."""
    labelled = Images(images, labels.astype(np.int64))
    labelled.images.setflags(write=False)
    labelled.labels.setflags(write=False)
    return labelled


def numbered_classes(labels: Iterable[Array], source: str) -> tuple[list[Array], tuple[str, ...]]:
    """Return labels from 0, and the names of their classes.

    Labels that begin with 0 are the numbers of the classes. Otherwise each number that occurs is a class, named by it: 26 classes
    for 1 to 26.

    Raises
    ------
    HandmadeError
        If a label is negative, or there are more than 1,000 classes.
    """
    parts = list(labels)
    present = np.unique(np.concatenate(parts))
    if present[0] < 0:
        raise HandmadeError(f"{source}: expected labels of at least 0, got {present[0]}. Try to number the classes from 0")
    count = len(present) if present[0] else int(present[-1]) + 1
    if count > MOST_CLASSES:
        raise HandmadeError(f"{source}: expected at most {MOST_CLASSES:,} classes, got {count:,}. Check which numbers are labels")
    if present[0]:
        return [np.searchsorted(present, part) for part in parts], tuple(map(str, present.tolist()))
    return parts, numbered(count)


def no_images() -> Dataset:
    """Return a data set without images, in the place of one that is missing."""
    nothing = frozen(np.empty((0, 1, 1, 1), np.uint8), np.empty(0, np.int64))
    return Dataset(nothing, nothing, ())


@cache
def mnist() -> Dataset:
    """Read the MNIST that comes with the package, once: 60,000 images to train on, 10,000 to test, each 28 x 28.

    Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits"; see mnist/README.md.

    Raises
    ------
    HandmadeError
        If the packaged files are missing or damaged.
    """
    from importlib import resources  # noqa: PLC0415  it takes long to load, and other data do not need it

    from handmade.data.sources import idx_files  # noqa: PLC0415  they need this module
    from handmade.data.sources.options import ReadOptions, finished  # noqa: PLC0415

    with resources.as_file(resources.files("handmade.data") / "mnist") as directory:
        return finished(idx_files.read(directory), ReadOptions(), "mnist")
