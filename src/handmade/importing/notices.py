"""Notices about a model of another library: a command prints them, whatever reads the model."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LISTENER: ContextVar[Callable[[str], object] | None] = ContextVar("listener", default=None)


@contextmanager
def listen(tell: Callable[[str], object]) -> Iterator[None]:
    """Pass notices of this thread to a function."""
    token = _LISTENER.set(tell)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def notify(text: str) -> None:
    """Pass a notice to the listener, if there is one."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(text)
