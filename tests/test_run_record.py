"""The record of a run: what lies in its folder, and that no run is lost to another."""

import json
import os
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from handmade import HandmadeError
from handmade.files.checkpoints import CHECKPOINTS
from handmade.files.network import MODEL
from handmade.runs import record as runs
from handmade.runs.record import BEST, LOG, SETTINGS, RunWriter, cut_log, model_of, next_folder, read_log, read_run_json

OPTIONS = {"network": "readme", "seed": 3, "limit": None}


def refusal_of(folder: Path) -> str:
    with pytest.raises(HandmadeError) as caught, RunWriter(folder, OPTIONS):
        pass
    message = str(caught.value)
    assert str(folder) in message
    assert "out=..." in message
    assert "\n" not in message
    return message


def test_a_run_is_a_folder_of_three_files(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "down"
    network = handmade.Network([handmade.Flatten(), handmade.Linear(np.ones((4, 2)), np.zeros(2))], (4,))
    with RunWriter(folder, OPTIONS) as run:
        run.log(step=1, loss=2.5)
        network.save(run.model)
        run.result({"status": "finished"})
    assert sorted(path.name for path in folder.iterdir()) == sorted([SETTINGS, LOG, MODEL])
    assert run.model == folder / MODEL
    assert handmade.load(run.model).size == network.size


def test_run_json_holds_the_settings_from_the_first_moment_and_the_result_at_the_end(tmp_path: Path) -> None:
    def record() -> object:
        known = json.loads((tmp_path / "run" / SETTINGS).read_bytes())
        assert abs(datetime.now(UTC) - datetime.fromisoformat(known.pop("when"))) < timedelta(hours=1)
        assert known.pop("version") == version("handmade")
        return known

    with RunWriter(tmp_path / "run", OPTIONS) as run:
        assert record() == OPTIONS | {"status": "running"}
        run.result({"status": "finished", "steps": 7})
        assert record() == OPTIONS | {"status": "finished", "steps": 7}
    assert record() == OPTIONS | {"status": "finished", "steps": 7}


def test_a_step_is_one_line_of_json_that_can_be_read_while_the_run_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "run" / LOG
    steps: list[dict[str, Any]] = [{"step": 1, "loss": 0.1 + 0.2, "accuracy": None}, {"step": 2, "loss": 5e-324, "accuracy": 1.0}]
    with RunWriter(tmp_path / "run", OPTIONS) as run:
        assert log.read_text() == ""
        for number, step in enumerate(steps, 1):
            run.log(**step)
            assert [json.loads(line) for line in log.read_text().splitlines()] == steps[:number]
    assert log.read_text().endswith("\n")


def test_the_log_is_closed_when_the_run_is_over_or_fails(tmp_path: Path) -> None:
    error = RuntimeError("something else")
    with pytest.raises(RuntimeError, match="something else"), RunWriter(tmp_path / "run", OPTIONS) as run:
        raise error
    with pytest.raises(ValueError, match="closed file"):
        run.log(step=1)


@pytest.mark.parametrize("name", [SETTINGS, LOG, MODEL, BEST, CHECKPOINTS])
def test_a_folder_that_holds_any_part_of_a_run_is_refused_and_left_as_it_is(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("precious")
    assert "force=True" in refusal_of(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "precious"


def test_a_folder_that_is_there_already_may_hold_other_things(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("precious")
    with RunWriter(tmp_path, OPTIONS):
        pass
    assert (tmp_path / "notes.txt").read_text() == "precious"
    assert (tmp_path / SETTINGS).exists()


def test_force_writes_over_a_run(tmp_path: Path) -> None:
    with RunWriter(tmp_path, OPTIONS) as run:
        run.log(step=1)
        run.result({"status": "finished"})
    with RunWriter(tmp_path, {"seed": 4}, force=True):
        pass
    known = json.loads((tmp_path / SETTINGS).read_bytes())
    assert (known["seed"], known["status"]) == (4, "running")
    assert (tmp_path / LOG).read_text() == ""


def test_force_takes_away_what_could_be_mistaken_for_a_part_of_the_new_run(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINTS).mkdir()
    names = [BEST, MODEL, f"{CHECKPOINTS}/step-00000009.safetensors", f"{CHECKPOINTS}/notes.txt", "notes.txt"]
    for name in names:
        (tmp_path / name).write_text("of the run before")

    with RunWriter(tmp_path, OPTIONS, force=True):
        pass

    assert [name for name in names if not (tmp_path / name).exists()] == [BEST, f"{CHECKPOINTS}/step-00000009.safetensors"]


def test_what_killed_writers_left_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    left = [f".{SETTINGS}.abc.tmp", f".{MODEL}.x1_.tmp", f".{LOG}.y.tmp", f"{CHECKPOINTS}/.step-00000001.safetensors.abc.tmp"]
    others = [".mine.tmp", f"{SETTINGS}.tmp", f"{CHECKPOINTS}/.mine.tmp"]
    (tmp_path / CHECKPOINTS).mkdir()
    for name in [*left, *others]:
        (tmp_path / name).write_text("")

    with RunWriter(tmp_path, OPTIONS, resumed=True):
        pass

    assert [name for name in [*left, *others] if (tmp_path / name).exists()] == others


def test_the_first_thing_is_done_before_there_is_a_run(tmp_path: Path) -> None:
    def first() -> None:
        assert not (tmp_path / SETTINGS).exists()
        (tmp_path / "first").touch()

    with RunWriter(tmp_path, OPTIONS, first=first):
        assert (tmp_path / "first").exists()


def test_one_folder_holds_one_running_run(tmp_path: Path) -> None:
    with (
        RunWriter(tmp_path, OPTIONS),
        pytest.raises(HandmadeError, match="by another process"),
        RunWriter(tmp_path, OPTIONS, resumed=True),
    ):
        pass
    with (
        pytest.raises(HandmadeError, match="expected a folder that can be written to"),
        RunWriter(tmp_path, OPTIONS, resumed=True, first=fail),
    ):
        pass
    with RunWriter(tmp_path, OPTIONS, resumed=True):  # whoever failed holds it no longer
        pass


def fail() -> None:
    raise PermissionError(13, "Permission denied")


def test_a_resumed_run_goes_on_with_its_log(tmp_path: Path) -> None:
    with RunWriter(tmp_path, OPTIONS) as run:
        for step in (1, 2, 3):
            run.log(step=step, loss=step / 3)
    with (tmp_path / LOG).open("a") as log:
        log.write('not json\n[1]\n{"step": 4, "loss": "high"}\n{"step": 4, "loss": 1.')

    assert [line["step"] for line in read_log(tmp_path)] == [1, 2, 3]
    with RunWriter(tmp_path, read_run_json(tmp_path), resumed=True, first=lambda: cut_log(tmp_path, 2)) as run:
        run.log(step=3, loss=0.5)

    assert [(line["step"], line["loss"]) for line in read_log(tmp_path)] == [(1, 1 / 3), (2, 2 / 3), (3, 0.5)]


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path) == []


def test_the_record_of_what_is_no_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for content, says in ((b"{", "cannot be read"), (b"[]", "got a list"), (b"\xff", "cannot be read"), (b"[" * 10**5, "cannot")):
        (tmp_path / SETTINGS).write_bytes(content)
        with pytest.raises(HandmadeError, match=says):
            read_run_json(tmp_path)
    monkeypatch.setattr(runs, "LARGEST_RECORD", 10)
    with pytest.raises(HandmadeError, match="the file is too large: 100,000 bytes"):
        read_run_json(tmp_path)


def test_a_file_where_the_folder_should_be_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    place = tmp_path / "run"
    place.write_text("precious")
    refusal_of(place)
    refusal_of(place / "below")
    assert place.read_text() == "precious"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert "Permission denied" in refusal_of(tmp_path)
        assert "Permission denied" in refusal_of(tmp_path / "run")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_the_system_does_not_let_be_made_is_refused() -> None:
    refusal_of(Path("/proc/handmade/run"))  # not even root may make one there


@pytest.mark.parametrize("name", ["mkdir", "open"])
def test_whatever_the_system_says_is_passed_on_in_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original: Any = getattr(Path, name)

    def denied(path: Path, *arguments: object, **settings: object) -> object:
        if tmp_path in path.parents:  # other code of this process may read its own files
            raise PermissionError(13, "Permission denied")
        return original(path, *arguments, **settings)

    with monkeypatch.context() as patch:
        patch.setattr(Path, name, denied)
        assert "Permission denied" in refusal_of(tmp_path / "run")


def test_folders_are_numbered_from_one_on(tmp_path: Path) -> None:
    assert next_folder(tmp_path / "runs", "readme") == tmp_path / "runs" / "readme-1"
    assert not (tmp_path / "runs").exists()
    for number in (1, 2):
        folder = next_folder(tmp_path, "readme")
        assert folder == tmp_path / f"readme-{number}"
        folder.mkdir()
    (tmp_path / "readme-3").write_text("a file takes a name, too")
    (tmp_path / "readme-5").mkdir()
    assert next_folder(tmp_path, "readme") == tmp_path / "readme-4"
    assert next_folder(tmp_path, "seed") == tmp_path / "seed-1"


def test_a_model_is_meant_by_its_path_or_by_the_folder_of_its_run(tmp_path: Path) -> None:
    assert model_of(tmp_path) == tmp_path / MODEL
    assert model_of(tmp_path / "some.safetensors") == tmp_path / "some.safetensors"
    assert model_of(tmp_path / "nowhere") == tmp_path / "nowhere"
