"""Blank places are alike, whatever the weights are, and nudges of weights move them alike; nothing else is said to be blank."""

from typing import Any

import numpy as np
import pytest

from handmade.engine.arrays import Array
from handmade.engine.backend import use_backend
from handmade.engine.backends.numpy import NumPy
from handmade.engine.backends.numpy.constant_regions import Blank, of_images
from handmade.engine.backends.numpy.fixed_choices import Choices
from handmade.engine.backends.numpy.path import FastPath
from handmade.engine.backends.plain import Plain
from handmade.engine.gradients import difference
from handmade.engine.layers import (
    GELU,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    ReLU,
    Tanh,
)
from handmade.engine.network import Network
from handmade.engine.residual import Residual

SHAPE = (11, 9, 2)


def conv(channels: int, filters: int, kernel: tuple[int, int], **settings: Any) -> Conv2d:
    rng = np.random.default_rng(channels + filters)
    W = rng.standard_normal((*kernel, channels, filters))
    return Conv2d(W, rng.standard_normal(filters), **settings)


NETWORKS: dict[str, list[Layer]] = {
    "plain": [conv(2, 3, (3, 2)), ReLU(), conv(3, 2, (2, 2)), ReLU(), MaxPool2d(2)],
    "padded": [conv(2, 3, (3, 3), padding=(1, 2)), GELU(), MaxPool2d((2, 3), padding=(1, 1)), conv(3, 2, (1, 2))],
    "padded twice": [conv(2, 3, (3, 3), padding=(1, 1)), ReLU(), conv(3, 2, (3, 2), padding=(1, 1)), AvgPool2d(3, 1, 1)],
    "strided and dilated": [conv(2, 3, (2, 2), stride=(2, 1), dilation=(1, 3)), Tanh(), AvgPool2d(2, 1, 1), ReLU()],
    "normalised": [conv(2, 3, (2, 3)), BatchNorm2d.init(np.random.default_rng(0), 3, np.float64), ReLU(), MaxPool2d(2, 1)],
}
every_network = pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)


def digits(rng: np.random.Generator) -> Array:
    """Images with a little ink on a lot of paper, and one with none."""
    x = np.zeros((3, *SHAPE))
    x[0, 2:5, 1:4] = rng.standard_normal((3, 3, 2))
    x[1, 7, 6, 1] = 1.0
    return x


def nudged(network: Network, rng: np.random.Generator) -> Network:
    """The same network, all of its weights moved at once."""
    return network.replace({name: w + 0.1 * rng.standard_normal(w.shape) for name, w in network.parameters().items()})


def along(network: Network, x: Array) -> dict[str, Blank | None]:
    """Return the places of every activation that the differences take for blank."""
    without = frozenset(NumPy.SHORTCUTS) - {"constant_regions"}
    return FastPath(network, x, Plain.rules(network), without)._blank


@every_network
def test_blank_places_hold_the_same_numbers_and_move_alike(layers: list[Layer]) -> None:
    rng = np.random.default_rng(1)
    x = digits(rng)
    network = Network(layers, SHAPE)
    before, after = network.tape(x), nudged(network, rng).tape(x)

    places = along(network, x)

    for (name, activation), moved in zip(before.items(), after.values(), strict=True):
        blank = places[name]
        assert blank is not None
        assert blank.shape == activation.shape[:3]
        for numbers in (activation, moved):
            alike = numbers[blank]
            np.testing.assert_allclose(alike, np.broadcast_to(alike[:1], alike.shape), rtol=0, atol=1e-13)
    last = places[network.logits_name]
    assert last is not None
    assert last.any()


@every_network
def test_a_place_that_ink_or_the_edge_can_reach_is_not_blank(layers: list[Layer]) -> None:
    """Whatever is blank stays as it is when ink falls anywhere that is not; and what only looks blank at the edge is none."""
    rng = np.random.default_rng(2)
    x = digits(rng)
    network = Network(layers, SHAPE)
    places = along(network, x)
    wet = np.where(of_images(x)[..., None], x, rng.standard_normal(x.shape))  # type: ignore[index]  # these are images

    for (name, activation), other in zip(network.tape(x).items(), network.tape(wet).values(), strict=True):
        blank = places[name]
        np.testing.assert_allclose(activation[blank], other[blank], rtol=0, atol=1e-12)


def test_what_is_not_known_to_be_alike_is_not_said_to_be() -> None:
    x = digits(np.random.default_rng(3))
    mask = np.random.default_rng(4).random(x.shape) < 0.5

    unknown: list[list[Any]] = [
        [Dropout(0.5, mask)],
        [Residual([ReLU()])],
        [Flatten(), Linear(np.ones((198, 2)), np.zeros(2)), ReLU()],
    ]
    for layers in unknown:
        network = Network(layers, SHAPE)
        assert along(network, x)[network.logits_name] is None
    assert of_images(x.reshape(3, -1)) is None


def test_ties_on_blank_paper_are_no_contest_but_with_zero() -> None:
    x = np.full((1, 4, 4, 1), 0.5)
    blank = np.ones((1, 4, 4), bool)
    choices = Choices(x, MaxPool2d(2), relu=True, blank=blank)
    dx = np.array([-0.1, 0.2, -0.7])[None, None, None, None].repeat(4, axis=1).repeat(4, axis=2)

    assert (choices._lead == 0.5).all()
    np.testing.assert_allclose(choices.delta(dx, slice(None), 0.7)[0, 0, 0, 0], [-0.1, 0.2, -0.5])
    assert (Choices(x, MaxPool2d(2), relu=False, blank=blank)._lead == np.inf).all()
    assert (Choices(x, MaxPool2d(2), relu=True)._lead == 0).all()


@pytest.mark.parametrize("h", [1e-30, 1e-3, 0.5])
def test_gradients_on_paper_are_those_without_the_shortcut(h: float) -> None:
    rng = np.random.default_rng(5)
    layers = [*NETWORKS["plain"][:-1], MaxPool2d(2), Flatten(), Linear(rng.standard_normal((24, 4)), np.zeros(4))]
    network, x, y = Network(layers, SHAPE), digits(rng), np.array([0, 3, 1])
    _, quick = difference(network, x, y, h=h)
    with use_backend("numpy", without=["constant_regions"]):
        _, slow = difference(network, x, y, h=h)

    for name, quotients in slow.items():
        np.testing.assert_allclose(quick[name], quotients, rtol=1e-12, atol=1e-13 * np.abs(quotients).max())
