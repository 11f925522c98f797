"""Pages of digits of MNIST, as people write them: rows that slant, on paper with lines and squares, in uneven light.

python benchmarks/digit_pages.py MODEL            reads 50 pages of training digits, with seed 0, and prints a table
python benchmarks/digit_pages.py MODEL --test     pages of test digits, with seed 1
python benchmarks/digit_pages.py MODEL --save 3   also writes page 3, with the boxes of the digits, to page-3.png
"""

import argparse
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import picture_textures as textures
from digit_pictures import SEEDS, Split
from digit_strokes import Drawing, drawing_of
from handmade.data import Images, mnist
from handmade.data.picture import answer, find_digits
from handmade.files.boxes import with_boxes
from handmade.network import Network
from handmade.runs import inputs
from picture_drawing import Colours, Points, blend, stroked

PAGES = 50
PAPERS = ("plain", "plain", "ruled", "squared")
INKS = ((0.05, 0.05, 0.06), (0.12, 0.18, 0.5), (0.32, 0.32, 0.33), (0.6, 0.1, 0.12))
WITHIN = 0.5  # of the size of a digit: a box whose middle is as near is that of the digit


@dataclass(frozen=True, eq=False)
class Page:
    """One page.

    Attributes
    ----------
    rgb
        (H, W, 3) uint8.
    digits
        Labels in the order of reading; None for a pair that touches.
    middles
        (N, 2) float64: x and y of their middles.
    size
        Height of a digit, pixels.
    kinds
        Paper and light.
    """

    rgb: NDArray[np.uint8]
    digits: tuple[int | None, ...]
    middles: NDArray[np.float64]
    size: float
    kinds: tuple[str, ...]


def page(index: int, seed: int, split: Split = "train") -> Page:
    """Return a page; the same index, seed and split give the same page."""
    rng = np.random.default_rng((seed, index, 15))
    data = mnist().train if split == "train" else mnist().test
    rows, columns = (1, int(rng.integers(2, 9))) if rng.random() < 0.4 else (int(rng.integers(2, 8)), int(rng.integers(2, 9)))
    size = float(rng.uniform(40, 150))
    gap, leading = size * rng.uniform(1.15, 1.7), size * rng.uniform(1.5, 2.2)
    margin = size * rng.uniform(0.7, 1.5)
    shape = int(leading * (rows - 1) + size + 2 * margin), int(gap * (columns - 1) + size + 2 * margin)
    slant = np.deg2rad(rng.uniform(-6, 6)) * (rng.random() < 0.6) * min(1.0, leading / (2 * shape[1] * np.sin(np.deg2rad(6))))
    paper = str(rng.choice(PAPERS))
    touching = rng.random() < 0.2 and columns > 2
    pair = (int(rng.integers(rows)), int(rng.integers(columns - 1)))
    pen = size * rng.uniform(0.05, 0.13)
    digits: list[int | None] = []
    middles: list[tuple[float, float]] = []
    paths: list[Points] = []
    for row in range(rows):
        for column in range(columns):
            if touching and row == pair[0] and column == pair[1] + 1:
                continue
            number, drawing = _drawn(data, rng)
            own = size * rng.uniform(0.85, 1.1)
            x, y = margin + size / 2 + gap * column, margin + size / 2 + leading * row
            x, y = x + rng.normal(0, 0.03) * size, y + rng.normal(0, 0.05) * size + np.tan(slant) * (x - shape[1] / 2)
            strokes = [path * own + (x, y) for path in drawing.lines]
            if touching and (row, column) == pair:
                _, other = _drawn(data, rng)
                width = own * (drawing.extent[0] + other.extent[0]) / 2
                strokes += [path * own + (x + 0.92 * width, y) for path in other.lines]
                x += width / 2
                strokes.append(np.array([[x - 0.45 * width, y], [x + 0.45 * width, y]]))
                digits.append(None)
            else:
                digits.append(int(data.labels[number]))
            middles.append((x, y))
            paths += strokes
    colours = np.empty((*shape, 3), np.float32)
    colours[:] = rng.uniform(0.82, 0.97) + rng.uniform(-0.03, 0.03, 3)
    colours *= 1 + (rng.uniform(0, 0.01) * textures.noise(shape, rng, 1.1))[..., None]
    _rule(colours, paper, size, rng)
    blend(colours, stroked(paths, pen, shape), INKS[int(rng.integers(len(INKS)))])
    kinds = [paper, *(["touching"] if touching else []), *(["slanted"] if slant else [])]
    if rng.random() < 0.5:
        colours *= textures.gradient(shape, rng)[..., None]
        kinds.append("gradient")
    places = np.array(middles)
    if rng.random() < 0.25:
        colours, places = _on_table(colours, places, rng)
        kinds.append("table")
    rgb = np.rint(255 * np.clip(colours + rng.normal(0, 0.008, colours.shape), 0, 1)).astype(np.uint8)
    return Page(rgb, tuple(digits), places, size, tuple(kinds))


