"""Layers and functions of PyTorch and JAX as layers on NumPy arrays, because the engine uses NumPy only.

as_layer         convert an nn.Module, an autograd.Function, a JAX function, or an object with a hand-written backward in tensors
numpy_function   convert a function of tensors or JAX arrays to a function of NumPy arrays

A library is imported only for an object that comes from it; handmade needs neither of them.
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
BACKWARD_OF_TRAINERS = {"lightning", "pytorch_lightning"}  # their modules have a hook with this name, which is not a gradient


def as_layer(layer: Any, x: Array, *, dtype: Any = None) -> Any:
    """Return a layer of PyTorch or JAX as a layer on NumPy arrays, and any other object unchanged.

    Parameters
    ----------
    layer : object
        One of these: a ``torch.nn.Module``, whose backward is that of autograd; a subclass of ``torch.autograd.Function``; a
        function of a tensor or a JAX array, with or without ``custom_vjp``; an object with its own ``forward`` and ``backward``
        in tensors or JAX arrays, which keeps its methods and attributes, in NumPy.
    x : Array, (N, ...)
        Inputs that the layer accepts. A copy of the layer is tested on them once.
    dtype : dtype, optional
        Dtype of the computation; if left out, float64, or the layer's own dtype if it does not accept float64.

    Returns
    -------
    object
        Converted copy of the layer: writing to its arrays does not change the original.

    Raises
    ------
    HandmadeError
        If it fails for x in every dtype, has more than one input, or its library cannot be imported.
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
    """Return True if the object has its own backward, not the hook of a trainer."""
    backward: Callable[..., Any] | None = getattr(layer, "backward", None)
    if not callable(backward):
        return False
    return (inspect.unwrap(backward).__module__ or "").partition(".")[0] not in BACKWARD_OF_TRAINERS
