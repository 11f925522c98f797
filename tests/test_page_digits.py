"""Rows and pages of digits: each digit with its place, its box and its answer, from Python and from `handmade predict --all`."""

import io
import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

import digit_pages
import handmade
from handmade.cli import console, stage_tiles
from handmade.cli.main import main
from handmade.data import find_digit, find_digits, mnist
from handmade.data.picture import answer, find_page
from handmade.data.picture.judgement import count_holes
from handmade.data.picture.page import in_rows
from handmade.data.picture.pieces import Box
from handmade.data.resize import area_average
from handmade.engine.arrays import Array
from handmade.files import boxes

MODEL = Path(__file__).parent / "data" / "readme.safetensors"
FIGURES = (0, 1, 3, 4, 11, 12)  # test images that the network reads without doubt
LABELS = tuple(int(label) for label in mnist().test.labels[list(FIGURES)])
Predict: TypeAlias = Callable[..., tuple[int, str, str]]
SIDE = 90  # pixels of an enlarged image


@cache
def network() -> handmade.Network:
    return handmade.load(MODEL)


def enlarged(number: int) -> Array:
    """A digit of MNIST in 90 x 90 pixels: 0 is paper, 1 is ink."""
    digit = mnist().test.images[number, ..., 0] / 255
    return area_average(np.kron(digit, np.ones((6, 6))), (SIDE, SIDE))


def page(rows: int, columns: int, slope: float = 0.0, shift: float = 0.0) -> tuple[Array, list[int]]:
    """A page of dark digits, each row one further down by `slope` a column, and the labels in the order of reading."""
    room = int(abs(slope) * columns * SIDE) + 20
    ink = np.zeros((rows * (SIDE + 30) + room + 20, columns * (SIDE + 10) + 40))
    labels = []
    for row in range(rows):
        for column in range(columns):
            number = (row * columns + column + row) % len(FIGURES)
            top = round(row * (SIDE + 30) + (room if slope < 0 else 0) + slope * column * SIDE + 10 + shift * (column % 2))
            left = column * (SIDE + 10) + 20
            ink[top : top + SIDE, left : left + SIDE] += enlarged(FIGURES[number])
            labels.append(LABELS[number])
    return 0.9 - 0.8 * np.clip(ink, 0, 1), labels


@pytest.mark.parametrize(
    ("rows", "columns", "slope", "shift"),
    [(1, 6, 0, 0), (3, 4, 0, 0), (3, 5, 0.12, 0), (3, 5, -0.12, 0), (2, 5, 0.05, 14), (6, 8, 0, 0)],
)
def test_a_page_is_read_row_by_row(rows: int, columns: int, slope: float, shift: float) -> None:
    picture, labels = page(rows, columns, slope, shift)

    found = find_page(picture)

    assert [len(row) for row in found.rows] == [columns] * rows
    every = 1 + len(labels) // 16  # some of a large page
    assert [answer(network(), digit).answer for digit in found.digits[::every]] == labels[::every]


def test_one_digit_is_a_page_too_and_a_blank_sheet_is_none() -> None:
    picture = np.pad(0.9 - 0.8 * enlarged(0), 20, constant_values=0.9)

    (digit,) = find_digits(picture)

    assert np.array_equal(digit.image, find_digit(picture).image)
    assert find_page(np.full((60, 80), 0.9)).rows == ()


def box(left: int, top: int) -> Box:
    return slice(top, top + 20), slice(left, left + 12)


def test_rows_are_told_from_the_places_alone() -> None:
    level = [box(60, 0), box(0, 3), box(30, -3), box(0, 30), box(60, 34)]
    assert in_rows(level) == [[1, 2, 0], [3, 4]]
    slanted = [box(40 * column, 35 * row + 8 * column) for row in range(3) for column in range(5)]
    assert in_rows(slanted) == [[5 * row + column for column in range(5)] for row in range(3)]
    assert in_rows([]) == []


def test_parts_of_a_digit_are_one_digit() -> None:
    """A 5 with its bar apart, and a 1 in two halves, in a row with others."""
    row, labels = page(1, 5)
    ink = (0.9 - row) / 0.8
    ink[:, 20 : 20 + SIDE] = 0
    ink[28:36, 55:95], ink[46:52, 42:74], ink[46:66, 42:49], ink[60:66, 42:80], ink[60:92, 74:81], ink[86:92, 38:80] = [1] * 6
    ink[:, 20 + 2 * (SIDE + 10) : 20 + 2 * (SIDE + 10) + SIDE] = 0
    ink[25:54, 264:271], ink[60:92, 264:271] = 1, 1

    found = find_digits(0.9 - 0.8 * ink)

    assert len(found) == 5
    assert [digit.measures.pieces for digit in found][:3:2] == [2, 2]
    assert [answer(network(), digit).answer for digit in found][1::2] == labels[1::2]


