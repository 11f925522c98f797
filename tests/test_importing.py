"""Networks of other libraries: the preparation of their input, the commands export and import, and .onnx wherever a model is."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handmade
from handmade import HandmadeError, Network, Node, Preparation, runs
from handmade.cli.main import main
from handmade.data import mnist, prepare_for
from handmade.engine.layers import Affine, Conv2d, Flatten, GlobalAvgPool2d, Linear
from handmade.files.onnx import export, to_model
from handmade.importing.expressions import scale_and_shift
from handmade.importing.models import read_onnx
from handmade.importing.preparations import USUAL, from_expression
from handmade.lab.catalogue import EXAMPLE, Catalogue

onnx = pytest.importorskip("onnx")
IMAGES, LABELS = mnist().test.images[:500], mnist().test.labels[:500]


@pytest.fixture
def told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """The command in this process and in a folder of its own: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["handmade", *arguments])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capsys.readouterr()
        return int(leaving.value.code or 0), captured.out, captured.err

    return run


# --- expressions --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "scale", "shift"),
    [
        ("x", 1, 0),
        ("x/255", 1 / 255, 0),
        ("1 - x/255", -1 / 255, 1),
        ("(x/255 - 0.1307)/0.3081", 1 / 255 / 0.3081, -0.1307 / 0.3081),
        ("x / 127.5 - 1", 1 / 127.5, -1),
        ("-x", -1, 0),
        ("--X", 1, 0),
        ("2*(x+1)*3 - x", 5, 6),
        ("(x - x/2) * 1e-2", 0.005, 0),
        ("((((x))))", 1, 0),
        (".5*x + 2.", 0.5, 2),
        ("4 / 2 * x", 2, 0),
    ],
)
def test_a_linear_expression_is_read(text: str, scale: float, shift: float) -> None:
    np.testing.assert_allclose(scale_and_shift(text), (scale, shift), rtol=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "3",
            "x*x",
            "1/x",
            "x/0",
            "x/(1-1)",
            "x y",
            "x.real",
            "__import__('os')",
            "x**2",
            "(x",
            "x)",
            "x +",
            "*x",
            "1..2 + x",
        ),
        *(
            "x; x",
            "lambda x: x",
            "x if x else x",
            "(" * 30 + "x" + ")" * 30,
            "x" * 201,
            "x - x",
            "1e999*x",
            "x[0]",
            "x,x",
            "\u0661*x",
        ),
        *("0x10 + x", "1_000*x", "x/1e-400", "nan*x", "\0", "x\n\n+ y"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(HandmadeError) as refused:
        from_expression(text, (28, 28, 1))
    assert "expected" in str(refused.value)
    assert len(str(refused.value)) < 500


@settings(max_examples=200)
@given(st.text(st.sampled_from("x0123456789.+-*/() e"), max_size=20))
def test_text_is_read_as_python_reads_it_or_refused(text: str) -> None:
    try:
        scale, shift = scale_and_shift(text)
    except HandmadeError:
        return
    for x in (0.0, 3.0):
        without_zeros = re.sub(r"(?<![\d.])0+(?=\d)", "", text.strip())  # Python refuses 01, which is 1 here
        by_python = eval(without_zeros, {"__builtins__": {}}, {"x": x})
        np.testing.assert_allclose(scale * x + shift, by_python, rtol=1e-9, atol=1e-9)


def test_rows_around_a_digit_are_those_of_a_black_pixel() -> None:
    prepare = from_expression("(x/255 - 0.1307)/0.3081", (32, 32, 1))
    x = prepare(np.zeros((1, 28, 28, 1), np.uint8))
    assert x.shape == (1, 32, 32, 1)
    np.testing.assert_allclose(x, -0.1307 / 0.3081, rtol=1e-6)


# --- preparations -------------------------------------------------------------------------------------------------------------


def with_input(expression: str) -> Network:
    """Return the trained example as a network whose input is prepared by another expression."""
    network, own = handmade.load(EXAMPLE), from_expression(expression, (30, 30, 1))
    assert isinstance(own.scale, float)
    assert isinstance(own.shift, float)
    scale = 1 / (255 * own.scale)
    first = Node("to_shares", Affine(np.array(scale, np.float32), np.array(-own.shift * scale, np.float32)))
    nodes = [
        first,
        *(
            node.with_reads({"input": "to_shares"} | {read: read for read in node.reads if read != "input"})
            for node in network.nodes
        ),
    ]
    return Network(nodes, (30, 30, 1))


def model_with(network: Network, metadata: dict[str, str] | None = None) -> Any:
    """Return an ONNX model without our metadata."""
    model = to_model(network)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, metadata or {})
    return model


