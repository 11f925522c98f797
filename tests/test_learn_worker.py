"""The student's process: limits, output, crashes."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handmade.learn.child import Job
from handmade.learn.grading import Grading
from handmade.learn.results import Outcome
from handmade.learn.steps import load_step
from handmade.learn.verdict import Verdict
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
        ("return relu(x)", "raised", "RecursionError"),
        ("return undefined", "raised", "NameError: name 'undefined' is not defined"),
        ("return", "nothing", "relu returns nothing"),
        ("return [1.0, 2.0]", "type", "got list"),
        ("return x, x", "count", "got tuple (2)"),
        ("return x.astype(complex)", "type", "complex128"),
        ("return input()", "raised", "EOFError"),
        ("raise KeyboardInterrupt", "quits", "exit() ends the program"),
        ("from handmade.engine import loops", "package", "without handmade"),
        ("import handmade.learn.steps", "package", "without handmade"),
        ("raise ValueError('\\x1b[2J\\x07')", "raised", "ValueError: \N{REPLACEMENT CHARACTER}[2J"),
        ("raise type('E\\x1b[2J', (Exception,), {})('x')", "raised", "E\N{REPLACEMENT CHARACTER}[2J: x"),
        ("return type('A\\x1b[2J', (), {})()", "type", "got A\N{REPLACEMENT CHARACTER}[2J"),
        ("raise ValueError('\x1b[2J')", "raised", "line 3: raise ValueError('\N{REPLACEMENT CHARACTER}[2J')"),
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
    assert all(letter.isprintable() or letter == "\n" for letter in str(verdict))
    assert time.monotonic() - begin < 4


def test_an_error_of_the_second_round_is_shown(worker: Worker) -> None:
    body = "relu.calls = getattr(relu, 'calls', 0) + 1; assert relu.calls < 20, 'too often'; return np.maximum(x, 0)"
    _, verdict = done(worker, RELU.format(body))

    assert [check.concept for check in verdict.checks if check.status == "failed"] == ["repeat"]
    assert "AssertionError: too often" in str(verdict)


def test_warnings_of_numpy_are_not_printed(worker: Worker) -> None:
    outcome, verdict = done(worker, RELU.format("np.exp(np.array([1e9])); return np.maximum(x, 0)"))

    assert verdict
    assert outcome.printed == ""


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
