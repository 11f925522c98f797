"""Networks as graphs: branches, joins and shared activations give the same numbers by every way; what is no graph is refused."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import handmade
from handmade import (
    Add,
    BatchNorm2d,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    HandmadeError,
    Linear,
    MaxPool2d,
    Multiply,
    Node,
    Preparation,
    ReLU,
    Residual,
)
from handmade.data import prepare_for
from handmade.engine.arrays import Array, Shape
from handmade.engine.backend import BACKENDS, use_backend
from handmade.engine.check import check
from handmade.engine.description import build, describe, restore
from handmade.engine.gradients import backprop, definition, difference, input_gradient
from handmade.engine.layers import EVERY, KINDS, Difference, Layer, one_channel, to_dense
from handmade.engine.layers.propagate import _join_in_full
from handmade.engine.network import Network
from random_graphs import batch, random_graph


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def largest(arrays: dict[str, Array]) -> float:
    return max(float(np.abs(array).max()) for array in arrays.values())


# --- random graphs ------------------------------------------------------------------------------------------------------------


def check_gradients(seed: int, *, every: bool = False) -> None:
    """Differences are the definition, their limit is backpropagation, and a large step to both sides is right, too."""
    network, (x, y) = random_graph(seed, 6, every=every), batch(seed)

    L, quotients = difference(network, x, y, h=1e-3)
    base, wanted = definition(network, x, y, h=1e-3)
    _, limit = difference(network, x, y, h=1e-30)
    _, derivative = backprop(network, x, y)
    _, far = difference(network, x, y, h=0.3, scheme="central")
    _, wanted_far = definition(network, x, y, h=0.3, scheme="central")

    assert pytest.approx(base, rel=1e-13) == L
    assert list(quotients) == list(derivative) == list(network.parameters())
    for name, array in wanted.items():
        # the definition subtracts two losses of order 1, each right to some 10 eps: 2e-15 / h
        np.testing.assert_allclose(quotients[name], array, rtol=0, atol=1e-10 * max(1.0, largest(wanted)))
        np.testing.assert_allclose(limit[name], derivative[name], rtol=0, atol=1e-11 * largest(derivative))
        np.testing.assert_allclose(far[name], wanted_far[name], rtol=0, atol=1e-12 * max(1.0, largest(wanted_far)))


@pytest.mark.parametrize("seed", [*range(10), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(10, 20))])
@pytest.mark.usefixtures("backend")
def test_a_random_graph_has_the_gradient_of_its_definition(seed: int) -> None:
    check_gradients(seed)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.usefixtures("backend")
def test_a_random_graph_of_every_kind_of_layer_has_the_gradient_of_its_definition(seed: int) -> None:
    check_gradients(seed, every=True)


def test_random_graphs_have_layers_of_every_kind() -> None:
    drawn = {node.layer.kind for seed in range(60) for node in random_graph(seed, every=True).nodes}
    assert drawn == set(KINDS)


@pytest.mark.long
@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("seed", range(10, 300))
def test_many_random_graphs_of_every_kind_of_layer_have_the_gradients_of_their_definitions(seed: int, name: str) -> None:
    with use_backend(name):
        check_gradients(seed, every=True)


@pytest.mark.long
@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("seed", range(20, 300))
def test_many_random_graphs_have_the_gradients_of_their_definitions(seed: int, name: str) -> None:
    with use_backend(name):
        check_gradients(seed)


@pytest.mark.parametrize("seed", range(12))
def test_the_gradient_of_the_pixels_is_that_of_each_pixel(seed: int) -> None:
    network, (x, y) = random_graph(seed), batch(seed)
    _, gx = input_gradient(network, x, y)
    for at in [(0, 1, 2, 0), (1, 4, 0, 1), (2, 0, 5, 1)]:
        moved = [x.copy(), x.copy()]
        moved[0][at] += 1e-6
        moved[1][at] -= 1e-6
        losses = [handmade.losses.CrossEntropy().forward(network.logits(each), y).mean() for each in moved]
        assert gx[at] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-8)


@pytest.mark.parametrize("seed", range(8))
def test_the_checker_accuses_no_graph(seed: int) -> None:
    network, (x, y) = random_graph(seed, 6), batch(seed)
    report = check(network, x, y, tries=2)
    assert report.bugs == 0
    assert {array.name for array in report.arrays} == set(network.parameters())


@pytest.mark.parametrize("seed", range(8))
def test_every_receipt_adds_up_and_is_what_was_stored(seed: int) -> None:
    network, (x, _) = random_graph(seed), batch(seed)
    for node in network.nodes:
        shape = network.shape_of[node.name]
        place = ",".join(str(size // 2) for size in shape)
        receipt = handmade.explain(network, x[0], f"{node.name}[{place}]", depth=2)
        assert abs(receipt.rounding) <= receipt.bound
        assert receipt.kind == node.layer.kind
        names = {leaf.place.name for leaf in receipt.total.leaves() if leaf.place} if receipt.total else set()
        assert names <= {*node.reads, *(f"{node.name}.{name}" for name in node.layer.parameters() | node.layer.statistics())}
        for each in receipt.inputs:
            assert abs(each.rounding) <= each.bound


@pytest.mark.parametrize("seed", range(8))
def test_a_trace_ends_in_the_difference_of_the_loss(seed: int) -> None:
    network, (x, y) = random_graph(seed), batch(seed)
    name = next(iter(network.parameters()))
    index = tuple(size // 2 for size in network.parameters()[name].shape)
    traced = handmade.trace(network, x[0], f"{name}[{','.join(map(str, index))}]=0.1", label=int(y[0]))
    _, quotients = difference(network, x[:1], y[:1], h=0.1)
    assert traced.dL == pytest.approx(0.1 * quotients[name][index], rel=1e-9, abs=1e-15)
    for by in ("difference", "backprop", "definition"):
        receipt = handmade.explain(
            network, x[0], f"d loss / d {name}[{','.join(map(str, index))}]", label=int(y[0]), by=by, h=0.1
        )
        assert abs(receipt.rounding) <= receipt.bound


@pytest.mark.parametrize("seed", range(20))
def test_a_graph_is_described_saved_and_loaded(seed: int, tmp_path: Path) -> None:
    network, (x, _) = random_graph(seed), batch(seed)
    saved = handmade.Network(network.nodes, network.input_shape)
    saved.save(tmp_path / "model")

    loaded = handmade.load(tmp_path / "model")

    assert describe(loaded) == describe(network)
    assert [node.reads for node in loaded.nodes] == [node.reads for node in network.nodes]
    np.testing.assert_array_equal(loaded.logits(x), network.logits(x))
    fresh = Network(**build(describe(network), rng(), np.float64))
    assert describe(fresh) == describe(network)


# --- joins --------------------------------------------------------------------------------------------------------------------

JOINS: dict[str, Layer] = {"add": Add(), "multiply": Multiply(), "concat": Concat()}


@pytest.mark.parametrize("name", JOINS)
@pytest.mark.parametrize("shape", [(2, 3, 2, 3), (2, 6)], ids=str)
@pytest.mark.parametrize("nudges", [(), (4,)], ids=str)
def test_what_moves_in_some_channels_is_what_moves_when_it_is_written_in_full(name: str, shape: Shape, nudges: Shape) -> None:
    draw, join = rng(3), JOINS[name]
    x = tuple(draw.standard_normal(shape) for _ in range(3))
    channels = [None, EVERY, one_channel(0), one_channel(2), *([slice(1, None, 3), slice(0, None, 2)] if len(shape) == 2 else [])]
    for choice in product(channels, repeat=3):
        if choice == (None, None, None):
            continue
        moved = tuple(
            None if c is None else Difference(draw.standard_normal((*x_k[..., c].shape, *nudges)), c)
            for x_k, c in zip(x, choice, strict=True)
        )
        found, wanted = join.difference(x, moved), _join_in_full(join, x, moved)  # type: ignore[attr-defined]  # every join of ours
        y = join.forward(x)
        np.testing.assert_allclose(to_dense(y, found.dx, found.channel), wanted.dx, rtol=1e-13, atol=1e-15)
        if name != "concat" and sum(c is not None for c in choice) == 1:
            assert found.channel == next(c for c in choice if c is not None)


def test_a_square_is_a_join_of_one_activation_with_itself() -> None:
    W = rng().standard_normal((4, 3))
    network = Network([Flatten(), Node("square", Multiply(), ["0", "0"]), Linear(W, np.zeros(3))], (2, 2, 1))
    x = rng(1).standard_normal((2, 2, 2, 1))
    np.testing.assert_allclose(network.logits(x), x.reshape(2, 4) ** 2 @ W, rtol=1e-14)
    _, gx = input_gradient(network, x, np.array([0, 2]))
    h = 1e-6
    up, down = x.copy(), x.copy()
    up[0, 1, 0, 0] += h
    down[0, 1, 0, 0] -= h
    L = [handmade.losses.CrossEntropy().forward(network.logits(each), np.array([0, 2])).mean() for each in (up, down)]
    assert gx[0, 1, 0, 0] == pytest.approx((L[0] - L[1]) / (2 * h), abs=1e-9)


# --- a chain, blocks and names ------------------------------------------------------------------------------------------------


def dense_block(*, training: bool = False) -> Network:
    """Written by hand: unnamed layers, named nodes, a Residual and several outputs, in one list."""
    draw = rng(5)
    stem = Conv2d.init(draw, 1, 2, 3, padding=1, dtype=np.float64)
    W, b, mean = draw.standard_normal((3, 4))
    norm = BatchNorm2d(W, b, mean, draw.random(4) + 0.5)  # so that nothing stands on a kink
    entries: list[Any] = [
        stem,
        ReLU(),
        Node("left", Conv2d.init(draw, 2, 2, 3, padding=1, dtype=np.float64), "relu1"),
        Node("both", Concat(), ["1", "left"]),
        Residual([norm, ReLU(), Dropout(0.3)]),
        MaxPool2d(2),
        Node("aux", Flatten(), "left"),
        Node("side", Linear.init(draw, 72, 3, np.float64), "aux"),
        Node("row", Flatten(), "pool1"),
        Linear.init(draw, 36, 3, np.float64),
    ]
    network = Network(entries, (6, 6, 1))
    return network.in_training(4, rng(6)) if training else network


def test_layers_nodes_and_blocks_are_written_in_one_list() -> None:
    network = dense_block()
    assert [node.name for node in network.nodes] == [
        *("0", "1", "left", "both", "2.block.0", "2.block.1", "2.block.2", "2", "3", "aux", "side", "row", "4")
    ]
    assert network.names[:8] == (
        *("conv1", "relu1", "left", "both", "residual1.block.batchnorm1", "residual1.block.relu1", "residual1.block.dropout1"),
        "residual1",
    )
    assert network.node("left").reads == ("1",)
    assert network.node("residual1").reads == ("2.block.2", "both")
    assert network.logits_name == "4"
    assert set(network.output_names) == {"side", "4"}
    assert set(network.parameters()) == {"0.W", "0.b", "left.W", "left.b", "2.block.0.W", "2.block.0.b", *SIDE, "4.W", "4.b"}
    assert network.display_name("2.block.0.W") == "residual1.block.batchnorm1.W"
    assert network.display_name("side.b") == "side.b"


SIDE = ("side.W", "side.b")


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.usefixtures("backend")
def test_a_training_stage_of_a_graph_is_differentiated_in_three_ways(*, training: bool) -> None:
    network = dense_block(training=training)
    x, y = rng(7).standard_normal((4, 6, 6, 1)), np.array([0, 1, 2, 1])
    _, quotients = difference(network, x, y, h=1e-3)
    _, wanted = definition(network, x, y, h=1e-3)
    _, derivative = backprop(network, x, y)
    _, limit = difference(network, x, y, h=1e-30)
    for name, array in wanted.items():
        np.testing.assert_allclose(quotients[name], array, rtol=0, atol=1e-10)
        np.testing.assert_allclose(limit[name], derivative[name], rtol=0, atol=1e-12)
    for name in SIDE:  # the logits are not made of them
        assert not quotients[name].any()
        assert not derivative[name].any()
    assert (network.update_statistics(x) == {}) != training
    assert network.mixes_batch == training


def test_several_outputs_come_from_one_pass() -> None:
    network, x = dense_block(), rng(8).standard_normal((3, 6, 6, 1))
    outputs = network.outputs(x)
    assert {name: y.shape for name, y in outputs.items()} == {"side": (3, 3), "4": (3, 3)}
    np.testing.assert_allclose(outputs["4"], network.logits(x), rtol=1e-12)
    other = Network(network.nodes, network.input_shape, logits="side", outputs=["left"])
    assert other.output_names == ("left", "side")
    np.testing.assert_allclose(other.logits(x), outputs["side"], rtol=1e-12)
    _, g = backprop(other, x, np.array([0, 1, 2]))
    assert not g["4.W"].any()
    assert g["side.W"].any()
    assert describe(Network(**restore(describe(other), other.parameters() | other.statistics()))) == describe(other)


def test_nodes_may_be_written_in_any_order() -> None:
    draw = rng(9)
    nodes = [
        Node("end", Linear.init(draw, 8, 2, np.float64), "row"),
        Node("row", Flatten(), "sum"),
        Node("sum", Add(), ["input", "turned"]),
        Node("turned", ReLU(), "input"),
    ]
    network = Network(nodes, (2, 2, 2), logits="end")
    assert [node.name for node in network.nodes] == ["turned", "sum", "row", "end"]
    assert network.shapes == ((2, 2, 2), (2, 2, 2), (2, 2, 2), (8,), (2,))


def test_a_name_that_somebody_chose_is_not_given_again() -> None:
    network = Network([Node("relu1", ReLU()), ReLU(), ReLU()], (2, 2, 1))
    assert network.names == ("relu1", "relu2", "relu3")


class Conv(Conv2d):
    """A layer whose name ends as another's begins."""


