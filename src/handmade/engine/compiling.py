"""News of compiling: a backend that compiles its loops says when it begins and when it is done, for whoever wants to show it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Watcher(Protocol):
    """Whoever wants to know when loops are compiled. Calls may come from any thread, one at a time."""

    def begins(self, loop: str, *, kept: bool) -> None:
        """Take note that a loop is about to be compiled; `kept`: its machine code will be found again in the cache."""
        ...

    def ends(self) -> None:
        """Take note that it is done, or has failed."""
        ...


@contextmanager
def watch(watcher: Watcher) -> Iterator[None]:
    """Tell a watcher of all compiling in this process, as long as the context lasts."""
    _WATCHERS.append(watcher)
    try:
        yield
    finally:
        _WATCHERS.remove(watcher)


def watchers() -> tuple[Watcher, ...]:
    """Return those who want to know."""
    return tuple(_WATCHERS)


_WATCHERS: list[Watcher] = []
