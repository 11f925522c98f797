"""Decision to answer: the class of a digit, or the reason why none is given.

A wrong answer that is sure is worse than none. So three opinions have to agree: the measurements of the ink, the network
for the image and for small changes of it, and the nearest digits of the training data.

All limits were chosen on pictures made from training digits; benchmarks/own_digits.py measures on test digits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handmade.data.picture.digit import Digit
from handmade.data.picture.judgement import percent
from handmade.data.picture.likeness import NEAREST, likeness
from handmade.data.picture.variants import variants
from handmade.data.prepared import prepare_for
from handmade.engine.arrays import Array
from handmade.engine.network import Network
from handmade.engine.printable import ShortRepr

SURE = 0.5  # below it, even the most likely class is more likely wrong than right
AGREEMENT = 0.6  # least mean probability of the answer over small changes
FAR = 0.15  # largest distance to the nearest training digits
AGREEING = 3  # least number of the nearest training digits of the same class
DIGITS = tuple(map(str, range(10)))


@dataclass(frozen=True, eq=False)
class Answer(ShortRepr):
    """Class of a digit, with everything that was decided by.

    Attributes
    ----------
    digit
        The digit that was classified.
    probabilities
        (classes,) float64: probabilities of the network for the image.
    names
        Names of the classes.
    guess
        Most likely class.
    agreement
        Mean probability of that class over small changes of the image.
    distance
        Mean squared distance to the nearest training digits; None for a network that does not read the ten digits.
    alike
        Number of the five nearest training digits that have the class; None for the same networks.
    certainty
        Agreement, times the share of the nearest training digits that have the class: a measure of certainty that is more careful
        than the probability.
    rejection
        Reason why no answer is given; None if the guess is the answer.
    """

    digit: Digit
    probabilities: NDArray[np.float64]
    names: tuple[str, ...]
    guess: int
    agreement: float
    distance: float | None
    alike: int | None
    rejection: str | None

    @property
    def answer(self) -> int | None:
        """Class, or None without an answer."""
        return None if self.rejection else self.guess

    @property
    def certainty(self) -> float:
        """Agreement, times the share of the nearest training digits that have the class."""
        return self.agreement * (1 if self.alike is None else self.alike / NEAREST)

    @property
    def name(self) -> str:
        """Name of the most likely class."""
        return self.names[self.guess]

    def _summary(self) -> str:
        return f"{self.name}, {percent(float(self.probabilities[self.guess]))}, rejection={self.rejection!r}"


def answer(network: Network, digit: Digit) -> Answer:
    """Classify a digit, and decide if the class is an answer.

    Parameters
    ----------
    network
        It reads images of the size of `digit.image`.
    digit
        As `find_digit` returns it.

    Raises
    ------
    HandmadeError
        If the network reads images of another shape.
    """
    images = variants(digit.image)
    names = tuple(map(network.class_name, range(network.classes)))
    ready = prepare_for(network)(images)
    probabilities = _softmax(network.logits(ready[:1]).astype(np.float64))  # apart: the last bits depend on the size of a batch
    guess = int(probabilities[0].argmax())
    changed = _softmax(network.logits(ready[1:]).astype(np.float64))
    agreement = float(changed[:, guess].mean())
    distance, alike = None, None
    if names == DIGITS and digit.image.shape[:2] == (28, 28) and digit.image.any():
        nearest = likeness(digit.image)
        distance, alike = nearest.distance, int((nearest.classes == guess).sum())
    rejection = digit.rejection or _doubt(names[guess], float(probabilities[0, guess]), agreement, distance, alike)
    return Answer(digit, probabilities[0], names, guess, agreement, distance, alike, rejection)


def _doubt(name: str, probability: float, agreement: float, distance: float | None, alike: int | None) -> str | None:
    """Return the reason why a guess is no answer, with the measured number; None if it is one."""
    if probability < SURE:
        return f"the network is not sure: its best guess, {name}, has {100 * probability:.2f} %"
    if agreement < AGREEMENT:
        return f"the network is not sure: after small changes of the image, {name} has {percent(agreement)} on average"
    if distance is not None and distance > FAR:
        return f"it is far from all digits of the training data: the distance is {distance:.2f}, expected at most {FAR:.2f}"
    if alike is not None and alike < AGREEING:
        return f"the network reads {name}, but only {alike} of the {NEAREST} nearest digits of the training data are {name}"
    return None


def _softmax(z: Array) -> Array:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    probabilities: Array = powers / powers.sum(axis=1, keepdims=True)
    return probabilities
