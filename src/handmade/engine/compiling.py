"""News of compiling: a backend that compiles its loops says when it begins and when it is done, for whoever wants to show it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def watch(begins: Callable[..., None], ends: Callable[[], None]) -> Iterator[None]:
    """Tell of all compiling in this process, as long as the context lasts.

    Parameters
    ----------
    begins : callable
        Called as `begins(loop, kept=True)` when a loop is about to be compiled: its name, and whether its machine code is kept
        for other processes. Calls may come from any thread, one at a time.
    ends : callable
        Called as `ends()` when it is done, or has failed.
    """
    pair = (begins, ends)
    _WATCHERS.append(pair)
    try:
        yield
    finally:
        _WATCHERS.remove(pair)


def notify_begin(loop: str, *, kept: bool) -> None:
    """Say that a loop is about to be compiled."""
    for begins, _ in tuple(_WATCHERS):
        begins(loop, kept=kept)


def notify_end() -> None:
    """Say that it is done, or has failed."""
    for _, ends in tuple(_WATCHERS):
        ends()


_WATCHERS: list[tuple[Callable[..., None], Callable[[], None]]] = []
