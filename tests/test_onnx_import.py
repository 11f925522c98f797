"""ONNX models as networks: names, layouts, constants, ends; every number as onnxruntime computes it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")  # an extra
import handmade
from handmade import gradients
from handmade.engine.errors import HandmadeError
from handmade.files import onnx as files
from handmade.files.onnx.run import run
from onnx_models import FLOAT, INT64, UINT8, classifier, draw, model, node


def agree(proto: Any, x: Any, *, rtol: float = 1e-5) -> files.Imported:
    """Compare the converted network, and the model as a backend, with onnxruntime; return the import."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": x})
    result = run(files.read_graph(proto), [x])
    for own, other in zip(result.outputs, expected, strict=True):
        assert own.dtype == other.dtype
        np.testing.assert_allclose(own, other, rtol, 1e-6)
    assert result.operations == ()
    imported = files.read_network(proto)
    shape = imported.network.input_shape
    inner = x if x.shape[1:] == shape else np.moveaxis(x, 1, 3)
    logits = imported.network.outputs(inner.astype(np.float32))
    first = next(iter(imported.outputs.values()))
    np.testing.assert_allclose(logits[first].reshape(expected[0].shape), expected[0], rtol, 1e-6)
    return imported


def kinds(imported: files.Imported) -> list[str]:
    return [each.layer.kind for each in imported.network.nodes]


def test_a_classifier_keeps_its_names_and_ends_in_logits_beside_their_softmax() -> None:
    imported = agree(classifier(), draw(0, 2, 1, 6, 6))
    network = imported.network

    assert [each.name for each in network.nodes] == ["Conv", "Relu", "MaxPool", "Gemm_flatten", "Gemm", "Softmax"]
    assert network.logits_name == "Gemm"
    assert set(network.output_names) == {"Gemm", "Softmax"}
    assert network.classes == 3
    assert any("Softmax at the end is an output beside the logits" in note for note in imported.notes)


def test_load_reads_an_onnx_file_and_saves_it_as_a_model(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(classifier().SerializeToString())
    network = handmade.load(path)
    x, y = draw(0, 2, 6, 6, 1), [0, 2]

    network.save(tmp_path / "model.safetensors")
    again = handmade.load(tmp_path / "model.safetensors")

    assert (again.logits(x) == network.logits(x)).all()
    assert gradients.check(network, x, y, tries=5).verdict in {"agree", "kink"}
    assert handmade.explain(network, x[0], "logits[1]").value == pytest.approx(float(network.logits(x[:1])[0, 1]), rel=1e-5)


def test_transposes_of_images_with_channels_last_leave_no_layer() -> None:
    nodes = [
        node("Transpose", "x", "t", perm=[0, 3, 1, 2]),
        node("Conv", "t W", "c", auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Transpose", "c", "u", perm=[0, 2, 3, 1]),
        node("Relu", "u", "r"),
        node("Reshape", "r s", "f"),
        node("MatMul", "f V", "m"),
        node("Add", "m d", "y"),
    ]
    constants = {"W": draw(1, 3, 2, 3, 3), "s": np.array([-1, 48], np.int64), "V": draw(2, 48, 4), "d": draw(3, 4)}

    imported = agree(model(nodes, constants, ("N", 7, 8, 2)), draw(0, 3, 7, 8, 2))

    assert imported.network.input_shape == (7, 8, 2)
    assert kinds(imported) == ["Conv2d", "ReLU", "Flatten", "Linear"]


def test_the_mnist_model_of_the_zoo_in_small() -> None:
    """CNTK's form: SAME_UPPER, biases by Plus, weights that are constants reshaped to matrices, a fixed batch of 1."""
    nodes = [
        node("Reshape", "V w", "M"),
        node("Conv", "x W", "c", auto_pad="SAME_UPPER", kernel_shape=[5, 5], strides=[1, 1], dilations=[1, 1], group=1),
        node("Add", "c p", "a", name="Plus30"),
        node("Relu", "a", "r"),
        node("MaxPool", "r", "q", kernel_shape=[3, 3], strides=[3, 3], pads=[0, 0, 0, 0], auto_pad="NOTSET"),
        node("Reshape", "q s", "f"),
        node("MatMul", "f M", "m"),
        node("Add", "m d", "y", name="Plus214"),
    ]
    constants = {
        "W": draw(1, 4, 1, 5, 5),
        "p": draw(2, 4, 1, 1),
        "V": draw(3, 4, 2, 2, 10),
        "w": np.array([16, 10], np.int64),
        "s": np.array([1, 16], np.int64),
        "d": draw(4, 1, 10),
    }

    imported = agree(model(nodes, constants, (1, 1, 6, 6), opset=8, listed=True), draw(0, 1, 1, 6, 6))

    assert kinds(imported) == ["Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear"]  # the biases are those of the layers
    network = imported.network
    assert network.logits(draw(5, 7, 6, 6, 1)).shape == (7, 10)  # any number of images


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 17, 18, 20])
def test_softmax_before_opset_13_covers_all_axes_from_its_own_on(opset: int) -> None:
    imported = agree(model([node("Softmax", "x", "s", axis=2), node("Relu", "s", "y")], opset=opset), draw(0, 2, 1, 6, 6))

    network = imported.network
    total = network.outputs(draw(0, 2, 6, 6, 1))[network.nodes[-1].name].sum()
    assert "Softmax" in kinds(imported)
    assert np.isclose(total, 2 if opset < 13 else 12, rtol=1e-5)  # of all pixels, or of each column


