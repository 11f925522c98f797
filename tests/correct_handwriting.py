"""Handwritings of correct layers: the same equations as different people write them down.

A handwriting is three choices: a convention (the signatures of forward and backward), a shelf (where weights and gradients lie),
and oddities that have nothing to do with gradients. `drive` calls a layer as its author would, for the proof that it is correct.
"""

import sys
import threading
from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from correct_kind import Draw, Kind, P
from handmade.engine.arrays import Array

Gradients: TypeAlias = dict[str, Any]
Drive: TypeAlias = Callable[[Any, Array, Array], tuple[Any, Any, Gradients]]


class Written(NamedTuple):
    layer: Any
    drive: Drive
    description: str


class Parameter:
    """An array with its gradient, as in many small frameworks."""

    data: Any

    def __init__(self, value: Array, name: str = "data") -> None:
        self.grad: Any = None
        self.__dict__[name] = value


class Frame:
    """One layer being written: the equations, the names of its weights and settings on the object, and the random choices."""

    def __init__(self, kind: Kind, d: Draw, weights: dict[str, Any]) -> None:
        self.kind, self.d, self.weights = kind, d, weights
        style = d.one(*STYLES)
        self.called = {name: style.get(name, name) for name in weights}
        if len(set(self.called.values())) < len(weights):
            self.called = {name: name for name in weights}
        self.visible = d.chance(0.6)  # settings are attributes
        self.rebinds = d.chance(0.5)  # statistics are new arrays each time, not written into
        self.dtype: Any = None  # of the output, if the layer computes in one of its own

    def p(self, layer: Any, weights: dict[str, Any]) -> P:
        """Return weights, settings and statistics as the equations want them."""
        kind = self.kind
        settings = {name: getattr(layer, name) if self.holds(name) else value for name, value in kind.settings.items()}
        return SimpleNamespace(**settings, **weights, **{name: getattr(layer, name) for name in kind.state})

    def holds(self, name: str) -> bool:
        """Tell whether a setting is an attribute: a generator always is, since it belongs to the layer."""
        return self.visible or name in {"rng", "running_mean", "running_var", "mask"}

    def furnish(self, layer: Any) -> None:
        """Give the layer its settings and statistics."""
        for name, value in self.kind.settings.items():
            if self.holds(name):
                setattr(layer, name, value)
        for name, value in self.kind.state.items():
            setattr(layer, name, value.copy())

    def settle(self, layer: Any, p: P) -> None:
        """Leave new statistics on the layer."""
        for name in self.kind.state:
            if self.rebinds:
                setattr(layer, name, getattr(p, name))
            else:
                getattr(layer, name)[...] = getattr(p, name)


STYLES: tuple[dict[str, str], ...] = (
    {},
    {},
    {"W": "weight", "b": "bias", "gamma": "weight", "beta": "bias"},
    {"W": "weights", "b": "biases"},
    {"W": "kernel", "b": "bias", "gamma": "scale", "beta": "offset"},
    {"W": "w"},
)
PREFIXES = ("d{}", "d{}", "grad_{}", "g{}", "{}_grad", "d_{}")


# --- shelves: where weights and gradients lie ---------------------------------------------------------------------------------


class Shelf:
    """Attributes W, b and dW, db."""

    name = "attributes"
    slots: tuple[str, ...] = ()

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.called = frame.called
        self.prefix = frame.d.one(*PREFIXES)

    def put(self, layer: Any) -> None:
        for name, value in self.frame.weights.items():
            setattr(layer, self.called[name], value)

    def weights(self, layer: Any) -> dict[str, Any]:
        return {name: getattr(layer, called) for name, called in self.called.items()}

    def replace(self, layer: Any, name: str, value: Any) -> None:
        setattr(layer, self.called[name], value)

    def keep(self, layer: Any, gradients: Gradients) -> None:
        for name, g in gradients.items():
            setattr(layer, self.prefix.format(self.called[name]), g)

    def found(self, layer: Any) -> Gradients:
        return {name: getattr(layer, self.prefix.format(called)) for name, called in self.called.items()}


class Slots(Shelf):
    name = "slots"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        own = [self.called[name] for name in frame.weights]
        settings = [name for name in frame.kind.settings if frame.holds(name)]
        self.slots = (*own, *(self.prefix.format(name) for name in own), *settings, *frame.kind.state, "cache", "x", "ctx")


