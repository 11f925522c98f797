"""Clusters of Dask: the same bytes as on one machine, errors in one line, and a worker that is killed or slow."""

import http.server
import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from cluster_parts import Slow, assert_same, batch, blocks_of, free_port, kill, small, until
from handmade import BatchNorm2d, Conv2d, Dropout, Flatten, HandmadeError, Linear, MaxPool2d, Network, ReLU
from handmade.cli.main import main
from handmade.cluster import connection, matching
from handmade.cluster.address import Certificates, ClusterError, check_address, warning
from handmade.cluster.connection import connect
from handmade.cluster.executors import as_executor
from handmade.cluster.matching import difference_of, facts
from handmade.cluster.sharing import ClusterExecutor
from handmade.cluster.tasks import TASKS, block_size
from handmade.cluster.times import Times
from handmade.engine.parallel import BatchExecutor, add_sums, blocks, tree_sum
from handmade.gradients import backprop, definition, difference, input_gradient
from handmade.runs import Settings, list_runs, resume, start
from handmade.threads import threads
from tiny_digits import TINY, write_digits


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Let the BLAS use one thread here, as workers and trainings do: its sums depend on it."""
    with threads(1):
        yield


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with connect("local:2") as client:
        yield client


@pytest.fixture
def executor(client: Any) -> Executor:
    found: Executor = client.get_executor()
    return found


# --- the tree -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "tree"),
    [
        ("a", "a"),
        ("ab", "(ab)"),
        ("abc", "((ab)c)"),
        ("abcd", "((ab)(cd))"),
        ("abcdefg", "(((ab)(cd))((ef)g))"),
        ("abcdefghi", "((((ab)(cd))((ef)(gh)))i)"),
    ],
)
def test_parts_are_added_as_a_balanced_tree(parts: str, tree: str) -> None:
    def add(one: str, other: str) -> str:
        return f"({one}{other})"

    assert tree_sum(parts, add) == tree
    for size in (1, 2, 4, 8):
        runs = [tree_sum(parts[first : first + size], add) for first in range(0, len(parts), size)]
        assert tree_sum(runs, add) == tree


def layers(seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [
        Conv2d(rng.standard_normal((3, 3, 1, 4)).astype(np.float32), np.zeros(4, np.float32)),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Linear(rng.standard_normal((36, 300)).astype(np.float32), np.zeros(300, np.float32)),
        ReLU(),
        Linear(rng.standard_normal((300, 500)).astype(np.float32) / 17, np.zeros(500, np.float32)),
        ReLU(),
        Linear(rng.standard_normal((500, 10)).astype(np.float32) / 20, np.zeros(10, np.float32)),
    ]


class Apart(BatchExecutor):
    """One shard after the other."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def sums(self, function: Any, batch: Any, shard: int) -> Any:
        self.seen.append(shard)
        return tree_sum(map(function, blocks(batch, shard)), add_sums)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("images", [1, 16, 17, 150])
def test_a_gradient_is_the_tree_of_its_shards(images: int) -> None:
    network = Network(layers(0), (8, 8, 1))
    x, y = batch(images, network)
    with threads(1):
        shared = Apart()
        assert_same(backprop(network, x, y), backprop(network, x, y, executor=shared))
        network = with_dropout().in_training(images, np.random.default_rng(0))
        assert_same(difference(network, x, y), difference(network, x, y, executor=shared))
    assert shared.seen == [64, 16]


# --- the same bytes -----------------------------------------------------------------------------------------------------------


def with_dropout() -> Network:
    rng = np.random.default_rng(1)
    return Network(
        [*layers(1)[:4], Dropout(0.3), Linear(rng.standard_normal((36, 10)).astype(np.float32), np.zeros(10, "f"))], (8, 8, 1)
    )


def with_batch_norm() -> Network:
    rng = np.random.default_rng(2)
    one, zero = np.ones(4, np.float32), np.zeros(4, np.float32)
    last = Linear(rng.standard_normal((36, 10)).astype(np.float32), np.zeros(10, np.float32))
    return Network([layers(2)[0], BatchNorm2d(one, zero, zero, one), *layers(2)[1:4], last], (8, 8, 1))


