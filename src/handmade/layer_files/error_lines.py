"""Error in a user's file as one line: the last line of that file that ran, and the message."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import walk_tb

from handmade.engine.errors import HandmadeError

LONGEST = 500  # characters of a message: it may contain printed arrays


class LayerFileError(HandmadeError):
    """Error in a user's file, as one line. Names in it belong to that file: they are not options of the command."""

    verbatim = True


def error_line(error: BaseException, file: Path, belongs: Callable[[str], bool]) -> str:
    """Return an error as one line.

    Parameters
    ----------
    error : BaseException
        Error that was raised while the file ran, or an error of handmade that it caused.
    file : Path
        File that was loaded.
    belongs : callable
        ``belongs(name)`` is true if the file of that name is one of the user's files.

    Returns
    -------
    str
        Text such as ``my_layer.py:7: in forward: ValueError: ...``.
    """
    if isinstance(error, SyntaxError) and error.filename and belongs(error.filename):
        code = f": {error.text.strip()}" if error.text and error.text.strip() else ""
        return _line(f"{display_path(error.filename)}:{error.lineno}: {type(error).__name__}: {error.msg}{code}")
    for each in _chain(error):
        if place := _place(each, belongs):
            return _line(f"{place}: {_message(error)}" if each is error else f"{_message(error)} ({place})")
    return _line(_message(error) if isinstance(error, HandmadeError) else f"{display_path(file)}: {_message(error)}")


def is_unwritten(error: BaseException) -> bool:
    """Return True if an error is a NotImplementedError, or was raised because of one."""
    return any(isinstance(each, NotImplementedError) for each in _chain(error))


def files(error: BaseException, belongs: Callable[[str], bool]) -> set[Path]:
    """Return the user's files in the traceback of an error and of its causes."""
    names = set()
    for each in _chain(error):
        names |= {frame.f_code.co_filename for frame, _ in walk_tb(each.__traceback__)}
        if isinstance(each, SyntaxError) and each.filename:
            names.add(each.filename)
    return {Path(name).resolve() for name in names if belongs(name)}


def display_path(file: str | Path) -> str:
    """Return the path of a file, relative to the current folder if the file is below it."""
    path = Path(file).resolve()
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)


def _message(error: BaseException) -> str:
    if isinstance(error, HandmadeError):
        return str(error)
    if isinstance(error, SystemExit):
        return f"sys.exit({error.code!r:.40}) was called. Try it under: if __name__ == '__main__'"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    seen: list[BaseException] = []
    now: BaseException | None = error
    while now is not None and now not in seen:
        seen.append(now)
        yield now
        now = now.__cause__ or now.__context__


def _place(error: BaseException, belongs: Callable[[str], bool]) -> str:
    frames = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__) if belongs(frame.f_code.co_filename)]
    if not frames:
        return ""
    code, line = frames[-1]
    return f"{display_path(code.co_filename)}:{line}" + ("" if code.co_name == "<module>" else f": in {code.co_name}")


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
