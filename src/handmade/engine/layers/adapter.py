"""Adapter: layers of other people, in whichever style they are written, made usable here. Nobody else asks what an object can do.

Foreign   an object with forward(x), and backward(x, gy) or, after a forward, backward(gy), called in one way, its weights found
Adapter   the same as a Layer, so that it can stand in a network
"""

import copy
import inspect
from typing import Any, Self, TypeAlias

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.layer import Layer

PREFIXES = ("d", "g", "grad_")  # W's gradient may be an attribute dW, gW or grad_W
DICTIONARIES = ("gradients", "grads")

Home: TypeAlias = tuple[dict[str, Any], str]  # a dict and the key of an array in it


def adapt(layer: Any) -> Layer:
    """Return a layer as it is, and any other object with `forward` and `backward` as an Adapter."""
    return layer if isinstance(layer, Layer) else Adapter(layer)


class Foreign:
    """Any object with forward(x), and backward(x, gy) or, after a forward, backward(gy); a copy, with weights in one dtype.

    Raises
    ------
    HandmadeError
        If a method is missing, or weights cannot be found or told apart.
    """

    def __init__(self, layer: Any, x: Array, dtype: Any = np.float64) -> None:
        check_methods(layer)
        self.name = type(layer).__name__
        self.layer = copy.deepcopy(layer)
        self.dtype = dtype
        self.exact = callable(getattr(layer, "delta", None))
        given = [
            parameter
            for parameter in inspect.signature(layer.backward).parameters.values()
            if parameter.default is parameter.empty and parameter.kind <= parameter.POSITIONAL_OR_KEYWORD
        ]
        self.stateful = len(given) == 1
        self.homes = self._homes()
        self.rooms: dict[str, Home] = {}
        self.weights: dict[str, Array] = {}
        self.weights = self._found(x)

    @property
    def unseen(self) -> list[str]:
        """Arrays that might be weights, in a layer for which no gradient of any weight was found."""
        return [] if self.weights else sorted(self.homes)

    @property
    def mixes_batch(self) -> bool:
        """True if the layer itself says that the images of a batch depend on one another."""
        return isinstance(self.layer, Layer) and self.layer.mixes_batch

    def fresh(self) -> Self:
        """Return the same layer with nothing behind it."""
        return copy.deepcopy(self)

    def alone(self) -> Self:
        """Return the same for the first image of its batch, where it holds something for each."""
        other = self.fresh()
        if isinstance(other.layer, Layer):
            other.layer = other.layer.for_images(slice(0, 1))
        return other

    def with_weights(self, arrays: dict[str, Array]) -> Self:
        """Return the same with other arrays of the same shapes in the place of some weights."""
        other = self.fresh()
        for name, array in arrays.items():
            held = other.weights[name]
            homes = other._homes().values()  # noqa: SLF001  of its own kind
            home = next(((room, key) for room, key in homes if room[key] is held), None)
            if array.dtype == held.dtype or home is None:
                held[...] = array
            else:
                home[0][home[1]] = other.weights[name] = array.copy()
        return other

    def now(self) -> dict[str, Array]:
        """Return the weights as the layer has them now, should it have put other arrays in their place."""
        return {name: room[key] for name, (room, key) in self.rooms.items()}

    def forward(self, x: Array) -> Array:
        """Return the output, a copy."""
        return np.array(self.layer.forward(x))

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        """Return gx, and gradients by the names of the weights; copies, in the dtypes that they came in."""
        if callable(getattr(self.layer, "zero_grad", None)):
            self.layer.zero_grad()
        result = self.layer.backward(gy) if self.stateful else self.layer.backward(x, gy)
        gx, gradients = result if isinstance(result, tuple) and len(result) == 2 else (result, self._remembered())
        if gx is None or isinstance(gx, tuple) or not isinstance(gradients, dict):
            raise HandmadeError(f"{self.name}.backward: expected gx, or gx and a dict {{name of the weight: its gradient}}")
        return np.array(gx), {self._named(name): np.array(g) for name, g in gradients.items() if g is not None}

    def both(self, x: Array, gy: Array) -> tuple[Array, Array, dict[str, Array]]:
        """Return y, gx and the gradients of a forward and a backward of the same input, one after the other."""
        y = self.forward(x.copy())
        return (y, *self.backward(x.copy(), gy.copy()))

    def delta(self, x: Array, dx: Array) -> Array:
        """Return the difference of the output by the layer's own delta, or else by subtraction."""
        return np.array(self.layer.delta(x, dx)) if self.exact else self.forward(x + dx) - self.forward(x)

    def _homes(self) -> dict[str, Home]:
        """Return where arrays of floats live: among the attributes, or in a dict that is an attribute."""
        attributes: dict[str, Any] = getattr(self.layer, "__dict__", {})
        for name in dir(type(self.layer)):
            if isinstance(array := getattr(type(self.layer), name, None), np.ndarray):
                attributes.setdefault(name, array.copy())  # nothing is done to the class itself
        dicts = [value for name, value in attributes.items() if isinstance(value, dict) and name not in DICTIONARIES]
        return {
            name: (room, name)
            for room in (*dicts, attributes)
            for name, value in room.items()
            if isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating)
        }

    def _found(self, x: Array) -> dict[str, Array]:
        """Return the weights by name: arrays of `dtype` that are part of the layer, so that writing to them nudges it."""
        if not callable(getattr(self.layer, "parameters", None)):
            trial = self.fresh()
            y = trial.forward(x.copy())
            return {name: self._settled(name, self.homes.get(name)) for name in trial.backward(x.copy(), np.ones(y.shape))[1]}
        held = self.layer.parameters()
        if not isinstance(held, dict):
            raise HandmadeError(f"{self.name}.parameters(): expected the weights by name, a dict {{name: array}}")
        if held and callable(getattr(self.layer, "replace", None)):
            self.layer = self.layer.replace({name: np.array(array, self.dtype) for name, array in held.items()})
            self.homes, held = self._homes(), self.layer.parameters()
        weights = {}
        for name, array in held.items():
            home = next((home for home in self.homes.values() if home[0][home[1]] is array), self.homes.get(name))
            inside = home is None and array is self.layer.parameters()[name] and array.dtype == self.dtype  # of another object
            weights[name] = array if inside else self._settled(name, home)
        return weights

    def _settled(self, name: str, home: Home | None) -> Array:
        if home is None:
            raise HandmadeError(f"{self.name}: expected the weights {name} as an array of floats, layer.{name}; found none there")
        room, key = self.rooms[name] = home
        room[key] = array = np.array(room[key], self.dtype)
        return array

    def _remembered(self) -> dict[str, Any]:
        """Return gradients of the stateful style: a dict that is an attribute, or dW beside W."""
        for name in DICTIONARIES:
            if isinstance(held := getattr(self.layer, name, None), dict):
                return held
        beside = {(name, prefix): getattr(self.layer, prefix + name, None) for name in self.homes for prefix in PREFIXES}
        return {name: found for (name, _), found in beside.items() if isinstance(found, np.ndarray | np.generic | float)}

    def _named(self, name: str) -> str:
        """Return the weight that a gradient belongs to: W for "W"; W for "dW" too, unless parameters() has a dW."""
        short = [name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix)]
        return name if name in self.weights else next((weight for weight in short if weight in self.homes), name)


