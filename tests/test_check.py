"""The checker tells a bug from a kink: it accuses no right gradient, it misses no wrong one, and it names the kink."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from handmade.cli.commands.check import check as command
from handmade.engine.arrays import Array
from handmade.engine.check.networks.check import ArrayReport, Report, check
from handmade.engine.check.networks.kinks import by_convention, kinks
from handmade.engine.gradients import backprop, difference
from handmade.engine.gradients.definition import quotients
from handmade.engine.layers import AvgPool2d, BatchNorm2d, Conv2d, Flatten, LeakyReLU, Linear, MaxPool2d, ReLU
from handmade.engine.losses import CrossEntropy, MeanSquaredError
from handmade.engine.network import Network
from test_gradients import NETWORKS, SHAPE

RIGHT = {name: layers for name, layers in NETWORKS.items() if "relative" not in name}  # its backward is its parent's

Bug = Callable[[dict[str, Array]], dict[str, Array]]


def digits(count: int) -> tuple[Array, Array]:
    train = handmade.data.mnist().train
    return handmade.data.prepare(train.images[:count], np.float64), train.labels[:count]


def test_blank_paper_under_zero_biases_is_kinks_and_no_bug() -> None:
    x, y = digits(4)

    report = check(handmade.networks.readme(np.random.default_rng(0)), x, y)

    assert report.verdict == "kink"
    assert {array.name: (array.kinks, array.bugs) for array in report.arrays} == {
        "conv1.W": (0, 0),
        "conv1.b": (8, 0),
        "conv2.W": (0, 0),
        "conv2.b": (16, 0),
        "linear1.W": (0, 0),
        "linear1.b": (0, 0),
    }
    first, second = report.arrays[1].kink, report.arrays[3].kink
    assert re.fullmatch(r"relu1\[\d+,\d+,\d+\] of image \d lies exactly on its kink", str(first))
    assert re.fullmatch(r"relu2\[\d+,\d+,\d+\] of image \d lies exactly on its kink", str(second))
    # the definition is run at h = 1e-4, where its subtraction loses some eps / h = 2e-12
    assert all(array.definition < 1e-9 for array in report.arrays)


@pytest.mark.parametrize("name", RIGHT)
def test_no_right_gradient_is_accused(name: str) -> None:
    rng = np.random.default_rng(1)
    rough = Network(RIGHT[name], SHAPE)
    coarse = rough.replace({key: np.round(4 * w) / 4 for key, w in rough.parameters().items()})
    for network in (rough, coarse):
        for x in (rng.standard_normal((2, *SHAPE)), rng.integers(-2, 3, (2, *SHAPE)) / 2, np.zeros((2, *SHAPE))):
            for loss in (CrossEntropy(), MeanSquaredError()):
                report = check(network, x, rng.integers(0, network.classes, 2), loss=loss, tries=2)

                assert report.bugs == 0


def off_kinks() -> tuple[Network, Array, Array]:
    network = Network(NETWORKS["strides and paddings"], SHAPE)
    rng = np.random.default_rng(2)
    return network, rng.standard_normal((3, *SHAPE)), rng.integers(0, network.classes, 3)


def test_off_the_kinks_everything_agrees() -> None:
    report = check(*off_kinks())

    assert report.verdict == "agree"
    assert all(array.kinks == 0 and array.kink is None and array.error < 1e-11 for array in report.arrays)
    assert sum(array.entries for array in report.arrays) == off_kinks()[0].size


def one_in_a_million(g: dict[str, Array]) -> dict[str, Array]:
    W = g["2.W"].copy()
    W[np.unravel_index(np.abs(W).argmax(), W.shape)] *= 1 + 1e-6
    return g | {"2.W": W}


def flipped(g: dict[str, Array]) -> dict[str, Array]:
    return g | {"2.W": g["2.W"][::-1, ::-1]}


def sign_lost(g: dict[str, Array]) -> dict[str, Array]:
    return g | {"2.W": np.abs(g["2.W"])}


def not_a_number(g: dict[str, Array]) -> dict[str, Array]:
    return g | {"2.W": np.where(np.arange(g["2.W"].size).reshape(g["2.W"].shape) == 5, np.nan, g["2.W"])}


def batch_never_divided_out(g: dict[str, Array]) -> dict[str, Array]:
    return g | {"2.W": 3 * g["2.W"]}


def forgotten(g: dict[str, Array]) -> dict[str, Array]:
    return g | {"2.W": 0 * g["2.W"]}


@pytest.mark.parametrize("bug", [one_in_a_million, flipped, sign_lost, not_a_number, batch_never_divided_out, forgotten])
def test_a_wrong_gradient_is_a_bug_and_is_found_where_it_is(bug: Bug) -> None:
    network, x, y = off_kinks()

    def wrong(*arguments: Any) -> tuple[float, dict[str, Array]]:
        loss, g = backprop(*arguments)
        return loss, bug(g)

    report = check(network, x, y, analytic=wrong)

    assert report.verdict == "bug"
    guilty = {array.name: array for array in report.arrays if array.verdict == "bug"}
    assert set(guilty) == {"conv2.W"}
    found, right = guilty["conv2.W"], backprop(network, x, y)[1]["2.W"]
    assert found.right == pytest.approx(right[found.at], rel=1e-9)
    assert found.analytic != pytest.approx(right[found.at], rel=1e-8)


def test_on_a_kink_any_convention_passes_and_nothing_beyond() -> None:
    x, y = digits(1)
    network = handmade.networks.readme(np.random.default_rng(3), np.float64)
    _, derivative = backprop(network, x, y)
    _, right = difference(network, x, y, h=1e-30)

    def between(share: float) -> Callable[..., tuple[float, dict[str, Array]]]:
        return lambda *_: (0.0, {name: g + share * (right[name] - g) for name, g in derivative.items()})

    assert [check(network, x, y, analytic=between(share), tries=1).verdict for share in (0, 0.5, 1)] == ["kink"] * 3
    assert [check(network, x, y, analytic=between(share), tries=1).verdict for share in (-0.01, 1.01)] == ["bug"] * 2


def test_a_convention_outside_both_sides_is_no_bug_and_its_neighbours_are() -> None:
    """Upwards one unit opens and costs, downwards another opens and gains: by convention neither does, and that is outside."""
    first, second = Linear(np.zeros((1, 1)), np.zeros(1)), Linear(np.array([[1.0, -1.0]]), np.zeros(2))
    network = Network([first, second, ReLU(), Linear(np.array([[0.0, 2.0], [0.0, -4.0]]), np.zeros(2))], (1,))
    x, y = np.array([[1.0]]), np.array([0])

    _, right = difference(network, x, y, h=1e-30)
    _, central = difference(network, x, y, h=1e-30, scheme="central")
    _, derivative = backprop(network, x, y)

    assert (right["0.W"][0, 0], central["0.W"][0, 0]) == (pytest.approx(1), pytest.approx(1.5))  # so left is 2
    assert derivative["0.W"][0, 0] == by_convention(network, x, y, CrossEntropy(), "0.W", (0, 0)) == 0
    assert check(network, x, y).verdict == "kink"
    off = {name: g + 0.01 * (name == "0.W") for name, g in derivative.items()}
    assert check(network, x, y, analytic=lambda *_: (0.0, off)).verdict == "bug"


def test_the_definition_is_run_for_all_of_the_small_arrays_and_for_as_many_as_are_asked() -> None:
    x, y = digits(1)
    network = handmade.networks.readme(np.random.default_rng(0))
    told: list[tuple[int, int]] = []

    usual = check(network, x, y, progress=lambda *counts: told.append(counts))

    assert [array.tried for array in usual.arrays] == [72, 8, 1152, 16, 100, 10]
    assert [array.entries for array in usual.arrays] == [72, 8, 1152, 16, 27040, 10]
    assert told[-1] == (1358, 1358)
    assert [array.tried for array in check(network, x, y, tries=9).arrays] == [9, 8, 9, 9, 9, 9]
    assert [array.tried for array in check(network, x, y, tries=0).arrays] == [0] * 6


def test_every_weight_can_be_run_by_definition_and_by_other_threads() -> None:
    network, x, y = off_kinks()

    alone = check(network, x, y, tries=network.size)
    with ThreadPoolExecutor(2) as executor:
        shared = check(network, x, y, tries=network.size, executor=executor)

    assert alone == shared
    assert all(array.tried == array.entries for array in alone.arrays)


def test_a_definition_that_disagrees_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    network, x, y = off_kinks()

    def wrong(*arguments: Any, **options: Any) -> dict[str, Array]:
        found = quotients(*arguments, **options)
        return found | {"2.W": found["2.W"] + 1}

    monkeypatch.setattr("handmade.engine.check.networks.check.quotients", wrong)

    report = check(network, x, y)
    assert [array.name for array in report.arrays if array.definition > 1e-3] == ["conv2.W"]
    assert [array.name for array in report.arrays if array.verdict == "bug"] == ["conv2.W"]


def test_numbers_that_are_none_are_refused_before_anything_is_compared() -> None:
    network, x, y = off_kinks()

    for bad in (np.nan, np.inf):
        x[1, 0, 0, 0] = bad
        with pytest.raises(handmade.HandmadeError, match=r"x: expected finite numbers, got NaN or infinity in x\[1\]"):
            check(network, x, y)
    with pytest.raises(handmade.HandmadeError, match="of floats, got uint8"):
        check(network, np.zeros(x.shape, np.uint8), y)
    with pytest.raises(handmade.HandmadeError, match=r"conv2\.W: expected finite weights"):
        check(network.replace({"2.W": network.parameters()["2.W"] * np.inf}), off_kinks()[1], y)
    with pytest.raises(handmade.HandmadeError, match=r"tries: expected an integer of at least 0, below 2\^31, got -1"):
        check(network, off_kinks()[1], y, tries=-1)


@pytest.mark.parametrize("training", [False, True])
def test_in_float32_a_network_with_statistics_is_judged_in_float64(*, training: bool) -> None:
    rng, single = np.random.default_rng(8), np.float32
    normal = BatchNorm2d.init(rng, 2, dtype=single)
    normal = normal.replace({"mean": np.array([0.3, -0.2], single), "variance": np.array([0.7, 1.3], single)})
    layers = [Conv2d.init(rng, 1, 2, 3, dtype=single), normal, ReLU(), Flatten(), Linear.init(rng, 18, 3, dtype=single)]
    network = Network(layers, (5, 5, 1))
    network = network.in_training(4, rng) if training else network
    x, y = rng.standard_normal((4, 5, 5, 1)).astype(np.float32), np.array([0, 1, 2, 0])

    report = check(network, x, y)
    assert report.bugs == 0
    assert all(array.definition < 1e-9 for array in report.arrays)
    assert {array.dtype for array in network.statistics().values()} == {np.dtype(np.float32)}


def test_a_network_without_weights_has_nothing_wrong() -> None:
    x = np.random.default_rng(6).standard_normal((2, 3, 2, 1))

    assert check(Network([Flatten()], (3, 2, 1)), x, np.array([0, 5])) == Report(())


def test_a_unit_that_crosses_its_kink_is_named() -> None:
    conv = Conv2d(np.array([[[[1.0, -1.0]]]]), np.array([-0.5, 0.0]))
    network = Network([conv, ReLU(), Flatten(), Linear(np.ones((12, 2)), np.zeros(2))], (2, 3, 1))
    x = np.zeros((2, 2, 3, 1))
    x[1, 0, 2, 0] = 0.45

    found = [str(kink) for kink in kinks(network, x, "0.W", (0, 0, 0, 0), 0.2)]

    assert found == ["relu1[0,2,0] of image 1 crosses its kink"]  # 0.45 (1 + 0.2) - 0.5 is above 0
    assert list(kinks(network, x, "0.W", (0, 0, 0, 0), 0.1)) == []
    assert next(kinks(network, x, "0.b", (1,), 1e-30)).what == "lies exactly on its kink"


def test_a_leaky_unit_on_its_kink_is_named_and_its_convention_is_known() -> None:
    network = Network([Linear(np.zeros((1, 1)), np.zeros(1)), LeakyReLU(0.25), Linear(np.array([[0.0, 2.0]]), np.zeros(2))], (1,))
    x, y = np.ones((1, 1)), np.array([0])

    report = check(network, x, y)

    assert report.verdict == "kink"
    first = report.arrays[0]
    assert [first.analytic, first.left, first.right] == pytest.approx([0.25, 0.25, 1.0])
    assert str(first.kink) == "leakyrelu1[0] of image 0 lies exactly on its kink"
    assert by_convention(network, x, y, CrossEntropy(), "0.W", (0, 0)) == pytest.approx(0.25)


def test_a_pool_that_changes_its_winner_or_has_a_tie_is_named() -> None:
    conv = Conv2d(np.array([[[[1.0]], [[0.5]]]]), np.zeros(1))  # y = x[w] + x[w + 1] / 2
    network = Network([conv, MaxPool2d((1, 2)), Flatten(), Linear(np.ones((1, 2)), np.zeros(2))], (1, 3, 1))

    deposed = [str(kink) for kink in kinks(network, np.array([[[[1.0], [1.2], [0.0]]]]), "0.W", (0, 1, 0, 0), -0.4)]
    tied = [str(kink) for kink in kinks(network, np.array([[[[1.0], [2.0], [0.0]]]]), "0.W", (0, 1, 0, 0), 1e-30)]

    assert deposed == ["pool1[0,0,0] of image 0 changes its winner"]  # 1 + 1.2 (0.5 - 0.4) = 1.12 is below 1.2
    assert tied[0] == "pool1[0,0,0] of image 0 has a tie, and its pixels move differently"  # 1 + 2/2 = 2 + 0/2


# --- the command --------------------------------------------------------------------------------------------------------------


def test_the_command_tells_of_kinks_in_words_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    command("readme", images=2)
    told = capsys.readouterr().out
    command("readme", images=2, json=True)

    assert "All gradients are right. 24 weights lie on a kink" in told
    assert re.search(r"conv1\.b\[\d\]: left .* backpropagation ", told)
    result = json.loads(capsys.readouterr().out)
    assert result["verdict"] == "kink"
    assert [array["verdict"] for array in result["arrays"]] == ["agree", "kink"] * 2 + ["agree"] * 2


def test_the_command_says_what_every_weight_will_cost(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("handmade.threads.cores", lambda: 1)
    layers = [{"layer": "Conv2d", "filters": 1, "kernel": 9, "stride": 9}, {"layer": "Flatten"}, {"layer": "Linear", "units": 10}]
    (tmp_path / "tiny.json").write_text(json.dumps({"layers": layers}))

    command(str(tmp_path / "tiny.json"), images=1, all_weights=True, json=True)

    told = capsys.readouterr()
    assert re.search(
        r"definition: 182 weights, one forward pass of .* ms each, about .*; Ctrl-C leaves", " ".join(told.err.split())
    )
    assert [array["tried"] for array in json.loads(told.out)["arrays"]] == [81, 1, 90, 10]


def test_the_command_fails_on_a_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ArrayReport("conv1.W", 72, 0, 3, 0.5, (0, 1, 0, 2), 1.0, 2.0, 2.0, None, 1e-12, 72)
    monkeypatch.setattr("handmade.engine.check.networks.check.check", lambda *_, **__: Report((wrong,)))

    with pytest.raises(handmade.HandmadeError, match="3 gradients are wrong"):
        command("readme", images=1)

    shown = capsys.readouterr().out
    assert "BUG" in shown
    assert "conv1.W[0,1,0,2]: left +2, central +2, right +2; backpropagation +1" in shown


def test_the_command_says_what_was_not_tested_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    dead = Linear(0.1 * rng.standard_normal((100, 4)), np.full(4, -50.0))
    layers = [AvgPool2d(3), Flatten(), dead, ReLU(), Linear(rng.standard_normal((4, 10)), np.zeros(10))]
    handmade.Network(layers, (30, 30, 1)).save(tmp_path / "dead.safetensors")

    for json_too in (False, True):
        with pytest.raises(
            handmade.HandmadeError, match=r"not tested: linear1\.W, linear1\.b\. Try more --images, or other weights"
        ):
            command(str(tmp_path / "dead.safetensors"), images=2, json=json_too)

    shown = capsys.readouterr().out
    text, plain = " ".join(shown[: shown.index("{")].split()), json.loads(shown[shown.index("{") :])
    assert "linear1.W: all units of relu1 are 0 for all images, so all slopes are 0" in text
    assert "4 of 4 units of relu1 are 0 for all images" in text
    assert "All gradients that were tested are right, up to rounding. Not tested: linear1.W, linear1.b. Try other images" in text
    assert (plain["verdict"], plain["ok"]) == ("not tested", False)
    assert [array["verdict"] for array in plain["arrays"]] == ["not tested", "not tested", "agree", "agree"]
    assert plain["arrays"][0]["untested"].startswith("all units of relu1")
