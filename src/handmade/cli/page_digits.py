"""Digits of a row or a page: a table, their boxes on a copy of the picture, and JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from handmade.cli.console import news, print_json, results
from handmade.cli.picture_files import PictureFiles
from handmade.cli.stage_tiles import stage_lines
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.files.boxes import with_boxes
from handmade.files.images import Picture, write_picture
from handmade.network import Network
from handmade.own_digits import PageDigit, digits_of
from handmade.runs import inputs
from handmade.text.number_format import percent

COORDINATES = (
    "x and y of the upper left, upper right, lower right and lower left corner, in pixels of the picture after it is rotated by "
    "its EXIF data; 0, 0 is the upper left corner of the picture"
)


@dataclass(frozen=True, eq=False)
class Sheet:
    """Page that was read.

    Attributes
    ----------
    picture, copy
        The page as grey levels, and as (H, W, 1 or 3) of uint8.
    digits
        Its digits, with the corners of their boxes in pixels of the file.
    """

    file: str
    picture: Picture
    copy: NDArray[np.uint8] | None
    digits: tuple[PageDigit, ...]

    @property
    def remarks(self) -> list[str]:
        """Remarks of the file, and what was found beside the digits."""
        return [*self.picture.remarks, *dict.fromkeys(remark for each in self.digits for remark in each.digit.remarks())]


def read_pages(
    model: Path,
    network: Network,
    files: Sequence[str],
    *,
    transpose: bool,
    show_stages: bool,
    stages_out: Path | None,
    boxes_out: Path | None,
    json: bool,
) -> None:
    """Read all digits of each file, and print them.

    Raises
    ------
    HandmadeError
        If a picture cannot be read; the others are read.
    """
    pages = PictureFiles(files, stages_out)
    if boxes_out:
        _check(boxes_out, files)
    stages: list[list[Array]] = []
    for sheet in pages.each(lambda file: _read(network, file, transpose=transpose, copy=boxes_out is not None)):
        pages.records.append(_plain(sheet))
        stages += [[stage for _, stage in each.digit.stages()] for each in sheet.digits]
        if not json:
            for line in _lines(sheet, stages=show_stages):
                results.print(line)
        if boxes_out and sheet.copy is not None:
            write_picture(boxes_out, _drawn(sheet, sheet.copy))
            news.print(Text(f"Boxes: {boxes_out}"))
    if json and pages.any_read:
        print_json({"model": str(model), "coordinates": COORDINATES, "pictures": pages.records})
    pages.finish(stages)


def _check(boxes_out: Path, files: Sequence[str]) -> None:
    """Raise HandmadeError if the picture with boxes cannot be written."""
    name = "--boxes-out: expected"
    if len(files) > 1:
        raise HandmadeError(f"{name} one picture, got {len(files)}. Try one picture at a time")
    if boxes_out.suffix.lower() != ".png":
        raise HandmadeError(f"{name} a name that ends in .png, got {boxes_out}. Try --boxes-out boxes.png")
    if boxes_out.exists():
        raise HandmadeError(f"{name} a new file, got {boxes_out}, which exists. Try another name")


def _read(network: Network, file: str, *, transpose: bool, copy: bool) -> Sheet:
    picture, pixels = inputs.picture_with_copy(file) if copy else (inputs.picture(file), None)
    if not transpose:
        return Sheet(file, picture, pixels, digits_of(picture.grey, picture.size, network))
    found = digits_of(picture.grey.T, picture.size[::-1], network)
    digits = []
    for each in found:  # the corners are those of the picture as it is in the file
        digit = replace(each.digit, corners=each.corners[[0, 3, 2, 1], ::-1])
        digits.append(replace(each, digit=digit, reading=each.reading and replace(each.reading, digit=digit)))
    return Sheet(file, picture, pixels, tuple(digits))


def _plain(sheet: Sheet) -> dict[str, Any]:
    height, width = sheet.picture.size
    digits = []
    for each in sheet.digits:
        assert each.reading is not None  # there is a network
        digits.append(
            {
                "row": each.row,
                "place": each.place,
                "answer": each.answer,
                "class": each.reading.name if each.rejection is None else None,
                "rejection": each.rejection,
                "probabilities": each.reading.probabilities.tolist(),
                "certainty": each.certainty,
                "corners": each.corners.tolist(),
                "measures": asdict(each.digit.measures),
            }
        )
    return {"file": sheet.file, "width": width, "height": height, "remarks": sheet.remarks, "digits": digits}


def _lines(sheet: Sheet, *, stages: bool) -> Iterator[Text]:
    """Yield the lines of a page: the digits as they are on it, then a table with their probabilities."""
    height, width = sheet.picture.size
    rejected = sum(each.rejection is not None for each in sheet.digits)
    rows = [list(row) for _, row in groupby(sheet.digits, key=lambda each: each.row)]
    count = f"{_counted(len(sheet.digits), 'digit')} in {_counted(len(rows), 'row')}, {rejected} rejected"
    yield Text(f"{sheet.file}: {'; '.join([f'{width:,} x {height:,} pixels', *sheet.remarks, count])}")
    for row in rows:
        yield Text("  " + " ".join(_sign(each) for each in row), "bold")
    if sheet.digits:
        yield Text()
        yield Text("  row  place  digit  probability  certainty")
    for each in sheet.digits:
        assert each.reading is not None  # there is a network
        if each.rejection is None:
            probability = percent(each.reading.probabilities[each.reading.guess])
            shares = f"  {probability:>11}  {percent(each.reading.certainty):>9}"
        else:
            shares = f"  rejected: {each.rejection}"
        yield Text(f"  {each.row:>3}  {each.place:>5}  {_sign(each):>5}{shares}")
        if stages:
            yield from stage_lines(each.digit)
    yield Text()


def _sign(each: PageDigit) -> str:
    return "?" if each.rejection or each.reading is None else each.reading.name


def _counted(number: int, name: str) -> str:
    return f"{number} {name}" + ("" if number == 1 else "s")


def _drawn(sheet: Sheet, copy: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = max(copy.shape[:2]) / max(sheet.picture.size)  # the copy of a large picture is smaller
    return with_boxes(copy, [scale * each.corners for each in sheet.digits], [_sign(each) for each in sheet.digits])
