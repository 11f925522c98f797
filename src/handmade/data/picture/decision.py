"""Decision to answer: the class of a digit, or the reason why none is given.

A wrong answer that is sure is worse than none. The network of the user gives the class. Its own probability for it, those for
small changes of the image, those of the verifier, and what is seen of the ink become one number, the certainty:

certainty = 1 / (1 + exp(-(b + w · evidence)))

The limit, w and b were chosen on pictures made from training digits; benchmarks/own_digits.py measures on test digits.

Source: J. Platt, "Probabilistic outputs for support vector machines" (1999), for calibration by logistic regression.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handmade.data.picture.digit import Digit, find_digit
from handmade.data.picture.image import SIDE
from handmade.data.picture.judgement import percent
from handmade.data.picture.variants import variants
from handmade.data.picture.verifier import NONE, opinions
from handmade.data.prepared import prepare_for
from handmade.engine.arrays import Array
from handmade.engine.network import Network
from handmade.engine.printable import ShortRepr

SURE = 0.5  # probability: below it, even the most likely class is more likely wrong than right
LEAST = 0.55  # certainty of an answer
# Of the evidence, made by benchmarks/own_digits_certainty.py.
WEIGHTS = (0.145, 0.441, -0.180, -0.405, -1.021, 0.755, -3.786, -1.442)
BIAS = -3.663
CLEAR = 4.5  # logarithm of contrast to noise: a clearer picture is no surer
NOISELESS = 0.002  # noise that is added to that of a drawing on a screen, which has none
TINY = 1e-12
MOST = 9.0  # log odds are cut to this range
DIGITS = tuple(map(str, range(10)))
WORTH_A_HINT = 0.9  # certainty of a picture with rows and columns swapped


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
    evidence
        (8,) float64: what the certainty is computed from, see `evidence`; None for a network that does not read the ten digits.
    certainty
        Probability that the guess is right, from the log odds of the network and of the verifier for small changes of the
        image. It was fitted to pictures with and without digits: of 100 digits that are answered with a certainty of 97 %, 97
        or more are right. For a network that does not read the ten digits, it is the agreement.
    rejection
        Reason why no answer is given; None if the guess is the answer.
    """

    digit: Digit
    probabilities: NDArray[np.float64]
    names: tuple[str, ...]
    guess: int
    agreement: float
    evidence: NDArray[np.float64] | None
    certainty: float
    rejection: str | None

    @property
    def answer(self) -> int | None:
        """Class, or None without an answer."""
        return None if self.rejection else self.guess

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
    odds, certainty = None, agreement
    if names == DIGITS and digit.image.shape[:2] == (SIDE, SIDE):
        odds = evidence(changed, np.exp(opinions(images[1:])), guess, digit)
        certainty = certainty_of(odds)
    rejection = digit.rejection or _doubt(names[guess], float(probabilities[0, guess]), certainty)
    return Answer(digit, probabilities[0], names, guess, agreement, odds, certainty, rejection)


def swapped(network: Network, picture: Array) -> Answer | None:
    """Return the answer for a picture with rows and columns swapped, as EMNIST keeps them, or None if it is not certain.

    A transposed 0 is a 0, so this says something only of a picture that is rejected as it is.

    Parameters
    ----------
    network
        As `answer` takes it.
    picture
        (H, W) grey levels, as `find_digit` takes them.
    """
    found = answer(network, find_digit(picture.T))
    return found if not found.rejection and found.certainty > WORTH_A_HINT else None


def evidence(network: Array, verifier: Array, guess: int, digit: Digit) -> Array:
    """Return what the certainty of a guess is computed from.

    Parameters
    ----------
    network
        (n, 10) float64: probabilities of the network, for small changes of the image.
    verifier
        (n, 11) float64: those of the verifier.
    guess
        Class.
    digit
        The digit, for what is seen of its ink.

    Returns
    -------
    Array
        (8,) float64. Mean log odds of the guess by the network, and by the verifier; those of no digit by the verifier. 1 for the
        guess 1, which any stroke is like. Logarithms of the thickest place to the mean width of the strokes, which is even for a
        pen, and of the contrast to the noise. 1 if a dark area was left out. 1 if little ink beside the digit was left out, as
        the dot of an i.
    """
    seen = digit.measures
    uneven = np.log(max(seen.thickest, TINY) / max(seen.stroke, TINY)) if seen.stroke > 0 else 0.0
    clear = min(np.log(max(seen.contrast, TINY) / (seen.noise + NOISELESS)), CLEAR)
    odds = [_mean_odds(network[:, guess]), _mean_odds(verifier[:, guess]), _mean_odds(verifier[:, NONE])]
    return np.array([*odds, float(guess == 1), uneven, clear, *(float(each in digit.found) for each in ("shadow", "dirt"))])


def _mean_odds(p: Array) -> float:
    return float(np.clip(np.log(p + TINY) - np.log(1 - p + TINY), -MOST, MOST).mean())


def certainty_of(evidence: Array) -> float:
    """Return the probability that a guess is right: by logistic regression."""
    return float(1 / (1 + np.exp(-(BIAS + np.dot(WEIGHTS, evidence)))))


def _doubt(name: str, probability: float, certainty: float) -> str | None:
    """Return the reason why a guess is no answer, with the measured number; None if it is one."""
    if not probability >= SURE:  # nan, from a network whose weights overflow, is no answer
        return f"the network is not sure: its best guess, {name}, has {100 * probability:.2f} %"
    if not certainty >= LEAST:
        return (
            f"its best guess, {name}, is not certain: the certainty is {percent(certainty)}, expected at least {percent(LEAST)}"
        )
    return None


def _softmax(z: Array) -> Array:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    probabilities: Array = powers / powers.sum(axis=1, keepdims=True)
    return probabilities
