"""The lab's page for everybody: keyboard alone, touch, dark, three widths, three languages, and axe-core's rules."""

import importlib.resources
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from lab_browser import LabPage, Server, hash_of, lab_page

VIEWS = ("look", "nudge", "train", "quiz")
NARROW, WIDE, WIDEST = {"width": 390, "height": 844}, {"width": 1280, "height": 800}, {"width": 2560, "height": 1440}
AT_ONCE = [("look", NARROW, "dark")]  # the others are tested with the marker long
TABLET = {"width": 820, "height": 1180}
PINNED = {"focus": "conv1[9,14,2]"}
# Elements whose text does not fit, although no part of them scrolls; and buttons that stand outside of the window.
CUT = """() => {
  const shown = (e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0;
  const scrolls = (e) => { for (let p = e; p && p !== document.body; p = p.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(p).overflowX)) return true; } return false; };
  const found = [];
  for (const e of document.querySelectorAll("button, select, label, h1, h2, h3, h4, th, td, p, figcaption, .percent, .value")) {
    if (!shown(e) || e.closest(".hidden-text, .skip, .brand")) continue;
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    if (/hidden|clip/.test(style.overflowX) && style.textOverflow !== "ellipsis" && e.scrollWidth > e.clientWidth + 1) {
      found.push("cut: " + e.textContent.slice(0, 40)); }
    if (!scrolls(e) && (box.right > innerWidth + 1 || box.left < -1)) found.push("outside: " + e.textContent.slice(0, 40));
  }
  return found;
}"""
# Buttons that are lower or narrower than 24 pixels.
SMALL = """() => [...document.querySelectorAll("button, select")]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height)
  .filter((e) => Math.min(e.getBoundingClientRect().height, e.getBoundingClientRect().width) < 24)
  .map((e) => e.outerHTML.slice(0, 80))"""


def long(value: Any) -> Any:
    """A parameter that is tested with the marker long."""
    return pytest.param(value, marks=pytest.mark.long)


def axe(lab: LabPage) -> list[str]:
    """Return the violations that axe-core finds on the page."""
    script = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    lab.page.evaluate(script)
    found = lab.page.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations")
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


def show(lab: LabPage, view: str, **state: Any) -> None:
    """Open a view and wait for it."""
    lab.open(view=view, **PINNED, **state)
    expect(lab.page.locator("#lab")).to_have_attribute("data-view", view)
    expect(lab.page.locator(f"#view-{view}")).to_be_visible()
    if view == "look":
        lab.receipt("conv1[9,14,2]")


def fits(lab: LabPage, what: str) -> None:
    """Wait until charts have taken their sizes; then nothing is wider than the window, and no text is cut."""
    lab.until(lambda: lab.overflow() <= 0, f"{what}: no horizontal scroll")
    assert lab.page.evaluate(CUT) == [], what


@pytest.mark.parametrize(
    ("view", "size", "scheme"),
    [
        pytest.param(view, size, scheme, marks=[] if (view, size, scheme) in AT_ONCE else pytest.mark.long)
        for view in VIEWS
        for size in (NARROW, WIDE)
        for scheme in ("light", "dark")
    ],
    ids=lambda value: f"{value['width']}" if isinstance(value, dict) else value,
)
def test_axe_finds_nothing(browser: Browser, lab_server: Server, view: str, size: dict[str, int], scheme: str) -> None:
    with lab_page(browser, lab_server, viewport=size, color_scheme=scheme) as lab:
        show(lab, view)

        assert axe(lab) == []


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", long("dark")])
def test_axe_finds_nothing_in_a_menu_a_loop_and_covered_numbers(browser: Browser, lab_server: Server, scheme: Any) -> None:
    with lab_page(browser, lab_server, color_scheme=scheme) as lab:
        show(lab, "look", covered=["conv1[9,14,2]", "logits[7]", "probability[7]"])
        lab["open-loop"].click()
        expect(lab["loop"]).to_be_visible()
        lab["map-2"].click(button="right", position={"x": 12, "y": 12})
        expect(lab["menu"]).to_be_visible()

        assert axe(lab) == []
        fits(lab, "menu")


@pytest.mark.long
def test_axe_finds_what_is_wrong(lab: LabPage) -> None:
    lab.open()
    lab.page.evaluate("document.querySelector('#board').append(document.createElement('button'))")

    assert any(line.startswith("button-name") for line in axe(lab))


@pytest.mark.parametrize("size", [NARROW, long(WIDE), long(TABLET), long(WIDEST)], ids=lambda size: str(size["width"]))
def test_nothing_is_cut_at_any_width(browser: Browser, lab_server: Server, size: dict[str, int]) -> None:
    with lab_page(browser, lab_server, viewport=size) as lab:
        for view in VIEWS:
            show(lab, view)

            fits(lab, view)