class Aliases(Shelf):
    """Attributes, and a list of the same arrays; gradients in attributes, and in a list of the same."""

    name = "attributes and lists of the same arrays"

    def put(self, layer: Any) -> None:
        super().put(layer)
        layer.params = list(self.weights(layer).values())

    def replace(self, layer: Any, name: str, value: Any) -> None:
        getattr(layer, self.called[name])[...] = value

    def keep(self, layer: Any, gradients: Gradients) -> None:
        super().keep(layer, gradients)
        layer.grads = [gradients[name] for name in self.called]


class Lists(Shelf):
    name = "lists params and grads"

    def put(self, layer: Any) -> None:
        layer.params = list(self.frame.weights.values())
        layer.grads = [np.zeros_like(value) for value in layer.params] if self.frame.d.chance(0.5) else []

    def weights(self, layer: Any) -> dict[str, Any]:
        return dict(zip(self.called, layer.params, strict=True))

    def replace(self, layer: Any, name: str, value: Any) -> None:
        layer.params[list(self.called).index(name)] = value

    def keep(self, layer: Any, gradients: Gradients) -> None:
        layer.grads = [gradients[name] for name in self.called]

    def found(self, layer: Any) -> Gradients:
        return dict(zip(self.called, layer.grads, strict=True))


class Dicts(Shelf):
    """Dictionaries params and grads; the keys of grads are the weights' names, or their gradients'."""

    name = "dictionaries params and grads"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.prefix = frame.d.one("{}", "{}", "d{}")
        self.where, self.there = frame.d.one(("params", "grads"), ("weights_", "gradients"), ("parameters", "grads"))

    def put(self, layer: Any) -> None:
        setattr(layer, self.where, {self.called[name]: value for name, value in self.frame.weights.items()})

    def weights(self, layer: Any) -> dict[str, Any]:
        return {name: getattr(layer, self.where)[called] for name, called in self.called.items()}

    def replace(self, layer: Any, name: str, value: Any) -> None:
        getattr(layer, self.where)[self.called[name]] = value

    def keep(self, layer: Any, gradients: Gradients) -> None:
        setattr(layer, self.there, {self.prefix.format(self.called[name]): g for name, g in gradients.items()})

    def found(self, layer: Any) -> Gradients:
        return {name: getattr(layer, self.there)[self.prefix.format(called)] for name, called in self.called.items()}


class Parameters(Shelf):
    """Objects with a value and .grad."""

    name = "parameter objects"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.value, self.adds = frame.d.one("data", "value", "array"), frame.d.chance(0.2)

    def put(self, layer: Any) -> None:
        super().put(layer)
        for called in self.called.values():
            setattr(layer, called, Parameter(getattr(layer, called), self.value))

    def weights(self, layer: Any) -> dict[str, Any]:
        return {name: getattr(getattr(layer, called), self.value) for name, called in self.called.items()}

    def replace(self, layer: Any, name: str, value: Any) -> None:
        setattr(getattr(layer, self.called[name]), self.value, value)

    def keep(self, layer: Any, gradients: Gradients) -> None:
        for name, g in gradients.items():
            parameter = getattr(layer, self.called[name])
            parameter.grad = parameter.grad + g if self.adds and parameter.grad is not None else g

    def zero_grad(self, layer: Any) -> None:
        for called in self.called.values():
            getattr(layer, called).grad = None

    def found(self, layer: Any) -> Gradients:
        return {name: getattr(layer, called).grad for name, called in self.called.items()}


class Flat(Shelf):
    """One vector theta; the weights are views of it. The gradient is one vector, too."""

    name = "a flat vector with views"

    def put(self, layer: Any) -> None:
        arrays = list(self.frame.weights.values())
        layer.theta, start = np.concatenate([a.ravel() for a in arrays]), 0
        for called, a in zip(self.called.values(), arrays, strict=True):
            setattr(layer, called, layer.theta[start : start + a.size].reshape(a.shape))
            start += a.size

    def replace(self, layer: Any, name: str, value: Any) -> None:
        getattr(layer, self.called[name])[...] = value

    def keep(self, layer: Any, gradients: Gradients) -> None:
        setattr(layer, self.prefix.format("theta"), np.concatenate([gradients[name].ravel() for name in self.called]))

    def found(self, layer: Any) -> Gradients:
        flat, start, gradients = getattr(layer, self.prefix.format("theta")), 0, {}
        for name, a in self.frame.weights.items():
            gradients[name] = flat[start : start + a.size].reshape(a.shape)
            start += a.size
        return gradients


