"""Memory of the lab's server: pages that are closed give back what they held, as the operating system counts it."""

import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.long, pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="it reads /proc")]

MOST = 24.0  # megabytes that a server may grow while many pages come and go: far less than they held


def of_process(pid: int) -> tuple[float, int]:
    """Return the megabytes of memory and the number of threads of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {name: value.split()[0] for name, _, value in (line.partition(":") for line in lines) if value.strip()}
    return int(found["VmRSS"]) / 1024, int(found["Threads"])


def visit(client: Any, origin: str, *, train: bool) -> None:
    """Open a page, look at everything that it keeps, perhaps train, and close it."""
    page = client.post("/api/pages", json={"source": "example"}, headers=origin).json()["page"]
    path = f"/api/pages/{page}"
    for part in ("image", "gradients", "weights", "contributions"):
        assert client.get(f"{path}/{part}").status_code == 200
    for n in range(20):
        assert client.post(f"{path}/receipt", json={"at": f"conv2[{n},3,2]"}, headers=origin).status_code == 200
    if train:
        body = {"settings": {"gradient": "backprop", "limit": 2000, "epochs": 50}}
        assert client.post(f"{path}/training", json=body, headers=origin).status_code == 200
        time.sleep(0.3)
        assert client.get(f"{path}/training/a/frame").status_code == 200
    assert client.post(f"{path}/close", headers=origin).json() == {"closed": True}


def test_many_pages_come_and_go_and_the_server_stays_as_large(tmp_path: Path) -> None:
    from lab_browser import Server  # noqa: PLC0415  it needs Playwright

    server = Server(tmp_path)
    try:
        with server.client() as client:
            origin: Any = {"Origin": server.address}
            for n in range(15):
                visit(client, origin, train=n % 5 == 0)
            time.sleep(1.5)
            before, threads = of_process(server.process.pid)
            for n in range(60):
                visit(client, origin, train=n % 10 == 0)
            time.sleep(1.5)
            after, threads_after = of_process(server.process.pid)
        assert after - before < MOST
        assert threads_after <= threads
        assert not list((tmp_path / "runs").glob(".lab-*"))
    finally:
        server.stop()
