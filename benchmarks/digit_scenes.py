"""Scene of a picture: a table, sheets on it, what is printed and drawn on them, and the light, as colours from 0 to 1."""

import numpy as np

import picture_textures as textures
from digit_extras import add_extra, spoil
from digit_plans import Plan
from digit_strokes import Drawing
from picture_drawing import Colours, Map, Points, blend, blurred, filled, stroked
from picture_geometry import FAR, View, projected, rectangle, turned

Generator = np.random.Generator


def scene(drawing: Drawing, chosen: Plan, rng: Generator) -> tuple[Colours, Map]:
    """Return the colours of a picture before the camera, and the share of ink in every pixel."""
    view = View(chosen, rng)
    about, size = _place(drawing, view, chosen, rng)
    ink = _ink(drawing, view, about, size, chosen, rng)
    colours = _sheets(view, about, size, chosen, rng)
    if chosen.extra == "pen in the picture":
        add_extra(colours, view, about, size, chosen, rng)
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
    size = 2 * float(min(inside)) * min(chosen.digit_size, 0.86)
    around = {"circle around it": 1.9, "underline": 1.7}.get(chosen.extra or "", 1.0)
    box = rectangle(np.array(drawing.extent) * size * (0.5 * around + chosen.pen))
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
        bare = [view.to_picture(path * size, turn, about) for path in drawing.bare]
        mask = np.maximum(filled(paths, view.shape), stroked(bare, drawing.thickness * size, view.shape))
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
    if chosen.extra != "pen in the picture":
        add_extra(paper, view, about, size, chosen, rng)
    spoil(paper, view, about, size, chosen, rng)
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
    strength = min(rng.uniform(0.15, 0.7), 0.65 * chosen.contrast)
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
    under *= 1 - np.float32(rng.uniform(0.1, 0.5)) * blurred(shade, max(1, distance), box=True)[..., None]
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
        first, second = (textures.shadow(view.shape, (y, x), rng, hard=bool(rng.integers(2))) for _ in range(2))
        both: Map = np.clip(first * second, 0.28, 1)
        return both
    return None
