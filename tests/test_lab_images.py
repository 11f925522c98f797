"""Drawings and picture files in the lab: MNIST's preparation, stage by stage, each of which can be switched off."""

from collections.abc import Iterator
from io import BytesIO
from itertools import product

import numpy as np
import pytest
from PIL import Image

import handmade
from handmade.data import find_digit
from handmade.data.picture import Stages, answer
from handmade.data.picture.digit import NAMES
from handmade.data.resize import area_average
from handmade.engine.arrays import Array
from handmade.lab import images
from handmade.lab.catalogue import Catalogue
from lab_client import LabClient, PageClient
from lab_networks import write_runs

STAGES = {f"stage:{name}" for name in NAMES}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabClient]:
    with LabClient(Catalogue(runs=write_runs(tmp_path_factory.mktemp("images") / "runs"))) as client:
        yield client


def one(height: int = 280, width: int = 280, left: int = 60) -> Array:
    """A stroke down and a foot, white on black, left of the middle."""
    board = np.zeros((height, width), np.uint8)
    board[40:200, left : left + 22] = 255
    board[180:200, left - 20 : left + 50] = 255
    return board


def drawn(
    page: PageClient, board: Array, stages: str = "crop,scale,centre", label: str = ""
) -> tuple[dict[str, Array], dict[str, object]]:
    query = f"/drawing?height={board.shape[0]}&width={board.shape[1]}&stages={stages}{label}"
    return page.frame("PUT", query, content=board.tobytes())


def test_a_drawing_goes_the_way_of_find_digit(client: LabClient) -> None:
    page = client.page()

    arrays, meta = drawn(page, one())

    digit = find_digit(one())
    assert np.array_equal(arrays["raw"], digit.image)
    for name in STAGES:
        stage = digit.stages_by_attribute()[name.removeprefix("stage:")]
        assert np.array_equal(arrays[name], stage.astype(np.float32))
    assert meta["label"] is None
    assert isinstance(meta["measures"], dict)
    assert meta["measures"]["pieces"] == 1
    again, told = page.frame("PUT", "/image", {"choice": meta["choice"], "label": 1})
    assert np.array_equal(again["raw"], arrays["raw"])
    assert told["label"] == 1
    assert not STAGES & set(again)
    assert drawn(page, one(), label="&label=4")[1]["label"] == 4


