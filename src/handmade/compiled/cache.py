"""Machine code of compiled loops on disk: one file for each loop and the types of its arguments.

    NAME-HASH.code  =  sha256(key, code), code          HASH: of the key (the function, its file, the types, the processor)

A file that is damaged, cut off or from another program counts as absent: its digest is checked before its content is used. Files
are written under a temporary name and then renamed, so that several processes can write. If writing fails, nothing is stored.
"""

import os
import pickle
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from numba.core import config
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from handmade.compiled.cache_folder import folder
from handmade.files.atomic import write_all

DIGEST = 32  # bytes
HOUR = 3600
SWITCHES = ("OPT", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "DISABLE_INTEL_SVML")  # of Numba


class Cache(NullCache):  # type: ignore[misc]  # Numba has few types
    """Cache of one function; it replaces Numba's own. Nothing is read before the first call of the function.

    Parameters
    ----------
    function : callable
        Function of a module. A closure is compiled in every process.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function: Any = function

    @property
    def cache_path(self) -> str | None:
        """Folder of the machine code, for Numba's statistics."""
        place = folder()
        return None if place is None else str(place)

    def keeps(self) -> bool:
        """Return True if another process can load the machine code."""
        return folder() is not None and bool(self._own)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the machine code for these argument types; None if there is none."""
        target_context.refresh()
        key, path = self._place(sig, target_context.codegen())
        code = None if path is None else _read(path, key)
        if code is None:
            return None
        try:
            return CompileResult._rebuild(target_context, *pickle.loads(code))  # noqa: S301, SLF001  the digest is right
        except Exception:  # noqa: BLE001  for any error the code is compiled again
            _remove(path)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Store machine code. If this fails, it will be compiled again."""
        key, path = self._place(sig, data.codegen)
        if path is None or data.library.has_dynamic_globals:
            return
        with suppress(OSError, pickle.PicklingError):
            _write(path, key, dumps(data._reduce()))  # noqa: SLF001  as Numba does

    @cached_property
    def _own(self) -> bytes:
        """Return bytes that identify this function; empty if that is impossible."""
        code = self._function.__code__
        try:
            source = Path(code.co_filename).read_bytes()
        except OSError:
            return b""
        if self._function.__closure__:
            return b""
        name: str = f"{self._function.__module__}.{self._function.__qualname__} {code.co_firstlineno}\n"
        mark: bytes = name.encode() + sha256(source).digest() + code.co_code
        return mark

    def _place(self, sig: Any, codegen: Any) -> tuple[bytes, Path | None]:
        """Return the key for these argument types, and its file; None for the file if it could not be found again."""
        types, place = str(sig), folder()
        if place is None or not self._own or " at 0x" in types:  # a function as an argument has no permanent name
            return b"", None
        switches = [str(getattr(config, name, None)) for name in SWITCHES]
        key = self._own + "\n".join([types, *map(str, codegen.magic_tuple()), *switches]).encode()
        return key, place / f"{self._function.__name__}-{sha256(key).hexdigest()[:32]}.code"


def _read(path: Path, key: bytes) -> bytes | None:
    """Return the code in a file; None if there is no file. A file with a wrong digest is removed."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        content = b""
    if content[:DIGEST] != sha256(key + content[DIGEST:]).digest():
        _remove(path)
        return None
    return content[DIGEST:]


def _write(path: Path, key: bytes, code: bytes) -> None:
    """Write a complete file, or none."""
    _sweep(path.parent)
    handle, beside = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        try:
            write_all(handle, sha256(key + code).digest() + code)
        finally:
            os.close(handle)
        Path(beside).replace(path)
    except BaseException:
        _remove(Path(beside))
        raise


def _sweep(place: Path) -> None:
    """Remove temporary files of processes that were killed while they wrote."""
    for path in place.glob("*.tmp"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > HOUR:
                path.unlink()


def _remove(path: Path | None) -> None:
    if path is not None:
        with suppress(OSError):
            path.unlink()