@pytest.mark.long
@pytest.mark.parametrize("view", VIEWS)
def test_a_page_at_twice_its_size_needs_no_horizontal_scroll(browser: Browser, lab_server: Server, view: str) -> None:
    with lab_page(browser, lab_server, viewport={"width": 640, "height": 400}, device_scale_factor=2) as lab:
        show(lab, view)

        fits(lab, view)


@pytest.mark.long
@pytest.mark.parametrize("view", VIEWS)
def test_forced_colours_keep_outlines_and_what_is_pressed(browser: Browser, lab_server: Server, view: str) -> None:
    with lab_page(browser, lab_server, forced_colors="active") as lab:
        show(lab, view)

        outline = "(element) => getComputedStyle(element).outlineStyle"
        assert lab[f"view-{view}"].evaluate(outline) == "solid"
        expect(lab.page.locator("#network svg rect.pin.cell")).to_have_count(1)
        highlight = lab.page.evaluate("""() => { const e = document.createElement("i"); e.style.color = "Highlight";
          document.body.append(e); return getComputedStyle(e).color; }""")
        assert lab.page.locator("#network svg rect.pin.cell").evaluate("(e) => getComputedStyle(e).stroke") == highlight


def test_dark_is_the_systems_or_the_users_choice(browser: Browser, lab_server: Server) -> None:
    def lightness(lab: LabPage) -> float:
        colour = lab.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3

    with lab_page(browser, lab_server, color_scheme="dark") as lab:
        lab.open()
        assert lightness(lab) < 64
        lab.page.locator("#theme").select_option("light")
        lab.until(lambda: lightness(lab) > 192, "light")
        lab.page.reload()
        lab.ready()
        assert lightness(lab) > 192
        lab.page.locator("#theme").select_option("system")
        lab.until(lambda: lightness(lab) < 64, "dark")


@pytest.mark.long
@pytest.mark.parametrize("language", ["de", long("zh")])
def test_another_language_changes_every_text_without_a_reload(lab: LabPage, language: str) -> None:
    lab.open(**PINNED)
    value = lab.value("conv1[9,14,2]")
    words = lab.page.evaluate("fetch('/static/text/en.json').then((answer) => answer.json())")
    theirs = lab.page.evaluate(f"fetch('/static/text/{language}.json').then((answer) => answer.json())")

    lab.page.locator("#language").select_option(language)

    expect(lab["tab-weights"]).to_have_text(theirs["tab.weights"])
    assert lab.page.evaluate("document.documentElement.lang").startswith(language)
    assert lab.value("conv1[9,14,2]") == value
    assert words.keys() == theirs.keys()
    shown = lab.page.evaluate("document.body.innerText").split("\n")
    assert [line for line in shown if line in words] == []  # keys instead of texts
    assert [line for line in shown if line.endswith((words["board.random"], words["tab.receipt"], words["strip.hint"]))] == []
    fits(lab, language)


@pytest.mark.long
def test_everything_on_look_is_reached_by_keyboard_alone(lab: LabPage) -> None:
    lab.open(image={"split": "test", "index": 8})
    press = lab.page.keyboard.press
    focused = "document.activeElement.dataset.testid ?? document.activeElement.id"

    def tab_to(name: str) -> None:
        for _ in range(60):
            if lab.page.evaluate(focused) == name:
                return
            press("Tab")
        raise AssertionError(f"Tab does not lead to {name}")

    tab_to("map-0")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "PageDown"):
        press(key)
    expect(lab["status-line"]).to_contain_text("conv1 map 1, pixel (1, 2)")
    expect(lab.page.locator("#live")).to_contain_text("conv1 map 1, pixel (1, 2)")
    press("Enter")
    lab.state_has(focus="conv1[1,2,1]")
    first = lab.value("conv1[1,2,1]")
    press("ArrowDown")
    press("Shift+Enter")
    lab.state_has(second="conv1[2,2,1]")
    assert lab.value("conv1[1,2,1]") == first
    press("]")
    assert lab.page.evaluate(focused) == "map-1"
    press("[")
    assert lab.page.evaluate(focused) == "map-0"
    press("Escape")
    lab.state_has(second=None, focus="conv1[1,2,1]")
    press("b")
    lab.state_has(direction="backward", focus="d loss / d conv1[1,2,1]")
    press("f")
    lab.state_has(focus="conv1[1,2,1]")
    press("Escape")
    lab.state_has(focus=None)

    press("/")
    expect(lab.page.locator("#search-field")).to_be_focused()
    lab.page.keyboard.type("logits[3]")
    press("Enter")
    lab.state_has(focus="logits[3]")
    press("?")
    expect(lab.page.locator("#cheat-sheet")).to_be_visible()
    press("Escape")
    expect(lab.page.locator("#cheat-sheet")).to_have_count(0)
    press("r")
    lab.until(lambda: lab.state["image"]["index"] != 8, "a random digit")
    press("Control+z")
    lab.state_has(image={"split": "test", "index": 8}, focus="logits[3]")
    press("t")
    table = lab.page.get_by_role("dialog").locator("table")
    expect(table).to_be_visible()


