"""A finger on the page, the menu of a number, the sliding window, padding, pools, and what a receipt tells beside its terms."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, CDPSession, expect

from handmade.engine import loops
from lab_browser import LabPage, Server, lab_page, number_in
from test_lab_page import CONV1, digit, tape

PHONE = {"width": 390, "height": 844}
POOLED = (13, 13, 16)


@pytest.fixture
def phone(browser: Browser, lab_server: Server) -> Iterator[LabPage]:
    options: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
    with lab_page(browser, lab_server, permissions=["clipboard-read", "clipboard-write"], **options) as lab:
        yield lab.open(image={"split": "test", "index": 8})


class Finger:
    """A finger on the screen of a phone."""

    def __init__(self, lab: LabPage) -> None:
        self.page = lab.page
        self.session: CDPSession = lab.page.context.new_cdp_session(lab.page)

    def send(self, kind: str, *point: float) -> None:
        points = [{"x": point[0], "y": point[1]}] if point else []
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def down(self, x: float, y: float, rest: int) -> None:
        self.send("touchStart", x, y)
        self.page.wait_for_timeout(rest)


def on_screen(lab: LabPage, at: tuple[int, int, int]) -> tuple[float, float]:
    """Return the point of the window where a number of conv1 is."""
    canvas, position = lab.point("0", CONV1, at)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    return box["x"] + position["x"], box["y"] + position["y"]


def test_a_resting_finger_scrubs_under_a_lens_and_pins_when_it_lifts(phone: LabPage) -> None:
    x, y = on_screen(phone, (12, 10, 1))
    finger = Finger(phone)

    finger.down(x, y, 200)
    for step in range(1, 6):
        finger.send("touchMove", x + 2 * step, y + 2 * step)
    lens = phone["lens"]
    expect(lens).to_be_visible()
    expect(lens).to_contain_text("conv1[")
    place = re.search(r"conv1\[\d+,\d+,\d+\]", lens.inner_text())
    assert place is not None
    box = lens.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] == pytest.approx(y + 10 - 40, abs=2)
    value = float(tape(digit(8)[0])["0"][tuple(map(int, place[0][6:-1].split(",")))])
    assert number_in(lens.inner_text().partition(" = ")[2]) == pytest.approx(value, abs=0.0051)
    finger.send("touchEnd")

    expect(lens).to_be_hidden()
    phone.state_has(focus=place[0])
    phone.receipt(place[0])


@pytest.mark.long
def test_a_swipe_scrolls_and_pins_nothing(phone: LabPage) -> None:
    x, y = on_screen(phone, (12, 10, 1))
    scrolled = "document.scrollingElement.scrollTop + document.querySelector('#strip').scrollTop"
    before = phone.page.evaluate(scrolled)
    finger = Finger(phone)

    finger.send("touchStart", x, y)
    for step in range(1, 12):
        finger.send("touchMove", x, y - 12 * step)
    finger.send("touchEnd")

    phone.until(lambda: phone.page.evaluate(scrolled) > before, "a scroll")
    assert "focus" not in phone.state


@pytest.mark.long
def test_a_long_press_opens_the_menu_of_a_number(phone: LabPage) -> None:
    x, y = on_screen(phone, (12, 10, 1))
    finger = Finger(phone)

    finger.down(x, y, 700)
    expect(phone["menu"]).to_be_visible()
    finger.send("touchEnd")
    expect(phone["menu"]).to_be_visible()
    assert "focus" not in phone.state
    place = phone["menu"].get_attribute("aria-label")
    expect(phone["menu-compare"]).to_be_disabled()
    phone["menu-pin"].tap()
    phone.state_has(focus=place)
    expect(phone["menu"]).to_have_count(0)
    phone["unpin"].tap()

    for name in ("copy", "cover", "table"):
        finger.down(*on_screen(phone, (12, 10, 1)), 700)
        finger.send("touchEnd")
        phone[f"menu-{name}"].tap()
        if name == "copy":
            written = phone.until(lambda: phone.page.evaluate("navigator.clipboard.readText()"), "a copy")
            assert written.startswith(f"{place} = ")
        if name == "cover":
            phone.state_has(covered=[place])
    expect(phone["table"]).to_be_visible()
    assert "?" in phone["table"].inner_text()


@pytest.mark.long
def test_the_menu_by_mouse_and_by_keyboard(lab: LabPage) -> None:
    lab.open()
    lab.pin("0", CONV1, (12, 10, 3))
    canvas, position = lab.point("0", CONV1, (5, 14, 3))
    canvas.click(position=position, button="right")  # type: ignore[arg-type]  # a dict of x and y
    expect(lab["menu-pin"]).to_be_focused()
    lab.page.keyboard.press("ArrowDown")
    expect(lab["menu-compare"]).to_be_focused()
    lab.page.keyboard.press("Enter")
    lab.state_has(focus="conv1[12,10,3]", second="conv1[5,14,3]")

    lab["map-0"].focus()
    lab.page.keyboard.press("ArrowRight")
    lab.page.keyboard.press("Shift+F10")
    expect(lab["menu"]).to_be_visible()
    lab.page.keyboard.press("Escape")
    expect(lab["menu"]).to_have_count(0)
    expect(lab["map-0"]).to_be_focused()
    lab.state_has(second="conv1[5,14,3]")  # Esc closed the menu, and nothing else


@pytest.mark.long
def test_the_window_slides_on_request_and_stops_at_a_hover(browser: Browser, lab_server: Server) -> None:
    with lab_page(browser, lab_server) as lab:
        lab.open()
        lab["slide-forward"].click()
        expect(lab["status-line"]).to_contain_text("conv1 map 0, pixel (0, 0)")
        lab["slide-forward"].click()
        expect(lab["status-line"]).to_contain_text("conv1 map 0, pixel (0, 1)")
        expect(lab.page.locator("#network svg rect.hover.source").first).to_be_visible()
        lab["slide-back"].click()
        expect(lab["status-line"]).to_contain_text("conv1 map 0, pixel (0, 0)")
        assert lab["slide-speed"].input_value() == "250"
        expect(lab["slide-loop"]).to_have_attribute("aria-pressed", "false")

        lab["slide-speed"].fill("60")
        lab["slide-play"].click()
        expect(lab["status-line"]).to_contain_text(re.compile(r"pixel \(([1-9]|0, \d\d)"))
        lab.hover("0", CONV1, (20, 10, 5))
        expect(lab["slide-play"]).to_have_attribute("aria-pressed", "false")
        lab.page.wait_for_timeout(300)
        expect(lab["status-line"]).to_contain_text("conv1 map 5, pixel (20, 10)")
    with lab_page(browser, lab_server, reduced_motion="reduce") as lab:
        lab.open()
        expect(lab["slide-play"]).to_be_disabled()
        lab["slide-forward"].click()
        expect(lab["status-line"]).to_contain_text("conv1 map 0, pixel (0, 0)")


@pytest.mark.long
def test_padding_is_hatched_and_tells_what_it_is(lab: LabPage) -> None:
    lab.open(source="run:graph", image=None)  # its first convolution lays zeros around the image
    lab.page.locator("#loupe-node").select_option("input")

    frame = lab.page.locator(".loupe-box rect.padding")
    expect(frame).to_have_count(4)
    box = lab["loupe-map"].bounding_box()
    assert box is not None
    lab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 3)
    expect(lab["status-line"]).to_contain_text("row -1")
    expect(lab["status-line"]).to_contain_text("padding = 0")
    lab["loupe-map"].hover()
    expect(lab["status-line"]).not_to_contain_text("padding")


@pytest.mark.long
def test_a_pool_names_the_first_of_equal_numbers_and_dims_the_others(lab: LabPage) -> None:
    pooled = tape(digit(0)[0])["4"]
    dead = tuple(map(int, np.argwhere(pooled == 0)[0]))
    place = f"pool1[{','.join(map(str, dead))}]"
    lab.open(focus=place)

    receipt = lab.receipt(place)
    expect(receipt.locator("li.wins")).to_have_count(1)
    expect(receipt.locator("li.wins")).to_contain_text("first of 4 equal")
    expect(receipt.locator("li.loses")).to_have_count(3)
    expect(lab.page.locator("#network svg rect.loser")).to_have_count(3)
    expect(lab.page.locator("#network svg rect.winner")).to_have_count(1)


@pytest.mark.long
def test_a_relu_tells_what_it_cut_off(lab: LabPage) -> None:
    activations = tape(digit(0)[0])
    at = tuple(map(int, np.argwhere(activations["0"] < -0.1)[0]))
    place = f"relu1[{','.join(map(str, at))}]"
    lab.open(focus=place)

    words = lab.receipt(place).get_by_test_id("change").inner_text()

    before, after = words.split(" → ")
    assert number_in(before) == pytest.approx(float(activations["0"][at]), rel=1e-5)
    assert number_in(after) == 0
    expect(lab["status-line"]).to_contain_text(words)


@pytest.mark.long
def test_a_receipt_is_copied_as_text_and_shows_its_loop(browser: Browser, lab_server: Server) -> None:
    with lab_page(browser, lab_server, permissions=["clipboard-read", "clipboard-write"]) as lab:
        lab.open(focus="conv1[9,14,2]")
        lab.receipt("conv1[9,14,2]")

        lab["copy-text"].click()
        expect(lab["copy-text"]).to_have_text("Copied")
        assert lab.page.evaluate("navigator.clipboard.readText()").startswith("conv1[9,14,2] = ")

        lab["open-loop"].click()
        shown = lab["loop"].locator("code").inner_text()
        marked = lab["loop"].locator("mark").inner_text()
        assert marked.strip() == "total += W[i, j, c, o] * window[i, j, c]"
        assert "def conv2d(" in shown
        line = int(lab["loop"].locator("mark").get_attribute("data-line") or 0)
        source = Path(loops.__file__).read_text(encoding="utf-8")
        assert source.splitlines()[line - 1].strip() == marked.strip()
        lab["open-loop"].click()
        expect(lab["loop"]).to_have_count(0)


@pytest.mark.long
@pytest.mark.parametrize("view", ["train", "quiz", "nudge"])
def test_a_view_on_a_phone_begins_with_its_controls(browser: Browser, lab_server: Server, view: str) -> None:
    with lab_page(browser, lab_server, viewport=PHONE, has_touch=True, is_mobile=True) as lab:
        lab.open(image={"split": "test", "index": 8}, view=view, focus="conv1[9,14,2]")
        panel, board = (lab.page.locator(name).bounding_box() for name in ("#panel", "#board"))
        assert panel is not None
        assert board is not None
        assert panel["y"] < PHONE["height"] / 2 < board["y"]


@pytest.mark.long
def test_a_pinned_number_on_a_phone_stays_above_its_receipt(phone: LabPage) -> None:
    canvas, position = phone.point("0", CONV1, (12, 10, 7))
    canvas.scroll_into_view_if_needed()
    canvas.tap(position=position)  # type: ignore[arg-type]  # a dict of x and y
    place = phone.until(lambda: phone.state.get("focus"), "a pin")
    phone.receipt(place)
    cell = phone.page.locator("#network svg rect.pin.cell")
    expect(cell).to_have_count(1)

    def above() -> bool:
        pinned, sheet = cell.bounding_box(), phone.page.locator("#view-look .tabbed").bounding_box()
        return pinned is not None and sheet is not None and 0 < pinned["y"] < sheet["y"]

    phone.until(above, "the number above the sheet")
