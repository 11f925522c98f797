"""The view of trainings: the page shows what the engine trains, as it trains, and every action does what it says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

import handmade
from handmade.lab.catalogue import Catalogue
from handmade.runs import Settings, read_record, start
from lab_browser import LabPage, Server, hash_of, lab_page, number_in

SETTINGS: dict[str, Any] = {
    "gradient": "backprop",
    "batch_size": 16,
    "limit": 160,
    "epochs": 3,
    "seed": 4,
    "schedule": "constant",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own: runs are saved into its folder."""
    server = Server(tmp_path_factory.mktemp("train"))
    yield server
    server.stop()


@pytest.fixture
def train(browser: Browser, server: Server) -> Iterator[LabPage]:
    with lab_page(browser, server) as lab:
        lab.open(view="train", image={"split": "test", "index": 8})
        fill(lab, **SETTINGS)
        yield lab


def fill(lab: LabPage, **settings: object) -> None:
    """Set fields of the settings."""
    for more in lab.page.locator(".more-settings").all():
        if more.get_attribute("open") is None:
            more.locator("summary").click()
    for name, value in settings.items():
        field = lab[f"train-{name}"]
        if field.evaluate("(field) => field.tagName") == "SELECT":
            field.select_option(str(value))
        else:
            field.fill(str(value))
            field.press("Enter")


def lane(lab: LabPage, name: str = "a", **expected: object) -> Locator:
    """Wait for a state of a lane."""
    found = lab[f"lane-{name}"]
    for key, value in expected.items():
        expect(found).to_have_attribute(f"data-{key}", value if isinstance(value, re.Pattern) else str(value))
    return found


def engine_after(tmp_path: Path, steps: int) -> handmade.Network:
    """The same training by the engine alone."""
    settings = {name: value for name, value in SETTINGS.items() if name != "epochs"}
    start(Settings(network="readme", steps=steps, **settings), tmp_path / "run").finish()
    return handmade.load(tmp_path / "run" / "model.safetensors")


def test_steps_are_the_engines(train: LabPage, tmp_path: Path) -> None:
    train["train-step1"].click()
    lane(train, status="paused", step=1)
    train.page.locator("#network").click(position={"x": 3, "y": 3})
    train.page.keyboard.press(".")
    lane(train, status="paused", step=2)
    train["train-epoch1"].click()
    lane(train, status="paused", step=10)

    with train.page.expect_response("**/adopt"):
        train["train-adopt"].click()
    train["view-look"].click()
    train.page.keyboard.press("/")
    train.page.locator("#search-field").fill("conv1.W[1,2,0,5]")
    train.page.keyboard.press("Enter")

    ours = engine_after(tmp_path, 10).parameters()["0.W"][1, 2, 0, 5]
    assert train.value("conv1.W[1,2,0,5]") == pytest.approx(float(ours), rel=1e-4)


@pytest.mark.long
def test_adopted_weights_are_part_of_the_state(train: LabPage) -> None:
    place = "conv1.W[1,2,0,5]"
    train.open(view="train", image={"split": "test", "index": 8}, focus=place)
    fresh = weight_in_look(train, place)
    train["view-train"].click()
    fill(train, **SETTINGS)
    train["train-step1"].click()
    lane(train, status="paused", step=1)
    train["train-adopt"].click()
    train.until(lambda: str(train.state.get("source")).startswith("trained:"), "a source of the weights")
    expect(train.page.locator("#picker-button")).to_contain_text("trained on this page")
    trained = weight_in_look(train, place, other_than=fresh)

    undo, redo = train.page.locator("#undo"), train.page.locator("#redo")
    undo.click()
    assert weight_in_look(train, place, other_than=trained) == fresh
    redo.click()
    assert weight_in_look(train, place, other_than=fresh) == trained
    train.page.reload()
    train.ready()
    assert train.value(place) == trained
    other = LabPage(train.page.context.new_page(), train.server)
    other.page.goto(train.page.url)
    assert other.ready().value(place) == trained
    assert other.said == []
    undo.click()
    assert weight_in_look(train, place, other_than=trained) == fresh
    train.page.go_back()
    assert weight_in_look(train, place, other_than=fresh) == trained


def weight_in_look(lab: LabPage, place: str, other_than: float | None = None) -> float:
    """Return a pinned weight as the receipt of the view "look" has it, once it is another one."""
    lab["view-look"].click()
    lab.until(lambda: lab.value(place) != other_than, "another weight")
    return lab.value(place)


