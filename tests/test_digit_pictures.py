"""Pictures of digits as people make them: the same from the same seed, of every kind, with the right label, and readable."""

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("skimage", reason="the pictures are made with the extra images")

from PIL import Image

import own_digits_report as reports
from digit_pictures import HELD_BACK_KINDS, SPLITS, Made, Split, picture, source_of, transposed
from digit_plans import CAMERAS, EXTRAS, FILES, LIGHTS, PAPERS, PLACES, TOOLS, Plan, plan
from digit_scenes import scene
from digit_strokes import drawing_of
from handmade.data import find_digit, mnist
from other_drawings import drawn, joined, typed
from other_pictures import HELD_BACK, KINDS, other_picture
from own_digits_docs import BEGIN, END, write_docs, written
from own_digits_reader import Reader, as_grey
from own_digits_reading import Record, Task, recorded
from own_digits_records import RecordsFile

SOME = range(10)


def plans(number: int, *, held_back: bool) -> list[Plan]:
    return [plan(np.random.default_rng([7, index]), held_back=held_back) for index in range(number)]


def opened(made: Made) -> tuple[int, int]:
    """Height and width of a picture that decodes."""
    if isinstance(made.content, np.ndarray):
        assert np.isfinite(made.content).all()
        return made.content.shape[0], made.content.shape[1]
    with Image.open(BytesIO(made.content)) as image:
        image.load()
        turned = image.getexif().get(0x0112, 1) in {6, 8}
        return (image.width, image.height) if turned else (image.height, image.width)


@pytest.mark.parametrize("make", [picture, other_picture, transposed])
def test_the_same_seed_gives_the_same_picture(make: Callable[[int, int], Made]) -> None:
    for index in (3, 4):
        one, other, another = make(index, 5), make(index, 5), make(index, 6)
        assert np.array_equal(one.rgb, other.rgb)
        assert one.kinds == other.kinds
        assert one.content == other.content if isinstance(one.content, bytes) else np.array_equal(one.content, other.content)
        assert not np.array_equal(one.rgb, another.rgb)


@pytest.mark.parametrize("split", SPLITS)
def test_pictures_keep_the_label_of_their_digit(split: Split) -> None:
    digits = mnist().train if split == "train" else mnist().test
    for index in SOME:
        made = picture(index, 2, split)
        assert made.digit == digits.labels[made.source] == index % 10
        assert opened(made) == made.rgb.shape[:2]
        assert source_of(index, 2, split) == made.source


def test_pictures_without_a_digit_decode_and_have_no_label() -> None:
    for index in range(14):
        made = other_picture(index, 2)
        assert made.digit is None
        assert made.kinds[0].removesuffix(HELD_BACK) in KINDS
        assert opened(made) == made.rgb.shape[:2]


def test_every_kind_is_made_and_held_back_kinds_only_where_they_are_allowed() -> None:
    chosen = plans(1200, held_back=True)
    names = {kind for each in chosen for kind in each.kinds}
    for kinds in (TOOLS, PLACES, LIGHTS, CAMERAS, EXTRAS, FILES):
        assert {kind for kind in kinds if kind} <= names
    assert {f"{paper} paper" for paper in PAPERS if paper} <= names
    assert set(HELD_BACK_KINDS) <= names
    assert not set(HELD_BACK_KINDS) & {kind for each in plans(400, held_back=False) for kind in each.kinds}


def test_digits_lie_in_the_picture_and_are_seen() -> None:
    for index, chosen in enumerate(plans(30, held_back=True)):
        if chosen.file == "image of 28 x 28" or max(chosen.width, chosen.height) > 500:
            continue
        drawing = drawing_of(mnist().test.images[index])
        colours, ink = scene(drawing, chosen, np.random.default_rng(index))
        edge = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
        assert not edge.any()
        rows, columns = np.nonzero(ink > 0.3)
        assert np.ptp(rows) >= 10 or np.ptp(columns) >= 10
        near = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        grey, stroke = colours[near].mean(axis=2), ink[near] > 0.3
        if chosen.light in {None, "gradient"} and not stroke.all():  # a shadow changes the paper more than ink does
            assert abs(np.median(grey[stroke]) - np.median(grey[~stroke])) > 0.03


def test_strokes_look_like_the_digit_they_are_drawn_from() -> None:
    lines = 0
    for number in range(40):
        drawing = drawing_of(mnist().test.images[number])
        assert drawing.outlines
        assert 0.95 < max(drawing.extent) < 1.2 or drawing.lines
        lines += bool(drawing.lines)
    assert lines >= 30
    assert not drawing_of(mnist().test.images[8]).lines  # its loop is full of ink: the middle line would be another figure
    zero = drawing_of(mnist().test.images[10])  # a ring, in which a pen of its own width leaves a hole
    assert len(zero.outlines) == 2
    assert np.allclose(zero.lines[0][0], zero.lines[-1][-1], atol=0.1)


def test_weak_places_of_a_stroke_are_no_gaps_and_edges_of_a_form_no_strokes() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:15] = 255
    image[13:15, 12:15] = 60  # less ink
    assert len(drawing_of(image).outlines) == 1
    image[13:15, 12:15] = 0
    assert len(drawing_of(image).outlines) == 2
    image[13:15, 12:15] = 255
    image[6:10, 22] = 140  # thin, beside the stroke
    assert len(drawing_of(image).outlines) == 1


def test_characters_that_the_verifier_has_not_learned_are_counted_apart() -> None:
    kinds = {other_picture(index, 2).kinds[0] for index in range(40)}
    assert {"letter", f"letter{HELD_BACK}"} <= kinds
    assert typed("K", "DejaVuSans", np.random.default_rng(0)).character == "K"


