"""The checker of strangers' layers: every bug of the zoo is caught and most are named, and no right layer is accused."""

import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from cases import conv, flatten, linear, pool, relu
from handmade import Flatten, Linear, Network
from handmade.engine.arrays import Array
from handmade.engine.check import check_layer
from handmade.engine.errors import HandmadeError
from zoo import IMAGES, RIGHT_ON_IMAGES, RIGHT_ON_ROWS, ROWS, ZOO, Dense, Exhibit, Pool, Sigmoid

SOME = [pytest.param(n, marks=[] if n < 1 else [pytest.mark.long]) for n in range(10)]
BLANK = np.zeros((2, 6, 5, 2))
KINKED = np.round(IMAGES)


HALF = [pytest.param(bug, id=name, marks=[pytest.mark.long] * (n % 2)) for n, (name, bug) in enumerate(ZOO.items())]


@pytest.mark.parametrize("exhibit", HALF)
def test_every_bug_is_caught_and_named(exhibit: Exhibit) -> None:
    report = check_layer(exhibit.make(), exhibit.x)

    assert not report.ok
    assert {finding.name for finding in report.findings} | {""} == {exhibit.name or "", ""}, str(report)
    assert str(report)


def test_the_zoo_is_large_and_most_of_it_is_named() -> None:
    assert len(ZOO) >= 25
    assert sum(exhibit.name is not None for exhibit in ZOO.values()) >= 20


@pytest.mark.long
@pytest.mark.parametrize("exhibit", ZOO.values(), ids=ZOO)
def test_a_name_does_not_hang_on_luck(exhibit: Exhibit) -> None:
    report = check_layer(exhibit.make(), exhibit.x, rng=np.random.default_rng(7))

    assert {finding.name for finding in report.findings} | {""} == {exhibit.name or "", ""}, str(report)


