"""The three laws, each once for every row of the table of cases: reference, difference, transpose; and manners."""

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import laws
from cases import CASES, CURVES, INPUTS, Case, Draw, generic, kinked
from handmade.engine.arrays import Array
from handmade.engine.description import build, describe, restore
from handmade.engine.errors import HandmadeError
from handmade.engine.layers import KINDS, Conv2d, GlobalAvgPool2d, GlobalMaxPool2d, LeakyReLU, MaxPool2d, ReLU
from handmade.engine.losses import CrossEntropy
from handmade.engine.network import Network
from laws import ALL_SIZES, FAR_BELOW_ROUNDING, SIZES
from strategies import convolutions, convolutions_apart, convolutions_sided, layers, linears, maxima_sided, pools, seeds


def rows(kind: type = object) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "case", [pytest.param(case, id=name) for name, case in CASES.items() if isinstance(case.layer, kind)]
    )


every_row = rows()
every_row_with_nudges = pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in CASES.items() if laws.has_nudges(case.layer)]
)
every_draw = pytest.mark.parametrize("draw", INPUTS.values(), ids=INPUTS)
at_random = settings(max_examples=50, derandomize=True, database=None)


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@every_row
@every_draw
def test_forward_equals_the_loops(case: Case, draw: Draw) -> None:
    laws.check_reference(case, draw(rng(), case.shape))


@every_row
@every_draw
@pytest.mark.parametrize("size", SIZES)
def test_delta_is_what_subtracting_two_outputs_gives(case: Case, draw: Draw, size: float) -> None:
    r = rng()
    laws.check_subtraction(case, draw(r, case.shape), size * draw(r, case.shape))


@every_row
@every_draw
@pytest.mark.parametrize("size", ALL_SIZES)
def test_delta_is_exact_however_small_the_step(case: Case, draw: Draw, size: float) -> None:
    r = rng()
    laws.check_difference(case, draw(r, case.shape), size * draw(r, case.shape))


@every_row
@every_draw
@pytest.mark.parametrize("size", [1e-30, 1e-3, 30.0])
def test_delta_is_as_exact_in_float32_as_its_digits_allow(case: Case, draw: Draw, size: float) -> None:
    r = rng()
    x, dx = draw(r, case.shape), size * draw(r, case.shape)
    laws.check_difference(case.single(), x.astype(np.float32), dx.astype(np.float32))


@every_row_with_nudges
@pytest.mark.parametrize("h", [1e-30, 0.5, -0.5])
def test_a_nudge_is_the_layer_with_that_one_weight_moved(case: Case, h: float) -> None:
    laws.check_nudges(case, generic(rng(), case.shape), h)


@every_row
@every_draw
def test_one_channel_moves_as_it_does_when_the_difference_is_written_densely(case: Case, draw: Draw) -> None:
    r = rng()
    laws.check_channel(case, draw(r, case.shape), r)


@every_row
def test_backward_is_the_transpose_of_delta(case: Case) -> None:
    r = rng()
    laws.check_transpose(case, generic(r, case.shape), r)


@every_row
@every_draw
def test_inputs_are_left_alone_in_any_layout_and_dtype(case: Case, draw: Draw) -> None:
    r = rng()
    laws.check_manners(case, draw(r, case.shape), r)


@every_row
@every_draw
def test_images_depend_on_one_another_only_where_the_layer_says_so(case: Case, draw: Draw) -> None:
    r = rng()
    laws.check_images(case, draw(r, case.shape), r)


@rows(ReLU)
def test_the_gradient_of_relu_is_zero_on_the_kink(case: Case) -> None:
    r = rng()
    laws.check_kink_of_relu(case, kinked(r, case.shape), r)


@rows(LeakyReLU)
def test_the_gradient_of_leaky_relu_is_its_slope_on_the_kink(case: Case) -> None:
    r = rng()
    laws.check_kink_of_leaky(case, kinked(r, case.shape), r)


every_curve = pytest.mark.parametrize("case", CURVES.values(), ids=CURVES)


