"""Backpropagation is what the difference quotient becomes as h goes to 0: by every network, on every weight and pixel."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

import handmade
from cases import CASES, Case
from handmade import HandmadeError
from handmade.engine.arrays import Array
from handmade.engine.gradients import backprop, difference, input_gradient
from handmade.engine.gradients.arguments import Gradient
from handmade.engine.layers import Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU, rule
from handmade.engine.losses import CrossEntropy
from handmade.engine.network import Network
from handmade.engine.optim import Momentum
from handmade.engine.training import train
from test_gradients import NETWORKS, SHAPE

DIFFERENTIABLE = {name: layers for name, layers in NETWORKS.items() if "relative" not in name}  # its backward is its parent's
every_network = pytest.mark.parametrize("layers", DIFFERENTIABLE.values(), ids=DIFFERENTIABLE)
H = 1e-30  # exact differences may be as small as this, and are derivatives then, far beyond the last digit


def batch(layers: Sequence[Layer], images: int = 11) -> tuple[Network, Array, Array]:
    """More images than one task takes, off all kinks and ties."""
    network = Network(layers, SHAPE)
    rng = np.random.default_rng(3)
    return network, rng.standard_normal((images, *SHAPE)), rng.integers(0, network.classes, images)


def mean_delta(network: Network, x: Array, dx: Array, y: Array) -> float:
    """How the loss moves when the images do, exactly: every layer's own difference, one after the other."""
    *tape, z = network.forward(x)
    for layer, x_i in zip(network.layers, tape, strict=True):
        dx = layer.delta(x_i, dx)
    return float(CrossEntropy().delta(z, dx, y).mean())


@every_network
@pytest.mark.usefixtures("backend")
def test_every_derivative_is_the_quotient_of_a_vanishing_nudge(layers: Sequence[Layer]) -> None:
    network, x, y = batch(layers)

    loss, gradients = backprop(network, x, y)
    same_loss, quotients = difference(network, x, y, h=H)

    assert loss == pytest.approx(same_loss, rel=1e-14)
    for name, g in gradients.items():
        # sums of some hundred products, added up in another order: 1e-13 of the largest is a few hundred roundings
        np.testing.assert_allclose(g, quotients[name], rtol=0, atol=1e-13 * np.abs(quotients[name]).max())


HALVED = [pytest.param(case, id=name) for name, case in CASES.items() if rule(case.layer, "input_gradient")]


@pytest.mark.parametrize("case", HALVED)
def test_two_halves_are_the_whole(case: Case) -> None:
    rng = np.random.default_rng(6)
    x = rng.standard_normal(case.shape)
    gy = rng.standard_normal((len(x), *case.layer.output_shape(x.shape[1:])))

    gx, wanted = case.layer.backward(x, gy)
    found = case.layer.weight_gradients(x, gy)

    np.testing.assert_array_equal(case.layer.input_gradient(x, gy), gx)
    assert list(found) == list(wanted)
    for name, g in wanted.items():
        np.testing.assert_array_equal(found[name], g)


@every_network
@pytest.mark.usefixtures("backend")
def test_the_gradient_of_the_images_is_that_of_moving_them(layers: Sequence[Layer]) -> None:
    network, x, y = batch(layers)

    loss, gx = input_gradient(network, x, y)

    assert loss == backprop(network, x, y)[0]
    assert gx.shape == x.shape
    for seed in range(5):
        dx = np.random.default_rng(seed).standard_normal(x.shape)
        assert np.vdot(gx, dx) == pytest.approx(mean_delta(network, x, H * dx, y) / H, rel=1e-10)


@pytest.mark.usefixtures("backend")
def test_blank_paper_under_zero_biases_follows_the_conventions() -> None:
    """There is no derivative on a kink: relu'(0) = 0 by convention, while a nudge upwards opens every unit."""
    conv = Conv2d(np.ones((2, 2, 1, 1)), np.zeros(1))
    network = Network([conv, ReLU(), Flatten(), Linear(np.eye(4, 3), np.zeros(3))], (3, 3, 1))
    x, y = np.zeros((1, 3, 3, 1)), np.array([0])

    _, derivative = backprop(network, x, y)
    _, quotient = difference(network, x, y, h=H)

    assert derivative["0.b"] == 0
    assert quotient["0.b"] == pytest.approx(1 / 3 + 1 / 3 + 1 / 3 - 1)  # all three logits rise, and log softmax stays

    network = network.replace({"3.W": np.eye(4, 3) * [[1], [2], [3], [4]]})
    assert difference(network, x, y, h=H)[1]["0.b"] == pytest.approx((1 + 2 + 3) / 3 - 1)
    assert backprop(network, x, y)[1]["0.b"] == 0


