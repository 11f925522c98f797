"""Label smoothing and mean squared error obey the laws of a loss, and training by differences works with any loss.

(Plain cross-entropy is held to the same laws in `test_laws`.)
"""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import handmade
from handmade import HandmadeError
from handmade.engine.arrays import Array
from handmade.engine.gradients import backprop, definition, difference
from handmade.engine.layers import EVERY, Channel, Layer, Linear, ReLU, one_channel
from handmade.engine.losses import CrossEntropy, Loss, MeanSquaredError, series
from handmade.engine.network import Network
from laws import exact
from test_gradients import NETWORKS, SHAPE

EPS = float(np.finfo(np.float64).eps)
K = 5
Y = np.array([0, 3, 2, 1, 3])
Z = np.random.default_rng(1).standard_normal((5, K)) * [[1], [4], [0.1], [30], [1]]
SIZES = [1e-200, 1e-30, 1e-8, 1e-3, 1.0, 30.0, 1000.0]

Truth = Callable[[Array, Array], Array]


def smoothed(smoothing: float) -> Truth:
    def loss(z: Array, y: Array) -> Array:
        losses = []
        for row, right in zip(z, y, strict=True):
            log_sum = mpmath.log(sum(mpmath.exp(number) for number in row))
            target = [mpmath.mpf(smoothing) / K + (1 - mpmath.mpf(smoothing)) * (k == right) for k in range(K)]
            losses.append(sum(t * (log_sum - number) for t, number in zip(target, row, strict=True)))
        return np.array(losses, object)

    return loss


def squared(z: Array, y: Array) -> Array:
    off = [[(number - (k == right)) ** 2 for k, number in enumerate(row)] for row, right in zip(z, y, strict=True)]
    return np.array([sum(row) / K for row in off], object)


LOSSES: dict[str, tuple[Loss, Truth]] = {
    "cross-entropy": (CrossEntropy(), smoothed(0)),
    "cross-entropy, smoothed": (CrossEntropy(0.1), smoothed(0.1)),
    "cross-entropy, smoothed a lot": (CrossEntropy(0.75), smoothed(0.75)),
    "mean squared error": (MeanSquaredError(), squared),
}
every_loss = pytest.mark.parametrize(("loss", "truth"), LOSSES.values(), ids=LOSSES)


def bound(loss: Loss, dz: Array) -> Array:
    """What rounding may do to dL: a few eps of the sizes that are added up, for K classes.

    For the squares these are |dz_k| (2 |z_k - t_k| + |dz_k|) / K. For cross-entropy, dL = log(sum of exp(log p_k + s_k)) with
    s = dz - m: log p_k is right to eps |log p_k|, and s_k to 2 eps max |dz|; where all steps are small, only p_k |expm1(s_k)|
    times that is left, and |expm1(s)| is below 2.1 |s| until s = 1.
    """
    size = np.abs(dz).max(axis=1)
    if isinstance(loss, MeanSquaredError):
        squares: Array = 8 * EPS * (np.abs(dz) * (2 * np.abs(Z) + 2 + np.abs(dz))).sum(axis=1) / K
        return squares
    log_p = 2 * np.abs(Z).max(axis=1) + np.log(K)
    logarithm: Array = 4 * (K + 4) * EPS * (1 + log_p) * size * (1 + 4 * (size > 0.1))
    return logarithm


@every_loss
def test_the_loss_is_its_formula(loss: Loss, truth: Truth) -> None:
    with mpmath.workdps(60):
        wanted = truth(exact(Z), Y)
    sizes = (np.abs(Z).max(axis=1) + 2) ** 2
    np.testing.assert_array_less(np.abs(loss.forward(Z, Y) - wanted.astype(float)), 4 * (K + 4) * EPS * sizes)


@every_loss
@pytest.mark.parametrize("size", SIZES)
def test_the_difference_is_exact_at_any_step(loss: Loss, truth: Truth, size: float) -> None:
    dz = size * np.random.default_rng(2).standard_normal(Z.shape)
    with mpmath.workdps(300):
        wanted = truth(exact(Z) + exact(dz), Y) - truth(exact(Z), Y)
        off = np.abs(exact(loss.delta(Z, dz, Y)) - wanted)
    np.testing.assert_array_less(off.astype(float), bound(loss, dz))