@every_curve
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_no_digit_is_lost_where_a_curve_is_nearly_flat(case: Case, dtype: type) -> None:
    laws.check_tails(case, dtype)


@rows(MaxPool2d)
@every_draw
def test_the_first_winner_of_a_window_takes_the_whole_gradient(case: Case, draw: Draw) -> None:
    r = rng()
    laws.check_ties_of_pool(case, draw(r, case.shape), r)


@pytest.mark.parametrize("seed", range(3))
def test_the_first_maximum_of_a_channel_takes_the_whole_gradient(seed: int) -> None:
    r = np.random.default_rng(seed)
    x, gy = kinked(r, (2, 3, 4, 5)), generic(r, (2, 5))
    gx, gradients = GlobalMaxPool2d().backward(x, gy)
    assert gradients == {}
    for n, c in np.ndindex(gy.shape):
        pixels, g = x[n, :, :, c].ravel().tolist(), gx[n, :, :, c].ravel()
        first = pixels.index(max(pixels))
        assert g[first] == gy[n, c]
        assert np.count_nonzero(g) == 1


@at_random
@given(layers, seeds)
def test_any_layer_obeys_every_law(case: Case, seed: int) -> None:
    r = np.random.default_rng(seed)
    for draw in INPUTS.values():
        x = draw(r, case.shape)
        for name in ("reference", "subtraction", "difference", "channel", "manners"):
            laws.LAWS[name](case, x, r)
    laws.check_transpose(case, generic(r, case.shape), r)


@at_random
@given(convolutions() | convolutions_apart() | convolutions_sided() | linears(), seeds)
def test_the_nudges_of_any_layer_are_its_weights_moved_one_by_one(case: Case, seed: int) -> None:
    laws.check_nudges(case, generic(np.random.default_rng(seed), case.shape))


@at_random
@given(pools() | maxima_sided(), seeds)
def test_ties_go_to_the_first_winner_in_any_pool(case: Case, seed: int) -> None:
    r = np.random.default_rng(seed)
    laws.check_ties_of_pool(case, kinked(r, case.shape), r)


# --- settings -----------------------------------------------------------------------------------------------------------------

EVERY_KIND: list[dict[str, Any]] = [
    {"layer": "Conv2d", "filters": 6, "kernel": 2, "dilation": [2, 3], "groups": 2},
    {"layer": "LeakyReLU", "slope": 0.25},
    {"layer": "AvgPool2d", "window": [3, 2], "stride": 1, "padding": [1, 0]},
    {"layer": "Conv2d", "filters": 6, "kernel": [1, 3], "groups": 6},
    {"layer": "GELU"},
    {"layer": "MaxPool2d", "window": 2, "padding": [[0, 1], [1, 0]]},
    {
        "layer": "Residual",
        "block": [{"layer": "Residual", "block": [{"layer": "BatchNorm2d"}]}, {"layer": "ReLU"}],
        "shortcut": [{"layer": "Dropout", "rate": 0.5}, {"layer": "Conv2d", "filters": 6, "kernel": 1}],
    },
    {"layer": "Sigmoid"},
    {"layer": "ReLU", "name": "relu"},
    {"layer": "Concat", "reads": ["relu", "6"]},
    {"layer": "Multiply", "reads": ["8", "8"]},
    {"layer": "Add", "reads": ["8", "9", "8"]},
    {"layer": "GlobalMaxPool2d", "name": "largest"},
    {"layer": "GlobalAvgPool2d", "reads": ["10"]},
    {"layer": "Add", "reads": ["largest", "11"]},
    {"layer": "Tanh"},
    {"layer": "LeakyReLU"},
    {"layer": "Flatten"},
    {"layer": "ELU", "alpha": 0.5},
    {"layer": "Clip", "low": -1, "high": None},
    {"layer": "HardSigmoid"},
    {"layer": "Exp"},
    {"layer": "Log"},
    {"layer": "Sqrt"},
    {"layer": "Affine"},
    {"layer": "GELU", "approximate": "none"},
    {"layer": "Softmax", "axis": 0},
    {"layer": "LogSoftmax", "name": "logs"},
    {"layer": "Subtract", "reads": ["logs", "logs"]},
    {"layer": "Divide", "reads": ["24", "logs"]},
    {"layer": "Reshape", "name": "matrix", "shape": [3, -1]},
    {"layer": "Transpose", "name": "turned", "axes": [1, 0]},
    {"layer": "MatMul", "reads": ["matrix", "turned"]},
    {"layer": "Pad", "widths": [[1, 0], [0, 2]], "mode": "edge"},
    {"layer": "Slice", "starts": [0, -1], "stops": [None, 0], "steps": [1, -2]},
    {"layer": "Take", "axis": -1, "indices": [[1], [0], [1]]},
    {"layer": "Expand", "shape": [2, 1, 1, 1]},
    {"layer": "Sum", "axes": [0, -1]},
    {"layer": "Mean", "axes": [1]},
    {"layer": "Linear", "units": 3},
    {"layer": "BatchNorm2d", "momentum": 0.5, "epsilon": 0.25},
    {"layer": "Dropout", "rate": 0.25},
]


