"""Fit the certainty of an answer: the numbers WEIGHTS and BIAS of data/picture/decision.py, by logistic regression.

python benchmarks/own_digits_certainty.py MODEL [PICTURES]      pictures of training digits, seed 0, which choose all limits

    certainty = 1 / (1 + exp(-(b + w · log odds)))     is the probability that a guess is right

Pictures that an earlier stage rejects are left out; so are digits that the verifier has learned. A picture without a single digit
has no right guess; it counts as one of digits does.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digit_verifier import SOURCES
from own_digits_reader import Reader
from own_digits_reading import Task

PICTURES = 2000  # of digits, and half as many of others
PENALTY = 0.1  # of the squared weights, so that they stay finite

_readers: list[Reader] = []  # of this process


def evidence(task: Task) -> tuple[NDArray[np.float64], bool] | None:
    """Return the log odds of a picture, and True if the guess is right; None if the picture is left out."""
    made = task.made()
    if 0 <= made.source < SOURCES:
        return None
    found = _readers[0].answer(made.content)
    if found.digit.rejection or found.evidence is None:
        return None
    return found.evidence, found.guess == made.digit


def fitted(x: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return weights, and the bias as the last number, by Newton's method."""
    rows = np.column_stack([x, np.ones(len(x))])
    weights, penalty = np.zeros(rows.shape[1]), PENALTY * np.diag([*[1.0] * x.shape[1], 0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(rows @ weights, -40, 40)))
        gradient = rows.T @ (p - right) + penalty @ weights
        weights -= np.linalg.solve((rows * (p * (1 - p))[:, None]).T @ rows + penalty, gradient)
    return weights


def _start(model: Path) -> None:
    _readers[:] = [Reader(model)]


def main() -> None:
    """Print the numbers."""
    model, pictures = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else PICTURES
    tasks = [Task("digit", index, 0, "train") for index in range(pictures)]
    tasks += [Task("other", index, 0, "train") for index in range(pictures // 2)]
    with ProcessPoolExecutor(initializer=_start, initargs=(model,)) as pool:
        found = [each for each in pool.map(evidence, tasks, chunksize=20) if each]
    x, right = np.stack([odds for odds, _ in found]), np.array([good for _, good in found])
    *weights, bias = fitted(x, right)
    print(f"{len(found):,} pictures, {right.mean():.1%} right")
    print(f"WEIGHTS = ({', '.join(f'{each:.3f}' for each in weights)})\nBIAS = {bias:.3f}")


if __name__ == "__main__":
    main()
