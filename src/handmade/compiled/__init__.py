"""Backend `compiled`: nested loops, compiled by Numba. No other part of the package imports Numba.

Numba is loaded at the first access to BACKEND. The reason why it cannot be used, and the folder of the machine code, are known
without loading it.
"""

from importlib import import_module
from typing import Any

from handmade.compiled.usable import unusable

__all__ = ["BACKEND", "unusable"]


def __getattr__(name: str) -> Any:
    if name != "BACKEND":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = import_module("handmade.compiled.backend").BACKEND
    globals()[name] = found
    return found
