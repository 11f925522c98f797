"""The backend `compiled` at its edges: the numbers of `plain` for every dtype, shape and order of choices; its mutants."""

import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from handmade import (
    Add,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    Network,
    Node,
    ReLU,
)
from handmade.compiled.backend import Compiled
from handmade.compiled.choices import choose
from handmade.compiled.differences import convolution
from handmade.compiled.tiles import Tile
from handmade.engine.arrays import Array, Shape
from handmade.engine.backend import current, use_backend
from handmade.engine.gradients import backprop, difference, input_gradient
from handmade.engine.gradients.arguments import Scheme
from handmade.engine.layers import AvgPool2d, Layer
from handmade.engine.losses import CrossEntropy, Loss, MeanSquaredError
from handmade.engine.optim import Momentum
from handmade.threads import threads

CLASSES, COMPILED = 3, "handmade.compiled"


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def normal(*shape: int, seed: int = 0, dtype: Any = np.float64) -> Array:
    return rng(seed + sum(shape)).standard_normal(shape).astype(dtype)


def conv(channels: int, filters: int, kernel: int = 3, dtype: Any = np.float64, **settings: Any) -> Conv2d:
    W = normal(kernel, kernel, channels, filters, dtype=dtype) / np.sqrt(kernel * kernel * channels).astype(dtype)
    return Conv2d(W, normal(filters, dtype=dtype) * dtype(0.1), **settings)


def linear(inputs: int, units: int, dtype: Any = np.float64) -> Linear:
    return Linear(normal(inputs, units, dtype=dtype) / np.sqrt(inputs).astype(dtype), normal(units, dtype=dtype) * dtype(0.1))


def network_of(layers: Sequence[Any], shape: Shape, dtype: Any = np.float64) -> Network:
    """Logits of all that the layers make."""
    row = int(np.prod(Network(layers, shape).shapes[-1]))
    return Network([*layers, Flatten(), linear(row, CLASSES, dtype)], shape)


SCHEMES: tuple[Scheme, ...] = ("forward", "central")
STEPS = (0.3, 1e-3, 1e-30)


def results(network: Network, x: Array, steps: Sequence[float] = STEPS, loss: Loss | None = None) -> dict[str, Array]:
    """All numbers of a network and some images, by what they are."""
    y = np.arange(len(x)) % network.classes
    found = {"logits": network.logits(x), "pixels": input_gradient(network, x, y, loss=loss)[1]}
    found |= {f"tape {name}": array for name, array in network.tape(x).items()}
    gradients = backprop(network, x, y, loss=loss)[1]
    found |= {f"backprop {name}": array for name, array in gradients.items()}
    optimiser, weights = Momentum(0.1, 0.9), network.parameters()
    moved, memory = current().update(optimiser, weights, gradients, optimiser.start(weights), 0.5, None)
    found |= {f"moved {name}": array for name, array in (moved | memory).items()}
    for h in steps:
        for scheme in SCHEMES:
            L, gradients = difference(network, x, y, h=h, scheme=scheme, loss=loss)
            found |= {f"{scheme} {h} {name}": array for name, array in gradients.items()} | {f"loss {h}": np.array(L)}
    return found


def check(network: Network, x: Array, close: float = 1e-11, **settings: Any) -> None:
    """Hold all numbers of `compiled` against those of `plain`."""
    with use_backend("plain"):
        wanted = results(network, x, **settings)
    with use_backend("compiled"):
        found = results(network, x, **settings)
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=close * max(1e-2, float(np.abs(array).max())), err_msg=name)


# --- orders of layers, and shapes ---------------------------------------------------------------------------------------------

POOL, RELU = MaxPool2d(2), ReLU()


