"""Backends: the same numbers from each of them, chosen for a thread and passed on to threads and processes."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import handmade
from cases import CASES, Case
from handmade import Conv2d, Flatten, HandmadeError, Linear, Network, ReLU
from handmade.engine import backend as choice
from handmade.engine.arrays import Array, Shape
from handmade.engine.backend import BACKENDS, current, shortcuts, use_backend
from handmade.engine.gradients import backprop, definition, difference, input_gradient
from handmade.engine.layers import GELU, AvgPool2d, BatchNorm2d, Layer, MaxPool2d, Tanh
from handmade.engine.losses import CrossEntropy, Loss, MeanSquaredError
from handmade.engine.parallel import parallel_map
from handmade.engine.plain import Plain
from handmade.threads import threads

ALL, DEFAULT = ", ".join(BACKENDS), next(iter(BACKENDS))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- every case of the table, in a network ------------------------------------------------------------------------------------


def network_of(case: Case) -> Network:
    """A linear layer, the layer of the case, and logits behind it: nudges go over the case, and begin in it if it has weights."""
    draw, shape = rng(1), case.shape[1:]
    row = int(np.prod(case.layer.output_shape(shape)))
    W, b = np.eye(shape[-1]) + 0.1, np.zeros(shape[-1])
    first = Conv2d(W[None, None], b) if len(shape) == 3 else Linear(W, b)
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


# --- ties, kinks and blank paper ----------------------------------------------------------------------------------------------

CLASSES = IMAGES = 4  # powers of two, so that dividing by them rounds nothing
RELU, POOL = ReLU(), MaxPool2d(2)
# Name: (input shape, settings of a convolution and its filters, what follows it)
HEADS: dict[str, tuple[Shape, dict[str, Any], Sequence[Layer]]] = {
    "a convolution": ((8, 10, 8), {"filters": 9, "kernel": 3}, ()),
    "odd images": ((9, 7, 9), {"filters": 8, "kernel": 3}, (RELU,)),
    "one window": ((4, 4, 8), {"filters": 8, "kernel": 3}, (RELU, POOL)),
    "one place": ((3, 3, 8), {"filters": 8, "kernel": 3}, (RELU,)),
    "padded": ((5, 8, 8), {"filters": 8, "kernel": 3, "padding": (1, 2)}, (RELU,)),
    "pooled": ((10, 8, 8), {"filters": 10, "kernel": 3}, (RELU, POOL)),
    "pooled before the ReLU": ((8, 12, 8), {"filters": 8, "kernel": 3, "padding": 1}, (POOL, RELU)),
    "pooled without a ReLU": ((6, 8, 8), {"filters": 8, "kernel": 3}, (POOL,)),
    "a row and a column that no window reads": ((9, 11, 8), {"filters": 8, "kernel": 3}, (RELU, POOL)),
    "the same, padded": ((7, 9, 8), {"filters": 8, "kernel": 3, "padding": 2}, (RELU, POOL)),
    "few channels": ((8, 10, 1), {"filters": 4, "kernel": 3}, (RELU, POOL)),
    "a large kernel": ((11, 9, 8), {"filters": 8, "kernel": (5, 4), "stride": (2, 1), "padding": 1}, (RELU,)),
    "dilated": ((9, 9, 8), {"filters": 8, "kernel": 3, "dilation": 2}, (RELU, MaxPool2d(3, 1, 1))),
    "in groups": ((8, 8, 16), {"filters": 16, "kernel": 3, "groups": 2}, (RELU, POOL)),
    "overlapping windows": ((9, 9, 2), {"filters": 3, "kernel": 2}, (MaxPool2d(3, 2, 1), RELU)),
}


def whole_numbers(draw: np.random.Generator, shape: Shape) -> Array:
    """So few of them that there are zeros and ties, so small that no sum or product of them is ever rounded."""
    return draw.integers(-2, 3, shape).astype(np.float64)


@pytest.mark.parametrize(("shape", "settings", "following"), HEADS.values(), ids=HEADS)
@pytest.mark.usefixtures("backend")
def test_what_is_not_rounded_is_right_to_the_last_bit_with_every_tie_and_kink(
    shape: Shape, settings: dict[str, Any], following: Sequence[Layer]
) -> None:
    draw = rng(1)
    head = [Conv2d.init(draw, shape[-1], dtype=np.float64, **settings), *following, Flatten()]
    layers = [*head, Linear(np.zeros((Network(head, shape).shapes[-1][0], CLASSES)), np.zeros(CLASSES))]
    network = Network(layers, shape)
    network = network.replace({name: whole_numbers(draw, array.shape) for name, array in network.parameters().items()})
    x, y, loss = whole_numbers(draw, (IMAGES, *shape)), draw.integers(0, CLASSES, IMAGES), MeanSquaredError()
    # reference: the layers one after the other, each of which is held against its loops
    tape, gradients = [x], dict[str, Array]()
    for layer in network.layers:
        tape.append(layer.forward(tape[-1]))
    g = loss.backward(tape[-1], y) / IMAGES
    for k, layer in reversed(list(enumerate(network.layers))):
        g, own = layer.backward(tape[k], g)
        gradients |= {f"{k}.{name}": array for name, array in own.items()}

    np.testing.assert_array_equal(network.logits(x), tape[-1])
    np.testing.assert_array_equal(input_gradient(network, x, y, loss=loss)[1], g)
    found = backprop(network, x, y, loss=loss)[1]
    assert found.keys() == gradients.keys()
    for name, array in gradients.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


PAPER = (11, 9, 2)


def conv(channels: int, filters: int, kernel: tuple[int, int], **settings: Any) -> Conv2d:
    draw = rng(channels + filters)
    return Conv2d(draw.standard_normal((*kernel, channels, filters)), draw.standard_normal(filters), **settings)


ON_PAPER: dict[str, list[Layer]] = {
    "plain": [conv(2, 3, (3, 2)), ReLU(), conv(3, 2, (2, 2)), ReLU(), MaxPool2d(2)],
    "padded": [conv(2, 3, (3, 3), padding=(1, 2)), GELU(), MaxPool2d((2, 3), padding=(1, 1)), conv(3, 2, (1, 2))],
    "padded twice": [conv(2, 3, (3, 3), padding=(1, 1)), ReLU(), conv(3, 2, (3, 2), padding=(1, 1)), AvgPool2d(3, 1, 1)],
    "strided and dilated": [conv(2, 3, (2, 2), stride=(2, 1), dilation=(1, 3)), Tanh(), AvgPool2d(2, 1, 1), ReLU()],
    "normalised": [conv(2, 3, (2, 3)), BatchNorm2d.init(rng(), 3, np.float64), ReLU(), MaxPool2d(2, 1)],
    "pool, then ReLU": [conv(2, 3, (3, 2)), MaxPool2d(2), ReLU(), conv(3, 2, (2, 2)), MaxPool2d(2, 1), ReLU()],
}


def on_paper(layers: list[Layer]) -> tuple[Network, Array, Array]:
    """Images with a little ink on a lot of paper, and one with none; behind the layers, a hidden unit that is dead."""
    x = np.zeros((3, *PAPER))
    x[0, 2:5, 1:4] = rng().standard_normal((3, 3, 2))
    x[1, 7, 6, 1] = 1.0
    row = int(np.prod(Network(layers, PAPER).shapes[-1]))
    hidden = Linear(rng(1).standard_normal((row, 5)) / np.sqrt(row), np.array([0, 0, 0.1, -0.1, -100]))
    network = Network([*layers, Flatten(), hidden, ReLU(), Linear(rng(2).standard_normal((5, 4)), np.zeros(4))], PAPER)
    return network, x, np.array([0, 3, 1])


@pytest.mark.parametrize(
    ("h", "loss"),
    [
        (1e-3, CrossEntropy()),
        (0.5, CrossEntropy(smoothing=0.1)),
        (30.0, MeanSquaredError()),
        *(pytest.param(h, CrossEntropy(), marks=pytest.mark.long) for h in (0.5, 30.0)),
        *(pytest.param(h, CrossEntropy(smoothing=0.1), marks=pytest.mark.long) for h in (1e-3, 30.0)),
        *(pytest.param(h, MeanSquaredError(), marks=pytest.mark.long) for h in (1e-3, 0.5)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("layers", ON_PAPER.values(), ids=ON_PAPER)
@pytest.mark.usefixtures("backend")
def test_quotients_on_blank_paper_are_those_of_the_definition_at_any_step(layers: list[Layer], h: float, loss: Loss) -> None:
    network, x, y = on_paper(layers)
    base, wanted = definition(network, x, y, h=h, loss=loss)

    L, found = difference(network, x, y, h=h, loss=loss)

    assert pytest.approx(base, rel=1e-13) == L
    for name, array in wanted.items():
        # the definition subtracts two losses, each right to some 100 eps of itself
        size = base + h * float(np.abs(array).max())
        np.testing.assert_allclose(found[name], array, rtol=0, atol=100 * np.finfo(float).eps * size / h, err_msg=name)


@pytest.mark.parametrize("h", [1e-30, 1e-3, 0.5])
@pytest.mark.parametrize("layers", ON_PAPER.values(), ids=ON_PAPER)
@pytest.mark.usefixtures("backend")
def test_quotients_on_blank_paper_are_those_of_plain_to_their_own_last_digits(layers: list[Layer], h: float) -> None:
    network, x, y = on_paper(layers)
    _, found = difference(network, x, y, h=h)
    with use_backend("plain"):
        _, wanted = difference(network, x, y, h=h)

    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-12, atol=1e-13 * np.abs(array).max(), err_msg=name)


# --- the choice ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _nobody_has_chosen(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "backend" not in request.fixturenames:
        monkeypatch.delenv("HANDMADE_BACKEND", raising=False)


class Quick(Plain):
    """A backend with shortcuts, as another package might bring one."""

    name = "quick"
    SHORTCUTS = ("doubling", "halving")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of that backend, which is known meanwhile."""
    module = ModuleType("quick_backend")
    module.BACKEND = Quick  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "quick_backend", module)
    monkeypatch.setattr(choice, "BACKENDS", BACKENDS | {"quick": "quick_backend"})
    return "quick"


