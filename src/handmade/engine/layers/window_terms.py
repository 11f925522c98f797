"""Pixels of one window of an image, as terms."""

from collections.abc import Sequence
from dataclasses import replace

from handmade.engine.arrays import Array
from handmade.engine.terms import MOST, Term, made, stored

FEW = 25  # pixels of a window that are listed one by one, in their order


def inside(x: Array, row: int, column: int) -> bool:
    """Return True if the pixel lies inside the image."""
    height, width = x.shape[:2]
    return bool(0 <= row < height and 0 <= column < width)


def pixel(x: Array, row: int, column: int, channel: int) -> Term:
    """Return a pixel of x (H, W, C); outside the image, the zero of the padding."""
    if inside(x, row, column):
        return stored(x[row, column, channel], "input", row, column, channel)
    return Term(0.0, note="padding")


def largest(seen: Sequence[Term], label: str, notes: Sequence[str] = ()) -> Term:
    """Return the largest of some pixels; those that have this value are marked. Of a long list, the small ones are folded."""
    m = max(candidate.value for candidate in seen)
    ties = sum(candidate.value == m for candidate in seen)
    marked = [candidate.named("", ("wins" if ties == 1 else "tie") * (candidate.value == m)) for candidate in seen]
    if len(marked) > FEW:
        order = sorted(range(len(marked)), key=lambda k: -marked[k].value)  # stable: the first of equals stays the first
        rest = [marked[k] for k in sorted(order[MOST:])]
        others = replace(made("largest", *rest, label=f"{len(rest):,} other pixels"), folded=True)
        marked = [*(marked[k] for k in order[:MOST]), others]
    tied = [f"a tie of {ties}: in backpropagation, the first one gets the complete gradient"] * (ties > 1)
    return made("largest", *marked, label=label, note="; ".join([*tied, *notes]))
