"""Weights of images: they multiply the terms of the loss, exactly, in every gradient, on both backends, and in training."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import handmade
import laws
from exact_network import in_loops
from handmade import HandmadeError
from handmade.compiled.backend import Compiled
from handmade.engine import loops
from handmade.engine.arrays import Array
from handmade.engine.backend import use_backend
from handmade.engine.gradients import backprop, definition, difference, input_gradient
from handmade.engine.gradients.arguments import Scheme
from handmade.engine.layers import BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU
from handmade.engine.losses import CrossEntropy, Loss, MeanSquaredError, Weighted
from handmade.engine.network import Network
from handmade.engine.optim import L2, Penalised
from laws import exact
from test_losses import SIZES, Truth, Y, Z, bound, smoothed, squared

EPS = float(np.finfo(np.float64).eps)
A = np.array([0, 0.3, 2, 1, 7.1])  # weights of the five images of Z
LOSSES: dict[str, tuple[Loss, Truth]] = {
    "cross-entropy": (CrossEntropy(), smoothed(0)),
    "cross-entropy, smoothed": (CrossEntropy(0.1), smoothed(0.1)),
    "mean squared error": (MeanSquaredError(), squared),
}
every_loss = pytest.mark.parametrize(("loss", "truth"), LOSSES.values(), ids=LOSSES)
WAYS: list[Callable[..., tuple[float, dict[str, Array]]]] = [difference, definition, backprop]
every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)

# --- the laws of a loss -------------------------------------------------------------------------------------------------------


@every_loss
@pytest.mark.parametrize("size", SIZES)
def test_the_weighted_difference_is_exact_at_any_step(loss: Loss, truth: Truth, size: float) -> None:
    dz = size * np.random.default_rng(2).standard_normal(Z.shape)
    with mpmath.workdps(300):
        wanted = exact(A) * (truth(exact(Z) + exact(dz), Y) - truth(exact(Z), Y))
        off = np.abs(exact(Weighted(loss, A).delta(Z, dz, Y)) - wanted)
    allowed = A * bound(loss, dz) + EPS * np.abs(wanted.astype(float))  # one rounding more, of the product
    assert (off.astype(float) <= allowed).all()


@every_loss
def test_the_weighted_loss_and_its_gradient_are_the_terms_times_the_weights(loss: Loss, truth: Truth) -> None:  # noqa: ARG001
    weighted, dz = Weighted(loss, A), np.random.default_rng(3).standard_normal((*Z.shape, 2))
    for got, terms in (
        (weighted.forward(Z, Y), loss.forward(Z, Y)),
        (weighted.backward(Z, Y), loss.backward(Z, Y)),
        (weighted.delta(Z, dz, Y), loss.delta(Z, dz, Y)),
    ):
        for n, a in enumerate(A):
            np.testing.assert_array_equal(got[n], a * terms[n])


@every_loss
def test_the_weighted_loss_obeys_the_laws_of_a_loss(loss: Loss, truth: Truth) -> None:  # noqa: ARG001
    z, rng = 2 * np.random.default_rng(4).standard_normal((4, 4)), np.random.default_rng(10)
    weighted = Weighted(loss, np.array([0, 0.3, 1, 0.7]))  # at most 1, as the bound of the transpose assumes
    laws.check_loss_manners(weighted, z, np.array([0, 3, 2, 3]), rng)
    if not isinstance(loss, MeanSquaredError):  # whose gradient is not at most 1
        laws.check_loss_transpose(weighted, z, np.array([0, 3, 2, 3]), rng)


# --- gradients of networks ----------------------------------------------------------------------------------------------------


def weights(*shape: int) -> Array:
    W: Array = np.random.default_rng(sum(shape)).standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))
    return W


def small() -> Network:
    """Two convolutions, a pool and two linear layers: 6 x 6 pixels, 3 classes."""
    convolutions = [Conv2d(weights(2, 2, 1, 2), weights(2) / 9), ReLU(), Conv2d(weights(2, 2, 2, 3), weights(3) / 9)]
    return Network([*convolutions, ReLU(), MaxPool2d(2), Flatten(), *head(12)], (6, 6, 1))


def head(inputs: int) -> list[Any]:
    return [Linear(weights(inputs, 5), weights(5) / 9), ReLU(), Linear(weights(5, 3), weights(3) / 9)]


def batch(network: Network, images: int) -> tuple[Array, Array, Array]:
    """Images, labels, and weights of which some are 0."""
    rng = np.random.default_rng(images)
    x, y = rng.standard_normal((images, *network.input_shape)), rng.integers(0, 3, images)
    return x, y, np.where(np.arange(images) % 4 == 0, 0, rng.uniform(0.1, 5, images))


@every_way
@pytest.mark.usefixtures("backend")
def test_a_weighted_gradient_is_that_of_the_loops(way: Callable[..., Any]) -> None:
    network = Network([Conv2d(weights(2, 2, 1, 2), weights(2) / 9), ReLU(), Flatten(), *head(18)], (4, 4, 1))
    x, y, a = batch(network, 3)
    h = 1e-6 if way is definition else 1e-30  # the definition subtracts two losses
    with mpmath.workdps(60):
        step = mpmath.mpf(h if way is definition else 1e-30)

        def loss(parameters: dict[str, Array]) -> Any:
            z = in_loops_logits(network, exact(x), parameters)
            return loops.mean_loss(z, y, exact(a), exp=mpmath.exp, log=mpmath.log)

        parameters = {name: exact(array) for name, array in network.parameters().items()}
        some = {name: parameters[name] for name in ("0.W", "5.b")}
        wanted_loss = float(loss(parameters))
        wanted = loops.gradient(lambda _: loss(parameters), some, step)

    L, gradients = way(network, x, y, weights=a, **({} if way is backprop else {"h": h}))

    assert pytest.approx(wanted_loss, rel=1e-13) == L
    for name, g in wanted.items():
        # sums of a few dozen products of order 1; the definition loses eps / h
        np.testing.assert_allclose(gradients[name], g.astype(float), rtol=0, atol=1e-9 if way is definition else 1e-12)


def in_loops_logits(network: Network, x: Array, parameters: dict[str, Array]) -> Array:
    return in_loops(network, x, parameters)


@every_loss
@every_way
@pytest.mark.usefixtures("backend")
def test_a_weighted_gradient_is_the_weighted_sum_of_those_of_single_images(
    way: Callable[..., Any],
    loss: Loss,
    truth: Truth,  # noqa: ARG001
) -> None:
    network = small()
    x, y, a = batch(network, 9 if way is definition else 37)  # several blocks; the definition is slow

    L, gradients = way(network, x, y, loss=loss, weights=a)

    alone = [way(network, x[[n]], y[[n]], loss=loss) for n in range(len(x))]
    assert pytest.approx(sum(a[n] * alone[n][0] for n in range(len(x))) / len(x), rel=1e-12) == L
    for name, g in gradients.items():
        wanted = sum(a[n] * alone[n][1][name] for n in range(len(x))) / len(x)
        np.testing.assert_allclose(g, wanted, rtol=0, atol=1e-10)  # the definition: losses of order 30, eps / h = 2e-13


@every_loss
@pytest.mark.parametrize("h", [0.3, 1e-3, 1e-30])
@pytest.mark.parametrize("scheme", ["forward", "central"])
def test_the_compiled_backend_computes_weighted_differences_as_plain(
    loss: Loss,
    truth: Truth,  # noqa: ARG001
    h: float,
    scheme: Scheme,
) -> None:
    for network in (
        small(),
        Network([Flatten(), *head(9)], (3, 3, 1)),
        Network([Dropout(0.4), *(node.layer for node in small().nodes)], (6, 6, 1)),
    ):
        x, y, a = batch(network, 19)
        training = network.in_training(len(x), np.random.default_rng(3))
        found = []
        for name in ("plain", "compiled"):
            with use_backend(name):
                found.append(difference(training, x, y, h=h, scheme=scheme, loss=loss, weights=a))
        (L, wanted), (M, got) = found
        assert pytest.approx(M, rel=1e-12) == L
        for name, g in wanted.items():
            np.testing.assert_allclose(got[name], g, rtol=0, atol=1e-11 * max(1, float(np.abs(g).max())))


def test_the_compiled_backend_follows_weighted_losses_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a fast path of its own for them: the plain one is not asked."""
    network = small()
    x, y, a = batch(network, 5)
    monkeypatch.setattr("handmade.engine.plain.backend.by_shards", lambda *_: pytest.fail("the plain backend was asked"))
    with use_backend("compiled"):
        difference(network, x, y, h=1e-30, weights=a)
        with pytest.raises(pytest.fail.Exception, match="plain"):
            difference(network, x, y, loss=Own(), weights=a)  # a loss that has no loops
    assert Compiled.name == "compiled"


