"""A network as plain data: what is described is what is built, and whatever is wrong is named."""

import json
import re
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handmade
from handmade import HandmadeError
from handmade.engine.arrays import Shape
from handmade.engine.description import DEEPEST, LARGEST_ACTIVATION, build, describe, restore
from handmade.engine.graph import Node
from handmade.engine.initialisation import MOST_WEIGHTS
from handmade.engine.layers import Add, BatchNorm2d, Conv2d, Dropout, Flatten, Linear, ReLU
from handmade.engine.network import Network
from handmade.engine.preparation import Preparation
from handmade.engine.residual import Residual

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


def as_stored(description: object) -> Any:
    return json.loads(json.dumps(description))


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
        ({}, ["layers: expected a list of at least one layer"]),
        (layers(), ["layers: expected a list of at least one layer", "[]"]),
        ({"layers": {"0": RELU}}, ["layers: expected a list of at least one layer"]),
        ({"layers": "Conv2d"}, ["layers: expected a list of at least one layer", "'Conv2d'"]),
        (layers(RELU, 3), ["layer 1: expected", "got 3"]),
        (layers("ReLU"), ["layer 0: expected", "got 'ReLU'"]),
        (layers(None), ["layer 0: expected", "got None"]),
        (layers([RELU]), ["layer 0: expected", "got ["]),
        (layers({}), ["layer 0: expected", "Conv2d, ReLU, MaxPool2d, Flatten, Linear", "got {}"]),
        (layers({"kind": "ReLU"}), ["layer 0: expected", "got {'kind': 'ReLU'}"]),
        (layers(RELU, RELU, {"layer": "Maxout"}), ["layer 2: expected", "Conv2d, ReLU, MaxPool2d, Flatten, Linear", "Maxout"]),
        (layers({"layer": "relu"}), ["layer 0: expected", "ReLU", "'relu'"]),
        (layers({"layer": ["ReLU"]}), ["layer 0: expected", "['ReLU']"]),
        (layers({"layer": None}), ["layer 0: expected", "None"]),
        (layers({"layer": "x" * 10_000}), ["layer 0: expected", "xxx"]),
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
        (layers(FLATTEN, CONV), ["layer 1 (Conv2d)", "(900,)", "Flatten"]),
        (layers(FLATTEN, POOL), ["layer 1 (MaxPool2d)", "(900,)", "Flatten"]),
        (layers({**CONV, "kernel": 31}), ["layer 0 (Conv2d)", "31 x 31", "30 x 30"]),
        (layers({**CONV, "kernel": [3, 35], "padding": [0, 2]}), ["layer 0 (Conv2d)", "3 x 35", "30 x 34"]),
        (layers(RELU, {**POOL, "window": [31, 1]}), ["layer 1 (MaxPool2d)", "31 x 1", "30 x 30"]),
        (layers({**POOL, "padding": 2}), ["layer 0 (MaxPool2d)", "padding", "less than the window (2, 2)"]),
        (layers({**POOL, "padding": [[0, 2], [0, 0]]}), ["layer 0 (MaxPool2d)", "padding", "less than the window (2, 2)"]),
    ],
)
def test_a_wrong_description_is_refused_in_words(description: object, says: list[str]) -> None:
    message = refusal_of(description)
    for words in says:
        assert words in message


def test_logits_without_flatten_are_rows_of_every_pixel_and_refused_where_classes_are_wanted() -> None:
    network = handmade.networks.described(layers(CONV, RELU, LINEAR), rng())

    assert network.shapes[-1] == (28, 28, 10)
    with pytest.raises(HandmadeError, match=re.escape("(28, 28, 10). End it in Flatten and Linear")):
        network.predict(np.zeros((1, 30, 30, 1)))
    assert handmade.networks.described(layers(CONV, RELU, LINEAR, FLATTEN, LINEAR), rng()).classes == 10


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
        ([{**CONV, "kernel": 1, "padding": [[0, 10**9], [0, 0]], "stride": 10**9}], ["layer 0 (Conv2d)", "pads an image to"]),
        (
            [{"layer": "MaxPool2d", "window": 10**9, "stride": 10**9, "ceil_mode": True}],
            ["layer 0 (MaxPool2d)", "pads an image to"],
        ),
        (
            [{"layer": "AvgPool2d", "window": 2, "dilation": 10**9, "padding": 10**9, "stride": 10**9}],
            ["layer 0 (AvgPool2d)", "pads an image to"],
        ),
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
    assert "layer 1 (Conv2d)" in refusal_of(layers(RELU, {**CONV, "filters": 0}, {**CONV, "kernel": 99}))
    assert "layer 1: expected" in refusal_of(layers(RELU, {"layer": "Maxout"}, {"layer": "Softplus"}))


