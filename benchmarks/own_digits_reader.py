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
from handmade.data.picture import Answer, Digit, answer, find_digit, swapped
from handmade.engine.errors import HandmadeError
from handmade.files import images
from handmade.runs import inputs


@dataclass(frozen=True)
class Reading:
    """Answer, or None with the reason of a refusal; the guess, or -1, its certainty and the network's probability.

    `swapped` is the class with rows and columns swapped, if `handmade predict` would name it.
    """

    answer: int | None
    guess: int
    certainty: float
    probability: float
    reason: str
    seconds: float
    swapped: int | None = None


class Reader:
    """Models that read pictures; the first one is that of the tables."""

    def __init__(self, *models: Path) -> None:
        self.networks: list[handmade.Network] = [inputs.model(model) for model in models]

    def read(self, content: bytes | NDArray[np.generic], *, swap: bool = False) -> list[Reading]:
        """Read the content of a file, or an array, by each model.

        Parameters
        ----------
        content
            A file, or grey levels.
        swap
            True to try rows and columns swapped, too, as `handmade predict` does with a picture that has no answer.
        """
        start = time.process_time()
        try:
            grey = as_grey(content)
            digit = find_digit(grey)
        except HandmadeError as error:
            return [Reading(None, -1, 0.0, 0.0, str(error), time.process_time() - start)] * len(self.networks)
        found = time.process_time() - start
        return [_reading(network, digit, grey if swap else None, found) for network in self.networks]

    def answer(self, content: bytes | NDArray[np.generic]) -> Answer:
        """Read the content of a file, or an array, with all that was measured; HandmadeError if it cannot be read."""
        return answer(self.networks[0], find_digit(as_grey(content)))


def as_grey(content: bytes | NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the grey levels of the content of a file, or an array as it is."""
    return images.read_stream(BytesIO(content), "picture").grey if isinstance(content, bytes) else content


def _reading(network: handmade.Network, digit: Digit, grey: NDArray[np.generic] | None, seconds: float) -> Reading:
    """Classify a digit that was found in some seconds; without an answer, also in `grey` with rows and columns swapped."""
    start = time.process_time()
    found = answer(network, digit)
    other = swapped(network, grey) if found.rejection and grey is not None else None
    about = found.answer, found.guess, found.certainty, float(found.probabilities[found.guess]), found.rejection or ""
    return Reading(*about, seconds + time.process_time() - start, other.answer if other else None)


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
