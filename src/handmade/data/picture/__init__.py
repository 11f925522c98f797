"""Pictures of digits: a pipeline of named stages from a photo, a scan or a drawing to an image like those of MNIST."""

from handmade.data.picture.decision import Answer, answer, swapped
from handmade.data.picture.digit import ALL_STAGES, Digit, Stages, find_digit
from handmade.data.picture.page import Page, find_digits, find_page

__all__ = [
    "ALL_STAGES",
    "Answer",
    "Digit",
    "Page",
    "Stages",
    "answer",
    "find_digit",
    "find_digits",
    "find_page",
    "swapped",
]
