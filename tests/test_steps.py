"""Error against h: the textbook's V, the exact difference's line, and what is left out of the sample."""

import json
import math
import re
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from handmade import HandmadeError
from handmade.cli.commands.check import check as command
from handmade.cli.main import main
from handmade.engine.arrays import Array
from handmade.engine.check.networks.steps import STEPS, Curve, StepErrors, error_against_h
from handmade.engine.extras import install_command
from handmade.engine.gradients import backprop
from handmade.engine.layers import Conv2d, Flatten, Linear, ReLU, Sigmoid
from handmade.engine.losses import MeanSquaredError
from handmade.engine.network import Network
from handmade.pictures.steps import error_against_h as error_against_h_drawn
from handmade.pictures.style import LIGHT

EPS = {"float32": 2.0**-23, "float64": 2.0**-52}


def curved() -> tuple[Network, Array, Array]:
    rng = np.random.default_rng(0)
    conv = Conv2d.init(rng, 1, 3, (2, 3), dtype=np.float64)
    network = Network([conv, Sigmoid(), Flatten(), Linear.init(rng, 36, 4, dtype=np.float64)], (4, 6, 1))
    return network, rng.standard_normal((3, 4, 6, 1)), rng.integers(0, 4, 3)


@cache
def found() -> StepErrors:
    return error_against_h(*curved())


def near(curve: Curve, h: float) -> float:
    return curve.median[STEPS.index(h)]


def test_every_method_is_measured_at_every_h() -> None:
    assert [round(math.log10(h)) for h in STEPS] == list(range(-1, -31, -1))
    assert found().h == STEPS
    assert len({(c.method, c.dtype, c.scheme) for c in found().curves}) == len(found().curves) == 8
    for curve in found().curves:
        assert len(curve.median) == len(curve.worst) == len(STEPS)
        assert all(median <= worst for median, worst in zip(curve.median, curve.worst, strict=True))


def test_the_textbook_is_a_v_with_its_tip_near_the_root_of_eps() -> None:
    one_sided, central = (found().curve("textbook", "float64", scheme) for scheme in ("forward", "central"))

    assert 1e-9 <= STEPS[one_sided.best] <= 1e-7  # sqrt(eps) is 1.5e-8
    assert 1e-6 <= STEPS[central.best] <= 1e-4  # eps^(1/3) is 6e-6
    assert central.median[central.best] < one_sided.median[one_sided.best] / 10
    single = found().curve("textbook", "float32", "forward")
    assert 1e-5 <= STEPS[single.best] <= 1e-2  # sqrt(eps) is 3e-4
    assert single.median[single.best] > 100 * one_sided.median[one_sided.best]


def test_the_textbook_has_no_digit_left_from_1e_16_on() -> None:
    for dtype in ("float32", "float64"):
        for scheme in ("forward", "central"):
            assert all(
                error > 0.5 for h, error in zip(STEPS, found().curve("textbook", dtype, scheme).median, strict=True) if h < 5e-17
            )
    assert near(found().curve("textbook", "float64", "forward"), 1e-16) > 0.1
    assert near(found().curve("textbook", "float32", "forward"), 1e-9) > 0.5


def test_the_exact_difference_falls_with_h_to_rounding_and_stays_there() -> None:
    line = found().curve("exact", "float64", "forward")

    for n in range(2, 13):
        assert near(line, STEPS[n]) == pytest.approx(near(line, STEPS[n - 1]) / 10, rel=0.2)
    assert all(error < 20 * EPS["float64"] for error in line.worst[18:])
    assert all(error < 20 * EPS["float32"] for error in found().curve("exact", "float32", "forward").worst[10:])


def test_both_sides_together_fall_with_the_square_of_h() -> None:
    exact, textbook = found().curve("exact", "float64", "central"), found().curve("textbook", "float64", "central")
    for curve, last in ((exact, 6), (textbook, 3)):
        for n in range(1, last):
            assert near(curve, STEPS[n]) == pytest.approx(near(curve, STEPS[n - 1]) / 100, rel=0.3)


def test_both_kinds_of_quotient_are_the_same_where_nothing_is_lost_yet() -> None:
    textbook, exact = (found().curve(method, "float64", "forward") for method in ("textbook", "exact"))

    assert textbook.median[:3] == pytest.approx(exact.median[:3], rel=1e-6)
    assert textbook.worst[:3] == pytest.approx(exact.worst[:3], rel=1e-6)


def test_weights_on_a_kink_are_left_out_and_counted() -> None:
    network = Network([Linear(np.array([[1.0, 2.0]]), np.array([-1.0, 0.0])), ReLU(), Linear(np.eye(2), np.zeros(2))], (1,))
    x, y = np.array([[1.0], [2.0]]), np.array([0, 1])  # the first unit stands on its kink for the first image

    result = error_against_h(network, x, y, sample=3)

    assert result.on_kinks == {"linear1.W": 1, "linear1.b": 1, "linear2.W": 0, "linear2.b": 0}
    assert result.weights == {"linear1.W": 1, "linear1.b": 1, "linear2.W": 3, "linear2.b": 2}
    assert max(result.curve("exact", "float64", "forward").worst[15:]) < 1e-12


