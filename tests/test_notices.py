"""The monitor speaks on trainings that are really badly set up, says why, and is silent on healthy ones."""

import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import handmade
from handmade.cli.main import main
from handmade.engine.arrays import Array
from handmade.engine.extras import install_command
from handmade.engine.gradients import backprop
from handmade.engine.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sigmoid
from handmade.engine.losses import CrossEntropy, Loss, MeanSquaredError
from handmade.engine.network import Network
from handmade.engine.optim import Adam, AdamW, GradientDescent, Momentum, Nesterov, Optimiser, RMSProp
from handmade.engine.residual import Residual
from handmade.engine.training import Diverged, Step, train
from handmade.engine.training.monitor import Notice, TrainingMonitor

IMAGES, LABELS = handmade.data.mnist().train.images[:400], handmade.data.mnist().train.labels[:400]
PREPARE = partial(handmade.data.prepare, dtype=np.float32)


def small(seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)
    first = (Conv2d.init(rng, 1, 4, 5, 3), ReLU(), MaxPool2d(2), Flatten())
    return Network([*first, Linear.init(rng, 64, 16), ReLU(), Linear.init(rng, 16, 10)])


def changed(network: Network, **arrays: float) -> Network:
    """With every number of some arrays set to another: W0=0.0 for "0.W"."""
    parameters = network.parameters()
    given = {f"{name[1:]}.{name[0]}": value for name, value in arrays.items()}
    return network.replace({name: np.full_like(parameters[name], value) for name, value in given.items()})


def stepped(
    network: Network, optimiser: Optimiser, steps: int, *, loss: Loss | None = None, labels: Array = LABELS, seed: int = 0
) -> Iterator[Step]:
    gradient = partial(backprop, loss=loss or CrossEntropy())
    return train(
        network, IMAGES, labels, gradient=gradient, optimiser=optimiser, steps=steps, batch_size=8, prepare=PREPARE, seed=seed
    )


def told(
    network: Network, optimiser: Optimiser, steps: int, *, loss: Loss | None = None, labels: Array = LABELS, seed: int = 0
) -> list[Notice]:
    monitor = TrainingMonitor(loss)
    notices = []
    try:
        for step in stepped(network, optimiser, steps, loss=loss, labels=labels, seed=seed):
            notices += monitor.observe(step)
    except Diverged:
        pass
    return notices


def kinds(notices: list[Notice]) -> list[str]:
    return [notice.kind for notice in notices]


# --- what is badly set up -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimiser", [GradientDescent(30), Momentum(10), Adam(10)], ids=lambda each: type(each).__name__)
def test_a_learning_rate_of_ten_is_told_at_once(optimiser: Optimiser) -> None:
    first = told(small(), optimiser, 5)[0]

    assert first.kind == "exploding"
    assert first.step <= 4
    assert "learning_rate" in first.settings
    assert f"such as {optimiser.learning_rate / 10:g}" in first.change


def test_an_explosion_is_told_before_it_is_a_nan() -> None:
    linear = Network([Flatten(), Linear.init(np.random.default_rng(0), 900, 10)])
    with pytest.raises(Diverged) as diverged:
        list(stepped(linear, GradientDescent(1.0), 60, loss=MeanSquaredError()))

    notices = told(linear, GradientDescent(1.0), 60, loss=MeanSquaredError())

    assert kinds(notices) == ["exploding"]
    assert notices[0].step < diverged.value.number - 5


def test_a_gradient_that_grows_far_beyond_its_median_is_told_and_one_near_a_minimum_is_not() -> None:
    def observed(*norms: float) -> list[Notice]:
        step = next(stepped(small(), Momentum(), 1))
        monitor = TrainingMonitor()
        return [notice for n, norm in enumerate(norms) for notice in monitor.observe(replace(step, number=n + 1, norm=norm))]

    calm = [2.0] * 20 + [0.02] * 60
    assert kinds(observed(*calm, 30.0)) == ["exploding"]  # 1,500 times the median, 15 times the longest of the first
    assert observed(*calm, 15.0) == []  # a batch out of the ordinary, near a minimum
    assert kinds(observed(*[2.0] * 80, 201.0)) == ["exploding"]
    assert observed(*[2.0] * 80, 199.0) == []


@pytest.mark.parametrize(
    ("start", "now", "spoken"), [(3.0, 15.1, True), (3.0, 14.9, False), (0.1, 11.4, False), (0.1, 11.6, True)]
)
def test_a_loss_five_times_the_start_or_that_of_guessing_is_told(start: float, now: float, spoken: bool) -> None:  # noqa: FBT001  a row of the table
    step = next(stepped(small(), Momentum(), 1))
    monitor = TrainingMonitor()

    assert monitor.observe(replace(step, loss=start)) == []
    assert bool(monitor.observe(replace(step, number=2, loss=now))) == spoken