def test_digits_that_touch_are_rejected_with_the_reason() -> None:
    row, labels = page(1, 6)
    ink = (0.9 - row) / 0.8
    ink[52:58, 160:285] = 1  # from the second digit to the third

    found = find_digits(0.9 - 0.8 * ink)

    assert len(found) == 5
    reason = found[1].rejection
    assert reason is not None
    assert reason.startswith("it may be two digits that touch: its width is 2.")
    assert reason.endswith("leave a gap between digits")
    assert [answer(network(), digit).answer for digit in found] == [labels[0], None, *labels[3:]]


@pytest.mark.parametrize("index", [9, 15, 37])
def test_made_pages_are_read(index: int) -> None:
    """On squared paper, in uneven light, and on sheets on a table."""
    counts, _ = digit_pages.read(digit_pages.page(index, 0), network())

    assert counts["right"] >= 0.9 * counts["digits"]
    assert (counts["missed"], counts["wrong"], counts["extra"], counts["order"]) == (0, 0, 0, 1)


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_boxes_have_the_places_of_the_picture_as_it_is_seen(orientation: int, tmp_path: Path) -> None:
    picture, labels = page(2, 3)
    seen = Image.fromarray(np.repeat(np.repeat(np.uint8(255 * picture), 5, 0), 5, 1))  # larger than what is read
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = seen if orientation == 1 else seen.transpose(Image.Transpose.ROTATE_90)
    stored.save(tmp_path / "page.png", exif=exif)

    found = handmade.read_digits(tmp_path / "page.png", network())
    alone = handmade.read_digits(tmp_path / "page.png")

    assert [each.answer for each in found] == labels
    assert [(each.row, each.place) for each in found] == [(row, place) for row in (1, 2) for place in (1, 2, 3)]
    for number, each in enumerate(found):
        row, column = divmod(number, 3)
        cell = np.array([(column * (SIDE + 10) + 20, row * (SIDE + 30) + 10)]) * 5
        assert (each.corners > cell).all()
        assert (each.corners < cell + 5 * SIDE).all()
        assert each.certainty is not None
        assert each.certainty > 0.5
    assert [(each.answer, each.certainty, each.rejection, each.reading) for each in alone] == [(None, None, None, None)] * 6
    assert all(np.array_equal(one.corners, other.corners) for one, other in zip(found, alone, strict=True))
    assert "row 2, place 3" in repr(found[5])