@pytest.mark.parametrize(
    "layers",
    [
        (POOL, RELU, MaxPool2d(2, 1)),
        (RELU, POOL, RELU),
        (RELU, RELU, conv(2, 3), RELU, RELU, POOL, MaxPool2d(3, 1, 1), RELU),
        (conv(2, 3), POOL, POOL, RELU, MaxPool2d(2, 3)),
        (conv(2, 3, 2, stride=4), MaxPool2d(2, 3), conv(3, 2, 1)),
        (conv(2, 4, padding=5), RELU, MaxPool2d(3, 2, 1), conv(2, 4, groups=2, dilation=2), RELU),
    ],
    ids=lambda layers: " ".join(layer.kind for layer in layers),
)
def test_choices_in_any_order(layers: Sequence[Layer]) -> None:
    check(network_of(layers, (14, 13, 2)), normal(3, 14, 13, 2))


def test_choices_in_a_row_that_several_nodes_read() -> None:
    nodes = [
        Node("pool", POOL, "input"),
        Node("relu", RELU, "pool"),
        Node("again", MaxPool2d(2, 1), "relu"),
        Node("conv", conv(2, 2, 1), "again"),
        Node("sum", Add(), ["conv", "again"]),
        Node("last", RELU, "sum"),
    ]
    check(network_of(nodes, (6, 6, 2)), normal(3, 6, 6, 2))


@pytest.mark.parametrize("shape", [(4, 5), (2, 3, 2, 2), (7,)], ids=str)
def test_a_relu_stands_on_any_shape(shape: Shape) -> None:
    check(network_of([RELU, Flatten(), linear(int(np.prod(shape)), 5), RELU], shape), normal(3, *shape))


# --- arrays of all kinds ------------------------------------------------------------------------------------------------------


def retyped(network: Network, dtypes: dict[str, str]) -> Network:
    return network.replace({name: network.parameters()[name].astype(dtype) for name, dtype in dtypes.items()})


@pytest.mark.parametrize(
    "dtypes",
    [{"1.W": "f4"}, {"1.b": "f4"}, {"1.W": "f4", "1.b": "f4"}, {"5.W": "f4", "5.b": "f4"}, {"1.b": ">f8"}, {"1.W": ">f8"}],
    ids=str,
)
@pytest.mark.parametrize("images", ["f4", "f8"])
def test_arrays_of_different_dtypes_go_together(dtypes: dict[str, str], images: str) -> None:
    network = network_of([MaxPool2d(2, 1), conv(2, 4), RELU, POOL], (7, 7, 2))
    check(retyped(network, dtypes), normal(3, 7, 7, 2).astype(images), 1e-5)


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f4", ">f8", "g"])
@pytest.mark.parametrize("weights", [np.float32, np.float64])
@pytest.mark.parametrize("layers", [(MaxPool2d(2, 1), RELU), ()], ids=["a pool first", "a convolution first"])
def test_images_may_be_of_any_float(dtype: str, weights: Any, layers: Sequence[Layer]) -> None:
    network = network_of([*layers, conv(2, 4, dtype=weights), RELU, POOL], (7, 7, 2), weights)
    check(network, normal(3, 7, 7, 2).astype(dtype), 2e-3 if dtype == "f2" else 1e-4, steps=(1e-3,))


class Wider:
    """A layer of somebody's own, whose output is float64 whatever the input is."""

    def forward(self, x: Array) -> Array:
        return 2 * x.astype(np.float64)

    def backward(self, _x: Array, gy: Array) -> Array:
        return 2 * gy


def test_a_layer_of_ones_own_may_widen_numbers() -> None:
    f = np.float32
    network = network_of([Wider(), conv(2, 4, dtype=f), RELU, POOL], (7, 7, 2), f)
    check(network, normal(3, 7, 7, 2, dtype=f), 1e-5, steps=(1e-3,))


@pytest.mark.parametrize("layers", [(conv(8, 4), RELU), (POOL, conv(8, 4)), (RELU, Flatten(), linear(392, 4), RELU)])
def test_images_may_be_read_only_and_lie_anyhow(layers: Sequence[Layer]) -> None:
    network, x = network_of(layers, (7, 7, 8)), normal(3, 7, 7, 8)
    frozen = x.copy()
    frozen.flags.writeable = False
    unaligned = np.frombuffer(bytearray(x.nbytes + 1), np.float64, x.size, 1).reshape(x.shape)
    unaligned[:] = x
    with use_backend("compiled"):
        wanted = results(network, x, (1e-3,))
        for other in (frozen, unaligned, np.asfortranarray(x), np.repeat(x, 2, axis=2)[:, :, ::2]):
            for name, array in results(network, other, (1e-3,)).items():
                np.testing.assert_array_equal(array, wanted[name], err_msg=name)