class FlatWithGradients(Flat):
    """One vector theta with views, and a gradient for each view."""

    name = "a flat vector with views, gradients apart"

    def keep(self, layer: Any, gradients: Gradients) -> None:
        Shelf.keep(self, layer, gradients)

    def found(self, layer: Any) -> Gradients:
        return Shelf.found(self, layer)


class Inner:
    """An object within a layer."""


class Nested(Shelf):
    """A layer held by a layer, alone or in a list, holds weights and gradients."""

    name = "a nested layer"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.listed = frame.d.chance(0.5)

    def inner(self, layer: Any) -> Any:
        return layer.layers[0] if self.listed else layer.inner

    def put(self, layer: Any) -> None:
        inner = Inner()
        super().put(inner)
        if self.listed:
            layer.layers = [inner]
        else:
            layer.inner = inner

    def weights(self, layer: Any) -> dict[str, Any]:
        return super().weights(self.inner(layer))

    def replace(self, layer: Any, name: str, value: Any) -> None:
        super().replace(self.inner(layer), name, value)

    def keep(self, layer: Any, gradients: Gradients) -> None:
        super().keep(self.inner(layer), gradients)

    def found(self, layer: Any) -> Gradients:
        return super().found(self.inner(layer))


class Lazy(Shelf):
    """Weights are created in the first forward pass."""

    name = "weights from the first forward pass"

    def put(self, layer: Any) -> None:
        pass

    def weights(self, layer: Any) -> dict[str, Any]:
        if not hasattr(layer, next(iter(self.called.values()))):
            for name, value in self.frame.weights.items():
                setattr(layer, self.called[name], value.copy() if isinstance(value, np.ndarray) else value)
        return super().weights(layer)


class ClassLists(Lists):
    """Lists params and grads that belong to the class."""

    name = "lists of the class"

    def put(self, layer: Any) -> None:
        type(layer).params = list(self.frame.weights.values())

    def keep(self, layer: Any, gradients: Gradients) -> None:
        layer.grads = [gradients[name] for name in self.called]


class ClassAttributes(Shelf):
    """Attributes W and b of the class."""

    name = "attributes of the class"

    def put(self, layer: Any) -> None:
        for name, value in self.frame.weights.items():
            setattr(type(layer), self.called[name], value)


class ParameterList(Lists):
    """A list of objects with a value and .grad."""

    name = "a list of parameter objects"

    def put(self, layer: Any) -> None:
        layer.params = [Parameter(value) for value in self.frame.weights.values()]

    def weights(self, layer: Any) -> dict[str, Any]:
        return dict(zip(self.called, [each.data for each in layer.params], strict=True))

    def replace(self, layer: Any, name: str, value: Any) -> None:
        layer.params[list(self.called).index(name)].data = value

    def keep(self, layer: Any, gradients: Gradients) -> None:
        for each, name in zip(layer.params, self.called, strict=True):
            each.grad = gradients[name]

    def found(self, layer: Any) -> Gradients:
        return dict(zip(self.called, [each.grad for each in layer.params], strict=True))


class Returned(Shelf):
    """Attributes hold the weights; backward returns their gradients."""

    name = "returned gradients"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.form = frame.d.one("dictionary", "dictionary", "tuple", "tuple", "one dictionary", "one dictionary of d")

    def keep(self, layer: Any, gradients: Gradients) -> None:
        pass

    def result(self, gx: Any, gradients: Gradients) -> Any:
        named = {self.called[name]: gradients[name] for name in self.called}
        match self.form:
            case "dictionary":
                return gx, named
            case "tuple":
                return gx, *named.values()
            case "one dictionary":
                return {"x": gx} | named
        return {"dx": gx} | {f"d{called}": g for called, g in named.items()}

    def taken(self, result: Any) -> tuple[Any, Gradients]:
        match self.form:
            case "dictionary":
                return result[0], {name: result[1][called] for name, called in self.called.items()}
            case "tuple":
                return result[0], dict(zip(self.called, result[1:], strict=True))
            case "one dictionary":
                return result["x"], {name: result[called] for name, called in self.called.items()}
        return result["dx"], {name: result[f"d{called}"] for name, called in self.called.items()}


