"""Reading of a picture, decided as `handmade predict` decides; run as a program, time and memory of it.

python benchmarks/own_digits_reader.py MODEL SMALL FILE    reads SMALL first, so that all modules are loaded; then measures FILE
"""

import json
import sys
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import handmade
from handmade.data.picture import Answer, answer, find_digit
from handmade.engine.errors import HandmadeError
from handmade.files import images
from handmade.runs import inputs


@dataclass(frozen=True)
class Reading:
    """Answer, or None with the reason of a refusal; the guess, or -1, its certainty and the network's probability."""

    answer: int | None
    guess: int
    certainty: float
    probability: float
    reason: str


class Reader:
    """A model that reads pictures."""

    def __init__(self, model: Path) -> None:
        self.network: handmade.Network = inputs.model(model)

    def read(self, content: bytes | NDArray[np.generic]) -> Reading:
        """Read the content of a file, or an array."""
        try:
            found = self.answer(content)
        except HandmadeError as error:
            return Reading(None, -1, 0.0, 0.0, str(error))
        probability = float(found.probabilities[found.guess])
        return Reading(found.answer, found.guess, found.certainty, probability, found.rejection or "")

    def answer(self, content: bytes | NDArray[np.generic]) -> Answer:
        """Read the content of a file, or an array, with all that was measured; HandmadeError if it cannot be read."""
        grey = images.read_stream(BytesIO(content), "picture").grey if isinstance(content, bytes) else content
        return answer(self.network, find_digit(grey))


def peak_memory() -> float:
    """Return the largest memory of this process so far, MB of 2**20 bytes.

    `resource.getrusage` is no help: it counts the memory of the process that started this one, too.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    """Print seconds, peak memory, and peak memory before the file was read, as JSON."""
    model, small, file = map(Path, sys.argv[1:])
    reader = Reader(model)
    reader.read(small.read_bytes())
    before, start = peak_memory(), time.perf_counter()
    reader.read(file.read_bytes())
    print(json.dumps([time.perf_counter() - start, peak_memory(), before]))


if __name__ == "__main__":
    main()
