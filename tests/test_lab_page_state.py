"""The state of the lab's page: Back, reload, undo, links, tabs, bad input, and a server that goes and comes back."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect

from lab_browser import LabPage, Server, hash_of, lab_page, number_in

DIGIT = {"split": "test", "index": 3}
LINKS = ("#s=bm90IGpzb24", "#s=eyJ2Ijo5OX0", "#s=eyJ2IjoxLCJ2aWV3Ijoic2NyaXB0In0")  # no JSON, another version, no such view
WEIGHT = "conv1.W[1,2,0,5]"


def made_page(page: Page) -> list[str]:
    """Ids of the pages that the server makes for a tab."""
    ids: list[str] = []

    def note(response: Any) -> None:
        if response.url.endswith("/api/pages") and response.ok:
            ids.append(response.json()["page"])

    page.on("response", note)
    return ids


def test_back_and_forward_go_through_what_was_pinned(lab: LabPage) -> None:
    lab.open(image=DIGIT)
    lab.pin("0", (28, 28, 8), (12, 10, 3))
    lab.state_has(focus="conv1[12,10,3]")
    first = lab.value("conv1[12,10,3]")
    lab["bar-4"].click()
    lab.receipt("probability[4]")

    lab.page.go_back()
    lab.state_has(focus="conv1[12,10,3]", image=DIGIT)
    assert lab.value("conv1[12,10,3]") == first
    lab.page.go_back()
    lab.state_has(focus=None, image=DIGIT)
    expect(lab["receipt"]).to_have_count(0)
    lab.page.go_forward()
    assert lab.value("conv1[12,10,3]") == first


@pytest.mark.long
def test_a_reload_keeps_everything(lab: LabPage) -> None:
    lab.open(image=DIGIT, label=7, edits=[{"at": WEIGHT, "step": 0.5}], focus="conv1[12,10,5]", direction="forward")
    before, loss = lab.value("conv1[12,10,5]"), lab["loss"].inner_text()

    lab.page.reload()

    lab.ready()
    assert lab.value("conv1[12,10,5]") == before
    expect(lab["loss"]).to_have_text(loss)
    expect(lab["label"]).to_have_value("7")
    expect(lab.page.locator("#picker-button")).to_contain_text("weights changed: 1")


def test_undo_and_redo(lab: LabPage) -> None:
    lab.open(image=DIGIT)
    undo, redo = lab.page.locator("#undo"), lab.page.locator("#redo")
    expect(undo).to_be_disabled()

    lab["label"].select_option("5")
    lab.state_has(label=5)
    expect(lab["verdict"]).to_contain_text("✗")
    lab["clear"].click()
    lab.state_has(image=None)
    expect(lab["predicted"]).to_have_text("No image yet")

    undo.click()
    lab.state_has(image=DIGIT, label=5)
    expect(lab["image-caption"]).to_have_text("Test image 3")
    lab.page.reload()  # the steps are kept
    lab.ready()
    undo.click()
    lab.state_has(image=DIGIT, label=None)
    expect(lab["verdict"]).to_contain_text("✓")
    expect(undo).to_be_disabled()
    lab.page.keyboard.press("Control+Shift+Z")
    lab.state_has(label=5)
    redo.click()
    lab.state_has(image=None)


@pytest.mark.long
def test_a_link_opens_the_same_view_in_another_tab(browser: Browser, lab_server: Server) -> None:
    with lab_page(browser, lab_server, permissions=["clipboard-read", "clipboard-write"]) as lab:
        lab.open(image=DIGIT, edits=[{"at": WEIGHT, "step": -0.25}])
        lab.pin("0", (28, 28, 8), (12, 10, 5))
        value = lab.value("conv1[12,10,5]")
        lab.page.locator("#share").click()
        expect(lab.page.locator("#messages")).to_contain_text("The link is copied")
        link = lab.page.evaluate("navigator.clipboard.readText()")
        assert link == lab.page.url
        assert "token" not in link

        other = LabPage(lab.page.context.new_page(), lab_server)
        other.page.goto(link)

        other.ready()
        assert other.value("conv1[12,10,5]") == value
        assert other.said == []


@pytest.mark.long
def test_two_tabs_do_not_share_their_edits_and_a_closed_one_is_forgotten(lab: LabPage) -> None:
    lab.open(image=DIGIT, focus=WEIGHT)
    plain = lab.value(WEIGHT)
    other = LabPage(lab.page.context.new_page(), lab.server)
    ids = made_page(other.page)

    other.open(image=DIGIT, focus=WEIGHT, edits=[{"at": WEIGHT, "step": 0.5}])

    assert other.value(WEIGHT) == pytest.approx(plain + 0.5, rel=1e-6)
    lab.page.reload()
    lab.ready()
    assert lab.value(WEIGHT) == plain
    with lab.server.client() as client:
        assert client.get(f"/api/pages/{ids[0]}/image").status_code == 200
        other.page.close(run_before_unload=True)
        lab.until(lambda: client.get(f"/api/pages/{ids[0]}/image").status_code == 404, "a forgotten page")
    assert other.said == []
    lab["bar-3"].click()
    lab.receipt("probability[3]")


@pytest.mark.parametrize("fragment", ["#s=%%%", *(pytest.param(each, marks=pytest.mark.long) for each in LINKS)])
def test_a_broken_link_is_told_and_the_page_goes_on(lab: LabPage, fragment: str) -> None:
    lab.page.goto(f"{lab.server.address}/{fragment}")

    expect(lab.page.locator("#messages")).to_contain_text("The link could not be read")
    lab.ready()
    lab["bar-7"].click()
    lab.receipt("probability[7]")


@pytest.mark.long
def test_a_link_to_what_is_not_there_is_told_and_the_page_goes_on(lab: LabPage) -> None:
    lab.open(focus="conv9[1,2,3]")
    expect(lab.page.locator("#messages")).to_contain_text("no number conv9[1,2,3]")
    lab.page.goto("about:blank")
    lab.open(source="run:gone", image=DIGIT)
    expect(lab.page.locator("#messages")).to_contain_text("gone")
    expect(lab.page.locator("#picker-button")).to_contain_text("example")
    lab.forgive("404")
    lab.page.goto("about:blank")
    lab.open(image={"split": "test", "index": 10**6})
    expect(lab.page.locator("#board-message")).to_contain_text("index")
    lab.forgive("400")
    lab["random"].click()
    expect(lab["predicted"]).to_contain_text("%")
    expect(lab.page.locator("#board-message")).to_be_empty()


@pytest.mark.long
def test_a_file_that_is_no_picture_is_told_where_the_user_looks(lab: LabPage, tmp_path: Path) -> None:
    lab.open(image=DIGIT)
    file = tmp_path / "digit.png"
    file.write_text("no picture at all")
    chooser = lab.page.locator('#board input[type="file"]')

    chooser.set_input_files(file)

    expect(lab.page.locator("#board-message")).not_to_be_empty()
    lab.forgive("400")
    lab.page.locator("#language").select_option("de")
    expect(lab.page.locator("#board-message")).to_contain_text("Die Datei ist kein Bild")
    lab.page.locator("#language").select_option("en")
    expect(lab.page.locator("#board-message")).to_contain_text("expected a picture")
    expect(lab["predicted"]).to_contain_text("0")
    chooser.set_input_files(picture(tmp_path))
    lab.until(lambda: "pixels" in (lab.state.get("image") or {}), "a picture")
    expect(lab.page.locator("#board-message")).to_be_empty()


def picture(folder: Path) -> Path:
    """A picture of a one: black ink on white paper."""
    image = Image.new("L", (120, 120), 255)
    ImageDraw.Draw(image).line([(62, 20), (58, 100)], fill=0, width=12)
    image.save(folder / "one.png")
    return folder / "one.png"


@pytest.mark.long
def test_a_network_of_colours_gets_the_colours_of_the_pen_and_of_a_picture(lab: LabPage, tmp_path: Path) -> None:
    lab.open(source="run:colours", image=None)
    lab["pen-colour"].fill("#ff0080")
    lab.draw([(0.5, 0.5), (0.5, 0.5)])
    pixels = raw_pixels(lab)
    assert pixels.shape == (8, 8, 3)
    assert pixels[..., 0].max() > 0
    assert not pixels[..., 1].any()
    np.testing.assert_allclose(pixels[..., 2], pixels[..., 0] * (128 / 255), atol=1)
    expect(lab["image-caption"]).to_have_text("Your drawing")

    lab["erase"].click()  # black ink on it
    lab.draw([(0.0, 0.5), (0.46, 0.5)])
    lab.until(lambda: raw_pixels(lab).sum() < pixels.sum(), "an erased drawing")
    lab["board-undo"].click()
    lab.until(lambda: np.array_equal(raw_pixels(lab), pixels), "the drawing before")
    green = np.full((16, 40, 3), (10, 200, 30), np.uint8)
    Image.fromarray(green).save(tmp_path / "green.png")
    lab.page.locator('#board input[type="file"]').set_input_files(tmp_path / "green.png")
    lab.until(lambda: np.array_equal(raw_pixels(lab), green[:8, :8]), "the colours of the picture")
    expect(lab.page.locator('[data-stage="picture"]')).to_be_visible()
    expect(lab.page.locator('[data-stage="ink"]')).to_be_hidden()


def raw_pixels(lab: LabPage) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """Return the raw image in the state."""
    text = lab.until(lambda: (lab.state.get("image") or {}).get("pixels"), "pixels")
    return np.frombuffer(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), np.uint8).reshape(8, 8, 3)


@pytest.mark.long
def test_a_network_without_images_offers_no_board(lab: LabPage) -> None:
    lab.open(source="run:vector", image=None)
    expect(lab.page.locator("#board-message")).to_contain_text("reads no images")
    expect(lab["board-canvas"]).to_be_hidden()
    lab.page.evaluate("(hash) => { location.hash = hash; }", hash_of({"source": "run:colours"}))
    expect(lab["board-canvas"]).to_be_visible()
    expect(lab.page.locator("#board-message")).to_be_empty()


@pytest.mark.long
def test_the_server_goes_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    server = Server(tmp_path)
    try:
        with lab_page(browser, server) as lab:
            lab.open(image=DIGIT, label=3, edits=[{"at": WEIGHT, "step": 0.5}], focus="conv1[12,10,5]")
            value = lab.value("conv1[12,10,5]")

            server.stop()
            lab["random"].click()
            expect(lab["server-state"]).to_have_text("The server does not answer. The page waits for it.")
            lab.page.go_back()
            lab.state_has(image=DIGIT)
            server.start()
            expect(lab["server-state"]).to_contain_text("The lab was started again.")
            lab.page.context.new_page().goto(server.link)

            expect(lab["server-state"]).not_to_contain_text("again")
            assert lab.value("conv1[12,10,5]") == value
            lab["bar-3"].click()
            lab.receipt("probability[3]")
            assert number_in(lab["loss"].inner_text().removeprefix("Loss")) > 0
            lab.forgive("ERR_CONNECTION_REFUSED|403")
    finally:
        server.stop()
