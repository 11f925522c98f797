"""Layers that work element by element or along an axis, where the numbers are extreme: tails, bounds, ties and infinities."""

import operator
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

import handmade
import laws
from cases import along_axis
from handmade import (
    ELU,
    GELU,
    Affine,
    Clip,
    Divide,
    Exp,
    Flatten,
    HardSigmoid,
    Linear,
    Log,
    LogSoftmax,
    Network,
    Node,
    Softmax,
    Sqrt,
    Subtract,
)
from handmade.engine.arrays import Array
from handmade.engine.check import check
from handmade.engine.check.networks.kinks import kinks
from handmade.engine.errors import HandmadeError
from handmade.engine.layers import Layer
from handmade.engine.layers.error_free import two_product, two_sum
from handmade.engine.layers.normal import BLOCK, density, normal, normal_step

LAYERS: Any = handmade  # without types, for wrong arguments
EPS = float(np.finfo(np.float64).eps)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- the normal distribution --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "lowest"), [(np.float64, -37.0), (np.float32, -12.5)])
def test_the_normal_distribution_is_right_to_five_eps_down_to_the_smallest_numbers(dtype: type, lowest: float) -> None:
    joints = [sign * y * 2**0.5 * (1 + nearly) for sign in (-1, 1) for y in (0.46875, 4.0) for nearly in (-1e-7, 0, 1e-7)]
    x: Array = np.array([*np.linspace(lowest, 9, 300), *rng().standard_normal(200), *joints, 0.0, 1e-30, -1e-30]).astype(dtype)
    eps = float(np.finfo(dtype).eps)
    with mpmath.workdps(40):
        for mine, true in ((normal, mpmath.ncdf), (density, mpmath.npdf)):
            wanted = np.array([true(mpmath.mpf(float(number))) for number in x])
            laws.assert_within(laws.exact(mine(x)), wanted, 5 * eps * wanted)


def test_a_probability_of_many_numbers_is_that_of_each_number() -> None:
    x, dx = rng().standard_normal((2, 3, BLOCK - 7))

    np.testing.assert_array_equal(normal(x)[1, ::97], normal(x[1, ::97]))
    np.testing.assert_array_equal(normal_step(x, x + dx, dx)[1, ::97], normal_step(x[1, ::97], (x + dx)[1, ::97], dx[1, ::97]))
    np.testing.assert_array_equal(normal(x[:, ::-1]), normal(x)[:, ::-1])


