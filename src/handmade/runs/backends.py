"""The backend of a run: the implementation that computes it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

from handmade.engine import backend
from handmade.engine.errors import HandmadeError
from handmade.runs.fields import SettingError

LIGHT = "plain"


def use_backend(name: str | None) -> AbstractContextManager[Any]:
    """Compute with a backend as long as the context lasts; a choice of this thread for the same backend stays as it is."""
    if name is None or (backend.is_chosen() and name == backend.chosen()[0]):
        return nullcontext()
    return backend.use_backend(name)


def use_light_backend() -> AbstractContextManager[Any]:
    """Compute a little: without a choice, the backend that loads in no time, whatever is faster for much work."""
    return nullcontext() if backend.is_chosen() else backend.use_backend(LIGHT)


def backend_name(name: str | None) -> str:
    """Return the name of the backend that is used where `name` is asked for.

    Raises
    ------
    SettingError
        If there is no such backend.
    """
    if name is None:
        return backend.current().name
    try:
        with use_backend(name):
            return backend.current().name
    except HandmadeError as error:
        raise SettingError("backend", str(error)) from None


def backend_again(name: str | None) -> str | None:
    """Return the backend with which a run goes on: that of before, or None for the default where it cannot be used here."""
    return name if name in backend.BACKENDS and backend.unusable(name) is None else None


def lanes(name: str | None) -> int | None:
    """Return the numbers in a vector of a backend whose sums depend on them; None for the others."""
    return import_module("handmade.compiled.vectors").lanes() if name == "compiled" else None


def slower(asked: Any) -> tuple[str, ...]:
    """Return a line if a run has to do with a slower backend, which nobody has asked for; no line otherwise."""
    fastest, *others = backend.BACKENDS
    if backend.is_chosen() or asked in others or (reason := backend.unusable(fastest)) is None:
        return ()
    return (f"Training uses the backend {backend.chosen()[0]}, which is several times slower than {fastest}: {reason}",)


def goes_on_with(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a line if a run goes on with another backend or another length of vectors than before; no line otherwise."""
    if "backend" not in before or (before["backend"], before.get("lanes")) == (now["backend"], now.get("lanes")):
        return ()
    began, goes_on = (_told(each.get("backend"), each.get("lanes")) for each in (before, now))
    return (f"This run was begun on backend {began}; it goes on with {goes_on}: the numbers may differ in their last digits",)


def _told(name: Any, vector: Any) -> str:
    """Return the words for a backend; what a record says may be of any kind."""
    return f"{name!s:.40}" + (f" with {vector!s:.10} lanes" if vector is not None else "")