def accuracy(network: Network) -> float:
    return float((network.predict(prepare_for(network)(IMAGES)) == LABELS).mean())


@pytest.mark.parametrize("expression", ["1 - x/255", "(x/255 - 0.1307)/0.3081", "255 - x", "1 - x/127.5"])
def test_an_unknown_preparation_is_guessed_on_training_digits(expression: str) -> None:
    found = read_onnx(model_with(with_input(expression)))
    assert accuracy(found.network) > 0.97
    assert found.guess is not None
    assert found.guess.accuracies.keys() == set(USUAL)
    assert found.guess.accuracies[expression] > 0.97
    assert found.preparation.startswith("Input: a guess: ")
    assert 'handmade import FILE --input "x/255"' in found.preparation


def test_the_loss_tells_preparations_apart_that_read_equally_many_digits() -> None:
    images, labels = mnist().train.images[:2000].reshape(2000, -1) / 255, mnist().train.labels[:2000]
    W = np.linalg.solve(images.T @ images + 30 * np.eye(784), images.T @ (10 * np.eye(10)[labels]))
    linear = Linear(W.astype(np.float32), np.zeros(10, np.float32))  # without biases, so the scale changes no class
    found = read_onnx(model_with(Network([Flatten(), linear], (28, 28, 1)))).guess
    assert found is not None
    assert found.accuracies["x"] == found.accuracies["x/255"] > 0.8
    assert found.losses["x/255"] < 1 < found.losses["x"]
    assert found.expression in {"x/255", "x/256"}


def test_a_network_that_reads_no_digits_gets_the_usual_preparation() -> None:
    found = read_onnx(model_with(handmade.networks.readme(0)))
    assert found.preparation.startswith("Input: x/255; it reads no digits with a usual preparation: ")
    assert found.network.preparation == from_expression("x/255", (30, 30, 1))


def coloured(network: Network) -> Network:
    """Return the network with a layer in front that makes images with 3 channels grey."""
    grey = Conv2d(np.full((1, 1, 3, 1), 1 / 3, np.float32), np.zeros(1, np.float32))
    nodes = [node.with_reads({read: "grey" if read == "input" else read for read in node.reads}) for node in network.nodes]
    return Network([Node("grey", grey), *nodes], (30, 30, 3))


def test_a_model_of_digits_in_three_channels_reads_grey_digits() -> None:
    model = model_with(coloured(handmade.load(EXAMPLE)))
    for found in (read_onnx(model), read_onnx(model, preparation="x/255"), read_onnx(model, grey=True)):
        assert found.network.input_shape == (30, 30, 1)
        assert accuracy(found.network) > 0.97
        assert found.notes[-1].startswith("the model has 3 channels; a layer in front of it repeats a grey image")
    assert read_onnx(model, grey=False).network.input_shape == (30, 30, 3)


def test_a_model_of_other_images_in_three_channels_keeps_them() -> None:
    model = model_with(coloured(handmade.networks.readme(0)))
    assert read_onnx(model).network.input_shape == (30, 30, 3)
    assert read_onnx(model, grey=True).network.input_shape == (30, 30, 1)


def test_a_given_preparation_is_taken() -> None:
    network = with_input("255 - x")
    found = read_onnx(model_with(network), preparation="255 - x")
    assert found.guess is None
    assert accuracy(found.network) > 0.97
    assert accuracy(read_onnx(model_with(network), preparation="x/255").network) < 0.5


