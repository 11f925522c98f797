"""`handmade train` from the start of its process to the accuracy that it prints: one epoch of readme by nothing but differences.

python benchmarks/epoch.py                   seeds 0 to 2, beside PyTorch's epoch of backpropagation
python benchmarks/epoch.py --before DIR      beside the engine of another commit, too: `git worktree add DIR COMMIT` fetches it
python benchmarks/epoch.py --seeds 1         once each
python benchmarks/epoch.py --steps 50        a look: 50 steps instead of an epoch

Every run is a process of its own; they take turns, seed after seed. A few steps that do not count compile what there is to
compile. PyTorch has the same network, batch size, learning rate and schedule, and reads the test images at the end, as we do. It
is left out where it is absent.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

from before import environment
from handmade.doctor.machine import examine
from handmade.text.number_format import duration, percent
from peers import present
from report import Results, Row, busy
from story import Chapter, pytorch
from timing import Spread

OF_BEFORE = 0.2  # of the time of the engine before
OVER_PYTORCH = 2.5  # times what PyTorch's epoch of backpropagation takes
EPOCH = Chapter("readme", "backprop", 1.0, epochs=1, batch=32, learning_rate=0.05)  # as `handmade train` has it
OUT = Path(__file__).parent / "results"


def trained(seed: int, steps: int | None, variables: dict[str, str]) -> float:
    """Run `handmade train`, and return its accuracy on the test images."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "handmade", "train", "--json", "--seed", str(seed), "--out", f"{folder}/run"]
        command += [] if steps is None else ["--steps", str(steps)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=variables)
        return float(json.loads(done.stdout)["test_accuracy"])


def in_pytorch(seed: int, steps: int | None) -> float:
    """Train in PyTorch in a process of its own, and return its accuracy on the test images."""
    command = [sys.executable, __file__, "--run-pytorch", str(seed), *([] if steps is None else ["--steps", str(steps)])]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def measure(seeds: int, steps: int | None, before: Path | None) -> dict[str, tuple[Spread, list[float]]]:
    """Return the seconds and the accuracies of every side, a number a seed."""
    ours = {name: value for name, value in os.environ.items() if name != "HANDMADE_BACKEND"}
    trained(0, 3, ours)
    sides: dict[str, Callable[[int], float]] = {"handmade": partial(trained, steps=steps, variables=ours)}
    if before:
        sides["the engine before"] = partial(trained, steps=steps, variables=environment(before))
    if present("PyTorch"):
        sides["PyTorch, backpropagation"] = partial(in_pytorch, steps=steps)
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    accuracies: dict[str, list[float]] = {name: [] for name in sides}
    for seed in range(seeds):
        for name, run in sides.items():
            start = time.perf_counter()
            accuracies[name].append(run(seed))
            seconds[name].append(time.perf_counter() - start)
            print(f"{name}, seed {seed}: {percent(accuracies[name][-1])} in {duration(seconds[name][-1])}", flush=True)
    return {name: (Spread(tuple(seconds[name])), accuracies[name]) for name in sides}


def rows(found: dict[str, tuple[Spread, list[float]]]) -> list[Row]:
    """Return the rows of the table of targets."""
    ours, _ = found["handmade"]
    what = "`handmade train`, from the start of the process"
    table = []
    if "the engine before" in found:
        share = ours.over(found["the engine before"][0])
        table.append(Row(f"{what}: share of the time of the engine before", OF_BEFORE, share, most=True, unit=""))
    if "PyTorch, backpropagation" in found:
        times = ours.over(found["PyTorch, backpropagation"][0])
        table.append(Row(f"{what}: over PyTorch's epoch of backpropagation", OVER_PYTORCH, times, most=True, unit="x"))
    return table


def main() -> None:
    """Run all sides, and print the table."""
    parser = argparse.ArgumentParser(description="An epoch from the start of a process, ours, PyTorch's and the engine's before.")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each")
    parser.add_argument("--steps", type=int, metavar="N", help="number of steps instead of an epoch")
    parser.add_argument("--before", type=Path, metavar="DIR", help="a working tree with the engine before")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="where epoch.json goes")
    parser.add_argument("--run-pytorch", type=int, metavar="SEED", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run_pytorch is not None:
        print(_accuracy_in_pytorch(options.run_pytorch, options.steps))
        return
    machine = examine()
    head = f"Measured on {machine.line}; {busy(machine.granted)}."
    skipped = ["the engine before (--before DIR)"] * (not options.before) + ["PyTorch, which is absent"] * (
        not present("PyTorch")
    )
    print(head + (f" Skipped: {', '.join(skipped)}." if skipped else ""), flush=True)
    found = measure(options.seeds, options.steps, options.before)
    table = rows(found)
    told = [f"{name}: {', '.join(map(percent, right))} in {_listed(seconds)}." for name, (seconds, right) in found.items()]
    print(f"\n{Results(head, [], table, told).markdown()}")
    options.out.mkdir(parents=True, exist_ok=True)
    plain = {name: {"seconds": list(seconds.values), "accuracies": right} for name, (seconds, right) in found.items()}
    results = {"head": head, "runs": plain, "rows": [row.plain() for row in table]}
    (options.out / "epoch.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _listed(seconds: Spread) -> str:
    return ", ".join(map(duration, seconds.values))


def _accuracy_in_pytorch(seed: int, steps: int | None) -> float:
    """Train in this process, and try the network once, at the end."""
    *_, right = islice(pytorch(EPOCH, seed), steps)
    return right()


if __name__ == "__main__":
    main()
