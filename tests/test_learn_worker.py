"""The student's process: limits, output, crashes, and what it may send. Then the folder, the state and the command."""

import io
import json
import os
import re
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from handmade import HandmadeError
from handmade.cli import main as command
from handmade.learn.child import Job
from handmade.learn.folder import Folder, exercise_text
from handmade.learn.grading import Grading
from handmade.learn.results import Other, Outcome
from handmade.learn.state import FILE, State, read_state, write_state
from handmade.learn.steps import NAMES, load_step
from handmade.learn.verdict import Verdict
from handmade.learn.watching import Saves
from handmade.learn.wire import LARGEST_VALUE, WireError, decode, encode, pack, unpack
from handmade.learn.workbook import Workbook
from handmade.learn.worker import LONGEST_OUTPUT, Worker

RELU = "import numpy as np\ndef relu(x):\n    {}\n"


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as process:
        yield process


def done(worker: Worker, source: str, seconds: float = 5) -> tuple[Outcome, Verdict]:
    step = load_step("relu")
    outcome = worker.run(Job("relu.py", source, ("relu",), step.calls()), seconds)
    return outcome, Grading(step, source, outcome).verdict()


def test_a_right_solution_passes_and_its_output_is_shown(worker: Worker) -> None:
    outcome, verdict = done(worker, RELU.format("print('hello\\x1b[31m'); return np.maximum(x, 0)"))

    assert verdict, str(verdict)
    assert outcome.printed == "hello\N{REPLACEMENT CHARACTER}[31m\n" * len(load_step("relu").cases)  # of the first round alone
    assert not outcome.cut


@pytest.mark.parametrize(
    ("body", "key", "text"),
    [
        ("while True: pass", "timeout", "a loop that never ends"),
        ("return x[", "syntax", "line 3: return x["),
        ("exit()", "quits", "exit() ends the program"),
        ("import os; os._exit(3)", "exit", "exit code 3"),
        ("return np.ones((200_000, 200_000))", "memory", "1 GiB"),
        ("return np.ones((3_000, 3_000))", "shape", "got (3000, 3000)"),
        ("return undefined", "raised", "NameError: name 'undefined' is not defined"),
        ("return", "nothing", "relu returns nothing"),
        ("return [1.0, 2.0]", "type", "got list"),
        ("return x, x", "count", "got tuple (2)"),
        ("return x.astype(complex)", "type", "complex128"),
        ("return input()", "raised", "EOFError"),
        ("raise KeyboardInterrupt", "quits", "exit() ends the program"),
        ("import os; os.kill(os.getpid(), 9)", "exit", "exit code -9"),
        (
            "import os\n    for k in range(3, 99):\n        try: os.write(k, b'x' * 99)\n        except OSError: pass",
            "flood",
            "descriptors",
        ),
    ],
)
def test_whatever_happens_there_is_one_clear_line(worker: Worker, body: str, key: str, text: str) -> None:
    if os.name != "posix" and ("kill" in body or key == "memory"):
        pytest.skip("signals and memory limits belong to POSIX")
    begin = time.monotonic()
    _, verdict = done(worker, RELU.format(body), 1 if key == "timeout" else 5)

    assert verdict.finding is not None
    assert verdict.finding.key == key
    assert text in str(verdict)
    assert not verdict
    assert "Traceback" not in str(verdict)
    assert time.monotonic() - begin < 4


def test_gigabytes_of_output_are_cut(worker: Worker) -> None:
    outcome, verdict = done(worker, RELU.format("while True: print('x' * 100_000)"), 0.5)

    assert outcome.cut
    assert len(outcome.printed) == LONGEST_OUTPUT
    assert verdict.finding is not None
    assert verdict.finding.key == "timeout"


def test_a_process_that_the_students_code_started_ends_with_it(worker: Worker, tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    child = f"import time\nwhile True:\n    open({str(beat)!r}, 'a').write('x')\n    time.sleep(0.02)"
    body = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-S', '-c', {child!r}]); time.sleep(60)"
    done(worker, RELU.format(body), 0.7)
    time.sleep(0.1)
    size = beat.stat().st_size if beat.exists() else 0
    time.sleep(0.2)

    assert (beat.stat().st_size if beat.exists() else 0) == size


def test_the_students_code_sees_no_right_answer(worker: Worker) -> None:
    body = "import sys; print(any('steps' in name and 'learn' in name for name in sys.modules)); return np.maximum(x, 0)"
    outcome, _ = done(worker, RELU.format(body))

    assert set(outcome.printed.split()) == {"False"}


@pytest.mark.parametrize(
    "value", [np.arange(6.0).reshape(2, 3), 3, 2.5, True, np.float32(1), (1, np.zeros((2, 0))), np.arange(3, dtype="u1")]
)
def test_values_travel_as_they_are(value: object) -> None:
    back = decode(*encode(value))
    for mine, theirs in zip(
        back if isinstance(back, tuple) else (back,), value if isinstance(value, tuple) else (value,), strict=True
    ):
        assert isinstance(mine, np.ndarray)
        assert mine.dtype == np.asarray(theirs).dtype
        assert np.array_equal(mine, theirs)


def test_other_values_travel_as_the_name_of_their_type() -> None:
    assert decode(*encode("text")) == Other("str")
    assert decode(*encode(None)) == Other("None")
    assert decode(*encode([1, 2])) == Other("list")
    assert decode(*encode(np.ones((1000, 1000)))) == Other("ndarray", (1000, 1000))


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        ({"kind": "array", "shape": [1000, 1000, 1000], "dtype": "float64"}, b"x"),
        ({"kind": "array", "shape": [-1], "dtype": "float64"}, b""),
        ({"kind": "array", "shape": [1.0], "dtype": "float64"}, b"x" * 8),
        ({"kind": "array", "shape": [1], "dtype": "object"}, b"x" * 8),
        ({"kind": "array", "shape": [1], "dtype": "float64"}, b"x" * 9),
        ({"kind": "array", "shape": [2**40, 0], "dtype": "S9"}, b""),
        (
            {
                "kind": "tuple",
                "items": [{"kind": "tuple", "items": [{"kind": "tuple", "items": [{"kind": "tuple", "items": [3]}]}]}],
            },
            b"",
        ),
        ({"kind": "tuple", "items": [{}] * 1000}, b""),
        ({"kind": "other", "shape": 3}, b""),
        ({}, b""),
        (None, b""),
    ],
)
def test_messages_that_cannot_be_true_are_refused(header: object, payload: bytes) -> None:
    with pytest.raises(WireError):
        decode(header, payload)


