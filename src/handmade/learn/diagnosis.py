"""The name of a mistake, with proof: its formula agrees with every result of the student's function.

Two of the results at least have to differ from the right answer, one of them in its numbers, and no other mistake of the step may
agree with all of them. Else there is no name: no name is better than a wrong one.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np

from handmade.learn.arguments import fresh
from handmade.learn.comparison import agree, parts_of
from handmade.learn.results import Raised, Result, Value
from handmade.learn.step import Case, Function, Mistake, Step
from handmade.learn.wire import decode, encode

FEWEST = 2  # results that show the mistake


def named(step: Step, function: Function, results: Mapping[int, Result]) -> str | None:
    """Return the key of the mistake, or None.

    Parameters
    ----------
    step : Step
    function : Function
    results : mapping
        Results of this function by the number of the case. Without all of them, there is no name.
    """
    numbers = step.cases_of(function)
    if any(number not in results for number in numbers):
        return None
    values = {number: results[number].value for number in numbers}
    for formulas in (_of_the_step(step, function), _general(step)):  # a general name says less, if both are true
        found = list(dict.fromkeys(key for key, formula in formulas if _explains(step, formula, values)))
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _of_the_step(step: Step, function: Function) -> Iterator[tuple[str, Callable[[int], Value | Raised]]]:
    for mistake in step.mistakes_of(function):
        yield mistake.key, lambda number, mistake=mistake: predicted(mistake, step.cases[number])  # type: ignore[misc]


def _general(step: Step) -> Iterator[tuple[str, Callable[[int], Value | Raised]]]:
    for key, change in GENERAL.items():
        yield f"general.{key}", lambda number, change=change: _changed(step.expected[number], change)  # type: ignore[misc]


def _explains(step: Step, formula: Callable[[int], Value | Raised], values: Mapping[int, Value | Raised]) -> bool:
    shown, in_numbers = 0, False
    for number, value in values.items():
        tolerance = step.cases[number].tolerance
        guess = formula(number)
        if not agree(guess, value, tolerance):
            return False
        differs = not agree(guess, step.expected[number], tolerance)
        shown += differs
        in_numbers |= differs and not isinstance(guess, Raised)
    return shown >= FEWEST and in_numbers


@cache
def predicted(mistake: Mistake, case: Case) -> Value | Raised:
    """Return the result that a mistake gives for a case. It is computed once for all verdicts on a step."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode(*encode(mistake.formula(*fresh(case.arguments))))
    except Exception as error:  # noqa: BLE001  a mistake may be an error for some shapes
        return Raised(type(error).__name__, str(error))


def _changed(expected: Any, change: Callable[[Any], Any]) -> Value:
    changed = tuple(np.asarray(change(part)) for part in parts_of(expected))
    return changed if isinstance(expected, tuple) else changed[0]


def _flipped_axes(y: Any) -> Any:
    """Swap rows and columns: the axes 0 and 1 of a matrix, 1 and 2 of a batch of images."""
    return y.swapaxes(0, 1) if y.ndim == 2 else y.swapaxes(1, 2) if y.ndim == 4 else y


GENERAL: dict[str, Callable[[Any], Any]] = {
    "negative": np.negative,
    "zeros": np.zeros_like,
    "transposed": _flipped_axes,
    "absolute": np.abs,
    "truncated": np.trunc,
    "rounded": np.round,
}
