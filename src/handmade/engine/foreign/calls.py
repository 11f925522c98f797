"""Foreign: one object with forward and backward, called in one way.

y = forward(x);   gx, {weight: gradient} = backward(x, gy)
"""

import contextlib
from typing import Any, Self

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.foreign.objects import Path, Step, copied, value_at, values, vars_of, write, write_new
from handmade.engine.foreign.randomness import Randomness
from handmade.engine.foreign.results import read, told
from handmade.engine.foreign.signatures import UNDERSTOOD, Call, of_backward, of_forward

OUTPUTS = ("output", "outputs", "out", "y", "result", "a", "activation", "activations")  # of a forward that returns None


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
        self.trains = {"seen": False}  # that a backward with a learning rate changes weights; shared with fresh copies
        self.left: dict[str, Any] = {}  # by the last forward: x, y, cache, ctx
        self._returned: Any = None  # by the last backward

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "left": {}, "_returned": None}  # what the last forward left is no part of the layer

    @property
    def weights(self) -> dict[str, Array]:
        """The weights as the layer has them now, by name; numbers as arrays without axes."""
        return {name: np.asarray(value_at(self.layer, path)) for name, path in self.places.items()}

    @property
    def handed_on(self) -> bool:
        """True if backward is handed x, or what forward returned for it."""
        roles = self.backward_call.roles if self.backward_call else ()
        return bool({"x", "cache", "ctx"} & set(roles))

    @property
    def mixes_batch(self) -> bool:
        """True if the layer itself says that the images of a batch depend on one another."""
        return getattr(self.layer, "mixes_batch", False) is True

    def reads_its_class(self, name: str) -> bool:
        """Return True if the class holds an array of that name, and forward reads arrays of the class: Dense.W for self.W."""
        kind = type(self.layer)
        code = getattr(getattr(self._ahead, "__func__", self._ahead), "__code__", None)
        names = {*code.co_names, *code.co_freevars} if code else set()
        held = any(isinstance(vars(each).get(name), np.ndarray) for each in kind.__mro__)
        return held and bool(names & {"type", "__class__", *(each.__name__ for each in kind.__mro__)})

    def fresh(self, dtype: Any = None) -> Self:
        """Return the same layer with nothing behind it; its arrays of floats in another dtype, if one is given."""
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__
        other.layer, _ = copied(self.layer, dtype)
        other._ahead = other.layer.forward if callable(getattr(other.layer, "forward", None)) else other.layer
        other.randomness, other.left = Randomness(other.layer, [other._ahead]), {}
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
        if made is None:
            made = next((held for name in OUTPUTS if (held := getattr(self.layer, name, None)) is not None), None)
        y, cache = (
            (made[0], made[1] if len(made) == 2 else made[1:]) if isinstance(made, tuple) and len(made) > 1 else (made, None)
        )
        kind = type(y).__name__
        try:
            y = np.asarray(y)
        except ValueError:
            y = np.array(None)  # a list of arrays, say
        if y.dtype.kind not in "biufc":
            kind += f" of {y.dtype}" if kind == "ndarray" else ""
            raise HandmadeError(f"{self.name}.forward: expected it to return an array of numbers; got {kind}. Try return y")
        self.left = {"x": x, "y": y, "cache": cache, "ctx": given["ctx"]}
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
        self._returned = made
        gx, found = read(self.layer, made, self.places, before)
        missing = [name for name in self.places if name not in found]
        assert self.backward_call is not None  # a forward came before
        if missing and "rate" in (*self.backward_call.roles, *(role for _, role in self.backward_call.named)):
            trained, taken = self._by_training(x, gy, missing)
            return (trained if taken else gx), found | taken
        return gx, found

    def returned(self) -> dict[str, Array]:
        """Return the gradients of weights that the last backward returned; none that the layer is known to hold and add up."""
        if callable(getattr(self.layer, "zero_grad", None)):
            return {}
        made = self._returned
        several = made if isinstance(made, tuple | list) else (made,)
        owned = [each for each in several if not any(each is value for value in vars_of(self.layer))]
        found = (
            told((None, *owned[len(owned) > 1 :]), self.places, self.weights)[1] if isinstance(made, tuple | list | dict) else {}
        )
        return {name: g for name, g in found.items() if g.ndim}

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
            kind, said = type(error).__name__, " ".join(str(error).split()) or "no message"
            raise CallFailed(f"{self.name}.{method} raised {kind} for arrays of shape {shapes}: {said:.200}") from error

    def _called_back(self, x: Array, gy: Array, rate: float) -> Any:
        call = self.backward_call or Call(("gy",))
        given = self.left | {"x": x, "gy": gy, "rate": rate, "training": True}
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

    def _by_training(self, x: Array, gy: Array, missing: list[str]) -> tuple[Array | None, dict[str, Array]]:
        """Return gx of a step with learning rate 1, and what it takes away from the weights: gx must not depend on these."""
        trial = self.fresh()
        trial.forward(x.copy())
        before = {name: np.array(array) for name, array in trial.weights.items()}
        made = trial._called_back(x.copy(), gy.copy(), rate=1.0)  # noqa: SLF001  of its own kind
        gx, _ = read(trial.layer, made, self.places, before)
        taken = {name: before[name] - trial.weights[name] for name in missing}
        self.trains["seen"] |= any(np.any(g) for g in taken.values())
        return gx, taken if self.trains["seen"] else {}


class _Context(dict[Any, Any]):
    """Values that forward(ctx, x) hands on to backward(ctx, gy): as entries, as attributes, or saved."""

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
