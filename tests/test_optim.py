"""Optimisers equal PyTorch's, penalties equal fifty-digit arithmetic; planted bugs show that the tests would notice."""

import copy
import json
import math
import pickle
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import numpy as safetensors

import handmade
from handmade import HandmadeError
from handmade.engine.arrays import Array
from handmade.engine.gradients.arguments import Scheme
from handmade.engine.optim import (
    EMA,
    L1,
    L2,
    SCHEDULES,
    Adam,
    AdamW,
    Cosine,
    GradientDescent,
    Momentum,
    Nesterov,
    OneCycle,
    Optimiser,
    Penalty,
    RMSProp,
    Schedule,
    State,
    StepDecay,
    clip_by_norm,
    clip_by_value,
    constant,
    global_norm,
    linear,
    warm_up,
)
from strategies import seeds

Arrays = dict[str, Array]

KINDS: dict[str, Callable[..., Optimiser]] = {
    kind.__name__: kind for kind in (GradientDescent, Momentum, Nesterov, RMSProp, Adam, AdamW)
}
EACH = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
DTYPES = st.sampled_from([np.float32, np.float64])


def drawn(seed: int, dtype: Any = np.float64) -> Arrays:
    """One set of weights, or of gradients, that nobody may write to."""
    rng = np.random.default_rng(seed)
    arrays = {"0.W": rng.standard_normal((3, 2, 1, 2)).astype(dtype), "2.b": rng.standard_normal(4).astype(dtype)}
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


def followed(optimiser: Optimiser, w: Arrays, gradients: list[Arrays], state: State | None = None) -> tuple[Arrays, State]:
    """Where a few steps lead."""
    state = optimiser.start(w) if state is None else state
    for g in gradients:
        w, state = optimiser.step(w, g, state)
    return w, state


def assert_same(one: Arrays, other: Arrays) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], strict=True)


# --- PyTorch's trajectories ---------------------------------------------------------------------------------------------------

TABLE = json.loads((Path(__file__).parent / "torch_optimisers.json").read_text(encoding="utf-8"))
RUNS = TABLE["runs"]
NAMES = [f"{run['optimiser']} {number}" for number, run in enumerate(RUNS)]


def arrays(entry: dict[str, Any]) -> Arrays:
    return {name: np.array(values) for name, values in entry.items()}


def deviation(optimiser: Optimiser, run: dict[str, Any]) -> float:
    """The largest relative difference from PyTorch's weights over all steps."""
    penalty = L2(run.get("weight_decay", 0.0) / 2)
    w = arrays(TABLE["weights"])
    state, worst = optimiser.start(w), 0.0
    for entry, scale, wanted in zip(TABLE["gradients"], run.get("scales", [1.0] * 12), run["path"], strict=True):
        g, pull = arrays(entry), penalty.gradient(w)
        w, state = optimiser.step(w, {name: g[name] + pull[name] for name in w}, state, scale)
        worst = max(worst, *(float(np.max(np.abs(w[name] / wanted[name] - 1))) for name in w))
    return worst


@pytest.mark.parametrize("run", RUNS, ids=NAMES)
def test_twelve_steps_are_those_of_pytorch(run: dict[str, Any]) -> None:
    assert deviation(KINDS[run["optimiser"]](**run["settings"]), run) < 1e-12


def test_the_table_holds_every_optimiser_at_several_settings() -> None:
    names = [run["optimiser"] for run in RUNS]

    assert {name: names.count(name) >= 2 for name in KINDS} == dict.fromkeys(KINDS, True)
    assert all(len(run["path"]) == 12 for run in RUNS)


# --- planted bugs: each a wrong step, which the table must catch ----------------------------------------------------------------

Step = tuple[Arrays, State]
MUTANTS: dict[str, tuple[str, Callable[..., Optimiser]]] = {}


def mutant(kind: type) -> type:
    original = next(base.__name__ for base in kind.__mro__[1:] if base.__name__ in KINDS)
    MUTANTS[f"{original}: {kind.__name__}"] = original, kind
    return kind


@mutant
class Uphill(GradientDescent):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        return super().step(parameters, gradients, state, -scale)


@mutant
class ScheduleIgnored(GradientDescent):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        return super().step(parameters, gradients, state)


@mutant
class Forgetful(Momentum):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        return super().step(parameters, gradients, self.start(parameters), scale)


@mutant
class Damped(Momentum):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        return super().step(parameters, {name: (1 - self.momentum) * g for name, g in gradients.items()}, state, scale)


@mutant
class LearningRateRemembered(Momentum):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        """v <- mu v + lr g, w <- w - v: the same until a schedule moves lr."""
        return super().step(parameters, {name: scale * g for name, g in gradients.items()}, state)


@mutant
class PlainMomentum(Nesterov):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        return Momentum(self.learning_rate, self.momentum).step(parameters, gradients, state, scale)


