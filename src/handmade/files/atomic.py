"""Atomic writing: a temporary file in the same folder is written and synced to the disk, then renamed to the final name."""

import os
import tempfile
from pathlib import Path
from threading import Lock

UMASK = Lock()


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path` completely or not at all. After a failure, the old file is unchanged and no partial file remains.

    Raises
    ------
    OSError
        If the folder cannot be written to, or the disk is full.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # with the name of the final file
    temporary = Path(name)
    try:
        try:
            write_all(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_all(handle: int, content: bytes) -> None:
    """Write `content` to an open file. No file object is made, because an interrupt before its `with` would leave it open."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def remove_temporary_files(folder: Path, names: str) -> None:
    """Remove temporary files of writers that were killed; `names` is a glob pattern of the final names."""
    for left in folder.glob(f".{names}.*.tmp"):
        left.unlink(missing_ok=True)


def _umask() -> int:
    with UMASK:  # two threads at once could leave the mask 0
        mask = os.umask(0)
        os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Sync the rename itself to the disk; only POSIX systems can open a folder for that."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
