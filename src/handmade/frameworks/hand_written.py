"""An object whose forward and backward are written by hand in tensors or JAX arrays, seen as an object of NumPy arrays.

Its twin has the same methods, with the same signatures, and the same attributes, with arrays in the place of tensors. Before
a call the twin's arrays are put into the object; after it, what the object then holds is shown by the twin. A tensor and its
array share memory; a JAX array cannot be written to, so it is made anew.
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
GRADIENT = "grad_"  # W.grad of a tensor W is shown as grad_W


def converted(layer: Any, library: Any, x: Array, dtype: Any) -> Any:
    """Return the twin of a copy of the object, in float64, or in its own dtype if forward refuses float64.

    Parameters
    ----------
    layer : object
        It has forward, or can be called, and backward.
    library : module
        With calling, copied, is_array, to_numpy and to_library: tensors or jax_arrays.
    x : Array
        Inputs that forward takes.
    dtype : dtype or None
        Computes in this, if it is given.
    """
    with library.calling():
        first = _twin(library.copied(layer, {}), library, np.dtype(dtype or np.float64))
        if dtype is not None or _runs(first, x):
            return first
        own = [array.dtype for array in _floats(layer, library)]
        other = _twin(library.copied(layer, {}), library, own[0] if own else np.dtype(np.float32))
    return other if _runs(other, x) else first


class Twin:
    """The object in NumPy; see the file's beginning. Made by `converted`, as a class with the object's name."""

    def __init__(self, reach: Callable[[], "_Exchange"]) -> None:
        object.__setattr__(self, "_reach", reach)  # a function: who looks for arrays in the twin finds each of them once
        reach().show(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_reach" not in self.__dict__:
            raise AttributeError(name)
        held = getattr(self._reach().held, name)
        return self._reach().method(self, held) if callable(held) else held

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        exchanged = self._reach()
        with exchanged.library.calling():
            exchanged.put(self)
            other = _twin(exchanged.library.copied(exchanged.held, memo), exchanged.library, exchanged.dtype)
            copies = other.__dict__["_reach"]()
            for value, shown in exchanged.twins.values():  # who holds an array of the twin's holds that of the new twin
                new = memo.get(id(value))
                _, made = copies.twins.get(id(new), (None, None))
                if made is not None:
                    held = memo.get(id(shown), made)
                    memo[id(shown)] = held if getattr(held, "dtype", None) == getattr(made, "dtype", None) else made
                    copies.twins[id(new)] = (new, memo[id(shown)])
            copies.show(other)
        memo[id(self)] = other
        return other


class _Nested:
    """The twin of an object without methods: what is nested in the one that is checked."""


class _Exchange:
    """The object, and which array stands for which of its tensors."""

    def __init__(self, held: Any, library: Any, dtype: "np.dtype[Any]") -> None:
        self.held, self.library, self.dtype = held, library, dtype
        self.twins: dict[int, tuple[Any, Any]] = {}  # by the id of what is the object's: itself, and what stands for it
        self.arrays: dict[int, tuple[Array, Any]] = {}  # by the id of an array: itself, and the tensor in its place

    def method(self, twin: Twin, method: Callable[..., Any]) -> Callable[..., Any]:
        """Return a method of the object that takes and returns NumPy's arrays."""

        @functools.wraps(method, updated=())
        def called(*args: Any, **kwargs: Any) -> Any:
            with self.library.calling():
                self.put(twin)
                args, kwargs = exchange((args, kwargs), lambda value: isinstance(value, np.ndarray), self._given)
                result = method(*args, **kwargs)
                self.show(twin)
                if inspect.isgenerator(result):
                    result = [*result]
                return exchange(result, self.library.is_array, self._returned)

        return called

    def show(self, twin: Twin) -> None:
        """Give the twin the attributes that the object has now."""
        before, self.twins, self.arrays = self.twins, {}, {}
        shown = self._named(self._values(), before)
        reach = twin.__dict__["_reach"]
        twin.__dict__.clear()
        twin.__dict__.update(shown, _reach=reach)

    def put(self, twin: Twin) -> None:
        """Give the object what the twin's attributes are now."""
        seen: dict[int, Any] = {}
        for name, value in self._values().items():
            if name in twin.__dict__:
                self._set(self.held, name, value, self._put(value, twin.__dict__[name], seen))

    def _values(self) -> dict[str, Any]:
        """Return the attributes that are no functions; the arrays and numbers of its class, too."""
        held = of_class(self.held) | attributes(self.held)
        return {name: value for name, value in held.items() if not isinstance(value, FUNCTIONS)}

    def _shown(self, value: Any, before: dict[int, tuple[Any, Any]]) -> Any:
        """Return what stands for a value; the same as before, if it stood for this value."""
        if id(value) in self.twins:
            return self.twins[id(value)][1]
        if self.library.is_array(value):
            stood = before.get(id(value), (None, None))
            array = stood[1] if stood[0] is value else self._array(value)
            self.twins[id(value)], self.arrays[id(array)] = (value, array), (array, value)
            return array
        if not _open(value) or held_library(value) is None:
            return value
        if isinstance(value, tuple):
            parts = [self._shown(part, before) for part in value]
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        shown: Any = {} if isinstance(value, dict) else [] if isinstance(value, list) else _Nested()
        self.twins[id(value)] = (value, shown)
        if isinstance(value, dict):
            shown.update(self._named(value, before))
        elif isinstance(value, list):
            shown.extend(self._shown(part, before) for part in value)
        else:
            shown.__dict__.update(self._named(attributes(value), before))
        return shown

    def _named(self, values: dict[Any, Any], before: dict[int, tuple[Any, Any]]) -> dict[Any, Any]:
        """Return what stands for values by name, and for the gradients that tensors hold themselves."""
        shown = {name: self._shown(value, before) for name, value in values.items()}
        for name, value in values.items():
            if self.library.is_array(value) and getattr(value, "is_leaf", False) and value.grad is not None:
                shown[f"{GRADIENT}{name}"] = self.library.to_numpy(value.grad)
        return shown

    def _array(self, value: Any) -> Array:
        array: Array = self.library.to_numpy(value)
        return array.astype(self.dtype) if array.dtype.kind == "f" and array.dtype != self.dtype else array

    def _put(self, value: Any, shown: Any, seen: dict[int, Any]) -> Any:
        """Return what the object shall hold in the place of a value, for what stands for it now."""
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
        """Return the tensor itself where it has the numbers of the array that stands for it now, and a new one elsewhere."""
        now = self.library.to_numpy(value)
        same = now.dtype == shown.dtype and np.array_equal(now, shown, equal_nan=now.dtype.kind in "fc")
        new = value if same else self.library.to_library(shown)
        self.twins[id(new)], self.arrays[id(shown)] = (new, shown), (shown, new)
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
            object.__setattr__(owner, key, new)  # in a slot, of a frozen class too

    def _given(self, array: Array) -> Any:
        """Return the tensor of an argument: its own for an array of the twin's."""
        if id(array) in self.arrays:
            return self.arrays[id(array)][1]
        return self.library.to_library(array.astype(self.dtype, copy=False) if array.dtype.kind == "f" else array)

    def _returned(self, value: Any) -> Any:
        return self.twins[id(value)][1] if id(value) in self.twins else self.library.to_numpy(value)


