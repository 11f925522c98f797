"""Library of an object (PyTorch or JAX), found without importing a library.

type_library     from the modules of its class
held_library     from the arrays that it holds
probed_library   from its result: for a function, or for a layer without weights in a file that imports the library
"""

import copy
import inspect
import sys
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any, TypeVar

import numpy as np

from handmade.engine.arrays import Array

_T = TypeVar("_T")
ROOTS = {"torch": "torch", "jax": "jax", "jaxlib": "jax"}  # first part of a class's module name
ARRAYS = {"torch": "Tensor", "jax": "Array"}
MODULE = {"_parameters", "_buffers", "_modules"}  # dicts of a PyTorch module
DEEPEST = 5  # largest depth of nested objects
CLOSED = (
    ModuleType,
    type,
    FunctionType,
    BuiltinFunctionType,
    MethodType,
    np.ndarray,
    str,
    bytes,
)  # not searched for arrays


def loaded() -> list[str]:
    """Return the libraries that are already imported."""
    return [library for library in ARRAYS if library in sys.modules]


def type_library(layer: Any) -> str | None:
    """Return the library of one of the object's base classes, or of the class itself."""
    classes = layer.__mro__ if isinstance(layer, type) else type(layer).__mro__
    roots = (str(getattr(cls, "__module__", "")).partition(".")[0] for cls in classes)
    return next((ROOTS[root] for root in roots if root in ROOTS), None)


def array_library(value: Any) -> str | None:
    """Return the library of an array; None for other values."""
    for library in loaded():
        cls = getattr(sys.modules[library], ARRAYS[library], None)
        if isinstance(cls, type) and isinstance(value, cls):
            return library
    return None


def held_library(value: Any, deepest: int = DEEPEST) -> str | None:
    """Return the library of the first array in the attributes and containers of a value."""
    if not loaded() or isinstance(value, CLOSED):
        return None
    if library := array_library(value):
        return library
    within = (held_library(part, deepest - 1) for part in parts(value)) if deepest else iter(())
    return next((library for library in within if library), None)


def parts(value: Any) -> Iterator[Any]:
    """Yield the values in a container or an object."""
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list | tuple):
        yield from value
    else:
        yield from attributes(value).values()


def attributes(value: Any) -> dict[str, Any]:
    """Return the attributes of an object by name, with those in slots and the arrays of its class.

    For a PyTorch module, these are its parameters, buffers and submodules by their own names.
    """
    found = dict(getattr(value, "__dict__", {}))
    if found.keys() >= MODULE:
        inside = {name: part for key in MODULE for name, part in found[key].items()}
        found = inside | {name: part for name, part in found.items() if not name.startswith("_")}
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            if name not in {"__dict__", "__weakref__"} and hasattr(value, name):
                found.setdefault(name, getattr(value, name))
    return {name: part for name, part in of_class(value).items() if array_library(part)} | found


def of_class(value: Any) -> dict[str, Any]:
    """Return the arrays, numbers and containers that a user's class holds for all of its objects."""
    kinds = [kind for kind in type(value).__mro__ if kind.__module__.partition(".")[0] not in {*ROOTS, "builtins", "typing"}]
    held: dict[str, Any] = {}
    for kind in kinds:
        for name, part in vars(kind).items():
            data = array_library(part) or isinstance(part, np.ndarray | float | int | list | dict)
            if data and not name.startswith("__"):
                held.setdefault(name, part)
    return held


def copied_object(value: Any, memo: dict[int, Any]) -> Any:
    """Return a deep copy; parts that cannot be copied, such as a lock or a file, are shared with the copy."""
    known = dict(memo)
    try:
        return copy.deepcopy(value, memo)
    except Exception:  # noqa: BLE001  any part of the object may raise any exception
        memo.clear()
        memo.update(known)
        _share_uncopyable_parts(value, memo, {id(value)})
        return copy.deepcopy(value, memo)


