"""A student's functions in networks of the engine: the same numbers, by her code, and one clear line when it fails."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from handmade import HandmadeError, Network, Node
from handmade.engine import backend
from handmade.engine.losses import CrossEntropy
from handmade.gradients import backprop, definition, difference, input_gradient
from handmade.learn import own_functions
from handmade.learn.folder import Folder, digest
from handmade.learn.mine import USED, OwnFunctions, loaded, read_own_functions
from handmade.learn.own_function import Printed
from handmade.learn.own_layers import Own, OwnCrossEntropy
from handmade.learn.own_parts import Functions
from handmade.learn.state import write_state
from handmade.learn.steps import NAMES, load_step
from handmade.learn.texts import texts

LAYERS = {
    "readme": [("Conv2d", 2, 3), ("ReLU",), ("Conv2d", 3, 3), ("ReLU",), ("MaxPool2d", 2), ("Flatten",), ("Linear", 4)],
    "seed": [
        *[("Conv2d", 2, 3), ("ReLU",), ("Conv2d", 2, 3), ("ReLU",), ("MaxPool2d", 2), ("Flatten",)],
        *[("Linear", 5), ("ReLU",), ("Linear", 4)],
    ],
}


def network(name: str, shape: tuple[int, int] = (8, 7), **settings: Any) -> Network:
    """Make a network with the layers of a preset, small enough for plain loops, for images of that shape."""
    keys = {"Conv2d": ("filters", "kernel"), "MaxPool2d": ("window",), "Linear": ("units",)}
    layers: list[dict[str, Any]] = [
        {"layer": kind, **dict(zip(keys.get(str(kind), ()), sizes, strict=True))} for kind, *sizes in LAYERS[name]
    ]
    layers[0] |= settings
    return handmade.networks.described({"input": [*shape, 1], "layers": layers}, 0, np.float64)


def plant(folder: Path, *names: str, **sources: str) -> Path:
    """Make a workbook in which some steps are passed with their solutions, or with other sources."""
    place = Folder(folder)
    state = place.prepare("en")
    for name in (*names, *sources):
        source = sources.get(name) or (load_step(name).folder / "solution.py").read_text(encoding="utf-8")
        place.exercise(name).write_text(source, encoding="utf-8")
        state.steps[name].passed, state.steps[name].file = True, digest(source)
    write_state(folder, state)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant(tmp_path_factory.mktemp("all") / "workbook", *NAMES)


@pytest.fixture(scope="module")
def own(folder: Path) -> OwnFunctions:
    return own_functions(folder)


def without(own: OwnFunctions, *steps: str) -> OwnFunctions:
    """Return the same without some steps."""
    kept = {place: function for place, function in own.functions.items() if place[0] not in steps}
    return OwnFunctions(own.folder, kept, own.notes, own.say, own.printed)


def batch(net: Network, images: int = 2) -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(images, *net.input_shape)), rng.integers(0, 4, images)


def agree(found: tuple[float, dict[str, Any]], right: tuple[float, dict[str, Any]], tolerance: float = 1e-10) -> None:
    assert found[0] == pytest.approx(right[0], rel=min(tolerance, 1e-6))
    assert found[1].keys() == right[1].keys()
    for name, array in right[1].items():
        assert found[1][name].dtype == array.dtype
        np.testing.assert_allclose(found[1][name], array, rtol=tolerance, atol=tolerance, err_msg=name)


SUBSETS = [(), ("im2col",), ("im2col", "conv_stride_padding"), ("finite_chain_rule",), ("conv_backward_dw", "max_pool")]


@pytest.mark.parametrize("gradient", [backprop, difference, definition])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_those_of_the_engine(own: OwnFunctions, name: str, gradient: Any) -> None:
    net = network(name)
    x, y = batch(net)
    hers = own.layers(net)

    assert all(isinstance(layer, Own) for layer in hers.layers)
    agree(gradient(hers, x, y, loss=own.loss(CrossEntropy())), gradient(net, x, y), 1e-6 if gradient is definition else 1e-10)


@pytest.mark.parametrize("steps", SUBSETS)
def test_a_part_of_the_steps_gives_the_same(own: OwnFunctions, steps: tuple[str, ...]) -> None:
    net, part = network("readme"), without(own, *steps)
    x, y = batch(net)
    hers = part.layers(net)

    for gradient in (backprop, difference):
        agree(gradient(hers, x, y), gradient(net, x, y))
    np.testing.assert_allclose(input_gradient(hers, x, y)[1], input_gradient(net, x, y)[1], rtol=1e-12, atol=1e-14)
    for mine, right in zip(hers.forward(x), net.forward(x), strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("settings", "step"),
    [
        ({}, "im2col"),
        ({"stride": [2, 1]}, "im2col"),
        ({"padding": [1, 2]}, "conv_stride_padding"),
        ({"stride": 2, "padding": 1}, "conv_stride_padding"),
        ({"dilation": 2}, None),
        ({"padding": [[1, 0], [0, 0]]}, None),
    ],
)
def test_the_latest_step_that_covers_the_settings_is_used(own: OwnFunctions, settings: dict[str, Any], step: str | None) -> None:
    net = network("readme", (10, 9), **settings)
    x, y = batch(net)
    first = own.layers(net).layers[0]

    assert (first.own["forward"].step if isinstance(first, Own) else None) == step
    agree(backprop(own.layers(net), x, y), backprop(net, x, y))
    agree(difference(own.layers(net), x, y), difference(net, x, y))


def test_one_channel_is_enough_for_the_first_layer_alone(own: OwnFunctions) -> None:
    net = network("readme")
    early = without(own, *(set(USED) - {"conv_one_channel"}))
    x, y = batch(net)
    hers = early.layers(net)

    assert [isinstance(layer, Own) for layer in hers.layers] == [True, *[False] * 6]
    for gradient in (backprop, difference):
        agree(gradient(hers, x, y), gradient(net, x, y))
    assert early.loss(CrossEntropy()) == CrossEntropy()


@pytest.mark.parametrize("without_rule", ["plain", "compiled"])
def test_the_backend_runs_her_code(own: OwnFunctions, without_rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if without_rule == "compiled" and backend.unusable("compiled") is not None:
        pytest.skip("Numba is not installed")
    net = network("readme")
    x, y = batch(net)
    called: set[str] = set()
    hers = own.layers(net)

    def noted(name: str, code: Callable[..., Any], *arguments: Any) -> Any:
        called.add(name)
        return code(*arguments)

    for (_, name), function in own.functions.items():
        monkeypatch.setitem(function.__dict__, "code", partial(noted, name, function.code))

    with backend.use_backend(without_rule):
        backprop(hers, x, y, loss=own.loss(CrossEntropy()))
        back = set(called)
        called.clear()
        difference(hers, x, y)

    assert back == {name for names in USED.values() for name in names} - {"delta_relu", "delta_max"}
    assert called >= {"conv2d", "relu", "max_pool2d", "flatten", "linear", "delta_relu", "delta_max"}


def test_float32_stays_float32(own: OwnFunctions) -> None:
    net = handmade.networks.described({"input": [8, 7, 1], "layers": [{"layer": "Flatten"}, {"layer": "Linear", "units": 4}]}, 0)
    x, y = batch(net)
    right = backprop(net, x.astype(np.float32), y)

    agree(backprop(own.layers(net), x.astype(np.float32), y, loss=own.loss(CrossEntropy())), right, 1e-5)


def test_marks_and_the_way_back(own: OwnFunctions, tmp_path: Path) -> None:
    net = network("readme")
    hers = own.layers(net)

    assert "conv1 (yours)" in str(hers)
    assert hers.names == net.names
    assert [type(layer) for layer in hers.standard().layers] == [type(layer) for layer in net.layers]
    hers.standard().save(tmp_path / "model.safetensors")
    assert str(handmade.load(tmp_path / "model.safetensors")) == str(net)
    with pytest.raises(HandmadeError, match="registered"):
        hers.save(tmp_path / "other.safetensors")
    assert own.layers(hers).names == hers.names


def test_joins_and_other_layers_stay_the_engines(own: OwnFunctions) -> None:
    nodes = [
        Node("a", handmade.ReLU(), ["input"]),
        Node("b", handmade.Sigmoid(), ["input"]),
        Node("c", handmade.Add(), ["a", "b"]),
    ]
    layers = own.layers(Network(nodes, (3, 3, 1))).layers

    assert [isinstance(layer, Own) for layer in layers] == [True, False, False]


def test_losses(own: OwnFunctions) -> None:
    assert isinstance(own.loss(CrossEntropy()), OwnCrossEntropy)
    assert own.loss(CrossEntropy(0.1)) == CrossEntropy(0.1)
    assert own.loss(handmade.losses.MeanSquaredError()) == handmade.losses.MeanSquaredError()


def test_rows_name_the_steps(own: OwnFunctions) -> None:
    rows = {row.name: row for row in own.rows(network("readme"))}

    assert rows["conv1"].forward == (17,)
    assert rows["conv1"].backward == (14, 15, 16)
    assert (rows["relu1"].forward, rows["relu1"].delta, rows["relu1"].backward) == ((6,), (11,), (13,))
    assert rows["loss"].forward == (9,)


def test_a_file_that_no_longer_passes_is_not_used(tmp_path: Path) -> None:
    place = plant(tmp_path / "w", "relu", "linear")
    Folder(place).exercise("relu").write_text("def relu(x):\n    return x\n", encoding="utf-8")
    Folder(place).exercise("linear").write_text("def flatten(x:\n", encoding="utf-8")

    with pytest.raises(HandmadeError) as refused:
        own_functions(place)
    assert "06_relu.py no longer passes" in str(refused.value)
    plant(place, "max_pool")
    found = own_functions(place)
    assert set(found.functions) == {("max_pool", "max_pool2d")}
    assert [note.split()[0] for note in found.notes] == ["06_relu.py", "08_linear.py"]


def test_a_file_that_changed_and_still_passes_is_used(tmp_path: Path) -> None:
    place = plant(tmp_path / "w", "relu")
    Folder(place).exercise("relu").write_text(
        "import numpy as np\n\n\ndef relu(x):\n    return -np.minimum(-x, 0)\n", encoding="utf-8"
    )

    assert set(own_functions(place).functions) == {("relu", "relu")}
    assert own_functions(place).notes == ()


def test_a_workbook_is_needed(tmp_path: Path) -> None:
    with pytest.raises(HandmadeError, match="handmade learn"):
        read_own_functions(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
    with pytest.raises(HandmadeError, match="goto 3"):
        read_own_functions(plant(tmp_path / "w", "patch_indexing"))


BAD = {
    "raises": ("    if x.ndim == 2:\n        return x[10**6]\n", "06_relu.py:4, in relu: IndexError: index 1000000"),
    "exits": ("    if x.ndim == 2:\n        exit()\n", "06_relu.py:4, in relu: SystemExit"),
    "shape": ("    if x.ndim == 2:\n        return x[:, :1]\n", "06_relu.py, in relu: expected an array of shape (2, 5)"),
    "nothing": ("    if x.ndim == 2:\n        return None\n", "got None"),
    "asks": ("    if x.ndim == 2:\n        input()\n", "06_relu.py:4, in relu: EOFError"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_error_in_her_code_is_one_line(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    body, message = BAD[name]
    plant(
        tmp_path / "w", relu=f"import numpy as np\ndef relu(x):\n{body}    print('seen', x.shape)\n    return np.maximum(x, 0)\n"
    )
    found = unchecked(tmp_path / "w", "relu")
    net = network("seed")

    with pytest.raises(HandmadeError) as error:
        backprop(found.layers(net), *batch(net))

    assert message in str(error.value)
    assert "handmade learn goto 6" in str(error.value)
    assert "\n" not in str(error.value)
    assert "seen (2, 6, 5, 2)\n" in found.printed.text
    assert capsys.readouterr() == ("", "")


def unchecked(folder: Path, *steps: str) -> OwnFunctions:
    """Return functions without grading them: quickly, or with a mistake that no case of the step shows."""
    printed, say = Printed(), texts("en")
    functions: Functions = {}
    for step in steps:
        file = Folder(folder).exercise(step)
        found = loaded(step, file.read_text(encoding="utf-8"), file, printed, say)
        functions |= {(step, each.name): each for each in found}
    return OwnFunctions(folder, functions, (), say, printed)


def test_output_has_an_end(tmp_path: Path) -> None:
    plant(tmp_path / "w", relu="def relu(x):\n    print('\\x1b[2J' + 'n' * 100_000)\n    return x * (x > 0)\n")
    found = unchecked(tmp_path / "w", "relu")
    net = network("seed")
    for _ in range(3):
        found.layers(net).logits(batch(net)[0])

    assert len(found.printed.text) < 10_000
    assert "\x1b" not in found.printed.text
