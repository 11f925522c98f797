"""The backend `compiled`: nested loops, compiled by Numba. No other part of the package imports it.

Numba is loaded when BACKEND is first asked for: whether it can be, and where the machine code lies, is known without it.
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
