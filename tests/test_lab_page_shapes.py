"""The lab's page for networks of many shapes, and what it says where something is missing; pictures and tables of every view."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import Browser, expect

from conftest import NO_BROWSER, has_browser
from handmade.engine.network import Network
from lab_browser import LabPage, Server, lab_page
from lab_shapes import SHAPES, write_shapes

DRAWN = [(0.3, 0.2), (0.7, 0.2), (0.4, 0.9)]
DIGIT = {"split": "test", "index": 8}
VIEWS = ("look", "nudge", "train", "quiz")
# Points of lines between layers that lie on a title, a shape, a legend or its numbers.
CROSSED = """() => {
  const words = ".strip figcaption span, .strip .legend-bar, .strip .legend-ticks span, .strip .note";
  const texts = [...document.querySelectorAll(words)]
    .filter((e) => e.textContent || e.matches("canvas")).map((e) => [e.textContent, e.getBoundingClientRect()]);
  const frame = document.querySelector(".strip-inner").getBoundingClientRect();
  const found = new Set();
  for (const path of document.querySelectorAll(".wires path")) for (let at = 0; at < path.getTotalLength(); at += 2) {
    const point = path.getPointAtLength(at), x = point.x + frame.left, y = point.y + frame.top;
    for (const [words, box] of texts) {
      if (box.width && x > box.left && x < box.right && y > box.top + 2 && y < box.bottom - 2) found.add(words); }
  }
  return [...found];
}"""


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a lab with these networks."""
    if not has_browser():
        pytest.skip(NO_BROWSER)
    folder: Path = tmp_path_factory.mktemp("shapes")
    write_shapes(folder / "runs")
    server = Server(folder)
    yield server
    server.stop()


@pytest.fixture
def page(browser: Browser, shapes: Server) -> Iterator[LabPage]:
    with lab_page(browser, shapes) as lab:
        yield lab


def opened(lab: LabPage, name: str) -> Network:
    """Open a network of the table; draw, if it reads images."""
    network: Network = SHAPES[name]()
    lab.page.goto(lab.link(source=f"run:{name}"))
    expect(lab.page.locator("#picker-button .network-title")).to_have_text(name)
    if len(network.input_shape) == 3:
        lab.draw(DRAWN)
        expect(lab.page.locator("figure.node.empty")).to_have_count(0)
    return network


AT_ONCE = "attention"  # matrices, and arrays with four axes


@pytest.mark.parametrize("name", [name if name == AT_ONCE else pytest.param(name, marks=pytest.mark.long) for name in SHAPES])
def test_every_shape_can_be_looked_at_in_every_view(page: LabPage, name: str) -> None:
    network = opened(page, name)

    shown = page.page.evaluate("[...document.querySelectorAll('.strip figure .shape')].map((e) => e.textContent)")
    assert shown[0] == " × ".join(map(str, network.input_shape))
    assert len(shown) == len(network.nodes) + 1
    for view in ("nudge", "train", "quiz", "look"):
        page[f"view-{view}"].click()
        expect(page.page.locator(f"#view-{view}")).to_be_visible()
        assert page.overflow() <= 0
    for tab in ("weights", "pixels", "receipt"):
        page[f"tab-{tab}"].click()
    if len(network.input_shape) == 3:
        node = network.nodes[0]
        place = f"{network.titles[node.name]}[{','.join(str(n // 2) for n in network.shape_of[node.name])}]"
        page.page.keyboard.press("/")
        page.page.locator("#search-field").fill(place)
        page.page.keyboard.press("Enter")
        page.value(place)


@pytest.mark.long
@pytest.mark.parametrize(
    ("place", "node", "grid", "cell", "source", "read"),
    [
        ("longer[5,3]", "longer", (32, 8, 1), (5, 3, 0), ("merged", (16, 8, 1)), [(5, 3, 0)]),
        ("ordered[1,2,3,4]", "ordered", (4, 4, 49), (1, 2, 25), ("patches", (4, 7, 28)), [(1, 3, 18)]),
    ],
)
def test_numbers_of_any_axes_are_outlined_where_they_are(
    page: LabPage, place: str, node: str, grid: Any, cell: Any, source: Any, read: Any
) -> None:
    page.open(source="run:attention", image=DIGIT, focus=place)
    page.receipt(place)

    def middles(selector: str) -> list[tuple[float, float]]:
        boxes = [each.bounding_box() for each in page.page.locator(selector).all()]
        return [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes if box]

    for selector, name, shape, cells in (("cell", node, grid, [cell]), ("source", *source, read)):
        canvas = page[f"map-{name}"]
        box = canvas.bounding_box()
        assert box is not None
        expected = [(box["x"] + x, box["y"] + y) for x, y in (page.cell(canvas, shape, at) for at in cells)]
        found = middles(f"#network svg rect.pin.{selector}")
        assert found == [pytest.approx(each, abs=1) for each in expected]
    strip, map_box = page.page.locator("#strip").bounding_box(), page[f"map-{node}"].bounding_box()
    assert strip is not None
    assert map_box is not None
    assert strip["x"] <= map_box["x"] <= strip["x"] + strip["width"]  # the strip was scrolled to it
    assert page.page.locator("#network svg line.pin").count() >= len(read) + 1  # and to what reads it