def test_pixels_as_bytes_are_scaled_by_the_model_itself() -> None:
    nodes = [
        node("Cast", "x", "f", to=FLOAT),
        node("Div", "f d", "g"),
        node("Conv", "g W", "c"),
        node("GlobalAveragePool", "c", "p"),
        node("Flatten", "p", "y"),
    ]
    proto = model(nodes, {"d": np.float32(255), "W": draw(1, 3, 1, 3, 3)}, kind=UINT8)
    x = np.random.default_rng(0).integers(0, 256, (2, 1, 6, 6)).astype(np.uint8)

    imported = agree(proto, x)

    assert imported.arguments["preparation"] == handmade.Preparation(scale=1.0)


def test_what_follows_the_logits_is_left_out_and_named() -> None:
    proto = classifier()
    proto.graph.node.append(node("ArgMax", "y", "label", axis=1, keepdims=0))
    proto.graph.output[0].CopyFrom(type(proto.graph.output[0])(name="label"))
    proto.graph.output[0].type.tensor_type.elem_type = INT64

    imported = files.read_network(proto)

    assert "left out at the end, as they are no layers: ArgMax (/ArgMax)" in imported.notes
    assert imported.network.logits_name == "Gemm"
    x = draw(0, 4, 1, 6, 6)
    assert (files.run_model(proto, [x])[0] == imported.network.predict(np.moveaxis(x, 1, 3))).all()


def test_the_shape_of_a_batch_of_any_size_is_followed_to_the_reshape() -> None:
    nodes = [
        node("Shape", "x", "a"),
        node("Gather", "a zero", "b", axis=0),
        node("Unsqueeze", "b axes", "n"),
        node("Concat", "n rest", "s", axis=0),
        node("Reshape", "x s", "f"),
        node("Gemm", "f V", "y"),
    ]
    constants = {
        "zero": np.array(0, np.int64),
        "axes": np.array([0], np.int64),
        "rest": np.array([-1], np.int64),
        "V": draw(1, 36, 3),
    }

    imported = agree(model(nodes, constants), draw(0, 5, 1, 6, 6))

    assert kinds(imported) == ["Flatten", "Linear"]


@pytest.mark.parametrize("form", range(3))
def test_the_exact_gelu_that_exporters_write_out_is_one_layer(form: int) -> None:
    start = [node("Div", "x root", "u"), node("Erf", "u", "e"), node("Add", "e one", "b")]
    ends = [
        [node("Mul", "x b", "m"), node("Mul", "m half", "g", name="gelu")],
        [node("Mul", "x half", "m"), node("Mul", "m b", "g", name="gelu")],
        [node("Mul", "b half", "m"), node("Mul", "m x", "g", name="gelu")],
    ]
    constants = {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)}

    imported = agree(model([*start, *ends[form], node("Flatten", "g", "y")], constants), draw(0, 2, 1, 6, 6))

    (only, *_) = imported.network.nodes
    assert only.layer.kind == "GELU"
    assert only.layer.settings() == {"approximate": "none"}