class Adapter(Layer):
    """Somebody else's layer as a Layer. Its weights are found with the first shape that reaches it.

    Parameters
    ----------
    layer : object
        It has forward(x), and backward(x, gy) or, after a forward, backward(gy); perhaps delta(x, dx) and parameters().

    Raises
    ------
    HandmadeError
        If it has no forward or backward.
    """

    def __init__(self, layer: Any) -> None:
        check_methods(layer)
        self._given = layer
        self._foreign: Foreign | None = None

    @property
    def kind(self) -> str:
        return type(self._given).__name__

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape that the object makes of two random images."""
        x = np.random.default_rng(0).standard_normal((2, *shape))
        try:
            if self._foreign is None:
                self._foreign = Foreign(self._given, x, _dtype(self._given))
            y = self._found.fresh().forward(x)
        except HandmadeError:
            raise
        except Exception as error:  # noqa: BLE001  it may raise anything for a shape that does not fit
            raise HandmadeError(f"{self.kind} fails for images of shape {shape}: {error!r:.200}") from None
        if y.ndim == 0 or len(y) != len(x):
            raise HandmadeError(f"{self.kind}.forward: expected one output for each image; got the shape {y.shape} for {x.shape}")
        return y.shape[1:]

    def forward(self, x: Array) -> Array:
        return self._found.forward(x)

    def delta(self, x: Array, dx: Array) -> Array:
        return self._found.delta(x, dx)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        _, gx, gradients = self._found.both(x, gy)
        return gx, gradients

    def parameters(self) -> dict[str, Array]:
        return {} if self._foreign is None else self._foreign.weights

    def replace(self, arrays: dict[str, Array]) -> Self:
        other = copy.copy(self)
        other._foreign = self._found.with_weights(arrays)  # noqa: SLF001  of its own kind
        return other

    @property
    def _found(self) -> Foreign:
        assert self._foreign is not None  # a network asks for the output shape first
        return self._foreign


def check_methods(layer: Any) -> None:
    """Raise HandmadeError unless the object has the methods of a layer."""
    if isinstance(layer, type):
        raise HandmadeError(f"expected a layer, an object; got the class {layer.__name__}. Try {layer.__name__}(...)")
    for method in ("forward", "backward"):
        if not callable(getattr(layer, method, None)):
            raise HandmadeError(f"expected a layer with a method {method}; {type(layer).__name__} has none")


def _dtype(layer: Any) -> Any:
    """Return the dtype of an object's arrays of floats; float64 if it has none."""
    arrays = [array for array in getattr(layer, "__dict__", {}).values() if isinstance(array, np.ndarray)]
    floats = [array.dtype for array in arrays if array.dtype.kind == "f"]
    return np.result_type(*floats) if floats else np.float64
