"""The view of nudges: exact differences, losses and slopes are the engine's; what is applied stays, and undo brings it back."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

import handmade
from handmade.engine.losses import CrossEntropy
from handmade.lab.catalogue import EXAMPLE, Catalogue
from handmade.runs.backends import use_light_backend
from lab_browser import LabPage, number_in
from test_lab_page import digit, example, tape

WEIGHT, INDEX = "conv1.W[1,2,0,5]", (1, 2, 0, 5)


def open_nudge(lab: LabPage, at: str = WEIGHT, h: float = 0.1, image: int = 8, label: int = 3) -> None:
    lab.open(view="nudge", image={"split": "test", "index": image}, label=label, nudge={"at": at, "h": h})
    expect(lab["nudge-target"]).to_have_text(at)
    expect(lab["nudge-loss-2"]).to_be_visible()


def loss_shown(lab: LabPage, row: int) -> float:
    """The loss in a row of the table: of w - h, of w, of w + h."""
    return float(lab[f"nudge-loss-{row}"].get_attribute("data-value") or "nan")


def slope_shown(lab: LabPage, row: int) -> float:
    cell = lab.page.locator(".nudge-numbers tbody tr").nth(row).locator("td").last
    return float(cell.get_attribute("data-value") or "nan")


def test_losses_and_slopes_are_the_engines(lab: LabPage) -> None:
    open_nudge(lab)
    x, _ = digit(8)

    loss = float(CrossEntropy().forward(tape(x)[example().logits_name][None], np.array([3]))[0])
    slope = handmade.explain(example(), x, f"d loss / d {WEIGHT}", label=3).value
    secant = handmade.explain(example(), x, f"d loss / d {WEIGHT}", label=3, by="difference", h=0.1).value
    edited = handmade.load(EXAMPLE)
    edited.parameters()["0.W"][INDEX] -= np.float32(0.1)
    before = float(CrossEntropy().forward(edited.logits(x[None]), np.array([3]))[0])
    assert loss_shown(lab, 1) == pytest.approx(loss, rel=1e-6)
    assert loss_shown(lab, 2) == pytest.approx(loss + 0.1 * secant, rel=1e-6)
    assert loss_shown(lab, 0) == pytest.approx(before, rel=1e-5)
    assert [slope_shown(lab, row) for row in (1, 2)] == pytest.approx([slope, secant], rel=1e-5)
    assert slope_shown(lab, 0) == pytest.approx((loss_shown(lab, 1) - loss_shown(lab, 0)) / 0.1, rel=1e-6)


@pytest.mark.long
def test_maps_are_the_exact_differences(lab: LabPage) -> None:
    open_nudge(lab, h=0.5)
    x, _ = digit(8)
    expect(lab["map-0"]).to_have_attribute("aria-label", re.compile(r"min 0\.00, max 0\.50"))  # h times a white pixel

    bars = lab["nudge-probabilities"].locator("tbody tr")
    edited = handmade.load(EXAMPLE)
    edited.parameters()["0.W"][INDEX] += np.float32(0.5)
    with use_light_backend():
        z = edited.logits(x[None])[0].astype(float)
    p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    shown = [number_in(bars.nth(k).locator("td").nth(1).inner_text()) for k in range(10)]
    assert shown == pytest.approx(list(100 * p), abs=0.006)


@pytest.mark.long
def test_a_slider_moves_h_live_with_both_signs(lab: LabPage) -> None:
    open_nudge(lab)
    slider = lab["nudge-slider"]
    before = loss_shown(lab, 2)
    box = slider.bounding_box()
    assert box is not None

    lab.page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2)
    lab.page.mouse.down()
    lab.until(lambda: loss_shown(lab, 2) != before, "another loss while the slider is held")
    middle = loss_shown(lab, 2)
    lab.page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] / 2, steps=5)
    lab.until(lambda: loss_shown(lab, 2) != middle, "another loss")
    lab.page.mouse.up()
    lab.until(lambda: lab.state["nudge"]["h"] < -0.1, "a negative h")

    lab["nudge-flip"].click()
    lab.until(lambda: lab.state["nudge"]["h"] > 0.1, "the other sign")
    lab["nudge-h"].fill("0")
    lab["nudge-h"].press("Enter")
    expect(lab["nudge-problem"]).not_to_be_empty()


@pytest.mark.long
def test_what_is_applied_stays_counts_and_can_be_undone(lab: LabPage) -> None:
    open_nudge(lab, h=3.0)
    lab["tab-nudge-edits"].click()
    accuracy = lab["edits-accuracy"]
    test = Catalogue().data.test
    expect(accuracy).to_contain_text("1,000")

    lab["nudge-apply"].click()

    lab.state_has(edits=[{"at": WEIGHT, "step": 3}])
    edited = handmade.load(EXAMPLE)
    edited.parameters()["0.W"][INDEX] += np.float32(3)
    z = edited.logits(handmade.data.prepare_for(edited)(test.images[:1000]))
    right = int((z.argmax(axis=1) == test.labels[:1000]).sum())
    plain = example().logits(handmade.data.prepare_for(example())(test.images[:1000]))
    was = int((plain.argmax(axis=1) == test.labels[:1000]).sum())
    assert right != was
    expect(accuracy).to_contain_text(str(right))
    lab.page.locator("#undo").click()
    lab.until(lambda: not lab.state.get("edits"), "no edit")
    expect(accuracy).to_contain_text(str(was))
    lab.page.locator("#redo").click()
    expect(accuracy).to_contain_text(str(right))


@pytest.mark.long
def test_pixels_and_activations_can_be_nudged_but_not_applied(lab: LabPage) -> None:
    open_nudge(lab, at="input[14,12,0]", h=-0.5)
    x, _ = digit(8)
    assert slope_shown(lab, 1) == pytest.approx(
        handmade.explain(example(), x, "d loss / d input[14,12,0]", label=3).value, rel=1e-5
    )
    expect(lab["nudge-apply"]).to_be_disabled()
    lab["bar-3"].click()
    expect(lab["nudge-problem"]).to_contain_text("probability[3]")


@pytest.mark.long
def test_switches_and_the_v(lab: LabPage) -> None:
    open_nudge(lab, h=2.0)
    lab["tab-nudge-switches"].click()
    expect(lab["switches-1"]).to_be_visible()
    count = number_in(re.findall(r"[\d,]+", lab["switches-1"].locator("h4").inner_text().partition(":")[2])[0])
    x, _ = digit(8)
    z = tape(x)["0"][..., 5]
    moved = z + np.float32(2) * x[1:29, 2:30, 0]
    assert count == ((z > 0) != (moved > 0)).sum()

    lab["tab-nudge-quotients"].click()
    slope = handmade.explain(example(), x, f"d loss / d {WEIGHT}", label=3).value
    expect(lab["quotients-note"]).to_contain_text(re.compile(r"\d"))
    shown = re.findall(r"−?\d+(?:\.\d+)?(?:e−?\d+)?", lab["quotients-note"].inner_text())
    assert any(number_in(text) == pytest.approx(slope, rel=1e-4) for text in shown)
    expect(lab["quotients-chart"]).to_be_visible()