def seven() -> Array:
    """A 7 that every network of digits should read."""
    board = np.zeros((280, 280), np.uint8)
    board[60:80, 80:200] = 255
    for row in range(60, 230):
        board[row, 186 - (row - 60) // 3 : 206 - (row - 60) // 3] = 255
    return board


def stroke() -> Array:
    """A 1 of one stroke."""
    return np.vstack([one()[:180], np.zeros((100, 280), np.uint8)])


@pytest.mark.parametrize(("board", "is_answered"), [(seven(), True), (stroke(), True), (np.tile(seven(), (1, 2)), False)])
def test_the_page_answers_where_predict_answers(client: LabClient, board: Array, *, is_answered: bool) -> None:
    page = client.page()
    network = client.lab.catalogue.open().network
    expected = answer(network, find_digit(board))

    _, meta = drawn(page, board)

    assert (expected.answer is not None) == is_answered
    assert meta["rejection"] == expected.rejection
    assert meta["certainty"] == pytest.approx(expected.certainty)
    _, again = page.frame("PUT", "/image", {"choice": meta["choice"]})  # of the same pixels
    kept = handmade.data.find_digit(expected.digit.image[..., 0])
    assert again["rejection"] == answer(network, kept).rejection


def test_images_of_the_data_are_not_decided(client: LabClient) -> None:
    _, meta = client.page().frame("PUT", "/image", {"choice": {"split": "test", "index": 8}})

    assert (meta["rejection"], meta["certainty"], meta["measures"]) == (None, None, {})


def test_numbers_that_are_not_finite_are_no_answer() -> None:
    """A training that has diverged still shows its image."""
    network = handmade.Network([handmade.Flatten(), handmade.Linear(np.full((900, 10), np.nan), np.zeros(10))])
    image = images.picture(network, png(255 - seven()), Stages())

    assert image.digit is not None
    assert images.decided(network, image) is None


def png(grey: Array) -> bytes:
    """Return the bytes of a grey picture."""
    file = BytesIO()
    Image.fromarray(grey).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("on", list(product([True, False], repeat=3)))
def test_every_stage_can_be_switched_off(client: LabClient, on: tuple[bool, bool, bool]) -> None:
    names = [name for name, wanted in zip(("crop", "scale", "centre"), on, strict=True) if wanted]

    arrays, _ = drawn(client.page(), one(), ",".join(names))

    crop, scale, centre = on
    image, box, fitted = arrays["raw"][..., 0].astype(float), arrays["stage:box"], arrays["stage:fitted"]
    assert (box.shape == arrays["stage:ink"].shape) != crop
    assert (max(fitted.shape) == 20) == (scale or (crop and round(160 / 10) == 20))
    mass, where = image.sum(), np.arange(28)
    middle = [float(image.sum(axis=1 - axis) @ where / mass) for axis in (0, 1)]
    if centre and crop:
        room = [28 - side for side in fitted.shape]
        assert all(abs(each - 14) < 1 or not spare for each, spare in zip(middle, room, strict=True))
    if not any(on):
        assert np.abs(image - 255 * area_average(one() / 255, (28, 28))).max() <= 80  # find_ink sharpens edges


def test_without_stages_in_the_arguments_nothing_has_changed() -> None:
    board = one(90, 300)

    assert np.array_equal(find_digit(board).image, find_digit(board, Stages()).image)
    assert np.array_equal(handmade.data.find_digit(board).fitted, find_digit(board, Stages(crop=True)).fitted)


def test_a_stage_that_is_none_is_refused(client: LabClient) -> None:
    status, error = client.page().refused("PUT", "/drawing?height=1&width=1&stages=crop,blur", content=b"\0")

    assert status == 400
    assert error.startswith("stages: expected some of crop,scale,centre")


def test_an_empty_board_is_no_digit(client: LabClient) -> None:
    arrays, meta = drawn(client.page(), np.zeros((280, 280), np.uint8))

    assert not arrays["raw"].any()
    assert isinstance(meta["rejection"], str)
    for height, width in ((1, 1), (1, 300), (2000, 3)):
        drawn(client.page(), np.zeros((height, width), np.uint8), "")


def test_a_digit_has_the_size_that_the_network_reads(client: LabClient) -> None:
    arrays, meta = drawn(client.page("run:tokens"), one())

    digit = find_digit(one(), shape=(6, 8))
    assert meta["rejection"] is None
    assert arrays["stage:fitted"].shape == digit.fitted.shape == (4, 2)  # 20/28 of the shorter side
    assert arrays["raw"].shape == (6, 8, 1)
    np.testing.assert_array_equal(arrays["raw"], digit.image)
    large = find_digit(one(), shape=(64, 64)).image
    rows = np.flatnonzero(large.any(axis=(1, 2)))
    assert large.shape == (64, 64, 1)
    assert np.ptp(rows) + 1 == round(64 * 20 / 28)


def test_a_picture_of_other_classes_is_no_digit(client: LabClient) -> None:
    picture = np.zeros((16, 20), np.uint8)
    picture[:, 10:] = 200

    arrays, meta = drawn(client.page("run:graph"), picture)

    assert meta["rejection"] is None
    assert arrays["raw"].shape == (8, 10, 2)  # of a network with the classes a, b and c
    expected = np.zeros((8, 10))
    expected[:, 5:] = 200
    assert all(np.array_equal(arrays["raw"][..., c], expected) for c in range(2))


def colours() -> Array:
    """A picture of 16 x 32 pixels: red, and right of it blue, with a green corner."""
    picture = np.zeros((16, 32, 3), np.uint8)
    picture[:, :16, 0], picture[:, 16:, 2] = 200, 100
    picture[:4, :4] = 0, 250, 0
    return picture


def sent(client: LabClient, picture: Array, stages: str, mode: str = "RGB") -> dict[str, Array]:
    file = BytesIO()
    Image.fromarray(picture, mode).save(file, "PNG")
    return client.page("run:colours").frame("PUT", f"/file?stages={stages}", content=file.getvalue())[0]


def test_a_network_of_colours_gets_the_colours(client: LabClient) -> None:
    whole, cut = colours(), colours()[:, 8:24]

    arrays = sent(client, whole, "crop,scale,centre")

    expected = cut.reshape(8, 2, 8, 2, 3).mean(axis=(1, 3))
    np.testing.assert_array_equal(arrays["raw"], expected)
    np.testing.assert_allclose(arrays["stage:picture"], whole / 255, atol=1e-7)
    np.testing.assert_allclose(arrays["stage:box"], cut / 255, atol=1e-7)
    np.testing.assert_allclose(arrays["stage:fitted"], expected / 255, atol=1e-7)
    scaled = expected * (0.01, 0.02, 0.03) + 0.1  # the network's own preparation
    np.testing.assert_allclose(arrays["input"], np.pad(scaled, ((1, 1), (1, 1), (0, 0))), rtol=1e-6)


def test_each_stage_of_a_colour_picture_can_be_switched_off(client: LabClient) -> None:
    whole = colours()
    corner = sent(client, whole, "crop,scale")["raw"]
    np.testing.assert_array_equal(corner, whole[:, :16].reshape(8, 2, 8, 2, 3).mean(axis=(1, 3)))
    uncut = sent(client, whole, "scale,centre")["raw"]
    np.testing.assert_array_equal(uncut[2:6], whole.reshape(4, 4, 8, 4, 3).mean(axis=(1, 3)))
    assert not uncut[:2].any()
    assert not uncut[6:].any()
    np.testing.assert_array_equal(sent(client, whole, "centre")["raw"], whole[4:12, 12:20])
    np.testing.assert_array_equal(sent(client, whole, "")["raw"], whole[:8, :8])
    np.testing.assert_array_equal(sent(client, whole[:4, :4], "centre")["raw"][2:6, 2:6], whole[:4, :4])


def test_transparent_pixels_and_grey_pictures_become_colours(client: LabClient) -> None:
    ink = np.zeros((8, 8, 4), np.uint8)
    ink[2:4, :, 3] = 255  # black ink, so the paper is white
    raw = sent(client, ink, "crop,scale,centre", "RGBA")["raw"]
    assert not raw[2:4].any()
    assert (raw[:2] == 255).all()
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    np.testing.assert_array_equal(sent(client, grey, "crop,scale,centre", "L")["raw"], np.repeat(grey[..., None], 3, axis=2))


def test_a_drawing_in_colour(client: LabClient) -> None:
    page, picture = client.page("run:colours"), colours()[:, :16]
    for content, expected in ((picture, picture), (picture[..., :1], np.repeat(picture[..., :1], 3, axis=2))):
        arrays, _ = page.frame("PUT", "/drawing?height=16&width=16", content=content.tobytes())
        np.testing.assert_array_equal(arrays["raw"], expected.reshape(8, 2, 8, 2, 3).mean(axis=(1, 3)))
    assert client.page().refused("PUT", "/drawing?height=16&width=16", content=picture.tobytes())[0] == 400


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_file_is_read(client: LabClient, kind: str) -> None:
    file = BytesIO()
    Image.fromarray(255 - one()).save(file, kind)

    arrays, meta = client.page().frame("PUT", "/file?stages=crop,scale,centre", content=file.getvalue())

    assert meta["measures"]
    assert np.abs(arrays["raw"].astype(int) - find_digit(one()).image).mean() < 8
    assert set(arrays) >= STAGES


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(100), b"<svg/>", bytes(10**6)])
def test_a_file_that_is_no_picture_is_told_in_one_line(client: LabClient, content: bytes) -> None:
    status, error = client.page().refused("PUT", "/file", content=content)

    assert status == 400
    assert error.startswith("file: ")


def test_bytes_that_do_not_fit_the_size_are_refused(client: LabClient) -> None:
    page = client.page()
    for content, size in ((b"", "height=2&width=2"), (bytes(5), "height=2&width=2"), (bytes(4), "height=2049&width=1")):
        status, _ = page.refused("PUT", f"/drawing?{size}", content=content)
        assert status in {400, 422}
    assert client.page("run:vector").refused("PUT", "/drawing?height=2&width=2", content=bytes(4))[0] == 400
