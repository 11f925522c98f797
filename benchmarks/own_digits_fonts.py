"""Accuracy on digits that nobody wrote for MNIST, by font and by pen, upright and turned, as Markdown."""

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

import handmade
from handmade.data import find_digit, prepare

sys.path.append(str(Path(__file__).parent.parent / "tests"))  # the drawings are those of the tests
from drawn_digits import drawn

EACH = 100  # digits of a font or a pen


def fonts_table(network: handmade.Network) -> str:
    """Return a table of every font and pen, upright and turned by up to fifteen degrees."""
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
    lines = ["| drawn with | upright | turned by up to 15° | most frequent confusion |", "|---|--:|--:|---|"]
    for tool, (upright, slanted) in right.items():
        worst = max(mistakes[tool], key=mistakes[tool].__getitem__, default="")
        lines.append(f"| {tool} | {100 * np.mean(upright):.0f} % | {100 * np.mean(slanted):.0f} % | {worst} |")
    means = [100 * np.mean([hit for both in right.values() for hit in both[turned]]) for turned in (0, 1)]
    lines.append(f"| **all** | **{means[0]:.1f} %** | **{means[1]:.1f} %** | |")
    lines.append(f"\n{refused} of {2 * EACH * len(right):,} digits were rejected.")
    return "\n".join(lines)