TANH_GELUS = {
    "PyTorch": [
        node("Mul", "x x", "s"),
        node("Mul", "x s", "cube"),
        node("Mul", "kappa cube", "k"),
        node("Add", "x k", "a"),
        node("Mul", "beta a", "i"),
        node("Tanh", "i", "t"),
        node("Add", "one t", "b"),
        node("Mul", "half x", "h"),
        node("Mul", "h b", "g"),
    ],
    "Pow": [
        node("Pow", "x three", "cube"),
        node("Mul", "cube kappa", "k"),
        node("Add", "x k", "a"),
        node("Mul", "a beta", "i"),
        node("Tanh", "i", "t"),
        node("Add", "t one", "b"),
        node("Mul", "x b", "p"),
        node("Div", "p two", "g"),
    ],
    "Sigmoid": [
        node("Mul", "x x", "s"),
        node("Mul", "s kappa", "k"),
        node("Add", "k one", "a"),
        node("Mul", "x twice", "w"),
        node("Mul", "w a", "v"),
        node("Sigmoid", "v", "t"),
        node("Mul", "x t", "g"),
    ],
}


@pytest.mark.parametrize("form", TANH_GELUS)
def test_the_gelu_with_tanh_that_exporters_write_out_is_one_layer(form: str) -> None:
    beta = np.sqrt(2 / np.pi)
    numbers = {"kappa": 0.044715, "beta": beta, "twice": 2 * beta, "one": 1, "half": 0.5, "three": 3, "two": 2}
    constants = {name: np.float32(number) for name, number in numbers.items()}

    imported = agree(model([*TANH_GELUS[form], node("Flatten", "g", "y")], constants), draw(0, 2, 1, 6, 6))

    (first, *_) = imported.network.nodes
    assert isinstance(first.layer, handmade.GELU)
    assert first.layer.approximate == "tanh"
    changed = agree(
        model([*TANH_GELUS[form], node("Flatten", "g", "y")], constants | {"kappa": np.float32(0.05)}), draw(0, 2, 1, 6, 6)
    )
    assert "GELU" not in kinds(changed)


@pytest.mark.parametrize("opset", [11, 13, 18])
@pytest.mark.parametrize("shifted", [True, False])
@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
def test_a_softmax_in_parts_at_the_end_is_an_output_beside_the_logits(opset: int, kind: str, *, shifted: bool) -> None:
    def reduce(op: str, x: str, y: str, since: int) -> Any:
        return node(op, x, y, axes=[1]) if opset < since else node(op, f"{x} axes", y)

    z = "d" if shifted else "z"
    nodes = [node("Flatten", "x", "f"), node("Gemm", "f V", "z")]
    nodes += [reduce("ReduceMax", "z", "m", 18), node("Sub", "z m", "d")] if shifted else []
    nodes += [node("Exp", z, "e"), reduce("ReduceSum", "e", "s", 13)]
    nodes += [node("Div", "e s", "y")] if kind == "Softmax" else [node("Log", "s", "l"), node("Sub", f"{z} l", "y")]

    imported = agree(model(nodes, {"V": draw(1, 36, 3), "axes": np.array([1], np.int64)}, opset=opset), draw(0, 2, 1, 6, 6))

    assert kinds(imported) == ["Flatten", "Linear", kind]
    assert imported.network.logits_name == imported.network.nodes[1].name


def test_a_constant_that_two_operations_read_stays_out_of_the_biases() -> None:
    nodes = [node("Conv", "x W", "c"), node("Add", "c p", "a"), node("Mul", "a c", "m"), node("Flatten", "m", "y")]

    imported = agree(model(nodes, {"W": draw(1, 2, 1, 3, 3), "p": draw(2, 2, 1, 1)}), draw(0, 2, 1, 6, 6))

    assert kinds(imported)[:3] == ["Conv2d", "Affine", "Multiply"]


def test_a_gate_on_channels_that_were_shuffled() -> None:
    nodes = [
        node("Conv", "x W", "c"),
        node("Reshape", "c two", "r"),
        node("Transpose", "r", "t", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "t four", "s"),
        node("GlobalAveragePool", "s", "p"),
        node("Mul", "s p", "m"),
        node("Flatten", "m", "y"),
    ]
    constants = {"W": draw(1, 4, 1, 3, 3), "two": np.array([0, 2, 2, 4, 4]), "four": np.array([-1, 4, 4, 4])}

    agree(model(nodes, constants), draw(0, 2, 1, 6, 6))