def test_infinite_and_missing_numbers_pass_through() -> None:
    x = np.array([np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(normal(x), [1, 0, np.nan])
    np.testing.assert_array_equal(Clip(-1, 2).forward(x), [2, -1, np.nan])
    np.testing.assert_array_equal(HardSigmoid().forward(x), [1, 0, np.nan])
    np.testing.assert_array_equal(ELU(2).forward(x), [np.inf, -2, np.nan])


# --- bounds that a number barely crosses --------------------------------------------------------------------------------------


def test_the_error_of_a_sum_and_of_a_product_is_known() -> None:
    for dtype in (np.float64, np.float32):
        a, b = (rng(1).standard_normal((2, 200)) * 10.0 ** rng(2).integers(-6, 7, (2, 200))).astype(dtype)
        for (rounded, error), exactly in ((two_sum(a, b), operator.add), (two_product(a, b), operator.mul)):
            assert np.any(error != 0)
            for p, q, r, e in zip(*(map(Fraction, map(float, each)) for each in (a, b, rounded, error)), strict=True):
                assert r + e == exactly(p, q)


@pytest.mark.parametrize("layer", [Clip(0.1, 0.7), Clip(-0.3), Clip(None, 0.9), HardSigmoid(), HardSigmoid(1 / 6, 0.3)])
def test_a_number_that_barely_crosses_a_bound_keeps_its_digits(layer: Any) -> None:
    """Of x far outside and a step that ends just inside, 16 digits are right: subtracting rounded numbers would leave a few."""
    slope, shift = (
        (Fraction(layer.slope), Fraction(layer.shift)) if isinstance(layer, HardSigmoid) else (Fraction(1), Fraction(0))
    )
    bounds = (0.0, 1.0) if isinstance(layer, HardSigmoid) else [bound for bound in layer.bounds if np.isfinite(bound)]
    low, high = (0.0, 1.0) if isinstance(layer, HardSigmoid) else layer.bounds

    def y(x: Fraction) -> Fraction:
        u = slope * x + shift
        return max(u, Fraction(low)) if high == np.inf else min(u if low == -np.inf else max(u, Fraction(low)), Fraction(high))

    for bound in bounds:
        edge = float((Fraction(bound) - shift) / slope)
        for away in rng(3).uniform(-3, 3, 50):
            for beyond in (1e-3, 1e-9, 1e-14):
                x = np.array([edge + away])
                dx = np.array([edge - x[0] - np.copysign(beyond, away)])
                wanted = y(Fraction(float(x[0])) + Fraction(float(dx[0]))) - y(Fraction(float(x[0])))
                assert abs(Fraction(float(layer.delta(x, dx)[0])) - wanted) <= 3 * EPS * abs(wanted)


# --- logarithms and roots -----------------------------------------------------------------------------------------------------


def test_a_logarithm_may_move_from_the_smallest_number_to_the_largest() -> None:
    x, dx = np.array([1e-300, 1e-300, 5e-324, 1e300]), np.array([1e300, 1e-310, 1.7e308, -1e300 * (1 - 1e-16)])
    with mpmath.workdps(400):
        wanted = np.array([mpmath.log1p(mpmath.mpf(float(d)) / mpmath.mpf(float(a))) for a, d in zip(x, dx, strict=True)])
        laws.assert_within(laws.exact(Log().delta(x, dx)), wanted, 8 * EPS * np.abs(wanted))


@pytest.mark.filterwarnings("error")
def test_outside_the_domain_the_result_is_that_of_numpy() -> None:
    x = np.array([0.0, -1.0, 4.0])
    np.testing.assert_array_equal(Log().forward(x)[:2], [-np.inf, np.nan])
    np.testing.assert_array_equal(Sqrt().forward(x), [0, np.nan, 2])
    np.testing.assert_array_equal(Log().delta(x, np.array([2.0, 0.5, -4.0])), [np.inf, np.nan, -np.inf])
    np.testing.assert_array_equal(Sqrt().delta(x, np.array([4.0, 0.5, -5.0])), [2, np.nan, np.nan])
    np.testing.assert_array_equal(Divide().forward((x, np.zeros(3))), [np.nan, -np.inf, np.inf])
    for layer in (Log(), Sqrt()):  # a number that stays moves nothing, and no gradient comes out where none goes in
        np.testing.assert_array_equal(layer.delta(x, 0 * x), 0)
        np.testing.assert_array_equal(layer.backward(x, 0 * x)[0], 0)
        assert layer.backward(x, np.ones(3))[0][0] == np.inf


# --- softmax ------------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("log", [False, True], ids=["softmax", "log softmax"])
def test_a_softmax_is_exact_for_any_size_of_numbers_and_steps(*, log: bool) -> None:
    draw = rng(4)
    case = along_axis((12, 5), log=log)
    x = draw.choice([0.0, 0.5, 3.0, -30.0, 1000.0, 999.0, -800.0, 1e-30], (12, 5))
    dx = draw.choice([0.0, 1e-30, -1e-12, 0.3, -1.0, 2.5, 40.0, -40.0, 799.0, -1001.0, 3000.0], (12, 5))
    laws.check_difference(case, x, dx, digits=2200)  # exp(-5000) is 1e-2171
    if not log:
        assert np.isfinite(case.layer.forward(x)).all()


@pytest.mark.parametrize("h", [1e-30, 1e-9, 1e-3, 0.9, -0.9])
def test_however_sure_a_softmax_is_a_nudge_of_one_number_keeps_all_digits(h: float) -> None:
    """One number moves: each difference is right relative to itself, also where p is 1 - 1e-13 and where it is 1e-13."""
    x = np.array([[30.0, 0.1, -0.4, 0.3], [0.2, 0.1, 0.3, 0.0], [1.0, 1.0, 31.0, 1.0]])
    for k in range(4):
        dx = h * np.eye(4)[[k] * 3]
        with mpmath.workdps(100):
            exact = laws.exact(x), laws.exact(dx)
            for log in (False, True):
                case = along_axis((3, 4), log=log)
                wanted = case.twin(exact[0] + exact[1], {}) - case.twin(exact[0], {})
                # p_k is right to 2 + 31 + K eps; x + dx counts 31 in p'
                laws.assert_within(laws.exact(case.layer.delta(x, dx)), wanted, 100 * EPS * np.abs(wanted))


def test_numbers_of_minus_infinity_have_no_share() -> None:
    x = np.array([[0.5, -np.inf, 1.0]])
    dx = np.array([[1e-3, 0.0, 0.0]])
    p, log_p = Softmax(), LogSoftmax()

    np.testing.assert_array_equal(p.forward(x)[:, 1], 0)
    np.testing.assert_allclose(p.forward(x)[:, [0, 2]], p.forward(x[:, [0, 2]]), rtol=4 * EPS)
    np.testing.assert_allclose(p.delta(x, dx)[:, [0, 2]], p.delta(x[:, [0, 2]], dx[:, [0, 2]]), rtol=8 * EPS)
    np.testing.assert_array_equal(p.delta(x, dx)[:, 1], 0)
    removed = np.array([[0.0, 0.0, -np.inf]])  # the step of a logarithm to 0
    finite = np.array([[0.5, 0.2, 1.0]])
    np.testing.assert_allclose(p.delta(finite, removed), p.forward(finite + removed) - p.forward(finite), rtol=1e-14)
    assert log_p.delta(finite, removed)[0, 2] == -np.inf
    assert np.isfinite(log_p.delta(finite, removed)[0, :2]).all()
    assert np.isfinite(p.backward(x, np.ones((1, 3)))[0]).all()


# --- kinks --------------------------------------------------------------------------------------------------------------------


def on_kink(layer: Layer, start: float) -> Network:
    """A number that lies at `start`, whatever the weight 0.b, which is nudged, adds to it."""
    return Network([Linear(np.zeros((1, 1)), np.array([start])), layer, Linear(np.array([[0.0, 2.0]]), np.zeros(2))], (1,))


@pytest.mark.parametrize(
    ("layer", "start", "named"),
    [
        (ELU(0.5), 0.0, "elu1[0] of image 0 lies exactly on its kink"),
        (ELU(1.0), 0.0, None),
        (Clip(-1, 3), -1.0, "clip1[0] of image 0 lies exactly on its kink"),
        (Clip(-1, 3), 3.0, "clip1[0] of image 0 lies exactly on its kink"),
        (Clip(-1, 3), 0.0, None),
        (Clip(2, 1), 2.0, None),
        (HardSigmoid(0.25, 0.5), 2.0, "hardsigmoid1[0] of image 0 lies exactly on its kink"),
        (HardSigmoid(0.25, 0.5), -2.0, "hardsigmoid1[0] of image 0 lies exactly on its kink"),
        (HardSigmoid(0.25, 0.5), 1.0, None),
        (GELU("none"), 0.0, None),
    ],
)
def test_a_kink_is_named_and_the_check_finds_no_bug_there(layer: Layer, start: float, named: str | None) -> None:
    network, x, y = on_kink(layer, start), np.ones((1, 1)), np.array([0])

    report = check(network, x, y)

    assert report.verdict != "bug"
    assert {str(array.kink) for array in report.arrays if array.kink} <= {named}
    assert (report.verdict == "kink") == (named is not None)
    found = [str(kink) for kink in kinks(network, x, "0.b", (0,), 1e-30)]
    assert set(found) == ({named} if named else set())


def test_a_number_that_crosses_a_bound_is_named() -> None:
    network = on_kink(Clip(-1, 3), 2.75)
    crossed = [str(kink) for kink in kinks(network, np.ones((1, 1)), "0.b", (0,), 0.5)]
    assert crossed == ["clip1[0] of image 0 crosses its kink"]
    assert list(kinks(network, np.ones((1, 1)), "0.b", (0,), 0.125)) == []


# --- networks -----------------------------------------------------------------------------------------------------------------


def gated() -> Network:
    """A Softmax in the middle, a normalisation made of single steps, and constants."""
    draw = rng(6)
    width = 5
    nodes = [
        Node("scaled", Affine(np.full(3, 2.0), np.array([0.1, -0.2, 0.3])), "input"),
        Node("row", Flatten(), "scaled"),
        Node("first", Linear(draw.standard_normal((12, width)) / 4, draw.standard_normal(width)), "row"),
        Node("share", Softmax(), "first"),
        Node("curve", Exp(), "first"),
        Node("root", Sqrt(), "curve"),
        Node("ratio", Divide(), ["share", "root"]),
        Node("gap", Subtract(), ["ratio", "first"]),
        Node("bent", GELU("none"), "gap"),
        Node("logs", LogSoftmax(), "bent"),
        Node("last", Linear(draw.standard_normal((width, 3)), np.zeros(3)), "logs"),
    ]
    return Network(nodes, (2, 2, 3))


def test_three_gradients_of_a_network_with_all_of_it_agree() -> None:
    network, x, y = gated(), rng(7).standard_normal((4, 2, 2, 3)), np.array([0, 1, 2, 1])

    _, back = handmade.gradients.backprop(network, x, y)
    _, limit = handmade.gradients.difference(network, x, y, h=1e-30)
    _, subtracted = handmade.gradients.definition(network, x, y, h=1e-6)

    assert check(network, x, y).verdict == "agree"
    for name, array in back.items():
        assert np.any(array)
        np.testing.assert_allclose(limit[name], array, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(subtracted[name], array, rtol=1e-4, atol=1e-6)
    for at in ("share[2]", "ratio[1]", "logs[0]", "bent[3]", "d loss / d scaled[0,1,2]", "d loss / d share[0]", "loss"):
        receipt = handmade.explain(network, x[0], at, label=1)
        assert abs(receipt.rounding) <= receipt.bound


def test_constants_are_kept_in_a_file_and_stay_as_they_are(tmp_path: Path) -> None:
    network, x, y = gated(), rng(7).standard_normal((4, 2, 2, 3)), np.array([0, 1, 2, 1])
    single = network.replace({k: v.astype(np.float32) for k, v in (network.parameters() | network.statistics()).items()})
    handmade.Network(single.nodes, single.input_shape).save(tmp_path / "model")
    loaded = handmade.load(tmp_path / "model")

    np.testing.assert_array_equal(loaded.logits(x.astype(np.float32)), single.logits(x.astype(np.float32)))
    assert "scaled.scale" not in handmade.gradients.backprop(network, x, y)[1]
    stage = network.in_training(4, rng())
    assert stage.update_statistics(x) == {}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: LAYERS.ELU(-1), "alpha: expected a number from 0 to 1e+06"),
        (lambda: LAYERS.Clip("0"), "low: expected a number from -3e+38 to 3e+38"),
        (lambda: LAYERS.Clip(high=float("nan")), "high: expected a number"),
        (lambda: LAYERS.HardSigmoid(-0.2), "slope: expected a number from 0"),
        (lambda: LAYERS.HardSigmoid(shift=None), "shift: expected a number"),
        (lambda: LAYERS.GELU("erf"), "approximate: expected one of tanh, none"),
        (lambda: LAYERS.Softmax(1.0), "axis: expected an integer"),
        (lambda: LAYERS.Softmax(3).output_shape((2, 3)), "Softmax: expected an axis from -2 to 1, for one image (2, 3); got 3"),
        (lambda: LAYERS.LogSoftmax(-2).output_shape((4,)), "LogSoftmax: expected an axis from -1 to 0"),
        (lambda: LAYERS.Affine(2.0, 1.0), "Affine: expected the arrays scale and shift"),
        (lambda: LAYERS.Affine(np.ones(0), np.ones(1)), "a scale and a shift of at least one number"),
        (lambda: LAYERS.Affine(np.ones(3), np.zeros(2)).output_shape((4, 2)), "a scale that broadcasts to (4, 2); got (3,)"),
        (lambda: LAYERS.Affine(np.ones((1, 1, 2)), np.zeros(2)).output_shape((4, 2)), "a scale that broadcasts to (4, 2)"),
        (lambda: LAYERS.Subtract().output_shape(((3,), (3,), (3,))), "Subtract: expected two activations to read; got 3"),
        (lambda: LAYERS.Divide().output_shape(((3,), (4,))), "Divide: expected activations of one shape"),
    ],
)
def test_an_impossible_layer_is_refused_in_one_line(make: Any, says: str) -> None:
    with pytest.raises(HandmadeError, match=re.escape(says)) as refusal:
        make()
    assert "\n" not in str(refusal.value)


def test_an_old_gelu_keeps_its_form_in_a_file() -> None:
    assert GELU().settings() == {}
    assert GELU("none").settings() == {"approximate": "none"}
    assert GELU.restore({}, {}).approximate == "tanh"


def test_the_loss_of_a_softmax_in_the_middle_is_finite_however_large_its_input() -> None:
    x: Array = np.full((2, 1), 1e4)
    network = Network([Linear(np.array([[1.0, -1.0, 0.5]]), np.zeros(3)), Softmax(), Linear(np.eye(3), np.zeros(3))], (1,))
    L, gradients = handmade.gradients.difference(network, x, np.array([0, 1]), h=0.5)
    assert np.isfinite(L)
    assert all(np.isfinite(array).all() for array in gradients.values())
