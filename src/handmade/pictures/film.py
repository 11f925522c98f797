"""Film of a training: the filters of one layer from step to step, with the loss below them, all on one scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.engine.printable import ShortRepr
from handmade.pictures.filters import Filters, chosen, lay
from handmade.pictures.numbers import plain
from handmade.pictures.scales import Scale, signed_scale
from handmade.pictures.sheet import MARGIN, Sheet, integer_steps, logarithmic
from handmade.pictures.style import Theme, drawn, encode, library, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

DPI = 90
FRAME_TIME, LAST_FRAME_TIME = 80, 2500  # milliseconds
HEIGHT = 1.6  # inches of the curve


@dataclass(frozen=True, eq=False)
class Frame(ShortRepr):
    """A network during training: the number of steps before it, the loss of its last batch, and the network."""

    step: int
    loss: float
    network: Network


def film(frames: Sequence[Frame], layer: str | None = None, *, dark: bool = False) -> bytes:
    """Make a GIF of the filters of one layer during training.

    Parameters
    ----------
    frames : sequence of Frame
        In the order of the steps.
    layer : str, optional
        One layer, such as "conv1"; the first that can be drawn if left out.
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
        raise HandmadeError("frames: expected at least one Frame; got none. Try film([Frame(0, loss, network)])")
    palette = _palette(theme(dark=dark))
    first, *others = [_indexed(image, palette) for image in images]
    file = BytesIO()
    durations = [FRAME_TIME] * len(others) + [LAST_FRAME_TIME]
    first.save(file, "GIF", save_all=True, append_images=others, duration=durations, loop=0, optimize=False)
    return file.getvalue()


@drawn
def frame_of_film(frames: Sequence[Frame], number: int, layer: str | None = None, *, dark: bool = False) -> "Figure":
    """Draw one frame of the film, by its number in `frames`."""
    colours = theme(dark=dark)
    films = [chosen(frame.network, layer)[0] for frame in frames]
    scale = signed_scale(colours, [each.W for each in films], "weight")
    return _frame(Sheet(colours, f"Filters of {films[number].name} during training"), frames, number, films[number], scale)


def _frame(sheet: Sheet, frames: Sequence[Frame], number: int, filters: Filters, scale: Scale) -> "Figure":
    now = frames[number]
    sheet.group(f"after step {now.step:,}: loss {plain(now.loss)}", scale)
    lay(sheet, filters, scale)
    sheet.y += 0.25
    axes = sheet.chart(MARGIN + 0.6, sheet.width - 0.6, HEIGHT)
    steps, losses = np.array([frame.step for frame in frames]), np.array([frame.loss for frame in frames])
    axes.plot(steps, losses, color=sheet.theme.rule, linewidth=1)
    axes.plot(steps[: number + 1], losses[: number + 1], color=sheet.theme.lines[0])
    axes.plot(now.step, now.loss, "o", color=sheet.theme.mark)
    logarithmic(axes)
    integer_steps(axes)
    axes.set_ylabel("loss (training batch)")
    axes.set_xlabel("step (one batch)")
    sheet.y += HEIGHT + 0.3
    return sheet.done()


def _pixels(figure: "Figure") -> Array:
    """Return the pixels of a figure, (H, W, 3) of uint8."""
    from PIL import Image  # noqa: PLC0415  loaded when something is drawn

    with BytesIO(encode(figure, "png", DPI)) as file:
        return np.asarray(Image.open(file).convert("RGB"))


def _palette(theme: Theme) -> Array:
    """Return 256 colours for all frames, so that no colour flickers: of the scale, of letters and of lines; (256, 3)."""
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415  loaded when something is drawn

    stops_of = {theme.diverging: 160, (theme.paper, theme.ink): 40, (theme.paper, theme.soft): 16, (theme.paper, theme.rule): 8}
    stops_of |= {(theme.paper, theme.lines[0]): 16, (theme.paper, theme.mark): 16}
    scales = [LinearSegmentedColormap.from_list("colours", stops)(np.linspace(0, 1, count)) for stops, count in stops_of.items()]
    colours: Array = (255 * np.concatenate(scales)[:, :3]).round().astype(np.uint8)
    return colours


def _indexed(pixels: Array, palette: Array) -> "Image":
    """Return the image with every pixel in the nearest colour of the palette."""
    from PIL import Image  # noqa: PLC0415  loaded when something is drawn

    found, indices = np.unique(pixels.reshape(-1, 3) @ [1 << 16, 1 << 8, 1], return_inverse=True)
    rgb = found[:, None] >> [16, 8, 0] & 255
    nearest = ((rgb[:, None] - palette.astype(np.int64)) ** 2).sum(axis=-1).argmin(axis=-1).astype(np.uint8)
    image = Image.fromarray(nearest[indices].reshape(pixels.shape[:2]))
    image.putpalette(palette.tobytes())
    return image
