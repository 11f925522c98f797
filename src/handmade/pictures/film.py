"""Training as a film: the filters of one layer, from step to step, and the loss below them. One scale for all of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.pictures.filters import Filters, chosen, lay
from handmade.pictures.sheet import MARGIN, Scale, Sheet, logarithmic, signed_scale
from handmade.pictures.style import Theme, drawn, encode, library, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

DPI = 90
A_FRAME, AT_THE_END = 80, 2500  # milliseconds
HEIGHT = 1.6  # inches of the curve


@dataclass(frozen=True, eq=False)
class Frame:
    """A network on its way: after so many steps, and the loss of its last batch."""

    step: int
    loss: float
    network: Network


def film(frames: Sequence[Frame], layer: str | None = None, *, dark: bool = False) -> bytes:
    """Make a GIF of the filters of one layer while they learn.

    Parameters
    ----------
    frames : sequence of Frame
        In the order of the steps.
    layer : str, optional
        Which layer, such as "conv1"; the first that can be drawn if left out.
    dark : bool
        For a dark background.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    HandmadeError
        If there are no frames, there is no such layer, or matplotlib is not installed.
    """
    library()
    images = [_pixels(frame_of_film(frames, n, layer, dark=dark)) for n in range(len(frames))]
    if not images:
        raise HandmadeError("a film wants at least one frame")
    palette = _palette(theme(dark=dark))
    first, *others = [_indexed(image, palette) for image in images]
    file = BytesIO()
    durations = [A_FRAME] * len(others) + [AT_THE_END]
    first.save(file, "GIF", save_all=True, append_images=others, duration=durations, loop=0, optimize=False)
    return file.getvalue()


@drawn
def frame_of_film(frames: Sequence[Frame], number: int, layer: str | None = None, *, dark: bool = False) -> "Figure":
    """Draw one frame of the film: the arguments of `film`, and which frame."""
    house = theme(dark=dark)
    films = [chosen(frame.network, layer)[0] for frame in frames]
    scale = signed_scale(house, [each.W for each in films], "weight")
    return _frame(Sheet(house, f"{films[number].name} while it learns"), frames, number, films[number], scale)


def _frame(sheet: Sheet, frames: Sequence[Frame], number: int, filters: Filters, scale: Scale) -> "Figure":
    now = frames[number]
    sheet.group(f"after step {now.step:,}, loss {now.loss:.3f}", scale)
    lay(sheet, filters, scale)
    sheet.y += 0.25
    axes = sheet.chart(MARGIN + 0.6, sheet.width - 0.6, HEIGHT)
    steps, losses = np.array([frame.step for frame in frames]), np.array([frame.loss for frame in frames])
    axes.plot(steps, losses, color=sheet.theme.rule, linewidth=1)
    axes.plot(steps[: number + 1], losses[: number + 1], color=sheet.theme.lines[0])
    axes.plot(now.step, now.loss, "o", color=sheet.theme.mark)
    logarithmic(axes)
    axes.set_ylabel("loss (nats)")
    axes.set_xlabel("step (one batch)")
    sheet.y += HEIGHT + 0.3
    return sheet.done()


def _pixels(figure: "Figure") -> Array:
    """(H, W, 3) of uint8."""
    from PIL import Image  # noqa: PLC0415  loaded by those who draw

    with BytesIO(encode(figure, "png", DPI)) as file:
        return np.asarray(Image.open(file).convert("RGB"))


def _palette(theme: Theme) -> Array:
    """256 colours for the whole film, so that none of them flickers: the scale, and what letters and lines need; (256, 3)."""
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415  loaded by those who draw

    ways = {theme.diverging: 160, (theme.paper, theme.ink): 40, (theme.paper, theme.soft): 16, (theme.paper, theme.rule): 8}
    ways |= {(theme.paper, theme.lines[0]): 16, (theme.paper, theme.mark): 16}
    scales = [LinearSegmentedColormap.from_list("way", stops)(np.linspace(0, 1, count)) for stops, count in ways.items()]
    colours: Array = (255 * np.concatenate(scales)[:, :3]).round().astype(np.uint8)
    return colours


def _indexed(pixels: Array, palette: Array) -> "Image":
    """Every pixel in the nearest colour of the palette."""
    from PIL import Image  # noqa: PLC0415  loaded by those who draw

    colours, which = np.unique(pixels.reshape(-1, 3) @ [1 << 16, 1 << 8, 1], return_inverse=True)
    rgb = colours[:, None] >> [16, 8, 0] & 255
    nearest = ((rgb[:, None] - palette.astype(np.int64)) ** 2).sum(axis=-1).argmin(axis=-1).astype(np.uint8)
    image = Image.fromarray(nearest[which].reshape(pixels.shape[:2]))
    image.putpalette(palette.tobytes())
    return image
