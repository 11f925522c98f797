"""The finite chain rule gives the quotient (L(w + h) - L(w)) / h itself: against sixty digits, and against the definition."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import mpmath
import numpy as np
import pytest
from numpy.typing import DTypeLike

from cases import Draw, generic, kinked
from exact_network import ExactNetwork, in_loops
from handmade.data import mnist, prepare
from handmade.engine import loops
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients import definition, difference
from handmade.engine.gradients.arguments import Scheme
from handmade.engine.gradients.definition import mean_loss, quotient
from handmade.engine.layers import (
    EVERY,
    GELU,
    AvgPool2d,
    Channel,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Tanh,
)
from handmade.engine.losses import CrossEntropy
from handmade.engine.network import Network
from handmade.engine.plain.differences import by_images
from laws import exact

Way: TypeAlias = Callable[..., tuple[float, dict[str, Array]]]
SCHEMES: list[Scheme] = ["forward", "central"]
every_scheme = pytest.mark.parametrize("scheme", SCHEMES)
every_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])


# --- against sixty digits -----------------------------------------------------------------------------------------------------


def on_kinks(pool: MaxPool2d, inputs: int, dtype: DTypeLike) -> tuple[Network, Array, Array]:
    """A small network whose biases are zero, and images of halves, blank or of one colour in places: many kinks and ties.

    Weights are multiples of 1/64, so float32 and float64 hold the same network.
    """
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> Array:
        W: Array = np.round(64 * rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))) / 64
        return W.astype(dtype)

    def zeros(size: int) -> Array:
        return np.zeros(size, dtype)

    convolutions: list[Layer] = [
        Conv2d(weights(3, 2, 2, 2), zeros(2)),
        ReLU(),
        Conv2d(weights(2, 2, 2, 3), zeros(3), padding=(1, 1)),
        ReLU(),
    ]
    head: list[Layer] = [Flatten(), Linear(weights(inputs, 5), zeros(5)), ReLU(), Linear(weights(5, 4), zeros(4))]
    x = np.random.default_rng(1).integers(-2, 3, (3, 6, 7, 2)) / 2
    x[:, 0] = x[:, -1] = x[:, :, 0] = 0
    x[0, :, 3:] = 0
    x[1] = [-0.5, 1]  # one colour all over, so that pixels above zero tie as well
    return Network([*convolutions, pool, *head], (6, 7, 2)), x.astype(dtype), np.array([0, 3, 1])


APART = (MaxPool2d(2), 18)
OVERLAPPING = (MaxPool2d(2, 1), 72)


def test_the_small_network_stands_on_kinks_and_ties() -> None:
    for pool, inputs in (APART, OVERLAPPING):
        network, x, _ = on_kinks(pool, inputs, np.float64)
        tape = network.forward(x)
        pixels = np.stack(list(pool.pixels(tape[3], -np.inf)))  # before the second ReLU
        largest = pixels.max(axis=0)
        assert np.count_nonzero(tape[1] == 0) > 20
        assert np.count_nonzero(tape[3] == 0) > 20
        tied = np.count_nonzero(pixels == largest, axis=0) > 1
        assert np.count_nonzero(tied & (largest > 0)) > 5


def test_the_exact_network_is_the_loops_with_one_weight_moved() -> None:
    network, x, y = on_kinks(*APART, np.float64)
    with mpmath.workdps(60):
        shortcut = ExactNetwork.of(network, x, y)
        parameters = {name: exact(array) for name, array in network.parameters().items()}
        for name, array in parameters.items():
            for index in {0, array.size // 2, array.size - 1}:
                at = np.unravel_index(index, array.shape)
                array[at] += mpmath.mpf(0.5)
                wanted = loops.cross_entropy(in_loops(network, exact(x), parameters), y, exp=mpmath.exp, log=mpmath.log)
                array[at] -= mpmath.mpf(0.5)
                i, kind = name.split(".")
                got = shortcut.losses_with(int(i), kind, index, mpmath.mpf(0.5))
                assert np.all(np.abs(got - wanted) < 1e-55)  # 60 digits, less those of some hundred additions


STEPS = [0.5, 1e-1, 1e-3, 1e-6, 1e-9, 1e-12, 1e-30]


@cache
def true_quotients(pool: MaxPool2d, inputs: int, h: float, dtype: type) -> dict[tuple[Scheme, str, int], tuple[Any, Any]]:
    """Return every quotient to sixty digits, and the mean size of what it is the sum of, by scheme, array and index."""
    network, x, y = on_kinks(pool, inputs, dtype)
    quotients = {}
    with mpmath.workdps(60):
        truth = ExactNetwork.of(network, x, y)
        base, step = truth.losses(), mpmath.mpf(float(dtype(h)))  # the h that the dtype really holds
        for name, array in network.parameters().items():
            i, kind = name.split(".")
            for index in range(array.size):
                up, down = (truth.losses_with(int(i), kind, index, d) - base for d in (step, -step))
                sides = {"forward": [up / step], "central": [up / (2 * step), -down / (2 * step)]}
                for scheme in SCHEMES:
                    wanted = sum(side.mean() for side in sides[scheme])
                    quotients[scheme, name, index] = wanted, sum(np.abs(side).mean() for side in sides[scheme])
    return quotients


@every_dtype
@pytest.mark.parametrize(
    ("pool", "inputs", "h"),
    [
        *(pytest.param(*APART, h, marks=[] if h in {0.5, 1e-3, 1e-30} else pytest.mark.long) for h in STEPS),
        (*OVERLAPPING, 0.5),
        pytest.param(*OVERLAPPING, 1e-30, marks=pytest.mark.long),
    ],
    ids=[*(f"apart-{h}" for h in STEPS), "overlapping-0.5", "overlapping-1e-30"],
)
@pytest.mark.usefixtures("backend")
def test_every_quotient_is_right_to_its_own_last_digits(pool: MaxPool2d, inputs: int, h: float, dtype: type) -> None:
    network, x, y = on_kinks(pool, inputs, dtype)
    got = {scheme: difference(network, x, y, h=h, scheme=scheme)[1] for scheme in SCHEMES}
    eps = float(np.finfo(dtype).eps)

    with mpmath.workdps(60):
        for (scheme, name, index), (wanted, sizes) in true_quotients(pool, inputs, h, dtype).items():
            found = mpmath.mpf(float(got[scheme][name].flat[index]))
            # Each dL of an image passes sums of at most 12, 8, 72, 5 and 4 terms and a few operations more, about 110
            # roundings of eps / 2. So an entry is right to 1e-12 of itself (float32: 1e-4) unless images or sides
            # cancel down to 1 % (8 %) of it; where nothing reaches the loss, sizes are 0 and so is the tolerance.
            assert abs(found - wanted) <= 64 * eps * sizes, f"{scheme} {name}[{index}]: {found}, not {wanted}"
    assert len(true_quotients(pool, inputs, h, dtype)) == 2 * network.size


def test_the_loss_that_comes_with_the_gradients_is_the_mean_over_the_batch() -> None:
    network, x, y = on_kinks(*APART, np.float64)
    with mpmath.workdps(60):
        wanted = float(ExactNetwork.of(network, x, y).losses().mean())
    for way in (definition, difference):
        assert way(network, x, y)[0] == pytest.approx(wanted, rel=1e-14)  # some 60 roundings of 1e-16 and less


# --- against the definition, on real digits -----------------------------------------------------------------------------------


@cache
def readme_network() -> Network:
    rng = np.random.default_rng(2)
    convolutions: list[Layer] = [
        Conv2d.init(rng, 1, 8, 3, dtype=np.float64),
        ReLU(),
        Conv2d.init(rng, 8, 16, 3, dtype=np.float64),
        ReLU(),
    ]
    return Network([*convolutions, MaxPool2d(2), Flatten(), Linear.init(rng, 13 * 13 * 16, 10, dtype=np.float64)])


def test_the_quotients_of_real_digits_are_those_of_the_definition() -> None:
    network, digits = readme_network(), mnist().test
    x, y = prepare(digits.images[:4], dtype=np.float64), digits.labels[:4]
    h, loss = 1e-3, CrossEntropy()
    assert np.mean(network.forward(x)[1] == 0) > 0.5  # blank paper, zero biases: most of the first layer is on its kink

    base, gradients = difference(network, x, y, h=h)

    assert base == pytest.approx(mean_loss(network, x, y, loss), rel=1e-14)
    largest = max(float(np.abs(g).max()) for g in gradients.values())
    last = np.random.default_rng(3).choice(network.parameters()["6.W"].size, 500, replace=False)
    weights = {name: last if name == "6.W" else np.arange(array.size) for name, array in network.parameters().items()}
    for name, indices in weights.items():
        by_definition = [quotient(network, x, y, name, int(i), h, "forward", loss, base) for i in indices]
        # the definition subtracts two losses of about 3, each right to some 10 eps: 20 * 3 * 2.2e-16 / h = 1.3e-11
        np.testing.assert_allclose(gradients[name].flat[indices], by_definition, rtol=0, atol=1e-9 * largest)


# --- the general path ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Softplus(Layer):
    """log(1 + exp(x)): a layer with no more than a layer must have."""

    def forward(self, x: Array) -> Array:
        return np.logaddexp(0, x)

    def delta(self, x: Array, dx: Array) -> Array:
        assert dx.shape == x.shape
        dy: Array = np.log1p(np.expm1(dx) / (1 + np.exp(-x)))
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return gy / (1 + np.exp(-x)), {}


class Leaky(ReLU):
    """A relative of ReLU that must not be taken for one: y = max(x, x / 8)."""

    def forward(self, x: Array) -> Array:
        return np.maximum(x, x / 8)

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().delta(x, dx, channel) * 0.875 + dx * 0.125


@dataclass(frozen=True)
class Neighbours(Layer):
    """y_c = x_c x_(c+1), round the channels: a difference does not stay in its channel, and is not linear in dx."""

    order: str = "C"  # of the memory of what delta returns

    def forward(self, x: Array) -> Array:
        return x * np.roll(x, -1, axis=-1)

    def delta(self, x: Array, dx: Array) -> Array:
        assert dx.shape == x.shape
        dy = np.roll(x, -1, axis=-1) * dx + (x + dx) * np.roll(dx, -1, axis=-1)
        return np.asfortranarray(dy) if self.order == "F" else dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return gy * np.roll(x, -1, axis=-1) + np.roll(gy * x, 1, axis=-1), {}


RNG = np.random.default_rng(4)


def conv(
    channels: int, filters: int, kernel: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Conv2d:
    layer = Conv2d.init(RNG, channels, filters, kernel, stride, padding, np.float64, dilation, groups)
    return layer.replace({"W": layer.W, "b": 0.1 * RNG.standard_normal(filters)})


def linear(inputs: int, units: int) -> Linear:
    return Linear(RNG.standard_normal((inputs, units)) / np.sqrt(inputs), 0.1 * RNG.standard_normal(units))


SHAPE = (6, 7, 2)
NETWORKS: dict[str, Sequence[Layer]] = {
    "a relative of relu, beside a pool": [conv(2, 3, (2, 3)), Leaky(), MaxPool2d(2), Flatten(), linear(12, 4), Leaky()],
    "a layer of one's own between convolutions": [
        conv(2, 3, (2, 3)),
        Softplus(),
        conv(3, 2, 2),
        ReLU(),
        Flatten(),
        linear(32, 4),
    ],
    "a layer of one's own that mixes channels": [conv(2, 3, (2, 3)), Neighbours(), MaxPool2d(2), Flatten(), linear(12, 4)],
    "a layer of one's own before a relu": [conv(2, 3, (2, 3)), Neighbours(), ReLU(), Flatten(), linear(75, 4)],
    "a layer of one's own in Fortran order": [
        conv(2, 3, (2, 3)),
        Neighbours("F"),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        linear(12, 4),
    ],
    "a layer of one's own on rows": [Flatten(), linear(84, 5), Softplus(), linear(5, 4), ReLU(), linear(4, 3)],
    "a layer of one's own at the end": [Flatten(), linear(84, 4), Softplus()],
    "a layer of one's own at the start": [Softplus(), conv(2, 3, (2, 3)), ReLU(), Flatten(), linear(75, 3)],
    "relu, then pool": [conv(2, 3, (2, 3)), ReLU(), MaxPool2d(2), Flatten(), linear(12, 4)],
    "pool, then relu": [conv(2, 3, (2, 3)), MaxPool2d((3, 2), (1, 2)), ReLU(), Flatten(), linear(18, 4)],
    "pool alone": [conv(2, 3, (2, 3)), MaxPool2d((2, 3), (2, 1), (1, 1)), Flatten(), linear(45, 4)],
    "relu, pool, relu": [conv(2, 3, (2, 3)), ReLU(), MaxPool2d(2), ReLU(), Flatten(), linear(12, 4)],
    "relu twice": [conv(2, 3, (2, 3)), ReLU(), ReLU(), Flatten(), linear(75, 4)],
    "two pools": [conv(2, 3, 1), MaxPool2d(2), MaxPool2d((2, 1), (1, 2)), Flatten(), linear(12, 4)],
    "pool first": [MaxPool2d(2), conv(2, 3, (2, 1)), ReLU(), Flatten(), linear(18, 4)],
    "relu after a linear layer": [Flatten(), linear(84, 5), ReLU(), linear(5, 4)],
    "relu after two linear layers": [Flatten(), linear(84, 5), ReLU(), linear(5, 6), ReLU(), linear(6, 4)],
    "convolution, then two linear layers": [conv(2, 3, (2, 3)), ReLU(), Flatten(), linear(75, 6), ReLU(), linear(6, 4)],
    "relu after flatten": [conv(2, 3, (2, 3)), Flatten(), ReLU(), linear(75, 4)],
    "relu at the end": [Flatten(), linear(84, 4), ReLU()],
    "no relu at all": [conv(2, 3, (2, 3)), conv(3, 2, 2), Flatten(), linear(32, 4)],
    "convolution last": [conv(2, 3, (3, 4)), ReLU(), conv(3, 2, (3, 3)), Flatten()],
    "convolution last, one number a channel": [conv(2, 4, (6, 7)), Flatten()],
    "convolution last, then linear": [conv(2, 3, (2, 3), (2, 1)), Flatten(), linear(45, 4)],
    "strides and paddings": [
        conv(2, 3, (3, 2), (2, 1), (1, 2)),
        ReLU(),
        conv(3, 4, (2, 3), (1, 2), (0, 1)),
        MaxPool2d((2, 3), (1, 2), (1, 0)),
        ReLU(),
        conv(4, 2, (1, 2), 1, (1, 0)),
        Flatten(),
        linear(10, 3),
    ],
    "one channel all the way": [conv(2, 1, 2), ReLU(), conv(1, 1, (2, 1)), MaxPool2d(2), Flatten(), linear(6, 2)],
    "linear alone": [Flatten(), linear(84, 4)],
    "leaky relu, beside a pool": [conv(2, 3, (2, 3)), LeakyReLU(0.25), MaxPool2d(2), Flatten(), linear(12, 4), LeakyReLU()],
    "curves": [conv(2, 3, (2, 3)), GELU(), conv(3, 2, 2), Tanh(), Flatten(), linear(32, 4), Sigmoid(), linear(4, 4)],
    "averages": [conv(2, 3, (2, 3)), GELU(), AvgPool2d((2, 3), 1, (1, 0)), conv(3, 4, 2), GlobalAvgPool2d()],
    "average first, curve last": [AvgPool2d(2), conv(2, 3, (2, 1)), ReLU(), GlobalAvgPool2d(), linear(3, 4), Tanh()],
    "groups": [conv(2, 6, (2, 3), groups=2), ReLU(), conv(6, 3, 2, groups=3), MaxPool2d(2), Flatten(), linear(12, 4)],
    "a group for each channel": [
        conv(2, 3, 1),
        LeakyReLU(),
        conv(3, 3, (2, 3), (1, 2), (0, 1), groups=3),
        ReLU(),
        MaxPool2d(2),
        conv(3, 4, 1),
        Flatten(),
        linear(16, 3),
    ],
    "groups last": [conv(2, 4, (3, 4)), ReLU(), conv(4, 4, (2, 3), groups=2), GlobalAvgPool2d()],
    "gaps": [
        conv(2, 3, 2, dilation=(1, 3)),
        ReLU(),
        conv(3, 4, (3, 2), 1, (1, 0), (2, 1)),
        MaxPool2d(2),
        Flatten(),
        linear(4, 3),
    ],
    "flatten twice": [conv(2, 3, (5, 6)), Flatten(), Flatten(), linear(12, 4)],
}


@pytest.mark.parametrize(
    ("draw", "h", "scheme"),
    [(generic, 1e-3, "forward"), pytest.param(kinked, 1e-2, "forward", marks=pytest.mark.long), (kinked, 1e-3, "central")],
    ids=["generic", "kinked", "central"],
)
@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.usefixtures("backend")
def test_any_network_has_the_gradient_of_its_definition(layers: Sequence[Layer], draw: Draw, h: float, scheme: Scheme) -> None:
    network, rng = Network(layers, SHAPE), np.random.default_rng(5)
    x = draw(rng, (3, *SHAPE))
    y = rng.integers(0, network.shapes[-1][0], 3)

    base, wanted = definition(network, x, y, h=h, scheme=scheme)
    again, got = difference(network, x, y, h=h, scheme=scheme)

    assert again == pytest.approx(base, rel=1e-13)
    assert list(got) == list(wanted)
    largest = max(float(np.abs(g).max()) for g in wanted.values())
    for name, g in wanted.items():
        # the definition subtracts two losses below 20, each right to some 10 eps: 20 * 20 * 2.2e-16 / h = 9e-11 at most
        np.testing.assert_allclose(got[name], g, rtol=0, atol=1e-9 * max(largest, 0.1), err_msg=name)


# --- where the work is done, and what is refused ------------------------------------------------------------------------------


@every_dtype
@every_scheme
@pytest.mark.parametrize("way", [definition, difference])
@pytest.mark.usefixtures("backend")
def test_an_executor_gives_the_same_bits(way: Way, scheme: Scheme, dtype: type) -> None:
    network, x, y = on_kinks(*APART, dtype)
    x, y = np.concatenate([x, x[::-1], x]), np.concatenate([y, y, y[::-1]])  # more images than one block, and one left over
    alone = way(network, x, y, h=1e-3, scheme=scheme)
    with ThreadPoolExecutor(3) as executor:
        shared = way(network, x, y, h=1e-3, scheme=scheme, executor=executor)
    assert shared[0] == alone[0]
    for name, array in network.parameters().items():
        assert np.array_equal(shared[1][name], alone[1][name])
        assert (alone[1][name].shape, alone[1][name].dtype) == (array.shape, np.dtype(dtype))


def test_the_sums_of_some_nodes_are_those_of_all() -> None:
    network, x, y = on_kinks(*APART, np.float64)
    L, every = by_images(0.1, "central", (network, x, y, CrossEntropy()))
    base, some = by_images(0.1, "central", (network, x, y, CrossEntropy()), ["2", "8"])
    assert (base, list(some)) == (L, ["2", "8"])
    for name, columns in some.items():
        np.testing.assert_array_equal(columns, every[name])


def test_a_batch_has_the_mean_of_the_gradients_of_its_images() -> None:
    network, x, y = on_kinks(*APART, np.float64)
    whole = difference(network, x, y, h=0.1)[1]
    single = [difference(network, x[n : n + 1], y[n : n + 1], h=0.1)[1] for n in range(3)]
    for name, g in whole.items():
        np.testing.assert_allclose(g, sum(each[name] for each in single) / 3, rtol=0, atol=1e-14)  # 3 numbers of order 1


@pytest.mark.usefixtures("backend")
def test_neither_way_writes_to_what_it_was_given() -> None:
    network, x, y = on_kinks(*APART, np.float64)
    arrays = [x, y, *network.parameters().values()]
    copies = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    for way in (definition, difference):
        way(network, x, y, h=0.5, scheme="central")
    assert all(np.array_equal(array, copy) for array, copy in zip(arrays, copies, strict=True))


GOOD = on_kinks(*APART, np.float32)
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "h of zero": ({"h": 0.0}, "^h: expected a finite number above 0"),
    "h below zero": ({"h": -1e-3}, "^h: expected a finite number above 0"),
    "h not a number": ({"h": float("nan")}, "^h: expected a finite number above 0"),
    "h without end": ({"h": float("inf")}, "^h: expected a finite number above 0"),
    "h too small for float32": ({"h": 1e-50}, "float32"),
    "h below the normal numbers of float32": ({"h": 1e-40}, "float32"),
    "h too large for float32": ({"h": 1e50}, "float32"),
    "an unknown scheme": ({"scheme": "backward"}, "scheme"),
    "images of another shape": ({"x": GOOD[1][:, :-1]}, "images"),
    "one image without a batch": ({"x": GOOD[1][0]}, r"x\[None\]"),
    "no images": ({"x": GOOD[1][:0], "y": GOOD[2][:0]}, "images"),
    "images of bytes": ({"x": GOOD[1].astype(np.uint8)}, "of floats"),
    "a label too large": ({"y": np.array([0, 4, 1])}, "^y: expected class numbers"),
    "a label below zero": ({"y": np.array([0, -1, 1])}, "^y: expected class numbers"),
    "a label too few": ({"y": np.array([0, 1])}, "^y: expected one label for each"),
    "labels that are no integers": ({"y": np.array([0.0, 1.5, 2.0])}, r"^y: expected integers, got 1.5 in y\[1\]"),
}


@pytest.mark.parametrize("way", [definition, difference])
@pytest.mark.parametrize(("wrong", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_in_one_line(way: Way, wrong: dict[str, Any], message: str) -> None:
    network, x, y = GOOD
    with pytest.raises(HandmadeError, match=message) as refusal:
        way(network, **({"x": x, "y": y, "h": 1e-3} | wrong))
    assert "\n" not in str(refusal.value)
