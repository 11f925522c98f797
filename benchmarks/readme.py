"""Print the numbers that README.md quotes, as the Markdown that stands there.

python benchmarks/readme.py            everything: about five minutes on two cores
python benchmarks/readme.py --quick    without the three full trainings
python benchmarks/readme.py --best     nothing but three trainings by the best recipe
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import handmade
import reference
import whole
from handmade.doctor.machine import examine
from handmade.engine.gradients.definition import quotient
from handmade.text.number_format import duration
from handmade.threads import cores, threads
from own import Crew
from timing import in_turn

BATCH, ROUNDS = 32, 15


def step_table() -> None:
    """Print every difference quotient of one batch, three ways."""
    mnist = handmade.data.mnist()
    network = handmade.load(trained(steps=100))
    x, y = handmade.data.prepare(mnist.train.images[:BATCH]), mnist.train.labels[:BATCH]
    with threads(cores()) as executor:
        crew, batch = Crew(cores(), executor), whole.Batch(network, x, y)
        chain = next(method for method in whole.differences(crew) if method.name == crew.own().name)
        *_, definition = whole.definitions(crew)
        ways = (replace(method.make(batch), name=name) for name, method in (("chain", chain), ("definition", definition)))
        seconds = in_turn(list(ways), ROUNDS)
    by_loops, by_chain = reference.estimate(network, x) / cores(), seconds["chain"]
    epoch = 60_000 // BATCH
    low, high = by_chain.quartiles
    print(f"| all {network.size:,} quotients of a batch of {BATCH}, on {cores()} cores | a batch | an epoch | times faster |")
    print("|---|--:|--:|--:|")
    for name, took in {
        "nested loops (one pass measured, multiplied)": by_loops,
        "one fast forward pass a weight (measured, multiplied)": seconds["definition"].median,
        f"the finite chain rule (median; half of the rounds {duration(low)} to {duration(high)})": by_chain.median,
    }.items():
        print(f"| {name} | {duration(took)} | {duration(took * epoch)} | {by_loops / took:,.0f} |")


def digits_table() -> None:
    """Print how many digits of the quotient the textbook's subtraction keeps."""
    mnist = handmade.data.mnist()
    network = handmade.networks.readme(np.random.default_rng(0), np.float64)
    x, y = handmade.data.prepare(mnist.train.images[:4], np.float64), mnist.train.labels[:4]
    weights = np.random.default_rng(1).integers(0, 1152, 30)
    print("| h | 1e-3 | 1e-6 | 1e-9 | 1e-12 | 1e-15 |")
    print("|---|--:|--:|--:|--:|--:|")
    errors = []
    for h in (1e-3, 1e-6, 1e-9, 1e-12, 1e-15):
        loss, g = handmade.gradients.difference(network, x, y, h=h)
        textbook = [quotient(network, x, y, "2.W", int(i), h, "forward", handmade.losses.CrossEntropy(), loss) for i in weights]
        errors.append(np.abs(np.array(textbook) - g["2.W"].flat[weights]).max() / np.abs(g["2.W"].flat[weights]).max())
    print("| the subtraction is wrong by | " + " | ".join(f"{error:.0e}" for error in errors) + " |")


def trained(*, steps: int) -> Path:
    """Train a little, so that the numbers are those of the middle of a training."""
    folder = Path(tempfile.mkdtemp()) / "run"
    subprocess.run(
        [sys.executable, "-m", "handmade", "train", "--steps", str(steps), "--out", str(folder)],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return folder / "model.safetensors"


def training_table(*options: str) -> None:
    """Print `handmade train` from start to end, seeds 0 to 2; where validation images choose a network, that one's accuracy."""
    print(f"| `{' '.join(('handmade train', *options))}` | seed 0 | seed 1 | seed 2 |")
    print("|---|--:|--:|--:|")
    accuracies, walls = [], []
    for seed in range(3):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            command = [
                sys.executable,
                "-m",
                "handmade",
                "train",
                *options,
                "--json",
                "--seed",
                str(seed),
                "--out",
                f"{folder}/run",
            ]
            done = subprocess.run(command, check=True, capture_output=True)
            walls.append(time.perf_counter() - start)
            result = json.loads(done.stdout)
            accuracies.append(result.get("best", result)["test_accuracy"])
    print("| accuracy on the 10,000 test images | " + " | ".join(f"{100 * accuracy:.2f} %" for accuracy in accuracies) + " |")
    print("| from start to end | " + " | ".join(f"{wall:.0f} s" for wall in walls) + " |")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description="Print the numbers that README.md quotes.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="without the three full trainings")
    which.add_argument("--best", action="store_true", help="nothing but three trainings by the best recipe")
    chosen = parser.parse_args()
    print(f"Measured on {examine().line}.\n")
    if chosen.best:
        training_table("--recipe", "best")
        return
    step_table()
    print()
    digits_table()
    if not chosen.quick:
        print()
        training_table()


if __name__ == "__main__":
    main()
