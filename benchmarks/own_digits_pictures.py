"""Pictures of the results: bars by kind, the calibration, a contact sheet of examples, and files of all that was not read."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from handmade.pictures import style
from own_digits_reading import Record, Task
from own_digits_report import by_kind, calibration, counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TILE, LINE, EXAMPLES = 190, 15, 6  # pixels of an example, of a line of text; examples of a kind


@style.drawn
def kinds_picture(digits: Sequence[Record], before: dict[str, Any] | None = None, *, dark: bool = False) -> "Figure":
    """Draw the shares of right, wrong and refused pictures by kind.

    Parameters
    ----------
    digits
        Records of pictures of digits.
    before
        Summary of an earlier measurement, shown as a mark beside each bar.
    """
    look = style.theme(dark=dark)
    counts = {"all": counted(digits), **by_kind(digits)}
    kinds = ["all", *sorted(by_kind(digits), key=lambda kind: counts[kind].right / counts[kind].pictures, reverse=True)]
    figure = style.canvas(style.WIDTH, 0.9 + 0.17 * len(kinds))
    bars = figure.subplots()
    right, answered = (
        np.array([getattr(counts[kind], name) / counts[kind].pictures for kind in kinds]) for name in ("right", "answered")
    )
    places = np.arange(len(kinds))[::-1]
    bars.barh(places, 100 * right, color=look.positive, label="right")
    bars.barh(places, 100 * (answered - right), left=100 * right, color=look.mark, label="wrong")
    bars.barh(places, 100 * (1 - answered), left=100 * answered, color=look.rule, label="refused")
    if before:
        old = {"all": before["all"], **before["kinds"]}
        known = [(place, old[kind]) for place, kind in zip(places, kinds, strict=True) if kind in old]
        marks = np.array([[100 * each["right"] / each["pictures"], place] for place, each in known])
        bars.scatter(marks[:, 0], marks[:, 1], marker="|", s=40, color=look.ink, label="right before", zorder=3)
    bars.set(yticks=places, xlabel="% of the pictures", xlim=(0, 100), ylim=(-0.7, len(kinds) - 0.3))
    bars.set_yticklabels([f"{kind} ({counts[kind].pictures:,})" for kind in kinds])
    bars.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    figure.subplots_adjust(left=0.36, right=0.98, top=1 - 0.45 / figure.get_figheight(), bottom=0.5 / figure.get_figheight())
    return figure


@style.drawn
def calibration_picture(digits: Sequence[Record], before: dict[str, Any] | None = None, *, dark: bool = False) -> "Figure":
    """Draw how sure the answers are against how often they are right; arguments as those of `kinds_picture`."""
    look = style.theme(dark=dark)
    figure = style.canvas(0.6 * style.WIDTH, 0.6 * style.WIDTH)
    curve = figure.subplots()
    curve.plot([0, 100], [0, 100], color=look.rule, label="exact")
    for rows, colour, label in (
        ((before or {}).get("calibration"), look.lines[1], "before"),
        (calibration(digits), look.lines[0], "now"),
    ):
        if rows:
            points = 100 * np.array([[mean, share] for _, _, _, mean, share in rows])
            errors = 200 * np.sqrt([max(share * (1 - share), 1 / count) / count for _, _, count, _, share in rows])
            curve.errorbar(points[:, 0], points[:, 1], errors, marker="o", markersize=4, color=colour, label=label, capsize=2)
    curve.set(xlabel="certainty of the answer, %", ylabel="right answers, %", xlim=(40, 101), ylim=(0, 102))
    curve.legend(loc="lower right")
    figure.subplots_adjust(left=0.13, right=0.97, top=0.97, bottom=0.11)
    return figure


def contact_sheet(records: Sequence[Record], tasks: dict[tuple[str, int], Task], path: Path) -> None:
    """Write a PNG with a row of examples for every kind, each with its answer."""
    kinds = sorted({kind for record in records for kind in record.kinds[: 1 if record.what == "other" else None]})
    font = ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), 11)
    sheet = Image.new("RGB", (TILE * (EXAMPLES + 1), (TILE + LINE) * len(kinds)), style.LIGHT.paper)
    pen = ImageDraw.Draw(sheet)
    for row, kind in enumerate(kinds):
        top = row * (TILE + LINE)
        pen.multiline_text((6, top + TILE // 2), kind.replace(", ", ",\n"), fill=style.LIGHT.ink, font=font)
        some = [record for record in records if kind in record.kinds][:EXAMPLES]
        for column, record in enumerate(some, 1):
            image = _tile(tasks[record.what, record.index])
            sheet.paste(image, (column * TILE + (TILE - image.width) // 2, top + (TILE - image.height) // 2))
            good = record.right if record.digit is not None else record.answer is None
            colour = style.LIGHT.positive if good else style.LIGHT.mark if record.answer is not None else style.LIGHT.soft
            pen.text((column * TILE + 6, top + TILE), _answer(record)[:30], fill=colour, font=font)
    sheet.save(path, "PNG")


def write_failures(records: Sequence[Record], tasks: dict[tuple[str, int], Task], folder: Path) -> None:
    """Write all pictures of digits that were read wrong or refused, and the others that were answered, as PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    for record in records:
        if record.right or (record.digit is None and record.answer is None):
            continue
        first = "refused" if record.answer is None else "wrong" if record.digit is not None else "answered"
        label = record.digit if record.digit is not None else record.kinds[0]
        name = f"{first} {record.sure:.3f} {record.what} {record.index:05} {label} {_answer(record)}"
        image = Image.fromarray(tasks[record.what, record.index].made().rgb)
        image.save(folder / f"{re.sub(r'[^A-Za-z0-9.]+', '-', name)[:120]}.png", "PNG")


def _tile(task: Task) -> Image.Image:
    image = Image.fromarray(task.made().rgb)
    scale = (TILE - 8) / max(image.size)
    size = [max(1, round(scale * side)) for side in image.size]
    return image.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX)


def _answer(record: Record) -> str:
    return record.reason if record.answer is None else f"read as {record.answer}, {100 * record.sure:.1f} %"
