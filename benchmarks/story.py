"""The story from end to end: how long it takes, from the start of a process, until MNIST is read so well.

python benchmarks/story.py                98 % by differences, 98 % and 99 % by backpropagation, ours and PyTorch's, three seeds
python benchmarks/story.py --seeds 1      once each
python benchmarks/story.py --only NAME    one line of the table

Every run is a process of its own: Python starts, the data is read, the network trains, and every so many steps it is tried on the
10,000 test images; the time for these tries is taken off. Both sides have the same network, batch size, learning rate, schedule
and cores. PyTorch has its best habits: channels last, a fused SGD, images prepared once. It is left out where it is absent.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import handmade
from handmade.data import Images
from handmade.doctor.machine import examine
from handmade.engine.arrays import Array
from handmade.engine.backend import use_backend
from handmade.engine.evaluation import evaluate
from handmade.engine.network import Network
from handmade.engine.optim import Momentum
from handmade.text.number_format import duration, percent
from handmade.threads import cores, threads
from peers import present
from report import busy
from timing import Spread

TRY_EVERY = 125  # steps
OUT = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Chapter:
    """One line of the table: a network, how its gradient is made, the accuracy to reach, and how it is trained."""

    network: str
    gradient: str
    target: float
    epochs: int
    batch: int
    learning_rate: float


CHAPTERS = {
    "differences": Chapter("readme", "difference", 0.98, 2, 32, 0.05),
    "backprop": Chapter("readme", "backprop", 0.98, 2, 32, 0.05),
    "seed": Chapter("seed", "backprop", 0.99, 6, 64, 0.05),
}
Trained = Iterator[Callable[[], float]]  # after every step, a function that tries the network on the test images


def ours(chapter: Chapter, seed: int) -> Trained:
    """Train by `handmade.train`, as the command calls it: compiled, on all cores."""
    digits = handmade.data.mnist()
    start = handmade.networks.described(handmade.networks.PRESETS[chapter.network], np.random.default_rng(seed))
    method = getattr(handmade.gradients, chapter.gradient)
    with use_backend("compiled"), threads(cores()) as executor:
        for step in handmade.train(
            start,
            *(digits.train.images, digits.train.labels),
            gradient=partial(method, executor=executor),
            optimiser=Momentum(chapter.learning_rate, 0.9),
            schedule=_falling,
            epochs=chapter.epochs,
            batch_size=chapter.batch,
            seed=seed,
            prepare=handmade.data.prepare,
        ):
            yield partial(_accuracy, step.network, digits.test)


def _accuracy(network: Network, test: Images) -> float:
    return evaluate(network, test.images, test.labels, handmade.data.prepare).accuracy


def pytorch(chapter: Chapter, seed: int) -> Trained:
    """Train the same in PyTorch."""
    import torch  # noqa: PLC0415  optional

    from peer_torch import TorchNetwork, labels  # noqa: PLC0415  optional

    torch.set_num_threads(cores())
    digits, rng = handmade.data.mnist(), np.random.default_rng(seed)
    start = handmade.networks.described(handmade.networks.PRESETS[chapter.network], rng)
    network = TorchNetwork(start, "PyTorch, channels last", chapter.learning_rate, 0.9)
    x, y = network.images(handmade.data.prepare(digits.train.images)), labels(digits.train.labels)
    test = network.images(handmade.data.prepare(digits.test.images))

    def right() -> float:
        z = np.concatenate([network.logits(block).numpy() for block in test.split(250)])
        return float((z.argmax(axis=1) == digits.test.labels).mean())

    steps = chapter.epochs * -(-len(x) // chapter.batch)
    for number, chosen in zip(range(steps), _batches(len(x), chapter.batch, rng), strict=False):
        for group in network.optimiser.param_groups:
            group["lr"] = chapter.learning_rate * _falling(number / steps)
        at = torch.from_numpy(chosen)
        network.step(x[at], y[at])
        yield right


SIDES = {"handmade": ours, "PyTorch": pytorch}


def told(side: str, chapter: Chapter, seed: int, began: float) -> dict[str, Any]:
    """Train until the target is reached, or to the end: what happened."""
    trying, number, accuracy = 0.0, 0, 0.0
    for number, right in enumerate(SIDES[side](chapter, seed), start=1):
        if number % TRY_EVERY == 0:
            tried = time.time()
            accuracy = right()
            trying += time.time() - tried
            if accuracy >= chapter.target:
                break
    seconds = time.time() - began - trying
    return {"seconds": seconds, "steps": number, "accuracy": accuracy, "reached": accuracy >= chapter.target}


def main() -> None:
    """Run every chapter on every side, seed after seed."""
    parser = argparse.ArgumentParser(description="From the start of a process to so many digits read right.")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each")
    parser.add_argument("--only", action="append", choices=list(CHAPTERS), help="a line; all if left out")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="where story.json goes")
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        side, name, seed, began = options.run
        print(json.dumps(told(side, CHAPTERS[name], int(seed), float(began))))
        return
    machine = examine()
    head = f"Measured on {machine.line}; {busy(machine.granted)}."
    print(head + ("" if present("PyTorch") else " PyTorch absent, skipped."), flush=True)
    runs = list(_runs(options.only or list(CHAPTERS), options.seeds))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "story.json").write_text(json.dumps({"head": head, "runs": runs}, indent=1) + "\n", encoding="utf-8")
    print("\n| network, gradient | to | side | median (all seeds) | steps | reached |\n|---|--:|---|--:|--:|--:|")
    for name, side in dict.fromkeys((run["chapter"], run["side"]) for run in runs):
        print(_line(CHAPTERS[name], side, [run for run in runs if (run["chapter"], run["side"]) == (name, side)]))


def _runs(chapters: list[str], seeds: int) -> Iterator[dict[str, Any]]:
    """Each run in a process of its own, sides in turn."""
    for seed in range(seeds):
        for name in chapters:
            for side in SIDES if CHAPTERS[name].gradient == "backprop" and present("PyTorch") else ("handmade",):
                command = [sys.executable, __file__, "--run", side, name, str(seed), str(time.time())]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found = {"chapter": name, "side": side, "seed": seed} | json.loads(done.stdout)
                print(f"{name}, {side}, seed {seed}: {percent(found['accuracy'])} in {duration(found['seconds'])}", flush=True)
                yield found


def _line(chapter: Chapter, side: str, runs: list[dict[str, Any]]) -> str:
    seconds = Spread(tuple(run["seconds"] for run in runs))
    every = ", ".join(duration(each) for each in seconds.values)
    steps, reached = int(np.median([run["steps"] for run in runs])), sum(run["reached"] for run in runs)
    what = f"{chapter.network}, {chapter.gradient}, batch {chapter.batch}"
    took = f"{duration(seconds.median)} ({every})"
    return f"| {what} | {percent(chapter.target)} | {side} | {took} | {steps:,} | {reached} of {len(runs)} |"


def _falling(progress: float) -> float:
    """The learning rate falls in a straight line to 0."""
    return 1 - progress


def _batches(images: int, size: int, rng: np.random.Generator) -> Iterator[Array]:
    while True:
        order = rng.permutation(images)
        yield from (order[first : first + size] for first in range(0, images, size))


if __name__ == "__main__":
    main()
