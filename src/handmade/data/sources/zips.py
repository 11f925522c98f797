"""Zip archives that are read without unpacking: harmful ones are refused before anything is decompressed."""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from handmade.data.sources.options import one_line
from handmade.data.sources.pictures import MOST_ENTRIES, Entry, in_memory
from handmade.engine.errors import HandmadeError
from handmade.files.images import LARGEST_FILE

METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
SMALL = 2**28  # bytes: an archive may always hold as much as this
MOST_COMPRESSED = 200  # ratio above which a larger archive is a bomb


@contextmanager
def opened(path: Path, source: str) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive whose members can be read safely.

    Raises
    ------
    HandmadeError
        If it is damaged, encrypted, holds links or paths outside it, or decompresses to far more than its size.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive.infolist(), path.stat().st_size, source)
            yield archive
    except OSError as error:
        raise HandmadeError(f"{source}: expected a zip that can be read; got: {error.strerror or error}. Check it") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError, OverflowError) as error:
        if isinstance(error, HandmadeError):
            raise
        raise HandmadeError(f"{source}: expected a complete zip; got a damaged one ({one_line(error)}). Make it again") from None


def entries(archive: zipfile.ZipFile, source: str) -> Iterator[Entry]:
    """Yield the members of an archive."""
    for member in archive.infolist():
        place = tuple(part for part in member.filename.split("/") if part not in {"", "."})
        if place:
            yield Entry(place, None if member.is_dir() else partial(_open, archive, member, source))


def _open(archive: zipfile.ZipFile, member: zipfile.ZipInfo, source: str) -> BinaryIO:
    """Return a member in memory; its size was checked, and its checksum is checked here."""
    name = repr(f"{source.strip(chr(39))}/{member.filename}")
    if member.file_size > LARGEST_FILE:
        raise HandmadeError(
            f"{name}: expected a picture file of at most {LARGEST_FILE >> 20} MB; got a larger one. Scale it down"
        )
    try:
        return in_memory(archive.read(member))
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
        raise HandmadeError(f"{name}: expected a complete file; got a damaged one ({one_line(error)}). Zip it again") from None


def _check(members: list[zipfile.ZipInfo], size: int, source: str) -> None:
    if len(members) > MOST_ENTRIES:
        raise HandmadeError(f"{source}: expected at most {MOST_ENTRIES:,} files, got {len(members):,}. Give fewer files")
    for member in members:
        name = member.filename
        if member.flag_bits & 1:
            raise HandmadeError(f"{source}: expected files without a password; {name!r:.80} is encrypted. Make a zip without one")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise HandmadeError(f"{source}: expected files; {name!r:.80} is a link. Make a zip of the files themselves")
        if name.startswith("/") or "\\" in name or ":" in name.partition("/")[0] or ".." in name.split("/"):
            raise HandmadeError(f"{source}: expected paths inside the archive, got {name!r:.80}. Make the zip again")
        if member.compress_type not in METHODS:
            raise HandmadeError(f"{source}: expected stored or deflated files; {name!r:.80} is compressed otherwise. Use zip -r")
    inside = sum(member.file_size for member in members)
    if sum(member.compress_size for member in members) > size:
        raise HandmadeError(f"{source}: expected files that do not overlap, got some that do. Download the zip again")
    if inside > max(SMALL, MOST_COMPRESSED * size):
        raise HandmadeError(
            f"{source}: expected a zip of at most {MOST_COMPRESSED} times its size; this one of {size:,} bytes would make "
            f"{inside:,}. Unpack it yourself if you trust it"
        )
