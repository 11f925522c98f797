"""Print how well digits are read that nobody wrote for MNIST, by face and by pen, as the Markdown of docs/own_digits.md.

python benchmarks/own_digits.py              trains the README's network first: about a minute
python benchmarks/own_digits.py MODEL        with a model or a run of yours
"""

import argparse
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

import handmade
from handmade.data import find_digit, prepare
from handmade.runs.record import model_of

sys.path.append(str(Path(__file__).parent.parent / "tests"))  # the drawings are those of the tests
from drawn_digits import drawn

EACH = 100  # digits of a face or a pen


def trained(folder: str) -> Path:
    """The network that a newcomer has after one command."""
    subprocess.run(
        [sys.executable, "-m", "handmade", "train", "--gradient", "backprop", "--out", f"{folder}/run"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return Path(folder) / "run"


def table(network: handmade.Network) -> None:
    """Print every face and pen, upright and turned by up to fifteen degrees."""
    print("| drawn with | upright | turned by up to 15° | most frequent confusion |")
    print("|---|--:|--:|---|")
    right: dict[str, list[list[bool]]] = defaultdict(lambda: [[], []])
    mistakes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    refused = 0
    for turned, turn in enumerate((0.0, 15.0)):
        for each in drawn(EACH, seed=5, turn=turn):
            digit = find_digit(each.picture)
            refused += digit.rejection is not None
            answer = int(network.predict(prepare(digit.image[None], network.dtype))[0])
            right[each.tool][turned].append(answer == each.digit)
            if answer != each.digit:
                mistakes[each.tool][f"{each.digit} as {answer}"] += 1
    for tool, (upright, slanted) in right.items():
        worst = max(mistakes[tool], key=mistakes[tool].__getitem__, default="")
        print(f"| {tool} | {100 * np.mean(upright):.0f} % | {100 * np.mean(slanted):.0f} % | {worst} |")
    means = [100 * np.mean([hit for both in right.values() for hit in both[turned]]) for turned in (0, 1)]
    print(f"| **all** | **{means[0]:.1f} %** | **{means[1]:.1f} %** | |")
    print(f"\n{refused} of {2 * EACH * len(right):,} digits were rejected.")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Print the accuracy on drawn digits.")
    parser.add_argument("model", nargs="?", type=Path, help="a model file or a run")
    given = parser.parse_args().model
    with tempfile.TemporaryDirectory() as folder:
        table(handmade.load(model_of(given or trained(folder))))


if __name__ == "__main__":
    main()