def test_every_operation_without_a_layer_is_named_with_its_reason() -> None:
    nodes = [
        node("Transpose", "x", "t", perm=[1, 0, 2, 3]),
        node("Floor", "x", "f"),
        node("Relu", "t", "r"),
        node("Add", "r f", "y"),
    ]

    with pytest.raises(files.OutOfScope, match=r"2 have none: Transpose.*axis of the images.*Floor \(node '/Floor', opset 17\)"):
        files.read_network(model(nodes))


@pytest.mark.parametrize("batch", [1, "N"])
@pytest.mark.parametrize("row", [[1, -1], [1, 32]])
def test_a_reshape_to_one_image_takes_any_number_of_images(batch: Any, row: list[int]) -> None:
    nodes = [node("Conv", "x W", "c"), node("Reshape", "c s", "f"), node("Gemm", "f V", "y")]
    constants = {"W": draw(1, 2, 1, 3, 3), "s": np.array(row, np.int64), "V": draw(2, 32, 3)}

    imported = agree(model(nodes, constants, (batch, 1, 6, 6)), draw(0, 1, 1, 6, 6))

    x = draw(1, 4, 6, 6, 1)
    logits = imported.network.logits(x)
    assert logits.shape == (4, 3)
    for k in range(4):
        (expected,) = files.run_model(model(nodes, constants, (1, 1, 6, 6)), [np.moveaxis(x[k : k + 1], 3, 1)])
        np.testing.assert_allclose(logits[k : k + 1], expected, 1e-5, 1e-6)


def test_an_open_image_size_is_asked_for_and_can_be_given(tmp_path: Path) -> None:
    nodes = [node("Conv", "x W", "c"), node("GlobalAveragePool", "c", "p"), node("Flatten", "p", "y")]
    path = tmp_path / "open.onnx"
    path.write_bytes(model(nodes, {"W": draw(1, 2, 1, 3, 3)}, ("N", 1, "rows", "columns")).SerializeToString())

    with pytest.raises(HandmadeError) as refused:
        handmade.load(path)
    assert "open.onnx: input 'x': expected images of a known size" in str(refused.value)
    advice = str(refused.value).partition("Try ")[2]
    command, _, call = advice.partition(", or ")
    assert command == "handmade import FILE --image-shape 1,28,28"
    network = eval(call, {"handmade": handmade, "FILE": path})
    assert network.input_shape == (28, 28, 1)
    assert handmade.load(path, image_shape=[1, 9, 8]).input_shape == (9, 8, 1)
    with pytest.raises(HandmadeError, match=r"image_shape: expected the shape of one image of the input 'x'"):
        handmade.load(path, image_shape=(3, 9, 8))
    handmade.load(path, image_shape=(1, 9, 8)).save(tmp_path / "saved.safetensors")
    with pytest.raises(HandmadeError, match="image_shape: expected it with an ONNX model alone"):
        handmade.load(tmp_path / "saved.safetensors", image_shape=(1, 9, 8))


def test_two_inputs_of_images_are_refused_in_one_line_and_computed_by_run_model() -> None:
    proto = model([node("Add", "x z", "a"), node("Relu", "a", "y")])
    proto.graph.input.add().CopyFrom(proto.graph.input[0])
    proto.graph.input[1].name = "z"

    with pytest.raises(files.OutOfScope) as refused:
        files.read_network(proto)

    assert str(refused.value) == "the model: expected one input, of images; its nodes read x, z. A network here has one input"
    x, z = draw(0, 2, 1, 6, 6), draw(1, 2, 1, 6, 6)
    assert (files.run_model(proto, [x, z])[0] == np.maximum(x + z, 0)).all()


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Identity", "x", "y")],
        [node("Transpose", "x", "y", perm=[0, 2, 3, 1])],
        [node("Unsqueeze", "x axes", "u"), node("Squeeze", "u axes", "y")],
    ],
)
def test_a_model_whose_output_is_its_input_is_computed_but_is_no_network(nodes: list[Any]) -> None:
    proto = model(nodes, {"axes": np.array([1], np.int64)}, ("N", 3, 6, 6))
    x = draw(0, 2, 3, 6, 6)

    with pytest.raises(files.OutOfScope, match=r"expected at least one layer; an output is the input itself"):
        files.read_network(proto)
    expected = x.transpose(0, 2, 3, 1) if nodes[0].op_type == "Transpose" else x
    assert (files.run_model(proto, [x])[0] == expected).all()


