"""Layers of one's own: a subclass with other equations is right everywhere, a new layer is one class, others are adapted."""

import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import handmade
import laws
from cases import Case
from handmade import Conv2d, Flatten, HandmadeError, Linear, MaxPool2d, Network, ReLU
from handmade.doctor import arithmetic
from handmade.engine.arrays import Array
from handmade.engine.check import check, check_layer
from handmade.engine.description import build, describe
from handmade.engine.gradients import backprop, definition, difference
from handmade.engine.layers import KINDS, Add, Layer, register, rule
from handmade.engine.layers.adapter import Adapter
from handmade.engine.layers.registry import _RULES

pytestmark = pytest.mark.usefixtures("backend")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def batch(count: int = 3) -> tuple[Array, Array]:
    return rng(1).standard_normal((count, 5, 6, 2)), rng(2).integers(0, 3, count)


def conv() -> Conv2d:
    return Conv2d(rng(3).standard_normal((2, 2, 2, 3)) / 3, 0.1 * rng(4).standard_normal(3))


def assert_three_ways(network: Network, h: float = 1e-3) -> None:
    x, y = batch()
    _, wanted = definition(network, x, y, h=h)
    _, quotients = difference(network, x, y, h=h)
    _, limit = difference(network, x, y, h=1e-30)
    _, derivative = backprop(network, x, y)
    for name, array in wanted.items():
        np.testing.assert_allclose(quotients[name], array, rtol=0, atol=1e-10)
        np.testing.assert_allclose(limit[name], derivative[name], rtol=0, atol=1e-10)
    assert check(network, x, y, tries=2).bugs == 0


# --- subclasses with other equations ------------------------------------------------------------------------------------------


class Doubled(Linear):
    """y = 2 (x W + b): forward, delta and backward overridden, consistently, and nothing else."""

    def forward(self, x: Array) -> Array:
        return 2 * super().forward(x)

    def delta(self, x: Array, dx: Array, channel: slice = slice(None)) -> Array:
        return 2 * super().delta(x, dx, channel)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return super().backward(x, 2 * gy)


class Slanted(ReLU):
    """y = max(x, x / 8), with a delta that knows neither channels nor many nudges."""

    def forward(self, x: Array) -> Array:
        return np.maximum(x, x / 8)

    def delta(self, x: Array, dx: Array) -> Array:  # type: ignore[override]  # that is the point
        assert dx.shape == x.shape
        return super().delta(x, dx) * 0.875 + dx * 0.125

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return gy * np.where(x > 0, 1, 0.125), {}


class Raised(MaxPool2d):
    """Twice the largest number of a window: it must not be taken for the pool itself."""

    def _plain(self) -> MaxPool2d:
        return MaxPool2d(self.window, self.stride, self.padding)

    def forward(self, x: Array) -> Array:
        return 2 * self._plain().forward(x)

    def delta(self, x: Array, dx: Array, channel: slice = slice(None)) -> Array:
        return 2 * self._plain().delta(x, dx, channel)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return self._plain().backward(x, 2 * gy)


class Squared(Conv2d):
    """Filters that are squared before they are applied: no longer linear in the weights."""

    def _plain(self) -> Conv2d:
        return Conv2d(self.W**2, self.b, self.stride, self.padding, self.dilation, self.groups)

    def forward(self, x: Array) -> Array:
        return self._plain().forward(x)

    def delta(self, x: Array, dx: Array, channel: slice = slice(None)) -> Array:
        return self._plain().delta(x, dx, channel)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        gx, g = self._plain().backward(x, gy)
        return gx, {"W": 2 * self.W * g["W"], "b": g["b"]}