def test_a_network_of_every_kind_of_layer_is_described_and_restored() -> None:
    assert {entry["layer"] for entry in EVERY_KIND} == {*KINDS, "Residual"}
    network = Network(**build({"input": [9, 12, 4], "layers": EVERY_KIND}, rng()))
    description = json.loads(json.dumps(describe(network)))
    said = description["layers"]
    assert [entry["layer"] for entry in EVERY_KIND if entry["layer"] != "Residual"] == [
        entry["layer"]
        for entry in said
        if not entry.get("name", "").startswith("6.") and entry.get("reads") != ["6.block.1", "6.shortcut.1"]
    ]
    assert said[0] == EVERY_KIND[0] | {"kernel": [2, 2], "stride": [1, 1], "padding": [0, 0]}
    assert {"layer": "Take", "axis": -1, "indices": [[1], [0], [1]]} in said
    assert said[3] | {"dilation": [1, 1], "groups": 6} == said[3]
    assert {"layer": "LeakyReLU", "slope": 0.01} in said
    assert {"layer": "Add", "reads": ["6.block.1", "6.shortcut.1"]} in said
    assert {"layer": "ReLU", "name": "relu"} in said

    restored = Network(**restore(description, network.parameters() | network.statistics()))

    assert describe(restored) == describe(network)
    x = rng().standard_normal((2, 9, 12, 4)).astype(np.float32)
    np.testing.assert_array_equal(restored.logits(x), network.logits(x), strict=True)


