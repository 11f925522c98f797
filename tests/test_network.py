"""The network as a value: its shapes, names and weights, what it makes of images, and what it refuses."""

import math
from collections.abc import Callable

import numpy as np
import pytest

import handmade
from handmade import Conv2d, Flatten, HandmadeError, Linear, MaxPool2d, Network, ReLU
from handmade.engine.arrays import Array, Shape
from handmade.engine.layers import Layer
from handmade.engine.plain.backend import IMAGES_AT_ONCE

README_SHAPES = ((30, 30, 1), (28, 28, 8), (28, 28, 8), (26, 26, 16), (26, 26, 16), (13, 13, 16), (2704,), (10,))
SMALL_SHAPE = (7, 5, 2)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def small() -> Network:
    """Two layers of each kind with weights, on images that are neither square nor of one channel."""
    draw = rng(3)
    convolutions: list[Layer] = [
        Conv2d.init(draw, 2, 3, (3, 2), padding=(1, 0), dtype=np.float64),  # (7, 4, 3)
        ReLU(),
        Conv2d.init(draw, 3, 2, 2, stride=(2, 1), dtype=np.float64),  # (3, 3, 2)
        MaxPool2d((2, 1), (1, 1)),  # (2, 3, 2)
    ]
    rows: list[Layer] = [Flatten(), Linear.init(draw, 12, 5, np.float64), ReLU(), Linear.init(draw, 5, 4, np.float64)]
    return Network([*convolutions, *rows], SMALL_SHAPE)


def images(count: int, shape: Shape = SMALL_SHAPE) -> Array:
    return rng(count).standard_normal((count, *shape))


def refusal_of(layers: list[Layer], input_shape: Shape = SMALL_SHAPE) -> str:
    with pytest.raises(HandmadeError) as caught:
        Network(layers, input_shape)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_shapes_are_those_of_the_tape() -> None:
    network = small()
    assert network.shapes == (SMALL_SHAPE, (7, 4, 3), (7, 4, 3), (3, 3, 2), (2, 3, 2), (12,), (5,), (5,), (4,))
    assert [activation.shape for activation in network.forward(images(3))] == [(3, *shape) for shape in network.shapes]
    assert network.classes == 4


def test_the_tape_begins_with_the_images_and_each_activation_follows_from_the_one_before() -> None:
    network, x = small(), images(3)
    tape = network.forward(x)
    assert tape[0] is x
    for layer, before, after in zip(network.layers, tape, tape[1:], strict=False):
        np.testing.assert_array_equal(layer.forward(before), after)


def test_layers_are_named_by_their_kind_and_counted() -> None:
    assert small().names == ("conv1", "relu1", "conv2", "pool1", "flatten1", "linear1", "relu2", "linear2")


def test_parameters_are_flat_and_named_by_the_number_of_their_layer() -> None:
    shapes = {name: array.shape for name, array in small().parameters().items()}
    assert shapes == {
        "0.W": (3, 2, 2, 3),
        "0.b": (3,),
        "2.W": (2, 2, 3, 2),
        "2.b": (2,),
        "5.W": (12, 5),
        "5.b": (5,),
        "7.W": (5, 4),
        "7.b": (4,),
    }
    assert small().size == 36 + 3 + 24 + 2 + 60 + 5 + 20 + 4


def test_an_image_has_thirty_by_thirty_pixels_if_nobody_says_otherwise() -> None:
    assert Network([Flatten(), Linear.init(rng(), 900, 10)]).input_shape == (30, 30, 1)


def test_replace_makes_another_network_and_leaves_this_one() -> None:
    network, x = small(), images(2)
    before = {name: array.copy() for name, array in network.parameters().items()}
    logits = network.logits(x)
    other = network.replace({"7.b": network.parameters()["7.b"] + 1.0})
    assert type(other) is Network
    np.testing.assert_allclose(other.logits(x), logits + 1.0, rtol=1e-14)  # one more addition to numbers of about 1
    np.testing.assert_array_equal(network.logits(x), logits)
    for name, array in network.parameters().items():
        np.testing.assert_array_equal(array, before[name])
        if name != "7.b":
            assert other.parameters()[name] is array


def test_all_weights_can_be_replaced_at_once() -> None:
    network = small()
    doubled = {name: 2 * array for name, array in network.parameters().items()}
    for name, array in network.replace(doubled).parameters().items():
        assert array is doubled[name]