@pytest.mark.parametrize(
    ("pixel_range", "expression"),
    [("NominalRange_0_255", "x"), ("Normalized_0_1", "x/255"), ("Normalized_1_1", "x/127.5 - 1")],
)
def test_metadata_of_images_state_the_preparation(pixel_range: str, expression: str) -> None:
    found = read_onnx(model_with(with_input(expression), {"Image.NominalPixelRange": pixel_range}))
    assert found.guess is None
    assert expression in found.preparation
    assert accuracy(found.network) > 0.97


def test_an_input_of_pixels_needs_no_preparation() -> None:
    model = model_with(handmade.load(EXAMPLE))
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    for node in model.graph.node:
        for n, name in enumerate(node.input):
            node.input[n] = "shares" if name == "input" else name
    nodes = [
        onnx.helper.make_node("Cast", ["input"], ["floats"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Div", ["floats", "white"], ["shares"]),
    ]
    for n, node in enumerate(nodes):
        model.graph.node.insert(n, node)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(255), "white"))
    onnx.checker.check_model(model)
    found = read_onnx(model)
    assert "dtype of its input" in found.preparation
    assert accuracy(found.network) > 0.97


def test_our_own_preparation_and_class_names_come_back_exactly() -> None:
    own = Preparation(scale=0.3, shift=(-0.1,), padding=2, outside=0.7)
    names = [f"digit {k}" for k in range(10)]
    network = Network([Flatten(), Linear.init(0, 1024, 10)], (32, 32, 1), class_names=names, preparation=own)
    found = read_onnx(to_model(network)).network
    assert (found.preparation, found.class_names) == (own, tuple(names))
    assert read_onnx(to_model(handmade.networks.readme(0))).network.preparation is None


