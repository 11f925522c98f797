"""The server: a port, a link with a token, and a clean end."""

import gc
import logging
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn

from handmade.engine.errors import HandmadeError
from handmade.lab.app import Lab, create_app
from handmade.lab.catalogue import Catalogue
from handmade.lab.guard import on_this_machine
from handmade.learn.workbook import Workbook

LOCAL = "127.0.0.1"
ANY = {"0.0.0.0", "::"}  # every address of this machine  # noqa: S104
TRIES = 100  # ports after the first one
GRACE = 1  # seconds that open connections have at the end


def serve(
    catalogue: Catalogue,
    port: int,
    host: str | None,
    ready: Callable[[str], None],
    notify: Callable[[str], None],
    workbook: Workbook | None = None,
) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Parameters
    ----------
    catalogue : Catalogue
    port : int
        Port to listen on; the next free one if it is taken, any free one if it is 0.
    host : str or None
        Address to listen on; 127.0.0.1 if it is None.
    ready : callable
        Called with the link once the server answers.
    notify : callable
        Called with news for the user.
    workbook : Workbook, optional
        The workbook of a student; left out where other machines can reach the server.

    Raises
    ------
    HandmadeError
        If there is no free port, or no such address.
    """
    listening = _listening(host or LOCAL, port)
    with listening:
        found = int(listening.getsockname()[1])
        if port not in {0, found}:
            notify(f"Port {port} is taken; this is port {found}.")
        if host is not None and host != LOCAL:
            notify(
                f"The lab listens on {host}: everyone on that network who has the link can change what it shows and use this "
                "machine's processor. Keep the link secret."
            )
        if host in ANY:
            notify("From another machine, open the link with the address of this machine in the place of the one below.")
        if workbook is not None and not on_this_machine(host):
            notify("The workbook is off: it runs code, so it needs a lab that this machine alone can reach. Leave out --host.")
        token = secrets.token_urlsafe(24)
        app = create_app(catalogue, token, found, host, workbook)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, date_header=False, timeout_graceful_shutdown=GRACE
        )
        logging.getLogger("uvicorn.error").addHandler(_Notices(notify))
        logging.getLogger("uvicorn.error").propagate = False
        _Server(config, app.state.lab, lambda: ready(link(host, found, token))).run(sockets=[listening])


def link(host: str | None, port: int, token: str) -> str:
    """Return the address that opens the lab."""
    name = LOCAL if host in {None, "0.0.0.0"} else "[::1]" if host == "::" else f"[{host}]" if host and ":" in host else host  # noqa: S104
    return f"http://{name}:{port}/?token={token}"


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket on the first free port from `port` on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    problem: OSError | None = None
    for number in range(port, min(port + TRIES, 2**16)) if port else (0,):
        found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # or asyncio would leave Nagle on: 40 ms an answer
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, number))
            found.listen(128)
        except (OSError, OverflowError) as error:
            found.close()
            problem = error if isinstance(error, OSError) else None
            if isinstance(error, socket.gaierror):
                break
            continue
        return found
    reason = problem.strerror if problem else "no such port"
    raise HandmadeError(f"{host}, port {port}: cannot listen there ({reason}). Try --port 0")


class _Notices(logging.Handler):
    """Passes warnings and errors on in one line, and nothing else."""

    def __init__(self, notify: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._said = notify

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if "timeout graceful shutdown exceeded" not in text:
            self._said(text if record.exc_info is None else f"{text.strip()} {record.exc_info[1]!r}")


class _Server(uvicorn.Server):
    """A server that says when it is ready, and ends without an error on Ctrl-C and SIGTERM."""

    def __init__(self, config: uvicorn.Config, lab: Lab, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._lab, self._ready = lab, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            gc.freeze()  # modules stay: the garbage collector need not look at them while a page waits
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit  # at the second signal
        self.should_exit = True
        self._lab.stopping.set()  # streams of events end, so that they hold nothing up

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take Ctrl-C and SIGTERM as the ordinary end; nothing is raised afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[int, Any] = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