def test_an_interrupted_measurement_goes_on(tmp_path: Path) -> None:
    tasks = [Task("digit", index, 1, "test") for index in range(3)]
    records = [[Record("digit", index, ("blur",), 3, 3, 3, 0.9, 0.9, "", 0.01, model) for model in (0, 1)] for index in range(3)]
    path, about = tmp_path / "records", {"seed": 1}

    file = RecordsFile(path, about)
    assert file.missing(tasks) == tasks
    with pytest.raises(KeyError):  # the third one is missing
        file.completed(tasks, iter(records[:2]))
    path.write_text(path.read_text()[:-9])  # the last line was cut off
    again = RecordsFile(path, about)
    assert again.missing(tasks) == tasks[1:]
    assert again.completed(tasks, iter(records[1:])) == [each for some in records for each in some]
    assert RecordsFile(path, about).missing(tasks) == []
    with pytest.raises(SystemExit, match="other models, pictures or code"):
        RecordsFile(path, {"seed": 2})


def test_the_measured_part_of_the_document_is_replaced(tmp_path: Path) -> None:
    record = Record("digit", 0, ("blur",), 3, 3, 3, 0.95, 0.9, "", 0.01)
    other = Record("other", 0, ("letter",), None, None, 3, 0.1, 0.9, "it is noise", 0.01)
    (tmp_path / "pictures").mkdir()
    document = tmp_path / "own_digits.md"
    document.write_text(f"# Title\n{BEGIN}\noutdated\n{END}\nlast\n", encoding="utf-8")

    write_docs([record, other], reports.summary([record, other]), {"recipe best": [record, other]}, tmp_path)

    text = document.read_text(encoding="utf-8")
    assert text.startswith(f"# Title\n{BEGIN}\n\n1 pictures of digits, and 1")
    assert text.endswith(f"\n\n{END}\nlast\n")
    assert "outdated" not in text
    assert "| of all | before | reached | recipe best | target |" in text
    for name in re.findall(r"\]\((.*?)\)", text):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="expected a document"):
        written("no comments", "")


def test_what_predict_says_of_a_transposed_image_is_measured() -> None:
    tasks = [Task("transposed", index, 1, "test") for index in (0, 1, 2, 3, 4, 5)]
    reader = Reader(Path(__file__).parent / "data" / "readme.safetensors")
    records = [record for task in tasks for record in recorded(reader, task)]
    named = [record for record in records if record.swapped is not None]
    assert named
    assert all(record.answer is None for record in named)
    assert f"{len(named)} were recognised as transposed" in reports.transposed_line(records)


def test_joined_drawings_keep_all_their_parts() -> None:
    full, ring = drawing_of(mnist().test.images[8]), drawing_of(mnist().test.images[10])  # the first has outlines only
    bar = drawn([np.array([[0.0, 0.0], [1.0, 0.0]])])
    both = joined([(full, 0.0, 0.0, 1.0), (ring, 1.5, 0.0, 1.0), (bar, 0.7, 1.0, 1.0)])
    assert not both.lines
    assert len(both.outlines) == len(full.outlines) + len(ring.outlines)
    assert len(both.bare) == 1
    assert joined([(ring, 0.0, 0.0, 1.0), (ring, 1.5, 0.0, 1.0)]).extent[0] == pytest.approx(1, abs=0.01)


def test_counts_and_calibration_are_those_of_the_records() -> None:
    def record(digit: int | None, answer: int | None, sure: float, *kinds: str) -> Record:
        return Record("digit", 0, kinds, digit, answer, 3, sure, sure / 1.05, "" if answer is not None else "it is noise", 0.01)

    records = [
        record(3, 3, 0.99, "blur"),
        record(4, 3, 0.95, "blur", "dim"),
        record(5, 3, 0.6, "dim"),
        record(6, None, 0.4, "dim"),
    ]
    assert reports.counted(records) == reports.Counts(
        pictures=4, answered=3, right=1, sure=2, surely_wrong=1, probable=2, probably_wrong=1
    )
    assert reports.by_kind(records)["dim"] == reports.Counts(
        pictures=3, answered=2, right=0, sure=1, surely_wrong=1, probable=1, probably_wrong=1
    )
    assert [row[2:] for row in reports.calibration(records)] == [(1, 0.6, 0.0), (1, 0.95, 0.0), (1, 0.99, 1.0)]
    others = [Record("other", 0, ("letter",), None, answer, 3, 0.95, 0.9, "", 0.01) for answer in (None, 3, None, None)]
    assert "| letter | 4 | 75.0 % | 1 | 3 (1) |" in reports.others_table(others)
    assert "| 75.0 % | at least 98 % |" in reports.totals_table(records, others)
    before = reports.summary([*records[:2], *others[:2]])
    assert "| dim | 3 | 66.7 % | 0.0 % | 2 | 1 of 1, 1 in 1.0 | 1 of 1, 1 in 1.0 | 100.0 % | 0.0 % |" in reports.kinds_table(
        records, before
    )
    assert "| 1 | 3 (1) | 50.0 % |" in reports.others_table(others, before)
    assert "| it is noise | 1 |" in reports.report(records, before)


@pytest.mark.parametrize(
    "index", [111, 402, 618, 732, 835], ids=["above", "squared paper", "fraction", "bold and thin", "on a table"]
)
def test_digits_that_one_view_shows_are_not_hidden_by_another_view(index: int) -> None:
    digit = find_digit(as_grey(other_picture(index, 0, "train").content))

    assert "figures" in (digit.rejection or "")
