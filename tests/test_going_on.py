"""Training goes on from any step, makes its batches ahead, looks at validation images, and knows when to stop."""

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handmade
from handmade import HandmadeError
from handmade.data import Augmentation
from handmade.data.split import split_validation
from handmade.engine.arrays import Array
from handmade.engine.evaluation import evaluate
from handmade.engine.optim import EMA, L1, L2, Adam, GradientDescent, Momentum, Penalised, RMSProp, global_norm, linear
from handmade.engine.randomness import AUGMENT, ORDER, STAGE, VALIDATION, generator
from handmade.engine.training import Step, train
from handmade.engine.training.batches import Batches, prefetch
from handmade.engine.training.state import TrainingState, arrays_of
from handmade.engine.training.stopping import Best, stopped_by
from handmade.threads import threads

MNIST = handmade.data.mnist()
IMAGES, LABELS = MNIST.train.images[:60], MNIST.train.labels[:60]
HELD = (MNIST.train.images[100:140], MNIST.train.labels[100:140])
STAGED = [
    {"layer": "Conv2d", "filters": 2, "kernel": 3, "stride": 3},
    {"layer": "BatchNorm2d"},
    {"layer": "ReLU"},
    {"layer": "Flatten"},
    {"layer": "Dropout", "rate": 0.3},
    {"layer": "Linear", "units": 10},
]


def network() -> handmade.Network:
    return handmade.networks.described({"layers": STAGED}, np.random.default_rng(0))


def plain() -> handmade.Network:
    return handmade.networks.described({"layers": [STAGED[3], STAGED[5]]}, np.random.default_rng(0))


def steps(start_at: handmade.Network, **options: Any) -> list[Step]:
    usual: dict[str, Any] = {"gradient": handmade.gradients.backprop, "prepare": handmade.data.prepare, "batch_size": 16}
    return list(train(start_at, IMAGES, LABELS, **(usual | options)))


def bits(arrays: dict[str, Array]) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in arrays.items()}


def no_gradient(network: Any, _x: Array, _y: Array) -> tuple[float, dict[str, Array]]:
    return 1.0, {name: np.zeros_like(w) for name, w in network.parameters().items()}


@pytest.mark.parametrize("optimiser", [Momentum(), Adam(), RMSProp()], ids=lambda optimiser: type(optimiser).__name__)
@pytest.mark.parametrize("gradient", [handmade.gradients.backprop, handmade.gradients.difference])
@pytest.mark.parametrize("after", [1, 4, 6])
def test_a_training_goes_on_from_any_step_to_the_same_bits(after: int, gradient: Any, optimiser: Any) -> None:
    options: dict[str, Any] = {
        "gradient": gradient,
        "optimiser": optimiser,
        "schedule": linear,
        "clip_norm": 1.0,
        "ema": EMA(0.8),
        "augment": Augmentation(shift=2, rotation=10, noise=9),
        "validation": HELD,
        "validate_every": 2,
        "steps": 7,
        "seed": 3,
    }
    whole = steps(network(), **options)

    rest = steps(network(), start=whole[after - 1].state, **options)

    assert [step.number for step in rest] == list(range(after + 1, 8))
    assert [step.loss for step in rest] == [step.loss for step in whole[after:]]
    for name in ("network", "smoothed"):
        assert bits(arrays_of(getattr(rest[-1], name))) == bits(arrays_of(getattr(whole[-1], name)))
    one, other = rest[-1].state.best, whole[-1].state.best
    assert one is not None
    assert other is not None
    assert (one.step, one.accuracy, one.loss, one.validations_since) == (
        other.step,
        other.accuracy,
        other.loss,
        other.validations_since,
    )
    assert bits(arrays_of(one.network)) == bits(arrays_of(other.network))