class Conv1(Conv2d):
    """A layer whose name ends in a number."""


def test_every_node_has_a_title_of_its_own() -> None:
    kernel = np.ones((1, 1, 1, 1)), np.ones(1)
    network = Network([*(Conv1(*kernel) for _ in range(2)), *(Conv(*kernel) for _ in range(12))], (2, 2, 1))
    assert len(set(network.names)) == 14
    dotted = Network([Node(".0", ReLU()), Node("a", ReLU(), ".0"), Node("a..0", ReLU(), "a")], (2, 2, 1))
    assert dotted.names == (".0", "a", "a..0")


# --- class names and preparation ----------------------------------------------------------------------------------------------


def test_a_model_file_carries_class_names_and_the_preparation(tmp_path: Path) -> None:
    about = Preparation(scale=(0.5, 2.0), shift=-1, padding=1, layout="NCHW")
    network = handmade.Network(
        [Flatten(), Linear(rng().standard_normal((24, 2)), np.zeros(2))], (3, 4, 2), class_names=["cat", "dog"], preparation=about
    )
    network.save(tmp_path / "model")
    loaded = handmade.load(tmp_path / "model")
    assert loaded.class_names == ("cat", "dog")
    assert loaded.preparation == about
    x = about(np.ones((5, 2, 1, 2), np.uint8), np.float64)
    assert x.shape == (5, 3, 4, 2)
    np.testing.assert_array_equal(x[0, 1, 1], [-0.5, 1.0])
    assert not x[:, 0].any()
    assert loaded.replace({"1.b": np.ones(2)}).class_names == ("cat", "dog")


