"""The command, as people use it: what it prints and leaves behind, and one line in words for whatever goes wrong."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

import handmade
from handmade.cli.main import main
from handmade.cli.program import program
from handmade.engine.arrays import Array
from handmade.engine.optim import SCHEDULES
from handmade.files.checkpoints import Checkpoints
from handmade.runs import cost, parts
from handmade.text.number_format import MINUS
from tiny_digits import FILES, TINY, idx, write_digits

COMMAND = [sys.executable, "-m", "handmade"]
PATIENCE = 60  # seconds after which a command hangs
TRAIN = ["train", "--data", "digits", "--network", "tiny.json", "--threads", "1"]
WEIGHTS = (9 + 1) * 2 + (3 * 3 * 2 + 1) * 10
TRAIN_OPTIONS = [
    *("--recipe", "--augment", "--l1", "--l2", "--weight-decay", "--clip-norm", "--ema", "--warm-up", "--validation"),
    *(
        "--validate-every",
        "--patience",
        "--target",
        "--time-limit",
        "--checkpoint-every",
        "--keep-checkpoints",
        "--resume",
        "--tensorboard",
        "--backend",
    ),
    *("--network", "--gradient", "--scheme", "--step-size", "--epochs", "--steps", "--batch-size", "--learning-rate"),
    *("--loss", "--label-smoothing", "--optimiser"),
    *("--momentum", "--schedule", "--seed", "--dtype", "--threads", "--data", "--limit", "--out", "--force", "--yes"),
    *("--json", "--help"),
]


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def news(self) -> str:
        """Standard error without its line breaks, which depend on the width of the terminal."""
        return " ".join(self.err.split())

    def error(self, code: int = 1) -> str:
        """The one line that says what went wrong."""
        assert "Traceback" not in self.err
        assert self.out == ""
        *before, last = self.err.splitlines()
        assert last.startswith("handmade: ")
        assert not any(line.startswith("handmade: ") for line in before)
        assert "run it again with --debug" not in last  # that is said of errors which nobody thought of
        assert self.code == code
        return last


Handmade: TypeAlias = Callable[..., Outcome]


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def command(here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Handmade:  # noqa: ARG001  where it runs
    """The command in this process: no time is spent on starting another."""

    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["handmade", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capfd.readouterr()
        code = 0 if leaving.value.code is None else leaving.value.code
        assert isinstance(code, int)
        return Outcome(code, captured.out, captured.err)

    return run


def process(place: Path, *arguments: str | Path, start: list[str] = COMMAND) -> Outcome:
    """The command in a process of its own, where warnings are errors, too."""
    environment = os.environ | {"PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [*start, *arguments], cwd=place, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with some small and sound things, and others that are wrong in all sorts of ways."""
    place = tmp_path_factory.mktemp("cli")
    write_digits(place / "digits", 96, 40)
    for name in ("truncated", "bad-labels", "too-few-labels"):
        write_digits(place / name, 20, 10)
    images = place / "truncated" / FILES[0]
    images.write_bytes(images.read_bytes()[:-1])
    (place / "bad-labels" / FILES[1]).write_bytes(idx(np.full(20, 10)))
    (place / "bad-labels" / "classes.txt").write_text("\n".join("abcdefghij"))
    (place / "too-few-labels" / FILES[1]).write_bytes(idx(np.arange(10)))
    (place / "empty-folder").mkdir()

    flatten, linear = {"layer": "Flatten"}, {"layer": "Linear", "units": 10}
    for name, network in {
        "tiny": TINY,
        "wide": {"input": [8, 8, 1], "layers": [flatten, {"layer": "Linear", "units": 2000}, {"layer": "ReLU"}, linear]},
        "no-flatten": {**TINY, "layers": [TINY["layers"][0], linear]},
        "no-logits": {**TINY, "layers": TINY["layers"][:3]},
        "nine-classes": {**TINY, "layers": [flatten, {"layer": "Linear", "units": 9}]},
        "huge": {**TINY, "layers": [flatten, {"layer": "Linear", "units": 10**12}]},
        "no-weights": {**TINY, "layers": [TINY["layers"][2], flatten]},
        "list": TINY["layers"],
        "for-mnist": handmade.networks.PRESETS["readme"] | {"input": [30, 30, 1]},
    }.items():
        (place / f"{name}.json").write_text(json.dumps(network))
    (place / "damaged.json").write_text(json.dumps(TINY)[:-2])
    (place / "deep.json").write_text("[" * 100_000)
    (place / "binary.json").write_bytes(bytes(range(256)))
    (place / "large.json").write_bytes(b" " * (2**20 + 1))
    return place


@dataclass(frozen=True)
class Trained:
    folder: Path
    outcome: Outcome

    @property
    def result(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.outcome.out)
        return result


@pytest.fixture(scope="module")
def trained(place: Path) -> Trained:
    """One short training that many tests look at."""
    return Trained(place / "run", process(place, *TRAIN, "--steps", "4", "--batch-size", "24", "--json", "--out", "run"))