@pytest.mark.parametrize(
    ("name", "shape", "says"),
    [
        ("0.w", (3,), "arrays: expected names among 0.W, 0.b, 2.W, 2.b, 5.W, 5.b, 7.W, 7.b, got '0.w'"),
        ("1.W", (3,), "got '1.W'"),
        ("conv1.W", (3, 2, 2, 3), "got 'conv1.W'"),
        ("0.b", (1,), r"arrays\['0.b'\]: expected the shape \(3,\), got \(1,\)"),  # it would broadcast
        ("5.W", (5, 12), r"arrays\['5.W'\]: expected the shape \(12, 5\), got \(5, 12\)"),  # it would reshape
        ("7.b", (), r"arrays\['7.b'\]: expected the shape \(4,\), got \(\)"),
    ],
)
def test_replace_refuses_wrong_names_and_shapes(name: str, shape: Shape, says: str) -> None:
    with pytest.raises(HandmadeError, match=says):
        small().replace({name: np.zeros(shape)})


@pytest.mark.parametrize("count", [1, IMAGES_AT_ONCE - 1, IMAGES_AT_ONCE, IMAGES_AT_ONCE + 1, 2 * IMAGES_AT_ONCE + 3])
def test_logits_in_blocks_are_those_of_one_pass_over_all_images(count: int) -> None:
    network, x = small(), images(count)
    whole = network.forward(x)[-1]
    logits = network.logits(x)
    # A block may sum its products in another order: some 40 terms in a row, each rounded by 1.1e-16 of numbers below 10.
    np.testing.assert_allclose(logits, whole, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(network.predict(x), logits.argmax(axis=-1))
    assert network.predict(x).dtype == np.int64


def test_a_pass_writes_nothing_into_images_or_weights() -> None:
    network, x = small(), images(3)
    x.setflags(write=False)
    for array in network.parameters().values():
        array.setflags(write=False)
    network.forward(x)
    network.predict(x)


def weights(*shape: int) -> Array:
    return np.ones(shape)


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ([Linear(weights(70, 4), weights(4))], ["layer 0 (linear1)", "(7, 5, 2)", "Flatten"]),
        (
            [Conv2d(weights(3, 3, 2, 3), weights(3)), Linear(weights(45, 4), weights(4))],
            ["layer 1 (linear1)", "(5, 3, 3)", "Flatten"],
        ),
        ([Conv2d(weights(3, 3, 3, 4), weights(4))], ["layer 0 (conv1)", "(H, W, 3)", "(7, 5, 2)"]),
        (
            [Conv2d(weights(3, 3, 2, 3), weights(3)), ReLU(), Conv2d(weights(1, 1, 2, 2), weights(2))],
            ["layer 2 (conv2)", "(H, W, 2)", "(5, 3, 3)"],
        ),
        ([Conv2d(weights(10, 1, 2, 1), weights(1), padding=(1, 1))], ["layer 0 (conv1)", "10 x 1", "9 x 7"]),
        ([Conv2d(weights(1, 6, 2, 1), weights(1), padding=(3, 0))], ["layer 0 (conv1)", "1 x 6", "13 x 5"]),
        ([MaxPool2d((2, 6))], ["layer 0 (pool1)", "2 x 6", "7 x 5"]),
        ([Flatten(), MaxPool2d(2)], ["layer 1 (pool1)", "(70,)", "Flatten"]),
        ([Flatten(), Conv2d(weights(1, 1, 70, 1), weights(1))], ["layer 1 (conv1)", "(70,)", "Flatten"]),
        ([Flatten(), Linear(weights(71, 4), weights(4))], ["layer 1 (linear1)", "71", "70"]),
        (
            [Flatten(), Linear(weights(70, 4), weights(4)), ReLU(), Linear(weights(5, 4), weights(4))],
            ["layer 3 (linear2)", "5", "4"],
        ),
    ],
)
def test_layers_that_do_not_fit_are_refused_when_the_network_is_made(layers: list[Layer], says: list[str]) -> None:
    message = refusal_of(layers)
    for words in [*says, "got"]:
        assert words in message


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ([ReLU()], "(7, 5, 2)"),
        ([Conv2d(weights(3, 3, 2, 3), weights(3))], "(5, 3, 3)"),
        ([Flatten(), Linear(weights(70, 1), weights(1))], "(1,)"),
    ],
)
def test_a_network_that_does_not_end_in_logits_predicts_nothing(layers: list[Layer], shape: str) -> None:
    network = Network(layers, (7, 5, 2))

    with pytest.raises(HandmadeError, match="logits") as refused:
        network.predict(np.zeros((1, 7, 5, 2)))

    assert shape in str(refused.value)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (np.zeros((7, 5, 2)), "x: expected images (N, 7, 5, 2), got (7, 5, 2). Try x[None]"),
        (np.zeros((7, 5, 2), np.uint8), "Try x[None]"),
        (np.zeros((3, 7, 5, 2), np.uint8), "expected images (N, 7, 5, 2) of floats, got uint8. Try (x / 255).astype(np.float32)"),
        (np.zeros((3, 5, 3, 1), np.uint8), "got (3, 5, 3, 1)"),
        (np.zeros((3, 7, 5, 2), np.int64), "of floats, got int64. Try np.asarray(x, np.float32)"),
        (np.zeros((3, 7, 5, 2), bool), "of floats, got bool. Try np.asarray(x, np.float32)"),
        (
            np.zeros((3, 7, 5, 2), complex),
            "expected an array of real numbers, got an array (3, 7, 5, 2) of complex128. Try x.real",
        ),
        (np.zeros((0, 7, 5, 2)), "expected images (N, 7, 5, 2), at least one, got none"),
        (np.zeros((3, 5, 7, 2)), "expected images (N, 7, 5, 2), got (3, 5, 7, 2)"),
        (np.zeros((3, 7, 5)), "got (3, 7, 5)"),
        (np.zeros((3, 70)), "got (3, 70). Try x.reshape(-1, 7, 5, 2)"),
        (np.zeros(()), "got ()"),
        ([[0.0]], "expected images (N, 7, 5, 2), got (1, 1)"),
        (None, "x: expected an array of real numbers, got None"),
    ],
)
def test_anything_but_a_batch_of_images_is_refused_with_advice(x: Array, says: str) -> None:
    network = small()
    for use in (network.forward, network.logits, network.predict, network.as_images):
        with pytest.raises(HandmadeError) as caught:
            use(x)
        assert says in str(caught.value)


