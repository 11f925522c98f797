"""Arrays and numbers that an object holds, by their paths, and copies of the object.

A path is a tuple of steps from the object to a value: ("params", 0) is object.params[0] or object.params["0"].
"""

import copy
import types
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError

DEPTH = 30  # largest number of steps in a path
MOST = 20_000  # largest number of values of an object that are read
LONG, FIRST = 100, 8  # of a list of numbers or strings longer than LONG, only the first FIRST values are read
PLAIN = (str, bytes, float, int, type(None))
OPAQUE = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, str, bytes, np.dtype, range)
LIBRARIES = {"numpy", "torch", "jax", "jaxlib", "scipy", "threading", "_thread", "_io", "io", "logging", "builtins", "random"}


@dataclass(frozen=True)
class Step:
    """One step of a path.

    Attributes
    ----------
    key : str, int or other
        Name of an attribute, or a key or an index.
    item : bool
        True for a key or an index.
    call : bool
        True for a method that returns the value.
    """

    key: Any
    item: bool = False
    call: bool = False


Path: TypeAlias = tuple[Step, ...]


def path_text(path: Path) -> str:
    """Return a path in Python syntax: inner.params[0], params['W']."""
    text = "".join(f"[{step.key!r}]" if step.item else f".{step.key}" for step in path)
    return text.removeprefix(".")


def short_names(path: Path) -> Iterator[str]:
    """Yield names for a path, from the shortest: W, inner.W for ("inner", "W"); params[0]; W for params['W']."""
    for count in range(1, len(path) + 1):
        part = path[-count:]
        if part[0].item and not isinstance(part[0].key, str):
            continue  # an index needs the name of its list
        rest = path_text(part[1:])
        yield f"{part[0].key}{rest if rest.startswith('[') else rest and '.' + rest}"


def value_at(root: Any, path: Path) -> Any:
    """Return the value at a path.

    Raises
    ------
    LookupError or AttributeError
        If there is no such value.
    """
    for step in path:
        root = root[step.key] if step.item else getattr(root, step.key)
        root = root() if step.call else root
    return root


def write(root: Any, path: Path, value: Any) -> None:
    """Write a value at a path: into the existing array if the shape fits, else as a new object."""
    held = value_at(root, path)
    if isinstance(held, np.ndarray) and held.flags.writeable and held.shape == np.shape(value):
        held[...] = value
    else:
        write_new(root, path, value)


def write_new(root: Any, path: Path, value: Any) -> None:
    """Replace the object at a path by a value."""
    *above, last = path
    owner = value_at(root, tuple(above))
    if isinstance(owner, tuple):  # a tuple cannot be changed: replace it
        change: Any = getattr(owner, "_replace", None)
        other = change(**{last.key: value}) if change else (*owner[: last.key], value, *owner[last.key + 1 :])
        write_new(root, tuple(above), other)
    elif last.item:
        owner[last.key] = value
    else:
        object.__setattr__(owner, last.key, value)


def values(root: Any) -> Iterator[tuple[Path, Any]]:
    """Yield every reachable value of an object that is not a container, with its path; shortest paths first."""
    queue: list[tuple[Path, Any]] = [((), root)]
    seen, given = {id(root)}, 0
    while queue and given < MOST:
        path, owner = queue.pop(0)
        for step, value in _parts(owner):
            here = (*path, step)
            if _is_container(value):
                if id(value) not in seen and len(here) < DEPTH:
                    seen.add(id(value))
                    queue.append((here, value))
            else:
                given += 1
                yield here, value


def vars_of(root: Any) -> list[Any]:
    """Return the values of an object's attributes, containers too."""
    return [value for _, value in _parts(root)]


def arrays(root: Any) -> Iterator[tuple[Path, Array]]:
    """Yield the arrays of numbers that an object holds, each with its first path."""
    seen = set()
    for path, value in values(root):
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiu" and id(value) not in seen:
            seen.add(id(value))
            yield path, value


def numbers(root: Any) -> Iterator[tuple[Path, Any]]:
    """Yield the Python and NumPy numbers that an object holds, with their paths."""
    for path, value in values(root):
        if isinstance(value, float | int | np.floating | np.integer) and not isinstance(value, bool):
            yield path, value


