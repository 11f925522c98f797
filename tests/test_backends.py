"""Backends: the same numbers from each of them and with every shortcut off, chosen for a thread and passed on to processes."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import handmade
from cases import CASES, Case
from handmade import Conv2d, Flatten, HandmadeError, Linear, Network, ReLU
from handmade.engine import backend as choice
from handmade.engine.arrays import Array
from handmade.engine.backend import BACKENDS, current, shortcuts, use_backend
from handmade.engine.backends.numpy import NumPy
from handmade.engine.backends.numpy.links import Factors
from handmade.engine.backends.plain import Plain
from handmade.engine.gradients import backprop, definition, difference, input_gradient
from handmade.engine.losses import CrossEntropy, MeanSquaredError
from handmade.threads import threads

SHORTCUTS = shortcuts("numpy")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- every case of the table, in a network ------------------------------------------------------------------------------------


def network_of(case: Case) -> Network:
    """A linear layer, the layer of the case, and logits behind it: nudges go over the case, and begin in it if it has weights."""
    draw, shape = rng(1), case.shape[1:]
    row = int(np.prod(case.layer.output_shape(shape)))
    W, b = np.eye(shape[-1]) + 0.1, np.zeros(shape[-1])
    first = Linear(W, b) if len(shape) == 1 else Conv2d(W[None, None], b)
    return Network([first, case.layer, Flatten(), Linear(draw.standard_normal((row, 3)) / np.sqrt(row), np.zeros(3))], shape)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.usefixtures("backend")
def test_every_layer_keeps_the_laws_in_every_backend(case: Case) -> None:
    network, x, y = network_of(case), rng(2).standard_normal(case.shape), rng(3).integers(0, 3, case.shape[0])
    loss = MeanSquaredError()

    logits, tape = network.logits(x), network.tape(x)
    base, wanted = definition(network, x, y, h=1e-3, loss=loss)
    L, quotients = difference(network, x, y, h=1e-3, loss=loss)
    _, limit = difference(network, x, y, h=1e-30, loss=loss)
    _, derivative = backprop(network, x, y, loss=loss)
    _, gx = input_gradient(network, x, y, loss=loss)

    # reference: the layer's own twin in nested loops, on what reaches it
    twin = case.twin(tape["0"], case.parameters)
    np.testing.assert_allclose(np.asarray(tape["1"], float), np.asarray(twin, float), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(logits, tape[network.logits_name], rtol=0, atol=1e-12 * np.abs(logits).max())
    # difference: that of the definition, which subtracts losses of order 1: 2e-15 / h
    assert pytest.approx(base, rel=1e-13) == L
    scale = max(1.0, *(float(np.abs(array).max()) for array in wanted.values()))
    for name, array in wanted.items():
        np.testing.assert_allclose(quotients[name], array, rtol=0, atol=2e-11 * scale, err_msg=name)
        np.testing.assert_allclose(limit[name], derivative[name], rtol=0, atol=1e-11 * scale, err_msg=name)
    # transpose: the gradient of the pixels along a random direction
    dx = rng(4).standard_normal(x.shape)
    mean = [float(loss.forward(network.logits(x + h * dx), y).mean()) for h in (1e-6, -1e-6)]
    assert np.vdot(gx, dx) == pytest.approx((mean[0] - mean[1]) / 2e-6, abs=1e-7 * scale)


# --- shortcuts ----------------------------------------------------------------------------------------------------------------


def digits(images: int) -> tuple[Array, Array]:
    train = handmade.data.mnist().train
    return handmade.data.prepare(train.images[:images], np.float64), train.labels[:images]


def wide() -> Network:
    """A network in which every shortcut is taken."""
    convolution = {"layer": "Conv2d", "filters": 8, "kernel": 3}
    layers = [
        *(convolution | {"stride": 2}, {"layer": "ReLU"}, convolution, {"layer": "ReLU"}, {"layer": "MaxPool2d", "window": 2}),
        *({"layer": "Flatten"}, {"layer": "Linear", "units": 130}, {"layer": "ReLU"}, {"layer": "Linear", "units": 130}),
        *({"layer": "ReLU"}, {"layer": "Linear", "units": 10}),
    ]
    return handmade.networks.described({"layers": layers}, rng(), np.float64)


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_a_network_gives_the_same_numbers_without_a_shortcut(shortcut: str) -> None:
    network, (x, y) = handmade.networks.readme(rng(), np.float64), digits(4)
    stages: list[Callable[[], Any]] = [lambda: backprop(network, x, y)[1], lambda: difference(network, x[:2], y[:2])[1]]
    for stage in stages:
        usual = stage()
        with use_backend("numpy", without=[shortcut]):
            other = stage()
        for name, array in usual.items():
            np.testing.assert_allclose(other[name], array, rtol=0, atol=1e-13 * max(1.0, float(np.abs(array).max())))


def test_every_shortcut_is_taken_where_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a shortcut spoilt, the numbers are wrong; with the same one switched off, they are right again."""
    network, (x, y) = wide(), digits(20)
    right = {way: way(network, x, y)[1] for way in (backprop, difference)}
    spoilt: dict[str, tuple[str, Any]] = {
        "fused_convolution": ("handmade.engine.backends.numpy.convolution.finish", lambda y, *_: y.fill(0)),
        "winograd": ("handmade.engine.backends.numpy.winograd.filters", lambda W: np.zeros((4, 4, *W.shape[2:]))),
        "halved_backward": ("handmade.engine.backends.numpy.links.Halved.backward", lambda *_, **__: (None, {})),
        "deferred_weights": ("handmade.engine.backends.numpy.links.Factors", Nothing),
        "fixed_choices": ("handmade.engine.backends.numpy.fixed_choices.Choices.moving", None),
        "constant_regions": ("handmade.engine.backends.numpy.path.of_images", lambda x: np.ones(x.shape[:3], bool)),
        "tail": ("handmade.engine.backends.numpy.tail.Tail.delta", None),
        "series": ("handmade.engine.losses.series.series", lambda *arrays: 0 * arrays[2]),
        "batched_rows": ("handmade.engine.backends.numpy.path.FastPath._together", lambda *_: []),
    }
    assert {*spoilt, "processes"} == set(SHORTCUTS)
    for shortcut, (place, with_what) in spoilt.items():
        with monkeypatch.context() as patch:
            patch.setattr(place, with_what)
            assert not _all_right(network, x, y, right), shortcut
            with use_backend("numpy", without=[shortcut]):
                assert _all_right(network, x, y, right), shortcut


