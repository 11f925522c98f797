"""Foreign: one object with forward and backward, called in one way.

y = forward(x);   gx, {weight: gradient} = backward(x, gy)
"""

import contextlib
from typing import Any, Self

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.foreign import gradients
from handmade.engine.foreign.objects import Path, Step, copied, value_at, values, write, write_new
from handmade.engine.foreign.randomness import Randomness
from handmade.engine.foreign.signatures import UNDERSTOOD, Call, of_backward, of_forward

RETURNS = "gx, (gx, {name: gradient}), (gx, gW, gb) in the order of the weights, or {'x': gx, name: gradient}"


class CallFailed(HandmadeError):
    """A method of somebody else's layer that raised; `__cause__` is what it raised."""


class Foreign:
    """A copy of an object with forward and backward, or of a class with such static methods, called in one way.

    Arrays of floats in it are of `dtype`. Each forward draws the same random numbers.

    Attributes
    ----------
    name : str
        The name of its class.
    layer : object
        The copy.
    places : dict of str to Path
        Where the weights are, by the names that reports use.
    shared : list of str
        Parts that cannot be copied.

    Raises
    ------
    HandmadeError
        If a method is missing, or a parameter has no role that is understood.
    """

    def __init__(self, layer: Any, dtype: Any = np.float64, places: dict[str, Path] | None = None) -> None:
        self.name = layer.__name__ if isinstance(layer, type) else type(layer).__name__
        self.dtype = dtype
        self.layer, self.shared = copied(layer, dtype)
        self.places = dict(places or {})
        self._ahead = self.layer.forward if callable(getattr(self.layer, "forward", None)) else self.layer
        self.forward_call = of_forward(self._ahead, self.name)
        self.backward_call: Call | None = None  # until it is known what forward returns
        self.exact = callable(getattr(layer, "delta", None))
        self.randomness = Randomness(self.layer, [self._ahead])
        self._left: dict[str, Any] = {}  # by the last forward: x, y, cache, ctx

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_left": {}}  # what the last forward left is no part of the layer

    @property
    def weights(self) -> dict[str, Array]:
        """The weights as the layer has them now, by name; numbers as arrays without axes."""
        return {name: np.asarray(value_at(self.layer, path)) for name, path in self.places.items()}

    @property
    def stateful(self) -> bool:
        """True if backward is not handed x, but remembers the last forward."""
        return self.backward_call is None or "x" not in self.backward_call.roles

    @property
    def mixes_batch(self) -> bool:
        """True if the layer itself says that the images of a batch depend on one another."""
        return getattr(self.layer, "mixes_batch", False) is True

    def fresh(self) -> Self:
        """Return the same layer with nothing behind it."""
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__
        other.layer, _ = copied(self.layer)
        other._ahead = other.layer.forward if callable(getattr(other.layer, "forward", None)) else other.layer
        other.randomness, other._left = Randomness(other.layer, [other._ahead]), {}
        other.randomness.shared = self.randomness.shared
        return other

    def alone(self) -> Self:
        """Return the same for the first image of its batch, where it holds something for each."""
        other = self.fresh()
        if callable(getattr(other.layer, "for_images", None)):
            other.layer = other.layer.for_images(slice(0, 1))
            other = other.fresh()
        return other

    def with_weights(self, arrays: dict[str, Array]) -> Self:
        """Return the same with other arrays in the place of some weights."""
        other = self.fresh()
        for name, array in arrays.items():
            *above, last = other.places[name]
            held = np.asarray(value_at(other.layer, other.places[name]))
            if array.dtype == held.dtype or last.call or any(step.call for step in above):
                other.put(name, array)
            else:
                write_new(other.layer, other.places[name], array.copy())
        return other

    def put(self, name: str, array: Array) -> None:
        """Put numbers in the place of a weight's."""
        number = isinstance(value_at(self.layer, self.places[name]), float | int)
        write(self.layer, self.places[name], float(array) if number else array)

    def forward(self, x: Array) -> Array:
        """Return the output as the layer gives it: perhaps a view of something of its own."""
        given = {"x": x, "training": True, "ctx": _Context()}
        with self.randomness.held():
            made = self._called("forward", self._ahead, [given[role] for role in self.forward_call.roles])
        y, cache = (
            (made[0], made[1] if len(made) == 2 else made[1:]) if isinstance(made, tuple) and len(made) > 1 else (made, None)
        )
        y = np.asarray(y)
        self._left = {"x": x, "y": y, "cache": cache, "ctx": given["ctx"]}
        if self.backward_call is None:
            self.backward_call = of_backward(self.layer.backward, self.name, cached=cache is not None)
        return y

    def backward(self, x: Array, gy: Array) -> tuple[Array | None, dict[str, Array]]:
        """Return gx, None if there is none, and the gradients that were found, by the names of the weights; no copies.

        A gradient of no weight that is known comes by the name that backward gives it.
        """
        if callable(getattr(self.layer, "zero_grad", None)):
            self.layer.zero_grad()
        before = self.weights
        made = self._called_back(x, gy, rate=0.0)
        gx, found = self._read(made, before)
        missing = [name for name in self.places if name not in found]
        assert self.backward_call is not None  # a forward came before
        if missing and "rate" in (*self.backward_call.roles, *(role for _, role in self.backward_call.named)):
            found |= self._by_training(x, gy, missing)
        return gx, found

    def both(self, x: Array, gy: Array) -> tuple[Array, Array | None, dict[str, Array]]:
        """Return copies of y, gx and the gradients of a forward and a backward of the same input, one after the other."""
        y = np.array(self.forward(x.copy()))
        gx, found = self.backward(x.copy(), gy.copy())
        return y, None if gx is None else np.array(gx), {name: np.array(g) for name, g in found.items()}

    def delta(self, x: Array, dx: Array) -> Array:
        """Return the difference of the output by the layer's own delta, or else by subtraction."""
        if self.exact:
            return np.array(self._called("delta", self.layer.delta, [x, dx]))
        return np.asarray(np.array(self.forward(x + dx)) - np.array(self.forward(x)))

    # --- one call ---

    def _called(self, method: str, function: Any, arguments: list[Any]) -> Any:
        try:
            return function(*arguments)
        except HandmadeError:
            raise
        except Exception as error:
            shapes = ", ".join(str(np.shape(each)) for each in arguments if isinstance(each, np.ndarray))
            kind = type(error).__name__
            raise CallFailed(f"{self.name}.{method} raised {kind} for arrays of shape {shapes}: {error!s:.200}") from error

    def _called_back(self, x: Array, gy: Array, rate: float) -> Any:
        call = self.backward_call or Call(("gy",))
        given = self._left | {"x": x, "gy": gy, "rate": rate, "training": True}
        arguments, named = [given[role] for role in call.roles], {name: given[role] for name, role in call.named}
        function = self.layer.backward
        if call.opaque:
            with contextlib.suppress(_WrongCount):
                return self._tried(function, [gy])
            with contextlib.suppress(_WrongCount):
                return self._tried(function, [x, gy])
            raise HandmadeError(
                f"{self.name}.backward: expected {UNDERSTOOD}; its signature hides its parameters. Try functools.wraps"
            )
        return self._called("backward", lambda *each: function(*each, **named), arguments)

    def _tried(self, function: Any, arguments: list[Any]) -> Any:
        try:
            return self._called("backward", function, arguments)
        except CallFailed as error:
            if isinstance(error.__cause__, TypeError) and "argument" in str(error.__cause__):
                raise _WrongCount from None
            raise

    # --- what came back ---

    def _read(self, made: Any, weights: dict[str, Array]) -> tuple[Array | None, dict[str, Array]]:
        """Tell gx and the gradients apart in what backward returned, and add those that the layer holds."""
        several = isinstance(made, tuple) or (isinstance(made, list) and bool(made) and isinstance(made[0], np.ndarray | None))
        gx, rest = (made[0], list(made[1:])) if several and len(made) > 0 else (made, [])
        found: dict[str, Array] = {}
        if isinstance(gx, dict):
            gx, rest = next((g for name, g in gx.items() if gradients.is_input(name) and name not in weights), None), [gx]
        for each in rest if len(rest) == 1 else [rest]:
            if isinstance(each, dict):
                found |= self._by_name(each)
            elif isinstance(each, tuple | list) and each:
                found |= self._by_order(list(each), weights)
            elif each is not None and not isinstance(each, tuple | list):
                found |= self._by_order([each], weights)
        missing = {self.places[name]: array for name, array in weights.items() if name not in found}
        names = {path: name for name, path in self.places.items()}
        found |= {names[path]: g for path, g in gradients.stored(self.layer, missing).items()}
        if gx is None:
            held = [
                value
                for path, value in values(self.layer)
                if len(path) <= 2
                and gradients.is_input(str(path[-1].key))
                and str(path[-1].key) != gradients.stripped(str(path[-1].key))
                and isinstance(value, np.ndarray)
            ]
            gx = held[0] if held else None
        if gx is not None and not isinstance(gx, np.ndarray):
            gx = np.asarray(gx)
            if gx.dtype.kind not in "fiub":
                raise HandmadeError(f"{self.name}.backward: expected {RETURNS}; got {type(made).__name__}")
        return gx, found

    def _by_name(self, given: dict[Any, Any]) -> dict[str, Array]:
        names = {path: name for name, path in self.places.items()}
        found = {}
        for name, g in given.items():
            path = gradients.match(str(name), names)
            if g is not None and not (path is None and gradients.is_input(str(name))):
                found[names[path] if path is not None else str(name)] = np.asarray(g)
        return found

    def _by_order(self, given: list[Any], weights: dict[str, Array]) -> dict[str, Array]:
        """Match gradients with weights by their order; where that does not fit, by their shapes."""
        arrays = [np.asarray(each) for each in given if each is not None]
        if len(arrays) == len(weights):
            in_order = dict(zip(weights, arrays, strict=True))
            if all(g.shape == weights[name].shape for name, g in in_order.items()):
                return in_order
        found: dict[str, Array] = {}
        rest = []
        for n, g in enumerate(arrays):
            fitting = [name for name, array in weights.items() if array.shape == g.shape and name not in found]
            if fitting:
                found[fitting[0]] = g
            else:
                rest.append((f"result[{n + 1}]", g))
        left = [name for name in weights if name not in found]
        if len(left) == len(rest):
            return found | {name: g for name, (_, g) in zip(left, rest, strict=True)}
        return found | dict(rest)

    def _by_training(self, x: Array, gy: Array, missing: list[str]) -> dict[str, Array]:
        """Return what a step with learning rate 1 takes away from the weights."""
        trial = self.fresh()
        trial.forward(x.copy())
        before = {name: np.array(array) for name, array in trial.weights.items()}
        trial._called_back(x.copy(), gy.copy(), rate=1.0)  # noqa: SLF001  of its own kind
        taken = {name: before[name] - trial.weights[name] for name in missing}
        return {name: g for name, g in taken.items() if np.any(g)}


class _Context:
    """What forward(ctx, x) hands on to backward(ctx, gy)."""

    saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *saved: Any) -> None:
        self.saved_tensors = saved


class _WrongCount(Exception):
    """A call with a wrong number of arguments."""


def held_by_parameters(layer: Any) -> dict[str, Path]:
    """Return the weights that `parameters()` gives by name; none if it gives no dict of arrays."""
    given = layer.parameters() if callable(getattr(layer, "parameters", None)) and not isinstance(layer, type) else {}
    if not isinstance(given, dict):
        return {}
    near = {id(value): path for path, value in values(layer) if isinstance(value, np.ndarray)}
    inside = Step("parameters", call=True)
    return {
        str(name): near.get(id(array), (inside, Step(name, item=True)))
        for name, array in given.items()
        if isinstance(array, np.ndarray)
    }
