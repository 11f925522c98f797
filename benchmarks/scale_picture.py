"""Picture of the efficiency against the batch, for each number of cores: points simulated, lines by the formulas."""

from collections.abc import Sequence

from handmade.pictures.sheet import MARGIN, Sheet
from handmade.pictures.style import WIDTH, drawn, encode, theme

Curve = tuple[str, int, Sequence[tuple[int, float, float]]]  # layout, cores, and (batch, simulated, by the formulas)
LEFT, HEIGHT = 0.85, 2.6  # inches


def picture(curves: Sequence[Curve]) -> bytes:
    """Return the bytes of a PNG."""
    return encode(_figure(curves), "png")


@drawn
def _figure(curves: Sequence[Curve]):  # type: ignore[no-untyped-def]  # noqa: ANN202  a figure of Matplotlib
    note = "Simulated steps of `seed` by differences, 1 ms latency, 1 GB/s. Points: simulation. Lines: formulas. Grey: 80 %."
    sheet = Sheet(theme(dark=False), "Efficiency against the batch size", note, WIDTH)
    for layout in dict.fromkeys(layout for layout, _, _ in curves):
        sheet.group(layout)
        axes = sheet.chart(LEFT, sheet.width + MARGIN - LEFT, HEIGHT)
        for colour, (_, cores, points) in zip(sheet.theme.lines, [each for each in curves if each[0] == layout], strict=False):
            batches = [batch for batch, _, _ in points]
            axes.plot(batches, [100 * formula for _, _, formula in points], color=colour, label=f"{cores} cores")
            axes.plot(batches, [100 * simulated for _, simulated, _ in points], "o", color=colour, markersize=4)
        axes.axhline(80, color=sheet.theme.soft, linewidth=0.8)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_ylim(0, 100)
        axes.set_xlabel("batch size, images")
        axes.set_ylabel("efficiency, %")
        axes.grid(visible=True)
        axes.legend(loc="lower left")
        sheet.y += HEIGHT + 0.55
    return sheet.done()