class _CallableTwin(Twin):
    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._reach().held)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        exchanged = self._reach()
        return exchanged.method(self, exchanged.held.__call__)(*args, **kwargs)


def _twin(held: Any, library: Any, dtype: "np.dtype[Any]") -> Any:
    """Return the twin of an object, which becomes its own."""
    exchanged = _Exchange(held, library, dtype)
    base = _CallableTwin if callable(held) else Twin
    return reported_as(type(held).__name__, base)(lambda: exchanged)


def _open(value: Any) -> bool:
    """Say that arrays are looked for within a value."""
    return not isinstance(value, CLOSED)


def _floats(value: Any, library: Any) -> list[Any]:
    """Return the arrays of floats among the attributes, as NumPy has them."""
    found = (library.to_numpy(part) for part in attributes(value).values() if library.is_array(part))
    return [array for array in found if array.dtype.kind == "f"]


def _runs(twin: Any, x: Array) -> bool:
    """Say that forward runs for x, or that it cannot be tried here since it wants more than x."""
    tried = twin.__deepcopy__({})
    forward = tried.forward if hasattr(tried, "forward") else tried
    try:
        inspect.signature(forward).bind(x)
    except (TypeError, ValueError):
        return True
    try:
        forward(np.array(x))
    except Exception:  # noqa: BLE001  it may raise anything for a dtype that does not fit
        return False
    return True