SHELVES = (
    *(Shelf, Shelf, Slots, Aliases, Lists, Dicts, Dicts, Parameters, Flat, FlatWithGradients, Nested, Lazy),
    *(Returned, Returned, Returned, ClassLists, ClassAttributes, ParameterList),
)
OF_ARRAYS = (Aliases, Lists, ClassLists, ParameterList, Flat, FlatWithGradients)  # these cannot hold a Python float


# --- conventions: the signatures -----------------------------------------------------------------------------------------------

UPSTREAM = ("gy", "dout", "grad_output", "dy", "delta", "grad", "upstream", "dZ", "d_out", "output_gradient", "dL_dy", "g")
INPUT = ("x", "x", "X", "inputs", "input", "a", "inp")


def renamed(function: Callable[..., Any], **names: str) -> Callable[..., Any]:
    """Return the function with other names for its parameters."""
    f: Any = function
    code = f.__code__.replace(co_varnames=tuple(names.get(name, name) for name in f.__code__.co_varnames))
    return FunctionType(code, f.__globals__, f.__name__, f.__defaults__, f.__closure__)


def unmarked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate without functools.wraps, as beginners do."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


class Work:
    """The two passes, for a convention to dress: forward gives y and the cache, backward what the shelf returns."""

    def __init__(self, frame: Frame, shelf: Shelf) -> None:
        self.frame, self.shelf = frame, shelf

    def forward(self, layer: Any, x: Array) -> tuple[Any, Any]:
        frame = self.frame
        p = frame.p(layer, self.shelf.weights(layer))
        if frame.dtype is not None and x.dtype.kind == "f":
            x = x.astype(frame.dtype)
        y, cache = frame.kind.forward(p, x)
        frame.settle(layer, p)
        return (y.astype(frame.dtype) if frame.dtype is not None else y), (p, cache)

    def gradients(self, cache: Any, gy: Array) -> tuple[Any, Gradients]:
        p, kept = cache
        gx, own = self.frame.kind.backward(p, kept, gy)
        if self.frame.dtype is not None:
            own = {name: g.astype(self.frame.dtype) if isinstance(g, np.ndarray) else g for name, g in own.items()}
            gx = None if gx is None else gx.astype(self.frame.dtype)
        return gx, own

    def backward(self, layer: Any, cache: Any, gy: Array) -> Any:
        gx, own = self.gradients(cache, gy)
        self.shelf.keep(layer, own)
        return self.shelf.result(gx, own) if isinstance(self.shelf, Returned) and own else gx

    def taken(self, layer: Any, result: Any) -> tuple[Any, Gradients]:
        if not self.frame.weights:
            return result, {}
        return self.shelf.taken(result) if isinstance(self.shelf, Returned) else (result, self.shelf.found(layer))


Methods: TypeAlias = dict[str, Any]


def stateful(w: Work, d: Draw) -> tuple[Methods, Drive]:
    """Keep what is needed from forward for backward(gy)."""

    def forward(self: Any, x: Array) -> Any:
        y, self.cache = w.forward(self, x)
        return y

    def backward(self: Any, gy: Array) -> Any:
        return w.backward(self, self.cache, gy)

    def drive(layer: Any, x: Array, gy: Array) -> tuple[Any, Any, Gradients]:
        y = layer.forward(x)
        return y, *w.taken(layer, layer.backward(gy))

    return {"forward": renamed(forward, x=d.one(*INPUT)), "backward": renamed(backward, gy=d.one(*UPSTREAM))}, drive


def called(w: Work, d: Draw) -> tuple[Methods, Drive]:
    """Have __call__ instead of forward."""
    methods, _ = stateful(w, d)

    def drive(layer: Any, x: Array, gy: Array) -> tuple[Any, Any, Gradients]:
        y = layer(x)
        return y, *w.taken(layer, layer.backward(gy))

    return {"__call__": methods["forward"], "backward": methods["backward"]}, drive


