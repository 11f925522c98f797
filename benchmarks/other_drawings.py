"""Drawings that are no single digit: letters, signs, shapes, scribbles, and two or more digits together.

Letters and shapes that a person reads as a digit are left out: O o D Q (0), l I (1), Z z (2), S s (5), G b (6), B (8), g q (9),
circles, single strokes and spirals of few turns.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path as File

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from digit_strokes import Drawing, Path, drawing_of

Generator = np.random.Generator
LETTERS = "ACEFHJKLMNPRTUVWXYacdefhijkmnprtuvwxy"
SIGNS = "?&@#%+=*§€"
FACES = ("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSerif", "STIXGeneral", "STIXGeneralItalic", "DejaVuSansMono")
HELD_BACK = "CKehn%&"  # characters that the verifier has not learned; not those that are most like digits, as T and a
SIDE = 140  # pixels of a letter before it is made as small as MNIST's digits


def letter(rng: Generator) -> Drawing:
    """Return a letter, slanted a little, with strokes like those of a digit."""
    return typed(str(rng.choice(list(LETTERS))), _face_of(rng), rng)


def sign(rng: Generator) -> Drawing:
    """Return a question mark, a plus, a per cent sign or another sign."""
    return typed(str(rng.choice(list(SIGNS))), _face_of(rng), rng)


def word(rng: Generator) -> Drawing:
    """Return two to five letters in a row."""
    letters = [typed(str(character), _face_of(rng), rng) for character in rng.choice(list(LETTERS), int(rng.integers(2, 6)))]
    return joined([(each, 0.95 * place, rng.normal(0, 0.03), 0.8) for place, each in enumerate(letters)])


def two_digits(digits: Sequence[Drawing], rng: Generator) -> Drawing:
    """Return two or three digits side by side, apart from each other."""
    parts, right = [], 0.0
    for each in digits[: int(rng.choice([2, 2, 3]))]:
        scale = rng.uniform(0.85, 1.1)
        width = each.extent[0] * scale
        parts.append((each, right + width / 2, rng.normal(0, 0.05), scale))
        right += width + rng.uniform(0.15, 0.5)
    return joined(parts)


def stacked(digits: Sequence[Drawing], rng: Generator) -> Drawing:
    """Return a digit above another."""
    heights = [each.extent[1] for each in digits[:2]]
    away = sum(heights) / 2 + rng.uniform(0.15, 0.5)
    return joined([(digits[0], rng.normal(0, 0.08), 0.0, 1.0), (digits[1], rng.normal(0, 0.08), away, 1.0)])


def exponent(digits: Sequence[Drawing], rng: Generator) -> Drawing:
    """Return a digit with a smaller one at its upper right."""
    scale = rng.uniform(0.4, 0.6)
    right = digits[0].extent[0] / 2 + scale * digits[1].extent[0] / 2 + rng.uniform(0.1, 0.25)
    return joined([(digits[0], 0.0, 0.0, 1.0), (digits[1], right, -rng.uniform(0.4, 0.65), scale)])


def fraction(digits: Sequence[Drawing], rng: Generator) -> Drawing:
    """Return a digit above another, with a line between them."""
    gap = rng.uniform(0.12, 0.25)
    bar = np.stack([np.linspace(-0.6, 0.6, 8), rng.normal(0, 0.01, 8)], 1)
    line = Drawing((bar,), (), digits[0].thickness, digits[0].widest)
    above, below = (each.extent[1] / 2 + gap for each in digits[:2])
    return joined([(digits[0], 0.0, -above, 1.0), (line, 0.0, 0.0, 1.0), (digits[1], 0.0, below, 1.0)])


def calculation(digits: Sequence[Drawing], rng: Generator) -> Drawing:
    """Return two digits with a plus, a minus or an equals sign between them."""
    between = typed(str(rng.choice(list("+-="))), _face_of(rng), rng)
    return joined([(digits[0], 0.0, 0.0, 1.0), (between, 0.95, 0.0, 0.5), (digits[1], 1.9, 0.0, 1.0)])


def scribble(rng: Generator) -> Drawing:
    """Return a long line without meaning."""
    if rng.random() < 0.4:  # zigzag
        turns = int(rng.integers(7, 16))
        x = np.linspace(-0.5, 0.5, turns) + rng.normal(0, 0.03, turns)
        y = 0.35 * np.where(np.arange(turns) % 2, 1, -1) * rng.uniform(0.6, 1, turns)
        return drawn([np.stack([x, y], 1)])
    knots = int(rng.integers(12, 30))
    points = rng.uniform(-0.5, 0.5, (knots, 2))
    return drawn([_smooth(points)])


def shape(rng: Generator) -> Drawing:
    """Return a geometric shape, an arrow, a tick, a cross, or a simple drawing."""
    return SHAPES[int(rng.integers(len(SHAPES)))](rng)


def joined(parts: Sequence[tuple[Drawing, float, float, float]]) -> Drawing:
    """Return drawings at places x, y with a scale each, as one drawing."""
    lines = [path * scale + [x, y] for each, x, y, scale in parts for path in each.lines]
    outlines = [path * scale + [x, y] for each, x, y, scale in parts for path in each.outlines]
    bare = [path * scale + [x, y] for each, x, y, scale in parts for path in each.lines if not each.outlines]
    if any(not each.lines for each, _, _, _ in parts):  # one of them is known by its outlines only: a brush draws all
        lines = []
    points = np.concatenate([*lines, *outlines, *bare])
    middle, size = (points.min(axis=0) + points.max(axis=0)) / 2, float(np.ptp(points, axis=0).max())
    lines, outlines, bare = ([(path - middle) / size for path in paths] for paths in (lines, outlines, bare))
    thickness = min(each.thickness * scale for each, _, _, scale in parts) / size
    widest = min(each.widest * scale for each, _, _, scale in parts) / size
    return Drawing(tuple(lines), tuple(outlines), thickness, widest, tuple(bare))


def drawn(paths: Sequence[NDArray[np.float64]], widest: float = 0.1) -> Drawing:
    """Return paths as a drawing about its middle."""
    return joined([(Drawing(tuple(np.asarray(path, float) for path in paths), (), 0.05, widest), 0.0, 0.0, 1.0)])


def typed(text: str, name: str, rng: Generator) -> Drawing:
    """Return a character of a font, slanted a little, with strokes like those of a digit."""
    sheet = Image.new("L", (2 * SIDE, 2 * SIDE))
    ImageDraw.Draw(sheet).text((SIDE, SIDE), text, fill=255, font=_font(name), anchor="mm")
    slant = rng.uniform(-0.15, 0.3)
    sheet = sheet.transform(sheet.size, Image.Transform.AFFINE, (1, slant, -slant * SIDE, 0, 1, 0), Image.Resampling.BILINEAR)
    cut = sheet.crop(sheet.getbbox())
    scale = 20 / max(cut.size)
    small = cut.resize([max(1, round(scale * side)) for side in cut.size], Image.Resampling.BOX)
    image = Image.new("L", (28, 28))
    image.paste(small, ((28 - small.width) // 2, (28 - small.height) // 2))
    return replace(drawing_of(np.asarray(image)), character=text)


def _face_of(rng: Generator) -> str:
    return str(rng.choice(FACES))


@cache
def _font(name: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(File(mpl.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"), SIDE)


def _smooth(points: NDArray[np.float64], each: int = 8) -> Path:
    """Return a Catmull-Rom spline through points."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, each, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True):
        parts.append(b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))
    return np.concatenate(parts)


