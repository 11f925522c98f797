"""The lab lets in nobody but its own page: token, Host, Origin, limits of bodies, paths."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from handmade.engine.errors import HandmadeError
from handmade.lab.catalogue import Catalogue
from handmade.lab.guard import DROPPED
from handmade.lab.serve import link
from lab_client import ADDRESS, PORT, TOKEN, LabClient
from lab_networks import write_runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_runs(tmp_path_factory.mktemp("guard") / "runs")


@pytest.fixture(scope="module")
def client(runs: Path) -> Iterator[LabClient]:
    with LabClient(Catalogue(runs=runs)) as client:
        yield client


@pytest.fixture(scope="module")
def stranger(runs: Path) -> Iterator[LabClient]:
    with LabClient(Catalogue(runs=runs), token="") as client:
        yield client


def test_the_first_link_gives_a_cookie_and_leads_to_the_page(stranger: LabClient) -> None:
    response = stranger.get(f"/?token={TOKEN}", headers={"cookie": ""})

    assert response.status_code == 303
    assert response.headers["location"] == "/"
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    name = cookie.partition(";")[0]
    page = stranger.get("/", headers={"cookie": name})
    assert page.status_code == 200
    assert "script" in page.text
    stranger.portal.call(stranger._client.cookies.clear)


def test_a_link_on_a_foreign_page_leads_on_without_a_redirect(stranger: LabClient) -> None:
    """After a redirect from elsewhere, the browser would keep a SameSite=Strict cookie back."""
    response = stranger.get(f"/?token={TOKEN}", headers={"sec-fetch-site": "cross-site"})

    assert response.status_code == 200
    assert "url=/" in response.text
    stranger.portal.call(stranger._client.cookies.clear)


@pytest.mark.parametrize("path", ["/", "/?token=wrong", "/?token=", "/?token=a&token=b", "/index.html"])
def test_without_the_token_there_is_no_page(stranger: LabClient, path: str) -> None:
    response = stranger.get(path)

    assert response.status_code == 403
    assert "<script" not in response.text
    assert "handmade lab" in response.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/sources"),
        ("POST", "/api/pages"),
        ("GET", "/static/index.html"),
        ("GET", "/api/pages/x/image"),
        ("GET", f"/api/sources?token={TOKEN}"),
        ("POST", f"/api/pages?token={TOKEN}"),
        ("GET", "/nothing"),
    ],
)
@pytest.mark.parametrize("cookie", ["", "handmade-12345678=secret", "a=\x00;;;=", f"{'x' * 20000}=1"])
def test_without_the_cookie_nothing_is_answered(stranger: LabClient, method: str, path: str, cookie: str) -> None:
    response = stranger.request(method, path, headers={"cookie": cookie})

    assert response.status_code == 403
    assert response.json()["code"] == "no_token"


def test_a_sign_of_life_needs_no_token(stranger: LabClient) -> None:
    answer = stranger.get("/healthz")

    assert answer.status_code == 200
    assert answer.json()["ok"] is True


@pytest.mark.parametrize(
    "host",
    ["evil.example", f"evil.example:{PORT}", "127.0.0.1:9", "127.0.0.1", f"127.0.0.1.evil.example:{PORT}", "", "localhost:"],
)
def test_another_host_is_refused(client: LabClient, host: str) -> None:
    for path in ("/", "/healthz", "/api/sources", f"/?token={TOKEN}"):
        assert client.get(path, headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"[::1]:{PORT}", f"LOCALHOST:{PORT}"])
def test_names_of_this_machine_are_let_in(client: LabClient, host: str) -> None:
    assert client.get("/api/sources", headers={"host": host}).status_code == 200


def test_a_given_host_is_let_in_too(runs: Path) -> None:
    with LabClient(Catalogue(runs=runs), host="lab.example") as client:
        assert client.get("/api/sources", headers={"host": f"lab.example:{PORT}"}).status_code == 200
        assert client.get("/api/sources", headers={"host": f"other.example:{PORT}"}).status_code == 421
    with LabClient(Catalogue(runs=runs), host="0.0.0.0") as client:  # every address, but no name that somebody points here
        assert client.get("/api/sources", headers={"host": f"192.168.1.7:{PORT}"}).status_code == 200
        assert client.get("/api/sources", headers={"host": f"lab.example:{PORT}"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": f"https://127.0.0.1:{PORT}"},
        {"origin": "http://127.0.0.1:9"},
        {"origin": f"http://localhost:{PORT}"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_origin_is_refused(client: LabClient, headers: dict[str, str]) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert client.request(method, "/api/pages", json={}, headers=headers).status_code == 403
    if "sec-fetch-site" in headers:
        for path in ("/api/sources", "/static/index.html"):
            assert client.get(path, headers=headers).status_code == 403


def test_the_own_origin_is_let_in(client: LabClient) -> None:
    for headers in ({"origin": ADDRESS}, {"sec-fetch-site": "same-origin"}, {}):
        assert client.post("/api/pages", {}, headers=headers).status_code == 200


def test_every_answer_has_the_security_headers(client: LabClient, stranger: LabClient) -> None:
    for response in (
        client.get("/"),
        client.get("/nothing"),
        stranger.get("/"),
        client.get("/api/sources"),
        client.get("/healthz"),
    ):
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'self'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"


def test_a_body_of_a_gigabyte_is_refused_while_it_comes(client: LabClient) -> None:
    page = client.page()
    sent = 0

    async def stream() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(16 * 1024):
            sent += 2**16
            yield bytes(2**16)

    for path, limit in (("/edits", 1), ("/drawing?height=1&width=1", 4), ("/file", 10)):
        sent = 0
        response = client.request("PUT", page.path + path, content=stream(), headers={"content-type": "application/json"})

        assert response.status_code == 413
        assert response.json()["error"].startswith("body: expected at most")
        assert response.headers["connection"] == "close"
        assert sent <= DROPPED + limit * 2**20 + 2**17


@pytest.mark.parametrize("length", ["5", "99999999999999", "-1", "x"])
def test_a_length_that_is_a_lie_changes_nothing(client: LabClient, length: str) -> None:
    response = client.request("PUT", client.page().path + "/file", content=bytes(11 * 2**20), headers={"content-length": length})

    assert response.status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/static/..%5capp.py",
        "/static/js/%00",
        "/static",
        "/api/runs/../log",
        "/api/runs/..%2f..%2fetc/log",
        "/api/runs/%2e%2e/log",
        "/api/runs/%2fetc/log",
        "/api/runs/%00/log",
    ],
)
def test_no_path_leads_out(client: LabClient, path: str) -> None:
    response = client.request("GET", httpx.URL(ADDRESS).copy_with(raw_path=path.encode()))

    assert 400 <= response.status_code < 500
    assert "error" in response.json()


@pytest.mark.parametrize(
    "source",
    [
        "run:../chain",
        "run:..",
        "run:.",
        "run:",
        "run:/etc",
        "model",
        "preset:../x",
        "",
        "run:chain/../graph",
        "run:\x00",
        "x" * 300,
    ],
)
def test_no_source_leads_out(client: LabClient, source: str) -> None:
    response = client.post("/api/pages", {"source": source})

    assert response.status_code == 404
    assert response.json()["code"] == "no_source"


def test_files_of_the_page_are_asked_for_again_and_not_sent_again(client: LabClient) -> None:
    first = client.get("/static/index.html")

    again = client.get("/static/index.html", headers={"if-none-match": first.headers["etag"]})

    assert first.headers["cache-control"] == "no-cache"
    assert again.status_code == 304
    assert client.get("/static/vendor/uplot/uPlot.iife.min.js").headers["content-type"].startswith("text/javascript")


def test_links_name_an_address_that_a_browser_can_open() -> None:
    assert link(None, 8000, "t") == "http://127.0.0.1:8000/?token=t"
    assert link("0.0.0.0", 80, "t") == "http://127.0.0.1:80/?token=t"
    assert link("::", 80, "t") == "http://[::1]:80/?token=t"
    assert link("fe80::1", 80, "t") == "http://[fe80::1]:80/?token=t"
    assert link("lab.example", 80, "t") == "http://lab.example:80/?token=t"


def test_a_target_that_is_none_is_refused_at_the_start(runs: Path) -> None:
    for target in ("nothing", "nothing.safetensors", str(runs), "nothing.json"):
        with pytest.raises(HandmadeError):
            Catalogue(target, runs)


def test_a_run_a_model_and_a_preset_can_be_the_target(runs: Path) -> None:
    firsts = {
        target: Catalogue(target, runs).first
        for target in ("readme", str(runs / "chain"), str(runs / "chain" / "best.safetensors"))
    }

    assert list(firsts.values()) == ["preset:readme", "run:chain", "model"]
