"""Data set of picture files by class: `a/1.png`, `b/2.png`, perhaps below folders `train` and `test`.

The same code reads a folder and a zip: both are lists of entries, each with a path and a way to open it.
"""

import importlib.util
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import PurePosixPath
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from handmade.data.sources import class_names
from handmade.data.sources.options import LONGEST_SIDE, LUMINANCE, Parts, ReadOptions, check_pixels, resized
from handmade.engine.errors import HandmadeError
from handmade.engine.extras import not_installed
from handmade.files.images import read_pixels

SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
TRAIN, TEST, VALIDATION = {"train", "training"}, {"test", "testing"}, {"val", "valid", "validation"}
MOST_ENTRIES = 2_000_000
HIDDEN = {"__macosx", "thumbs.db", "desktop.ini"}
Place: TypeAlias = tuple[str, ...]  # folders and file name below the root


@dataclass(frozen=True)
class Entry:
    """File below the root, or an empty folder, which has nothing to open."""

    place: Place
    open: Callable[[], BinaryIO] | None

    @property
    def is_hidden(self) -> bool:
        """True for files of the system."""
        return any(part.startswith(".") or part.lower() in HIDDEN for part in self.place)

    @property
    def is_picture(self) -> bool:
        """True for a file with the ending of a picture."""
        return self.open is not None and PurePosixPath(self.place[-1]).suffix.lower() in SUFFIXES


def read(entries: Iterable[Entry], source: str, options: ReadOptions) -> Parts:
    """Read all pictures; each folder is a class.

    Parameters
    ----------
    entries : iterable of Entry
        Files and empty folders.
    source : str
        Name of the data, for messages.
    options : ReadOptions
        Size, grey and unreadable pictures are dealt with here, picture by picture.

    Raises
    ------
    HandmadeError
        If there are no classes, a class has no pictures, a picture cannot be read, or the pictures have different sizes.
    """
    if importlib.util.find_spec("PIL") is None:
        raise HandmadeError(not_installed("pictures by class", "Pillow", "images"))
    everything = list(entries)
    seen = [entry for entry in everything if not entry.is_hidden]
    others = sum(not entry.is_picture for entry in seen if entry.open is not None)
    ignored = [_counted(len(everything) - len(seen), "hidden file"), _counted(others, "file of another type")]
    pictures = _without_wrapper([entry for entry in seen if entry.is_picture or entry.open is None])
    train, test, outside = _in_parts(pictures)
    loose = sum(len(entry.place) < 2 for entry in (*train, *test) if entry.open is not None)
    ignored.append(_counted(outside + loose, "picture outside the folders of the classes"))
    classes = _classes(train, test, source)
    if loose:
        train, test = ([entry for entry in part if len(entry.place) > 1] for part in (train, test))
    reading = _Reading(source, options)
    found = [reading.images(part, classes) for part in (train, test) if part]
    _check_all_there(train, found, classes, source)
    arrays = [(reading.together(images), labels) for images, labels in found]
    ignored.append(_counted(reading.unreadable, "picture that cannot be read"))
    texts = [text for text in ignored if text]
    remarks = [f"{source}: left out: {', '.join(texts)}."] if texts else []
    return Parts(arrays[0], arrays[1] if len(arrays) > 1 else None, classes, tuple(remarks))


