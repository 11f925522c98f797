"""`check` of whole networks: it accuses no right one, finds every wrong gradient, and does not pass zeros that test nothing."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import mpmath
import numpy as np
import pytest

from exact_network import ExactNetwork
from handmade.engine.arrays import Array
from handmade.engine.backend import BACKENDS, unusable, use_backend
from handmade.engine.check.networks.check import ArrayReport, Report, check
from handmade.engine.check.networks.rounding import rounding
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients import backprop
from handmade.engine.layers import BatchNorm2d, Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU, Tanh
from handmade.engine.losses import CrossEntropy, MeanSquaredError
from handmade.engine.network import Network
from random_networks import random_problem

FEW, MANY = 20, 1500

Gradients = dict[str, Array]


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- right networks -----------------------------------------------------------------------------------------------------------


def check_problem(seed: int, *, sided: bool = False) -> None:
    problem = random_problem(seed, sided=sided)
    report = check(problem.network, problem.x, problem.y, loss=problem.loss, tries=1)

    assert report.verdict != "bug", f"{seed}: {problem.about}\n{report}"


@pytest.mark.parametrize("first", range(0, FEW, 10))
def test_no_random_network_is_accused(first: int) -> None:
    with use_backend("plain"):
        for seed in range(first, first + 10):
            check_problem(seed)


def test_no_network_with_windows_of_every_setting_is_accused() -> None:
    with use_backend("plain"):
        for seed in range(FEW // 4):
            check_problem(seed, sided=True)


@pytest.mark.long
@pytest.mark.parametrize("backend", [name for name in BACKENDS if unusable(name) is None])
@pytest.mark.parametrize("first", range(FEW, MANY, 20))
def test_no_random_network_is_accused_among_many(first: int, backend: str) -> None:
    with use_backend(backend):
        for seed in range(first, first + 20):
            check_problem(seed)
            check_problem(seed, sided=True)


@pytest.mark.parametrize("seed", [1036, 1649, 207, 214, 349])
def test_rounding_behind_a_batch_norm_is_no_bug(seed: int) -> None:
    """Two images, equal images, numbers far larger than their spread: sums that cancel within the layer."""
    with use_backend("plain"):
        check_problem(seed)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("images", [3, 10])
def test_blank_images_are_no_bug(classes: int, images: int) -> None:
    network = Network([Flatten(), Linear(rng_of(1).standard_normal((9, classes)), np.zeros(classes))], (3, 3, 1))
    x = np.zeros((images, 3, 3, 1))

    report = check(network, x, np.arange(images) % classes)
    assert report.bugs == 0
    assert report.arrays[0].verdict == "agree"  # W reads zeros alone: the loss does not depend on it


@pytest.mark.parametrize("loss", [CrossEntropy(), CrossEntropy(0.1), MeanSquaredError()])
@pytest.mark.parametrize("hidden", [[], [ReLU()], [Tanh()], [BatchNorm2d.init(rng_of(0), 4, dtype=np.float64), ReLU()]])
@pytest.mark.parametrize("training", [False, True])
def test_equal_images_and_zero_weights_are_no_bug(
    loss: CrossEntropy | MeanSquaredError, hidden: list[Layer], *, training: bool
) -> None:
    x = np.broadcast_to(rng_of(2).standard_normal((1, 3, 3, 2)), (6, 3, 3, 2)).copy()
    for zero in (False, True):
        W = rng_of(3).standard_normal((18, 4)) * (not zero)
        network = Network([Flatten(), Linear(W, np.zeros(4)), *hidden, Linear(np.zeros((4, 3)), np.zeros(3))], (3, 3, 2))
        network = network.in_training(6, rng_of(4)) if training else network

        assert check(network, x, np.arange(6) % 3, loss=loss).bugs == 0


def normed(seed: int, *, epsilon: float = 1e-5, scale: float = 1.0) -> Network:
    """A bias and a convolution before a BatchNorm2d in training: the derivatives of the bias are zero."""
    rng = rng_of(seed)
    layers: list[Layer] = [
        Conv2d(scale * rng.standard_normal((3, 3, 1, 3)), rng.standard_normal(3)),
        _norm(rng, epsilon),
        Tanh(),
        Flatten(),
        Linear(rng.standard_normal((12, 3)), np.zeros(3)),
    ]
    return Network(layers, (4, 4, 1)).in_training(5, rng)


def _norm(rng: np.random.Generator, epsilon: float) -> BatchNorm2d:
    W, b, mean = rng.standard_normal((3, 3))
    return BatchNorm2d(W, b, mean, np.ones(3), epsilon=epsilon)


@pytest.mark.parametrize("epsilon", [1e-12, 1e-5])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_a_bias_before_a_batch_norm_in_training_agrees(epsilon: float, scale: float) -> None:
    for seed in range(3):
        x = rng_of(seed).standard_normal((5, 4, 4, 1))
        report = check(normed(seed, epsilon=epsilon, scale=scale), x, np.array([0, 1, 2, 0, 1]), tries=2)

        assert report.arrays[1].name == "conv1.b"
        assert report.arrays[1].verdict == "agree", report
        assert report.ok, report


def test_rows_and_channels_that_are_constant_are_no_bug() -> None:
    for seed in range(3):
        x = np.broadcast_to(rng_of(seed).standard_normal((5, 1, 1, 1)), (5, 4, 4, 1)).copy()
        for images in (x, np.ones_like(x), np.zeros_like(x)):
            assert check(normed(seed, epsilon=1e-12), images, np.array([0, 1, 2, 0, 1]), tries=2).bugs == 0


def test_the_rounding_holds_against_sixty_digits() -> None:
    """Derivatives of backpropagation are within the floor of the true ones, also where these are zero."""
    rng = rng_of(5)
    W = rng.standard_normal((18, 4))
    layers = [Conv2d(rng.standard_normal((2, 2, 1, 2)), np.zeros(2)), MaxPool2d(1), Flatten()]
    network = Network([*layers, Linear(W, 0.3 * rng.standard_normal(4)), Linear(1e3 * np.ones((4, 3)), np.zeros(3))], (4, 4, 1))
    x, y = rng.standard_normal((3, 4, 4, 1)), np.array([0, 1, 2])  # equal logits, each class once: most derivatives are zero
    _, g = backprop(network, x, y)
    floor = rounding(network, x, y, CrossEntropy()).gradients
    assert floor is not None
    with mpmath.workdps(60):
        exact, h = ExactNetwork.of(network, x, y), mpmath.mpf(10) ** -25
        for name, array in g.items():
            node, key = name.split(".")
            for index in range(0, array.size, 3):
                up, down = (exact.losses_with(int(node), key, index, step) for step in (h, -h))
                true = float((up - down).sum() / (2 * h) / 3)
                assert abs(array.flat[index] - true) <= 1e-9 * abs(true) + floor[name].flat[index]
        assert all(array.max() < 1e-8 for array in floor.values())  # logits are some 10^4


# --- planted bugs -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Scene:
    """A network off its kinks, a batch, and the gradients of each image alone."""

    network: Network
    x: Array
    y: Array

    def gradients(self) -> Gradients:
        return backprop(self.network, self.x, self.y)[1]

    def of_images(self, chosen: slice) -> Gradients:
        return backprop(self.network, self.x[chosen], self.y[chosen])[1]


def scene() -> Scene:
    rng = rng_of(11)
    layers: list[Layer] = [
        Conv2d(rng.standard_normal((3, 3, 2, 2)) / 4, rng.standard_normal(2) / 4, padding=1),
        BatchNorm2d(*(1 + rng.random((2, 2))), *rng.random((2, 2))),
        ReLU(),
        Conv2d(rng.standard_normal((3, 3, 2, 2)) / 4, rng.standard_normal(2) / 4),
        Tanh(),
        MaxPool2d(2, 1),
        Flatten(),
        Linear(rng.standard_normal((8, 3)) / 2, rng.standard_normal(3) / 4),
        ReLU(),
        Linear(rng.standard_normal((3, 3)), rng.standard_normal(3)),
    ]
    return Scene(Network(layers, (5, 5, 2)), rng.standard_normal((4, 5, 5, 2)), np.array([0, 1, 2, 1]))


def on(name: str, change: Callable[[Array], Array]) -> Callable[[Scene], Gradients]:
    """Return the mistake of changing one array's gradient."""

    def mistake(scene: Scene) -> Gradients:
        g = scene.gradients()
        return g | {name: change(g[name].copy())}

    return mistake