@pytest.fixture
def predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Predict:
    """Return a function that runs `handmade predict MODEL` in a folder with a page, and returns code, output and errors."""
    monkeypatch.chdir(tmp_path)
    picture, _ = page(2, 3)
    Image.fromarray(np.uint8(255 * picture)).convert("RGB").save("page.png")
    Image.fromarray(np.uint8(255 * picture.T)).save("transposed.png")
    for number in range(8):
        Image.fromarray(np.uint8(230 - 200 * enlarged((0, 1, 2, 7, 11, 12, 14, 3)[number]).T)).save(f"emnist-{number}.png")
    Image.fromarray(np.uint8(230 - 200 * enlarged(0))).save("upright.png")
    Path("words.png").write_text("seven")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["handmade", "predict", str(MODEL), *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main()
        told = capfd.readouterr()
        return int(leaving.value.code or 0), told.out, told.err

    return run


def test_a_page_is_printed_as_it_is_written_and_as_a_table(predict: Predict) -> None:
    code, out, err = predict("page.png", "words.png", "--all", "--stages-out", "stages.png")

    _, labels = page(2, 3)
    lines = out.splitlines()
    assert code == 1
    assert lines[0] == "page.png: 340 x 280 pixels; 6 digits in 2 rows, 0 rejected"
    assert [line.split() for line in lines[1:3]] == [[str(label) for label in row] for row in (labels[:3], labels[3:])]
    assert lines[4].split() == ["row", "place", "digit", "probability", "certainty"]
    assert [line.split()[:3] for line in lines[5:11]] == [
        [str(1 + number // 3), str(1 + number % 3), str(label)] for number, label in enumerate(labels)
    ]
    assert "1 of 2 pictures could not be read" in err
    with Image.open("stages.png") as drawing:
        assert drawing.size == (7 * 288, 6 * 288)


def test_boxes_are_drawn_and_told(predict: Predict) -> None:
    code, out, _ = predict("page.png", "--all", "--json", "--boxes-out", "boxes.png")

    assert code == 0
    told = json.loads(out)
    (one,) = told["pictures"]
    assert "rotated by its EXIF data" in told["coordinates"]
    assert (one["width"], one["height"], one["remarks"]) == (340, 280, [])
    assert [digit["answer"] for digit in one["digits"]] == page(2, 3)[1]
    drawn, plain = (np.asarray(Image.open(name), int) for name in ("boxes.png", "page.png"))
    assert drawn.shape == plain.shape
    for digit in one["digits"]:
        for x, y in digit["corners"]:
            near = drawn[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].reshape(-1, 3)
            assert (np.abs(near - boxes.ANSWER).sum(axis=1) == 0).any()
    changed = (drawn != plain).any(axis=2)
    assert 0.01 < changed.mean() < 0.2


def test_a_transposed_page_has_the_boxes_of_its_own_pixels(predict: Predict) -> None:
    usual, swapped = (
        json.loads(predict(*arguments, "--all", "--json")[1])["pictures"][0]["digits"]
        for arguments in (["page.png"], ["transposed.png", "--transpose"])
    )

    assert [digit["answer"] for digit in usual] == [digit["answer"] for digit in swapped]
    for one, other in zip(usual, swapped, strict=True):
        assert [[x, y] for y, x in other["corners"]] == [one["corners"][number] for number in (0, 3, 2, 1)]


def test_what_cannot_be_drawn_is_told_in_one_line(predict: Predict) -> None:
    Path("there.png").touch()
    for arguments, says in (
        (["page.png", "transposed.png", "--all", "--boxes-out", "b.png"], "expected one picture, got 2"),
        (["page.png", "--all", "--boxes-out", "b.jpg"], "ends in .png"),
        (["page.png", "--all", "--boxes-out", "there.png"], "which exists"),
        (["page.png", "--all", "--boxes-out", "none/b.png"], "Choose another path"),
    ):
        code, _, err = predict(*arguments)
        assert code == 1
        assert says in " ".join(err.split())
    code, _, err = predict("page.png", "--boxes-out", "b.png")
    assert code == 2
    assert "goes with --all" in err


def test_stages_of_each_digit_are_shown(predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    _, out, _ = predict("page.png", "--all", "--show-stages")
    assert out.count("7 centred in 28 x 28") == 6
    colour = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=100)
    monkeypatch.setattr(stage_tiles, "results", colour)
    assert console.results is not colour
    digit = find_digit(page(1, 1)[0])
    assert sum("5 figure" in line.plain for line in stage_tiles.stage_lines(digit)) == 1


# --- images of EMNIST ---------------------------------------------------------------------------------------------------------


def test_images_of_emnist_are_read_once_transposed(predict: Predict) -> None:
    files = [f"emnist-{number}.png" for number in range(8)]
    labels = [int(mnist().test.labels[number]) for number in (0, 1, 2, 7, 11, 12, 14, 3)]

    turned = json.loads(predict(*files, "--transpose", "--json")[1])["pictures"]
    _, out, err = predict(*files)
    usual = json.loads(predict(*files, "--json")[1])["pictures"]
    hinted = sum("EMNIST" in remark for each in usual for remark in each["remarks"])

    assert [each["answer"] for each in turned] == labels
    hint = "with rows and columns swapped, as in images of EMNIST. Try --transpose"
    assert " ".join(err.split()) == f"{hinted} of 8 pictures can be read only {hint}"
    assert hinted >= 5
    assert int(np.argmax(usual[7]["probabilities"])) == 0  # a transposed 0 is a 0
    assert "EMNIST" not in out
    one = predict(files[0])[1]
    assert "With rows and columns swapped, as in images of EMNIST, it is a 7. Try --transpose." in one
    few = " ".join(predict(files[0], "upright.png", "page.png")[2].split())
    assert few == f"1 of 3 pictures (emnist-0.png) can be read only {hint}"
    assert predict("upright.png", "upright.png")[2] == ""


# --- holes --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "least", "holes"),
    [
        (["....", "...."], 1, 0),
        (["####", "####"], 1, 0),
        (["####", "#..#", "####"], 1, 1),
        (["####", "#..#", "####"], 3, 0),
        (["#####", "#.#.#", "#####"], 1, 2),
        (["####", "#..#", "##.#"], 1, 0),  # open at the edge
        (["######", "#....#", "#.##.#", "#.##.#", "#....#", "######"], 1, 1),  # ink inside of a hole
        (["####", "#.##", "##.#", "####"], 1, 2),  # diagonal neighbours of the paper are apart
    ],
)
def test_holes_are_counted(rows: list[str], least: float, holes: int) -> None:
    assert count_holes(np.array([[pixel == "#" for pixel in row] for row in rows]), least) == holes