def test_the_fastest_is_the_default() -> None:
    assert current().name == DEFAULT
    assert "plain" in BACKENDS


def test_a_choice_holds_until_the_end_of_a_with_or_until_the_next_one(quick: str) -> None:
    with use_backend("plain") as used:
        assert type(used) is type(current()) is Plain
        with handmade.use_backend(quick, without=["doubling"]):
            assert current().without == {"doubling"}
            assert current().name == quick
        assert type(current()) is Plain
    assert current().name == DEFAULT
    before = choice.chosen()
    try:
        use_backend(quick)
        assert current().name == quick
    finally:
        use_backend(None)
    assert choice.chosen() == before


def test_a_choice_can_be_used_again(quick: str) -> None:
    chosen = use_backend(quick)
    try:
        for _ in range(2):
            with chosen as used:
                assert used is current()
                assert used.name == quick
            assert current().name == DEFAULT
    finally:
        use_backend(None)


def test_one_shortcut_may_be_named_without_a_list(quick: str) -> None:
    with use_backend(quick, without="doubling") as used:
        assert used.without == {"doubling"}
    assert shortcuts(quick) == ("doubling", "halving")


def test_a_choice_is_that_of_a_thread(quick: str) -> None:
    seen: list[str] = []
    with use_backend(quick):
        thread = threading.Thread(target=lambda: seen.append(current().name))
        thread.start()
        thread.join()
    assert seen == [DEFAULT]