def test_a_bias_of_minus_a_hundred_before_a_relu_is_dead_units() -> None:
    (notice,) = told(changed(small(), b0=-100.0), Momentum(), 225)

    assert notice.kind == "dead"
    assert "4 of the 4 units of relu1 were 0 for every image in 3 batches" in notice.seen
    assert notice.step == 75  # the third look


def test_a_few_dead_units_are_no_news_and_nearly_all_are() -> None:
    def with_dead(count: int) -> Network:
        network = small()
        return network.replace({"4.b": np.where(np.arange(16) < count, -100, 0).astype(np.float32)})

    assert told(with_dead(12), Momentum(0.01), 100) == []
    (notice,) = told(with_dead(15), Momentum(0.01), 100)
    assert "15 of the 16 units of relu2" in notice.seen


def test_a_layer_that_dies_in_full_after_most_of_it_is_told_of_again() -> None:
    network = small()
    most, all_of_it = (
        network.replace({"4.b": np.where(np.arange(16) < count, -100, 0).astype(np.float32)}) for count in (15, 16)
    )
    monitor = TrainingMonitor()
    steps = [replace(step, before=most if step.number <= 75 else all_of_it) for step in stepped(network, Momentum(0.0001), 300)]

    dead = [notice for step in steps for notice in monitor.observe(step) if notice.kind == "dead"]

    assert [notice.seen[:8] for notice in dead] == ["15 of th", "16 of th"]


def test_dead_units_inside_a_residual_are_found_by_name() -> None:
    rng = np.random.default_rng(0)
    block = Residual([Linear.init(rng, 16, 16), ReLU(), Linear.init(rng, 16, 16)])
    network = Network([Flatten(), Linear.init(rng, 900, 16), block, Linear.init(rng, 16, 10)])

    (notice,) = told(network.replace({"2.block.0.b": np.full(16, -1e3, np.float32)}), Momentum(0.001), 100)

    assert "16 of the 16 units of residual1.block.relu1" in notice.seen


def test_the_first_layers_of_many_sigmoids_learn_nothing_and_it_is_told() -> None:
    rng = np.random.default_rng(0)
    deep = [layer for _ in range(7) for layer in (Linear.init(rng, 20, 20), Sigmoid())]
    network = Network([Flatten(), Linear.init(rng, 900, 20), Sigmoid(), *deep, Linear.init(rng, 20, 10)])

    (notice,) = told(network, Momentum(), 110)

    assert notice.kind == "vanishing"
    assert "the gradient of linear1.W is" in notice.seen
    assert "that of linear9.W" in notice.seen


@pytest.mark.parametrize("rate", [1e-9, 1e-6])
def test_a_learning_rate_of_next_to_nothing_is_slow_and_a_better_one_is_named(rate: float) -> None:
    (notice,) = told(small(), Momentum(rate), 110)

    assert notice.kind == "slow"
    better = float(notice.change.split("such as ")[1])
    assert 1e-4 <= better <= 1e-1
    assert told(small(), Momentum(better), 110) == []


def test_weights_of_zero_are_flat_and_no_gradient_reaches_them() -> None:
    rng = np.random.default_rng(0)
    network = Network([Flatten(), Linear.init(rng, 900, 8), Linear.init(rng, 8, 10)])

    (notice,) = told(changed(network, W1=0.0, W2=0.0), Momentum(0.01), 225)

    assert notice.kind == "flat"
    assert "guessing gives 2.303" in notice.seen
    assert notice.why.startswith("The gradients of all weights are 0, because their inputs")


def test_labels_that_do_not_belong_to_the_images_are_flat() -> None:
    labels = np.random.default_rng(0).permutation(LABELS)

    notices = [notice for notice in told(small(), Momentum(0.002), 225, labels=labels) if notice.kind == "flat"]

    assert len(notices) == 1
    assert "labels of other images" in notices[0].why


def test_what_an_early_leap_destroyed_is_flat_with_that_reason() -> None:
    monitor = TrainingMonitor()
    network = Network([Flatten(), Linear(np.zeros((900, 10), np.float32), np.zeros(10, np.float32))])
    flat = list(stepped(network, GradientDescent(1e-12), 200))
    leap = replace(flat[0], before=changed(network, W1=1e-3), state=replace(flat[0].state, network=changed(network, W1=1.0)))

    (notice,) = [notice for step in [leap, *flat[1:]] for notice in monitor.observe(step)]

    assert notice.kind == "flat"
    assert "An early step changed weights by 1e+03 times their own size" in notice.why


def test_guessing_is_known_for_another_loss() -> None:
    network = Network([Flatten(), Linear(np.zeros((900, 10), np.float32), np.full(10, 0.1, np.float32))])

    (notice,) = told(network, GradientDescent(1e-12), 225, loss=MeanSquaredError())

    assert "guessing gives 0.090" in notice.seen  # (9 / 10) / 10


