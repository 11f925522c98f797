"""The five things of the page by keyboard alone, from start to end: no pointer is used, and Tab reaches every part."""

import re

import numpy as np
import pytest
from playwright.sync_api import Browser, Route, expect

import handmade
from handmade.lab.catalogue import Catalogue
from lab_browser import LabPage, Server, lab_page, number_in
from test_lab_page import digit, example, tape

FOCUSED = "document.activeElement.dataset.testid ?? document.activeElement.id"
MOST = 120  # presses of Tab through all of the page


class Keys:
    """Keys that are pressed one after the other."""

    def __init__(self, lab: LabPage) -> None:
        self.lab = lab

    def press(self, *keys: str) -> None:
        for key in keys:
            self.lab.page.keyboard.press(key)

    def to(self, name: str) -> None:
        """Press Tab until an element has the focus."""
        for _ in range(MOST):
            if self.lab.page.evaluate(FOCUSED) == name:
                return
            self.press("Tab")
        raise AssertionError(f"Tab does not lead to {name}")

    def type(self, name: str, words: object) -> None:
        """Write into a field."""
        self.to(name)
        self.press("Control+a")
        self.lab.page.keyboard.type(str(words))
        self.press("Enter")


def opened(lab: LabPage, view: str) -> Keys:
    """Open the page, and a view by its button."""
    lab.open(image={"split": "test", "index": 8})
    keys = Keys(lab)
    keys.to(f"view-{view}")
    keys.press("Enter")
    expect(lab.page.locator("#lab")).to_have_attribute("data-view", view)
    return keys


def test_look_from_a_map_to_a_pixel_and_its_loop(lab: LabPage) -> None:
    keys = opened(lab, "look")
    keys.to("map-0")
    keys.press("ArrowDown", "ArrowRight", "Enter")
    lab.state_has(focus="conv1[1,1,0]")
    assert lab.value("conv1[1,1,0]") == float(tape(digit(8)[0])["0"][1, 1, 0])

    keys.to("open-loop")
    keys.press("Enter")
    expect(lab["loop"]).to_contain_text("def conv2d(")
    keys.to("slide-forward")
    keys.press("Enter", "Enter")
    expect(lab["status-line"]).to_contain_text("pixel (0, 1)")
    expect(lab.page.locator("#live")).to_contain_text("pixel (0, 1)")
    for _ in range(MOST):  # into the receipt, to a number of the patch
        place = lab.page.evaluate("document.activeElement.dataset.place ?? ''")
        if place.startswith("input["):
            break
        keys.press("Shift+Tab")
    keys.press("Enter")
    lab.state_has(focus=place)
    assert lab.value(place) == float(digit(8)[0][tuple(map(int, place[6:-1].split(",")))])
    keys.press("Backspace")
    lab.state_has(focus="conv1[1,1,0]")


@pytest.mark.long
def test_backwards_to_the_products_of_a_gradient(lab: LabPage) -> None:
    keys = opened(lab, "look")
    keys.press("b")
    lab.state_has(direction="backward")
    keys.press("/")
    lab.page.keyboard.type("d loss / d conv1.W[1,2,0,5]")
    keys.press("Enter")
    place = "d loss / d conv1.W[1,2,0,5]"
    lab.receipt(place)
    x, label = digit(8)
    _, gradients = handmade.gradients.backprop(example(), x[None], np.array([label]))
    assert lab.value(place) == pytest.approx(float(gradients["0.W"][1, 2, 0, 5]), rel=1e-4)
    for _ in range(MOST):
        if lab.page.evaluate("document.activeElement.dataset.by") == "difference":
            break
        keys.press("Tab")
    keys.press("Enter")
    lab.state_has(by="difference")
    _, quotients = handmade.gradients.difference(example(), x[None], np.array([label]), h=1e-3)  # the step of the page
    assert lab.value(place) == pytest.approx(float(quotients["0.W"][1, 2, 0, 5]), rel=1e-4)
    keys.to("tab-receipt")
    keys.press("ArrowRight", "ArrowRight")
    expect(lab["contribution-gradient"]).to_be_visible()


@pytest.mark.long
def test_nudge_apply_and_undo(lab: LabPage) -> None:
    keys = opened(lab, "nudge")
    keys.press("/")
    lab.page.keyboard.type("conv1.W[1,1,0,5]")
    keys.press("Enter")
    lab.until(lambda: (lab.state.get("nudge") or {}).get("at") == "conv1.W[1,1,0,5]", "a target")
    keys.type("nudge-h", "0.25")
    lab.until(lambda: lab.state["nudge"]["h"] == 0.25, "a step")
    before = number_in(lab["nudge-loss-1"].inner_text())
    after = number_in(lab["nudge-loss-2"].inner_text())
    keys.to("nudge-apply")
    keys.press("Enter")
    lab.state_has(edits=[{"at": "conv1.W[1,1,0,5]", "step": 0.25}])
    shown = lab["loss"]
    expect(shown).not_to_have_text(re.compile(f"Loss {before:g}"))
    lab.until(lambda: number_in(shown.inner_text().removeprefix("Loss")) == pytest.approx(after, rel=1e-3), "the loss")
    keys.press("Control+z")
    lab.state_has(edits=None)
    lab.until(lambda: number_in(shown.inner_text().removeprefix("Loss")) == pytest.approx(before, rel=1e-3), "the old loss")