@pytest.mark.usefixtures("backend")
def test_the_first_winner_of_a_tie_takes_the_gradient() -> None:
    network = Network([MaxPool2d(2), Flatten(), Linear(np.array([[1.0, 3.0]]), np.zeros(2))], (2, 2, 1))

    _, gx = input_gradient(network, np.ones((1, 2, 2, 1)), np.array([0]))

    p = 1 / (1 + np.exp(-2))  # of the wrong class, whose weight is larger by 2
    np.testing.assert_allclose(gx[0, :, :, 0], [[2 * p, 0], [0, 0]], rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.usefixtures("backend")
def test_shapes_and_dtype_are_those_of_the_weights(dtype: type) -> None:
    network = handmade.networks.readme(np.random.default_rng(0), dtype)
    x, y = handmade.data.prepare(handmade.data.mnist().train.images[:9], dtype), handmade.data.mnist().train.labels[:9]

    _, gradients = backprop(network, x, y)

    shapes = {name: (array.shape, array.dtype) for name, array in network.parameters().items()}
    assert {name: (g.shape, g.dtype) for name, g in gradients.items()} == shapes
    assert input_gradient(network, x, y)[1].dtype == dtype


@pytest.mark.usefixtures("backend")
def test_an_executor_gives_the_same_bits_as_none() -> None:
    network, x, y = batch(NETWORKS["strides and paddings"], images=37)

    loss, gradients = backprop(network, x, y)
    with ThreadPoolExecutor(3) as executor:
        shared_loss, shared = backprop(network, x, y, executor=executor)

    assert shared_loss == loss
    assert all((shared[name] == g).all() for name, g in gradients.items())


def test_training_by_either_gradient_goes_the_same_way() -> None:
    network, x, y = batch(NETWORKS["convolution, then two linear layers"], images=24)
    ways: list[Gradient] = [backprop, partial(difference, h=H)]

    losses = [
        [step.loss for step in train(network, x, y, gradient=way, optimiser=Momentum(0.1), batch_size=8, epochs=4)]
        for way in ways
    ]

    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
    assert losses[0][-1] < losses[0][0]


class NoWayBack(Layer):
    def forward(self, x: Array) -> Array:
        return 2 * x

    def delta(self, x: Array, dx: Array) -> Array:
        return 2 * dx


def test_a_layer_without_backward_is_named() -> None:
    layers: list[Any] = [Flatten(), Linear(np.ones((84, 3)), np.zeros(3)), NoWayBack(), Linear(np.ones((3, 2)), np.zeros(2))]
    network, x, y = batch(layers)

    with pytest.raises(HandmadeError, match=r"nowayback1: expected NoWayBack to have a method backward; it has none"):
        backprop(network, x, y)
    difference(network, x, y)


@pytest.mark.parametrize("way", [backprop, input_gradient])
def test_images_and_labels_are_checked(way: Any) -> None:
    network, x, y = batch(NETWORKS["linear alone"])

    for bad_x, bad_y in [(x[0], y), (x.astype(np.uint8), y), (x, y[:-1]), (x, y + network.classes), (x[:0], y[:0])]:
        with pytest.raises(HandmadeError) as refused:
            way(network, bad_x, bad_y)
        assert "\n" not in str(refused.value)


class Twice(Linear):
    """A relative that overrides backward, and inherits its halves."""

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        gx, gradients = super().backward(x, gy)
        return 2 * gx, {name: 2 * g for name, g in gradients.items()}


@pytest.mark.parametrize("units", [4, 90])  # so few weights that gW is made block by block, and so many that it waits
def test_a_relative_is_asked_for_its_own_backward(units: int) -> None:
    rng = np.random.default_rng(8)
    x, y = rng.standard_normal((3, 400)), np.array([0, 3, 1])
    W, b = rng.standard_normal((400, units)), np.zeros(units)

    _, right = backprop(Network([Linear(W, b)], (400,)), x, y)
    _, wrong = backprop(Network([Twice(W, b)], (400,)), x, y)

    for name, g in right.items():
        np.testing.assert_allclose(wrong[name], 2 * g, rtol=1e-14)
    few = Network([Twice(W[:20], b)], (20,))
    assert handmade.gradients.check(few, x[:, :20], y, tries=5).bugs