def subclassed() -> dict[str, list[Any]]:
    draw = rng(5)
    W, b = draw.standard_normal((60, 4)) / 8, 0.1 * draw.standard_normal(4)
    end = Linear(draw.standard_normal((4, 3)), np.zeros(3))
    return {
        "a linear layer": [conv(), ReLU(), Flatten(), Doubled(W, b), ReLU(), end],
        "a linear layer at the end": [conv(), ReLU(), Flatten(), Linear(W, b), ReLU(), Doubled(end.W, end.b)],
        "a relu": [conv(), Slanted(), Flatten(), Linear(W, b), Slanted(), end],
        "a pool": [conv(), ReLU(), Raised(2, 1), Flatten(), Linear(W[:36], b), ReLU(), end],
        "a convolution": [Squared(conv().W, conv().b), ReLU(), MaxPool2d(2, 1), Flatten(), Linear(W[:36], b), ReLU(), end],
    }


@pytest.mark.parametrize("name", subclassed())
def test_a_subclass_with_its_own_equations_is_right_everywhere(name: str) -> None:
    assert_three_ways(Network(subclassed()[name], (5, 6, 2)))


def test_the_difference_quotients_of_a_doubled_layer_are_not_halved() -> None:
    """A shortcut of its parent tells of its parent: it must not be inherited."""
    W, b = rng(6).standard_normal((60, 3)), np.zeros(3)
    x, y = batch()
    plain, doubled = (Network([Flatten(), layer], (5, 6, 2)) for layer in (Linear(2 * W, 2 * b), Doubled(W, b)))
    _, once = difference(plain, x, y, h=1e-30)
    _, twice = difference(doubled, x, y, h=1e-30)
    for key, array in once.items():
        np.testing.assert_allclose(twice[key], 2 * array, rtol=1e-12, atol=1e-13)
    assert check_layer(Doubled(W, b), x.reshape(3, -1)).ok
    assert check(doubled, x, y).verdict == "agree"


def test_no_rule_is_inherited() -> None:
    for kind in (Doubled, Slanted, Raised, Squared):
        assert kind not in _RULES
    assert rule(Linear(np.ones((2, 2)), np.ones(2)), "nudges") is not None
    assert rule(Doubled(np.ones((2, 2)), np.ones(2)), "nudges") is None


def test_arithmetic_is_counted_for_a_network_with_branches() -> None:
    residual = handmade.Residual([Conv2d.init(rng(), 2, 2, 3, padding=1)], [Conv2d.init(rng(), 2, 2, 1)])
    network = Network([residual, Flatten(), Linear.init(rng(), 60, 3)], (5, 6, 2))
    products = 30 * 9 * 4, 30 * 4, 180
    assert arithmetic.forward(network) == 2 * sum(products)
    assert arithmetic.backprop(network) == 6 * sum(products) - 2 * products[0]
    assert arithmetic.difference(network) == 2 * sum(products) + (38 + 6) * 2 * 180 // 2


