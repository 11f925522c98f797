"""Pictures of anything as images of a network, and colours in the terminal and in drawings of filters."""

from io import StringIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from rich.cells import cell_len
from rich.console import Console

import handmade
from handmade import Network, pictures
from handmade.cli import terminal_pictures
from handmade.data.fitting_pictures import edge_is_light, fit_in_words, image_of, reads_digits
from handmade.data.prepared import raw_shape
from handmade.data.sources.options import LUMINANCE
from handmade.engine.layers import Conv2d, Flatten, Linear, ReLU
from handmade.engine.preparation import Preparation
from handmade.networks import PRESETS, described, for_images
from handmade.runs import inputs
from handmade.runs.data_source import DataSource
from handmade.text.class_names import classes_in_words, short

ROWS, COLUMNS = 12, 20


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(256, size=(ROWS, COLUMNS, 3), dtype=np.uint8)


def mean_of_blocks(picture: NDArray[np.uint8], rows: int, columns: int) -> Any:
    """The mean of each block of rows x columns pixels."""
    height, width, channels = picture.shape
    blocks = picture.reshape(height // rows, rows, width // columns, columns, channels)
    return np.rint(blocks.mean(axis=(1, 3)))


def test_the_middle_is_cropped(picture: NDArray[np.uint8]) -> None:
    image = image_of(picture, (6, 6, 3), "crop")

    np.testing.assert_array_equal(image, mean_of_blocks(picture[:, 4:16], 2, 2))
    np.testing.assert_array_equal(image_of(picture.swapaxes(0, 1), (6, 6, 3)), mean_of_blocks(picture.swapaxes(0, 1)[4:16], 2, 2))
    assert fit_in_words(picture.shape, (6, 6, 3), "crop") == "cropped to 12 x 12, then resized to 6 x 6"


def test_the_edge_is_continued_by_its_median() -> None:
    picture = np.full((10, 20, 1), 90, np.uint8)
    picture[3:7, 5:15] = 10

    image = image_of(picture, (10, 10, 1), "pad")

    expected = np.full((20, 20, 1), 90, np.uint8)
    expected[5:15] = picture
    np.testing.assert_array_equal(image, mean_of_blocks(expected, 2, 2))
    assert fit_in_words(picture.shape, (10, 10, 1), "pad") == "padded to 20 x 20, then resized to 10 x 10"


def test_a_stretched_picture_is_the_image_of_a_data_set(picture: NDArray[np.uint8], tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for n in range(5):
            Image.fromarray(picture).save(tmp_path / "data" / name / f"{n}.png")
    data = handmade.data.load(tmp_path / "data", resize="4x10")

    np.testing.assert_array_equal(image_of(picture, (4, 10, 3), "stretch"), data.train.images[0])
    assert fit_in_words(picture.shape, (4, 10, 3), "stretch") == "resized to 10 x 4"
    assert inputs.fit_of(DataSource("data", resize="4x10")) == "stretch"
    assert inputs.fit_of(DataSource("data")) == "crop"
    network = described(for_images(PRESETS["readme"], (4, 10, 3), 2, ("a", "b")), 0)
    read = inputs.picture_for(network, str(tmp_path / "data" / "a" / "0.png"), "stretch")
    np.testing.assert_array_equal(read, data.train.images[0])


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_a_picture_of_the_right_size_stays(picture: NDArray[np.uint8], fit: Any) -> None:
    np.testing.assert_array_equal(image_of(picture, picture.shape, fit), picture)
    grey = image_of(picture, (ROWS, COLUMNS, 1), fit)
    np.testing.assert_array_equal(grey[..., 0], np.rint(picture @ LUMINANCE))
    np.testing.assert_array_equal(image_of(grey, (ROWS, COLUMNS, 3), fit), np.repeat(grey, 3, axis=2))
    assert fit_in_words(picture.shape, (ROWS, COLUMNS, 1), fit) == "the size of the network's images, in grey"


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (7, 5)])
def test_every_size_becomes_the_size_of_the_network(size: tuple[int, int], fit: Any) -> None:
    image = image_of(np.full((*size, 3), 77, np.uint8), (9, 8, 3), fit)

    assert image.shape == (9, 8, 3)
    assert image.dtype == np.uint8
    assert (image == 77).all()


def test_channels_that_are_no_colours_are_refused(picture: NDArray[np.uint8]) -> None:
    with pytest.raises(handmade.HandmadeError, match="expected a network that reads 1 or 3 channels; this one reads 4"):
        image_of(picture, (6, 6, 4))


def test_a_light_edge_is_noticed() -> None:
    dark = np.zeros((8, 8, 1), np.uint8)
    dark[2:6, 2:6] = 255

    assert not edge_is_light(dark)
    assert edge_is_light(255 - dark)


