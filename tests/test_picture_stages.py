"""Stages of the reading of pictures: each is a pure function, and small pictures are measured by hand."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import handmade
from handmade.data import find_digit, mnist
from handmade.data.picture import answer, find_digits
from handmade.data.picture.decision import BIAS, WEIGHTS, certainty_of, evidence
from handmade.data.picture.edges import edges
from handmade.data.picture.figures import find_figures
from handmade.data.picture.image import stroke_width, thickened
from handmade.data.picture.ink import amount_of_ink, inner
from handmade.data.picture.light import even_light
from handmade.data.picture.lines import without_lines
from handmade.data.picture.paper import cut_out, find_sheets
from handmade.data.picture.variants import variants
from handmade.data.picture.verifier import NONE, opinions
from handmade.data.resize import area_average
from handmade.engine.arrays import Array

MODEL = Path(__file__).parent / "data" / "readme.safetensors"


@cache
def network() -> handmade.Network:
    return handmade.load(MODEL)


@cache
def enlarged(number: int) -> Array:
    """A digit of MNIST of ten times its size: 0 is paper, 1 is ink."""
    digit = mnist().test.images[number, ..., 0] / 255
    return area_average(np.repeat(np.repeat(digit, 10, 0), 10, 1), (280, 280))


def sheet_on_table(table: float, paper: float, ink: float, turn: float = 0.0) -> Array:
    """A sheet of 400 x 320 with a 7, in the middle of 600 x 600."""
    sheet = np.full((400, 320), paper)
    sheet[60:340, 20:300] = paper + (ink - paper) * enlarged(0)
    laid = Image.new("F", (600, 600), table)
    laid.paste(Image.fromarray(sheet.astype(np.float32)), (140, 100))
    return np.asarray(laid.rotate(turn, Image.Resampling.BILINEAR, fillcolor=table), np.float64)


def shadowed(edge: Array, share: float) -> Array:
    return (0.9 - 0.75 * np.pad(enlarged(0), 40)) * np.where(edge, share, 1)


Y, X = np.mgrid[:360, :360] / 360
ROUND = (X - 0.5) ** 2 + (Y - 0.5) ** 2 < 0.24
SCENES: dict[str, Callable[[], Array]] = {
    "a sheet on a dark table": lambda: sheet_on_table(0.1, 0.9, 0.1),
    "a sheet turned by 5 degrees": lambda: sheet_on_table(0.1, 0.9, 0.1, 5),
    "a sheet turned by 12 degrees": lambda: sheet_on_table(0.1, 0.9, 0.1, -12),
    "a dark sheet on a light table": lambda: sheet_on_table(0.9, 0.15, 0.95),
    "round paper": lambda: np.where(ROUND, 0.9 - 0.75 * np.pad(enlarged(0), 40), 0.1),
    "a hard shadow from above": lambda: shadowed(Y < 0.5, 0.5),
    "a hard shadow from the side": lambda: shadowed(X < 0.45, 0.5),
    "faint ink": lambda: 0.9 - 0.09 * np.pad(enlarged(0), 40),
    "numbers from -1 to 1": lambda: 2 * (0.9 - 0.75 * np.pad(enlarged(0), 40)) - 1,
}


@pytest.mark.parametrize("scene", SCENES)
def test_a_seven_is_read_in(scene: str) -> None:
    found = answer(network(), find_digit(SCENES[scene]()))

    assert (found.answer, found.rejection) == (7, None)


@pytest.mark.parametrize("turn", [0, 10])
def test_a_box_has_the_place_of_the_digit_in_the_picture(turn: int) -> None:
    corners = find_digit(sheet_on_table(0.1, 0.9, 0.1, turn)).corners
    ink = np.argwhere(sheet_on_table(0.1, 0.1, 0.9, turn) > 0.5)

    np.testing.assert_allclose(corners.mean(axis=0), ink[:, ::-1].mean(axis=0), atol=35)
    assert np.abs(np.ptp(corners, axis=0) - np.ptp(ink, axis=0)[::-1]).max() < 60


@pytest.mark.parametrize(
    ("picture", "place"),
    [
        (np.vstack([enlarged(0), enlarged(0)]), "above each other"),
        (np.hstack([enlarged(0), enlarged(0)]), "side by side"),
        (
            np.hstack([np.pad(enlarged(0), ((60, 0), (0, 0))), np.pad(enlarged(2)[::3, ::3], ((0, 246), (0, 0)))]),
            "of different sizes",
        ),
    ],
    ids=["above", "beside", "exponent"],
)
def test_several_figures_are_no_digit(picture: Array, place: str) -> None:
    digit = find_digit(np.pad(0.9 - 0.8 * picture, 30, constant_values=0.9))

    assert digit.rejection == f"there are 2 figures {place}; crop the picture to one of them"


def test_all_figures_are_read_in_order_with_their_places() -> None:
    row = np.pad(np.hstack([enlarged(0), enlarged(1), enlarged(3)]), 30)
    found = [answer(network(), digit) for digit in find_digits(0.9 - 0.8 * row)]

    assert [each.answer for each in found] == [7, 2, 0]
    for number, each in enumerate(found):
        x, y = each.digit.corners.mean(axis=0)
        assert 30 + 280 * number < x < 30 + 280 * (number + 1)
        assert 30 < y < 310


def with_circle() -> Array:
    picture = np.pad(enlarged(0), 110)
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]] - 250
    circled: Array = np.maximum(picture, np.abs(np.hypot(x, y) - 190) < 8)
    return circled


def with_underline() -> Array:
    picture = np.pad(enlarged(0), 110)
    picture[400:412, 130:370] = 1
    return picture


@pytest.mark.parametrize(("picture", "left_out"), [(with_circle, "circle"), (with_underline, "underline")])
def test_what_is_drawn_around_a_digit_is_left_out(picture: Callable[[], Array], left_out: str) -> None:
    digit = find_digit(0.9 - 0.8 * picture())

    assert left_out in digit.found
    assert answer(network(), digit).answer == 7


def test_lines_of_the_paper_are_left_out() -> None:
    picture = np.pad(enlarged(0), 60) > 0.5
    ruled = picture.copy()
    ruled[50::100] = True

    cleaned, removed = without_lines(ruled)

    assert removed
    assert (cleaned != picture).mean() < 0.01


@pytest.mark.parametrize("opaque", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("colour", [0, 128, 255])
def test_ink_of_any_opacity_is_read(opaque: float, colour: int, tmp_path: Path) -> None:
    pixels = np.full((280, 280, 4), colour, np.uint8)
    pixels[..., 3] = np.rint(255 * opaque * enlarged(0))
    Image.fromarray(pixels).save(tmp_path / "seven.png")

    assert answer(network(), handmade.read_digit(tmp_path / "seven.png")).answer == 7


@pytest.mark.parametrize("white", [1023, 4095, 65535, 1.0, 2.0, 1000.0])
def test_white_is_found_for_any_depth(white: float, tmp_path: Path) -> None:
    grey = white * (0.9 - 0.8 * np.pad(enlarged(0), 20))
    deep = grey.astype(np.float32) if isinstance(white, float) else np.rint(grey).astype(np.uint16)
    path = tmp_path / ("seven.tiff" if isinstance(white, float) else "seven.png")
    Image.fromarray(deep).save(path)

    digit = handmade.read_digit(path)

    assert digit.measures.contrast > 0.8
    assert answer(network(), digit).answer == 7


def test_a_heic_file_is_read(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    pixels = np.rint(255 * (0.9 - 0.8 * np.pad(enlarged(0), 20))).astype(np.uint8)
    heif.from_pillow(Image.fromarray(pixels).convert("RGB")).save(tmp_path / "seven.heic")

    assert answer(network(), handmade.read_digit(tmp_path / "seven.heic")).answer == 7


# --- five small pictures, measured by hand -------------------------------------------------------------------------------------


def test_by_hand_a_stroke_on_shaded_paper() -> None:
    grey = np.tile(np.linspace(0.5, 0.9, 9), (9, 1))  # paper: 0.5, 0.55, ... 0.9
    grey[2:7, 4] = 0.14  # the paper would be 0.7; its neighbours are 0.65 and 0.75

    light = even_light(grey)

    assert not light.light
    assert light.depth[4, 4] == pytest.approx(1 - 0.14 / 0.75, abs=0.07)  # the closing takes a brighter neighbour
    assert np.abs(np.delete(light.depth, 4, axis=1)).max() < 0.3


def test_by_hand_the_amount_of_ink() -> None:
    depth = np.array([[0, 0, 0.8, 0.8, 0.4, 0]])

    ink = amount_of_ink(depth)  # strokes are deeper than 0.4: median 0.8; paper has level 0 and no noise

    assert (ink.contrast, ink.noise) == (0.8, 0)
    np.testing.assert_allclose(ink.amount, [[0, 0, 1, 1, 0.5, 0]])


def test_by_hand_two_figures_and_a_speck() -> None:
    amount = np.zeros((20, 30))
    amount[3:17, 4:7] = 1  # 14 rows, 3 columns
    amount[5:15, 18:22] = 1  # 10 rows, 4 columns, 11 columns away
    amount[1, 28] = 1

    figures = find_figures(amount).figures

    assert [(each.box, each.pieces) for each in figures] == [((slice(3, 17), slice(4, 7)), 1), ((slice(5, 15), slice(18, 22)), 1)]


def test_by_hand_little_ink_beside_a_digit_is_dirt_and_an_exponent_is_not() -> None:
    amount = np.zeros((60, 60))
    amount[5:55, 10:16] = 1  # 300 pixels, 50 rows
    amount[5:20, 40] = 1  # 15 pixels of 15 rows: 0.3 of the length, 0.05 of the ink
    found = find_figures(amount)
    assert len(found.figures) == 1
    assert found.figures[0].pieces == 1
    assert found.left_out == ("dirt",)

    amount[5:29, 40:46] = 1  # by the same pen: 0.48 of the ink
    assert len(find_figures(amount).figures) == 2


def test_by_hand_a_short_piece_closes_the_gap_between_longer_ones() -> None:
    amount = np.zeros((120, 40))
    amount[5:65, 10:14] = 1  # 60 rows
    amount[79:109, 10:14] = 1  # 30 rows, 14 rows below
    assert len(find_figures(amount).figures) == 2

    amount[68:76, 10:14] = 1  # 3 rows from both
    (figure,) = find_figures(amount).figures
    assert figure.pieces == 3


def test_by_hand_a_rectified_sheet() -> None:
    grey = np.zeros((120, 150))
    grey[30:90, 40:120] = 1.0  # 60 rows, 80 columns
    grey[55:65, 75:85] = 0.0

    sheet = next(each for each in find_sheets(grey) if each.kind == "sheet")
    picture, transform = cut_out(grey, sheet, 320)

    np.testing.assert_allclose(sheet.corners, [(40, 30), (120, 30), (120, 90), (40, 90)], atol=1)  # smoothing rounds the corners
    np.testing.assert_allclose(picture.shape, (56, 76), atol=2)  # 2 pixels are cut off at each side
    np.testing.assert_allclose(transform @ [0, 0, 1], [42, 32, 1], atol=1)
    assert picture[picture.shape[0] // 2, picture.shape[1] // 2] == 0
    assert picture[2, 2] == 1


def test_by_hand_a_thin_stroke_becomes_thicker() -> None:
    box = np.zeros((100, 41))
    box[:, 20] = 1

    assert stroke_width(box) == 1
    assert (thickened(box, 1.0) > 0.5).any(axis=0).sum() == 11  # 11 hundredths of the length: (11 - 1) / 2 pixels at each side


@pytest.mark.parametrize(
    "stage",
    [
        even_light,
        amount_of_ink,
        find_figures,
        find_sheets,
        lambda x: without_lines(x > 0.5),
        lambda x: thickened(x, stroke_width(x)),
        lambda x: variants(np.rint(255 * x[:28, :28, None]).astype(np.uint8)),
        find_digit,
    ],
    ids=["light", "ink", "figures", "paper", "lines", "image", "variants", "all"],
)
def test_a_stage_does_not_change_its_input(stage: Callable[[Array], object]) -> None:
    picture = np.pad(enlarged(0), 20)
    picture.setflags(write=False)
    before = picture.copy()

    stage(picture)

    np.testing.assert_array_equal(picture, before)


def test_small_changes_leave_a_clear_digit_as_it_is() -> None:
    changed = variants(mnist().test.images[0])

    assert changed.shape == (13, 28, 28, 1)
    np.testing.assert_array_equal(changed[0], mnist().test.images[0])
    assert (network().predict(handmade.data.prepare(changed)) == 7).mean() > 0.9


@pytest.mark.parametrize("letter", ["cross", "house"])
def test_a_drawing_is_far_from_all_digits(letter: str) -> None:
    board = np.zeros((200, 200))
    if letter == "cross":
        board[20:180, 92:108] = board[92:108, 20:180] = 1
    else:
        board[90:180, 40:160] = 1
        board[100:170, 50:150] = 0
        for row in range(20, 90):
            board[row, 100 - (row - 20) : 110 - (row - 20)] = board[row, 90 + (row - 20) : 100 + (row - 20)] = 1

    assert answer(network(), find_digit(0.9 - 0.8 * board)).rejection is not None


LETTERS = {
    "E": [[(90, 40), (90, 240)], [(90, 40), (210, 40)], [(90, 140), (190, 140)], [(90, 240), (210, 240)]],
    "X": [[(60, 40), (220, 240)], [(220, 40), (60, 240)]],
    "a house": [
        [(60, 240), (60, 120), (140, 40), (220, 120), (220, 240), (60, 240)],
        [(120, 240), (120, 180), (160, 180), (160, 240)],
    ],
}


@pytest.mark.parametrize("name", LETTERS)
def test_what_is_no_digit_is_rejected_by_the_verifier_too(name: str) -> None:
    picture = Image.new("L", (280, 280), 230)
    for path in LETTERS[name]:
        ImageDraw.Draw(picture).line(path, fill=30, width=18, joint="curve")
    digit = find_digit(np.asarray(picture))

    assert opinions(digit.image[None])[0].argmax() == NONE
    assert answer(network(), digit).answer is None


def test_the_verifier_knows_digits_of_the_test_data() -> None:
    images, labels = mnist().test.images[:1000], mnist().test.labels[:1000]
    seen = opinions(images)

    assert np.allclose(np.exp(seen).sum(axis=1), 1)
    assert (seen.argmax(axis=1) == labels).mean() > 0.97
    assert (seen.argmax(axis=1) == NONE).mean() < 0.01


def test_the_certainty_follows_from_the_evidence() -> None:
    probabilities = np.full((2, 10), 0.01)
    probabilities[:, 7] = 0.91
    verifier = np.full((2, 11), 0.002)
    verifier[:, 7] = 0.98
    digit = find_digit(enlarged(0))
    seen = digit.measures

    found = evidence(probabilities, verifier, 7, digit)
    odds = [np.log(0.91 / 0.09), np.log(0.98 / 0.02), np.log(0.002 / 0.998)]
    np.testing.assert_allclose(found, [*odds, 0, np.log(seen.thickest / seen.stroke), 4.5, 0, 0])
    assert np.log(seen.contrast / (seen.noise + 0.002)) > 4.5  # no surer
    assert certainty_of(found) == pytest.approx(1 / (1 + np.exp(-(BIAS + np.dot(WEIGHTS, found)))))
    assert certainty_of(evidence(probabilities, verifier, 3, digit)) < 0.1


def test_less_even_strokes_more_noise_and_what_was_left_out_make_a_digit_less_certain() -> None:
    digit = find_digit(enlarged(0))
    verifier = np.full((2, 11), 0.002)
    verifier[:, 7] = 0.98
    worse = [
        replace(digit, measures=replace(digit.measures, thickest=2 * digit.measures.thickest)),
        replace(digit, measures=replace(digit.measures, noise=0.1)),
        replace(digit, found=("shadow",)),
        replace(digit, found=("dirt",)),
    ]

    certainties = [certainty_of(evidence(verifier[:, :10], verifier, 7, each)) for each in (digit, *worse)]

    assert all(certainty < certainties[0] for certainty in certainties[1:])


def test_edges_do_not_depend_on_the_strength_of_the_ink() -> None:
    images = mnist().test.images[:20]

    assert np.allclose(edges(images), edges(images // 2), atol=0.2)
    assert np.allclose(np.square(edges(images)).mean(axis=(1, 2, 3)), 1, atol=1e-4)
    assert np.array_equal(edges(np.zeros((1, 28, 28, 1), np.uint8)), np.zeros((1, 7, 7, 8)))


def test_ink_at_the_edge_is_left_out_of_a_window() -> None:
    amount = np.zeros((40, 40))
    amount[10:20, 10:14] = 1
    amount[30:, 5:9] = 1

    left = inner(amount)
    assert left[10:20, 10:14].all()
    assert left.sum() == 40
