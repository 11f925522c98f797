"""`print()` of a value shows what the command shows, without colour; `repr()` is one short line."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

import handmade
from handmade import runs, text
from handmade.cli.console import results
from handmade.cli.main import main
from handmade.engine.check.networks.check import check
from handmade.engine.check.networks.steps import error_against_h
from handmade.engine.evaluation import Evaluation, evaluate
from handmade.engine.printable import Printable, ShortRepr, short
from handmade.gradients import check_layer
from handmade.runs import inputs
from handmade.text import LAYOUTS, network_table, training_progress, training_session, training_step
from handmade.text.number_format import MINUS, fixed
from tiny_digits import TINY, write_digits

GRAPH: dict[str, Any] = {
    "layers": [
        {"layer": "Conv2d", "filters": 2, "kernel": 3, "padding": 1, "stride": 2},
        {"layer": "ReLU"},
        {"layer": "Residual", "block": [{"layer": "Conv2d", "filters": 2, "kernel": 1}]},
        {"layer": "GlobalAvgPool2d"},
        {"layer": "Linear", "units": 10},
        {"layer": "Tanh", "name": "aside", "reads": ["2"]},
    ],
    "logits": "4",
}
Command: TypeAlias = Callable[..., str]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run a command, and return its standard output as a list of lines without spaces at their ends."""

    def run(*arguments: str | Path) -> str:
        monkeypatch.setattr(sys, "argv", ["handmade", *map(str, arguments)])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capfd.readouterr()
        assert not leaving.value.code, captured.err
        return as_lines(captured.out)

    return run


def as_lines(printed: str) -> str:
    return "\n".join(line.rstrip() for line in printed.splitlines())


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("networks") / "graph.json"
    path.write_text(json.dumps(GRAPH))
    return str(path)


def small(classes: int = 3, names: list[str] | None = None) -> handmade.Network:
    rng = np.random.default_rng(0)
    layers = [handmade.Conv2d.init(rng, 1, 2, 3), handmade.ReLU(), handmade.Flatten(), handmade.Linear.init(rng, 8, classes)]
    return handmade.Network(layers, (4, 4, 1), class_names=names)


def batch(classes: int = 3) -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    return rng.random((6, 4, 4, 1)), rng.integers(0, classes, 6)


def values() -> dict[str, Any]:
    """One value of each kind, by the name of its kind."""
    network, (x, y) = small(), batch()
    double = network.replace({name: array.astype(np.float64) for name, array in network.parameters().items()})
    steps = list(handmade.train(network, x.astype(np.float32), y, steps=2, batch_size=3, validation=(x.astype(np.float32), y)))
    return {
        "network": network,
        "receipt": handmade.explain(double, x[0], "loss", label=1, depth=2),
        "trace": handmade.trace(double, x[0], "conv1.W[1,1,0,1]=+0.5", label=1),
        "step": steps[-1],
        "evaluation": evaluate(network, x.astype(np.float32), y),
        "report": check(double, x, y),
        "errors": error_against_h(double, x, y, sample=1),
        "record": runs.RunRecord(Path("runs/one"), {"network": "readme", "status": "finished", "test_accuracy": 0.9}),
        "layer report": check_layer(handmade.Tanh(), x[:2]),
    }


VALUES = values()


