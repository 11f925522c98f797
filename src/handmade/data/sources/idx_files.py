"""Data set in IDX files: MNIST, Fashion-MNIST and KMNIST in four files with the same names, EMNIST in files with its own names.

EMNIST's images are stored with rows and columns exchanged: image[i, j] = stored[j, i].
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handmade.data import idx
from handmade.data.dataset import numbered_classes
from handmade.data.sources import class_names
from handmade.data.sources.options import MOST_BYTES, Parts
from handmade.engine.arguments import as_path
from handmade.engine.errors import HandmadeError

_PLACES = ("", "raw", "MNIST/raw", "FashionMNIST/raw", "KMNIST/raw", "EMNIST/raw", "gzip")  # torchvision's, and the zip of EMNIST
_KINDS = {f"{part} {kind}": (part, kind, dims) for part in ("train", "test") for kind, dims in (("images", 3), ("labels", 1))}


def _names(prefixes: dict[str, str]) -> dict[str, list[str]]:
    """Return the names that each of the four files may have, given the beginnings of training and test files."""
    return {
        file: [f"{prefixes[part]}-{kind}{dot}idx{dims}-ubyte{end}" for end in ("", ".gz") for dot in "-."]
        for file, (part, kind, dims) in _KINDS.items()
    }


_FILES = _names({"train": "train", "test": "t10k"})
FILES = tuple(names[0] for names in _FILES.values())
_EMNIST = {split: _names({part: f"emnist-{split}-{part}" for part in ("train", "test")}) for split in class_names.EMNIST}


def is_here(directory: Path) -> bool:
    """Return True if the directory holds at least one of these files."""
    return any(_files(directory / place, names) for place in _PLACES for names in (_FILES, *_EMNIST.values()))


def splits_of(directory: Path) -> list[str]:
    """Return the splits of EMNIST in a directory."""
    return [split for split, names in _EMNIST.items() if any(_files(directory / place, names) for place in _PLACES)]


def has_all(directory: Path) -> bool:
    """Return True if the directory holds the four files with MNIST's names."""
    return any(len(_files(directory / place, _FILES)) == len(_FILES) for place in _PLACES)


def read(directory: str | Path, split: str | None = None, names: tuple[str, ...] | None = None) -> Parts:
    """Read a data set in four IDX files.

    Parameters
    ----------
    directory
        Holds the files, or `raw` of torchvision with the files. Their names may have a dash or a dot before `idx`, and may end in
        `.gz`; a plain file goes before a gzipped one.
    split : str, optional
        Split of EMNIST, such as "letters", if the directory has several.
    names : tuple of str, optional
        Names of the classes; those in classes.txt, or the numbers, if left out.

    Raises
    ------
    HandmadeError
        If the directory or a file is missing, a file is not sound IDX, or the files do not fit together.
    """
    folder = as_path(directory, "directory")
    source = repr(str(directory))
    try:
        splits = [] if any(_files(folder / place, _FILES) for place in _PLACES) else splits_of(folder)
    except OSError:
        splits = []  # reported below
    if split is None and len(splits) > 1:
        raise HandmadeError(
            f"{source}: expected one split of EMNIST, got {', '.join(splits)}. Try {str(folder / f'emnist-{splits[0]}')!r}"
        )
    split = split or (splits[0] if splits else None)
    place, files = _find(folder, _FILES if split is None else _EMNIST[split])
    parts = [_part(files[f"{part} images"], files[f"{part} labels"]) for part in ("train", "test")]
    if split is not None:
        parts = [(images.swapaxes(1, 2), labels) for images, labels in parts]
        names = class_names.EMNIST[split]
    names = names or class_names.of_folder(place)
    labels = [part[1] for part in parts]
    if split == "letters":
        labels = [each - np.uint8(1) for each in labels]  # 1 to 26 in the files; 0 becomes 255 and is refused
    if names is None:
        labels, names = numbered_classes(labels, source)
    for part, each in zip(("train", "test"), labels, strict=True):
        if each.max() >= len(names):
            file = str(files[f"{part} labels"])
            raise HandmadeError(f"{file!r}: expected labels 0 to {len(names) - 1}, got {each.max()}. Check the class names.")
    images = [np.ascontiguousarray(part[0])[..., None] for part in parts]  # (N, H, W, 1)
    return Parts((images[0], labels[0]), (images[1], labels[1]), names)


def _find(directory: Path, names: dict[str, list[str]]) -> tuple[Path, dict[str, Path]]:
    """Find the four files in one place: files of two places could belong to two data sets."""
    expected = f"{str(directory)!r}: expected a directory with MNIST's four files"
    try:
        found = {directory / place: _files(directory / place, names) for place in _PLACES}
        odd = "" if directory.is_dir() else "a file" if directory.exists() else "no directory"
    except OSError as error:
        raise HandmadeError(f"{expected}, got: {error.strerror}. Check its permissions.") from error
    place, best = max(found.items(), key=lambda pair: len(pair[1]))
    missing = {file: choices[0] for file, choices in names.items() if file not in best}
    if missing:
        found_there = odd or f"no {' and no '.join(missing)}"
        looked = ", ".join(missing.values())
        raise HandmadeError(
            f"{expected}, got {found_there}. "
            f"Looked there, in raw and in MNIST/raw for {looked}, also with a dot before idx or .gz behind."
        )
    return place, best


def _files(place: Path, names: dict[str, list[str]]) -> dict[str, Path]:
    present = {file: [place / name for name in choices if (place / name).is_file()] for file, choices in names.items()}
    return {file: paths[0] for file, paths in present.items() if paths}


def _part(images_file: Path, labels_file: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images, labels = _array(images_file, 3), _array(labels_file, 1)
    if len(images) != len(labels):
        raise HandmadeError(
            f"{str(images_file)!r} and {str(labels_file)!r}: expected one label for each image, "
            f"got {len(images)} images and {len(labels)} labels. Take both from one source."
        )
    return images, labels


def _array(file: Path, dims: int) -> NDArray[np.uint8]:
    array = idx.read(file, MOST_BYTES)
    if array.dtype != np.uint8 or array.ndim != dims or not array.size:
        raise HandmadeError(
            f"{str(file)!r}: expected uint8 of {dims} dimension{'s' * (dims > 1)}, at least one item, "
            f"got {array.dtype} {array.shape}. Check that the files are not mixed up."
        )
    return array
