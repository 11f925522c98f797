"""Stages of the preparation of a picture, from the picture to the image that a network reads."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from handmade.engine.arrays import Array
from handmade.pictures.fonts import fitted
from handmade.pictures.scales import image_scale
from handmade.pictures.sheet import GAP, LINE, MARGIN, Sheet
from handmade.pictures.style import POINT, TICK, WIDTH, drawn, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@drawn
def preparation(stages: Sequence[tuple[str, Array]], note: str = "", *, dark: bool = False, width: float = WIDTH) -> "Figure":
    """Draw the stages side by side.

    Parameters
    ----------
    stages : sequence of (name, (H, W) Array)
        Names and pictures of `Digit.stages()`: 0 is black, 1 is white.
    note : str
        Remark below the title.
    dark : bool
        For a dark background.
    width : float
        Inches of the figure.

    Returns
    -------
    Figure
    """
    sheet = Sheet(theme(dark=dark), "From the picture to the image", note, width)
    scale = image_scale([array for _, array in stages])
    across = 2 if sheet.narrow else 4  # so that names fit
    step, above = sheet.width / across, LINE * TICK * POINT + 0.02
    for number, (name, array) in enumerate(stages):
        x, y = MARGIN + number % across * step, sheet.y + number // across * (step + above)
        sheet.text(x, y, fitted(f"{number + 1} {name}", step - 0.02, TICK), size=TICK, colour=sheet.theme.soft)
        inch = (step - GAP) / max(array.shape)
        sheet.tile(array, scale, x, y + above, array.shape[1] * inch, array.shape[0] * inch)
    sheet.y += -(-len(stages) // across) * (step + above)
    return sheet.done()