def nested(depth: int) -> dict[str, Any]:
    """A ReLU in so many Residuals."""
    return {"layer": "Residual", "block": [nested(depth - 1)]} if depth else RELU


def test_residuals_may_be_nested_but_not_for_ever() -> None:
    x = np.zeros((1, 30, 30, 1), np.float32)
    assert handmade.networks.described(layers(nested(DEEPEST), FLATTEN, LINEAR), rng()).predict(x).shape == (1,)
    for depth in (DEEPEST + 1, 100):
        assert f"at most {DEEPEST} nested levels of Residuals" in refusal_of(layers(nested(depth), FLATTEN, LINEAR))


OLD_RESIDUAL: dict[str, Any] = {  # as files of before the redesign hold it
    "layer": "Residual",
    "block": [CONV | {"padding": 1}, RELU, nested(1) | {"shortcut": []}, {"layer": "BatchNorm2d"}],
    "shortcut": [{"layer": "Dropout", "rate": 0.5}, CONV | {"kernel": 1}],
}


def test_a_residual_is_written_as_its_nodes() -> None:
    network = Network(**build(layers(RELU, OLD_RESIDUAL, FLATTEN, LINEAR), rng()))

    assert {node.name: (node.layer.kind, node.reads) for node in network.nodes} == {
        "0": ("ReLU", ("input",)),
        "1.block.0": ("Conv2d", ("0",)),
        "1.block.1": ("ReLU", ("1.block.0",)),
        "1.block.2.block.0": ("ReLU", ("1.block.1",)),
        "1.block.2": ("Add", ("1.block.2.block.0", "1.block.1")),
        "1.block.3": ("BatchNorm2d", ("1.block.2",)),
        "1.shortcut.0": ("Dropout", ("0",)),
        "1.shortcut.1": ("Conv2d", ("1.shortcut.0",)),
        "1": ("Add", ("1.block.3", "1.shortcut.1")),
        "2": ("Flatten", ("1",)),
        "3": ("Linear", ("2",)),
    }
    assert network.names[1:9] == (
        *("residual1.block.conv1", "residual1.block.relu1", "residual1.block.residual1.block.relu1", "residual1.block.residual1"),
        *("residual1.block.batchnorm1", "residual1.shortcut.dropout1", "residual1.shortcut.conv1", "residual1"),
    )
    said = describe(network)["layers"]
    assert {"layer": "Add", "reads": ["1.block.3", "1.shortcut.1"]} in said
    assert {"layer": "Dropout", "name": "1.shortcut.0", "reads": ["0"], "rate": 0.5} in said


def test_an_old_description_with_residuals_in_it_makes_the_same_network_as_the_layers_do_and_takes_its_old_arrays() -> None:
    old = layers(RELU, OLD_RESIDUAL, FLATTEN, LINEAR)
    network = Network(**build(old, rng()))
    flat = as_stored(describe(network))
    block = [Conv2d.init(rng(), 1, 2, 3, padding=1), ReLU(), Residual([ReLU()]), BatchNorm2d.init(rng(), 2)]
    shortcut = [Dropout(0.5), Conv2d.init(rng(), 1, 2, 1)]
    by_hand = Network([ReLU(), Residual(block, shortcut), Flatten(), Linear.init(rng(), 1800, 10)])
    assert flat == describe(by_hand)

    arrays = network.parameters() | network.statistics()
    assert set(arrays) == {
        *("1.block.0.W", "1.block.0.b", "1.block.3.W", "1.block.3.b", "1.block.3.mean", "1.block.3.variance"),
        *("1.shortcut.1.W", "1.shortcut.1.b", "3.W", "3.b"),
    }
    told_in_full = as_stored(old)
    entry = told_in_full["layers"][1]
    for branch in ("block", "shortcut"):  # old files hold every setting
        for inner in entry[branch]:
            if inner["layer"] == "Conv2d":
                inner |= {"stride": [1, 1], "padding": [1, 1] if branch == "block" else [0, 0], "dilation": [1, 1], "groups": 1}
                inner["kernel"] = [3, 3] if branch == "block" else [1, 1]
            if inner["layer"] == "BatchNorm2d":
                inner |= {"momentum": 0.1, "epsilon": 1e-5}
    x = rng().random((2, 30, 30, 1)).astype(np.float32)
    for description in (told_in_full, flat):
        restored = Network(**restore(description, arrays))
        assert describe(restored) == flat
        np.testing.assert_array_equal(restored.logits(x), network.logits(x), strict=True)


