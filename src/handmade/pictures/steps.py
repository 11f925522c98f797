"""Error against the step size h, both axes logarithmic: the V of the textbook's quotient, and the exact difference."""

from typing import TYPE_CHECKING

from handmade.engine.check.networks.steps import Curve, Precision, StepErrors
from handmade.pictures.numbers import counted, power_of_ten, short
from handmade.pictures.style import LABEL, TICK, TITLE, WIDTH, Theme, canvas, drawn, theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 5.2  # inches
FLOOR = 3e-17  # place of an error of exactly 0, which has no logarithm
CEILING = 30.0  # place of larger errors
HIGH = 0.1  # an error near which the label of the textbook's quotient stands
ONE_SIDED, CENTRAL = "-", (0, (3, 1.5))
WIDTHS = {  # where both kinds coincide, the textbook's line is visible on both sides of the other
    ("textbook", "float64"): 3.6,
    ("textbook", "float32"): 2.4,
    ("exact", "float64"): 1.8,
    ("exact", "float32"): 1.0,
}
PRECISIONS: tuple[Precision, ...] = ("float32", "float64")


@drawn
def error_against_h(errors: StepErrors, *, dark: bool = False) -> "Figure":
    """Draw the median error of every method against h, which decreases to the right.

    Parameters
    ----------
    errors : StepErrors
        From `handmade.gradients.error_against_h`.
    dark : bool
        For a dark background.

    Raises
    ------
    HandmadeError
        If matplotlib is not installed.
    """
    colours = theme(dark=dark)
    figure = canvas(WIDTH, HEIGHT)
    axes = figure.add_axes((0.085, 0.105, 0.89, 0.735))
    axes.set(xscale="log", yscale="log", xlim=(errors.h[0] * 2, errors.h[-1] / 2), ylim=(FLOOR / 2, CEILING * 3))
    axes.set_xlabel("step size h, decreasing \N{RIGHTWARDS ARROW}")
    axes.set_ylabel("relative error of the quotient (median)")
    axes.set_yticks([10.0**n for n in range(-16, 1, 4)], [power_of_ten(n) if n else "1" for n in range(-16, 1, 4)])
    axes.set_xticks([10.0**-n for n in (1, 5, 10, 15, 20, 25, 30)], [power_of_ten(-n) for n in (1, 5, 10, 15, 20, 25, 30)])
    axes.minorticks_off()
    axes.grid(axis="y")
    for curve in errors.curves:
        axes.plot(
            errors.h,
            _drawn(curve),
            color=_colour(curve, colours),
            linewidth=WIDTHS[curve.method, curve.dtype],
            linestyle=ONE_SIDED if curve.scheme == "forward" else CENTRAL,
            zorder=3 if curve.method == "exact" else 2,
        )
    _labels(axes, errors, colours)
    figure.text(0.02, 0.945, "Error of difference quotients against the step size h", fontsize=TITLE, weight="bold")
    figure.text(
        0.02,
        0.895,
        f"Compared with backpropagation in float64, {counted(sum(errors.weights.values()), 'weight')}. "
        "Solid: one-sided. Dashed: central. Thick: float64. Thin: float32.",
        fontsize=TICK,
        color=colours.soft,
    )
    return figure


def _drawn(curve: Curve) -> list[float]:
    """Return the errors between the lowest and the highest place of the axes."""
    return [min(max(error, FLOOR), CEILING) for error in curve.median]


def _colour(curve: Curve, colours: Theme) -> str:
    return colours.lines[curve.method == "textbook"]


def _labels(axes: "Axes", errors: StepErrors, colours: Theme) -> None:
    """Write the names of the lines beside them, in their colours."""
    blue, orange = colours.lines[:2]
    for dtype in PRECISIONS:
        flat = max(errors.curve("exact", dtype, "forward").median[-1], FLOOR)
        axes.text(errors.h[-1], flat * 2, f"exact difference, {dtype}", color=blue, fontsize=LABEL, ha="right", va="bottom")
        one_sided, central = (errors.curve("textbook", dtype, scheme) for scheme in ("forward", "central"))
        lost = next(
            n for n in range(one_sided.best, len(errors.h)) if n + 1 == len(errors.h) or one_sided.median[n + 1] > HIGH
        )  # on the way up again
        best = f"textbook, {dtype}\nbest h: {short(errors.h[one_sided.best])} one-sided,\n{short(errors.h[central.best])} central"
        axes.text(errors.h[lost] / 10, max(one_sided.median[lost], FLOOR), best, color=orange, fontsize=LABEL, va="top")
    axes.text(errors.h[-1], 2.0, "all digits cancelled", color=orange, fontsize=LABEL, ha="right", va="bottom")
    _schemes(axes, errors, blue)


def _schemes(axes: "Axes", errors: StepErrors, colour: str) -> None:
    """Write "one-sided" and "central" beside the two slopes of the exact difference in float64, where they are far apart."""
    one_sided, central = (_drawn(errors.curve("exact", "float64", scheme)) for scheme in ("forward", "central"))
    widest = max(range(len(errors.h)), key=lambda n: one_sided[n] / central[n])
    if one_sided[widest] > 100 * central[widest]:
        low = next(n for n in range(widest, len(errors.h)) if one_sided[n] < 1e-10 or n + 1 == len(errors.h))
        axes.text(errors.h[low] / 3, one_sided[low], "one-sided", color=colour, fontsize=LABEL, va="bottom")
        axes.text(
            errors.h[max(widest - 2, 0)] * 2,
            central[max(widest - 2, 0)],
            "central",
            color=colour,
            fontsize=LABEL,
            ha="right",
            va="top",
        )
