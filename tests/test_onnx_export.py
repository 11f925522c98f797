"""Networks as ONNX models: onnxruntime computes what the network computes, and our own reader gives the network back."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from cases import CASES
from export_networks import exportable, to_first, to_ours
from handmade import HandmadeError, Network, Node
from handmade.data import mnist, prepare_for
from handmade.engine.arrays import Array
from handmade.engine.description import describe, restore
from handmade.engine.layers import KINDS, Flatten, Layer, Linear, ReLU
from handmade.engine.preparation import Preparation
from handmade.files.onnx import export, read_network, to_model
from handmade.files.onnx.layer_nodes import NODES
from handmade.files.onnx.writing import from_metadata
from handmade.files.pytorch.parts import PARTS
from handmade.lab.catalogue import EXAMPLE
from random_networks import random_problem

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
ROUNDING = 1e-5  # relative to the largest number of an output: float32 on both sides, sums in another order
LONG = [pytest.param(opset, marks=pytest.mark.long) for opset in (18, 19, 21, 22, 23, 24, 25)]


def run(model: Any, x: Array) -> dict[str, Array]:
    """Return the outputs of onnxruntime by name, images as (N, H, W, C)."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    kind = np.float64 if session.get_inputs()[0].type == "tensor(double)" else np.float32
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, map(to_ours, session.run(None, {"input": to_first(x).astype(kind)})), strict=True))


def assert_agrees(network: Network, x: Array, opset: int = 20, rounding: float = ROUNDING) -> None:
    found = run(to_model(network, opset=opset), x)
    expected = network.outputs(x)
    assert found.keys() == {network.titles[name] for name in expected}
    for name, y in expected.items():
        assert found[network.titles[name]].shape == y.shape
        assert np.abs(found[network.titles[name]] - y).max() <= rounding * np.abs(y).max()


def inputs(name: str, network: Network) -> Array:
    x = np.random.default_rng(0).standard_normal((3, *network.input_shape))
    return np.abs(x) + 0.1 if name.startswith(("log on", "square root")) else x


def test_every_layer_can_be_written() -> None:
    assert NODES.keys() == PARTS.keys() == KINDS.keys()


@pytest.mark.parametrize("opset", [17, 20, 26, *LONG])
def test_every_layer_computes_the_same_in_onnxruntime(opset: int) -> None:
    assert len(CASES) > 100
    for name, case in CASES.items():
        network = exportable(case)
        try:
            assert_agrees(network, inputs(name, network), opset)
        except AssertionError as error:
            raise AssertionError(f"{name}, opset {opset}: {error}") from error


def for_inference(network: Any) -> Network:
    return Network(**restore(describe(network), network.parameters() | network.statistics()))


@pytest.mark.parametrize("seeds", [range(40), pytest.param(range(40, 540), marks=pytest.mark.long)], ids=str)
def test_random_networks_compute_the_same_in_onnxruntime(seeds: range) -> None:
    compared = 0
    for seed in seeds:
        problem = random_problem(seed)
        network, x = for_inference(problem.network), problem.x.astype(np.float64)
        sizes = [float(np.abs(activation).max()) for activation in network.tape(x).values()]
        if max(sizes) < 1e30:  # float32 overflows beyond
            assert_agrees(network, x, 17 + seed % 5, rounding=1e-3)
            compared += 1
    assert compared > 0.8 * len(seeds)


@pytest.mark.parametrize("seeds", [range(40), pytest.param(range(40, 540), marks=pytest.mark.long)], ids=str)
def test_random_networks_come_back(seeds: range) -> None:
    for seed in seeds:
        problem = random_problem(seed)
        network, x = for_inference(problem.network), problem.x.astype(np.float64)
        back = read_network(to_model(network, dtype=np.float64)).network
        for y, again in zip(network.outputs(x).values(), back.outputs(x).values(), strict=True):
            np.testing.assert_allclose(again, y, rtol=1e-5, atol=1e-7 * np.abs(y).max())


@pytest.mark.long
def test_all_test_images_have_the_same_logits_in_onnxruntime() -> None:
    network = handmade.load(EXAMPLE)
    x = prepare_for(network)(mnist().test.images)
    found, ours = run(to_model(network), x)["linear1"], network.logits(x)
    assert len(x) == 10_000
    assert np.abs(found - ours).max() < 1e-4
    assert (found.argmax(axis=1) == ours.argmax(axis=1)).all()


