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
from handmade.cli.commands.predict import SURE
from handmade.data import find_digit, prepare_for
from handmade.engine.errors import HandmadeError
from handmade.files import images
from handmade.runs import inputs


class Reader:
    """A model that reads pictures."""

    def __init__(self, model: Path) -> None:
        self.network: handmade.Network = inputs.model(model)
        self.prepare = prepare_for(self.network)

    def read(self, content: bytes | NDArray[np.generic]) -> tuple[int | None, int, float, str]:
        """Return the answer or None, the most likely class, its probability, and the reason of a refusal."""
        try:
            grey = images.read_stream(BytesIO(content), "picture").grey if isinstance(content, bytes) else content
            digit = find_digit(grey)
        except HandmadeError as error:
            return None, -1, 0.0, str(error)
        z = self.network.logits(self.prepare(digit.image[None]))[0].astype(np.float64)
        powers = np.exp(z - z.max())
        probabilities = powers / powers.sum()
        guess = int(probabilities.argmax())
        sure = float(probabilities[guess])
        reason = digit.rejection or ("the network is not sure" if sure < SURE else "")
        return None if reason else guess, guess, sure, reason


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