def test_the_loss_is_the_one_that_is_asked_for() -> None:
    network, x, y = curved()

    squares = error_against_h(network, x, y, loss=MeanSquaredError(), sample=1)

    assert max(squares.curve("exact", "float64", "forward").worst[18:]) < 20 * EPS["float64"]
    assert near(squares.curve("exact", "float64", "forward"), 0.1) != near(found().curve("exact", "float64", "forward"), 0.1)


def test_the_sample_is_what_is_asked_for_and_progress_is_told() -> None:
    told: list[tuple[int, int]] = []

    result = error_against_h(*curved(), sample=2, progress=lambda *counts: told.append(counts))

    assert result.weights == {"conv1.W": 2, "conv1.b": 2, "linear1.W": 2, "linear1.b": 2}
    assert told == [(n, 30) for n in range(1, 31)]


def test_what_cannot_be_compared_is_refused_in_a_line() -> None:
    network, x, y = curved()
    dead = network.replace({"3.W": np.zeros_like(network.parameters()["3.W"])})
    assert backprop(dead, x, y)[1]["0.W"].any() == np.False_

    assert error_against_h(dead, x, y, sample=1).weights["conv1.W"] == 0
    with pytest.raises(HandmadeError, match="sample: expected an integer of at least 1"):
        error_against_h(network, x, y, sample=0)
    with pytest.raises(HandmadeError, match="got only weights with derivative 0 or on a kink"):
        error_against_h(Network([Flatten()], (2, 1, 1)), np.ones((1, 2, 1, 1)), np.array([0]))
    with pytest.raises(HandmadeError, match="expected images"):
        error_against_h(network, x[:, 1:], y)


# --- the command and the picture ----------------------------------------------------------------------------------------------

TINY = {
    "layers": [
        {"layer": "Conv2d", "filters": 1, "kernel": 3, "stride": 3},
        {"layer": "Sigmoid"},
        {"layer": "Flatten"},
        {"layer": "Linear", "units": 10},
    ]
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("handmade.cli.step_errors.cores", lambda: 1)
    return tmp_path


def test_the_command_prints_a_table_that_fits_and_draws_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command("tiny.json", images=1, step_sizes=True, figure=Path("v.SVG"))

    shown = capsys.readouterr().out
    table = shown[: shown.index("The textbook, one side")].splitlines()
    assert max(map(len, table)) <= 80
    rows = {line.split()[0]: line.split()[1:] for line in table if line.strip().startswith("1e-")}
    assert list(rows) == [f"1e-{n:02}" for n in range(1, 31)]
    assert all(len(row) == 8 for row in rows.values())
    assert all("".join(row[column] for row in rows.values()).count("*") == 1 for column in range(8))
    assert re.search(r"float64, is best at h = 1e-0[678]: error", shown)
    assert (folder / "v.SVG").read_text().startswith("<?xml")


@pytest.mark.usefixtures("folder")
def test_the_command_gives_all_numbers_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    command("tiny.json", images=1, step_sizes=True, json=True)

    result = json.loads(capsys.readouterr().out)
    assert result["h"] == list(STEPS)
    assert {len(curve["median"]) for curve in result["curves"]} == {len(curve["worst"]) for curve in result["curves"]} == {30}
    assert result["weights"] == {"conv1.W": 5, "conv1.b": 1, "linear1.W": 5, "linear1.b": 5}
    assert result["figure"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--figure", "v.png"), 2, "goes with --step-sizes"),
        (("--all-weights", "--step-sizes"), 2, "does not go with --step-sizes"),
        (("--step-sizes", "--figure", "v.jpg"), 1, "--figure: expected a name that ends in .png, .svg, .pdf, got v.jpg"),
        (("--step-sizes", "--figure", "nowhere/v.png"), 1, "--figure: expected a folder that exists"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_wrong_wish_is_one_line_before_any_work(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["handmade", "check", "tiny.json", *arguments])

    with pytest.raises(SystemExit) as ended:
        main()

    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (code, "")
    assert words in told.err
    assert told.err.count("\n") == 1


def test_without_matplotlib_the_figure_is_one_line_about_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(HandmadeError, match=re.escape(install_command("plots"))):
        command("readme", images=1, step_sizes=True, figure=tmp_path / "v.png")


def test_the_picture_shows_every_curve_where_it_is() -> None:
    axes = error_against_h_drawn(found()).axes[0]

    lines = {tuple(np.asarray(line.get_ydata()).tolist()): line for line in axes.get_lines()}
    assert len(lines) == 8
    for curve in found().curves:
        line = lines[tuple(min(max(error, 3e-17), 30.0) for error in curve.median)]
        assert (line.get_linestyle() == "-") == (curve.scheme == "forward")
        assert line.get_color() == LIGHT.lines[0 if curve.method == "exact" else 1]
    left, right = axes.get_xlim()
    assert left > STEPS[0] > STEPS[-1] > right  # h gets smaller to the right
    words = " ".join(text.get_text() for text in axes.texts)
    assert "best h: " in words
    assert "exact difference, float64" in words
