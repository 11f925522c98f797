"""Proxy with NumPy arrays for an object with a hand-written forward and backward in tensors or JAX arrays.

The proxy has the same methods, with the same signatures, and the same attributes, with NumPy arrays instead of tensors. Before a
call, the proxy's arrays are copied into the object; after it, the proxy gets the object's new attributes. A tensor and its array
share memory; a JAX array cannot be written to, so it is replaced.
"""

import functools
import inspect
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.frameworks.functions import exchange
from handmade.frameworks.origin import CLOSED, attributes, held_library, of_class, reported_as

FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType)
GRADIENT = "grad_"  # W.grad of a tensor W is the attribute grad_W of the proxy


def converted(layer: Any, library: Any, x: Array, dtype: Any) -> Any:
    """Return the proxy of a copy of the object, in float64, or in its own dtype if forward does not accept float64.

    Parameters
    ----------
    layer : object
        Object with backward, and with forward or a call operator.
    library : module
        Module tensors or jax_arrays, with calling, copied, is_array, to_numpy and to_library.
    x : Array
        Inputs that forward accepts.
    dtype : dtype or None
        Dtype of the computation, if it is given.
    """
    with library.calling():
        first = _proxy(library.copied(layer, {}), library, np.dtype(dtype or np.float64))
        if dtype is not None or _runs(first, x):
            return first
        own = [array.dtype for array in _floats(layer, library)]
        other = _proxy(library.copied(layer, {}), library, own[0] if own else np.dtype(np.float32))
    return other if _runs(other, x) else first


