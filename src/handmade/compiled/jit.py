"""Decorators of compiled loops, and notification about their compilation."""

from collections.abc import Callable
from typing import Any

import numba
from numba.core import event

from handmade.compiled.cache import Cache
from handmade.engine.compiling import notify_begin, notify_end

FLAGS = {"contract", "nsz"}  # x * y + z in one instruction, and -0 equals 0; infinities and NaN keep their meaning


def loops(function: Callable[..., Any]) -> Any:
    """Compile a function of nested loops when it is first called; it runs without the interpreter lock.

    Machine code is stored in the cache: see `cache.py`. Functions of other packages keep Numba's own cache.
    """
    return _compiled(function, FLAGS)


def exact_loops(function: Callable[..., Any]) -> Any:
    """Compile a function that rounds after each operation, as NumPy does."""
    return _compiled(function, set())


def _compiled(function: Callable[..., Any], flags: set[str]) -> Any:
    compiled: Any = numba.njit(nogil=True, fastmath=flags, error_model="numpy")(function)
    compiled._cache = Cache(function)  # noqa: SLF001  where Numba's `cache=True` puts its own
    return compiled


class _News(event.Listener):  # type: ignore[misc]  # Numba has few types
    """Listener that reports compilations of loops, except of loops that they call. Numba compiles one at a time."""

    def __init__(self) -> None:
        self._depth = 0

    def on_start(self, event: Any) -> None:
        cache = _cache_of(event)
        if cache is None:
            return
        self._depth += 1
        if self._depth == 1:
            notify_begin(event.data["dispatcher"].__name__, kept=cache.keeps())

    def on_end(self, event: Any) -> None:
        if _cache_of(event) is None:
            return
        self._depth -= 1
        if self._depth == 0:
            notify_end()


def _cache_of(event: Any) -> Cache | None:
    """Return the cache of the function that is compiled; None if it is not a loop of this package."""
    found = getattr(event.data["dispatcher"], "_cache", None)
    return found if isinstance(found, Cache) else None


event.register("numba:compile", _News())
