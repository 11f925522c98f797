"""Receipts: every term is what it says, they add up to the last bit, and what they add up to is what the loops make."""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handmade
import zoo
from cases import CASES, INPUTS, Case, conv, conv_apart
from graph_layers import Halves, Shifted
from handmade import HandmadeError, Network
from handmade.engine import loops
from handmade.engine.arrays import Array, Shape
from handmade.engine.backend import use_backend
from handmade.engine.graph import Node
from handmade.engine.layers import (
    EVERY,
    GELU,
    Add,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    Linear,
    MaxPool2d,
    Multiply,
    ReLU,
    Sigmoid,
    Tanh,
    add_rules,
)
from handmade.engine.losses import CrossEntropy, Loss, MeanSquaredError
from handmade.engine.optim import Adam, AdamW, GradientDescent, Momentum, Nesterov, Optimiser, RMSProp
from handmade.engine.receipts.bounds import bound
from handmade.engine.receipts.places import activations
from handmade.engine.receipts.receipt import Receipt
from handmade.engine.residual import Residual
from handmade.engine.terms import Place, Term, total
from handmade.receipts import explain, explain_update, snippet, trace
from laws import exact
from strategies import seeds

OPERATIONS: dict[str, Callable[..., float]] = {  # once more, so that a slip in the engine's table is found
    "sum": lambda *parts: math.fsum(parts),
    "difference": lambda a, b: a - b,
    "product": lambda a, b: a * b,
    "quotient": lambda a, b: a / b,
    "negative": lambda a: -a,
    "absolute": math.fabs,
    "root": math.sqrt,
    "exp": math.exp,
    "expm1": math.expm1,
    "log": math.log,
    "log1p": math.log1p,
    "erfc": math.erfc,
    "tanh": math.tanh,
    "largest": lambda *parts: max(parts),
    "smallest": lambda *parts: min(parts),
    "same": lambda a: a,
}


def explained(layer: Any) -> Any:
    """The layer that tells how a number is made: a join itself, where it stands for one of the table."""
    return layer.join if isinstance(layer, Halves) else layer.layer if isinstance(layer, Shifted) else layer


EXPLAINED = {
    name: case
    for name, case in CASES.items()
    if type(explained(case.layer)).receipt is not Layer.receipt
    and not (isinstance(case.layer, BatchNorm2d) and case.layer.training)
}


# --- what every receipt has to be ---------------------------------------------------------------------------------------------


def check_arithmetic(tree: dict[str, Any]) -> None:
    """From plain data alone: every number is what its operation makes of its parts, to the last bit."""
    parts = tree.get("parts", [])
    if parts:
        assert OPERATIONS[tree["how"]](*(part["value"] for part in parts)) == tree["value"], tree["how"]
    else:
        assert tree["how"] in {"stored", "constant"}
    for part in parts:
        check_arithmetic(part)


def check_leaves(tree: Term, arrays: dict[str, Array]) -> None:
    """Every number that is said to stand somewhere does."""
    for leaf in tree.leaves():
        if leaf.place:
            assert leaf.value == arrays[leaf.place.name][leaf.place.index], leaf.place


def receipt_of(case: Case, x: Array, at: Shape) -> Term:
    """The tree of one number of a layer's output, for one image."""
    read = case.layer.split(x) if isinstance(case.layer, Halves) else x + shift_of(case)
    tree: Term = explained(case.layer).receipt(read, at)
    return tree


def inputs_of(case: Case, x: Array) -> dict[str, Array]:
    """Return all that the layer reads of one image, by the names of its receipt."""
    halves = isinstance(case.layer, Halves)
    return {f"input{k}": x_k for k, x_k in enumerate(case.layer.split(x))} if halves else {"input": x + shift_of(case)}


def shift_of(case: Case) -> Array:
    """Number that the layer adds to its input before it reads it."""
    return np.asarray(case.layer.shift if isinstance(case.layer, Shifted) else 0, np.float32)


def check_layer(case: Case, x: Array, at: Shape) -> None:
    """All of it, for one number of a layer's output."""
    tree = receipt_of(case, x[0], at)
    check_arithmetic(json.loads(json.dumps(tree.to_json())))
    check_leaves(tree, inputs_of(case, x[0]) | case.parameters | case.layer.statistics())
    with mpmath.workdps(60):
        wanted = case.twin(exact(x), {name: exact(array) for name, array in case.parameters.items()})[(0, *at)]
        allowed = bound(tree, np.float64)
        assert abs(tree.value - wanted) <= allowed
        assert allowed <= 1e-11
        assert abs(float(case.layer.forward(x)[(0, *at)]) - tree.value) <= allowed
    assert_read_once(tree, case)