def test_a_layout_is_that_of_raw_images_from_elsewhere() -> None:
    """The data of this package lie in the order NHWC, whatever the order of those that the network was made for."""
    about = Preparation(scale=(0.5, 2.0), layout="NCHW")
    network = Network([Flatten(), Linear(rng().standard_normal((24, 2)), np.zeros(2))], (3, 4, 2), preparation=about)
    raw = rng(1).integers(0, 255, (5, 3, 4, 2)).astype(np.uint8)
    np.testing.assert_array_equal(prepare_for(network)(raw), about(raw.transpose(0, 3, 1, 2), np.float64))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (partial(Preparation.from_json, {"scale": "a"}), "scale: expected one number"),
        (partial(Preparation.from_json, {"scale": []}), "scale: expected one number"),
        (partial(Preparation, shift=math.nan), "shift: expected one number"),
        (partial(Preparation, padding=-1), "padding: expected an integer of at least 0"),
        (partial(Preparation, padding=10**6), "padding: expected at most 1024"),
        (partial(Preparation, layout="HWC"), "layout: expected one of NHWC, NCHW, got 'HWC'"),
        (partial(Preparation.from_json, {"scales": 1}), "prepare: expected some of scale, shift, padding, layout"),
        (partial(Preparation.from_json, []), "prepare: expected some of"),
        (
            partial(Preparation(), np.zeros((4, 4))),
            "images: expected raw images (N, H, W), or with an axis of channels as in NHWC",
        ),
        (partial(Preparation(layout="NCHW"), [[0]]), "as in NCHW, got (1, 1). Try np.asarray(images)[None]"),
        (
            partial(Preparation(shift=(1, 2, 3)), np.zeros((1, 4, 4, 2))),
            "images (H, W, C) with 3 channels, as scale and shift have",
        ),
        (partial(Preparation(shift=(1, 2, 3)), np.zeros((1, 4, 4))), "images (H, W, C) with 3 channels, as scale and shift have"),
    ],
)
def test_an_impossible_preparation_is_refused(make: Any, says: str) -> None:
    with pytest.raises(HandmadeError) as refused:
        make()
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