def large() -> Network:
    """Return a network with a large linear layer, whose gradient is a product for each shard."""
    return Network(layers(0), (8, 8, 1))


@pytest.mark.parametrize("make", [with_batch_norm, pytest.param(with_dropout, marks=pytest.mark.long)])
def test_a_cluster_computes_the_same_bytes(make: Any, executor: Executor) -> None:
    check_bytes(make(), executor)


def test_a_large_product_has_the_same_bytes(executor: Executor) -> None:
    x, y = batch(300, large())
    with threads(1):
        assert_same(backprop(large(), x, y), backprop(large(), x, y, executor=executor))


def check_bytes(network: Network, executor: Executor) -> None:
    """Compare all gradients of a network in training with those of one thread."""
    for images in (7, 75):
        x, y = batch(images, network)
        stage = network.in_training(images, np.random.default_rng(3))
        more: dict[str, Any] = {
            "scheme": "central",
            "loss": handmade.losses.MeanSquaredError(),
            "weights": np.linspace(0, 2, images),
        }
        gradients: list[Any] = [backprop, difference, partial(difference, **more)]
        for gradient in gradients:
            with threads(1):
                alone = gradient(stage, x, y)
            assert_same(alone, gradient(stage, x, y, executor=executor))


def test_other_work_of_the_engine_runs_on_a_cluster_too(executor: Executor) -> None:
    network = small()
    x, y = batch(30, network)
    seen: list[int] = []

    assert_same(
        definition(network, x, y), definition(network, x, y, executor=executor, progress=lambda done, _: seen.append(done))
    )
    assert seen[-1] == network.size
    one, gx = input_gradient(network, x, y)
    other, shared = input_gradient(network, x, y, executor=executor)
    assert (one, gx.tobytes()) == (other, shared.tobytes())
    assert handmade.evaluate(network, x, y, executor=executor).loss == handmade.evaluate(network, x, y).loss
    steps = [
        list(
            handmade.train(network, x, y, steps=3, gradient=partial(difference, executor=each), validation=(x, y), executor=each)
        )
        for each in (None, executor)
    ]
    assert [step.loss for step in steps[0]] == [step.loss for step in steps[1]]
    assert list(executor.map(max, [1, 5], [2, 3])) == [2, 5]
    assert as_executor(executor).submit(max, 1, 2).result() == 2


def test_an_error_of_a_task_is_that_of_one_machine(executor: Executor) -> None:
    class Wrong(Slow):
        def forward(self, z: Any, y: Any) -> Any:
            raise HandmadeError("a loss that fails")

    x, y = batch(70, small())
    with pytest.raises(HandmadeError, match="a loss that fails"):
        backprop(small(), x, y, loss=Wrong(Path(), 0), executor=executor)
    with pytest.raises(FileNotFoundError):  # which is no lost connection
        list(as_executor(executor).map(os.stat, ["/nowhere"]))


def test_a_client_that_is_closed_is_refused_in_one_line(client: Any) -> None:
    distributed: Any = import_module("distributed")
    other = distributed.Client(client.scheduler.address, set_as_default=False)
    executor = other.get_executor()
    other.close()
    with pytest.raises(HandmadeError, match=r"^executor: expected the executor of a connected client, got one that is closed"):
        backprop(small(), *batch(2, small()), executor=executor)


def test_the_workers_that_an_executor_names_alone_are_used(client: Any, tmp_path: Path) -> None:
    address, number = next(iter(client.run(os.getpid).items()))
    x, y = batch(64 * 6, small())
    loss = Slow(tmp_path, 0)
    assert_same(backprop(small(), x, y), backprop(small(), x, y, loss=loss, executor=client.get_executor(workers=[address])))
    assert blocks_of(tmp_path).keys() == {number}


# --- runs ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_digits(tmp_path / "digits", 200, 20)
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    return tmp_path


def options(**more: Any) -> Settings:
    return Settings(**{"data": "digits", "network": "tiny.json", "steps": 6, "batch_size": 70, "threads": 1, **more})