@pytest.mark.parametrize(("preset", "size"), [(handmade.networks.readme, 28_298), (handmade.networks.seed, 1_101_526)])
def test_a_preset_has_as_many_weights_as_the_issue_says(preset: Callable[[np.random.Generator], Network], size: int) -> None:
    assert preset(rng()).size == size


def test_the_presets_are_the_pipelines_of_the_issue() -> None:
    readme, seed = handmade.networks.readme(rng()), handmade.networks.seed(rng())
    assert readme.shapes == README_SHAPES
    assert readme.names == ("conv1", "relu1", "conv2", "relu2", "pool1", "flatten1", "linear1")
    assert seed.shapes[1] == (28, 28, 32)
    assert seed.shapes[3] == (26, 26, 64)
    assert seed.shapes[-3:] == ((100,), (100,), (10,))
    assert seed.names == (*readme.names, "relu3", "linear2")


@pytest.mark.parametrize("name", ["readme", "seed"])
def test_weights_are_spread_after_he_and_biases_are_zero(name: str) -> None:
    network = getattr(handmade.networks, name)(rng(5), np.float64)
    for key, array in network.parameters().items():
        if key.endswith("b"):
            assert not array.any()
            continue
        wanted = math.sqrt(2 / (array.size // array.shape[-1]))
        # The deviation of n normal numbers strays by 1 / sqrt(2 n) of itself, their mean by wanted / sqrt(n).
        assert array.std() == pytest.approx(wanted, rel=5 / math.sqrt(2 * array.size))
        assert abs(array.mean()) < 5 * wanted / math.sqrt(array.size)


def test_the_spread_is_known_to_a_few_per_cent_where_weights_are_many() -> None:
    array = handmade.networks.seed(rng(6)).parameters()["6.W"]
    assert float(array.std()) == pytest.approx(math.sqrt(2 / 10816), rel=0.01)


def test_the_same_seed_makes_the_same_network_and_another_seed_another_one() -> None:
    one, same, other = (handmade.networks.readme(rng(seed)).parameters() for seed in (1, 1, 2))
    for name, array in one.items():
        np.testing.assert_array_equal(array, same[name], strict=True)
        assert name.endswith("b") or not np.array_equal(array, other[name])


def test_a_network_in_float32_is_the_one_in_float64_rounded() -> None:
    single, double = (handmade.networks.readme(rng(1), dtype) for dtype in (np.float32, np.float64))
    assert single.dtype == np.dtype(np.float32)
    assert double.dtype == np.dtype(np.float64)
    for name, array in double.parameters().items():
        np.testing.assert_array_equal(single.parameters()[name], array.astype(np.float32), strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_the_weights_is_that_of_every_activation(dtype: type[np.floating]) -> None:
    network = handmade.networks.readme(rng(), dtype)
    tape = network.forward(rng(1).random((2, 30, 30, 1)).astype(dtype))
    assert {activation.dtype for activation in tape} == {np.dtype(dtype)}


def test_no_pass_remembers_the_weights_of_the_one_before() -> None:
    network = handmade.networks.deep(np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((9, 30, 30, 1)).astype(np.float32)
    before = network.logits(x)
    for array in network.parameters().values():
        np.multiply(array, 1.5, out=array)  # in place, behind the back of a value that is frozen

    after = network.logits(x)

    assert np.abs(after - before).max() > 0.1
    np.testing.assert_array_equal(after, network.replace({}).logits(x))
