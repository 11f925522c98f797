"""Processes for the student's code, each for one job, started before it is needed."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from handmade.learn.child import Job
from handmade.learn.results import Outcome, printable
from handmade.learn.wire import WireError, decode_error, decode_result, unpack

SECONDS = 5.0  # for a job: right solutions take less than a tenth of a second
LONGEST_OUTPUT = 16 * 1024  # bytes of output that are kept


class Worker:
    """A process that waits for a job. After each job, the next process is started at once.

    Use it as a context manager; at the end, no process is left.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _kill(self._process)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        # The variable keeps the BLAS from starting threads, which would take longer than all results.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8:replace"}
        return subprocess.Popen(
            [sys.executable, "-P", "-B", "-m", "handmade.learn.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder,
            env=environment,
            start_new_session=True,
        )

    def run(self, job: Job, seconds: float = SECONDS) -> Outcome:
        """Do a job; whatever the student's code does, return within `seconds` and a moment."""
        begin = time.monotonic()
        process = self._process
        outcome = Outcome()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            output = _Output(process.stderr)
            reader = threading.Thread(target=_read, args=(process.stdout, outcome), daemon=True)
            with suppress(BrokenPipeError):
                process.stdin.write(pickle.dumps(job))
                process.stdin.close()
            for thread in (reader, output):
                thread.start()
            reader.join(seconds)
            if reader.is_alive():
                outcome.end = "timeout"
                _kill(process)
                reader.join(1)
            else:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(1)
            outcome.exit_code = process.poll()
        finally:
            _kill(process)
            self._process = self._start()
        output.join(1)
        for stream, thread in ((process.stdout, reader), (process.stderr, output)):
            if not thread.is_alive():
                stream.close()
        outcome.printed, outcome.cut = output.text(), output.cut
        outcome.seconds = time.monotonic() - begin
        return outcome


class _Output(threading.Thread):
    """Reads everything that the student's code prints, and keeps the first part."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._stream, self._kept, self.cut = stream, bytearray(), False

    def run(self) -> None:
        with suppress(OSError, ValueError):
            while block := os.read(self._stream.fileno(), 65536):
                room = LONGEST_OUTPUT - len(self._kept)
                self._kept += block[:room]
                self.cut |= len(block) > room

    def text(self) -> str:
        """Return what was kept, without characters that control a terminal."""
        return printable(bytes(self._kept).decode("utf-8", "replace"), kept="\n\t")


def _read(stream: Any, outcome: Outcome) -> None:
    """Read messages until the stream ends."""
    finished = False
    try:
        while (message := unpack(stream)) is not None:
            header, payload = message
            finished = _take(header, payload, outcome) or finished
    except WireError:
        outcome.end = "flood"
    except (OSError, ValueError):
        pass  # the process was killed
    if outcome.end == "complete" and not finished:
        outcome.end = "exit"


def _take(header: dict[str, Any], payload: bytes, outcome: Outcome) -> bool:
    """Put a message into the outcome; return if it is the last one."""
    if "load" in header:
        outcome.load = decode_error(header["load"])
        return True
    if "missing" in header:
        outcome.missing, outcome.names = _names(header["missing"]), _names(header.get("names"))
    elif "begin" in header:
        outcome.current = _place(header["begin"])
    elif "call" in header:
        outcome.results[_place(header["call"])] = decode_result(header, payload)
        outcome.current = None
    elif "done" in header:
        return True
    return False


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise WireError("no names")
    return tuple(printable(str(name)[:80]) for name in value[:50])


def _place(value: Any) -> tuple[int, int]:
    if not (isinstance(value, list) and len(value) == 2 and all(type(each) is int for each in value)):
        raise WireError("no place")
    return value[0], value[1]


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process and those that it started, and free its pipes."""
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