# --- what is no graph ---------------------------------------------------------------------------------------------------------


def join(name: str, *reads: str) -> Node:
    return Node(name, Add(), reads)


def pixelwise(dtype: type = np.float64) -> Conv2d:
    return Conv2d(np.ones((1, 1, 2, 2), dtype), np.ones(2))


class Empty(ReLU):
    """A layer with weights, of which there are none."""

    WEIGHTS: ClassVar[tuple[str, ...]] = ("W",)
    W = np.ones((0, 2))


@pytest.mark.parametrize(
    ("entries", "settings", "says"),
    [
        ([Node("a", ReLU(), "b")], {}, ["node 'a' reads 'b'", "expected input or one of a"]),
        ([Node("a", ReLU()), Node("a", ReLU())], {}, ["a name of its own", "two are named 'a'", "Rename"]),
        ([ReLU(), Node("0", ReLU())], {}, ["two are named '0'"]),
        ([Node("a", ReLU(), "b"), Node("b", ReLU(), "a")], {}, ["without a cycle", "a reads b reads a"]),
        ([join("a", "input", "c"), Node("b", ReLU(), "a"), Node("c", ReLU(), "b")], {}, ["a reads c reads b reads a"]),
        ([Node("a", ReLU(), "a")], {}, ["a reads a"]),
        (
            [MaxPool2d(2), join("sum", "input", "0")],
            {},
            ["layer sum", "Add: expected", "(4, 4, 2), (2, 2, 2)", "Try"],
        ),
        ([MaxPool2d(2), Node("m", Multiply(), ["input", "0"])], {}, ["Multiply: expected activations of one shape"]),
        ([MaxPool2d(2), Node("c", Concat(), ["input", "0"])], {}, ["Concat: expected activations that differ in their channels"]),
        ([Add()], {}, ["node '0'", "two activations or more", "got input", "Try Node"]),
        ([ReLU()], {"logits": "conv1"}, ["outputs and logits", "among 0", "got 'conv1'"]),
        ([ReLU()], {"outputs": ["1"]}, ["got '1'"]),
        ([ReLU()], {"outputs": "relu1"}, ["outputs: expected a list of names, got 'relu1'"]),
        ([ReLU()], {"outputs": 5}, ["outputs: expected a list of names, got 5"]),
        ([ReLU()], {"logits": 5}, ["outputs and logits", "got 5"]),
        ([ReLU()], {"class_names": 5}, ["class_names: expected a list of names, got 5"]),
        (
            [ReLU()],
            {"preparation": {"padding": 1}},
            ["preparation: expected a Preparation, got {'padding': 1}. Try handmade.Preparation("],
        ),
        ([], {}, ["layers: expected at least one layer; got none"]),
        (None, {}, ["layers: expected a list of layers, got None. Try [handmade.Flatten(), ...]"]),
        (ReLU(), {}, ["layers: expected a list of layers, got a ReLU. Try [layers]"]),
        ([ReLU], {}, ["layer 0: expected a layer, got the class ReLU. Try handmade.ReLU()"]),
        ([pixelwise(), Node("0.W", ReLU(), "0")], {}, ["a name of its own for each node and each array", "two are named '0.W'"]),
        ([pixelwise(), Node("conv1.W", ReLU(), "0")], {}, ["two are named 'conv1.W'", "Rename"]),
        (
            [pixelwise().replace({"W": np.ones((1, 1, 2, 2), np.int64)})],
            {},
            ["conv1.W: expected a NumPy array of floats, not empty; got int64 of shape (1, 1, 2, 2)"],
        ),
        (
            [pixelwise().replace({"W": np.ones((1, 1, 2, 2), complex)})],
            {},
            ["conv1.W: expected a NumPy array of floats", "got complex128"],
        ),
        ([Empty()], {}, ["empty1.W: expected a NumPy array of floats, not empty; got float64 of shape (0, 2)"]),
        ([Flatten(), Linear(np.ones((32, 2)), np.ones(2))], {"class_names": ["a"]}, ["class_names: expected one", "(2,)"]),
        ([Flatten(), Linear(np.ones((32, 2)), np.ones(2))], {"class_names": ["a", "a"]}, ["of its own"]),
    ],
    ids=lambda value: f"{value!r:.60}",
)
def test_what_is_no_graph_is_refused_in_one_line(entries: Sequence[Any], settings: dict[str, Any], says: list[str]) -> None:
    with pytest.raises(HandmadeError) as refused:
        Network(entries, (4, 4, 2), **settings)
    for words in says:
        assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["", "a b", "a[0]", "a=b", "a,b", "loss", "input", "logits", "probability", "a\n", 3, None])
