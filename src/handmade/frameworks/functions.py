"""A function of tensors or JAX arrays, as a function of NumPy arrays."""

import functools
import importlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from handmade.frameworks.origin import array_library, loaded

MODULES = {"torch": "handmade.frameworks.tensors", "jax": "handmade.frameworks.jax_arrays"}


def numpy_function(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return f with NumPy's arrays for what comes out; what goes in is converted too if f does not take NumPy's arrays.

    If neither PyTorch nor JAX is loaded, f comes back as it is.
    """
    if not loaded():
        return f
    ways: list[str | None] = []  # the one that f took before, once it is known

    @functools.wraps(f, updated=())
    def with_numpy(*args: Any, **kwargs: Any) -> Any:
        for way in ways or [None, *loaded()]:
            try:
                result = _called(f, way, args, kwargs)
            except Exception as error:
                if ways:
                    raise
                failed = error
            else:
                ways[:] = [way]
                return result
        raise failed

    return with_numpy


def exchange(value: Any, is_array: Callable[[Any], bool], change: Callable[[Any], Any]) -> Any:
    """Return a value with its arrays changed, also within tuples, lists and dicts."""
    if is_array(value):
        return change(value)
    if isinstance(value, dict):
        return {key: exchange(part, is_array, change) for key, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(exchange(part, is_array, change) for part in value))
    if isinstance(value, tuple | list):
        return type(value)(exchange(part, is_array, change) for part in value)
    return value


def _called(f: Callable[..., Any], way: str | None, args: Any, kwargs: Any) -> Any:
    """Call f, with arrays of a library, or of NumPy for None."""
    modules = {library: importlib.import_module(MODULES[library]) for library in loaded()}
    with ExitStack() as contexts:
        for module in modules.values():
            contexts.enter_context(module.calling())
        if way is not None:
            args, kwargs = exchange((args, kwargs), lambda value: isinstance(value, np.ndarray), modules[way].to_library)
        result = f(*args, **kwargs)
        return exchange(
            result, lambda value: array_library(value) is not None, lambda a: modules[str(array_library(a))].to_numpy(a)
        )