def assert_read_once(tree: Term, case: Case) -> None:
    """A layer that adds up its weights reads each weight of the column once, the bias among them."""
    if isinstance(case.layer, Conv2d | Linear):
        read = [leaf.place for leaf in tree.leaves() if leaf.place and leaf.place.name in {"W", "b"}]
        assert len(read) == len(set(read)) == sum(array.size // array.shape[-1] for array in case.parameters.values())


def places(shape: Shape, rng: np.random.Generator, count: int) -> Iterator[Shape]:
    for _ in range(count):
        yield tuple(int(rng.integers(size)) for size in shape)


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("name", EXPLAINED)
def test_the_terms_of_every_layer_add_up_to_what_the_loops_make(name: str, kind: str) -> None:
    case, rng = EXPLAINED[name], np.random.default_rng(5)
    x = INPUTS[kind](rng, case.shape)

    for at in places(case.layer.output_shape(case.shape[1:]), rng, 3):
        check_layer(case, x, at)


@pytest.mark.parametrize("name", EXPLAINED)
def test_in_float32_the_rounding_is_told_and_stays_within_its_bound(name: str) -> None:
    case, rng = EXPLAINED[name].single(), np.random.default_rng(6)
    x = rng.standard_normal(case.shape).astype(np.float32)

    for at in places(case.layer.output_shape(case.shape[1:]), rng, 3):
        tree = receipt_of(case, x[0], at)
        assert abs(float(case.layer.forward(x)[(0, *at)]) - tree.value) <= bound(tree, np.float32)


# --- planted bugs -------------------------------------------------------------------------------------------------------------

PADDED = conv((2, 4, 5, 3), (3, 2), 4, (1, 2), (1, 1))
GROUPED = conv_apart((1, 5, 4, 6), (2, 2), 6, padding=(1, 1), dilation=(2, 1), groups=3)
POOLED = CASES["average, padded"]
ADDED, MULTIPLIED, BESIDE = (CASES[f"{join} three rows"] for join in ("add", "multiply", "concat"))


def without(pick: Callable[[Term], bool]) -> Callable[[Term], Term]:
    """A receipt that forgets the terms for which `pick` is true."""
    return lambda tree: total([part for part in tree.parts if not pick(part)])


def shifted(tree: Term) -> Term:
    """A receipt that takes the padding for the pixel at the edge."""
    return tree.mapped(lambda leaf: Term(0.5) if leaf.note == "padding" else leaf)


PLANTED: dict[str, tuple[Case, Callable[[Term], Term]]] = {
    "forgets the bias": (PADDED, without(lambda part: part.label == "bias")),
    "forgets a channel": (PADDED, without(lambda part: part.label == "channel 1")),
    "forgets the bias of a group": (GROUPED, without(lambda part: part.label == "bias")),
    "forgets that padding is zero": (PADDED, shifted),
    "forgets that padding is zero in groups": (GROUPED, shifted),
    "takes the channels of the first group": (
        GROUPED,
        lambda tree: tree.mapped(
            lambda leaf: (
                Term(leaf.value, "stored", place=type(leaf.place)("input", (*leaf.place.index[:2], leaf.place.index[2] % 2)))
                if leaf.place and leaf.place.name == "input"
                else leaf
            )
        ),
    ),
    "forgets an activation of a sum": (ADDED, without(lambda part: part.place is not None and part.place.name == "input2")),
    "adds up what is multiplied": (MULTIPLIED, lambda tree: total(list(tree.leaves()))),
    "reads another activation": (
        BESIDE,
        lambda tree: tree.mapped(lambda leaf: replace(leaf, place=Place("input0", leaf.place.index)) if leaf.place else leaf),
    ),
    "divides by the pixels inside": (POOLED, lambda tree: tree.parts[0] / (tree.parts[1].value - 2)),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case, wrong = PLANTED[bug]
    x = np.random.default_rng(7).standard_normal(case.shape)
    *first, channels = case.layer.output_shape(case.shape[1:])
    at = (*(0 for _ in first), channels - 1)
    check_layer(case, x, at)

    kind = type(explained(case.layer))
    right = kind.receipt
    monkeypatch.setattr(kind, "receipt", lambda self, x, at: wrong(right(self, x, at)))

    with pytest.raises(AssertionError):
        check_layer(case, x, at)


def test_wrong_arithmetic_is_found() -> None:
    tree = (Term(0.1) + Term(0.2)).to_json()
    check_arithmetic(tree)

    with pytest.raises(AssertionError):
        check_arithmetic(tree | {"value": 0.3})


# --- whole networks -----------------------------------------------------------------------------------------------------------


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """One or two convolutions with what may stand between them, and logits."""
    rng = np.random.default_rng(draw(seeds))
    shape = (draw(st.integers(4, 6)), draw(st.integers(6, 7)), draw(st.integers(1, 2)))
    layers: list[Any] = []
    now: Shape = shape

    def add(layer: Any) -> None:
        nonlocal now
        now = layer.output_shape(now)
        layers.append(layer)

    for _ in range(draw(st.integers(1, 2))):
        kernel, padding = draw(st.tuples(st.integers(1, 2), st.integers(1, 3))), draw(st.integers(0, 1))
        layer = Conv2d.init(rng, now[2], draw(st.integers(1, 3)), kernel, padding=padding, dtype=np.float64)
        add(layer.replace({"W": layer.W, "b": rng.standard_normal(layer.b.shape)}))
        add(draw(st.sampled_from([ReLU(), LeakyReLU(0.1), Sigmoid(), Tanh(), GELU()])))
    if draw(st.booleans()):
        size = rng.standard_normal((4, now[2]))
        add(BatchNorm2d(size[0], size[1], size[2], size[3] ** 2))
    if draw(st.booleans()):
        inner = Conv2d.init(rng, now[2], now[2], 3, padding=1, dtype=np.float64)
        shortcut: list[Layer] = [Dropout(0.5)] if draw(st.booleans()) else []
        layers.append(Residual([inner, ReLU()], shortcut))
    if draw(st.booleans()):
        before, join = str(len(layers) - 1), draw(st.sampled_from([Add(), Concat(), Multiply()]))
        layers += [Node("side", Tanh(), before), Node("joined", join, draw(st.permutations(["side", before])))]
        now = join.output_shape((now, now))
    add(draw(st.sampled_from([MaxPool2d((2, 1)), AvgPool2d((1, 2)), Dropout(0.2)])))
    add(draw(st.sampled_from([Flatten(), GlobalAvgPool2d()])))
    add(Linear.init(rng, now[0], 3, np.float64))
    return Network(layers, shape)


@st.composite
def places_of(draw: st.DrawFn, network: Network) -> str:
    i = draw(st.integers(0, len(network.layers) - 1))
    index = [draw(st.integers(0, size - 1)) for size in network.shapes[i + 1]]
    return f"{draw(st.sampled_from([network.names[i], network.nodes[i].name]))}[{','.join(map(str, index))}]"


@settings(max_examples=25)
@given(st.data())
def test_a_receipt_goes_down_to_the_pixels_and_every_number_is_the_networks(data: st.DataObject) -> None:
    network = data.draw(networks())
    image = np.random.default_rng(data.draw(seeds)).standard_normal(network.input_shape)
    at = data.draw(places_of(network))

    receipts = explain(network, image, at, depth=20, most=4).all()

    tape = dict(zip(("input", *network.names), network.forward(image[None]), strict=True))
    for receipt in receipts:
        if receipt.at.name in tape:
            assert receipt.value == tape[receipt.at.name][0][receipt.at.index]
        if receipt.total is None:
            assert receipt.kind == "pixel"
        else:
            assert receipt.rounding == receipt.value - receipt.total.value
            assert abs(receipt.rounding) <= receipt.bound <= 1e-11
            check_arithmetic(receipt.total.to_json())
            check_leaves(receipt.total, stored_in(network) | {leaf: tape[leaf][0] for leaf in tape})
            named = {leaf.place.name for leaf in receipt.total.leaves() if leaf.place}
            assert {each.at.name for each in receipt.inputs} == named & set(activations(network))


def stored_in(network: Network) -> dict[str, Array]:
    """Every array that a leaf may name, by the name that people read."""
    return {network.display_name(key): array for key, array in (network.parameters() | network.statistics()).items()}


def small(dtype: type = np.float64) -> tuple[Network, Array]:
    """Two convolutions and a residual block, on a small image."""
    rng = np.random.default_rng(0)
    residual = Residual([Conv2d.init(rng, 2, 2, 3, padding=1, dtype=dtype), Tanh()])
    conv1 = Conv2d.init(rng, 1, 2, (2, 3), padding=1, dtype=dtype)
    network = Network([conv1, ReLU(), residual, MaxPool2d(2), Flatten(), Linear.init(rng, 12, 4, dtype)], (6, 5, 1))
    biased = {name: array if name.endswith("W") else array + dtype(0.1) for name, array in network.parameters().items()}
    return network.replace(biased), rng.standard_normal((6, 5, 1)).astype(dtype)


def test_followed_all_the_way_the_leaves_are_pixels_and_weights_alone() -> None:
    network, image = small()

    receipts = explain(network, image, "logits[2]", depth=20, most=10**6).all()

    kinds = {receipt.kind for receipt in receipts}
    assert len(receipts) == len({receipt.at for receipt in receipts})
    assert kinds == {"pixel", "Conv2d", "ReLU", "Tanh", "Add", "MaxPool2d", "Flatten", "Linear"}
    reached = {str(receipt.at) for receipt in receipts}
    for receipt in receipts:
        for leaf in receipt.total.leaves() if receipt.total else ():
            assert leaf.place is None or str(leaf.place) in reached or leaf.place.name.endswith((".W", ".b"))
    assert {str(receipt.at) for receipt in receipts if receipt.kind == "pixel"} == {
        f"input[{i},{j},0]" for i in range(6) for j in range(5)
    }


def test_the_inputs_that_contribute_most_are_followed_first() -> None:
    network, image = small()
    receipt = explain(network, image, "linear1[1]", depth=2, most=3)
    layer = network.layers[-1]
    assert isinstance(layer, Linear)

    shares = np.abs(layer.W[:, 1] * network.forward(image[None])[-2][0])

    assert [each.at.index[0] for each in receipt.inputs] == np.argsort(-shares)[:3].tolist()
    for i, j, c in np.ndindex(3, 2, 2):
        pool = explain(network, image, f"pool1[{i},{j},{c}]", depth=2, most=1)
        assert pool.inputs[0].value == pool.value  # the winner


def test_depth_one_is_the_number_alone() -> None:
    assert explain(*small(), "linear1[1]").inputs == ()


def test_a_receipt_survives_json() -> None:
    receipt = explain(*small(np.float32), "d loss / d conv1.W[0,1,0,1]", label=2, by="difference")

    plain = receipt.to_json()

    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["at"] == "d loss / d conv1.W[0,1,0,1]"
    assert plain["value"] == receipt.value
    assert [step["layer"] for step in plain["story"]] == [step.layer for step in receipt.story]


def test_in_json_every_place_stands_once_and_inputs_are_named() -> None:
    top = explain(*small(), "logits[2]", depth=8, most=6)

    plain = json.loads(json.dumps(top.to_json()))

    told = [plain["at"], *(receipt["at"] for receipt in plain["receipts"])]
    assert len(told) == len(set(told))
    assert plain["inputs"] == [str(each.at) for each in top.inputs]
    named = {name for receipt in (plain, *plain["receipts"]) for name in receipt.get("inputs", [])}
    assert named == set(told) - {"logits[2]"}


def test_a_network_without_logits_has_receipts_but_no_loss() -> None:
    network, image = Network([small()[0].layers[0]], (6, 5, 1)), small()[1]

    assert explain(network, image, "conv1[1,1,1]").value == network.forward(image[None])[-1][0, 1, 1, 1]
    for at in ("loss", "logits[0]", "probability[0]"):
        with pytest.raises(HandmadeError, match=r"input, conv1, conv1\.W, conv1\.b"):
            explain(network, image, at)


# --- graphs -------------------------------------------------------------------------------------------------------------------


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def graph() -> tuple[Network, Array]:
    """Joins of every kind; `stem` is read four times, twice by one node; the logits are `head`, which is not the last node."""
    rng = rng_of(2)
    nodes = [
        Node("stem", Conv2d(rng.standard_normal((2, 2, 1, 2)), rng.standard_normal(2))),
        Node("square", Multiply(), ["stem", "stem"]),
        Node("curve", zoo.Squared(2), "stem"),
        Node("sum", Add(), ["curve", "square", "stem"]),
        Node("both", Concat(), ["sum", "curve"]),
        Node("row", Flatten(), "both"),
        Node("head", Linear(rng.standard_normal((24, 3)), rng.standard_normal(3)), "row"),
        Node("other", Tanh(), "sum"),
    ]
    return Network(nodes, (3, 4, 1), logits="head", outputs=["other", "head"]), rng.standard_normal((3, 4, 1))


@pytest.mark.parametrize("by", ["backprop", "difference", "definition"])
def test_gradients_in_a_graph_have_receipts_whatever_way_they_go(by: str) -> None:
    network, image = graph()
    _, gradients = handmade.gradients.backprop(network, image[None], np.array([1]))
    h = {"difference": 1e-30, "definition": 1e-6}.get(by, 1e-3)

    for key, array in gradients.items():
        for index in [*np.ndindex(array.shape)][:: max(1, array.size // 5)]:
            receipt = explain(network, image, f"d loss / d {key}{list(index)}", label=1, by=by, h=h)
            close = 1e-3 if by == "definition" else 1e-10
            assert receipt.value == pytest.approx(float(array[index]), rel=close, abs=close)
            assert receipt.total is not None
            check_arithmetic(receipt.total.to_json())
            assert abs(receipt.rounding) <= receipt.bound


@pytest.mark.parametrize("by", ["backprop", "difference", "definition"])
def test_a_weight_that_the_logits_are_not_made_of_has_a_gradient_of_zero(by: str) -> None:
    network, image = graph()
    aside = Network([*network.nodes, Node("aside", Linear(np.ones((24, 2)), np.ones(2)), "row")], (3, 4, 1), logits="head")

    receipt = explain(aside, image, "d loss / d aside.W[3,1]", label=1, by=by)

    assert receipt.value == 0
    assert receipt.total is not None
    check_arithmetic(receipt.total.to_json())


class Gain(Layer):
    """y = g x, with one number for all channels: an array without axes."""

    WEIGHTS = ("g",)

    def __init__(self, g: Array) -> None:
        self.g = g

    def forward(self, x: Array) -> Array:
        return self.g * x

    def delta(self, x: Array, dx: Array) -> Array:
        return self.g * dx

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return self.g * gy, {"g": np.sum(x * gy)}


@pytest.mark.parametrize("by", ["backprop", "difference", "definition"])
def test_a_weight_without_axes_has_a_receipt(by: str) -> None:
    rng = rng_of(3)
    network = Network([Gain(np.array(1.5)), Flatten(), Linear(rng.standard_normal((6, 3)), np.zeros(3))], (2, 3, 1))
    image = rng.standard_normal((2, 3, 1))
    _, gradients = handmade.gradients.backprop(network, image[None], np.array([1]))

    receipt = explain(network, image, "d loss / d gain1.g", label=1, by=by, h=1e-6)

    assert receipt.value == pytest.approx(float(gradients["0.g"]), rel=1e-4)
    assert receipt.total is not None
    check_arithmetic(receipt.total.to_json())


def test_a_join_is_explained_by_what_it_reads() -> None:
    network, image = graph()
    tape = {name: array[0] for name, array in network.tape(image[None]).items()}

    added = explain(network, image, "sum[1,2,1]")
    assert added.kind == "Add"
    assert added.total is not None
    assert added.total.label == "sum of its inputs"
    assert {str(leaf.place): leaf.value for leaf in added.total.leaves()} == {
        f"{name}[1,2,1]": tape[name][1, 2, 1] for name in ("curve", "square", "stem")
    }
    with pytest.raises(HandmadeError, match="curve: expected Squared to have a method receipt"):
        explain(network, image, "sum[1,2,1]", depth=2)


def test_of_two_branches_that_lie_side_by_side_the_right_one_is_read() -> None:
    network, image = graph()

    for c, at in enumerate(("sum[0,1,0]", "sum[0,1,1]", "curve[0,1,0]", "curve[0,1,1]")):
        receipt = explain(network, image, f"both[0,1,{c}]")
        assert receipt.kind == "Concat"
        assert receipt.total is not None
        assert [str(leaf.place) for leaf in receipt.total.leaves()] == [at]
        assert receipt.value == receipt.sum


def test_an_activation_that_is_read_twice_by_one_node_is_told_twice_and_followed_once() -> None:
    network, image = graph()

    receipt = explain(network, image, "square[1,0,1]", depth=2)

    assert receipt.total is not None
    assert [str(leaf.place) for leaf in receipt.total.leaves()] == ["stem[1,0,1]"] * 2
    assert [str(each.at) for each in receipt.inputs] == ["stem[1,0,1]"]
    assert receipt.value == receipt.inputs[0].value ** 2


def test_the_logits_are_those_of_their_node_wherever_it_stands() -> None:
    network, image = graph()

    logits = [explain(network, image, f"logits[{k}]").value for k in range(3)]

    np.testing.assert_array_equal(logits, network.outputs(image[None])["head"][0])
    assert [explain(network, image, f"head[{k}]").value for k in range(3)] == logits
    with pytest.raises(HandmadeError, match="number 0 to 2"):
        explain(network, image, "logits[3]")


def test_a_trace_in_a_graph_goes_every_way_and_leaves_the_rest_alone() -> None:
    network, image = graph()
    before = network.tape(image[None])
    above = {"curve", "sum", "both", "row", "head", "other"}
    for key, index, reached in (
        ("stem.b", 1, {*above, "stem", "square"}),
        ("curve.W", 0, above),
    ):
        array = network.parameters()[key].copy()
        array[index] += 0.25
        after = network.replace({key: array}).tape(image[None])

        traced = trace(network, image, f"{key}[{index}]=0.25", label=2)

        assert set(traced.differences) == reached
        for name, dx in traced.differences.items():
            np.testing.assert_allclose(dx, (after[name] - before[name])[0], rtol=1e-10, atol=1e-12)
        losses = [CrossEntropy().forward(tape["head"], np.array([2]))[0] for tape in (before, after)]
        assert traced.dL == pytest.approx(losses[1] - losses[0], rel=1e-9)
    aside = trace(network, image, "other[0,0,0]=1", label=2)
    assert list(aside.differences) == ["other"]
    assert aside.dL == 0


def test_a_raw_digit_is_prepared() -> None:
    network = handmade.networks.readme(np.random.default_rng(0))
    raw = handmade.data.mnist().test.images[7]
    prepared = handmade.data.prepare(raw[None])[0]

    for image in (raw, raw[..., 0], prepared):
        assert explain(network, image, "conv2[12,10,3]") == explain(network, prepared, "conv2[12,10,3]")


def test_ties_and_padding_and_kinks_are_said_as_such() -> None:
    zeros = np.zeros((4, 4, 1))
    pool = MaxPool2d((3, 3), 1, 1).receipt(zeros, (0, 0, 0))
    assert "a tie of 4" in pool.note
    assert "5 places of the padding" in pool.note
    assert [part.note for part in pool.parts] == ["tie"] * 4
    kernel = Conv2d(np.ones((3, 3, 1, 1)), np.zeros(1), padding=1).receipt(zeros, (0, 0, 0))
    assert sum(leaf.note == "padding" for leaf in kernel.leaves()) == 5
    for layer in (ReLU(), LeakyReLU()):
        notes = [layer.receipt(np.array([x]), (0,)).note for x in (-1.0, 0.0, 1.0)]
        assert "below" in notes[0]
        assert "kink" in notes[1]
        assert "above" in notes[2]


@pytest.mark.parametrize("pool", [MaxPool2d, AvgPool2d])
@pytest.mark.parametrize(
    ("window", "stride", "padding", "shape"),
    [
        (1, 1, 0, (3, 2, 1)),  # every window is one pixel
        ((1, 1), (2, 3), 0, (3, 4, 2)),
        (2, 2, 1, (3, 3, 1)),  # the corners see one pixel
        (2, 1, 1, (1, 1, 1)),  # all windows see the same one
        (3, 2, 1, (1, 1, 2)),
        ((1, 2), 1, (0, 1), (2, 3, 1)),  # one pixel at the edges to the left and right
        ((2, 1), None, (1, 0), (1, 3, 1)),
    ],
)
def test_a_window_that_sees_one_pixel_is_explained(
    pool: type[MaxPool2d | AvgPool2d], window: Any, stride: Any, padding: Any, shape: Shape
) -> None:
    layer, rng = pool(window, stride, padding), rng_of(7)
    network = Network([layer, Flatten(), Linear.init(rng, math.prod(layer.output_shape(shape)), 3, np.float64)], shape)
    image = rng.standard_normal(shape)

    for at in np.ndindex(network.shapes[1]):
        receipt = explain(network, image, f"{network.names[0]}[{','.join(map(str, at))}]", depth=2)
        printed: list[float] = []
        exec(snippet(receipt), {"print": printed.append})  # the lines that `handmade explain --numpy` prints

        assert receipt.total is not None
        check_arithmetic(json.loads(json.dumps(receipt.total.to_json())))
        assert abs(receipt.value - receipt.sum) <= receipt.bound
        assert printed == [pytest.approx(receipt.sum, rel=1e-15)]
    traced = trace(network, image, "input[0,0,0]=5", label=1)
    moved = image.copy()
    moved[0, 0, 0] += 5
    losses = [CrossEntropy().forward(network.logits(each[None]), np.array([1]))[0] for each in (image, moved)]
    assert traced.dL == pytest.approx(losses[1] - losses[0], rel=1e-12, abs=1e-15)


def test_the_rest_of_a_long_sum_is_folded_but_there() -> None:
    layer = Linear(np.arange(40.0).reshape(40, 1), np.ones(1))

    tree = layer.receipt(np.ones(40), (0,))

    *largest, rest, bias = tree.parts
    assert [term.value for term in largest] == [39.0, 38.0, 37.0, 36.0, 35.0, 34.0, 33.0, 32.0, 31.0, 30.0]
    assert rest.folded
    assert len(rest.parts) == 30
    assert bias.value == 1


# --- losses -------------------------------------------------------------------------------------------------------------------

LOSSES: list[Loss] = [CrossEntropy(), CrossEntropy(0.1), MeanSquaredError()]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_loss_is_made_step_by_step(loss: Loss) -> None:
    network, image = small()
    receipt = explain(network, image, "loss", label=1, loss=loss)

    assert receipt.total is not None
    check_arithmetic(receipt.total.to_json())
    z = network.logits(image[None])
    check_leaves(receipt.total, {"logits": z[0]})
    assert receipt.value == loss.forward(z, np.array([1]))[0]
    assert abs(receipt.rounding) <= receipt.bound <= 1e-13


def test_cross_entropy_and_probabilities_are_those_of_the_loops() -> None:
    network, image = small()
    z = network.logits(image[None])

    for k in range(4):
        with mpmath.workdps(60):
            wanted = loops.cross_entropy(exact(z), np.array([k]), exp=mpmath.exp, log=mpmath.log)[0]
            receipt = explain(network, image, "loss", label=k)
            assert abs(receipt.sum - wanted) <= receipt.bound
            probability = explain(network, image, f"probability[{k}]")
            assert abs(probability.sum - mpmath.exp(-wanted)) <= probability.bound <= 1e-13
            assert abs(probability.rounding) <= probability.bound


def test_probabilities_add_up_to_one() -> None:
    network, image = small()

    assert math.fsum(explain(network, image, f"probability[{k}]").sum for k in range(4)) == pytest.approx(1, abs=1e-15)


# --- gradients ----------------------------------------------------------------------------------------------------------------

GRADIENTS: dict[str, Callable[..., tuple[float, dict[str, Array]]]] = {
    "definition": lambda *batch: handmade.gradients.definition(*batch, h=1e-4),
    "difference": lambda *batch: handmade.gradients.difference(*batch, h=1e-4),
    "backprop": handmade.gradients.backprop,
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("by", GRADIENTS)
def test_the_receipt_of_a_gradient_is_that_gradient(by: str, dtype: type) -> None:
    network, image = small(dtype)
    _, gradients = GRADIENTS[by](network, image[None], np.array([2]))

    for key, array in gradients.items():
        for index in places(array.shape, np.random.default_rng(3), 2):
            receipt = explain(network, image, f"d loss / d {key}{list(index)}", label=2, by=by, h=1e-4)
            assert receipt.total is not None
            check_arithmetic(receipt.total.to_json())
            close = 1e-12 if dtype is np.float64 else 1e-4
            assert receipt.value == pytest.approx(float(array[index]), rel=close, abs=close / 100)
            assert abs(receipt.rounding) <= receipt.bound
            assert receipt.kind == by


@pytest.mark.parametrize("layer", [PADDED.layer, GROUPED.layer, CASES["conv, dilation 1 x 2, stride 2 x 1, padding 0 x 1"].layer])
def test_what_a_weight_of_a_convolution_reads_stands_where_the_receipt_says(layer: Conv2d) -> None:
    rng = np.random.default_rng(8)
    shape = (5, 4, layer.channels)
    outputs = math.prod(layer.output_shape(shape))
    network = Network([layer, Flatten(), Linear.init(rng, outputs, 3, np.float64)], shape)
    image = rng.standard_normal(shape)
    _, gradients = handmade.gradients.backprop(network, image[None], np.array([0]))

    for index in places(layer.W.shape, rng, 6):
        receipt = explain(network, image, f"d loss / d conv1.W{list(index)}", label=0)
        assert receipt.total is not None
        check_leaves(receipt.total, {"input": image, "d loss / d conv1": upstream(network, image)})
        assert receipt.value == pytest.approx(gradients["0.W"][index], rel=1e-13)


def upstream(network: Network, image: Array) -> Array:
    """The gradient with respect to what the first layer puts out."""
    *tape, z = network.forward(image[None])
    g = CrossEntropy().backward(z, np.array([0]))
    for layer, x in reversed(list(zip(network.layers, tape, strict=True))[1:]):
        g, _ = layer.backward(x, g)
    first: Array = g[0]
    return first


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("h", [1e-30, 1e-3, 2.0])
def test_the_difference_of_the_loss_is_made_of_those_of_the_logits(loss: Loss, h: float) -> None:
    network, image = small()
    at = "residual1.block.conv1.W[1,1,0,1]"
    _, gradients = handmade.gradients.difference(network, image[None], np.array([2]), h=h, loss=loss)
    receipt = explain(network, image, f"d loss / d {at}", label=2, by="difference", h=h, loss=loss)
    traced = trace(network, image, f"{at}={h!r}", label=2, loss=loss)

    assert receipt.total is not None
    check_arithmetic(receipt.total.to_json())
    assert receipt.sum == pytest.approx(float(gradients["2.block.0.W"][1, 1, 0, 1]), rel=1e-12)
    assert abs(receipt.rounding) <= receipt.bound <= 1e-13
    check_leaves(receipt.total, {"logits": traced.activations["linear1"], "d logits": traced.differences["linear1"]})


def test_the_definition_tells_how_many_digits_the_subtraction_costs() -> None:
    network, image = small()

    def note(h: float) -> str:
        receipt = explain(network, image, "d loss / d linear1.b[0]", label=0, by="definition", h=h)
        assert receipt.total is not None
        return receipt.total.note

    lost = [float(note(10.0**-k).split()[0]) for k in (2, 5, 8)]
    assert lost[1] - lost[0] == pytest.approx(3, abs=0.1)
    assert lost[2] - lost[1] == pytest.approx(3, abs=0.1)
    assert note(1e-30) == "all 16 digits are lost: the nudge is not visible"


# --- traces -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["conv1.W[1,2,0,1]", "residual1.block.conv1.W[0,1,1,0]", "linear1.b[2]", "2.block.0.b[1]"])
def test_a_trace_has_the_difference_of_every_layer(at: str) -> None:
    network, image = small()
    traced = trace(network, image, f"{at}=+0.25", label=1)
    key = next(key for key in network.parameters() if network.display_name(key) == traced.at.name)
    array = network.parameters()[key].copy()
    assert traced.before == array[traced.at.index]
    array[traced.at.index] += 0.25
    moved = network.replace({key: array})

    before, after = network.forward(image[None]), moved.forward(image[None])
    for name, x, nudged in zip(("input", *network.names), before, after, strict=True):
        if name in traced.differences:
            np.testing.assert_allclose(traced.differences[name], (nudged - x)[0], rtol=1e-12, atol=1e-14)
        else:
            assert (nudged == x).all()
    losses = [CrossEntropy().forward(tape[-1], np.array([1]))[0] for tape in (before, after)]
    assert traced.loss == losses[0]
    assert traced.dL == pytest.approx(losses[1] - losses[0], rel=1e-10)


@pytest.mark.parametrize("at", ["input[3,2,0]", "relu1[0,0,1]", "residual1[2,3,0]", "logits[1]"])
def test_a_pixel_or_an_activation_can_be_nudged_too(at: str) -> None:
    network, image = small()
    with use_backend("plain"):  # below, layer after layer by its own forward pass
        traced, before = trace(network, image, f"{at} = -0.5", label=1), network.tape(image[None])
    start = {"logits": "linear1"}.get(traced.at.name, traced.at.name)
    own = {network.titles.get(name, name): name for name in network.shape_of}
    after = before | {own[start]: before[own[start]].copy()}
    after[own[start]][(0, *traced.at.index)] -= 0.5
    for node in network.nodes:
        if node.name != own[start]:
            after[node.name] = node.layer.forward(node.inputs(after))

    for title, name in own.items():
        if title in traced.differences:
            moved = traced.activations[title] + traced.differences[title]
            np.testing.assert_allclose(moved, after[name][0], rtol=1e-12, atol=1e-14)
        else:
            assert (after[name] == before[name]).all()
    assert traced.steps[0].layer == start
    assert traced.steps[0].moved == 1


def test_the_steps_of_a_trace_count_what_moved_and_name_the_largest() -> None:
    traced = trace(*small(), "conv1.b[1]=0.1")

    assert [step.layer for step in traced.steps] == list(traced.differences)
    for step in traced.steps:
        d = traced.differences[step.layer]
        assert step.moved == np.count_nonzero(d)
        assert step.numbers == d.size
        assert step.at is not None
        assert abs(step.largest) == np.abs(d).max()
        assert d[step.at.index] == step.largest
    assert traced.steps[0].moved == traced.steps[0].numbers / 2
    assert traced.dL is None


def test_a_nudge_that_reaches_nothing_is_said_to_move_nothing() -> None:
    network, image = small()
    dead = network.replace({"5.W": np.zeros((12, 4))})

    last = trace(dead, image, "conv1.W[0,0,0,0]=1").steps[-1]

    assert (last.moved, last.largest, last.at) == (0, 0, None)


# --- updates ------------------------------------------------------------------------------------------------------------------

OPTIMISERS: list[Optimiser] = [GradientDescent(), Momentum(), Nesterov(), RMSProp(), Adam(), AdamW()]
LETTERS = {"GradientDescent": [], "Momentum": ["v"], "Nesterov": ["v"], "RMSProp": ["v"], "Adam": ["m", "v"], "AdamW": ["m", "v"]}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=lambda optimiser: type(optimiser).__name__)
def test_the_receipt_of_an_update_is_what_the_optimiser_does(optimiser: Optimiser, dtype: type) -> None:
    network, image = small(dtype)
    weights, state = network.parameters(), optimiser.start(network.parameters())
    for label in (0, 1, 2):
        _, gradients = handmade.gradients.backprop(network.replace(weights), image[None], np.array([label]))
        moved, remembered = optimiser.step(weights, gradients, state, 0.5)
        receipt = explain_update(
            network.replace(weights), gradients, "conv1.W[1,0,0,1]", optimiser=optimiser, state=state, scale=0.5
        )
        assert receipt.total is not None
        assert receipt.value == moved["0.W"][1, 0, 0, 1]
        letters = [each.at.name.partition("/")[0] for each in receipt.inputs]
        assert letters == LETTERS[type(optimiser).__name__]
        for each, letter in zip(receipt.inputs, letters, strict=True):
            assert each.value == remembered[f"{letter}/0.W"][1, 0, 0, 1]
            assert each.total in list(subterms(receipt.total))
        held = {"conv1.W": weights["0.W"], "d loss / d conv1.W": gradients["0.W"]}
        held |= {name.replace("0.W", "conv1.W"): array for name, array in state.items()}
        for each in (receipt, *receipt.inputs):
            assert each.total is not None
            check_arithmetic(each.total.to_json())
            check_leaves(each.total, held)
            assert abs(each.rounding) <= each.bound
            assert dtype is np.float32 or each.rounding == 0
        weights, state = moved, remembered


def subterms(tree: Term) -> Iterator[Term]:
    yield tree
    for part in tree.parts:
        yield from subterms(part)


# --- lines of NumPy -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_lines_of_numpy_print_the_number(dtype: type) -> None:
    network, image = small(dtype)
    receipts = [
        explain(network, image, at, label=1)
        for at in (
            *("conv1[1,1,1]", "relu1[1,1,1]", "residual1[2,2,1]", "residual1.block.tanh1[0,0,1]", "pool1[1,1,0]", "flatten1[4]"),
            *("logits[3]", "probability[3]", "loss", "input[2,2,0]", "conv1.b[1]", "d loss / d conv1.W[0,0,0,1]"),
            "d loss / d conv1.b[1]",
        )
    ]
    receipts += [explain(network, image, "loss", label=1, loss=loss) for loss in LOSSES]
    receipts += [explain(network, image, "d loss / d 0.W[1,1,0,1]", label=1, by=by) for by in ("difference", "definition")]
    _, gradients = handmade.gradients.backprop(network, image[None], np.array([1]))
    receipts += [explain_update(network, gradients, "conv1.W[1,1,0,1]", optimiser=optimiser) for optimiser in OPTIMISERS]
    for case in EXPLAINED.values():
        x = np.random.default_rng(9).standard_normal(case.shape)[0]
        at = tuple(size - 1 for size in case.layer.output_shape(case.shape[1:]))
        tree = receipt_of(case, x, at)
        receipts.append(Receipt(explain(network, image, "loss", label=1).at, "layer", tree.value, tree, bound(tree, np.float64)))

    program = "\n".join(snippet(receipt) for receipt in receipts)
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)

    printed = [float(line) for line in done.stdout.splitlines()]
    assert len(printed) == len(receipts)
    for number, receipt in zip(printed, receipts, strict=True):
        assert abs(number - receipt.sum) <= max(receipt.bound, 1e-14), receipt.at


def test_the_lines_of_numpy_run_whatever_the_nodes_are_called() -> None:
    rng = rng_of(4)
    names = ["class", "7up", "np", "lambda", "é-1/x²"]
    layer = Conv2d(rng.standard_normal((3, 3, 1, 1)), np.zeros(1), 1, 1)
    nodes = [Node(name, layer, before) for name, before in zip(names, ["input", *names], strict=False)]
    nodes.append(Node("row", Flatten(), names[-1]))
    network = Network([*nodes, Linear(rng.standard_normal((4, 2)), np.zeros(2))], (2, 2, 1))
    image = rng.uniform(0.5, 1.0, (2, 2, 1))

    receipts = [explain(network, image, f"{node.name}[{'0' if node.name == 'row' else '0,0,0'}]") for node in nodes]
    program = "\n".join(map(snippet, [*receipts, explain(network, image, "logits[1]")]))
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)

    assert [float(line) for line in done.stdout.splitlines()][:-1] == pytest.approx([receipt.value for receipt in receipts])


def test_many_equal_terms_are_counted_not_lost() -> None:
    tree = total([Term(0.25), Term(0.25), Term(0.25), Term(0.25), Term(1.0) * Term(2.0)])
    receipt = Receipt(explain(*small(), "loss", label=1).at, "layer", tree.value, tree)

    done = subprocess.run([sys.executable, "-c", snippet(receipt)], capture_output=True, text=True, check=True)

    assert float(done.stdout) == 3


def test_the_lines_of_numpy_are_few() -> None:
    network = handmade.networks.readme(np.random.default_rng(0))
    receipt = explain(network, handmade.data.mnist().test.images[7], "logits[3]")

    assert len(snippet(receipt).splitlines()) <= 20


# --- errors -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("conv9[0,0,0]", ["conv9", "input, conv1, relu1, residual1.block.conv1", "logits", "probability", "loss", "linear1.b"]),
        ("conv1[7,0,0]", ["row 0 to 6", "column 0 to 4", "channel 0 to 1", "conv1[7,0,0]"]),
        ("conv1[0,0]", ["row 0 to 6"]),
        ("conv1", ["row 0 to 6"]),
        ("conv1[-1,0,0]", ["such as"]),
        ("conv1.W[0,0,0]", ["filter 0 to 1"]),
        ("logits[4]", ["number 0 to 3"]),
        ("probability[4]", ["number 0 to 3"]),
        ("loss[0]", ["one number"]),
        ("9[0,0,0]", ["got '9'"]),
        ("", ["such as"]),
        ("conv1[0,0,0] + 1", ["such as"]),
        (f"conv1[{10**30},0,0]", ["row 0 to 6"]),
        ("d loss / d probability[0]", ["a weight", "conv1.W"]),
        ("d loss / d loss", ["a weight"]),
    ],
)
def test_an_impossible_place_is_refused_with_what_is_possible(at: str, said: list[str]) -> None:
    with pytest.raises(HandmadeError) as error:
        explain(*small(), at, label=0)

    assert "\n" not in str(error.value)
    for words in said:
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"at": "loss"}, "label=0"),
        ({"at": "d loss / d conv1.W[0,0,0,0]", "by": "difference"}, "label=0"),
        ({"at": "loss", "label": 4}, "0 to 3"),
        ({"at": "loss", "label": -1}, "0 to 3"),
        ({"at": "loss", "label": 1.5}, "0 to 3"),
        ({"at": "loss", "label": 1, "depth": 0}, "depth"),
        ({"at": "loss", "label": 1, "most": 0}, "most"),
        ({"at": "loss", "label": 1, "depth": True}, "depth"),
        ({"at": "loss", "label": 1, "by": "magic"}, "backprop, difference, definition"),
        ({"at": "d loss / d conv1.b[0]", "label": 1, "by": "definition", "h": 0.0}, "h: expected a finite number above 0"),
        ({"at": "d loss / d conv1.b[0]", "label": 1, "by": "difference", "h": math.nan}, "h: expected a finite number above 0"),
    ],
)
def test_impossible_wishes_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(HandmadeError, match=said):
        explain(*small(), **arguments)