def entry(change: Callable[[float], float], which: int = 4) -> Callable[[Array], Array]:
    """Return the mistake of changing one number, the largest but `which`."""

    def mistake(g: Array) -> Array:
        at = np.unravel_index(np.argsort(-np.abs(g), axis=None)[which % g.size], g.shape)
        g[at] = change(float(g[at]))
        return g

    return mistake


def each(change: Callable[[Array, Array], Array]) -> Callable[[Scene], Gradients]:
    """Return the mistake of changing all gradients, (gradient, weights) -> gradient."""
    return lambda scene: {name: change(g, scene.network.parameters()[name]) for name, g in scene.gradients().items()}


def at_other_weights(scene: Scene) -> Gradients:
    older = scene.network.replace({name: 0.999 * array for name, array in scene.network.parameters().items()})
    return replace(scene, network=older).gradients()


def other_loss(scene: Scene) -> Gradients:
    return backprop(scene.network, scene.x, scene.y, loss=CrossEntropy(1e-4))[1]


def swapped(one: str, other: str) -> Callable[[Scene], Gradients]:
    return lambda scene: scene.gradients() | {one: scene.gradients()[other], other: scene.gradients()[one]}


def wrong_labels(scene: Scene) -> Gradients:
    return replace(scene, y=np.roll(scene.y, 1)).gradients()


