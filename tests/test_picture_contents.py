"""Pictures of any data set: colours, class names of any length and script, many classes, other sizes and channels."""

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import handmade
from handmade import HandmadeError, pictures
from handmade.engine.arrays import Array
from handmade.engine.check.networks.steps import METHODS, STEPS, Curve, StepErrors
from handmade.engine.evaluation import Evaluation, evaluate
from handmade.engine.preparation import Preparation
from handmade.pictures import fonts
from handmade.pictures.fonts import fitted, labels_of, readable, width_of
from handmade.pictures.image_pixels import image_pixels
from handmade.pictures.numbers import counted, number, percent, plain, power_of_ten, short
from handmade.pictures.sensitivity import measure
from test_pictures import check_layout, every_figure, texts, values

MINUS = "\N{MINUS SIGN}"
BREEDS = ["golden retriever", "German short-haired pointer", "cat", "electric guitar", "кошка"]


def classifier(shape: tuple[int, ...], classes: int, names: list[str] | None = None) -> handmade.Network:
    layers: list[dict[str, Any]] = [{"layer": "Flatten"}] * (len(shape) > 1) + [{"layer": "Linear", "units": classes}]
    description = {"input": list(shape), "layers": layers} | ({"classes": names} if names else {})
    return handmade.networks.described(description, np.random.default_rng(3), np.float64)


def in_colour(figure: Figure) -> list[Array]:
    """Return the images of a figure that are drawn in colour."""
    return [values(image) for axes in figure.axes for image in axes.images if values(image).ndim == 3]


def red_and_blue(scale: float = 1.0) -> Array:
    x = np.zeros((8, 8, 3))
    x[:, :4, 0], x[:, 4:, 2] = scale, scale
    return x


def test_an_image_in_colour_is_drawn_in_colour_in_every_picture() -> None:
    network, x = classifier((8, 8, 3), 3, ["cat", "dog", "a bird with a long name"]), red_and_blue()

    figures = every_figure(network, x[None], np.array([2]), dark=False)

    for kind in ("feature maps", "difference maps", "mistakes", "sensitivity"):
        assert any(np.array_equal(image, x) for image in in_colour(figures[kind])), kind
        check_layout(figures[kind])
        if kind != "mistakes":
            assert any("(class a bird with a long name)" in text for text in texts(figures[kind])), kind


@pytest.mark.parametrize(
    ("x", "preparation"),
    [
        (red_and_blue(255), None),
        (red_and_blue(), Preparation(scale=1.0)),
        ((red_and_blue() - [0.5, 0.4, 0.3]) / [0.2, 0.25, 0.3], Preparation((1 / 51, 1 / 63.75, 1 / 76.5), (-2.5, -1.6, -1.0))),
        (red_and_blue() - 0.5, Preparation(scale=0.0)),
    ],
)
def test_the_colours_are_those_of_the_raw_pixels(x: Array, preparation: Preparation | None) -> None:
    (drawn,) = image_pixels(x[None], preparation).maps

    assert np.allclose(drawn, red_and_blue(), atol=1e-6)


def test_one_channel_is_grey_and_of_other_counts_the_mean_is_drawn_and_named() -> None:
    x = np.random.default_rng(0).random((2, 4, 4, 5))

    pixels = image_pixels(x)

    assert np.allclose(pixels.maps, x.mean(axis=-1))
    assert pixels.note == "mean of 5 channels"
    assert image_pixels(x[..., :1]).note == ""
    assert image_pixels(x[..., :1]).scale is not None
    figure = pictures.mistakes(classifier((4, 4, 5), 2), x, np.array([0, 1]))
    assert any("Images: mean of 5 channels." in text for text in texts(figure))


def test_of_a_hundred_classes_the_ten_largest_logits_are_drawn_and_the_true_class() -> None:
    names = [f"{BREEDS[k % 5]} {k}" for k in range(100)]
    network = classifier((4, 4, 1), 100, names)
    x = np.random.default_rng(0).random((6, 4, 4, 1))
    order = np.argsort(-network.logits(x[:1])[0])

    for width in (8.0, 4.0):
        figure = pictures.feature_maps(network, x[0], int(order[50]), width=width)
        check_layout(figure)
        shown = texts(figure)
        assert "(10 of 100 classes, largest first; then the true class)" in " ".join(shown)
        bars = [text for text in shown if text.rpartition(" ")[2].isdigit()][-11:]
        assert [int(bar.rpartition(" ")[2]) for bar in bars] == [*order[:10], order[50]]
        found = evaluate(network, x, np.arange(6))
        check_layout(pictures.confusion(found, network.class_names, width=width))
        check_layout(pictures.mistakes(network, x, np.arange(6), width=width))
    nudged = texts(pictures.difference_maps(network, x[0], "linear1.b[70]=1", 70))
    assert any("1 of 100 numbers changed" in text and "(10 of 100 classes, largest first)" in text for text in nudged)


