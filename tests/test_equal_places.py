"""Equal places: neighbours that no nudge can tell apart, and ties between them."""

from typing import Any

import numpy as np
import pytest

from handmade import Network
from handmade.compiled.differences import block
from handmade.compiled.differences.equal_places import Equal, equal_pixels, labels
from handmade.compiled.differences.group import GroupDifferences
from handmade.engine.arrays import Array
from handmade.engine.backend import use_backend
from handmade.engine.gradients import difference
from handmade.engine.layers import Affine, AvgPool2d, Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU, rule


def of_blocks(seed: int, images: int = 3, side: int = 9) -> Array:
    """Images of two channels with large regions of one colour, without zeros."""
    r = np.random.default_rng(seed)
    x = np.ones((images, side, side, 2)) * r.normal(size=(images, 1, 1, 2))
    for image in x:
        for _ in range(3):
            top, left = r.integers(0, side - 2, 2)
            image[top : top + r.integers(2, 7), left : left + r.integers(2, 7)] = r.normal(size=2)
    return x


def filters(seen: int, made: int, kernel: int = 3, seed: int = 0, **settings: Any) -> Conv2d:
    r = np.random.default_rng(seed)
    return Conv2d(r.normal(size=(kernel, kernel, seen, made)), r.normal(size=made), **settings)


LAYERS: list[Layer] = [
    filters(2, 5),
    filters(2, 5, padding=1),
    filters(2, 5, padding=((0, 2), (1, 0)), stride=2),
    filters(2, 5, 2, dilation=(2, 1), padding=2),
    filters(2, 5, stride=(3, 1)),
    MaxPool2d(2),
    MaxPool2d(3, 2, 1),
    MaxPool2d(2, 2, 1, ceil_mode=True),
    AvgPool2d(2),
    AvgPool2d(3, 2, 1, ceil_mode=True),
    AvgPool2d(3, 1, 1, count_padding=False),
    ReLU(),
    Affine(np.array([2.0, 3.0]), np.array([0.5])),
]


def pairs(y: Array) -> tuple[Array, Array]:
    right, below = np.zeros(y.shape[:3], bool), np.zeros(y.shape[:3], bool)
    right[:, :, :-1] = np.isclose(y[:, :, 1:], y[:, :, :-1], rtol=1e-12, atol=1e-12).all(-1)
    below[:, :-1] = np.isclose(y[:, 1:], y[:, :-1], rtol=1e-12, atol=1e-12).all(-1)
    return right, below


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: repr(layer)[:60])
@pytest.mark.parametrize("seed", range(4))
def test_equal_places_have_equal_numbers(layer: Layer, seed: int) -> None:
    x = of_blocks(seed)
    before = equal_pixels(x)
    assert before is not None
    after: Equal = rule(layer, "equal")(layer, before)
    right, below = pairs(layer.forward(x))
    assert after.right.shape == right.shape
    assert not (after.right & ~right).any()
    assert not (after.below & ~below).any()
    if isinstance(layer, Conv2d) and layer.stride == (1, 1):  # weights at random: nothing else is equal
        np.testing.assert_array_equal(after.right, right)
        np.testing.assert_array_equal(after.below, below)
    assert after.found


def test_nothing_is_known_of_rows_and_of_maps_of_constants() -> None:
    assert equal_pixels(np.ones((2, 3))) is None
    layer = Affine(np.ones(2), np.ones((9, 1, 2)))
    assert rule(layer, "equal")(layer, equal_pixels(of_blocks(0))) is None


def test_only_equal_places_have_the_same_label() -> None:
    x = of_blocks(1)
    found = labels(equal_pixels(x), np.zeros((3, 81), bool))
    for image, label in zip(x.reshape(3, 81, 2), found, strict=True):
        for each in np.unique(label):
            assert (image[label == each] == image[label == each][0]).all()
    assert len(np.unique(found[0])) < 20
    blank = np.zeros((3, 81), bool)
    blank[:, ::2] = True
    assert (labels(None, blank)[:, ::2] == -1).all()


def test_ties_of_equal_places_need_no_second_way_and_no_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Along borders and in regions of one colour, far behind the first layer: the numbers are those of plain."""
    r = np.random.default_rng(5)
    layers = [
        *(filters(2, 4, padding=1), ReLU(), filters(4, 4, seed=1, padding=1), ReLU(), filters(4, 4, seed=2, padding=1), ReLU()),
        *(MaxPool2d(2), Flatten(), Linear(r.normal(size=(64, 3)), r.normal(size=3))),
    ]
    network, x, y = Network(layers, (9, 9, 2)), of_blocks(3, 4), np.arange(4) % 3
    with use_backend("plain"):
        expected = difference(network, x, y, h=1e-12)
    far: list[int] = []

    class Counting(GroupDifferences):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            assert self.follows.all()
            far.append(sum(len(each.rest) for each in self._elements.values()))

    monkeypatch.setattr(block, "GroupDifferences", Counting)
    with use_backend("compiled"):
        found = difference(network, x, y, h=1e-12)
    assert far
    assert not any(far)
    for name, gradient in expected[1].items():
        np.testing.assert_allclose(found[1][name], gradient, rtol=1e-9, atol=1e-12, err_msg=name)
