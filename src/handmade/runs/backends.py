"""Backend of a run: the implementation that computes it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

from handmade.engine import backend
from handmade.engine.errors import HandmadeError
from handmade.runs.fields import SettingError

LIGHT = "plain"


def use_backend(name: str | None) -> AbstractContextManager[Any]:
    """Use a backend during the context; if this thread already uses it, its options stay the same."""
    if name is None or (backend.is_chosen() and name == backend.chosen()[0]):
        return nullcontext()
    return backend.use_backend(name)


def use_light_backend() -> AbstractContextManager[Any]:
    """Use the backend that loads fastest, unless one was chosen; for short computations."""
    return nullcontext() if backend.is_chosen() else backend.use_backend(LIGHT)


def backend_name(name: str | None) -> str:
    """Return the name of the backend for the setting `name`; None stands for the current one.

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
        raise SettingError("backend", str(error).removeprefix("backend: ")) from None


def resumed_backend(name: str | None) -> str | None:
    """Return the backend of a resumed run: the earlier one, or None (the default) if it cannot be used here."""
    return name if name in backend.BACKENDS and backend.unusable(name) is None else None


def lanes(name: str | None) -> int | None:
    """Return the vector length of a backend if its sums depend on it; else None."""
    return import_module("handmade.compiled.vectors").lanes() if name == "compiled" else None


def slow_backend_note(requested: Any) -> tuple[str, ...]:
    """Return a line if the fastest backend cannot be used and no other was requested; else no line."""
    fastest, *others = backend.BACKENDS
    if backend.is_chosen() or requested in others or (reason := backend.unusable(fastest)) is None:
        return ()
    return (f"Training uses the backend {backend.chosen()[0]}, which is several times slower than {fastest}: {reason}",)


def backend_change_note(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a line if a resumed run uses another backend or another vector length than before; else no line."""
    if "backend" not in before or (before["backend"], before.get("lanes")) == (now["backend"], now.get("lanes")):
        return ()
    old, new = (_description(each.get("backend"), each.get("lanes")) for each in (before, now))
    return (f"This run began with the backend {old} and continues with {new}: the numbers may differ in their last digits",)


def _description(name: Any, vector: Any) -> str:
    """Return a backend as text; values from a record may have any type."""
    return f"{name!s:.40}" + (f" with {vector!s:.10} lanes" if vector is not None else "")