def test_the_variable_chooses_too_and_a_call_is_stronger(monkeypatch: pytest.MonkeyPatch, quick: str) -> None:
    monkeypatch.setenv("HANDMADE_BACKEND", quick)
    assert current().name == quick
    with use_backend("plain"):
        assert current().name == "plain"


def digits(images: int) -> tuple[Array, Array]:
    train = handmade.data.mnist().train
    return handmade.data.prepare(train.images[:images], np.float64), train.labels[:images]


def test_a_choice_goes_along_to_other_threads(quick: str) -> None:
    with threads(3) as executor, ThreadPoolExecutor(2) as other:
        for name in (*BACKENDS, quick):
            with use_backend(name):
                for each in (executor, other):
                    assert {*parallel_map(each, _name, range(20))} == {name}
    assert current().name == DEFAULT


@pytest.mark.long
def test_a_choice_goes_along_to_other_processes_and_changes_no_bits() -> None:
    network, (x, y) = handmade.networks.readme(rng(), np.float64), digits(20)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        for name in BACKENDS:
            with use_backend(name):
                assert {*parallel_map(executor, _name, range(4))} == {name}
                for gradient in (backprop, difference):
                    L, one = gradient(network, x, y)
                    other, shared = gradient(network, x, y, executor=executor)
                    assert other == L
                    for key, array in one.items():
                        np.testing.assert_array_equal(shared[key], array, strict=True)
    assert current().name == DEFAULT


def _name(_: int) -> str:
    return current().name


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: use_backend("nonsense"), f"backend: expected one of {ALL}, got 'nonsense'. Try 'plain'"),
        (lambda: use_backend("numpy"), f"backend: expected one of {ALL}, got 'numpy'. Try 'plain'"),
        (lambda: use_backend("plain", without=["speed"]), "backend plain: expected shortcuts among none; got 'speed'"),
        (lambda: use_backend(""), f"backend: expected one of {ALL}, got ''"),
        (lambda: use_backend(3), f"backend: expected one of {ALL}, got 3"),  # type: ignore[arg-type]
        (lambda: use_backend(["plain"]), f"backend: expected one of {ALL}, got ['plain']"),  # type: ignore[arg-type]
        (lambda: use_backend(without=3), "without: expected names of shortcuts, got 3"),  # type: ignore[arg-type]
        (lambda: use_backend(without=[3, "speed"]), "got [3, 'speed']"),  # type: ignore[list-item]
    ],
)
def test_an_unknown_backend_or_shortcut_is_refused_in_one_line(make: Callable[[], object], says: str) -> None:
    with pytest.raises(HandmadeError) as refused:
        make()
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert current().name == DEFAULT


def test_an_unknown_shortcut_is_told_which_there_are(quick: str) -> None:
    with pytest.raises(HandmadeError, match="backend quick: expected shortcuts among doubling, halving; got 'speed'"):
        use_backend(quick, without=["halving", "speed"])


@pytest.mark.parametrize("name", ["nonsense", "numpy"])
def test_a_wrong_variable_is_refused_in_one_line(name: str) -> None:
    command = [sys.executable, "-m", "handmade", "check", "--images", "1"]
    done = subprocess.run(
        command, env=os.environ | {"HANDMADE_BACKEND": name}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    *_, line = done.stderr.strip().splitlines()  # after the note that the weights are fresh
    assert f"backend: expected one of {ALL}, got '{name}' in the variable HANDMADE_BACKEND. Try 'plain'" in line


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
