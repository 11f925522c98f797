"""Curves of the loss as SVG inside a view, on a logarithmic scale where all losses are positive."""

import math
from collections.abc import Mapping, Sequence

from handmade.html.markup import Markup, shortened, tag

WIDTH, HEIGHT, LEFT, BELOW = 560, 150, 56, 18  # pixels
POINTS = 200  # of a curve; each is the mean of some steps
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 4", "10 4")
MOST = 6  # curves
LONGEST = 40  # characters of a name


def curves(losses: Mapping[str, Sequence[tuple[float, float]]]) -> Markup | None:
    """Return the curves of some runs; None if there is nothing to draw.

    Parameters
    ----------
    losses : mapping
        Steps and their losses, by the name of the run.
    """
    means = {name: _means([pair for pair in pairs if math.isfinite(pair[1])]) for name, pairs in list(losses.items())[:MOST]}
    values = [loss for pairs in means.values() for _, loss in pairs]
    if not values:
        return None
    rising = math.log10 if min(values) > 0 else float
    last = max(step for pairs in means.values() for step, _ in pairs)
    low, high = rising(min(values)), rising(max(values))
    span = high - low or 1.0

    def point(step: float, loss: float) -> str:
        return f"{LEFT + (WIDTH - LEFT - 4) * step / last:.1f},{4 + (HEIGHT - BELOW - 8) * (high - rising(loss)) / span:.1f}"

    lines = [
        tag("polyline", points=" ".join(point(*pair) for pair in pairs), stroke_dasharray=dash or None, **LINE)
        for pairs, dash in zip(means.values(), DASHES, strict=False)
    ]
    labels = [
        tag("text", f"{max(values):.3g}", x=LEFT - 6, y=14, text_anchor="end"),
        tag("text", f"{min(values):.3g}", x=LEFT - 6, y=HEIGHT - BELOW, text_anchor="end"),
        tag("text", "step 0", x=LEFT, y=HEIGHT - 3),
        tag("text", f"{last:,.0f}", x=WIDTH - 4, y=HEIGHT - 3, text_anchor="end"),
    ]
    box = f"0 0 {WIDTH} {HEIGHT}"
    drawn = tag("svg", *lines, *labels, viewBox=box, width=WIDTH, height=HEIGHT, role="img", aria_label="Loss against the step")
    return tag("figure", drawn, tag("figcaption", f"Loss: {_legend(list(losses))}"))


LINE: dict[str, str | float] = {"fill": "none", "stroke": "currentColor", "stroke_width": 1.5}
STROKES = ("solid", "dashed", "dotted", "dash and dot", "wide dots", "long dashes")


def _legend(names: list[str]) -> str:
    shown = [f"{shortened(name, LONGEST)} ({stroke})" for name, stroke in zip(names, STROKES, strict=False)]
    rest = [f"… {len(names) - MOST:,} more"] if len(names) > MOST else []
    return "on a logarithmic scale" if len(names) == 1 else ", ".join([*shown, *rest])


def _means(pairs: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most 200 points: the last step of each group of steps, and the mean of its losses."""
    size = max(1, -(-len(pairs) // POINTS))
    groups = [pairs[n : n + size] for n in range(0, len(pairs), size)]
    return [(group[-1][0], math.fsum(loss for _, loss in group) / len(group)) for group in groups]