CONV: dict[str, Any] = {"layer": "Conv2d", "filters": 4, "kernel": 3}
BAD_PADDINGS: list[Any] = [
    -1,
    1.5,
    True,
    None,
    "same",
    [1],
    [1, 2, 3],
    [[1, 2]],
    [[1], [2]],
    [[1, -1], [0, 0]],
    [1, [0, None]],
    {},
]
FLAGS = ("ceil_mode", "count_padding")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (CONV | {"groups": 3}, "channels: expected a number divisible by groups, 3; got 4"),
        (CONV | {"filters": 6, "groups": 4}, "filters: expected a number divisible by groups, 4; got 6"),
        *((CONV | {"groups": groups}, "groups: expected an integer") for groups in (0, -1, 2.0, True, None, [2, 2])),
        *((CONV | {"dilation": dilation}, "dilation: expected") for dilation in (0, [1, 0], 1.5, True, None)),
        (CONV | {"dilation": [1, 4]}, "no larger than the padded image; got 3 x 9 over 7 x 8"),
        ({"layer": "AvgPool2d"}, "expected the settings window, got no settings; window is missing"),
        ({"layer": "AvgPool2d", "window": [8, 2]}, "AvgPool2d: expected a window no larger"),
        (
            {"layer": "AvgPool2d", "window": [3, 2], "padding": [3, 0]},
            "padding: expected less than the window (3, 2) on each side",
        ),
        ({"layer": "MaxPool2d", "window": 2, "padding": [[0, 2], [0, 0]]}, "expected less than the window (2, 2)"),
        (
            {"layer": "MaxPool2d", "window": 2, "padding": [0, 3], "dilation": [1, 2]},
            "(2, 2), (2, 3) with its gaps on each side",
        ),
        (
            {"layer": "MaxPool2d", "window": 9, "stride": 1, "ceil_mode": True},
            "no larger than the padded image; got 9 x 9 over 7 x 8",
        ),
        (
            {"layer": "MaxPool2d", "window": 2, "padding": 3, "dilation": 9},
            "at least 9 x 9 pixels, the dilation, or a window sees",
        ),
        *((CONV | {"padding": padding}, "padding: expected an integer, (rows, columns)") for padding in BAD_PADDINGS),
        *(({"layer": "AvgPool2d", "window": 2, name: 1}, f"{name}: expected True or False") for name in FLAGS),
        ({"layer": "MaxPool2d", "window": 2, "count_padding": True}, "got 'count_padding'"),
        ({"layer": "GlobalMaxPool2d", "window": 2}, "expected no settings"),
        ({"layer": "Sigmoid", "slope": 1}, "expected no settings"),
        *(
            ({"layer": "LeakyReLU", "slope": slope}, "slope: expected a number from 0 to 1e")
            for slope in (-0.1, float("nan"), float("inf"), True, "0.1", None, [0.1], 10**4000)
        ),
        *(
            ({"layer": "Dropout", "rate": rate}, "rate: expected a number from 0 to 0.999")
            for rate in (-0.1, 1, float("nan"), True, "0.1", None, [0.1], 10**4000)
        ),
        ({"layer": "Dropout"}, "rate is missing"),
        ({"layer": "Dropout", "rate": 0.5, "mask": [True]}, "expected the settings rate"),
        *(
            ({"layer": "BatchNorm2d", "momentum": momentum}, "momentum: expected a number from 0 to 1")
            for momentum in (-0.1, 1.1, "1")
        ),
        *(
            ({"layer": "BatchNorm2d", "epsilon": epsilon}, "epsilon: expected a number from 1e-12 to 1")
            for epsilon in (0, 2, None)
        ),
        ({"layer": "BatchNorm2d", "training": True}, "expected the settings momentum, epsilon"),
        ({"layer": "Residual"}, "a block of at least one layer"),
        ({"layer": "Residual", "block": []}, "a block of at least one layer"),
        ({"layer": "Residual", "block": "ReLU"}, "block: expected a list of layers; got str"),
        ({"layer": "Residual", "block": [{"layer": "ReLU"}], "shortcut": {}}, "shortcut: expected a list of layers; got dict"),
        ({"layer": "Residual", "block": [{"layer": "relu"}]}, "layer 0.block.0: expected"),
        ({"layer": "Residual", "block": [CONV]}, "of one shape; got (5, 6, 4), (7, 8, 4)"),
        (
            {"layer": "Residual", "block": [{"layer": "ReLU"}], "shortcut": [{"layer": "ReLU"}, CONV | {"groups": 3}]},
            "layer 0.shortcut.1 (Conv2d): channels: expected a number divisible",
        ),
    ],
    ids=lambda value: f"{value!r:.80}",
)
def test_an_impossible_setting_is_refused_in_one_line(entry: dict[str, Any], says: str) -> None:
    with pytest.raises(HandmadeError, match=re.escape(says)) as refusal:
        build({"input": [7, 8, 4], "layers": [entry]}, rng())
    assert "\n" not in str(refusal.value)


def test_layers_that_do_not_fit_are_refused_in_words() -> None:
    with pytest.raises(HandmadeError, match="Flatten"):
        GlobalAvgPool2d().output_shape((12,))
    with pytest.raises(HandmadeError, match="Flatten"):
        GlobalMaxPool2d().output_shape((12,))
    with pytest.raises(HandmadeError, match="filters: expected a number divisible by groups, 2; got 3"):
        Conv2d(np.ones((2, 2, 1, 3)), np.ones(3), groups=2)
    with pytest.raises(HandmadeError, match=r"\(H, W, 4\)"):
        Conv2d(np.ones((2, 2, 2, 4)), np.ones(4), groups=2).output_shape((5, 5, 2))


