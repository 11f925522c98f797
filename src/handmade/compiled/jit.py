"""The decorator of every compiled loop: how Numba compiles it, and where the machine code is kept."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])
FLAGS = {"contract", "nsz"}  # x * y + z in one instruction, and -0 is 0; infinities and NaN stay what they are


def loops(function: Function) -> Function:
    """Compile a function of nested loops when it is first called; it runs without the interpreter lock."""
    compiled: Function = numba.njit(nogil=True, fastmath=FLAGS, error_model="numpy", cache=True)(function)
    return compiled
