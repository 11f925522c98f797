"""Bodies of requests and answers of the workbook, as pydantic models."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from handmade.lab.schemas import Body
from handmade.learn.folder import LARGEST_FILE

Language = Literal["en", "de", "zh"]
Action = Literal["open", "check", "hint", "reset", "give-up"]
Status = Literal["passed", "open", "gaveUp"]


class SavedText(Body):
    """Text of a student's file, and the base of the text that it was edited from."""

    text: Annotated[str, Field(max_length=LARGEST_FILE)]
    base: Annotated[str, Field(max_length=64)]
    replace: bool = False


# --- answers ------------------------------------------------------------------------------------------------------------------


class StepLine(BaseModel):
    """A step in the list."""

    number: int
    name: str
    title: str
    status: Status


class StepsAnswer(BaseModel):
    """The list of steps, the folder of the files, and the lines of each milestone."""

    folder: str
    current: str
    passed: int
    milestones: list[list[str]]
    steps: list[StepLine]


class Stamps(BaseModel):
    """Texts that change when the file of a step, or the state, is saved."""

    file: str
    state: str


class GridPart(BaseModel):
    """A grid of numbers, or a sign between two grids."""

    kind: Literal["grid", "yours", "expected", "sign"]
    text: str
    rows: list[list[float | str]] = []
    marked: list[tuple[int, int]] = []
    dim: list[tuple[int, int]] = []
    top: int = 0
    left: int = 0


class CheckLine(BaseModel):
    """A check of the verdict."""

    name: str
    cases: int
    status: Literal["passed", "failed", "not run"]


class VerdictAnswer(BaseModel):
    """A verdict in the language of the page."""

    state: Literal["passed", "failed", "unwritten"]
    summary: str
    checks: list[CheckLine]
    finding: list[str]
    looks_like: str | None
    line: int | None
    numbers: list[GridPart]
    printed: str
    cut: bool
    seconds: float


class Explained(BaseModel):
    """Explanation of a step as trees, its picture, and the solution."""

    text: list[Any]
    picture: list[GridPart]
    solution: str


class StepAnswer(BaseModel):
    """Everything about a step; texts are trees of Markdown."""

    name: str
    number: int
    title: str
    status: Status
    file: str
    equation: str
    task: list[Any]
    hints: list[list[Any]]
    all_hints: int
    text: str | None
    base: str
    verdict: VerdictAnswer | None
    explained: Explained | None
    stamp: Stamps
    backup: str | None = None