@pytest.mark.parametrize("image", [np.zeros((1, 6, 5, 1)), np.zeros((5, 6, 1)), np.zeros((6, 5, 1), int), [[0.0]]])
def test_an_image_that_does_not_fit_is_refused(image: Any) -> None:
    with pytest.raises(HandmadeError, match="expected"):
        explain(small()[0], image, "conv1[0,0,0]")


def test_numbers_that_are_not_finite_have_no_receipt() -> None:
    network, image = small()
    image[0, 0, 0] = np.inf
    with pytest.raises(HandmadeError, match="input holds NaN or infinity"):
        explain(network, image, "conv1[0,0,0]")

    network, image = small()
    huge = network.replace({"0.W": network.parameters()["0.W"] * 1e300, "5.W": network.parameters()["5.W"] * 1e300})
    with pytest.raises(HandmadeError, match="linear1 holds NaN or infinity"):
        explain(huge, image, "conv1[0,0,0]")


def test_a_layer_or_a_loss_without_receipts_is_refused_by_name() -> None:
    class Doubling(Layer):
        def forward(self, x: Array) -> Array:
            return 2 * x

        def delta(self, x: Array, dx: Array) -> Array:
            return 2 * dx

    network, image = small()
    strange = Network([network.layers[0], Doubling(), Flatten(), Linear.init(rng_of(1), 70, 4, np.float64)], network.input_shape)
    with pytest.raises(HandmadeError, match="doubling1: expected Doubling to have a method receipt; it has none"):
        explain(strange, image, "doubling1[0,0,0]")
    assert explain(strange, image, "flatten1[1]").value == explain(strange, image, "conv1[0,0,1]").value * 2

    with pytest.raises(HandmadeError, match="Forward has none"):
        explain(network, image, "loss", label=0, loss=Forward())