@every_loss
def test_many_nudges_and_one_moving_output_are_the_same_written_out(loss: Loss, truth: Truth) -> None:  # noqa: ARG001  as elsewhere
    rng = np.random.default_rng(3)
    for size in (1e-30, 1e-3, 1.0, 100.0):
        dz = size * rng.standard_normal((*Z.shape, 4))
        together = loss.delta(Z, dz, Y)
        for n in range(4):
            np.testing.assert_allclose(together[:, n], loss.delta(Z, dz[..., n], Y), rtol=1e-12, atol=1e-14 * size)
        for j in range(K):
            dense = np.zeros_like(dz)
            dense[:, j] = dz[:, j]
            np.testing.assert_allclose(
                loss.delta(Z, dz[:, [j]], Y, one_channel(j)), loss.delta(Z, dense, Y), rtol=1e-11, atol=1e-14 * size
            )


@every_loss
def test_the_gradient_is_the_transpose_of_the_difference(loss: Loss, truth: Truth) -> None:  # noqa: ARG001  as elsewhere
    h, dz = 1e-30, np.random.default_rng(4).standard_normal(Z.shape)

    gz = loss.backward(Z, Y)

    np.testing.assert_allclose((gz * dz).sum(axis=1), loss.delta(Z, h * dz, Y) / h, rtol=1e-11, atol=1e-14)