@pytest.mark.parametrize("shape", [(784,), (28, 28)])
def test_rows_and_images_without_channels_become_images(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    layers = [Flatten(), Linear.init(rng, 784, 5)]
    found = read_onnx(model_with(Network(layers, shape))).network
    assert found.input_shape == (28, 28, 1)
    x = prepare_for(found)(IMAGES[:3])
    np.testing.assert_allclose(found.logits(x), Network(layers, (28, 28, 1)).logits(x), rtol=1e-5, atol=1e-6)


# --- load, commands, lab ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [b"conv1.W", b"Relu", b"linear1", b"handmade", b"kernel_shape", b"Image.NominalPixelRange"])
def test_texts_that_are_no_unicode_are_refused(text: bytes, tmp_path: Path) -> None:
    content = to_model(handmade.networks.readme(0)).SerializeToString()
    assert text in content
    (tmp_path / "some.onnx").write_bytes(content.replace(text, text[:-1] + b"\xff"))
    with pytest.raises(HandmadeError, match=r"some\.onnx: expected (texts in UTF-8|an ONNX file)"):
        handmade.load(tmp_path / "some.onnx")


def test_load_reads_an_onnx_model(tmp_path: Path) -> None:
    network = handmade.load(EXAMPLE)
    export(network, tmp_path / "Model.ONNX")
    loaded = handmade.load(tmp_path / "Model.ONNX")
    assert type(loaded) is Network
    x = prepare_for(network)(IMAGES)
    np.testing.assert_allclose(loaded.logits(x), network.logits(x), rtol=1e-5, atol=1e-5)
    loaded.save(tmp_path / "again.safetensors")
    assert handmade.load(tmp_path / "again.safetensors").preparation == network.preparation
    with pytest.raises(HandmadeError, match="expected it with an ONNX model alone"):
        handmade.load(EXAMPLE, preparation="x")
    with pytest.raises(HandmadeError, match=r"nothing\.onnx"):
        handmade.load(tmp_path / "nothing.onnx")


def test_export_and_import(told: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = told("export", str(EXAMPLE), "some.onnx")
    assert (code, err) == (0, "")
    assert out.startswith("ONNX model: some.onnx (28,298 weights, opset 20, ")
    code, out, err = told("import", "some.onnx")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "some.onnx: 7 layers, 28,298 weights, images 30 x 30 x 1"
    assert out.splitlines()[-2:] == ["Input: x/255, as its metadata say", "Model: some.safetensors"]
    for model in ("some.onnx", "some.safetensors"):
        code, out, _ = told("evaluate", model, "--json")
        assert code == 0
        assert (
            json.loads(out)["test_accuracy"]
            == handmade.evaluate(
                handmade.load(EXAMPLE), mnist().test.images, mnist().test.labels, prepare_for(handmade.load(EXAMPLE))
            ).accuracy
        )


def test_export_and_import_as_json(told: Callable[..., tuple[int, str, str]]) -> None:
    exported = json.loads(told("export", "readme", "some.onnx", "--json", "--opset", "17")[1])
    assert exported | {"bytes": 0} == {
        "model": "readme",
        "file": "some.onnx",
        "format": "onnx",
        "opset": 17,
        "bytes": 0,
        "input": exported["input"],
        "weights": 28298,
    }
    imported = json.loads(told("import", "some.onnx", "--json", "--out", "other.safetensors", "--input", "x/255")[1])
    assert (imported["model"], imported["input"], imported["guess"]) == ("other.safetensors", "Input: x/255, as given", None)


def test_weights_of_pytorch_go_out_and_come_in(told: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = told("export", str(EXAMPLE), "weights.safetensors", "--layout", "pytorch")
    assert code == 0
    assert "nn.Linear(2704, 10)" in out
    compile(out, "module", "exec")
    code, out, _ = told("import", "weights.safetensors", "--like", "readme", "-o", "mine.safetensors")
    assert code == 0
    found, network = handmade.load("mine.safetensors"), handmade.load(EXAMPLE)
    assert all((found.parameters()[name] == array).all() for name, array in network.parameters().items())
    assert told("export", "readme", "--layout", "pytorch")[1].startswith("from torch import nn\n")


def test_a_guess_is_told_by_every_command(told: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "some.onnx").write_bytes(model_with(with_input("255 - x")).SerializeToString())
    code, out, err = told("networks", "some.onnx", "--json")
    assert (code, list(json.loads(out))) == (0, ["some.onnx"])
    assert "some.onnx: Input: a guess: 255 - x reads " in err
    assert "1 - x/255 " in err
    assert 'import some.onnx --input "x/255"' in err


def test_a_training_starts_from_a_model_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    export(handmade.load(EXAMPLE), tmp_path / "some.onnx")
    settings = runs.Settings(network="some.onnx", steps=3, batch_size=4, limit=40, checkpoint_every=0.0, threads=1)
    in_double, session = runs.start(replace(settings, dtype="float64"), "double"), runs.start(settings, "complete")
    for name, array in handmade.load("some.onnx").parameters().items():
        np.testing.assert_array_equal(session.network.parameters()[name], array, strict=True)
        np.testing.assert_array_equal(in_double.network.parameters()[name], array.astype(np.float64), strict=True)
    assert session.remarks == ("The training starts from the weights of some.onnx.",)
    complete = session.finish()
    part = runs.start(settings, "part")
    for progress in part:
        if progress.step.number == 1:
            part.stop()
    assert runs.resume("part").finish()["test_loss"] == complete["test_loss"]
    assert json.loads(Path("part/run.json").read_text())["start"] == "weights of some.onnx"
    further = runs.start(replace(settings, network="complete"), "further")
    assert all(
        (further.network.parameters()[name] == array).all() for name, array in handmade.load("complete").parameters().items()
    )


@pytest.mark.parametrize("gradient", ["difference", "definition", "backprop"])
def test_the_command_trains_an_onnx_model_on(gradient: str, told: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    layers = [Conv2d.init(0, 1, 2, 3, stride=3), GlobalAvgPool2d(), Linear.init(0, 2, 10)]
    export(Network(layers, (30, 30, 1)), tmp_path / "small.onnx")
    code, out, err = told(*f"train --network small.onnx --steps 2 --limit 64 --gradient {gradient} --json".split())
    assert code == 0
    assert "The training starts from the weights of small.onnx." in err
    assert json.loads(out)["status"] == "finished"
    assert Path("runs/small-1/model.safetensors").is_file()


def test_external_data_is_refused_with_advice_that_works(told: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    model = to_model(handmade.load(EXAMPLE))
    onnx.save_model(model, tmp_path / "some.onnx", save_as_external_data=True, location="some.data", size_threshold=0)
    assert "Try --external-data, if you trust the model\n" in told("import", "some.onnx")[2]
    for command in ("networks", "evaluate"):
        code, _, err = told(command, "some.onnx")
        assert (code, err.count("\n")) == (1, 1)
        assert "import some.onnx --external-data, if you trust the model" in err
    with pytest.raises(HandmadeError, match=r"Try external_data=True, if you trust the model$"):
        handmade.load("some.onnx")
    assert told("import", "some.onnx", "--external-data")[0] == 0
    x = np.random.default_rng(0).random((2, 30, 30, 1), np.float32)
    np.testing.assert_array_equal(
        handmade.load("some.onnx", external_data=True).logits(x), handmade.load("some.safetensors").logits(x)
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("export readme", 2, "expected a file to write, such as model.onnx; got none. Try: handmade export readme readme.onnx"),
        ("export readme some.txt", 2, "OUT: expected a name that ends in .onnx, got 'some.txt'. Try model.onnx"),
        (
            "export readme w.safetensors",
            2,
            "--layout: expected pytorch for a file .safetensors, got nothing. Try --layout pytorch",
        ),
        ("export readme w.onnx --layout pytorch", 2, "OUT: expected a name that ends in .safetensors, got 'w.onnx'."),
        ("export readme w.onnx --opset 3", 2, "--opset: expected an integer from 17 to 26, got '3'."),
        ("export readme nowhere/w.onnx", 1, "--out: expected a folder that exists"),
        ("export nothing w.onnx", 1, "nothing: expected a run, a model file, a preset or a network file"),
        ("import some.onnx", 1, "some.onnx: expected an ONNX model; there is no such file. Check the path"),
        ("import bad.onnx --out new.safetensors", 1, "bad.onnx: expected an ONNX file"),
        ("import bad.onnx --like readme", 2, "--like: expected it with weights alone"),
        ("import bad.safetensors", 2, "--like: expected a network with the same layers"),
        (
            "import bad.safetensors --like readme --out new.safetensors",
            1,
            "bad.safetensors: expected a complete safetensors file",
        ),
        ("import bad.safetensors --like readme", 1, "--out: expected a new file, got bad.safetensors, which exists."),
        ("import bad.safetensors --like readme --grey", 2, "--grey: expected it with an ONNX model alone"),
        ("import bad.safetensors --like readme --external-data", 2, "--external-data: expected it with an ONNX model alone"),
        ("import good.onnx --grey", 1, "--grey: expected a model of images with 3 channels; got (30, 30, 1). Leave it out"),
        ("evaluate bad.pth", 1, "bad.pth: expected a model; a file .pth of PyTorch holds weights without layers. Try "),
        ("train --network bad.onnx", 1, "bad.onnx: expected an ONNX file"),
        ("train --network nothing.onnx", 1, "nothing.onnx: "),
        ("train --network bad.safetensors", 1, "bad.safetensors: expected a complete safetensors file"),
        ("import good.onnx --input x*x", 1, "input: expected a linear expression of the pixel x; in 'x*x'"),
    ],
)
def test_errors_are_one_line(
    words: str,
    code: int,
    message: str,
    told: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / "bad.onnx").write_bytes(b"\xff\xff bad")
    (tmp_path / "bad.safetensors").write_bytes(b"bad")
    (tmp_path / "bad.pth").write_bytes(b"bad")
    if "good" in words:
        export(handmade.networks.readme(0), tmp_path / "good.onnx")
    found, out, err = told(*words.split())
    assert (found, out) == (code, "")
    assert err.startswith(f"handmade: {message}")
    assert err.count("\n") == 1


def test_the_lab_opens_an_onnx_model(tmp_path: Path) -> None:
    export(handmade.load(EXAMPLE), tmp_path / "some.onnx")
    opened = Catalogue(str(tmp_path / "some.onnx"), tmp_path / "runs").open("model")
    assert (opened.title, opened.trained, opened.network.size) == ("some", True, 28298)
