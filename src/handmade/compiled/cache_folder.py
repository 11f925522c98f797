"""Folder of the machine code, private to this user.

    BASE / code-HASH         HASH: of all files in this package, all versions, and the processor

BASE is $HANDMADE_CACHE, else handmade/ in the user's cache folder, else a folder among the temporary files. Machine code is read
with pickle, and then run. So a folder is used only if it belongs to this user, and no other user may write to it. Without such a
folder, loops are compiled in every process.
"""

import os
import platform
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import llvmlite.binding as llvm

from handmade.compiled.vectors import processor_features

VARIABLE = "HANDMADE_CACHE"
OURS = re.compile(r"code-[0-9a-f]{32}")
KEPT = 8  # folders: other processors and other versions of handmade may use the same base
LONGEST = 28 * 86400  # seconds without use, after which a folder is removed
DAY = 86400
IMPORTED = time.time()


@dataclass(frozen=True)
class Found:
    """Folder of the machine code.

    Attributes
    ----------
    path : Path or None
        The folder; None if none can be used.
    problems : tuple of str
        Reasons why earlier candidates cannot be used.
    """

    path: Path | None
    problems: tuple[str, ...] = ()


@cache
def folder() -> Path | None:
    """Return the folder of this process, created if necessary; None if none can be used."""
    return find(make=True).path


def find(*, make: bool) -> Found:
    """Return the first folder that can be used; with `make`, create it."""
    try:
        name = f"code-{_hash()}"
    except (OSError, PackageNotFoundError) as error:
        return Found(None, (f"the loops or their versions cannot be read: {error}",))
    if _changed():
        return Found(None, ("the loops were changed after this process had loaded them",))
    problems: list[str] = []
    for base in _bases():
        new = not os.path.lexists(base / name)
        problem = _problem_with(base, make=make) or _problem_with(base / name, make=make)
        if problem is None:
            if make:
                _remove_old(base, base / name, new=new)
            return Found(base / name, tuple(problems))
        problems.append(problem)
    return Found(None, tuple(problems))


def _bases() -> Iterator[Path]:
    """Yield the candidates for BASE, in order of preference."""
    if os.environ.get(VARIABLE):
        with suppress(OSError):  # the current folder may have been deleted
            yield Path(os.environ[VARIABLE]).absolute()
        return
    cache_folder = _users_cache()
    if cache_folder is not None:
        yield cache_folder / "handmade"
    with suppress(OSError):
        yield Path(tempfile.gettempdir()).absolute() / (f"handmade-{os.geteuid()}" if os.name == "posix" else "handmade")


def _users_cache() -> Path | None:
    """Return the folder of this user's caches; None without a home."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else None
    given = os.environ.get("XDG_CACHE_HOME", "")
    if sys.platform != "darwin" and Path(given).is_absolute():
        return Path(given)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if home == Path(home.anchor) or not (home.is_absolute() and _is_folder(home)):  # an empty HOME gives /
        return None
    return home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"


def _problem_with(path: Path, *, make: bool) -> str | None:
    """Return the reason why a folder cannot be used; None if it is private. With `make`, create it."""
    try:
        if make:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif not os.path.lexists(path):
            return _could_be_made(path)
        link, found = path.lstat(), path.stat()
    except OSError as error:
        return f"{path}: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode):
        return f"{path}: expected a folder"
    if os.name == "posix" and {link.st_uid, found.st_uid} != {os.geteuid()}:
        return f"{path} belongs to another user"
    if os.name == "posix" and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"{path}: others may write to it. Try chmod 700"
    return None


def _could_be_made(path: Path) -> str | None:
    parent = next(each for each in path.parents if os.path.lexists(each))
    return None if _is_folder(parent) and os.access(parent, os.W_OK) else f"{path}: no folder can be made there"


def _is_folder(path: Path) -> bool:
    """Return True for a folder. Unlike Path.is_dir, return False without permission to look."""
    return os.path.isdir(path)  # noqa: PTH112


def _files() -> list[Path]:
    """Return the source files of the machine code."""
    here = Path(__file__).parent
    return sorted(path for path in here.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


@cache
def _hash() -> str:
    """Return a digest of everything that the machine code depends on."""
    found = sha256()
    for path in _files():
        found.update(f"{path.relative_to(Path(__file__).parent).as_posix()} {path.stat().st_size}\n".encode())
        found.update(path.read_bytes())
    versions = [f"{name} {version(name)}" for name in ("numba", "llvmlite", "numpy")]
    processor = [platform.machine(), llvm.get_host_cpu_name(), processor_features().flatten()]
    found.update("\n".join([*versions, sys.version, *processor]).encode())
    return found.hexdigest()[:32]


def _changed() -> bool:
    """Return True if a file was changed after this process began: the loops in memory may be older than the files."""
    return any(IMPORTED < path.stat().st_mtime <= time.time() for path in _files())


def _remove_old(base: Path, own: Path, *, new: bool) -> None:
    """Mark the folder as used. If it is new, remove old folders of other versions, except for a few."""
    with suppress(OSError):
        if time.time() - own.stat().st_mtime > DAY:
            os.utime(own)
        if not new:
            return
        others = [path for path in base.iterdir() if OURS.fullmatch(path.name) and path != own and not path.is_symlink()]
        newest = sorted(((path.stat().st_mtime, path) for path in others), reverse=True)
        for rank, (used, path) in enumerate(newest, start=2):
            if rank > KEPT or time.time() - used > LONGEST:
                shutil.rmtree(path, ignore_errors=True)
