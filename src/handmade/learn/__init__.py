"""Exercises that lead from a patch of pixels to a network, and the program that grades them.

>>> from handmade.learn import grade
>>> grade("relu", lambda x: x * (x > 0)).state
'passed'
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from handmade.learn.verdict import Verdict

__all__ = ["grade"]


def grade(name: str, *functions: "Callable[..., Any]", language: str = "en") -> "Verdict":
    """Grade functions for a step. They are called in this process, without limits of time and memory.

    A loop that never ends can be interrupted, by Ctrl-C or the stop button of a notebook. The verdict then says in which call
    it was.

    Parameters
    ----------
    name : str
        Name of the step, such as "relu", or its number as text.
    *functions : callable
        The functions of the step, in its order; a step of two functions can be graded with the first alone.
    language : str
        Language of the verdict's text: en, de or zh.

    Returns
    -------
    Verdict
        True if the step is passed; `print` shows it.

    Raises
    ------
    HandmadeError
        If there is no such step or language, or something is not callable.
    """
    from handmade.learn.here import grade_here  # noqa: PLC0415  the child imports this package, and only needs NumPy

    return grade_here(name, functions, language)