@pytest.fixture(scope="module")
def damaged(place: Path, trained: Trained) -> Path:
    """Models that were whole once."""
    model = (trained.folder / "model.safetensors").read_bytes()
    (place / "cut.safetensors").write_bytes(model[:-5])
    (place / "flipped.safetensors").write_bytes(model[:40] + bytes([model[40] ^ 0xFF]) + model[41:])
    return place


def weights_of(folder: Path) -> dict[str, Array]:
    return handmade.load(folder / "model.safetensors").parameters()


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_training_prints_one_json_object_and_keeps_everything_else_to_standard_error(trained: Trained) -> None:
    assert trained.outcome.code == 0
    assert trained.outcome.out.count("\n") == 1
    result = trained.result
    assert result["steps"] == 4
    assert result["weights"] == WEIGHTS
    assert result["model"] == "run/model.safetensors"
    assert 0 <= result["test_accuracy"] <= 1
    assert 0 < result["train_loss"] < 10
    assert result["seconds"] > 0
    assert result["status"] == "finished"
    for words in (
        "step 4/4",
        "loss",
        "images/s",
        "left",
        "Test accuracy",
        "run/model.safetensors",
        "run/run.json",
        "evaluate run",
    ):
        assert words in trained.outcome.news


def test_one_weight_is_told_in_full_and_its_numbers_agree(trained: Trained) -> None:
    told = re.search(
        r"(\w+\.[Wb]\[[\d,]+\]) w = (\S+) h = (\S+) L\(w\) = (\S+) L\(w \+ h\) = (\S+) "
        r"\(L\(w \+ h\) - L\(w\)\) / h = (\S+) momentum moves w by (\S+) to (\S+)",
        trained.outcome.news,
    )
    assert told
    before, h, loss, nudged, quotient, update, after = (float(number.replace(MINUS, "-")) for number in told.groups()[1:])
    # Losses are printed to 9 places, so their quotient by h = 1e-3 is good to 1e-6, and so is the quotient itself.
    assert quotient == pytest.approx((nudged - loss) / h, abs=2e-6)
    assert update == pytest.approx(-0.05 * quotient, abs=2e-6)  # the first step, with nothing remembered
    assert after == pytest.approx(before + update, abs=2e-6)


def test_a_typo_is_answered_in_whole_sentences(command: Handmade) -> None:
    assert command("evalute").err == "handmade: expected a command, got 'evalute'. Did you mean handmade evaluate?\n"


def test_a_run_is_recorded_step_by_step_and_whole(trained: Trained) -> None:
    record = json.loads((trained.folder / "run.json").read_bytes())
    steps = [json.loads(line) for line in (trained.folder / "log.jsonl").read_text().splitlines()]
    assert record["network"] == "tiny.json"
    assert record["batch_size"] == 24
    assert record["status"] == "finished"
    assert [step["step"] for step in steps] == [1, 2, 3, 4]
    assert trained.result["train_loss"] == pytest.approx(sum(step["loss"] for step in steps) / 4, rel=1e-12)
    assert sorted(path.name for path in trained.folder.iterdir()) == ["checkpoints", "log.jsonl", "model.safetensors", "run.json"]


def test_the_command_that_is_named_next_can_be_run_as_it_stands(trained: Trained, place: Path) -> None:
    following = re.search(r"Next:\s+(.*)$", trained.outcome.err, re.MULTILINE)
    assert following
    assert process(place, start=shlex.split(following[1])).code == 0


def test_a_command_that_the_shell_does_not_know_is_named_by_its_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "my bin").mkdir()
    called = tmp_path / "my bin" / "handmade"
    called.touch(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(called)])

    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == "'my bin/handmade'"

    monkeypatch.setenv("PATH", str(called.parent))
    assert program() == "handmade"


def test_backpropagation_trains_and_tells_of_a_derivative(command: Handmade, tmp_path: Path) -> None:
    done = command(*TRAIN, "--gradient", "backprop", "--threads", "2", "--steps", "3", "--out", tmp_path / "run")

    assert done.code == 0
    assert re.search(rf"dL/dw = [+{MINUS}]\d", done.news)
    assert "by backpropagation, in 3 steps" in done.news
    assert json.loads((tmp_path / "run" / "run.json").read_bytes())["gradient"] == "backprop"


@pytest.mark.parametrize("name", parts.OPTIMISERS)
def test_every_optimiser_trains(command: Handmade, tmp_path: Path, name: str) -> None:
    done = command(*TRAIN, "--optimiser", name, "--steps", "2", "--json", "--out", tmp_path / "run")

    assert done.code == 0
    assert json.loads((tmp_path / "run" / "run.json").read_bytes())["learning_rate"] == parts.OPTIMISERS[name][1]


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_is_offered(command: Handmade, tmp_path: Path, name: str) -> None:
    assert command(*TRAIN, "--schedule", name, "--steps", "2", "--out", tmp_path / "run").code == 0


