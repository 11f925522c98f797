"""Tables of what was read, by kind of disturbance, and the totals beside their targets, as Markdown."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from digit_pictures import HELD_BACK_KINDS
from own_digits_reading import Record

VERY_SURE = 0.9
EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)  # of the bins of the calibration
Before = dict[str, Any] | None  # summary of an earlier measurement
TOTALS = (
    "digits answered",
    "right of those answered",
    "wrong of those answered with a certainty above 90 %",
    "pictures without a single digit refused",
    "processor time to read a picture",
)
RIGHT, ANSWERED, SURELY_WRONG, REFUSED = 0.97, 0.93, 1 / 300, 0.98  # targets


@dataclass(frozen=True)
class Counts:
    """Counts of the pictures of one kind.

    `sure` and `surely_wrong` are those answered with a certainty of more than 90 %, `probable` and `probably_wrong` those with
    such a probability of the network.
    """

    pictures: int
    answered: int
    right: int
    sure: int
    surely_wrong: int
    probable: int = 0
    probably_wrong: int = 0


def counted(records: Sequence[Record]) -> Counts:
    """Count the results of pictures."""
    sure = [record for record in records if record.answer is not None and record.sure > VERY_SURE]
    probable = [record for record in records if record.answer is not None and record.probability > VERY_SURE]
    return Counts(
        len(records),
        sum(record.answer is not None for record in records),
        sum(record.right for record in records),
        len(sure),
        sum(record.wrong for record in sure),
        len(probable),
        sum(record.wrong for record in probable),
    )


def by_kind(records: Sequence[Record]) -> dict[str, Counts]:
    """Return the counts of every kind, in the order of the alphabet; a picture of several kinds counts for each."""
    kinds = sorted({kind for record in records for kind in record.kinds})
    return {kind: counted([record for record in records if kind in record.kinds]) for kind in kinds}


def summary(records: Sequence[Record]) -> dict[str, object]:
    """Return what a later report is compared with, for a JSON file."""
    digits, others = (of(records, what) for what in ("digit", "other"))
    return {
        "all": vars(counted(digits)),
        "kinds": {kind: vars(counts) for kind, counts in by_kind(digits).items()},
        "others": {kind: [len(some), sum(record.answer is None for record in some)] for kind, some in shown(others).items()},
        "calibration": [list(row) for row in calibration(digits)],
    }


def of(records: Sequence[Record], what: str) -> list[Record]:
    """Return the records of digits, of others, or of transposed images."""
    return [record for record in records if record.what == what]


def shown(others: Sequence[Record]) -> dict[str, list[Record]]:
    """Return pictures without a digit by what they show."""
    return {kind: [each for each in others if each.kinds[0] == kind] for kind in sorted({each.kinds[0] for each in others})}


def report(records: Sequence[Record], before: Before = None, more: Mapping[str, Sequence[Record]] | None = None) -> str:
    """Return all tables.

    Parameters
    ----------
    records
        Those of one model.
    before
        Summary of an earlier measurement, which is shown beside this one.
    more
        Records of other models by name.
    """
    digits, others, transposed = (of(records, what) for what in ("digit", "other", "transposed"))
    tables = [totals_table(digits, others, before, more)]
    if digits:
        tables += [kinds_table(digits, before), calibration_table(digits), reasons_table(digits)]
    if others:
        tables.append(others_table(others, before))
    if transposed:
        tables.append(transposed_line(transposed))
    return "\n\n".join(tables)


def totals_table(
    digits: Sequence[Record], others: Sequence[Record], before: Before = None, more: Mapping[str, Sequence[Record]] | None = None
) -> str:
    """Return the totals beside their targets; `more` has the records of other models by name, each of which is a column."""
    slow = np.percentile([1000 * record.seconds for record in [*digits, *others]] or [0], (50, 99))
    columns = {"reached": [*_totals(counted(digits), others), f"{slow[0]:.0f} ms (median), {slow[1]:.0f} ms (99 of 100)"]}
    if before:
        old, kinds = Counts(**before["all"]), before["others"].values()
        refused = sum(some for _, some in kinds), sum(number for number, _ in kinds)
        columns = {"before": [*_totals(old, [])[:3], share(*refused), ""], **columns}
    for name, records in (more or {}).items():
        columns[name] = [*_totals(counted(of(records, "digit")), of(records, "other")), ""]
    columns["target"] = [
        f"at least {percent(ANSWERED)}",
        f"at least {percent(RIGHT)}",
        f"at most 1 in {1 / SURELY_WRONG:.0f}",
        f"at least {percent(REFUSED)}",
        "",
    ]
    rows = [[name, *cells] for name, *cells in zip(TOTALS, *columns.values(), strict=True)]
    return _table(["of all", *columns], "l" + "r" * len(columns), rows)


def _totals(counts: Counts, others: Sequence[Record]) -> list[str]:
    refused = sum(record.answer is None for record in others)
    cells = [share(counts.answered, counts.pictures), share(counts.right, counts.answered)]
    return [*cells, _one_in(counts.surely_wrong, counts.sure), share(refused, len(others))]


def kinds_table(digits: Sequence[Record], before: Before = None) -> str:
    """Return the results of every kind."""
    old = {**before["kinds"], "**all**": before["all"]} if before else {}
    rows = []
    for kind, counts in [*by_kind(digits).items(), ("**all**", counted(digits))]:
        name = f"{kind} (held back)" if kind in HELD_BACK_KINDS else kind
        row = [
            name,
            f"{counts.pictures:,}",
            *_shares(counts),
            f"{counts.answered - counts.right:,}",
            _one_in(counts.surely_wrong, counts.sure),
        ]
        row.append(_one_in(counts.probably_wrong, counts.probable))
        rows.append(row + (_shares(Counts(**old[kind])) if kind in old else ["", ""]) * bool(before))
    heads = ["kind", "pictures", "answered", "right of those", "wrong", "wrong of those more than 90 % certain"]
    heads.append("wrong of those with a probability above 90 %")
    heads += ["before: answered", "before: right of those"] * bool(before)
    return _table(heads, "l" + "r" * (len(heads) - 1), rows)


def _shares(counts: Counts) -> list[str]:
    return [share(counts.answered, counts.pictures), share(counts.right, counts.answered)]


def _one_in(wrong: int, answers: int) -> str:
    ratio = answers / max(wrong, 1)
    often = f", 1 in {ratio:.{int(ratio < 10)}f}" if wrong else ""
    return f"{wrong:,} of {answers:,}{often}"


def others_table(others: Sequence[Record], before: Before = None) -> str:
    """Return how often each kind of picture without a single digit was refused."""
    rows = []
    for kind, some in [*shown(others).items(), ("**all**", list(others))]:
        answers = Counter(record.answer for record in some if record.answer is not None)
        sure = sum(record.answer is not None and record.sure > VERY_SURE for record in some)
        frequent = ", ".join(f"{answer} ({count})" for answer, count in answers.most_common(3))
        row = [kind, f"{len(some):,}", share(len(some) - answers.total(), len(some)), f"{sure}", frequent]
        if before:
            number, refused = before["others"].get(kind, (0, 0))
            row.append(share(refused, number) if number else "")
        rows.append(row)
    heads = ["shows", "pictures", "refused", "answered, more than 90 % certain", "most frequent answers"]
    return _table([*heads, *["before: refused"] * bool(before)], "lrrrlr"[: len(heads) + bool(before)], rows)


def transposed_line(records: Sequence[Record]) -> str:
    """Return a sentence on transposed images."""
    counts = counted(records)
    named = [record for record in records if record.swapped is not None]
    right = sum(record.swapped == record.digit for record in named)
    return (
        f"Of {counts.pictures} transposed images as in EMNIST, {counts.answered} were answered as they are, {counts.right} of "
        f"them right. Of the {counts.pictures - counts.answered} others, {len(named)} were recognised as transposed, {right} of "
        "them with the right digit."
    )


def calibration(digits: Sequence[Record]) -> list[tuple[float, float, int, float, float]]:
    """Return for every bin of certainty: its edges, the number of answers, their mean certainty, the share of right ones."""
    rows = []
    for low, high in pairwise(EDGES):
        some = [each for each in digits if each.answer is not None and (low < each.sure <= high)]
        if some:
            mean, right = float(np.mean([each.sure for each in some])), float(np.mean([each.right for each in some]))
            rows.append((low, high, len(some), mean, right))
    return rows


def calibration_table(digits: Sequence[Record]) -> str:
    """Return the certainty against how often right."""
    rows = [
        (f"{percent(low)} to {percent(high)}", f"{count:,}", f"{100 * mean:.1f} %", f"{100 * right:.1f} %")
        for low, high, count, mean, right in calibration(digits)
    ]
    return _table(("certainty of the answer", "answers", "mean certainty", "right"), "lrrr", rows)


def reasons_table(digits: Sequence[Record]) -> str:
    """Return why digits were refused, most frequent first; numbers in the reasons are left out."""
    reasons = Counter(re.sub(r"[\d.,]*\d", "#", each.reason).partition(". ")[0] for each in digits if each.reason)
    rows = [(reason.replace("|", "/"), f"{count:,}") for reason, count in reasons.most_common(12)]
    return _table(("reason of a refused digit", "pictures"), "lr", rows)


def share(part: int, whole: int) -> str:
    """Return a share in per cent, or a dash of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def percent(value: float) -> str:
    """Return a limit in per cent without superfluous digits."""
    return f"{100 * value:g} %"


def _table(heads: Sequence[str], sides: str, rows: Sequence[Sequence[str]]) -> str:
    rule = ["--:" if side == "r" else "---" for side in sides]
    return "\n".join(f"| {' | '.join(cells)} |" if cells is not rule else f"|{'|'.join(rule)}|" for cells in [heads, rule, *rows])
