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