def test_a_run_on_a_cluster_can_be_resumed_without_it(client: Any, place: Path) -> None:
    address = client.scheduler.address
    start(options(), "alone").finish()
    with start(options(cluster=address), "shared") as session:
        assert session.remarks[0] == f"Gradients are computed by 2 workers of {address}."
        for progress in session:
            assert progress.remarks == ()
            if progress.step.number == 3:
                break
    rest = resume("shared")
    assert rest.job.settings.cluster is None
    result = rest.finish()

    model = "model.safetensors"
    assert (place / "shared" / model).read_bytes() == (place / "alone" / model).read_bytes()
    log = [json.loads(line) for line in (place / "shared" / "log.jsonl").read_text().splitlines()]
    assert [{"computing", "travelling", "waiting"} <= line.keys() for line in log] == [True] * 3 + [False] * 3
    assert all(line[name] >= 0 for line in log[:3] for name in ("computing", "travelling", "waiting"))
    assert result["cluster_seconds"]["computing"] == pytest.approx(sum(line["computing"] for line in log[:3]), abs=2e-3)
    assert [run.cluster_seconds for run in list_runs(place) if run.folder.name == "shared"] == [result["cluster_seconds"]]
    assert not list((place / "shared").rglob("*.pkl"))


def test_the_command_shows_the_cluster_and_the_shares_of_time(
    client: Any, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["handmade", "train", "--data", "digits", "--network", "tiny.json", "--steps", "2", "--batch-size", "16"]
    monkeypatch.setattr("sys.argv", [*command, "--out", "runs/one", "--cluster", client.scheduler.address])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    shown = capsys.readouterr().err
    assert f"Gradients are computed by 2 workers of {client.scheduler.address}." in shown
    assert "--batch-size 16: only 1 of 2 threads of workers have work at a time. Try --batch-size 32" in shown
    assert "Traceback" not in shown
    monkeypatch.setattr("sys.argv", ["handmade", "runs"])
    with pytest.raises(SystemExit):
        main()
    assert "computing/travelling/waiting" in capsys.readouterr().out
    assert (place / "runs" / "one").is_dir()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"cluster": "local:0"}, "cluster: expected tcp://HOST:PORT, tls://HOST:PORT or local:N"),
        ({"cluster": "local:x"}, "got 'local:x'"),
        ({"cluster": "local:1025"}, "for N from 1 to 1,024"),
        ({"cluster": "http://here:1"}, "cluster: expected"),
        ({"cluster": "tcp://here:70000"}, "cluster: expected"),
        ({"cluster": "tcp://here"}, "cluster: expected"),
        ({"cluster": "tls://here:1"}, "cluster: expected certificates with tls://, got tls://here:1. Try tls_ca=..."),
        ({"tls_ca": "ca.pem"}, "tls_ca: expected a cluster with it, got none"),
        ({"cluster": "tls://here:1", "tls_ca": "ca.pem"}, "tls_cert: expected a file with it, got none"),
        (
            {"cluster": "tcp://here:1", "tls_ca": "a", "tls_cert": "b", "tls_key": "c"},
            "expected an address with tls:// and certificates, got tcp://here:1. Try cluster=tls://here:1",
        ),
    ],
)
def test_an_address_that_is_none_is_refused_in_one_line(given: dict[str, Any], says: str) -> None:
    with pytest.raises(HandmadeError) as refused:
        Settings(**given)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_files_of_tls_must_be_there(place: Path) -> None:
    certificates = Certificates("a.pem", place / "tiny.json", place / "tiny.json")
    with (
        pytest.raises(HandmadeError, match=r"tls_ca: expected a file, got 'a.pem', which is none"),
        connect("tls://127.0.0.1:1", certificates),
    ):
        pass
    wrong = Certificates(*[place / "tiny.json"] * 3)
    with (
        pytest.raises(HandmadeError, match="tls_key: expected certificates and a key in PEM"),
        connect("tls://127.0.0.1:1", wrong),
    ):
        pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "tcp://localhost:1", "tcp://[::1]:1", "local:3", "tls://far.away:1"])
