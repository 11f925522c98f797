"""Views of a digit in a picture, with its stages, and of the answer of a network."""

import numpy as np
from numpy.typing import NDArray

from handmade.data.picture import Answer, Digit
from handmade.data.resize import shrunk
from handmade.html.images import LONGEST_SIDE, picture
from handmade.html.markup import Markup, cell, joined, shortened, table, tag
from handmade.text.number_format import percent

FEW = 5  # classes with the highest probabilities
LONGEST = 40  # characters of the name of a class


def view(found: Digit | Answer) -> Markup:
    """Return the stages of the picture, and the most likely classes of an answer."""
    return _answer(found) if isinstance(found, Answer) else _digit(found)


def _digit(digit: Digit) -> Markup:
    shown = [tag("figure", _stage(name, grey), tag("figcaption", name)) for name, grey in digit.stages()]
    remarks = [*digit.remarks(), *([f"Perhaps no digit: {digit.rejection}"] if digit.rejection else [])]
    return joined([tag("div", *shown, kind="maps"), *(tag("div", shortened(each, 300), kind="line") for each in remarks)])


def _stage(name: str, grey: NDArray[np.float64]) -> Markup:
    pixels = np.rint(255 * shrunk(np.asarray(grey), LONGEST_SIDE).clip(0, 1)).astype(np.uint8)
    return picture(pixels[..., None], name, LONGEST_SIDE)


def _answer(answer: Answer) -> Markup:
    title = f"No answer: {answer.rejection}" if answer.rejection else answer.name
    order = np.argsort(-answer.probabilities, kind="stable")[:FEW].tolist()
    rows = [[cell(shortened(answer.names[k], LONGEST)), cell(percent(answer.probabilities[k]), right=True)] for k in order]
    head = [cell("class", head=True), cell("probability", head=True, right=True)]
    guess, agreement = shortened(answer.name, LONGEST), percent(answer.agreement)
    certain = f"Certainty of {guess}: {percent(answer.certainty)}"
    note = f"{certain}. Mean probability over small changes of the picture: {agreement}."
    title_line = tag("div", tag("b", shortened(title, 300)), kind="line")
    return joined([title_line, table(rows, head=head), tag("div", note, kind="line dim"), _digit(answer.digit)])
