"""Classification of pictures that are no digits: each is resized to the images of the network, and its classes are named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.text import Text

from handmade.cli.console import print_json, results
from handmade.cli.picture_files import PictureFiles
from handmade.cli.probability_bars import bars
from handmade.cli.targets import fit_named
from handmade.cli.terminal_pictures import image, rows
from handmade.data import find_digit, prepare_for
from handmade.data.fitting_pictures import Fit, edge_is_light, fit_in_words, image_of, reads_digits
from handmade.data.prepared import raw_shape
from handmade.engine.arrays import Array
from handmade.network import Network
from handmade.runs import inputs
from handmade.runs.data_source import of_target
from handmade.text.class_names import short
from handmade.text.number_format import percent

SURE = 0.5  # below it, even the most likely class is more likely wrong than right
STAGE = 24  # columns
MNIST = (28, 28, 1)
INVERT = "its edge is light; if the training images have a dark edge, as in Fashion-MNIST, try --invert"


@dataclass(frozen=True, eq=False)
class Prediction:
    """One classified picture.

    Attributes
    ----------
    picture, image : Array
        The picture, and the raw image of the network that was made of it.
    preparation : str
        Change from one to the other, in words.
    probabilities : Array, (classes,)
    remarks : tuple of str
    """

    file: str
    size: tuple[int, int]
    picture: Array
    image: Array
    preparation: str
    probabilities: Array
    remarks: tuple[str, ...]

    @property
    def guess(self) -> int:
        """Most likely class."""
        return int(self.probabilities.argmax())


def finds_digits(network: Network) -> bool:
    """Return True for a network of the ten digits that reads images like those of MNIST."""
    return reads_digits(network) and raw_shape(network) == MNIST


def classify(
    model: Path,
    network: Network,
    files: Sequence[str],
    *,
    fit: str | None,
    invert: bool,
    transpose: bool,
    show_stages: bool,
    stages_out: Path | None,
    json: bool,
) -> None:
    """Classify pictures, and print the classes.

    Raises
    ------
    HandmadeError
        If a picture cannot be read; the others are classified.
    """
    chosen = _fit(fit, model)
    pictures = PictureFiles(files, stages_out)
    names = [network.class_name(k) for k in range(network.classes)]
    stages: list[list[Array]] = []
    for one in pictures.each(lambda file: _predicted(network, file, chosen, invert=invert, transpose=transpose)):
        stages.append([_as_drawn(one.picture), _as_drawn(one.image)])
        pictures.records.append(_plain(one, names))
        if not json:
            for line in _lines(one, names, stages=show_stages):
                results.print(line)
    if json and pictures.any_read:
        print_json({"model": str(model), "classes": names, "pictures": pictures.records})
    pictures.finish(stages)


def _fit(given: str | None, model: Path) -> Fit:
    """Return the way of fitting pictures that a user gave, or that of the images of the run."""
    return inputs.fit_of(of_target(model)) if given is None else fit_named(given)


def _predicted(network: Network, file: str, fit: Fit, *, invert: bool, transpose: bool) -> Prediction:
    shape = raw_shape(network)
    assert shape is not None  # the command has checked it
    if reads_digits(network):
        drawn = inputs.picture(file)
        digit = find_digit(drawn.grey.T if transpose else drawn.grey, shape=(shape[0], shape[1]))
        picture, size, remarks = np.rint(255 * drawn.grey[..., None]).astype(np.uint8), drawn.size, list(drawn.remarks)
        raw, preparation = digit.image, f"its digit was found, and scaled to {shape[1]} x {shape[0]}"
        remarks += digit.remarks()
        remarks += [f"it does not look like a digit: {digit.rejection}"] if digit.rejection else []
    else:
        picture, size, about = inputs.pixels_of(file)
        picture, remarks = (picture.swapaxes(0, 1) if transpose else picture), list(about)
        raw = image_of(255 - picture if invert else picture, shape, fit)
        preparation = fit_in_words(picture.shape, shape, fit) + (", light and dark swapped" if invert else "")
        remarks += [INVERT] if shape[2] == 1 and not invert and edge_is_light(raw) else []
    z = network.logits(prepare_for(network)(raw[None]))[0].astype(np.float64)
    powers = np.exp(z - z.max())
    return Prediction(file, size, picture, raw, preparation, powers / powers.sum(), tuple(remarks))


def _plain(one: Prediction, names: Sequence[str]) -> dict[str, Any]:
    return {
        "file": one.file,
        "answer": one.guess,
        "class": names[one.guess],
        "probabilities": one.probabilities.tolist(),
        "preparation": one.preparation,
        "remarks": list(one.remarks),
    }


def _lines(one: Prediction, names: Sequence[str], *, stages: bool) -> Iterator[Text]:
    height, width = one.size
    yield Text(f"{one.file}: {width:,} x {height:,} pixels; {one.preparation}.")
    for remark in one.remarks:
        yield Text(f"Note: {remark}.")
    if stages:
        shown = [(one.picture, "1 the picture"), (one.image, "2 the image")]
        yield from rows([image(pixels, label, results, STAGE) for pixels, label in shown], results)
    share = float(one.probabilities[one.guess])
    yield Text.assemble("Predicted class: ", (short(names[one.guess]), "bold"), f" ({percent(share)}).")
    if share < SURE:
        yield Text("The network is not sure: no class has more than half of the probability.")
    yield from bars(one.probabilities, names)
    yield Text()


def _as_drawn(pixels: Array) -> Array:
    """Return pixels from 0 to 1, (H, W) or (H, W, 3)."""
    shares: Array = pixels / 255
    return shares[..., 0] if shares.shape[2] == 1 else shares
