"""Field of the settings of a run: its type, range, default, help, and panel in the help.

A field is described where it is declared, in `settings.py`. Options of the command, forms and documents are made from it.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from numbers import Integral, Real
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from handmade.engine.errors import HandmadeError


class SettingError(HandmadeError):
    """A value that a setting cannot have.

    Attributes
    ----------
    name : str
        The setting.
    reason : str
        Expected value, received value, and value to try.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason


def setting(
    default: Any,
    panel: str,
    text: str,
    *,
    metavar: str | None = None,
    least: int | None = None,
    change: bool = False,
    added: bool = False,
) -> Any:
    """Describe a field of `Settings`.

    Parameters
    ----------
    default : object
        Value in a plain `handmade train`.
    panel : str
        Group of settings that it belongs to in the help.
    text : str
        Help, one sentence or two.
    metavar : str, optional
        Placeholder of the value in the help; the choices if left out.
    least : int, optional
        Smallest number allowed.
    change : bool
        True if a resumed run may have another value.
    added : bool
        True if records of the first version lack it.
    """
    known = {"panel": panel, "text": text, "metavar": metavar, "least": least, "change": change, "added": added}
    return field(default=default, metadata=known)


@dataclass(frozen=True)
class Setting:
    """Description of one field of `Settings`, of which options, forms and documents are made.

    Attributes
    ----------
    name, default
        Name and default of the field.
    panel, text, metavar, least, change, added
        As for `setting`.
    kind : type
        Type of the value: str, int, float or bool.
    choices : tuple of str
        Values that are allowed; empty if any text is.
    optional : bool
        True if None is allowed.
    """

    name: str
    kind: type
    choices: tuple[str, ...]
    optional: bool
    default: Any
    panel: str
    text: str
    metavar: str | None
    least: int | None
    change: bool
    added: bool

    def checked(self, value: Any) -> Any:
        """Return the value in the type of the setting, or raise SettingError."""
        if value is None and self.optional:
            return None
        converted = self._converted(value)
        if converted is None or (self.choices and converted not in self.choices) or self._is_out_of_range(converted):
            from handmade.engine import arguments  # noqa: PLC0415  NumPy is loaded for a wrong value alone

            got = arguments.described(value)
            raise SettingError(self.name, f"expected {self._expected}, got {got}. Try {self._advice(value)}")
        return converted

    def _converted(self, value: Any) -> Any:
        """Return the value as a plain str, int, float or bool; None if it is of another type."""
        if self.kind is str:
            return str(os.fspath(value)) if isinstance(value, str | os.PathLike) else None
        if self.kind is bool or isinstance(value, bool):
            return value if self.kind is bool and isinstance(value, bool) else None
        try:
            return self.kind(value) if isinstance(value, Integral if self.kind is int else Real) else None
        except OverflowError:  # an integer that no float can hold
            return None

    def _is_out_of_range(self, value: Any) -> bool:
        return self.least is not None and not self.least <= value < math.inf

    def _advice(self, value: Any) -> str:
        """Return a setting to try: the choice that is most like the value, or the default."""
        similar = get_close_matches(str(value), self.choices, n=1)
        if similar or self.default is not None:
            return f"{self.name}={(similar[0] if similar else self.default)!r}"
        return f"leaving {self.name} out"

    @property
    def _expected(self) -> str:
        if self.choices:
            return self.choices[0] if len(self.choices) == 1 else f"one of {', '.join(self.choices)}"
        kind = {str: "text", int: "an integer", float: "a number", bool: "True or False"}[self.kind]
        return kind if self.least is None else f"{kind} of at least {self.least}"


def described(name: str, hint: Any, default: Any, metadata: Mapping[str, Any]) -> Setting:
    """Return the description of a field, from its name, its type hint, its default and its metadata."""
    optional = NoneType in get_args(hint)
    kind = next(one for one in get_args(hint) if one is not NoneType) if optional else hint
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    return Setting(name, str if choices else kind, choices, optional, default, **metadata)
