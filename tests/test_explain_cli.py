"""`handmade explain` and `handmade trace`: what they print, that it adds up on paper, and one line for what cannot be."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

import handmade
from handmade.cli.main import main
from handmade.files.checkpoints import read
from handmade.runs import inputs
from handmade.text.number_format import decimals_for, digits_before, signed, useful_digits
from tiny_digits import TINY, write_digits

MINUS = "\N{MINUS SIGN}"
WEIGHT = "conv1.W[1,2,0,5]"
SMALL: dict[str, Any] = {
    "layers": [
        {"layer": "Conv2d", "filters": 2, "kernel": 3, "padding": 1, "stride": 2},
        {"layer": "ReLU"},
        {"layer": "Conv2d", "filters": 2, "kernel": [2, 7]},
        {"layer": "BatchNorm2d"},
        {"layer": "GELU"},
        {"layer": "Residual", "block": [{"layer": "Conv2d", "filters": 2, "kernel": 1}]},
        {"layer": "Multiply", "name": "gate", "reads": ["5", "4"]},
        {"layer": "Concat", "name": "both", "reads": ["gate", "5"]},
        {"layer": "GlobalAvgPool2d"},
        {"layer": "Linear", "units": 10},
        {"layer": "Tanh", "name": "aside", "reads": ["both"]},
    ],
    "logits": "7",
}


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> dict[str, Any]:
        plain: dict[str, Any] = json.loads(self.out)
        return plain


Command: TypeAlias = Callable[..., Outcome]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["handmade", *map(str, arguments)])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capfd.readouterr()
        assert "Traceback" not in captured.err
        return Outcome(int(leaving.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture(scope="module")
def network_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("networks") / "small.json"
    path.write_text(json.dumps(SMALL))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    handmade.networks.readme(np.random.default_rng(3)).save(path / "model.safetensors")
    return path


def explain(command: Command, target: str | Path, at: str, *options: str) -> Outcome:
    outcome = command("explain", target, "--image", "test:7", "--at", at, *options)
    assert outcome.code == 0, outcome.err
    return outcome


def numbers(line: str) -> list[float]:
    """The numbers of a line, as they are printed: with a sign, or 0."""
    return [
        float(text.replace(MINUS, "-")) for text in re.findall(rf"(?<![\w\[,.])(?:[+{MINUS}][\d.e+{MINUS}]+|0)(?![\w.\],])", line)
    ]


def test_a_convolution_shows_patch_kernel_and_products_that_add_up(command: Command, model: Path) -> None:
    out = explain(command, model, "conv2[12,10,3]", "--digits", "9").lines

    network = handmade.load(model / "model.safetensors")
    x = handmade.data.prepare(handmade.data.mnist().test.images[7:8])
    assert out[0].startswith("conv2[12,10,3] = ")
    assert numbers(out[0])[0] == pytest.approx(float(network.forward(x)[3][0, 12, 10, 3]), rel=1e-8)
    assert sum("relu1[12..14,10..12," in line for line in out) == 8
    sums = [numbers(line)[-1] for line in out if re.match(r" +channel \d +\S+ *$", line) or "bias conv2.b[3]" in line]
    assert len(sums) == 9
    assert sum(sums) == pytest.approx(numbers(out[0])[0], rel=1e-7)


def test_every_grid_fits_into_eighty_columns_or_is_stacked(command: Command, network_file: Path) -> None:
    for options in ([], ["--digits", "9"]):
        out = explain(command, network_file, "conv2[3,2,1]", *options)
        assert max(map(len, out.lines)) <= 80


@pytest.mark.parametrize(
    "at",
    [
        *("conv2[3,2,1]", "gelu1[3,2,1]", "batchnorm1[3,2,0]", "residual1[3,2,1]", "residual1.block.conv1[3,2,1]"),
        *("gate[3,2,1]", "both[3,2,3]", "aside[3,2,0]", "linear1[3]", "loss", "probability[9]"),
    ],
)
def test_everything_fits_into_eighty_columns_and_is_plain_when_piped(command: Command, network_file: Path, at: str) -> None:
    out = explain(command, network_file, at, "--depth", "2").out

    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out
    assert "-0." not in out


@pytest.mark.parametrize("options", [(), ("--numpy",), ("--json",), ("--depth", "3")])
def test_a_pool_that_sees_one_pixel_is_explained(command: Command, tmp_path: Path, options: tuple[str, ...]) -> None:
    pool = {"layer": "MaxPool2d", "window": 2, "stride": 2, "padding": 1}
    layers = [pool, {"layer": "GlobalAvgPool2d"}, {"layer": "Linear", "units": 10}]
    (tmp_path / "pool.json").write_text(json.dumps({"layers": layers}))

    assert explain(command, tmp_path / "pool.json", "pool1[0,0,0]", *options).code == 0


def test_a_join_says_what_it_reads(command: Command, network_file: Path) -> None:
    added, multiplied, beside = (
        explain(command, network_file, at, "--json").json for at in ("residual1[3,2,1]", "gate[3,2,1]", "both[3,2,3]")
    )

    assert [told["kind"] for told in (added, multiplied, beside)] == ["Add", "Multiply", "Concat"]
    assert added["total"]["label"] == "sum of its inputs"
    assert [part["place"] for part in added["total"]["parts"]] == ["residual1.block.conv1[3,2,1]", "gelu1[3,2,1]"]
    assert [part["place"] for part in multiplied["total"]["parts"]] == ["residual1[3,2,1]", "gelu1[3,2,1]"]
    assert [part["place"] for part in beside["total"]["parts"]] == ["residual1[3,2,1]"]
    assert "sum of its inputs" in explain(command, network_file, "residual1[3,2,1]").out


def test_a_trace_goes_over_all_nodes_that_a_nudge_reaches(command: Command, network_file: Path) -> None:
    told = command("trace", network_file, "--image", "test:7", "--nudge", "residual1.block.conv1.b[1]=0.5", "--json").json

    assert [step["layer"] for step in told["steps"]] == [
        *("residual1.block.conv1", "residual1", "gate", "both", "globalavgpool1", "linear1", "aside")
    ]
    assert told["dL"] != 0


def test_padding_is_said_as_such(command: Command, network_file: Path) -> None:
    out = explain(command, network_file, "conv1[0,0,1]").out

    assert out.count("pad") == 5


def test_signs_are_coloured_where_there_is_colour_and_printed_in_any_case() -> None:
    below, above, zero = (signed(value, 3) for value in (-0.5, 0.5, 0.0))

    assert below.plain == f"{MINUS}0.500"
    assert above.plain == "+0.500"
    assert zero.plain == "0"
    assert len({str(text.style) for text in (below, above, zero)}) == 3


def test_no_more_digits_are_shown_than_are_useful(command: Command, model: Path) -> None:
    assert useful_digits(17, "float32") == 9
    assert useful_digits(17, "float64") == 17
    assert useful_digits(3, "float64") == 3
    assert signed(1.0, 1).plain == "+1"
    assert signed(-1234567.0, 4).plain == f"{MINUS}1.235e+06"
    assert decimals_for([0.5, -0.25], 4) == 4
    assert decimals_for([12.5, 0.25], 4) == 2
    assert decimals_for([], 4) == 4
    assert digits_before(1.5, 1.25, 3) == 4
    assert digits_before(1.0, 1.0 - 2**-10, 3) == 7
    shown = [line for line in explain(command, model, "relu1[9,9,3]", "--digits", "17").lines if "conv1[" in line]
    assert len(re.sub(r"\D", "", shown[0].split()[1])) <= 10


def test_a_subtraction_is_shown_with_the_digits_that_it_loses(command: Command) -> None:
    out = explain(command, "readme", f"d loss / d {WEIGHT}", "--by", "definition", "--step-size", "1e-6", "--digits", "3").out

    assert "digits are lost in the subtraction" in out
    line = next(line for line in out.splitlines() if "L(w + h) - L(w)" in line and "h) - L(w)) / h" not in line)
    difference, after, before = numbers(line)
    assert after - before == pytest.approx(difference, rel=0.01)


@pytest.mark.parametrize("by", ["definition", "difference", "backprop"])
def test_a_gradient_by_every_method(command: Command, by: str) -> None:
    told = explain(command, "readme", f"d loss / d {WEIGHT}", "--by", by, "--json").json

    network = handmade.networks.readme(np.random.default_rng(0), np.float64)
    x, y = handmade.data.prepare(handmade.data.mnist().test.images[7:8], np.float64), handmade.data.mnist().test.labels[7:8]
    wanted = handmade.explain(network, x[0], f"d loss / d {WEIGHT}", label=int(y[0]), by=by)
    assert told["value"] == wanted.value
    assert told["kind"] == by
    assert told["label"] == y[0]
    assert told["image"] == "test:7"


def test_the_nudge_is_followed_in_a_table(command: Command) -> None:
    out = explain(command, "readme", f"d loss / d {WEIGHT}", "--by", "difference")

    layers = [line.split()[0] for line in out.lines if "%" in line]
    assert layers == ["conv1", "relu1", "conv2", "relu2", "pool1", "flatten1", "linear1"]


def test_depth_goes_on_below(command: Command) -> None:
    out = explain(command, "readme", "pool1[4,4,4]", "--depth", "3")

    heads = [line.split(" = ")[0] for line in out.lines if " = " in line and line[0].isalpha()]
    assert heads[0] == "pool1[4,4,4]"
    assert sum(head.startswith("relu2") for head in heads) == 4
    assert sum(head.startswith("conv2") for head in heads) == 4


def test_json_is_one_object_of_plain_numbers(command: Command, model: Path) -> None:
    outcome = explain(command, model, "linear1[3]", "--depth", "2", "--json")

    assert outcome.out.count("\n") == 1
    told = outcome.json
    assert told["value"] - told["sum"] == told["rounding"]
    assert len(told["inputs"]) == len(told["receipts"]) == 10
    assert MINUS not in outcome.out


@pytest.mark.parametrize("at", ["conv2[12,10,3]", "linear1[3]", "loss", "probability[3]", f"d loss / d {WEIGHT}"])
def test_the_lines_of_numpy_run_and_print_the_number(command: Command, model: Path, at: str) -> None:
    told, lines = explain(command, model, at, "--json").json, explain(command, model, at, "--numpy").out

    done = subprocess.run([sys.executable, "-W", "error", "-c", lines], capture_output=True, text=True, check=True)

    assert float(done.stdout) == pytest.approx(told["sum"], rel=1e-12)


def test_another_label_can_be_tried(command: Command) -> None:
    three, nine = (explain(command, "readme", "loss", "--json", "--label", label).json for label in ("3", "9"))

    assert three["value"] != nine["value"]
    assert explain(command, "readme", "loss", "--json").json["value"] == nine["value"]


def test_the_seed_makes_the_weights(command: Command) -> None:
    zero, also_zero, one = (
        explain(command, "readme", WEIGHT, "--json", *seed).json["value"] for seed in ([], ["--seed", "0"], ["--seed", "1"])
    )

    assert zero == also_zero != one


def test_a_trace_tells_what_a_nudge_changes(command: Command) -> None:
    out = command("trace", "readme", "--image", "test:7", "--nudge", f"{WEIGHT}=+0.1").out.splitlines()

    told = command("trace", "readme", "--image", "test:7", "--nudge", f"{WEIGHT}=+0.1", "--json").json
    assert out[0].startswith(f"{WEIGHT}: ")
    before, after = numbers(out[0])
    assert after - before == pytest.approx(0.1, abs=1e-3)
    assert told["step"] == 0.1
    assert [step["layer"] for step in told["steps"]] == ["conv1", "relu1", "conv2", "relu2", "pool1", "flatten1", "linear1"]
    moved = [line.split()[1] for line in out if "%" in line]
    assert moved == [f"{step['moved']:,}" for step in told["steps"]]
    assert numbers(out[-1])[-1] == pytest.approx(told["dL"], rel=1e-3)
    assert told["figure"] is None


def test_a_trace_can_be_drawn(command: Command, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    figure = tmp_path / "nudge.png"

    outcome = command("trace", "readme", "--image", "test:7", "--nudge", f"{WEIGHT}=+0.1", "--figure", figure, "--json")

    assert outcome.code == 0, outcome.err
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert outcome.json["figure"] == str(figure)


def test_images_go_by_name() -> None:
    digits = handmade.data.mnist()

    for part, images in (("test", digits.test), ("train", digits.train)):
        named = inputs.image_named(f"{part}:12")
        assert (named.pixels == images.images[12]).all()
        assert named.label == images.labels[12]
        assert named.name == f"{part}:12"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["explain"], 2, "expected MODEL|NAME|FILE, got nothing"),
        (["explain", "nothing"], 1, "nothing"),
        (["explain", "readme", "--image", "test:10000"], 1, "test:0 to test:9999"),
        (["explain", "readme", "--image", "test:-1"], 1, "test:7, train:12"),
        (["explain", "readme", "--image", "valid:1"], 1, "test:7, train:12"),
        (["explain", "readme", "--at", "conv2[99,0,0]"], 1, "row 0 to 25"),
        (["explain", "readme", "--at", "conv7[0,0,0]"], 1, "conv1, relu1, conv2"),
        (["explain", "readme", "--depth", "0"], 2, "--depth"),
        (["explain", "readme", "--digits", "18"], 2, "--digits"),
        (["explain", "readme", "--by", "magic"], 2, "--by"),
        (["explain", "readme", "--label", "10"], 1, "0 to 9"),
        (["explain", "readme", "--numpy", "--json"], 2, "--numpy"),
        (["trace", "readme"], 2, "--nudge"),
        (["trace", "readme", "--nudge", "conv1.W[0,0,0,0]"], 1, "conv1.W[1,2,0,5]=+0.1"),
        (["trace", "readme", "--nudge", "conv1.W[9,0,0,0]=1"], 1, "row 0 to 2"),
        (["trace", "readme", "--nudge", "conv1.W[0,0,0,0]=1", "--figure", "nudge.txt"], 1, "--figure"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(command: Command, arguments: list[str], code: int, said: str) -> None:
    outcome = command(*arguments)

    assert outcome.code == code
    assert outcome.out == ""
    last = outcome.err.splitlines()[-1]
    assert last.startswith("handmade: ")
    assert said in last
    assert "--debug" not in last


@pytest.fixture
def run_of_four_steps(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    write_digits(tmp_path / "digits", 48, 10)
    Path("tiny.json").write_text(json.dumps(TINY))
    trained = command(
        *("train", "--data", "digits", "--network", "tiny.json", "--threads", "1", "--gradient", "backprop", "--out", "run"),
        *("--optimiser", "adam", "--clip-norm", "0.5", "--l2", "0.01", "--augment", "shift=1", "--ema", "0.5"),
        *("--steps", "4", "--batch-size", "16", "--checkpoint-every", "0", "--keep-checkpoints", "9"),
    )
    assert trained.code == 0
    return "run"


def test_an_update_of_a_run_is_the_one_that_the_run_makes(command: Command, run_of_four_steps: str) -> None:
    paths = sorted(Path(run_of_four_steps, "checkpoints").iterdir())
    assert [path.stem for path in paths] == [f"step-{step:08}" for step in range(5)]

    told = command("explain", run_of_four_steps, "--at", "update of conv1.W[1,2,0,1]", "--json").json

    assert told["step"] == 4  # the run is finished, so this is its last step: from the newest checkpoint that has one to go
    assert told["value"] == float(read(paths[4]).arrays["network/0.W"][1, 2, 0, 1])
    assert abs(told["rounding"]) <= told["bound"]
    remembered = {receipt["at"]: receipt["value"] for receipt in told["receipts"]}
    assert remembered["m/conv1.W[1,2,0,1]"] == float(read(paths[4]).arrays["memory/m/0.W"][1, 2, 0, 1])

    paths[4].unlink()
    paths[3].write_bytes(b"damaged")
    shown = command("explain", run_of_four_steps, "--at", "update of linear1.b[3]").out
    assert shown.startswith("Step 3 of run: the weight after it, and the state of the optimiser.\n")
    assert "linear1.b[3] = " in shown


@pytest.mark.parametrize(
    ("target", "weight", "message"),
    [
        (
            "readme",
            "conv1.W[0,0,0,0]",
            "run: expected the folder of a run, whose checkpoints hold the state of the optimiser; got readme",
        ),
        ("digits", "conv1.W[0,0,0,0]", "digits"),
        ("run", "conv9.W[0,0,0,0]", "conv9"),
        ("run", "loss", "update: expected a weight of conv1.W, conv1.b, linear1.W, linear1.b; got 'loss'"),
    ],
)
@pytest.mark.usefixtures("run_of_four_steps")
def test_an_update_that_cannot_be_explained_is_one_line(command: Command, target: str, weight: str, message: str) -> None:
    outcome = command("explain", target, "--at", f"update of {weight}")

    assert outcome.code == 1
    assert outcome.err.count("\n") == 1
    assert message in outcome.err


def test_a_run_without_a_step_to_go_says_so(command: Command, run_of_four_steps: str) -> None:
    for path in sorted(Path(run_of_four_steps, "checkpoints").iterdir())[:-1]:
        path.unlink()

    outcome = command("explain", run_of_four_steps, "--at", "update of conv1.W[0,0,0,0]")

    assert (outcome.code, outcome.out) == (1, "")
    assert "expected a checkpoint before the last step; got none. Try a run with a larger --keep-checkpoints" in outcome.err
