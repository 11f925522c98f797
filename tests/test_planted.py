"""The checker of layers on the planted bugs: every one is found, none is named wrongly, and no correct twin is accused.

`audit` says without the checker that the bugs are bugs and the twins are none.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handmade.engine.check import LayerReport, check_layer
from handmade.engine.check.layers.mistakes import NAMES as KNOWN
from planted import CORRECT, NAMES, PLANTED, Planted
from planted.audit import audit


def id_of(exhibit: Planted) -> str:
    return f"{exhibit.make.__module__.removeprefix('planted.')}.{exhibit.name}"


def some(exhibits: list[Planted], step: int) -> list[Any]:
    """Every exhibit, all but one of `step` with the marker long."""
    marks = [[] if n % step == 0 else [pytest.mark.long] for n in range(len(exhibits))]
    return [pytest.param(exhibit, id=id_of(exhibit), marks=each) for exhibit, each in zip(exhibits, marks, strict=True)]


@cache
def report_of(exhibit: Planted, seed: int = 0) -> Any:
    report: LayerReport = check_layer(exhibit.make(), exhibit.x, rng=np.random.default_rng(seed))
    return report


def names_in(report: Any) -> set[str]:
    return {finding.name for finding in report.findings}


@pytest.mark.parametrize("exhibit", some(PLANTED, 6))
def test_every_bug_is_found_and_none_is_named_wrongly(exhibit: Planted) -> None:
    report = report_of(exhibit)

    assert report.verdict in exhibit.verdicts, str(report)
    assert names_in(report) <= exhibit.names | {""}, f"true are {sorted(exhibit.names)}\n{report}"


@pytest.mark.long
def test_most_of_the_bugs_are_named() -> None:
    wrong = [exhibit for exhibit in PLANTED if report_of(exhibit).verdict == "wrong"]
    unnamed = [exhibit.name for exhibit in wrong if not names_in(report_of(exhibit)) - {""}]

    assert len(unnamed) <= 0.15 * len(wrong), f"{len(unnamed)} of {len(wrong)} have no name: {', '.join(unnamed)}"


@pytest.mark.parametrize("exhibit", some(CORRECT, 4))
def test_no_correct_twin_is_accused(exhibit: Planted) -> None:
    report = report_of(exhibit)

    assert report.verdict in exhibit.verdicts, str(report)


@pytest.mark.long
@pytest.mark.parametrize("exhibit", [*PLANTED, *CORRECT], ids=id_of)
def test_verdicts_and_names_do_not_hang_on_luck(exhibit: Planted) -> None:
    report = report_of(exhibit, seed=7)

    assert report.verdict in exhibit.verdicts, str(report)
    assert names_in(report) <= exhibit.names | {""}, f"true are {sorted(exhibit.names)}\n{report}"


@pytest.mark.long
@pytest.mark.parametrize("exhibit", PLANTED, ids=id_of)
def test_every_bug_is_one(exhibit: Planted) -> None:
    assert audit(exhibit)


@pytest.mark.long
@pytest.mark.parametrize("exhibit", CORRECT, ids=id_of)
def test_every_twin_is_correct(exhibit: Planted) -> None:
    assert audit(exhibit) == []


def test_the_exhibits_are_many_and_different() -> None:
    assert len(PLANTED) >= 200
    assert len({exhibit.name for exhibit in PLANTED}) == len(PLANTED)
    assert all(exhibit.names <= NAMES.keys() for exhibit in PLANTED)


def test_the_documentation_lists_every_name() -> None:
    text = (Path(__file__).parent.parent / "docs" / "check.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| ([a-z0-9 -]+) \|", text.partition("## Mistakes by name")[2], flags=re.MULTILINE)

    assert len(listed) == len(set(listed))
    assert set(listed) - {"name"} == KNOWN
    assert {name for exhibit in PLANTED for name in exhibit.names} <= set(NAMES)
