"""The backend of a run: which implementation computes it."""

from collections.abc import Iterator
from contextlib import contextmanager

from handmade.runs.settings import SettingError

BACKENDS = ("plain", "numpy")
FASTEST = "numpy"


@contextmanager
def use_backend(name: str | None) -> Iterator[None]:
    """Compute with a backend, the fastest if none is named, as long as the context lasts."""
    backend_name(name)
    yield


def backend_name(name: str | None) -> str:
    """Return the name of the backend that is used where `name` is asked for.

    Raises
    ------
    SettingError
        If there is no such backend.
    """
    if name is None:
        return FASTEST
    if name not in BACKENDS:
        raise SettingError("backend", f"expected one of {', '.join(BACKENDS)}, got {name!r:.80}. Try backend={FASTEST}")
    return name