def test_what_would_not_fit_into_memory_is_refused_in_a_residual_too() -> None:
    message = refusal_of(layers({"layer": "Residual", "block": [{**CONV, "padding": 10**6}]}))
    for words in ("layer 0.block.0 (Conv2d)", f"{LARGEST_ACTIVATION:,}"):
        assert words in message


# --- graphs -------------------------------------------------------------------------------------------------------------------

NAMES = ["0", "1", "2", "4", "9", "00", "stem", "a.b", "1.block.0", "relu1", "conv1", "\N{LATIN SMALL LETTER E WITH ACUTE}tage"]
ONE = {"layer": "Conv2d", "filters": 2, "kernel": 1}


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """Nodes in any order, each named and reading any of the others; a row of logits, and perhaps other outputs."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=7, unique=True))
    channels, entries = {"input": 2}, list[dict[str, Any]]()
    for name in names:
        kind = draw(st.sampled_from(["ReLU", "Tanh", "Conv2d", "Add", "Multiply", "Concat"]))
        first = draw(st.sampled_from(sorted(channels)))
        alike = [other for other in sorted(channels) if kind == "Concat" or channels[other] == channels[first]]
        join = kind in {"Add", "Multiply", "Concat"}
        reads = [first, *(draw(st.lists(st.sampled_from(alike), min_size=1, max_size=2)) if join else [])]
        entries.append({**(ONE if kind == "Conv2d" else {"layer": kind}), "name": name, "reads": reads})
        summed = sum(channels[read] for read in reads)
        channels[name] = {"Conv2d": 2, "Concat": summed}.get(kind, channels[first])
    last = {**FLATTEN, "name": "row", "reads": [draw(st.sampled_from(sorted(channels)))]}
    head = {**LINEAR, "units": 3, "name": "head", "reads": ["row"]}
    more = draw(st.lists(st.sampled_from([*names, "row", "head"]), max_size=3, unique=True))
    listed = draw(st.permutations([*entries, last, head]))
    return {"input": [2, 2, 2], "layers": listed, "logits": "head", **({"outputs": more} if more else {})}


@given(description=graphs())
def test_a_graph_is_described_and_built_again_whatever_the_order_of_its_nodes(description: dict[str, Any]) -> None:
    network = Network(**build(description, rng()))

    wished = {entry["name"]: (entry["layer"], tuple(entry["reads"])) for entry in description["layers"]}
    assert {node.name: (node.layer.kind, node.reads) for node in network.nodes} == wished
    read = {name for _, reads in wished.values() for name in reads}
    assert set(network.output_names) == {"head", *description.get("outputs", set(wished) - read)}
    places = {node.name: n for n, node in enumerate(network.nodes)}
    assert all(places[name] < places[node.name] for node in network.nodes for name in node.reads if name != "input")

    said = as_stored(describe(network))
    x = rng().random((2, 2, 2, 2)).astype(np.float32)
    for again in (build(said, rng()), restore(said, network.parameters())):
        other = Network(**again)
        assert describe(other) == said
        assert [node.reads for node in other.nodes] == [node.reads for node in network.nodes]
        assert other.logits_name == "head"
        assert set(other.output_names) == set(network.output_names)
        for name, array in network.outputs(x).items():
            np.testing.assert_array_equal(other.outputs(x)[name], array, strict=True)


def test_names_and_what_is_read_are_left_out_where_they_are_the_usual_ones() -> None:
    description = layers(
        {**ONE, "name": "stem"}, RELU, {"layer": "Add", "name": "sum", "reads": ["0", "stem"]}, RELU, FLATTEN, LINEAR
    )
    network = Network(**build(description, rng()))

    assert [(node.name, node.reads) for node in network.nodes] == [
        ("stem", ("input",)),
        ("0", ("stem",)),
        ("sum", ("0", "stem")),
        ("1", ("sum",)),
        ("2", ("1",)),
        ("3", ("2",)),
    ]
    assert network.names == ("stem", "relu1", "sum", "relu2", "flatten1", "linear1")
    assert set(network.parameters()) == {"stem.W", "stem.b", "3.W", "3.b"}
    said = describe(network)
    assert [{key: entry[key] for key in ("layer", "name", "reads") if key in entry} for entry in said["layers"]] == [
        {key: entry[key] for key in ("layer", "name", "reads") if key in entry} for entry in description["layers"]
    ]
    assert set(said) == {"input", "layers"}


def test_a_node_may_read_one_that_is_listed_after_it() -> None:
    description = layers(
        {**LINEAR, "name": "head", "reads": ["row"]},
        {**RELU, "name": "row", "reads": ["flat"]},
        {**FLATTEN, "name": "flat", "reads": ["input"]},
    )
    network = Network(**build(description | {"logits": "head"}, rng()))

    assert [node.name for node in network.nodes] == ["flat", "row", "head"]
    assert network.classes == 10
    assert [entry["name"] for entry in describe(network)["layers"]] == ["flat", "row", "head"]
    # without a word about them, the logits are the last one of the list
    flat = Network(**build(description, rng()))
    assert flat.logits_name == "flat"
    assert set(flat.output_names) == {"head", "flat"}
    assert describe(flat)["logits"] == "flat"
    assert Network(**build(as_stored(describe(flat)), rng())).logits_name == "flat"


def test_several_outputs_classes_and_the_preparation_are_part_of_the_description() -> None:
    about: dict[str, Any] = {
        "logits": "digit",
        "outputs": ["maps", "tens"],
        "classes": ["no", "yes"],
        "prepare": {"scale": 0.5, "shift": [-1.0], "padding": 2, "layout": "NCHW"},
    }
    description = layers(
        {**CONV, "name": "maps"}, FLATTEN, {**LINEAR, "units": 2, "name": "digit"}, {**LINEAR, "name": "tens", "reads": ["0"]}
    )
    network = Network(**build(description | about, rng()))

    assert network.logits_name == "digit"
    assert network.classes == 2
    assert set(network.output_names) == {"maps", "tens", "digit"}
    assert network.class_names == ("no", "yes")
    assert network.preparation == Preparation(0.5, (-1.0,), 2, "NCHW")
    said = describe(network)
    assert said["logits"] == "digit"
    assert set(said["outputs"]) == {"maps", "tens", "digit"}
    assert said["classes"] == about["classes"]
    assert said["prepare"] == about["prepare"]
    for again in (build(as_stored(said), rng()), restore(as_stored(said), network.parameters())):
        assert describe(Network(**again)) == said
    x = rng().random((2, 30, 30, 1)).astype(np.float32)
    assert {name: array.shape for name, array in network.outputs(x).items()} == {
        "maps": (2, 28, 28, 2),
        "tens": (2, 10),
        "digit": (2, 2),
    }


def test_outputs_are_left_out_where_they_are_those_that_no_node_reads() -> None:
    head = [FLATTEN, {**LINEAR, "name": "one"}, {**LINEAR, "name": "other", "reads": ["0"]}]
    assert set(describe(Network(**build(layers(*head), rng())))) == {"input", "layers"}
    assert set(describe(Network(**build(layers(*head) | {"outputs": ["other", "one"]}, rng())))) == {"input", "layers"}
    assert describe(Network(**build(layers(*head) | {"outputs": ["other"]}, rng())))["outputs"] == ["other"]
    assert describe(Network(**build(layers(*head) | {"logits": "one"}, rng())))["logits"] == "one"


def test_what_a_node_reads_may_be_given_in_python_as_people_read_it() -> None:
    layers_of_it = [
        Conv2d.init(rng(), 1, 2, 1),
        ReLU(),
        Node("sum", Add(), ["conv1", "relu1"]),
        Flatten(),
        Linear.init(rng(), 1800, 3),
    ]
    assert describe(Network(layers_of_it))["layers"][2] == {"layer": "Add", "name": "sum", "reads": ["0", "1"]}
    assert "reads 'conv1'" in refusal_of(layers(ONE, RELU, {"layer": "Add", "reads": ["conv1", "0"]}))  # in a file, by its name


NO_NAME = [3, 2.5, True, None, [], {}, ["a"], {"a": 1}, HUGE]
NO_NAMES = [3, 2.5, True, None, [], {}, "input", [3], [None], [["input"]], ["input", 3], {"input": 1}, HUGE]


@pytest.mark.parametrize("value", NO_NAME, ids=lambda value: f"{value!r:.9}")
@pytest.mark.parametrize("key", ["name", "logits"])
def test_a_name_that_is_no_string_is_refused(key: str, value: object) -> None:
    description = layers(RELU, RELU | {"name": value} if key == "name" else RELU, FLATTEN, LINEAR)
    if (key, value) == ("logits", None):
        return  # null is as good as nothing
    assert key in refusal_of(description | ({"logits": value} if key == "logits" else {}))


@pytest.mark.parametrize("value", NO_NAMES, ids=lambda value: f"{value!r:.9}")
def test_names_that_are_no_list_of_strings_are_refused(value: object) -> None:
    assert "reads" in refusal_of(layers(RELU, RELU | {"reads": value}, FLATTEN, LINEAR))
    if value is not None:  # null is as good as nothing
        assert "outputs" in refusal_of(layers(RELU, FLATTEN, LINEAR) | {"outputs": value})
        assert "class" in refusal_of(layers(FLATTEN, LINEAR) | {"classes": value})


@pytest.mark.parametrize("name", ["", "input", "logits", "loss", "probability", "a b", "a[0]", "a=b", "a,b", "a\tb"])
def test_a_name_that_could_be_mistaken_for_something_else_is_refused(name: str) -> None:
    assert f"{name!r}" in refusal_of(layers(RELU | {"name": name}, FLATTEN, LINEAR))


ADD: dict[str, Any] = {"layer": "Add", "reads": ["0", "input"]}
NO_NUMBERS: list[object] = [
    None,
    True,
    "1",
    [],
    [True],
    ["1"],
    [[1.0]],
    {},
    float("nan"),
    float("inf"),
    [1.0, float("nan")],
    1e300,
]
NO_LAYOUT: list[object] = [None, 3, "HWC", [], {}, ["NHWC"]]


@pytest.mark.parametrize(
    ("description", "says"),
    [
        (layers(RELU, RELU | {"reads": ["nowhere"]}), ["node '1'", "'nowhere'", "input or one of 0, 1"]),
        (layers(RELU, ADD | {"reads": ["0", "relu1"]}), ["node '1'", "'relu1'", "input or one of 0, 1"]),
        (layers(RELU | {"name": "me", "reads": ["me"]}), ["cycle", "me reads me"]),
        (layers(RELU | {"name": "a", "reads": ["b"]}, RELU | {"name": "b"}), ["cycle", "a reads b reads a"]),
        (
            layers(*({**RELU, "name": f"n{k}", "reads": [f"n{(k + 1) % 500}"]} for k in range(500))),
            ["cycle", "n0 reads n1 reads n2"],
        ),
        (layers(RELU | {"name": "a"}, RELU | {"name": "a"}), ["two are named 'a'", "Rename"]),
        (layers(RELU, RELU | {"name": "0"}), ["two are named '0'", "Rename"]),
        (layers({"layer": "Residual", "block": [RELU | {"name": "a"}]}, RELU | {"name": "a"}), ["two are named 'a'"]),
        (layers({"layer": "Residual", "block": [RELU]}, RELU | {"name": "0.block.0"}), ["two are named '0.block.0'"]),
        (layers(RELU | {"reads": ["input", "input"]}), ["layer 0 (ReLU)", "one activation", "got input, input"]),
        (layers(RELU, {"layer": "Add"}), ["layer 1 (Add)", "two activations or more", "got 0"]),
        (layers(RELU, ADD | {"reads": ["0"]}), ["layer 1 (Add)", "two activations or more", "got 0"]),
        (layers(CONV, ADD), ["layer 1 (Add)", "one shape", "(28, 28, 2), (30, 30, 1)", "Try a padding"]),
        (
            layers(CONV, ADD | {"layer": "Multiply"}),
            ["layer 1 (Multiply)", "one shape", "(28, 28, 2), (30, 30, 1)", "1 x 1 Conv2d"],
        ),
        (layers(CONV, ADD | {"layer": "Concat"}), ["layer 1 (Concat)", "channels alone", "(28, 28, 2)", "(30, 30, 1)"]),
        (layers(FLATTEN, ADD | {"layer": "Concat"}), ["layer 1 (Concat)", "channels alone", "(900,)", "(30, 30, 1)"]),
        (layers(RELU, ADD | {"name": "sum", "axis": 1}), ["layer sum (Add)", "no settings", "'axis'"]),
        (layers({**CONV, "name": "stem", "kernel": 31}), ["layer stem (Conv2d)", "31 x 31"]),
        (
            layers({"layer": "Residual", "name": "res", "block": [CONV]}),
            ["layer res (Add)", "one shape", "(28, 28, 2), (30, 30, 1)", "Try a padding"],
        ),
        (
            layers({"layer": "Residual", "block": [RELU], "reads": ["input", "input"]}),
            ["layer 0 (Residual)", "one activation", "got input, input"],
        ),
        (layers(RELU, {"layer": "Residual", "block": [RELU, {"layer": "Maxout"}]}), ["layer 1.block.1: expected", "Maxout"]),
        (layers(RELU, FLATTEN, LINEAR) | {"logits": "nowhere"}, ["logits", "0, 1, 2", "'nowhere'"]),
        (layers(RELU, FLATTEN, LINEAR) | {"outputs": ["0", "nowhere"]}, ["outputs", "0, 1, 2", "'nowhere'"]),
        (layers(FLATTEN, LINEAR) | {"classes": ["a", "b"]}, ["class_names", "(10,)", "('a', 'b')"]),
        (layers(FLATTEN, LINEAR) | {"classes": ["a"] * 10}, ["class_names", "of its own"]),
        (layers(FLATTEN, LINEAR) | {"classes": ["", *"bcdefghij"]}, ["class_names", "printable"]),
        (layers(FLATTEN, LINEAR) | {"classes": ["a\nb", *"cdefghijk"]}, ["class_names", "printable"]),
        (layers(FLATTEN, LINEAR) | {"logits": "0", "classes": list("abcdefghij")}, ["class_names", "(900,)"]),
        (layers(RELU) | {"classes": ["a", "b"]}, ["class_names", "(30, 30, 1)"]),
        (layers(FLATTEN, LINEAR) | {"prepare": {"zoom": 2}}, ["prepare", "scale, shift, padding, layout", "zoom"]),
        (layers(FLATTEN, LINEAR) | {"names": []}, ["layers", "classes, logits, outputs, prepare", "names"]),
        *(
            (layers(FLATTEN, LINEAR) | {"prepare": value}, ["prepare", "scale, shift, padding, layout"])
            for value in (3, True, "x", [], [1], ["scale"])
        ),
        *((layers(FLATTEN, LINEAR) | {"prepare": {key: value}}, [key]) for key in ("scale", "shift") for value in NO_NUMBERS),
        *(
            (layers(FLATTEN, LINEAR) | {"prepare": {"padding": value}}, ["padding"])
            for value in (None, True, -1, 1.0, "1", [1], 1025, HUGE)
        ),
        *((layers(FLATTEN, LINEAR) | {"prepare": {"layout": value}}, ["layout"]) for value in NO_LAYOUT),
    ],
    ids=lambda value: f"{value!r:.60}",
)
def test_a_wrong_graph_is_refused_in_words(description: object, says: list[str]) -> None:
    message = refusal_of(description)
    for words in says:
        assert words in message


LONG = "x" * 10_000


@pytest.mark.parametrize(
    "description",
    [
        layers({**RELU, "name": "a\nb"}, FLATTEN, LINEAR),
        layers({**RELU, "name": "a\nb", "slope": 1}, FLATTEN, LINEAR),
        layers({**RELU, "name": "a\nb", "reads": ["c\nd"]}, {**RELU, "name": "c\nd", "reads": ["a\nb"]}),
        layers({"layer": "Residual", "name": "a\nb", "block": []}),
        layers({"layer": "Residual", "name": "a\nb", "block": [{"layer": "Maxout"}]}),
        layers({**RELU, "name": LONG, "slope": 1}),
        layers({"layer": "Residual", "name": LONG, "block": []}),
        layers({"layer": "Residual", "name": LONG, "block": [{"layer": "Maxout"}]}),
        layers({**RELU, "name": LONG}, {**RELU, "reads": ["nowhere"]}),
        layers(*({**RELU, "name": f"n{k}"} for k in range(500)), {**RELU, "reads": ["nowhere"]}),
        layers(*({**RELU, "name": f"n{k}"} for k in range(500))) | {"logits": "nowhere"},
        layers(*({**RELU, "name": f"n{k}"} for k in range(500))) | {"outputs": ["nowhere"]},
        layers({**RELU, "reads": ["input"] * 5000}),
        layers(RELU, {"layer": "Concat", "reads": ["input", *["flat"] * 5000]}, {**FLATTEN, "name": "flat", "reads": ["input"]}),
        layers(FLATTEN, LINEAR) | {"prepare": {"scale": HUGE}},
        layers(FLATTEN, LINEAR) | {"prepare": {"shift": [HUGE]}},
        layers(FLATTEN, LINEAR) | {"prepare": {LONG: 1}},
    ],
    ids=lambda value: f"{value!r:.60}",
)
def test_a_hostile_graph_is_refused_in_one_short_line(description: object) -> None:
    assert refusal_of(description)


@pytest.mark.parametrize("name", [LONG, "9" * 5000, "9" * 4000])
def test_a_name_of_many_letters_is_refused_or_works(name: str) -> None:
    classes, message = None, ""
    try:
        network = handmade.networks.described(layers({**RELU, "name": name}, FLATTEN, LINEAR), rng())
        classes = network.predict(np.zeros((1, 30, 30, 1), np.float32)).shape
    except HandmadeError as error:
        message = str(error)
    assert classes == (1,) or 0 < len(message) < 400


def test_arrays_of_another_graph_are_refused_by_their_names() -> None:
    said = describe(Network(**build(layers({**ONE, "name": "stem"}, RELU, FLATTEN, LINEAR), rng())))
    arrays = Network(**build(said, rng())).parameters()
    for wrong, words in (
        ({name: array for name, array in arrays.items() if name != "stem.b"}, ["layer stem (Conv2d)", "W, b", "got W"]),
        (arrays | {"stem.c": arrays["stem.b"]}, ["stem.W, stem.b", "stem.c"]),
        (arrays | {"0.W": arrays["stem.W"]}, ["stem.W, stem.b", "0.W"]),
        ({f"1.{name}": array for name, array in arrays.items()}, ["layer stem (Conv2d)", "W, b"]),
    ):
        with pytest.raises(HandmadeError) as caught:
            restore(said, wrong)
        assert "\n" not in str(caught.value)
        for word in words:
            assert word in str(caught.value)


def test_an_array_too_many_is_named_in_a_large_network_too() -> None:
    network = Network(**build(layers(*[ONE] * 15, FLATTEN, LINEAR), rng()))
    with pytest.raises(HandmadeError) as caught:
        restore(describe(network), network.parameters() | {"99.W": np.ones(3)})
    assert "99.W" in str(caught.value)


SETTINGS = ["input", "layers", "layer", "filters", "kernel", "window", "stride", "padding", "units", "block", "shortcut", "rate"]
REFERENCES = ["name", "reads", "logits", "outputs", "classes", "prepare", "scale", "shift", "layout"]


@given(
    description=st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-3, 40)
        | st.floats()
        | st.sampled_from(["Conv2d", "ReLU", "Residual", "Add", "Concat", "input", "0", "a", ""]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*SETTINGS, *REFERENCES]),
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
        layers(CONV, {"layer": "Add", "reads": ["0", "0"]} | description if isinstance(description, dict) else RELU),
        {**layers(FLATTEN, LINEAR), **description} if isinstance(description, dict) else layers(RELU),
    ):
        try:
            handmade.networks.described(candidate, rng())
        except HandmadeError as error:
            message = str(error)
        else:
            message = ""
        assert "\n" not in message
