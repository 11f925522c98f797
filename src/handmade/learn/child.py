"""The student's process: it reads one job, calls the functions, sends their results, and ends. It knows no right answer.

Standard input holds the job, and standard output takes the results; what the student's code prints goes to standard error. Run as
`python -P -m handmade.learn.child`. Jobs are pickled by the process that started this one; nothing else can write to its input.
"""

import os
import pickle
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from handmade.learn.arguments import fresh, same
from handmade.learn.wire import encode, pack

MEMORY = 1024**3  # bytes that the student's code may add to those of Python and NumPy
Send = Callable[[dict[str, Any], bytes], None]
Caught = tuple[type[BaseException], ...]  # exit() is an error of the student's code as well


@dataclass(frozen=True)
class Job:
    """Source text of a file, and the calls to make: a function's name and its arguments."""

    file: str
    source: str
    functions: tuple[str, ...]
    calls: tuple[tuple[str, tuple[Any, ...]], ...]


class PackageRefused(ImportError):
    """Error: an exercise imports this package, whose engine and solutions would do its work."""


class Refusal:
    """Finder of modules that refuses this package. It stops a shortcut, not a cheat: the process is the student's own."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """Refuse handmade, and leave all other names to the finders that follow."""
        if name.partition(".")[0] == "handmade":
            raise PackageRefused(name)


def main() -> None:
    """Do one job."""
    job = pickle.load(sys.stdin.buffer)  # noqa: S301  from the parent process, see above
    results = os.dup(1)
    os.dup2(2, 1)  # output of the student's code, and of what it starts
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    limit_memory()
    sys.meta_path.insert(0, Refusal)

    def send(header: dict[str, Any], payload: bytes = b"") -> None:
        rest = memoryview(pack(header, payload))
        while rest:
            rest = rest[os.write(results, rest) :]

    try:
        run(job, send)
    finally:
        flush()
        os._exit(0)  # threads of the student's code do not keep the process alive


def flush() -> None:
    """Write out what the student's code printed."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: BLE001, S112  closed or replaced by the student's code
            continue


def limit_memory() -> None:
    """Limit the memory of this process, where the system can do that."""
    try:
        import resource  # noqa: PLC0415  absent on Windows

        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        return  # the limit of time remains


def run(job: Job, send: Send) -> None:
    """Run the file, then call its functions twice for all arguments: forwards, then backwards through the list."""
    warnings.simplefilter(
        "ignore", RuntimeWarning
    )  # overflow is a finding of a check, and other functions may not be checked yet
    space: dict[str, Any] = {"__name__": "exercise", "__file__": job.file}
    try:
        code: CodeType = compile(job.source, job.file, "exec", dont_inherit=True)
        exec(code, space)  # noqa: S102  the student's file: this process exists for it
    except BaseException as error:  # noqa: BLE001  exit() as well
        send({"load": described(error, job.file)}, b"")
        return
    own = [name for name, value in space.items() if callable(value) and getattr(value, "__module__", "") == "exercise"]
    found = {name: space[name] for name in job.functions if callable(space.get(name))}
    send({"names": own[:50], "missing": [name for name in job.functions if name not in found]}, b"")
    call_all([(found.get(name), arguments) for name, arguments in job.calls], job.file, send, between=silence)


def silence() -> None:
    """Drop further output: a student sees what the first round printed."""
    flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def call_all(
    calls: Sequence[tuple[Callable[..., Any] | None, tuple[Any, ...]]],
    file: str,
    send: Send,
    caught: Caught = (BaseException,),
    between: Callable[[], None] = lambda: None,
) -> None:
    """Call every function that exists, in two rounds; `between` is called between them."""
    for turn in (0, 1):
        if turn == 1:
            between()
        for number in range(len(calls)) if turn == 0 else reversed(range(len(calls))):
            function, arguments = calls[number]
            if function is not None:
                send({"begin": [turn, number]}, b"")
                header, payload = call(function, arguments, file, caught)
                send(header | {"call": [turn, number]}, payload)
    send({"done": True}, b"")


def call(function: Callable[..., Any], arguments: tuple[Any, ...], file: str, caught: Caught) -> tuple[dict[str, Any], bytes]:
    """Call a function with fresh arguments; return its result, or its error, as a message."""
    given = fresh(arguments)
    try:
        header, payload = encode(function(*given))
        message: dict[str, Any] = {"value": header}
    except caught as error:
        message, payload = {"raised": described(error, file)}, b""
    return message | {"changed": [k for k, each in enumerate(given) if not same(arguments[k], each)]}, payload


def described(error: BaseException, file: str) -> dict[str, Any]:
    """Return an exception as plain data, with the last line of the student's file that it went through."""
    line = None
    if isinstance(error, SyntaxError):
        line = error.lineno
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:  # noqa: BLE001  an exception of the student's own
        message = ""
    return {"type": type(error).__name__[:80], "message": str(message)[:500], "line": line}


if __name__ == "__main__":
    main()