def test_the_receipts_of_a_loss_are_not_inherited_and_can_be_added() -> None:
    class Doubled(CrossEntropy):
        def forward(self, z: Array, y: Array) -> Array:
            return 2 * super().forward(z, y)

        def delta(self, z: Array, dz: Array, y: Array, channel: slice = EVERY) -> Array:
            return 2 * super().delta(z, dz, y, channel)

        def backward(self, z: Array, y: Array) -> Array:
            return 2 * super().backward(z, y)

    network, image = small()
    wishes: dict[str, Any] = {"label": 1, "loss": Doubled()}
    with pytest.raises(
        HandmadeError, match=r"loss: expected one with a receipt in the registry; Doubled has none\. Try CrossEntropy"
    ):
        explain(network, image, "loss", **wishes)
    quotient = explain(network, image, "d loss / d conv1.b[0]", by="difference", **wishes)  # dL is then a stored number
    assert quotient.value == pytest.approx(2 * explain(network, image, "d loss / d conv1.b[0]", by="difference", label=1).value)
    assert quotient.total is not None
    assert [leaf.label for leaf in quotient.total.leaves()] == ["dL", "h"]

    add_rules(
        Doubled,
        receipt=lambda loss, z, y: Term(2.0) * CrossEntropy.receipt(loss, z, y),
        delta_receipt=lambda loss, z, dz, y: Term(2.0) * CrossEntropy.delta_receipt(loss, z, dz, y),
    )

    for at, by in (("loss", "backprop"), ("d loss / d conv1.b[0]", "difference")):
        receipt = explain(network, image, at, by=by, **wishes)
        assert receipt.total is not None
        assert len(list(receipt.total.leaves())) > 2
        assert abs(receipt.rounding) <= receipt.bound <= 1e-13