@pytest.mark.long
@pytest.mark.parametrize("name", ["residual", "inception", "attention", "elements"])
def test_lines_between_layers_cross_no_words(page: LabPage, name: str) -> None:
    opened(page, name)
    assert page.page.evaluate("document.querySelectorAll('.wires .far').length") >= 1
    assert page.page.evaluate(CROSSED) == []
    page.page.locator(".wires path").first.evaluate("(e) => e.setAttribute('d', 'M0 0 L2000 400')")  # a line that does cross them
    assert page.page.evaluate(CROSSED) != []


@pytest.mark.long
def test_a_network_without_classes_says_so(page: LabPage) -> None:
    opened(page, "one")
    expect(page.page.locator("#predicted")).to_contain_text("no classes")
    expect(page.page.locator("#label-select")).to_be_hidden()
    expect(page["no-test"]).to_be_visible()  # why there is no random digit
    expect(page["random"]).to_be_disabled()


@pytest.mark.long
def test_a_network_without_images_says_so(page: LabPage) -> None:
    opened(page, "rows")
    expect(page.page.locator("#board-message")).to_contain_text("reads no images")
    expect(page.page.locator(".board-empty")).to_be_hidden()
    expect(page["no-test"]).to_be_hidden()


@pytest.mark.long
def test_dates_accuracy_and_names_of_files(page: LabPage) -> None:
    page.open(image=DIGIT)
    facts = page.page.locator("#picker-button .network-facts")
    expect(facts).to_contain_text("98.5%")
    page.page.locator("#picker-button").click()
    row = page.page.locator('[data-source="run:one"] .facts')
    expect(row).to_contain_text(re.compile(r"Jan 2, 2026, \d+:\d\d [AP]M"))
    page.page.keyboard.press("Escape")
    page.page.evaluate(f"location.href = {page.link(image=DIGIT, edits=[{'at': 'conv1.b[0]', 'step': 1}])!r}")
    page.ready()
    expect(facts).to_contain_text("weights changed: 1")
    expect(facts).not_to_contain_text("%")  # of the weights as they were read

    picture = page.page.evaluate("document.querySelector('#board-canvas').toDataURL().split(',')[1]")
    page.page.locator('input[type="file"]').set_input_files(
        {"name": "five.png", "mimeType": "image/png", "buffer": base64.b64decode(picture)}
    )
    expect(page["image-caption"]).to_have_text("Picture five.png")
    page.draw(DRAWN)
    expect(page["image-caption"]).to_have_text("Your drawing")


@pytest.mark.long
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_can_be_saved_as_svg_and_png(page: LabPage, tmp_path: Path, view: str) -> None:
    page.open(view=view, image=DIGIT, focus="conv1[9,14,2]", nudge={"at": "conv1.W[1,1,0,2]", "h": 0.1})
    expect(page.page.locator(f"#view-{view}")).to_be_visible()
    if view in {"look", "quiz"}:
        page.receipt("conv1[9,14,2]")
    page.page.locator("#export").click()
    for part in ("strip", "panel", "answer", "board", "lab"):
        for kind in ("svg", "png"):
            with page.page.expect_download() as download:
                page[f"export-{part}-{kind}"].click()
            download.value.save_as(tmp_path / f"{part}.{kind}")
        picture = ET.parse(tmp_path / f"{part}.svg").getroot()
        words = [each.text or "" for each in picture.iter("{http://www.w3.org/2000/svg}text")]
        box = page.page.locator(f"#{part}").bounding_box()
        assert box is not None
        assert words
        assert float(picture.get("width", "0")) >= box["width"] - 1
        assert not any("NaN" in ET.tostring(each, "unicode") for each in picture)
        content = (tmp_path / f"{part}.png").read_bytes()
        assert content.startswith(b"\x89PNG")
        assert int.from_bytes(content[16:20]) == 2 * float(picture.get("width", "0"))


@pytest.mark.long
@pytest.mark.parametrize("view", VIEWS[:3])
def test_every_map_and_chart_has_a_table(page: LabPage, view: str) -> None:
    page.open(view=view, image=DIGIT, nudge={"at": "conv1.W[1,1,0,2]", "h": 0.1})
    expect(page.page.locator(f"#view-{view}")).to_be_visible()
    buttons = page.page.locator('button[data-text="table.open"]:visible')
    if view == "train":
        page["train-limit"].fill("64")
        page["train-limit"].press("Enter")
        page["train-play"].click()
        expect(page["lane-a"]).to_have_attribute("data-status", "finished")
    if view == "nudge":
        expect(page["nudge-loss-2"]).to_be_visible()
    for i in range(buttons.count()):
        buttons.nth(i).click()
        expect(page["table"].locator("tbody tr").first).to_be_visible()
        expect(page["table"].locator("thead th").first).not_to_be_empty()
        page.page.keyboard.press("Escape")
    assert buttons.count() >= 1
