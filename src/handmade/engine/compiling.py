"""Notification about compilation: a backend reports when it begins and when it ends to compile a loop, such as for a display."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def watch(begins: Callable[..., None], ends: Callable[[], None]) -> Iterator[None]:
    """Call two functions before and after each compilation in this process, as long as the context lasts.

    Parameters
    ----------
    begins : callable
        Called as `begins(loop, kept=True)` before a loop is compiled. `loop` is its name; `kept` is True if its machine code is
        kept for other processes. Calls may come from any thread, one at a time.
    ends : callable
        Called as `ends()` when the compilation is done, or has failed.
    """
    pair = (begins, ends)
    _WATCHERS.append(pair)
    try:
        yield
    finally:
        _WATCHERS.remove(pair)


def notify_begin(loop: str, *, kept: bool) -> None:
    """Report that a loop is about to be compiled."""
    for begins, _ in tuple(_WATCHERS):
        begins(loop, kept=kept)


def notify_end() -> None:
    """Report that the compilation is done, or has failed."""
    for _, ends in tuple(_WATCHERS):
        ends()


_WATCHERS: list[tuple[Callable[..., None], Callable[[], None]]] = []