class Forward:
    def forward(self, z: Array, y: Array) -> Array:
        return CrossEntropy().forward(z, y)

    def delta(self, z: Array, dz: Array, y: Array, channel: slice = EVERY) -> Array:
        return CrossEntropy().delta(z, dz, y, channel)

    def backward(self, z: Array, y: Array) -> Array:
        return CrossEntropy().backward(z, y)


@pytest.mark.parametrize(
    "nudge", ["conv1.W[0,0,0,0]", "conv1.W[0,0,0,0]=", "conv1.W[0,0,0,0]=0", "conv1.W[0,0,0,0]=nan", "=1", ""]
)
def test_a_nudge_that_is_none_is_refused(nudge: str) -> None:
    with pytest.raises(HandmadeError, match="such as"):
        trace(*small(), nudge)


def test_what_cannot_be_nudged_is_refused() -> None:
    with pytest.raises(HandmadeError, match="got loss"):
        trace(*small(), "loss=1")


def test_a_real_minus_sign_is_read_too() -> None:
    assert trace(*small(), "conv1.b[0]=\N{MINUS SIGN}0.5").step == -0.5


def test_an_update_wants_gradients_and_state_of_this_network() -> None:
    network, image = small()
    _, gradients = handmade.gradients.backprop(network, image[None], np.array([1]))

    wrong: list[tuple[dict[str, Any], str]] = [
        ({"gradients": {}}, "gradients: expected '0.W'"),
        ({"gradients": gradients | {"0.W": np.zeros(3)}}, "gradients: expected '0.W'"),
        ({"at": "relu1[0,0,0]"}, "a weight of"),
        ({"state": {}}, "state: expected"),
        ({"state": Adam().start(gradients) | {"m/0.W": np.zeros(2)}}, "state: expected 'm/0.W'"),
    ]
    for arguments, said in wrong:
        wishes: dict[str, Any] = {"gradients": gradients, "at": "conv1.W[0,0,0,0]", "optimiser": Adam()} | arguments
        with pytest.raises(HandmadeError, match=said):
            explain_update(network, **wishes)