def test_names_in_another_script_are_drawn_or_replaced_by_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    for cached in (readable, width_of):
        cached.cache_clear()
    monkeypatch.setattr(fonts, "fallback_fonts", lambda: ())

    labels = labels_of(["кошка", "猫", "قطة", "chat"], 4)

    mark = "\N{LEFT-TO-RIGHT MARK}"
    assert labels == ["кошка", "1", f"{mark}قطة{mark}", "chat"]
    assert readable("a猫b") == "a\N{WHITE SQUARE}b"
    check_layout(pictures.confusion(Evaluation(0.0, np.eye(4, dtype=np.int64)), ["кошка", "猫", "قطة", "chat"]))
    for cached in (readable, width_of):
        cached.cache_clear()


def test_a_long_name_is_cut_in_the_middle() -> None:
    name = "German short-haired pointer 17"

    cut = fitted(name, 1.0, 8)

    assert width_of(cut, 8) <= 1.0 < width_of(name, 8)
    assert cut.startswith("German")
    assert cut.endswith("17")
    assert fitted("cat", 1.0, 8) == "cat"


def test_numbers_have_three_digits_and_one_minus_sign() -> None:
    assert [number(value) for value in (0.104, 0.1, -12.0, 123.4, -2.5e-7, 0, 1234)] == [
        "+0.104",
        "+0.100",
        f"{MINUS}12.0",
        "+123",
        f"{MINUS}2.50e{MINUS}07",
        "0",
        "+1,234",
    ]
    assert [plain(9.1557e-5), short(1e-7), short(0.1), short(13), short(8000)] == [
        f"9.16e{MINUS}05",
        f"1e{MINUS}07",
        "0.1",
        "13",
        "8,000",
    ]
    assert [percent(0.98512), power_of_ten(-12), counted(1, "class"), counted(2, "class")] == [
        "98.51 %",
        "10⁻¹²",
        "1 class",
        "2 classes",
    ]


def test_of_a_large_image_the_pixels_of_a_grid_are_nudged_and_occluded() -> None:
    network = classifier((70, 90, 1), 2)
    image = np.random.default_rng(0).random((70, 90, 1))

    found = measure(network, image, 1, h=1e-9)

    assert found.grid == 2
    assert found.gradient.shape == (70, 90, 1)
    assert found.quotients.shape == found.occluded.shape == (35, 45, 1)
    assert np.allclose(found.quotients, found.gradient[1::2, 1::2], rtol=1e-6)
    assert found.disagreement < 1e-6
    around = (slice(0, 3), slice(2, 5))
    assert found.expected[0, 1, 0] == pytest.approx(-(found.gradient * image)[around].sum())


def test_the_lines_of_error_against_h_are_labelled_in_words() -> None:
    h, curves = np.array(STEPS), []
    for method, dtype, scheme in METHODS:
        eps = 1e-16 if dtype == "float64" else 1e-7
        errors = h ** (1 if scheme == "forward" else 2) + (eps / h if method == "textbook" else eps)
        median = tuple(np.minimum(errors, 1.0).tolist())
        curves.append(Curve(method, dtype, scheme, median, median))

    figure = pictures.error_against_h(StepErrors(STEPS, tuple(curves), {"conv1.W": 5}, {}))

    check_layout(figure)
    labels = " ".join(texts(figure))
    for expected in ("exact difference, float32", "exact difference, float64", "textbook, float64", "one-sided", "central"):
        assert expected in labels
    assert f"best h: 1e{MINUS}08 one-sided" in labels
    assert next(label.get_text() for label in figure.axes[0].get_yticklabels()) == "10⁻¹⁶"


def test_a_width_that_is_too_small_and_a_label_that_is_no_class_are_refused() -> None:
    network = classifier((4, 4, 1), 3)
    with pytest.raises(HandmadeError, match="width: expected at least 3 inches; got 1"):
        pictures.filters(network, width=1)
    with pytest.raises(HandmadeError, match="0 to 2"):
        pictures.feature_maps(network, np.zeros((4, 4, 1)), 3)
