"""A stranger's layer, taken at its word: found weights, one way to call it, and how it moves when something is nudged.

    right = (f(x + h d) - f(x)) / h,   left = (f(x) - f(x - h d)) / h        for one number of the output at a time

Everything happens to copies in float64. Where the two sides disagree lies a kink; a derivative there is whatever the layer says
it is, as long as each output's lies between its two sides.
"""

import copy
import inspect
import math
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.layers import Coupling, PerImage

EXACT_STEP = 1e-30  # of a delta that never subtracts
STEP = 2.0**-20  # of a subtraction, relative to what is nudged: half of the digits are lost, curvature shows in the seventh
PREFIXES = ("d", "g", "grad_")  # W's gradient may be an attribute dW, gW or grad_W
DICTIONARIES = ("gradients", "grads")

Home: TypeAlias = tuple[dict[str, Any], str]  # a dict and the key of an array in it


class Stranger:
    """Any object with forward(x), and backward(x, gy) or, after a forward, backward(gy).

    Raises
    ------
    HandmadeError
        If a method is missing, or weights cannot be found or told apart.
    """

    def __init__(self, layer: Any, x: Array) -> None:
        for method in ("forward", "backward"):
            if not callable(getattr(layer, method, None)):
                raise HandmadeError(f"check_layer wants a layer with a method {method}; {type(layer).__name__} has none")
        self.name = type(layer).__name__
        self.layer = copy.deepcopy(layer)
        self.exact = callable(getattr(layer, "delta", None))
        given = [
            parameter
            for parameter in inspect.signature(layer.backward).parameters.values()
            if parameter.default is parameter.empty and parameter.kind <= parameter.POSITIONAL_OR_KEYWORD
        ]
        self.stateful = len(given) == 1
        self.fineness = 1.0  # of the steps, relative to STEP
        self.homes = self._homes()
        self.rooms: dict[str, Home] = {}
        self.weights: dict[str, Array] = {}
        self.weights = self._found(x)

    @property
    def unseen(self) -> list[str]:
        """Arrays that might be weights, in a layer for which no gradient of any weight was found."""
        return [] if self.weights else sorted(self.homes)

    @property
    def couples(self) -> bool:
        """Whether the layer itself says that the images of a batch depend on one another."""
        return isinstance(self.layer, Coupling) and self.layer.couples

    def fresh(self) -> "Stranger":
        """The same layer with nothing behind it."""
        return copy.deepcopy(self)

    def alone(self) -> "Stranger":
        """The same for the first image of its batch, where it holds something for each."""
        other = self.fresh()
        if isinstance(other.layer, PerImage):
            other.layer = other.layer.of(slice(0, 1))
        return other

    def with_weights(self, name: str, W: Array) -> "Stranger":
        """The same with another array of the same shape in the place of one of the weights."""
        other = self.fresh()
        other.weights[name][...] = W
        return other

    def now(self) -> dict[str, Array]:
        """The weights as the layer has them now, should it have put other arrays in their place."""
        return {name: room[key] for name, (room, key) in self.rooms.items()}

    def forward(self, x: Array) -> Array:
        return np.array(self.layer.forward(x))

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        """Whatever the style: gx, and gradients by the names of the weights; copies, in the dtypes that they came in."""
        if callable(getattr(self.layer, "zero_grad", None)):
            self.layer.zero_grad()
        result = self.layer.backward(gy) if self.stateful else self.layer.backward(x, gy)
        gx, gradients = result if isinstance(result, tuple) and len(result) == 2 else (result, self._remembered())
        if gx is None or isinstance(gx, tuple) or not isinstance(gradients, dict):
            raise HandmadeError("check_layer wants backward to return gx, or gx and a dict {name of the weight: its gradient}")
        return np.array(gx), {self._named(name): np.array(g) for name, g in gradients.items() if g is not None}

    def both(self, x: Array, gy: Array) -> tuple[Array, Array, dict[str, Array]]:
        """Forward and backward of the same input, one after the other: y, gx and the gradients."""
        y = self.forward(x.copy())
        return (y, *self.backward(x.copy(), gy.copy()))

    def slopes(self, x: Array, name: str, direction: Array, y: Array) -> tuple[Array, Array]:
        """How every output moves with x (the name "x") or a weight array, to the right and to the left of where it is."""
        h = EXACT_STEP if self.exact and name == "x" else self.step(x, name)
        return self._moved(x, name, h * direction, y) / h, self._moved(x, name, -h * direction, y) / -h

    def step(self, x: Array, name: str) -> float:
        """A power of two, so that x + h is as exact as can be; of the size of the numbers themselves."""
        size = float(np.sqrt(np.mean(np.square(self.array(x, name))))) or 1.0
        return self.fineness * STEP * 2.0 ** round(math.log2(max(size, 1e-2)))

    def array(self, x: Array, name: str) -> Array:
        return x if name == "x" else self.weights[name]

    def _moved(self, x: Array, name: str, d: Array, y: Array) -> Array:
        if name == "x":
            return np.array(self.layer.delta(x.copy(), d)) if self.exact else self.forward(x + d) - y
        kept = self.weights[name].copy()
        self.weights[name] += d
        moved = self.forward(x.copy()) - y
        self.weights[name][...] = kept
        return moved

    def _homes(self) -> dict[str, Home]:
        """Where arrays of floats live: among the attributes, or in a dict that is an attribute."""
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
        """The weights by name: arrays in float64 that are part of the layer, so that writing to them nudges it."""
        if not callable(getattr(self.layer, "parameters", None)):
            trial = self.fresh()
            y = trial.forward(x.copy())
            return {name: self._settled(name, self.homes.get(name)) for name in trial.backward(x.copy(), np.ones(y.shape))[1]}
        held = self.layer.parameters()
        if not isinstance(held, dict):
            raise HandmadeError("check_layer wants parameters() to return the weights by name: a dict {name: array}")
        if held and callable(getattr(self.layer, "replace", None)):
            self.layer = self.layer.replace({name: np.array(array, np.float64) for name, array in held.items()})
            self.homes, held = self._homes(), self.layer.parameters()
        weights = {}
        for name, array in held.items():
            home = next((home for home in self.homes.values() if home[0][home[1]] is array), self.homes.get(name))
            inside = home is None and array is self.layer.parameters()[name] and array.dtype == np.float64  # of another object
            weights[name] = array if inside else self._settled(name, home)
        return weights

    def _settled(self, name: str, home: Home | None) -> Array:
        if home is None:
            raise HandmadeError(f"check_layer wants the weights {name} as an array of floats: layer.{name}; found none there")
        room, key = self.rooms[name] = home
        room[key] = array = np.array(room[key], np.float64)
        return array

    def _remembered(self) -> dict[str, Any]:
        """Gradients of the stateful style: a dict that is an attribute, or dW beside W."""
        for name in DICTIONARIES:
            if isinstance(held := getattr(self.layer, name, None), dict):
                return held
        beside = {(name, prefix): getattr(self.layer, prefix + name, None) for name in self.homes for prefix in PREFIXES}
        return {name: found for (name, _), found in beside.items() if isinstance(found, np.ndarray | np.generic | float)}

    def _named(self, name: str) -> str:
        """The weight that a gradient belongs to: W for "W"; W for "dW" too, unless parameters() has a dW."""
        short = [name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix)]
        return name if name in self.weights else next((weight for weight in short if weight in self.homes), name)
