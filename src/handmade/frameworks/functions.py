"""Conversion of a function of tensors or JAX arrays to a function of NumPy arrays."""

import functools
import importlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from handmade.frameworks.origin import array_library, loaded

MODULES = {"torch": "handmade.frameworks.tensors", "jax": "handmade.frameworks.jax_arrays"}


def numpy_function(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return f with NumPy arrays as results; arguments are converted, too, if f does not accept NumPy arrays.

    If neither PyTorch nor JAX is loaded, f is returned unchanged.
    """
    if not loaded():
        return f
    accepted: list[str | None] = []  # library of the arrays that f accepts, once it is known; None for NumPy

    @functools.wraps(f, updated=())
    def with_numpy(*args: Any, **kwargs: Any) -> Any:
        for library in accepted or [None, *loaded()]:
            try:
                result = _call(f, library, args, kwargs)
            except Exception as error:
                if accepted:
                    raise
                failed = error
            else:
                accepted[:] = [library]
                return result
        raise failed

    return with_numpy


def exchange(value: Any, is_array: Callable[[Any], bool], change: Callable[[Any], Any]) -> Any:
    """Return a value with its arrays converted by `change`, also inside tuples, lists and dicts."""
    if is_array(value):
        return change(value)
    if isinstance(value, dict):
        return {key: exchange(part, is_array, change) for key, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(exchange(part, is_array, change) for part in value))
    if isinstance(value, tuple | list):
        return type(value)(exchange(part, is_array, change) for part in value)
    return value


def _call(f: Callable[..., Any], library: str | None, args: Any, kwargs: Any) -> Any:
    """Call f with arrays of a library, or of NumPy for None."""
    modules = {name: importlib.import_module(MODULES[name]) for name in loaded()}
    with ExitStack() as contexts:
        for module in modules.values():
            contexts.enter_context(module.calling())
        if library is not None:
            args, kwargs = exchange((args, kwargs), lambda value: isinstance(value, np.ndarray), modules[library].to_library)
        result = f(*args, **kwargs)
        return exchange(
            result, lambda value: array_library(value) is not None, lambda a: modules[str(array_library(a))].to_numpy(a)
        )