@pytest.mark.long
def test_train_and_a_cell_of_the_matrix(lab: LabPage) -> None:
    keys = opened(lab, "train")
    keys.to("train-gradient")
    lab.page.keyboard.type("Back")
    for name, value in (("batch_size", 16), ("limit", 160)):
        keys.type(f"train-{name}", value)
    keys.to("train-play")
    keys.press("Enter")
    expect(lab["lane-a"]).to_have_attribute("data-status", "finished")
    expect(lab["lane-a"]).to_have_attribute("data-step", "10")
    expect(lab["confusion-line"]).to_contain_text("after step 10")
    cells = lab["confusion"].locator("button:enabled")
    first = cells.first.get_attribute("data-testid") or ""
    count = int(cells.first.inner_text())
    keys.to(first)
    keys.press("Enter")
    expect(lab["digit"]).to_have_count(min(count, 30))
    keys.to("digit")
    keys.press("Enter")
    index = lab.until(lambda: lab.state["image"]["index"] != 8 and lab.state["image"]["index"], "a digit")
    row, column = map(int, first.removeprefix("cell-").split("-"))
    assert Catalogue().data.test.labels[index] == row
    expect(lab["predicted"]).to_contain_text(str(column))


@pytest.mark.long
def test_a_race_by_keyboard(lab: LabPage) -> None:
    keys = opened(lab, "train")
    keys.to("mode-race")
    keys.press("Enter")
    keys.type("train-seconds", 1)
    keys.type("train-limit", 2000)
    keys.to("train-play")
    keys.press("Enter")
    for name in "ab":
        expect(lab[f"lane-{name}"]).to_have_attribute("data-status", re.compile("finished|paused"))
    keys.to("train-lane")
    keys.press("ArrowDown")
    keys.to("tab-train-confusion")
    keys.press("ArrowRight")
    expect(lab["tab-train-weights"]).to_have_attribute("aria-selected", "true")


@pytest.mark.long
def test_predict_a_number(lab: LabPage) -> None:
    keys = opened(lab, "quiz")
    keys.to("quiz-task")
    keys.press("Enter")
    place = lab.until(lambda: lab.state.get("focus"), "a task")
    lab.until(lambda: place in lab.state.get("covered", []), "a covered number")
    node = {"conv1": "0", "conv2": "2", "pool1": "4"}[place.partition("[")[0]]
    value = float(tape(digit(8)[0])[node][tuple(map(int, place.partition("[")[2][:-1].split(",")))])
    lab.receipt(place)
    keys.type("guess", f"{value + 1:.6f}")
    lab.state_has(score={"right": 0, "wrong": 1})
    expect(lab.page.locator("#view-quiz .guess")).to_have_attribute("aria-invalid", "true")
    expect(lab.page.locator("#live")).to_contain_text("wrong.")
    keys.type("guess", f"{value:.6f}")
    lab.state_has(score={"right": 1, "wrong": 1})
    assert lab.value(place) == value


@pytest.mark.long
def test_the_status_line_is_said_twice_a_second_at_most(lab: LabPage) -> None:
    lab.open()
    lab.page.evaluate("""() => { window.said = 0;
      new MutationObserver(() => { window.said += 1; }).observe(document.getElementById("live"), {childList: true}); }""")
    lab["map-0"].focus()
    for _ in range(30):
        lab.page.keyboard.press("ArrowRight")
        lab.page.wait_for_timeout(30)
    lab.page.wait_for_timeout(600)
    said = lab.page.evaluate("window.said")
    assert 1 <= said <= 6
    expect(lab.page.locator("#live")).to_contain_text("pixel (0, 27)")


@pytest.mark.long
def test_the_page_needs_no_network_but_its_server(browser: Browser, lab_server: Server) -> None:
    with lab_page(browser, lab_server) as lab:
        refused: list[str] = []

        def only_ours(route: Route) -> None:
            if route.request.url.startswith((lab_server.address, "data:", "blob:")):
                route.continue_()
            else:
                refused.append(route.request.url)
                route.abort()

        lab.page.context.route("**/*", only_ours)
        for view in ("look", "nudge", "train", "quiz"):
            lab.open(view=view, focus="conv1[9,14,2]", nudge={"at": "conv1.W[1,1,0,5]", "h": 0.1})
            lab.page.wait_for_timeout(300)
        assert refused == []
