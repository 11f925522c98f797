"""The view of predictions: covered values cannot be read, answers are checked against the engine's numbers, the score is kept."""

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from lab_browser import LabPage
from test_lab_page import digit, example, tape

PLACE, AT = "conv1[9,14,2]", (9, 14, 2)


def open_quiz(lab: LabPage) -> Locator:
    lab.open(view="quiz", image={"split": "test", "index": 0}, focus=PLACE)
    return lab.receipt(PLACE)


def products() -> list[float]:
    """The nine products of the number, rounded as a reader would."""
    x, _ = digit(0)
    row, column, channel = AT
    kernel = example().parameters()["0.W"][..., 0, channel]
    return [round(float(value), 2) for value in (x[row : row + 3, column : column + 3, 0] * kernel).ravel()]


def test_right_products_are_accepted_and_a_wrong_one_is_marked(lab: LabPage) -> None:
    open_quiz(lab)
    lab["quiz-products"].click()
    expect(lab["guess"]).to_have_count(9)
    answers = products()

    wrong = lab["guess"].first
    wrong.fill(str(answers[0] + 1))
    wrong.press("Enter")
    lab.state_has(score={"right": 0, "wrong": 1})
    expect(lab["guess"].first).to_have_class(re.compile("is-wrong"))
    expect(lab["score"]).to_contain_text("1")
    expect(lab["guess"].nth(1)).to_be_focused()  # the next one

    for answer in answers:
        field = lab["guess"].first
        left = lab["guess"].count()
        field.fill(str(answer))
        field.press("Enter")
        expect(lab["guess"]).to_have_count(left - 1)
    lab.state_has(score={"right": 9, "wrong": 1}, covered=None)


def test_a_covered_value_can_be_read_nowhere(lab: LabPage) -> None:
    open_quiz(lab)
    x, _ = digit(0)
    value = float(tape(x)["0"][AT])
    shown = f"{abs(value):.6g}"[:6]
    assert shown in lab.page.locator("main").inner_text()

    lab["quiz-value"].click()

    expect(lab["guess"]).to_have_count(1)
    everything = "document.body.innerText + [...document.querySelectorAll('[title]')].map((e) => e.title).join(' ')"
    assert shown not in lab.page.evaluate(everything)
    lab.page.reload()
    lab.ready()
    expect(lab["guess"]).to_have_count(1)
    assert shown not in lab.page.evaluate(everything)

    lab["guess"].fill("not a number")
    lab["guess"].press("Enter")
    expect(lab["guess"]).to_have_attribute("aria-invalid", "true")
    assert "score" not in lab.state
    lab["guess"].fill(f"{-value:.4f}")  # the wrong sign
    lab["guess"].press("Enter")
    lab.state_has(score={"right": 0, "wrong": 1})
    expect(lab.page.locator(".hints")).to_contain_text("sign")
    lab["guess"].fill(f"{value:.2f}".replace("-", "−"))
    lab["guess"].press("Enter")
    lab.state_has(score={"right": 1, "wrong": 1})
    expect(lab["guess"]).to_have_count(0)
    assert lab.value(PLACE) == value


@pytest.mark.long
def test_reveal_and_undo(lab: LabPage) -> None:
    open_quiz(lab)
    lab["quiz-all"].click()
    count = lab.until(lab["guess"].count, "fields")
    assert count > 9

    lab["quiz-reveal"].click()

    expect(lab["guess"]).to_have_count(0)
    assert lab.value(PLACE) == float(tape(digit(0)[0])["0"][AT])
    lab.page.locator("#undo").click()
    expect(lab["guess"]).to_have_count(count)


@pytest.mark.long
def test_a_task_pins_and_covers_a_number(lab: LabPage) -> None:
    lab.open(view="quiz", image={"split": "test", "index": 0})
    lab["quiz-task"].click()
    place = lab.until(lambda: lab.state.get("focus"), "a number")
    lab.until(lambda: place in lab.state.get("covered", []), "a covered number")
    node = {"conv1": "0", "conv2": "2", "pool1": "4"}[place.partition("[")[0]]
    stored = float(tape(digit(0)[0])[node][tuple(map(int, place.partition("[")[2][:-1].split(",")))])
    lab["guess"].fill(str(np.float32(stored)))
    lab["guess"].press("Enter")
    lab.state_has(score={"right": 1, "wrong": 0})


READABLE = """() => [document.documentElement.outerHTML, document.body.innerText,
  ...[...document.querySelectorAll("input")].map((e) => e.value)].join(" ")"""


def written(value: float) -> list[str]:
    """The value with four and more digits, as parts of the page would write it."""
    return [f"{abs(value):.{digits}g}" for digits in (4, 5, 6)]


