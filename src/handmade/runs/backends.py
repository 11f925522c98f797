"""The backend of a run: the implementation that computes it."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from handmade.engine import backend
from handmade.engine.errors import HandmadeError
from handmade.runs.settings import SettingError

GONE = {"numpy"}  # backends of earlier versions, which records may name


def use_backend(name: str | None) -> AbstractContextManager[Any]:
    """Compute with a backend as long as the context lasts; a choice of this thread for the same backend stays as it is."""
    return nullcontext() if name in {None, backend.current().name} else backend.use_backend(name)


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
