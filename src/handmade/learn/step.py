"""Steps of the workbook: functions to write, cases, and known mistakes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from handmade.learn.arguments import Strided, fresh
from handmade.learn.comparison import DOUBLE, SINGLE, Tolerance
from handmade.learn.picture import Part

SPELLED = 12  # numbers of an array that are shown
STEPS = Path(__file__).parent / "steps"


@dataclass(frozen=True)
class Function:
    """A function that the student writes.

    Attributes
    ----------
    name : str
    parameters : str
        Names of its parameters, separated by spaces.
    right : callable
        Gives the right answer, from the loops of the engine.
    returns : str
        Names of what it returns, separated by spaces.
    """

    name: str
    parameters: str
    right: Callable[..., Any]
    returns: str

    @property
    def signature(self) -> str:
        """Return how it is called: patch(x, h, w)."""
        return f"{self.name}({', '.join(self.parameters.split())})"


@dataclass(frozen=True, eq=False)
class Case:
    """Arguments of one call, and the concept that it tests.

    Attributes
    ----------
    concept : str
        Key of a text in text/: values, rectangular, channels, ...
    arguments : tuple
    function : str
        Name of the function; empty for the first one of the step.
    dtype : str
        dtype that the result has to have; empty for any numbers.
    tiny : bool
        The numbers are tiny, so there is no absolute tolerance.
    """

    concept: str
    arguments: tuple[Any, ...]
    function: str = ""
    dtype: str = ""
    tiny: bool = False

    @property
    def tolerance(self) -> Tolerance:
        """Return the tolerance of the result."""
        arrays = [each.array if isinstance(each, Strided) else each for each in self.arguments]
        if any(isinstance(each, np.ndarray) and each.dtype == np.float32 for each in arrays):
            return SINGLE
        return Tolerance(floor=0.0) if self.tiny else DOUBLE


@dataclass(frozen=True)
class Mistake:
    """A known mistake: a formula that gives the wrong result from the same arguments. Its text has the same key.

    Several formulas may share a key: the same mistake, written with loops or with slices, fails for other shapes.
    """

    key: str
    formula: Callable[..., Any]
    function: str = ""


@dataclass(frozen=True)
class Step:
    """One exercise."""

    name: str
    functions: tuple[Function, ...]
    cases: tuple[Case, ...]
    mistakes: tuple[Mistake, ...]
    picture: Callable[[], list[Part]] = field(repr=False)

    @property
    def folder(self) -> Path:
        """Return the folder of its files."""
        return STEPS / self.name

    def function_of(self, case: Case) -> Function:
        """Return the function that a case calls."""
        return next(each for each in self.functions if each.name == (case.function or self.functions[0].name))

    def cases_of(self, function: Function) -> list[int]:
        """Return the numbers of the cases that call a function."""
        return [number for number, case in enumerate(self.cases) if self.function_of(case) is function]

    def mistakes_of(self, function: Function) -> list[Mistake]:
        """Return the known mistakes of a function."""
        return [each for each in self.mistakes if (each.function or self.functions[0].name) == function.name]

    @cached_property
    def expected(self) -> list[Any]:
        """Return the right results of all cases."""
        return [self.function_of(case).right(*fresh(case.arguments)) for case in self.cases]

    def calls(self) -> tuple[tuple[str, tuple[Any, ...]], ...]:
        """Return the calls of a job: names of functions, and arguments."""
        return tuple((self.function_of(case).name, case.arguments) for case in self.cases)


def described(function: Function, case: Case) -> str:
    """Return the arguments of a case in one line: shapes of arrays, values of numbers."""
    pairs = zip(function.parameters.split(), case.arguments, strict=True)
    return ", ".join(f"{name} {_short(value)}" for name, value in pairs)


def spelled(function: Function, case: Case) -> tuple[str, ...]:
    """Return the arrays of a case as Python writes them, so that a student can repeat the call; nothing if one is large."""
    pairs = zip(function.parameters.split(), case.arguments, strict=True)
    given = {name: value.array if isinstance(value, Strided) else value for name, value in pairs}
    arrays = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
    if any(array.size > SPELLED for array in arrays.values()):
        return ()
    return tuple(f"{name} = {array.tolist()}" for name, array in arrays.items())


def _short(value: Any) -> str:
    if isinstance(value, Strided):
        value = value.array
    if isinstance(value, np.ndarray):
        return f"({', '.join(map(str, value.shape))}{',' if value.ndim == 1 else ''})"
    if callable(value):
        return f"= {getattr(value, '__name__', 'function')}"
    if isinstance(value, tuple) and any(isinstance(each, np.ndarray) for each in value):
        return f"[{', '.join(map(_short, value))}]"
    return f"= {value}"
