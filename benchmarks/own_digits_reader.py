"""Reading of a picture, decided as `handmade predict` decides; run as a program, time and memory of it.

python benchmarks/own_digits_reader.py MODEL SMALL FILE    reads SMALL first, so that all modules are loaded; then measures FILE
"""

import json
import sys
import time
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import handmade
from handmade.data.picture import answer, find_digit
from handmade.engine.errors import HandmadeError
from handmade.files import images
from handmade.runs import inputs


class Reader:
    """A model that reads pictures."""

    def __init__(self, model: Path) -> None:
        self.network: handmade.Network = inputs.model(model)

    def read(self, content: bytes | NDArray[np.generic]) -> tuple[int | None, int, float, str]:
        """Return the answer or None, the most likely class, its probability, and the reason of a refusal."""
        try:
            grey = images.read_stream(BytesIO(content), "picture").grey if isinstance(content, bytes) else content
            found = answer(self.network, find_digit(grey))
        except HandmadeError as error:
            return None, -1, 0.0, str(error)
        return found.answer, found.guess, float(found.probabilities[found.guess]), found.rejection or ""


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