MISTAKES: dict[str, Callable[[Scene], Gradients]] = {
    "all 1.0001 times too large": each(lambda g, _: 1.0001 * g),
    "all a millionth too small": each(lambda g, _: (1 - 1e-6) * g),
    "one array twice": on("3.W", lambda g: 2 * g),
    "one number a millionth off": on("3.W", entry(lambda v: v * (1 + 1e-6))),
    "one bias a millionth off": on("7.b", entry(lambda v: v * (1 - 1e-6), 0)),
    "one number zero": on("0.W", entry(lambda _: 0.0)),
    "one sign": on("0.W", entry(lambda v: -v)),
    "all signs": each(lambda g, _: -g),
    "signs lost": each(lambda g, _: np.abs(g)),
    "NaN at one entry": on("7.W", entry(lambda _: np.nan)),
    "infinity at one entry": on("7.W", entry(lambda _: np.inf)),
    "the last image forgotten": lambda scene: scene.of_images(slice(0, 3)),
    "the first image alone": lambda scene: scene.of_images(slice(0, 1)),
    "the sum over the batch": each(lambda g, _: len(scene().x) * g),
    "the mean taken twice": each(lambda g, _: g / len(scene().x)),
    "weight decay": each(lambda g, w: g + 1e-4 * w),
    "the penalty |w|": each(lambda g, w: g + 1e-5 * np.sign(w)),
    "stale weights": at_other_weights,
    "another loss": other_loss,
    "labels of other images": wrong_labels,
    "biases swapped": swapped("0.b", "1.b"),
    "spread and mean of the norm swapped": swapped("1.W", "1.b"),
    "filters swapped": on("3.W", lambda g: g[..., ::-1]),
    "channels swapped": on("3.W", lambda g: g[:, :, ::-1]),
    "kernel flipped": on("3.W", lambda g: g[::-1, ::-1]),
    "kernel transposed": on("0.W", lambda g: g.swapaxes(0, 1)),
    "matrix transposed": on("9.W", lambda g: g.T),
    "one array forgotten": on("3.b", np.zeros_like),
    "a bias for all": on("7.b", lambda g: np.full_like(g, g.mean())),
    "clipped": each(lambda g, _: np.clip(g, -0.01, 0.01)),
    "in float32": each(lambda g, _: g.astype(np.float32).astype(np.float64)),
    "in half precision": each(lambda g, _: g.astype(np.float16).astype(np.float64)),
    "normalised": each(lambda g, _: g / np.linalg.norm(g)),
    "noise": each(lambda g, _: g + 1e-7 * np.abs(g).max() * rng_of(1).standard_normal(g.shape)),
    "small ones cut off": each(lambda g, _: np.where(np.abs(g) > 1e-3 * np.abs(g).max(), g, 0)),
    "a corner forgotten": on("0.W", lambda g: np.where(np.arange(g.size).reshape(g.shape) < 4, 0, g)),
    "the mean centred": on("3.W", lambda g: g - g.mean()),
    "a constant": on("9.b", lambda g: g + 1e-8),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_every_planted_mistake_is_found(name: str) -> None:
    setting = scene()
    with use_backend("plain"):
        wrong = MISTAKES[name](setting)
        report = check(setting.network, setting.x, setting.y, analytic=lambda *_: (0.0, wrong), tries=0)

        right = setting.gradients()
    changed = {setting.network.display_name(key) for key, g in right.items() if not np.allclose(wrong[key], g, rtol=2e-9, atol=0)}
    assert report.verdict == "bug"
    assert not report
    assert {array.name for array in report.arrays if array.verdict == "bug"} == changed


def test_the_planted_mistakes_are_not_there_without_them() -> None:
    setting = scene()
    with use_backend("plain"):
        report = check(setting.network, setting.x, setting.y)
    assert report.verdict == "agree", report
    assert len(MISTAKES) >= 25


def test_a_millionth_is_found_in_random_networks_wherever_rounding_is_less() -> None:
    clear = total = 0
    for seed in range(12):
        problem = random_problem(seed)
        arrays = problem.network.parameters() | problem.network.statistics()
        network = problem.network.replace({name: array.astype(np.float64) for name, array in arrays.items()})
        x = problem.x.astype(np.float64)
        with use_backend("plain"):
            _, g = backprop(network, x, problem.y, loss=problem.loss)
            floor = rounding(network, x, problem.y, problem.loss).gradients
            wrong = {name: array * (1 + 1e-6) for name, array in g.items()}
            report = check(network, x, problem.y, loss=problem.loss, tries=0, analytic=lambda *_, wrong=wrong: (0.0, wrong))
        assert floor is not None
        above = {network.display_name(name) for name, array in g.items() if np.abs(array).max() > 4e6 * floor[name].max()}
        clear, total = clear + len(above), total + sum(bool(array.any()) for array in g.values())
        assert above <= {array.name for array in report.arrays if array.bugs or array.kinks}
    assert clear > 0.7 * total  # the floor is not so high that it hides everything


# --- zeros that test nothing --------------------------------------------------------------------------------------------------


def dead(bias: float = -10.0) -> tuple[Network, Array, Array]:
    rng = rng_of(6)
    hidden = Linear(rng.standard_normal((9, 4)), np.full(4, bias))
    layers = [Flatten(), Linear(np.eye(9), np.zeros(9)), hidden, ReLU(), Linear(rng.standard_normal((4, 3)), np.zeros(3))]
    return Network(layers, (3, 3, 1)), 0.1 * rng.standard_normal((4, 3, 3, 1)), np.array([0, 1, 2, 0])


@pytest.mark.parametrize("bias", [-10.0, -1e4])
def test_behind_a_dead_relu_nothing_is_tested(bias: float) -> None:
    network, x, y = dead(bias)

    report = check(network, x, y)

    assert [array.verdict for array in report.arrays] == ["not tested"] * 4 + ["agree"] * 2
    assert report.verdict == "not tested"
    assert not report.ok
    assert "all units of relu1 are 0 for all images" in report.arrays[0].untested
    assert report.notes == ("4 of 4 units of relu1 are 0 for all images",)
    for words in (
        "linear2.W: all units of relu1 are 0",
        "Not tested: linear1.W, linear1.b, linear2.W, linear2.b. Try other images",
    ):
        assert words in " ".join(str(report).split())


def test_a_wrong_gradient_is_wrong_beside_what_was_not_tested() -> None:
    network, x, y = dead()
    _, g = backprop(network, x, y)

    report = check(network, x, y, analytic=lambda *_: (0.0, g | {"4.b": 2 * g["4.b"], "2.b": g["2.b"] + 1}))

    assert [array.verdict for array in report.arrays] == ["not tested"] * 3 + ["bug", "agree", "bug"]
    assert report.verdict == "bug"


def test_some_dead_units_are_counted_and_the_rest_is_tested() -> None:
    network, x, y = dead(0.0)
    biases = np.array([-50.0, 1.0, 1.0, -50.0])

    report = check(network.replace({"2.b": biases}), x, y)

    assert report.notes == ("2 of 4 units of relu1 are 0 for all images",)
    assert report.ok
    assert "2 of 4 units of relu1 are 0 for all images" in str(report)


def test_where_larger_weights_change_nothing_zero_is_right() -> None:
    """Behind a weight of zero, and of pixels that are blank."""
    network, x, y = dead(1.0)
    W = network.parameters()["4.W"] * 0

    cut_off = check(network.replace({"4.W": W}), x, y)

    assert [array.verdict for array in cut_off.arrays] == ["agree"] * 6
    assert [array.analytic for array in cut_off.arrays[:4]] == [0.0] * 4


def test_a_network_without_weights_is_not_tested() -> None:
    report = check(Network([Flatten()], (3, 2, 1)), rng_of(6).standard_normal((2, 3, 2, 1)), np.array([0, 5]))

    assert report.verdict == "not tested"
    assert "the network has no weights" in str(report)


def test_a_loss_that_overflows_is_refused() -> None:
    network, x, y = dead(1.0)

    with pytest.raises(HandmadeError, match="expected a finite loss; got"):
        check(network.replace({"4.W": network.parameters()["4.W"] * 1e300}), x * 1e100, y, loss=MeanSquaredError())


# --- the report ---------------------------------------------------------------------------------------------------------------


def test_a_report_is_true_only_if_it_is_ok_and_shows_itself() -> None:
    right = ArrayReport("conv1.W", 72, 0, 0, 1e-15, (0, 0, 0, 0), 1.0, 1.0, 1.0, None, 1e-12, 72)
    arrays = {
        "agree": right,
        "kink": replace(right, kinks=2, right=2.0),
        "not tested": replace(right, untested="all slopes are 0"),
        "bug": replace(right, bugs=3, analytic=3.0),
    }
    for verdict, array in arrays.items():
        report = Report((right, array))
        assert (report.verdict, report.arrays[1].verdict) == (verdict, verdict)
        assert bool(report) is report.ok is (verdict in {"agree", "kink"})
        assert repr(report).startswith(f"Report({verdict}, 2 arrays, 144 weights")
        assert str(report).startswith(f"verdict: {verdict}\n")
        assert max(map(len, str(report).splitlines())) <= 100
    assert Report((arrays["not tested"], arrays["bug"])).verdict == "bug"
    assert Report((arrays["not tested"], arrays["kink"])).verdict == "not tested"

    Report((right,)).expect_ok()
    with pytest.raises(AssertionError, match="3 weights have a wrong gradient") as failed:
        Report((arrays["bug"],)).expect_ok()
    assert "conv1.W[0,0,0,0]: left +1, central +1, right +1; backpropagation +3" in str(failed.value)


class WrongTwice(Tanh):
    """A delta that is wrong, and a backward that agrees with it."""

    def delta(self, x: Array, dx: Array, *_: slice) -> Array:
        return 0.9 * super().delta(x, dx)

    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        gx, own = super().backward(x, gy)
        return 0.9 * gx, own


def test_exact_quotients_that_the_definition_contradicts_prove_nothing() -> None:
    rng = rng_of(9)
    layers = [Linear(rng.standard_normal((4, 3)), np.zeros(3)), WrongTwice(), Linear(rng.standard_normal((3, 2)), np.zeros(2))]

    report = check(Network(layers, (4,)), rng.standard_normal((3, 4)), np.array([0, 1, 0]))

    assert [array.verdict for array in report.arrays] == ["bug", "bug", "agree", "agree"]
    assert "The exact quotients of linear1.W, linear1.b differ from the definition" in str(report)


def test_where_rounding_decides_every_number_nothing_is_accused() -> None:
    problem = random_problem(56)

    assert rounding(problem.network, problem.x.astype(np.float64), problem.y, problem.loss).decides
    assert not rounding(*dead(1.0), CrossEntropy()).decides
    for name in BACKENDS:
        if unusable(name) is None:
            with use_backend(name):
                check_problem(4717)


class Restless(Tanh):
    """A backward that gives another result each time: what it does is no rounding."""

    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        gx, own = super().backward(x, gy)
        return gx * (1 + 1e-3 * np.random.default_rng().standard_normal(gx.shape)), own


def test_a_backward_by_chance_is_no_rounding() -> None:
    rng = rng_of(9)
    layers = [Linear(rng.standard_normal((4, 3)), np.zeros(3)), Restless(), Linear(rng.standard_normal((3, 2)), np.zeros(2))]

    report = check(Network(layers, (4,)), rng.standard_normal((3, 4)), np.array([0, 1, 0]))

    assert [array.verdict for array in report.arrays] == ["bug", "bug", "agree", "agree"]


# --- layers of other people -----------------------------------------------------------------------------------------------------


class Bent:
    """y = offset + tanh(W x), without a delta; `factor` makes its gradients wrong."""

    def __init__(self, W: Array, offset: float, gx: float = 1.0, gW: float = 1.0) -> None:
        self.W, self.offset, self.factors = W, offset, (gx, gW)

    def forward(self, x: Array) -> Array:
        self.x = x
        y: Array = self.offset + np.tanh(self.W * x)
        return y

    def backward(self, gy: Array) -> Array:
        g = gy * (1 - np.tanh(self.W * self.x) ** 2)
        self.dW = self.factors[1] * (g * self.x).sum(axis=0)
        gx: Array = self.factors[0] * g * self.W
        return gx


class RowNorm:
    """Layer normalisation with a tiny epsilon."""

    def __init__(self, gamma: Array) -> None:
        self.gamma = gamma

    def forward(self, x: Array) -> Array:
        self.c = x - x.mean(axis=-1, keepdims=True)
        self.r = 1 / np.sqrt((self.c**2).mean(axis=-1, keepdims=True) + 1e-12)
        y: Array = self.gamma * self.c * self.r
        return y

    def backward(self, gy: Array) -> Array:
        normal, g = self.c * self.r, gy * self.gamma
        self.dgamma = (gy * normal).sum(axis=0)
        gx: Array = self.r * (g - g.mean(axis=-1, keepdims=True) - normal * (g * normal).mean(axis=-1, keepdims=True))
        return gx


class Cut:
    """max(x, 0)."""

    def forward(self, x: Array) -> Array:
        return np.maximum(x, 0)

    def backward(self, x: Array, gy: Array) -> Array:
        return gy * (x > 0)


def around(layer: object, bias: float = 0.1) -> Network:
    rng = rng_of(8)
    last = Linear(rng.standard_normal((4, 3)), np.zeros(3))
    return Network([Linear(rng.standard_normal((4, 4)), np.full(4, bias)), layer, last], (4,))


@pytest.mark.parametrize("images", ["normal", "blank", "constant"])
@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_a_right_layer_of_other_people_is_not_accused(images: str, offset: float) -> None:
    x = {"normal": rng_of(7).standard_normal((3, 4)), "blank": np.zeros((3, 4)), "constant": np.ones((3, 4))}[images]
    layers = [Bent(rng_of(1).standard_normal(4), offset), Bent(1e-5 * rng_of(1).standard_normal(4), offset), Cut()]
    layers += [RowNorm(rng_of(1).standard_normal(4))] if not offset else []
    for layer in layers:
        for bias in (0.0, 0.1):
            report = check(around(layer, bias), x, np.array([0, 1, 2]))
            assert report.verdict != "bug", report


@pytest.mark.parametrize(("gx", "gW"), [(1.001, 1.0), (1.0, 1.001), (-1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (1.00001, 1.0)])
def test_a_wrong_layer_of_other_people_is_found(gx: float, gW: float) -> None:
    network = around(Bent(rng_of(1).standard_normal(4), 1.0, gx, gW))

    report = check(network, rng_of(7).standard_normal((3, 4)), np.array([0, 1, 2]))

    wrong = {array.name for array in report.arrays if array.bugs}
    assert wrong == ({"linear1.W", "linear1.b"} if gx != 1 else {"bent1.W"}), report
