"""Print the numbers that README.md quotes, as the Markdown that stands there.

python benchmarks/readme.py            everything: about five minutes on two cores
python benchmarks/readme.py --quick    without the three full trainings
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

import handmade
from handmade.cli.console import duration
from handmade.engine import loops
from handmade.engine.arrays import Array
from handmade.engine.gradients.definition import cost, quotient
from handmade.workers import cores, workers

BATCH = 32


def machine() -> str:
    """One line on what the numbers were measured on."""
    blas: dict[str, str] = next((info for info in threadpool_info() if info["user_api"] == "blas"), {})
    forced = os.environ.get("OPENBLAS_CORETYPE")
    kernels = f"{blas.get('architecture', '?')} kernels" + (" (set by OPENBLAS_CORETYPE)" if forced else "")
    return (
        f"{cores()} cores ({platform.machine()}), Python {platform.python_version()}, NumPy {np.__version__}, "
        f"{blas.get('internal_api', 'BLAS')} {blas.get('version', '?')} with {kernels}"
    )


def timed(work: Callable[[], object], repeats: int) -> list[float]:
    """The seconds of each repeat, after one to warm up."""
    work()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def loops_pass(network: handmade.Network, image: Array) -> float:
    """Seconds of one forward pass of one image in nested loops."""
    p = network.parameters()
    start = time.perf_counter()
    y = loops.relu(loops.conv2d(image, p["0.W"], p["0.b"]))
    y = loops.relu(loops.conv2d(y, p["2.W"], p["2.b"]))
    loops.linear(loops.flatten(loops.max_pool2d(y)), p["6.W"], p["6.b"])
    return time.perf_counter() - start


def step_table() -> None:
    """Every difference quotient of one batch, three ways."""
    mnist = handmade.data.mnist()
    network = handmade.load(trained(steps=100))
    x, y = handmade.data.prepare(mnist.train.images[:BATCH]), mnist.train.labels[:BATCH]
    with workers(cores()) as executor:
        chain = timed(partial(handmade.gradients.difference, network, x, y, executor=executor), 15)
    passes, one = cost(network, x, y, "forward")
    by_definition = (passes + 1) * one / cores()
    by_loops = (passes + 1) * BATCH * loops_pass(network, x[:1]) / cores()
    epoch = 60_000 // BATCH
    middle, low, high = statistics.median(chain), min(chain), max(chain)
    print(f"| all {passes:,} quotients of a batch of {BATCH}, on {cores()} cores | a batch | an epoch | times faster |")
    print("|---|--:|--:|--:|")
    for name, seconds in {
        "nested loops (one pass measured, multiplied)": by_loops,
        "one fast forward pass a weight (measured, multiplied)": by_definition,
        f"the finite chain rule (median; {duration(low)} to {duration(high)})": middle,
    }.items():
        print(f"| {name} | {duration(seconds)} | {duration(seconds * epoch)} | {by_loops / seconds:,.0f} |")


def digits_table() -> None:
    """How many digits of the quotient the textbook's subtraction keeps."""
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


def training_table() -> None:
    """`handmade train` from start to end, seeds 0 to 2."""
    print("| `handmade train` | seed 0 | seed 1 | seed 2 |")
    print("|---|--:|--:|--:|")
    results, walls = [], []
    for seed in range(3):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            command = [sys.executable, "-m", "handmade", "train", "--json", "--seed", str(seed), "--out", f"{folder}/run"]
            done = subprocess.run(command, check=True, capture_output=True)
            walls.append(time.perf_counter() - start)
            results.append(json.loads(done.stdout))
    print("| accuracy on the 10,000 test images | " + " | ".join(f"{100 * r['test_accuracy']:.2f} %" for r in results) + " |")
    print("| from start to end | " + " | ".join(f"{wall:.0f} s" for wall in walls) + " |")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description="Print the numbers that README.md quotes.")
    parser.add_argument("--quick", action="store_true", help="without the three full trainings")
    quick = parser.parse_args().quick
    print(f"Measured on {machine()}.\n")
    step_table()
    print()
    digits_table()
    if not quick:
        print()
        training_table()


if __name__ == "__main__":
    main()