def _drawn(data: Images, rng: np.random.Generator) -> tuple[int, Drawing]:
    """Return a digit that can be drawn by lines, and its number."""
    while True:
        number = int(rng.integers(len(data.labels)))
        drawing = drawing_of(data.images[number])
        if (drawing.lines and not drawing.outlines) or (drawing.bare == () and drawing.lines):
            return number, drawing


def _rule(colours: Colours, paper: str, size: float, rng: np.random.Generator) -> None:
    """Print lines or squares."""
    if paper == "plain":
        return
    height, width = colours.shape[:2]
    spacing = size * (rng.uniform(0.5, 1.6) if paper == "ruled" else rng.uniform(0.25, 0.7))
    paths = [np.array([[-9.0, y], [width + 9.0, y]]) for y in np.arange(spacing / 3, height, spacing)]
    if paper == "squared":
        paths += [np.array([[x, -9.0], [x, height + 9.0]]) for x in np.arange(spacing / 3, width, spacing)]
    blend(colours, stroked(paths, max(1.0, size / 50), (height, width)) * np.float32(rng.uniform(0.2, 0.5)), (0.4, 0.5, 0.75))


def _on_table(colours: Colours, middles: Points, rng: np.random.Generator) -> tuple[Colours, Points]:
    """Lay the page on a dark table."""
    height, width = colours.shape[:2]
    edge = int(rng.uniform(0.06, 0.2) * min(height, width))
    table = np.empty((height + 2 * edge, width + 2 * edge, 3), np.float32)
    table[:] = rng.uniform(0.15, 0.45, 3)
    table *= 1 + (0.1 * textures.wood(table.shape[:2], rng))[..., None]
    table[edge : edge + height, edge : edge + width] = colours
    return table, middles + edge


def read(made: Page, network: Network) -> tuple[Counter[str], NDArray[np.uint8]]:
    """Read a page, and count digits that are read right, wrong, refused and missed, and boxes that are no digits."""
    grey = made.rgb @ np.array([0.299, 0.587, 0.114]) / 255
    found = [answer(network, digit) for digit in find_digits(grey)]
    middles = np.array([each.digit.corners.mean(axis=0) for each in found]).reshape(-1, 2)
    counts: Counter[str] = Counter(digits=sum(digit is not None for digit in made.digits), found=len(found))
    order = []
    for digit, middle in zip(made.digits, made.middles, strict=True):
        apart = np.hypot(*(middles - middle).T) if len(middles) else np.array([np.inf])
        nearest = int(apart.argmin())
        if apart[nearest] > WITHIN * made.size:
            counts["missed" if digit is not None else "pair missed"] += 1
            continue
        order.append(nearest)
        given = found[nearest].answer
        if digit is None:
            counts["pair refused" if given is None else "pair answered"] += 1
        else:
            counts["refused" if given is None else "right" if given == digit else "wrong"] += 1
    counts["extra"] = len(found) - len(set(order))
    counts["order"] = int(order == sorted(order))
    texts = [("?" if each.answer is None else each.name) for each in found]
    return counts, with_boxes(made.rgb, [each.digit.corners for each in found], texts)


def main() -> None:
    """Print a table of all pages."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("model", type=Path)
    options.add_argument("--test", action="store_true")
    options.add_argument("--pages", type=int, default=PAGES)
    options.add_argument("--save", type=int, nargs="*", default=[])
    given = options.parse_args()
    split: Split = "test" if given.test else "train"
    network, total = inputs.model(given.model), Counter[str]()
    names = ("digits", "right", "wrong", "refused", "missed", "extra", "pair refused", "pair answered", "pair missed", "order")
    print("page", *names, "kinds", sep=" | ")
    for index in range(given.pages):
        made = page(index, SEEDS[split], split)
        counts, drawn = read(made, network)
        total += counts
        print(index, *(counts[name] for name in names), ", ".join(made.kinds), sep=" | ", flush=True)
        if index in given.save:
            from PIL import Image  # noqa: PLC0415  used here alone

            Image.fromarray(drawn).save(f"page-{index}.png")
    print("all", *(total[name] for name in names), f"{total['right'] / total['digits']:.2%} right", sep=" | ")


if __name__ == "__main__":
    main()
