"""Fit the certainty of an answer: the numbers WEIGHTS and BIAS of data/picture/decision.py, by logistic regression.

python benchmarks/own_digits_certainty.py MODEL [PICTURES]      pictures of training digits, seed 0, which choose all limits

    certainty = 1 / (1 + exp(-(b + w · evidence)))     is the probability that a guess is right

Pictures that an earlier stage rejects are left out; so are digits that the verifier has learned. A picture without a single digit
has no right guess; it counts as one of digits does. A table shows what each least certainty would answer and refuse, by numbers
that were fitted to the other half of the pictures.
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digit_pictures import source_of
from digit_verifier import SOURCES
from own_digits_reader import Reader
from own_digits_reading import Task
from own_digits_report import VERY_SURE

PICTURES = 2000  # of digits, and half as many of others
LEASTS = (0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7)
PENALTY = 0.1  # of the squared weights, so that they stay finite

_readers: list[Reader] = []  # of this process


@dataclass(frozen=True, eq=False)
class Case:
    """One picture: the evidence, or None if an earlier stage rejects it; `right` is True if the guess is the digit."""

    what: str
    evidence: NDArray[np.float64] | None
    right: bool


def case(task: Task) -> Case | None:
    """Return what is known of a picture; None if the verifier has learned its digit."""
    if task.what == "digit" and source_of(task.index, task.seed, task.split) < SOURCES:
        return None
    made = task.made()
    found = _readers[0].answer(made.content)
    return Case(task.what, None if found.digit.rejection else found.evidence, found.guess == made.digit)


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


def fitted_to(cases: Sequence[Case]) -> NDArray[np.float64]:
    """Return weights, and the bias as the last number, for pictures that have evidence."""
    used = [each for each in cases if each.evidence is not None]
    return fitted(
        np.stack([each.evidence for each in used if each.evidence is not None]), np.array([each.right for each in used])
    )


def certainties(cases: Sequence[Case]) -> NDArray[np.float64]:
    """Return the certainty of each picture by the numbers that are fitted to the other half; 0 without evidence."""
    found = np.zeros(len(cases))
    for half in (0, 1):
        numbers = fitted_to(cases[1 - half :: 2])
        for place in range(half, len(cases), 2):
            odds = cases[place].evidence
            if odds is not None:
                found[place] = 1 / (1 + np.exp(-(odds @ numbers[:-1] + numbers[-1])))
    return found


def limits_table(cases: Sequence[Case]) -> str:
    """Return what is answered with each least certainty, as Markdown."""
    sure, right = certainties(cases), np.array([each.right for each in cases])
    digit = np.array([each.what == "digit" for each in cases])
    lines = ["| least certainty | digits answered | right of those | others refused |", "|--:|--:|--:|--:|"]
    for least in LEASTS:
        given = sure >= least
        shares = given[digit].mean(), right[digit & given].mean(), 1 - given[~digit].mean()
        lines.append(f"| {least:.2f} | {' | '.join(f'{100 * share:.1f} %' for share in shares)} |")
    very = digit & (sure > VERY_SURE)
    return "\n".join([*lines, "", f"More than 90 % certain: {very.sum():,} digits, {(very & ~right).sum()} of them wrong."])


def main() -> None:
    """Print the table and the numbers."""
    model, pictures = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else PICTURES
    tasks = [Task("digit", index, 0, "train") for index in range(pictures)]
    tasks += [Task("other", index, 0, "train") for index in range(pictures // 2)]
    cases = []
    with ProcessPoolExecutor(initializer=_start, initargs=(model,)) as pool:
        for number, each in enumerate(pool.map(case, tasks, chunksize=20), 1):
            cases += [each] if each else []
            if number % 100 == 0:
                print(f"\r{number:,} of {len(tasks):,} pictures ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    *weights, bias = fitted_to(cases)
    print(limits_table(cases))
    print(f"\nWEIGHTS = ({', '.join(f'{each:.3f}' for each in weights)})\nBIAS = {bias:.3f}")


if __name__ == "__main__":
    main()
