"""Receipts of the gradient of a pixel or an activation: exact trees, whose value is backpropagation's, for every layer."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

import handmade
from cases import CASES, Case
from handmade import Network, Node, explain
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers import Add, Concat, Conv2d, Flatten, Linear, MaxPool2d, Multiply, ReLU, Tanh
from handmade.engine.losses import CrossEntropy, MeanSquaredError
from handmade.engine.terms import OPERATIONS, Term

SINGLE = {name: case for name, case in CASES.items() if case.layer.images is None and not case.layer.mixes_batch}
CLASSES = 4


def network_of(case: Case, dtype: type) -> Network:
    """The layer of a case, or the join that it stands for, then logits."""
    rng = np.random.default_rng(1)
    shape, layer = case.shape[1:], (case if dtype is np.float64 else case.single()).layer
    units = int(np.prod(layer.output_shape(shape)))
    end = [Flatten(), Linear(rng.standard_normal((units, CLASSES)).astype(dtype), np.zeros(CLASSES, dtype))]
    return Network([layer, *end], shape)


def check(tree: Term) -> None:
    """Every number is what its operation makes of its parts, to the last bit."""
    assert json.loads(json.dumps(tree.to_json())) == tree.to_json()
    stack = [tree]
    while stack:
        term = stack.pop()
        if term.parts:
            assert OPERATIONS[term.how](*(part.value for part in term.parts)) == term.value
        stack += term.parts


def places(shape: Shape, count: int = 4) -> Iterator[str]:
    rng = np.random.default_rng(2)
    for _ in range(count):
        yield ",".join(str(rng.integers(size)) for size in shape)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", SINGLE)
def test_the_terms_add_up_to_the_gradient_of_a_pixel(name: str, dtype: type) -> None:
    case = SINGLE[name]
    network = network_of(case, dtype)
    x: Array = np.random.default_rng(3).standard_normal(case.shape[1:]).astype(dtype)
    _, gx = handmade.engine.gradients.input_gradient(network, x[None], np.array([2]))

    for place in places(case.shape[1:]):
        receipt = explain(network, x, f"d loss / d input[{place}]", label=2)

        index = tuple(map(int, place.split(",")))
        assert receipt.value == pytest.approx(float(gx[(0, *index)]), rel=1e-4 if dtype is np.float32 else 1e-11, abs=1e-7)
        assert receipt.total is not None
        check(receipt.total)
        assert abs(receipt.rounding) <= receipt.bound


def graph() -> tuple[Network, Array]:
    """Joins of every kind, an activation that one node reads twice, and a node beside the way to the logits."""
    rng = np.random.default_rng(4)
    nodes = [
        Node("stem", Conv2d(rng.standard_normal((2, 2, 3, 2)), rng.standard_normal(2), padding=1)),
        Node("square", Multiply(), ["stem", "stem"]),
        Node("curve", Tanh(), "stem"),
        Node("sum", Add(), ["curve", "square", "stem", "curve"]),
        Node("both", Concat(), ["sum", "curve"]),
        Node("largest", MaxPool2d((2, 2), 1), "both"),
        Node("row", Flatten(), "largest"),
        Node("head", Linear(rng.standard_normal((64, 3)), rng.standard_normal(3)), "row"),
        Node("aside", ReLU(), "stem"),
    ]
    return Network(nodes, (4, 4, 3), logits="head", outputs=["head", "aside"]), rng.standard_normal((4, 4, 3))


@pytest.mark.parametrize("by", ["backprop", "difference", "definition"])
@pytest.mark.parametrize("loss", [CrossEntropy(), CrossEntropy(0.1), MeanSquaredError()])
def test_every_activation_of_a_graph_has_a_gradient_by_three_ways(by: str, loss: CrossEntropy | MeanSquaredError) -> None:
    network, image = graph()
    y, x = np.array([1]), image[None]
    h = {"difference": 1e-20, "definition": 1e-6}.get(by, 1e-3)

    for name in ("input", *(node.name for node in network.nodes), "logits"):
        node = network.logits_name if name == "logits" else name
        for place in places(network.shape_of[node], 2):
            receipt = explain(network, image, f"d loss / d {name}[{place}]", label=1, loss=loss, by=by, h=h)

            index = tuple(map(int, place.split(",")))
            moved = {name: activation.copy() for name, activation in network.tape(x).items()}
            step = np.zeros_like(moved[node])
            step[(0, *index)] = 1e-20
            differences = handmade.engine.graph.propagate_differences(
                network.nodes, moved, node, step, lambda node, x, dx: node.layer.delta(x, dx)
            )
            dz = differences.get("head", np.zeros((1, 3)))
            slope = float(loss.delta(moved["head"], dz, y)[0]) / 1e-20
            assert receipt.value == pytest.approx(slope, rel=1e-4, abs=1e-6)
            assert receipt.total is not None
            check(receipt.total)
            assert abs(receipt.rounding) <= receipt.bound


def test_terms_lead_on_to_the_gradients_that_they_are_made_of() -> None:
    network, image = graph()

    receipt = explain(network, image, "d loss / d stem[1,2,0]", label=1)

    assert receipt.total is not None
    named = {leaf.place.name for leaf in receipt.total.leaves() if leaf.place}
    assert named == {"d loss / d square", "d loss / d curve", "d loss / d sum", "stem", "input"} - {"input"}
    for leaf in receipt.total.leaves():
        if leaf.place and leaf.place.name.startswith("d loss"):
            assert explain(network, image, str(leaf.place), label=1).value == leaf.value


def test_winners_and_cut_off_numbers_are_told() -> None:
    network = Network([ReLU(), MaxPool2d(2), Flatten(), Linear(np.ones((1, 2)), np.zeros(2))], (2, 2, 1))
    image = np.array([[-1.0, 2.0], [2.0, 1.0]])[..., None]

    told = [explain(network, image, f"d loss / d {at}", label=0).total for at in ("input[0,0,0]", "relu1[0,1,0]", "relu1[1,0,0]")]

    notes = [{term.note for term in [*tree.leaves(), *tree.parts] if term.note} for tree in told if tree]
    assert notes == [{"not above 0: cut off"}, {"wins"}, {"does not win"}]


def test_what_has_no_gradient_is_refused() -> None:
    network, image = graph()

    with pytest.raises(HandmadeError, match=r"expected a weight or an activation of stem\.W"):
        explain(network, image, "d loss / d probability[0]", label=1)
    with pytest.raises(HandmadeError, match="class"):
        explain(network, image, "d loss / d stem[0,0,0]")
