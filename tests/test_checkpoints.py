"""Checkpoints: what comes back is what was written to the last bit, and nothing that is not whole comes back."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

import handmade
from handmade import HandmadeError
from handmade.engine.arrays import Array
from handmade.engine.description import describe
from handmade.engine.optim import EMA, Adam
from handmade.engine.training.state import TrainingState, arrays_of
from handmade.engine.training.stopping import Best
from handmade.files import checkpoints
from handmade.files.checkpoints import KIND, Checkpoints, Damaged, fingerprint, read

FACTS: dict[str, Any] = {"fingerprint": "abc", "seconds": 1.5, "settings": {"seed": 3, "limit": None}}
LAYERS: list[dict[str, Any]] = [{"layer": "BatchNorm2d"}, {"layer": "Flatten"}, {"layer": "Linear", "units": 2}]


def network(seed: int = 0, units: int = 2) -> handmade.Network:
    layers = [*LAYERS[:2], LAYERS[2] | {"units": units}]
    return handmade.networks.described({"input": [2, 2, 1], "layers": layers}, np.random.default_rng(seed))


def state(steps: int = 7) -> TrainingState:
    """Somewhere in a training, with numbers everywhere."""
    rng = np.random.default_rng(steps)

    def filled(arrays: dict[str, Array]) -> dict[str, Array]:
        return {name: (rng.random(a.shape) if a.dtype.kind == "f" else a + 7).astype(a.dtype) for name, a in arrays.items()}

    start = TrainingState.start(network(), Adam(), EMA())
    assert start.ema is not None
    best = Best(3, 0.75, 0.1 + 0.2, network().replace(filled(arrays_of(network()))), 2)
    trained = start.network.replace(filled(arrays_of(start.network)))
    return TrainingState(steps, trained, filled(start.memory), filled(start.ema), best)


def same(one: dict[str, Array] | None, other: dict[str, Array] | None) -> bool:
    if one is None or other is None:
        return one is other
    kinds = [{name: (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()} for arrays in (one, other)]
    return kinds[0] == kinds[1]


@pytest.mark.parametrize("best", [True, False])
@pytest.mark.parametrize("ema", [EMA(), None])
def test_a_state_comes_back_bit_by_bit(tmp_path: Path, ema: EMA | None, best: bool) -> None:  # noqa: FBT001  a pytest parameter
    kept = state()
    kept = replace(kept, ema=kept.ema if ema else None, best=kept.best if best else None)

    path = Checkpoints(tmp_path).write(kept, **FACTS)
    found = read(path)
    back = found.state(network(5), Adam(), ema)

    assert path == tmp_path / "checkpoints" / "step-00000007.safetensors"
    assert (found.step, found.fingerprint, found.seconds, found.settings) == (7, "abc", 1.5, FACTS["settings"])
    assert found.network == describe(network())
    assert back.steps == 7
    assert same(arrays_of(back.network), arrays_of(kept.network))
    assert same(back.memory, kept.memory)
    assert same(back.ema, kept.ema)
    if kept.best is None:
        assert back.best is None
    else:
        assert back.best is not None
        assert (back.best.step, back.best.accuracy, back.best.loss, back.best.validations_since) == (3, 0.75, 0.1 + 0.2, 2)
        assert same(arrays_of(back.best.network), arrays_of(kept.best.network))


def test_a_flipped_bit_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    path = Checkpoints(tmp_path).write(state(), **FACTS)
    content = path.read_bytes()

    for place in range(0, len(content), 5):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        with pytest.raises(Damaged):
            read(path)

    path.write_bytes(content)
    assert read(path).step == 7


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    path = Checkpoints(tmp_path).write(state(), **FACTS)
    content = path.read_bytes()

    for length in [*range(0, len(content), 29), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(Damaged):
            read(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(Damaged):
        read(path)


def test_the_newest_are_kept(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, 2)
    for steps in (1, 9, 10, 11):
        kept.write(state(steps), **FACTS)

    assert [path.name for path in kept.paths()] == ["step-00000011.safetensors", "step-00000010.safetensors"]


def test_beyond_eight_digits_the_newest_is_still_the_newest(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, 1)
    for steps in (99_999_999, 100_000_000):
        kept.write(state(steps), **FACTS)

    assert kept.newest_intact()[0].step == 100_000_000


def test_a_damaged_checkpoint_is_left_out_and_said(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    older, newer = (kept.write(state(steps), **FACTS) for steps in (1, 2))
    newer.write_bytes(b"rubbish")

    found, damaged = kept.newest_intact()

    assert found.step == 1
    assert len(damaged) == 1
    assert str(newer) in damaged[0]
    older.unlink()
    with pytest.raises(HandmadeError, match="all 1 are damaged"):
        kept.newest_intact()
    newer.unlink()
    with pytest.raises(HandmadeError, match="expected a checkpoint; there is none"):
        kept.newest_intact()


def test_what_came_after_a_step_can_be_forgotten(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    for steps in (1, 2, 3):
        kept.write(state(steps), **FACTS)

    kept.remove(2)
    assert [read(path).step for path in kept.paths()] == [2, 1]
    kept.remove()
    assert kept.paths() == []


@pytest.mark.parametrize(
    "foreign",
    [
        b"",
        b"\xff" * 8,
        b"\x02" + bytes(7) + b"{}",
        b"\x04" + bytes(7) + b"null",
        save({"0.W": np.zeros(3)}),
        save({"0.W": np.zeros(3)}, metadata={"handmade": "{}"}),
        save({"0.W": np.zeros(3)}, metadata={KIND: "{}", "sha256": "0" * 64}),
        (100_000 + 8).to_bytes(8, "little") + b"[" * 100_000,
    ],
    ids=["empty", "endless header", "no metadata", "null", "arrays", "model", "wrong digest", "deep"],
)
def test_foreign_files_are_no_checkpoints(tmp_path: Path, foreign: bytes) -> None:
    path = tmp_path / "step-00000001.safetensors"
    path.write_bytes(foreign)

    with pytest.raises(Damaged, match="damaged, or not a checkpoint"):
        read(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Checkpoints(tmp_path).write(state(), **FACTS)
    monkeypatch.setattr(checkpoints, "LARGEST", path.stat().st_size - 1)
    monkeypatch.setattr(Path, "read_bytes", lambda _self: pytest.fail("it was read"))

    with pytest.raises(Damaged):
        read(path)


def test_a_folder_in_the_place_of_a_checkpoint_is_said(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="Is a directory"):
        read(tmp_path)


def test_another_version_is_an_error_and_not_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Checkpoints(tmp_path)
    kept.write(state(1), **FACTS)
    monkeypatch.setattr(checkpoints, "VERSION", 9)
    kept.write(state(2), **FACTS)
    monkeypatch.undo()

    with pytest.raises(HandmadeError, match="expected version 1 of checkpoints; got version 9"):
        kept.newest_intact()


@pytest.mark.parametrize(
    "facts",
    [{"step": "7"}, {"best": {"step": 1}}, {"best": [1]}, {"network": None}, {"seconds": "long"}, {"more": 1}, {"settings": 3}],
    ids=str,
)
def test_whole_files_with_senseless_facts_are_no_checkpoints(tmp_path: Path, facts: dict[str, Any]) -> None:
    path = Checkpoints(tmp_path).write(state(), **FACTS)
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    known = json.loads(header["__metadata__"][KIND])["facts"]

    path.write_bytes(checkpoints._content(load(content), known | facts))

    with pytest.raises(Damaged):
        read(path)


def test_arrays_of_another_training_are_refused(tmp_path: Path) -> None:
    found = read(Checkpoints(tmp_path).write(state(), **FACTS))

    with pytest.raises(HandmadeError, match=r"2\.[Wb]\S*: expected the shape"):
        found.state(network(units=3), Adam(), EMA())
    missing = replace(found, arrays={name: array for name, array in found.arrays.items() if name != "network/0.mean"})
    with pytest.raises(HandmadeError, match="checkpoint: expected the arrays"):
        missing.state(network(), Adam(), EMA())
    renamed = replace(found, arrays=found.arrays | {"memory/x": np.zeros(1)})
    with pytest.raises(HandmadeError, match="memory of the optimiser"):
        renamed.state(network(), Adam(), EMA())


def test_a_fingerprint_knows_bytes_shapes_and_dtypes() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    labels = np.arange(2)
    others = [images.reshape(2, 4, 3), images.astype(np.int8), images + 1, images[::-1]]

    marks = {fingerprint(other, labels) for other in [images, *others]} | {fingerprint(images, labels + 1)}

    assert len(marks) == 6
    assert fingerprint(np.asfortranarray(images), labels) == fingerprint(images, labels)


def test_when_a_checkpoint_cannot_be_written_those_from_before_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Checkpoints(tmp_path, 1)
    kept.write(state(1), **FACTS)

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        kept.write(state(2), **FACTS)

    assert [path.name for path in kept.folder.iterdir()] == ["step-00000001.safetensors"]
