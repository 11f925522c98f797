"""Clusters whose scheduler or workers fail, with processes of Dask and signals; how many workers there are changes no byte."""

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster_parts import PATIENCE, Slow, assert_same, batch, blocks_of, free_port, process, scheduler, small, until, worker
from handmade import HandmadeError, sweep
from handmade.cluster import connection
from handmade.cluster.address import Certificates, ClusterError
from handmade.cluster.connection import connect
from handmade.cluster.sharing import ClusterExecutor
from handmade.gradients import backprop
from handmade.runs import Settings, resume, start
from handmade.runs.record import read_run_json
from handmade.threads import threads
from test_cluster import check_bytes, large, with_batch_norm, with_dropout
from tiny_digits import TINY, write_digits

pytestmark = pytest.mark.long  # each starts several processes
MODEL = "model.safetensors"
OTHER_NUMPY = "from handmade.cluster import matching\nmatching.version_of = {'numpy': '1.0'}.get\n"


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Let the BLAS use one thread here, as workers and trainings do: its sums depend on it."""
    with threads(1):
        yield


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_digits(tmp_path / "digits", 640, 20)
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    (tmp_path / "other.py").write_text(OTHER_NUMPY)
    return tmp_path


@pytest.fixture
def port() -> Iterator[int]:
    number = free_port()
    with scheduler(number):
        yield number


def options(**more: Any) -> Settings:
    return Settings(**{"data": "digits", "network": "tiny.json", "steps": 12, "batch_size": 64, "threads": 1, **more})


def command(*arguments: str) -> list[str]:
    settings = ["--data", "digits", "--network", "tiny.json", "--batch-size", "64", "--threads", "1"]
    return ["train", *settings, "--out", "run", *arguments]


def steps_of(run: Path) -> int:
    log = run / "log.jsonl"
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_workers_computes_the_same_bytes(count: int) -> None:
    with connect(f"local:{count}") as client:
        for network in (with_dropout(), with_batch_norm()):
            check_bytes(network, client.get_executor())
        x, y = batch(333, large())
        assert_same(backprop(large(), x, y), backprop(large(), x, y, executor=client.get_executor()))


@pytest.mark.parametrize("tried", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_whose_scheduler_is_killed_ends_in_one_line_and_can_be_resumed(tried: signal.Signals, place: Path) -> None:
    number = free_port()
    address = f"tcp://127.0.0.1:{number}"
    train = command("--steps", "400", "--cluster", address)
    with scheduler(number) as leader, worker(number), worker(number), process("handmade", *train) as trained:
        until(lambda: steps_of(place / "run") > 3)
        leader.send_signal(tried)
        _, said = trained.communicate(timeout=PATIENCE)
    assert trained.returncode == 1
    *_, line = said.strip().splitlines()
    assert line.startswith(f"handmade: {address}: the scheduler went away. Start it again")
    assert "train --resume run" in line
    assert "Traceback" not in said
    assert read_run_json(place / "run")["status"] == "interrupted"

    assert 3 < steps_of(place / "run") < 400
    start(options(steps=400), "alone").finish()
    resume("run").finish()
    assert (place / "run" / MODEL).read_bytes() == (place / "alone" / MODEL).read_bytes()


def test_a_worker_of_another_kind_is_refused_in_one_line_and_leaves_no_run(port: int, place: Path) -> None:
    address = f"tcp://127.0.0.1:{port}"
    lanes = "4" if os.environ.get("HANDMADE_LANES") != "4" else "8"
    with worker(port, HANDMADE_LANES=lanes), process("handmade", *command("--cluster", address)) as trained:
        _, said = trained.communicate(timeout=PATIENCE)
        assert trained.returncode == 1
        [line] = said.strip().splitlines()
        assert "vector length" in line
        assert f"got {lanes}. Use machines of one kind, or set HANDMADE_LANES" in line
    assert not (place / "run").exists()


def test_a_worker_of_another_version_that_joins_later_is_left_out(port: int, place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "blocks"
    folder.mkdir()
    said: list[str] = []
    x, y = batch(64 * 32, small())
    with worker(port), connect(f"tcp://127.0.0.1:{port}") as client:
        executor = ClusterExecutor(client, said.append)
        with worker(port, "--preload", str(place / "other.py")):
            client.wait_for_workers(2, timeout=PATIENCE)
            shared = backprop(small(), x, y, loss=Slow(folder, 0.01), executor=executor)
            assert_same(backprop(small(), x, y), shared)
            assert len(said) == 1
            assert "expected NumPy" in said[0] or "expected handmade" in said[0]
            assert len(blocks_of(folder)) == 1
            with pytest.raises(ClusterError, match="as here; got"):
                ClusterExecutor(client, said.append)
            assert len(said) == 1  # the others do not go on


def test_no_worker_for_a_minute_ends_the_command_and_the_step(
    port: int, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "WORKERS", 2.0)
    address = f"tcp://127.0.0.1:{port}"
    with pytest.raises(ClusterError, match=rf"expected a worker within 2 s, got none\. Start one with: dask worker {address}"):
        start(options(cluster=address), "run").finish()
    assert not (place / "run").exists()

    folder = tmp_path / "blocks"
    folder.mkdir()
    with worker(port) as only, connect(address) as client:
        executor = ClusterExecutor(client)

        def kill() -> None:
            until(lambda: blocks_of(folder))
            only.kill()

        thread = threading.Thread(target=kill)
        thread.start()
        with pytest.raises(ClusterError, match=r"cluster: expected a worker, got none for 2 s\. Start workers again"):
            backprop(small(), *batch(64 * 32, small()), loss=Slow(folder, 0.1), executor=executor)
        thread.join()
        with worker(port):  # a new one goes on
            client.wait_for_workers(1, timeout=PATIENCE)
            x, y = batch(70, small())
            assert_same(backprop(small(), x, y), backprop(small(), x, y, executor=executor))


def test_workers_that_end_again_and_again_end_the_step() -> None:
    class Deadly(Slow):
        def forward(self, z: Any, y: Any) -> Any:
            os.kill(os.getpid(), signal.SIGKILL)

    with connect("local:2") as client, pytest.raises(ClusterError, match="cluster: expected workers that go on") as error:
        backprop(small(), *batch(70, small()), loss=Deadly(Path(), 0), executor=client.get_executor())
    assert "\n" not in str(error.value)


def test_an_interrupt_of_the_terminal_saves_the_run(place: Path) -> None:
    """A terminal sends Ctrl-C to all processes of its group, the workers among them."""
    arguments = [sys.executable, "-m", "handmade", *command("--steps", "400", "--cluster", "local:2")]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, start_new_session=True) as trained:
        until(lambda: steps_of(place / "run") > 3)
        os.killpg(trained.pid, signal.SIGINT)
        _, said = trained.communicate(timeout=PATIENCE)
    assert trained.returncode == 130
    assert "Traceback" not in said
    assert "train --resume run" in said
    assert 3 < read_run_json(place / "run")["steps"] < 400
    resume("run", cluster="local:1").finish()
    start(options(steps=400), "alone").finish()
    assert (place / "run" / MODEL).read_bytes() == (place / "alone" / MODEL).read_bytes()


def test_certificates_for_a_scheduler_without_tls_are_refused_in_one_line(port: int) -> None:
    plain = f"tcp://127.0.0.1:{port}"
    context = ssl.create_default_context()
    context.check_hostname = False
    with pytest.raises(ClusterError, match=rf"something without TLS listens there\. Try cluster='{plain}' without certificates"):
        connection.check_scheduler(f"tls://127.0.0.1:{port}", context, 5.0)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make certificates with")
def test_certificates_are_passed_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECTING", 3.0)
    for name in ("one", "two"):
        request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
        subprocess.run(["openssl", *request, "-keyout", f"{name}.key", "-out", f"{name}.pem"], check=True, capture_output=True)
    number = free_port()
    given = ["--protocol", "tls", "--tls-ca-file", "one.pem", "--tls-cert", "one.pem", "--tls-key", "one.key"]
    address = f"tls://127.0.0.1:{number}"
    one, two = (Certificates(f"{name}.pem", f"{name}.pem", f"{name}.key") for name in ("one", "two"))
    with scheduler(number, *given), worker(number, *given, protocol="tls"):
        with connect(address, one) as client:
            x, y = batch(70, small())
            assert_same(backprop(small(), x, y), backprop(small(), x, y, executor=client.get_executor()))
        with pytest.raises(ClusterError, match="no connection with these certificates: tls_ca has not"), connect(address, two):
            pass
        mixed = Certificates("one.pem", "two.pem", "two.key")
        with (
            pytest.raises(ClusterError, match=r"refuses that of tls_cert .*\. Try one that"),
            connect(address, mixed),
        ):
            pass
        mixed = Certificates("one.pem", "one.pem", "two.key")
        with pytest.raises(HandmadeError, match=r"tls_key: expected the private key of one\.pem"), connect(address, mixed):
            pass
        with (
            pytest.raises(ClusterError, match=rf"something else listens there, a server with TLS\. Try cluster='{address}' with"),
            connect(f"tcp://127.0.0.1:{number}"),
        ):
            pass
        with connect(address, one) as client:  # a sweep, too
            planned = sweep.start({"seed": [0, 1]}, options(validation=8), "s", executor=client.get_executor()).finish()
        result = start(options(cluster=address, tls_ca="one.pem", tls_cert="one.pem", tls_key="one.key"), "run").finish()
    start(options(), "alone").finish()
    assert planned.ended == 2
    assert result["status"] == "finished"
    assert (place / "run" / MODEL).read_bytes() == (place / "alone" / MODEL).read_bytes()