# --- the loss -----------------------------------------------------------------------------------------------------------------

LABELS = np.array([0, 3, 2, 3])
LOGITS: dict[str, Array] = {
    "even": np.zeros((4, 4)),
    "moderate": 2 * np.random.default_rng(3).standard_normal((4, 4)),
    "confident and right": 28 * np.eye(4)[LABELS] + np.random.default_rng(4).random((4, 4)),  # p_y = 1 - 3 exp(-28) = 1 - 2e-12
    "confident and wrong": 28 * np.eye(4)[LABELS - 1] + np.random.default_rng(5).random((4, 4)),
    "huge": 1e4 * np.random.default_rng(6).standard_normal((4, 4)),
    "two classes": np.random.default_rng(7).standard_normal((4, 2)),
}
every_logits = pytest.mark.parametrize("z", LOGITS.values(), ids=LOGITS)


def labels(z: Array) -> Array:
    y: Array = np.minimum(LABELS, z.shape[-1] - 1)
    return y


@every_logits
def test_the_loss_equals_the_loops(z: Array) -> None:
    laws.check_loss_reference(CrossEntropy(), z, labels(z))


@every_logits
@pytest.mark.parametrize("size", [*ALL_SIZES, 1000.0])
def test_the_difference_of_the_loss_is_exact_however_small_or_large_the_step(z: Array, size: float) -> None:
    laws.check_loss_difference(CrossEntropy(), z, size * np.random.default_rng(8).standard_normal(z.shape), labels(z))


@every_logits
@pytest.mark.parametrize("size", [1e-30, 1e-3, 1.0, 30.0, 1000.0])
def test_the_difference_of_the_loss_is_as_exact_in_float32_as_its_digits_allow(z: Array, size: float) -> None:
    dz = size * np.random.default_rng(8).standard_normal(z.shape)
    laws.check_loss_difference(CrossEntropy(), z.astype(np.float32), dz.astype(np.float32), labels(z))


@every_logits
@pytest.mark.parametrize("size", [-1000.0, -1.0, 1.0, 1000.0])
def test_the_loss_may_move_far_in_one_logit(z: Array, size: float) -> None:
    for k in range(z.shape[-1]):
        laws.check_loss_difference(CrossEntropy(), z, size * np.eye(z.shape[-1])[[k] * len(z)], labels(z))


@pytest.mark.parametrize("size", [*FAR_BELOW_ROUNDING, -1e-3, 1e-3, -0.3, 0.3, 5.0])
@pytest.mark.parametrize("name", ["confident and right", "confident and wrong"])
def test_confidence_costs_no_digits(name: str, size: float) -> None:
    laws.check_loss_of_confidence(CrossEntropy(), LOGITS[name], LABELS, size)


@every_logits
@pytest.mark.parametrize("size", [*SIZES, 1000.0])
def test_one_logit_moves_the_loss_as_it_does_when_written_densely(z: Array, size: float) -> None:
    laws.check_loss_channel(CrossEntropy(), z, labels(z), size * np.random.default_rng(9).standard_normal((*z.shape, 3)))


@every_logits
def test_the_gradient_of_the_loss_is_the_transpose_of_its_difference(z: Array) -> None:
    laws.check_loss_transpose(CrossEntropy(), z, labels(z), np.random.default_rng(10))


def test_the_gradient_at_the_right_class_keeps_its_digits_when_it_is_nearly_zero() -> None:
    z = LOGITS["confident and right"]
    gz = CrossEntropy().backward(z, LABELS)
    others = np.where(np.eye(4, dtype=bool)[LABELS], 0, gz).sum(axis=-1)
    # gz adds up to 0 over the classes; p - 1 taken by subtraction would have kept 4 digits of 16
    np.testing.assert_allclose(gz[np.arange(4), LABELS], -others, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", ["moderate", "even", "two classes"])
def test_the_loss_leaves_its_inputs_alone_in_any_layout_and_dtype(name: str) -> None:
    z = LOGITS[name]
    laws.check_loss_manners(CrossEntropy(), z, labels(z), np.random.default_rng(11))