def _share_uncopyable_parts(value: Any, memo: dict[int, Any], seen: set[int]) -> None:
    for part in parts(value):
        if id(part) in seen or id(part) in memo:
            continue
        seen.add(id(part))
        try:
            copy.deepcopy(part, dict(memo))
        except Exception:  # noqa: BLE001  as above
            if not isinstance(part, CLOSED) and any(True for _ in parts(part)):
                _share_uncopyable_parts(part, memo, seen)
            else:
                memo[id(part)] = part


def reported_as(name: str, cls: type[_T]) -> type[_T]:
    """Return the class with another name, which reports use."""
    return type(name, (cls,), {"__doc__": cls.__doc__})


def probed_library(layer: Any, x: Array) -> str | None:
    """Return the library of the layer's results for NumPy arrays, or for the library's own arrays if it needs them.

    A function that accepts both belongs to NumPy, unless its code refers to the library: ``lambda x: Square.apply(x)``.
    """
    libraries = [library for library in loaded() if _may_use(layer, library)]
    call = _callable_copy(layer) if libraries else None
    if call is None:
        return None
    referred = None if hasattr(layer, "backward") else next((library for library in libraries if _refers_to(call, library)), None)
    try:
        return held_library(call(np.array(x))) or referred
    except Exception:  # noqa: BLE001, S110  it does not accept NumPy arrays
        pass
    for library in libraries:
        try:
            if held_library(call(convert(np.array(x), library))) == library:
                return library
        except Exception:  # noqa: BLE001, S112  it does not accept this library's arrays
            continue
    return referred


def computes_in_numpy(layer: Any, x: Array) -> bool:
    """Return True if forward maps NumPy arrays to NumPy arrays, although the object holds values of a library."""
    call = _callable_copy(layer)
    try:
        return call is not None and held_library(call(np.array(x))) is None
    except Exception:  # noqa: BLE001  it does not accept NumPy arrays
        return False


def _callable_copy(layer: Any) -> Callable[[Any], Any] | None:
    """Return forward of a copy, for a test; None if there is none."""
    if isinstance(layer, type):
        return None
    try:
        trial = copied_object(layer, {})
    except Exception:  # noqa: BLE001  it cannot be copied, so it is not called
        return None
    call = getattr(trial, "forward", trial)
    return call if callable(call) else None


def convert(array: Array, library: str) -> Any:
    """Return a NumPy array as an array of a loaded library."""
    module = sys.modules[library]
    return module.from_numpy(array) if library == "torch" else module.numpy.asarray(array)


def referenced_values(function: Any) -> dict[str, Any]:
    """Return the global and enclosing values that the code of a function uses, by name."""
    function = inspect.unwrap(function)
    if inspect.ismethod(function):
        return {"self": function.__self__} | referenced_values(function.__func__)
    code = getattr(function, "__code__", None)
    if code is None:
        return {}
    around = {name: function.__globals__[name] for name in code.co_names if name in function.__globals__}
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    return around | {name: cell.cell_contents for name, cell in cells if cell != CellType()}


def constants_note(function: Any, name: str) -> tuple[str, ...]:
    """Return a note about arrays from outside a function that it uses, if there are any."""
    held = [key for key, value in referenced_values(function).items() if held_library(value)]
    return (f"only x is compared; arrays from outside {name} are constants: {', '.join(held)}",) if held else ()


def _refers_to(function: Any, library: str) -> bool:
    """Return True if the code of a function uses the library, or an object of it."""
    return any(_root(value) == library or type_library(value) == library for value in referenced_values(function).values())


def _root(module: Any) -> str | None:
    """Return the library of a module."""
    return ROOTS.get(module.__name__.partition(".")[0]) if isinstance(module, ModuleType) else None


def _may_use(layer: Any, library: str) -> bool:
    """Return True if an object may use a library: any object without a backward; others, if their code or file uses it."""
    if not hasattr(layer, "backward") or _refers_to(getattr(layer, "forward", layer), library):
        return True
    file = sys.modules.get(type(layer).__module__)
    return any(_root(value) == library for value in vars(file).values()) if file else False