def a_network(shape: tuple[int, ...], classes: int, **about: Any) -> Network:
    return Network([Flatten(), Linear.init(np.random.default_rng(0), int(np.prod(shape)), classes)], shape, **about)


@pytest.mark.parametrize(
    ("network", "raw", "digits"),
    [
        (a_network((30, 30, 1), 10), (28, 28, 1), True),
        (a_network((10, 10, 1), 10), (8, 8, 1), True),
        (a_network((28, 28, 1), 10, preparation=Preparation()), (28, 28, 1), True),
        (a_network((30, 30, 1), 10, class_names=list("0123456789")), (28, 28, 1), True),
        (a_network((30, 30, 1), 10, class_names=list("abcdefghij")), (28, 28, 1), False),
        (a_network((30, 30, 1), 3), (28, 28, 1), False),
        (a_network((30, 30, 1), 1), (28, 28, 1), False),  # one output, which is no class
        (Network([ReLU()], (30, 30, 1)), (28, 28, 1), False),
        (a_network((30, 30, 3), 10), (28, 28, 3), False),
        (a_network((2, 2, 1), 10), None, False),
        (a_network((5,), 10), None, False),
    ],
)
def test_only_ten_digits_in_grey_are_digits(network: Network, raw: Any, digits: bool) -> None:  # noqa: FBT001  of a table
    assert raw_shape(network) == raw
    assert reads_digits(network) is digits


@pytest.mark.parametrize(
    ("name", "most", "expected"),
    [
        ("cat", 32, "cat"),
        ("x" * 33, 32, "x" * 21 + "…" + "x" * 10),
        ("三角形" * 5, 12, "三角形…角形"),
    ],
)
def test_long_names_lose_their_middle(name: str, most: int, expected: str) -> None:
    assert short(name, most) == expected
    assert cell_len(short(name, most)) <= most


def test_classes_in_words_are_those_of_the_place() -> None:
    network = a_network((4, 4, 1), 3, class_names=["cat", "dog", "an owl"])

    assert classes_in_words(network, "test:7", 2, "d loss / d logits[1]") == (
        "test:7 is of class 2 (an owl); logits[1] belongs to class 1 (dog)."
    )
    assert classes_in_words(network, "x.png", None, "conv1[1,2,3]") == ""
    assert classes_in_words(network, "x.png", None, "logits[9]") == ""
    assert classes_in_words(a_network((4, 4, 1), 3), "test:7", 2, "logits[1]") == ""


def console(colours: Literal["truecolor", "256"] | None) -> Console:
    return Console(file=StringIO(), force_terminal=colours is not None, color_system=colours, width=80, legacy_windows=False)


def test_colours_are_shown_where_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Console, "encoding", "utf-8")
    monkeypatch.delenv("NO_COLOR", raising=False)
    pixels = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 8, 7]]], np.uint8)

    coloured = terminal_pictures.image(pixels, "x", console("truecolor")).lines
    plain = terminal_pictures.image(np.full((2, 2, 3), 255, np.uint8), "x", console(None)).lines

    assert [str(span.style) for line in coloured for span in line.spans] == [
        "rgb(255,0,0) on rgb(0,0,255)",
        "rgb(0,255,0) on rgb(9,8,7)",
    ]
    assert [line.plain for line in plain] == ["@@"]
    grey = np.full((4, 3, 1), 100, np.uint8)
    assert (
        terminal_pictures.image(grey, "x", console("256")).lines
        == terminal_pictures.grey(grey[..., 0] / 255, "x", console("256")).lines
    )
    large = terminal_pictures.image(np.full((100, 50, 3), 40, np.uint8), "x", console("truecolor"))
    assert (len(large.lines), large.width) == (14, 14)


def titles(figure: Any) -> str:
    return "\n".join(text.get_text() for axes in figure.axes for text in axes.texts)


def test_filters_of_colours_are_drawn_in_colour() -> None:
    rng = np.random.default_rng(0)
    layers = [Conv2d.init(rng, 3, 4, 3), Conv2d.init(rng, 4, 3, 1), Conv2d.init(rng, 3, 2, 1), Flatten(), Linear.init(rng, 32, 2)]
    figure = pictures.filters(Network(layers, (6, 6, 3)))

    assert titles(figure).count("in colour: its channels are red, green and blue. Grey is zero.") == 1
    coloured = [pixels for axes in figure.axes for image in axes.images if (pixels := np.asarray(image.get_array())).ndim == 3]
    W = layers[0].parameters()["W"]
    assert len(coloured) == 4
    for o, image in enumerate(coloured):
        np.testing.assert_allclose(image, 0.5 + W[..., o] / (2 * abs(W).max()), atol=1e-6)
    grey = Network([Conv2d.init(rng, 1, 4, 3), Flatten(), Linear.init(rng, 64, 2)], (6, 6, 1))
    assert "in colour" not in titles(pictures.filters(grey))