@mutant
class LooksAheadWithTheOldVelocity(Nesterov):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        _, after = super().step(parameters, gradients, state, scale)
        lr, mu = scale * self.learning_rate, self.momentum
        return {name: w - lr * (gradients[name] + mu * state[f"v/{name}"]) for name, w in parameters.items()}, after


@mutant
class EpsInsideTheRoot(RMSProp):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        _, after = super().step(parameters, gradients, state, scale)
        lr = scale * self.learning_rate
        return {n: w - lr * gradients[n] / np.sqrt(after[f"v/{n}"] + self.eps) for n, w in parameters.items()}, after


@mutant
class RootForgotten(RMSProp):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        _, after = super().step(parameters, gradients, state, scale)
        lr = scale * self.learning_rate
        return {n: w - lr * gradients[n] / (after[f"v/{n}"] + self.eps) for n, w in parameters.items()}, after


@mutant
class DividedByTheOldSize(RMSProp):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        _, after = super().step(parameters, gradients, state, scale)
        lr = scale * self.learning_rate
        return {n: w - lr * gradients[n] / (np.sqrt(state[f"v/{n}"]) + self.eps) for n, w in parameters.items()}, after


@mutant
class SizeOfTheGradientOnly(RMSProp):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        return super().step(parameters, gradients, self.start(parameters), scale)


@mutant
class BiasCorrectionForgotten(Adam):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        return super().step(parameters, gradients, state | {"t": np.array(10**6)}, scale)


@mutant
class NeverCounts(Adam):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        moved, after = super().step(parameters, gradients, state, scale)
        return moved, after | {"t": state["t"]}


@mutant
class CountsFromTwo(Adam):
    def start(self, parameters: Arrays) -> State:
        return super().start(parameters) | {"t": np.array(1)}


@mutant
class BetasExchanged(Adam):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        other = Adam(self.learning_rate, self.beta2, self.beta1, self.eps)
        return other.step(parameters, gradients, state, scale)


class AdamInPieces(Adam):
    """The paper's step from m, v and t, in pieces that a mutant can spoil one at a time."""

    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        _, after = super().step(parameters, gradients, state, scale)
        t, lr = int(after["t"]), scale * self.learning_rate
        moved = {n: w - lr * self.move(after[f"m/{n}"], after[f"v/{n}"], t) for n, w in parameters.items()}
        return moved, after

    def move(self, m: Array, v: Array, t: int) -> Array:
        result: Array = m / (1 - self.beta1**t) / (np.sqrt(v / (1 - self.beta2**t)) + self.eps)
        return result


@mutant
class AdamWithEpsInsideTheRoot(AdamInPieces):
    def move(self, m: Array, v: Array, t: int) -> Array:
        result: Array = m / (1 - self.beta1**t) / np.sqrt(v / (1 - self.beta2**t) + self.eps)
        return result


@mutant
class EpsBeforeTheCorrection(AdamInPieces):
    """As ONNX has it, and the remark at the end of the paper's section 2."""

    def move(self, m: Array, v: Array, t: int) -> Array:
        result: Array = m * math.sqrt(1 - self.beta2**t) / (1 - self.beta1**t) / (np.sqrt(v) + self.eps)
        return result


@mutant
class OnlyTheFirstMomentCorrected(AdamInPieces):
    def move(self, m: Array, v: Array, t: int) -> Array:
        result: Array = m / (1 - self.beta1**t) / (np.sqrt(v) + self.eps)
        return result


@mutant
class DecayInTheGradient(AdamW):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        pulled = {name: g + self.weight_decay * parameters[name] for name, g in gradients.items()}
        return Adam.step(self, parameters, pulled, state, scale)


@mutant
class DecayForgotten(AdamW):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        return Adam.step(self, parameters, gradients, state, scale)


@mutant
class DecayAfterTheStep(AdamW):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        moved, after = Adam.step(self, parameters, gradients, state, scale)
        return {name: (1 - scale * self.learning_rate * self.weight_decay) * w for name, w in moved.items()}, after


@mutant
class DecayWithoutTheSchedule(AdamW):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        kept = {name: (1 - self.learning_rate * self.weight_decay) * w for name, w in parameters.items()}
        return Adam.step(self, kept, gradients, state, scale)


@mutant
class BiasesNotDecayed(AdamW):
    def step(self, parameters: Arrays, gradients: Arrays, state: State, scale: float = 1.0) -> Step:
        decayed, after = super().step(parameters, gradients, state, scale)
        plain, _ = Adam.step(self, parameters, gradients, state, scale)
        return {name: w if name.endswith("W") else plain[name] for name, w in decayed.items()}, after


@pytest.mark.parametrize("name", MUTANTS)
def test_the_table_catches_a_planted_bug(name: str) -> None:
    original, kind = MUTANTS[name]

    caught = [deviation(kind(**run["settings"]), run) for run in RUNS if run["optimiser"] == original]

    assert max(caught) > 1e-9  # far from rounding


