"""The doctor: what it says of a machine, when it has advice, and that a wrong gradient makes it fail."""

import json
import re
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest

import handmade
from handmade.cli.main import main
from handmade.doctor import arithmetic, self_test
from handmade.doctor.advice import advice
from handmade.doctor.machine import Blas, Loops, Machine, examine
from handmade.doctor.self_test import Speed, Verdict
from handmade.engine.extras import install_command
from handmade.engine.gradients import backprop
from handmade.threads import cores

SOUND = Machine(
    system="Linux x86_64",
    processor="A Processor",
    python="3.12.1",
    numpy="2.4.6",
    handmade="0.1.0",
    instructions=("X86_V3", "X86_V4"),
    blas=Blas("openblas", "0.3.31", "SkylakeX", 4),
    variables={},
    present=8,
    bound=4,
    granted=4,
    libraries={"Pillow": None, "matplotlib": "3.11", "tensorboardX": None},
    backend="plain",
)
HASWELL = Blas("openblas", "0.3.31", "Haswell", 4)
SPEEDS = (4e10, (Speed("backprop", 4000.0, 0.02, (0.1, 0.8)), Speed("difference", 900.0, 0.2, (0.1, 0.8))))


def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str | int, str, str]:
    """Run the command with a second of work taken as done: the exit code, and what was said."""
    monkeypatch.setattr(self_test, "measure", lambda: SPEEDS)
    monkeypatch.setattr(sys, "argv", ["handmade", "doctor", *options])
    with pytest.raises(SystemExit) as leaving:
        main()
    captured = capsys.readouterr()
    return leaving.value.code or 0, captured.out, captured.err


def test_the_machine_is_this_one() -> None:
    machine = examine()

    assert machine.numpy == np.__version__
    assert machine.python == ".".join(map(str, sys.version_info[:3]))
    assert machine.granted == cores() <= machine.bound <= machine.present
    assert machine.libraries["matplotlib"]
    assert machine.numpy in machine.line


def test_only_variables_that_act_on_the_numbers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    monkeypatch.setenv("SECRET_OPENBLAS_KEY", "x")

    assert examine().variables["OPENBLAS_NUM_THREADS"] == "3"
    assert "SECRET_OPENBLAS_KEY" not in examine().variables


def test_a_sound_machine_gets_no_advice() -> None:
    assert advice(SOUND) == ()
    assert advice(replace(SOUND, blas=None)) == ()
    assert advice(replace(SOUND, blas=HASWELL, instructions=("X86_V3",))) == ()
    assert advice(replace(SOUND, blas=Blas("openblas", "0.4", "NEOVERSEN1", 4), instructions=("ASIMD",))) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"loops": Loops("Numba is not installed. Try this")}, "plain, which is several times slower.*not installed. Try this"),
        (
            {"loops": Loops(None, "0.68", 16, None, "/x: no")},
            "compiled again in every process.*/x: no. Try another HANDMADE_CACHE",
        ),
        ({"blas": HASWELL, "variables": {"OPENBLAS_CORETYPE": "Haswell"}}, "unset OPENBLAS_CORETYPE.*up to 2 times"),
        ({"blas": HASWELL}, "export OPENBLAS_CORETYPE=SkylakeX"),
        ({"blas": HASWELL, "instructions": ("AVX2", "AVX512F")}, "this processor has AVX-512"),
        ({"blas": replace(HASWELL, architecture="Nehalem"), "instructions": ("X86_V3",)}, "newer NumPy.*up to 4 times"),
        ({"granted": 2}, "would start 4 threads for 2 available cores.*OPENBLAS_NUM_THREADS=2"),
        ({"variables": {"NPY_DISABLE_CPU_FEATURES": "AVX2"}}, "NPY_DISABLE_CPU_FEATURES=AVX2"),
        ({"variables": {"MALLOC_TRIM_THRESHOLD_": "1"}}, "unset MALLOC_TRIM_THRESHOLD_"),
    ],
)
def test_what_slows_a_machine_down_is_told_with_its_remedy(change: dict[str, object], words: str) -> None:
    (sentence,) = advice(replace(SOUND, **change))  # type: ignore[arg-type]  # the fields have several types

    assert re.search(words, sentence)


def test_the_self_test_finds_everything_right() -> None:
    verdicts = self_test.check()

    assert [verdict.name for verdict in verdicts] == ["convolution", "difference gradient", "backprop gradient"]
    assert all(verdict.right for verdict in verdicts)


def test_the_self_test_finds_a_gradient_that_is_a_tenth_of_a_percent_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test, "backprop", lambda *batch: (0.0, {name: 1.001 * g for name, g in backprop(*batch)[1].items()}))

    assert [verdict.right for verdict in self_test.check()] == [True, True, False]


def test_nan_is_not_right() -> None:
    assert not Verdict("convolution", float("nan")).right


def test_the_speeds_are_measured_against_the_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test, "_seconds", lambda _: 0.5)
    blas, speeds = self_test.measure()

    assert blas == 2 * 512**3 / 0.5
    network = handmade.networks.readme(np.random.default_rng(0))
    floor = {"difference": arithmetic.difference(network), "backprop": arithmetic.backprop(network)}
    for speed in speeds:
        assert speed.images == 16 / 0.5
        assert speed.share == pytest.approx(floor[speed.name] * 32 / blas)


