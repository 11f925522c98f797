"""Kinds of layers on which a checker of gradients can fail, one test each: what it must not pass, accuse, misname or crash on."""

import json
import threading
from collections import deque, namedtuple
from typing import Any

import numpy as np
import pytest

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.gradients import check_function, check_layer

X = np.random.default_rng(1).standard_normal((3, 5))
W = np.random.default_rng(3).standard_normal((5, 4))
Pair = namedtuple("Pair", "W b")  # noqa: PYI024  as people write it


def layer(**members: Any) -> Any:
    """Return a linear layer with other members: functions of the class, values of the object."""
    held = {"W": W.copy(), "b": np.zeros(4)} | {name: value for name, value in members.items() if not callable(value)}
    methods = {"forward": _forward, "backward": _backward} | {name: each for name, each in members.items() if callable(each)}
    made = type("Layer", (), methods)()
    made.__dict__ |= held
    return made


def _forward(self: Any, x: Array) -> Array:
    self.x = x
    return np.asarray(x @ self.W + self.b)


def _backward(self: Any, gy: Array) -> Array:
    self.dW, self.db = self.x.T @ gy, gy.sum(axis=0)
    return np.asarray(gy @ self.W.T)


def names_of(report: Any) -> set[str]:
    return {finding.name for finding in report.findings}


# --- it passes nothing that it did not compare ---


class Held:
    """A linear layer whose weights lie somewhere, and whose gradients lie there, too, but for a factor."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def weights(self) -> tuple[Any, Any]:
        raise NotImplementedError

    def keep(self, gW: Array, gb: Array) -> None:
        raise NotImplementedError

    def forward(self, x: Array) -> Array:
        self.x = x
        weight, bias = self.weights()
        return np.asarray(x @ weight + bias)

    def backward(self, gy: Array) -> Array:
        self.keep(self.factor * (self.x.T @ gy), gy.sum(axis=0))
        return np.asarray(gy @ self.weights()[0].T)


class InTupleBesideNames(Held):
    def __init__(self, factor: float = 1.0) -> None:
        super().__init__(factor)
        self.W, self.b = W.copy(), np.zeros(4)
        self.params = (self.W, self.b)

    def weights(self) -> tuple[Any, Any]:
        return self.params

    def keep(self, gW: Array, gb: Array) -> None:
        self.grads = (gW, gb)


class Private(Held):
    def __init__(self, factor: float = 1.0) -> None:
        super().__init__(factor)
        self._W, self._b = W.copy(), np.zeros(4)

    def weights(self) -> tuple[Any, Any]:
        return self._W, self._b

    def keep(self, gW: Array, gb: Array) -> None:
        self._dW, self._db = gW, gb


class InNamedTuple(Held):
    def __init__(self, factor: float = 1.0) -> None:
        super().__init__(factor)
        self.p = Pair(W[:, :1].copy(), 0.5)

    def weights(self) -> tuple[Any, Any]:
        return self.p

    def keep(self, gW: Array, gb: Array) -> None:
        self.grads = {"W": gW, "b": float(self.factor * gb.sum())}


class InInt(Held):
    def __init__(self, factor: float = 1.0) -> None:
        super().__init__(factor)
        self.W, self.b = np.arange(20).reshape(5, 4), np.zeros(4, int)

    def weights(self) -> tuple[Any, Any]:
        return self.W, self.b

    def keep(self, gW: Array, gb: Array) -> None:
        self.dW, self.db = gW, gb


class VeryDeep(Held):
    """Five containers within one another, beside a long list of words."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__(factor)
        self.words, self.numbers = [f"word {n}" for n in range(400)], list(range(400))
        inner: Any = layer()
        for _ in range(5):
            inner = layer(W=0, b=0, layers=[inner])
        self.layers = [inner]

    @property
    def innermost(self) -> Any:
        inner: Any = self
        while hasattr(inner, "layers"):
            inner = inner.layers[0]
        return inner

    def weights(self) -> tuple[Any, Any]:
        return self.innermost.W, self.innermost.b

    def keep(self, gW: Array, gb: Array) -> None:
        self.innermost.dW, self.innermost.db = gW, gb


