"""Scene of a picture: a table, sheets on it, what is printed and drawn on them, and the light, as colours from 0 to 1.

Points are in pixels, x to the right and y down. The sheet lies flat and turned; then a homography gives the perspective.
"""

from collections.abc import Sequence

import numpy as np
import picture_textures as textures
from digit_plans import Plan
from digit_strokes import Drawing
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Generator = np.random.Generator
Points = NDArray[np.float64]  # (n, 2): x, y
Map = NDArray[np.float32]  # (H, W)
Colours = NDArray[np.float32]  # (H, W, 3)
FAR = 1.6  # of the picture's sides: half a sheet that fills the picture


class View:
    """Picture that is being drawn, with the geometry of its sheet."""

    def __init__(self, chosen: Plan, rng: Generator) -> None:
        self.shape = (chosen.height, chosen.width)
        self.sides = np.array([chosen.width, chosen.height], float)
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
        shifts = rng.uniform(-1, 1, (4, 2)) * chosen.perspective
        self.homography = homography(corners * self.sides, (corners + shifts) * self.sides)
        shorter = min(self.sides)
        self.half = np.array([1.0, rng.uniform(1, 1.414)]) * chosen.sheet_size * shorter / 2
        if rng.random() < 0.5:
            self.half = self.half[::-1]
        self.turn = np.deg2rad(chosen.turn)
        self.centre = self.sides / 2
        if chosen.place in {None, "edge of the sheet"}:
            self.half = FAR * self.sides
        else:
            self._fit(rng, round_=chosen.place == "round paper")

    def _fit(self, rng: Generator, *, round_: bool) -> None:
        """Move the sheet to a place where all of it is visible, and make it smaller if there is none."""
        if round_:
            self.half = np.minimum(self.half, self.half.min() * rng.uniform(1, 1.15))
        for _ in range(30):
            self.centre = self.sides / 2
            corners = self.to_picture(rectangle(self.half), self.turn)
            low, high = corners.min(axis=0), corners.max(axis=0)
            room = 0.97 * self.sides - (high - low)
            if (room > 0).all():
                self.centre = self.centre + rng.uniform(-0.5, 0.5, 2) * room * 0.9 + self.sides / 2 - (low + high) / 2
                return
            self.half = self.half * 0.94

    def to_picture(self, points: Points, turn: float = 0.0, about: Points | None = None) -> Points:
        """Turn points about a point of the flat sheet, and see them in perspective."""
        rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        return projected(self.homography, points @ rotation + (self.centre if about is None else about))


def scene(drawing: Drawing, chosen: Plan, rng: Generator) -> tuple[Colours, Map]:
    """Return the colours of a picture before the camera, and the share of ink in every pixel."""
    view = View(chosen, rng)
    about, size = _place(drawing, view, chosen, rng)
    ink = _ink(drawing, view, about, size, chosen, rng)
    colours = _sheets(view, about, size, chosen, rng)
    if chosen.extra:
        _extra(colours, view, about, size, chosen, rng)
    if chosen.held_back:
        _held_back(colours, view, about, size, chosen, rng)
    blend(colours, ink * np.float32(chosen.opacity), chosen.ink)
    light = _light(view, about, chosen, rng)
    if light is not None:
        colours *= light[..., None]
    return colours, ink


def _place(drawing: Drawing, view: View, chosen: Plan, rng: Generator) -> tuple[Points, float]:
    """Return the middle of the digit on the flat sheet and its size, so that it lies on the sheet and in the picture."""
    inside = view.half if chosen.place not in {None, "edge of the sheet"} else view.sides / 2
    if chosen.place == "round paper":
        inside = inside * 0.7
    if chosen.place == "edge of the sheet":
        inside = inside * 0.7
    size = min(chosen.digit_size * 2 * min(inside), 0.86 * 2 * min(inside))
    box = rectangle(np.array(drawing.extent) * size * (0.5 + chosen.pen))
    spread = 0.75 if chosen.light in {None, "gradient", "soft shadow", "hard shadow", "several shadows"} else 0.3
    for attempt in range(12):
        room = np.maximum(inside * 0.92 - np.abs(box).max(axis=0), 0)
        about = view.centre + turned(rng.uniform(-1, 1, (1, 2)) * room * spread * (attempt < 9), view.turn)[0]
        corners = view.to_picture(box, np.deg2rad(chosen.digit_turn), about)
        margin = 0.03 * min(view.sides)
        if (corners > margin).all() and (corners < view.sides - margin).all():
            break
        if attempt >= 8:
            size, box = size * 0.85, box * 0.85
    return about, size