def decorated(w: Work, d: Draw) -> tuple[Methods, Drive]:
    """Hide both signatures behind a decorator."""
    methods, drive = stateful(w, d)
    return {name: unmarked(method) for name, method in methods.items()}, drive


def with_default(w: Work, d: Draw) -> tuple[Methods, Drive]:
    """Take backward(dout=1)."""

    def backward(self: Any, dout: Any = 1) -> Any:
        return w.backward(self, self.cache, dout * np.ones_like(self.y))

    def forward(self: Any, x: Array) -> Any:
        self.y, self.cache = w.forward(self, x)
        return self.y.copy()

    def drive(layer: Any, x: Array, gy: Array) -> tuple[Any, Any, Gradients]:
        y = layer.forward(x)
        return y, *w.taken(layer, layer.backward(gy))

    return {"forward": forward, "backward": renamed(backward, dout=d.one("dout", "gy", "grad"))}, drive


def starred(w: Work, d: Draw) -> tuple[Methods, Drive]:
    """Take backward(*grads)."""
    methods, drive = stateful(w, d)

    def backward(self: Any, *grads: Array) -> Any:
        (gy,) = grads
        return w.backward(self, self.cache, gy)

    return methods | {"backward": renamed(backward, grads=d.one("grads", "gys", "douts", "grad_outputs"))}, drive


def functional(w: Work, d: Draw) -> tuple[Methods, Drive]:
    """Take backward(x, gy) and run forward again."""

    def forward(self: Any, x: Array) -> Any:
        return w.forward(self, x)[0]

    def backward(self: Any, x: Array, gy: Array) -> Any:
        return w.backward(self, w.forward(self, x)[1], gy)

    def drive(layer: Any, x: Array, gy: Array) -> tuple[Any, Any, Gradients]:
        y = layer.forward(x)
        return y, *w.taken(layer, layer.backward(x, gy))

    x, gy = d.one(*INPUT), d.one(*UPSTREAM)
    return {"forward": renamed(forward, x=x), "backward": renamed(backward, x=x, gy=gy)}, drive


def upstream_first(w: Work, d: Draw) -> tuple[Methods, Drive]:
    """Take backward(dout, x)."""

    def forward(self: Any, x: Array) -> Any:
        return w.forward(self, x)[0]

    def backward(self: Any, gy: Array, x: Array) -> Any:
        return w.backward(self, w.forward(self, x)[1], gy)

    def drive(layer: Any, x: Array, gy: Array) -> tuple[Any, Any, Gradients]:
        y = layer.forward(x)
        return y, *w.taken(layer, layer.backward(gy, x))

    x, gy = d.one(*INPUT), d.one(*UPSTREAM)
    return {"forward": renamed(forward, x=x), "backward": renamed(backward, x=x, gy=gy)}, drive


def with_cache(w: Work, d: Draw) -> tuple[Methods, Drive]:
    """Return (y, cache) from forward and take backward(dout, cache)."""

    def forward(self: Any, x: Array) -> Any:
        return w.forward(self, x)

    def backward(self: Any, gy: Array, cache: Any) -> Any:
        return w.backward(self, cache, gy)

    def backward_cache_first(self: Any, cache: Any, gy: Array) -> Any:
        return w.backward(self, cache, gy)

    turned = d.chance(0.25)

    def drive(layer: Any, x: Array, gy: Array) -> tuple[Any, Any, Gradients]:
        y, cache = layer.forward(x)
        return y, *w.taken(layer, layer.backward(cache, gy) if turned else layer.backward(gy, cache))

    gy = d.one(*UPSTREAM)
    return {"forward": forward, "backward": renamed(backward_cache_first if turned else backward, gy=gy)}, drive