class OfNumbers:
    """A neuron of objects with one number each, as in a small engine of scalars; the gradients are numbers before, too."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor
        self.w = [type("Value", (), {})() for _ in range(5)]
        for n, value in enumerate(self.w):
            value.data, value.grad = float(W[n, 0]), 0.0

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.asarray(sum(x[:, n] * value.data for n, value in enumerate(self.w)))

    def backward(self, gy: Array) -> Array:
        for n, value in enumerate(self.w):
            value.grad = self.factor * float(gy @ self.x[:, n])
        return np.stack([gy * value.data for value in self.w], axis=1)


KEPT = [InTupleBesideNames, Private, InNamedTuple, InInt, VeryDeep, OfNumbers]


@pytest.mark.parametrize("kind", KEPT)
def test_weights_are_compared_wherever_they_lie(kind: Any) -> None:
    assert check_layer(kind(), X).verdict == "correct"
    assert check_layer(kind(2.0), X).verdict == "wrong"


def test_weights_in_a_deque_or_an_array_of_objects_need_a_gradient() -> None:
    held = np.empty(1, object)
    held[0] = W
    for kept in (deque([W]), held):
        only_x = layer(b=0, W=0, kept=kept, forward=lambda s, x: x @ s.kept[0], backward=lambda s, gy: gy @ s.kept[0].T)

        assert check_layer(only_x, X).verdict == "not tested"


def test_a_list_of_numbers_with_the_name_of_a_weight_is_not_passed() -> None:
    report = check_layer(
        layer(W=0, b=0, bias=[1.0, 2.0, 3.0, 4.0, 5.0], forward=lambda s, x: x + np.array(s.bias), backward=lambda _, gy: gy), X
    )

    assert report.verdict == "not tested"
    assert "bias" in report.not_compared


def test_a_missing_gradient_is_told_of() -> None:
    report = check_layer(layer(backward=lambda s, gy: (gy @ s.W.T, {"W": s.x.T @ gy})), X)

    assert (report.verdict, [*report.not_compared]) == ("not tested", ["b"])


def test_dead_and_saturated_layers_are_tested_elsewhere_or_not_passed() -> None:
    for f, vjp in (
        (np.tanh, lambda x, gy: -gy * (1 - np.tanh(x) ** 2)),
        (lambda x: np.clip(x, 0, 1), lambda x, gy: -gy * ((x > 0) & (x < 1))),
        (lambda x: np.maximum(x - 80, 0), lambda x, gy: -gy * (x > 80)),
    ):
        assert check_function(f, vjp, 40 + X).verdict == "wrong"


def test_a_centre_called_mu_is_no_statistic() -> None:
    report = check_layer(
        layer(W=0, b=0, mu=np.ones(5), forward=lambda s, x: x - s.mu, backward=lambda _, gy: gy),
        X,
    )

    assert report.verdict == "not tested"


def test_gx_from_weights_that_backward_has_updated_is_wrong() -> None:
    def backward(self: Any, gy: Array, learning_rate: float) -> Array:
        self.W -= learning_rate * self.x.T @ gy
        self.b -= learning_rate * gy.sum(axis=0)
        return np.asarray(gy @ self.W.T)

    assert check_layer(layer(backward=backward), X).verdict == "wrong"


# --- it accuses no correct layer ---


def test_indices_and_labels_are_settings() -> None:
    order = np.array([2, 0, 1, 4, 3])

    def picked(self: Any, x: Array) -> Array:
        return np.asarray(x[:, self.order])

    def given_back(self: Any, gy: Array) -> Array:
        return np.asarray(gy[:, np.argsort(self.order)])

    assert check_layer(layer(W=0, b=0, order=order, forward=picked, backward=given_back), X).verdict == "correct"


def test_a_weight_read_from_the_class_is_not_called_unused() -> None:
    class OfClass:
        W = W

        def forward(self, x: Array) -> Array:
            self.x = x
            return np.asarray(x @ OfClass.W)

        def backward(self, gy: Array) -> Array:
            self.dW = self.x.T @ gy
            return np.asarray(gy @ OfClass.W.T)

    assert check_layer(OfClass(), X).verdict == "not tested"


def test_small_slopes_and_sharp_bends_are_right() -> None:
    def unit(x: Array) -> Array:
        return np.asarray(x / np.sqrt((x**2).sum(axis=-1, keepdims=True) + 1e-12))

    def unit_vjp(x: Array, gy: Array) -> Array:
        size = np.sqrt((x**2).sum(axis=-1, keepdims=True) + 1e-12)
        return np.asarray(gy / size - x * (gy * x).sum(axis=-1, keepdims=True) / size**3)

    for f, vjp, x in (
        (lambda x: 1e5 + np.tanh(x), lambda x, gy: gy * (1 - np.tanh(x) ** 2), X),
        (lambda x: 1 / (1 + np.exp(-x)), lambda x, gy: gy * np.exp(-x) / (1 + np.exp(-x)) ** 2, 25 + X),
        (lambda x: np.tanh(1e6 * x), lambda x, gy: gy * 1e6 * (1 - np.tanh(1e6 * x) ** 2), X),
        (unit, unit_vjp, 0 * X),
    ):
        assert check_function(f, vjp, x).verdict == "correct"
    assert check_layer(layer(W=1e-5 * W, b=np.ones(4)), X).verdict == "correct"


def _undecorated(method: Any) -> Any:
    return lambda *arguments: method(*arguments)  # noqa: PLW0108  its signature hides the method's


CONVENTIONS: dict[str, dict[str, Any]] = {
    "(dout, x)": {"backward": lambda s, dout, x: (dout @ s.W.T, x.T @ dout, dout.sum(axis=0))},
    "(dout=1)": {"backward": lambda s, dout=1: _backward(s, dout)},
    "(*grads)": {"backward": lambda s, *grads: _backward(s, grads[0])},
    "a decorator": {"forward": _undecorated(_forward), "backward": _undecorated(_backward)},
    "(dout, cache)": {
        "forward": lambda s, x: (x @ s.W + s.b, (x,)),
        "backward": lambda s, dout, cache: (dout @ s.W.T, cache[0].T @ dout, dout.sum(axis=0)),
    },
    "forward(x, training)": {"forward": lambda s, x, training: _forward(s, x)},  # noqa: ARG005
    "a dict alone": {"backward": lambda s, gy: {"x": gy @ s.W.T, "W": s.x.T @ gy, "b": gy.sum(axis=0)}},
    "None, and output": {
        "forward": lambda s, inputs: s.__dict__.update(x=inputs, output=inputs @ s.W + s.b),
        "backward": lambda s, dvalues: s.__dict__.update(dinputs=_backward(s, dvalues)),
    },
}


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_conventions_are_understood(convention: str) -> None:
    assert check_layer(layer(**CONVENTIONS[convention]), X).verdict == "correct"


# --- it names no mistake that is not there ---


@pytest.mark.parametrize(
    ("f", "vjp", "allowed"),
    [
        (lambda x: np.maximum(x, -1), lambda x, gy: gy * (x > 0), {"wrong side", "condition on x"}),
        (lambda x: np.maximum(x, 0), lambda x, gy: gy * (np.roll(x, 1, -1) > 0), {"neighbour"}),
        (lambda x: np.clip(x, 0, 6), lambda x, gy: gy * (x > 0), {"condition on x", "wrong side"}),
        (np.abs, lambda x, gy: gy * x / np.abs(x), {"not finite"}),
        (np.tanh, lambda x, gy: (gy * (1 - np.tanh(x) ** 2))[::-1], {"flipped", "permuted"}),
    ],
    ids=["threshold", "neighbour", "relu6", "nan at 0", "images"],
)
def test_no_name_is_false(f: Any, vjp: Any, allowed: set[str]) -> None:
    report = check_function(f, vjp, X)

    assert report.verdict == "wrong"
    assert names_of(report) <= {"", *allowed}


def test_a_batch_norm_is_not_right_alone_because_it_has_no_slopes_there() -> None:
    def normed(x: Array) -> Array:
        return np.asarray((x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5))

    def vjp(x: Array, gy: Array) -> Array:
        z = normed(x)
        return np.asarray((gy - gy.mean(axis=0) - z * (gy * z).mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-3))

    assert names_of(check_function(normed, vjp, X)) <= {"", "epsilon"}


def test_a_corner_is_no_channel() -> None:
    def vjp(_: Array, gy: Array) -> Array:
        gx = 2 * gy
        gx[:, :, 0, 0] = 0
        return gx

    report = check_function(lambda x: 2 * x, vjp, np.random.default_rng(0).standard_normal((2, 2, 8, 7)))

    assert names_of(report) <= {"", "edge", "one place"}


# --- it misses nothing, and does not crash ---


def test_layouts_and_buffers_are_tried_in_backward() -> None:
    def misread(self: Any, gy: Array) -> Array:
        self.dW, self.db = self.x.ravel(order="K").reshape(self.x.shape).T @ gy, gy.sum(axis=0)
        return np.asarray(gy @ self.W.T)

    def buffered(self: Any, gy: Array) -> Array:
        _backward(self, gy)
        return np.asarray(np.matmul(gy, self.W.T, out=self.out)[:])

    assert names_of(check_layer(layer(backward=misread), X)) == {"layout"}
    assert names_of(check_layer(layer(backward=buffered, out=np.zeros((3, 5))), X)) == {"buffer"}


def test_modules_locks_and_generators_are_shared() -> None:
    report = check_layer(layer(library=np, lock=threading.Lock(), numbers=(n for n in range(3))), X)

    assert report.verdict == "correct"


def test_a_state_is_told_of_once_and_caches_are_no_weights() -> None:
    def forward(self: Any, x: Array) -> Array:
        self.x, self.h = x, np.tanh(x) + 0.5 * getattr(self, "h", 0.0)
        return np.asarray(self.h)

    def backward(self: Any, gy: Array) -> Array:
        return np.asarray(gy * (1 - np.tanh(self.x) ** 2))

    assert names_of(check_layer(layer(W=0, b=0, forward=forward, backward=backward), X)) == {"state"}


class NotCopied:
    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("no copies")

    def forward(self, x: Array) -> Array:
        return x

    def backward(self, gy: Array) -> Array:
        return gy


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (layer(forward=lambda _, x: None), "got NoneType"),  # noqa: ARG005
        (layer(forward=lambda _, x: [x, x[:1]]), "got list"),
        (layer(forward=lambda _, x: x.astype(object)), "got ndarray of object"),
        (layer(forward=lambda _, x: x.reshape("two\nlines")), "raised TypeError"),
        (layer(backward=lambda _: 1), r"got backward\(\)"),
        (layer(backward=lambda _, gy: "gx"), "got str"),  # noqa: ARG005
        (layer(forward=lambda _, x, y: x + y), r"got forward\(x, y\)"),
        (NotCopied(), "no copies"),
    ],
)
def test_what_cannot_be_checked_is_refused_in_one_line(wrong: Any, says: str) -> None:
    with pytest.raises(HandmadeError, match=says) as refused:
        check_layer(wrong, X)

    assert "\n" not in str(refused.value)


# --- it is usable ---


def test_reports_are_true_only_for_what_is_correct() -> None:
    wrong = check_layer(layer(backward=lambda s, gy: -_backward(s, gy)), X)

    assert check_layer(layer(), X)
    assert not wrong
    assert "gradient of x" in str(wrong)
    assert repr(wrong) == f"LayerReport({wrong.layer}: wrong, 1 error)"
    with pytest.raises(AssertionError, match="gradient of x"):
        wrong.expect_ok()


def test_precision_and_tolerance_can_be_given() -> None:
    near = layer(backward=lambda s, gy: 1.05 * _backward(s, gy))

    assert check_layer(near, X).verdict == "wrong"
    assert check_layer(near, X, tolerance=0.1).verdict == "correct"
    assert check_layer(layer(), X, dtype=np.float32).verdict == "correct"


def test_the_offending_number_of_x_is_named() -> None:
    x = X.copy()
    x[0, 1] = np.nan

    with pytest.raises(HandmadeError, match=r"x: expected finite numbers, got nan in x\[0, 1\]"):
        check_layer(layer(), x)


def test_many_settings_of_one_list_are_listed_as_one() -> None:
    report = check_layer(layer(sizes=[*range(9)]), X)

    assert "settings: sizes[0..8]" in str(report)


def test_one_image_is_checked_beside_others() -> None:
    class LastImageCounts:
        W = np.eye(3)

        def forward(self, x: Array) -> Any:
            return x @ self.W

        def backward(self, x: Array, gy: Array) -> Any:
            return gy @ self.W.T, {"W": np.outer(x[-1], gy[-1])}

    report = check_layer(LastImageCounts(), np.ones((1, 3)))

    assert report.verdict == "wrong"
    assert [finding.array for finding in report.findings] == ["W"]


def test_what_has_no_gradient_at_all_is_not_tested() -> None:
    class OneHot:
        def forward(self, x: Array) -> Any:
            return np.eye(10)[x]

        def backward(self, gy: Array) -> None:
            return None

    report = check_layer(OneHot(), np.array([[1, 2], [3, 4]]))

    assert (report.verdict, report.not_compared) == ("not tested", {"x": "there is no gradient to compare"})


def test_a_report_is_plain_json_even_where_numbers_are_not_finite() -> None:
    class NotANumber:
        def forward(self, x: Array) -> Any:
            return 2 * x

        def backward(self, x: Array, gy: Array) -> Any:
            return np.where(x == 0, np.nan, 2 * gy)

    report = check_layer(NotANumber(), np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0]]))
    plain = json.loads(json.dumps(report.as_dict(), allow_nan=False))

    assert (plain["verdict"], plain["findings"][0]["name"], plain["findings"][0]["got"]) == ("wrong", "not finite", "nan")
