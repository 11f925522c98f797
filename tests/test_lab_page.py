"""The page of the lab in a browser: what is seen is what the engine computes, forward and backward."""

import base64
import io
import math
from contextlib import redirect_stdout
from functools import cache

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

import handmade
from handmade.engine.arrays import Array
from handmade.engine.network import Network
from handmade.lab.catalogue import EXAMPLE, Catalogue
from handmade.runs.backends import use_light_backend
from lab_browser import LabPage, Server, lab_page, number_in

CONV1, CONV2, POOL = (28, 28, 8), (26, 26, 16), (13, 13, 16)


@cache
def example() -> Network:
    return handmade.load(EXAMPLE)


@cache
def digit(index: int) -> tuple[Array, int]:
    """A test digit, prepared, and its label."""
    test = Catalogue().data.test
    return handmade.data.prepare_for(example())(test.images[index : index + 1])[0], int(test.labels[index])


def tape(x: Array) -> dict[str, Array]:
    with use_light_backend():
        return {name: activation[0] for name, activation in example().tape(x[None]).items()}


def shares(lab: LabPage) -> list[float]:
    """The probabilities that the bars show, in percent."""
    return [number_in(lab[f"bar-{k}"].locator(".percent").inner_text()) for k in range(10)]


def pixels_of(lab: LabPage) -> Array:
    """The prepared image of the drawing that the state holds."""
    code = lab.state["image"]["pixels"]
    raw = np.frombuffer(base64.urlsafe_b64decode(code + "=" * (-len(code) % 4)), np.uint8).reshape(1, 28, 28)
    x: Array = handmade.data.prepare_for(example())(raw)[0]
    return x


def focus_in(lab: LabPage, room: str) -> str:
    """Wait until a number of a room is pinned, and return its place."""
    lab.until(lambda: (lab.state.get("focus") or "").startswith(room), room)
    place: str = lab.state["focus"]
    return place


@pytest.mark.long
def test_the_answer_is_the_networks(lab: LabPage) -> None:
    lab.open(image={"split": "test", "index": 8})
    x, label = digit(8)
    z = tape(x)[example().logits_name].astype(float)
    p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()

    expect(lab["image-caption"]).to_have_text("Test image 8")
    assert shares(lab) == pytest.approx(list(100 * p), abs=0.051)
    expect(lab["predicted"]).to_contain_text(str(z.argmax()))
    expect(lab["verdict"]).to_contain_text("✓" if label == z.argmax() else "✗")
    expect(lab["label"]).to_have_value(str(label))
    loss = float(handmade.losses.CrossEntropy().forward(z[None], np.array([label]))[0])
    assert number_in(lab["loss"].inner_text().removeprefix("Loss")) == pytest.approx(loss, rel=1e-4)

    lab["answer-table"].click()
    cells = lab["table"].locator("tbody td").all_inner_texts()
    assert [number_in(cell) for cell in cells[::2]] == pytest.approx(list(z), rel=1e-5)
    assert [number_in(cell) for cell in cells[1::2]] == pytest.approx(list(p), rel=1e-5)


def test_a_hovered_number_shows_its_value_window_and_receipt(lab: LabPage) -> None:
    lab.open()
    x, _ = digit(0)

    lab.hover("2", CONV2, (12, 10, 3))

    value = float(tape(x)["2"][12, 10, 3])
    expect(lab["status-line"]).to_contain_text("from relu1 rows 12 to 14, columns 10 to 12")
    line = lab["status-line"].inner_text()
    assert line.startswith("conv2 map 3, pixel (12, 10) = ")
    assert number_in(line.partition(" = ")[2].partition(" ·")[0]) == pytest.approx(value, rel=1e-5)
    assert lab.value("conv2[12,10,3]") == value
    assert lab.page.locator("#network svg rect.hover.source").count() >= 8  # a window in every map that it reads
    assert lab.page.locator("#network svg rect.hover.target").count() >= 1
    assert "focus" not in lab.state

    lab.page.mouse.move(640, 60)
    expect(lab.page.locator("#network svg rect.hover")).to_have_count(0)
    assert lab.page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('#strip'))") == 0  # nothing to scroll


