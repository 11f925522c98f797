"""MNIST as two sets of labelled images, from the package or from a directory, and made ready for a network.

prepared[n, 1 + i, 1 + j, 0] = images[n, i, j, 0] / 255, with one pixel of zeros all around
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from handmade.data import idx
from handmade.engine.arguments import as_dtype, as_path
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.image_arguments import as_raw_images
from handmade.engine.network import Network, check_network
from handmade.engine.printable import ShortRepr

_PLACES = ("", "raw", "MNIST/raw")  # the directory itself, then where torchvision keeps its copy
_FILES = {
    f"{part} {kind}": [f"{stem}-{kind}{dot}idx{dims}-ubyte{end}" for end in ("", ".gz") for dot in "-."]
    for part, stem in (("train", "train"), ("test", "t10k"))
    for kind, dims in (("images", 3), ("labels", 1))
}


@dataclass(frozen=True, eq=False)
class Images(ShortRepr):
    """Labelled images; the arrays are read-only.

    Attributes
    ----------
    images
        (N, H, W, 1) uint8; 0 is paper, 255 is ink.
    labels
        (N,) int64, each 0 to 9.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def _summary(self) -> str:
        return f"{len(self.images):,} images {' x '.join(map(str, self.images.shape[1:]))}"


@dataclass(frozen=True, eq=False)
class Dataset(ShortRepr):
    """Training images and test images, all of one height and width."""

    train: Images
    test: Images

    def _summary(self) -> str:
        return f"{len(self.train.images):,} training images, {len(self.test.images):,} test images"


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

    with resources.as_file(resources.files("handmade.data") / "mnist") as directory:
        return load(directory)


def load(directory: str | Path) -> Dataset:
    """Read a data set in MNIST's four files, such as MNIST itself, Fashion-MNIST or your own.

    Parameters
    ----------
    directory
        Holds the files, or torchvision's `raw` or `MNIST/raw` with the files. Their names may have a dash or a dot before
        `idx`, and may end in `.gz`; a plain file goes before a gzipped one.

    Raises
    ------
    HandmadeError
        If the directory or a file is missing, a file is not sound IDX, or the files do not fit together.
    """
    files = _find(as_path(directory, "directory"))
    train = _images(files["train images"], files["train labels"])
    test = _images(files["test images"], files["test labels"])
    if train.images.shape[1:] != test.images.shape[1:]:
        sizes = " and ".join("{} x {}".format(*part.images.shape[1:3]) for part in (train, test))
        raise HandmadeError(
            f"{str(directory)!r}: expected train and test images of one size, got {sizes}. Take both from one source."
        )
    return Dataset(train, test)


def prepare(images: ArrayLike, dtype: DTypeLike = np.float32) -> Array:
    """Scale images to 0 ... 1 and lay one pixel of zeros around each.

    Parameters
    ----------
    images
        (N, H, W, 1) or (N, H, W) integers from 0 to 255, such as uint8.
    dtype
        Any dtype of floats; the quotient by 255 is correctly rounded in it.

    Returns
    -------
    Array
        (N, H + 2, W + 2, 1), of `dtype` in native byte order.

    Raises
    ------
    HandmadeError
        If `images` is anything else, or `dtype` is no dtype of floats.
    """
    raw, floats = as_raw_images(images, "images"), as_dtype(dtype).newbyteorder("=")
    padded = np.pad(raw, ((0, 0), (1, 1), (1, 1), (0, 0)))  # (N, H + 2, W + 2, 1), still one byte a pixel
    prepared: Array = np.divide(padded, 255, dtype=floats)
    return prepared


def prepare_for(network: Network, dtype: DTypeLike | None = None) -> Callable[[NDArray[Any]], Array]:
    """Return the function from raw images (N, H, W, 1) to inputs of a network: its own preparation, or else `prepare`.

    The inputs are of the network's dtype, or of another. The layout of the preparation plays no part: that is known here.
    """
    check_network(network, "handmade.data.prepare_for(network)")
    own = network.preparation and replace(network.preparation, layout="NHWC")
    return partial(own or prepare, dtype=network.dtype if dtype is None else as_dtype(dtype))


def _find(directory: Path) -> dict[str, Path]:
    """Find the four files in one place: files of two places could belong to two data sets."""
    expected = f"{str(directory)!r}: expected a directory with MNIST's four files"
    try:
        found = [_files(directory / place) for place in _PLACES]
        odd = "" if directory.is_dir() else "a file" if directory.exists() else "no directory"
    except OSError as error:
        raise HandmadeError(f"{expected}, got: {error.strerror}. Check its permissions.") from error
    best = max(found, key=len)
    missing = {file: names[0] for file, names in _FILES.items() if file not in best}
    if missing:
        found_there = odd or f"no {' and no '.join(missing)}"
        looked = ", ".join(missing.values())
        raise HandmadeError(
            f"{expected}, got {found_there}. "
            f"Looked there, in raw and in MNIST/raw for {looked}, also with a dot before idx or .gz behind."
        )
    return best


def _files(place: Path) -> dict[str, Path]:
    present = {file: [place / name for name in names if (place / name).is_file()] for file, names in _FILES.items()}
    return {file: paths[0] for file, paths in present.items() if paths}


def _images(images_file: Path, labels_file: Path) -> Images:
    images, labels = _array(images_file, 3), _array(labels_file, 1)
    if len(images) != len(labels):
        raise HandmadeError(
            f"{str(images_file)!r} and {str(labels_file)!r}: expected one label for each image, "
            f"got {len(images)} images and {len(labels)} labels. Take both from one source."
        )
    if labels.max() > 9:
        raise HandmadeError(f"{str(labels_file)!r}: expected labels 0 to 9, got {labels.max()}. Leave the other classes out.")
    labelled = Images(images[..., None], labels.astype(np.int64))  # (N, H, W, 1), (N,)
    labelled.images.setflags(write=False)
    labelled.labels.setflags(write=False)
    return labelled


def _array(file: Path, dims: int) -> NDArray[np.uint8]:
    array = idx.read(file)
    if array.dtype != np.uint8 or array.ndim != dims or not array.size:
        raise HandmadeError(
            f"{str(file)!r}: expected uint8 of {dims} dimension{'s' * (dims > 1)}, at least one item, "
            f"got {array.dtype} {array.shape}. Check that the files are not mixed up."
        )
    return array
