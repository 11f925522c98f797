"""Trainings of the lab: played, paused, saved, raced, refused; a slow or closed page delays nothing."""

import gc
import json
import os
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade.lab.app
import handmade.lab.events
import handmade.lab.lane
from handmade import load, networks
from handmade.data import prepare_for
from handmade.engine.training.state import TrainingState
from handmade.lab.catalogue import Catalogue
from handmade.lab.race import joined, next_turn
from handmade.runs import Settings, list_runs, read_record, resume, start
from handmade.runs.record import read_log
from lab_client import EventReader, LabClient, PageClient
from tiny_digits import TINY, write_digits

FAST: dict[str, Any] = {"gradient": "backprop", "batch_size": 20, "threads": 1}  # 10 steps an epoch


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    write_digits(folder / "digits", 200, 50)
    run = folder / "runs" / "tiny"
    run.mkdir(parents=True)
    networks.described(TINY, np.random.default_rng(5)).save(run / "model.safetensors")
    (run / "run.json").write_text(json.dumps({"network": "tiny", "status": "finished"}))
    return folder


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[LabClient]:
    with LabClient(Catalogue(runs=folder / "runs", data=str(folder / "digits"))) as client:
        yield client


@pytest.fixture
def page(client: LabClient) -> Iterator[PageClient]:
    page = client.page("run:tiny")
    yield page
    client.post(page.path + "/close")
    client.lab.catalogue.trained.close()  # its files stand beside those that tests count


def train(page: PageClient, lane: str = "a", *, start: str = "scratch", paused: bool = False, **settings: Any) -> Any:
    return page.post("/training", {"lane": lane, "settings": FAST | settings, "start": start, "paused": paused})


def news(page: PageClient, lane: str = "a") -> dict[str, Any]:
    trainings = page.client.lab.pages.get(page.name).trainings
    assert trainings is not None
    return trainings.lane(lane).news()


def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.005)


def ended(page: PageClient, lane: str = "a", status: str = "finished") -> dict[str, Any]:
    until(lambda: news(page, lane)["status"] not in {"running", "paused"})
    found = news(page, lane)
    assert found["status"] == status, found
    return found


def same(a: Any, b: Any) -> bool:
    ours, theirs = a.parameters(), b.parameters()
    return all(np.array_equal(ours[key], theirs[key]) for key in ours) and set(ours) == set(theirs)


# --- actions ------------------------------------------------------------------------------------------------------------------


def test_a_training_goes_on_as_it_is_told(page: PageClient) -> None:
    train(page, paused=True, epochs=5)
    assert (news(page)["status"], news(page)["step"], news(page)["steps"]) == ("paused", 0, 50)

    page.post("/training/a/step")
    page.post("/training/a/step")
    until(lambda: news(page)["status"] == "paused")
    assert news(page)["step"] == 2

    page.post("/training/a/epoch")
    until(lambda: news(page)["status"] == "paused")
    assert (news(page)["step"], news(page)["epoch"]) == (10, 1)

    page.post("/training/a/epoch")
    until(lambda: news(page)["status"] == "paused")
    assert news(page)["step"] == 20

    page.post("/training/a/play")
    found = ended(page)
    assert (found["step"], found["epoch"], found["epochs"], found["left"]) == (50, 5, 5, 0)
    assert found["validation"]["step"] == 50
    assert found["validation"]["images"] == np.sum(found["validation"]["confusion"]) == 50
    assert found["images_per_second"] > 0
    assert 0 < found["seconds"] < 10
    assert page.post("/training/a/pause")["status"] == page.post("/training/a/stop")["status"] == "finished"
    assert "finished" in page.refused("POST", "/training/a/play")[1]


def test_pause_and_stop_come_after_the_step(page: PageClient) -> None:
    train(page, epochs=100_000)
    until(lambda: news(page)["step"] > 3)
    assert page.post("/training/a/pause")["status"] == "paused"
    time.sleep(0.05)
    step = news(page)["step"]
    time.sleep(0.05)
    assert news(page)["step"] == step

    page.post("/training/a/play")
    until(lambda: news(page)["step"] > step)
    page.post("/training/a/stop")
    ended(page, status="stopped")
    page.post("/training/a/save", {"name": "stopped"})
    assert read_record(page.client.lab.catalogue.runs / "stopped").status == "interrupted"


