"""Guard: the checks that stand before every request, and the headers of every answer.

Host      one of the names of this server, so that no foreign name can be pointed at it (DNS rebinding)
token     in the first link, then in a cookie that the browser sends from this page alone (SameSite=Strict)
Origin    of this server, for every request that may change something
body      limited while it is read, whatever its headers say
"""

import hashlib
import ipaddress
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from handmade.lab.frames import dumps

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

LARGEST_BODY = 2**20  # bytes
LARGEST_DRAWING = 4 * 2**20
LARGEST_FILE = 10 * 2**20
DROPPED = 32 * 2**20  # of a body that is too large
LONGEST_LINE = 500  # letters of an error
SAFE = {"GET", "HEAD"}
OWN = {None, "same-origin", "none"}  # of Sec-Fetch-Site: this page, the address bar, or no browser
LOCAL = ("127.0.0.1", "localhost", "[::1]")
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
CLOSED = (
    b"<!doctype html><html lang=en><meta charset=utf-8><title>handmade lab</title>"
    b"<p>This page opens with the link that <code>handmade lab</code> prints: it holds a token, "
    b"<code>http://127.0.0.1:8000/?token=...</code>. Open that link again.</p>"
)
ONWARD = (
    b"<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content='0; url=/'>"
    b"<title>handmade lab</title><p><a href='/'>Open the lab</a></p>"
)


class Guard:
    """Middleware that lets a request pass if host, token, origin and size of its body are right.

    Parameters
    ----------
    app : Application
    token : str
    port : int
    host : str, optional
        Name or address under which others reach this server.
    """

    def __init__(self, app: Application, token: str, port: int, host: str | None = None) -> None:
        self._app, self._token = app, token
        self.cookie = f"handmade-{hashlib.sha256(token.encode()).hexdigest()[:8]}"  # one of its own for each lab of a browser
        names = [*LOCAL, *([f"[{host}]" if ":" in host else host] if host else [])]
        ends = [f":{port}", *([""] if port == 80 else [])]
        self._hosts = {f"{name.lower()}{end}" for name in names for end in ends}
        self._port, self._everywhere = port, host in {"0.0.0.0", "::"}  # noqa: S104  told apart, not listened on

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Check one request and answer it, or let it pass."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = self._refusal(scope)
        if answer is None:
            answer = self._entrance(scope)
        if answer is None:
            body = await _read(receive, _limit(scope["path"]))
            if body is None:
                answer = Answer(413, f"body: expected at most {_limit(scope['path']):,} bytes")
            else:
                await self._passed(scope, _again(body, receive), _with_headers(send))
                return
        await answer.to(_with_headers(send))

    async def _passed(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let the application answer; if it fails, the answer is an error in one line."""
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as problem:
            if not begun:
                await Answer(500, " ".join(f"unexpected {type(problem).__name__}: {problem}".split())[:LONGEST_LINE]).to(send)
            raise  # for the log

    def _refusal(self, scope: Message) -> "Answer | None":
        headers = _headers(scope)
        host = headers.get("host", "").lower()
        if not self._known(host):
            return Answer(421, "Host: expected the address of this server, as in the link that handmade lab prints")
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if scope["method"] not in SAFE:
            foreign = origin.lower() != f"http://{host}" if origin is not None else site not in OWN
            if foreign:
                return Answer(403, "Origin: expected this server's own page; the request came from another one")
        elif site not in OWN and scope["path"] not in {"/", "/healthz"}:
            return Answer(403, "Origin: expected this server's own page; the request came from another one")
        return None

    def _known(self, host: str) -> bool:
        if host in self._hosts:
            return True
        name, _, port = host.rpartition(":")
        return self._everywhere and port == str(self._port) and _is_address(name)

    def _entrance(self, scope: Message) -> "Answer | None":
        """Return the answer where the token is missing, or is in the link; None to let the request pass."""
        path = scope["path"]
        if path == "/healthz":
            return None
        headers = _headers(scope)
        given = _query(scope, "token")
        if path == "/" and scope["method"] in SAFE and self._is_token(given):
            cookie = ("set-cookie", f"{self.cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/")
            if headers.get("sec-fetch-site") == "cross-site":  # after a redirect, the browser would not send the cookie
                return Answer(200, ONWARD, cookie)
            return Answer(303, b"", cookie, ("location", "/"))
        if self._is_token(_cookie(headers.get("cookie", ""), self.cookie)):
            return None
        if path == "/":
            return Answer(403, CLOSED)
        return Answer(403, "token: expected the cookie of this lab. Open the link that handmade lab prints", code="no_token")

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._token.encode())


class Answer:
    """An answer of the guard itself: a page as bytes, or an error as text."""

    def __init__(self, status: int, content: bytes | str, *headers: tuple[str, str], code: str | None = None) -> None:
        self.status, self._headers = status, headers
        self._page = isinstance(content, bytes)
        error = {"error": content} | ({"code": code} if code else {})
        self._content = content if isinstance(content, bytes) else dumps(error)

    async def to(self, send: Send) -> None:
        """Send it, and close the connection: what is left of a body is not read."""
        kind = "text/html; charset=utf-8" if self._page else "application/json"
        headers = [("content-type", kind), ("content-length", str(len(self._content))), ("cache-control", "no-store")]
        headers += [*self._headers, *([("connection", "close")] if self.status == 413 else [])]
        encoded = [(name.encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": self.status, "headers": encoded})
        await send({"type": "http.response.body", "body": self._content})


async def _read(receive: Receive, limit: int) -> bytes | None:
    """Return the body; None as soon as it is larger than the limit."""
    parts: list[bytes] = []
    size = 0  # a body that is a little too large is read to its end, so that the page hears why
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        part = message.get("body", b"")
        size += len(part)
        ended = not message.get("more_body", False)
        if size > limit + DROPPED or (size > limit and ended):
            return None
        if size > limit:
            parts.clear()
        else:
            parts.append(part)
        if ended:
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a way to receive the body once more, and after it what comes next."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return left.pop() if left else await receive()

    return next_message


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            known = {name.lower() for name, _ in message.get("headers", [])}
            added = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in known]
            if b"cache-control" not in known:
                added.append((b"cache-control", b"no-store"))
            message["headers"] = [*message.get("headers", []), *added]
        await send(message)

    return sent


def _limit(path: str) -> int:
    ends = {"/file": LARGEST_FILE, "/drawing": LARGEST_DRAWING}
    return next((limit for end, limit in ends.items() if path.endswith(end)), LARGEST_BODY)


def _query(scope: Message, name: str) -> str:
    """Return a value of the query; empty if there is none."""
    try:
        values = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=20)
    except ValueError:  # too many fields
        return ""
    return str(values.get(name, [""])[-1])


def _headers(scope: Message) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _cookie(header: str, name: str) -> str:
    try:
        found = SimpleCookie(header[:10_000]).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def on_this_machine(host: str | None) -> bool:
    """Return True if a server that listens on this address can be reached from this machine alone."""
    return host in {None, "127.0.0.1", "::1", "localhost"}


def _is_address(name: str) -> bool:
    """Return True if this is an address and no name: a name can be pointed at this server by others."""
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
