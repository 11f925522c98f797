"""A client of the lab without a network: requests go to the application itself, from any thread."""

import json
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

import anyio
import httpx
from anyio.from_thread import start_blocking_portal

from handmade.engine.arrays import Array
from handmade.lab.app import Lab, create_app
from handmade.lab.catalogue import Catalogue
from handmade.lab.frames import read_frame
from handmade.lab.guard import Guard
from handmade.learn.workbook import Workbook

TOKEN, PORT = "secret", 8000
ADDRESS = f"http://127.0.0.1:{PORT}"


class LabClient:
    """The lab, running; a client with its cookie unless `token` is empty."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        host: str | None = None,
        token: str = TOKEN,
        raises: bool = True,
        workbook: Workbook | None = None,
    ) -> None:
        self.app = create_app(catalogue, TOKEN, PORT, host, workbook)
        self._token, self._raises = token, raises

    @property
    def lab(self) -> Lab:
        lab: Lab = self.app.state.lab
        return lab

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self.portal = self._stack.enter_context(start_blocking_portal())
        self._stack.enter_context(self.portal.wrap_async_context_manager(self.app.router.lifespan_context(self.app)))
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=self._raises)
        self._client = httpx.AsyncClient(transport=transport, base_url=ADDRESS, timeout=60)
        if self._token:
            assert self.get(f"/?token={self._token}").status_code == 303
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.portal.call(self._client.aclose)
        self._stack.close()

    def request(self, method: str, path: str | httpx.URL, **options: Any) -> httpx.Response:
        response: httpx.Response = self.portal.call(partial(self._client.request, method, path, **options))
        return response

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.request("POST", path, json=body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.request("PUT", path, json=body, **options)

    def page(self, source: str | None = None, **state: Any) -> "PageClient":
        """Open a page."""
        made = right(self.post("/api/pages", {"source": source, **state})).json()
        return PageClient(self, made["page"], made["network"])


class EventReader:
    """A stream of events of a page, read by a task of the server's loop; `hold` makes it a reader that stands still."""

    def __init__(self, client: LabClient, path: str, *, hold: bool = False) -> None:
        self._client, self._path = client, path
        self.status, self.messages = 0, list[tuple[str, dict[str, Any]]]()
        self._held, self._left = anyio.Event(), anyio.Event()
        if not hold:
            self._held.set()
        self._cookie = f"{Guard(client.app, TOKEN, PORT).cookie}={TOKEN}"
        self.task: Future[None] = client.portal.start_task_soon(self._read)

    async def _read(self) -> None:
        headers = [(b"host", f"127.0.0.1:{PORT}".encode()), (b"cookie", self._cookie.encode())]
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
        }
        scope |= {"scheme": "http", "path": self._path, "raw_path": self._path.encode(), "query_string": b"", "headers": headers}
        scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", PORT), "root_path": ""}
        first = True

        async def receive() -> dict[str, Any]:
            nonlocal first
            if first:
                first = False
                return {"type": "http.request", "body": b"", "more_body": False}
            await self._left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                return
            for part in message.get("body", b"").split(b"\n\n"):
                if part.startswith(b"event: "):
                    kind, data = part.removeprefix(b"event: ").split(b"\ndata: ", 1)
                    self.messages.append((kind.decode(), json.loads(data)))
            await self._held.wait()

        await self._client.app(scope, receive, send)

    def of(self, kind: str, lane: str = "a") -> list[dict[str, Any]]:
        """Return the messages of a kind so far."""
        return [each for name, each in list(self.messages) if name == kind and each["lane"] == lane]

    def release(self) -> None:
        """Read on."""
        self._client.portal.call(self._held.set)

    def leave(self) -> None:
        """Close the connection."""
        self._client.portal.call(self._left.set)
        self.task.result(5)


class PageClient:
    """A page that is open."""

    def __init__(self, client: LabClient, name: str, network: dict[str, Any]) -> None:
        self.client, self.name, self.network = client, name, network
        self.path = f"/api/pages/{name}"

    def frame(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[dict[str, Array], dict[str, Any]]:
        """Return the arrays and the facts of a frame."""
        response = self.client.request(method, self.path + path, json=body, **options)
        return read_frame(right(response).content)

    def post(self, path: str, body: Any = None) -> Any:
        return right(self.client.post(self.path + path, body)).json()

    def get(self, path: str) -> Any:
        return right(self.client.get(self.path + path)).json()

    def refused(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str]:
        """Return status and text of an error."""
        options = options if "content" in options else options | {"json": body}
        response = self.client.request(method, self.path + path, **options)
        assert 400 <= response.status_code < 500, response.text
        error: str = response.json()["error"]
        assert "\n" not in error
        return response.status_code, error


def right(response: httpx.Response) -> httpx.Response:
    assert response.status_code == 200, response.text
    return response
