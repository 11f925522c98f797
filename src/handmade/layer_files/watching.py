"""Wait until files are saved again, with the library watchfiles. Editors that save by renaming another file work, too."""

from collections.abc import Callable, Generator
from importlib.util import find_spec
from pathlib import Path

from handmade.engine.errors import HandmadeError
from handmade.engine.extras import not_installed

TIMEOUT = 200  # milliseconds between two checks for a new set of folders


def check_installed() -> None:
    """Raise HandmadeError unless watchfiles is installed."""
    if find_spec("watchfiles") is None:
        raise HandmadeError(not_installed("--watch", "watchfiles", "watch"))


def saves(folders: Callable[[], set[Path]], files: set[Path]) -> Generator[None, None, None]:
    """Yield once when watching has begun, then each time a Python file, or one of `files`, was saved.

    Folders are watched, not files: a file that is saved by renaming another one is a new file. Files that are saved while the
    caller works are not missed.

    Parameters
    ----------
    folders : callable
        Function that returns the folders to watch, without subfolders. It is called again after each round.
    files : set of Path
        Files to watch in these folders, in addition to Python files.

    Raises
    ------
    HandmadeError
        If watchfiles is not installed.
    """
    check_installed()
    from watchfiles import Change, watch  # noqa: PLC0415  an optional library

    def counts(change: Change, name: str) -> bool:
        path = Path(name)
        return change != Change.deleted and (path in files or (path.suffix == ".py" and not path.name.startswith(".")))

    def changes(where: set[Path]) -> Generator[set[tuple[Change, str]], None, None]:
        names = sorted(map(str, where))
        return watch(*names, watch_filter=counts, rust_timeout=TIMEOUT, yield_on_timeout=True, recursive=False)

    watched = folders()
    now = changes(watched)
    next(now)  # watching begins here
    yield
    while True:
        saved = bool(next(now))
        if (current := folders()) != watched:
            before, now, watched = now, changes(current), current
            saved |= bool(next(now))
            saved |= bool(next(before))  # files that were saved before the new watch began
        if saved:
            yield