@pytest.mark.long
def test_focus_can_be_seen(lab: LabPage) -> None:
    lab.open()
    outlines = []

    for _ in range(12):
        lab.page.keyboard.press("Tab")
        style = "(({outlineStyle, outlineWidth, boxShadow}) => [outlineStyle, parseFloat(outlineWidth), boxShadow])"
        outlines.append(lab.page.evaluate(f"{style}(getComputedStyle(document.activeElement))"))

    assert all((style != "none" and width >= 2) or shadow != "none" for style, width, shadow in outlines)


@pytest.mark.long
def test_a_finger_pins_and_draws(browser: Browser, lab_server: Server) -> None:
    with lab_page(browser, lab_server, viewport=NARROW, has_touch=True, is_mobile=True) as lab:
        lab.open(image={"split": "test", "index": 8})
        canvas, position = lab.point("0", (28, 28, 8), (12, 10, 1))
        canvas.scroll_into_view_if_needed()
        canvas.tap(position=position)  # type: ignore[arg-type]  # a dict of x and y
        place = lab.until(lambda: lab.state.get("focus"), "a pin")
        assert re.fullmatch(r"conv1\[1[123],(9|10|11),1\]", place)  # a finger is no needle
        lab.receipt(place)
        sheet = lab.page.locator(".tabbed").bounding_box()
        assert sheet is not None
        assert sheet["y"] > 0.4 * NARROW["height"]  # the maps stay in sight
        lab["unpin"].tap()
        lab.state_has(focus=None)

        lab["clear"].tap()
        finger = lab.page.context.new_cdp_session(lab.page)
        board = lab["board-canvas"]
        board.scroll_into_view_if_needed()
        box = board.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"]
        for kind, share in (("touchStart", 0.15), ("touchMove", 0.4), ("touchMove", 0.8)):
            points = [{"x": x, "y": y + share * box["height"]}]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        lab.until(lambda: "pixels" in (lab.state.get("image") or {}), "a drawing")
        assert lab.overflow() <= 0


@pytest.mark.long
def test_targets_of_a_finger_are_large_enough(browser: Browser, lab_server: Server) -> None:
    with lab_page(browser, lab_server, viewport=NARROW, has_touch=True, is_mobile=True) as lab:
        lab.open(**PINNED)

        small = lab.page.evaluate(SMALL)

        assert small == []


def ticks(lab: LabPage, node: str) -> list[str]:
    """Return the numbers at the legend of a map."""
    return lab[f"node-{node}"].locator(".legend-ticks span").all_inner_texts()


MARKED = """(canvas, points) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const colour = getComputedStyle(canvas).color.match(/\\d+/g).slice(0, 3).join();
  const at = ([x, y]) => [...copy.getImageData(x * devicePixelRatio, y * devicePixelRatio, 1, 1).data].slice(0, 3).join();
  return points.map((point) => at(point) === colour);
}"""


def corners(lab: LabPage, node: str, shape: tuple[int, int, int]) -> list[bool]:
    """Return for each tile of a map whether its upper right corner is marked."""
    _, width, channels = shape
    canvas, points = lab[f"map-{node}"], []
    for channel in range(channels):
        x, y = lab.cell(canvas, shape, (0, width - 1, channel))
        half = (x - lab.cell(canvas, shape, (0, width - 2, channel))[0]) / 2
        points.append([x + half - 2, y - half + 1])
    return list(canvas.evaluate(MARKED, points))


@pytest.mark.long
def test_scopes_of_the_colours_their_lock_and_the_sign_of_saturation(lab: LabPage) -> None:
    shape = (28, 28, 8)
    lab.open(image={"split": "test", "index": 3})
    low, zero, high = ticks(lab, "0")
    assert (zero, low.replace("−", "")) == ("0", high)
    assert ticks(lab, "0") != ticks(lab, "1")  # each layer has a limit of its own
    lab["scale"].select_option("network")
    lab.until(lambda: ticks(lab, "0") == ticks(lab, "1") == ticks(lab, "6"), "one limit for the network")
    lab["scale"].select_option("map")
    lab.until(lambda: not any(character.isdigit() for character in ticks(lab, "0")[-1]), "a limit for each map")
    lab["scale"].select_option("layer")
    lab.until(lambda: ticks(lab, "0") == [low, zero, high], "a limit for each layer")
    assert not any(corners(lab, "0", shape))

    lab["lock"].click()
    edits = [{"at": "conv1.b[5]", "step": 100.0}]
    lab.page.evaluate("(hash) => { location.hash = hash; }", hash_of({"image": {"split": "test", "index": 3}, "edits": edits}))
    lab.until(lambda: corners(lab, "0", shape)[5], "a mark of saturation")
    assert corners(lab, "0", shape) == [channel == 5 for channel in range(8)]
    assert ticks(lab, "0") == [low, zero, high]
    lab["lock"].click()
    lab.until(lambda: not any(corners(lab, "0", shape)), "limits that follow again")
