"""Pictures of digits as people make them: digits of MNIST on sheets in any light, photographed, scanned or drawn on a screen.

plan (digit_plans.py) -> scene (digit_scenes.py) -> camera and file (picture_files.py)

Two splits: "train" takes digits that networks are trained on, and serves to choose thresholds, with seed 0. "test" takes unseen
digits, and two more kinds of disturbance, for measuring.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from digit_plans import HELD_BACK, Plan, plan
from digit_scenes import scene
from digit_strokes import drawing_of
from handmade.data import mnist
from picture_files import photographed, seen, written

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")
SEEDS = {"train": 0, "test": 1}
RARE = 2000  # pictures, of which one has 12 megapixels
HELD_BACK_KINDS = tuple(kind for kind in HELD_BACK if kind)


@dataclass(frozen=True, eq=False)
class Made:
    """One picture that was made.

    Attributes
    ----------
    content
        Bytes of a file, or an array of grey levels.
    digit
        Label of MNIST; None if the picture holds no single digit.
    source
        Number of the digit in MNIST's training or test set; -1 without one.
    kinds
        Names of what is not neutral.
    rgb
        (H, W, 3) uint8: what a person sees.
    plan
        All parameters.
    """

    content: bytes | NDArray[np.generic]
    digit: int | None
    source: int
    kinds: tuple[str, ...]
    rgb: NDArray[np.uint8]
    plan: Plan


def picture(index: int, seed: int, split: Split = "test", *, size: tuple[int, int] | None = None) -> Made:
    """Return a picture of a digit; the same index, seed and split give the same picture.

    Parameters
    ----------
    index
        Number of the picture. Digits 0 to 9 are equally frequent.
    seed
        Seed of all choices.
    split
        "train" or "test": part of MNIST that the digit is from. Only "test" has the kinds in `HELD_BACK_KINDS`.
    size
        Width and height of the photo or scan, in pixels; otherwise, one picture of 2,000 has 12 megapixels.
    """
    rng = np.random.default_rng([seed, SPLITS.index(split), index])
    digits = mnist().train if split == "train" else mnist().test
    source = _source(index, split, rng)
    if size is None and index % RARE == RARE // 2:
        size = (4000, 3000)
    chosen = plan(rng, held_back=split == "test", size=size)
    if chosen.file == "image of 28 x 28":
        rgb = np.repeat(digits.images[source], 3, axis=2)
        rgb = 255 - rgb if rng.random() < 0.5 else rgb
        return Made(written(rgb, None, chosen, rng), index % 10, source, tuple(chosen.kinds), rgb, chosen)
    sheet, ink = scene(drawing_of(digits.images[source]), chosen, rng)
    rgb = photographed(sheet, chosen, rng)
    content = written(rgb, ink, chosen, rng)
    return Made(content, index % 10, source, tuple(chosen.kinds), seen(content, rgb), chosen)


def source_of(index: int, seed: int, split: Split = "test") -> int:
    """Return the number of the digit that `picture` takes, without the work of making the picture."""
    return _source(index, split, np.random.default_rng([seed, SPLITS.index(split), index]))


def _source(index: int, split: Split, rng: np.random.Generator) -> int:
    return int(rng.choice(_sources(index % 10, split)))


@cache
def _sources(digit: int, split: Split) -> NDArray[np.int64]:
    return np.flatnonzero((mnist().train if split == "train" else mnist().test).labels == digit)


def transposed(index: int, seed: int, split: Split = "test") -> Made:
    """Return an image as EMNIST keeps it: 28 x 28, light on dark, rows and columns exchanged."""
    rng = np.random.default_rng([seed, 2 * len(SPLITS) + SPLITS.index(split), index])
    digits = mnist().train if split == "train" else mnist().test
    source = int(rng.integers(len(digits.labels)))
    rgb = np.repeat(digits.images[source].transpose(1, 0, 2), 3, axis=2)
    chosen = plan(rng, held_back=False, size=(28, 28))
    chosen.file, chosen.quality = None, 100
    return Made(written(rgb, None, chosen, rng), int(digits.labels[source]), source, ("transposed",), rgb, chosen)