@pytest.mark.parametrize(
    "content",
    [struct.pack(">II", 2**31, 0), struct.pack(">II", 2, LARGEST_VALUE + 1), pack({})[:8] + b"[]", pack({})[:8] + b"{{"],
)
def test_frames_that_cannot_be_true_are_refused(content: bytes) -> None:
    with pytest.raises(WireError):
        unpack(io.BytesIO(content))


def test_a_truncated_frame_is_the_end() -> None:
    assert unpack(io.BytesIO(pack({"a": 1}, b"abc")[:-1])) is None


# ---------------------------------------------------------------------------------------------------- folder and state


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
        b'{"version": 1, "steps": {"relu": {"hints": 99}}}',
        b"[" * 50_000,
        b" " * 100_000,
    ],
)
def test_a_damaged_state_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)

    with pytest.raises(HandmadeError, match="Try deleting the file"):
        read_state(tmp_path)


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


# ------------------------------------------------------------------------------------------------------- the command


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["handmade", *words])
    with pytest.raises(SystemExit) as end:
        command.main()
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(monkeypatch, capsys, "learn", "--once")
    assert code == 1
    assert "patch is not written yet" in out
    exercise = tmp_path / "workbook" / "01_patch_indexing.py"
    exercise.write_text("def patch(x, h, w, K_h, K_w):\n    return x[h : h + K_h, w : w + K_w]\n", encoding="utf-8")
    code, out, _ = run(monkeypatch, capsys, "learn", "--once", "--json")
    assert code == 0
    plain = json.loads(out)
    assert plain["passed"] == 1
    assert plain["verdicts"][0]["state"] == "passed"
    code, out, _ = run(monkeypatch, capsys, "learn", "list", "--json")
    assert [each["status"] for each in json.loads(out)["steps"]][:2] == ["passed", "open"]
    code, out, _ = run(monkeypatch, capsys, "learn", "hint", "2")
    assert code == 0
    assert "hint 1 of 3" in out
    code, out, err = run(monkeypatch, capsys, "learn", "goto", "77")
    assert code == 1
    assert "expected a number from 1 to" in err
    code, out, _ = run(monkeypatch, capsys, "learn", "give-up", "6")
    assert "solutions/06_relu.py" in out.replace("\\", "/")
    code, out, _ = run(monkeypatch, capsys, "learn", "reset", "1")
    assert "backups" in out
    code, out, err = run(monkeypatch, capsys, "learn", "--json")
    assert code == 2
    assert "--once" in err
    code, out, err = run(monkeypatch, capsys, "learn", "nothing")
    assert code == 2


def test_a_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(monkeypatch, capsys, "learn", "--language", "de", "export", "course")
    assert code == 0
    exercises = sorted(path.name for path in (tmp_path / "course").glob("*.py"))
    assert exercises == [f"{k:02}_{name}.py" for k, name in enumerate(NAMES, 1)]
    assert "handmade learn --folder . check-all --json" in (tmp_path / "course/.github/workflows/workbook.yml").read_text()
    assert run(monkeypatch, capsys, "learn", "export", "course")[0] == 1  # nothing is overwritten
    (tmp_path / "course/06_relu.py").write_text(RELU.format("return np.maximum(x, 0)"), encoding="utf-8")
    code, out, _ = run(monkeypatch, capsys, "learn", "--folder", "course", "check-all", "--json")
    assert code == 1
    (tmp_path / "ada.json").write_text(out, encoding="utf-8")
    code, out, _ = run(monkeypatch, capsys, "learn", "results", "ada.json", "--json")
    assert code == 0
    [ada] = json.loads(out)["students"]
    assert (ada["student"], ada["passed"], ada["states"]["relu"], ada["states"]["linear"]) == ("ada", 1, "passed", "unwritten")
    code, out, _ = run(monkeypatch, capsys, "learn", "results", "ada.json")
    assert re.search(rf"^ada .* 1 / {len(NAMES)}$", out, re.MULTILINE)
    for content in ("", "[]", "[" * 100_000, '{"verdicts": 3}'):
        (tmp_path / "bad.json").write_text(content, encoding="utf-8")
        code, _, err = run(monkeypatch, capsys, "learn", "results", "bad.json")
        assert code == 1
        assert "expected the output of check-all --json" in err