def test_an_address_of_this_machine_or_with_tls_gets_no_warning(address: str) -> None:
    assert warning(address) is None


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "tcp://localhost.evil.org:1", "tcp://127.0.0.1.evil.org:1"])
def test_another_address_gets_a_warning(address: str) -> None:
    check_address(address)
    line = warning(address)
    assert line is not None
    assert "Anyone on that network can run code on the workers" in line


@contextmanager
def web_server() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_cluster_that_does_not_answer_leaves_no_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECTING", 0.5)
    with pytest.raises(ClusterError, match=r"nothing listens there\. Start one with: dask scheduler"):
        start(options(cluster=f"tcp://127.0.0.1:{free_port()}"), "one").finish()
    with web_server() as port, pytest.raises(ClusterError, match="something else listens there") as error:
        start(options(cluster=f"tcp://127.0.0.1:{port}"), "one").finish()
    assert "\n" not in str(error.value)
    with pytest.raises(ClusterError, match="expected a scheduler of Dask; it cannot be reached"):
        start(options(cluster="tcp://nowhere.invalid:1"), "one").finish()
    assert not (place / "one").exists()


def test_the_functions_of_a_student_stay_here(place: Path) -> None:
    class Own:
        folder = place

    with pytest.raises(HandmadeError, match="cluster: expected gradients of the engine with it"):
        start(options(cluster="local:1"), "one", own=Own())  # type: ignore[arg-type]
    assert not (place / "one").exists()


# --- workers that compute otherwise -------------------------------------------------------------------------------------------


def test_a_worker_like_this_process_is_accepted() -> None:
    assert difference_of("tcp://a:1", dict(facts())) is None
    assert {"handmade", "NumPy", "Numba", "Python"} < facts().keys()
    assert facts()[matching.BLAS] != matching.NONE


@pytest.mark.parametrize("name", list(facts()))
def test_any_other_version_or_vector_is_refused_in_one_line(name: str) -> None:
    line = difference_of("tcp://10.0.0.1:99", facts() | {name: "9.9"})
    assert line is not None
    assert line.startswith(f"worker tcp://10.0.0.1:99: expected {name} {facts()[name]}, as here; got 9.9. ")
    assert line.endswith(("there", "everywhere"))
    assert "\n" not in line


def test_a_worker_without_handmade_is_refused_in_one_line() -> None:
    wrong = HandmadeError("HANDMADE_LANES: expected one of 4, 8, 16; got '1'. Try to unset it")
    assert difference_of("tcp://10.0.0.1:99", wrong) == f"worker tcp://10.0.0.1:99: {wrong}"
    line = difference_of("tcp://10.0.0.1:99", ModuleNotFoundError("No module named\n'handmade'"))
    assert line is not None
    assert "which cannot be used there (ModuleNotFoundError: No module named 'handmade')" in line


def _pretend(number: int) -> None:
    """Make a worker another one, from its next task on."""
    if os.getpid() == number:
        matching.facts.cache_clear()
        matching.fingerprint.cache_clear()
        matching.version_of = {"numpy": "1.0"}.get  # type: ignore[assignment]


def _be_honest() -> None:
    reload(matching)
    tasks: Any = import_module("handmade.cluster.tasks")
    tasks.facts, tasks.fingerprint = matching.facts, matching.fingerprint


def test_a_worker_that_is_another_one_is_left_out_and_the_others_go_on(client: Any) -> None:
    address, number = next(iter(client.run(os.getpid).items()))
    said: list[str] = []
    executor = ClusterExecutor(client, said.append)
    client.run(_pretend, number)
    try:
        x, y = batch(64 * 9, small())
        assert_same(backprop(small(), x, y), backprop(small(), x, y, executor=executor))
        assert [line.partition(": ")[0] for line in said] == [f"worker {address}"]
        assert said[0].endswith("The other workers go on without it")
        with pytest.raises(ClusterError, match=rf"worker {address}: expected .*, as here; got"):
            ClusterExecutor(client)
    finally:
        client.run(_be_honest)