# --- a new layer: a class, an entry in the table, a case ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Softplus(Layer):
    """y = log(1 + exp(a x)) / a.

    delta     dy = log1p(expm1(a dx) / (1 + exp(-a x))) / a
    backward  gx = gy / (1 + exp(-a x))
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("sharpness",)

    sharpness: float = 1.0

    def forward(self, x: Array) -> Array:
        y: Array = np.logaddexp(0, self.sharpness * x) / self.sharpness
        return y

    def delta(self, x: Array, dx: Array) -> Array:
        a = self.sharpness
        dy: Array = np.log1p(np.expm1(a * dx) / (1 + np.exp(-a * x))) / a
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return gy / (1 + np.exp(-self.sharpness * x)), {}


@pytest.fixture
def _registered() -> Any:
    register(Softplus)
    yield
    del KINDS["Softplus"], _RULES[Softplus]


@pytest.mark.usefixtures("_registered")
def test_a_new_layer_is_one_class_and_one_entry(tmp_path: Path) -> None:
    case = Case(Softplus(2.0), (3, 4, 3, 2), lambda x, _: np.vectorize(lambda v: np.logaddexp(0, 2 * v) / 2)(x), 4)
    laws.check_reference(case, rng().standard_normal(case.shape))
    laws.check_images(case, rng().standard_normal(case.shape), rng(1))
    assert check_layer(case.layer, rng().standard_normal(case.shape)).ok

    description = {
        "input": [5, 6, 2],
        "layers": [
            *({"layer": "Conv2d", "filters": 3, "kernel": 2}, {"layer": "Softplus", "sharpness": 2.0}),
            *({"layer": "Flatten"}, {"layer": "Linear", "units": 3}),
        ],
    }
    network = handmade.networks.described(description, rng(7), np.float64)
    assert_three_ways(network)
    assert json.loads(json.dumps(describe(network)))["layers"][1] == {"layer": "Softplus", "sharpness": 2.0}
    network.save(tmp_path / "model")
    loaded = handmade.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.logits(batch()[0]), network.logits(batch()[0]))
    with pytest.raises(HandmadeError, match="expected the settings sharpness; got 'sharp'"):
        build(description | {"layers": [{"layer": "Softplus", "sharp": 1}]}, rng())
    with pytest.raises(HandmadeError, match="softplus1: expected Softplus to have a method receipt; it has none"):
        handmade.explain(network, batch()[0][0], "softplus1[0,0,0]")


def test_the_defaults_are_facts_that_hold_for_most_layers() -> None:
    layer = Softplus()
    assert layer.parameters() == layer.statistics() == {}
    assert layer.output_shape((3, 4, 2)) == (3, 4, 2)
    assert layer.in_training(3, (2,), rng()) is layer.for_images(slice(1)) is layer
    assert not layer.mixes_batch
    assert not layer.joins
    assert layer.images is None
    assert layer.kind == "Softplus"
    assert layer.settings() == {"sharpness": 1.0}


def test_the_equations_are_required() -> None:
    class Nothing(Layer):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Nothing()  # type: ignore[abstract]  # that is the point


def test_a_join_of_ones_own_needs_nothing_but_its_equations() -> None:
    class Difference(Add):
        """y = a - b."""

        def forward(self, x: tuple[Array, ...]) -> Array:
            y: Array = x[0] - x[1]
            return y

        def delta(self, x: tuple[Array, ...], dx: tuple[Array, ...]) -> Array:
            dy: Array = dx[0] - dx[1]
            return dy

        def backward(self, x: tuple[Array, ...], gy: Array) -> tuple[tuple[Array, ...], dict[str, Array]]:
            return (gy, -gy), {}

    W, b = rng(5).standard_normal((60, 3)) / 8, np.zeros(3)
    nodes = [conv(), ReLU(), handmade.Node("d", Difference(), ["conv1", "relu1"]), Flatten(), Linear(W, b)]
    assert_three_ways(Network(nodes, (5, 6, 2)))


# --- layers of other people ---------------------------------------------------------------------------------------------------


class Theirs:
    """The usual stateful style: backward(gy) after a forward, gradients left in a dict."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self.W = rng(8).standard_normal((inputs, outputs)) / np.sqrt(inputs)
        self.b = 0.1 * rng(9).standard_normal(outputs)
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        self.x = x
        y: Array = x @ self.W + self.b
        return y

    def backward(self, gy: Array) -> Array:
        self.grads = {"W": self.x.T @ gy, "b": gy.sum(axis=0)}
        gx: Array = gy @ self.W.T
        return gx


class TheirSwish:
    def forward(self, x: Array) -> Array:
        y: Array = x / (1 + np.exp(-x))
        return y

    def backward(self, x: Array, gy: Array) -> Array:
        s = 1 / (1 + np.exp(-x))
        gx: Array = gy * (s + x * s * (1 - s))
        return gx


def foreign() -> Network:
    return Network([conv(), TheirSwish(), Flatten(), Theirs(60, 4), ReLU(), Theirs(4, 3)], (5, 6, 2))


def test_a_foreign_layer_stands_in_a_network_like_any_other() -> None:
    network, (x, y) = foreign(), batch()
    assert network.names == ("conv1", "theirswish1", "flatten1", "theirs1", "relu1", "theirs2")
    assert {name: array.shape for name, array in network.parameters().items() if name.startswith("3")} == {
        "3.W": (60, 4),
        "3.b": (4,),
    }
    _, derivative = backprop(network, x, y)
    _, quotients = difference(network, x, y, h=1e-6)
    for name, array in derivative.items():
        # what has no delta is subtracted: right to some six digits
        np.testing.assert_allclose(quotients[name], array, rtol=0, atol=1e-5)
    moved = network.replace({"3.b": np.ones(4)})
    assert moved.parameters()["3.b"].tolist() == [1, 1, 1, 1]
    assert network.parameters()["3.b"].tolist() != [1, 1, 1, 1]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(moved)).logits(x), moved.logits(x))
    single = network.replace({name: array.astype(np.float32) for name, array in network.parameters().items()})
    assert single.dtype == np.float32
    assert single.logits(x.astype(np.float32)).dtype == np.float32


