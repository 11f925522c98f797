"""Stages of the preparation of a digit, as pictures in characters."""

from collections.abc import Iterator

from rich.text import Text

from handmade.cli.console import results
from handmade.cli.terminal_pictures import colourful, grey, rows
from handmade.data.picture import Digit
from handmade.engine.arrays import Array

STAGE = 24  # columns


def stage_lines(digit: Digit) -> Iterator[Text]:
    """Yield the lines of all stages, side by side, with numbered names."""
    yield from rows(
        [grey(values, label, results, STAGE if max(values.shape) > 28 else 28) for values, label in _shown(digit)], results
    )


def _shown(digit: Digit) -> list[tuple[Array, str]]:
    """Return the stages with numbered names; in plain characters, ink is printed."""
    as_ink = set() if colourful(results) else {"light"} | (set() if digit.measures.light else {"picture", "paper"})
    return [
        (1 - values if name in as_ink else values, f"{number} {name}") for number, (name, values) in enumerate(digit.stages(), 1)
    ]