# --- times --------------------------------------------------------------------------------------------------------------------


def test_the_parts_of_a_time_make_up_the_whole() -> None:
    times = Times.of(10.0, {"a": 3.0, "b": 4.0}, 2.0)
    assert (times.computing, times.travelling, times.waiting) == (4, 2, 4)
    assert Times.of(1.0, {"a": 3.0}, 2.0) == Times(1.0, 0.0, 0.0)
    assert times + times == Times(8, 4, 8)
    assert Times.of(1.0, {}, 0.25).to_json() == {"computing": 0.0, "travelling": 0.25, "waiting": 0.75}


def test_a_step_tells_its_time(executor: Executor, tmp_path: Path) -> None:
    shared = as_executor(executor)
    shared.take_times()
    begun = time.perf_counter()
    backprop(small(), *batch(64 * 8, small()), loss=Slow(tmp_path, 0.02), executor=executor)
    whole, times = time.perf_counter() - begun, shared.take_times()
    assert sum(vars(times).values()) == pytest.approx(whole, abs=0.05)
    assert times.computing >= 4 * 0.02
    assert times.travelling > 0
    assert shared.take_times() == Times()


# --- slow and killed workers: last, as they change the workers ----------------------------------------------------------------


def test_a_slow_worker_holds_the_others_up_for_one_task(client: Any, executor: Executor, tmp_path: Path) -> None:
    slow, _ = client.run(os.getpid).values()
    x, y = batch(64 * 32, small())
    loss = Slow(tmp_path, 0.02, {slow: 10})

    assert_same(backprop(small(), x, y), backprop(small(), x, y, loss=loss, executor=executor))
    done = blocks_of(tmp_path)
    assert sum(done.values()) == 32
    assert done[slow] <= 32 // (2 * TASKS)  # the shards of one task


def test_a_worker_that_is_killed_within_a_step_changes_no_byte(executor: Executor, tmp_path: Path) -> None:
    x, y = batch(64 * 32, small())
    killed: list[int] = []

    def kill_one() -> None:
        until(lambda: len(blocks_of(tmp_path)) == 2)
        killed.append(next(iter(blocks_of(tmp_path))))
        kill(killed[0])

    thread = threading.Thread(target=kill_one)
    thread.start()
    shared = backprop(small(), x, y, loss=Slow(tmp_path, 0.05), executor=executor)
    thread.join()
    assert_same(backprop(small(), x, y), shared)
    assert sum(blocks_of(tmp_path).values()) > 32  # some shards were computed again
    assert killed


# --- several threads for a task -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "threads", "inside", "size"),
    [
        (1, 1, 1, 16),
        (64, 1, 1, 16),
        (65, 1, 1, 32),
        (4096, 64, 1, 16),
        (4112, 64, 1, 32),
        (4096, 8, 8, 128),
        (1024, 8, 8, 128),
        (512, 8, 8, 64),
    ],
)
def test_a_task_has_a_shard_for_each_of_its_threads_and_each_worker_has_a_task(
    images: int, threads: int, inside: int, size: int
) -> None:
    assert block_size(images, 16, threads, inside) == size


@pytest.mark.long
def test_a_worker_with_threads_for_a_task_computes_the_same_bytes(tmp_path: Path) -> None:
    distributed: Any = import_module("distributed")
    options = {"host": "127.0.0.1", "dashboard_address": ":0", "memory_limit": 0, "silence_logs": 50}
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, resources={"threads": 2}, **options) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        shared = ClusterExecutor(client)
        assert (shared.threads, shared.at_once) == (2, 1)
        x, y = batch(64 * 16, small())
        assert_same(backprop(small(), x, y), backprop(small(), x, y, loss=Slow(tmp_path, 0.01), executor=shared))
        assert client.run(_names_of_threads) == dict.fromkeys(client.scheduler_info()["workers"], 2)


def _names_of_threads() -> int:
    return sum(thread.name.startswith("handmade") for thread in threading.enumerate())
