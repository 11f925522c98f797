"""Compiled differences across linear layers that rearrange, add up and scale: limits of changes, and the numbers of `plain`."""

import math
from typing import Any

import numpy as np
import pytest

from handmade import Network, Node
from handmade.compiled.differences.bounds import bounds
from handmade.compiled.differences.constant_regions import of_images
from handmade.compiled.differences.units import units_of
from handmade.engine.arrays import Array, Shape
from handmade.engine.backend import use_backend
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients import difference
from handmade.engine.layers import (
    Add,
    Affine,
    AvgPool2d,
    BatchNorm2d,
    Clip,
    Concat,
    Conv2d,
    Expand,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    Linear,
    MaxPool2d,
    Mean,
    Pad,
    ReLU,
    Reshape,
    Slice,
    Subtract,
    Sum,
    Take,
    Transpose,
    rule,
)

CLASSES = 3


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 31])


def _dense(r: np.random.Generator, inputs: int, units: int) -> Linear:
    return Linear(r.standard_normal((inputs, units)) / np.sqrt(inputs), 0.1 * r.standard_normal(units))


def _norm(r: np.random.Generator, channels: int) -> BatchNorm2d:
    W, b, mean = r.standard_normal((3, channels))
    return BatchNorm2d(W, b, mean, r.random(channels) + 0.5)


def _layers(r: np.random.Generator, shape: Shape) -> list[Layer]:
    """Layers of which a network draws one; some do not fit the shape."""
    axes, C = len(shape), shape[-1]
    axis = int(r.integers(axes))
    size = shape[axis]
    order = tuple(map(int, r.permutation(axes)))
    widths = tuple((int(a), int(b)) for a, b in r.integers(0, 2, (axes, 2)))
    mode = str(r.choice(["constant", "edge", "wrap"]))
    divisors = [n for n in range(1, shape[0] * C + 1) if int(np.prod(shape)) % n == 0]
    of_scale = tuple(int(n) if r.integers(2) else 1 for n in shape)[int(r.integers(axes + 1)) :]
    return [
        *(ReLU(), ReLU(), ReLU(), MaxPool2d(2, 1), MaxPool2d((1, 2), (1, 2)), AvgPool2d(2, 1, ceil_mode=True)),
        *[Conv2d(r.standard_normal((2, 2, C, 3)) / np.sqrt(4 * C), 0.1 * r.standard_normal(3), padding=((1, 0), (0, 1)))] * 4,
        *(_dense(r, C, 4), _norm(r, C)),
        Affine(r.standard_normal(of_scale), r.standard_normal(C)),
        Reshape((*(int(n) for n in r.choice(divisors, int(r.integers(0, 2)))), -1)),
        Reshape((-1, int(r.choice(divisors)), 1)),
        Transpose(order),
        Pad(widths, mode, 0.5),
        Slice(tuple(int(r.integers(2)) for _ in shape), (None,) * axes, tuple(int(r.choice([1, 2])) for _ in shape)),
        Take(axis, r.integers(0, size, 3).tolist()),
        Take(axis, int(r.integers(size))),
        Expand((2, *(1 for _ in shape))),
        Sum((axis,), keepdims=bool(r.integers(2))),
        Mean((axis,), keepdims=bool(r.integers(2))),
        *(Flatten(), GlobalAvgPool2d()),
    ]


def linear_network(seed: int) -> Network:
    """A random network of linear layers and choices."""
    r = rng(seed)
    shape: Shape = (int(r.integers(3, 6)), 4, int(r.integers(1, 4)))
    nodes, shapes = list[Node](), {"input": shape}
    while len(nodes) < 7:
        source = str(r.choice(list(shapes)[-2:]))
        now = shapes[source]
        layer: Any = Conv2d(r.standard_normal((2, 2, now[-1], 3)), r.standard_normal(3)) if not nodes else None
        reads = [source]
        if layer is None:
            same = [name for name, other in shapes.items() if other == now]
            join = int(r.integers(12))
            if join < 3:
                reads.append(str(r.choice(same)))
                layer = (Add(), Subtract(), Concat(int(r.integers(len(now)))))[join]
            else:
                drawn = _layers(r, now)
                layer = drawn[int(r.integers(len(drawn)))]
        try:
            made = layer.output_shape(tuple(shapes[each] for each in reads) if len(reads) > 1 else now)
        except HandmadeError:
            continue
        if len(made) < 5 and np.prod(made) < 200:
            nodes.append(Node(f"n{len(nodes)}", layer, reads))
            shapes[nodes[-1].name] = tuple(made)
    last = nodes[-1].name
    row = int(np.prod(shapes[last]))
    return Network([*nodes, Node("row", Flatten(), last), Node("logits_of", _dense(r, row, CLASSES), "row")], shape)


def batch(network: Network, seed: int) -> tuple[Array, Array]:
    r = rng(seed + 10**6)
    x = r.standard_normal((2, *network.input_shape))
    x[0, : seed % 3] = 0  # blank paper
    return x, r.integers(0, CLASSES, len(x))


def check_numbers(seed: int) -> None:
    network = linear_network(seed)
    x, y = batch(network, seed)
    for h in (0.5, 1e-3, 1e-30):
        with use_backend("plain"):
            _, wanted = difference(network, x, y, h=h)
        with use_backend("compiled"):
            _, found = difference(network, x, y, h=h)
        for name, array in wanted.items():
            close = 1e-11 * max(1e-2, float(np.abs(array).max()))
            np.testing.assert_allclose(found[name], array, rtol=0, atol=close, err_msg=f"{seed} {h} {name}")


