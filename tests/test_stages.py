"""Training and inference are two networks: what changes between them, who couples the images, and that all gradients agree."""

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import handmade
from cases import CASES
from graph_layers import Subnetwork
from handmade import BatchNorm2d, Conv2d, Dropout, Flatten, HandmadeError, Linear, MaxPool2d, Network, ReLU, Residual
from handmade.engine.arrays import Array
from handmade.engine.check import check, check_layer
from handmade.engine.check.networks.kinks import kinks
from handmade.engine.gradients import backprop, definition, difference
from handmade.engine.gradients.arguments import Gradient
from handmade.engine.gradients.definition import quotient
from handmade.engine.layers import Layer
from handmade.engine.losses import CrossEntropy
from handmade.engine.plain.backend import IMAGES_AT_ONCE
from handmade.engine.plain.differences import SHARD

IMAGES = SHARD + 3  # two shards, the second one short
SHAPE = (7, 6, 2)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def conv(draw: np.random.Generator, channels: int, filters: int, kernel: int = 3) -> Conv2d:
    return Conv2d.init(draw, channels, filters, kernel, padding=kernel // 2, dtype=np.float64)


def norm(draw: np.random.Generator, channels: int) -> BatchNorm2d:
    """With statistics and weights that differ from channel to channel."""
    W, b, mean = draw.standard_normal((3, channels))
    return BatchNorm2d(W, b, mean, draw.random(channels) + 0.5)


def network(*, dropout: bool = True, batch_norm: bool = True) -> Network:
    """Residuals with a shortcut, and one in the other; on images that are not square."""
    draw = rng(1)

    def forget() -> list[Layer]:
        return [Dropout(0.3)] if dropout else []

    def even(channels: int) -> list[Layer]:
        return [norm(draw, channels)] if batch_norm else []

    layers: list[Any] = [
        *(conv(draw, 2, 3), *even(3), ReLU(), MaxPool2d(2), *forget()),
        Residual([conv(draw, 3, 2), *even(2), ReLU(), *forget(), conv(draw, 2, 4)], [conv(draw, 3, 4, 1), *even(4)]),
        Residual([ReLU(), Residual([conv(draw, 4, 2), MaxPool2d(3, 1, 1)], [conv(draw, 4, 2, 1)]), conv(draw, 2, 4, 1)]),
        *(Flatten(), *forget(), Linear.init(draw, 36, 5, np.float64)),
    ]
    return Network(layers, SHAPE)


def within_a_shortcut() -> Network:
    """The only layer that couples the images, or forgets, is not seen from outside."""
    draw = rng(4)
    inner: list[Layer] = [norm(draw, 2), Dropout(0.3), conv(draw, 2, 3)]
    layers: list[Any] = [
        Residual([conv(draw, 2, 3), ReLU()], inner),
        MaxPool2d(2),
        Flatten(),
        Linear.init(draw, 27, 5, np.float64),
    ]
    return Network(layers, SHAPE)


def batch(count: int = IMAGES) -> tuple[Array, Array]:
    draw = rng(2)
    return draw.standard_normal((count, *SHAPE)), draw.integers(0, 5, count)


STAGES = {
    "inference": network(),
    "dropout in training": network(batch_norm=False).in_training(IMAGES, rng()),
    "batch norm in training": network(dropout=False).in_training(IMAGES, rng()),
    "both in training": network().in_training(IMAGES, rng()),
    "batch norm in a shortcut alone": within_a_shortcut().in_training(IMAGES, rng()),
    "residuals alone": network(dropout=False, batch_norm=False),
}
every_stage = pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)


def largest(g: dict[str, Array]) -> float:
    return max(float(np.abs(array).max()) for array in g.values())


# --- gradients ----------------------------------------------------------------------------------------------------------------


@every_stage
def test_tiny_differences_agree_with_backpropagation(stage: Network) -> None:
    x, y = batch()
    L, g = backprop(stage, x, y)
    for scheme in ("forward", "central"):
        L_too, quotients = difference(stage, x, y, h=1e-30, scheme=scheme)
        assert abs(L - L_too) < 1e-13
        assert list(quotients) == list(g) == list(stage.parameters())
        for name, array in g.items():
            # sums of some thousand terms in another order; a number in a wrong place is off by a thousandth or more
            np.testing.assert_allclose(quotients[name], array, rtol=0, atol=1e-12 * largest(g), err_msg=name)


