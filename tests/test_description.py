"""A network as plain data: what is described is what is built, and whatever is wrong is named."""

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handmade
from handmade import HandmadeError
from handmade.engine.arrays import Shape
from handmade.engine.description import DEEPEST, LARGEST_ACTIVATION, build, describe, restore
from handmade.engine.initialisation import MOST_WEIGHTS
from handmade.engine.network import Network

CONV: dict[str, Any] = {"layer": "Conv2d", "filters": 2, "kernel": 3}
POOL: dict[str, Any] = {"layer": "MaxPool2d", "window": 2}
FLATTEN: dict[str, Any] = {"layer": "Flatten"}
RELU: dict[str, Any] = {"layer": "ReLU"}
LINEAR: dict[str, Any] = {"layer": "Linear", "units": 10}
HUGE = 10**4000  # JSON may hold it; squared, it is too long for Python to print
MOST_MEMORY = 2**20  # bytes: what a refusal may take, far below the least that a wrong size would have


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def refusal_of(description: object) -> str:
    """The message, which must be one short line, and cost next to no memory."""
    tracemalloc.start()
    try:
        with pytest.raises(HandmadeError) as caught:
            handmade.networks.described(description, rng())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


def layers(*entries: object) -> dict[str, Any]:
    return {"layers": list(entries)}


def whole_or_pair(low: int, high: int) -> st.SearchStrategy[int | list[int]]:
    return st.integers(low, high) | st.lists(st.integers(low, high), min_size=2, max_size=2)


def sides(setting: int | list[int]) -> list[int]:
    return [setting, setting] if isinstance(setting, int) else setting