@every_loss
@pytest.mark.parametrize("name", ["strides and paddings", "convolution, then two linear layers", "linear alone"])
def test_all_gradients_agree_on_any_loss(loss: Loss, truth: Truth, name: str) -> None:  # noqa: ARG001  as elsewhere
    network = handmade.Network(NETWORKS[name], SHAPE)
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((3, *SHAPE)), rng.integers(0, network.classes, 3)

    base, by_difference = difference(network, x, y, h=1e-3, loss=loss)
    _, by_definition = definition(network, x, y, h=1e-3, loss=loss)
    _, derivative = backprop(network, x, y, loss=loss)
    _, limit = difference(network, x, y, h=1e-30, loss=loss)

    assert base == pytest.approx(float(loss.forward(network.logits(x), y).mean()), rel=1e-14)
    for key, g in derivative.items():
        scale = np.abs(g).max()
        # the subtraction of two losses of order 1 loses eps / h = 2e-13, times a few
        np.testing.assert_allclose(by_difference[key], by_definition[key], rtol=0, atol=1e-11 * max(1, scale))
        np.testing.assert_allclose(limit[key], g, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("smoothing", [-0.1, 1, 2, float("nan")])
def test_impossible_smoothing_is_refused(smoothing: Any) -> None:
    with pytest.raises(HandmadeError, match=r"from 0 up to but not including 1, got"):
        CrossEntropy(smoothing)


# --- mutants ------------------------------------------------------------------------------------------------------------------


class SmoothedInForwardOnly(CrossEntropy):
    def delta(self, *arguments: Any) -> Array:
        return CrossEntropy().delta(*arguments)


class SumOfSquares(MeanSquaredError):
    def delta(self, *arguments: Any) -> Array:
        return K * super().delta(*arguments)


class SquaresToFirstOrder(MeanSquaredError):
    def delta(self, z: Array, dz: Array, y: Array, *channel: Any) -> Array:
        return super().delta(z, 1e-30 * dz, y, *channel) / 1e-30


@pytest.mark.parametrize(
    ("mutant", "truth"),
    [(SmoothedInForwardOnly(0.1), smoothed(0.1)), (SumOfSquares(), squared), (SquaresToFirstOrder(), squared)],
    ids=lambda value: type(value).__name__,
)
def test_the_law_of_differences_catches_the_mutant(mutant: Loss, truth: Truth) -> None:
    with pytest.raises(AssertionError):
        test_the_difference_is_exact_at_any_step(mutant, truth, 1e-3)


@every_loss
@pytest.mark.parametrize("size", SIZES)
def test_along_a_line_the_difference_is_the_same(loss: Any, truth: Truth, size: float) -> None:
    rng = np.random.default_rng(8)
    v, d = rng.standard_normal(K), size * rng.standard_normal((len(Z), 3))

    dL = loss.delta_along(Z, v, d, Y)

    with mpmath.workdps(250):  # to subtract what differs by 1e-200
        before = truth(exact(Z), Y)
        for n in range(d.shape[1]):
            dz = exact(d[:, n, None]) * exact(v)
            wanted = (truth(exact(Z) + dz, Y) - before).astype(float)
            np.testing.assert_array_less(np.abs(dL[:, n] - wanted), bound(loss, dz.astype(float)) + 1e-300)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("q", [0.25, 0.1, 1e-2, 1e-3, 1e-5, 1e-9])
def test_a_series_has_as_many_terms_as_it_takes_to_leave_nothing_out(q: float, dtype: type) -> None:
    rng = np.random.default_rng(9)
    p: Array = rng.dirichlet(np.full(K, 0.3), 40).astype(dtype)
    c: Array = rng.uniform(-1, 1, (40, K)).astype(dtype)
    c[0] = [1, -1, 0, 0, 0]
    d = (q * np.log(2) * np.array([-1, -0.5, 0.5, 1])).astype(dtype)[None].repeat(40, axis=0)
    count = series.terms(series.distance(c, d) * 0.999999, np.dtype(dtype))
    assert count is not None

    dL = series.series(p, c, d, count)

    with mpmath.workdps(60):  # where p adds up to 1 but for rounding
        exponentials = np.frompyfunc(mpmath.exp, 1, 1)(exact(c)[:, :, None] * exact(d)[:, None])
        total = (exact(p)[:, :, None] * exponentials).sum(axis=1) - exact(p).sum(axis=1)[:, None]
        wanted = np.frompyfunc(mpmath.log1p, 1, 1)(total)
        error = np.abs(exact(dL) - wanted).astype(float)
    size = np.abs(p[:, :, None] * c[:, :, None] * d[:, None]).sum(axis=1)
    # each term: K + n products and sums to make it, two on the way; the later ones are smaller by q
    assert (error <= (K + 8) * np.finfo(dtype).eps * size).all()


def test_what_a_series_leaves_out_is_bounded_as_it_says() -> None:
    s = [0.0] + [-1 / math.factorial(n) for n in range(1, 40)]  # of 2 - exp(x) = 1 + s_1 x + ...
    a = [0.0]
    for n in range(1, 40):  # the logarithm of a series, in plain sums
        a.append(s[n] - sum(k * a[k] * s[n - k] for k in range(1, n)) / n)

    assert all(-a[n] < 1.01 / (n * math.log(2) ** n) for n in range(1, 40))
    assert series.terms(0.2500001, np.dtype(np.float64)) is None
    assert series.terms(math.nan, np.dtype(np.float64)) is None


class Tripled(CrossEntropy):
    """A relative that inherits delta_along from a parent whose loss is another."""

    def forward(self, z: Array, y: Array) -> Array:
        return 3 * super().forward(z, y)

    def delta(self, z: Array, dz: Array, y: Array, channel: Channel = EVERY) -> Array:
        return 3 * super().delta(z, dz, y, channel)

    def backward(self, z: Array, y: Array) -> Array:
        return 3 * super().backward(z, y)


def test_a_relative_of_a_loss_is_asked_for_its_own_delta() -> None:
    rng = np.random.default_rng(10)
    layers: list[Layer] = [Linear.init(rng, 5, 6, np.float64), ReLU(), Linear.init(rng, 6, K, np.float64)]
    network, x = Network(layers, (5,)), rng.standard_normal((len(Y), 5))

    for way in (difference, backprop, definition):
        _, plain = way(network, x, Y)
        _, tripled = way(network, x, Y, loss=Tripled())
        for name, g in plain.items():
            np.testing.assert_allclose(tripled[name], 3 * g, rtol=1e-9, atol=1e-9)