def test_layers_are_in_training_for_the_gradient_and_as_they_are_for_all_else() -> None:
    stages = []

    def look(stage: Any, x: Array, y: Array) -> tuple[float, dict[str, Array]]:
        stages.append(stage)
        return handmade.gradients.backprop(stage, x, y)

    first, second = steps(network(), gradient=look, steps=2, accuracy_every=1)

    masks = [stage.layers[4].mask for stage in stages]
    assert masks[0].shape[0] == 16
    assert (masks[0] != masks[1]).any()
    assert first.accuracy == (network().predict(first.x) == Batches(IMAGES, LABELS, 16, 0).make(1)[1]).mean()
    moved = stages[0].update_statistics(first.x)
    assert moved.keys() == {"1.mean", "1.variance"}
    assert bits(first.network.statistics()) == bits(moved)
    assert bits(second.before.statistics()) == bits(moved)


def test_the_purposes_of_randomness_have_nothing_in_common() -> None:
    draws = [generator(5, purpose, number).random() for purpose in (ORDER, AUGMENT, STAGE, VALIDATION) for number in range(9)]

    assert len({*draws, np.random.default_rng(5).random()}) == 37


def test_each_step_changes_its_images_by_a_generator_of_its_own() -> None:
    drawn = []

    def note(images: Array, rng: np.random.Generator) -> Array:
        drawn.append(rng.random())
        return 255 - images

    seen = steps(plain(), augment=note, steps=5)

    assert drawn == [generator(0, AUGMENT, number).random() for number in range(1, 6)]
    as_they_are = Batches(IMAGES, LABELS, 16, 0).make(1)[0]
    np.testing.assert_array_equal(seen[0].x, handmade.data.prepare(255 - as_they_are))


@pytest.mark.parametrize("changed", [lambda images: images[:, 1:], lambda images: images / 255])
def test_changed_images_of_another_shape_or_dtype_are_refused(changed: Any) -> None:
    with pytest.raises(HandmadeError, match=r"augment: expected images \(16, 28, 28, 1\) of uint8"):
        steps(plain(), augment=lambda images, _rng: changed(images))


def makers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("batches")]


def test_the_next_batch_is_made_while_the_gradient_of_this_one_is_worked_out() -> None:
    made = [threading.Event() for _ in range(4)]
    numbers = iter(made)

    def note(images: Array, _rng: np.random.Generator) -> Array:
        next(numbers).set()
        return images

    following = iter(made[1:])

    def wait(network: Any, x: Array, y: Array) -> tuple[float, dict[str, Array]]:
        assert next(following).wait(60)
        return no_gradient(network, x, y)

    for step in train(
        plain(), IMAGES, LABELS, gradient=wait, prepare=handmade.data.prepare, augment=note, batch_size=16, steps=4
    ):
        if step.number == 3:
            break  # the fourth would wait for a fifth batch


@pytest.mark.parametrize("fails", ["gradient", "prepare", "reader", "Ctrl-C"])
def test_the_thread_that_makes_batches_ends_with_the_training(fails: str) -> None:
    def gradient(network: Any, x: Array, y: Array) -> tuple[float, dict[str, Array]]:
        if fails == "gradient":
            raise ZeroDivisionError
        if fails == "Ctrl-C":
            raise KeyboardInterrupt
        assert makers()
        return no_gradient(network, x, y)

    def prepare(images: Array) -> Array:
        if fails == "prepare" and len(images) > 1:  # one image is prepared before the first step
            raise ZeroDivisionError
        return handmade.data.prepare(images)

    training = train(plain(), IMAGES, LABELS, gradient=gradient, prepare=prepare, augment=lambda images, _rng: images)
    try:
        next(training)
    except (ZeroDivisionError, KeyboardInterrupt):
        assert fails != "reader"
    else:
        assert fails == "reader"
        training.close()
    assert makers() == []


@given(st.integers(0, 9), st.integers(0, 12))
def test_what_is_made_ahead_comes_once_and_in_order(first: int, count: int) -> None:
    assert list(prefetch(lambda number: number**2, range(first, first + count))) == [n**2 for n in range(first, first + count)]


def test_clipping_shortens_the_step_and_not_the_record() -> None:
    free, clipped = (steps(plain(), optimiser=GradientDescent(1.0), clip_norm=clip, steps=1)[0] for clip in (None, 0.01))

    assert free.norm == clipped.norm == global_norm(free.gradients) > 0.01
    assert bits(free.gradients) == bits(clipped.gradients)
    moved = {name: w - clipped.network.parameters()[name] for name, w in clipped.before.parameters().items()}
    assert global_norm(moved) == pytest.approx(0.01, rel=1e-3)


