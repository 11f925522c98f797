"""Reasons why the compiled backend cannot be used here: no Numba, a too old or broken one, a processor without vectors.

Each reason is one line with advice.
"""

import os
import platform
import re
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

import numpy as np

from handmade.engine.extras import install_command, installer

OLDEST = (0, 61)  # of Numba: the first version that supports NumPy 2.1
INSTALL = f"Try {install_command('compiled')}"
FUSED = {"x86_64": "fma", "amd64": "fma", "aarch64": None, "arm64": None}  # and a feature that some lack


@cache
def unusable() -> str | None:
    """Return the reason why the backend cannot be used, in one line; None if it can. Numba is imported if it seems to work."""
    return missing() or _does_not_load()


@cache
def missing() -> str | None:
    """Return a reason that is found without importing Numba; None if there is none."""
    return _not_installed() or _switched_off() or _without_fused_products()


@cache
def numba_version() -> str | None:
    """Return the version of Numba, without importing it; None if it is absent or its version is unknown."""
    try:
        return version("numba")
    except PackageNotFoundError:
        return None


def _not_installed() -> str | None:
    absent = [name for name in ("Numba", "llvmlite") if not _is_there(name.lower())]
    if absent:
        return f"{absent[0]} is not installed. {INSTALL}"
    found = numba_version()
    if found and _numbers(found) < OLDEST:
        return f"Numba {found} is too old: expected {'.'.join(map(str, OLDEST))} or later. {INSTALL}"
    bound = _numpy_below()
    if bound and _numbers(np.__version__) >= _numbers(bound):
        advice = f"{INSTALL} 'numpy<{bound}', which finds two that fit"
        return f"Numba {found} needs NumPy below {bound}; this is NumPy {np.__version__}. {advice}"
    return None


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # a loaded module of this name has no information about its origin
        return False


def _numbers(text: str) -> tuple[int, ...]:
    """Return the first two numbers of a version: (0, 61) of 0.61.2rc1."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])


def _numpy_below() -> str | None:
    """Return the first version of NumPy that this Numba does not support, according to its package."""
    if numba_version() is None:
        return None
    for line in requires("numba") or ():
        if re.match(r"numpy\b", line) and (found := re.search(r"<\s*(\d+\.\d+)", line)):
            return found[1]
    return None


def _switched_off() -> str | None:
    if os.environ.get("NUMBA_DISABLE_JIT", "0") in {"", "0"}:
        return None
    return "the variable NUMBA_DISABLE_JIT keeps Numba from compiling. Try: unset NUMBA_DISABLE_JIT"


def _without_fused_products() -> str | None:
    """Return the reason if x * y + z is not one instruction here: then it would be a function call for each number."""
    machine = platform.machine().lower()
    if machine not in FUSED:
        return f"the compiled loops run on {' and '.join(FUSED)}; this processor is {machine or 'unknown'}. Try the backend plain"
    try:
        llvm = import_module("llvmlite.binding")
    except Exception as error:  # noqa: BLE001  a broken library may raise any error
        return _broken("llvmlite", error)
    if FUSED[machine] and not llvm.get_host_cpu_features().get(FUSED[machine]):
        return "this processor has no fused multiply-add, which the compiled loops need. Try the backend plain"
    return None


def _does_not_load() -> str | None:
    try:
        import_module("numba")
    except Exception as error:  # noqa: BLE001  with another NumPy, Numba may raise SystemError
        return _broken("Numba", error)
    try:
        import_module("handmade.compiled.backend")
    except ImportError as error:  # errors of our own are not hidden
        if (error.name or "").partition(".")[0] not in {"numba", "llvmlite"}:
            raise
        return _broken("Numba", error)
    return None


def _broken(library: str, error: Exception) -> str:
    text = " ".join(str(error).split())
    found = f" {numba_version()}" if library == "Numba" and numba_version() else ""
    package = library.lower()
    return f"{library}{found} cannot be used ({type(error).__name__}: {text:.120}). Try {installer()} --force-reinstall {package}"
