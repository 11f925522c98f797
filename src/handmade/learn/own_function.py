"""Functions of a student, called in this process: what they print is kept apart, and an error names the file and the line."""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO, TextIOBase
from pathlib import Path
from typing import Any

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.learn.child import described
from handmade.learn.results import kind_of, printable
from handmade.learn.steps import place_of
from handmade.learn.texts import Texts

ROOM = 4096  # characters of output that are kept


class OwnCodeError(HandmadeError):
    """Error: a student's function raised an exception, or returned something of another shape."""

    verbatim = True  # its words are the student's own: they hold no names of settings


class TooSlow(HandmadeError):
    """Error: a measurement was ended because it took too long."""


class Output(TextIOBase):
    """Stream that keeps the first part of what is written to it.

    A progress bar of rich writes to `rich_proxied_file`, the stream that was there before, also while the student's code runs.
    """

    def __init__(self, before: Any) -> None:
        super().__init__()
        self.rich_proxied_file = getattr(before, "rich_proxied_file", before)
        self.kept: list[str] = []
        self._room = ROOM

    def write(self, text: str) -> int:
        if self._room > 0:
            self.kept.append(text[: self._room])
            self._room -= len(text)
        return len(text)

    def isatty(self) -> bool:
        return False


@dataclass
class Printed:
    """Output of all functions of a student: the first part, without characters that control a terminal.

    For a measurement, the calls have an end as well.
    """

    text: str = ""
    _end: float = float("inf")  # of a measurement
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @contextmanager
    def at_most(self, seconds: float) -> Iterator[None]:
        """Let the first call that begins after some seconds raise TooSlow."""
        self._end = time.monotonic() + seconds
        try:
            yield
        finally:
            self._end = float("inf")

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Keep output apart and give no input, in one thread at a time."""
        if time.monotonic() > self._end:
            raise TooSlow("expected an end of the measurement in time")
        with self._lock:
            before = sys.stdin, sys.stdout, sys.stderr
            output = Output(before[1]), Output(before[2])
            sys.stdin, sys.stdout, sys.stderr = StringIO(), *output
            try:
                yield
            finally:
                sys.stdin, sys.stdout, sys.stderr = before
                if len(self.text) < ROOM and (new := "".join((*output[0].kept, *output[1].kept))):
                    self.text += printable(new, kept="\n\t")


@dataclass(frozen=True, eq=False)
class OwnFunction:
    """A function from a file of the student that has passed.

    Attributes
    ----------
    step, name : str
        Step of the workbook, and name of the function.
    code : callable
    file : Path
    printed : Printed
    say : Texts
        Texts in the student's language.
    """

    step: str
    name: str
    code: Any
    file: Path
    printed: Printed
    say: Texts

    def __call__(self, *arguments: Any, shapes: Sequence[Shape], dtype: Any) -> Any:
        """Call the function with copies in float64, as in the workbook; return arrays of the given shapes.

        Parameters
        ----------
        *arguments
            Arrays, tuples and numbers.
        shapes : sequence of tuple
            Shapes of what it returns; for one of them, an array is returned, else a tuple.
        dtype : dtype
            Of the results; integers stay integers.

        Raises
        ------
        OwnCodeError
            If the function raises an exception, or returns something else.
        """
        given = tuple(_copy(each) for each in arguments)
        try:
            with self.printed.caught(), np.errstate(all="ignore"):
                value = self.code(*given)
        except TooSlow:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001  whatever her code raises
            raise self._raised(error) from None
        values = value if isinstance(value, tuple) and len(shapes) > 1 else (value,)
        if len(values) != len(shapes):
            raise self._wrong(f"{len(shapes)} arrays", kind_of(value))
        found = tuple(self._checked(each, shape, dtype) for each, shape in zip(values, shapes, strict=True))
        return found if len(found) > 1 else found[0]

    def _checked(self, value: Any, shape: Shape, dtype: Any) -> Array:
        if isinstance(value, int | float) and not shape:
            value = np.asarray(value)
        if not isinstance(value, np.ndarray | np.generic) or np.asarray(value).dtype.kind not in "biuf":
            raise self._wrong(str(shape), kind_of(value))
        if value.shape != shape:
            raise self._wrong(str(shape), str(value.shape))
        array: Array = np.asarray(value)
        return array.astype(dtype, copy=False) if array.dtype.kind == "f" else array

    def _raised(self, error: BaseException) -> OwnCodeError:
        found = described(error, str(self.file))
        message = " ".join(found["message"].split())
        text = f"{found['type']}: {message:.200}" if message else found["type"]
        line = "" if found["line"] is None else f":{found['line']}"
        return OwnCodeError(
            self.say("mine.error", file=f"{self.file.name}{line}", function=self.name, text=printable(text), step=self._step)
        )

    def _wrong(self, expected: str, got: str) -> OwnCodeError:
        text = self.say("mine.shape", expected=expected, yours=printable(got))
        return OwnCodeError(self.say("mine.error", file=self.file.name, function=self.name, text=text, step=self._step))

    @property
    def _step(self) -> str:
        return str(place_of(self.step))


def _copy(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return np.array(value, np.float64 if value.dtype.kind == "f" else None, order="C")