def _ink(drawing: Drawing, view: View, about: Points, size: float, chosen: Plan, rng: Generator) -> Map:
    """Return the share of ink in every pixel."""
    turn = np.deg2rad(chosen.digit_turn)
    brush = drawing.outlines and (chosen.tool == "brush" or not drawing.lines)
    paths = [view.to_picture(path * size, turn, about) for path in (drawing.outlines if brush else drawing.lines)]
    pen = min(chosen.pen, max(drawing.widest, 0.012)) * size
    if brush:
        mask = filled(paths, view.shape)
    else:
        tip = rng.uniform(0.55, 0.9) if chosen.tool == "felt pen" and pen > 5 and rng.random() < 0.5 else 1.0
        mask = stroked(paths, max(pen, 1.0), view.shape, narrow=tip)
    if chosen.tool in {"pencil", "faint pencil"}:
        mask *= np.clip(0.95 + 0.22 * textures.noise(view.shape, rng, 0.7) + 0.12 * textures.noise(view.shape, rng, 24), 0.4, 1.2)
    elif chosen.tool == "chalk" and chosen.source != "screen":
        mask *= np.clip(0.9 + 0.3 * textures.noise(view.shape, rng, 1.1), 0.25, 1)
    elif chosen.source != "screen":
        mask *= np.clip(0.97 + 0.06 * textures.noise(view.shape, rng, 6), 0.6, 1)
    return mask


def _sheets(view: View, about: Points, size: float, chosen: Plan, rng: Generator) -> Colours:
    """Return the table with its sheets and all that is printed on the sheet."""
    paper = np.empty((*view.shape, 3), np.float32)
    paper[:] = chosen.paper_colour
    if chosen.source != "screen":
        _structure(paper, chosen, rng)
        if chosen.paper in {"ruled", "squared", "dotted"}:
            _ruling(paper, view, about, size, chosen, rng)
    if not chosen.place:
        return paper
    table = np.empty_like(paper)
    table[:] = chosen.table
    grain = textures.wood(view.shape, rng) if chosen.place == "sheet on wood" else None
    if grain is None:
        grain = rng.uniform(0.01, 0.06) * textures.noise(view.shape, rng, 6) + rng.uniform(0, 0.04) * textures.noise(
            view.shape, rng, 1.1
        )
    table *= 1 + grain[..., None]
    if chosen.place == "several sheets":
        for _ in range(int(rng.integers(1, 4))):
            centre = view.centre + rng.choice([-1, 1], 2) * rng.uniform(0.3, 1.0, 2) * view.half
            other = view.to_picture(rectangle(view.half * rng.uniform(0.7, 1.2)), rng.uniform(0, np.pi), centre)
            _lay(table, filled([other], view.shape), np.float32(rng.uniform(0.8, 1.0)), rng)
    if chosen.place == "edge of the sheet":
        mask = filled([_cut(view, rng)], view.shape)
    elif chosen.place == "round paper":
        angles = np.linspace(0, 2 * np.pi, 90)
        mask = filled([view.to_picture(np.stack([np.cos(angles), np.sin(angles)], 1) * view.half, view.turn)], view.shape)
    else:
        mask = filled([view.to_picture(rectangle(view.half), view.turn)], view.shape)
    return _lay(table, mask, paper, rng)


def _structure(paper: Colours, chosen: Plan, rng: Generator) -> None:
    """Give the paper the unevenness of its surface; that of faint ink is weaker, or the digit would not be seen."""
    shape = (chosen.height, chosen.width)
    strength = min(1.0, 3 * chosen.contrast)
    if chosen.paper == "textured":
        paper *= 1 + (strength * rng.uniform(0.02, 0.05) * textures.noise(shape, rng, 1.1))[..., None]
        paper *= 1 + (strength * rng.uniform(0.01, 0.04) * textures.noise(shape, rng, 24))[..., None]
    elif chosen.paper == "crumpled":
        paper *= 1 - strength * textures.crumpled(shape, rng)[..., None]
    elif chosen.tool == "chalk":
        paper *= 1 + (0.12 * textures.noise(shape, rng, 24))[..., None]
    else:
        paper *= 1 + (rng.uniform(0, 0.006) * textures.noise(shape, rng, 1.1))[..., None]


