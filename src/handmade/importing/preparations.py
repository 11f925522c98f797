"""Preparation of the input of a network from another library: stated by the model, given by the user, or guessed.

A guess takes the usual preparations, and measures the accuracy and the loss of each on training digits; so the test digits remain
unseen. Accuracies of 300 digits that differ by less than 3 % are equal within chance: a network without biases has the same for x
and for x/255. The loss tells such preparations apart. Rows and columns around a digit are those of a black pixel, scaled as all
others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from handmade.data import mnist, prepare_for
from handmade.data.dataset import numbered
from handmade.engine.arrays import Shape
from handmade.engine.network import Network
from handmade.engine.preparation import MOST_PADDING, Preparation
from handmade.importing.expressions import scale_and_shift

DIGIT, CLASSES = 28, 10  # rows of a packaged digit
TRIED = 300  # training digits
CHANCE = 0.03  # about two standard errors of such an accuracy
READS_DIGITS = 0.5  # least accuracy of a network of digits
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
    """Best of the usual preparations, with the accuracy and the loss of each on training digits.

    Attributes
    ----------
    expression : str
        The preparation with the lowest loss among those with the highest accuracy.
    accuracies, losses : dict
        Accuracy and mean cross-entropy of each preparation; the loss is infinite where numbers overflow.
    images : int
        Number of digits.
    """

    expression: str
    accuracies: dict[str, float]
    losses: dict[str, float]
    images: int

    @property
    def reads_digits(self) -> bool:
        """True if the network reads digits with the best preparation."""
        return self.accuracies[self.expression] >= READS_DIGITS

    def __str__(self) -> str:
        best, *others = sorted(
            self.accuracies, key=lambda each: (each != self.expression, -self.accuracies[each], self.losses[each])
        )
        second, third = (f"{each} ({self.accuracies[each]:.1%}, {self.losses[each]:.3g})" for each in others[:2])
        reads = (
            f"{best} reads {self.accuracies[best]:.1%} of {self.images} training digits, with a loss of {self.losses[best]:.3g}"
        )
        return f"{reads}; next are {second} and {third}"


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
    """Return the preparation with which a network reads training digits best; None if it is no network of ten digits."""
    if not fits_digits(network):
        return None
    accuracies, losses = {}, {}
    for expression in USUAL:
        prepared = with_preparation(network, from_expression(expression, network.input_shape))
        accuracies[expression], losses[expression] = reading(prepared)
    enough = max(accuracies.values()) - CHANCE
    best = min((expression for expression in USUAL if accuracies[expression] >= enough), key=losses.__getitem__)
    return Guess(best, accuracies, losses, TRIED)


def fits_digits(network: Network) -> bool:
    """Return True if a network has ten classes, without names or the digits, and reads grey images as large as a packaged digit.

    The images may have rows around them.
    """
    if network.class_names not in {None, numbered(CLASSES)}:
        return False
    side = DIGIT + 2 * padding_for(network.input_shape)
    return network.shape_of.get(network.logits_name) == (CLASSES,) and network.input_shape == (side, side, 1)


def reading(network: Network) -> tuple[float, float]:
    """Return the accuracy and the mean cross-entropy of a network on training digits; the loss is infinite if it overflows."""
    digits = mnist().train
    images, labels = digits.images[:TRIED], digits.labels[:TRIED]
    with np.errstate(all="ignore"):  # a preparation that does not fit may overflow
        logits = network.logits(prepare_for(network)(images)).astype(np.float64)
        below = logits - logits.max(axis=1, keepdims=True)
        losses = np.log(np.exp(below).sum(axis=1)) - below[np.arange(len(labels)), labels]
    loss = float(losses.mean())
    return float((logits.argmax(axis=1) == labels).mean()), loss if np.isfinite(loss) else np.inf


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
