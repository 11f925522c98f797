"""Reading of one made picture, decided as `handmade predict` decides, and the record of it."""

import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

import handmade
from digit_pictures import Made, Split, picture, transposed
from handmade.cli.commands.predict import SURE
from handmade.data import find_digit, prepare_for
from handmade.engine.errors import HandmadeError
from handmade.files import images
from handmade.runs import inputs
from other_pictures import other_picture

MAKERS = {"digit": picture, "other": other_picture, "transposed": transposed}


@dataclass(frozen=True)
class Task:
    """One picture to make and to read: `what` is a key of `MAKERS`."""

    what: str
    index: int
    seed: int
    split: Split

    def made(self) -> Made:
        """Return the picture."""
        return MAKERS[self.what](self.index, self.seed, self.split)


@dataclass(frozen=True)
class Record:
    """Result of one picture.

    Attributes
    ----------
    kinds
        Names of what is not neutral in the picture.
    digit
        Label; None if there is no single digit.
    answer
        Class that was answered; None if the picture was refused.
    guess
        Most likely class, also of a refused picture; -1 if there is none.
    sure
        Highest probability.
    reason
        Reason of the refusal, or an empty text.
    seconds
        Time to read the picture.
    """

    what: str
    index: int
    kinds: tuple[str, ...]
    digit: int | None
    answer: int | None
    guess: int
    sure: float
    reason: str
    seconds: float

    @property
    def right(self) -> bool:
        """True if the answer is the label."""
        return self.answer is not None and self.answer == self.digit

    @property
    def wrong(self) -> bool:
        """True if there is an answer, and it is not the label."""
        return self.answer is not None and self.answer != self.digit


class Reader:
    """A model that reads pictures."""

    def __init__(self, model: Path) -> None:
        self.network: handmade.Network = inputs.model(model)
        self.prepare = prepare_for(self.network)

    def record(self, task: Task) -> Record:
        """Make a picture, and read it."""
        made = task.made()
        start = time.perf_counter()
        answer, guess, sure, reason = self.read(made.content)
        seconds = time.perf_counter() - start
        return Record(task.what, task.index, made.kinds, made.digit, answer, guess, sure, reason, seconds)

    def read(self, content: "bytes | np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> tuple[int | None, int, float, str]:
        """Return the answer or None, the most likely class, its probability, and the reason of a refusal."""
        try:
            if isinstance(content, bytes):
                digit = find_digit(images.read_stream(BytesIO(content), "picture").grey)
            else:
                digit = find_digit(content)
        except HandmadeError as error:
            return None, -1, 0.0, str(error)
        z = self.network.logits(self.prepare(digit.image[None]))[0].astype(np.float64)
        powers = np.exp(z - z.max())
        probabilities = powers / powers.sum()
        guess = int(probabilities.argmax())
        sure = float(probabilities[guess])
        reason = digit.rejection or ("the network is not sure" if sure < SURE else "")
        return None if reason else guess, guess, sure, reason