def _ruling(paper: Colours, view: View, about: Points, size: float, chosen: Plan, rng: Generator) -> None:
    """Print lines, squares or dots, fainter than the ink."""
    spacing = size * (rng.uniform(0.3, 1.4) if chosen.paper == "ruled" else rng.uniform(0.12, 0.6))
    spacing = max(spacing, 7.0)
    reach = float(max(view.sides)) * 1.5
    offsets = np.arange(-reach, reach, spacing)
    colour = rng.choice([(0.35, 0.45, 0.75), (0.5, 0.5, 0.52), (0.3, 0.55, 0.6), (0.75, 0.4, 0.4)])
    strength = min(rng.uniform(0.15, 0.75), chosen.contrast)
    width = max(1.0, min(0.004 * max(view.sides), spacing / 9)) * rng.uniform(0.8, 1.3)
    along = np.array([-reach, reach])
    rows = [np.stack([along, np.full(2, offset)], 1) for offset in offsets]
    columns = [path[:, ::-1] for path in rows]
    if chosen.paper == "dotted":
        dots = [np.array([[x, y], [x + 0.1, y]]) for x in offsets for y in offsets if np.hypot(x, y) < reach * 0.8]
        paths = [view.to_picture(path, view.turn, about) for path in dots]
        paths = [path for path in paths if (path[0] > 0).all() and (path[0] < view.sides).all()]
        width *= 1.6
    else:
        paths = [view.to_picture(path, view.turn, about) for path in (rows if chosen.paper == "ruled" else rows + columns)]
    blend(paper, stroked(paths, width, view.shape) * np.float32(strength), colour)


def _lay(under: Colours, mask: Map, paper: "Colours | np.float32", rng: Generator) -> Colours:
    """Lay a sheet on what is under it, with the shadow of its edge."""
    distance = int(rng.integers(0, max(2, mask.shape[1] // 90)))
    shade = np.roll(mask, (distance, distance * int(rng.choice([-1, 1]))), (0, 1))
    soft = Image.fromarray((255 * shade).astype(np.uint8)).filter(ImageFilter.BoxBlur(max(1, distance)))
    under *= 1 - np.float32(rng.uniform(0.1, 0.5)) * (np.asarray(soft, np.float32) / 255)[..., None]
    under += (paper - under) * mask[..., None]
    return under


def _cut(view: View, rng: Generator) -> Points:
    """Return a sheet that covers the picture except for a strip at one side or at two sides."""
    low, high = np.full(2, -FAR), np.full(2, 1 + FAR)
    for axis in rng.permutation(2)[: int(rng.integers(1, 3))]:
        if rng.random() < 0.5:
            low[axis] = rng.uniform(0.03, 0.15)
        else:
            high[axis] = 1 - rng.uniform(0.03, 0.15)
    corners = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]]) - 0.5
    return view.to_picture(corners * view.sides, view.turn / 3)


def _light(view: View, about: Points, chosen: Plan, rng: Generator) -> Map | None:
    x, y = (projected(view.homography, about[None])[0] / view.sides).tolist()
    if chosen.light == "gradient":
        return textures.gradient(view.shape, rng)
    if chosen.light == "spot of light":
        return textures.spot(view.shape, (y, x), rng)
    if chosen.light == "dark corners":
        return textures.dark_corners(view.shape, rng)
    if chosen.light in {"soft shadow", "hard shadow"}:
        return textures.shadow(view.shape, (y, x), rng, hard=chosen.light == "hard shadow")
    if chosen.light == "several shadows":
        first = textures.shadow(view.shape, (y, x), rng, hard=bool(rng.integers(2)))
        return np.maximum(first * textures.shadow(view.shape, (y, x), rng, hard=bool(rng.integers(2))), 0.28)
    return None


