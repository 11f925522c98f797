"""Printable values: `print()` shows what the command shows, a notebook shows a view, and `repr()` is one short line.

The engine may not import rich. So the modules that lay values out, as text and as HTML, are found by their names when something
is first shown, as a backend is (see `backend.py`).
"""

import dataclasses
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

TEXT, HTML = "handmade.text", "handmade.html"
LONGEST = 160  # letters of a repr
LONGEST_VALUE = 60  # letters of one value in it
FEW = 4  # entries of a list that are shown one by one
LISTED = 40  # letters of a list of settings
SIZES = ("shape", "kernel", "stride", "padding", "dilation", "window")  # settings that are sizes: 2 x 2


class ShortRepr:
    """Base class of values whose `repr()` is one short line: the name of the class, and settings that are not the default.

    Arrays are shown by shape and dtype. A subclass may override `_summary`.
    """

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if "__repr__" not in vars(cls):
            cls.__repr__ = cls.__repr__  # type: ignore[method-assign] # so that `dataclass` makes none

    def _summary(self) -> str:
        """Return what stands between the brackets of `repr()`."""
        return ", ".join(f"{name}={short(value)}" for name, value in _fields(self))

    def __repr__(self) -> str:
        return cut(f"{type(self).__name__}({self._summary()})", LONGEST)

    def _repr_html_(self) -> str | None:
        """Return the view for a notebook; None if `handmade.html` has none for the class, so that `repr()` is shown."""
        html: str | None = import_module(HTML).to_html(self)
        return html


class Printable(ShortRepr):
    """Base class of values that `handmade.text` has a layout for."""

    def __str__(self) -> str:
        text: str = import_module(TEXT).to_text(self)
        return text


def short(value: Any) -> str:
    """Return a value in a few letters: arrays by shape and dtype, long lists and dicts by their length."""
    if _is_array(value):
        return f"{value.dtype} {tuple(value.shape)}"
    if isinstance(value, Mapping) and value:
        return "{" + counted(len(value), "item") + "}"
    if isinstance(value, list | tuple):
        if len(value) > FEW:
            return f"[{len(value):,} items]"
        parts = ", ".join(map(short, value))
        return cut(f"[{parts}]" if isinstance(value, list) else f"({parts}{',' * (len(value) == 1)})", LONGEST_VALUE)
    return cut(repr(value), LONGEST_VALUE)


def _is_array(value: object) -> bool:
    """Return True for arrays of NumPy and of others, without importing them."""
    return hasattr(value, "dtype") and hasattr(value, "shape")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 filter, 1,024 filters."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def as_plain(value: Any) -> Any:
    """Return a setting ready for JSON: tuples become lists, within each other as well."""
    return [as_plain(each) for each in value] if isinstance(value, list | tuple) else value


def sides(value: object) -> str:
    """Return a setting of a layer as text: 2 x 2 for [2, 2], (0,1) x (0,1) for [[0, 1], [0, 1]]."""
    if not isinstance(value, list | tuple):
        return str(value)
    return " x ".join(f"({','.join(map(str, each))})" if isinstance(each, list | tuple) else str(each) for each in value)


def setting(name: str, value: object) -> str:
    """Return a setting of a layer with its name: sizes as in kernel 2 x 2, other lists as in axes (0, 2)."""
    text = sides(value) if name in SIZES or not isinstance(value, list | tuple) else cut(str(_as_tuples(value)), LISTED)
    return f"{name} {text}"


def _as_tuples(value: object) -> object:
    return tuple(map(_as_tuples, value)) if isinstance(value, list | tuple) else value


def cut(text: str, most: int) -> str:
    """Return a text on one line, with dots in its middle where it is longer than `most` letters."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    end = most // 4
    return f"{text[: most - end - 3]}...{text[-end:]}"


def _fields(value: object) -> Iterator[tuple[str, Any]]:
    """Yield the settings of a dataclass that are not the default, or the public attributes of another object."""
    if not dataclasses.is_dataclass(value):
        yield from ((name, held) for name, held in vars(value).items() if not name.startswith("_"))
        return
    for field in dataclasses.fields(value):
        held = getattr(value, field.name)
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        if field.repr and not (isinstance(held, type(default)) and not _is_array(held) and held == default):
            yield field.name, held
