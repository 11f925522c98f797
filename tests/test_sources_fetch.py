"""Downloads from a local server that fails, stalls, sends too little, too much or other bytes; and `handmade data`."""

import gzip
import hashlib
import http.server
import io
import json
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handmade import HandmadeError
from handmade.cli.main import main
from handmade.data import downloads, load
from handmade.data.downloads import SETS, RemoteFile, RemoteSet
from handmade.data.fetch import fetch
from tiny_digits import FILES, idx

pytest.importorskip("pooch", reason="pooch is not installed")
CONTENT = bytes(range(256)) * 500


@dataclass
class Server:
    """A server whose answers are functions; it counts requests."""

    url: str
    answers: dict[str, Callable[[http.server.BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def file(self, *names: str, content: bytes = CONTENT) -> RemoteFile:
        """Return a file with these addresses."""
        return RemoteFile(
            "x.bin", len(content), hashlib.sha256(content).hexdigest(), tuple(f"{self.url}/{name}" for name in names)
        )


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            made.requests.append(name)
            with suppress(BrokenPipeError, ConnectionResetError):  # the other side leaves, as it should
                made.answers[name](self)

        def log_message(self, *_: Any) -> None:
            """Write nothing."""

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    made = Server(f"http://127.0.0.1:{httpd.server_port}")
    made.answers = {
        "good": lambda to: send(to, CONTENT),
        "500": lambda to: to.send_error(500),
        "404": lambda to: to.send_error(404),
        "short": lambda to: send(to, CONTENT[:1000], len(CONTENT)),
        "cut": lambda to: send(to, CONTENT[:1000]),
        "lies": lambda to: send(to, CONTENT[::-1]),
        "page": lambda to: send(to, b"<html>Sign in</html>"),
        "endless": endless,
        "stalls": lambda to: send(to, CONTENT[:1000], len(CONTENT), 3),
        "silent": lambda _: time.sleep(3),
    }
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    httpd.shutdown()
    httpd.server_close()


def send(to: http.server.BaseHTTPRequestHandler, content: bytes, length: int | None = None, wait: float = 0) -> None:
    to.send_response(200)
    to.send_header("Content-Length", str(len(content) if length is None else length))
    to.end_headers()
    to.wfile.write(content)
    to.wfile.flush()
    time.sleep(wait)


def endless(to: http.server.BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.end_headers()
    for _ in range(10_000):
        to.wfile.write(bytes(2**16))


def one(file: RemoteFile) -> RemoteSet:
    return RemoteSet("x", "a set", (file,))


WRONG = {
    "500": "answered 500 Internal Server Error",
    "404": "answered 404 Not Found",
    "short": "ended before the 128,000 bytes of the file",
    "cut": "sent 1,000 bytes instead of 128,000",
    "lies": "sent other bytes than the published ones",
    "page": "sent 20 bytes instead of 128,000",
    "endless": "sent more than the 128,000 bytes of the file",
    "stalls": "sent nothing for 0.3 seconds",
    "silent": "sent nothing for 0.3 seconds",
}


@pytest.mark.parametrize(("answer", "says"), WRONG.items())
def test_a_mirror_that_fails_is_told_and_the_next_one_is_tried(server: Server, tmp_path: Path, answer: str, says: str) -> None:
    lines: list[str] = []
    found = fetch(one(server.file(answer, "good")), tmp_path / "set", tell=lines.append, timeout=0.3)
    assert [path.read_bytes() for path in found] == [CONTENT]
    assert len(lines) == 1
    assert lines[0].startswith(f"{server.url}/{answer}: {says}")
    assert lines[0].endswith(". The next mirror is tried.")
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["x.bin"]


@pytest.mark.parametrize(("answer", "says"), WRONG.items())
def test_if_all_mirrors_fail_one_line_says_why_and_nothing_is_left(
    server: Server, tmp_path: Path, answer: str, says: str
) -> None:
    with pytest.raises(HandmadeError) as caught:
        fetch(one(server.file("404", answer)), tmp_path, timeout=0.3)
    message = str(caught.value)
    assert "x.bin: expected a download from one of 2 places; all failed: " in message
    assert says in message
    assert f"Try again later, or put the file into '{tmp_path}'" in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = RemoteFile("x.bin", 1, hashlib.sha256(b"x").hexdigest(), ("http://127.0.0.1:9/x", "nonsense://x"))
    with pytest.raises(HandmadeError, match=r"http://127.0.0.1:9/x: cannot be reached; nonsense://x: "):
        fetch(one(file), tmp_path)


def test_files_that_are_there_are_kept_and_damaged_ones_are_replaced(server: Server, tmp_path: Path) -> None:
    files = tuple(replace(server.file("good"), name=name) for name in "abc")
    (tmp_path / "a").write_bytes(CONTENT)
    (tmp_path / "b").write_bytes(CONTENT[:50])
    seen: list[tuple[int, int]] = []
    found = fetch(RemoteSet("x", "", files), tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert [path.read_bytes() for path in found] == [CONTENT] * 3
    assert server.requests == ["good", "good"]
    assert seen[-1] == (3 * len(CONTENT), 3 * len(CONTENT))
    assert all(0 < done <= total for done, total in seen)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_known_files_are_taken_out_of_archives(server: Server, tmp_path: Path, kind: str) -> None:
    packed = io.BytesIO()
    members = {"in/a": b"first", "in/b": b"second", "../evil": b"x", "in/other": b"x"}
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for name, content in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    server.answers["packed"] = lambda to: send(to, packed.getvalue())
    file = replace(server.file("packed", content=packed.getvalue()), name=f"x.{kind}", members=("in/a", "in/b"))
    folder = tmp_path / "set"
    assert [path.read_bytes() for path in fetch(one(file), folder)] == [b"first", b"second"]
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]
    assert not (tmp_path / "evil").exists()
    fetch(one(file), folder)
    assert server.requests == ["packed"]  # once


def test_a_folder_that_cannot_be_written_is_one_line(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(HandmadeError, match=r"expected a folder to write to; got: .*Try another HANDMADE_DATA"):
        fetch(one(server.file("good")), tmp_path / "file" / "set")


def test_without_pooch_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(HandmadeError, match=r"downloads: expected pooch, which is not installed. Try "):
        fetch(SETS["kmnist"], tmp_path)


def test_every_file_has_a_sum_a_size_and_secure_or_hashed_places() -> None:
    assert set(SETS) == {"mnist", "fashion-mnist", "kmnist", "emnist", "cifar-10"}
    for each in SETS.values():
        for file in each.files:
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.size > 1000
            assert file.urls
            assert all(url.startswith(("https://", "http://")) and url.endswith(file.name) for url in file.urls)
    assert len({file.sha256 for each in SETS.values() for file in each.files}) == 14
    assert len(SETS["emnist"].files[0].members) == 24
    assert SETS["fashion-mnist"].size == 30_878_645


# --- the commands -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Any]:
    monkeypatch.setenv("HANDMADE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["handmade", *words])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capfd.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return call


def test_a_set_is_fetched_listed_and_read_by_its_name(
    command: Callable[..., Any], server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    arrays = (rng.integers(256, size=(20, 5, 5)), np.arange(20) % 10, rng.integers(256, size=(10, 5, 5)), np.arange(10))
    files = []
    for name, array in zip(FILES, arrays, strict=True):
        content = gzip.compress(idx(array))
        server.answers[name] = lambda to, content=content: send(to, content)  # type: ignore[misc]
        files.append(replace(server.file("404", name, content=content), name=f"{name}.gz"))
    monkeypatch.setitem(downloads.SETS, "kmnist", RemoteSet("kmnist", "characters", tuple(files)))

    code, out, err = command("train", "--data", "kmnist")
    assert (code, out) == (1, "")
    assert err.endswith("handmade data fetch kmnist\n")
    before = {row["name"]: row for row in json.loads(command("data", "list", "--json")[1])["sets"]}
    assert before["kmnist"]["place"] is None
    code, out, err = command("data", "fetch", "kmnist")
    assert (code, out) == (0, f"kmnist: {tmp_path}/data/kmnist\n")
    assert err.count("answered 404 Not Found. The next mirror is tried.") == 4
    assert load("kmnist").class_names[0] == "o"
    after = {row["name"]: row for row in json.loads(command("data", "list", "--json")[1])["sets"]}
    assert (after["kmnist"]["state"], after["kmnist"]["place"]) == ("ready", f"{tmp_path}/data/kmnist")
    assert json.loads(command("data", "fetch", "kmnist", "--json")[1]) == {"fetched": {"kmnist": f"{tmp_path}/data/kmnist"}}


def test_the_list_says_what_is_here_and_what_a_download_takes(
    command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handmade.data.sources.fetched.DEBIAN", {})
    code, out, err = command("data", "list")
    assert (code, err) == (0, "")
    for text in ("mnist", "included", "sklearn:digits", "fashion-mnist", "not here; a download of 562 MB", "cifar-10"):
        assert text in out


@pytest.mark.parametrize("words", ["data fetch soup", "data fetch"])
def test_unknown_sets_are_one_line(command: Callable[..., Any], words: str) -> None:
    code, out, err = command(*words.split())
    assert (code, out) == (1 if "soup" in words else 2, "")
    assert err.count("\n") == 1
    assert "expected" in err
