"""Probabilities of classes as bars in characters."""

from collections.abc import Iterator, Sequence

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from handmade.cli.console import results
from handmade.engine.arrays import Array
from handmade.text.class_names import short
from handmade.text.number_format import percent

BAR = 40  # columns of a probability of 1
WORTH_A_BAR = 0.001
LONGEST = 24  # columns of a name


def bars(probabilities: Array, names: Sequence[str]) -> Iterator[Text]:
    """Draw the most likely classes with their probabilities, at least three."""
    order = np.argsort(-probabilities, kind="stable").tolist()
    shown = [k for rank, k in enumerate(order) if rank < 3 or probabilities[k] >= WORTH_A_BAR]
    labels = {k: short(names[k], LONGEST) for k in shown}
    wide = max(map(cell_len, labels.values()))
    full = "\N{FULL BLOCK}" if results.encoding.startswith("utf") else "#"
    for k in shown:
        share = float(probabilities[k])
        name = labels[k] + " " * (wide - cell_len(labels[k]))
        yield Text(f"  {name}  {percent(share):>8}  {full * round(BAR * share)}".rstrip())
