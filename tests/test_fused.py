"""Layers worked out together are the layers one by one: to the last bit where nothing is rounded, and else up to rounding."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from graph_layers import Subnetwork
from handmade.engine.arrays import Array, Shape
from handmade.engine.backends.link import Link
from handmade.engine.backends.numpy import tiles, winograd
from handmade.engine.backends.numpy.convolution import Convolution
from handmade.engine.backends.numpy.links import Halved, fuse
from handmade.engine.backends.numpy.tiles import Tiles
from handmade.engine.graph import Node
from handmade.engine.layers import Add, Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU
from handmade.engine.network import Network

IMAGES = 3
RELU, POOL = ReLU(), MaxPool2d(2)
# Name: (input shape, settings of the convolution and its filters, what follows it)
LINKS: dict[str, tuple[Shape, dict[str, object], Sequence[Layer]]] = {
    "tiles": ((8, 10, 8), {"filters": 9, "kernel": 3}, ()),
    "tiles of odd images": ((9, 7, 9), {"filters": 8, "kernel": 3}, (RELU,)),
    "a single tile": ((4, 4, 8), {"filters": 8, "kernel": 3}, (RELU, POOL)),
    "less than a tile": ((3, 3, 8), {"filters": 8, "kernel": 3}, (RELU,)),
    "padded tiles": ((5, 8, 8), {"filters": 8, "kernel": 3, "padding": (1, 2)}, (RELU,)),
    "pooled tiles": ((10, 8, 8), {"filters": 10, "kernel": 3}, (RELU, POOL)),
    "pooled before the ReLU": ((8, 12, 8), {"filters": 8, "kernel": 3, "padding": 1}, (POOL, RELU)),
    "pooled without a ReLU": ((6, 8, 8), {"filters": 8, "kernel": 3}, (POOL,)),
    "a row and a column that no window reads": ((9, 11, 8), {"filters": 8, "kernel": 3}, (RELU, POOL)),
    "the same, padded": ((7, 9, 8), {"filters": 8, "kernel": 3, "padding": 2}, (RELU, POOL)),
    "few channels": ((8, 10, 1), {"filters": 4, "kernel": 3}, (RELU, POOL)),
    "a large kernel": ((11, 9, 8), {"filters": 8, "kernel": (5, 4), "stride": (2, 1), "padding": 1}, (RELU,)),
    "dilated": ((9, 9, 8), {"filters": 8, "kernel": 3, "dilation": 2}, (RELU, MaxPool2d(3, 1, 1))),
    "in groups": ((8, 8, 16), {"filters": 16, "kernel": 3, "groups": 2}, (RELU, POOL)),
    "overlapping windows": ((9, 9, 2), {"filters": 3, "kernel": 2}, (MaxPool2d(3, 2, 1), RELU)),
}
every_link = pytest.mark.parametrize(("shape", "settings", "following"), LINKS.values(), ids=LINKS)


def whole_numbers(rng: np.random.Generator, shape: Shape) -> Array:
    """So few of them that there are zeros and ties, so small that nothing is ever rounded: Winograd halves twice, no more."""
    return rng.integers(-2, 3, shape).astype(np.float64)


def link_of(layers: Sequence[Layer], shape: Shape) -> Link:
    (link,) = fuse(Network(layers, shape), frozenset())
    return link


def output_of(layers: Sequence[Layer], shape: Shape) -> Shape:
    return Network(layers, shape).shapes[-1]


def layers_of(
    shape: Shape,
    settings: dict[str, object],
    following: Sequence[Layer],
    draw: Callable[[np.random.Generator, Shape], Array] = whole_numbers,
) -> list[Layer]:
    rng = np.random.default_rng(1)
    conv = Conv2d.init(rng, shape[-1], dtype=np.float64, **settings)  # type: ignore[arg-type]
    return [conv.replace({name: draw(rng, array.shape) for name, array in conv.parameters().items()}), *following]


def together(link: Link, x: Array, gy: Array) -> tuple[Array, ...]:
    y, kept = link.record(x)
    gx, gradients = link.backward(kept, gy, to_input=True)
    assert gx is not None
    return link.forward(x), y, gx, gradients["W"], gradients["b"]


def one_by_one(layers: Sequence[Layer], x: Array, gy: Array) -> tuple[Array, ...]:
    network = Subnetwork(layers)
    y = network.forward(x)
    gx, gradients = network.backward(x, gy)
    return y, y, gx, gradients["W"], gradients["b"]


def exact(shape: Shape, settings: dict[str, object], following: Sequence[Layer]) -> bool:
    layers = layers_of(shape, settings, following)
    rng = np.random.default_rng(2)
    x = whole_numbers(rng, (IMAGES, *shape))
    gy = whole_numbers(rng, (IMAGES, *output_of(layers, shape)))
    pairs = zip(together(link_of(layers, shape), x, gy), one_by_one(layers, x, gy), strict=True)
    return all(np.array_equal(found, wanted) for found, wanted in pairs)


@every_link
def test_a_link_is_its_layers_to_the_last_bit_with_every_tie_and_kink(
    shape: Shape, settings: dict[str, object], following: Sequence[Layer]
) -> None:
    assert exact(shape, settings, following)


@every_link
@pytest.mark.parametrize("cached", [1, 2**14])
def test_it_does_not_matter_how_many_images_are_worked_on_at_once(
    shape: Shape, settings: dict[str, object], following: Sequence[Layer], cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "CACHED", cached)
    monkeypatch.setattr(tiles, "CHANNELS_ONWARD", 1)
    monkeypatch.setattr(tiles, "TILES", 1)
    assert exact(shape, settings, following)


@every_link
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_link_is_its_layers_but_for_rounding(
    shape: Shape, settings: dict[str, object], following: Sequence[Layer], dtype: type[np.floating]
) -> None:
    layers = layers_of(shape, settings, following, lambda rng, shape: rng.standard_normal(shape))
    rng = np.random.default_rng(3)
    x = rng.standard_normal((IMAGES, *shape))
    gy = rng.standard_normal((IMAGES, *output_of(layers, shape)))
    wanted = one_by_one(layers, x, gy)
    conv = layers[0]
    assert isinstance(conv, Conv2d)
    rounded = [conv.replace({name: array.astype(dtype) for name, array in conv.parameters().items()}), *following]

    found = together(link_of(rounded, shape), x.astype(dtype), gy.astype(dtype))

    # A number is a sum of products, at most n of them: 9 C forward, 9 O to gx, all pixels to gW. Winograd's transforms add up to
    # 4 x 4 numbers on either side, each rounded a few times: 32 roundings of the largest sum that n such products can make.
    for a, b in zip(found, wanted, strict=True):
        assert a.dtype == dtype
        n = max(conv.W[..., 0].size, conv.W[..., 0, :].size, x[..., 0].size)
        assert np.abs(a - b).max() <= 32 * np.finfo(dtype).eps * np.sqrt(n) * np.abs(b).max()


@every_link
def test_a_link_leaves_what_it_is_given_alone_and_takes_any_layout(
    shape: Shape, settings: dict[str, object], following: Sequence[Layer]
) -> None:
    layers = layers_of(shape, settings, following)
    rng = np.random.default_rng(4)
    x = whole_numbers(rng, (shape[-1], *shape[1::-1], IMAGES)).T[:, ::-1]
    gy = whole_numbers(rng, (IMAGES, *output_of(layers, shape)))[::-1]
    x.setflags(write=False)
    gy.setflags(write=False)
    for found, wanted in zip(together(link_of(layers, shape), x, gy), one_by_one(layers, x, gy), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_layers_go_together_where_it_pays() -> None:
    rng = np.random.default_rng(5)
    first, second, third = Conv2d.init(rng, 1, 8, 3), Conv2d.init(rng, 8, 8, 3), Conv2d.init(rng, 8, 8, 5)
    wide, linear = MaxPool2d(3, 1), Linear.init(rng, 160, 2)

    layers = [first, RELU, second, RELU, wide, third, wide, RELU, RELU, Flatten(), linear]
    network = Network(layers, (16, 17, 1))

    links = fuse(network, frozenset())

    assert {link.node.name: (type(link), link.name) for link in links} == {
        "0": (Convolution, "1"),
        "2": (Tiles, "3"),
        "4": (Link, "4"),  # its windows are not those of the tiles
        "5": (Convolution, "7"),
        "8": (Link, "8"),
        "9": (Link, "9"),
        "10": (Halved, "10"),
    }


def test_nothing_is_taken_along_that_somebody_else_reads() -> None:
    rng = np.random.default_rng(5)
    conv = Conv2d.init(rng, 1, 1, 3, padding=1)
    shared = [conv, Node("relu", RELU, "0"), Node("sum", Add(), ["0", "relu"]), Node("pool", POOL, "sum")]
    assert [link.name for link in fuse(Network(shared, (6, 6, 1)), frozenset())] == ["0", "relu", "sum", "pool"]
    ends = Network([conv, RELU, POOL], (6, 6, 1), logits="1")  # what lies behind the logits is not worked out
    assert [link.name for link in fuse(ends, frozenset())] == ["1"]


class OtherConv(Conv2d):
    """May do anything."""


class OtherReLU(ReLU):
    """May do anything."""


class OtherPool(MaxPool2d):
    """May do anything."""


def test_relatives_of_our_layers_stay_alone() -> None:
    rng = np.random.default_rng(6)
    conv = Conv2d.init(rng, 8, 8, 3)
    layers = (OtherConv(conv.W, conv.b), RELU, conv, OtherReLU(), conv, OtherPool(2))
    links = fuse(Network(layers, (12, 12, 8)), frozenset())
    assert [link.name for link in links] == [str(number) for number in range(len(layers))]


@pytest.mark.parametrize("shortcut", ["fused_convolution", "winograd", "halved_backward", "deferred_weights"])
def test_a_shortcut_that_is_switched_off_is_not_taken(shortcut: str) -> None:
    rng = np.random.default_rng(7)
    layers = [Conv2d.init(rng, 8, 8, 3), RELU, POOL, Flatten(), Linear.init(rng, 8 * 9, 2)]
    links = {type(link) for link in fuse(Network(layers, (8, 8, 8)), frozenset({shortcut}))}
    expected = {
        "fused_convolution": {Halved, Link},
        "winograd": {Convolution, Link, Halved},
        "halved_backward": {Tiles, Link},
        "deferred_weights": {Tiles, Link, Halved},
    }
    assert links == expected[shortcut]


MUTANTS: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "a weight of the transformed filters": ("filters", lambda U: U * np.where(np.arange(4) == 2, 1.001, 1)[:, None, None]),
    "rows and columns of the outputs exchanged": ("outputs", lambda y: y.swapaxes(0, 1)),
    "a plane of V with the wrong sign": (
        "tiles",
        lambda V: V * np.where(np.arange(4) == 3, -1, 1)[:, None, None, None, None, None],
    ),
    "gM not from all planes": ("outputs_transposed", lambda gM: gM * (np.arange(4) != 3)[:, None, None, None, None, None]),
    "gW a thousandth too large": ("filters_transposed", lambda gW: 1.001 * gW),
    "gx moved by a pixel": ("tiles_transposed", lambda gx: np.roll(gx, 1, axis=2)),
}


@pytest.mark.parametrize(("name", "spoil"), MUTANTS.values(), ids=MUTANTS)
def test_a_mistake_in_any_transform_is_seen(name: str, spoil: Callable[[Array], Array], monkeypatch: pytest.MonkeyPatch) -> None:
    right = getattr(winograd, name)
    monkeypatch.setattr(winograd, name, lambda array: spoil(right(array)))
    assert not exact(*LINKS["tiles"])