@pytest.mark.parametrize("settings", [{}, {"validation": 40}], ids=["test images", "validation set"])
def test_a_cell_of_a_training_holds_the_digits_that_its_matrix_counts(page: PageClient, settings: dict[str, Any]) -> None:
    train(page, paused=True, epochs=2, **settings)
    page.post("/training/a/epoch")
    until(lambda: news(page)["status"] == "paused" and news(page)["validation"])
    data = page.client.lab.pages.get(page.name).catalogue.data
    matrix = np.array(news(page)["validation"]["confusion"])
    assert matrix.sum() == (40 if settings else 50)

    seen: list[int] = []
    for true, predicted in np.argwhere(matrix):
        cell = {"true": int(true), "predicted": int(predicted), "lane": "a", "limit": 200}
        arrays, meta = page.frame("POST", "/cell", cell)
        images = data.train if settings else data.test
        assert meta["split"] == ("train" if settings else "test")
        assert len(meta["indices"]) == matrix[true, predicted]
        assert np.array_equal(arrays["images"], images.images[meta["indices"]])
        assert set(images.labels[meta["indices"]].tolist()) == {int(true)}
        seen += meta["indices"]
    assert len(set(seen)) == matrix.sum()


def test_the_next_mistake_is_that_of_the_training(page: PageClient) -> None:
    train(page, paused=True, epochs=1)
    page.post("/training/a/step")
    until(lambda: news(page)["step"] == 1)
    lab_page = page.client.lab.pages.get(page.name)
    network, test = lab_page.training().network("a")[0], lab_page.catalogue.data.test
    predicted = network.logits(prepare_for(network)(test.images)).argmax(axis=1)
    wrong = np.flatnonzero(predicted != test.labels)
    assert len(wrong)

    found = page.get("/mistake?lane=a")

    assert found == {"index": wrong[0], "label": test.labels[wrong[0]], "predicted": predicted[wrong[0]]}
    assert page.refused("GET", "/mistake?lane=b")[0] == 404


# --- the same numbers as elsewhere --------------------------------------------------------------------------------------------


