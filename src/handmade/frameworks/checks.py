"""Checker of layers for NumPy, PyTorch and JAX: layers of a framework are converted first."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

from numpy.typing import ArrayLike

from handmade.engine import check
from handmade.engine.arguments import as_array, as_dtype
from handmade.engine.arrays import Array
from handmade.engine.check import LayerReport
from handmade.frameworks import as_layer, numpy_function


@functools.wraps(check.check_layer)
def check_layer(layer: Any, x: ArrayLike, *, dtype: Any = None, **options: Any) -> LayerReport:  # noqa: D103  see the engine
    given = as_array(x, "x")
    converted = as_layer(layer, given, dtype=None if dtype is None else as_dtype(dtype))
    report = check.check_layer(converted, given, dtype=dtype, **options)
    if converted is layer:
        return report
    return dataclasses.replace(report, notes=(*report.notes, *getattr(converted, "notes", ())))


@functools.wraps(check.check_function)
def check_function(  # noqa: D103  the engine's
    f: Callable[[Array], Array], vjp: Callable[[Array, Array], Array], x: ArrayLike, **options: Any
) -> LayerReport:
    return check.check_function(numpy_function(f), numpy_function(vjp), as_array(x, "x"), **options)