def test_a_batch_of_any_size_is_computed() -> None:
    network = handmade.networks.readme(0)
    model = to_model(network)
    for images in (1, 4):
        x = np.random.default_rng(images).random((images, 30, 30, 1)).astype(np.float32)
        np.testing.assert_allclose(run(model, x)["linear1"], network.logits(x), rtol=1e-4, atol=1e-5)


def graph() -> Network:
    """Two outputs, a row that is read twice, an image as an output."""
    rng = np.random.default_rng(0)
    nodes = [
        Node("stem", handmade.Conv2d.init(rng, 1, 3, 3)),
        Node("row", Flatten(), "stem"),
        Node("sharp", ReLU(), "row"),
        Node("both", handmade.Concat(), ["row", "sharp"]),
        Node("scores", Linear.init(rng, 72, 4), "both"),
        Node("other", handmade.Tanh(), "stem"),
    ]
    return Network(
        nodes,
        (5, 6, 1),
        logits="scores",
        outputs=["scores", "other", "row"],
        class_names=["a", "b", "c", "d é"],
        preparation=Preparation(scale=0.5, shift=-0.25, padding=1, outside=-0.25),
    )


def test_a_graph_with_several_outputs_is_written_with_its_names() -> None:
    network = graph()
    x = np.random.default_rng(1).standard_normal((2, 5, 6, 1))
    assert_agrees(network, x)
    model = to_model(network)
    assert [each.name for each in model.graph.output] == ["scores", "other", "row"]
    assert {"stem.W", "stem.b", "scores.W"} <= {each.name for each in model.graph.initializer}
    assert [each.op_type for each in model.graph.node if each.name in {"stem", "both", "scores"}] == ["Conv", "Concat", "Gemm"]


def test_names_of_classes_and_the_preparation_come_back_exactly() -> None:
    network = graph()
    found = from_metadata({each.key: each.value for each in to_model(network).metadata_props})
    assert found == {"class_names": ["a", "b", "c", "d é"], "preparation": network.preparation, "logits": "scores"}


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"version": 2}', "[" * 10_000])
def test_damaged_metadata_are_refused(content: str) -> None:
    with pytest.raises(HandmadeError, match="metadata 'handmade': expected"):
        from_metadata({"handmade": content})


def test_other_programs_find_the_range_of_the_pixels() -> None:
    found = {each.key: each.value for each in to_model(handmade.networks.readme(0)).metadata_props}
    assert found["Image.NominalPixelRange"] == "Normalized_0_1"
    assert json.loads(found["handmade"])["prepare"] is None
    plain = Network([Flatten(), Linear.init(0, 16, 2)], (4, 4, 1))
    assert {each.key for each in to_model(plain).metadata_props} == {"handmade"}


def test_a_file_is_written_completely_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "some.onnx"
    export(handmade.networks.readme(0), path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    with pytest.raises(OSError, match="No such file"):
        export(handmade.networks.readme(0), tmp_path / "nowhere" / "some.onnx")
    assert list(tmp_path.iterdir()) == [path]


def test_double_precision_can_be_written() -> None:
    network = handmade.networks.readme(0, np.float64)
    model = to_model(network, dtype=np.float64)
    assert {each.data_type for each in model.graph.initializer} == {onnx.TensorProto.DOUBLE}
    back = read_network(model).network
    assert all(back.parameters()[name].dtype == np.float64 for name in back.parameters())


class Own(Layer):
    """A layer of a user."""

    def forward(self, x: Array) -> Array:
        return x

    def delta(self, x: Array, dx: Array) -> Array:
        return dx


def test_layers_without_an_operator_are_all_named() -> None:
    network = Network([Own(), Flatten(), Node("second", Own(), "1"), Linear.init(0, 4, 2)], (2, 2, 1))
    with pytest.raises(HandmadeError, match=r"ONNX has no operators for own1 \(Own\), second \(Own\)$"):
        to_model(network)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"opset": 16}, "opset: expected an integer from 17 to 26, got 16. Try 20"),
        ({"opset": "20"}, "opset: expected an integer"),
        ({"dtype": np.float16}, "dtype: expected float32 or float64, got float16"),
    ],
)
def test_wrong_settings_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(HandmadeError) as refused:
        to_model(handmade.networks.readme(0), **options)
    assert says in str(refused.value)