def test_pieces_that_are_not_spoilt_pass() -> None:
    for run in RUNS:
        if run["optimiser"] == "Adam":
            assert deviation(AdamInPieces(**run["settings"]), run) < 1e-12


def test_every_optimiser_has_a_mutant() -> None:
    assert {original for original, _ in MUTANTS.values()} == set(KINDS)


# --- what all optimisers share ------------------------------------------------------------------------------------------------


@EACH
@given(seed=seeds, dtype=DTYPES, steps=st.integers(1, 4))
def test_nothing_given_is_changed_and_every_dtype_is_kept(
    kind: Callable[[], Optimiser], seed: int, dtype: Any, steps: int
) -> None:
    w, optimiser = drawn(seed, dtype), kind()
    state = optimiser.start(w)
    for i in range(steps):
        g, kept, before = drawn(seed + i + 1, dtype), copy.deepcopy(w), copy.deepcopy(state)
        for array in (*w.values(), *state.values()):
            array.flags.writeable = False
        moved, after = optimiser.step(w, g, state, np.float64(0.5))  # a NumPy number must not widen the weights
        assert_same(w, kept)
        assert_same(state, before)
        w, state = moved, after

    assert {name: (a.shape, a.dtype) for name, a in w.items()} == {name: (a.shape, a.dtype) for name, a in g.items()}
    for name, array in state.items():
        _, _, weights = name.partition("/")
        shape, wanted = (g[weights].shape, g[weights].dtype) if weights else ((), np.dtype(np.int64))
        assert (array.shape, array.dtype) == (shape, wanted), name


@EACH
@given(seed=seeds)
def test_a_step_does_the_same_again(kind: Callable[[], Optimiser], seed: int) -> None:
    w, g, optimiser = drawn(seed), drawn(seed + 1), kind()
    _, state = followed(optimiser, w, [g])

    one, other = optimiser.step(w, g, state), optimiser.step(w, g, state)

    assert_same(one[0], other[0])
    assert_same(one[1], other[1])


@EACH
@given(seed=seeds, scale=st.floats(1e-3, 10))
def test_the_scale_is_a_factor_of_the_learning_rate(kind: Callable[..., Optimiser], seed: int, scale: float) -> None:
    w, g = drawn(seed), drawn(seed + 1)
    one, scaled = kind(learning_rate=0.1), kind(learning_rate=scale * 0.1)

    assert_same(one.step(w, g, one.start(w), scale)[0], scaled.step(w, g, scaled.start(w))[0])


@EACH
@given(seed=seeds)
def test_nothing_moves_at_a_scale_of_0(kind: Callable[[], Optimiser], seed: int) -> None:
    w, g, optimiser = drawn(seed), drawn(seed + 1), kind()

    assert_same(optimiser.step(w, g, optimiser.start(w), 0.0)[0], w)


@EACH
@given(seed=seeds)
def test_every_number_goes_its_own_way(kind: Callable[[], Optimiser], seed: int) -> None:
    """The same numbers in another order, shape and company move in the same way."""
    w, gradients = drawn(seed), [drawn(seed + i) for i in (1, 2, 3)]

    def rearranged(arrays: Arrays) -> Arrays:
        return {name: array.ravel()[::-1] for name, array in reversed(arrays.items())}

    together, _ = followed(kind(), w, gradients)
    apart, _ = followed(kind(), rearranged(w), [rearranged(g) for g in gradients])

    assert_same({name: apart[name] for name in together}, {name: array.ravel()[::-1] for name, array in together.items()})


@EACH
@given(seed=seeds, dtype=DTYPES)
def test_the_state_survives_a_file(kind: Callable[[], Optimiser], seed: int, dtype: Any) -> None:
    w, gradients, optimiser = drawn(seed, dtype), [drawn(seed + i, dtype) for i in range(1, 7)], kind()
    through, _ = followed(optimiser, w, gradients)

    halfway, state = followed(optimiser, w, gradients[:3])
    resumed, _ = followed(optimiser, halfway, gradients[3:], safetensors.load(safetensors.save(state)))

    assert_same(resumed, through)


@EACH
@given(seed=seeds)
def test_a_gradient_of_0_at_the_start_moves_nothing(kind: Callable[[], Optimiser], seed: int) -> None:
    optimiser, w = kind(), drawn(seed)
    moved, _ = followed(optimiser, w, [{name: np.zeros_like(array) for name, array in w.items()}] * 3)

    kept = (1 - optimiser.learning_rate * optimiser.weight_decay) ** 3 if isinstance(optimiser, AdamW) else 1.0
    for name, array in w.items():
        np.testing.assert_allclose(moved[name], kept * array, rtol=1e-15 if kept != 1 else 0)


@pytest.mark.parametrize("kind", [GradientDescent, Momentum, Nesterov])
@given(seed=seeds, power=st.integers(-20, 20))
def test_these_follow_the_size_of_the_gradient(kind: Callable[..., Optimiser], seed: int, power: int) -> None:
    w, gradients = drawn(seed), [drawn(seed + i) for i in (1, 2, 3)]
    larger = [{name: 2.0**power * g for name, g in arrays.items()} for arrays in gradients]

    assert_same(followed(kind(0.1 * 2.0**-power), w, larger)[0], followed(kind(0.1), w, gradients)[0])  # 2^n is exact


