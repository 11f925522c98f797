"""Pictures to make and to read, and the record of each."""

from dataclasses import dataclass

from digit_pictures import Made, Split, picture, transposed
from other_pictures import other_picture
from own_digits_reader import Reader

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
        Certainty of that class, which users see.
    probability
        Probability of that class, by the network.
    reason
        Reason of the refusal, or an empty text.
    seconds
        Processor time to read the picture.
    model
        Number of the model.
    swapped
        Class that was named for rows and columns swapped, in a picture without an answer.
    """

    what: str
    index: int
    kinds: tuple[str, ...]
    digit: int | None
    answer: int | None
    guess: int
    sure: float
    probability: float
    reason: str
    seconds: float
    model: int = 0
    swapped: int | None = None

    @property
    def right(self) -> bool:
        """True if the answer is the label."""
        return self.answer is not None and self.answer == self.digit

    @property
    def wrong(self) -> bool:
        """True if there is an answer, and it is not the label."""
        return self.answer is not None and self.answer != self.digit


def recorded(reader: Reader, task: Task) -> list[Record]:
    """Make a picture, and read it by each model."""
    made = task.made()
    readings = reader.read(made.content, swap=task.what == "transposed")
    return [
        Record(
            what=task.what,
            index=task.index,
            kinds=made.kinds,
            digit=made.digit,
            answer=found.answer,
            guess=found.guess,
            sure=found.certainty,
            probability=found.probability,
            reason=found.reason,
            seconds=found.seconds,
            model=model,
            swapped=found.swapped,
        )
        for model, found in enumerate(readings)
    ]
