"""Choice of how a digit is drawn and photographed: tool, paper, place, light, camera and file, each with its own parameters.

A neutral choice has no name. The names of the others are the kinds of a picture, by which the results are counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

Generator = np.random.Generator
Name = TypeVar("Name", str, str | None)

# Weights of the choices; None is neutral.
SOURCES = {"photo": 0.62, "scan": 0.14, "screen": 0.24}
TOOLS = {"ballpoint": 3, "felt pen": 3, "marker": 2, "brush": 2, "pencil": 2.5, "faint pencil": 1.2, "chalk": 1}
PAPERS = {None: 6, "ruled": 2, "squared": 2, "dotted": 0.6, "textured": 1, "tinted": 1.2, "crumpled": 1}
PLACES = {
    None: 6,
    "sheet on a dark table": 1.6,
    "sheet on a light table": 1,
    "sheet on wood": 1.2,
    "edge of the sheet": 0.8,
    "several sheets": 0.8,
    "round paper": 0.6,
    "dark sheet on a light table": 0.6,
}
LIGHTS = {
    None: 5,
    "gradient": 1,
    "soft shadow": 1,
    "hard shadow": 1.2,
    "several shadows": 0.6,
    "spot of light": 0.7,
    "dark corners": 0.7,
}
CAMERAS = {None: 6, "blur": 1, "motion blur": 0.7, "noise": 1, "low JPEG quality": 1, "small picture": 0.8, "dim": 0.6}
EXTRAS = {
    None: 17,
    "underline": 0.5,
    "circle around it": 0.5,
    "pen in the picture": 0.4,
    "punched holes": 0.5,
    "margin line": 0.6,
}
HELD_BACK = {None: 17, "stain": 1, "print from the back": 1}  # only measured, never used to choose a threshold
FILES = {
    None: 3,
    "transparent, opaque ink": 1,
    "transparent, faint ink": 1.4,
    "grey with alpha": 0.5,
    "palette": 0.6,
    "CMYK": 0.4,
    "16 bits": 0.6,
    "10 bits of 16": 0.7,
    "12 bits of 16": 0.7,
    "float TIFF": 1,
    "float array from -1 to 1": 0.8,
    "animated GIF": 0.4,
    "image of 28 x 28": 0.8,
}
INKS = [(20, 20, 24), (45, 45, 50), (20, 40, 120), (30, 70, 170), (170, 25, 30), (20, 100, 50), (90, 30, 120), (100, 60, 30)]
TINTS = [(245, 235, 190), (235, 215, 225), (215, 230, 245), (220, 240, 215), (205, 180, 140), (250, 240, 120), (245, 190, 120)]
TABLES = {
    "sheet on a dark table": [(30, 28, 26), (60, 50, 45), (25, 35, 50), (75, 70, 68)],
    "sheet on a light table": [(165, 160, 150), (150, 155, 165), (180, 165, 140)],
    "sheet on wood": [(140, 95, 55), (95, 60, 35), (180, 140, 95)],
    "dark sheet on a light table": [(225, 222, 215), (205, 190, 165), (235, 235, 235)],
}


@dataclass
class Plan:
    """Parameters of one picture; lengths in pixels, colours from 0 to 1, angles in degrees."""

    source: str
    width: int
    height: int
    tool: str
    pen: float  # share of the digit's height
    opacity: float
    ink: tuple[float, ...]
    paper: str | None
    paper_colour: tuple[float, ...]
    place: str | None
    table: tuple[float, ...]
    sheet_size: float  # of the shorter side of the picture
    turn: float  # of the sheet
    digit_turn: float
    digit_size: float  # of the shorter side of the sheet
    light: str | None
    perspective: float  # largest shift of a corner, share of a side
    camera: str | None
    extra: str | None
    held_back: str | None
    file: str | None
    quality: int  # of JPEG; 100 is PNG
    contrast: float  # of ink and paper
    kinds: list[str] = field(default_factory=list)


def plan(rng: Generator, *, held_back: bool, size: tuple[int, int] | None = None) -> Plan:
    """Choose the parameters of one picture.

    Parameters
    ----------
    held_back
        True to allow the kinds that are only measured.
    size
        Width and height, if they are given: such a picture is a photo or a scan.
    """
    source = pick({name: weight for name, weight in SOURCES.items() if not size or name != "screen"}, rng)
    photo, screen = source == "photo", source == "screen"
    tool = pick({name: TOOLS[name] for name in ("felt pen", "marker", "brush", "ballpoint")} if screen else TOOLS, rng)
    paper = None if screen else pick(PAPERS, rng)
    place = pick(PLACES, rng) if photo else None
    if tool == "chalk":
        paper, place = (None, place) if place in {None, "dark sheet on a light table"} else (None, None)
    elif place == "dark sheet on a light table":
        tool = "chalk"
    file = pick(FILES, rng) if screen else None
    dark = tool == "chalk" or (screen and rng.random() < 0.4)
    paper_colour, ink, opacity = _colours(tool, paper, rng, dark=dark, screen=screen)
    contrast = opacity * abs(np.dot(np.subtract(paper_colour, ink), (0.299, 0.587, 0.114)))
    side = int(rng.choice([rng.integers(160, 400), rng.integers(400, 800), rng.integers(800, 1201)], p=(0.3, 0.5, 0.2)))
    other = max(120, round(side * rng.uniform(0.6, 1)))
    width, height = size or ((side, other) if rng.random() < 0.5 else (other, side))
    low, high = {"ballpoint": (0.012, 0.035), "felt pen": (0.03, 0.09), "marker": (0.08, 0.2), "chalk": (0.05, 0.12)}.get(
        tool, (0.01, 0.03)
    )
    chosen = Plan(
        source=source,
        width=width,
        height=height,
        tool=tool,
        pen=rng.uniform(low, high),
        opacity=opacity,
        ink=ink,
        paper=paper,
        paper_colour=paper_colour,
        place=place,
        table=_table(place, rng),
        sheet_size=rng.uniform(0.33, 0.95) if place else 1.0,
        turn=rng.uniform(-3, 3),
        digit_turn=rng.uniform(-6, 6),
        digit_size=rng.uniform(0.3, 0.72) if place or rng.random() < 0.7 else rng.uniform(0.15, 0.85),
        light=pick(LIGHTS, rng) if photo else None,
        perspective=rng.uniform(0.05, 0.16) if photo and rng.random() < 0.25 else 0.0,
        camera=pick(CAMERAS, rng) if photo else None,
        extra=None if screen else pick(EXTRAS, rng),
        held_back=pick(HELD_BACK, rng) if held_back and not screen else None,
        file=file,
        quality=100 if screen or rng.random() < 0.2 else int(rng.integers(60, 96)),
        contrast=float(contrast),
    )
    _turned(chosen, rng)
    _sized(chosen, rng)
    _named(chosen)
    return chosen


def pick(weights: Mapping[Name, float], rng: Generator) -> Name:
    """Return a name with the probability of its weight."""
    shares = np.array(list(weights.values()), float)
    return list(weights)[int(rng.choice(len(shares), p=shares / shares.sum()))]


def _colours(
    tool: str, paper: str | None, rng: Generator, *, dark: bool, screen: bool
) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """Return the colours of paper and ink, and the opacity of the ink."""
    if dark:
        board = [(0, 0, 0), (20, 20, 20), (15, 25, 60)] if screen else [(35, 40, 38), (30, 60, 45), (25, 25, 28), (30, 35, 70)]
        inks = [(255, 255, 255), (240, 240, 235), (255, 240, 120), (140, 220, 255)]
        return _shade(board, rng), _shade(inks, rng), rng.uniform(0.65, 1)
    colour = _shade(TINTS, rng) if paper == "tinted" or (screen and rng.random() < 0.2) else (rng.uniform(0.86, 1),) * 3
    ink = _shade(INKS, rng)
    if tool == "pencil":
        return colour, (0.25, 0.25, 0.27), rng.uniform(0.35, 0.75)
    if tool == "faint pencil":
        return colour, (0.35, 0.35, 0.37), rng.uniform(0.22, 0.4)
    if tool in {"marker", "brush"} and rng.random() < 0.3:
        ink = _shade([(230, 60, 40), (240, 120, 30), (40, 150, 220), (220, 50, 140), (60, 170, 90)], rng)
    return colour, ink, rng.uniform(0.75, 1)


def _shade(colours: list[tuple[int, int, int]], rng: Generator) -> tuple[float, ...]:
    chosen = np.array(colours[int(rng.integers(len(colours)))]) / 255
    return tuple(np.clip(chosen + rng.normal(0, 0.02, 3), 0, 1).tolist())


def _table(place: str | None, rng: Generator) -> tuple[float, ...]:
    if place in TABLES:
        return _shade(TABLES[place], rng)
    return _shade([colour for colours in TABLES.values() for colour in colours if max(colours[0]) < 200], rng)


def _turned(chosen: Plan, rng: Generator) -> None:
    """Turn the sheet, with the digit or, beyond what a digit allows, without it."""
    if chosen.place and rng.random() < 0.4:
        chosen.turn = float(rng.choice([-1, 1]) * rng.uniform(5, 15))
        chosen.kinds.append("sheet turned by 5 to 15 degrees")
    elif chosen.place and chosen.place != "edge of the sheet" and rng.random() < 0.12:
        chosen.turn = rng.uniform(20, 70)
        chosen.kinds.append("sheet at any angle")
    if abs(chosen.turn) <= 15:
        chosen.digit_turn = chosen.digit_turn / 2 + chosen.turn
    if chosen.place and chosen.sheet_size < 0.5:
        chosen.kinds.append("sheet of a third to a half")


def _sized(chosen: Plan, rng: Generator) -> None:
    """Keep the digit readable: pens of at least two pixels, and small pictures of at least ten pixels for a digit."""
    if max(chosen.width, chosen.height) >= 4000:
        chosen.camera = None
        chosen.kinds.append("12 megapixels")
    if chosen.camera == "small picture":
        scale = rng.uniform(32, 100) / max(chosen.width, chosen.height)
        chosen.width, chosen.height = round(scale * chosen.width), round(scale * chosen.height)
        chosen.sheet_size, chosen.digit_size = max(chosen.sheet_size, 0.8), rng.uniform(0.5, 0.75)
        chosen.extra = chosen.held_back = None
        chosen.paper = chosen.paper if chosen.paper == "tinted" else None
    if chosen.file == "image of 28 x 28":
        chosen.width = chosen.height = 28
        chosen.digit_size, chosen.digit_turn = 20 / 28, 0.0
        chosen.pen = max(chosen.pen, 0.06)
    if chosen.extra in {"circle around it", "underline"}:
        chosen.digit_size = min(chosen.digit_size, 0.45)
    digit = chosen.digit_size * chosen.sheet_size * min(chosen.width, chosen.height)
    thinnest = 1.3 if max(chosen.width, chosen.height) <= 100 else 2.0
    widest = 40 if max(chosen.width, chosen.height) < 2000 else 200
    chosen.pen = max(min(chosen.pen, widest / digit), thinnest / digit)


def _named(chosen: Plan) -> None:
    """Collect the names of what is not neutral."""
    chosen.kinds += [
        kind
        for kind in (
            chosen.tool,
            chosen.paper and f"{chosen.paper} paper",
            chosen.place,
            chosen.light,
            chosen.perspective and ("perspective, corners visible" if chosen.place else "perspective, filling the picture"),
            chosen.camera,
            chosen.extra,
            chosen.held_back,
            chosen.file,
            chosen.source,
        )
        if kind
    ]
    if len(chosen.kinds) == 2:  # tool and source
        chosen.kinds.append("undisturbed")
    if chosen.source == "screen" and chosen.paper_colour[1] < 0.4:
        chosen.kinds.append("light on dark, on a screen")
