"""The page of the lab in a real browser: a server process, Chromium, and what a test reads from a page."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Playwright, expect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 20.0  # seconds that a condition may take on a busy machine

expect.set_options(timeout=1000 * PATIENCE)


def browser_path() -> str | None:
    """Return the path of the system's Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def start_browser(playwright: Playwright, *arguments: str) -> Browser:
    """Start the system's Chromium."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return playwright.chromium.launch(executable_path=browser_path(), args=[*(["--no-sandbox"] if root else []), *arguments])


class Server:
    """`handmade lab` as a process of its own, which can be ended and started again on its port."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.options = folder, options
        self.port = 0
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "handmade", "lab", "--no-browser", "--port", str(self.port), *self.options]
        self.process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        self.link = self.process.stdout.readline().strip()
        assert self.link.startswith("http://127.0.0.1:"), self.link
        parts = urlsplit(self.link)
        self.address = f"http://{parts.netloc}"
        assert parts.port is not None
        self.port = parts.port

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Open a client with the cookie."""
        with httpx.Client(base_url=self.address, timeout=60) as client:
            assert client.get(self.link).status_code == 303
            yield client


def hash_of(state: dict[str, Any]) -> str:
    """Return the part of a link that holds a state."""
    text = json.dumps({"v": 1, **state})
    return "#s=" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def state_in(address: str) -> dict[str, Any]:
    """Return the state in an address, without what is as at first."""
    _, _, code = address.partition("#s=")
    return {} if not code else dict(json.loads(base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))))


def number_in(text: str) -> float:
    """Return the number that the page writes: with a real minus sign, commas between thousands, e for powers of ten."""
    return float(text.strip().replace("−", "-").replace(",", "").replace("%", ""))


class LabPage:
    """A page of the lab, and all that its console said.

    Parameters
    ----------
    page : Page
    server : Server
    """

    def __init__(self, page: Page, server: Server) -> None:
        self.page, self.server = page, server
        self.said: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("response", lambda response: self._response(response.status, response.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.said.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

    def _response(self, status: int, address: str) -> None:
        if status >= 500:
            self.said.append(f"{status}: {address}")

    def open(self, **state: Any) -> "LabPage":
        """Open the page in a state, and wait for its picture."""
        self.page.goto(self.link(**state))
        return self.ready()

    def link(self, **state: Any) -> str:
        """Return a link to the page in a state."""
        return f"{self.server.address}/{hash_of(state) if state else ''}"

    def ready(self) -> "LabPage":
        """Wait until the maps and the answer are drawn."""
        expect(self.page.locator("#picker-button .network-title")).not_to_be_empty()
        expect(self.page.locator("#predicted")).not_to_be_empty()
        expect(self.page.locator('figure.node[data-node="input"]')).to_be_visible()
        return self

    def __getitem__(self, name: str) -> Locator:
        """Return the element of a test id."""
        return self.page.get_by_test_id(name)

    @property
    def state(self) -> dict[str, Any]:
        return state_in(self.page.url)

    def until(self, condition: Callable[[], Any], what: str = "condition", seconds: float = PATIENCE) -> Any:
        """Wait for a condition, and return its value."""
        end = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > end:
                raise AssertionError(f"{what}: not within {seconds:g} s")
            self.page.wait_for_timeout(20)  # the browser's messages are read while it waits
        return value

    def state_has(self, **expected: Any) -> None:
        """Wait until the state holds these values."""
        self.until(lambda: all(self.state.get(name) == value for name, value in expected.items()), f"{expected}")

    def cell(self, canvas: Locator, shape: tuple[int, ...], at: tuple[int, ...], gap: int = 2) -> tuple[float, float]:
        """Return the point of a canvas in the middle of a cell of an array (rows, columns, channels)."""
        height, width, channels = shape
        row, column, channel = at
        box = canvas.bounding_box()
        assert box is not None
        for scale in range(1, 65):
            for across in range(1, channels + 1):
                down = -(-channels // across)
                wide, high = across * (width * scale + gap) - gap, down * (height * scale + gap) - gap
                if abs(wide - box["width"]) < 1 and abs(high - box["height"]) < 1:
                    x = (channel % across) * (width * scale + gap) + (column + 0.5) * scale
                    y = (channel // across) * (height * scale + gap) + (row + 0.5) * scale
                    return x, y
        raise AssertionError(f"a canvas of {box} holds no maps of the shape {shape}")

    def point(self, node: str, shape: tuple[int, ...], at: tuple[int, ...]) -> tuple[Locator, dict[str, float]]:
        """Return the canvas of a node, and the point of a cell."""
        canvas = self[f"map-{node}"]
        x, y = self.cell(canvas, shape, at)
        return canvas, {"x": x, "y": y}

    def hover(self, node: str, shape: tuple[int, ...], at: tuple[int, ...]) -> None:
        canvas, position = self.point(node, shape, at)
        canvas.hover(position=position, force=True)  # type: ignore[arg-type]  # a dict of x and y

    def pin(self, node: str, shape: tuple[int, ...], at: tuple[int, ...], *, second: bool = False) -> None:
        canvas, position = self.point(node, shape, at)
        canvas.click(position=position, modifiers=["Shift"] if second else [])  # type: ignore[arg-type]

    def receipt(self, place: str, name: str = "receipt") -> Locator:
        """Wait for the receipt of a place."""
        found = self.page.locator(f'[data-testid="{name}"][data-receipt="{place}"]:visible')
        expect(found).to_be_visible()
        return found

    def value(self, place: str, name: str = "receipt") -> float:
        """Return the exact value that the receipt of a place holds."""
        text = self.receipt(place, name).locator(".value.main").get_attribute("data-value")
        assert text is not None
        return float(text)

    def draw(self, *strokes: list[tuple[float, float]]) -> None:
        """Draw strokes with the mouse; points are shares of the board."""
        canvas = self["board-canvas"]
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box is not None
        mouse = self.page.mouse
        for stroke in strokes:
            points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
            mouse.move(*points[0])
            mouse.down()
            for point in points[1:]:
                mouse.move(*point, steps=4)
            mouse.up()

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def forgive(self, pattern: str) -> None:
        """Forget what the console said about a refusal that the test caused; fail if it said nothing of the kind."""
        kept = [line for line in self.said if not re.search(pattern, line)]
        assert len(kept) < len(self.said), f"nothing said {pattern}"
        self.said = kept


@contextmanager
def lab_page(browser: Browser, server: Server, **options: Any) -> Iterator[LabPage]:
    """Open a page with the cookie in a context of its own; at the end, nothing may have been said on its console."""
    context = new_context(browser, server, **options)
    try:
        lab = LabPage(context.new_page(), server)
        yield lab
        assert lab.said == []
    finally:
        context.close()


def new_context(browser: Browser, server: Server, **options: Any) -> BrowserContext:
    """Open a context with the cookie: tabs of one user."""
    context = browser.new_context(**{"locale": "en-GB", "viewport": {"width": 1280, "height": 800}} | options)
    context.set_default_timeout(1000 * PATIENCE)
    assert context.request.get(server.link).ok
    return context