def test_a_seed_gives_the_bytes_of_a_run(page: PageClient, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    settings: dict[str, Any] = FAST | {"steps": 12, "ema": 0.9}
    found = {}
    for seed in (3, 4):
        given = Settings(**settings, seed=seed, network=str(tmp_path / "tiny.json"), data=str(folder / "digits"))
        start(given, tmp_path / str(seed)).finish()
        train(page, **settings, seed=seed)
        ended(page)
        page.post("/training/a/save", {"name": f"seed-{seed}"})
        found[seed] = (folder / "runs" / f"seed-{seed}" / "model.safetensors").read_bytes()
        assert found[seed] == (tmp_path / str(seed) / "model.safetensors").read_bytes()
        logs = [read_log(each) for each in (tmp_path / str(seed), folder / "runs" / f"seed-{seed}")]
        assert [line["loss"] for line in logs[0]] == [line["loss"] for line in logs[1]]
    assert found[3] != found[4]


def test_here_begins_with_the_weights_of_the_page(page: PageClient) -> None:
    page.frame("PUT", "/edits", {"edits": [{"at": "linear1.b[2]", "step": 0.25}]})
    shown = page.client.lab.pages.get(page.name).network

    train(page, start="here", paused=True)

    frame, meta = page.frame("GET", "/training/a/frame")
    assert all(np.array_equal(frame[f"weight:{key}"], array) for key, array in shown.parameters().items())
    image, _ = page.frame("GET", "/image")
    assert all(np.array_equal(frame[name], array) for name, array in image.items())
    page.post("/training/a/step")
    until(lambda: news(page)["step"] == 1)
    assert page.frame("GET", "/training/a/frame")[1]["version"] > meta["version"]


def test_the_page_adopts_a_network(page: PageClient) -> None:
    page.frame("PUT", "/edits", {"edits": [{"at": "linear1.b[2]", "step": 0.25}]})
    train(page, steps=5)
    ended(page)

    found = page.post("/training/a/adopt")["network"]

    assert found["trained"]
    held = page.client.lab.pages.get(page.name)
    trainings = held.trainings
    assert trainings is not None
    assert held.network is trainings.network("a")[0]
    assert not held.edits


def test_adopted_weights_are_opened_again_by_their_source(page: PageClient) -> None:
    before = page.network["source"]
    train(page, steps=3)
    ended(page)
    found = page.post("/training/a/adopt")["network"]
    weights = page.frame("GET", "/weights")[0]
    assert page.post("/training/a/adopt")["network"]["source"] == found["source"]  # a name is a hash of the weights
    page.client.put(page.path + "/network", {"source": before})
    assert not np.array_equal(page.frame("GET", "/weights")[0]["0.W"], weights["0.W"])
    page.client.post(page.path + "/close")  # as a reload does

    again = page.client.page(found["source"])

    assert again.network == found
    np.testing.assert_equal(again.frame("GET", "/weights")[0], weights)


def test_weights_that_are_gone_are_told(page: PageClient) -> None:
    train(page, steps=1)
    ended(page)
    source = page.post("/training/a/adopt")["network"]["source"]
    page.client.lab.catalogue.trained.close()

    for name in (source, "trained:", "trained:../../etc"):
        answer = page.client.put(page.path + "/network", {"source": name})
        assert (answer.status_code, answer.json()["code"]) == (404, "no_weights")
        assert "Train again" in answer.json()["error"]


def test_the_oldest_adopted_weights_give_way(page: PageClient, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handmade.lab.trained.MOST", 2)
    train(page, steps=3, paused=True)
    sources = []
    for _ in range(3):
        done = news(page)["step"]
        page.post("/training/a/step")
        until(lambda done=done: news(page)["step"] > done)  # type: ignore[misc]
        sources.append(page.post("/training/a/adopt")["network"]["source"])
    codes = [page.client.put(page.path + "/network", {"source": name}).status_code for name in sources]
    assert codes == [404, 200, 200]
    ended(page)  # the model of the training is written after its last step
    assert len(set(sources)) == 3
    assert len(list((folder / "runs").glob(".lab-*/*/model.safetensors"))) == 3  # two of these, and that of the training


# --- runs ---------------------------------------------------------------------------------------------------------------------


def test_a_saved_run_is_a_run(page: PageClient, folder: Path) -> None:
    train(page, start="here", epochs=2, validation=40, dtype="float32")
    page.post("/training/a/pause")
    until(lambda: news(page)["status"] == "paused")
    page.post("/training/a/play")
    ended(page)

    assert page.post("/training/a/save", {"name": "my-run_1.0"}) == {"run": "my-run_1.0"}

    run = folder / "runs" / "my-run_1.0"
    record = read_record(run)
    assert record.status == "finished"
    assert record in list_runs(folder / "runs")
    assert same(load(run / "model.safetensors"), page.client.lab.catalogue.open("run:my-run_1.0").network)
    assert record.known["model"] == str(run / "model.safetensors")
    assert Path(record.known["best"]["model"]).is_file()
    assert ".lab-" not in (run / "run.json").read_text()
    assert "my-run_1.0" in {each["title"] for each in page.client.get("/api/sources").json()["sources"]}
    log = page.client.get("/api/runs/my-run_1.0/log").json()
    assert log["steps"] == list(range(1, 17))
    assert "already" in page.refused("POST", "/training/a/save", {"name": "my-run_1.0"})[1]


def test_a_run_saved_on_the_way_goes_on_to_the_same_bytes(page: PageClient, folder: Path) -> None:
    train(page, epochs=1, seed=8, paused=True)
    page.post("/training/a/step")
    until(lambda: news(page)["step"] == 1)
    page.post("/training/a/save", {"name": "begun"})
    page.post("/training/a/play")
    ended(page)
    page.post("/training/a/save", {"name": "done"})

    assert read_record(folder / "runs" / "begun").known["test_accuracy"] >= 0
    resume(folder / "runs" / "begun").finish()

    models = [(folder / "runs" / name / "model.safetensors").read_bytes() for name in ("begun", "done")]
    assert models[0] == models[1]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/tmp/x", ".hidden", "a b", "ä", "x" * 81, "a\n", "tiny", "-x"])
def test_only_new_names_without_a_path_are_taken(page: PageClient, folder: Path, name: str) -> None:
    def names() -> set[str]:
        places = (folder.parent, folder, folder / "runs", folder / "runs" / "tiny")
        return {str(path) for place in places for path in place.iterdir() if not path.name.startswith(".lab-")}

    before = names()
    train(page, paused=True)

    assert page.refused("POST", "/training/a/save", {"name": name})[0] == 400

    assert names() == before


# --- refusals -----------------------------------------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"learning_rate": "fast"}, "learning_rate"),
    ({"epochs": 0}, "epochs"),
    ({"gradient": "guess"}, "gradient"),
    ({"network": "/etc/passwd"}, "network"),
    ({"data": "/etc"}, "settings"),
    ({"tensorboard": True}, "settings"),
    ({"learning-rate": 0.1}, "learning_rate"),
    ({"threads": 10_000}, "threads"),
    ({"patience": 2}, "patience"),
    ({"augment": "shift=x"}, "augment"),
    ({"backend": "quantum"}, "backend"),
    ({"recipe": "worst"}, "recipe"),
    ({"validation": 10_000}, "validation"),
]


def test_a_preset_is_made_for_the_data_of_the_page(page: PageClient) -> None:
    assert page.post("/training/estimate", {"settings": FAST | {"network": "readme"}})


@pytest.mark.parametrize(("settings", "named"), WRONG, ids=lambda each: str(each)[:30])
def test_wrong_settings_are_refused_in_one_line(page: PageClient, settings: dict[str, Any], named: str) -> None:
    for path in ("/training", "/training/estimate"):
        status, error = page.refused("POST", path, {"settings": FAST | settings})
        assert status == 400
        assert named in error


def test_a_lane_has_to_be_there(page: PageClient) -> None:
    for method, path in (("POST", "/step"), ("POST", "/adopt"), ("GET", "/frame")):
        assert page.refused(method, f"/training/b{path}")[0] == 404
    assert page.refused("POST", "/training/b/save", {"name": "x"})[0] == 404
    assert page.refused("POST", "/training/c/play")[0] == page.refused("POST", "/training/a/dance")[0] == 422


def test_the_cost_is_told_before(page: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handmade.lab.plans.LONG", 0.0)
    settings = FAST | {"gradient": "definition", "steps": 2}
    estimate = page.post("/training/estimate", {"settings": settings})
    assert estimate["seconds"] > 0
    assert "forward passes" in estimate["text"]

    response = page.client.post(page.path + "/training", {"settings": settings})

    assert (response.status_code, response.json()["code"]) == (409, "cost")
    assert response.json()["estimate"]["steps"] == 2
    answer = page.post("/training", {"settings": settings, "accept_cost": True})
    assert answer["estimate"]["seconds"] > 0
    assert ended(page)["step"] == 2
    assert page.post("/training/estimate", {"settings": FAST})["step_seconds"] > 0


def test_a_long_step_by_the_definition_ends_at_once(page: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(handmade.lab.lane.Lane, "_within", _slowly(handmade.lab.lane.Lane._within, told))
    page.post("/training", {"settings": FAST | {"gradient": "definition"}, "accept_cost": True})
    until(lambda: len(told) > 0)

    page.post("/training/a/stop")

    ended(page, status="stopped")
    assert len(told) < 4  # of 6 parts
    assert news(page)["step"] == 0


def _slowly(within: Callable[..., None], told: list[int]) -> Callable[..., None]:
    def slow(lane: Any, done: int, total: int) -> None:
        told.append(done)
        time.sleep(0.1)
        within(lane, done, total)

    return slow


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_pause_is_followed_by_the_results_of_that_network(page: PageClient) -> None:
    train(page, paused=True, epochs=5)
    assert news(page)["validation"] is None
    for action, step in (("step", 1), ("step", 2), ("epoch", 10)):
        page.post(f"/training/a/{action}")
        until(lambda step=step: (news(page)["validation"] or {}).get("step") == step)  # type: ignore[misc]
    network, _, _ = page.client.lab.pages.get(page.name).training().network("a")
    data = page.client.lab.catalogue.data
    expected = handmade.evaluate(network, data.test.images, data.test.labels, handmade.data.prepare_for(network))
    found = news(page)["validation"]
    assert found["test"]
    assert np.array_equal(found["confusion"], expected.confusion)

    train(page, paused=True, epochs=5, validation=40, validate_every=5)  # a validation set of its own
    for _ in range(2):
        page.post("/training/a/step")
    until(lambda: (news(page)["validation"] or {}).get("step") == 2)
    found = news(page)["validation"]
    assert (found["test"], found["images"]) == (False, 40)


def test_the_layers_of_a_step(page: PageClient) -> None:
    train(page, paused=True, gradient="backprop")
    page.post("/training/a/step")
    until(lambda: news(page)["layers"] and news(page)["validation"])
    job = page.client.lab.pages.get(page.name).training().lane("a").session.job
    step = next(job.train(TrainingState.start(job.network, job.optimiser, job.ema), None))
    found = {each["title"]: each for each in news(page)["layers"]}

    shown = [node.name for node in job.network.nodes if node.layer.parameters() or node.layer.kind == "ReLU"]
    assert list(found) == [job.network.titles[name] for name in shown]
    for node in job.network.nodes:
        keys = [f"{node.name}.{key}" for key in node.layer.parameters()]
        if keys:
            numbers = np.concatenate([step.gradients[key].ravel() for key in keys])
            assert found[job.network.titles[node.name]]["gradient"] == pytest.approx(np.sqrt(np.mean(numbers**2)), rel=1e-4)
        if node.layer.kind == "ReLU":
            y = job.network.tape(step.x)[node.name]
            dead = [not y[..., k].any() for k in range(y.shape[-1])]
            facts = found[job.network.titles[node.name]]
            assert (facts["dead"], facts["units"]) == (np.mean(dead), len(dead))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"validation": 40, "validate_every": 1, "target": 1e-6}, "target"),
        ({"validation": 40, "validate_every": 1, "patience": 1, "learning_rate": 1e-12}, "patience"),
        ({"time_limit": 0.0}, "time"),
    ],
)
def test_the_reason_for_an_early_end(page: PageClient, more: dict[str, Any], reason: str) -> None:
    train(page, epochs=1000, **more)
    found = ended(page)
    assert found["reason"] == reason
    assert found["step"] < found["steps"]