@pytest.mark.parametrize("options", [["--loss", "mse"], ["--label-smoothing", "0.2"]])
def test_another_loss_is_another_number_to_make_small(
    command: Handmade, trained: Trained, tmp_path: Path, options: list[str]
) -> None:
    done = command(*TRAIN, *options, "--steps", "4", "--batch-size", "24", "--json", "--out", tmp_path / "run")

    assert done.code == 0
    assert json.loads(done.out)["train_loss"] != trained.result["train_loss"]


def test_the_same_seed_makes_the_same_model_and_another_seed_another_one(command: Handmade, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "same", "other")]
    for folder, seed in zip(folders, "778", strict=True):
        assert command(*TRAIN, "--steps", "3", "--seed", seed, "--out", folder).code == 0
    one, same, other = ((folder / "model.safetensors").read_bytes() for folder in folders)
    assert one == same
    assert one != other


def test_two_threads_make_the_model_of_one(place: Path, command: Handmade, tmp_path: Path) -> None:
    sizes = ["--steps", "3", "--batch-size", "40"]  # more images than a thread takes at a time
    assert command(*TRAIN, *sizes, "--out", tmp_path / "one").code == 0
    two = process(place, *TRAIN, *sizes, "--out", tmp_path / "two", "--threads", "2")
    assert (two.code, two.out) == (0, "")
    assert json.loads((tmp_path / "two" / "run.json").read_bytes())["threads"] == 2
    one = weights_of(tmp_path / "one")
    for name, array in weights_of(tmp_path / "two").items():
        np.testing.assert_allclose(array, one[name], rtol=0, atol=1e-6)  # some roundings of float32, 6e-8, of weights near 1


def test_every_option_is_taken_and_kept_in_the_record(command: Handmade, tmp_path: Path) -> None:
    options = {
        "network": "tiny.json",
        "gradient": "difference",
        "scheme": "central",
        "step_size": 0.5,
        "epochs": 2,
        "batch_size": 16,
        "learning_rate": 0.25,
        "momentum": 0.5,
        "schedule": "constant",
        "seed": 12,
        "dtype": "float64",
        "threads": 1,
        "data": "digits",
        "limit": 30,
    }
    arguments = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    done = command("train", *arguments, "--out", tmp_path / "run", "--force", "--yes", "--json")
    assert done.code == 0
    record = json.loads((tmp_path / "run" / "run.json").read_bytes())
    assert options.items() <= record.items()
    assert json.loads(done.out)["steps"] == 4  # twice 30 images, 16 at a time
    assert {array.dtype for array in weights_of(tmp_path / "run").values()} == {np.dtype(np.float64)}


AGAIN = (*TRAIN, "--steps", "4", "--batch-size", "24", "--out")


def test_the_same_options_make_the_same_model(trained: Trained, command: Handmade, tmp_path: Path) -> None:
    assert command(*AGAIN, tmp_path / "same").code == 0
    same, usual = ((folder / "model.safetensors").read_bytes() for folder in (tmp_path / "same", trained.folder))
    assert same == usual


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--gradient", "definition"),
        ("--scheme", "central"),
        ("--step-size", "0.5"),
        ("--steps", "3"),
        ("--batch-size", "16"),
        ("--learning-rate", "0.25"),
        ("--momentum", "0.5"),
        ("--schedule", "constant"),
        ("--seed", "1"),
        ("--dtype", "float64"),
        ("--limit", "40"),
        ("--l1", "0.01"),
        ("--l2", "0.01"),
        ("--clip-norm", "0.1"),
        ("--ema", "0.9"),
        ("--warm-up", "0.5"),
        ("--augment", "shift=1"),
        ("--validation", "10"),
    ],
)
def test_an_option_makes_a_difference(option: str, value: str, trained: Trained, command: Handmade, tmp_path: Path) -> None:
    assert command(*AGAIN, tmp_path / "other", option, value).code == 0
    other, usual = ((folder / "model.safetensors").read_bytes() for folder in (tmp_path / "other", trained.folder))
    assert other != usual


def test_the_limit_leaves_the_other_images_alone(command: Handmade, here: Path, tmp_path: Path) -> None:
    labels = here / "digits" / FILES[1]
    before = labels.read_bytes()
    train = [*TRAIN, "--steps", "3", "--limit", "20", "--batch-size", "10", "--out"]
    assert command(*train, tmp_path / "one").code == 0
    try:
        labels.write_bytes(before[: 8 + 20] + bytes(len(before) - 8 - 20))
        assert command(*train, tmp_path / "two").code == 0
    finally:
        labels.write_bytes(before)
    assert (tmp_path / "one" / "model.safetensors").read_bytes() == (tmp_path / "two" / "model.safetensors").read_bytes()