def hides(lab: LabPage, value: float, what: str) -> None:
    """Check that no text, attribute or field of the page tells a value; a number moves slowly through the page, so wait."""

    def told() -> list[str]:
        everything = lab.page.evaluate(READABLE)
        return [digits for digits in written(value) if digits in everything]

    lab.until(lambda: not told(), f"{what} hides {value}: {told()}", seconds=3)


@pytest.mark.long
def test_a_covered_number_is_told_by_no_map_table_neighbour_or_copy(lab: LabPage) -> None:
    pooled = tape(digit(0)[0])["4"]
    row, column, channel = (int(i) for i in np.unravel_index(pooled.argmax(), pooled.shape))
    at = (row, column, channel)
    place, value = f"pool1[{row},{column},{channel}]", float(pooled.max())  # the largest: legends end with it
    lab.open(view="quiz", image={"split": "test", "index": 0}, focus=place)
    lab.receipt(place)
    assert any(digits in lab.page.evaluate(READABLE) for digits in written(value))
    limit = lab["node-4"].locator(".legend").inner_text()

    lab["quiz-value"].click()
    expect(lab["guess"]).to_have_count(1)
    hides(lab, value, "the receipt")
    assert lab["node-4"].locator(".legend").inner_text() != limit
    for button in ("copy-numpy", "copy-text"):
        for each in lab[button].all():
            expect(each).to_be_disabled()
    lab.hover("4", (13, 13, 16), at)
    expect(lab["status-line"]).to_contain_text(f"pixel ({row}, {column}) = ?")
    hides(lab, value, "the status line")

    lab["view-look"].click()
    flat = (row * 13 + column) * 16 + channel
    for other in (f"flatten1[{flat}]", *takers(at)):  # layers pass the number on as it is
        lab.page.keyboard.press("/")
        lab.page.locator("#search-field").fill(other)
        lab.page.keyboard.press("Enter")
        lab.state_has(focus=other)
        lab.receipt(other)
        hides(lab, value, other)
    lab["as-table"].first.click()
    expect(lab["table"]).to_contain_text("?")
    hides(lab, value, "the table")
    lab.page.keyboard.press("Escape")
    lab["view-nudge"].click()
    hides(lab, value, "the nudge")


def takers(at: tuple[int, ...]) -> list[str]:
    """Places of the ReLU and of the convolution from which a pool takes its number."""
    row, column, channel = at
    window = tape(digit(0)[0])["3"][2 * row : 2 * row + 2, 2 * column : 2 * column + 2, channel]
    i, j = np.unravel_index(window.argmax(), window.shape)
    return [f"{room}[{2 * row + i},{2 * column + j},{channel}]" for room in ("relu2", "conv2")]


@pytest.mark.long
def test_a_covered_probability_is_told_by_no_bar(lab: LabPage) -> None:
    lab.open(image={"split": "test", "index": 8}, covered=["probability[5]"])
    label = digit(8)[1]
    z = tape(digit(8)[0])[example().logits_name].astype(float)
    likeliest = int(z.argmax())

    lab.open(image={"split": "test", "index": 8}, covered=[f"probability[{likeliest}]", f"probability[{label}]"])

    for k in {likeliest, label}:
        expect(lab[f"bar-{k}"].locator(".percent")).to_have_text("?")
        assert lab[f"bar-{k}"].locator(".fill").evaluate("(fill) => fill.style.inlineSize") == "0%"
    expect(lab["predicted"]).to_contain_text("?")
    expect(lab["loss"]).to_contain_text("?")
    loss = float(np.log(np.exp(z - z[label]).sum()))
    hides(lab, loss, "the loss")

    lab.open(image={"split": "test", "index": 8}, covered=[f"logits[{likeliest}]"])  # a list with names and values
    expect(lab[f"bar-{likeliest}"].locator(".percent")).not_to_have_text("?")
    lab["map-6"].hover(position={"x": 40, "y": 20 * likeliest + 10})
    expect(lab["status-line"]).to_contain_text(f"logits[{likeliest}] = ?")
    hides(lab, float(z[likeliest]), "the logits")


@pytest.mark.long
def test_what_is_being_typed_stays_when_the_receipt_is_rendered_again(lab: LabPage) -> None:
    open_quiz(lab)
    lab["quiz-products"].click()
    expect(lab["guess"]).to_have_count(9)
    first = lab["guess"].first
    first.evaluate("(field) => { field.old = true; }")
    first.click()
    lab.page.keyboard.type("0.25")

    lab.page.locator("#language").evaluate("(choice) => { choice.value = 'de'; choice.dispatchEvent(new Event('change')); }")

    expect(first).not_to_have_js_property("old", value=True)
    expect(lab["guess"]).to_have_count(9)
    expect(first).to_have_value("0.25")
    expect(first).to_be_focused()
    lab.state_has(score=None)
