"""Checker of layers for NumPy, PyTorch and JAX: layers of a framework are converted first."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from handmade.engine import check
from handmade.engine.arrays import Array
from handmade.engine.check import LayerReport
from handmade.frameworks import as_layer, numpy_function


@functools.wraps(check.check_layer)
def check_layer(layer: Any, x: Array, *, dtype: Any = None, **options: Any) -> LayerReport:  # noqa: D103  the docstring of the engine
    converted = as_layer(layer, x, dtype=dtype)
    report = check.check_layer(converted, np.asarray(x), dtype=dtype, **options)
    if converted is layer:
        return report
    return dataclasses.replace(report, notes=(*report.notes, *getattr(converted, "notes", ())))


@functools.wraps(check.check_function)
def check_function(f: Callable[[Array], Array], vjp: Callable[[Array, Array], Array], x: Array, **options: Any) -> LayerReport:  # noqa: D103
    return check.check_function(numpy_function(f), numpy_function(vjp), np.asarray(x), **options)
