"""Foreign: a uniform interface to one object with forward and backward.

y = forward(x);   gx, {weight: gradient} = backward(x, gy)
"""

import contextlib
from typing import Any, Self

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.foreign.objects import Path, Step, copied, value_at, values, vars_of, write, write_new
from handmade.engine.foreign.randomness import Randomness
from handmade.engine.foreign.results import read, split_result
from handmade.engine.foreign.signatures import UNDERSTOOD, Call, of_backward, of_forward

OUTPUTS = (
    "output",
    "outputs",
    "out",
    "y",
    "result",
    "a",
    "activation",
    "activations",
)  # attributes with the output of a forward that returns None


class CallFailed(HandmadeError):
    """Error in a method of a user's layer; `__cause__` is the original exception."""


class Foreign:
    """Copy of an object with forward and backward, or of a class with such static methods, behind a uniform interface.

    Its arrays of floats have the dtype `dtype`. Each forward draws the same random numbers.

    Attributes
    ----------
    name : str
        Name of its class.
    layer : object
        Copy of the object.
    places : dict of str to Path
        Paths of the weights, by the names that reports use.
    shared : list of str
        Names of parts that cannot be copied.

    Raises
    ------
    HandmadeError
        If a method is missing, or a parameter has an unknown role.
    """

    def __init__(self, layer: Any, dtype: Any = np.float64, places: dict[str, Path] | None = None) -> None:
        self.name = layer.__name__ if isinstance(layer, type) else type(layer).__name__
        self.dtype = dtype
        self.layer, self.shared = copied(layer, dtype)
        self.places = dict(places or {})
        self._forward = self.layer.forward if callable(getattr(self.layer, "forward", None)) else self.layer
        self.forward_call = of_forward(self._forward, self.name)
        self.backward_call: Call | None = None  # set after the first forward, because it depends on the result
        self.exact = callable(getattr(layer, "delta", None))
        self.randomness = Randomness(self.layer, [self._forward])
        self.updates = {"seen": False}  # True once a backward with a learning rate changed weights; shared with fresh copies
        self.saved: dict[str, Any] = {}  # from the last forward: x, y, cache, ctx
        self._returned: Any = None  # result of the last backward

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "saved": {}, "_returned": None}  # values of the last call are not part of the layer

    @property
    def weights(self) -> dict[str, Array]:
        """Current weights by name; numbers as arrays without axes."""
        return {name: np.asarray(value_at(self.layer, path)) for name, path in self.places.items()}

    @property
    def gets_forward_values(self) -> bool:
        """True if backward takes x, or a cache that forward returned, as an argument."""
        roles = self.backward_call.roles if self.backward_call else ()
        return bool({"x", "cache", "ctx"} & set(roles))

    @property
    def mixes_batch(self) -> bool:
        """True if the layer declares that the images of a batch depend on one another."""
        return getattr(self.layer, "mixes_batch", False) is True

    def reads_class_array(self, name: str) -> bool:
        """Return True if the class holds an array of that name, and forward reads class arrays: Dense.W instead of self.W."""
        kind = type(self.layer)
        code = getattr(getattr(self._forward, "__func__", self._forward), "__code__", None)
        names = {*code.co_names, *code.co_freevars} if code else set()
        held = any(isinstance(vars(each).get(name), np.ndarray) for each in kind.__mro__)
        return held and bool(names & {"type", "__class__", *(each.__name__ for each in kind.__mro__)})

    def fresh(self, dtype: Any = None) -> Self:
        """Return a copy without earlier calls; its arrays of floats in another dtype, if one is given."""
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__
        other.layer, _ = copied(self.layer, dtype)
        other._forward = other.layer.forward if callable(getattr(other.layer, "forward", None)) else other.layer
        other.randomness, other.saved = Randomness(other.layer, [other._forward]), {}
        other.randomness.shared = self.randomness.shared
        return other

    def alone(self) -> Self:
        """Return a copy for the first image of the batch, if the layer holds values for each image."""
        other = self.fresh()
        if callable(getattr(other.layer, "for_images", None)):
            other.layer = other.layer.for_images(slice(0, 1))
            other = other.fresh()
        return other

    def with_weights(self, arrays: dict[str, Array]) -> Self:
        """Return a copy with other arrays for some weights."""
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
        """Set the numbers of a weight."""
        number = isinstance(value_at(self.layer, self.places[name]), float | int)
        write(self.layer, self.places[name], float(array) if number else array)

    def forward(self, x: Array) -> Array:
        """Return the output of the layer without a copy: it may be a view of the layer's own array."""
        given = {"x": x, "training": True, "ctx": _Context()}
        with self.randomness.held():
            made = self._call("forward", self._forward, [given[role] for role in self.forward_call.roles])
        if made is None:
            made = next((held for name in OUTPUTS if (held := getattr(self.layer, name, None)) is not None), None)
        y, cache = (
            (made[0], made[1] if len(made) == 2 else made[1:]) if isinstance(made, tuple) and len(made) > 1 else (made, None)
        )
        kind = type(y).__name__
        try:
            y = np.asarray(y)
        except ValueError:
            y = np.array(None)  # for example, a list of arrays of different shapes
        if y.dtype.kind not in "biufc":
            kind += f" of {y.dtype}" if kind == "ndarray" else ""
            raise HandmadeError(f"{self.name}.forward: expected an array of numbers as its result; got {kind}. Try return y")
        self.saved = {"x": x, "y": y, "cache": cache, "ctx": given["ctx"]}
        if self.backward_call is None:
            self.backward_call = of_backward(self.layer.backward, self.name, cached=cache is not None)
        return y

    def backward(self, x: Array, gy: Array) -> tuple[Array | None, dict[str, Array]]:
        """Return gx (None if there is none) and the gradients that were found, by the names of the weights; no copies.

        A gradient that belongs to no known weight has the name that backward gives it.
        """
        if callable(getattr(self.layer, "zero_grad", None)):
            self.layer.zero_grad()
        before = self.weights
        made = self._call_backward(x, gy, rate=0.0)
        self._returned = made
        gx, found = read(self.layer, made, self.places, before)
        missing = [name for name in self.places if name not in found]
        assert self.backward_call is not None  # a forward came before
        if missing and "rate" in (*self.backward_call.roles, *(role for _, role in self.backward_call.named)):
            gx_of_update, found_by_update = self._gradients_by_update(x, gy, missing)
            return (gx_of_update if found_by_update else gx), found | found_by_update
        return gx, found

    def returned(self) -> dict[str, Array]:
        """Return the weights' gradients that the last backward returned, without arrays in which the layer accumulates them."""
        if callable(getattr(self.layer, "zero_grad", None)):
            return {}
        made = self._returned
        several = made if isinstance(made, tuple | list) else (made,)
        owned = [each for each in several if not any(each is value for value in vars_of(self.layer))]
        found = (
            split_result((None, *owned[len(owned) > 1 :]), self.places, self.weights)[1]
            if isinstance(made, tuple | list | dict)
            else {}
        )
        return {name: g for name, g in found.items() if g.ndim}

    def both(self, x: Array, gy: Array) -> tuple[Array, Array | None, dict[str, Array]]:
        """Run forward and backward for one input, and return copies of y, gx and the gradients."""
        y = np.array(self.forward(x.copy()))
        gx, found = self.backward(x.copy(), gy.copy())
        return y, None if gx is None else np.array(gx), {name: np.array(g) for name, g in found.items()}

    def delta(self, x: Array, dx: Array) -> Array:
        """Return the difference of the output: from the layer's own delta if it has one, else by subtraction."""
        if self.exact:
            return np.array(self._call("delta", self.layer.delta, [x, dx]))
        return np.asarray(np.array(self.forward(x + dx)) - np.array(self.forward(x)))

    # --- one call ---

    def _call(self, method: str, function: Any, arguments: list[Any]) -> Any:
        try:
            return function(*arguments)
        except HandmadeError:
            raise
        except Exception as error:
            shapes = ", ".join(str(np.shape(each)) for each in arguments if isinstance(each, np.ndarray))
            kind, message = type(error).__name__, " ".join(str(error).split()) or "no message"
            raise CallFailed(f"{self.name}.{method} raised {kind} for arrays of shape {shapes}: {message:.200}") from error

    def _call_backward(self, x: Array, gy: Array, rate: float) -> Any:
        call = self.backward_call or Call(("gy",))
        given = self.saved | {"x": x, "gy": gy, "rate": rate, "training": True}
        arguments, named = [given[role] for role in call.roles], {name: given[role] for name, role in call.named}
        function = self.layer.backward
        if call.opaque:
            with contextlib.suppress(_WrongCount):
                return self._attempt(function, [gy])
            with contextlib.suppress(_WrongCount):
                return self._attempt(function, [x, gy])
            raise HandmadeError(
                f"{self.name}.backward: expected {UNDERSTOOD}; its signature hides its parameters. Try functools.wraps"
            )
        return self._call("backward", lambda *each: function(*each, **named), arguments)

    def _attempt(self, function: Any, arguments: list[Any]) -> Any:
        try:
            return self._call("backward", function, arguments)
        except CallFailed as error:
            if isinstance(error.__cause__, TypeError) and "argument" in str(error.__cause__):
                raise _WrongCount from None
            raise

    def _gradients_by_update(self, x: Array, gy: Array, missing: list[str]) -> tuple[Array | None, dict[str, Array]]:
        """Return gx and the gradients of a step with learning rate 1: the amounts that the step subtracts from the weights."""
        trial = self.fresh()
        trial.forward(x.copy())
        before = {name: np.array(array) for name, array in trial.weights.items()}
        made = trial._call_backward(x.copy(), gy.copy(), rate=1.0)  # noqa: SLF001  an object of the same class
        gx, _ = read(trial.layer, made, self.places, before)
        steps = {name: before[name] - trial.weights[name] for name in missing}
        self.updates["seen"] |= any(np.any(g) for g in steps.values())
        return gx, steps if self.updates["seen"] else {}


class _Context(dict[Any, Any]):
    """Values that forward(ctx, x) passes to backward(ctx, gy): as entries, as attributes, or saved."""

    saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *saved: Any) -> None:
        self.saved_tensors = saved


class _WrongCount(Exception):
    """Call with a wrong number of arguments."""


def named_parameters(layer: Any) -> dict[str, Path]:
    """Return the paths of the weights in the dict that `parameters()` returns; an empty dict if it returns no dict."""
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
