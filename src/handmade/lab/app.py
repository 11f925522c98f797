"""The application: one server for many pages, with an answer in one line for every error."""

import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version
from typing import Any, TypeVar

import anyio
from anyio import to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from handmade.engine.errors import HandmadeError
from handmade.lab import frames, routes
from handmade.lab.catalogue import Catalogue
from handmade.lab.errors import LabError
from handmade.lab.exercises import Exercises
from handmade.lab.guard import LONGEST_LINE, Guard, on_this_machine
from handmade.lab.pages import Page, Pages
from handmade.lab.training import Trainings
from handmade.learn.workbook import Workbook
from handmade.runs.backends import use_light_backend
from handmade.threads import threads

AT_ONCE = 4  # requests that compute side by side
SLOW_AT_ONCE = 2  # of those that take seconds, beside the others
SWEEP = 5.0  # seconds between two looks for silent pages
LAST_STEP = 1.0  # seconds that trainings have at the end of the server

COMPILED = "handmade.compiled.backend"  # a module

Result = TypeVar("Result")


class Lab:
    """State of the server: catalogue, pages, the workbook, and threads to compute in.

    Attributes
    ----------
    exercises : Exercises or None
        The workbook, where the lab was started with one.
    stopping : anyio.Event
        Set when the server ends: streams end with it.
    """

    def __init__(self, catalogue: Catalogue, workbook: Workbook | None = None) -> None:
        self.catalogue, self.pages = catalogue, Pages(catalogue)
        self.exercises = None if workbook is None else Exercises(workbook)
        self.version = version("handmade")
        self.stopping = anyio.Event()
        self._limits = anyio.CapacityLimiter(AT_ONCE), anyio.CapacityLimiter(SLOW_AT_ONCE)
        self._of_exercises = anyio.CapacityLimiter(1)  # a verdict may take seconds: the threads above stay free

    async def compute(self, page: Page, work: Callable[..., Result], *arguments: Any) -> Result:
        """Return what a function makes of a page, in a thread, while nobody else reads or changes the page."""
        async with page.lock:
            return await to_thread.run_sync(partial(_lightly, work, *arguments), limiter=self._limits[0])

    async def aside(self, work: Callable[..., Result], *arguments: Any, fastest: bool = False) -> Result:
        """Return the result of a function that takes long, in a thread, while the page goes on.

        Parameters
        ----------
        work : callable
        *arguments
            Of the function.
        fastest : bool, optional
            Load the fastest backend for it. A training keeps the backend that it begins with.
        """
        run = _with_compiled if fastest or COMPILED in sys.modules else _lightly
        return await to_thread.run_sync(partial(run, work, *arguments), limiter=self._limits[1])

    async def exercise(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Return the result of a function of the workbook, in a thread, one after the other.

        Raises
        ------
        LabError
            If the student's folder cannot be read or written.
        """
        try:
            return await to_thread.run_sync(partial(_lightly, work, *arguments), limiter=self._of_exercises)
        except OSError as problem:
            reason = problem.strerror or type(problem).__name__
            raise LabError(f"workbook: its folder cannot be used ({reason}). Check that it exists and is writable") from None

    def stop(self) -> list[Trainings]:
        """Tell all streams and trainings to end; return the trainings."""
        self.stopping.set()
        return self.pages.close_all()


def create_app(catalogue: Catalogue, token: str, port: int, host: str | None = None, workbook: Workbook | None = None) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    catalogue : Catalogue
    token : str
        Secret of the first link, and then of the cookie.
    port : int
        Port of the server, which the header Host has to name.
    host : str, optional
        Another name or address under which the server is reached.
    workbook : Workbook, optional
        The workbook of a student. Grading runs code, so it is left out where other machines can reach the server.
    """
    lab = Lab(catalogue, workbook if on_this_machine(host) else None)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        with threads(1):  # products for one image are small: threads of the BLAS would wait longer than they work
            async with anyio.create_task_group() as group:
                group.start_soon(_sweep, lab)
                group.start_soon(_load, lab)
                yield
                await to_thread.run_sync(_join, lab.stop())
                group.cancel_scope.cancel()
            if lab.exercises is not None:  # after the task that starts its process
                lab.exercises.close()
            catalogue.trained.close()

    app = FastAPI(
        title="handmade lab",
        version=lab.version,
        docs_url=None,  # its page would need files from elsewhere
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=life,
    )
    app.state.lab = lab
    app.add_exception_handler(HandmadeError, _of_user)
    app.add_exception_handler(RequestValidationError, _of_request)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(MemoryError, _of_memory)
    routes.include(app, workbook=lab.exercises is not None)
    app.add_middleware(Guard, token=token, port=port, host=host)
    return app


def error(status: int, message: str, code: str | None = None, estimate: dict[str, Any] | None = None) -> Response:
    """Return an error in one line."""
    line = " ".join(message.split())[:LONGEST_LINE]
    content = frames.dumps({"error": line} | ({"code": code} if code else {}) | ({"estimate": estimate} if estimate else {}))
    return Response(content, status, media_type="application/json")


def _of_user(_: Request, problem: Exception) -> Response:
    if isinstance(problem, LabError):
        return error(problem.status, str(problem), problem.code, problem.estimate)
    return error(400, str(problem))


def _of_request(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, RequestValidationError)
    first = problem.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in {"body", "query", "path"}) or "body"
    return error(422, f"{where:.80}: {first['msg']}")


def _of_http(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    return error(problem.status_code, str(problem.detail))


def _of_memory(_: Request, _problem: Exception) -> Response:
    return error(413, "out of memory; try a smaller network or image")


def _lightly(work: Callable[..., Result], *arguments: Any) -> Result:
    with use_light_backend():
        return work(*arguments)


def _with_compiled(work: Callable[..., Result], *arguments: Any) -> Result:
    """Compute with the fastest backend: for trainings, or once one has loaded it, as this takes longer than a little work."""
    return work(*arguments)


async def _sweep(lab: Lab) -> None:
    while True:
        await anyio.sleep(SWEEP)
        lab.pages.sweep()


async def _load(lab: Lab) -> None:
    """Read the data before the first page asks for it, and start the process for the student's code."""
    if lab.exercises is not None:
        with suppress(LabError):  # the page shows it
            await lab.exercise(lab.exercises.warm_up)
    await lab.aside(_data_of, lab.catalogue)


def _join(trainings: list[Trainings]) -> None:
    """Wait for the threads of trainings, which end after their step."""
    end = time.monotonic() + LAST_STEP
    for each in trainings:
        each.join(max(0.0, end - time.monotonic()))


def _data_of(catalogue: Catalogue) -> None:
    try:
        _ = catalogue.data
    except HandmadeError:
        return  # the first page shows it
