"""Memory and start-up, each measured in processes of its own.

python benchmarks/footprint.py load|backprop|difference    train the seed network a little and print the peak, in MB

The peak is VmHWM of Linux. What getrusage tells of a new process is no less than
what its parent had when it was started, and that would be the benchmark's own memory.
"""

import subprocess
import sys
import time
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from timing import Spread

STEPS = 3
BATCH = 32


def main(what: str) -> None:
    """Load the digits, train on them if it is meant, and print the peak."""
    import handmade  # noqa: PLC0415  start_up measures it
    from handmade.threads import cores, threads  # noqa: PLC0415  each child loads what it measures

    digits = handmade.data.mnist().train
    if what != "load":
        with threads(cores()) as executor:
            method = handmade.gradients.backprop if what == "backprop" else handmade.gradients.difference
            steps = handmade.train(
                handmade.networks.seed(np.random.default_rng(0)),
                *(digits.images, digits.labels),
                gradient=partial(method, executor=executor),
                batch_size=BATCH,
                prepare=handmade.data.prepare,
            )
            for _ in islice(steps, STEPS):
                pass
    print(peak())


def peak() -> float:
    """Return the most memory that this process has had so far, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6


def measured() -> bool:
    """Return True if this system tells."""
    return Path("/proc/self/status").exists()


def training(what: str, rounds: int) -> Spread:
    """Return MB above a process that has only loaded the digits; a run that does not count compiles what there is to compile."""
    _said([__file__, what])
    return Spread(tuple(_said([__file__, what]) - _said([__file__, "load"]) for _ in range(rounds)))


def start_up(rounds: int) -> tuple[Spread, Spread]:
    """Return milliseconds of `import handmade` beyond `import numpy`, and seconds of `handmade --help`."""
    code = "import time, numpy; start = time.perf_counter(); import handmade; print(1000 * (time.perf_counter() - start))"
    imports, helps = [], []
    for _ in range(rounds + 1):  # the first one warms up
        imports.append(_said(["-c", code]))
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "handmade", "--help"], check=True, capture_output=True)
        helps.append(time.perf_counter() - start)
    return Spread(tuple(imports[1:])), Spread(tuple(helps[1:]))


def _said(arguments: list[str]) -> float:
    done = subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)
    return float(done.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
