"""External data: numbers of a model in files beside it. Refused, unless allowed; then never outside the model's folder."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from handmade.engine.errors import HandmadeError

KEYS = {"location", "offset", "length", "checksum"}


@dataclass(frozen=True)
class Folder:
    """Folder of a model; `path` is None if external data is not allowed, or the model is no file."""

    path: Path | None = None

    def read(self, entries: Iterable[Any], size: int, what: str) -> bytes:
        """Return the bytes of one tensor.

        Raises
        ------
        HandmadeError
            If external data is not allowed; if the file is not a regular file with one name inside the folder; if offset or
            length contradict the file or the `size` of the tensor.
        """
        keys = [entry.key for entry in entries]
        values = {entry.key: entry.value for entry in entries}
        location = values.get("location", "")
        if self.path is None:
            raise HandmadeError(
                f"{what}: expected all numbers in the model; it reads the file {location!r:.80}. "
                "Try external_data=True, if you trust the model"
            )
        if len(keys) != len(values) or not set(values) <= KEYS:
            raise HandmadeError(f"{what}: expected external data with {', '.join(sorted(KEYS))}; got {', '.join(keys):.80}")
        offset = _number(values.get("offset", "0"), "offset", what)
        length = _number(values.get("length", str(size)), "length", what)
        if length != size:
            raise HandmadeError(f"{what}: expected external data of {size:,} bytes; got a length of {length:,}")
        return _part(self._open(location, what), offset, length, what)

    def _open(self, location: str, what: str) -> int:
        """Return an open file of the folder; every part of its path is opened without following links."""
        assert self.path is not None
        parts = PurePosixPath(location).parts
        plain = location and "\0" not in location and "\\" not in location and ":" not in location
        if not plain or PurePosixPath(location).is_absolute() or not parts or ".." in parts:
            raise HandmadeError(f"{what}: expected external data inside the model's folder; got {location!r:.80}")
        path = self.path
        try:
            for part in parts:
                path /= part
                if path.is_symlink():
                    raise HandmadeError(f"{what}: expected external data without links; {location!r:.80} has one")
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            file = os.open(path, flags)
        except OSError as error:
            raise HandmadeError(f"{what}: expected external data in {location!r:.80}; it cannot be read ({error})") from None
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1:
            os.close(file)
            raise HandmadeError(f"{what}: expected external data in a regular file with one name; {location!r:.80} is none")
        return file


def _part(file: int, offset: int, length: int, what: str) -> bytes:
    with os.fdopen(file, "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if offset + length > size:
            raise HandmadeError(f"{what}: expected external data up to byte {offset + length:,}; the file has {size:,}")
        stream.seek(offset)
        return stream.read(length)


def _number(text: str, name: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise HandmadeError(f"{what}: expected {name} as an integer from 0; got {text!r:.80}")
    return int(text)