def test_the_arithmetic_of_the_seed_network_is_what_counting_by_hand_gives() -> None:
    network = handmade.networks.seed(np.random.default_rng(0))
    conv1, conv2, linear1, linear2 = 2 * 784 * 9 * 32, 2 * 676 * 288 * 64, 2 * 10816 * 100, 2 * 100 * 10
    forward = conv1 + conv2 + linear1 + linear2

    assert arithmetic.forward(network) == forward
    assert arithmetic.backprop(network) == 3 * forward - conv1
    nudged1 = 10 * conv2 + 32 * 10 * (linear1 + linear2)  # ten nudges a filter, each in one of 32 channels
    nudged2 = 289 * linear1 + 64 * 289 * linear2
    assert arithmetic.difference(network) == forward + nudged1 + nudged2 + 10817 * linear2


def test_the_arithmetic_of_a_graph_follows_every_way() -> None:
    described = {
        "input": [6, 6, 1],
        "layers": [
            {"layer": "Conv2d", "filters": 2, "kernel": 3},
            {"layer": "Residual", "block": [{"layer": "Conv2d", "filters": 2, "kernel": 1}, {"layer": "ReLU"}]},
            {"layer": "Flatten"},
            {"layer": "Linear", "units": 3},
        ],
    }
    network = handmade.networks.described(described, np.random.default_rng(0))
    stem, block, linear = 2 * 16 * 9 * 2, 2 * 16 * 2 * 2, 2 * 32 * 3
    forward = stem + block + linear

    assert arithmetic.forward(network) == forward
    assert arithmetic.backprop(network) == 3 * forward - stem
    nudged = 20 * block // 2 + 20 * linear  # one channel of two reaches the block, and all of them leave it
    inside = 6 * linear // 2  # one channel of two, which the sum leaves in its place
    assert arithmetic.difference(network) == forward + nudged + inside


def test_the_arithmetic_of_a_product_of_activations_is_counted() -> None:
    nodes = [
        handmade.Node("turned", handmade.Transpose((1, 0)), "input"),
        handmade.Node("square", handmade.MatMul(), ["input", "turned"]),  # (5, 3) times (3, 5)
        handmade.Node("row", handmade.Flatten(), "square"),
        handmade.Node("linear", handmade.Linear(np.ones((25, 2)), np.zeros(2)), "row"),
    ]
    assert arithmetic.forward(handmade.Network(nodes, (5, 3))) == 2 * 5 * 3 * 5 + 2 * 25 * 2


def test_the_command_tells_it_all(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("handmade.doctor.machine.examine", lambda: replace(SOUND, blas=HASWELL))
    code, out, _ = told(monkeypatch, capsys)

    assert code == 0
    text = " ".join(out.split())
    for words in ("A Processor", "openblas 0.3.31, Haswell kernels, 4 threads", "8 in the machine, 4 for this process", "right"):
        assert words in text
    assert f"Pillow absent ({install_command('images')})" in text
    slow, usual = (line for line in out.splitlines() if "images/s" in line)
    assert slow.startswith("4,000 images/s  backprop gradient")
    assert slow.endswith("2 % of the BLAS's 40 GFLOP/s, usually 10 to 80 %; slow: other programs may be running")
    assert usual.endswith("usually 10 to 80 %")
    assert "Advice: the BLAS uses Haswell kernels" in text


@pytest.mark.parametrize(
    ("loops", "words"),
    [
        (Loops(None, "0.68", 16, "/home/me/code-1"), "Numba 0.68, 16 numbers in a vector, machine code in /home/me/code-1"),
        (Loops(None, "0.68", 8, None, "/x: no"), "Numba 0.68, 8 numbers in a vector, machine code is not kept (/x: no)"),
        (Loops("no. Try pip install 'handmade[compiled]'"), "compiled no. Try pip install 'handmade[compiled]'"),
    ],
)
def test_the_command_tells_what_compiled_loops_find(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], loops: Loops, words: str
) -> None:
    monkeypatch.setattr("handmade.doctor.machine.examine", lambda: replace(SOUND, loops=loops))

    assert words in " ".join(told(monkeypatch, capsys)[1].split())


def test_the_command_says_that_there_is_nothing_to_change(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("handmade.doctor.machine.examine", lambda: SOUND)

    assert "Nothing to change" in told(monkeypatch, capsys)[1]


def test_json_has_the_machine_the_advice_and_the_self_test(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("handmade.doctor.machine.examine", lambda: replace(SOUND, granted=2))
    code, out, _ = told(monkeypatch, capsys, "--json")
    result = json.loads(out)

    assert code == 0
    assert result["machine"] == json.loads(json.dumps(asdict(replace(SOUND, granted=2))))
    assert len(result["advice"]) == 1
    assert [verdict["right"] for verdict in result["verdicts"]] == [True, True, True]
    assert [speed["usual"] for speed in result["speeds"]] == [False, True]


def test_a_wrong_gradient_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(self_test, "check", lambda: (Verdict("convolution", 1e-16), Verdict("backprop gradient", 0.3)))
    code, out, err = told(monkeypatch, capsys)

    assert code == 1
    assert re.search(r"WRONG +backprop gradient: 3e-01", out)
    assert "handmade: wrong on this machine: backprop gradient" in err
