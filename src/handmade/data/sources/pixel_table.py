"""Data set in a table of pixels, CSV, in the layout of Kaggle: one image a line, its label first.

    label,pixel0,pixel1,...,pixel783

The line of headings may be missing. Labels are numbers or words. If the headings say so, the label is the last column.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from handmade.data.sources.labels import from_arrays
from handmade.data.sources.options import Parts, check_pixels
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError

LONGEST_LINE = 2**23  # bytes
AT_ONCE = 1000  # lines that are read at a time
LABELS = {"label", "labels", "class", "target", "y"}


def train_and_test(folder: Path) -> tuple[Path, Path | None] | None:
    """Return the tables of a folder, as train.csv and test.csv or mnist_train.csv and mnist_test.csv; None if there are none."""
    found = {
        part: sorted(path for path in folder.glob("*.csv") if path.stem.lower().endswith(part)) for part in ("train", "test")
    }
    return (found["train"][0], found["test"][0] if found["test"] else None) if found["train"] else None


def read(train: Path, test: Path | None = None, source: str = "") -> Parts:
    """Read one table, or one for training and one for testing. A table for testing without labels, as Kaggle's, is left out.

    Raises
    ------
    HandmadeError
        If a table is empty, or a line has another number of columns, or something that is no pixel; the message has its number.
    """
    source = source or repr(str(train))
    tables = [_table(train)]
    remarks: tuple[str, ...] = ()
    if test is not None:
        if _columns(test) == tables[0][0].shape[1]:
            remarks = (f"{source}: left out: {test.name}, which has no labels.",)
        else:
            tables.append(_table(test))
    widths = [pixels.shape[1] for pixels, _ in tables]
    if len(set(widths)) > 1:
        raise HandmadeError(f"{source}: expected tables with the same columns, got {widths[0]} and {widths[1]} pixels")
    labels, names = from_arrays([_numbers_or_words(words) for _, words in tables], source)
    side = _side(widths[0], str(train))
    parts = [(pixels.reshape(-1, side, side, 1), part) for (pixels, _), part in zip(tables, labels, strict=True)]
    return Parts(parts[0], parts[1] if len(parts) > 1 else None, names, remarks)


def _table(path: Path) -> tuple[NDArray[np.uint8], Array]:
    """Return the pixels (N, columns) and the labels (N,) as texts."""
    name = repr(str(path))
    try:
        with path.open("rb") as file:
            return _content(file, name)
    except OSError as error:
        raise HandmadeError(f"{name}: expected a table that can be read; got: {error.strerror}. Check the file") from None


def _content(file: BinaryIO, name: str) -> tuple[NDArray[np.uint8], Array]:
    blocks: list[NDArray[np.uint8]] = []
    labels: list[str] = []
    pending: list[tuple[int, str]] = []
    columns, last = 0, False
    for number, line in _lines(file, name):
        if not columns:
            columns = line.count(",")
            if not columns:
                raise HandmadeError(f"{name}: expected a label and pixels with commas between, got {line!r:.60}. Save it as CSV")
            _side(columns, name)
            if _is_heading(line):
                last = _word(line.rpartition(",")[2]).lower() in LABELS
                continue
        if line.count(",") != columns:
            raise HandmadeError(
                f"{name}, line {number:,}: expected {columns + 1:,} columns as in the lines before, got {line.count(',') + 1:,}. "
                "Repair the line"
            )
        pixels, _, label = line.rpartition(",") if last else line.partition(",")[::-1]
        word = _word(label)
        if not word or not word.isprintable():
            raise HandmadeError(f"{name}, line {number:,}: expected a label, got {label!r:.40}. Repair the line")
        labels.append(word)
        pending.append((number, pixels))
        if len(pending) == AT_ONCE:
            blocks.append(_block(pending, columns, name))
            check_pixels(len(labels), (columns,), name)
            pending = []
    if pending:
        blocks.append(_block(pending, columns, name))
    if not labels:
        raise HandmadeError(f"{name}: expected at least one line with a label and pixels, got none. Check the file")
    return np.concatenate(blocks), np.array(labels)


def _block(lines: list[tuple[int, str]], columns: int, name: str) -> NDArray[np.uint8]:
    """Return the pixels of some lines, (lines, columns)."""
    try:
        numbers = np.loadtxt((text for _, text in lines), np.int64, delimiter=",", comments=None, ndmin=2)
    except (ValueError, OverflowError):
        numbers = None
    if numbers is None or numbers.shape != (len(lines), columns) or numbers.min() < 0 or numbers.max() > 255:
        for number, text in lines:
            odd = next((each for each in text.split(",") if not _is_pixel(each)), None)
            if odd is not None:
                raise HandmadeError(f"{name}, line {number:,}: expected pixels from 0 to 255, got {odd!r:.40}. Repair the line")
        raise HandmadeError(f"{name}, line {lines[0][0]:,}: expected pixels from 0 to 255; they cannot be read. Save it as CSV")
    return numbers.astype(np.uint8)


def _is_pixel(text: str) -> bool:
    plain = text.strip()
    return plain.isascii() and plain.isdigit() and len(plain) < 10 and int(plain) <= 255


def _lines(file: BinaryIO, name: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of every line that is not empty; a line is never longer than 8 MB in memory."""
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise HandmadeError(
                f"{name}, line {number:,}: expected at most {LONGEST_LINE >> 20} MB in a line. Check that it is CSV"
            )
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError:
            raise HandmadeError(f"{name}, line {number:,}: expected UTF-8, got other bytes. Save it as CSV in UTF-8") from None
        if text:
            yield number, text


def _columns(path: Path) -> int:
    """Return the number of columns of a table; 0 if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.readline(LONGEST_LINE).count(b",") + 1
    except OSError:
        return 0


def _is_heading(line: str) -> bool:
    """Return True for a line whose second column is no number, as in label,pixel0."""
    second = line.split(",", 2)[1].strip().strip('"')
    return not _is_pixel(second) and not second.lstrip("-").isdigit()


def _word(text: str) -> str:
    plain = text.strip()
    return plain[1:-1].strip() if len(plain) > 1 and plain[0] == plain[-1] == '"' else plain


def _numbers_or_words(words: Array) -> Array:
    """Return labels as integers if all of them are, else as texts."""
    plain = [str(word) for word in np.unique(words)]
    is_number = all(word.lstrip("-").isascii() and word.lstrip("-").isdigit() and len(word) < 10 for word in plain)
    return words.astype(np.int64) if is_number else words


def _side(pixels: int, name: str) -> int:
    """Return the side of square images with this number of pixels."""
    side = int(np.sqrt(pixels))
    if side * side != pixels or side < 1:
        raise HandmadeError(
            f"{name}: expected a label and a square number of pixels, as 784; got {pixels + 1:,} columns. Try an .npz file"
        )
    return side
