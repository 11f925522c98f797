"""Train the second opinion on a digit, `src/handmade/data/picture/verifier.safetensors`: digits, and others.

python benchmarks/digit_verifier.py [FILE]       less than an hour on two cores, for nearly 10,000 pictures

Digits are training digits of MNIST, as they are, drawn again with pens of any width, and in pictures of sheets in any light.
The others are letters, signs, shapes, scribbles, several figures at once, transposed digits and blobs; those without digits
are seen in pictures, too.
The characters in `HELD_BACK` are used in words only, so that a measurement shows what is refused without having been learned.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

import digit_verifier_pictures as pictures
import handmade
import other_drawings as drawings
import picture_textures as textures
from digit_strokes import Drawing, drawing_of
from handmade.data import Augmentation, mnist
from handmade.data.picture.edges import edges
from handmade.data.picture.image import as_digit_image
from handmade.data.picture.verifier import FILE, NONE
from picture_drawing import filled, stroked

SEED = 0
SOURCES = 30_000  # first digits of the training data; thresholds are chosen with the others
DRAWN, OTHERS, BLOBS, TRANSPOSED, SURFACES = 2_400, 4_000, 800, 1_000, 2_000  # images
PICTURES, PICTURES_OF_OTHERS = 5_900, 4_000  # whole pictures; of digits, those of the first half of the training data are used
CHUNKS = 8
FACES = (
    "DejaVuSans-Bold",
    "DejaVuSansMono-Oblique",
    "DejaVuSerif-Italic",
    "STIXGeneralBol",
    "STIXGeneralBolIta",
    "cmr10",
    "cmss10",
    "cmti10",
    "cmtt10",
)
OFTEN = 4  # times that an image of a picture is used, for one time of others
FILTERS, HIDDEN, EPOCHS, BATCH, RATE = (48, 64), 48, 12, 64, 0.002
CHANGED = Augmentation(shift=1.5, rotation=12, scale=0.1, elastic=0.4, noise=6)
Generator = np.random.Generator


def character(rng: Generator) -> Drawing:
    """Return a letter or a sign."""
    letters = drawings.LETTERS if rng.random() < 0.75 else drawings.SIGNS + "$<>~"
    usable = [each for each in letters if each not in drawings.HELD_BACK]
    return drawings.typed(str(rng.choice(usable)), str(rng.choice(FACES)), rng)


def several(rng: Generator) -> Drawing:
    """Return several characters, or digits and characters, side by side or above each other."""
    digits = mnist().train.images[rng.integers(0, SOURCES, 3)]
    parts = [drawing_of(each) if rng.random() < 0.7 else character(rng) for each in digits]
    together = (drawings.two_digits, drawings.stacked, drawings.exponent, drawings.fraction)
    return together[int(rng.integers(len(together)))](parts, rng)


OTHER: tuple[tuple[float, Callable[[Generator], Drawing]], ...] = (
    (0.42, character),
    (0.24, several),
    (0.2, drawings.shape),
    (0.14, drawings.scribble),
)


def image_of(drawing: Drawing, rng: Generator) -> NDArray[np.uint8]:
    """Return a drawing by a pen or a brush as the image (28, 28, 1) that the pipeline makes of it."""
    side, turn = int(rng.integers(48, 160)), rng.uniform(-0.2, 0.2)
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    brush = drawing.outlines and (rng.random() < 0.3 or not drawing.lines)
    paths = [0.8 * side * path @ turned + 0.6 * side for path in (drawing.outlines if brush else drawing.lines)]
    shape = round(1.2 * side), round(1.2 * side)
    pen = 0.8 * side * min(rng.uniform(0.015, 0.16), max(drawing.widest, 0.015))
    ink = filled(paths, shape) if brush else stroked(paths, max(pen, 1.2), shape)
    return prepared(ink.astype(np.float64))


def prepared(ink: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return ink as an image like those of MNIST."""
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > 0.1) for axis in (1, 0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if rows.size else ink
    return as_digit_image(box)


def blob(rng: Generator) -> NDArray[np.uint8]:
    """Return an image of smooth noise above a threshold, as textures and shadows make."""
    values = textures.noise((64, 64), rng, float(rng.choice([1.1, 6, 6, 24])))
    return prepared(np.clip(3 * (values - rng.uniform(-0.3, 1.2)), 0, 1).astype(np.float64))


def surface(rng: Generator) -> NDArray[np.uint8]:
    """Return an image of a sheet, a shadow or a spot of light that was taken for ink, mostly with a digit left blank in it."""
    corners = int(rng.choice([3, 4, 4, 4, 5, 40]))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners)) if corners < 40 else np.linspace(0, 2 * np.pi, 40)
    if corners == 4:
        angles = np.pi / 4 + np.pi / 2 * np.arange(4) + rng.normal(0, 0.1, 4)
    turn, flat = rng.uniform(0, np.pi), rng.uniform(0.45, 1)
    points = np.stack([np.cos(angles), flat * np.sin(angles)], 1)
    points = 60 + 50 * points @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    ink = filled([points], (120, 120))
    if rng.random() < 0.75:
        drawing = drawing_of(mnist().train.images[int(rng.integers(SOURCES))])
        size, about = rng.uniform(20, 60), points.mean(axis=0) + rng.normal(0, 6, 2)
        paths = [size * path + about for path in drawing.lines]
        ink = ink * (1 - stroked(paths, max(1.5, size * rng.uniform(0.03, 0.12)), ink.shape)) if paths else ink
    return prepared(ink.astype(np.float64))