class Own(CrossEntropy):
    """Loss of a user, without rules."""


@pytest.mark.usefixtures("backend")
def test_a_loss_without_rules_takes_weights() -> None:
    network = small()
    x, y, a = batch(network, 19)
    for way in WAYS:
        wanted, got = way(network, x, y, weights=a), way(network, x, y, loss=Own(), weights=a)
        for name, g in wanted[1].items():
            np.testing.assert_allclose(got[1][name], g, rtol=0, atol=1e-11)


@pytest.mark.usefixtures("backend")
def test_images_that_depend_on_one_another_take_weights() -> None:
    norm = BatchNorm2d(np.ones(2), np.zeros(2), np.zeros(2), np.ones(2))
    network = Network([Conv2d(weights(2, 2, 1, 2), weights(2)), norm, ReLU(), Flatten(), *head(18)], (4, 4, 1))
    x, y, a = batch(network, 7)
    training = network.in_training(len(x), np.random.default_rng(0))

    _, wanted = definition(training, x, y, h=1e-5, scheme="central", weights=a)

    for got in (difference(training, x, y, h=1e-30, weights=a)[1], backprop(training, x, y, weights=a)[1]):
        for name, g in wanted.items():
            np.testing.assert_allclose(got[name], g, rtol=0, atol=1e-7)  # h^2, and eps / h of the definition