def test_a_receipt_adds_up_and_leads_down_to_the_pixels_and_back(lab: LabPage) -> None:
    lab.open()
    x, _ = digit(0)
    activations = tape(x)

    largest = tuple(map(int, np.unravel_index(activations["4"].argmax(), POOL)))
    first = f"pool1[{','.join(map(str, largest))}]"
    lab.pin("4", POOL, largest)
    assert lab.value(first) == float(activations["4"].max())
    expect(lab.page.locator("#network svg rect.pin.winner")).to_have_count(1)
    lab.receipt(first).locator("li.wins [data-place]").first.click()
    way = [first]
    for room in ("relu2", "conv2", "relu1", "conv1", "input"):
        place = focus_in(lab, room)
        node = {"relu2": "3", "conv2": "2", "relu1": "1", "conv1": "0", "input": "input"}[room]
        at = tuple(map(int, place.partition("[")[2][:-1].split(",")))
        stored = x if node == "input" else activations[node]
        assert lab.value(place) == float(stored[at])
        way.append(place)
        if room == "input":
            break
        before = {"relu2": "conv2", "conv2": "relu1", "relu1": "conv1", "conv1": "input"}[room]
        lab.receipt(place).locator(f'button[data-place^="{before}["]').last.click()

    expect(lab.page.locator(".trail nav")).to_contain_text(f"{first} › relu2")
    for place in reversed(way[:-1]):
        lab["trail-back"].click()
        lab.state_has(focus=place)


@pytest.mark.long
def test_the_products_of_a_convolution_are_those_of_patch_and_kernel(lab: LabPage) -> None:
    lab.open(focus="conv1[9,14,2]")
    x, _ = digit(0)
    kernel, bias = example().parameters()["0.W"][..., 0, 2], float(example().parameters()["0.b"][2])
    receipt = lab.receipt("conv1[9,14,2]")

    grids = receipt.locator("table")
    cells = [[number_in(text) for text in grids.nth(k).locator("tbody td").all_inner_texts()] for k in range(3)]

    patch = x[9:12, 14:17, 0]
    for shown, exact in zip(cells, (patch, kernel, patch * kernel), strict=True):
        assert shown == pytest.approx(list(exact.ravel().astype(float)), abs=0.0051)
    total = math.fsum((patch.astype(float) * kernel.astype(float)).ravel()) + bias
    assert lab.value("conv1[9,14,2]") == pytest.approx(total, rel=1e-6)
    expect(lab["rounding"]).to_contain_text("Stored as float32")


@pytest.mark.long
def test_two_numbers_side_by_side_with_their_difference(lab: LabPage) -> None:
    lab.open()
    x, _ = digit(0)

    lab.pin("0", CONV1, (12, 10, 3))
    lab.receipt("conv1[12,10,3]")
    lab.pin("0", CONV1, (5, 14, 3), second=True)

    first, second = lab.value("conv1[12,10,3]"), lab.value("conv1[5,14,3]", "receipt-second")
    assert (first, second) == (float(tape(x)["0"][12, 10, 3]), float(tape(x)["0"][5, 14, 3]))
    last = lab["difference"].locator("tfoot td").last
    assert number_in(last.inner_text()) == pytest.approx(first - second, rel=1e-5)
    lab.page.keyboard.press("Escape")
    expect(lab["difference"]).to_have_count(0)
    lab.state_has(focus="conv1[12,10,3]", second=None)
    lab.page.keyboard.press("Escape")
    lab.state_has(focus=None)


def test_a_drawing_is_prepared_and_classified_as_the_engine_does(lab: LabPage) -> None:
    lab.open()

    lab["clear"].click()
    expect(lab["predicted"]).to_have_text("No image yet")
    lab.draw([(0.5, 0.15), (0.5, 0.85)])
    lab.until(lambda: "pixels" in (lab.state.get("image") or {}), "a drawing")
    expect(lab["image-caption"]).to_have_text("Your drawing")

    z = tape(pixels_of(lab))[example().logits_name].astype(float)
    p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    expect(lab["predicted"]).to_contain_text(str(z.argmax()))
    assert shares(lab) == pytest.approx(list(100 * p), abs=0.051)

    upright = lab.state["image"]
    lab.draw([(0.2, 0.5), (0.8, 0.5)])
    lab.until(lambda: lab.state["image"] != upright, "a second stroke")
    lab["board-undo"].click()
    lab.state_has(image=upright)
    lab["board-redo"].click()
    lab.until(lambda: lab.state["image"] != upright, "the second stroke again")


@pytest.mark.long
def test_random_digits_and_mistakes(lab: LabPage) -> None:
    lab.open(image={"split": "test", "index": 0})

    lab["mistake"].click()
    index = lab.until(lambda: lab.state.get("image", {}).get("index"), "a mistake")

    x, label = digit(index)
    assert tape(x)[example().logits_name].argmax() != label
    expect(lab["verdict"]).to_contain_text("✗")
    with use_light_backend():
        images = Catalogue().data.test
        z = example().logits(handmade.data.prepare_for(example())(images.images[: index + 1]))
    assert np.flatnonzero(z.argmax(axis=1) != images.labels[: index + 1])[0] == index

    lab["random"].click()
    lab.until(lambda: lab.state["image"]["index"] != index, "another digit")
    expect(lab["image-caption"]).to_have_text(f"Test image {lab.state['image']['index']}")