def check_bounds(network: Network, seed: int) -> None:
    """Move each supported weight alone, and hold every change of an activation to its bound."""
    h = 0.25
    x, _ = batch(network, seed)
    units, tape = units_of(network), network.tape(x)
    largest = {name: float(np.abs(network.node(name).inputs(tape)).max()) for name in units.supported}
    limits = bounds(network, units, largest, h)
    before = {unit.before_choice for unit in units.all} | {unit.last for unit in units.all}
    for name in units.supported:
        arrays = network.node(name).layer.parameters()
        for array, at in ((array, at) for array, W in arrays.items() for at in np.ndindex(W.shape)):
            moved = arrays[array].copy()
            moved[at] += h
            after = network.replace({f"{name}.{array}": moved}).tape(x)
            for other in before & limits.keys():
                change = np.abs(after[other] - tape[other]).reshape(len(x), -1).max(axis=0)
                limit = np.resize(limits[other].both, change.size)
                assert (change <= limit * (1 + 1e-12) + 1e-14).all(), f"{seed} {name}.{array}{at} at {other}"


@pytest.mark.parametrize("seed", range(15))
def test_random_linear_layers_give_the_numbers_of_plain(seed: int) -> None:
    check_numbers(seed)


@pytest.mark.parametrize("seed", range(15))
def test_no_nudge_changes_a_number_by_more_than_its_bound(seed: int) -> None:
    check_bounds(linear_network(seed), seed)


@pytest.mark.long
@pytest.mark.parametrize("first", range(15, 1015, 50))
def test_many_random_linear_layers_give_the_numbers_of_plain(first: int) -> None:
    for seed in range(first, first + 50):
        check_numbers(seed)
        check_bounds(linear_network(seed), seed)


def test_a_factor_for_each_number_of_a_row_lets_one_nudge_change_many_numbers() -> None:
    """A bound for one number of the row would miss units that switch."""
    factors = np.arange(1.0, 49.0)
    layers: tuple[Layer, ...] = (BatchNorm2d(factors, np.zeros(48), np.zeros(48), np.ones(48)), Affine(factors, np.zeros(48)))
    for layer in layers:
        conv, hidden = Conv2d(np.ones((2, 2, 1, 3)), np.zeros(3)), Linear(np.ones((48, 2)), np.zeros(2))
        check_bounds(Network([conv, Flatten(), layer, hidden, ReLU(), _dense(rng(0), 2, CLASSES)], (5, 5, 1)), 0)


@pytest.mark.parametrize("layer", [Sum((2,)), Sum((0, 2), keepdims=True), Take(-1, [1, 2, 0]), Transpose((2, 0, 1))], ids=repr)
def test_bounds_are_those_of_channels_that_changed_places_or_were_added_up(layer: Layer) -> None:
    """Filters of very different sizes, without a negative number: the bounds are nearly reached."""
    first, second = Conv2d(np.ones((2, 2, 1, 2)), np.zeros(2)), Conv2d(np.array([[[[1.0, 10, 100]] * 2]]), np.zeros(3))
    check_bounds(
        Network([first, second, layer, Flatten(), _dense(rng(0), math.prod(layer.output_shape((4, 4, 3))), 3)], (5, 5, 1)), 1
    )


def shuffled(channels: int) -> list[Layer]:
    """A classifier as other libraries write it: normalised pixels, an own layer of padding, a channel shuffle, a mean."""
    r = rng(1)
    C = channels

    def filters(seen: int, groups: int = 1) -> Conv2d:
        return Conv2d(r.standard_normal((3, 3, seen // groups, C)), 0.1 * r.standard_normal(C), groups=groups)

    return [
        Affine(np.array([2.0]), np.array([-1.0])),
        Pad(((1, 1), (1, 1), (0, 0))),
        *(filters(1), _norm(r, C), ReLU(), MaxPool2d(3, 2, ((0, 1), (0, 1)))),
        *(filters(C, C), Reshape((2, 2, 2, -1)), Transpose((0, 1, 3, 2)), Reshape((2, 2, C)), ReLU()),
        *(Mean((0, 1)), _dense(r, C, CLASSES)),
    ]


def test_a_classifier_of_another_library_is_crossed_by_lanes() -> None:
    network = Network(shuffled(4), (8, 8, 1))
    units = units_of(network)
    assert {*units.supported} == {"2", "6", "12"} == set(network.weighted) - {"3"}  # a BatchNorm2d goes the way of plain


def test_an_affine_of_channels_and_added_pixels_keep_blank_places() -> None:
    x = np.zeros((1, 3, 4, 2))
    x[0, 1, 2] = 1
    blank = of_images(x)
    assert blank is not None
    assert blank.sum() == 11

    def after(layer: Any) -> Any:
        return rule(layer, "constant")(layer, blank)

    np.testing.assert_array_equal(after(Affine(np.ones(2), np.array(1.0))), blank)
    assert after(Affine(np.ones(2), np.ones((3, 1, 2)))) is None
    np.testing.assert_array_equal(after(Clip(0, 6)), blank)
    np.testing.assert_array_equal(after(Pad(((1, 0), (0, 2), (0, 0)))), np.pad(blank, ((0, 0), (1, 0), (0, 2))))
    assert after(Pad(((1, 0), (0, 2), (0, 1)))) is None
    assert after(Pad(((1, 0), (0, 2), (0, 0)), "edge")) is None