def with_learning_rate(w: Work, d: Draw) -> tuple[Methods, Drive]:
    """Take backward(dout, learning_rate), which takes the step of gradient descent itself."""
    methods, _ = stateful(w, d)

    def backward(self: Any, gy: Array, learning_rate: float) -> Any:
        gx, own = w.gradients(self.cache, gy)
        gx = None if gx is None else gx.copy()
        for name, value in w.shelf.weights(self).items():
            w.shelf.replace(self, name, value - learning_rate * own[name])
        return gx

    def drive(layer: Any, x: Array, gy: Array) -> tuple[Any, Any, Gradients]:
        y = layer.forward(x)
        before = {name: np.array(value) for name, value in w.shelf.weights(layer).items()}
        gx = layer.backward(gy, 0.5)
        return y, gx, {name: (before[name] - value) / 0.5 for name, value in w.shelf.weights(layer).items()}

    gy, rate = (
        d.one("dout", "output_gradient", "gy", "grad_output"),
        d.one("learning_rate", "lr", "learning_rate", "alpha", "eta"),
    )
    return methods | {"backward": renamed(backward, gy=gy, learning_rate=rate)}, drive


def with_mode(w: Work, d: Draw) -> tuple[Methods, Drive]:
    """Take forward(x, training), with or without a default."""
    methods, _ = stateful(w, d)

    def forward(self: Any, x: Array, training: bool) -> Any:  # noqa: ARG001, FBT001  as people write it
        y, self.cache = w.forward(self, x)
        return y

    def forward_default(self: Any, x: Array, training: bool = True) -> Any:  # noqa: ARG001, FBT001, FBT002
        y, self.cache = w.forward(self, x)
        return y

    def drive(layer: Any, x: Array, gy: Array) -> tuple[Any, Any, Gradients]:
        y = layer.forward(x, True)  # noqa: FBT003
        return y, *w.taken(layer, layer.backward(gy))

    mode = d.one("training", "train", "is_training", "train_flg")
    return methods | {"forward": renamed(d.one(forward, forward_default), x=d.one(*INPUT), training=mode)}, drive


class Context:
    """The shape of a context, for the drive: anything can be put on it."""

    saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *arrays: Any) -> None:
        self.saved_tensors = arrays


def with_context(w: Work, d: Draw) -> tuple[Methods, Drive]:
    """Take forward(ctx, x) and backward(ctx, gy); the cache lies on the context."""
    saves = d.chance(0.4)

    def forward(self: Any, ctx: Any, x: Array) -> Any:
        y, ctx.cache = w.forward(self, x)
        if saves:
            ctx.save_for_backward(x)
        return y

    def backward(self: Any, ctx: Any, gy: Array) -> Any:
        if saves:
            (_,) = ctx.saved_tensors
        return w.backward(self, ctx.cache, gy)

    def drive(layer: Any, x: Array, gy: Array) -> tuple[Any, Any, Gradients]:
        ctx = Context()
        y = layer.forward(ctx, x)
        return y, *w.taken(layer, layer.backward(ctx, gy))

    return {"forward": forward, "backward": renamed(backward, gy=d.one("grad_output", "gy", "dout"))}, drive


CONVENTIONS = (
    *(stateful, stateful, stateful, stateful, functional, functional, functional, upstream_first, upstream_first, with_cache),
    *(with_cache, called, decorated, with_default, starred, with_learning_rate, with_mode, with_context),
)


# --- oddities ------------------------------------------------------------------------------------------------------------------

Check: TypeAlias = Callable[[Any, Array, Array], bool]  # of the layer, its input now, and the input it was written for


def _count(layer: Any, _: Array, __: Array) -> bool:
    layer.calls += 1
    return True


def _wait(layer: Any, _: Array, __: Array) -> bool:
    with layer.lock:
        return True


CHECKS: dict[str, Check] = {
    "holds a lock": _wait,
    "counts its calls": _count,
    "refuses a batch of one": lambda _, x, __: len(x) > 1,
    "fixed batch size": lambda _, x, own: len(x) == len(own),
    "insists on the shape of an image": lambda _, x, own: x.shape[1:] == own.shape[1:],
    "insists on its dtype": lambda _, x, own: bool(x.dtype == own.dtype),
    "refuses large numbers": lambda _, x, own: bool(np.abs(x).max(initial=0) <= 2 * np.abs(own).max(initial=0) + 1),
}
HELD: dict[str, Callable[[Any, list[Array]], Any]] = {
    "lock": lambda *_: threading.Lock(),
    "module": lambda *_: np,
    "file": lambda *_: sys.__stderr__,
    "function": lambda *_: lambda x: x,
    "work buffer": lambda *_: np.zeros(7),
    "owner": lambda layer, _: layer,
    "momenta": lambda _, arrays: [np.zeros_like(w) for w in arrays],
    "first weights": lambda _, arrays: [w.copy() for w in arrays],
    "count": lambda *_: 0,
}
HOLDS = {f"holds its {what}" if what in {"owner", "momenta", "first weights"} else f"holds a {what}": what for what in HELD}
ODDITIES = tuple({**CHECKS, **HOLDS})


