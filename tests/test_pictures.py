"""Pictures: what is drawn is what the numbers say, for every kind of network, on scales that do not mislead."""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.text import Text
from PIL import Image

import handmade
from handmade import Flatten, HandmadeError, Linear, Network, Node, ReLU, pictures
from handmade.engine.arrays import Array
from handmade.engine.evaluation import Evaluation
from handmade.engine.extras import install_command
from handmade.engine.losses import CrossEntropy
from handmade.pictures.curves import smoothed
from handmade.pictures.film import frame_of_film
from handmade.pictures.filters import MOST, MOST_ALONE
from handmade.pictures.numbers import number
from handmade.pictures.scales import image_scale, signed_scale
from handmade.pictures.sensitivity import measure
from handmade.pictures.style import DARK, LIGHT, diverging, drawn, greys, letters_on, sequential, theme

MINUS = "\N{MINUS SIGN}"
CONV = {"layer": "Conv2d", "filters": 3, "kernel": [2, 3]}
LOGITS: list[dict[str, Any]] = [{"layer": "Flatten"}, {"layer": "Linear", "units": 4}]
SHORTCUT = {"layer": "Conv2d", "filters": 3, "kernel": 1}
BLOCK: list[dict[str, Any]] = [
    {"layer": "Conv2d", "filters": 3, "kernel": 3, "padding": 1},
    {"layer": "BatchNorm2d"},
    {"layer": "GELU"},
]
NETWORKS: dict[str, dict[str, Any]] = {
    "usual": {"input": [9, 8, 1], "layers": [CONV, {"layer": "ReLU"}, {"layer": "MaxPool2d", "window": 2}, *LOGITS]},
    "linear alone": {"input": [5, 6, 1], "layers": LOGITS},
    "rows": {"input": [11], "layers": [{"layer": "Linear", "units": 250}, {"layer": "Tanh"}, {"layer": "Linear", "units": 3}]},
    "colours": {"input": [7, 6, 3], "layers": [CONV | {"groups": 3, "padding": 1}, {"layer": "Sigmoid"}, *LOGITS]},
    "wide": {"input": [5, 5, 1], "layers": [CONV | {"filters": 70}, {"layer": "LeakyReLU"}, CONV | {"filters": 18}, *LOGITS]},
    "residual": {
        "input": [6, 7, 1],
        "layers": [{"layer": "Residual", "block": BLOCK, "shortcut": [SHORTCUT]}, {"layer": "GlobalAvgPool2d"}, LOGITS[1]],
    },
    "graph": {
        "input": [6, 7, 1],
        "layers": [
            BLOCK[0] | {"name": "stem"},
            {"layer": "Tanh", "name": "bent"},
            {"layer": "Multiply", "name": "gate", "reads": ["stem", "bent"]},
            {"layer": "Add", "name": "sum", "reads": ["gate", "stem"]},
            {"layer": "Concat", "name": "both", "reads": ["sum", "bent"]},
            LOGITS[0] | {"name": "row"},
            LOGITS[1] | {"name": "head"},
            {"layer": "Linear", "units": 5, "name": "aside", "reads": ["row"]},
        ],
        "logits": "head",
    },
    "deep": {"input": [8, 8, 1], "layers": [*4 * [CONV | {"padding": 1}, {"layer": "ReLU"}], *LOGITS]},
}


def made(name: str) -> tuple[handmade.Network, Array, Array]:
    """A network, images for it with some blank paper, and labels."""
    network = handmade.networks.described(NETWORKS[name], np.random.default_rng(3), np.float64)
    rng = np.random.default_rng(4)
    x = rng.random((5, *network.input_shape))
    x[x < 0.3] = 0
    return network, x, rng.integers(0, network.classes, 5)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def tiles(figure: Figure, scale: str = "diverging") -> list[AxesImage]:
    """The maps on a scale, without the legends."""
    every = [image for axes in figure.axes for image in axes.images if image.get_cmap().name == scale]
    return [image for image in every if values(image).shape != (1, 256)]


def pixels(figure: Figure) -> Array:
    return np.asarray(Image.open(BytesIO(pictures.encode(figure, "png", 100))).convert("RGB"))


def values(image: AxesImage) -> Array:
    array = image.get_array()
    assert array is not None
    return np.ma.filled(array.astype(float), np.nan)


