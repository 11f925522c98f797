"""Measure how well digits are read in pictures as people make them, by kind of disturbance: tables for docs/own_digits.md.

python benchmarks/own_digits.py                          trains the README's network first: about a minute
python benchmarks/own_digits.py MODEL --pictures 2000    with a model or a run of yours, and fewer pictures
python benchmarks/own_digits.py MODEL --split train      pictures of training digits, seed 0: to choose thresholds
python benchmarks/own_digits.py MODEL --docs --before FILE --also "recipe best=MODEL" --records FILE
                                                         writes the measured part of docs/own_digits.md and its two pictures

All 22,200 pictures take about half an hour of two cores. With --records, an interrupted measurement goes on where it stopped.
The pictures are those of digit_pictures.py (digits) and other_pictures.py (no single digit), made again from the same seed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from PIL import Image

from digit_pictures import SEEDS, SPLITS, Split, picture
from handmade.pictures import style
from handmade.runs import inputs
from handmade.runs.record import model_of
from own_digits_docs import write_docs
from own_digits_fonts import fonts_table
from own_digits_pictures import calibration_picture, contact_sheet, kinds_picture, write_failures
from own_digits_reader import Reader
from own_digits_reading import Record, Task, recorded
from own_digits_records import RecordsFile, measurement
from own_digits_report import of, report, summary

CHUNK = 25  # pictures that a process takes at once
OTHERS, TRANSPOSED = 10, 100  # one picture without a digit for ten with one; one transposed image for a hundred
TWELVE, SMALL = (4000, 3000), (400, 300)  # pixels of a picture of a camera, and of one that is read before it

_readers: list[Reader] = []  # of this process


def trained(folder: str) -> Path:
    """Train the network that a user has after one command."""
    subprocess.run(
        [sys.executable, "-m", "handmade", "train", "--gradient", "backprop", "--out", f"{folder}/run"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return Path(folder) / "run"


def tasks_for(pictures: int, seed: int, split: Split) -> list[Task]:
    """Return all pictures to read."""
    numbers = {"digit": pictures, "other": pictures // OTHERS, "transposed": pictures // TRANSPOSED}
    return [Task(what, index, seed, split) for what, number in numbers.items() for index in range(number)]


def measured(models: Sequence[Path], tasks: list[Task], processes: int) -> Iterator[list[Record]]:
    """Make and read pictures in several processes; results come in order."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # a process for every core, of one thread each
        os.environ.setdefault(name, "1")
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=_start, initargs=(models,)) as pool:
        start = time.perf_counter()
        for number, records in enumerate(pool.map(_records, tasks, chunksize=CHUNK), 1):
            if number % 100 == 0 or number == len(tasks):
                left = (time.perf_counter() - start) / number * (len(tasks) - number)
                print(f"\r{number:,} of {len(tasks):,} pictures, {left:.0f} s left ", end="", file=sys.stderr, flush=True)
            yield records
    print(file=sys.stderr)


def _start(models: Sequence[Path]) -> None:
    _readers[:] = [Reader(*models)]


def _records(task: Task) -> list[Record]:
    return recorded(_readers[0], task)


def large(model: Path) -> str:
    """Return time and memory for pictures of 12 megapixels, each read in a process of its own."""
    lines = ["| 12 megapixels | seconds | peak memory, MB | of it before reading |", "|---|--:|--:|--:|"]
    program = Path(__file__).with_name("own_digits_reader.py")
    with tempfile.TemporaryDirectory() as folder:
        small, path = Path(folder) / "small", Path(folder) / "large"
        for index, kind in enumerate(("JPEG", "JPEG", "PNG")):
            for file, size in ((small, SMALL), (path, TWELVE)):
                made = picture(index, SEEDS["test"], size=size)
                Image.fromarray(made.rgb).save(file, kind)
            command = [sys.executable, str(program), str(model), str(small), str(path)]
            seconds, peak, before = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            about = f"{path.stat().st_size / 2**20:.1f} MB, {kind}: {', '.join(made.kinds)}"
            lines.append(f"| {about} | {seconds:.2f} | {peak:.0f} | {before:.0f} |")
    return "\n".join(lines)


def parsed() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description="Measure how well digits are read in pictures as people make them.")
    parser.add_argument("model", nargs="?", type=Path, help="a model file or a run")
    parser.add_argument("--pictures", type=int, default=20_000, help="pictures of digits; a tenth more hold no single digit")
    parser.add_argument("--split", choices=SPLITS, default="test", help="train, to choose thresholds, or test, to measure")
    parser.add_argument("--seed", type=int, help="seed of the pictures; 0 for train, 1 for test")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="processes that make and read pictures")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=MODEL", help="another model, a column of the totals")
    parser.add_argument("--records", type=Path, help="keep each result in this file, and go on with it after an interruption")
    parser.add_argument("--docs", action="store_true", help="write the measured part of docs/own_digits.md, and its pictures")
    parser.add_argument("--figure", type=Path, help="write the results by kind to this PNG file, and the calibration beside it")
    parser.add_argument("--sheet", type=Path, help="write examples of every kind with their answers to this PNG file")
    parser.add_argument("--wrong", type=Path, help="write the pictures that were not read right to this folder")
    parser.add_argument("--save", type=Path, help="write the counts to this JSON file")
    parser.add_argument("--before", type=Path, help="such a file of an earlier measurement, shown beside this one")
    parser.add_argument("--fonts", action="store_true", help="also measure printed digits, by font")
    parser.add_argument("--large", action="store_true", help="also measure time and memory for 12 megapixels")
    return parser.parse_args()


def main() -> None:
    """Print the tables, and write the pictures that are asked for."""
    given = parsed()
    before = json.loads(given.before.read_text(encoding="utf-8")) if given.before else None
    names = [each.partition("=")[0] for each in given.also]
    with tempfile.TemporaryDirectory() as folder:
        models = [model_of(given.model or trained(folder)), *(model_of(Path(each.partition("=")[2])) for each in given.also)]
        seed = SEEDS[given.split] if given.seed is None else given.seed
        tasks = tasks_for(given.pictures, seed, given.split)
        file = RecordsFile(given.records, measurement(models, seed, given.split))
        everything = file.completed(tasks, measured(models, file.missing(tasks), given.processes))
        records = [record for record in everything if record.model == 0]
        more = {name: [record for record in everything if record.model == model] for model, name in enumerate(names, 1)}
        print(report(records, before, more))
        if given.fonts:
            print(f"\n{fonts_table(inputs.model(models[0]))}")
        if given.large:
            print(f"\n{large(models[0])}")
    by_number = {(task.what, task.index): task for task in tasks}
    if given.save:
        given.save.write_text(json.dumps(summary(records), indent=1) + "\n", encoding="utf-8")
    if given.docs:
        write_docs(records, before, more)
    if given.figure:
        digits = of(records, "digit")
        given.figure.write_bytes(style.encode(kinds_picture(digits, before), "png"))
        beside = given.figure.with_stem(f"{given.figure.stem}-calibration")
        beside.write_bytes(style.encode(calibration_picture(digits, before), "png"))
    if given.sheet:
        contact_sheet(records, by_number, given.sheet)
    if given.wrong:
        write_failures(records, by_number, given.wrong)


if __name__ == "__main__":
    main()
