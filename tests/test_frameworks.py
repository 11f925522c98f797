"""Layers of PyTorch and JAX as layers on NumPy arrays. Where neither is installed, fakes stand in for them."""

import copy
import dataclasses
import inspect
import subprocess
import sys
import types
from typing import Any

import numpy as np
import pytest

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.frameworks import as_layer, numpy_function

ROWS = np.random.default_rng(1).standard_normal((3, 5))


class Dense:
    def __init__(self) -> None:
        self.W = np.eye(5, 4)

    def forward(self, x: Array) -> Array:
        return x @ self.W

    def backward(self, x: Array, gy: Array) -> Any:
        return gy @ self.W.T, {"W": x.T @ gy}


def twice(x: Any) -> Any:
    return 2 * x


class FakeTensor:
    """A tensor that NumPy does not take for an array, and that takes no array of NumPy's."""

    def __init__(self, array: Array) -> None:
        self.array = array

    def __mul__(self, other: "FakeTensor") -> "FakeTensor":
        return FakeTensor(self.array * other.array)


@pytest.fixture
def fake_torch(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A module that is loaded, but cannot be worked with: what needs more than its types must fail in one line."""
    torch = types.ModuleType("torch")
    vars(torch).update(Tensor=FakeTensor, from_numpy=FakeTensor)
    monkeypatch.setitem(sys.modules, "torch", torch)
    for name in ("tensors", "torch_layers"):
        monkeypatch.setitem(sys.modules, f"handmade.frameworks.{name}", None)  # as Python marks what cannot be imported
    return torch


# --- without either library ---


@pytest.mark.parametrize("layer", [Dense(), Dense, twice, "Dense", None, object()], ids=lambda layer: str(type(layer)))
def test_what_comes_from_nowhere_else_is_left_as_it_is(layer: Any) -> None:
    assert as_layer(layer, ROWS) is layer


def test_a_function_is_left_as_it_is_where_no_library_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("torch", "jax"):
        monkeypatch.delitem(sys.modules, library, raising=False)

    assert numpy_function(twice) is twice


def test_no_library_is_imported_for_layers_of_numpy() -> None:
    code = (
        "import sys, numpy as np\n"
        "from handmade.frameworks import as_layer, numpy_function\n"
        "class Dense:\n"
        "    W = np.eye(5)\n"
        "    def forward(self, x): return x @ self.W\n"
        "    def backward(self, x, gy): return gy @ self.W\n"
        "x = np.ones((2, 5))\n"
        "as_layer(Dense(), x), as_layer(lambda x: x, x), numpy_function(np.tanh)(x)\n"
        "print(*{'torch', 'jax'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.stdout.split(), done.stderr) == ([], "")


def test_a_library_that_is_missing_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "handmade.frameworks.tensors", "handmade.frameworks.torch_layers"):
        monkeypatch.setitem(sys.modules, name, None)
    Net = type("Net", (), {"__module__": "torch.nn.modules.linear", "__call__": twice})

    with pytest.raises(HandmadeError, match=r"^Net: expected torch to be installed; got .* Try pip install torch$"):
        as_layer(Net(), ROWS)


@pytest.mark.usefixtures("fake_torch")
def test_a_layer_of_numpy_stays_one_beside_a_loaded_library() -> None:
    layer = Dense()

    assert as_layer(layer, ROWS) is layer
    assert as_layer(twice, ROWS) is twice


@pytest.mark.usefixtures("fake_torch")
@pytest.mark.parametrize(
    "hold", [lambda t: {"W": t}, lambda t: [t], lambda t: (1, {"inner": [t]}), lambda t: types.SimpleNamespace(W=t), lambda t: t]
)
def test_tensors_are_found_wherever_an_object_holds_them(hold: Any) -> None:
    layer = Dense()
    layer.W = hold(FakeTensor(layer.W))

    with pytest.raises(HandmadeError, match=r"^Dense: expected torch to be installed; got "):
        as_layer(layer, ROWS)


@pytest.mark.usefixtures("fake_torch")
def test_a_layer_of_numpy_may_hold_a_tensor_for_comparison() -> None:
    layer: Any = Dense()
    layer.reference = FakeTensor(layer.W)

    assert as_layer(layer, ROWS) is layer


@pytest.mark.usefixtures("fake_torch")
def test_a_function_is_told_by_what_it_returns() -> None:
    def square(x: Any) -> Any:
        if not isinstance(x, FakeTensor):
            raise TypeError
        return x * x

    with pytest.raises(HandmadeError, match=r"^square: expected torch to be installed; got "):
        as_layer(square, ROWS)


# --- PyTorch ---


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is not installed: its layers are not converted here")


def agrees(layer: Any, x: Array, dtype: Any = np.float64) -> dict[str, bool]:
    """Return which gradients agree with differences along a direction, x first."""
    rng = np.random.default_rng(5)
    y = np.array(layer.forward(x))
    gy = rng.standard_normal(y.shape).astype(y.dtype)
    gx, gradients = layer.backward(x, gy)
    h, close = (1e-6, 1e-7) if dtype == np.float64 else (2.0**-8, 2e-2)
    verdict = {}
    for name, g in ({"x": gx} | gradients).items():
        d = rng.standard_normal(g.shape)
        slopes = []
        for step in (h, -h):
            moved = copy.deepcopy(layer)
            if name != "x":
                moved.parameters()[name][...] += step * d
            slopes.append(float(np.vdot(gy, moved.forward(x + step * d if name == "x" else x))))
        slope = (slopes[0] - slopes[1]) / (2 * h)
        verdict[name] = bool(abs(slope - float(np.vdot(g, d))) <= close * (1 + abs(slope)))
    return verdict


def square(torch: Any, factor: float = 2.0) -> Any:
    class Square(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx: Any, gy: Any) -> Any:
            return factor * ctx.saved_tensors[0] * gy

    return Square


def scale(torch: Any) -> Any:
    class Scale(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(x: Any, factor: Any) -> Any:
            return x * factor

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004
            ctx.factor = inputs[1]

        @staticmethod
        def backward(ctx: Any, gy: Any) -> Any:
            return ctx.factor * gy, None

    return Scale


@pytest.mark.parametrize(("factor", "right"), [(2.0, True), (1.0, False), (2.001, False)])
def test_an_autograd_function_is_checked_with_its_own_backward(torch: Any, factor: float, right: bool) -> None:  # noqa: FBT001
    layer = as_layer(square(torch, factor), ROWS)

    assert (layer.name, type(layer).__name__, layer.parameters()) == ("Square", "Square", {})
    assert agrees(layer, ROWS) == {"x": right}
    assert as_layer(square(torch).apply, ROWS).name == "Square"


def test_a_function_of_more_than_x_says_how_to_be_wrapped(torch: Any) -> None:
    Scale = scale(torch)

    with pytest.raises(
        HandmadeError, match=r"^Scale: expected one input, x; it takes factor too\. Try lambda x: Scale\.apply\(x, f"
    ):
        as_layer(Scale, ROWS)
    assert agrees(as_layer(lambda x: Scale.apply(x, 3.0), ROWS), ROWS) == {"x": True}


def test_what_has_no_gradient_has_a_gradient_of_zero(torch: Any) -> None:
    class Step(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:  # noqa: ARG004
            return (x > 0).to(x.dtype)

        @staticmethod
        def backward(ctx: Any, gy: Any) -> None:  # noqa: ARG004
            return None

    gx, _ = as_layer(Step, ROWS).backward(ROWS, np.ones_like(ROWS))
    gone, _ = as_layer(lambda x: torch.tanh(x).detach(), ROWS).backward(ROWS, np.ones_like(ROWS))

    assert not np.any(gx)
    assert not np.any(gone)


def test_a_module_computes_in_float64_and_shares_its_weights(torch: Any) -> None:
    module = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3))
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    layer = as_layer(module, ROWS)
    weights = layer.parameters()

    assert list(weights) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert all(array.dtype == np.float64 and array is layer.parameters()[name] for name, array in weights.items())
    assert agrees(layer, ROWS) == dict.fromkeys(["x", *weights], True)
    y = layer.forward(ROWS)
    weights["2.bias"] += 1.0
    np.testing.assert_allclose(layer.forward(ROWS), y + 1.0, atol=1e-12)
    assert all(torch.equal(p, before[name]) and p.dtype == torch.float32 for name, p in module.named_parameters())
    assert all(p.grad is None for p in module.parameters())


def test_a_copy_has_weights_of_its_own(torch: Any) -> None:
    layer = as_layer(torch.nn.Linear(5, 4), ROWS)
    other, weights = copy.deepcopy((layer, layer.parameters()))
    y = layer.forward(ROWS)

    assert weights["bias"] is other.parameters()["bias"]  # who holds both holds them together afterwards
    weights["bias"] += 1.0
    np.testing.assert_array_equal(layer.forward(ROWS), y)
    np.testing.assert_allclose(other.forward(ROWS), y + 1.0, atol=1e-12)
    weights, other = copy.deepcopy((layer.parameters(), layer))
    weights["bias"] += 1.0
    np.testing.assert_allclose(other.forward(ROWS), y + 1.0, atol=1e-12)


def test_a_wrong_function_within_a_module_is_seen(torch: Any) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.before, self.after = torch.nn.Linear(5, 4), torch.nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            return self.after(square(torch, 1.0).apply(self.before(x)))

    assert agrees(as_layer(Net(), ROWS), ROWS) == {
        "x": False,
        "before.weight": False,
        "before.bias": False,
        "after.weight": True,
        "after.bias": True,
    }


def test_random_numbers_and_statistics_are_the_same_in_each_call(torch: Any) -> None:
    images = np.random.default_rng(2).standard_normal((3, 2, 5, 4))
    module = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Dropout(0.4))
    layer = as_layer(module, images)
    state = torch.get_rng_state()
    y = np.array(layer.forward(images))

    np.testing.assert_array_equal(layer.forward(images), y)
    assert (y == 0).any()  # the module is in training, as it came
    assert agrees(layer, images) == dict.fromkeys(["x", *layer.parameters()], True)
    assert torch.equal(torch.get_rng_state(), state)
    assert int(module[1].num_batches_tracked) == 0
    assert np.all(as_layer(module.eval(), images).forward(images) != 0)


def test_a_module_that_refuses_float64_computes_in_its_own_dtype(torch: Any) -> None:
    class Single(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Linear(5, 4)

        def forward(self, x: Any) -> Any:
            if x.dtype != torch.float32:
                raise TypeError("float32 only")
            return self.inner(x)

    layer = as_layer(Single(), ROWS)

    assert layer.notes == ("computed in float32: Single does not accept float64 (TypeError: float32 only)",)
    assert layer.forward(ROWS).dtype == np.float32
    assert agrees(layer, ROWS, np.float32) == {"x": True, "inner.weight": True, "inner.bias": True}
    assert as_layer(torch.nn.Linear(5, 4), ROWS, dtype=np.float32).forward(ROWS).dtype == np.float32
    with pytest.raises(
        HandmadeError, match=r"^Single: expected a layer for x of shape \(3, 5\); it fails: TypeError: float32 only$"
    ):
        as_layer(Single(), ROWS, dtype=np.float64)


def test_modules_of_many_kinds_are_not_accused(torch: Any) -> None:
    rng = np.random.default_rng(3)
    sequences, images = rng.standard_normal((3, 4, 6)), rng.standard_normal((2, 4, 5, 6))
    tied = torch.nn.Sequential(torch.nn.Linear(5, 5), torch.nn.Tanh(), torch.nn.Linear(5, 5))
    tied[2].weight = tied[0].weight

    class Complex(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.W = torch.nn.Parameter(torch.randn(5, 4, dtype=torch.complex64))

        def forward(self, x: Any) -> Any:
            return (x.to(self.W.dtype) @ self.W) ** 2

    nn, normed = torch.nn, torch.nn.utils.parametrizations.weight_norm
    cases = [
        (nn.Sequential(nn.ReLU(inplace=True), nn.Linear(5, 4)), ROWS),
        (nn.LazyLinear(3), ROWS),
        (tied, ROWS),
        (normed(nn.Linear(5, 3)), ROWS),
        (nn.GRU(6, 2, batch_first=True), sequences),
        (nn.TransformerEncoderLayer(6, 2, 4, batch_first=True), sequences),
        (nn.Sequential(nn.Conv2d(4, 4, (3, 2), 2, 1, groups=2), nn.GroupNorm(2, 4), nn.GELU()), images),
        (Complex(), ROWS),
    ]
    for module, x in cases:
        layer = as_layer(module, x)
        assert agrees(layer, x) == dict.fromkeys(["x", *layer.parameters()], True), module


def test_frozen_weights_are_no_weights_and_whole_numbers_have_no_gradient(torch: Any) -> None:
    module = torch.nn.Linear(5, 4)
    module.weight.requires_grad_(requires_grad=False)
    layer = as_layer(module, ROWS)
    words = np.array([[1, 2], [0, 2]])
    embedding = as_layer(torch.nn.Embedding(3, 4), words)
    gx, gradients = embedding.backward(words, np.ones((2, 2, 4)))

    assert list(layer.parameters()) == ["bias"]
    assert layer.notes == ("frozen, not compared: weight",)
    assert gx is None
    np.testing.assert_array_equal(gradients["weight"][:, 0], [1, 1, 2])


def test_strides_reach_the_module_and_writing_to_x_is_seen(torch: Any) -> None:
    strides: list[Any] = []

    class Look(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            strides.append(x.stride())
            return 2 * x

    class Careless(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:  # noqa: ARG004
            x *= 2
            return x.clone()

        @staticmethod
        def backward(ctx: Any, gy: Any) -> Any:  # noqa: ARG004
            return 2 * gy

    wide = np.arange(24.0).reshape(4, 6)
    for x in (wide.T, wide[:, ::2], wide[::-1], np.broadcast_to(wide[0], (4, 6))):
        as_layer(Look(), x).forward(x)
    x = ROWS.copy()
    as_layer(Careless, ROWS).forward(x)

    assert [strides[n] for n in range(2, len(strides), 3)] == [(1, 6), (6, 2), (6, 1), (6, 1)]
    np.testing.assert_array_equal(x, 2 * ROWS)


def test_modules_that_cannot_be_copied_as_they_are_are_converted(torch: Any) -> None:
    class Remembers(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.module = torch.nn.Linear(5, 2), sys

        def forward(self, x: Any) -> Any:
            self.last = self.inner(x)  # with its graph, which PyTorch does not copy
            return self.last

    module = Remembers()
    module(torch.ones(1, 5))
    layer = as_layer(module, ROWS)
    layer.forward(ROWS)

    assert agrees(copy.deepcopy(layer), ROWS) == {"x": True, "inner.weight": True, "inner.bias": True}


def test_errors_of_modules_are_one_line(torch: Any) -> None:
    class Plain:
        def __init__(self) -> None:
            self.W = torch.ones(5, 2)

        def __call__(self, x: Any) -> Any:
            return x @ self.W

    with pytest.raises(
        HandmadeError, match=r"^Linear: expected a layer for x of shape \(3, 5\); it fails: RuntimeError: mat1 and mat2"
    ):
        as_layer(torch.nn.Linear(4, 3), ROWS)
    with pytest.raises(HandmadeError, match=r"^Plain: expected a backward, or a torch\.nn\.Module .*; got neither$"):
        as_layer(Plain(), ROWS)
    with pytest.raises(HandmadeError, match=r"^Linear: expected a module object; got its class\. Try Linear\(\.\.\.\)$"):
        as_layer(torch.nn.Linear, ROWS)


# --- objects that compute by hand ---


def by_hand(make: Any, tanh: Any) -> Any:
    """A layer as a student writes it, in the arrays of a library."""

    class Hand:
        slope = 0.5

        def __init__(self) -> None:
            rng = np.random.default_rng(4)
            self.params = {"W": make(rng.standard_normal((5, 4)))}
            self.b = make(rng.standard_normal(4))
            self.grads: Any = {}

        def forward(self, x: Any, training: bool = False) -> Any:  # noqa: FBT001, FBT002
            self.x, self.y = x, tanh(x @ self.params["W"] + self.b)
            return self.slope * self.y

        def backward(self, grad_output: Any) -> Any:
            gz = self.slope * grad_output * (1 - self.y**2)
            self.grads["W"], self.db = self.x.T @ gz, gz.sum(0)
            return gz @ self.params["W"].T

    return Hand()


@pytest.fixture(params=["torch", "jax"])
def hand(request: pytest.FixtureRequest) -> Any:
    library = pytest.importorskip(request.param, reason=f"{request.param} is not installed: its arrays are not converted here")
    if request.param == "torch":
        return by_hand(lambda array: library.tensor(array, dtype=library.float32), library.tanh)
    numpy = pytest.importorskip("jax.numpy")
    return by_hand(lambda array: numpy.array(array, numpy.float32), numpy.tanh)


def test_an_object_by_hand_keeps_its_ways_in_numpy(hand: Any) -> None:
    layer = as_layer(hand, ROWS)
    y = layer.forward(ROWS)
    gx = layer.backward(np.ones_like(y))

    assert type(layer).__name__ == "Hand"
    assert str(inspect.signature(layer.backward)).startswith("(grad_output")
    assert {type(array) for array in (y, gx, layer.params["W"], layer.b, layer.grads["W"], layer.db, layer.x)} == {np.ndarray}
    assert {array.dtype for array in (y, gx, layer.params["W"], layer.b)} == {np.dtype(np.float64)}
    np.testing.assert_allclose(layer.db, (0.5 - 2 * y**2).sum(0), rtol=1e-6)
    W = layer.params["W"]
    layer.forward(ROWS)
    assert layer.params["W"] is W
    assert hand.b.dtype != np.float64  # the one given is left as it is
    assert not hand.grads


def test_arrays_of_an_object_by_hand_can_be_written_to_and_replaced(hand: Any) -> None:
    layer = as_layer(hand, ROWS)
    W = np.array(layer.params["W"])
    layer.b[...] = 0.25
    np.testing.assert_allclose(layer.forward(ROWS), 0.5 * np.tanh(ROWS @ W + 0.25), atol=1e-12)
    layer.b = np.zeros(4)
    layer.slope = 2.0
    np.testing.assert_allclose(layer.forward(ROWS), 2 * np.tanh(ROWS @ W), atol=1e-12)
    other, b = copy.deepcopy((layer, layer.b))
    assert b is other.b
    b += 1.0
    other.params["W"] *= 0
    np.testing.assert_allclose(other.forward(ROWS), 2 * np.tanh(1 + 0 * ROWS[:, :4]), atol=1e-12)
    np.testing.assert_allclose(layer.forward(ROWS), 2 * np.tanh(ROWS @ W), atol=1e-12)


def test_an_object_by_hand_without_weights_is_told_by_what_it_takes(torch: Any) -> None:
    class Relu:
        def forward(self, x: Any) -> Any:
            self.on = x > 0
            return torch.clamp(x, min=0)

        def backward(self, gy: Any) -> Any:
            return gy * self.on

    layer = as_layer(Relu(), ROWS)

    assert isinstance(layer.forward(ROWS), np.ndarray)
    np.testing.assert_array_equal(layer.backward(np.ones_like(ROWS)), ROWS > 0)


def test_a_gradient_of_a_tensor_is_shown_beside_it(torch: Any) -> None:
    class Scale:
        def __init__(self) -> None:
            self.W = torch.ones(5)

        def forward(self, x: Any) -> Any:
            return x * self.W

        def backward(self, x: Any, gy: Any) -> Any:
            self.W.grad = (x * gy).sum(0)
            return gy * self.W

    layer = as_layer(Scale(), ROWS)
    layer.backward(ROWS, np.ones_like(ROWS))

    np.testing.assert_allclose(layer.grad_W, ROWS.sum(0))


def test_tensors_of_a_class_a_slot_and_a_nested_module_are_attributes(torch: Any) -> None:
    class Held:
        __slots__ = ("weight",)
        weight: Any

    class Sum:
        W = torch.ones(5, 4)

        def __init__(self) -> None:
            self.linear, self.held, self.list = torch.nn.Linear(5, 4), Held(), (torch.full((4,), 2.0),)
            self.held.weight = torch.full((4,), 3.0)

        def forward(self, x: Any) -> Any:
            return x @ self.W + self.linear(x) + self.held.weight * self.list[0]

        def backward(self, x: Any, gy: Any) -> Any:
            return gy @ (self.W + self.linear.weight.T).T

    given = Sum()
    layer = as_layer(given.forward, ROWS)
    y = layer.forward(ROWS)
    layer.W += 1.0
    layer.linear.bias[...] += 1.0
    layer.held.weight *= 2.0
    layer.list = (layer.list[0] + 1.0,)

    np.testing.assert_allclose(layer.forward(ROWS) - y, ROWS.sum(1, keepdims=True) + 1.0 + 6.0 * 3.0 - 3.0 * 2.0 + np.zeros(4))
    assert torch.equal(Sum.W, torch.ones(5, 4))
    assert float(given.held.weight[0]) == 3.0


def test_memory_that_an_object_by_hand_shares_stays_shared(torch: Any) -> None:
    class Flat:
        def __init__(self) -> None:
            self.flat = torch.arange(24, dtype=torch.float64)
            self.W, self.b = self.flat[:20].view(5, 4), self.flat[20:]

        def forward(self, x: Any) -> Any:
            return x @ self.W + self.b

        def backward(self, x: Any, gy: Any) -> Any:
            return gy @ self.W.T, x.T @ gy, gy.sum(0)

    layer = copy.deepcopy(as_layer(Flat(), ROWS))
    y = layer.forward(ROWS)
    layer.flat[20:] += 1.0

    np.testing.assert_allclose(layer.forward(ROWS), y + 1.0)
    assert [type(g) for g in layer.backward(ROWS, y)] == [np.ndarray] * 3


def test_a_method_and_modes_of_autograd_make_no_difference(torch: Any) -> None:
    with torch.inference_mode():
        layer = copy.deepcopy(as_layer(torch.nn.Linear(5, 4).forward, ROWS))
        assert agrees(layer, ROWS) == {"x": True, "weight": True, "bias": True}
    with torch.no_grad():
        assert agrees(as_layer(square(torch), ROWS), ROWS) == {"x": True}
    threads = torch.get_num_threads()
    layer.forward(ROWS)
    assert torch.get_num_threads() == threads


# --- JAX ---


@pytest.fixture
def jax() -> Any:
    return pytest.importorskip("jax", reason="JAX is not installed: its functions are not converted here")


@pytest.mark.parametrize(("factor", "right"), [(2.0, True), (1.0, False), (2.001, False)])
def test_a_custom_vjp_is_checked(jax: Any, factor: float, right: bool) -> None:  # noqa: FBT001
    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def square(x: Any) -> Any:
        return x**2

    square.defvjp(lambda x: (x**2, x), lambda x, gy: (factor * x * gy,))
    layer = as_layer(square, ROWS)

    assert (layer.name, type(layer).__name__) == ("square", "square")
    assert agrees(layer, ROWS) == {"x": right}
    assert agrees(as_layer(jax.jit(square), ROWS), ROWS) == {"x": right}
    assert jax.numpy.zeros(1).dtype == np.float32  # the setting of 64 bits is the user's own


def test_functions_of_jax_of_many_kinds(jax: Any) -> None:
    numpy = jax.numpy
    W = numpy.ones((5, 2))
    functions = [
        numpy.tanh,
        lambda x: numpy.tanh(x) @ W,
        lambda x: (x @ W, {"more": numpy.sin(x)}, x > 0),
        lambda x: x.at[0].set(1.0) ** 2,
        lambda x: numpy.exp(1j * x),
    ]
    for function in functions:
        layer = as_layer(function, ROWS)
        assert agrees(layer, ROWS) == {"x": True}
        assert layer.forward(ROWS).dtype == np.float64
    assert as_layer(functions[1], ROWS).notes == ("only x is compared: W, from outside <lambda>, are constants",)
    assert as_layer(numpy.tanh, ROWS, dtype=np.float32).forward(ROWS).dtype == np.float32
    with pytest.raises(HandmadeError, match=r"^<lambda>: expected a .* of x of shape \(3, 5\); it fails: TypeError: "):
        as_layer(lambda x: numpy.tanh(x) @ numpy.ones(4), ROWS)


def test_a_custom_vjp_that_refuses_float64_computes_in_float32(jax: Any) -> None:
    def only_single(x: Any) -> Any:
        if x.dtype != np.float32:
            raise TypeError("float32 only")
        return x

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def square(x: Any) -> Any:
        return x**2

    square.defvjp(lambda x: (x**2, x), lambda x, gy: (2 * only_single(x) * gy,))
    layer = as_layer(square, ROWS)

    assert layer.dtype == np.float32
    assert layer.notes[0].startswith("computed in float32: square does not accept float64 (")
    assert agrees(layer, ROWS, np.float32) == {"x": True}


def test_arrays_of_an_object_that_is_called_are_weights(jax: Any) -> None:
    class Net:
        def __init__(self) -> None:
            self.params = [{"W": jax.numpy.ones((5, 4))}, jax.numpy.arange(4.0)]

        def __call__(self, x: Any) -> Any:
            return jax.numpy.tanh(x @ self.params[0]["W"] + self.params[1])

    layer = as_layer(Net(), ROWS)
    other, weights = copy.deepcopy((layer, layer.parameters()))

    assert list(layer.parameters()) == ["params.0.W", "params.1"]
    assert agrees(layer, ROWS) == {"x": True, "params.0.W": True, "params.1": True}
    weights["params.1"] += 50.0
    np.testing.assert_allclose(other.forward(ROWS), 1.0)


def test_a_frozen_object_of_jax_can_be_moved(jax: Any) -> None:
    @dataclasses.dataclass(frozen=True)
    class Dense:
        W: Any

        def forward(self, x: Any) -> Any:
            return x @ self.W

        def backward(self, x: Any, gy: Any) -> Any:
            return gy @ self.W.T, {"W": x.T @ gy}

    layer = as_layer(Dense(jax.numpy.ones((5, 4))), ROWS)
    layer.W[0] += 1.0
    y = layer.forward(ROWS)
    gx, gradients = layer.backward(ROWS, np.ones_like(y))

    np.testing.assert_allclose(y, ROWS @ layer.W)
    np.testing.assert_allclose(gx, np.ones_like(y) @ layer.W.T)
    np.testing.assert_allclose(gradients["W"], ROWS.T @ np.ones_like(y))


# --- functions ---


@pytest.mark.parametrize("library", ["torch", "jax.numpy"])
def test_functions_of_a_library_are_functions_of_numpy(library: str) -> None:
    module = pytest.importorskip(library, reason=f"{library} is not installed: its functions are not converted here")

    def forward(x: Any) -> Any:
        y = module.tanh(x)
        return y, {"y": y, "name": "tanh"}

    def vjp(gy: Any, cache: Any) -> Any:
        return (gy * (1 - module.square(cache["y"])),)

    y, cache = numpy_function(forward)(ROWS)
    (gx,) = numpy_function(vjp)(np.ones_like(y), cache)

    assert {type(y), type(cache["y"]), type(gx)} == {np.ndarray}
    assert cache["name"] == "tanh"
    assert list(inspect.signature(numpy_function(vjp)).parameters) == ["gy", "cache"]
    np.testing.assert_allclose(y, np.tanh(ROWS), rtol=1e-14)
    np.testing.assert_allclose(gx, 1 - np.tanh(ROWS) ** 2, rtol=1e-13)
    np.testing.assert_array_equal(numpy_function(twice)(ROWS), 2 * ROWS)


@pytest.mark.usefixtures("torch")
def test_an_error_within_a_function_is_not_hidden() -> None:
    def refuses(x: Any) -> Any:
        raise KeyError(f"of its own, {x[0, 0]}")

    with pytest.raises(KeyError, match="of its own"):
        numpy_function(refuses)(ROWS)