@pytest.mark.parametrize("kind", [RMSProp, Adam, AdamW])
@given(seed=seeds, power=st.integers(-20, 20))
def test_these_do_not_care_about_the_size_of_the_gradient(kind: Callable[..., Optimiser], seed: int, power: int) -> None:
    w, gradients = drawn(seed), [drawn(seed + i) for i in (1, 2, 3)]
    larger = [{name: 2.0**power * g for name, g in arrays.items()} for arrays in gradients]

    assert_same(followed(kind(eps=1e-300), w, larger)[0], followed(kind(eps=1e-300), w, gradients)[0])  # 2^n is exact


@given(seed=seeds)
def test_without_memory_and_decay_they_are_one_another(seed: int) -> None:
    w, gradients = drawn(seed), [drawn(seed + i) for i in (1, 2, 3)]
    plain, _ = followed(GradientDescent(0.1), w, gradients)

    assert_same(followed(Momentum(0.1, 0.0), w, gradients)[0], plain)
    assert_same(followed(Nesterov(0.1, 0.0), w, gradients)[0], plain)
    assert_same(followed(AdamW(weight_decay=0.0), w, gradients)[0], followed(Adam(), w, gradients)[0])


@given(seed=seeds)
def test_adam_begins_with_a_step_of_the_learning_rate(seed: int) -> None:
    w, g = drawn(seed), drawn(seed + 1)

    moved, _ = followed(Adam(0.125, eps=1e-300), w, [g])

    for name, array in w.items():
        np.testing.assert_allclose(moved[name], array - 0.125 * np.sign(g[name]), rtol=0, atol=1e-15)  # of order 1


def test_momentum_is_worked_out_by_hand() -> None:
    optimiser = Momentum(learning_rate=0.5, momentum=0.25)
    w, g = {"a": np.array([1.0])}, {"a": np.array([2.0])}

    w1, state1 = optimiser.step(w, g, optimiser.start(w))
    w2, state2 = optimiser.step(w1, g, state1, scale=0.5)

    assert (w1["a"].item(), state1["v/a"].item()) == (0.0, 2.0)  # v = 2, w = 1 - 0.5 x 2
    assert (w2["a"].item(), state2["v/a"].item()) == (-0.625, 2.5)  # v = 0.25 x 2 + 2, w = 0 - 0.25 x 2.5
    assert w["a"] == 1.0


