"""Answers about one number, as pydantic models: its receipt, the receipt as text, the loop that computes it."""

from typing import Any

from pydantic import BaseModel


class Box(BaseModel):
    """Numbers of one activation, half-open; rows and columns may exceed the map by its padding.

    `spans` is the box along each axis, for arrays with two axes, or with more than three.
    """

    node: str
    rows: tuple[int, int] | None = None
    columns: tuple[int, int] | None = None
    channels: tuple[int, int] | None = None
    numbers: tuple[int, int] | None = None
    spans: list[tuple[int, int]] | None = None


class Reach(BaseModel):
    """The numbers that a number is made of, and those that it affects."""

    sources: list[Box]
    targets: list[Box]
    winner: list[int] | None = None


class ReceiptAnswer(BaseModel):
    """A receipt; `total` is a tree of terms."""

    at: str
    kind: str
    value: float
    dtype: str
    sum: float
    rounding: float
    bound: float | None
    total: dict[str, Any] | None
    story: list[dict[str, Any]]
    reach: Reach | None
    snippet: str
    loop: str | None


class TextAnswer(BaseModel):
    """A receipt as text."""

    text: str


class LoopAnswer(BaseModel):
    """Lines of the nested loops that compute a number; `inner` is the number of the innermost line in its file."""

    file: str
    function: str
    first: int
    inner: int
    lines: list[str]