# --- large numbers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("large", [1e3, 1e8, 1e15])
def test_a_power_of_a_large_input_does_not_overflow(large: float) -> None:
    f = np.float32
    last = linear(12, CLASSES, f)
    layers = [Flatten(), linear(16, 12, f), RELU, Linear(last.W / f(large), last.b)]
    check(Network(layers, (4, 4, 1)), f(large) * normal(5, 4, 4, 1, dtype=f), 1e-4, steps=(0.01 / large, 0.1 / large))


def test_a_bound_that_overflows_leaves_nothing_out() -> None:
    f = np.float32
    filters = [0], [2e38, -1.5e38], [1e-37]  # the sum of |W| is too large for float32, that of W is not
    layers = [Conv2d(np.array(w, f).reshape(1, -1, 1, 1), np.zeros(1, f)) for w in filters]
    check(network_of(layers, (4, 4, 1), f), np.ones((2, 4, 4, 1), f), 1e-4, steps=(1.0,))


@pytest.mark.parametrize("layers", [(), (RELU,), (RELU, POOL)], ids=["alone", "with a ReLU", "with a pool"])
def test_what_is_no_number_shows_in_the_loss_and_in_every_gradient(layers: Sequence[Layer]) -> None:
    x = normal(2, 8, 8, 2)
    x[0, 4, 4, 1] = np.nan
    network = network_of([conv(2, 4), *layers, conv(4, 4), RELU], (8, 8, 2))
    with use_backend("compiled"):
        for way in (backprop, difference):
            L, gradients = way(network, x, np.array([0, 1]))
            assert np.isnan(L)
            assert all(np.isnan(array).any() for array in gradients.values())


def test_a_pixel_whose_number_is_too_large_for_a_float_wins() -> None:
    last = 2**24 + 1
    z, pixels = np.zeros((1, 4 * (last + 1)), np.float32), np.array([[0, last]], np.int32)  # never touched but for 8 numbers
    z[0, -4:] = 1
    y, winner = np.empty((1, 4), np.float32), np.empty((1, 4), np.int32)
    relu = False
    choose(Tile(1, 1, 4, np.float32), z, pixels, 4, 4, relu, y, winner)
    assert winner.tolist() == [[last] * 4]
    assert y.tolist() == [[1] * 4]


# --- memory -------------------------------------------------------------------------------------------------------------------


def test_many_classes_take_little_memory() -> None:
    network = Network([linear(16, 400), RELU, linear(400, 500)], (16,))
    x, y = normal(16, 16), np.arange(16)
    with use_backend("compiled"):
        tracemalloc.start()
        try:
            difference(network, x, y)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 120e6  # all directions at once would be 26 MB, and 8 times as much while they are worked out


def test_where_lanes_would_be_too_many_plain_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network([linear(4, 5), RELU, linear(5, 70)], (4,))
    monkeypatch.setattr(f"{COMPILED}.backend.MOST_LANES", 70 * 70 - 1)
    monkeypatch.setattr(f"{COMPILED}.backend.block", None)
    check(network, normal(3, 4))


def test_linear_layers_come_a_few_images_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    network, x = network_of([Flatten(), linear(16, 7), RELU], (4, 4, 1)), normal(5, 4, 4, 1)
    monkeypatch.setattr(f"{COMPILED}.differences.block.DIRECTIONS", 2 * 7 * CLASSES)
    check(network, x, steps=(0.3, 1e-3, 1e-30))


# --- threads and vectors ------------------------------------------------------------------------------------------------------


def all_rules(dtype: Any = np.float64) -> Network:
    """A network in which every rule is taken, and choices are contested where they are, one convolution further and far away."""
    head = [conv(1, 4, dtype=dtype), RELU, POOL, conv(4, 8, dtype=dtype), POOL, RELU, Dropout(0.5), MaxPool2d(2, 1), Flatten()]
    return network_of([*head, linear(8, 130, dtype), RELU, linear(130, 130, dtype), RELU], (16, 16, 1), dtype)


