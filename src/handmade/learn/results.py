"""Results of a student's function: a value or an error, and the arguments that it changed."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Other:
    """Something that is no number and no array of numbers, by the name of its type; or an array that is too large to send."""

    kind: str
    shape: tuple[int, ...] | None = None


Value: TypeAlias = Array | Other | tuple[Any, ...]  # a tuple of values


@dataclass(frozen=True)
class Raised:
    """An exception: its type, its message, and the line of the student's file where it was raised, if there is one."""

    kind: str
    message: str
    line: int | None = None


@dataclass(frozen=True, eq=False)
class Result:
    """Result of one call."""

    value: Value | Raised
    changed: tuple[int, ...] = ()  # places of the arguments that the function changed


@dataclass(eq=False)
class Outcome:
    """Everything that one job gave.

    Attributes
    ----------
    end : str
        complete, timeout, exit (the process ended by itself), or flood (more results than could be right).
    load : Raised or None
        An error that the file raised before a function was called.
    missing : tuple of str
        Functions that the file does not define; `names` are those that it does.
    results : dict
        Results by round (0, 1) and number of the case.
    current : tuple or None
        Round and case of the call that had begun when the job ended.
    printed : str
        Captured output; `cut` if there was more.
    """

    end: str = "complete"
    load: Raised | None = None
    missing: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    results: dict[tuple[int, int], Result] = field(default_factory=dict)
    current: tuple[int, int] | None = None
    printed: str = ""
    cut: bool = False
    exit_code: int | None = None
    seconds: float = 0.0


def printable(text: str, kept: str = "") -> str:
    """Return a text without characters that control a terminal; those in `kept` stay.

    Texts of the student's code pass through here before they are shown: output, messages, names.
    """
    return "".join(each if each.isprintable() or each in kept else "\N{REPLACEMENT CHARACTER}" for each in text)


def kind_of(value: Any) -> str:
    """Return the name of a type as a student knows it."""
    return "None" if value is None else type(value).__name__


def numeric(value: Any) -> bool:
    """Return if something is an array of numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
