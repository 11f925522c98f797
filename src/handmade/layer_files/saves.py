"""Files that are saved again, told by the library watchfiles. Editors that write another file and rename it are understood."""

from collections.abc import Callable, Generator
from importlib.util import find_spec
from pathlib import Path

from handmade.engine.errors import HandmadeError
from handmade.engine.extras import not_installed

TIMEOUT = 200  # milliseconds between two looks at whether other folders are wanted


def check_installed() -> None:
    """Raise HandmadeError unless watchfiles is installed."""
    if find_spec("watchfiles") is None:
        raise HandmadeError(not_installed("--watch", "watchfiles", "watch"))


def saves(folders: Callable[[], set[Path]], files: set[Path]) -> Generator[None, None, None]:
    """Yield once when it has begun to watch, then after each time that a Python file, or one of `files`, was saved.

    Folders are watched, not files: a file that is saved by renaming another one is a new file. Nothing that is saved while
    the caller works is missed.

    Parameters
    ----------
    folders : callable
        It returns the folders to watch, without what is below them; asked again after each round.
    files : set of Path
        Files to watch in these folders beside those that end in .py.

    Raises
    ------
    HandmadeError
        If watchfiles is not installed.
    """
    check_installed()
    from watchfiles import Change, watch  # noqa: PLC0415  an extra, loaded by those who watch

    def counts(change: Change, name: str) -> bool:
        path = Path(name)
        return change != Change.deleted and (path in files or (path.suffix == ".py" and not path.name.startswith(".")))

    def changes(where: set[Path]) -> Generator[set[tuple[Change, str]], None, None]:
        names = sorted(map(str, where))
        return watch(*names, watch_filter=counts, rust_timeout=TIMEOUT, yield_on_timeout=True, recursive=False)

    watched = folders()
    now = changes(watched)
    next(now)  # from here on it listens
    yield
    while True:
        saved = bool(next(now))
        if (wanted := folders()) != watched:
            before, now, watched = now, changes(wanted), wanted
            saved |= bool(next(now))
            saved |= bool(next(before))  # what came before the new one listened
        if saved:
            yield