@pytest.mark.parametrize("bad", [0, -0.1, math.nan, math.inf, "0.1", None, True], ids=repr)
@EACH
def test_impossible_learning_rates_are_refused(kind: Callable[..., Optimiser], bad: Any) -> None:
    with pytest.raises(HandmadeError, match=f"^learning_rate: expected a finite number above 0, got {bad!r}$"):
        kind(learning_rate=bad)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (Momentum, {"momentum": 1}, "momentum: expected a number from 0 up to but not including 1, got 1"),
        (Nesterov, {"momentum": -0.1}, "momentum: expected a number from 0 up to but not including 1, got -0.1"),
        (RMSProp, {"decay": 1.0}, "decay: expected a number from 0 up to but not including 1, got 1.0"),
        (RMSProp, {"eps": 0}, "eps: expected a finite number above 0, got 0"),
        (Adam, {"beta1": 1}, "beta1: expected a number from 0 up to but not including 1, got 1"),
        (Adam, {"beta2": math.nan}, "beta2: expected a number from 0 up to but not including 1, got nan"),
        (Adam, {"eps": -1e-8}, "eps: expected a finite number above 0, got -1e-08"),
        (AdamW, {"beta1": 1}, "beta1: expected a number from 0 up to but not including 1, got 1"),
        (AdamW, {"weight_decay": -1}, "weight_decay: expected a finite number of at least 0, got -1"),
        (L1, {"strength": -1}, "strength: expected a finite number of at least 0, got -1"),
        (L2, {"strength": math.inf}, "strength: expected a finite number of at least 0, got inf"),
        (EMA, {"decay": 1}, "decay: expected a number from 0 up to but not including 1, got 1"),
        (Cosine, {"last": 1}, "last: expected a number from 0 up to but not including 1, got 1"),
        (StepDecay, {"factor": 0}, "factor: expected a finite number above 0, got 0"),
        (StepDecay, {"at": (0.5, 1.5)}, "at: expected a number from 0 up to but not including 1, got 1.5"),
        (OneCycle, {"rise": 1}, "rise: expected a number from 0 up to but not including 1, got 1"),
        (OneCycle, {"first": 25}, "first: expected a number from 0 up to but not including 1, got 25"),
    ],
)
def test_impossible_settings_are_refused(kind: Callable[..., Any], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(HandmadeError) as caught:
        kind(**settings)

    assert str(caught.value) == message


@EACH
def test_settings_become_plain_numbers(kind: Callable[..., Any]) -> None:
    settings = {name: np.float64(value) for name, value in asdict(kind()).items()}

    assert {type(value) for value in asdict(kind(**settings)).values()} == {float}


# --- schedules ----------------------------------------------------------------------------------------------------------------

PARTS = st.floats(0, 1, exclude_max=True)
SOME: dict[str, Schedule] = SCHEDULES | {
    "cosine to a tenth": Cosine(0.1),
    "four drops": StepDecay((0.2, 0.4, 0.6, 0.8), 0.5),
    "one-cycle without a rise": OneCycle(rise=0.0),
    "warm-up, then cosine": warm_up(Cosine(), 0.1),
    "warm-up of no length": warm_up(linear, 0.0),
    "warm-up in a warm-up": warm_up(warm_up(constant, 0.5), 0.5),
}
FALLING = ("constant", "linear", "cosine", "step", "cosine to a tenth", "four drops", "one-cycle without a rise")


def test_the_names_that_the_command_offers() -> None:
    assert list(SCHEDULES) == ["constant", "linear", "cosine", "step", "one-cycle"]


@pytest.mark.parametrize("name", SOME)
@given(done=PARTS)
def test_a_schedule_gives_a_share_of_the_learning_rate(name: str, done: float) -> None:
    share = SOME[name](done)

    assert type(share) is float
    assert 0 <= share <= 1 + 1e-15  # half a cosine rounds


@pytest.mark.parametrize("name", FALLING)
@given(moments=st.tuples(PARTS, PARTS).map(sorted))
def test_these_begin_at_the_whole_and_never_rise(name: str, moments: list[float]) -> None:
    earlier, later = (SOME[name](done) for done in moments)

    assert SOME[name](0.0) == 1
    assert later <= earlier + 1e-15  # half a cosine rounds


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        (constant, {0: 1, 0.75: 1}),
        (linear, {0: 1, 0.75: 0.25}),
        (Cosine(), {0: 1, 1 / 3: 0.75, 0.5: 0.5, 2 / 3: 0.25, 1: 0}),
        (Cosine(0.2), {0: 1, 0.5: 0.6, 1: 0.2}),
        (StepDecay(), {0: 1, 0.499: 1, 0.5: 0.1, 0.749: 0.1, 0.75: 0.01, 0.999: 0.01}),
        (OneCycle(), {0: 0.04, 0.15: 0.52, 0.3: 1, 0.65: (1 + 4e-6) / 2, 1: 4e-6}),
        (warm_up(constant, 0.25), {0: 0, 0.125: 0.5, 0.25: 1, 0.9: 1}),
        (warm_up(linear, 0.2), {0: 0, 0.1: 0.5, 0.2: 1, 0.6: 0.5}),
        (warm_up(OneCycle(), 0.5), {0: 0, 0.25: 0.02, 0.5: 0.04, 0.65: 1}),
    ],
    ids=["constant", "linear", "cosine", "cosine to 0.2", "steps", "one cycle", "warm constant", "warm linear", "warm one cycle"],
)
def test_schedules_are_worked_out_by_hand(schedule: Schedule, wanted: dict[float, float]) -> None:
    assert {done: schedule(done) for done in wanted} == pytest.approx(wanted, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", [name for name in SOME if "step" not in name and "drops" not in name])
def test_a_schedule_without_drops_does_not_jump(name: str) -> None:
    parts = np.linspace(0, 1, 10_000, endpoint=False)

    jumps = np.abs(np.diff([SOME[name](float(done)) for done in parts]))

    assert jumps.max() < 11 / len(parts)  # the steepest, a rise over a tenth, climbs 10 a whole training


@pytest.mark.parametrize("name", SOME)
def test_a_schedule_can_be_sent_to_another_process(name: str) -> None:
    assert pickle.loads(pickle.dumps(SOME[name]))(0.4) == SOME[name](0.4)


def test_a_warm_up_wants_a_share() -> None:
    with pytest.raises(HandmadeError, match="share: expected a number from 0 up to but not including 1, got 1"):
        warm_up(linear, 1.0)


# --- penalties ----------------------------------------------------------------------------------------------------------------

STEPS = [0.5, 1e-3, 1e-8, 1e-16, 1e-30]
WEIGHTS = [0.0, -0.0, 1.0, -1.0, 0.3, -0.7, 1e-3, -1e-3, 5e-9, -5e-9, 1e-30, -1e-30, -3e-31, 123.456, -0.25, -0.5, 2.0**-60]
PENALTIES: dict[str, tuple[Penalty, Callable[[Any], Any]]] = {
    "L1": (L1(0.3), lambda w: mpmath.mpf(0.3) * abs(w)),
    "L2": (L2(0.3), lambda w: mpmath.mpf(0.3) * w * w),
}
EITHER = pytest.mark.parametrize("name", PENALTIES)
# One rounding each for 2 w + h (or the longer side), its product with h, the strength, the quotient: five at most, of half an
# epsilon. The strength rounded to float32 adds another half.
ROUNDING = {np.float32: 3 * 2.0**-23, np.float64: 3 * 2.0**-52}


def exactly(function: Callable[[Any], Any], w: Array, h: Any) -> list[Any]:
    """P(w + h) - P(w) for each number, in fifty digits and as many more as h is small."""
    with mpmath.workdps(90):
        return [function(mpmath.mpf(float(x)) + mpmath.mpf(float(h))) - function(mpmath.mpf(float(x))) for x in w]


def assert_close(got: Array, wanted: list[Any], dtype: Any) -> None:
    smallest = float(np.finfo(dtype).tiny)  # below it, numbers are rounded coarser
    assert got.dtype == dtype
    for x, exact in zip(got, wanted, strict=True):
        assert abs(mpmath.mpf(float(x)) - exact) <= ROUNDING[dtype] * abs(exact) + smallest * ROUNDING[dtype], (x, exact)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("h", [*STEPS, *(-h for h in STEPS)])
@EITHER
def test_a_penaltys_delta_is_exact(name: str, h: float, dtype: Any) -> None:
    penalty, function = PENALTIES[name]
    w = np.array([*WEIGHTS, -h, -h / 2, -2 * h, -1.0000001 * h], dtype)

    assert_close(penalty.delta(w, h), exactly(function, w, dtype(h)), dtype)


@EITHER
@given(w=st.floats(-1e3, 1e3), h=st.floats(1e-30, 1e3) | st.floats(-1e3, -1e-30))
def test_a_penaltys_delta_is_exact_anywhere(name: str, w: float, h: float) -> None:
    penalty, function = PENALTIES[name]

    with mpmath.workdps(700):  # w may be 5e-324, and its square counts
        wanted = [function(mpmath.mpf(w) + mpmath.mpf(h)) - function(mpmath.mpf(w))]

    assert_close(penalty.delta(np.array([w]), h), wanted, np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scheme", ["forward", "central"])
@pytest.mark.parametrize("h", STEPS)
@EITHER
def test_a_penaltys_quotient_is_exact(name: str, h: float, scheme: Scheme, dtype: Any) -> None:
    penalty, function = PENALTIES[name]
    w = np.array([*WEIGHTS, h, -h, -h / 2, -2 * h, -1.0000001 * h], dtype)
    step = dtype(h)  # as a data gradient takes it, too
    up, down = exactly(function, w, step), exactly(function, w, -step)
    with mpmath.workdps(90):
        over = mpmath.mpf(float(step))
        wanted = [u / over if scheme == "forward" else (u - d) / (2 * over) for u, d in zip(up, down, strict=True)]

    quotients = penalty.quotient({"0.W": w, "0.b": w}, h, scheme)

    assert_close(quotients["0.W"], wanted, dtype)
    assert_same({"0.b": quotients["0.b"]}, {"0.b": np.zeros_like(w)})


@EITHER
def test_a_penalty_is_the_sum_over_weights_and_leaves_biases_alone(name: str) -> None:
    penalty, function = PENALTIES[name]
    w, b = np.array([[1.5, -2.0], [0.0, 3.0]]), np.array([100.0, -100.0])
    parameters = {"0.W": w, "0.b": b, "4.1.W": -w}

    assert penalty.loss(parameters) == pytest.approx(float(2 * sum(function(float(x)) for x in w.flat)), rel=1e-15)
    assert penalty.loss({"0.b": b}) == 0
    for name_of, g in penalty.gradient(parameters).items():
        assert g.shape == parameters[name_of].shape
        assert (g != 0).any() == name_of.endswith("W")


@EITHER
@given(seed=seeds, dtype=DTYPES)
def test_the_gradient_is_the_quotient_for_ever_smaller_steps(name: str, seed: int, dtype: Any) -> None:
    penalty, _ = PENALTIES[name]
    w = drawn(seed, dtype)

    forward, central = (penalty.quotient(w, np.float64(1e-30), scheme) for scheme in ("forward", "central"))

    for name_of, g in penalty.gradient(w).items():
        assert g.dtype == dtype
        np.testing.assert_allclose(forward[name_of], g, rtol=ROUNDING[dtype])
        np.testing.assert_allclose(central[name_of], g, rtol=ROUNDING[dtype])


@EITHER
def test_a_penalty_of_float32_is_added_up_in_float64_and_stays_float32(name: str) -> None:
    penalty, function = PENALTIES[name]
    w = np.full(2**20, 1e-3, np.float32)
    w[0] = 2**12  # beside it, or its square, the others would vanish in float32

    assert penalty.loss({"0.W": w}) == pytest.approx(float(function(2.0**12) + (2**20 - 1) * function(float(w[1]))), rel=1e-12)
    assert penalty.delta(w, np.float64(1e-3)).dtype == np.float32


def test_a_penalty_says_what_pytorch_calls_it() -> None:
    w = {"0.W": np.array([0.5, -4.0])}

    assert_same(L2(0.125).gradient(w), {"0.W": 0.25 * w["0.W"]})  # weight_decay = 2 x strength
    assert_same(L1(0.125).gradient(w), {"0.W": np.array([0.125, -0.125])})
    assert L2(0.125).loss(w) == 0.125 * 16.25
    assert L1(0.125).loss(w) == 0.125 * 4.5


def test_a_penalty_and_exact_differences_add_up_to_an_exact_quotient() -> None:
    """On a network in float64, against the plain definition of the whole loss at a step where that is good to nine digits."""
    rng = np.random.default_rng(3)
    network = handmade.Network([handmade.Flatten(), handmade.Linear.init(rng, 4, 3, np.float64)], (2, 2, 1))
    x, y = rng.standard_normal((5, 2, 2, 1)), np.array([0, 1, 2, 1, 0])
    penalty, h = L2(0.3), 1e-3

    def whole(index: tuple[int, int], step: float) -> float:
        w = {name: array.copy() for name, array in network.parameters().items()}
        w["1.W"][index] += step
        loss = handmade.losses.CrossEntropy().forward(network.replace(w).logits(x), y).mean()
        return float(loss) + penalty.loss(w)

    _, g = handmade.gradients.difference(network, x, y, h=h)
    extra = penalty.quotient(network.parameters(), h)

    for index in np.ndindex(4, 3):
        by_definition = (whole(index, h) - whole(index, 0.0)) / h
        assert g["1.W"][index] + extra["1.W"][index] == pytest.approx(by_definition, rel=1e-9, abs=1e-11)  # 10 x 2^-52 / h


@EITHER
def test_a_penalty_refuses_what_a_gradient_by_differences_refuses(name: str) -> None:
    penalty, _ = PENALTIES[name]
    w = drawn(0, np.float32)

    for h in (0.0, -1e-3, math.nan, math.inf):
        with pytest.raises(HandmadeError, match=f"h: expected a finite number above 0, got {h}"):
            penalty.quotient(w, h)
    for h in (1e-50, 1e50):
        with pytest.raises(HandmadeError, match="which float32 holds in full; float64 holds more, got 1e"):
            penalty.quotient(w, h)
    with pytest.raises(HandmadeError, match="scheme: expected one of forward, central, got 'backward'"):
        penalty.quotient(w, 1e-3, "backward")  # type: ignore[arg-type]


class SubtractedL1(L1):
    def delta(self, w: Array, h: float) -> Array:
        return self.strength * (np.abs(w + h) - np.abs(w))


class SubtractedL2(L2):
    def delta(self, w: Array, h: float) -> Array:
        moved: Array = self.strength * ((w + h) ** 2 - w**2)
        return moved


class FirstOrderL1(L1):
    def delta(self, w: Array, h: float) -> Array:
        moved: Array = self.strength * h * np.copysign(1, w)
        return moved


class FirstOrderL2(L2):
    def delta(self, w: Array, h: float) -> Array:
        return 2 * self.strength * h * w


@pytest.mark.parametrize("kind", [SubtractedL1, SubtractedL2, FirstOrderL1, FirstOrderL2])
def test_a_delta_that_is_not_exact_is_caught(kind: Callable[[float], Penalty], monkeypatch: pytest.MonkeyPatch) -> None:
    name = kind.__mro__[1].__name__  # type: ignore[attr-defined]  # it is a class
    monkeypatch.setitem(PENALTIES, name, (kind(0.3), PENALTIES[name][1]))

    with pytest.raises(AssertionError):
        test_a_penaltys_delta_is_exact(name, 1e-3, np.float64)


# --- clipping -----------------------------------------------------------------------------------------------------------------


@given(seed=seeds, dtype=DTYPES, largest=st.floats(1e-6, 10), size=st.integers(-30, 30))
def test_clipping_by_norm_keeps_the_direction_and_bounds_the_length(seed: int, dtype: Any, largest: float, size: int) -> None:
    g = {name: dtype(2.0**size) * array for name, array in drawn(seed, dtype).items()}
    numbers = np.concatenate([array.ravel() for array in g.values()]).astype(float)
    kept = copy.deepcopy(g)

    clipped, norm = clip_by_norm(g, largest)

    assert_same(g, kept)
    assert norm == pytest.approx(math.hypot(*numbers), rel=1e-14)
    if norm <= largest:
        assert_same(clipped, g)
    else:
        rounding = 4 * float(np.finfo(dtype).eps)
        assert global_norm(clipped) == pytest.approx(largest, rel=rounding)
        for name, array in clipped.items():
            assert array.dtype == dtype
            np.testing.assert_allclose(array, g[name].astype(float) * (largest / norm), rtol=rounding, atol=1e-40)


@given(seed=seeds, dtype=DTYPES, largest=st.floats(1e-3, 10))
def test_clipping_by_value_moves_only_what_is_beyond(seed: int, dtype: Any, largest: float) -> None:
    g = drawn(seed, dtype)

    clipped = clip_by_value(g, np.float64(largest))

    for name, array in clipped.items():
        within = np.abs(g[name]) <= dtype(largest)
        assert array.dtype == dtype
        assert np.abs(array).max() <= dtype(largest)
        np.testing.assert_array_equal(array[within], g[name][within])
        np.testing.assert_array_equal(array[~within], np.copysign(dtype(largest), g[name][~within]))


@pytest.mark.parametrize(("bad", "norm"), [(math.inf, math.inf), (-math.inf, math.inf), (math.nan, math.nan)])
def test_clipping_does_not_hide_an_overflow(bad: float, norm: float) -> None:
    g = {"0.W": np.array([1.0, bad, -300.0]), "0.b": np.array([2.0])}

    clipped, length = clip_by_norm(g, 1.0)

    assert_same(clipped, g)
    assert length == pytest.approx(norm, nan_ok=True)
    assert_same(clip_by_value(g, 1.0), {"0.W": np.array([1.0, bad, -1.0]), "0.b": np.array([1.0])})


def test_a_norm_neither_overflows_nor_vanishes() -> None:
    assert clip_by_norm({"a": np.array([3e200]), "b": np.array([-4e200])}, 1.0)[1] == pytest.approx(5e200, rel=1e-15)
    assert global_norm({"a": np.array([3e-200]), "b": np.array([-4e-200])}) == pytest.approx(5e-200, rel=1e-15)
    assert global_norm({"a": np.array([3e38, 3e38], np.float32)}) == pytest.approx(3e38 * math.sqrt(2), rel=1e-7)
    assert global_norm({"a": np.zeros(3), "b": np.zeros((0, 2))}) == 0
    assert clip_by_norm({}, 1.0) == ({}, 0.0)
    assert_same(clip_by_value({"a": np.array([3e38], np.float32)}, 1e300), {"a": np.array([3e38], np.float32)})


@pytest.mark.parametrize("largest", [0, -1, math.nan, math.inf])
def test_impossible_bounds_are_refused(largest: float) -> None:
    with pytest.raises(HandmadeError, match=f"largest: expected a finite number above 0, got {largest}"):
        clip_by_norm({}, largest)
    with pytest.raises(HandmadeError, match=f"largest: expected a finite number above 0, got {largest}"):
        clip_by_value({}, largest)


# --- the average of weights ---------------------------------------------------------------------------------------------------


def averaged(average: EMA, path: list[Arrays]) -> Arrays:
    state = average.start(path[0])
    for w in path:
        state = average.step(state, w)
    return average.parameters(state)


@given(seed=seeds, dtype=DTYPES, decay=st.floats(0, 0.9999), steps=st.integers(1, 20))
def test_the_average_of_a_constant_is_the_constant(seed: int, dtype: Any, decay: float, steps: int) -> None:
    w = drawn(seed, dtype)

    mean = averaged(EMA(decay), [w] * steps)

    assert mean.keys() == w.keys()
    # a is a share 1 - decay^t of w: at worst 1e-4, known to 2^-53, and 20 products and sums round by half an epsilon each.
    for name, array in w.items():
        assert mean[name].dtype == dtype
        np.testing.assert_allclose(mean[name], array, rtol=20 * np.finfo(dtype).eps + 1e-12)


@given(seed=seeds, decay=st.floats(0, 0.999), steps=st.integers(1, 20))
def test_the_average_is_the_weighted_mean(seed: int, decay: float, steps: int) -> None:
    path = [drawn(seed + i) for i in range(steps)]

    mean = averaged(EMA(decay), path)

    for name, array in mean.items():
        shares = decay ** np.arange(steps - 1, -1, -1.0)
        wanted = np.average([w[name] for w in path], axis=0, weights=shares)
        np.testing.assert_allclose(array, wanted, rtol=0, atol=1e-12)  # weights of order 1, as above


@given(seed=seeds, dtype=DTYPES)
def test_an_average_changes_nothing_given_and_survives_a_file(seed: int, dtype: Any) -> None:
    average, w, other = EMA(0.9), drawn(seed, dtype), drawn(seed + 1, dtype)
    state = average.step(average.start(w), w)
    for array in state.values():
        array.flags.writeable = False
    kept = copy.deepcopy(state)

    after = average.step(state, other)

    assert_same(state, kept)
    assert_same(average.step(safetensors.load(safetensors.save(state)), other), after)
    assert {name: array.dtype for name, array in after.items() if name != "t"} == {f"a/{name}": dtype for name in w}
    assert_same({"t": after["t"]}, {"t": np.array(2, np.int64)})


def test_an_average_of_nothing_is_refused() -> None:
    average = EMA()

    with pytest.raises(HandmadeError, match=r"EMA\.parameters: expected a state after at least one step; got none"):
        average.parameters(average.start(drawn(0)))