class Nothing(Factors):
    def __init__(self, x: Array, gy: Array) -> None:
        super().__init__(0 * x, gy)


def _all_right(network: Network, x: Array, y: Array, right: dict[Any, dict[str, Array]]) -> bool:
    for way, wanted in right.items():
        try:
            _, found = way(handmade.Network(network.nodes, network.input_shape), x, y)
        except Exception:  # noqa: BLE001  a spoilt shortcut may raise anything
            return False
        if not all(np.allclose(found[name], array, rtol=0, atol=1e-11) for name, array in wanted.items()):
            return False
    return True


# --- the choice ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _nobody_has_chosen(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "backend" not in request.fixturenames:
        monkeypatch.delenv("HANDMADE_BACKEND", raising=False)


def test_the_fastest_is_the_default() -> None:
    assert type(current()) is NumPy
    assert next(iter(BACKENDS)) == "numpy"
    assert current().name == "numpy"


def test_a_choice_holds_until_the_end_of_a_with_or_until_the_next_one() -> None:
    with use_backend("plain") as used:
        assert type(used) is type(current()) is Plain
        with handmade.use_backend("numpy", without=["winograd"]):
            assert current().without == {"winograd"}
        assert type(current()) is Plain
    assert type(current()) is NumPy
    before = choice.chosen()
    try:
        use_backend("plain")
        assert type(current()) is Plain
    finally:
        use_backend(None)
    assert choice.chosen() == before