@pytest.mark.long
def test_weights_that_went_with_the_server_are_told(browser: Browser, tmp_path: Path) -> None:
    server = Server(tmp_path)
    try:
        with lab_page(browser, server) as lab:
            lab.open(view="train", image={"split": "test", "index": 8})
            fill(lab, **SETTINGS)
            lab["train-step1"].click()
            lane(lab, status="paused", step=1)
            lab["train-adopt"].click()
            lab.until(lambda: str(lab.state.get("source")).startswith("trained:"), "a source of the weights")
            server.stop()
            server.start()
            lab.page.context.new_page().goto(server.link)

            lab.page.reload()

            expect(lab.page.locator("#messages")).to_contain_text("trained weights are gone")
            lab.ready()
            lab.state_has(source="example", image={"split": "test", "index": 8})
            lab["view-look"].click()
            lab["bar-3"].click()
            lab.receipt("probability[3]")
            lab.page.locator("#undo").click()  # the weights before
            lab.state_has(source=None)
            lab.page.locator("#redo").click()
            lab.state_has(source="example")
            gone = hash_of({"source": "trained:0123", "image": {"split": "test", "index": 5}})
            lab.page.evaluate("(hash) => { location.hash = hash; }", gone)  # a link to weights that are gone, in an open page
            lab.state_has(source="example", image={"split": "test", "index": 5})
            expect(lab["image-caption"]).to_have_text("Test image 5")
            expect(lab.page.locator("#messages")).to_contain_text("trained weights are gone")
            lab.forgive("404|403|ERR_CONNECTION_REFUSED")
    finally:
        server.stop()


def test_play_pause_and_what_follows_the_training(train: LabPage) -> None:
    fill(train, limit=2000, epochs=50)
    train["tab-train-receipt"].click()
    train.pin("0", (28, 28, 8), (12, 10, 3))
    train["train-play"].click()
    lane(train, status="running")
    expect(train["loss-chart"].locator("canvas")).to_be_visible()
    first = train["map-0"].get_attribute("aria-label")
    train.until(lambda: train["map-0"].get_attribute("aria-label") != first, "maps that change")
    value = train.page.locator("#view-train [data-testid=receipt-value]")
    before = value.get_attribute("data-value")
    train.until(lambda: value.get_attribute("data-value") != before, "a receipt that changes")

    train.page.locator("#network").click(position={"x": 3, "y": 3})
    train.page.keyboard.press("Space")
    step = lane(train, status="paused").get_attribute("data-step")
    train["train-play"].click()
    train.until(lambda: train["lane-a"].get_attribute("data-step") != step, "more steps")
    train["train-stop"].click()
    lane(train, status="stopped")
    expect(train["train-status"]).to_contain_text("stopped")


@pytest.mark.long
def test_a_receipt_follows_the_training_until_it_is_frozen(train: LabPage) -> None:
    fill(train, limit=2000, epochs=50)
    train["tab-train-receipt"].click()
    train.pin("0", (28, 28, 8), (12, 10, 3))
    train["train-play"].click()
    value = train.page.locator("#view-train [data-testid=receipt-value]")
    train.until(train["freeze"].count, "a button that freezes")

    train["freeze"].click()
    expect(train["freeze"]).to_have_attribute("aria-pressed", "true")
    kept = value.get_attribute("data-value")
    step = int(train["lane-a"].get_attribute("data-step") or 0)
    train.until(lambda: int(train["lane-a"].get_attribute("data-step") or 0) > step + 10, "more steps")
    assert value.get_attribute("data-value") == kept
    train["freeze"].click()
    train.until(lambda: value.get_attribute("data-value") != kept, "a receipt that follows again")

    train["train-pause"].click()
    lane(train, status="paused")
    settled = train.until(lambda: value.get_attribute("data-value"), "a value")
    train.page.wait_for_timeout(500)
    train.hover("0", (28, 28, 8), (12, 10, 3))
    settled = float(value.get_attribute("data-value") or settled)
    shown = train["status-line"].inner_text().partition(" = ")[2].partition(" ·")[0]
    assert number_in(shown) == pytest.approx(settled, rel=1e-4)  # the status line tells the number of the same network


@pytest.mark.long
def test_a_matrix_and_its_digits(train: LabPage) -> None:
    train["train-play"].click()
    lane(train, status="finished", step=30)
    expect(train["confusion-line"]).to_contain_text("after step 30")
    train.until(lambda: all_cells(train).sum() > 0, "a matrix")
    matrix = all_cells(train)
    labels = Catalogue().data.test.labels[: matrix.sum()]
    assert matrix.sum(axis=1).tolist() == np.bincount(labels, minlength=10).tolist()
    shown = train["confusion-line"].inner_text()
    assert f"{100 * matrix.trace() / matrix.sum():.1f}%" in shown

    row, column = np.unravel_index((matrix - np.diag(matrix.diagonal())).argmax(), matrix.shape)
    train[f"cell-{row}-{column}"].click()
    expect(train["digit"].first).to_be_visible()
    train["digit"].first.click()
    index = train.until(lambda: train.state["image"]["index"] != 8 and train.state["image"]["index"], "another digit")
    assert labels[index] == row
    expect(train["predicted"]).to_contain_text(str(column))


