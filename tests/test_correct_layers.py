"""No correct layer is accused: thousands of random ones, in many handwritings; and the proof that they are correct."""

from collections import Counter

import numpy as np
import pytest

from correct_layers import UNTESTED, correct
from correct_proof import doubts
from handmade.engine.check import check_layer

SEEDS, ALL = 60, 3000
SHARE_UNTESTED = 0.04  # of layers whose description does not allow it


def verdicts(seeds: range) -> tuple[list[str], Counter[str]]:
    """Return the layers that are called wrong, and how many are correct, untested as they may be, or untested for no reason."""
    accused, counts = [], Counter[str]()
    for seed in seeds:
        layer, x, description = correct(seed)
        with np.errstate(all="ignore"):
            report = check_layer(layer, x, rng=np.random.default_rng(seed))
        allowed = UNTESTED in description
        counts["allowed" if report.verdict == "not tested" and allowed else report.verdict] += 1
        if report.verdict == "wrong":
            accused.append(f"{seed}: {description}\n{report}")
    return accused, counts


@pytest.mark.parametrize("chunk", [0, pytest.param(1, marks=pytest.mark.long), pytest.param(2, marks=pytest.mark.long)])
def test_none_is_accused(chunk: int) -> None:
    accused, counts = verdicts(range(chunk * SEEDS // 3, (chunk + 1) * SEEDS // 3))

    assert not accused, "\n\n".join(accused)
    assert counts["not tested"] <= 1 + SHARE_UNTESTED * SEEDS / 3, counts


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(30))
def test_none_of_thousands_is_accused(chunk: int) -> None:
    accused, counts = verdicts(range(chunk * ALL // 30, (chunk + 1) * ALL // 30))

    assert not accused, "\n\n".join(accused)
    assert counts["not tested"] <= 1 + SHARE_UNTESTED * ALL / 30, counts


def test_they_are_correct() -> None:
    for seed in range(SEEDS):
        assert not doubts(seed), f"{seed}: {correct(seed)[2]}: {doubts(seed)}"


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(10))
def test_thousands_are_correct(chunk: int) -> None:
    for seed in range(chunk * ALL // 10, (chunk + 1) * ALL // 10):
        assert not doubts(seed), f"{seed}: {correct(seed)[2]}: {doubts(seed)}"


def test_a_seed_gives_the_same_layer_again() -> None:
    assert [correct(seed)[2] for seed in range(20)] == [correct(seed)[2] for seed in range(20)]