class Proxy:
    """Proxy with NumPy arrays (see the top of this file). `converted` creates it, as a class with the object's name."""

    def __init__(self, get_exchange: Callable[[], "_Exchange"]) -> None:
        object.__setattr__(
            self, "_get_exchange", get_exchange
        )  # a function, so that a search for arrays in the proxy finds each of them once
        get_exchange().show(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_get_exchange" not in self.__dict__:
            raise AttributeError(name)
        held = getattr(self._get_exchange().held, name)
        return self._get_exchange().method(self, held) if callable(held) else held

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        exchanged = self._get_exchange()
        with exchanged.library.calling():
            exchanged.put(self)
            other = _proxy(exchanged.library.copied(exchanged.held, memo), exchanged.library, exchanged.dtype)
            copies = other.__dict__["_get_exchange"]()
            for (
                value,
                shown,
            ) in exchanged.proxies.values():  # other owners of an array of the proxy get the array of the new proxy
                new = memo.get(id(value))
                _, made = copies.proxies.get(id(new), (None, None))
                if made is not None:
                    held = memo.get(id(shown), made)
                    memo[id(shown)] = held if getattr(held, "dtype", None) == getattr(made, "dtype", None) else made
                    copies.proxies[id(new)] = (new, memo[id(shown)])
            copies.show(other)
        memo[id(self)] = other
        return other


class _Nested:
    """Proxy without methods, for an object that is nested in the checked one."""


class _Exchange:
    """Link between the object and its proxy: pairs of tensors and arrays."""

    def __init__(self, held: Any, library: Any, dtype: "np.dtype[Any]") -> None:
        self.held, self.library, self.dtype = held, library, dtype
        self.proxies: dict[
            int, tuple[Any, Any]
        ] = {}  # by the id of a value of the object: the value, and its replacement in the proxy
        self.arrays: dict[int, tuple[Array, Any]] = {}  # by the id of an array: the array, and its tensor

    def method(self, proxy: Proxy, method: Callable[..., Any]) -> Callable[..., Any]:
        """Return a method of the object with NumPy arrays as arguments and results."""

        @functools.wraps(method, updated=())
        def called(*args: Any, **kwargs: Any) -> Any:
            with self.library.calling():
                self.put(proxy)
                args, kwargs = exchange((args, kwargs), lambda value: isinstance(value, np.ndarray), self._given)
                result = method(*args, **kwargs)
                self.show(proxy)
                if inspect.isgenerator(result):
                    result = [*result]
                return exchange(result, self.library.is_array, self._returned)

        return called

    def show(self, proxy: Proxy) -> None:
        """Update the proxy's attributes from the object."""
        before, self.proxies, self.arrays = self.proxies, {}, {}
        shown = self._named(self._values(), before)
        get_exchange = proxy.__dict__["_get_exchange"]
        proxy.__dict__.clear()
        proxy.__dict__.update(shown, _get_exchange=get_exchange)

    def put(self, proxy: Proxy) -> None:
        """Update the object's attributes from the proxy."""
        seen: dict[int, Any] = {}
        for name, value in self._values().items():
            if name in proxy.__dict__:
                self._set(self.held, name, value, self._put(value, proxy.__dict__[name], seen))

    def _values(self) -> dict[str, Any]:
        """Return the attributes that are not functions, with the arrays and numbers of its class."""
        held = of_class(self.held) | attributes(self.held)
        return {name: value for name, value in held.items() if not isinstance(value, FUNCTIONS)}

    def _shown(self, value: Any, before: dict[int, tuple[Any, Any]]) -> Any:
        """Return the replacement of a value in the proxy; the same as before, if the value is the same."""
        if id(value) in self.proxies:
            return self.proxies[id(value)][1]
        if self.library.is_array(value):
            stood = before.get(id(value), (None, None))
            array = stood[1] if stood[0] is value else self._array(value)
            self.proxies[id(value)], self.arrays[id(array)] = (value, array), (array, value)
            return array
        if not _open(value) or held_library(value) is None:
            return value
        if isinstance(value, tuple):
            parts = [self._shown(part, before) for part in value]
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        shown: Any = {} if isinstance(value, dict) else [] if isinstance(value, list) else _Nested()
        self.proxies[id(value)] = (value, shown)
        if isinstance(value, dict):
            shown.update(self._named(value, before))
        elif isinstance(value, list):
            shown.extend(self._shown(part, before) for part in value)
        else:
            shown.__dict__.update(self._named(attributes(value), before))
        return shown

    def _named(self, values: dict[Any, Any], before: dict[int, tuple[Any, Any]]) -> dict[Any, Any]:
        """Return the replacements of values by name, and of the gradients that tensors hold."""
        shown = {name: self._shown(value, before) for name, value in values.items()}
        for name, value in values.items():
            if self.library.is_array(value) and getattr(value, "is_leaf", False) and value.grad is not None:
                shown[f"{GRADIENT}{name}"] = self.library.to_numpy(value.grad)
        return shown

    def _array(self, value: Any) -> Array:
        array: Array = self.library.to_numpy(value)
        return array.astype(self.dtype) if array.dtype.kind == "f" and array.dtype != self.dtype else array

    def _put(self, value: Any, shown: Any, seen: dict[int, Any]) -> Any:
        """Return the new value of the object, given its old value and the replacement in the proxy."""
        if self.library.is_array(value) and isinstance(shown, np.ndarray):
            if id(shown) not in seen:
                seen[id(shown)] = self._kept(value, shown)
            return seen[id(shown)]
        if self.library.is_array(value) or not _open(value) or held_library(value) is None:
            return shown
        if isinstance(value, tuple):
            parts = [self._put(part, other, seen) for part, other in zip(value, shown, strict=True)]
            if all(part is old for part, old in zip(parts, value, strict=True)):
                return value
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        if id(value) not in seen:
            seen[id(value)] = value
            pairs = shown if isinstance(shown, dict) else dict(enumerate(shown)) if isinstance(shown, list) else vars(shown)
            parts_now = (
                value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else attributes(value)
            )
            for key, part in dict(parts_now).items():
                if key in pairs:
                    self._set(value, key, part, self._put(part, pairs[key], seen))
        return value

    def _kept(self, value: Any, shown: Array) -> Any:
        """Return the tensor itself if it has the numbers of its array, else a new tensor."""
        now = self.library.to_numpy(value)
        same = now.dtype == shown.dtype and np.array_equal(now, shown, equal_nan=now.dtype.kind in "fc")
        new = value if same else self.library.to_library(shown)
        self.proxies[id(new)], self.arrays[id(shown)] = (new, shown), (shown, new)
        return new

    @staticmethod
    def _set(owner: Any, key: Any, old: Any, new: Any) -> None:
        if new is old:
            return
        if isinstance(owner, dict | list):
            owner[key] = new
        elif key in getattr(owner, "__dict__", {}):
            owner.__dict__[key] = new
        else:
            object.__setattr__(owner, key, new)  # in a slot, or of a frozen class

    def _given(self, array: Array) -> Any:
        """Return an argument as a tensor: the object's own tensor for an array of the proxy."""
        if id(array) in self.arrays:
            return self.arrays[id(array)][1]
        return self.library.to_library(array.astype(self.dtype, copy=False) if array.dtype.kind == "f" else array)

    def _returned(self, value: Any) -> Any:
        return self.proxies[id(value)][1] if id(value) in self.proxies else self.library.to_numpy(value)


class _CallableProxy(Proxy):
    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._get_exchange().held)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        exchanged = self._get_exchange()
        return exchanged.method(self, exchanged.held.__call__)(*args, **kwargs)


def _proxy(held: Any, library: Any, dtype: "np.dtype[Any]") -> Any:
    """Return the proxy of an object; nothing else may use the object."""
    exchanged = _Exchange(held, library, dtype)
    base = _CallableProxy if callable(held) else Proxy
    return reported_as(type(held).__name__, base)(lambda: exchanged)


def _open(value: Any) -> bool:
    """Return True if a value may contain arrays."""
    return not isinstance(value, CLOSED)


def _floats(value: Any, library: Any) -> list[Any]:
    """Return the arrays of floats among the attributes, as NumPy arrays."""
    found = (library.to_numpy(part) for part in attributes(value).values() if library.is_array(part))
    return [array for array in found if array.dtype.kind == "f"]


def _runs(proxy: Any, x: Array) -> bool:
    """Return True if forward runs for x, or cannot be tested because it needs more arguments than x."""
    trial = proxy.__deepcopy__({})
    forward = trial.forward if hasattr(trial, "forward") else trial
    try:
        inspect.signature(forward).bind(x)
    except (TypeError, ValueError):
        return True
    try:
        forward(np.array(x))
    except Exception:  # noqa: BLE001  forward may raise any exception for a wrong dtype
        return False
    return True
