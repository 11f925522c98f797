"""Values of a setting that varies: a list, or a range from which a random search draws.

learning-rate=0.01,0.03,0.1      these values; values that hold commas are separated by ;
seed=0..4                        all integers from 0 to 4
learning-rate=0.001..0.1:5       5 numbers at equal distances; with :log, at equal ratios
learning-rate=0.001..0.1:log     any number, for a random search; with :log, its logarithm is drawn evenly
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from handmade.engine.arguments import described
from handmade.runs.fields import Setting, SettingError
from handmade.runs.launch import CLUSTER
from handmade.runs.settings import FILES, settings

if TYPE_CHECKING:
    import numpy as np

RANGE = re.compile(r"(.+?)\.\.(.+?)(?::(\d{1,9}))?(?::(log))?", re.DOTALL)
BOOLS = {"yes": True, "true": True, "no": False, "false": False}
DIGITS = 3  # significant digits of a number that is drawn: short enough to type it again
MOST = 10_000  # values of one setting, and runs of a sweep
WITH_COMMAS = {"augment"}  # settings whose values hold commas
SAME = {  # settings that are the same in all runs, and the reason
    "recipe": "it stands for several settings. Try to vary one of them",
    "data": "accuracies on different images cannot be compared. Try a sweep for each data set",
    "test_share": "accuracies on different images cannot be compared. Try one value for all runs",
    "skip_unreadable": "accuracies on different images cannot be compared. Try one value for all runs",
    "validation": "accuracies on different images cannot be compared. Try one value for all runs",
    "time_limit": "results would depend on the speed of the machine. Try to vary epochs",
    **dict.fromkeys(("threads", *CLUSTER), "it changes no result. Try one value for all runs"),
}


@dataclass(frozen=True)
class Range:
    """Range from which a random search draws.

    Attributes
    ----------
    low, high : float
        Both ends.
    log : bool
        True to draw the logarithm evenly.
    kind : type
        int or float.
    """

    low: float
    high: float
    log: bool
    kind: type

    def draw(self, rng: "np.random.Generator") -> int | float:
        """Draw a number; it is rounded to 3 significant digits, or to an integer."""
        if self.kind is int and not self.log:
            return int(rng.integers(int(self.low), int(self.high) + 1))
        drawn = math.exp(rng.uniform(math.log(self.low), math.log(self.high))) if self.log else rng.uniform(self.low, self.high)
        drawn = round(drawn) if self.kind is int else float(f"{drawn:.{DIGITS}g}")
        return self.kind(min(max(drawn, self.low), self.high))  # type: ignore[no-any-return] # an int or a float

    def __str__(self) -> str:
        """Return the range in words."""
        return f"{self.low:g} to {self.high:g}{', drawn by its logarithm' if self.log else ''}"


def setting_named(name: object) -> Setting:
    """Return the description of a setting that may vary.

    Raises
    ------
    SettingError
        If there is no such setting, or it is the same in all runs of a sweep.
    """
    known = {each.name: each for each in settings()}
    plain = name.strip().replace("-", "_") if isinstance(name, str) else ""
    if plain not in known:
        similar = get_close_matches(plain, known, n=1)
        advice = f"Did you mean {similar[0]}?" if similar else "Try learning_rate"
        raise SettingError("vary", f"expected the name of a setting of a training, got {described(name)}. {advice}")
    reason = SAME.get(plain, "it changes no result. Try one value for all runs" if known[plain].panel == FILES else None)
    if reason is not None:
        raise SettingError("vary", f"expected a setting that can differ between runs, got {plain}: {reason}")
    return known[plain]


def values_of(name: object, given: object) -> tuple[Any, ...] | Range:
    """Return the values of a setting from a text, or from a list, range or array.

    Parameters
    ----------
    name : str
        Name of the setting.
    given : str or iterable
        Text such as "0.01,0.03,0.1" or "0.001..0.1:log", or the values.

    Raises
    ------
    SettingError
        If the setting cannot have one of the values, or there are none.
    """
    setting = setting_named(name)
    if isinstance(given, str):
        return _parsed(setting, given.strip())
    if not isinstance(given, Iterable) or isinstance(given, bytes | dict):
        raise SettingError(
            "vary", f"expected a list of values for {_words(setting)}, got {described(given)}. Try [{given!r:.40}]"
        )
    found: list[Any] = []
    for value in given:
        if len(found) == MOST:
            raise _too_long(setting)
        found.append(_checked(setting, value.item() if hasattr(value, "item") else value))
    return _distinct(setting, found)


def _parsed(setting: Setting, text: str) -> tuple[Any, ...] | Range:
    found = RANGE.fullmatch(text) if setting.kind in {int, float} and ";" not in text and "," not in text else None
    if found:
        return _ranged(setting, text, *found.groups())
    pieces = text.split(",")
    if setting.name in WITH_COMMAS and ";" not in text and len(pieces) > 1 and not all("=" in piece for piece in pieces):
        got = f"{text!r:.80}. Try {_example(setting)}"
        raise SettingError("vary", f"expected values that are separated by ; for {_words(setting)}, got {got}")
    separator = ";" if ";" in text or setting.name in WITH_COMMAS else ","
    parts = [part.strip() for part in text.split(separator)]
    if not all(parts):
        raise SettingError("vary", f"expected values for {_words(setting)}, got {text!r:.80}. Try {_example(setting)}")
    if len(parts) > MOST:
        raise _too_long(setting)
    return _distinct(setting, [_checked(setting, _value(setting, part)) for part in parts])


def _ranged(setting: Setting, text: str, first: str, last: str, count: str | None, log: str | None) -> tuple[Any, ...] | Range:
    """Return the values of a range as a list, if their number is given or they are integers; else the range."""
    low, high = (_number(setting, end, text) for end in (first, last))
    if not low < high:
        raise SettingError("vary", f"expected a range that rises for {_words(setting)}, got {text!r:.80}. Try {last}..{first}")
    if log and low <= 0:
        raise SettingError(
            "vary", f"expected a range above 0 for {_words(setting)} with log, got {text!r:.80}. Try it without log"
        )
    for end in (low, high):
        _checked(setting, setting.kind(end))
    if count is not None:
        if not 2 <= int(count) <= MOST:
            raise SettingError("vary", f"expected 2 to {MOST:,} values for {_words(setting)}, got {count}. Try {first}..{last}:5")
        spaced = _spaced(setting, low, high, int(count), log=bool(log))
        if (different := len(set(spaced))) < len(spaced):
            digits = "integers" if setting.kind is int else f"numbers of {DIGITS} digits"
            got = f"{count} values, of which {different:,} differ when they are rounded to {digits}"
            fewer = different
            while len(set(_spaced(setting, low, high, fewer, log=bool(log)))) < fewer:
                fewer = max(2, fewer // 2)  # two are the ends, which differ
            advice = f"Try {first}..{last}:{fewer}{':log' if log else ''}"
            raise SettingError("vary", f"expected different values for {_words(setting)}, got {got}. {advice}")
        return tuple(_checked(setting, each) for each in spaced)
    if setting.kind is int and not log and high - low < MOST:
        return tuple(range(int(low), int(high) + 1))
    return Range(low, high, bool(log), setting.kind)


def _spaced(setting: Setting, low: float, high: float, count: int, *, log: bool) -> list[int | float]:
    """Return numbers from low to high at equal distances, or at equal ratios; integers are rounded."""
    shares = [n / (count - 1) for n in range(count)]
    numbers = [low * (high / low) ** share if log else low + (high - low) * share for share in shares]
    if setting.kind is int:
        return [round(each) for each in numbers]
    return [low, *(float(f"{each:.{DIGITS}g}") for each in numbers[1:-1]), high]


def _number(setting: Setting, text: str, text_of_range: str) -> float:
    """Return an end of a range."""
    try:
        number = setting.kind(text.strip())
        if math.isfinite(number):
            return number  # type: ignore[no-any-return] # an int or a float
    except (ValueError, OverflowError):
        pass
    raise SettingError(
        "vary", f"expected numbers at both ends of {_words(setting)}, got {text_of_range!r:.80}. Try {_example(setting)}"
    )


def _value(setting: Setting, text: str) -> Any:
    """Return the value that a text stands for; the text itself if it is none, which the setting then refuses."""
    if setting.optional and text.casefold() == "none":
        return None
    if setting.kind is bool:
        return BOOLS.get(text.casefold(), text)
    if setting.kind in {int, float}:
        try:
            return setting.kind(text)
        except ValueError:
            return text
    return text


def _checked(setting: Setting, value: Any) -> Any:
    try:
        return setting.checked(value)
    except SettingError as error:
        expected = error.reason.partition(". Try")[0].removeprefix("expected ")
        raise SettingError("vary", f"expected {expected}, for {_words(setting)}. Try {_example(setting)}") from None


def _distinct(setting: Setting, values: list[Any]) -> tuple[Any, ...]:
    if not values:
        raise SettingError("vary", f"expected values for {_words(setting)}, got none. Try {_example(setting)}")
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            got = f"{value!r:.80} twice. Try leaving one out"
            raise SettingError("vary", f"expected different values for {_words(setting)}, got {got}")
        seen.add(value)
    return tuple(values)


def _too_long(setting: Setting) -> SettingError:
    return SettingError("vary", f"expected at most {MOST:,} values for {_words(setting)}, got more. Try a random search")


def _words(setting: Setting) -> str:
    return setting.name.replace("_", " ")


def _example(setting: Setting) -> str:
    """Return values that the setting can have, as they are typed."""
    name = setting.name.replace("_", "-")
    if setting.choices:
        return f"{name}={','.join(setting.choices[:2])}"
    if setting.kind is bool:
        return f"{name}=yes,no"
    if setting.kind is str:
        return f'"{name}=none;shift=2"' if setting.name in WITH_COMMAS else f"{name}=readme,seed"
    return f"{name}=1..4" if setting.kind is int else f"{name}=0.01,0.1"