def test_a_foreign_layer_learns() -> None:
    network, (x, y) = foreign(), batch(12)
    steps = [*handmade.train(network, x, y, gradient=backprop, batch_size=6, epochs=30)]
    assert steps[-1].loss < steps[0].loss / 2


def test_a_layer_of_ours_is_not_wrapped() -> None:
    relu = ReLU()
    assert Network([relu], (2, 2, 1)).layers[0] is relu
    assert isinstance(Network([TheirSwish()], (2, 2, 1)).layers[0], Adapter)


class Forgets(Doubled):
    """A layer whose backward leaves the gradient of one weight array out."""

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        gx, gradients = super().backward(x, gy)
        return gx, {"W": gradients["W"]}


class ForgetsAll(Doubled):
    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return super().backward(x, gy)[0], {}


class OfOneImage(Doubled):
    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        gx, gradients = super().backward(x, gy)
        return gx, {name: array[None] for name, array in gradients.items()}


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Forgets, "forgets1: expected Forgets.backward to return the gradient of b, (3,); got none"),
        (ForgetsAll, "forgetsall1: expected ForgetsAll.backward to return the gradient of W, (60, 3); got none"),
        (OfOneImage, "ofoneimage1: expected OfOneImage.backward to return the gradient of W, (60, 3); got the shape (1, 60, 3)"),
    ],
)
def test_a_gradient_that_backward_leaves_out_is_not_taken_for_zero(kind: type[Linear], says: str) -> None:
    network = Network([Flatten(), kind(rng(5).standard_normal((60, 3)), np.zeros(3))], (5, 6, 2))
    with pytest.raises(HandmadeError) as refused:
        backprop(network, *batch())
    assert says in str(refused.value)


def test_a_layer_that_no_description_can_hold_is_not_saved(tmp_path: Path) -> None:
    network = handmade.Network([Flatten(), Doubled(rng(5).standard_normal((60, 3)), np.zeros(3))], (5, 6, 2))
    with pytest.raises(HandmadeError) as refused:
        network.save(tmp_path / "model")
    assert "layer 1 (doubled1): expected a registered layer; got Doubled. Try" in str(refused.value)
    assert "register(Doubled)" in str(refused.value)
    assert not list(tmp_path.iterdir())
    register(Doubled)  # the advice works
    try:
        network.save(tmp_path / "model")
        loaded = handmade.load(tmp_path / "model")
        assert type(loaded.layers[1]) is Doubled
        np.testing.assert_array_equal(loaded.logits(batch()[0]), network.logits(batch()[0]))
    finally:
        del KINDS["Doubled"]


class NoBack:
    def forward(self, x: Array) -> Array:
        return x


class Fails(TheirSwish):
    def forward(self, x: Array) -> Array:
        return x * (len(x) // 0)


class Sums(TheirSwish):
    def forward(self, x: Array) -> Array:
        return np.array(x.sum())


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (3, "layer 0: expected a layer, got 3"),
        (None, "layer 0: expected a layer, got None"),
        (TheirSwish, "layer 0: expected a layer, got the class TheirSwish. Try TheirSwish()"),
        (NoBack(), "layer: expected an object with a method backward; NoBack has none"),
        (Fails(), "Fails.forward raised ZeroDivisionError for arrays of shape (2, 2, 2, 1)"),
        (Sums(), "Sums.forward: expected one output for each image; got the shape ()"),
    ],
)
def test_what_is_no_layer_is_refused_in_one_line(layer: Any, says: str) -> None:
    with pytest.raises(HandmadeError) as refused:
        Network([layer], (2, 2, 1))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