def test_a_name_that_cannot_be_written_as_a_place_is_refused(name: Any) -> None:
    with pytest.raises(HandmadeError, match="a node's name: expected up to 200 printable letters"):
        Node(name, ReLU())


@pytest.mark.parametrize("reads", [3, None, [ReLU()], ["input", 0]])
def test_what_is_read_is_named(reads: Any) -> None:
    with pytest.raises(HandmadeError, match=r"^reads: expected a name or a list of names for node 'a', got"):
        Node("a", ReLU(), reads)


@pytest.mark.parametrize("shape", [5, "5", None, (), (4, 0, 2), (4, -1, 2), (4, 4.0, 2), (4, "4", 2), (4, 2**40, 2)])
def test_the_shape_of_an_image_is_a_row_of_sizes(shape: Any) -> None:
    with pytest.raises(HandmadeError, match=r"input_shape: expected sizes above 0, got .*\. Try \(30, 30, 1\)"):
        Network([ReLU()], shape)


def test_the_shape_of_an_image_may_come_from_an_array() -> None:
    assert Network([ReLU()], np.array([4, 4, 2])).input_shape == (4, 4, 2)  # type: ignore[arg-type]
    assert type(Network([ReLU()], [np.int64(4), 4]).input_shape[0]) is int  # type: ignore[arg-type]


def test_several_activations_are_read_by_joins_alone() -> None:
    with pytest.raises(HandmadeError, match="node 'a': expected ReLU to read one activation; got input, b"):
        Node("a", ReLU(), ["input", "b"])
    with pytest.raises(HandmadeError, match="node 'a': expected Add to read two activations or more"):
        Node("a", Add(), ["input"])


def test_a_long_chain_is_ordered_without_a_deep_stack() -> None:
    nodes = [Node(f"n{k}", ReLU(), f"n{k + 1}" if k < 2999 else "input") for k in range(3000)]
    network = Network(nodes, (2, 2, 1), logits="n0")
    assert network.nodes[0].name == "n2999"
    with use_backend("plain"):
        assert network.logits(np.ones((1, 2, 2, 1))).shape == (1, 2, 2, 1)
