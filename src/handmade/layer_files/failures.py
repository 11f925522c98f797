"""An error in somebody's file in one line: the file and the line of theirs that ran last, and what happened."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import walk_tb

from handmade.engine.errors import HandmadeError

LONGEST = 500  # letters of a message: arrays may be printed in it


class LayerFileError(HandmadeError):
    """An error in somebody's file, in one line; names in it are those of that file, and no options of the command."""

    verbatim = True


def told(error: BaseException, file: Path, belongs: Callable[[str], bool]) -> str:
    """Return an error in one line.

    Parameters
    ----------
    error : BaseException
        An error that was raised while the file, or what it defines, was running; or one of ours that was raised because of it.
    file : Path
        The file.
    belongs : callable
        ``belongs(name)`` is true if the file of that name is the student's.

    Returns
    -------
    str
        Such as ``my_layer.py:7: in forward: ValueError: ...``.
    """
    if isinstance(error, SyntaxError) and error.filename and belongs(error.filename):
        code = f": {error.text.strip()}" if error.text and error.text.strip() else ""
        return _line(f"{shown(error.filename)}:{error.lineno}: {type(error).__name__}: {error.msg}{code}")
    for each in _chain(error):
        if place := _place(each, belongs):
            return _line(f"{place}: {_what(error)}" if each is error else f"{_what(error)} ({place})")
    return _line(_what(error) if isinstance(error, HandmadeError) else f"{shown(file)}: {_what(error)}")


def is_unwritten(error: BaseException) -> bool:
    """Return True if an error is a NotImplementedError, or was raised because of one."""
    return any(isinstance(each, NotImplementedError) for each in _chain(error))


def files(error: BaseException, belongs: Callable[[str], bool]) -> set[Path]:
    """Return the files of the student that an error, or one that it was raised because of, came through."""
    names = set()
    for each in _chain(error):
        names |= {frame.f_code.co_filename for frame, _ in walk_tb(each.__traceback__)}
        if isinstance(each, SyntaxError) and each.filename:
            names.add(each.filename)
    return {Path(name).resolve() for name in names if belongs(name)}


def shown(file: str | Path) -> str:
    """Return a file as people would write it from here."""
    path = Path(file).resolve()
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)


def _what(error: BaseException) -> str:
    if isinstance(error, HandmadeError):
        return str(error)
    if isinstance(error, SystemExit):
        return f"sys.exit({error.code!r:.40}) was called. Try it under: if __name__ == '__main__'"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and those that it was raised because of."""
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
    return f"{shown(code.co_filename)}:{line}" + ("" if code.co_name == "<module>" else f": in {code.co_name}")


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
