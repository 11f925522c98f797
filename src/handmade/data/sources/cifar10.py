"""CIFAR-10's binary files: records of one byte for the class, and 32 x 32 pixels for each of red, green and blue.

record = label, 1,024 red, 1,024 green, 1,024 blue

Source: A. Krizhevsky (2009), "Learning Multiple Layers of Features from Tiny Images", and the page of the data set.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handmade.data.sources import class_names
from handmade.data.sources.options import Parts, check_pixels
from handmade.engine.errors import HandmadeError

SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE  # bytes
FOLDER, NAMES, TEST = "cifar-10-batches-bin", "batches.meta.txt", "test_batch.bin"
PICKLED = "cifar-10-batches-py"


def is_here(folder: Path) -> bool:
    """Return True if a folder holds batches of CIFAR-10, or the folder of its archive."""
    return any((place / TEST).is_file() or bool(_batches(place)) for place in (folder, folder / FOLDER)) or is_pickled(folder)


def is_pickled(folder: Path) -> bool:
    """Return True for the version of pickle files, which are programs and are not read."""
    return any((place / "data_batch_1").is_file() for place in (folder, folder / PICKLED))


def read(folder: Path, source: str) -> Parts:
    """Read the training batches and the test batch.

    Raises
    ------
    HandmadeError
        If a file is missing, or is not made of such records.
    """
    place = folder if (folder / TEST).is_file() or _batches(folder) else folder / FOLDER
    batches = _batches(place)
    if not batches or not (place / TEST).is_file():
        if is_pickled(folder):
            raise HandmadeError(
                f"{source}: expected CIFAR-10's binary files; got its pickle files, which can contain programs. "
                "Try: handmade data fetch cifar-10"
            )
        missing = TEST if batches else "data_batch_1.bin"
        raise HandmadeError(f"{source}: expected data_batch_1.bin to data_batch_5.bin and {TEST}, got no {missing}. Add it")
    names = class_names.of_file(place / NAMES) if (place / NAMES).is_file() else class_names.CIFAR_10
    sizes = [path.stat().st_size for path in (*batches, place / TEST)]
    check_pixels(sum(sizes) // RECORD, (SIDE, SIDE, 3), source)
    train, test = _records(batches, len(names)), _records([place / TEST], len(names))
    return Parts(train, test, names)


def _batches(place: Path) -> list[Path]:
    return sorted(path for number in range(1, 10) if (path := place / f"data_batch_{number}.bin").is_file())


def _records(paths: list[Path], classes: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images, labels = [], []
    for path in paths:
        size = path.stat().st_size
        if size == 0 or size % RECORD:
            raise HandmadeError(
                f"{str(path)!r}: expected records of {RECORD:,} bytes, got {size:,} bytes. Download the file again"
            )
        try:
            records = np.fromfile(path, np.uint8).reshape(-1, RECORD)
        except OSError as error:
            raise HandmadeError(f"{str(path)!r}: expected a file that can be read; got: {error.strerror}. Check it") from None
        if records[:, 0].max() >= classes:
            raise HandmadeError(
                f"{str(path)!r}: expected labels 0 to {classes - 1}, got {records[:, 0].max()}. Check that it is CIFAR-10"
            )
        images.append(records[:, 1:].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1))
        labels.append(records[:, 0])
    return np.ascontiguousarray(np.concatenate(images)), np.concatenate(labels)