H = 7e-4


def some_paper(images: int, dtype: Any = np.float64) -> Array:
    x = np.abs(normal(images, 16, 16, 1, dtype=dtype))
    x[:, :5] = 0
    return x


def test_the_bits_are_the_same_for_any_number_of_threads() -> None:
    network, x = all_rules().in_training(40, rng()), some_paper(40)
    y = np.arange(40) % CLASSES
    found = []
    with use_backend("compiled"):
        for count in (1, 2, 3):
            with threads(count) as executor:
                ways: list[Callable[..., Any]] = [backprop, difference]
                found.append([way(network, x, y, executor=executor) for way in ways])
    for (L, gradients), *others in zip(*found, strict=True):
        for other_L, other in others:
            assert other_L == L
            for name, array in gradients.items():
                np.testing.assert_array_equal(other[name], array, err_msg=name)


@pytest.mark.long  # each length is compiled by itself
@pytest.mark.parametrize("length", ["4", "8", "16"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_vectors_of_any_length_give_the_same_numbers(length: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDMADE_LANES", length)
    check(all_rules(dtype), some_paper(3, dtype), 1e-11 if dtype is np.float64 else 1e-4, steps=(H,))


@pytest.mark.long
@pytest.mark.parametrize("length", ["4", "16"])
def test_large_tiles_give_the_same_numbers(length: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDMADE_LANES", length)
    for module in ("patches", "differences.prepared"):
        monkeypatch.setattr(f"{COMPILED}.{module}.LITTLE", 0)
    check(network_of([conv(3, 8), RELU, conv(8, 5), POOL], (9, 8, 3)), normal(2, 9, 8, 3), steps=(H,))


# --- random networks ----------------------------------------------------------------------------------------------------------


def random_network(seed: int) -> Network:
    """A random network that is linear between its choices; whole numbers, with all ties, where the seed is odd."""
    draw = rng(seed)
    shape: Shape = (int(draw.integers(4, 10)), 8, int(draw.integers(1, 4)))
    nodes, shapes = list[Node](), {"input": shape}
    for number in range(int(draw.integers(2, 9))):
        name, source = f"n{number}", str(draw.choice(list(shapes)[-2:]))
        C = shapes[source][-1]
        border = int(draw.integers(2))
        BN = BatchNorm2d(np.full(C, 2.0), np.ones(C), np.ones(C), np.full(C, 4.0 - 1e-5))
        layers: list[Layer] = [
            *[Conv2d.init(draw, C, int(draw.integers(1, 10)), int(draw.integers(1, 4)), 1, border, np.float64)] * 5,
            *[Conv2d.init(draw, C, 2 * C, 2, (1, 2), border, np.float64, 1, C), MaxPool2d(int(draw.integers(1, 4)), 2, 0)] * 2,
            *[RELU, MaxPool2d(3, int(draw.integers(1, 4)), 1), BN, Dropout(0.5), AvgPool2d(2, 1)] * 2,
        ]
        layer = layers[int(draw.integers(len(layers)))]
        same = [other for other, its in shapes.items() if its == shapes[source]]
        joins = draw.random() < 0.15 and len(same) > 1
        try:
            made = layer.output_shape(shapes[source])
        except ValueError:  # the image has become too small for it
            continue
        nodes.append(Node(name, Add(), [source, str(draw.choice(same))]) if joins else Node(name, layer, source))
        shapes[name] = shapes[source] if joins else made
    network = network_of(nodes or [RELU], shape)
    if seed % 2:
        network = network.replace({name: draw.integers(-2, 3, a.shape).astype(float) for name, a in network.parameters().items()})
    return network


def check_random_network(seed: int) -> None:
    network, draw = random_network(seed), rng(seed + 10**6)
    x = draw.standard_normal((int(draw.integers(1, 4)), *network.input_shape))
    x = np.rint(x) if seed % 2 else x
    x[:, : seed % 6] *= seed % 2  # blank paper
    loss = MeanSquaredError() if seed % 2 else CrossEntropy(smoothing=0.1 * (seed % 4 == 0))
    close = 1e-11
    with use_backend("plain"):
        wanted = results(network, x, (0.5, 1e-3, 1e-30), loss)
    with use_backend("compiled"):
        found = results(network, x, (0.5, 1e-3, 1e-30), loss)
    for name, array in wanted.items():
        if name != "pixels" or seed % 2:  # on blank paper, rounding tells plain who wins a tie
            scale = max(1e-2, float(np.abs(array).max()))
            np.testing.assert_allclose(found[name], array, rtol=0, atol=close * scale, err_msg=f"{seed} {name}")


@pytest.mark.parametrize("seed", range(12))
def test_a_random_network_gives_the_numbers_of_plain(seed: int) -> None:
    check_random_network(seed)


@pytest.mark.long
@pytest.mark.parametrize("first", range(12, 2000, 50))
def test_many_random_networks_give_the_numbers_of_plain(first: int) -> None:
    for seed in range(first, first + 50):
        check_random_network(seed)


# --- mutants ------------------------------------------------------------------------------------------------------------------


def without_numbers(argument: int) -> Callable[..., None]:
    """The nudges of a convolution with zeros in the place of an argument."""
    right = convolution.convolution_nudges
    return lambda *args: right(*args[:argument], 0 * args[argument], *args[argument + 1 :])


SPOILT: dict[str, dict[str, Any]] = {  # Rule: what it is made of, and something wrong in its place
    "convolution": {"fused.conv2d.correlate": lambda *args: args[-2].fill(0), "fused.Convolution._group_backward": None},
    "choice": {"fused.Choice.backward": lambda _, kept, *__, **___: (np.zeros(kept[0]), {}), "fused.choices.choose": None},
    "product": {"fused.Product.backward": lambda *_, **__: (None, {}), "fused.Factors": lambda x, gy: (x, 0 * gy)},
    "update": {"backend.update": lambda _, weights, __, memory, *___: (weights, memory)},
    "differences": {
        "differences.convolution.convolution_nudges, no fixed windows": without_numbers(14),
        "differences.convolution.convolution_nudges, no contested windows": without_numbers(16),
        "differences.convolution.convolution_nudges, no windows behind": without_numbers(33),
        "differences.convolution.convolution_nudges, no windows far away": without_numbers(35),
        "differences.convolution.convolution_nudges, wrong logits": without_numbers(42),
        "differences.choices.sort_all_choices": lambda *args: [array.fill(0) for array in args[10:12] + args[13:]],
        "differences.choices.add_ones": lambda *_: None,
        "differences.lanes_before.lanes_before_convolutions": lambda *_: None,
        "differences.lanes_before.lanes_before_linear": lambda *args: args[-1].fill(0),
        "differences.lanes_before.lanes_before_choice": lambda *_: None,
        "differences.block.linear_sums": None,
        "backend.ShardSums.__call__": lambda _, __, out: out.fill(0),
    },
}


def test_every_rule_has_mutants() -> None:
    assert SPOILT.keys() == set(Compiled.SHORTCUTS)


@pytest.mark.parametrize(("rule", "place"), [(rule, place) for rule, places in SPOILT.items() for place in places])
def test_a_spoilt_rule_shows_and_can_be_switched_off(rule: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = some_paper(12)
    with use_backend("plain"):
        right = results(all_rules(), x, (H,))

    def is_right() -> bool:
        try:
            found = results(all_rules(), x, (H,))
        except Exception:  # noqa: BLE001  a spoilt rule may raise anything
            return False
        return all(np.allclose(found[name], array, rtol=0, atol=1e-11) for name, array in right.items())

    with use_backend("compiled"):
        assert is_right()
        monkeypatch.setattr(f"{COMPILED}.{place.partition(',')[0]}", SPOILT[rule][place])
        assert not is_right()
        with use_backend("compiled", without=[rule]):
            assert is_right()