def test_backwards_shows_the_gradients_of_backpropagation(lab: LabPage) -> None:
    lab.open(image={"split": "test", "index": 8}, label=3)
    x, _ = digit(8)
    with use_light_backend():
        _, gradients = handmade.gradients.backprop(example(), x[None], np.array([3]))

    lab.page.get_by_role("button", name="Backward").click()
    lab.state_has(direction="backward")
    lab["tab-weights"].click()
    expect(lab["weights-map"]).to_be_visible()
    lab.open(image={"split": "test", "index": 8}, label=3, direction="backward", focus="d loss / d conv1.W[1,2,0,5]")
    lab["tab-receipt"].click()

    place = "d loss / d conv1.W[1,2,0,5]"
    assert lab.value(place) == pytest.approx(float(gradients["0.W"][1, 2, 0, 5]), rel=1e-4)
    for by, tolerance in (("difference", 1e-3), ("definition", 0.05), ("backprop", 1e-4)):
        lab.receipt(place).locator(f'button[data-by="{by}"]').click()
        expect(lab.receipt(place).locator(f'button[data-by="{by}"]')).to_have_attribute("aria-pressed", "true")
        assert lab.value(place) == pytest.approx(float(gradients["0.W"][1, 2, 0, 5]), rel=tolerance)


@pytest.mark.long
def test_gradients_of_activations_have_receipts_too(lab: LabPage) -> None:
    lab.open(image={"split": "test", "index": 8}, label=3, direction="backward")
    x, _ = digit(8)
    client_value = handmade.explain(example(), x, "d loss / d conv1[9,14,2]", label=3)

    lab.pin("0", CONV1, (9, 14, 2))

    assert lab.value("d loss / d conv1[9,14,2]") == client_value.value
    lab.page.keyboard.press("f")
    lab.state_has(focus="conv1[9,14,2]")
    assert "direction" not in lab.state
    assert lab.value("conv1[9,14,2]") == float(tape(x)["0"][9, 14, 2])


@pytest.mark.long
def test_pixels_that_count(lab: LabPage) -> None:
    lab.open()
    x, label = digit(0)
    lab["tab-pixels"].click()
    expect(lab.page.locator(".contribution .legend").first).not_to_be_empty()

    for kind in ("gradient", "occlusion", "product"):
        canvas = lab[f"contribution-{kind}"]
        across, down = lab.cell(canvas, (30, 30, 1), (14, 17, 0))
        canvas.hover(position={"x": across, "y": down}, force=True)
        expect(lab.page.locator("#tab-pixels .hint-line")).to_contain_text("input[14,17,0]")
        shown = number_in(lab.page.locator("#tab-pixels .hint-line").inner_text().rpartition(" ")[2])
        if kind == "occlusion":
            continue
        nudged = []
        for h in (0.004, -0.004):
            moved = x.copy()
            moved[14, 17, 0] += np.float32(h)
            nudged.append(float(tape(moved)[example().logits_name][label]))
        slope = (nudged[0] - nudged[1]) / 0.008
        assert shown == pytest.approx(slope if kind == "gradient" else slope * float(x[14, 17, 0]), rel=0.02)


@pytest.mark.long
def test_copied_numpy_computes_the_number(browser: Browser, lab_server: Server) -> None:
    with lab_page(browser, lab_server, permissions=["clipboard-read", "clipboard-write"]) as lab:
        lab.open(focus="conv1[9,14,2]")
        lab.receipt("conv1[9,14,2]")
        lab["copy-numpy"].click()
        expect(lab["copy-numpy"]).to_have_text("Copied")
        code = lab.page.evaluate("navigator.clipboard.readText()")
        with redirect_stdout(io.StringIO()) as out:
            exec(code, {})
        assert float(out.getvalue()) == pytest.approx(lab.value("conv1[9,14,2]"), rel=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("name", ["graph", "colours", "vector", "chain"])
def test_any_network_has_its_page(lab: LabPage, name: str) -> None:
    lab.open(source=f"run:{name}", image=None)

    with lab.server.client() as client:
        network = client.post("/api/pages", json={"source": f"run:{name}"}).json()["network"]
    nodes = lab.page.locator("#network figure.node").evaluate_all("all => all.map((node) => node.dataset.node)")
    assert sorted(nodes) == sorted(["input", *(node["name"] for node in network["nodes"])])
    expect(lab.page.locator("#picker-button")).to_contain_text(name)