@st.composite
def descriptions(draw: st.DrawFn) -> dict[str, Any]:
    """A stack of layers that fit, settings given in full, in short or not at all, and a row of logits at its end."""
    shape: Shape = tuple(draw(st.lists(st.integers(1, 8), min_size=3, max_size=3)))
    entries, described = list[dict[str, Any]](), list(shape)
    padding: int | list[int]
    for kind in draw(st.lists(st.sampled_from(["Conv2d", "MaxPool2d", "ReLU"]), max_size=4)):
        if kind == "ReLU":
            entries.append(RELU)
            continue
        window = [draw(st.integers(1, side)) for side in shape[:2]]
        stride = draw(whole_or_pair(1, 3))
        if kind == "Conv2d":
            padding, filters = draw(whole_or_pair(0, 2)), draw(st.integers(1, 3))
            entry = {"layer": kind, "filters": filters, "kernel": window, "stride": stride, "padding": padding}
        else:
            padding, filters = draw(st.just([side // 2 for side in window]) | st.just(0)), shape[-1]
            entry = {"layer": kind, "window": window, "stride": stride, "padding": padding}
        entries.append(entry)
        down, right = (
            (side + 2 * p - k) // s + 1 for side, k, s, p in zip(shape[:2], window, sides(stride), sides(padding), strict=True)
        )
        shape = (down, right, filters)
    rows = [*draw(st.lists(st.integers(1, 4), max_size=2)), draw(st.integers(2, 4))]
    return {"input": described, "layers": [*entries, FLATTEN, *({"layer": "Linear", "units": units} for units in rows)]}


def as_stored(description: object) -> object:
    return json.loads(json.dumps(description))


@settings(deadline=None)
@given(description=descriptions(), double=st.booleans())
def test_what_is_described_is_built_and_what_is_built_is_described(description: dict[str, Any], double: bool) -> None:  # noqa: FBT001  hypothesis
    dtype = np.float64 if double else np.float32
    network = Network(**build(description, rng(), dtype))
    assert network.size == 0 or network.dtype == np.dtype(dtype)
    said = describe(network)
    assert said["input"] == description["input"]
    assert len(said["layers"]) == len(description["layers"])
    for told, wished in zip(said["layers"], description["layers"], strict=True):
        for name, value in wished.items():
            assert told[name] == (sides(value) if name in {"stride", "padding"} else value)
    again = Network(**build(as_stored(said), rng(), dtype))
    assert describe(again) == said
    for name, array in network.parameters().items():
        np.testing.assert_array_equal(again.parameters()[name], array, strict=True)


@settings(deadline=None)
@given(description=descriptions())
def test_a_network_is_restored_from_its_description_and_its_weights(description: dict[str, Any]) -> None:
    network = Network(**build(description, rng()))
    restored = Network(**restore(as_stored(describe(network)), network.parameters()))
    assert describe(restored) == describe(network)
    assert restored.shapes == network.shapes
    x = rng().random((2, *network.input_shape)).astype(np.float32)
    np.testing.assert_array_equal(restored.logits(x), network.logits(x), strict=True)


def test_what_is_left_out_has_the_usual_value() -> None:
    network = Network(**build(layers(CONV, POOL, FLATTEN, LINEAR), rng()))
    assert describe(network) == {
        "input": [30, 30, 1],
        "layers": [
            {
                "layer": "Conv2d",
                "filters": 2,
                "kernel": [3, 3],
                "stride": [1, 1],
                "padding": [0, 0],
                "dilation": [1, 1],
                "groups": 1,
            },
            {"layer": "MaxPool2d", "window": [2, 2], "stride": [2, 2], "padding": [0, 0]},
            {"layer": "Flatten"},
            {"layer": "Linear", "units": 10},
        ],
    }


def test_a_description_is_not_changed_by_building_it() -> None:
    description = {"input": [9, 8, 1], **layers({**CONV, "stride": [1, 2]}, FLATTEN, LINEAR)}
    before = json.dumps(description)
    build(description, rng())
    assert json.dumps(description) == before


@pytest.mark.parametrize(
    ("description", "says"),
    [
        (None, ["layers", "input", "got NoneType"]),
        ([CONV], ["layers", "got list"]),
        ("readme", ["layers", "got str"]),
        (7, ["layers", "got int"]),
        ({"name": "mine", **layers(RELU)}, ["layers", "name"]),
        ({"Layers": [RELU]}, ["layers", "Layers"]),
        ({}, ["layers wants a list of at least one layer"]),
        (layers(), ["layers wants a list of at least one layer", "[]"]),
        ({"layers": {"0": RELU}}, ["layers wants a list of at least one layer"]),
        ({"layers": "Conv2d"}, ["layers wants a list of at least one layer", "'Conv2d'"]),
        (layers(RELU, 3), ["layer 1 ", "got 3"]),
        (layers("ReLU"), ["layer 0 ", "got 'ReLU'"]),
        (layers(None), ["layer 0 ", "got None"]),
        (layers([RELU]), ["layer 0 ", "got ["]),
        (layers({}), ["layer 0 ", "Conv2d, ReLU, MaxPool2d, Flatten, Linear", "got {}"]),
        (layers({"kind": "ReLU"}), ["layer 0 ", "got {'kind': 'ReLU'}"]),
        (layers(RELU, RELU, {"layer": "Softmax"}), ["layer 2 ", "Conv2d, ReLU, MaxPool2d, Flatten, Linear", "Softmax"]),
        (layers({"layer": "relu"}), ["layer 0 ", "ReLU", "'relu'"]),
        (layers({"layer": ["ReLU"]}), ["layer 0 ", "['ReLU']"]),
        (layers({"layer": None}), ["layer 0 ", "None"]),
        (layers({"layer": "x" * 10_000}), ["layer 0 ", "xxx"]),
        (layers({**CONV, "units": 3}), ["layer 0 (Conv2d)", "filters, kernel, stride, padding", "units"]),
        (layers({**CONV, "dtype": "float64"}), ["layer 0 (Conv2d)", "dtype"]),
        (layers({**CONV, "rng": 1}), ["layer 0 (Conv2d)", "rng"]),
        (layers(FLATTEN, {**LINEAR, "inputs": 900}), ["layer 1 (Linear)", "units", "inputs"]),
        (layers({**RELU, "slope": 0.1}), ["layer 0 (ReLU)", "slope"]),
        (layers({**CONV, "k" * 10_000: 1}), ["layer 0 (Conv2d)", "kkk"]),
        (layers({"layer": "Conv2d", "filters": 2}), ["layer 0 (Conv2d)", "kernel"]),
        (layers({"layer": "Conv2d", "kernel": 2}), ["layer 0 (Conv2d)", "filters"]),
        (layers({"layer": "MaxPool2d", "stride": 2}), ["layer 0 (MaxPool2d)", "window"]),
        (layers(FLATTEN, {"layer": "Linear"}), ["layer 1 (Linear)", "units"]),
        (layers(LINEAR), ["layer 0 (Linear)", "(30, 30, 1)", "Flatten"]),
        (layers(CONV, RELU, LINEAR), ["layer 2 (Linear)", "(28, 28, 2)", "Flatten"]),
        (layers(FLATTEN, CONV), ["layer 1 (Conv2d)", "(900,)", "Flatten"]),
        (layers(FLATTEN, POOL), ["layer 1 (MaxPool2d)", "(900,)", "Flatten"]),
        (layers({**CONV, "kernel": 31}), ["layer 0 (Conv2d)", "31 x 31", "30 x 30"]),
        (layers({**CONV, "kernel": [3, 35], "padding": [0, 2]}), ["layer 0 (Conv2d)", "3 x 35", "30 x 34"]),
        (layers(RELU, {**POOL, "window": [31, 1]}), ["layer 1 (MaxPool2d)", "31 x 1", "30 x 30"]),
        (layers({**POOL, "padding": 2}), ["layer 0 (MaxPool2d)", "padding", "half"]),
    ],
)
def test_a_wrong_description_is_refused_in_words(description: object, says: list[str]) -> None:
    message = refusal_of(description)
    for words in says:
        assert words in message


NO_WHOLE_NUMBER = [-1, 2.0, 2.5, float("nan"), float("inf"), True, False, "2", "", None, {}, {"a": 1}, [[2]], HUGE]
NO_PAIR = [*NO_WHOLE_NUMBER, "22", [], [2], [2, 2, 2], [2, "2"], [2, True], [2, 2.0], [2, None], [2, -1], [2, [2]], [2, HUGE]]


@pytest.mark.parametrize("value", [0, *NO_WHOLE_NUMBER, [2], [2, 2]], ids=lambda value: f"{value!r:.9}")
@pytest.mark.parametrize(("before", "entry", "setting"), [([], CONV, "filters"), ([FLATTEN], LINEAR, "units")])
def test_a_setting_that_is_no_whole_number_above_zero_is_refused(
    before: list[object], entry: dict[str, Any], setting: str, value: object
) -> None:
    message = refusal_of(layers(*before, {**entry, setting: value}))
    assert f"layer {len(before)} ({entry['layer']})" in message
    assert value == HUGE or setting in message


@pytest.mark.parametrize(
    ("entry", "setting", "value"),
    [
        (entry, setting, value)
        for entry, setting in (
            (CONV, "kernel"),
            (CONV, "stride"),
            (CONV, "padding"),
            (POOL, "window"),
            (POOL, "stride"),
            (POOL, "padding"),
        )
        for value in (NO_PAIR if setting == "padding" else [0, [2, 0], *NO_PAIR])
        if (entry["layer"], setting, value) != ("MaxPool2d", "stride", None)  # which means: the window
    ],
    ids=lambda value: f"{value!r:.9}" if not isinstance(value, dict) or "layer" not in value else value["layer"],
)
def test_a_setting_that_is_no_pair_of_whole_numbers_is_refused(entry: dict[str, Any], setting: str, value: object) -> None:
    message = refusal_of(layers(RELU, {**entry, setting: value}))
    assert f"layer 1 ({entry['layer']})" in message
    assert value in (HUGE, [2, HUGE]) or setting in message


NO_SIZE = [0, -1, 2.0, True, "3", [3], None, HUGE]


@pytest.mark.parametrize(
    "value", [None, [], 3, "303", {}, *([side, 3, 1] for side in NO_SIZE)], ids=lambda value: f"{value!r:.9}"
)
def test_an_absurd_input_is_refused(value: object) -> None:
    assert "input" in refusal_of({"input": value, **layers(FLATTEN, LINEAR)})


def test_an_input_of_more_axes_than_an_array_can_have_is_refused() -> None:
    assert "input" in refusal_of({"input": [1] * 1000, **layers(FLATTEN, LINEAR)})


def test_an_input_of_a_trillion_pixels_is_refused() -> None:
    message = refusal_of({"input": [10**6, 10**6, 1], **layers(FLATTEN, LINEAR)})
    assert "1,000,000,000,000" in message
    assert f"{LARGEST_ACTIVATION:,}" in message


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ([{**CONV, "filters": 10**12}], ["layer 0 (Conv2d)"]),
        ([{**CONV, "filters": 2, "kernel": 10**6}], ["layer 0 (Conv2d)"]),
        ([FLATTEN, {**LINEAR, "units": 10**12}], ["layer 1 (Linear)"]),
        ([FLATTEN, {**LINEAR, "units": MOST_WEIGHTS // 900 + 1}], ["layer 1 (Linear)", f"{MOST_WEIGHTS:,}"]),
        ([{**CONV, "padding": 10**6}], ["layer 0 (Conv2d)", f"{LARGEST_ACTIVATION:,}"]),
        ([{**CONV, "kernel": 1, "filters": LARGEST_ACTIVATION // 900 + 1}], ["layer 0 (Conv2d)", f"{LARGEST_ACTIVATION:,}"]),
        # The output is tiny, and still the padded image would have to be made.
        ([{**CONV, "kernel": 1, "padding": 10**6, "stride": 10**6}], ["layer 0 (Conv2d)", "pad"]),
    ],
)
def test_what_would_not_fit_into_memory_is_refused_before_it_is_made(wrong: list[dict[str, Any]], says: list[str]) -> None:
    message = refusal_of(layers(*wrong))
    for words in says:
        assert words in message


@pytest.mark.parametrize("stride", [31, 10**6, 2**31, 10**18, 10**30])
@pytest.mark.parametrize("entry", [CONV, POOL], ids=["Conv2d", "MaxPool2d"])
def test_a_stride_is_refused_or_works(entry: dict[str, Any], stride: int) -> None:
    x = np.zeros((1, 30, 30, 1), np.float32)
    try:
        network = handmade.networks.described(layers({**entry, "stride": stride}, FLATTEN, LINEAR), rng())
    except HandmadeError:
        assert stride > 2**30
        return
    assert network.predict(x).shape == (1,)


def test_the_first_wrong_layer_is_the_one_that_is_named() -> None:
    assert "layer 1 (Conv2d)" in refusal_of(layers(RELU, {**CONV, "filters": 0}, {"layer": "Softmax"}))


def nested(depth: int) -> dict[str, Any]:
    """A ReLU in so many Residuals."""
    return {"layer": "Residual", "block": [nested(depth - 1)]} if depth else RELU


def test_residuals_may_be_nested_but_not_for_ever() -> None:
    x = np.zeros((1, 30, 30, 1), np.float32)
    assert handmade.networks.described(layers(nested(DEEPEST), FLATTEN, LINEAR), rng()).predict(x).shape == (1,)
    for depth in (DEEPEST + 1, 100):
        assert f"at most {DEEPEST} Residuals" in refusal_of(layers(nested(depth), FLATTEN, LINEAR))


def test_a_residual_is_described_with_all_that_is_in_it() -> None:
    entry = {"layer": "Residual", "block": [{"layer": "Dropout", "rate": 0.5}, nested(1)], "shortcut": []}
    said = describe(Network(**build(layers(entry), rng())))["layers"][0]
    assert said == entry | {"block": [entry["block"][0], nested(1) | {"shortcut": []}]}
    without = {key: value for key, value in entry.items() if key != "shortcut"}
    assert describe(Network(**build(layers(without), rng())))["layers"][0] == said


def test_what_would_not_fit_into_memory_is_refused_in_a_residual_too() -> None:
    message = refusal_of(layers({"layer": "Residual", "block": [{**CONV, "padding": 10**6}]}))
    for words in ("layer 0 (Residual)", "block", "layer 0 (Conv2d)", f"{LARGEST_ACTIVATION:,}"):
        assert words in message


@settings(deadline=None)
@given(
    description=st.recursive(
        st.none() | st.booleans() | st.integers(-3, 40) | st.floats() | st.sampled_from(["Conv2d", "ReLU", "Residual", ""]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["input", "layers", "layer", "filters", "kernel", "window", "stride", "padding", "units", "block", "rate"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_a_network_or_an_error_in_words(description: object) -> None:
    for candidate in (
        description,
        layers(description),
        layers({**CONV, **description} if isinstance(description, dict) else RELU),
    ):
        try:
            build(candidate, rng())
        except HandmadeError as error:
            message = str(error)
        else:
            message = ""
        assert "\n" not in message