def test_equal_weights_of_one_change_no_bit() -> None:
    network = small()
    x, y, _ = batch(network, 19)
    for name in ("plain", "compiled"):
        with use_backend(name):
            for way in (difference, backprop):
                L, wanted = way(network, x, y)
                M, got = way(network, x, y, weights=np.ones(19))
                assert M == L
                for key, g in wanted.items():
                    np.testing.assert_array_equal(got[key], g)


def test_the_gradient_of_pixels_takes_the_same_loss() -> None:
    network = small()
    x, y, a = batch(network, 6)
    wanted = input_gradient(network, x, y)[1] * a[:, None, None, None]
    np.testing.assert_allclose(input_gradient(network, x, y, weights=a)[1], wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1, 2], r"weights: expected 3 finite numbers of at least 0, one for each image, got an array \(2,\) of int64"),
        ([[1], [2], [3]], r"one for each image, got an array \(3, 1\)"),
        ([1, -1, 1], r"got -1"),
        ([1, np.nan, 1], r"got nan"),
        ([1, np.inf, 1], r"got inf"),
        (["a", "b", "c"], r"weights: expected an array of real numbers"),
    ],
)
def test_weights_that_are_none_are_refused(given: Any, message: str) -> None:
    network = small()
    x, y, _ = batch(network, 3)
    for way in (*WAYS, input_gradient):
        with pytest.raises(HandmadeError, match=message):
            way(network, x, y, weights=given)  # type: ignore[operator]
    with pytest.raises(HandmadeError, match=message):
        next(handmade.train(network, x, y, weights=given))


# --- training -----------------------------------------------------------------------------------------------------------------


def last(network: Network, x: Array, y: Array, **options: Any) -> dict[str, Array]:
    *_, step = handmade.train(network, x, y, epochs=3, batch_size=4, **options)
    return step.network.parameters()


@pytest.mark.parametrize("penalised", [False, True])
def test_training_gives_each_image_its_own_weight(penalised: bool) -> None:  # noqa: FBT001
    network = small()
    x, y, a = batch(network, 10)
    seen: list[tuple[float, float]] = []

    def gradient(network: Network, x: Array, y: Array, **options: Any) -> tuple[float, dict[str, Array]]:
        weights = options["weights"]
        seen.extend(zip(x[:, 0, 0, 0], weights, strict=True))
        return backprop(network, x, y, weights=weights)

    last(network, x, y, weights=a, gradient=Penalised(gradient, (L2(1e-3),)) if penalised else gradient)

    wanted = dict(zip(x[:, 0, 0, 0], a, strict=True))
    assert len(seen) == 30
    assert all(wanted[pixel] == weight for pixel, weight in seen)


def test_an_image_of_weight_two_counts_as_two() -> None:
    network = small()
    x, y, _ = batch(network, 6)
    count = np.array([2, 1, 0, 3, 1, 1])

    once = last_of_one_batch(network, x, y, weights=count * 6 / 8)
    repeated = last_of_one_batch(network, np.repeat(x, count, axis=0), np.repeat(y, count))

    for name, w in repeated.items():
        np.testing.assert_allclose(once[name], w, rtol=0, atol=1e-12)


def last_of_one_batch(network: Network, x: Array, y: Array, **options: Any) -> dict[str, Array]:
    *_, step = handmade.train(network, x, y, epochs=5, batch_size=len(x), **options)
    return step.network.parameters()


def test_a_gradient_without_weights_is_refused_before_the_first_step() -> None:
    network = small()
    x, y, a = batch(network, 4)

    def gradient(network: Network, x: Array, y: Array) -> tuple[float, dict[str, Array]]:
        return backprop(network, x, y)

    with pytest.raises(HandmadeError, match=r"gradient: expected a function \(network, x, y, weights=...\), got a function"):
        next(handmade.train(network, x, y, weights=a, gradient=gradient))