def test_rearrangements_alone_are_a_network_if_numbers_move() -> None:
    proto, x = model([node("Flatten", "x", "y")], image=("N", 3, 6, 6)), draw(0, 2, 3, 6, 6)

    imported = files.read_network(proto)

    assert (imported.network.logits(np.moveaxis(x, 1, 3)) == files.run_model(proto, [x])[0]).all()
    assert kinds(imported) == ["Transpose", "Flatten"]


SHUFFLE = [
    node("Relu", "x", "r"),
    node("Reshape", "r two", "a"),
    node("Transpose", "a", "b", perm=[0, 2, 1, 3, 4]),
    node("Reshape", "b four", "y"),
]


@pytest.mark.parametrize(
    ("nodes", "order"),
    [
        ([node("Relu", "x", "y")], (0, 2, 3, 1)),
        (SHUFFLE, (0, 2, 3, 1)),
        ([node("Relu", "x", "r"), node("Transpose", "r", "y", perm=[0, 2, 3, 1])], (0, 1, 2, 3)),
        ([node("Relu", "x", "r"), node("Transpose", "r", "y", perm=[0, 3, 2, 1])], (0, 2, 3, 1)),
        ([node("Relu", "x", "r"), node("Reshape", "r rows", "y")], (0, 1, 2)),
        ([node("Relu", "x", "r"), node("Reshape", "r two", "y")], (0, 1, 2, 3, 4)),
    ],
    ids=["plain", "shuffled channels", "channels last", "columns first", "rows", "five axes"],
)
def test_an_output_with_several_axes_is_in_onnxs_order_or_has_its_channels_last(nodes: list[Any], order: tuple[int, ...]) -> None:
    constants = {"two": np.array([0, 2, 2, 5, 6]), "four": np.array([0, 4, 5, 6]), "rows": np.array([0, 4, -1])}
    proto = model(nodes, constants, ("N", 4, 5, 6))
    x = draw(0, 2, 4, 5, 6)

    (expected,) = files.run_model(proto, [x])
    imported = files.read_network(proto)
    found = imported.network.outputs(np.moveaxis(x, 1, 3))[imported.outputs["y"]]

    assert (found == expected.transpose(order)).all()
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    assert (session.run(None, {"x": x})[0] == expected).all()


def test_inputs_that_do_not_fit_are_refused() -> None:
    proto = classifier()
    with pytest.raises(HandmadeError, match=r"inputs: expected 1 of them, x; got 2"):
        files.run_model(proto, [1, 2])
    with pytest.raises(HandmadeError, match=r"expected float32; got float64\. Try astype"):
        files.run_model(proto, [np.zeros((1, 1, 6, 6))])
    with pytest.raises(HandmadeError, match=r"expected an array .*; got \(1, 1, 5, 6\)"):
        files.run_model(proto, {"x": np.zeros((1, 1, 5, 6), np.float32)})
    with pytest.raises(HandmadeError, match=r"Try \[x\]"):
        files.run_model(proto, 3)


def test_random_graphs_agree_with_onnxruntime_in_outputs_and_gradients() -> None:
    pytest.importorskip("onnxruntime")
    from onnx_random import compare  # noqa: PLC0415  needs the package onnx

    outcomes = [compare(seed) for seed in range(12)]

    assert [each.problem for each in outcomes if each is not None and each.problem] == []
    assert sum(each is not None and each.layers > 0 and not each.operations for each in outcomes) >= 10


@pytest.mark.long
def test_500_random_graphs_agree_with_onnxruntime_in_outputs_and_gradients() -> None:
    pytest.importorskip("onnxruntime")
    from onnx_random import compare  # noqa: PLC0415  needs the package onnx

    outcomes = [compare(seed) for seed in range(500)]

    assert [each.problem for each in outcomes if each is not None and each.problem] == []
    assert sum(each is not None and each.layers > 0 for each in outcomes) >= 490
