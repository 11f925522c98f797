"""Exercises that lead from a patch of pixels to a network, and the program that grades them.

>>> from handmade.learn import grade
>>> grade("relu", lambda x: x * (x > 0)).state
'passed'
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from handmade.learn.milestone import Milestone
    from handmade.learn.mine import OwnFunctions
    from handmade.learn.verdict import Verdict

__all__ = ["grade", "milestones", "own_functions"]


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


def own_functions(folder: "str | Path" = "workbook") -> "OwnFunctions":
    """Grade the passed steps of a workbook again, and return their functions for networks. They run in this process.

    Parameters
    ----------
    folder : path
        Folder of the workbook.

    Returns
    -------
    OwnFunctions
        `own.layers(network)` is the network with them, `own.loss(loss)` the loss. `handmade.runs.start(settings, own=own)`
        trains with them.

    Raises
    ------
    HandmadeError
        If there is no workbook, or no function in it has passed.
    """
    from handmade.engine.arguments import as_path  # noqa: PLC0415  the child imports this package, and only needs NumPy
    from handmade.learn.mine import read_own_functions  # noqa: PLC0415

    return read_own_functions(as_path(folder, "folder"))


def milestones(folder: "str | Path" = "workbook") -> "list[Milestone]":
    """Return the milestones of a workbook; those that are reached now are noted in it, and speeds are measured again.

    Parameters
    ----------
    folder : path
        Folder of the workbook.

    Returns
    -------
    list of Milestone
        The first digit, the speeds, the first epoch; `print` shows one.

    Raises
    ------
    HandmadeError
        If there is no workbook.
    """
    from handmade.engine.arguments import as_path  # noqa: PLC0415  the child imports this package, and only needs NumPy
    from handmade.learn.milestone import read_milestones  # noqa: PLC0415

    return read_milestones(as_path(folder, "folder"))
