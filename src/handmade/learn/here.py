"""Functions of a notebook, graded in this process: they need the other cells, so they cannot be sent to one with limits."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import Any

from handmade.engine.errors import HandmadeError
from handmade.learn.child import call_all
from handmade.learn.grading import Grading
from handmade.learn.results import Outcome
from handmade.learn.steps import step_named
from handmade.learn.texts import texts
from handmade.learn.verdict import Verdict
from handmade.learn.wire import decode_result


def grade_here(name: str, functions: Sequence[Callable[..., Any]], language: str = "en") -> Verdict:
    """Grade functions for a step; see `handmade.learn.grade`."""
    texts(language)
    step = step_named(name)
    if not functions or len(functions) > len(step.functions) or not all(map(callable, functions)):
        expected = ", ".join(function.signature for function in step.functions)
        raise HandmadeError(f'grade: expected functions in this order: {expected}. Try grade("{step.name}", my_function)')
    begin = time.monotonic()
    outcome = Outcome(missing=tuple(function.name for function in step.functions[len(functions) :]))
    given = dict(zip((function.name for function in step.functions), functions, strict=False))

    def take(header: dict[str, Any], payload: bytes) -> None:
        if "begin" in header:
            outcome.current = header["begin"]
        elif "call" in header:
            turn, number = header["call"]
            outcome.results[turn, number] = decode_result(header, payload)

    calls = [(given.get(each), arguments) for each, arguments in step.calls()]
    with ExitStack() as stack:

        def silence() -> None:
            nowhere = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
            stack.enter_context(redirect_stdout(nowhere))

        try:
            call_all(calls, "", take, (Exception, SystemExit), silence)
        except KeyboardInterrupt:
            outcome.end = "interrupted"
    outcome.seconds = time.monotonic() - begin
    return Grading(step, "", outcome).verdict(language)
