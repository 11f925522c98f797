"""Layers that move numbers, add them up along axes or multiply matrices: against NumPy, in every channel, and their refusals."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import handmade
from handmade import (
    Add,
    Concat,
    Conv2d,
    Expand,
    Flatten,
    HandmadeError,
    Linear,
    MatMul,
    Mean,
    Network,
    Node,
    Pad,
    ReLU,
    Reshape,
    Slice,
    Sum,
    Take,
    Transpose,
)
from handmade.engine.arrays import Array, Shape
from handmade.engine.layers import EVERY, Channel, Difference, Layer, one_channel, rule, to_dense
from handmade.engine.layers.propagate import propagate


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- NumPy does the same to one image -----------------------------------------------------------------------------------------

SHAPE = (3, 4, 2)
NUMPY: dict[str, tuple[Layer, Callable[[Array], Array]]] = {
    "reshape": (Reshape((-1, 8)), lambda x: x.reshape(-1, 8)),
    "transpose": (Transpose((1, 2, 0)), lambda x: x.transpose(1, 2, 0)),
    "pad": (Pad(((1, 0), (2, 3), (0, 1)), value=7.5), lambda x: np.pad(x, ((1, 0), (2, 3), (0, 1)), constant_values=7.5)),
    "slice": (Slice((-1, 1, None), (None, 9, -1), (-2, 2, 1)), lambda x: x[-1:None:-2, 1:9:2, None:-1]),
    "take": (Take(1, [-1, 0, 0]), lambda x: x.take([-1, 0, 0], axis=1)),
    "take one": (Take(-1, np.int64(1)), lambda x: x[..., 1]),
    "take nested": (Take(0, np.array([[0, 2], [1, 1]])), lambda x: x.take([[0, 2], [1, 1]], axis=0)),
    "expand": (Expand((2, 1, 4, 1)), lambda x: np.broadcast_to(x, (2, 3, 4, 2))),
    "reflect": (Pad(((1, 2), (3, 0), (1, 1)), "reflect"), lambda x: np.pad(x, ((1, 2), (3, 0), (1, 1)), "reflect")),
    "edge": (Pad(((1, 2), (3, 0), (1, 1)), "edge"), lambda x: np.pad(x, ((1, 2), (3, 0), (1, 1)), "edge")),
    "wrap": (Pad(((1, 2), (3, 0), (1, 1)), "wrap"), lambda x: np.pad(x, ((1, 2), (3, 0), (1, 1)), "wrap")),
    "sum": (Sum((0, -1)), lambda x: x.sum(axis=(0, -1))),
    "mean": (Mean((1,), keepdims=True), lambda x: x.mean(axis=1, keepdims=True)),
}


@pytest.mark.parametrize("name", NUMPY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_is_each_image_by_numpy(name: str, dtype: type) -> None:
    layer, numpy = NUMPY[name]
    x: Array = rng().standard_normal((5, *SHAPE)).astype(dtype)

    y = layer.forward(x)

    assert y.dtype == dtype
    assert y.shape[1:] == layer.output_shape(SHAPE)
    np.testing.assert_allclose(y, np.stack([numpy(image) for image in x]), rtol=1e-6 if dtype == np.float32 else 1e-15)


def test_flatten_and_global_average_are_cases_of_the_general_layers() -> None:
    x = rng().standard_normal((2, *SHAPE))
    np.testing.assert_array_equal(Reshape((-1,)).forward(x), Flatten().forward(x))
    np.testing.assert_array_equal(Mean((0, 1)).forward(x), handmade.GlobalAvgPool2d().forward(x))


def test_linear_on_many_rows_is_linear_on_each_row() -> None:
    layer, x = Linear(rng().standard_normal((2, 5)), rng(1).standard_normal(5)), rng(2).standard_normal((3, *SHAPE))
    gy = rng(3).standard_normal((3, 3, 4, 5))

    gx, g = layer.backward(x, gy)
    by_rows, g_rows = layer.backward(x.reshape(-1, 2), gy.reshape(-1, 5))

    np.testing.assert_array_equal(layer.forward(x).reshape(-1, 5), layer.forward(x.reshape(-1, 2)))
    np.testing.assert_array_equal(gx.reshape(-1, 2), by_rows)
    for name, array in g_rows.items():
        np.testing.assert_array_equal(g[name], array)
    pixels = Conv2d(layer.W[None, None], layer.b)  # a 1 x 1 convolution is the same layer
    np.testing.assert_allclose(layer.forward(x), pixels.forward(x), rtol=1e-14)


# --- differences in one channel -----------------------------------------------------------------------------------------------


def parts_of(shape: Shape) -> list[Channel]:
    """Return channels as other layers hand them on: one or all; of rows also every second number."""
    return [EVERY, one_channel(0), one_channel(shape[-1] - 1), *([slice(1, None, 2)] if len(shape) == 1 else [])]


def moved_in(draw: np.random.Generator, x: Array, channel: Channel, nudges: int) -> Difference:
    return Difference(draw.standard_normal((*x[..., channel].shape, *[nudges] * (nudges > 0))), channel)


def densely(x: Array, moved: Difference | None, nudges: int) -> Array:
    if moved is None:
        return np.zeros((*x.shape, *[nudges] * (nudges > 0)))
    return to_dense(x, moved.dx, moved.channel)


JOINS: dict[str, tuple[Layer, tuple[Shape, ...]]] = {
    "rows of images": (Concat(0), ((2, 3, 2), (1, 3, 2))),
    "columns of matrices": (Concat(1), ((3, 2), (3, 4))),
    "rows of numbers": (Concat(), ((4,), (6,))),
    "matrices": (MatMul(), ((3, 4), (4, 2))),
    "many matrices": (MatMul(), ((2, 3, 4), (2, 4, 2))),
    "broadcast matrices": (MatMul(), ((3, 1, 2, 4), (2, 4, 3))),
    "one matrix for many": (MatMul(), ((2, 4), (3, 4, 3))),
}


@pytest.mark.parametrize("name", JOINS)
@pytest.mark.parametrize("nudges", [0, 3])
def test_the_difference_of_a_join_is_that_of_complete_arrays(name: str, nudges: int) -> None:
    layer, shapes = JOINS[name]
    draw = rng(4)
    x = tuple(draw.standard_normal((2, *shape)) for shape in shapes)
    assert rule(layer, "join") is not None
    for channels in itertools.product(*([None, *parts_of(shape)] for shape in shapes)):
        if channels == (None, None):
            continue
        moved = [None if c is None else moved_in(draw, x_k, c, nudges) for x_k, c in zip(x, channels, strict=True)]
        dense = [densely(x_k, each, nudges) for x_k, each in zip(x, moved, strict=True)]
        if nudges:
            wanted = np.stack([layer.delta(x, tuple(each[..., n] for each in dense)) for n in range(nudges)], axis=-1)
        else:
            wanted = layer.delta(x, tuple(dense))

        found = propagate(layer)(x, moved)

        np.testing.assert_allclose(to_dense(layer.forward(x), found.dx, found.channel), wanted, rtol=0, atol=1e-13)


def test_a_channel_stays_one_channel_where_it_can() -> None:
    def goes_to(layer: Any, channel: Channel, shape: Shape = SHAPE) -> Channel:
        found: Channel = rule(layer, "channel")(layer, channel, shape)
        return found

    one = one_channel(1)
    assert goes_to(Reshape((-1,)), one) == slice(1, 24, 2)
    assert goes_to(Reshape((12, 2)), one) == one
    assert goes_to(Reshape((8, 3)), one) == EVERY
    assert goes_to(Transpose((1, 0, 2)), one) == one
    assert goes_to(Transpose((2, 0, 1)), one) == EVERY
    assert goes_to(Pad(((1, 1), (0, 0), (2, 0))), one) == one_channel(3)
    assert goes_to(Slice((0, 0, 1), (3, 4, 2)), one) == one_channel(0)
    assert goes_to(Slice((0, 0, 0), (3, 4, 1)), one) == one_channel(0)  # nothing is left of it: zeros
    assert goes_to(Sum((0,)), one) == one
    assert goes_to(Sum((2,)), one) == EVERY
    joined = propagate(Concat(0))((np.ones((1, *SHAPE)),) * 2, [Difference(np.ones((1, 3, 4, 1)), one), None])
    assert joined.channel == one


# --- networks -----------------------------------------------------------------------------------------------------------------


def attention(dtype: type = np.float64) -> Network:
    """Tokens of an image, one head of attention, and a mean: activations of one to four axes."""
    draw = rng(5)

    def linear(inputs: int, units: int) -> Linear:
        W = draw.standard_normal((inputs, units)) / np.sqrt(inputs)
        return Linear(W.astype(dtype), draw.standard_normal(units).astype(dtype))

    return Network(
        [
            Node("patches", Reshape((2, 3, 3, 2)), ["input"]),
            Node("ordered", Transpose((0, 2, 1, 3)), ["patches"]),
            Node("tokens", Reshape((6, 6)), ["ordered"]),
            Node("query", linear(6, 4), ["tokens"]),
            Node("key", linear(6, 4), ["tokens"]),
            Node("turned", Transpose((1, 0)), ["key"]),
            Node("scores", MatMul(), ["query", "turned"]),
            Node("active", ReLU(), ["scores"]),
            Node("mixed", MatMul(), ["active", "tokens"]),
            Node("sum", Add(), ["mixed", "tokens"]),
            Node("both", Concat(0), ["sum", "tokens"]),
            Node("some", Slice((0, 0), (12, None), (2, 1)), ["both"]),
            Node("wide", Pad(((1, 0), (0, 1)), "edge"), ["some"]),
            Node("mean", Mean((0,)), ["wide"]),
            Node("head", linear(7, 3), ["mean"]),
        ],
        (6, 6, 1),
    )


@pytest.mark.usefixtures("backend")
def test_attention_has_the_same_gradient_three_times() -> None:
    network, x, y = attention(), rng(6).standard_normal((4, 6, 6, 1)), np.array([0, 1, 2, 1])

    _, exact = handmade.gradients.difference(network, x, y, h=1e-30)
    _, backward = handmade.gradients.backprop(network, x, y)
    _, wanted = handmade.gradients.definition(network, x, y, h=1e-6)
    _, quotient = handmade.gradients.difference(network, x, y, h=1e-6)

    for name, array in wanted.items():
        np.testing.assert_allclose(exact[name], backward[name], rtol=0, atol=1e-12, err_msg=name)
        np.testing.assert_allclose(quotient[name], array, rtol=0, atol=1e-8, err_msg=name)


@pytest.mark.usefixtures("backend")
def test_joined_rows_of_images_reach_the_exact_difference_behind_them() -> None:
    draw = rng(7)

    def conv(channels: int, filters: int) -> Conv2d:
        return Conv2d(draw.standard_normal((2, 2, channels, filters)), draw.standard_normal(filters))

    network = Network(
        [
            Node("a", conv(1, 3), ["input"]),
            Node("b", conv(1, 3), ["input"]),
            Node("above", Concat(0), ["a", "b"]),
            Node("relu", ReLU(), ["above"]),
            Node("c", conv(3, 2), ["relu"]),
            Node("again", ReLU(), ["c"]),
            Node("flat", Flatten(), ["again"]),
            Node("head", Linear(draw.standard_normal((7 * 3 * 2, 3)), np.zeros(3)), ["flat"]),
        ],
        (5, 5, 1),
    )
    x, y = draw.standard_normal((8, 5, 5, 1)), draw.integers(0, 3, 8)

    _, wanted = handmade.gradients.definition(network, x, y, h=0.25)
    _, found = handmade.gradients.difference(network, x, y, h=0.25)

    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-11, err_msg=name)


# --- refusals -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Reshape((2, -1, -1)), "Reshape: shape: expected sizes above 0, one of which may be -1"),
        (lambda: Reshape((0, 3)), "Reshape: shape: expected sizes above 0"),
        (lambda: Reshape(()), "Reshape: shape: expected a list of integers"),
        (lambda: Reshape((2.0,)), "Reshape: shape: expected a list of integers"),  # type: ignore[arg-type]
        (lambda: Reshape((5, -1)).output_shape(SHAPE), "for the 24 numbers of one image (3, 4, 2); got (5, -1). Try (-1,)"),
        (lambda: Reshape((24, 2)).output_shape(SHAPE), "got (24, 2)"),
        (lambda: Transpose((1, 2)), "Transpose: axes: expected the integers from 0 to 1 in some order"),
        (lambda: Transpose((1, 0)).output_shape(SHAPE), "expected images with 2 axes; got (3, 4, 2). Try (2, 1, 0)"),
        (lambda: Pad(((1, -1),)), "Pad: widths: expected a pair of integers"),
        (lambda: Pad((1, 1)), "Pad: widths: expected a pair of integers"),  # type: ignore[arg-type]
        (lambda: Pad(((1, 1),), "mirror"), "Pad: mode: expected one of constant, reflect, edge, wrap"),
        (lambda: Pad(((1, 1),), value=float("nan")), "Pad: value: expected a number"),
        (lambda: Pad(((1, 1),)).output_shape(SHAPE), "Try ((1, 1), (1, 1), (1, 1))"),
        (lambda: Pad(((0, 3), (0, 0), (0, 0)), "reflect").output_shape(SHAPE), 'below the size 3 of axis 0 for "reflect"'),
        (lambda: Slice((0,), (1, 2)), "1 starts, 2 stops and 1 steps"),
        (lambda: Slice((0,), (1,), (0,)), "Slice: steps: expected integers other than 0"),
        (lambda: Slice((0.5,), (1,)), "Slice: starts: expected an integer or None"),  # type: ignore[arg-type]
        (lambda: Slice((2, 0, 0), (1, 1, 1)).output_shape(SHAPE), "got [2:1:1] for axis 0 of size 3"),
        (lambda: Slice((0,), (1,)).output_shape(SHAPE), "expected images with 1 axes"),
        (lambda: Take(0, []), "Take: indices: expected an integer, or a list of integers"),
        (lambda: Take(0, [[1], [2, 3]]), "Take: indices: expected an integer"),
        (lambda: Take(0, [True]), "Take: indices: expected an integer"),
        (lambda: Take(3, [0]).output_shape(SHAPE), "expected an axis from -3 to 2"),
        (lambda: Take(1, [0, 4]).output_shape(SHAPE), "expected indices from -4 to 3 for axis 1; got 4"),
        (lambda: Take(0, 2).output_shape((5,)), "Try a list, indices=(2,)"),
        (lambda: Expand((0,)), "Expand: shape: expected sizes above 0"),
        (lambda: Expand((5, 1)).output_shape(SHAPE), "broadcast with the shape (5, 1); got (3, 4, 2)"),
        (lambda: Sum(()), "Sum: axes: expected a list of integers"),
        (lambda: Mean((0,), keepdims=1), "Mean: keepdims: expected True or False"),  # type: ignore[arg-type]
        (lambda: Mean((0, -3)).output_shape(SHAPE), "Mean: expected each axis once; got (0, -3)"),
        (lambda: Sum((0, 1, 2)).output_shape(SHAPE), "Try keepdims=True"),
        (lambda: Concat(1.0), "Concat: axis: expected an integer"),  # type: ignore[arg-type]
        (lambda: Concat(0).output_shape(((3, 4), (3, 5))), "expected activations that differ along axis 0 alone"),
        (lambda: Concat(2).output_shape(((3, 4), (3, 4))), "expected an axis from -2 to 1"),
        (lambda: MatMul().output_shape(((3, 4), (3, 4))), "MatMul: expected two activations (..., T, K) and (..., K, M)"),
        (lambda: MatMul().output_shape(((2, 3, 4), (3, 4, 5))), "got (2, 3, 4), (3, 4, 5)"),
        (lambda: MatMul().output_shape(((4,), (4, 5))), "got (4,), (4, 5)"),
        (lambda: Linear.init(0, 3, 2).output_shape((4, 5)), "expected rows of 3 numbers; got the shape (4, 5). Try Flatten"),
    ],
)
def test_what_is_impossible_is_refused_in_one_line(make: Callable[[], object], says: str) -> None:
    with pytest.raises(HandmadeError, match=re.escape(says)) as refusal:
        make()
    assert "\n" not in str(refusal.value)


def test_the_advice_of_a_refusal_works() -> None:
    assert Reshape((-1,)).output_shape(SHAPE) == (24,)
    assert Transpose((2, 1, 0)).output_shape(SHAPE) == (2, 4, 3)
    assert Pad(((1, 1), (1, 1), (1, 1))).output_shape(SHAPE) == (5, 6, 4)
    assert Take(0, (2,)).output_shape((5,)) == (1,)
    assert Sum((0, 1, 2), keepdims=True).output_shape(SHAPE) == (1, 1, 1)


@pytest.mark.parametrize(
    "entry",
    [
        {"layer": "Pad", "widths": [[2**30, 0], [0, 0], [0, 0]]},
        {"layer": "Expand", "shape": [2**30, 1, 1, 1]},
        {"layer": "Take", "axis": 0, "indices": [[[[[[[[[0]]]]]]]]]},
        {"layer": "Reshape", "shape": [2**31, -1]},
    ],
)
def test_a_hostile_description_is_refused_before_memory_is_taken(entry: dict[str, Any]) -> None:
    with pytest.raises(HandmadeError, match="layer 0"):
        handmade.networks.described({"input": [30, 30, 1], "layers": [entry]}, rng())
