"""Adapter: a layer of the user's own class as a Layer, for use in a network; `engine/foreign` determines how to call it."""

import copy
import inspect
from typing import Any, Self

import numpy as np

from handmade.engine.arguments import described, refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.foreign import Foreign, check_methods, find
from handmade.engine.layers.layer import Layer

KINDS_AT = "handmade.engine.layers"  # the module of our layers


def adapt(layer: Any, name: str = "layer") -> Layer:
    """Return a layer as it is, and any other object with `forward` and `backward` as an Adapter.

    Raises
    ------
    HandmadeError
        If it is no layer; the message begins with `name`.
    """
    if isinstance(layer, Layer):
        return layer
    if isinstance(layer, type) or not callable(getattr(layer, "forward", None)):
        place = "handmade." if KINDS_AT in getattr(layer, "__module__", "") else ""
        raise refused(name, "a layer", described(layer), f"{place}{layer.__name__}()" if _needs_nothing(layer) else "")
    return Adapter(layer)


def _needs_nothing(kind: Any) -> bool:
    """Return True for a class whose objects are made without arguments."""
    try:
        inspect.signature(kind).bind()
    except (TypeError, ValueError):
        return False
    return isinstance(kind, type)


class Adapter(Layer):
    """Object of the user's own class as a Layer. Its weights are found with the first input shape.

    Parameters
    ----------
    layer : object
        Object with forward(x), and with backward(x, gy) or, called after forward, backward(gy). It may have delta(x, dx) and
        parameters().

    Raises
    ------
    HandmadeError
        If the object has no forward or no backward.
    """

    def __init__(self, layer: Any) -> None:
        if isinstance(layer, type):
            raise HandmadeError(f"expected a layer, an object; got the class {layer.__name__}. Try {layer.__name__}(...)")
        check_methods(layer)
        self._given = layer
        self._foreign: Foreign | None = None

    def _summary(self) -> str:
        return self.kind

    @property
    def kind(self) -> str:
        return type(self._given).__name__

    def output_shape(self, shape: Shape) -> Shape:
        """Return the output shape of the object, from a forward pass of two random images."""
        x = np.random.default_rng(0).standard_normal((2, *shape))
        try:
            if self._foreign is None:
                self._foreign = find(self._given, x, _dtype(self._given)).with_gradients()
            y = self._found.fresh().forward(x)
        except HandmadeError:
            raise
        except Exception as error:  # noqa: BLE001  it may raise any error for a shape that does not fit
            raise HandmadeError(f"{self.kind} fails for images of shape {shape}: {error!r:.200}") from None
        if y.ndim == 0 or len(y) != len(x):
            raise HandmadeError(f"{self.kind}.forward: expected one output for each image; got the shape {y.shape} for {x.shape}")
        return y.shape[1:]

    def forward(self, x: Array) -> Array:
        return np.array(self._found.forward(x))

    def delta(self, x: Array, dx: Array) -> Array:
        return self._found.delta(x, dx)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        _, gx, gradients = self._found.both(x, gy)
        if gx is None:
            raise HandmadeError(f"{self.kind}.backward: expected a gradient of x; got None. Try to return gx")
        return gx, {name: gradients[name] for name in self._found.places}

    def parameters(self) -> dict[str, Array]:
        return {} if self._foreign is None else self._foreign.weights

    def replace(self, arrays: dict[str, Array]) -> Self:
        other = copy.copy(self)
        other._foreign = self._found.with_weights(arrays)  # noqa: SLF001  of its own kind
        return other

    @property
    def _found(self) -> Foreign:
        assert self._foreign is not None  # a network calls output_shape first
        return self._foreign


def _dtype(layer: Any) -> Any:
    """Return the dtype of an object's floating-point arrays; float64 if it has none."""
    arrays = [array for array in getattr(layer, "__dict__", {}).values() if isinstance(array, np.ndarray)]
    floats = [array.dtype for array in arrays if array.dtype.kind == "f"]
    return np.result_type(*floats) if floats else np.float64
