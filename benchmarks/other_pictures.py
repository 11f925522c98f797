"""Pictures that hold no single digit, made as those of digits are: on the same sheets, in the same light, in the same files."""

import numpy as np
from numpy.typing import NDArray

import other_drawings as drawings
import picture_textures as textures
from digit_pictures import SPLITS, Made, Split
from digit_plans import Plan, pick, plan
from digit_scenes import scene
from digit_strokes import Drawing, drawing_of
from handmade.data import mnist
from picture_files import photographed, seen, written

Generator = np.random.Generator
KINDS = {
    "letter": 25,
    "sign": 5,
    "word": 5,
    "two digits side by side": 10,
    "a digit above another": 7,
    "exponent": 5,
    "fraction": 5,
    "calculation": 3,
    "shape or drawing": 12,
    "scribble": 6,
    "empty sheet": 10,
    "noise": 4,
    "texture": 3,
}
ALONE = {
    "letter": drawings.letter,
    "sign": drawings.sign,
    "word": drawings.word,
    "scribble": drawings.scribble,
    "shape or drawing": drawings.shape,
}
WITH_DIGITS = {
    "two digits side by side": drawings.two_digits,
    "a digit above another": drawings.stacked,
    "exponent": drawings.exponent,
    "fraction": drawings.fraction,
    "calculation": drawings.calculation,
}
HELD_BACK = " (held back)"  # after the kind of characters that the verifier has not learned
EMPTY = Drawing((), (), 0.05, 0.05)


def other_picture(index: int, seed: int, split: Split = "test") -> Made:
    """Return a picture without a single digit; the same index, seed and split give the same picture.

    Its digit is None, and the first of its kinds is what it shows.
    """
    rng = np.random.default_rng([seed, len(SPLITS) + SPLITS.index(split), index])
    kind = pick(KINDS, rng)
    chosen = plan(rng, held_back=split == "test")
    if chosen.file == "image of 28 x 28":  # a digit of MNIST itself
        chosen = _larger(chosen, rng)
    if kind in {"noise", "texture"}:
        rgb = _surface(kind, chosen, rng)
        chosen.file = None
        return Made(written(rgb, None, chosen, rng), None, -1, (kind,), rgb, chosen)
    if kind == "empty sheet":
        drawing = EMPTY
        chosen.extra = chosen.extra if chosen.extra in {"margin line", "punched holes"} else None
        chosen.file = None if chosen.file and "transparent" in chosen.file else chosen.file
    else:
        chosen.extra = None if chosen.extra == "circle around it" else chosen.extra
        chosen.digit_size = max(chosen.digit_size, rng.uniform(0.45, 0.8))
        drawing = ALONE[kind](rng) if kind in ALONE else WITH_DIGITS[kind](_digits(split, rng), rng)
    if drawing.character and drawing.character in drawings.HELD_BACK:
        kind += HELD_BACK
    sheet, ink = scene(drawing, chosen, rng)
    rgb = photographed(sheet, chosen, rng)
    content = written(rgb, ink, chosen, rng)
    return Made(content, None, -1, (kind, *chosen.kinds), seen(content, rgb), chosen)


def _larger(chosen: Plan, rng: Generator) -> Plan:
    chosen.file = None
    chosen.kinds.remove("image of 28 x 28")
    chosen.width = chosen.height = int(rng.integers(150, 600))
    return chosen


def _digits(split: Split, rng: Generator) -> list[Drawing]:
    digits = mnist().train if split == "train" else mnist().test
    return [drawing_of(digits.images[number]) for number in rng.integers(0, len(digits.labels), 3)]


def _surface(kind: str, chosen: Plan, rng: Generator) -> NDArray[np.uint8]:
    """Return noise of any grain, or the surface of a table, of cloth or of a crumpled sheet."""
    shape = (chosen.height, chosen.width)
    if kind == "noise":
        grain = float(rng.choice([0, 0.7, 1.1, 6, 24]))
        grey = 0.5 + rng.uniform(0.05, 0.3) * textures.noise(shape, rng, grain)
        if rng.random() < 0.3:
            grey = (grey > 0.5).astype(np.float32)
        elif rng.random() < 0.2:
            grey = rng.uniform(0, 1, shape)
    else:
        grey = 0.6 * (1 + textures.wood(shape, rng)) if rng.random() < 0.5 else 0.8 - 3 * textures.crumpled(shape, rng)
    tint = np.array(chosen.table, np.float32) if rng.random() < 0.5 else np.ones(3, np.float32)
    rgb: NDArray[np.uint8] = np.clip(255 * grey[..., None] * tint, 0, 255).astype(np.uint8)
    return rgb