def test_more_threads_than_cores_and_more_images_than_data_are_said(command: Handmade, tmp_path: Path) -> None:
    done = command(*TRAIN[:-2], "--threads", "500", "--limit", "97", "--steps", "1", "--out", tmp_path / "run")

    assert done.code == 0
    assert re.search(r"^--threads 500: only \d+ (core is|cores are) available\.$", done.err, re.MULTILINE)
    assert "--limit 97: digits has only 96 training images; all of them are used." in done.err.splitlines()


def test_runs_are_numbered_and_named_after_their_network(
    command: Handmade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, data = Path("tiny.json").resolve(), Path("digits").resolve()
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert command("train", "--network", network, "--data", data, "--threads", "1", "--steps", "1").code == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["tiny-1", "tiny-2"]


def test_the_definition_says_what_it_costs_and_makes_the_model_of_the_differences(command: Handmade, tmp_path: Path) -> None:
    for gradient in ("difference", "definition"):
        arguments = ["--gradient", gradient, "--steps", "2", "--limit", "20", "--dtype", "float64", "--out", tmp_path / gradient]
        done = command(*TRAIN, *arguments)
        assert done.code == 0
        said = re.search(r"definition: 210 passes x [\d.]+ ms a step, .* an epoch", done.news)
        assert bool(said) == (gradient == "definition")
    one, other = (weights_of(tmp_path / gradient) for gradient in ("difference", "definition"))
    for name, array in one.items():
        # Subtracting losses near 2 costs 2 x 2.2e-16, divided by h = 1e-3, twice at a learning rate of at most 0.05.
        np.testing.assert_allclose(other[name], array, rtol=0, atol=1e-12)


def test_the_central_definition_costs_twice_as_many_passes(command: Handmade, tmp_path: Path) -> None:
    done = command(*TRAIN, "--gradient", "definition", "--scheme", "central", "--steps", "1", "--out", tmp_path / "run")
    assert done.code == 0
    assert "definition: 420 passes x" in done.news


def test_what_takes_long_by_definition_is_not_begun_without_yes(
    command: Handmade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for_years = command(*TRAIN, "--gradient", "definition", "--steps", str(10**9), "--out", tmp_path / "run")
    for words in ("--yes", "--steps", "--gradient difference"):
        assert words in for_years.error()
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(cost, "LONG", 0)
    assert command(*TRAIN, "--gradient", "definition", "--steps", "1", "--out", tmp_path / "run").code == 1
    assert command(*TRAIN, "--gradient", "definition", "--steps", "1", "--out", tmp_path / "run", "--yes").code == 0


def test_classes_are_called_by_their_names(trained: Trained, command: Handmade, tmp_path: Path) -> None:
    network = handmade.load(trained.folder / "model.safetensors")
    names = ["zero", "one [1]", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    wrong = network.replace({name: np.zeros_like(array) for name, array in network.parameters().items()})  # all zeros
    handmade.Network(wrong.nodes, wrong.input_shape, class_names=names).save(tmp_path / "named")

    told = command("evaluate", tmp_path / "named", "--data", "digits").out

    assert "Most frequent confusions: one [1] predicted as zero (4), two predicted as zero (4)" in told
    assert "Confusion matrix" in told
    assert "Rows: true class. Columns: predicted class." in told
    assert re.search(r"^ +0 +1 +2 +3 +4 +5 +6 +7 +8 +9 +recall", told, re.MULTILINE)
    assert re.search(r"^ +1 one \[1\] +4 +0.0 %", told, re.MULTILINE)


def test_a_model_is_evaluated_by_its_path_or_by_its_run(trained: Trained, command: Handmade) -> None:
    told = {path: command("evaluate", path, "--data", "digits") for path in ("run", "run/model.safetensors")}
    results = {path: json.loads(command("evaluate", path, "--data", "digits", "--json").out) for path in told}
    for path, outcome in told.items():
        assert (outcome.code, outcome.err) == (0, "")
        assert f"{path}: {WEIGHTS} weights" in outcome.out
        accuracy, images = results[path]["test_accuracy"], results[path]["images"]
        assert f"Test accuracy {100 * accuracy:.2f} %: {accuracy * images:.0f} of 40 images right." in outcome.out
        assert results[path]["model"] == path
        assert accuracy == trained.result["test_accuracy"]
        assert results[path]["test_loss"] == trained.result["test_loss"]
        confusion = np.array(results[path]["confusion"])
        assert confusion.shape == (10, 10)
        assert confusion.sum(axis=1).tolist() == [4] * 10  # so many of each digit are in the test images
        assert confusion.trace() == accuracy * images


def test_the_networks_are_shown_with_layers_shapes_and_weights(command: Handmade) -> None:
    shown = command("networks")
    assert (shown.code, shown.err) == (0, "")
    for words in (
        "readme: 28,298 weights",
        "seed: 1,101,526 weights",
        "26 x 26 x 64",
        "1,081,700",
        "kernel 3 x 3",
        "handmade train",
    ):
        assert words in shown.out
    tables = json.loads(command("networks", "--json").out)
    assert {name: sum(layer["weights"] for layer in layers) for name, layers in tables.items()} == {
        "readme": 28_298,
        "seed": 1_101_526,
        "deep": 176_202,
        "cifar": 57_574,  # for grey images of 28 x 28
    }
    assert [layer["shape"] for layer in tables["readme"]][-3:] == [[13, 13, 16], [2704], [10]]


def test_the_network_of_a_file_is_shown(command: Handmade) -> None:
    shown = command("networks", "tiny.json")
    assert shown.code == 0
    for words in (f"tiny.json: {WEIGHTS} weights", "conv1", "6 x 6 x 2", "linear1"):
        assert words in shown.out
    layers = json.loads(command("networks", "tiny.json", "--json").out)["tiny.json"]
    assert [layer["name"] for layer in layers] == ["image", "conv1", "relu1", "pool1", "flatten1", "linear1"]


@pytest.mark.parametrize(
    ("command_name", "options"),
    [
        ([], ["--version", "--debug", "--help", "train", "evaluate", "networks"]),
        (["train"], TRAIN_OPTIONS),
        (["evaluate"], ["--data", "--json", "--help", "model"]),
        (["networks"], ["--json", "--help", "file"]),
    ],
)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_mentions_every_option(command_name: list[str], options: list[str], flag: str, command: Handmade) -> None:
    shown = command(*command_name, flag)
    assert (shown.code, shown.err) == (0, "")
    for option in options:
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", shown.out, re.IGNORECASE)


def test_help_answers_without_loading_what_it_does_not_need(place: Path) -> None:
    script = """
import sys
from handmade.cli.main import main
sys.argv = ["handmade", "--help"]
try:
    main()
finally:
    heavy = ("rich", "safetensors", "threadpoolctl", "handmade.runs.session")
    print([name for name in heavy if name in sys.modules], file=sys.stderr)
"""
    done = process(place, start=[sys.executable, "-c", script])
    assert (done.code, done.err.strip()) == (0, "[]")


def test_the_version_is_told(command: Handmade) -> None:
    assert command("--version") == Outcome(0, f"handmade {version('handmade')}\n", "")


def test_without_a_command_the_help_is_shown_line_by_line(command: Handmade) -> None:
    shown = command()
    text = shown.out + shown.err
    assert text.startswith("Usage: handmade")
    assert text == command("--help").out
    assert shown.code in {0, 2}


def test_the_command_is_installed_beside_python() -> None:
    installed = Path(sys.executable).parent / "handmade"
    assert process(Path.cwd(), "networks", "--help", start=[str(installed)]).code == 0


NEW = ["--steps", "2", "--out", "unused"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nonsense"], 2, ["nonsense", "--help"]),
        (["--bogus"], 2, ["--bogus", "--help"]),
        ([*TRAIN, "--bogus"], 2, ["--bogus", "--help"]),
        ([*TRAIN, "surplus"], 2, ["surplus", "--help"]),
        ([*TRAIN, "--scheme", "backward"], 2, ["--scheme", "backward", "forward", "central"]),
        ([*TRAIN, "--label-smoothing", "1"], 1, ["--label-smoothing: expected", "1"]),
        ([*TRAIN, "--loss", "mse", "--label-smoothing", "0.1"], 1, ["--label-smoothing", "--loss cross-entropy"]),
        ([*TRAIN, "--gradient", "guess"], 2, ["--gradient", "guess", "difference", "definition", "backprop"]),
        ([*TRAIN, "--dtype", "float16"], 2, ["--dtype", "float16", "float32", "float64"]),
        ([*TRAIN, "--schedule", "never"], 2, ["--schedule", "never", "linear", "one-cycle"]),
        ([*TRAIN, "--optimiser", "luck"], 2, ["--optimiser", "luck", "momentum", "adamw"]),
        ([*TRAIN, "--epochs", "1", "--steps", "1"], 2, ["--epochs", "--steps", "both"]),
        ([*TRAIN, "--epochs", "0"], 2, ["--epochs", "1"]),
        ([*TRAIN, "--patience", "2"], 2, ["--patience", "--validation"]),
        ([*TRAIN, "--target", "0.9"], 2, ["--target", "--validation"]),
        ([*TRAIN, "--validate-every", "9"], 2, ["--validate-every", "--validation"]),
        ([*TRAIN, "--weight-decay", "0.1"], 2, ["--weight-decay", "--optimiser adamw"]),
        ([*TRAIN, "--recipe", "soup"], 2, ["--recipe", "soup", "best"]),
        ([*TRAIN, "--keep-checkpoints", "0"], 2, ["--keep-checkpoints", "1"]),
        ([*TRAIN, "--time-limit", "-1"], 2, ["--time-limit", "0"]),
        ([*TRAIN, "--checkpoint-every", "-1"], 2, ["--checkpoint-every", "0"]),
        ([*TRAIN, *NEW, "--validation", "96"], 1, ["validation", "fewer than the 96"]),
        ([*TRAIN, *NEW, "--validation", "9", "--target", "99"], 1, ["target", "99"]),
        ([*TRAIN, *NEW, "--l1", "-1"], 1, ["--l1: expected", "-1"]),
        ([*TRAIN, *NEW, "--l2", "nan"], 1, ["--l2: expected", "nan"]),
        ([*TRAIN, *NEW, "--clip-norm", "0"], 1, ["--clip-norm: expected", "above 0"]),
        ([*TRAIN, *NEW, "--ema", "1"], 1, ["--ema: expected", "1"]),
        ([*TRAIN, *NEW, "--warm-up", "1"], 1, ["--warm-up: expected", "1"]),
        ([*TRAIN, *NEW, "--augment", "bend=2"], 1, ["--augment", "shift, rotation, scale", "bend=2"]),
        ([*TRAIN, *NEW, "--augment", "shift=far"], 1, ["--augment", "shift=far"]),
        ([*TRAIN, *NEW, "--augment", "shift=-1"], 1, ["shift", "-1"]),
        ([*TRAIN, "--steps", "0"], 2, ["--steps", "1"]),
        ([*TRAIN, "--steps", "2.5"], 2, ["--steps", "integer"]),
        ([*TRAIN, "--batch-size", "0"], 2, ["--batch-size", "1"]),
        ([*TRAIN, "--batch-size", "many"], 2, ["--batch-size", "integer"]),
        ([*TRAIN, "--threads", "0"], 2, ["--threads", "1"]),
        ([*TRAIN, "--limit", "0"], 2, ["--limit", "1"]),
        ([*TRAIN, "--seed", "-1"], 2, ["--seed", "0"]),
        ([*TRAIN, "--step-size", "small"], 2, ["--step-size", "number"]),
        ([*TRAIN, "--out"], 2, ["--out"]),
        (["evaluate"], 2, ["expected MODEL|NAME|FILE, got nothing", "--help"]),
        ([*TRAIN, *NEW, "--step-size", "0"], 1, ["--step-size: expected", "above 0", "0.0"]),
        ([*TRAIN, *NEW, "--step-size", "nan"], 1, ["--step-size: expected", "above 0", "nan"]),
        ([*TRAIN, *NEW, "--step-size", "inf"], 1, ["--step-size: expected", "finite", "inf"]),
        ([*TRAIN, *NEW, "--step-size", "-1"], 1, ["--step-size: expected", "above 0", "-1"]),
        ([*TRAIN, *NEW, "--step-size", "1e-50"], 1, ["1e-50", "float32", "float64"]),
        ([*TRAIN, *NEW, "--step-size", "1e-400"], 1, ["--step-size: expected", "above 0"]),
        ([*TRAIN, *NEW, "--step-size", "0", "--gradient", "definition"], 1, ["--step-size: expected", "above 0"]),
        ([*TRAIN, *NEW, "--learning-rate", "0"], 1, ["--learning-rate: expected", "above 0", "0.0"]),
        ([*TRAIN, *NEW, "--learning-rate", "nan"], 1, ["--learning-rate: expected", "nan"]),
        ([*TRAIN, *NEW, "--learning-rate", "-0.1"], 1, ["--learning-rate: expected", "-0.1"]),
        ([*TRAIN, *NEW, "--learning-rate", "inf"], 1, ["--learning-rate: expected", "finite", "inf"]),
        ([*TRAIN, *NEW, "--momentum", "1"], 1, ["momentum", "1"]),
        ([*TRAIN, *NEW, "--momentum", "-0.5"], 1, ["momentum", "-0.5"]),
        ([*TRAIN, *NEW, "--momentum", "nan"], 1, ["momentum", "nan"]),
        ([*TRAIN, *NEW, "--data", "nowhere"], 1, ["nowhere", "no directory"]),
        ([*TRAIN, *NEW, "--data", "tiny.json"], 1, ["tiny.json", "a file"]),
        ([*TRAIN, *NEW, "--data", "empty-folder"], 1, ["empty-folder", FILES[0], FILES[3]]),
        ([*TRAIN, *NEW, "--data", "truncated"], 1, [f"truncated/{FILES[0]}", "720", "719"]),
        ([*TRAIN, *NEW, "--data", "bad-labels"], 1, [f"bad-labels/{FILES[1]}", "0 to 9", "10"]),
        ([*TRAIN, *NEW, "--data", "too-few-labels"], 1, [f"too-few-labels/{FILES[1]}", "20 images", "10 labels"]),
        ([*TRAIN, *NEW, "--network", "for-mnist.json"], 1, ["(30, 30, 1)", "(8, 8, 1)", "digits", "--resize 28x28"]),
        ([*TRAIN, *NEW, "--network", "nowhere.json"], 1, ["readme", "seed", "nowhere.json"]),
        ([*TRAIN, *NEW, "--network", "empty-folder"], 1, ["empty-folder", "folder of a run", "handmade runs"]),
        ([*TRAIN, *NEW, "--network", "damaged.json"], 1, ["damaged.json", "JSON"]),
        ([*TRAIN, *NEW, "--network", "deep.json"], 1, ["deep.json", "JSON"]),
        ([*TRAIN, *NEW, "--network", "binary.json"], 1, ["binary.json", "JSON"]),
        ([*TRAIN, *NEW, "--network", "large.json"], 1, ["large.json", "1,048,577 bytes"]),
        ([*TRAIN, *NEW, "--network", "list.json"], 1, ["list.json", "layers", "list"]),
        ([*TRAIN, *NEW, "--network", "huge.json"], 1, ["huge.json", "layer 1 (Linear)"]),
        ([*TRAIN, *NEW, "--network", "no-flatten.json"], 1, ["--network", "(6, 6, 10)", "Flatten and Linear"]),
        ([*TRAIN, *NEW, "--network", "no-logits.json"], 1, ["logits", "(3, 3, 2)", "Linear"]),
        ([*TRAIN, *NEW, "--network", "no-weights.json"], 1, ["weights"]),
        ([*TRAIN, *NEW, "--network", "nine-classes.json"], 1, ["9 classes", "10"]),
        ([*TRAIN, "--steps", "2", "--out", "run"], 1, ["run", "already holds a run", "--force"]),
        ([*TRAIN, "--steps", "2", "--out", "tiny.json"], 1, ["tiny.json", "--out"]),
        ([*TRAIN, "--steps", "2", "--out", "tiny.json/below"], 1, ["tiny.json", "--out"]),
        ([*TRAIN, "--steps", "2", "--out", "/proc/run"], 1, ["/proc/run", "--out"]),
        (["evaluate", "nowhere", "--data", "digits"], 1, ["nowhere"]),
        (["evaluate", "empty-folder", "--data", "digits"], 1, ["empty-folder"]),
        (["evaluate", "damaged.json", "--data", "digits"], 1, ["damaged.json", "JSON"]),
        (["evaluate", "test:7", "--data", "digits"], 1, ["expected a model", "test:7"]),
        (["evaluate", "cut.safetensors", "--data", "digits"], 1, ["cut.safetensors", "damaged"]),
        (["evaluate", "flipped.safetensors", "--data", "digits"], 1, ["flipped.safetensors", "damaged"]),
        (["evaluate", "run", "--data", "mnist"], 1, ["(8, 8, 1)", "(30, 30, 1)", "mnist"]),
        (["evaluate", "run", "--data", "nowhere"], 1, ["nowhere"]),
        (["networks", "nowhere.json"], 1, ["nowhere.json"]),
        (["networks", "damaged.json"], 1, ["damaged.json", "JSON"]),
        (["networks", "two\nlines.json"], 1, ["two", "lines.json"]),
    ],
    ids=lambda value: " ".join(word for word in value if word not in TRAIN)[:60] if isinstance(value, list) else None,
)
@pytest.mark.usefixtures("damaged")
def test_what_is_wrong_is_said_in_one_line_and_nothing_is_lost(
    arguments: list[str], code: int, says: list[str], command: Handmade, here: Path
) -> None:
    shutil.rmtree(here / "unused", ignore_errors=True)  # one test that fails shall not make others fail
    before = snapshot(here)
    done = command(*arguments)
    message = done.error(code)
    if "definition" not in arguments:
        assert done.err == f"{message}\n"
    for words in says:
        assert words in message
    assert len(message) < 400
    assert snapshot(here) == before
    assert not (here / "unused").exists()


def test_force_writes_over_a_run(command: Handmade, tmp_path: Path) -> None:
    for seed in "12":
        assert command(*TRAIN, "--steps", "1", "--out", tmp_path / "run", "--seed", seed, "--force").code == 0
    assert json.loads((tmp_path / "run" / "run.json").read_bytes())["seed"] == 2
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("rate", ["1e30", "1e38"])
@pytest.mark.parametrize("scheme", ["forward", "central"])
def test_a_loss_that_overflows_stops_the_training_and_keeps_the_last_good_model(
    rate: str, scheme: str, command: Handmade, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    message = command(*TRAIN, "--steps", "20", "--learning-rate", rate, "--scheme", scheme, "--out", folder).error()
    steps = len((folder / "log.jsonl").read_text().splitlines())
    assert f"step {steps + 1}" in message or f"step {steps}" in message
    for words in ("layer", "overflowed first", "smaller learning rate", str(folder / "model.safetensors")):
        assert words in message
    record = json.loads((folder / "run.json").read_bytes())
    assert record["status"] == "diverged"
    assert all(np.isfinite(array).all() for array in weights_of(folder).values())
    assert command("evaluate", folder, "--data", "digits").code == 0


def test_weights_that_overflow_stop_the_training_and_keep_the_last_good_model(command: Handmade, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    message = command(*TRAIN, "--steps", "20", "--learning-rate", "1e300", "--out", folder).error()
    assert re.search(r"\d\.[Wb] is no longer finite after step 1", message)
    assert all(np.isfinite(array).all() for array in weights_of(folder).values())


def test_debug_shows_where_it_happened(place: Path) -> None:
    for arguments in (["--debug", "evaluate", "nowhere"], ["evaluate", "nowhere", "--debug"]):
        done = process(place, *arguments)
        assert done.code == 1
        assert done.err.startswith("Traceback")
        assert "HandmadeError: nowhere" in done.err


@pytest.fixture
def running(place: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the command in a process group of its own, so that Ctrl-C can reach it, and nobody else."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str | Path) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        child = subprocess.Popen([*COMMAND, *arguments], cwd=place, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
        started.append(child)
        return child

    yield start
    for child in started:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()


def wait_for(child: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    for _ in range(PATIENCE * 100):
        if condition():
            return
        assert child.poll() is None
        time.sleep(0.01)
    pytest.fail("what was waited for never came")


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize(
    ("threads", "lines", "number"), [("1", 3, signal.SIGINT), ("2", 3, signal.SIGTERM), ("2", 0, signal.SIGINT)]
)
def test_a_signal_stops_after_the_step_and_saves_and_says_how_to_resume(
    threads: str, lines: int, number: signal.Signals, running: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    log = folder / "log.jsonl"
    options = ["--steps", "1000000", "--out", folder, "--threads", threads, "--json"]
    child = running(*TRAIN, *options)
    # Without any lines, it happens just before the first step, or in it.
    wait_for(child, lambda: log.exists() and len(lines_of(log)) >= lines)
    time.sleep(0 if lines else 0.05)
    os.killpg(child.pid, number)
    out, err = child.communicate(timeout=PATIENCE)
    assert "Traceback" not in err
    assert child.returncode == 128 + number
    assert err.endswith("handmade: interrupted\n" if number == signal.SIGINT else "handmade: terminated by SIGTERM\n")
    assert f" train --resume {folder}" in " ".join(err.split())
    assert "Stopping after this step" in err
    steps = lines_of(folder / "log.jsonl")
    assert f"stopped after {len(steps):,} step" in " ".join(err.split())
    result, record = json.loads(out), json.loads((folder / "run.json").read_bytes())
    assert result["status"] == record["status"] == "interrupted"
    assert result["steps"] == record["steps"] == len(steps) >= lines
    assert Checkpoints(folder).newest_intact()[0].step == len(steps)
    assert all(array.any() for name, array in weights_of(folder).items() if name.endswith("W"))


def test_a_second_ctrl_c_leaves_at_once(running: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    step_of_a_minute = ["--gradient", "definition", "--network", "wide.json", "--batch-size", "96", "--steps", "1", "--yes"]
    child = running(*TRAIN, *step_of_a_minute, "--out", folder)
    wait_for(child, (folder / "log.jsonl").exists)
    time.sleep(0.2)  # from the open log into the step
    os.killpg(child.pid, signal.SIGINT)
    assert child.stderr
    while "Stopping after this step" not in (line := child.stderr.readline()):
        assert line
    os.killpg(child.pid, signal.SIGINT)
    _, err = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130
    assert "Traceback" not in err
    assert f" train --resume {folder}" in " ".join(err.split())
    assert lines_of(folder / "log.jsonl") == []


@pytest.mark.parametrize("arguments", [["networks"], ["networks", "--json"], ["train", "--help"]])
def test_a_reader_that_has_seen_enough_gets_no_complaint(arguments: list[str], place: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*COMMAND, *arguments], cwd=place, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False
        )
    finally:
        os.close(writing)
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="wants a device that is always full")
def test_output_that_has_no_room_is_said_in_one_line(place: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "networks", "--json"],
            cwd=place,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert Outcome(done.returncode, "", done.stderr).error().endswith("No space left on device")


LIMITED = """
import resource, runpy, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
most = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
runpy.run_module("handmade", run_name="__main__")
"""


def test_when_the_disk_fills_while_saving_the_model_from_before_survives(place: Path, command: Handmade, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert command(*TRAIN, "--steps", "1", "--out", folder).code == 0
    model = (folder / "model.safetensors").read_bytes()
    start = [sys.executable, "-B", "-c", LIMITED, str(len(model) - 1)]
    done = process(place, *TRAIN, "--steps", "2", "--seed", "5", "--out", folder, "--force", start=start)
    message = done.error()
    assert "File too large" in message
    assert str(folder) in message
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {"log.jsonl", "model.safetensors"}
    assert (folder / "model.safetensors").read_bytes() == model