# --- print ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VALUES)
def test_every_value_prints_without_colour_in_the_width_that_is_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for width in (80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        printed = str(VALUES[name])
        assert "\x1b" not in printed
        assert "object at 0x" not in printed
        assert printed == printed.strip("\n")
        assert max(map(len, printed.splitlines())) <= width
        assert f"{VALUES[name]}" == printed


def test_every_layout_belongs_to_a_printable_class() -> None:
    for name, module in LAYOUTS.items():
        place, _, kind = name.rpartition(".")
        __import__(place)
        assert issubclass(getattr(sys.modules[place], kind), Printable)
        __import__(f"handmade.text.{module}")
        assert callable(sys.modules[f"handmade.text.{module}"].layout)


def test_networks_and_show_print_the_network(command: Command, graph: str, tmp_path: Path) -> None:
    network = inputs.network_named(graph)
    layout = network_table.layout(network, graph)
    expected = text.rendered(layout, results.width)

    assert command("networks", graph) == expected
    assert expected.partition("\n")[2] == text.to_text(network, results.width).partition("\n")[2]  # but for the title
    network.save(tmp_path / "model.safetensors")
    shown = command("show", tmp_path)
    assert shown.splitlines()[1:-1] == expected.splitlines()[1:]
    assert shown.endswith(f"Filters: handmade show {tmp_path} --filters conv1")
    for words in ("residual1.block.conv1", "reads residual1.block.conv1", "Outputs: linear1, aside. Logits: linear1."):
        assert words in expected


@pytest.mark.parametrize("at", ["loss", "conv1[3,2,1]", "residual1[3,2,1]"])
def test_explain_prints_the_receipt(command: Command, graph: str, at: str) -> None:
    network, image = inputs.network_named(graph), inputs.image_named("test:7")
    receipt = handmade.explain(network, image.pixels, at, label=image.label, depth=2)

    printed = command("explain", graph, "--image", "test:7", "--at", at, "--depth", "2")

    assert printed.strip("\n") == text.to_text(receipt, results.width)


def test_trace_prints_the_trace(command: Command, graph: str) -> None:
    network, image = inputs.network_named(graph), inputs.image_named("test:7")
    trace = handmade.trace(network, image.pixels, "conv1.b[1]=0.5", label=image.label)

    assert command("trace", graph, "--image", "test:7", "--nudge", "conv1.b[1]=0.5") == text.to_text(trace, results.width)


def test_evaluate_prints_the_evaluation(command: Command, tmp_path: Path) -> None:
    write_digits(tmp_path / "digits", 10, 20)
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    digits, network = inputs.dataset(str(tmp_path / "digits")), inputs.network_named(str(tmp_path / "tiny.json"))
    found = evaluate(network, digits.test.images, digits.test.labels, handmade.data.prepare_for(network))

    printed = command("evaluate", tmp_path / "tiny.json", "--data", tmp_path / "digits")

    confusions = text.to_text(found, 100).splitlines()[1]
    assert printed.splitlines()[1].startswith("Test accuracy ")
    assert confusions.split(",")[0] in printed
    matrix = printed[printed.index("Confusion matrix") :]
    assert text.to_text(found, results.width).endswith(matrix)


def test_check_prints_the_report(command: Command, tmp_path: Path) -> None:
    write_digits(tmp_path / "digits", 10, 20)
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    digits, network = inputs.dataset(str(tmp_path / "digits")), inputs.network_named(str(tmp_path / "tiny.json"))
    x = handmade.data.prepare_for(network, np.float64)(digits.train.images[:2])

    printed = command("check", tmp_path / "tiny.json", "--data", tmp_path / "digits", "--images", "2")

    report = check(network, x, digits.train.labels[:2])
    assert " ".join(printed.split()) == " ".join(text.to_text(report, 1000).split())


def test_a_step_shows_its_numbers_and_one_weight() -> None:
    step = VALUES["step"]
    lines = str(step).splitlines()

    assert lines[0].startswith(f"step 2 of 2: loss {step.loss:.6f}")
    assert f"validation accuracy {100 * step.validation.accuracy:.2f} %" in lines[2]
    name, _, rest = lines[3].partition("[")
    key = next(key for key in step.gradients if step.before.display_name(key) == name)
    index = tuple(int(number) for number in rest.partition("]")[0].split(","))
    derivative = f"{step.gradients[key][index]:+.6f}".replace("-", MINUS)
    assert lines[4] == f"  L(w) = {step.loss:.9f}   dL/dw = {derivative}"
    assert lines[5].startswith("  the optimiser moves w by ")
    method = training_step.Method("difference", "forward", 1e-3, "adam")
    assert "L(w + h)" in text.rendered(training_step.weight_update(step, method), 100)


def test_a_session_and_its_record_show_themselves(command: Command, tmp_path: Path) -> None:
    write_digits(tmp_path / "digits", 40, 20)
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    settings = runs.Settings(
        data=str(tmp_path / "digits"), network=str(tmp_path / "tiny.json"), gradient="backprop", steps=2, threads=1
    )
    session = runs.start(settings, tmp_path / "run")

    assert "Training of tiny, 210 weights, by backpropagation" in str(session)
    assert "0 of 2 steps done" in str(session)
    for progress in session:
        assert str(progress).startswith(f"step {progress.step.number} of 2: loss ")
        assert repr(progress).startswith("Progress(Step(")
        assert text.rendered(training_progress.layout(progress), 100) == text.to_text(progress, 100)
    ended = text.to_text(session, 100)
    assert ended.startswith("Trained 210 weights by backpropagation, in 2 steps: ")
    assert "Test accuracy " in ended
    assert ended == text.rendered(training_session.layout(session), 100)
    assert repr(session).startswith("TrainingSession(")
    assert repr(session).endswith(", 2 of 2 steps)")
    assert len(repr(session.job)) < 200
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    compared = runs.compare([tmp_path / "run", tmp_path / "copy"])
    assert command("runs", tmp_path / "run", tmp_path / "copy") == text.to_text(compared, results.width)
    assert repr(compared) == "Comparison(2 runs, 0 settings differ)"
    record = str(runs.read_record(tmp_path / "run"))
    assert re.search(r"status +finished\n", record)
    assert re.search(r"test accuracy +\d+\.\d\d %\n", record)
    assert "not a run" in str(runs.read_record(tmp_path))


def test_classes_have_names_and_a_wide_matrix_is_one_line() -> None:
    x, y = batch()
    named = evaluate(small(3, ["cat", "[dog]", "owl"]), x.astype(np.float32), y)
    assert re.search(r"^ 1 \[dog\] ", str(named), re.MULTILINE)
    assert "Classes: cat, [dog], owl." in str(small(3, ["cat", "[dog]", "owl"]))

    many = Evaluation(0.1, np.eye(100, dtype=np.int64) + np.eye(100, k=1, dtype=np.int64))
    printed = text.to_text(many, 120)
    assert "Most frequent confusions: 0 predicted as 1 (1)" in printed
    assert "The confusion matrix of 100 classes is wider than 120 columns" in printed
    assert max(map(len, printed.splitlines())) <= 120
    some = Evaluation(0.1, np.eye(20, dtype=np.int64))
    assert "wider than 80 columns" in text.to_text(some, 80)
    assert re.search(r"^ 19 ", text.to_text(some, 140), re.MULTILINE)
    names = [f"class {k}" for k in range(100)]
    assert "class 9 and 90 more." in text.to_text(small(100, names), 80)


def test_text_that_the_output_cannot_show_is_written_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ascii:
        encoding = "ascii"

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdout", Ascii())
    assert str(VALUES["trace"]).isascii()
    assert str(VALUES["network"]).isascii()


@pytest.mark.parametrize("columns", ["", "0", "wide", "\N{SUPERSCRIPT TWO}"])
def test_the_width_is_a_hundred_where_nothing_else_is_known(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    assert str(VALUES["receipt"]) == text.to_text(VALUES["receipt"], 100)


# --- repr -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VALUES)
def test_repr_is_one_short_line_also_in_a_list(name: str) -> None:
    line = repr(VALUES[name])

    assert len(line) < 200
    assert "\n" not in line
    assert "array(" not in line
    assert str([VALUES[name]]) == f"[{line}]"


def test_layers_and_nodes_have_short_reprs() -> None:
    rng = np.random.default_rng(0)

    assert repr(handmade.Conv2d.init(rng, 1, 8, 3)) == "Conv2d(8 filters, 3 x 3, 1 channel)"
    assert repr(handmade.Conv2d.init(rng, 4, 2, (3, 5), stride=2, padding=1, groups=2)) == (
        "Conv2d(2 filters, 3 x 5, 4 channels, stride 2 x 2, padding 1 x 1, 2 groups)"
    )
    assert repr(handmade.Linear.init(rng, 8, 1)) == "Linear(8 inputs, 1 unit)"
    assert repr(handmade.ReLU()) == str(handmade.ReLU()) == "ReLU()"
    assert repr(handmade.MaxPool2d((2, 2))) == "MaxPool2d(window 2 x 2, stride 2 x 2, padding 0 x 0)"
    assert repr(small()) == "Network(4 layers, 47 weights, images 4 x 4 x 1)"
    assert repr(small().nodes[1]) == "Node(name='1', layer=ReLU(), reads=('0',))"
    assert all(len(repr(node)) < 200 for node in inputs.network_named("deep").nodes)


def test_a_layer_of_a_user_has_a_short_repr_without_more_code() -> None:
    @dataclass(frozen=True, eq=False)
    class Scale(handmade.Layer):
        W: Any

        def forward(self, x: Any) -> Any:
            return x * self.W

        def delta(self, x: Any, dx: Any) -> Any:
            return dx * self.W

    class Own:
        def forward(self, x: Any) -> Any:
            return x

        def backward(self, gy: Any) -> Any:
            return gy

    assert repr(Scale(np.ones(1000))) == "Scale()"
    assert repr(handmade.Network([Own()], (2, 2, 1)).layers[0]) == "Adapter(Own)"


def test_other_values_show_settings_that_are_not_the_default() -> None:
    assert repr(runs.Settings(network="seed", steps=5)) == "Settings(network='seed', steps=5)"
    assert repr(handmade.data.mnist()) == "Dataset(60,000 training images, 10,000 test images)"
    assert repr(handmade.data.mnist().test) == "Images(10,000 images 28 x 28 x 1)"
    assert short({"a": 1, "b": 2}) == "{2 items}"
    assert short(list(range(9))) == "[9 items]"
    assert short((1, 2)) == "(1, 2)"
    assert len(short("x" * 1000)) <= 60

    class Plain(ShortRepr):
        def __init__(self) -> None:
            self.seen, self._hidden = np.zeros(3), 1

    assert repr(Plain()) == text.to_text(Plain()) == "Plain(seen=float64 (3,))"


def test_fixed_decimals_change_to_an_exponent_where_they_would_be_zeros_or_too_many() -> None:
    assert str(fixed(0.1, 6)) == "+0.100000"
    assert str(fixed(-0.25, 2)) == f"{MINUS}0.25"
    assert str(fixed(0.0, 6)) == "0"
    assert str(fixed(2e-7, 6)) == f"+2.000e{MINUS}07"
    assert str(fixed(-2e27, 6)) == f"{MINUS}2.000e+27"


def test_pictures_and_the_evaluation_are_there_by_name() -> None:
    assert handmade.pictures.__name__ == "handmade.pictures"
    assert handmade.evaluate is evaluate


@pytest.mark.parametrize(
    ("function", "argument", "message"),
    [
        ("filters", None, "network: expected a Network, got None. Try handmade.pictures.filters(network)"),
        ("confusion", 3, "evaluation: expected an Evaluation, got 3. Try handmade.evaluate(network, images, labels)"),
        ("curves", "runs/a", "runs: expected a list of History, got 'runs/a'. Try [handmade.pictures.History(name, "),
    ],
)
def test_pictures_name_a_wrong_argument(function: str, argument: object, message: str) -> None:
    with pytest.raises(handmade.HandmadeError) as caught:
        getattr(handmade.pictures, function)(argument)
    assert str(caught.value).startswith(message)


# --- commands ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["explain", "test:7", "--image", "readme"], "got them swapped. Try readme --image test:7"),
        (["explain", "seven.png"], "expected a model first, got the image 'seven.png'"),
        (["trace", "readme", "--nudge", "conv1.b[0]=1", "--image", "seed"], "--image: expected an image"),
        (["evaluate", "test:7"], "expected a model first"),
        (["show", "test:7", "readme"], "expected images, or one model; got the model 'readme'"),
        (["show", "test:7", "--filters", "conv1"], "expected a model first"),
        (["show", "readme", "test:1", "--filters", "conv1"], "--filters: expected one model, got 2 names"),
    ],
)
def test_a_model_and_an_image_that_are_swapped_are_named(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["handmade", *arguments])
    with pytest.raises(SystemExit) as leaving:
        main()

    captured = capfd.readouterr()
    assert leaving.value.code == 1
    assert captured.out == ""
    assert captured.err.startswith("handmade: ")
    assert captured.err.count("\n") == 1
    assert words in captured.err


def test_fresh_weights_are_said_once(graph: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["handmade", "explain", graph, "--at", "conv1.b[1]", "--seed", "3"])
    with pytest.raises(SystemExit):
        main()

    assert capfd.readouterr().err.split() == f"{graph}: fresh weights of seed 3, not trained".split()