def test_the_average_is_what_is_validated_and_the_network_itself_is_what_is_trained() -> None:
    with_it, without = (steps(plain(), ema=ema, steps=4, validation=HELD) for ema in (EMA(0.5), None))

    assert bits(with_it[-1].network.parameters()) == bits(without[-1].network.parameters())
    weights = [step.network.parameters()["1.W"] for step in with_it]
    mean = sum(0.5 ** (4 - t) * w for t, w in enumerate(weights, 1)) / sum(0.5 ** (4 - t) for t in range(1, 5))
    np.testing.assert_allclose(with_it[-1].smoothed.parameters()["1.W"], mean, rtol=1e-5, atol=1e-6)
    looked = with_it[-1].validation
    assert looked is not None
    assert looked.loss == evaluate(with_it[-1].smoothed, *HELD, handmade.data.prepare).loss
    assert without[-1].smoothed is without[-1].network


@pytest.mark.parametrize(("h", "scheme"), [(None, "forward"), (1e-3, "forward"), (0.5, "central")])
def test_penalties_are_in_the_loss_and_in_the_gradient_of_the_same_kind(h: float | None, scheme: Any) -> None:
    x, y = handmade.data.prepare(IMAGES[:8], np.float64), LABELS[:8]
    start = handmade.networks.described({"layers": [STAGED[3], STAGED[5]]}, np.random.default_rng(0), np.float64)
    penalties = (L1(0.01), L2(0.02))

    loss, gradients = Penalised(handmade.gradients.backprop, penalties, h, scheme)(start, x, y)

    bare, own = handmade.gradients.backprop(start, x, y)
    parameters = start.parameters()
    assert loss == pytest.approx(bare + sum(penalty.loss(parameters) for penalty in penalties))
    for name, g in own.items():
        parts = [p.gradient(parameters) if h is None else p.quotient(parameters, h, scheme) for p in penalties]
        np.testing.assert_allclose(gradients[name], g + parts[0][name] + parts[1][name], rtol=1e-12, atol=1e-15)


def test_validation_comes_in_time_and_after_the_last_step() -> None:
    looked = [step.number for step in steps(plain(), validation=HELD, validate_every=3, steps=8) if step.validation]
    by_epoch = [step.number for step in steps(plain(), validation=HELD, epochs=2) if step.validation]

    assert looked == [3, 6, 8]
    assert by_epoch == [4, 8]


def test_the_best_network_is_the_one_that_validated_best() -> None:
    records = steps(plain(), validation=HELD, validate_every=1, optimiser=GradientDescent(2.0), steps=12)

    looks = [(step.validation.accuracy, -step.validation.loss, step) for step in records if step.validation]
    accuracy, _, best = max(looks, key=lambda look: look[:2])
    kept = records[-1].state.best
    assert kept is not None
    assert (kept.step, kept.accuracy, kept.validations_since) == (best.number, accuracy, 12 - best.number)
    assert kept.network is best.smoothed
    assert 1 < kept.step < 12, "a training that only gets better, or worse, would show nothing"


def test_patience_ends_a_training_that_gets_no_better_and_it_stays_ended() -> None:
    options: dict[str, Any] = {"gradient": no_gradient, "validation": HELD, "validate_every": 2, "patience": 3, "steps": 50}

    records = steps(plain(), **options)

    assert [step.stopped for step in records] == [None] * 7 + ["patience"]
    assert steps(plain(), start=records[-1].state, **options) == []
    assert len(steps(plain(), start=records[-1].state, **(options | {"patience": 5}))) == 4


def test_a_target_ends_a_training_that_reaches_it() -> None:
    images = HELD[0]
    answers = plain().predict(handmade.data.prepare(images))
    wrong = np.where(np.arange(40) < 4, (answers + 1) % 10, answers)  # 90 per cent right
    options: dict[str, Any] = {"gradient": no_gradient, "validate_every": 2, "steps": 6}

    reached, missed = (steps(plain(), validation=(images, wrong), target=target, **options) for target in (0.9, 0.91))

    assert [step.stopped for step in reached] == [None, "target"]
    assert [step.stopped for step in missed] == [None] * 6