@dataclass
class _Reading:
    """Reading of pictures one by one, with the size and the unreadable ones so far."""

    source: str
    options: ReadOptions
    first: tuple[str, tuple[int, ...]] | None = None
    colour: bool = False
    unreadable: int = 0
    count: int = 0

    def images(self, entries: Sequence[Entry], classes: tuple[str, ...]) -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
        """Return the pictures of a part, which may have one or three channels, and their labels."""
        images, labels = [], []
        numbers = {name: number for number, name in enumerate(classes)}
        files = _alternating([entry for entry in entries if entry.open is not None])
        self.count += len(files)
        for entry in files:
            image = self._image(entry)
            if image is not None:
                images.append(image)
                labels.append(numbers[entry.place[0]])
        return images, np.array(labels, np.int64)

    def together(self, images: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Return one array (N, H, W, C): all pictures in colour unless all are grey."""
        channels = 3 if self.colour else 1
        return np.stack([image if image.shape[2] == channels else np.repeat(image, channels, axis=2) for image in images])

    def _image(self, entry: Entry) -> NDArray[np.uint8] | None:
        name = repr(f"{self.source.strip(chr(39))}/{'/'.join(entry.place)}")
        try:
            assert entry.open is not None
            with entry.open() as file:
                image, size, _ = read_pixels(file, name)
        except OSError as error:
            self._leave_out(f"{name}: expected a picture that can be read; got: {error.strerror or error}. Check the file")
            return None
        except HandmadeError as error:
            self._leave_out(str(error))
            return None
        if self.options.resize is None and image.shape[:2] != size:
            raise HandmadeError(
                f"{name}: expected a picture of at most {LONGEST_SIDE:,} pixels on a side, got {size[0]:,} x {size[1]:,}. "
                "Try resize='64x64'"
            )
        if self.options.grey and image.shape[2] == 3:
            image = np.rint(image @ LUMINANCE)[..., None].astype(np.uint8)
        if self.options.resize is not None and image.shape[:2] != self.options.resize:
            image = np.rint(resized(image, self.options.resize)).astype(np.uint8)
        self._check_size(name, image)
        return image

    def _leave_out(self, reason: str) -> None:
        if not self.options.skip_unreadable:
            raise HandmadeError(f"{reason}. Or leave such pictures out with skip_unreadable=True")
        self.unreadable += 1

    def _check_size(self, name: str, image: NDArray[np.uint8]) -> None:
        colour = self.colour or image.shape[2] == 3
        if self.first is None or colour != self.colour:
            check_pixels(self.count, (*image.shape[:2], 3 if colour else 1), self.source)
        self.colour = colour
        if self.first is None:
            self.first = name, image.shape[:2]
        if image.shape[:2] != self.first[1]:
            height, width = self.first[1]
            raise HandmadeError(
                f"{name}: expected pictures of one size, {height} x {width} as {self.first[0]}; "
                f"got {image.shape[0]} x {image.shape[1]}. Try resize='{height}x{width}'"
            )


def _alternating(files: list[Entry]) -> list[Entry]:
    """Return the files in an order in which the classes alternate, so that the first images are of all classes."""
    seen = Counter[str]()
    ranks = []
    for entry in sorted(files, key=lambda entry: entry.place):
        ranks.append((seen[entry.place[0]], entry.place, entry))
        seen[entry.place[0]] += 1
    return [entry for _, _, entry in sorted(ranks, key=lambda each: each[:2])]


def _without_wrapper(entries: list[Entry]) -> list[Entry]:
    """Return the entries without folders around all of them, as zips often have."""
    while entries and len({entry.place[0] for entry in entries}) == 1 and all(len(entry.place) > 2 for entry in entries):
        entries = [replace(entry, place=entry.place[1:]) for entry in entries]
    return entries


def _in_parts(entries: list[Entry]) -> tuple[list[Entry], list[Entry], int]:
    """Return training and test entries below their folders, and the number of pictures in neither."""
    tops = {entry.place[0].lower() for entry in entries if len(entry.place) > 1}
    test = TEST if tops & TEST else VALIDATION
    if not (tops & TRAIN and tops & test):
        return entries, [], 0
    below = [entry for entry in entries if len(entry.place) > 1]
    parts = [
        [replace(entry, place=entry.place[1:]) for entry in below if entry.place[0].lower() in names] for names in (TRAIN, test)
    ]
    outside = sum(entry.open is not None and entry.place[0].lower() not in TRAIN | test for entry in entries)
    return parts[0], parts[1], outside


def _classes(train: list[Entry], test: list[Entry], source: str) -> tuple[str, ...]:
    """Return the names of the classes: the folders, in the order of their numbers if all are numbers, else of the alphabet."""
    folders = {entry.place[0] for entry in (*train, *test) if len(entry.place) > 1 or entry.open is None}
    if not folders:
        got = f"{len(train)} pictures without one" if train else "no pictures"
        raise HandmadeError(
            f"{source}: expected pictures in a folder for each class, as cat/1.png; got {got}. "
            f"Pictures end in {', '.join(sorted(SUFFIXES))}. Move them into folders named after their classes"
        )
    are_numbers = all(name.isascii() and name.isdigit() and len(name) < 10 for name in folders)
    names = tuple(sorted(folders, key=(lambda name: (int(name), name)) if are_numbers else None))
    class_names.check(names, source)
    return names


def _check_all_there(
    train: list[Entry], found: Sequence[tuple[object, NDArray[np.int64]]], classes: tuple[str, ...], source: str
) -> None:
    """Raise HandmadeError if a class has no picture to train on."""
    counts = Counter(found[0][1].tolist()) if found else Counter[int]()
    empty = next((name for number, name in enumerate(classes) if not counts[number]), None)
    if empty is not None:
        files = sum(entry.place[0] == empty and entry.open is not None for entry in train)
        got = "none that can be read" if files else "none"
        raise HandmadeError(f"{source}: expected pictures of each class, got {got} of {empty!r:.60}. Add some, or remove it")


def _counted(count: int, what: str) -> str:
    """Return "3 hidden files"; nothing for none."""
    noun, _, rest = what.partition(" ") if what.startswith(("picture", "file")) else (what, "", "")
    plural = "s" if count > 1 else ""
    return f"{count:,} {noun}{plural}{' ' if rest else ''}{rest}" if count else ""


def in_memory(content: bytes) -> BinaryIO:
    """Return bytes as an open file."""
    return BytesIO(content)