def every_text(figure: Figure) -> Iterator[Text]:
    """Yield the texts that are drawn, those of axes and legends too."""
    yield from figure.texts
    for axes in figure.axes:
        yield from axes.texts
        if axes.axison:
            yield from (axes.title, axes.xaxis.label, axes.yaxis.label)
            for axis in (axes.xaxis, axes.yaxis):
                low, high = sorted(axis.get_view_interval())
                ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
                yield from (label for at, label in ticks if low <= at <= high)
        if legend := axes.get_legend():
            yield from legend.get_texts()


def check_layout(figure: Figure) -> None:
    """Assert that texts stay on the paper and do not overlap, and that numbers have the minus sign of Unicode."""
    figure.draw_without_rendering()
    boxes: list[tuple[float, float, float, float, str]] = []
    for text in every_text(figure):
        if text.get_text():
            box = text.get_window_extent()
            assert box.x0 >= -1, text.get_text()
            assert box.x1 <= figure.bbox.x1 + 1, text.get_text()
            assert box.y0 >= -1, text.get_text()
            assert box.y1 <= figure.bbox.y1 + 1, text.get_text()
            assert not re.search(r"-\d|mathdefault", text.get_text()), text.get_text()
            boxes.append((box.x0 + 1, box.x1 - 1, box.y0 + 2, box.y1 - 2, text.get_text()))
    for n, (x0, x1, y0, y1, name) in enumerate(boxes):
        for u0, u1, v0, v1, other in boxes[:n]:
            assert x0 >= u1 or u0 >= x1 or y0 >= v1 or v0 >= y1, (name, other)


def every_figure(network: handmade.Network, x: Array, y: Array, *, dark: bool) -> dict[str, Figure]:
    name, array = next(iter(network.parameters().items()))
    place = f"{network.display_name(name)}[{','.join(array.ndim * '0')}]"
    return {
        "filters": pictures.filters(network, dark=dark),
        "feature maps": pictures.feature_maps(network, x[0], int(y[0]), dark=dark),
        "difference maps": pictures.difference_maps(network, x[0], f"{place}=-0.5", int(y[0]), dark=dark),
        "mistakes": pictures.mistakes(network, x, y, dark=dark),
        "sensitivity": pictures.sensitivity(network, x[0], int(y[0]), dark=dark),
        "histograms": pictures.histograms(network, x, y, dark=dark),
    }


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in {"usual", "rows", "graph"} else [pytest.mark.long]) for name in NETWORKS]
)
def test_every_picture_can_be_drawn_of_every_network_and_nothing_leaves_the_paper(name: str) -> None:
    for kind, figure in every_figure(*made(name), dark=name == "usual").items():
        assert isinstance(figure, Figure), kind
        check_layout(figure)
        for image in tiles(figure):
            low, high = image.get_clim()
            assert low is not None
            assert low == -high, kind
            assert np.nanmax(np.abs(values(image)), initial=0) <= high * (1 + 1e-6), kind


def test_a_known_filter_has_the_colours_that_its_numbers_stand_for() -> None:
    W = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]])[..., None, None]
    network = handmade.Network([handmade.Conv2d(W, np.zeros(1))], (3, 7, 1))
    for dark in (False, True):
        figure = pictures.filters(network, dark=dark)
        (tile,) = tiles(figure)
        left, right, bottom, top = tile.get_extent()
        seen = pixels(figure)
        colours = [seen[round(50 * (bottom + top)), round(100 * (left + (k + 0.5) * (right - left) / 5))] for k in range(5)]

        stops = [to_rgba(theme(dark=dark).diverging[k]) for k in (0, 2, 4, 6, 8)]
        assert np.abs(np.array(colours) - 255 * np.array(stops)[:, :3]).max() <= 2
        assert tuple(seen[2, 2]) == tuple(round(255 * part) for part in to_rgba(theme(dark=dark).paper)[:3])


def test_a_scale_is_neutral_at_zero_and_as_far_to_both_sides_as_the_largest_number() -> None:
    for colours in (LIGHT, DARK):
        scale = signed_scale(colours, [np.array([0.25, -4.0]), np.array([1.0])])
        assert (scale.low, scale.high) == (-4, 4)
        assert np.allclose(diverging(colours)(0.5), to_rgba(colours.diverging[4]), atol=1e-12)
        assert np.allclose(sequential(colours)(0.0), to_rgba(colours.diverging[4]))
        assert np.allclose(sequential(colours)(1.0), to_rgba(colours.diverging[8]))
    assert signed_scale(LIGHT, [np.zeros(3)]).high > 0
    assert greys()(0.0) == (0, 0, 0, 1)
    assert image_scale([np.array([0.5])]).high == 1