@pytest.mark.parametrize(
    ("best", "patience", "target", "stopped"),
    [
        (None, 1, 0.1, None),
        ((0.5, 3), None, None, None),
        ((0.5, 3), 4, 0.6, None),
        ((0.5, 3), 3, 0.6, "patience"),
        ((0.5, 0), None, 0.5, "target"),
        ((0.5, 3), 3, 0.5, "target"),
    ],
)
def test_why_a_training_is_over(best: tuple[float, int] | None, patience: Any, target: Any, stopped: str | None) -> None:
    seen = None if best is None else Best(1, best[0], 1.0, plain(), best[1])

    assert stopped_by(seen, patience, target) == stopped


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"patience": 2}, "validation: expected images for validate_every, patience and target"),
        ({"target": 0.5}, "validation: expected images for validate_every, patience and target"),
        ({"validate_every": 5}, "validation: expected images for validate_every, patience and target"),
        ({"validation": HELD, "target": 99}, "above 0 and of at most 1, got 99"),
        ({"validation": (HELD[0], HELD[1] + 5)}, "0 to 9"),
        ({"validation": (HELD[0], HELD[1][:3])}, "40"),
        ({"validation": (HELD[0][:, 1:], HELD[1])}, r"\(1, 29, 30, 1\)"),
        ({"clip_norm": 0}, "clip_norm: expected a finite number above 0"),
        ({"seed": -1}, "seed: expected"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_step(options: dict[str, Any], says: str) -> None:
    with pytest.raises(HandmadeError, match=says):
        train(plain(), IMAGES, LABELS, prepare=handmade.data.prepare, **options)


def test_a_state_of_another_training_is_refused() -> None:
    state = steps(plain(), steps=1)[0].state
    for other, options in (
        (network(), {}),
        (plain(), {"optimiser": Adam()}),
        (plain(), {"ema": EMA()}),
    ):
        with pytest.raises(HandmadeError, match="start: expected the"):
            train(other, IMAGES, LABELS, prepare=handmade.data.prepare, start=state, **options)
    with pytest.raises(HandmadeError, match="expected the network"):
        train(plain(), IMAGES, LABELS, start=replace(state, network=network()))


def test_the_smoothed_network_of_a_beginning_is_the_network() -> None:
    start = TrainingState.start(plain(), Momentum(), EMA())

    assert start.smoothed(EMA()) is start.network


def test_an_evaluation_has_the_same_bits_however_many_share_it() -> None:
    images, labels = MNIST.test.images[:1700], MNIST.test.labels[:1700]
    alone = evaluate(network(), images, labels, handmade.data.prepare)

    with threads(3) as executor:
        shared = evaluate(network(), images, labels, handmade.data.prepare, executor)

    assert shared.loss == alone.loss
    np.testing.assert_array_equal(shared.confusion, alone.confusion)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=60), st.data())
def test_images_held_out_come_evenly_from_every_class(classes: list[int], data: st.DataObject) -> None:
    labels, count = np.array(classes), data.draw(st.integers(1, len(classes) - 1))

    training, validation = split_validation(labels, count, 7)

    assert sorted([*training, *validation]) == list(range(len(labels)))
    assert len(validation) == count
    assert list(training) == sorted(training)
    for c in set(classes):
        share = count * classes.count(c) / len(classes)
        assert abs((labels[validation] == c).sum() - share) < 1
    np.testing.assert_array_equal(split_validation(labels, count, 7)[1], validation)


def test_another_seed_holds_other_images_out() -> None:
    assert (split_validation(LABELS, 20, 0)[1] != split_validation(LABELS, 20, 1)[1]).any()


@pytest.mark.parametrize("count", [0, 60, 61])
def test_no_more_can_be_held_out_than_leaves_one_to_learn_from(count: int) -> None:
    with pytest.raises(HandmadeError, match="expected at least 1 and fewer than the 60 training images"):
        split_validation(LABELS, count, 0)