def _extra(colours: Colours, view: View, about: Points, size: float, chosen: Plan, rng: Generator) -> None:
    """Draw what people add to a digit, or what lies on the sheet."""
    turn, pen = np.deg2rad(chosen.digit_turn), chosen.pen * size
    across = np.linspace(-1, 1, 12)
    if chosen.extra == "underline":
        line = np.stack([across * rng.uniform(0.4, 0.8), rng.uniform(0.66, 0.8) + 0.02 * rng.normal(size=12).cumsum() / 3], 1)
        mask = stroked([view.to_picture(line * size, turn, about)], pen, view.shape)
        blend(colours, mask * np.float32(chosen.opacity), chosen.ink)
    elif chosen.extra == "circle around it":
        angles = np.linspace(0, 2 * np.pi + rng.uniform(-0.1, 0.3), 60)
        radius = rng.uniform(0.72, 0.9) + 0.02 * np.sin(2 * angles + rng.uniform(0, 6))
        ring = np.stack([np.cos(angles), np.sin(angles) * rng.uniform(0.95, 1.05)], 1) * radius[:, None]
        mask = stroked([view.to_picture(ring * size, turn, about)], pen, view.shape)
        blend(colours, mask * np.float32(chosen.opacity), chosen.ink)
    elif chosen.extra == "margin line":
        x = rng.choice([-1, 1]) * rng.uniform(0.7, 1.1)
        line = np.array([[x, -4.0], [x, 4.0]])
        mask = stroked([view.to_picture(line * size, view.turn, about)], max(1.2, 0.004 * max(view.sides)), view.shape)
        blend(colours, mask * np.float32(min(0.7, 1.5 * chosen.contrast)), (0.8, 0.3, 0.3))
    elif chosen.extra == "pen in the picture":
        angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(0.85, 1.05)
        body = np.array([[-1.3, -0.045], [1.1, -0.045], [1.35, 0], [1.1, 0.045], [-1.3, 0.045]]) + [rng.uniform(-0.5, 0.5), away]
        points = view.to_picture(turned(body, angle) * size, 0.0, about)
        blend(
            colours,
            filled([points], view.shape),
            rng.choice([(0.1, 0.1, 0.12), (0.15, 0.25, 0.6), (0.85, 0.7, 0.1), (0.7, 0.1, 0.1)]),
        )
    elif chosen.extra == "punched holes":
        side = rng.choice([-1, 1]) * rng.uniform(0.8, 1.1)
        centres = np.stack([np.full(4, side), np.linspace(-1.5, 1.5, 4) + rng.uniform(-0.4, 0.4)], 1)
        dots = [np.stack([centre, centre + 0.001]) for centre in centres]
        mask = stroked(
            [view.to_picture(dot * size, view.turn, about) for dot in dots], rng.uniform(0.06, 0.12) * size, view.shape
        )
        blend(colours, mask, (0.12, 0.11, 0.1) if rng.random() < 0.7 else chosen.table)


def _held_back(colours: Colours, view: View, about: Points, size: float, chosen: Plan, rng: Generator) -> None:
    """Spoil the sheet with a kind that is not used to choose thresholds."""
    if chosen.held_back == "stain":
        angles = np.linspace(0, 2 * np.pi, 80)
        radius = rng.uniform(0.35, 0.8) * (1 + 0.12 * np.sin(3 * angles + rng.uniform(0, 6)) + 0.06 * np.sin(7 * angles))
        outline = np.stack([np.cos(angles), np.sin(angles)], 1) * radius[:, None] + rng.uniform(-0.5, 0.5, 2)
        mask = filled([view.to_picture(outline * size, 0.0, about)], view.shape)
        soft = Image.fromarray((255 * mask).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.015 * size))
        amount = np.asarray(soft, np.float32) / 255 * np.float32(min(rng.uniform(0.15, 0.5), chosen.contrast))
        colours *= 1 - amount[..., None] * np.array([0.35, 0.55, 0.8], np.float32)
        return
    strength = min(rng.uniform(0.05, 0.13), 0.35 * chosen.contrast)
    waves = np.linspace(0, 9, 120)
    for row in np.arange(-3, 3, rng.uniform(0.25, 0.5)):
        heights = 0.07 * np.interp(waves, np.linspace(0, 9, 45), rng.normal(size=45))
        path = np.stack([(waves - 4.5) * 0.8, row + heights], 1)
        mask = stroked([view.to_picture(path * size, view.turn, about)], max(1.0, 0.02 * size), view.shape)
        soft = Image.fromarray((255 * mask).astype(np.uint8)).filter(ImageFilter.BoxBlur(max(1, int(0.006 * size))))
        blend(colours, np.asarray(soft, np.float32) / 255 * np.float32(strength), (0.1, 0.1, 0.15))


