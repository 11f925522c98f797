"""Error against h: the V of the textbook's quotient and the line of the exact difference, both axes logarithmic."""

from typing import TYPE_CHECKING

from handmade.engine.check.networks.steps import Curve, Precision, StepErrors
from handmade.pictures.style import LABEL, TICK, TITLE, WIDTH, Theme, canvas, drawn, theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 5.2  # inches
FLOOR = 3e-17  # where an error of exactly 0 is drawn: a logarithm has no place for it
CEILING = 30.0  # what is worse than this is as bad
HIGH = 0.1  # an error near which the textbook's label stands
WIDTHS = {  # where both kinds run together, the textbook's line shows on both sides of the other
    ("textbook", "float64"): 3.6,
    ("textbook", "float32"): 2.4,
    ("exact", "float64"): 1.8,
    ("exact", "float32"): 1.0,
}
PRECISIONS: tuple[Precision, ...] = ("float32", "float64")


@drawn
def error_against_h(errors: StepErrors, *, dark: bool = False) -> "Figure":
    """Draw the median error of every method, with h getting smaller to the right.

    Parameters
    ----------
    errors : StepErrors
        From `handmade.gradients.error_against_h`.
    dark : bool
        On dark paper.

    Raises
    ------
    HandmadeError
        If matplotlib is not installed.
    """
    colours = theme(dark=dark)
    figure = canvas(WIDTH, HEIGHT)
    axes = figure.add_axes((0.085, 0.105, 0.89, 0.735))
    axes.set(xscale="log", yscale="log", xlim=(errors.h[0] * 2, errors.h[-1] / 2), ylim=(FLOOR / 2, CEILING * 3))
    axes.set_xlabel("step size h, getting smaller \N{RIGHTWARDS ARROW}")
    axes.set_ylabel("relative error of the quotient (median)")
    axes.set_yticks([10.0**n for n in range(-16, 1, 4)])
    axes.set_xticks([10.0**-n for n in (1, 5, 10, 15, 20, 25, 30)])
    axes.minorticks_off()
    axes.grid(axis="y")
    for curve in errors.curves:
        axes.plot(
            errors.h,
            [min(max(error, FLOOR), CEILING) for error in curve.median],
            color=_colour(curve, colours),
            linewidth=WIDTHS[curve.method, curve.dtype],
            linestyle="-" if curve.scheme == "forward" else (0, (3, 1.5)),
            zorder=3 if curve.method == "exact" else 2,
        )
    _labels(axes, errors, colours)
    counted = sum(errors.weights.values())
    figure.text(
        0.02, 0.945, "Subtracting two losses loses digits. The exact difference keeps them.", fontsize=TITLE, weight="bold"
    )
    figure.text(
        0.02,
        0.895,
        f"Difference quotients against the derivative, {counted} weights. "
        "Solid: one side of the weight; dashed: both. Thick: float64; thin: float32.",
        fontsize=TICK,
        color=colours.soft,
    )
    return figure


def _colour(curve: Curve, colours: Theme) -> str:
    return colours.lines[curve.method == "textbook"]


def _labels(axes: "Axes", errors: StepErrors, colours: Theme) -> None:
    """Beside the lines, in their colours: no legend to look up."""
    for dtype in PRECISIONS:
        flat = max(errors.curve("exact", dtype, "forward").median[-1], FLOOR)
        text = f"exact difference, {dtype}"
        axes.text(errors.h[-1], flat * 2, text, color=colours.lines[0], fontsize=LABEL, ha="right", va="bottom")
        V = errors.curve("textbook", dtype, "forward")
        lost = next(
            n for n in range(V.best, len(errors.h)) if n + 1 == len(errors.h) or V.median[n + 1] > HIGH
        )  # on the way up again
        best = f"textbook, {dtype}\nbest at h = {errors.h[V.best]:g}"
        axes.text(errors.h[lost] / 10, max(V.median[lost], FLOOR), best, color=colours.lines[1], fontsize=LABEL, va="top")
    axes.text(errors.h[-1], 2.0, "no digit is left", color=colours.lines[1], fontsize=LABEL, ha="right", va="bottom")