def configuration(rng: np.random.Generator) -> tuple[Any, Array]:
    """A layer of ours and an input: generic, of few different numbers, or blank."""
    N, H, W, C = (int(n) for n in rng.integers([1, 3, 3, 1], [4, 7, 7, 4]))
    K, L, s, t, p, q = (int(n) for n in rng.integers([1, 1, 1, 1, 0, 0], [4, 4, 4, 4, 3, 3]))
    case = [
        lambda: conv((N, H, W, C), (K, L), int(rng.integers(1, 4)), (s, t), (p, q)),
        lambda: pool((N, H, W, C), (K, L), (s, t), (min(p, K // 2), min(q, L // 2))),
        lambda: linear(N, H, W),
        lambda: relu((N, H, W, C)),
        lambda: flatten((N, H, W, C)),
    ][int(rng.integers(5))]()
    kind = int(rng.integers(3))
    x = rng.standard_normal(case.shape)
    return case.layer, [x, np.round(2 * x) / 2, np.zeros(case.shape)][kind] * [1, 255, 1e-3][int(rng.integers(3))]


@pytest.mark.parametrize("chunk", SOME)
def test_no_layer_of_ours_is_accused(chunk: int) -> None:
    for seed in range(20):
        rng = np.random.default_rng([chunk, seed])
        layer, x = configuration(rng)

        report = check_layer(layer, x, rng=rng)

        assert report.ok, f"{chunk}, {seed}: {x.shape} {layer}\n{report}"


class WithoutDelta:
    """A layer of ours in a stranger's clothes."""

    W: Array
    b: Array

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        for name, array in layer.parameters().items():
            setattr(self, name, array)

    def now(self) -> Any:
        return self.layer.replace({"W": self.W, "b": self.b}) if hasattr(self, "W") else self.layer

    def forward(self, x: Array) -> Array:
        y: Array = self.now().forward(x)
        return y

    def backward(self, x: Array, gy: Array) -> Any:
        return self.now().backward(x, gy)


@pytest.mark.parametrize("chunk", SOME)
def test_no_layer_without_a_delta_is_accused(chunk: int) -> None:
    for seed in range(20):
        rng = np.random.default_rng([100 + chunk, seed])
        layer, x = configuration(rng)

        report = check_layer(WithoutDelta(layer), x, rng=rng)

        assert report.ok, f"{chunk}, {seed}: {x.shape} {layer}\n{report}"


@pytest.mark.parametrize(
    "x", [ROWS, np.round(ROWS), 0 * ROWS, 100 * ROWS, ROWS + 3], ids=["generic", "kinks", "blank", "large", "off"]
)
@pytest.mark.parametrize("make", RIGHT_ON_ROWS)
def test_no_right_layer_on_rows_is_accused(make: Any, x: Array) -> None:
    report = check_layer(make(), x if make is not Sigmoid else np.clip(x, -3, 3))

    assert report.ok, str(report)


@pytest.mark.parametrize("x", [IMAGES, KINKED, BLANK], ids=["generic", "kinks", "blank"])
@pytest.mark.parametrize("make", RIGHT_ON_IMAGES)
def test_no_right_layer_on_images_is_accused(make: Any, x: Array) -> None:
    report = check_layer(make(), x)

    assert report.ok, str(report)


def test_a_kink_is_counted_and_a_batch_that_mixes_is_noted() -> None:
    by_name = {make.__name__: make for make in RIGHT_ON_ROWS}

    assert check_layer(by_name["Rectifier"](), 0 * ROWS).kinks >= ROWS.size
    assert check_layer(by_name["Dense"](), ROWS).kinks == 0
    assert any("influence" in note for note in check_layer(by_name["Normalised"](), ROWS).notes)
    assert not any("influence" in note for note in check_layer(by_name["Dense"](), ROWS).notes)


def test_large_arrays_are_sampled_and_still_caught() -> None:
    class Wide(Dense):
        def __init__(self) -> None:
            super().__init__(60, 70)

    class WideAndAlmostRight(Wide):
        """Wrong in too few places for any sample to show them: only directions do."""

        def backward(self, x: Array, gy: Array) -> Any:
            gx, gradients = super().backward(x, gy)
            gradients["W"][17, 3] += 1
            return gx, gradients

    class WideAndTooSmall(Wide):
        def backward(self, x: Array, gy: Array) -> Any:
            gx, gradients = super().backward(x, gy)
            return gx, gradients | {"W": gradients["W"] / len(x)}

    x = np.random.default_rng(0).standard_normal((4, 60))

    assert check_layer(Wide(), x).ok
    assert not check_layer(WideAndAlmostRight(), x).ok
    assert [finding.name for finding in check_layer(WideAndTooSmall(), x).findings] == ["ratio"]


def test_weights_are_found_however_they_are_kept() -> None:
    unweighted = {"Rectifier", "RectifierFromOne", "RandomMask", "Sigmoid", "OutsideIn"}
    for make in RIGHT_ON_ROWS:
        report = check_layer(make(), ROWS)
        assert report.compared["x"] == 4 * (ROWS.size + 3)  # four inputs, three directions each
        assert (len(report.compared) > 1) == (make.__name__ not in unweighted), f"{make}: {report}"


@pytest.mark.parametrize(
    ("make", "x"),
    [*((make, ROWS) for make in RIGHT_ON_ROWS), *((make, IMAGES) for make in RIGHT_ON_IMAGES)],
    ids=lambda value: getattr(value, "__name__", "x"),
)
def test_every_right_layer_can_stand_in_a_network_and_be_trained(make: Any, x: Array) -> None:
    numbers = math.prod(Network([make()], x.shape[1:]).shapes[-1])
    network = Network([make(), Flatten(), Linear.init(np.random.default_rng(1), numbers, 3, np.float64)], x.shape[1:])
    y, z = np.arange(len(x)) % 3, network.logits(x)

    _, gradients = handmade.gradients.backprop(network, x, y)
    _, quotients = handmade.gradients.difference(network, x, y, h=1e-6)

    for key, array in network.parameters().items():
        np.testing.assert_allclose(quotients[key], gradients[key], rtol=0, atol=1e-5)  # h, and the curvature of the loss
        assert network.display_name(key).endswith(f".{key.partition('.')[2]}")
        assert not np.array_equal(network.replace({key: array + 1}).logits(x), z), f"{key} is not replaced"
    np.testing.assert_array_equal(network.logits(x), z)


def test_the_layer_itself_is_left_alone() -> None:
    layer = Dense()
    before = layer.W.copy(), layer.b.copy(), set(vars(layer))

    check_layer(layer, ROWS)

    assert np.array_equal(layer.W, before[0])
    assert np.array_equal(layer.b, before[1])
    assert set(vars(layer)) == before[2]


def test_a_report_reads_well() -> None:
    report = str(check_layer(ZOO["OverlappingPoolOverwrites"].make(), IMAGES))

    assert re.match(r"OverlappingPoolOverwrites: wrong, 1 error\ngradient of x: \d+ of 120 numbers are wrong\n", report)
    assert "the worst at x[" in report
    assert "use `+=` instead" in report
    assert all(len(line) <= 80 for line in report.splitlines())
    assert str(check_layer(Pool(), IMAGES)).startswith("Pool: correct\ncompared: x (")


def test_the_readme_quotes_what_is_said() -> None:
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    code = next(block for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL) if "check_layer" in block)

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()

    quoted = [line.removeprefix("# ") for line in code.splitlines() if line.startswith("# ")]
    assert said[: len(quoted)] == quoted


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (object(), "layer: expected an object with a method forward; object has none"),
        (WithoutDelta, "got the class WithoutDelta: .* Try WithoutDelta"),
    ],
    ids=["no forward", "a class"],
)
def test_what_is_no_layer_is_refused(layer: Any, says: str) -> None:
    with pytest.raises(HandmadeError, match=says):
        check_layer(layer, ROWS)


@pytest.mark.parametrize("x", [np.full((2, 5), np.nan), np.array(5.0), np.zeros((0, 5))], ids=["nan", "no axis", "empty"])
def test_inputs_that_say_nothing_are_refused(x: Array) -> None:
    with pytest.raises(HandmadeError, match=r"^x: expected (finite|an array of) numbers"):
        check_layer(Dense(), x)


def test_a_gradient_of_no_weight_is_told_of_and_the_weight_is_not_tested() -> None:
    class Hidden(Dense):
        def backward(self, x: Array, gy: Array) -> Any:
            return gy @ self.W.T, {"theirs": x.T @ gy, "b": gy.sum(axis=0)}

    report = check_layer(Hidden(), ROWS)

    assert report.verdict == "not tested"
    assert list(report.not_compared) == ["W"]
    assert any("gradient for theirs" in note for note in report.notes)
    assert check_layer(Hidden(), ROWS, settings=["W"])
