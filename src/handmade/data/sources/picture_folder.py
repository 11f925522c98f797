"""Files below a folder, as entries of a data set of pictures by class. Links are followed, but no folder is entered twice."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from handmade.data.sources.pictures import MOST_ENTRIES, Entry, Place
from handmade.engine.errors import HandmadeError

DEEPEST = 16


def entries(folder: Path, source: str) -> Iterator[Entry]:
    """Yield files and empty folders below a folder, at most two million.

    Raises
    ------
    HandmadeError
        If a folder cannot be listed, or there are too many files.
    """
    for count, entry in enumerate(_below(folder, (), set())):
        if count >= MOST_ENTRIES:
            raise HandmadeError(f"{source}: expected at most {MOST_ENTRIES:,} files, got more. Give a folder of pictures alone")
        yield entry


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _below(folder: Path, place: Place, entered: set[tuple[int, int]]) -> Iterator[Entry]:
    try:
        status = folder.stat()
        with os.scandir(folder) as listing:
            found = sorted(listing, key=lambda each: each.name)
    except OSError as error:
        raise HandmadeError(f"{str(folder)!r}: expected a folder that can be read; got: {error.strerror}. Check it") from None
    identity = status.st_dev, status.st_ino
    if (identity in entered and status.st_ino) or len(place) > DEEPEST:
        return
    entered.add(identity)
    if place and not found:
        yield Entry(place, None)
    for each in found:
        path = folder / each.name
        if each.is_dir() and not each.name.startswith("."):
            yield from _below(path, (*place, each.name), entered)
        elif each.is_file():  # not for a named pipe, which would never end
            yield Entry((*place, each.name), partial(_open, path))