def copied(root: Any, dtype: Any = None) -> tuple[Any, list[str]]:
    """Return a copy of an object, and the names of parts that cannot be copied and are shared.

    Arrays of floats are converted to `dtype`. Arrays that share memory share it in the copy, too. Values of the class are copied
    into the object, so that the class itself does not change.
    """
    if isinstance(root, type):
        return root, []
    held = [(path, value) for path, value in values(root)]
    memo: dict[int, Any] = _copied_arrays([value for _, value in held if isinstance(value, np.ndarray)], dtype)
    shared = []
    try:
        other = copy.deepcopy(root, memo)
    except Exception:  # noqa: BLE001  any part of the object may raise any exception
        memo = _copied_arrays([value for _, value in held if isinstance(value, np.ndarray)], dtype)
        for path, value in held:
            if id(value) not in memo and not _copies(value):
                memo[id(value)] = value
                shared.append(path_text(path))
        try:
            other = copy.deepcopy(root, memo)
        except Exception as error:
            kind = type(root).__name__
            raise HandmadeError(
                f"layer: expected an object that copy.deepcopy can copy; got {kind}: {error}. Try without __deepcopy__"
            ) from error
    _copy_class_values(other, memo)
    return other, shared


def _copies(value: Any) -> bool:
    try:
        copy.deepcopy(value)
    except Exception:  # noqa: BLE001  as above
        return False
    return True


def _copy_class_values(root: Any, memo: dict[int, Any]) -> None:
    for name, value in _of_class(root):
        if name not in getattr(root, "__dict__", {name: None}):
            object.__setattr__(root, name, copy.deepcopy(value, memo))


def _copied_arrays(held: list[Array], dtype: Any) -> dict[int, Any]:
    """Return a copy of each array by its id; views of one array are views of one copy."""
    memo: dict[int, Any] = {}
    families: dict[int, list[Array]] = {}
    for array in held:
        families.setdefault(id(_base(array)), []).append(array)
    for family in families.values():
        base = _base(family[0])
        flat = base.flags.c_contiguous or base.flags.f_contiguous
        if len({id(array) for array in family}) == 1 or not flat or any(array.dtype != base.dtype for array in family):
            memo |= {id(array): _converted(array, dtype) for array in family}
            continue
        other = _converted(base, dtype)
        start, wider = base.__array_interface__["data"][0], other.itemsize / base.itemsize
        for array in family:
            offset = int((array.__array_interface__["data"][0] - start) * wider)
            strides = tuple(int(stride * wider) for stride in array.strides)
            memo[id(array)] = np.ndarray(array.shape, other.dtype, other.ravel(order="K"), offset, strides)
    return memo


def _converted(array: Array, dtype: Any) -> Array:
    return np.array(array, dtype if array.dtype.kind == "f" else None)


def _base(array: Array) -> Array:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _parts(owner: Any) -> Iterator[tuple[Step, Any]]:
    if isinstance(owner, dict):
        yield from ((Step(key, item=True), value) for key, value in list(owner.items()))
    elif isinstance(owner, np.ndarray):
        yield from ((Step(index, item=True), owner[index]) for index in np.ndindex(owner.shape))
    elif isinstance(owner, tuple) and hasattr(owner, "_fields"):
        yield from ((Step(name), value) for name, value in zip(owner._fields, owner, strict=True))
    elif isinstance(owner, list | tuple | deque):
        data = len(owner) > LONG and all(isinstance(value, PLAIN) for value in owner)
        yield from ((Step(n, item=True), value) for n, value in enumerate(islice(owner, FIRST if data else None)))
    else:
        held = dict(getattr(owner, "__dict__", {}))
        for kind in type(owner).__mro__:
            slots = kind.__dict__.get("__slots__", ())
            names = (slots,) if isinstance(slots, str) else slots
            held |= {
                name: getattr(owner, name) for name in names if name not in {"__dict__", "__weakref__"} and hasattr(owner, name)
            }
        held |= {name: value for name, value in _of_class(owner) if name not in held}
        yield from ((Step(name), value) for name, value in held.items())


def _of_class(owner: Any) -> list[tuple[str, Any]]:
    """Return the arrays, numbers and containers that a user's class holds for all of its objects."""
    kinds = [kind for kind in type(owner).__mro__ if kind.__module__.partition(".")[0] not in LIBRARIES]
    found: dict[str, Any] = {}
    for kind in kinds:
        for name, value in vars(kind).items():
            data = isinstance(value, np.ndarray | float | int | np.floating | list | dict | np.random.Generator)
            if data and not isinstance(value, bool) and not name.startswith("__") and name not in found:
                found[name] = value
    return list(found.items()) if hasattr(owner, "__dict__") else []


def _is_container(value: Any) -> bool:
    if isinstance(value, dict | list | tuple | deque) or (isinstance(value, np.ndarray) and value.dtype == object):
        return True
    if isinstance(value, (*OPAQUE, float, int, complex, np.generic, np.ndarray, type(None))):
        return False
    own = type(value).__module__.partition(".")[0] not in LIBRARIES
    return own and (hasattr(value, "__dict__") or any("__slots__" in vars(kind) for kind in type(value).__mro__))
