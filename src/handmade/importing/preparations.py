"""Preparation of the input of a network from another library: stated by the model, given by the user, or guessed.

A guess takes the usual preparations, measures the accuracy of each on training digits, and returns the best. So the test digits
remain unseen. Rows and columns around a digit are those of a black pixel, scaled as all others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from handmade.data import mnist, prepare_for
from handmade.engine.arrays import Shape
from handmade.engine.network import Network
from handmade.engine.preparation import MOST_PADDING, Preparation
from handmade.importing.expressions import scale_and_shift

DIGIT, CLASSES = 28, 10  # rows of a packaged digit
TRIED = 300  # training digits
USUAL = (
    *("x/255", "1 - x/255", "(x/255 - 0.1307)/0.3081", "(1 - x/255 - 0.1307)/0.3081", "x/127.5 - 1", "1 - x/127.5"),
    *("x/255 - 0.5", "0.5 - x/255", "x", "255 - x", "x/256"),
)
RANGES = {  # of the metadata entry Image.NominalPixelRange
    "NominalRange_0_255": "x",
    "Normalized_0_1": "x/255",
    "Normalized_1_1": "x/127.5 - 1",
    "NominalRange_16_235": "16 + x*219/255",
}
PIXEL_RANGE = "Image.NominalPixelRange"


N = TypeVar("N", bound=Network)


@dataclass(frozen=True)
class Guess:
    """Best of the usual preparations, and the accuracy of each on training digits."""

    expression: str
    accuracies: dict[str, float]
    images: int


def from_expression(text: str, shape: Shape) -> Preparation:
    """Return the preparation of a linear expression for inputs of a shape; HandmadeError if it is none."""
    scale, shift = scale_and_shift(text)
    padding = padding_for(shape)
    return Preparation(scale, shift, padding, outside=shift if padding else 0.0)


def padding_for(shape: Shape) -> int:
    """Return the rows around a packaged digit that make it as large as the input; 0 if none do."""
    around = (shape[0] - DIGIT) // 2 if len(shape) == 3 else 0
    return around if 0 < around <= MOST_PADDING and shape[:2] == (DIGIT + 2 * around,) * 2 else 0


def stated(metadata: Mapping[str, str], dtype: "np.dtype[Any] | None") -> tuple[str, str] | None:
    """Return the expression that an ONNX model states, and the place where it does; None if it states none."""
    known = RANGES.get(metadata.get(PIXEL_RANGE, ""))
    if known is not None:
        return known, f"its metadata, {PIXEL_RANGE}"
    if dtype is not None and dtype.kind in "iu":
        return "x", f"the dtype of its input, {dtype}"
    return None


def guess(network: Network) -> Guess | None:
    """Return the preparation with which a network reads most training digits; None if it is no network of ten digits."""
    shape = network.shape_of[network.logits_name]
    around = padding_for(network.input_shape)
    if shape != (CLASSES,) or network.input_shape != (DIGIT + 2 * around, DIGIT + 2 * around, 1):
        return None
    digits = mnist().train
    images, labels = digits.images[:TRIED], digits.labels[:TRIED]
    found = {}
    for expression in USUAL:
        prepared = with_preparation(network, from_expression(expression, network.input_shape))
        with np.errstate(all="ignore"):  # a preparation that does not fit may overflow
            found[expression] = float((prepared.predict(prepare_for(prepared)(images)) == labels).mean())
    return Guess(max(found, key=lambda expression: found[expression]), found, len(labels))


def with_preparation(network: N, preparation: Preparation | None) -> N:
    """Return the same network with another preparation; raise HandmadeError if it does not fit its input."""
    return type(network)(
        network.nodes,
        network.input_shape,
        logits=network.logits_name,
        outputs=network.output_names,
        class_names=network.class_names,
        preparation=preparation,
    )


def as_text(preparation: Preparation | None) -> str:
    """Return scale and shift as an expression; None is the preparation of `handmade.data.prepare`."""
    if preparation is None:
        return "x/255"
    if isinstance(preparation.scale, tuple) or isinstance(preparation.shift, tuple):
        return "a scale and a shift for each channel"
    return f"{preparation.scale:.6g} x {'+' if preparation.shift >= 0 else '-'} {abs(preparation.shift):.6g}"
