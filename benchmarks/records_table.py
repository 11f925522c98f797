"""Table and curves of the records, made from the folders of their runs; nothing is extrapolated."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Any

from handmade.engine.errors import HandmadeError
from handmade.files.atomic import write_atomically
from handmade.pictures import History
from handmade.runs import read_record
from handmade.runs.history import RunRecord
from handmade.text.number_format import duration, percent
from records import DIRECTIONS, Plan, notes, state
from records_kept import KEPT, folder_of, keep

DOCS = Path(__file__).parent.parent / "docs"
BEGIN, END = "<!-- records.py writes from here -->", "<!-- records.py writes to here -->"
HEAD = (
    *("run", "weights", "quotients", "differences of single images", "test accuracy", "time", "processor time"),
    *("h", "precision", "threads", "numbers in a vector"),
)
DIRECTION_HEAD = ("run", "step", "precision", "relative difference", "1 - cosine", "contested windows")
TITLES = {"difference": "differences", "backprop": "backpropagation"}


@dataclass(frozen=True)
class Row:
    """Facts of one run, from its folder; None where there is none.

    Attributes
    ----------
    plan : Plan
    record : RunRecord
    accuracy : float or None
        On the test images: of the network with the best validation accuracy, if there is a validation set, else of the last.
    cpu : float or None
        Processor's time in seconds, of all threads.
    directions : list of dict
        See `records_direction.py`.
    """

    plan: Plan
    record: RunRecord
    accuracy: float | None
    cpu: float | None
    directions: list[dict[str, Any]]

    @property
    def is_finished(self) -> bool:
        """True if the run has done all of its steps."""
        return self.record.status == "finished"


def row(plan: Plan, out: Path, kept: Path = KEPT) -> Row:
    """Return the facts of a run, from its folder in `out` or from the one that is kept."""
    record = read_record(folder_of(plan, out, kept))
    best = record.known.get("best") if plan.settings.validation else None
    accuracy = best["test_accuracy"] if isinstance(best, dict) else record.number("test_accuracy")
    cpu = max((line["cpu"] for line in notes(record.folder)), default=None)
    path = record.folder / DIRECTIONS
    return Row(plan, record, accuracy, cpu, json.loads(path.read_bytes()) if path.is_file() else [])


def cells(found: Row) -> list[str]:
    """Return the cells of a run; of one that is not finished, only that it is not."""
    settings, record = found.plan.settings, found.record
    by_differences = settings.gradient == "difference"
    name = f"{found.plan.record}, {TITLES[settings.gradient]}, seed {settings.seed}"
    fixed = [f"{settings.step_size:.0e}" if by_differences else "", settings.dtype]
    if not found.is_finished or found.accuracy is None:
        return [name, "", "", "", f"not finished ({state(record.folder)})", "", "", *fixed, "", ""]
    weights, steps, images, seconds = (record.number(each) or 0 for each in ("weights", "steps", "images", "seconds"))
    quotients = [f"{weights * steps:.3g}", f"{weights * images:.3g}"] if by_differences else ["0", "0"]
    spent = "" if found.cpu is None else duration(found.cpu)
    machine = [f"{record.number(each) or 0:.0f}" for each in ("threads", "lanes")]
    return [name, f"{weights:,.0f}", *quotients, percent(found.accuracy), duration(seconds), spent, *fixed, *machine]


def sentences(rows: Sequence[Row]) -> list[str]:
    """Return the mean accuracy and the time of each record and method, over its finished runs."""
    told = []
    for record, method in dict.fromkeys((each.plan.record, each.plan.settings.gradient) for each in rows):
        group = [each for each in rows if (each.plan.record, each.plan.settings.gradient) == (record, method)]
        done = [each for each in group if each.is_finished and each.accuracy is not None]
        title = f"{record} by {TITLES[method]}"
        if len(done) < len(group):
            told.append(f"{title}: {len(done)} of {len(group)} runs are finished; no figure is given for the others.")
        if done:
            mean = percent(fmean(each.accuracy or 0.0 for each in done))
            told.append(f"{title}: {mean} of the test images, the mean of {len(done)} run{'s' * (len(done) > 1)}.")
    return told


def direction_cells(found: Row) -> list[list[str]]:
    """Return a row of cells for each comparison of both gradients."""
    name = f"{found.plan.record}, seed {found.plan.settings.seed}"
    return [
        [name, f"{each['step']:,}", each["dtype"], f"{each['relative']:.1e}", f"{max(0.0, 1 - each['cosine']):.1e}", _share(each)]
        for each in found.directions
    ]


def _share(found: dict[str, Any]) -> str:
    """Return the number of contested windows, their total and their share; nothing where they were not counted."""
    some, total = found["contested"], found["windows"]
    share = f" ({some / total:.1e})" if some else ""
    return f"{some:,} of {total:,}{share}" if total else ""


def markdown(rows: Sequence[Row]) -> str:
    """Return both tables and the sentences."""
    parts = [_table(HEAD, [cells(each) for each in rows]), "\n".join(f"- {text}" for text in sentences(rows))]
    compared = [line for each in rows for line in direction_cells(each)]
    if compared:
        parts.append(_table(DIRECTION_HEAD, compared))
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def draw(rows: Sequence[Row], folder: Path) -> list[str]:
    """Write the curves of each record, both methods of its first seed over each other; return the names of the files."""
    if find_spec("matplotlib") is None:
        return []
    from handmade.pictures import curves  # noqa: PLC0415  matplotlib may be absent
    from handmade.pictures.style import encode  # noqa: PLC0415

    names = []
    for record in dict.fromkeys(each.plan.record for each in rows):
        group = [each for each in rows if each.plan.record == record]
        first = min(each.plan.settings.seed for each in group)
        begun = [each for each in group if each.plan.settings.seed == first and each.record.log()]
        runs = [
            History(
                f"{TITLES[each.plan.settings.gradient]}{'' if each.is_finished else ' (not finished)'}",
                each.record.log(),
                each.accuracy if each.is_finished else None,
            )
            for each in begun
        ]
        if runs:
            names.append(f"records-{record}.png")
            write_atomically(folder / names[-1], encode(curves(runs), "png"))
    return names


def write(plans: Sequence[Plan], out: Path, *, docs: bool) -> str:
    """Write records.md and the curves to the folder of the runs; for the documentation, too, and keep the records, if asked."""
    out.mkdir(parents=True, exist_ok=True)
    rows = [row(plan, out) for plan in plans]
    text = markdown(rows)
    write_atomically(out / "records.md", text.encode())
    names = draw(rows, out)
    if docs:
        for each in rows:
            if each.is_finished and each.record.folder.parent != KEPT and each.plan.settings.steps is None:
                keep(each.record.folder, KEPT / each.plan.name)
        for name in names:
            write_atomically(DOCS / "pictures" / name, (out / name).read_bytes())
        path = DOCS / "records.md"
        write_atomically(path, inserted(path.read_text(encoding="utf-8"), text, names).encode())
    return text


def inserted(document: str, text: str, pictures: Sequence[str]) -> str:
    """Return a document with new tables and pictures between its two marks."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise HandmadeError(f"docs/records.md: expected the marks {BEGIN} and {END}. Add them")
    shown = "".join(f"\n![Training curves of both methods: {name}](pictures/{name})\n" for name in pictures)
    return f"{before}{begin}\n\n{text}{shown}\n{end}{after}"
