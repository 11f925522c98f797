"""Comparison of a worker with this process: what the last digits of a gradient depend on must be equal.

The bits of a sum depend on the versions of the libraries, on the length of vectors, and on the instructions that NumPy and its
BLAS choose for the processor.
"""

import hashlib
import platform
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from threadpoolctl import threadpool_info

from handmade.engine.errors import HandmadeError

PYTHON, LANES, INSTRUCTIONS, BLAS = "Python", "vector length", "vector instructions of NumPy", "BLAS of NumPy"
SAME_VERSION = "Install the same version there"
ADVICE = {
    PYTHON: "Use the same Python there",
    LANES: "Use machines of one kind, or set HANDMADE_LANES to the same number everywhere",
    INSTRUCTIONS: "Use machines of one kind, or set NPY_DISABLE_CPU_FEATURES to the same text everywhere",
    BLAS: "Install the same NumPy there, or set OPENBLAS_CORETYPE to the same name everywhere",
}
NONE = "none"


@cache
def facts() -> dict[str, str]:
    """Return what results of this process depend on, by name."""
    return {
        "handmade": version_of("handmade"),
        "NumPy": version_of("numpy"),
        "Numba": version_of("numba"),
        PYTHON: ".".join(platform.python_version_tuple()[:2]),
        LANES: _lanes(),
        INSTRUCTIONS: " ".join(np.show_config(mode="dicts")["SIMD Extensions"]["found"]) or NONE,
        BLAS: _blas(),
    }


@cache
def fingerprint() -> str:
    """Return a short text that is equal for equal facts."""
    return hashlib.sha256(repr(facts()).encode()).hexdigest()[:16]


def version_of(package: str) -> str:
    """Return the version of a package, "none" without it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return NONE


def difference_of(address: str, theirs: object) -> str | None:
    """Return one line on the first difference between a worker and this process; None if there is none.

    Parameters
    ----------
    address : str
        Address of the worker.
    theirs : dict or Exception
        Facts of the worker, or the exception that came instead.
    """
    if isinstance(theirs, HandmadeError):
        return f"worker {address}: {theirs}"  # such as a wrong HANDMADE_LANES there
    if not isinstance(theirs, dict):
        lost = f"{type(theirs).__name__}: {' '.join(str(theirs).split()):.120}"
        return f"worker {address}: expected handmade {facts()['handmade']}, which cannot be used there ({lost}). {SAME_VERSION}"
    for name, mine in facts().items():
        if (other := str(theirs.get(name, NONE))) != mine:
            return f"worker {address}: expected {name} {mine}, as here; got {other:.80}. {ADVICE.get(name, SAME_VERSION)}"
    return None


def _lanes() -> str:
    if import_module("handmade.compiled.usable").missing() is not None:
        return NONE
    return str(import_module("handmade.compiled.vectors").lanes())


def _blas() -> str:
    """Return the library that multiplies matrices for NumPy, with its version and its kind of processor."""
    found = sorted(
        " ".join(str(each[key]) for key in ("internal_api", "version", "architecture") if each.get(key))
        for each in threadpool_info()
        if each.get("user_api") == "blas" and "numpy" in str(each.get("filepath"))
    )
    return ", ".join(found) or NONE