def _arc(x: float, y: float, radius: float, first: float = 0, last: float = 2 * np.pi) -> Path:
    angles = np.linspace(first, last, 40)
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], 1)


def _path(*points: tuple[float, float]) -> Path:
    return np.array(points, float)


def _polygon(rng: Generator) -> Drawing:
    corners = int(rng.choice([3, 3, 4, 4, 5, 6]))
    angles = np.linspace(0, 2 * np.pi, corners + 1) + rng.uniform(0, 6)
    return drawn([np.stack([np.cos(angles), np.sin(angles) * rng.uniform(0.7, 1)], 1)])


def _star(rng: Generator) -> Drawing:
    angles = np.arange(6) * 4 * np.pi / 5 - np.pi / 2 + rng.normal(0, 0.05)
    return drawn([np.stack([np.cos(angles), np.sin(angles)], 1)])


def _arrow(rng: Generator) -> Drawing:
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    head = rng.uniform(0.2, 0.35)
    return drawn([_path((-1, 0), (1, 0)) @ turn, _path((1 - head, head), (1, 0), (1 - head, -head)) @ turn])


def _tick(rng: Generator) -> Drawing:
    return drawn([_smooth(_path((-0.5, 0), (-0.2, 0.45), (0.7, -0.5 - 0.1 * rng.random())))])


