"""The student's folder, its state, and saves of a file."""

import os
from pathlib import Path

import pytest

from handmade import HandmadeError
from handmade.learn.folder import Folder, exercise_text
from handmade.learn.milestone import noted
from handmade.learn.state import FILE, State, read_state, write_state
from handmade.learn.steps import NAMES
from handmade.learn.texts import texts
from handmade.learn.watching import Saves
from handmade.learn.workbook import Workbook

RELU = "import numpy as np\ndef relu(x):\n    {}\n"


def test_a_folder_is_made_once_and_nothing_in_it_is_overwritten(tmp_path: Path) -> None:
    with Workbook(tmp_path / "mine") as workbook:
        mine = workbook.folder.exercise("relu")
        mine.write_text("# mine\n", encoding="utf-8")
        workbook.folder.exercise("patch_indexing").unlink()
        assert workbook.reset("max_pool") is None  # nothing of the student's is lost
    with Workbook(tmp_path / "mine", "de") as workbook:
        assert mine.read_text(encoding="utf-8") == "# mine\n"
        assert workbook.folder.exercise("patch_indexing").exists()
        workbook.folder.exercise("patch_indexing").unlink()
        assert workbook.folder.exercise("conv_channels").read_text(encoding="utf-8") == exercise_text("conv_channels", "de")
        assert workbook.state.language == "de"
        verdict = workbook.check("patch_indexing")
        assert verdict.finding is not None
        assert verdict.finding.key == "absent"
        backup = workbook.reset("relu")
        assert backup is not None
        assert backup.read_text(encoding="utf-8") == "# mine\n"
        mine.write_text("# again\n", encoding="utf-8")
        assert workbook.reset("relu") != backup


def test_the_solution_appears_when_the_step_is_passed_or_given_up(tmp_path: Path) -> None:
    with Workbook(tmp_path) as workbook:
        assert not workbook.folder.solution("relu").exists()
        workbook.folder.exercise("relu").write_text(RELU.format("return np.maximum(x, 0)"), encoding="utf-8")
        assert workbook.check("relu")
        assert workbook.folder.solution("relu").exists()
        assert workbook.give_up("correlate_patch").exists()
        assert [workbook.state.steps[name].status for name in ("relu", "correlate_patch")] == ["passed", "gaveUp"]
        workbook.folder.exercise("relu").write_text(RELU.format("return x"), encoding="utf-8")
        verdicts = list(workbook.check_all())
    assert [bool(verdict) for verdict in verdicts] == [False] * len(NAMES)
    assert read_state(tmp_path).steps["relu"].status == "open"


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("# größer\n".encode("utf-16"), "encoding"),
        ("# größer\n".encode("latin-1"), "encoding"),
        (b"x = 1\n".decode().encode("utf-16-le"), "encoding"),
        (b"#" * (1024 * 1024 + 1), "large"),
        (b"\xef\xbb\xbfdef relu(x): return x", "values"),
        (b"", "missing"),
        (b"def relu(x):\n  return \0", "syntax"),
    ],
)
def test_files_in_every_state_get_a_clear_line(tmp_path: Path, content: bytes, key: str) -> None:
    with Workbook(tmp_path) as workbook:
        workbook.folder.exercise("relu").write_bytes(content)
        verdict = workbook.check("relu")

    assert verdict.finding is not None
    assert verdict.finding.key == key
    assert "{" not in str(verdict)


@pytest.mark.skipif(os.name != "posix", reason="named pipes belong to POSIX")
def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    with Workbook(tmp_path) as workbook:
        path = workbook.folder.exercise("relu")
        for make in (Path.mkdir, os.mkfifo):
            path.unlink()
            make(path)
            verdict = workbook.check("relu")
            assert verdict.finding is not None
            assert verdict.finding.key == "noFile"
            backup = workbook.reset("relu")  # the advice of the verdict works
            assert backup is not None
            assert path.is_file()


def test_hints_come_one_by_one_and_are_remembered(tmp_path: Path) -> None:
    with Workbook(tmp_path) as workbook:
        assert [workbook.hint() for _ in range(4)][-1] is None
    with Workbook(tmp_path) as workbook:
        assert workbook.hint() is None
        workbook.go_to("6")
        assert workbook.hint() is not None
        assert workbook.next() == NAMES[6 % len(NAMES)]


def test_the_state_is_small_and_comes_back(tmp_path: Path) -> None:
    state = State("zh", "relu")
    state.steps["relu"].passed, state.steps["relu"].gave_up, state.steps["relu"].hints = True, True, 2
    write_state(tmp_path, state)

    assert read_state(tmp_path) == state
    assert len((tmp_path / FILE).read_text(encoding="utf-8").splitlines()) < 20


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xff",
        b'{"version": 2, "steps": {}}',
        b'{"version": 1, "steps": []}',
        b'{"version": 1, "steps": {"relu": {"status": "great"}}}',
        b'{"version": 1, "steps": {"relu": {"status": []}}}',
        b'{"version": 1, "steps": {"relu": {"hints": 99}}}',
        b"[" * 50_000,
        b" " * 100_000,
    ],
)
def test_a_damaged_state_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)

    with pytest.raises(HandmadeError, match="Try deleting the file"):
        read_state(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="a named pipe belongs to POSIX")
def test_a_state_that_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)

    with pytest.raises(HandmadeError, match="it is no file"):
        read_state(tmp_path)


def test_texts_of_a_state_do_not_control_the_terminal(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"version": 1, "steps": {}, "milestones": {"digit": {"image": "\\u001b[2J", "number": 3}}}')

    assert read_state(tmp_path).milestones == {"digit": {"image": "\N{REPLACEMENT CHARACTER}[2J", "number": 3}}


def test_a_milestone_without_its_numbers_is_open() -> None:
    state = State(milestones={"epoch": {"network": "readme"}})
    assert not noted(state, "epoch", texts("en")).reached

    names = ("network", "weights", "images", "accuracy")
    state.milestones["epoch"] = dict.fromkeys(names, 1)
    found = noted(state, "epoch", texts("en"))
    assert found.reached
    assert "{" not in str(found)


def test_a_milestone_of_another_process_is_kept(tmp_path: Path) -> None:
    with Workbook(tmp_path / "mine") as terminal:
        with Workbook(tmp_path / "mine") as training:
            training.state.milestones["epoch"] = {"right": 9}
            training.save()
        terminal.hint()

        assert read_state(tmp_path / "mine").milestones == {"epoch": {"right": 9}}


def test_unknown_steps_of_a_state_are_left_out(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"version": 1, "steps": {"future": {"status": "passed"}}, "current": "future"}')

    assert read_state(tmp_path) == State()


def test_saves_are_seen_however_an_editor_saves(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("1")
    saves = Saves(path)
    assert not saves.happened()
    path.write_text("22")
    assert saves.happened()
    assert not saves.happened()
    (tmp_path / "b.py").write_text("22")
    (tmp_path / "b.py").replace(path)
    assert saves.happened()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(HandmadeError, match="expected a folder"):
        Folder(tmp_path / "f").prepare("en")
