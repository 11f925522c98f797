"""Layers and functions of PyTorch and JAX, as layers on NumPy arrays: converted at the border, for the engine knows NumPy alone.

as_layer         an nn.Module, an autograd.Function, a JAX function, an object that computes in tensors by hand
numpy_function   a function of tensors or JAX arrays, as a function of NumPy arrays

A library is imported only for an object that comes from it; neither is needed by handmade.
"""

import importlib
import inspect
from collections.abc import Callable
from typing import Any

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.frameworks.functions import MODULES, numpy_function
from handmade.frameworks.hand_written import converted
from handmade.frameworks.origin import computes_in_numpy, held_library, probed_library, type_library

__all__ = ["as_layer", "numpy_function"]

LAYERS = {"torch": "handmade.frameworks.torch_layers", "jax": "handmade.frameworks.jax_functions"}
BACKWARD_OF_TRAINERS = {"lightning", "pytorch_lightning"}  # their modules have a hook of this name; it is no gradient


def as_layer(layer: Any, x: Array, *, dtype: Any = None) -> Any:
    """Return a layer on NumPy arrays for what comes from PyTorch or JAX, and anything else unchanged.

    Parameters
    ----------
    layer : object
        ``torch.nn.Module``: its backward is autograd's. A subclass of ``torch.autograd.Function``, the class itself. A function
        of a tensor or a JAX array, with or without ``custom_vjp``. An object with ``forward`` and ``backward`` of its own that
        computes in tensors or JAX arrays: it keeps its methods and attributes, in NumPy.
    x : Array, (N, ...)
        Inputs that it takes. It is tried on them once, as a copy.
    dtype : dtype, optional
        Computes in float64 if left out, and in the layer's own dtype if it refuses that.

    Returns
    -------
    object
        The layer, a copy: writing to its arrays leaves the one given as it is.

    Raises
    ------
    HandmadeError
        If it fails for x in every dtype, takes more than one input, or its library cannot be imported.
    """
    if inspect.ismethod(layer) and layer.__name__ == "forward" and not isinstance(layer.__self__, type):
        made = as_layer(layer.__self__, x, dtype=dtype)
        return layer if made is layer.__self__ else made
    library = type_library(layer) or held_library(layer) or probed_library(layer, x)
    if library is None:
        return layer
    try:
        if not isinstance(layer, type) and _writes_backward(layer):
            if computes_in_numpy(layer, x):
                return layer
            arrays = importlib.import_module(MODULES[library])
            return converted(layer, arrays, x, dtype)
        return importlib.import_module(LAYERS[library]).as_layer(layer, x, dtype)
    except ImportError as error:
        name = getattr(layer, "__name__", type(layer).__name__)
        raise HandmadeError(f"{name}: expected {library} to be installed; got {error}. Try pip install {library}") from None


def _writes_backward(layer: Any) -> bool:
    """Say that the object has a backward of its own, rather than of a trainer of modules."""
    backward: Callable[..., Any] | None = getattr(layer, "backward", None)
    if not callable(backward):
        return False
    return (inspect.unwrap(backward).__module__ or "").partition(".")[0] not in BACKWARD_OF_TRAINERS