def test_letters_are_black_or_white_whichever_stands_out_more() -> None:
    assert letters_on(to_rgba(LIGHT.diverging[0])) == "#ffffff"
    assert letters_on(to_rgba(LIGHT.diverging[8])) == "#ffffff"
    assert letters_on(to_rgba(LIGHT.diverging[4])) == "#000000"
    assert letters_on((0.5, 0.5, 0.5)) == "#000000"  # 5.3 to 1, and white 4.0 to 1
    assert letters_on((0.4, 0.4, 0.4)) == "#ffffff"  # 5.7 to 1, and black 3.7 to 1


def test_the_legend_says_the_largest_number_of_its_group_with_both_signs() -> None:
    network, x, y = made("usual")
    figure = pictures.feature_maps(network, x[0], int(y[0]))
    for activation in (tape[0] for tape in network.forward(x[:1])[1:4]):
        largest = f"{np.abs(activation).max():.3g}"
        assert {f"+{largest}", f"{MINUS}{largest}"} <= set(texts(figure))


def test_every_map_of_a_layer_is_on_one_scale_and_is_the_activation_itself() -> None:
    network, x, y = made("usual")
    tape = network.forward(x[:1])

    found = tiles(pictures.feature_maps(network, x[0], int(y[0])))

    assert len(found) == 9  # three maps each of conv1, relu1, pool1
    for n, image in enumerate(found):
        y_n = tape[1 + n // 3][0]
        assert np.array_equal(values(image), y_n[..., n % 3])
        assert image.get_clim()[1] == np.abs(y_n).max()


def test_what_is_not_shown_is_said() -> None:
    network, x, y = made("wide")

    drawn_filters = texts(pictures.filters(network))
    maps = texts(pictures.feature_maps(network, x[0], int(y[0])))

    assert any(f"first {MOST_ALONE} of 70 filters" in text for text in drawn_filters)
    assert any(f"first {MOST} of 18 filters across, first {MOST} of 70 channels down" in text for text in drawn_filters)
    activation = np.abs(network.tape(x[:1])["0"][0]).mean(axis=(0, 1))
    title = maps.index("conv1: 32 of 70 maps, most active first, 4 \N{MULTIPLICATION SIGN} 3")
    shown = maps[title + 4 : title + 36]  # behind the legend: both ends and zero
    assert shown == [str(c) for c in np.argsort(-activation, kind="stable")[:32]]
    assert len(tiles(pictures.filters(network))) == MOST_ALONE + MOST * MOST


def test_filters_stand_in_the_column_of_their_number_and_the_row_of_their_channel() -> None:
    network, _, _ = made("wide")
    W = network.parameters()["2.W"]

    found = tiles(pictures.filters(network, "conv2"))

    assert len(found) == MOST * MOST
    for n, image in enumerate(found):
        assert np.array_equal(values(image), W[:, :, n // MOST, n % MOST])
    places = np.array([image.get_extent() for image in found]).reshape(MOST, MOST, 4)
    assert (np.diff(places[:, :, 0], axis=1) > 0).all()
    assert (np.diff(places[:, :, 3], axis=0) > 0).all()


def test_a_linear_layer_behind_a_flatten_is_drawn_as_the_maps_that_it_reads() -> None:
    network, _, _ = made("linear alone")
    W = network.parameters()["1.W"]

    found = tiles(pictures.filters(network))

    assert [values(image).shape for image in found] == 4 * [(5, 6)]
    assert np.array_equal(values(found[2]), W[:, 2].reshape(5, 6))


def test_a_reshape_to_a_row_is_drawn_as_a_flatten_and_one_to_the_logits_as_they_are() -> None:
    network, x, _ = made("linear alone")
    flatten, linear = network.layers
    same = handmade.Network([handmade.Reshape((-1,)), linear], network.input_shape)
    assert [values(image).shape for image in tiles(pictures.filters(same))] == 4 * [(5, 6)]
    assert len(texts(pictures.feature_maps(same, x[0]))) == len(texts(pictures.feature_maps(network, x[0])))
    assert not any(text.startswith("reshape1") for text in texts(pictures.feature_maps(same, x[0])))

    last = handmade.Network([flatten, linear, handmade.Reshape((2, 2)), handmade.ReLU(), handmade.Reshape((4,))], (5, 6, 1))
    shown = texts(pictures.feature_maps(last, x[0]))
    for name in ("reshape1", "relu1", "reshape2"):
        assert any(text.startswith(name) for text in shown), name


def test_filters_inside_a_residual_go_by_their_names_and_a_wrong_name_gets_a_list() -> None:
    network, _, _ = made("residual")

    assert any(text.startswith("residual1.block.conv1, 3") for text in texts(pictures.filters(network)))
    assert len(tiles(pictures.filters(network, "residual1.shortcut.conv1"))) == 3
    with pytest.raises(HandmadeError, match=r"^layer: expected .*, got 'conv7'; .* residual1\.block\.conv1"):
        pictures.filters(network, "conv7")
    with pytest.raises(HandmadeError, match="none; it has no convolution"):
        pictures.filters(handmade.Network([handmade.ReLU()], (4,)))


def test_the_difference_maps_are_the_differences_of_two_passes() -> None:
    network, x, y = made("usual")
    W = network.parameters()["0.W"].copy()
    W[1, 2, 0, 1] -= 0.5
    pair = zip(network.forward(x[:1]), network.replace({"0.W": W}).forward(x[:1]), strict=True)
    changes = [after[0] - before[0] for before, after in pair]

    figure = pictures.difference_maps(network, x[0], "conv1.W[1,2,0,1]=-0.5", int(y[0]))

    found = tiles(figure)
    assert len(found) == 9
    for n, image in enumerate(found):
        assert np.allclose(values(image), changes[1 + n // 3][..., n % 3], rtol=1e-9, atol=1e-14)
    moved = int(np.count_nonzero(np.abs(changes[1]) > 1e-14))
    assert f"conv1: {moved} of {changes[1].size} numbers changed" in texts(figure)
    assert any(text.startswith("loss: ") for text in texts(figure))
    with pytest.raises(HandmadeError, match="nudge: expected a text such as"):
        pictures.difference_maps(network, x[0], "conv1.W[1,2,0,1]")


def test_the_difference_maps_of_a_wide_layer_are_those_that_moved() -> None:
    network, x, _ = made("wide")

    figure = pictures.difference_maps(network, x[0], "conv1.W[0,1,0,65]=1")

    title = next(text for text in texts(figure) if text.startswith("conv1"))
    assert title.endswith("numbers changed; 1 of 70 maps")
    assert "65" in texts(figure)
    assert [values(image).any() for image in tiles(figure)[:2]] == [True, True]  # the map of conv1, and its way out of the ReLU


def test_a_layer_that_a_nudge_does_not_reach_is_a_line_without_maps() -> None:
    network, x, _ = made("usual")

    figure = pictures.difference_maps(network, np.zeros_like(x[0]), "conv1.W[0,0,0,1]=1", 2)

    assert "conv1: 0 of 144 numbers changed" in texts(figure)
    assert tiles(figure) == []


def bold(figure: Figure) -> set[str]:
    """Return the texts in bold letters."""
    return {text.get_text() for axes in figure.axes for text in axes.texts if text.get_fontweight() == "bold"}


def test_in_a_graph_every_node_is_drawn_by_its_name_and_the_label_is_marked_at_the_logits_alone() -> None:
    network, x, _ = made("graph")
    tape = network.tape(x[:1])

    for figure in (pictures.feature_maps(network, x[0], 2), pictures.difference_maps(network, x[0], "stem.b[1]=0.5", 2)):
        titles = [text.partition(":")[0] for text in texts(figure)]
        assert {"stem", "bent", "gate", "sum", "both", "head", "aside"} <= set(titles)
        assert "row" not in titles  # the same numbers as those of `both`
        assert number(float(tape["head"][0, 2])) in bold(figure)
        assert number(float(tape["head"][0, 1])) not in bold(figure)
        assert number(float(tape["aside"][0, 2])) not in bold(figure)


def test_a_name_is_text_and_no_formula() -> None:
    names = ["$x", "$\\frac{$", "a_b^c"]
    nodes = [Node(name, ReLU(), before) for name, before in zip(names, ["input", *names], strict=False)]
    network = Network([*nodes, Flatten(), Linear(np.ones((4, 2)), np.zeros(2))], (2, 2, 1), class_names=["$a$", "$"])
    figure = pictures.feature_maps(network, np.ones((2, 2, 1)), 0)
    figure.canvas.draw()
    assert set(names) <= {text.partition(":")[0] for text in texts(figure)}
    assert not any(text.get_parse_math() for text in figure.findobj(Text) if isinstance(text, Text) and "$" in text.get_text())


def test_logits_are_called_by_the_names_of_the_classes_and_long_names_are_cut() -> None:
    network, x, _ = made("graph")
    names = ["cat", "dog", "a name of more than twenty letters", "bird"]
    named = Network(network.nodes, network.input_shape, logits=network.logits_name, class_names=names)
    for figure in (pictures.feature_maps(named, x[0], 2), pictures.difference_maps(named, x[0], "stem.b[1]=0.5", 2)):
        assert {"cat", "dog", "a name of more than twenty letters"} <= set(texts(figure))
        assert "a name of more than twenty letters" in bold(figure)
    axes = pictures.confusion(Evaluation(0.0, np.eye(4, dtype=np.int64)), names).axes[1]  # after those of the paper
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [label.get_text() for label in labels] == ["cat", "dog", "a name of mor…etters", "bird"]


def test_the_maps_of_a_join_are_those_of_its_output() -> None:
    network, x, _ = made("graph")
    both = network.tape(x[:1])["both"][0]

    found = tiles(pictures.feature_maps(network, x[0]))

    assert len(found) == 4 * 3 + 6
    for c, image in enumerate(found[-6:]):
        assert np.array_equal(values(image), both[..., c])
    heads = tiles(pictures.filters(network, "head"))
    assert np.array_equal(values(heads[0]), network.parameters()["head.W"][:, 0].reshape(6, 7, 6)[..., 0])


def test_the_difference_maps_in_a_graph_are_the_differences_of_two_passes() -> None:
    network, x, y = made("graph")
    b = network.parameters()["stem.b"].copy()
    b[1] += 0.5
    before, after = network.tape(x[:1]), network.replace({"stem.b": b}).tape(x[:1])

    found = tiles(pictures.difference_maps(network, x[0], "stem.b[1]=0.5", int(y[0])))

    nodes = ["stem", "bent", "gate", "sum", "both"]
    expected = [(after[name] - before[name])[0, ..., c] for name in nodes for c in range(before[name].shape[-1])]
    for image, map_ in zip(found[: len(expected)], expected, strict=True):
        assert np.allclose(values(image), map_, rtol=1e-9, atol=1e-14)


def test_the_confusion_matrix_writes_counts_and_colours_mistakes_alone() -> None:
    counts = np.array([[90, 0, 3], [0, 1000, 0], [7, 0, 41]])

    figure = pictures.confusion(Evaluation(0.1, counts))

    assert {"90", "3", "1,000", "7", "41", "96.77 %", "100.00 %", "85.42 %"} <= set(texts(figure))
    assert "0.99" not in texts(figure)
    (matrix,) = [image for axes in figure.axes[1:] for image in axes.images]
    assert np.array_equal(np.isnan(values(matrix)), np.eye(3, dtype=bool))
    assert matrix.get_clim() == (0, 7)
    assert any(f"{1131 / 1141:.2%}".replace("%", " %") in text for text in texts(figure))
    check_layout(figure)
    named = pictures.confusion(Evaluation(0.1, counts, ("cat", "dog", "cow")))
    assert [label.get_text() for label in named.axes[-1].get_yticklabels()] == ["cat", "dog", "cow"]
    many = pictures.confusion(Evaluation(0.1, np.eye(100, dtype=int) + 1))
    assert len(texts(many)) < 30  # no numbers in ten thousand cells
    assert any(text.startswith("Most frequent errors: 10 of 9,900 pairs") for text in texts(many))


def test_the_mistakes_are_ordered_by_how_sure_the_network_was() -> None:
    network, x, _ = made("linear alone")
    p = [[0.6, 0.2, 0.1, 0.1], [0.9, 0.05, 0.03, 0.02], [0.3, 0.4, 0.2, 0.1], [0.25, 0.55, 0.1, 0.1], [0.1, 0.1, 0.1, 0.7]]
    z = np.log(p)

    figure = pictures.mistakes(network, x, np.array([1, 2, 1, 1, 0]), logits=z)

    shown = texts(figure)
    captions = [text for text in shown if text.startswith("test:")]
    arrow = "\N{RIGHTWARDS ARROW}"
    assert captions == [
        f"test:1\n2 {arrow} 0  90.0 %",
        f"test:4\n0 {arrow} 3  70.0 %",
        f"test:0\n1 {arrow} 0  60.0 %",
        "test:2\n1: 40.0 %\n0: 30.0 %",
        "test:3\n1: 55.0 %\n0: 25.0 %",
    ]
    assert shown[0] == "3 of 5 images misclassified"
    assert np.array_equal(values(tiles(figure, "greys")[0]), x[1, :, :, 0])
    none = pictures.mistakes(network, x, z.argmax(axis=-1), logits=z, most=2)
    assert "No incorrect predictions" in texts(none)
    assert sum(text.startswith("test:") for text in texts(none)) == 2
    with pytest.raises(HandmadeError, match="most: expected at least 1 image"):
        pictures.mistakes(network, x, z.argmax(axis=-1), most=0)


@pytest.mark.parametrize("name", ["usual", "rows", "colours", "residual", "graph"])
def test_the_three_ways_to_sensitivity_are_what_they_say(name: str) -> None:
    network, x, y = made(name)
    image, label = x[0], int(y[0])

    def loss(image: Array) -> float:
        return float(CrossEntropy().forward(network.logits(image[None]), np.array([label]))[0])

    found = measure(network, image, label, h=1e-5, patch=3)

    for at in np.ndindex(image.shape):
        nudged = image.copy()
        nudged[at] += 1e-5
        assert found.quotients[at] == pytest.approx((loss(nudged) - loss(image)) / 1e-5, abs=1e-9)
    reach = [(at, tuple(slice(max(0, i - 1), i + 2) for i in at)) for at in np.ndindex(image.shape[:2])]
    for at, around in reach:
        wiped = image.copy()
        wiped[around] = 0
        assert found.occluded[at].item() == pytest.approx(loss(wiped) - loss(image), abs=1e-12)
        assert found.expected[at].item() == pytest.approx(-(found.gradient * image)[around].sum(), abs=1e-12)


def test_gradient_and_quotients_agree_off_the_kinks_and_the_picture_says_how_well() -> None:
    network, x, y = made("colours")  # no kink anywhere
    assert measure(network, x[0], int(y[0]), h=1e-30).disagreement < 1e-12

    found = measure(network, x[0], int(y[0]))
    explanation = " ".join(texts(pictures.sensitivity(network, x[0], int(y[0]))))

    assert 0 < found.disagreement < 1e-2
    assert f"at most {100 * found.disagreement:.1f} %" in explanation
    assert found.correlation is not None
    assert f"correlation is {found.correlation:+.2f}".replace("-", MINUS) in explanation
    with pytest.raises(HandmadeError, match="odd number of pixels"):
        pictures.sensitivity(network, x[0], int(y[0]), patch=4)
    with pytest.raises(HandmadeError, match="label: expected a class"):
        pictures.sensitivity(network, x[0], 9)


def records(losses: list[float], **more: Sequence[float | None]) -> list[dict[str, Any]]:
    return [{"step": n + 1, "loss": L} | {key: value[n] for key, value in more.items()} for n, L in enumerate(losses)]


def test_curves_show_every_value_their_means_and_the_validation() -> None:
    losses = list(np.geomspace(2, 0.1, 60))
    first = pictures.History("one", records(losses, accuracy=[0.5, None] * 30, validation_accuracy=[*59 * [None], 0.9]), 0.925)
    second = pictures.History("two", records(losses[:20], accuracy=20 * [1.0]))

    figure = pictures.curves([first, second])

    loss, accuracy = figure.axes[1:]
    assert np.allclose(loss.lines[0].get_ydata(), losses)
    assert np.array_equal(accuracy.lines[0].get_xdata(), np.arange(1, 60, 2))
    assert any(np.array_equal(line.get_ydata(), [90.0]) and np.array_equal(line.get_xdata(), [60]) for line in accuracy.lines)
    legend = loss.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["one: test accuracy 92.50 %", "two"]
    assert loss.get_yscale() == "log"
    assert loss.lines[1].get_color() != loss.lines[3].get_color()


def test_a_smoothed_value_is_the_mean_of_its_neighbours_and_the_last_one_is_not_alone() -> None:
    values = np.random.default_rng(0).random(41)

    means = smoothed(values)

    assert means[0] == values[0]
    assert means[20] == pytest.approx(values[10:31].mean())
    assert means[3] == pytest.approx(values[:7].mean())
    assert means[-1] == pytest.approx(values[30:].mean())
    assert smoothed(values[:1]) == values[:1]


def test_curves_without_anything_to_draw_are_an_error() -> None:
    with pytest.raises(HandmadeError, match="at least one run"):
        pictures.curves([])
    with pytest.raises(HandmadeError, match="empty: expected a log with at least one step and a finite loss"):
        pictures.curves([pictures.History("empty", [])])
    with pytest.raises(HandmadeError, match="at least one step and a finite loss"):
        pictures.curves([pictures.History("bad", records([float("nan")]))])


def test_histograms_count_every_number_once_and_are_symmetric() -> None:
    network, x, y = made("usual")

    figure = pictures.histograms(network, x, y)

    sizes = [array.size for array in network.parameters().values()]
    counted = [round(sum(bar.get_height() for bar in axes.patches)) for axes in figure.axes[1:]]  # type: ignore[attr-defined]
    assert counted == [size for size in sizes for _ in range(2)]
    for axes in figure.axes[1:]:
        left, right = axes.get_xlim()
        assert left == -right
    with pytest.raises(HandmadeError, match="a network with weights"):
        pictures.histograms(handmade.Network([handmade.ReLU()], (4,)), x, y)


def frames() -> list[pictures.Frame]:
    network, _, _ = made("usual")
    W = network.parameters()["0.W"]
    return [pictures.Frame(10 * n, 2.0 / (n + 1), network.replace({"0.W": (n + 1) * W})) for n in range(4)]


def test_a_film_is_one_gif_on_one_scale() -> None:
    film = Image.open(BytesIO(pictures.film(frames())))

    assert film.format == "GIF"
    assert film.n_frames == 4  # type: ignore[attr-defined]
    seen = []
    for n in range(4):
        film.seek(n)
        seen.append(np.asarray(film.convert("RGB")))
    assert len({image.tobytes() for image in seen}) == 4
    assert film.info["duration"] > 1000  # the last one stays
    assert all(tuple(image[1, 1]) == (255, 255, 255) for image in seen)
    limits = {tiles(frame_of_film(frames(), n))[0].get_clim() for n in range(4)}
    assert limits == {(-m, m) for m in [float(np.abs(frames()[-1].network.parameters()["0.W"]).max())]}
    assert "after step 20: loss 0.667" in texts(frame_of_film(frames(), 2))
    with pytest.raises(HandmadeError, match="at least one Frame"):
        pictures.film([])


def test_the_same_picture_is_the_same_bytes_in_every_format() -> None:
    network, _, _ = made("usual")
    for kind, magic in {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}.items():
        once, again = (pictures.encode(pictures.filters(network), kind) for _ in range(2))
        assert once.startswith(magic)
        assert once == again
    with pytest.raises(HandmadeError, match="kind: expected one of png, svg, pdf; got 'jpg'"):
        pictures.encode(pictures.filters(network), "jpg")


def test_drawing_changes_no_setting_of_matplotlib_and_heeds_none() -> None:
    network, _, _ = made("usual")
    usual = pictures.encode(pictures.filters(network), "png")
    with mpl.rc_context({"text.color": "red", "axes.facecolor": "green", "font.size": 30, "figure.facecolor": "blue"}):
        before = dict(mpl.rcParams)
        assert pictures.encode(pictures.filters(network), "png") == usual
        assert dict(mpl.rcParams) == before


def test_pictures_are_drawn_without_pyplot_and_importing_them_loads_nothing() -> None:
    code = (
        "import sys, numpy, handmade.pictures as p, handmade\n"
        "assert not {'matplotlib', 'PIL'} & set(sys.modules)\n"
        "p.encode(p.filters(handmade.networks.readme(numpy.random.default_rng(0))), 'png')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, capture_output=True)


def test_without_matplotlib_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    hint = re.escape(install_command("plots"))
    network, _, _ = made("usual")
    with pytest.raises(HandmadeError, match=hint):
        pictures.filters(network)
    with pytest.raises(HandmadeError, match=hint):
        pictures.film(frames())


def test_an_error_while_drawing_leaves_matplotlib_as_it_was() -> None:
    before = dict(mpl.rcParams)

    @drawn
    def broken(*, dark: bool = False) -> Figure:
        raise HandmadeError(f"{dark}")

    with pytest.raises(HandmadeError, match="True"):
        broken(dark=True)
    assert dict(mpl.rcParams) == before