def all_cells(lab: LabPage) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    texts = lab["confusion"].locator("button").all_inner_texts()
    return np.array([int(text.replace(",", "") or 0) for text in texts]).reshape(10, 10)


@pytest.mark.long
def test_the_definition_tells_its_cost_first(train: LabPage) -> None:
    fill(train, gradient="definition", epochs=2)
    expect(train["cost"]).to_contain_text("each weight needs a forward pass")
    train["train-play"].click()
    expect(train["accept-cost"]).to_be_visible()
    expect(train["lane-a"]).to_have_count(0)


@pytest.mark.long
def test_a_race_gives_both_the_same_time(train: LabPage) -> None:
    train["mode-race"].click()
    fill(train, gradient="difference", rival="backprop", seconds=1, limit=2000, epochs=50)
    train["train-play"].click()
    for name in "ab":
        lane(train, name, status=re.compile("finished|stopped|paused"))
    steps = [int(train[f"lane-{name}"].get_attribute("data-step") or 0) for name in "ab"]
    assert 0 < steps[0] < steps[1]
    expect(train["lane-a"]).to_contain_text("Difference")
    expect(train["lane-b"]).to_contain_text("Backpropagation")


@pytest.mark.long
def test_a_training_is_saved_as_a_run_and_opened_again(train: LabPage, server: Server) -> None:
    train["train-play"].click()
    lane(train, status="finished")
    train["tab-train-runs"].click()
    train["run-name"].fill("from-the-page")
    train["save-run"].click()
    expect(train["save-message"]).to_contain_text("from-the-page")
    record = read_record(server.folder / "runs" / "from-the-page")
    assert record.status == "finished"

    train["overlay-from-the-page"].check()
    train.open(source="run:from-the-page", image={"split": "test", "index": 8})
    expect(train.page.locator("#picker-button")).to_contain_text("from-the-page")
    network = handmade.load(server.folder / "runs" / "from-the-page" / "model.safetensors")
    x = handmade.data.prepare_for(network)(Catalogue().data.test.images[8:9])
    expect(train["predicted"]).to_contain_text(str(network.logits(x)[0].argmax()))


@pytest.mark.long
def test_layers_filters_and_a_baseline(train: LabPage, tmp_path: Path) -> None:
    train["train-epoch1"].click()
    lane(train, status="paused", step=10)
    train["tab-train-layers"].click()
    row = train["layers"].locator('tr[data-layer="conv2"] td').first
    train.until(lambda: row.get_attribute("data-value"), "the gradient of a layer")
    assert 0 < float(row.get_attribute("data-value") or 0) < 10
    expect(train["layers"].locator('tr[data-layer="relu1"]')).to_contain_text("of 8")

    train["baseline"].click()
    expect(train["loss-chart"].locator("xpath=..")).to_contain_text("baseline: Backpropagation")
    train["train-play"].click()
    lane(train, status="finished")
    train["tab-train-filters"].click()
    train.until(lambda: "to 30" in train["filters-note"].inner_text(), "the last step")
    expect(train["filters-array"]).to_contain_text("conv1.W")
    weights = engine_after(tmp_path, 30).parameters()["0.W"]
    train["filters-map"].locator("xpath=../..").get_by_role("button", name="Table").click()
    cells = train.page.locator("dialog table tbody tr").first.locator("td")
    shown = number_in(cells.last.inner_text())
    assert shown == pytest.approx(float(weights[0, 0, 0, 0]), rel=1e-2, abs=1e-4)
    train.page.keyboard.press("Escape")
    train["baseline"].click()
    expect(train["loss-chart"].locator("xpath=..")).not_to_contain_text("baseline:")


@pytest.mark.long
def test_a_training_stops_at_its_target(train: LabPage) -> None:
    expect(train["train-target"]).to_be_disabled()
    fill(train, validation_set=40, validate_every=2, target=0.01)
    train["train-play"].click()
    expect(lane(train, status="finished", step=2)).to_contain_text("finished (target reached)")
    expect(train["confusion-line"]).to_contain_text("40")


@pytest.mark.long
def test_a_training_that_diverges_says_so(train: LabPage) -> None:
    fill(train, learning_rate=100000)
    train["train-play"].click()
    lane(train, status="diverged")
    expect(train["train-status"]).to_contain_text("diverged")


@pytest.mark.long
def test_wrong_settings_are_told_and_the_page_goes_on(train: LabPage) -> None:
    fill(train, batch_size=0)
    train["train-play"].click()
    expect(train["train-problem"]).to_contain_text("batch")
    train.forgive("400|422")
    fill(train, batch_size=16)
    train["train-play"].click()
    lane(train, status="finished")
    expect(train["train-problem"]).to_be_empty()