def test_a_saved_run_holds_its_accuracy_over_time(page: PageClient, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handmade.lab.validation.PAUSE", 0.0)
    monkeypatch.setattr("handmade.lab.validation.SHARE", 1e9)
    train(page, epochs=1)
    ended(page)
    page.post("/training/a/save", {"name": "tested"})

    log = read_record(folder / "runs" / "tested").log()

    points = page.client.lab.pages.get(page.name).training().lane("a").points.validation
    assert len(points) > 3
    assert {line["step"]: line["test_accuracy"] for line in log if "test_accuracy" in line} == points
    curves = page.client.get("/api/runs/tested/log").json()
    assert dict(curves["validation"]) == points
    assert read_record(folder / "runs" / "tested").status == "finished"


def test_a_diverging_training_keeps_the_last_good_network(page: PageClient) -> None:
    train(page, learning_rate=1e30, optimiser="gradient-descent", epochs=20)

    found = ended(page, status="diverged")

    assert "overflow" in found["error"] or "no longer finite" in found["error"]
    assert "/" not in found["error"]  # no path
    titles = [*page.client.lab.pages.get(page.name).network.titles.values()]
    assert any(title in found["error"] for title in titles)  # the layer
    frame, _ = page.frame("GET", "/training/a/frame")
    assert all(np.isfinite(array).all() for name, array in frame.items() if name.startswith("weight:"))
    page.post("/training/a/save", {"name": "diverged"})
    assert read_record(page.client.lab.catalogue.runs / "diverged").status == "diverged"


# --- the race -----------------------------------------------------------------------------------------------------------------


def test_lanes_of_a_race_both_train_for_the_time_that_was_asked_for(page: PageClient) -> None:
    answer = page.post(
        "/race", {"a": FAST | {"epochs": 10_000, "seed": 3}, "b": FAST | {"gradient": "difference"}, "seconds": 0.2}
    )
    assert set(answer) == {"a", "b"}

    until(lambda: news(page, "a")["status"] == news(page, "b")["status"] == "paused" or news(page, "b")["status"] == "finished")

    a, b = (news(page, lane) for lane in "ab")
    assert min(a["step"], b["step"]) > 0  # which is faster depends on the machine; see test_turns_go_to_the_lane_with_less_time
    page.post("/training/a/play")  # without the limit
    until(lambda: news(page, "a")["step"] > a["step"])


def test_a_race_is_from_the_same_weights(page: PageClient) -> None:
    page.post("/race", {"a": FAST | {"seed": 3}, "b": FAST | {"gradient": "difference"}, "paused": True})

    frames = [page.frame("GET", f"/training/{lane}/frame")[0] for lane in "ab"]

    assert all(np.array_equal(frames[0][key], frames[1][key]) for key in frames[0])
    status, error = page.refused("POST", "/race", {"a": FAST | {"seed": 3}, "b": FAST | {"seed": 4}})
    assert (status, error[:4]) == (400, "seed")


def test_turns_go_to_the_lane_with_less_time() -> None:
    class Runner:
        def __init__(self, clock: float, *, runs: bool = True) -> None:
            self.clock, self.runs = clock, runs

    a, b, idle = Runner(2.0), Runner(1.0), Runner(0.0, runs=False)
    assert next_turn([a, b, idle]) is b
    assert next_turn([idle]) is None
    assert joined(idle, [a, b]) == 1.0
    assert joined(idle, []) == 0.0


# --- events and pages ---------------------------------------------------------------------------------------------------------


def test_events_tell_what_happens(page: PageClient) -> None:
    early = EventReader(page.client, page.path + "/events")
    until(lambda: early.status == 200)
    train(page, epochs=3)
    until(lambda: early.of("training") and early.of("training")[-1]["status"] == "finished")
    late = EventReader(page.client, page.path + "/events")
    until(lambda: late.of("training") and late.of("log"))

    assert early.of("training")[-1] == late.of("training")[-1] == json.loads(json.dumps(news(page)))
    for reader in (early, late):
        logs = reader.of("log")
        assert [log["fresh"] for log in logs] == [True, *[False] * (len(logs) - 1)]
        assert [step for log in logs for step in log["steps"]] == list(range(1, 31))
        assert logs[-1]["validation"][-1] == [30, news(page)["validation"]["accuracy"]]
        reader.leave()
    assert page.client.lab.pages.get(page.name).listeners == 0


def test_a_slow_reader_delays_nothing_and_gets_the_newest(page: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handmade.lab.events, "MOST_POINTS", 100)
    slow = EventReader(page.client, page.path + "/events", hold=True)
    until(lambda: slow.status == 200)
    train(page, epochs=30)
    ended(page)

    slow.release()
    until(lambda: slow.of("training") and slow.of("training")[-1]["status"] == "finished")

    assert len(slow.of("training")) == 1
    steps = slow.of("log")[0]["steps"]
    assert len(steps) <= 100
    assert steps[-1] == 300
    slow.leave()


def test_a_closed_page_ends_its_training_and_frees_it(client: LabClient, folder: Path) -> None:
    page = client.page("run:tiny")
    stream = EventReader(client, page.path + "/events")
    train(page, epochs=100_000)
    until(lambda: news(page)["step"] > 3)
    held = client.lab.pages.get(page.name)
    trainings = held.trainings
    assert trainings is not None
    parts = [held, trainings, trainings.lane("a"), trainings.lane("a").session, trainings.lane("a").network]
    references = [weakref.ref(each) for each in parts]

    client.post(page.path + "/close")

    trainings.join(2)
    assert not trainings.alive
    stream.task.result(2)
    assert not list((folder / "runs").glob(".lab-*"))
    del held, trainings, parts
    for _ in range(20):
        gc.collect()
        if not any(reference() for reference in references):
            break
        time.sleep(0.02)
    assert [reference() for reference in references] == [None] * 5
    assert client.post(page.path + "/training", {}).status_code == 404


def test_two_pages_train_at_once(client: LabClient) -> None:
    pages = [client.page("run:tiny") for _ in range(2)]
    for seed, page in enumerate(pages):
        train(page, epochs=10, seed=seed)
    for page in pages:
        ended(page)
    losses = [news(page)["loss"] for page in pages]
    assert losses[0] != losses[1]
    client.post(pages[0].path + "/close")
    train(pages[1], epochs=1)
    assert ended(pages[1])["step"] == 10
    client.post(pages[1].path + "/close")


def test_a_training_takes_the_place_of_the_one_before(page: PageClient, folder: Path) -> None:
    train(page, epochs=100_000)
    train(page, "b", epochs=1)
    ended(page, "b")
    version = news(page)["version"]
    train(page, paused=True)
    assert (news(page)["step"], news(page)["status"]) == (0, "paused")
    assert news(page)["version"] > version
    assert len(list((folder / "runs").glob(".lab-*/*"))) == 2


def test_folders_of_a_killed_server_are_removed(page: PageClient, folder: Path) -> None:
    left = folder / "runs" / ".lab-left"
    left.mkdir()
    train(page, paused=True)
    assert left.exists()  # somebody may have made it just now

    os.utime(left, (0, 0))
    other = page.client.page("run:tiny")
    train(other, paused=True)

    assert not left.exists()
    assert news(page)["status"] == "paused"  # its own is held, whatever its age
    page.client.post(other.path + "/close")


def test_the_first_training_of_a_server_uses_the_fastest_backend(
    page: PageClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, loaded in {"first": "no.module", "later": "sys"}.items():
        monkeypatch.setattr(handmade.lab.app, "COMPILED", loaded)  # the module that tells whether the backend is loaded
        train(page)
        ended(page)
        page.post("/training/a/save", {"name": name})

    first, later = (json.loads((folder / "runs" / name / "run.json").read_text())["backend"] for name in ("first", "later"))

    assert first == later