@every_stage
def test_large_differences_agree_with_the_definition(stage: Network) -> None:
    x, y = batch()
    L, got = difference(stage, x, y, h=0.25)
    loss, draw = CrossEntropy(), rng(3)
    for name, array in got.items():
        for i in draw.integers(0, array.size, 6).tolist():
            wanted = quotient(stage, x, y, name, i, 0.25, "forward", loss, L)
            # the definition subtracts losses of order 10, right to some 1e-14, and divides by h
            assert abs(array.flat[i] - wanted) < 1e-12, (name, i)


@every_stage
def test_the_bits_do_not_depend_on_the_processes(stage: Network) -> None:
    x, y = batch()
    with ProcessPoolExecutor(2) as executor:
        for gradient in (difference, backprop):
            alone, shared = gradient(stage, x, y), gradient(stage, x, y, executor=executor)
            assert alone[0] == shared[0]
            for name, array in alone[1].items():
                np.testing.assert_array_equal(shared[1][name], array, strict=True)


def test_images_that_depend_on_one_another_are_cut_by_nudges(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, (x, y) = STAGES["both in training"], batch()
    _, whole = difference(stage, x, y, h=0.5)
    monkeypatch.setattr("handmade.engine.plain.block_sizes.LARGEST", 0)  # one nudge at a time
    _, cut = difference(stage, x, y, h=0.5)
    for name, array in whole.items():
        np.testing.assert_allclose(cut[name], array, rtol=0, atol=1e-13 * largest(whole))


@pytest.mark.parametrize("gradient", [difference, backprop])
def test_the_mask_goes_with_its_images(gradient: Any) -> None:
    stage, (x, y) = STAGES["dropout in training"], batch()
    _, got = gradient(stage, x, y)
    ones = [slice(n, n + 1) for n in range(IMAGES)]
    apart = [gradient(stage.for_images(one), x[one], y[one])[1] for one in ones]
    for name, array in got.items():
        np.testing.assert_allclose(np.mean([g[name] for g in apart], axis=0), array, rtol=0, atol=1e-13 * largest(got))


def test_the_mask_goes_with_its_images_in_a_long_batch_too() -> None:
    count = 2 * IMAGES_AT_ONCE + 1
    stage, (x, _) = network(batch_norm=False).in_training(count, rng()), batch(count)
    # products in another order: logits of order 10
    np.testing.assert_allclose(stage.logits(x), stage.forward(x)[-1], rtol=0, atol=1e-12)


@every_stage
def test_the_checker_finds_no_bug(stage: Network) -> None:
    x, y = batch()
    report = check(stage, x, y, tries=1)
    assert report.bugs == 0
    assert "residual1.block.conv1.W" in {array.name for array in report.arrays}


def test_a_bias_that_batch_norm_takes_away_is_no_bug() -> None:
    """Its derivative is zero, and both sides hold what rounding left, some 1e-14 of the largest."""
    train = handmade.data.mnist().train
    x, y = handmade.data.prepare(train.images[:16], np.float64), train.labels[:16]
    layers: list[dict[str, Any]] = []
    for filters in (4, 8):
        layers += [{"layer": "Conv2d", "filters": filters, "kernel": 3}, {"layer": "BatchNorm2d"}, {"layer": "ReLU"}]
        layers += [{"layer": "MaxPool2d", "window": 2}]
    layers += [{"layer": "Flatten"}, {"layer": "Linear", "units": 10}]
    stage = handmade.networks.described({"layers": layers}, rng(), np.float64).in_training(16, rng())
    assert check(stage, x, y, tries=1).bugs == 0


@pytest.mark.parametrize(
    "name", ["inference", *(pytest.param(name, marks=pytest.mark.long) for name in STAGES if name != "inference")]
)
def test_a_wrong_gradient_within_a_residual_is_found_there(name: str) -> None:
    stage, (x, y) = STAGES[name], batch()

    def wrong(*arguments: Any) -> tuple[float, dict[str, Array]]:
        L, g = backprop(*arguments)
        name = next(name for name in g if ".shortcut." in name)
        return L, g | {name: 1.001 * g[name]}

    shortcut = next(name for name in stage.parameters() if ".shortcut." in name)
    guilty = [array.name for array in check(stage, x, y, analytic=wrong, tries=1).arrays if array.bugs]
    assert guilty == [stage.display_name(shortcut)]


def test_a_kink_within_a_residual_is_named() -> None:
    def one(height: int) -> Conv2d:
        return Conv2d(np.ones((height, 1, 1, 1)), np.zeros(1))

    inner = Residual([one(1), ReLU()], [MaxPool2d((2, 1), 1, (1, 0)), one(2)])
    layers: list[Any] = [one(1), Residual([ReLU(), inner]), Flatten(), Linear(np.ones((4, 2)), np.zeros(2))]
    network, x = Network(layers, (2, 2, 1)), np.ones((1, 2, 2, 1))
    x[0, 0, 1, 0] = 0
    assert [kink.layer for kink in kinks(network, x, "0.W", (0, 0, 0, 0), 1e-30)] == []
    by_bias = [(kink.layer, kink.place) for kink in kinks(network, x, "0.b", (0,), 1e-30)]
    assert ("residual1.block.relu1", (0, 1, 0)) in by_bias
    within = {kink.layer for kink in kinks(network, x, "1.block.1.block.0.b", (0,), 1e-30)}
    assert within == {"residual1.block.residual1.block.relu1"}


# --- two networks -------------------------------------------------------------------------------------------------------------


def test_a_network_without_stages_is_itself_in_training_and_nothing_is_drawn() -> None:
    plain, draw = STAGES["residuals alone"], rng()
    assert plain.in_training(5, draw) is plain
    assert plain.for_images(slice(3)) is plain
    assert plain.update_statistics(batch()[0]) == plain.statistics() == {}
    assert draw.random() == rng().random()


def test_training_and_inference_share_their_weights() -> None:
    plain = STAGES["inference"]
    stage = plain.in_training(IMAGES, rng())
    assert list(stage.parameters()) == list(plain.parameters())
    for name, array in (plain.parameters() | plain.statistics()).items():
        assert (stage.parameters() | stage.statistics())[name] is array
    assert not plain.mixes_batch
    assert stage.mixes_batch
    assert stage.shapes == plain.shapes
    moved = plain.replace(stage.update_statistics(batch()[0]))
    for name, array in plain.parameters().items():
        assert moved.parameters()[name] is array
    for name, array in plain.statistics().items():
        assert moved.statistics()[name].shape == array.shape
        assert not np.any(moved.statistics()[name] == array)


def test_people_read_names_and_not_numbers() -> None:
    network = STAGES["inference"]
    assert network.names[:6] == ("conv1", "batchnorm1", "relu1", "pool1", "dropout1", "residual1.block.conv1")
    assert network.display_name("1.variance") == "batchnorm1.variance"
    assert network.display_name("5.block.4.W") == "residual1.block.conv2.W"
    assert network.display_name("6.block.1.shortcut.0.b") == "residual2.block.residual1.shortcut.conv1.b"


def test_statistics_are_named_like_weights() -> None:
    names = ["1.mean", "1.variance", "5.block.1.mean", "5.block.1.variance", "5.shortcut.1.mean", "5.shortcut.1.variance"]
    assert list(STAGES["inference"].statistics()) == names
    assert list(STAGES["both in training"].update_statistics(batch()[0])) == names
    with pytest.raises(HandmadeError, match=r"arrays\['1.mean'\]: expected the shape \(3,\), got \(1,\)"):
        STAGES["inference"].replace({"1.mean": np.zeros(1)})


def test_what_is_observed_within_a_residual_is_what_reaches_the_layer() -> None:
    stage, (x, _) = STAGES["both in training"], batch()
    tape = stage.forward(x)
    conv, norm = (stage.node(f"5.shortcut.{k}").layer for k in range(2))
    assert isinstance(norm, BatchNorm2d)
    mean = conv.forward(tape[5]).mean(axis=(0, 1, 2))
    np.testing.assert_allclose(stage.update_statistics(x)["5.shortcut.1.mean"], 0.9 * norm.mean + 0.1 * mean, rtol=1e-13)


def test_the_same_numbers_are_forgotten_in_either_precision() -> None:
    mask = Dropout(0.5).in_training(4, (30, 20), rng()).mask
    assert mask is not None
    single = Network([Flatten(), Dropout(0.5), Linear(np.eye(6, 2, dtype=np.float32), np.zeros(2, np.float32))], (3, 2, 1))
    double = single.replace({name: w.astype(np.float64) for name, w in single.parameters().items()})
    x = np.ones((9, 3, 2, 1))
    one, other = (net.in_training(9, rng(3)).logits(x.astype(net.dtype)) for net in (single, double))
    np.testing.assert_array_equal(one, other)
    assert one.dtype == np.float32
    assert abs(mask.mean() - 0.5) < 0.05  # 2,400 numbers: five standard deviations
    assert 0.02 < mask.all(axis=0).mean() < 0.11  # images do not share it: 1/16 of the numbers are kept in all four


@pytest.mark.parametrize("name", ["dropout in training", "batch norm in a shortcut alone"])
def test_another_batch_than_that_of_the_mask_is_refused(name: str) -> None:
    stage = STAGES[name]
    for count in (1, IMAGES - 1, IMAGES + 1):
        for refused in (stage.forward, stage.logits, lambda x: difference(stage, x, np.zeros(len(x), int))):
            with pytest.raises(HandmadeError, match=f"expected a batch of {IMAGES} images, .* got {count}"):
                refused(batch(count)[0])


def test_a_dropout_by_itself_refuses_another_batch_too() -> None:
    with pytest.raises(HandmadeError, match=r"Dropout in training: expected the batch \(2, 3\).* got \(1, 3\)"):
        Dropout(0.5).in_training(2, (3,), rng()).forward(np.ones((1, 3)))


def test_a_batch_of_one_value_a_channel_is_refused() -> None:
    rows = Network([Flatten(), BatchNorm2d.init(rng(), 6), Linear.init(rng(), 6, 2)], (3, 2, 1))
    with pytest.raises(HandmadeError, match="two values a channel or more; got 1"):
        rows.in_training(1, rng())
    with pytest.raises(HandmadeError, match="two values a channel or more; got 1"):
        rows.in_training(2, rng()).forward(np.ones((1, 3, 2, 1), np.float32))
    assert rows.in_training(2, rng()).mixes_batch
    with pytest.raises(HandmadeError, match="images: expected an integer of at least 1"):
        rows.in_training(0, rng())


@pytest.mark.parametrize(
    "arrays",
    [
        (np.ones(2), np.ones(3), np.ones(2), np.ones(2)),
        (np.ones((2, 1)), np.ones((2, 1)), np.ones((2, 1)), np.ones((2, 1))),
        (np.ones(0), np.ones(0), np.ones(0), np.ones(0)),
        (np.ones(2), np.ones(2), np.ones(2), -np.ones(2)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays: tuple[Array, ...]) -> None:
    W, b, mean, variance = arrays
    with pytest.raises(HandmadeError, match="BatchNorm2d: expected"):
        BatchNorm2d(W, b, mean, variance)


def test_a_channel_too_many_is_refused() -> None:
    with pytest.raises(HandmadeError, match=r"layer 0 \(batchnorm1\): BatchNorm2d: expected images \(H, W, 2\).*got \(3, 3, 1\)"):
        Network([BatchNorm2d.init(rng(), 2)], (3, 3, 1))
    with pytest.raises(HandmadeError, match=r"layer 0.block.1 \(residual1.block.conv1\): Conv2d: expected images"):
        Network([Residual([ReLU(), conv(rng(), 2, 2)])], (3, 3, 1))


@dataclass(frozen=True, eq=False)
class Scale(Layer):
    """y = W^2 x: a layer with a weight that is squared, and nothing but its equations."""

    WEIGHTS: ClassVar[tuple[str, ...]] = ("W",)

    W: Array

    def forward(self, x: Array) -> Array:
        y: Array = x * self.W**2
        return y

    def delta(self, x: Array, dx: Array) -> Array:
        dy: Array = dx * self.W**2
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return gy * self.W**2, {"W": np.array([2 * self.W[0] * (gy * x).sum()])}


def test_weights_of_a_layer_that_has_nothing_but_its_equations_are_nudged_too() -> None:
    layers = [Residual([Flatten()], [Flatten(), Scale(np.array([0.7]))]), Linear.init(rng(), 4, 3, np.float64)]
    net, x, y = Network(layers, (2, 2, 1)), rng(8).standard_normal((5, 2, 2, 1)), np.array([0, 1, 2, 1, 0])
    for h in (0.5, 1e-3):
        _, got = difference(net, x, y, h=h)
        _, wanted = definition(net, x, y, h=h)
        for name, quotients in wanted.items():
            np.testing.assert_allclose(got[name], quotients, rtol=0, atol=1e-15 / h + 1e-12)  # what the definition loses
    assert check(net, x, y).verdict == "agree"


# --- beside PyTorch -----------------------------------------------------------------------------------------------------------

TORCH: dict[str, Any] = json.loads((Path(__file__).parent / "torch_batch_norm.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("run", TORCH["runs"], ids=lambda run: f"momentum {run['settings']['momentum']}")
def test_a_batch_norm_is_that_of_pytorch(run: dict[str, Any]) -> None:
    W, b = np.array(TORCH["W"]), np.array(TORCH["b"])
    layer = BatchNorm2d(W, b, np.zeros(2), np.ones(2), **run["settings"])
    for number, wanted in zip((0, 1, 1), run["batches"], strict=True):
        x, gy = np.array(TORCH["x"][number]), np.array(TORCH["gy"][number])
        inference = wanted is run["batches"][-1]
        stage = layer if inference else layer.in_training(len(x), x.shape[1:], rng())
        y, seen = stage.forward(x), stage.update_statistics(x)
        gx, gradients = stage.backward(x, gy)
        assert bool(seen) != inference
        layer = layer.replace(seen)
        got = {"y": y, "gx": gx, **gradients, **layer.statistics()}
        for name, array in got.items():
            # one channel lies at 100, so 100 eps are lost of x - m, and as much again where terms balance
            np.testing.assert_allclose(array, wanted[name], rtol=1e-11, atol=1e-11, err_msg=name)
        np.testing.assert_array_equal(stage.forward(x), y)


# --- the checker of layers, models, learning ----------------------------------------------------------------------------------

NEW = {name: case for name, case in CASES.items() if isinstance(case.layer, BatchNorm2d | Dropout | Subnetwork)}


@pytest.mark.parametrize(
    "inputs", ["generic", pytest.param("rounded", marks=pytest.mark.long), pytest.param("zero", marks=pytest.mark.long)]
)
@pytest.mark.parametrize("case", NEW.values(), ids=NEW)
def test_the_checker_of_layers_accuses_none_of_them(case: Any, inputs: str) -> None:
    x = rng().standard_normal(case.shape)
    report = check_layer(case.layer, {"generic": x, "rounded": np.round(x), "zero": 0 * x}[inputs])
    assert report.ok, str(report)
    # in training, or not: what one image does to another is said
    assert any("influence" in note for note in report.notes) == (case.layer.mixes_batch and len(x) > 1)


def test_a_model_keeps_the_statistics(tmp_path: Path) -> None:
    trained = STAGES["inference"].replace(STAGES["both in training"].update_statistics(batch()[0]))
    model = handmade.Network(trained.nodes, SHAPE)
    model.save(tmp_path / "model")
    loaded = handmade.load(tmp_path / "model")
    for name, array in (model.parameters() | model.statistics()).items():
        np.testing.assert_array_equal((loaded.parameters() | loaded.statistics())[name], array, strict=True)
    np.testing.assert_array_equal(loaded.logits(batch()[0]), trained.logits(batch()[0]))
    loaded.in_training(4, rng()).save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()


def test_a_network_of_the_new_layers_learns_digits() -> None:
    train = handmade.data.mnist().train
    x, y = handmade.data.prepare(train.images[:128]), train.labels[:128]
    block = [{"layer": "Conv2d", "filters": 4, "kernel": 3, "padding": 1}, {"layer": "BatchNorm2d"}, {"layer": "ReLU"}]
    layers = [
        *({"layer": "Conv2d", "filters": 4, "kernel": 3, "stride": 2}, {"layer": "BatchNorm2d"}, {"layer": "ReLU"}),
        *({"layer": "Residual", "block": block}, {"layer": "MaxPool2d", "window": 2}, {"layer": "Flatten"}),
        *({"layer": "Dropout", "rate": 0.1}, {"layer": "Linear", "units": 10}),
    ]
    network, draw = handmade.networks.described({"layers": layers}, rng()), rng()
    losses = []
    for step in range(60):
        chosen = draw.permutation(128)[:64]
        stage = network.in_training(64, draw)
        L, g = backprop(stage, x[chosen], y[chosen])
        network = network.replace(
            {name: w - 0.2 * g[name] for name, w in network.parameters().items()} | stage.update_statistics(x[chosen])
        )
        losses.append(L)
        assert network.dtype == np.float32, step
    assert losses[0] > 2
    assert (network.predict(x) == y).mean() > 0.95
    assert all(array.dtype == np.float32 for array in network.statistics().values())


def test_a_step_by_differences_is_one_by_backpropagation() -> None:
    network, (x, y) = STAGES["inference"], batch()
    gradients: dict[str, Gradient] = {"difference": partial(difference, h=1e-30), "backprop": backprop}
    ways = dict.fromkeys(gradients, network)
    for step in range(3):
        for name, gradient in gradients.items():
            stage = ways[name].in_training(IMAGES, rng(step))
            _, g = gradient(stage, x, y)
            moved = {key: w - 0.05 * g[key] for key, w in ways[name].parameters().items()}
            ways[name] = ways[name].replace(moved | stage.update_statistics(x))
    for key, array in (ways["backprop"].parameters() | ways["backprop"].statistics()).items():
        np.testing.assert_allclose((ways["difference"].parameters() | ways["difference"].statistics())[key], array, atol=1e-10)
    assert CrossEntropy().forward(ways["backprop"].logits(x), y).mean() < CrossEntropy().forward(network.logits(x), y).mean()
