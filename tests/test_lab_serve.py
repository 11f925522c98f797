"""`handmade lab` as people start it: a link, another port, a clean end while pages are open."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from handmade.cli import main as command
from handmade.cli.commands import lab as lab_command
from handmade.engine.extras import install_command

LINK = re.compile(r"http://127\.0\.0\.1:(\d+)/\?token=[\w-]{20,}\n")


@contextmanager
def running(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command and the link that it prints."""
    arguments = [sys.executable, "-m", "handmade", "lab", "--no-browser", *options]
    with subprocess.Popen(arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            link = process.stdout.readline()
            assert LINK.fullmatch(link), link
            yield process, link.strip()
        finally:
            process.kill()


@pytest.mark.parametrize("end", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_it_answers_until_it_is_told_to_end(tmp_path: Path, end: signal.Signals) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running(tmp_path, "--port", str(port)) as (process, link), httpx.Client(follow_redirects=True) as client:
            address = link.partition("?")[0].rstrip("/")
            assert f":{port}/" not in link
            assert client.get(link).status_code == 200
            page = client.post(f"{address}/api/pages", json={}).json()["page"]
            assert client.get(f"{address}/api/pages/{page}/image").status_code == 200

            start = time.perf_counter()  # the client's connection is open still
            process.send_signal(end)
            out, err = process.communicate(timeout=5)

            assert time.perf_counter() - start < 20  # a second, where nobody else uses the processor; a minute, if it waited
            assert process.returncode == 0
            assert out == ""
            assert err.splitlines() == [
                f"Port {port} is taken; this is port {address.rpartition(':')[2]}.",
                "This link opens the lab. Ctrl-C ends it.",
            ]


def test_other_machines_are_let_in_with_a_warning(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0", "--host", "0.0.0.0") as (process, link):
        assert httpx.get(link).status_code == 303
        assert httpx.get(link, headers={"host": "evil.example"}).status_code == 421
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=5)
        assert "Keep the link secret." in err
        assert "with the address of this machine in the place of the one below" in err


def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["handmade", "lab", "--no-browser", *arguments])
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_a_wrong_target_and_a_wrong_host_are_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    assert "nothing" in refused(monkeypatch, capsys, "nothing")
    assert "cannot listen there" in refused(monkeypatch, capsys, "--host", "192.0.2.1")
    assert "cannot listen there" in refused(monkeypatch, capsys, "--host", "no such host")


def test_a_missing_extra_is_told_with_this_pythons_pip(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lab_command, "NEEDED", ("fastapi", "no_such_package"))

    error = refused(monkeypatch, capsys)

    assert f"lab: expected no_such_package, which is not installed. Try {install_command('lab')}" in error


def test_help_does_without_the_server() -> None:
    code = (
        "import sys\nfrom handmade.cli import main\nsys.argv = ['handmade', 'lab', '--help']\n"
        "try:\n    main.main()\nexcept SystemExit:\n    pass\n"
        "print(*{'fastapi', 'starlette', 'uvicorn', 'numpy'} & set(sys.modules), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "--no-browser" in done.stdout
    assert done.stderr.strip() == ""
