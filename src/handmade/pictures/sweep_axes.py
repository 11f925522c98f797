"""Axes for settings that vary: values as places on an axis, with its scale and its ticks."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from handmade.pictures.fonts import fitted, width_of
from handmade.pictures.numbers import short
from handmade.pictures.style import POINT, TICK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_TICKS = 8  # values of an axis that are written one by one
RATIO = 8.0  # of the largest and the smallest value, from which an axis is logarithmic


def places_on(axes: "Axes", which: Literal["x", "y"], name: str, values: Sequence[Any], inches: float) -> list[float]:
    """Return the places of values on an axis, and set its scale and its ticks."""
    every, ticks = ordered(set(values)), axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xlabel if which == "x" else axes.set_ylabel)(title_of(name))
    if not are_numbers(every):
        ticks.set_ticks(range(len(every)), _labels([text_of(value) for value in every], inches / len(every), which))
        (axes.set_xlim if which == "x" else axes.set_ylim)(-0.5, len(every) - 0.5)
        return [float(every.index(value)) for value in values]
    log = every[0] > 0 and every[-1] >= RATIO * every[0]
    if log:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    widest = max(width_of(text_of(value), TICK) for value in every) if which == "x" else TICK * POINT
    if len(every) <= MOST_TICKS and _apart(every, log=log) * inches * 0.9 > widest + 0.05:
        ticks.set_ticks(every, [text_of(value) for value in every])
        ticks.set_ticks([], minor=True)
    else:
        from matplotlib.ticker import LogLocator, MaxNLocator, StrMethodFormatter  # noqa: PLC0415  loaded when drawn

        few = every[-1] < 100 * every[0]
        ticks.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)) if log else MaxNLocator(nbins=5))
        ticks.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
        ticks.set_ticks([], minor=True)
    return [float(value) for value in values]


def _labels(texts: Sequence[str], room: float, which: Literal["x", "y"]) -> list[str]:
    """Return labels that fit; where they are long, every second one stands on a second line."""
    if which == "y":
        return [fitted(text, 1.0, TICK) for text in texts]
    if all(width_of(text, TICK) < room - 0.04 for text in texts):
        return list(texts)
    return [("\n" if k % 2 else "") + fitted(text, 2 * room - 0.08, TICK) for k, text in enumerate(texts)]


def _apart(every: Sequence[float], *, log: bool) -> float:
    """Return the smallest distance of two values, as a share of the axis."""
    places = np.log(np.array(every)) if log else np.array(every, np.float64)
    return float(np.diff(places).min() / (places[-1] - places[0])) if len(places) > 1 else 1.0


def ordered(values: set[Any]) -> list[Any]:
    """Return numbers in rising order; other values in the order of their texts, none first."""
    if are_numbers(values):
        return sorted(values)
    numbers = sorted(value for value in values if _is_number(value))
    return [*sorted(values - set(numbers), key=lambda value: (value is not None, str(value))), *numbers]


def are_numbers(values: Iterable[Any]) -> bool:
    """Return True if all values are numbers; True and False are none."""
    return all(map(_is_number, values))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def text_of(value: Any) -> str:
    """Return a value of a setting as text."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return short(value) if _is_number(value) else str(value)


def title_of(name: str) -> str:
    """Return the name of a setting in words."""
    return name.replace("_", " ")