# --- what is well -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimiser", "seed", "steps"),
    [
        (GradientDescent(0.2), 0, 30),
        (Momentum(0.05), 1, 80),
        (Nesterov(0.05), 2, 30),
        (RMSProp(0.001), 3, 30),
        (Adam(0.003), 4, 30),
        (AdamW(0.003), 5, 30),
    ],
    ids=lambda each: type(each).__name__,
)
def test_the_readme_network_learns_in_silence(optimiser: Optimiser, seed: int, steps: int) -> None:
    assert told(handmade.networks.readme(np.random.default_rng(seed)), optimiser, steps, seed=seed) == []


@pytest.mark.long
def test_the_seed_network_learns_in_silence() -> None:
    assert told(handmade.networks.seed(np.random.default_rng(0)), Momentum(), 5) == []


@pytest.mark.parametrize("seed", [0, 1])
def test_a_small_network_learns_long_in_silence(seed: int) -> None:
    assert told(small(seed), Momentum(0.02), 325, seed=seed) == []


def test_the_end_of_a_training_that_has_learnt_is_not_slow() -> None:
    learnt = list(stepped(small(), Momentum(0.02), 300))[-1].network

    assert told(learnt, Momentum(1e-9), 150) == []


def test_numbers_beyond_all_bounds_raise_no_warning() -> None:
    network = Network([Flatten(), Linear.init(np.random.default_rng(0), 900, 10, np.float64)])
    step = next(stepped(network, Momentum(), 1))
    huge = {name: np.full_like(g, 1e300) for name, g in step.gradients.items()}

    monitor = TrainingMonitor()
    assert kinds([notice for _ in range(30) for notice in monitor.observe(replace(step, gradients=huge, loss=1e300))]) == []


def test_nothing_is_said_twice() -> None:
    for network, optimiser in ((small(), Momentum(10)), (small(), Momentum(1e-9)), (changed(small(), b0=-100.0), Momentum())):
        said = kinds(told(network, optimiser, 225))
        assert said
        assert max(map(said.count, said)) == 1


def test_the_observer_changes_nothing() -> None:
    plain = list(stepped(small(), Momentum(10), 26))[-1].network
    monitor = TrainingMonitor()
    last = plain
    for step in stepped(small(), Momentum(10), 26):
        monitor.observe(step)
        last = step.network

    assert all(np.array_equal(plain.parameters()[name], w) for name, w in last.parameters().items())


def test_a_notice_reads_as_a_sentence() -> None:
    assert str(Notice("slow", 1200, "seen", "Why", "that", ())) == "step 1,200: seen. Why. Try that."
    assert math.isclose(TrainingMonitor()._guessing(next(stepped(small(), Momentum(), 1))), math.log(10))


# --- the command --------------------------------------------------------------------------------------------------------------

TINY = {
    "layers": [
        {"layer": "Conv2d", "filters": 2, "kernel": 5, "stride": 5},
        {"layer": "ReLU"},
        {"layer": "Flatten"},
        {"layer": "Linear", "units": 10},
    ]
}


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["handmade", "train", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return run


USUAL = ("--network", "tiny.json", "--gradient", "backprop", "--threads", "1", "--limit", "100", "--out", "run")


def test_the_command_tells_a_notice_and_writes_it_down(command: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    code = command(*USUAL, "--steps", "110", "--learning-rate", "1e-9", "--json", "--tensorboard")

    told = capsys.readouterr()
    assert code == 0
    assert told.err.count("Not learning: the loss was ") == 1
    assert re.search(
        r"\n  Why: The gradient is normal.*\n  Try: a larger learning rate, such as .* \(--learning-rate\)\.\n", told.err
    )
    kept = json.loads(Path("run/run.json").read_text())["notices"]
    assert [(notice["kind"], notice["step"]) for notice in kept] == [("slow", 100)]
    assert json.loads(told.out)["notices"] == kept
    assert len(list(Path("run/tensorboard").glob("*tfevents*"))) == 1


def test_a_run_that_goes_on_does_not_say_it_again(command: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    command(*USUAL, "--steps", "130", "--learning-rate", "1e-9", "--time-limit", "1e-9")
    record = json.loads(Path("run/run.json").read_text())
    earlier = {"kind": "slow", "step": 1, "seen": "earlier"}
    Path("run/run.json").write_text(json.dumps(record | {"notices": [earlier, "damaged"]}))
    capsys.readouterr()

    assert command("--resume", "run", "--time-limit", "60") == 0

    assert "Not learning" not in capsys.readouterr().err
    assert json.loads(Path("run/run.json").read_text())["notices"] == [earlier]


def test_tensorboard_without_its_library_ends_before_the_training(
    command: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)

    assert command(*USUAL, "--tensorboard") == 1
    assert capsys.readouterr().err == (
        f"handmade: --tensorboard: expected tensorboardX, which is not installed. Try {install_command('tensorboard')}\n"
    )
    assert not Path("run").exists()