def test_a_choice_can_be_used_again() -> None:
    plain = use_backend("plain")
    try:
        for _ in range(2):
            with plain as used:
                assert type(used) is type(current()) is Plain
            assert type(current()) is NumPy
    finally:
        use_backend(None)


def test_one_shortcut_may_be_named_without_a_list() -> None:
    with use_backend("numpy", without="winograd") as used:
        assert used.without == {"winograd"}


def test_a_choice_is_that_of_a_thread() -> None:
    seen: list[str] = []
    with use_backend("plain"):
        thread = threading.Thread(target=lambda: seen.append(current().name))
        thread.start()
        thread.join()
    assert seen == ["numpy"]


def test_the_variable_chooses_too_and_a_call_is_stronger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDMADE_BACKEND", "plain")
    assert current().name == "plain"
    with use_backend("numpy"):
        assert current().name == "numpy"


def test_a_choice_goes_along_to_other_processes() -> None:
    network, (x, y) = handmade.networks.readme(rng(), np.float64), digits(70)
    with threads(2) as executor:
        assert executor is not None
        for name in BACKENDS:
            with use_backend(name):
                assert {*handmade.engine.sharing.mapped(executor, _name, range(4))} == {name}
                _, one = backprop(network, x, y)
                _, shared = backprop(network, x, y, executor=executor)
            for key, array in one.items():
                np.testing.assert_array_equal(shared[key], array)
    assert current().name == "numpy"


def _name(_: int) -> str:
    return current().name


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: use_backend("nonsense"), "expected a backend among numpy, plain; got 'nonsense'. Try numpy"),
        (lambda: use_backend("numpy", without=["speed"]), "backend numpy: expected shortcuts among fused_convolution,"),
        (lambda: use_backend("plain", without=["winograd"]), "backend plain: expected shortcuts among none; got 'winograd'"),
        (lambda: use_backend(""), "expected a backend among numpy, plain; got ''"),
        (lambda: use_backend(3), "expected a backend among numpy, plain; got 3"),  # type: ignore[arg-type]
        (lambda: use_backend(["plain"]), "expected a backend among numpy, plain; got ['plain']"),  # type: ignore[arg-type]
        (lambda: use_backend(without=3), "without: expected names of shortcuts; got 3"),  # type: ignore[arg-type]
        (lambda: use_backend(without=[3, "winograd"]), "got 3"),  # type: ignore[list-item]
    ],
)
def test_an_unknown_backend_or_shortcut_is_refused_in_one_line(make: Callable[[], object], says: str) -> None:
    with pytest.raises(HandmadeError) as refused:
        make()
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert current().name == "numpy"


def test_a_wrong_variable_is_refused_in_one_line() -> None:
    command = [sys.executable, "-m", "handmade", "check", "--images", "1"]
    done = subprocess.run(
        command, env=os.environ | {"HANDMADE_BACKEND": "nonsense"}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "expected a backend among numpy, plain; got 'nonsense' in the variable HANDMADE_BACKEND. Try numpy" in line


def test_a_loss_of_ones_own_has_no_shortcut_of_its_parent() -> None:
    class Doubled(CrossEntropy):
        def forward(self, z: Array, y: Array) -> Array:
            return 2 * super().forward(z, y)

        def delta(self, z: Array, dz: Array, y: Array, channel: slice = slice(None)) -> Array:
            return 2 * super().delta(z, dz, y, channel)

    network = Network(
        [
            Flatten(),
            Linear(rng().standard_normal((4, 3)), np.zeros(3)),
            ReLU(),
            Linear(rng(1).standard_normal((3, 3)), np.zeros(3)),
        ],
        (2, 2, 1),
    )
    x, y = rng(2).standard_normal((3, 2, 2, 1)), np.array([0, 1, 2])
    _, once = difference(network, x, y)
    _, twice = difference(network, x, y, loss=Doubled())
    for name, array in once.items():
        np.testing.assert_allclose(twice[name], 2 * array, rtol=1e-12)