def chunk(number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], pictures.Images, pictures.Images]:
    """Return an eighth of all images: digits that are drawn again, others, and images of pictures with their classes."""
    rng = np.random.default_rng([SEED, number])
    digits = mnist().train.images[number * DRAWN // CHUNKS : (number + 1) * DRAWN // CHUNKS]
    drawn = [image_of(drawing_of(digit), rng) for digit in digits]
    drawn_others = [image_of(other(rng), rng) for _ in range(OTHERS // CHUNKS)]
    drawn_others += [blob(rng) for _ in range(BLOBS // CHUNKS)]
    seen = pictures.digits(range(number, PICTURES, CHUNKS), SOURCES)
    seen_others = pictures.others(range(number, PICTURES_OF_OTHERS, CHUNKS))
    print(f"part {number + 1} of {CHUNKS}", flush=True)
    return np.stack(drawn), np.stack(drawn_others), seen, seen_others


def other(rng: Generator) -> Drawing:
    """Return a drawing that is no single digit."""
    shares = [share for share, _ in OTHER]
    return OTHER[int(rng.choice(len(OTHER), p=shares))][1](rng)


def data() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images (N, 28, 28, 1) and their classes, 0 to 10."""
    digits, rng = mnist().train, np.random.default_rng(SEED)
    with ProcessPoolExecutor() as pool:
        drawn, others, seen, seen_others = zip(*pool.map(chunk, range(CHUNKS)), strict=True)
    images, labels = digits.images[:SOURCES], digits.labels[:SOURCES]
    unlike = np.flatnonzero(np.isin(labels, (2, 3, 4, 5, 7)))  # other digits look like digits when transposed
    transposed = images[rng.choice(unlike, TRANSPOSED, replace=False)].transpose(0, 2, 1, 3)
    surfaces = np.stack([surface(rng) for _ in range(SURFACES)])
    alone = np.concatenate([*others, transposed, surfaces])
    parts = [(images, labels), (np.concatenate(drawn), labels[:DRAWN]), (alone, np.full(len(alone), NONE))]
    parts += OFTEN * [*seen, *seen_others]
    return np.concatenate([each for each, _ in parts]), np.concatenate([classes for _, classes in parts])


def trained(images: NDArray[np.uint8], classes: NDArray[np.int64]) -> handmade.Network:
    """Return the trained network."""
    described = {
        "input": list(edges(images[:1]).shape[1:]),
        "layers": [
            {"layer": "Conv2d", "filters": FILTERS[0], "kernel": 3},
            {"layer": "ReLU"},
            {"layer": "Conv2d", "filters": FILTERS[1], "kernel": 3},
            {"layer": "ReLU"},
            {"layer": "Flatten"},
            {"layer": "Linear", "units": HIDDEN},
            {"layer": "ReLU"},
            {"layer": "Linear", "units": NONE + 1},
        ],
        "classes": [*map(str, range(NONE)), "none"],
    }
    network = handmade.networks.described(described, SEED)
    steps = handmade.train(
        network,
        images,
        classes,
        gradient=handmade.gradients.backprop,
        optimiser=handmade.optim.Adam(RATE),
        schedule=handmade.optim.Cosine(),
        epochs=EPOCHS,
        batch_size=BATCH,
        seed=SEED,
        augment=CHANGED,
        prepare=edges,
        accuracy_every=1000,
    )
    for step in steps:
        network = cast("handmade.Network", step.smoothed)  # training keeps the type
        if step.number % 2000 == 0:
            print(f"{step.number:,} of {step.steps:,}, loss {step.loss:.3f}", flush=True)
    return network


def main() -> None:
    """Train, and write the file."""
    start = time.perf_counter()
    images, classes = data()
    print(f"{len(images):,} images, {time.perf_counter() - start:.0f} s", flush=True)
    network = trained(images, classes)
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    network.save(target)
    print(f"{target}: {target.stat().st_size:,} bytes, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
