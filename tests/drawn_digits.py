"""Digits that nobody wrote for MNIST: printed in the faces that matplotlib ships, and drawn by hand-like strokes of several pens.

Each is turned a little, moved, scaled, and drawn dark on light or light on dark; everything follows from the seed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

FACES = {
    "DejaVu Sans": "DejaVuSans",
    "DejaVu Sans bold": "DejaVuSans-Bold",
    "DejaVu Sans oblique": "DejaVuSans-Oblique",
    "DejaVu Mono": "DejaVuSansMono",
    "DejaVu Serif": "DejaVuSerif",
    "STIX": "STIXGeneral",
    "STIX bold": "STIXGeneralBol",
    "STIX italic": "STIXGeneralItalic",
    "Computer Modern": "cmr10",
    "Computer Modern sans": "cmss10",
    "Computer Modern typewriter": "cmtt10",
}
SHEET = 360  # pixels a side; a digit is half as high
PENS = (2, 5, 10, 16, 24)  # hundredths of a digit's height

# How a hand draws each digit: strokes of points (x, y), in a box one wide and one high, y down. Corners are rounded afterwards.
STROKES = {
    0: [[(0.55, 0), (0.2, 0.2), (0.12, 0.6), (0.3, 0.95), (0.6, 0.97), (0.82, 0.65), (0.8, 0.25), (0.55, 0), (0.45, 0.02)]],
    1: [[(0.5, 0), (0.5, 0.5), (0.48, 1)]],
    2: [[(0.15, 0.22), (0.35, 0.02), (0.7, 0.08), (0.75, 0.35), (0.5, 0.65), (0.15, 0.95), (0.5, 0.93), (0.88, 0.95)]],
    3: [[(0.18, 0.1), (0.5, 0), (0.78, 0.15), (0.65, 0.4), (0.42, 0.47), (0.75, 0.58), (0.8, 0.85), (0.5, 1), (0.15, 0.9)]],
    4: [[(0.25, 0), (0.15, 0.3), (0.18, 0.5), (0.5, 0.53), (0.8, 0.48)], [(0.75, 0.02), (0.72, 0.5), (0.7, 1)]],
    5: [[(0.3, 0.02), (0.25, 0.4), (0.55, 0.38), (0.8, 0.6), (0.7, 0.9), (0.4, 1), (0.15, 0.9)], [(0.3, 0.02), (0.8, 0)]],
    6: [[(0.65, 0), (0.35, 0.25), (0.2, 0.65), (0.35, 0.98), (0.7, 0.9), (0.75, 0.62), (0.5, 0.52), (0.22, 0.72)]],
    7: [[(0.15, 0.06), (0.5, 0.05), (0.85, 0.04), (0.65, 0.45), (0.45, 1)]],
    8: [[(0.7, 0.1), (0.4, 0), (0.25, 0.22), (0.7, 0.65), (0.6, 0.97), (0.3, 0.97), (0.2, 0.72), (0.7, 0.28), (0.7, 0.1)]],
    9: [[(0.75, 0.25), (0.5, 0.02), (0.22, 0.2), (0.3, 0.45), (0.6, 0.45), (0.75, 0.25), (0.73, 0.6), (0.6, 1)]],
}


@dataclass(frozen=True)
class Drawn:
    """One drawn digit."""

    tool: str
    digit: int
    picture: NDArray[np.uint8]  # (H, W)


def drawn(per_tool: int, seed: int, *, turn: float = 8.0) -> Iterator[Drawn]:
    """So many digits of every face and every pen, 0 to 9 in turn, each turned by up to `turn` degrees."""
    rng = np.random.default_rng(seed)
    for tool, (name, file) in enumerate(FACES.items()):
        for digit in (np.arange(tool, tool + per_tool) % 10).tolist():
            yield Drawn(name, digit, _arranged(_printer(file, digit), rng, turn))
    for tool, width in enumerate(PENS):
        for digit in (np.arange(tool, tool + per_tool) % 10).tolist():
            yield Drawn(f"pen, {width} % wide", digit, _arranged(_writer(digit, width, rng), rng, turn))


def tightly_printed(name: str, digit: int) -> NDArray[np.float64]:
    """A digit of a face, cut out without any margin: 0 is paper, 1 is ink."""
    sheet = Image.new("L", (SHEET, SHEET))
    _printer(FACES[name], digit)(ImageDraw.Draw(sheet), SHEET // 2)
    return np.asarray(sheet.crop(sheet.getbbox()), np.float64) / 255


def _arranged(draw: Callable[[ImageDraw.ImageDraw, int], None], rng: np.random.Generator, turn: float) -> NDArray[np.uint8]:
    """Draw in the middle of a large sheet, turn, cut out with uneven margins, change the size, and perhaps invert."""
    sheet = Image.new("L", (SHEET, SHEET))
    draw(ImageDraw.Draw(sheet), SHEET // 2)
    sheet = sheet.rotate(rng.uniform(-turn, turn), Image.Resampling.BILINEAR)
    left, top, right, bottom = sheet.getbbox() or (0, 0, SHEET, SHEET)
    margins = rng.integers(2, 120, 4)
    sheet = sheet.crop((left - margins[0], top - margins[1], right + margins[2], bottom + margins[3]))
    side = int(rng.integers(40, 400))
    scale = side / max(sheet.size)
    sheet = sheet.resize((round(sheet.width * scale), round(sheet.height * scale)), Image.Resampling.LANCZOS)
    light = rng.random() < 0.5
    ink, paper = (rng.integers(200, 256), rng.integers(0, 60)) if light else (rng.integers(60), rng.integers(180, 256))
    return np.asarray(paper + (float(ink) - float(paper)) * (np.asarray(sheet) / 255), np.uint8)


def _printer(file: str, digit: int) -> Callable[[ImageDraw.ImageDraw, int], None]:
    face = Path(mpl.get_data_path()) / "fonts" / "ttf" / f"{file}.ttf"

    def draw(sheet: ImageDraw.ImageDraw, height: int) -> None:
        font = ImageFont.truetype(face, height)
        sheet.text((SHEET / 2, SHEET / 2), str(digit), fill=255, font=font, anchor="mm")

    return draw


def _writer(digit: int, width: int, rng: np.random.Generator) -> Callable[[ImageDraw.ImageDraw, int], None]:
    slant, aspect = rng.uniform(-0.1, 0.25), rng.uniform(0.6, 0.9)

    def draw(sheet: ImageDraw.ImageDraw, height: int) -> None:
        radius = max(1.0, width / 100 * height / 2)
        for stroke in STROKES[digit]:
            points = _rounded(np.array(stroke) + rng.normal(0, 0.02, (len(stroke), 2)))
            x = SHEET / 2 + height * (aspect * (points[:, 0] - 0.5) - slant * (points[:, 1] - 0.5))
            y = SHEET / 2 + height * (points[:, 1] - 0.5)
            for cx, cy in zip(x, y, strict=True):
                sheet.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=255)

    return draw


def _rounded(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Many points on a smooth curve through a few (Catmull & Rom, 1974)."""
    before, after = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    p = np.vstack([before, points, after])
    t = np.linspace(0, 1, 30)[:, None]
    pieces = [
        p[i]
        + t * (p[i + 1] - p[i - 1]) / 2
        + t**2 * (p[i - 1] - 2.5 * p[i] + 2 * p[i + 1] - p[i + 2] / 2)
        + t**3 * (1.5 * (p[i] - p[i + 1]) + (p[i + 2] - p[i - 1]) / 2)
        for i in range(1, len(p) - 2)
    ]
    return np.vstack(pieces)
