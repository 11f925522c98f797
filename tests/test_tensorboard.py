"""What is written for TensorBoard, read back from the event file."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

from handmade import HandmadeError
from handmade.engine.extras import install_command
from handmade.files.tensorboard import Board


def events(run: Path) -> Iterator[Any]:
    """Every event of a run's files, oldest first; each record is its length, a checksum, the event, and a checksum."""
    for file in sorted((run / "tensorboard").glob("*tfevents*"), key=lambda path: path.stat().st_mtime_ns):
        content = file.read_bytes()
        while content:
            length = int.from_bytes(content[:8], "little")
            body, check = content[12 : 12 + length], content[12 + length : 16 + length]
            assert masked_crc32c(body) == int.from_bytes(check, "little")
            yield Event.FromString(body)
            content = content[16 + length :]


def scalars(run: Path) -> list[tuple[int, str, float]]:
    return [
        (event.step, value.tag, round(value.simple_value, 6))
        for event in events(run)
        for value in event.summary.value
        if value.HasField("simple_value")
    ]


def texts(run: Path) -> list[tuple[int, str, str]]:
    return [
        (event.step, value.tag, value.tensor.string_val[0].decode())
        for event in events(run)
        for value in event.summary.value
        if value.tensor.string_val
    ]


def test_numbers_and_settings_can_be_read_back(tmp_path: Path) -> None:
    with Board(tmp_path, {"network": "a|b", "learning_rate": 0.05}) as board:
        board.log(1, loss=2.5, accuracy=0.25)
        board.log(2, loss=2.25, accuracy=None, gradient_norm=float("inf"))
        board.note(2, "it is slow")

    assert scalars(tmp_path) == [(1, "loss", 2.5), (1, "accuracy", 0.25), (2, "loss", 2.25)]
    (first, second) = texts(tmp_path)
    assert first[:2] == (0, "settings/text_summary")
    assert first[2].splitlines() == ["| setting | value |", "|---|---|", "| network | a\\|b |", "| learning_rate | 0.05 |"]
    assert second == (2, "notices/text_summary", "it is slow")


def test_a_run_that_goes_on_has_later_steps_forgotten(tmp_path: Path) -> None:
    with Board(tmp_path, {}) as board:
        for step in (1, 2, 3):
            board.log(step, loss=1.0)
    with Board(tmp_path, {}, after=2) as board:
        board.log(3, loss=0.5)

    starts = [event.step for event in events(tmp_path) if event.session_log.status == 1]
    assert starts == [1, 3]  # TensorBoard drops what it read with a step of 3 or more before this
    assert scalars(tmp_path)[-1] == (3, "loss", 0.5)


def test_without_the_library_there_is_one_line_about_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)

    with pytest.raises(HandmadeError, match=re.escape(install_command("tensorboard"))):
        Board(tmp_path, {})
    assert not (tmp_path / "tensorboard").exists()


def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("a file")

    with pytest.raises(HandmadeError, match="expected a folder that can be written to"):
        Board(tmp_path, {})