def oddly(methods: Methods, oddity: str, own: Array) -> Methods:
    """Change the forward pass of a layer so that it has an oddity."""
    if oddity not in CHECKS:
        return methods
    key = "__call__" if "__call__" in methods else "forward"

    def check(layer: Any, *args: Any) -> None:
        if not CHECKS[oddity](layer, next(arg for arg in args if isinstance(arg, np.ndarray)), own):
            raise ValueError(f"this layer {oddity}")

    return methods | {key: _checked(methods[key], check)}


def _checked(inner: Any, check: Callable[..., None]) -> Any:
    """Return inner with a check before it, with the same names of its parameters where that is possible."""
    names = inner.__code__.co_varnames[: inner.__code__.co_argcount]
    if inner.__code__.co_flags & 4:  # *args

        def starred(self: Any, *args: Any) -> Any:
            check(self, *args)
            return inner(self, *args)

        return starred
    if len(names) == 2:

        def one(self: Any, x: Any) -> Any:
            check(self, x)
            return inner(self, x)

        return renamed(one, x=names[1])

    def two(self: Any, x: Any, second: Any) -> Any:
        check(self, x, second)
        return inner(self, x, second)

    def two_default(self: Any, x: Any, second: Any = True) -> Any:  # noqa: FBT002
        check(self, x, second)
        return inner(self, x, second)

    return renamed(two_default if inner.__defaults__ else two, x=names[1], second=names[2])


def furnish_oddity(layer: Any, oddity: str, weights: dict[str, Any]) -> None:
    """Give the layer the attribute that makes it odd."""
    arrays = [value for value in weights.values() if isinstance(value, np.ndarray)]
    name = "count" if oddity == "counts its calls" else HOLDS.get(oddity, "")
    if name:
        setattr(
            layer, {"count": "calls", "module": "np", "file": "log"}.get(name, name.replace(" ", "_")), HELD[name](layer, arrays)
        )


def write(kind: Kind, d: Draw, weights: dict[str, Any], x: Array, dtype: Any) -> Written:
    """Write a kind down in a random handwriting."""
    frame = Frame(kind, d, weights)
    frame.dtype = dtype
    convention, shelf_type = d.one(*CONVENTIONS), d.one(*SHELVES)
    if kind.random and convention in {functional, upstream_first}:
        convention = stateful  # these run forward again, which draws anew
    number = any(not isinstance(value, np.ndarray) for value in weights.values())
    if not weights or (number and shelf_type in OF_ARRAYS):
        shelf_type = Shelf
    if convention is with_learning_rate and (shelf_type in {Returned, Aliases, Lists} or not weights):
        shelf_type = Shelf
    shelf = shelf_type(frame)
    methods, drive = convention(Work(frame, shelf), d)
    oddity = d.one(*ODDITIES) if d.chance(0.35) and shelf_type is not Slots else ""
    if kind.fixed_batch and oddity != "refuses a batch of one":
        oddity = "fixed batch size"
    methods = oddly(methods, oddity, x)
    if shelf_type is Slots:
        methods["__slots__"] = (*dict.fromkeys((*shelf.slots, *(("y",) if convention is with_default else ()))),)
    if isinstance(shelf, Parameters) and shelf.adds:
        methods["zero_grad"] = lambda self, shelf=shelf: shelf.zero_grad(self)
    layer = type(kind.name.title().replace(" ", "").split(",")[0].split("(")[0], (), methods)()
    frame.furnish(layer)
    shelf.put(layer)
    furnish_oddity(layer, oddity, weights)
    parts = [convention.__name__.replace("_", " "), shelf.name if weights else "", oddity]
    return Written(layer, drive, ", ".join(part for part in parts if part))
