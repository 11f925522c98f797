"""Seconds from a saved file to its verdict, for every step of the workbook: median and 95th percentile.

    python benchmarks/workbook_latency.py [ROUNDS]

Each round saves a file of each step, right and wrong ones in turn, and waits as the view of `handmade learn` does.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from handmade.cli.workbook_view import WAIT
from handmade.learn.steps import NAMES, load_step
from handmade.learn.watching import Saves
from handmade.learn.workbook import Workbook


def main() -> None:
    """Measure, and print one line for each step."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    every = []
    with tempfile.TemporaryDirectory() as folder, Workbook(Path(folder)) as workbook:
        workbook.warm_up()
        for name in NAMES:
            times = [latency(workbook, name, right=k % 2 == 0) for k in range(rounds)]
            every += times
            print(f"{name:24} {np.median(times):.3f} s   {np.quantile(times, 0.95):.3f} s")
    print(f"{'all':24} {np.median(every):.3f} s   {np.quantile(every, 0.95):.3f} s   ({len(every)} verdicts)")


def latency(workbook: Workbook, name: str, *, right: bool) -> float:
    """Return the time from a save to the verdict."""
    source = (load_step(name).folder / "solution.py").read_text(encoding="utf-8")
    wrong = source.replace("return ", "return 1.01 * ", 1)
    path = workbook.folder.exercise(name)
    saves = Saves(path)
    begin = time.perf_counter()
    path.write_text((source if right else wrong) + f"# {begin}\n", encoding="utf-8")
    while not saves.happened():
        time.sleep(WAIT)
    verdict = workbook.check(name)
    seconds = time.perf_counter() - begin
    assert bool(verdict) == right, (name, str(verdict))
    time.sleep(0.3)  # a student does not save twice at once; the next process starts meanwhile
    return seconds


if __name__ == "__main__":
    main()