def _cross(rng: Generator) -> Drawing:
    return drawn([_path((-1, -1), (1, 1 + 0.2 * rng.random())), _path((1, -1), (-1, 1))])


def _face(rng: Generator) -> Drawing:
    mouth = _arc(0, rng.uniform(0, 0.2), 0.5, 0.3, np.pi - 0.3)
    return drawn([_arc(0, 0, 1), _arc(-0.35, -0.3, 0.08), _arc(0.35, -0.3, 0.08), mouth], 0.06)


def _person(rng: Generator) -> Drawing:
    hands = rng.uniform(-0.6, 0.0)
    arms, legs = _path((-0.5, hands), (0, -0.3), (0.5, hands)), _path((-0.4, 1), (0, 0.2), (0.4, 1))
    return drawn([_arc(0, -0.8, 0.2), _path((0, -0.6), (0, 0.2)), arms, legs], 0.06)


def _house(rng: Generator) -> Drawing:
    walls = _path((-0.5, 0.6), (-0.5, -0.2), (0.5, -0.2), (0.5, 0.6), (-0.5, 0.6))
    roof = _path((-0.6, -0.2), (0, -0.6 - 0.4 * rng.random()), (0.6, -0.2))
    return drawn([walls, roof, _path((-0.1, 0.6), (-0.1, 0.2), (0.15, 0.2), (0.15, 0.6))], 0.06)


def _heart(rng: Generator) -> Drawing:
    t = np.linspace(0, 2 * np.pi, 60)
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) * rng.uniform(0.9, 1.1)
    return drawn([np.stack([16 * np.sin(t) ** 3, y], 1)])


def _sun(rng: Generator) -> Drawing:
    angles = np.arange(0, 6.2, rng.uniform(0.5, 0.9))
    rays = [np.outer([1.2, 1.8], [np.cos(angle), np.sin(angle)]) for angle in angles]
    return drawn([_arc(0, 0, 1), *rays], 0.06)


def _wave(rng: Generator) -> Drawing:
    x = np.linspace(-1, 1, 90)
    return drawn([np.stack([x, 0.25 * np.sin(x * rng.uniform(9, 16))], 1)], 0.08)


def _spiral(rng: Generator) -> Drawing:
    angles = np.linspace(0, 2 * np.pi * rng.uniform(3, 5), 200)
    return drawn([np.stack([angles * np.cos(angles), angles * np.sin(angles)], 1)], 0.05)


def _grid(rng: Generator) -> Drawing:
    places = np.linspace(-1, 1, int(rng.integers(3, 5)))
    return drawn([*(_path((-1, p), (1, p)) for p in places), *(_path((p, -1), (p, 1)) for p in places)], 0.08)


def _dash(rng: Generator) -> Drawing:
    return drawn([np.stack([np.linspace(-1, 1, 8), rng.normal(0, 0.02, 8)], 1)])


def _flower(rng: Generator) -> Drawing:
    angles = np.linspace(0, 2 * np.pi, 160)
    radius = 0.6 + 0.4 * np.cos(int(rng.integers(4, 7)) * angles)
    return drawn([np.stack([radius * np.cos(angles), radius * np.sin(angles)], 1), _path((0.05, 0.3), (0, 1.9))], 0.06)


SHAPES = (_polygon, _star, _arrow, _tick, _cross, _face, _person, _house, _heart, _sun, _wave, _spiral, _grid, _dash, _flower)