def blend(colours: Colours, amount: Map, colour: Sequence[float]) -> None:
    """Cover a share of every pixel with a colour."""
    rows, columns = (np.flatnonzero(amount.any(axis=axis)) for axis in (1, 0))
    if rows.size:
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        colours[part] += (np.asarray(colour, np.float32) - colours[part]) * amount[part][..., None]


def stroked(paths: Sequence[Points], width: float, shape: tuple[int, int], narrow: float = 1.0) -> Map:
    """Draw paths with a round pen; `narrow` is the share of the width of lines that go up to the right, as of a flat tip."""
    fine = 4 if width < 3 else 2 if width < 10 else 1.5
    sheet, pen, (left, top), scale = _sheet(paths, width, shape, fine)
    thick = max(1, round(width * scale))
    for path in paths:
        points = (path - [left, top]) * scale
        if narrow < 1:
            steps = np.diff(points, axis=0)
            share = narrow + (1 - narrow) * np.abs(np.cos(np.arctan2(steps[:, 1], steps[:, 0]) + np.pi / 4))
            for one, other, part in zip(points[:-1].tolist(), points[1:].tolist(), share.tolist(), strict=True):
                _segment(pen, [one, other], max(1, round(thick * part)))
        else:
            _segment(pen, points.tolist(), thick)
    return _pasted(sheet, (left, top), scale, shape)


def _segment(pen: ImageDraw.ImageDraw, points: list[list[float]], thick: int) -> None:
    pen.line([tuple(point) for point in points], fill=255, width=thick, joint="curve")
    radius = thick / 2
    if thick > 2:
        for x, y in (points[0], points[-1]):
            pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=255)


def filled(outlines: Sequence[Points], shape: tuple[int, int]) -> Map:
    """Fill outlines, the largest first; those of the other direction are holes."""
    sheet, pen, (left, top), scale = _sheet(outlines, 2, shape, 2)
    areas = [float(path[:, 0] @ np.roll(path[:, 1], -1) - np.roll(path[:, 0], -1) @ path[:, 1]) for path in outlines]
    direction = np.sign(max(areas, key=abs))
    for path, area in zip(outlines, areas, strict=True):
        points = ((path - [left, top]) * scale).tolist()
        pen.polygon([tuple(point) for point in points], fill=255 if np.sign(area) == direction else 0)
    return _pasted(sheet, (left, top), scale, shape)


def _sheet(
    paths: Sequence[Points], width: float, shape: tuple[int, int], fine: float
) -> tuple[Image.Image, ImageDraw.ImageDraw, tuple[int, int], float]:
    """Return a larger empty image of the part of the picture that the paths cover."""
    points = np.concatenate(paths) if paths else np.zeros((1, 2))
    low = np.clip(np.floor(points.min(axis=0) - width), 0, [shape[1] - 1, shape[0] - 1]).astype(int)
    high = np.clip(np.ceil(points.max(axis=0) + width), low + 1, [shape[1], shape[0]]).astype(int)
    image = Image.new("L", tuple(np.ceil((high - low) * fine).astype(int).tolist()))
    return image, ImageDraw.Draw(image), (int(low[0]), int(low[1])), fine


def _pasted(image: Image.Image, place: tuple[int, int], scale: float, shape: tuple[int, int]) -> Map:
    left, top = place
    width, height = (
        min(round(side / scale), most) for side, most in zip(image.size, (shape[1] - left, shape[0] - top), strict=True)
    )
    mask = np.zeros(shape, np.float32)
    mask[top : top + height, left : left + width] = (
        np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float32) / 255
    )
    return mask


def rectangle(half: NDArray[np.float64]) -> Points:
    """Return the corners of a rectangle about 0."""
    return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float) * half


def turned(points: Points, angle: float) -> Points:
    """Turn points about 0."""
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def homography(source: Points, target: Points) -> NDArray[np.float64]:
    """Return the (3, 3) matrix that maps four points to four others."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.append(np.linalg.solve(np.array(rows), target.ravel()), 1).reshape(3, 3)


def projected(matrix: NDArray[np.float64], points: Points) -> Points:
    """Map points by a homography."""
    u, v, w = matrix @ np.concatenate([points, np.ones((len(points), 1))], 1).T
    return np.stack([u / w, v / w], 1)
