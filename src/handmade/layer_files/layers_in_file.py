"""Layers in a file, by name: classes, instances, functions that return a layer, and functions with a separate backward."""

import ast
import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from handmade.engine.errors import HandmadeError
from handmade.layer_files.loading import LayerFile

PARTNERS = ("_vjp", "_backward")  # f_vjp and f_backward are the backward of f
LONGEST = 10_000  # characters of arguments


@dataclass(frozen=True)
class Arguments:
    """Arguments for a class or a function: Python literals."""

    positional: tuple[Any, ...] = ()
    named: Mapping[str, Any] | None = None

    def call(self, function: Callable[..., Any]) -> Any:
        """Call a class or function with these arguments."""
        return function(*self.positional, **(self.named or {}))

    def fit(self, function: Callable[..., Any]) -> str:
        """Return the reason why they do not fit a class or function; an empty text if they fit, or if it is unknown."""
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):  # for example, a class that is not written in Python
            return ""
        try:
            signature.bind(*self.positional, **(self.named or {}))
        except TypeError as error:
            return str(error)
        return ""


@dataclass(frozen=True)
class Pair:
    """Function and its backward."""

    f: Callable[..., Any]
    vjp: Callable[..., Any]


@dataclass(frozen=True)
class NamedLayer:
    """Layer or pair of functions to check.

    Attributes
    ----------
    name : str
        Name in the file.
    make : callable
        Function without arguments that returns a Pair or a layer.
    is_base : bool
        True if it is the base class of another layer in the file: then it may be an interface without its own forward.
    """

    name: str
    make: Callable[[], Any]
    is_base: bool = False


def parse_arguments(text: str) -> Arguments:
    """Return the arguments in a text such as ``kernel=3, filters=4``; no code in it is run.

    Raises
    ------
    HandmadeError
        If they are not Python literals: numbers, strings, tuples, lists, dicts, True, False and None.
    """
    arguments = _literals(text) if len(text) <= LONGEST else None
    if arguments is None:
        raise HandmadeError(f"expected numbers, strings, tuples or lists, got {text!r:.80}. Try 'kernel=3, filters=4'")
    return arguments


def _literals(text: str) -> Arguments | None:
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            return None
        named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg is not None}
        positional = tuple(ast.literal_eval(value) for value in call.args)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None
    return Arguments(positional, named) if len(named) == len(call.keywords) else None


def named(file: LayerFile, name: str, arguments: Arguments) -> NamedLayer:
    """Return the layer or pair of functions with a name in the file.

    Raises
    ------
    HandmadeError
        If the file does not define this name.
    """
    names = vars(file.module)
    if name not in names:
        known = [each for each, value in names.items() if not each.startswith("_") and _defined(value, file)]
        close = difflib.get_close_matches(name, known, 1)
        there = f"it defines {', '.join(known[:20])}" if known else "it defines no class and no function"
        raise HandmadeError(
            f"{file.path.name}: expected {name} in the file; {there}" + (f". Try {file.path.name}:{close[0]}" if close else "")
        )
    return NamedLayer(name, lambda: _made(file, name, arguments))


def every(file: LayerFile, arguments: Arguments) -> list[NamedLayer]:
    """Return every class with a forward and a backward that the file defines, in its order, without abstract ones.

    Raises
    ------
    HandmadeError
        If there is no such class.
    """
    classes = [
        name
        for name, value in vars(file.module).items()
        if isinstance(value, type) and value.__name__ == name and _defined(value, file) and _is_layer(value)
    ]
    if not classes:
        others = [name for name, value in vars(file.module).items() if not name.startswith("_") and _defined(value, file)]
        known = f" Try {file.path.name}:NAME, with one of {', '.join(others[:20])}" if others else ""
        raise HandmadeError(f"{file.path.name}: expected a class with forward and backward; the file defines none.{known}")
    kinds = {name: vars(file.module)[name] for name in classes}
    bases = {name for name, kind in kinds.items() if any(kind in other.__mro__[1:] for other in kinds.values())}
    return [replace(named(file, name, arguments), is_base=name in bases) for name in classes]


def _defined(value: Any, file: LayerFile) -> bool:
    return (isinstance(value, type) or inspect.isfunction(value)) and value.__module__ == file.module.__name__


def _is_layer(kind: type) -> bool:
    methods = (getattr(kind, "forward", None) or kind.__dict__.get("__call__"), getattr(kind, "backward", None))
    return all(callable(method) for method in methods) and not inspect.isabstract(kind)


def _made(file: LayerFile, name: str, arguments: Arguments) -> Any:
    """Return the object to check: an instance of a class, a pair, or the result of a function."""
    value = vars(file.module)[name]
    if isinstance(value, type):
        return value if _is_static(value) else _called(file, name, value, arguments)
    if not inspect.isfunction(value):
        if arguments != Arguments():
            raise HandmadeError(
                f"{file.path.name}:{name}: expected a class or a function for --args, got an object. Leave out --args"
            )
        return value
    for ending in PARTNERS:
        if callable(vjp := vars(file.module).get(name + ending)):
            return Pair(value, vjp)
    stem = next((name.removesuffix(ending) for ending in PARTNERS if name.endswith(ending)), "")
    if stem in vars(file.module):
        raise HandmadeError(f"{file.path.name}:{name} is the backward of {stem}. Try {file.path.name}:{stem}")
    if arguments.fit(value) and arguments == Arguments():
        raise HandmadeError(
            f"{file.path.name}:{name}: expected its backward in the same file, {name}_vjp(x, gy); there is none. "
            "Try --args if this function returns a layer"
        )
    layer = _called(file, name, value, arguments)
    if not callable(getattr(layer, "backward", None)) and type(layer).__module__ in {"builtins", "numpy"}:
        raise HandmadeError(
            f"{file.path.name}:{name}: expected a function that returns a layer, or one with {name}_vjp(x, gy) in the same file; "
            f"{name}() returned a {type(layer).__name__}"
        )
    return layer


def _called(file: LayerFile, name: str, function: Callable[..., Any], arguments: Arguments) -> Any:
    if reason := arguments.fit(function):
        given = "these --args" if arguments != Arguments() else "no arguments"
        raise HandmadeError(
            f"{file.path.name}: {name}{inspect.signature(function)} cannot be called with {given}: {reason}. "
            "Try --args 'kernel=3, filters=4', or name a function of the file that returns the layer"
        )
    return arguments.call(function)


def _is_static(kind: type) -> bool:
    """Return True for a class that is a layer itself, with static methods, such as a torch.autograd.Function."""
    methods = [inspect.getattr_static(kind, name, None) for name in ("forward", "backward")]
    return all(isinstance(method, staticmethod) for method in methods)
