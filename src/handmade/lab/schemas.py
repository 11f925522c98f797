"""Bodies of requests, and answers, as pydantic models."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from handmade.engine.arguments import MOST

MOST_EDITS = 1000
LONGEST_PLACE = 300  # letters

Index = Annotated[int, Field(ge=0, le=MOST)]
Lane = Literal["a", "b"]
Label = Annotated[int, Field(ge=0, le=MOST)] | None
Number = Annotated[float, Field(allow_inf_nan=False)]
PlaceText = Annotated[str, Field(max_length=LONGEST_PLACE)]
SourceText = Annotated[str, Field(max_length=300)]


class Body(BaseModel):
    """Plain data of a request; unknown names are left out."""

    model_config = ConfigDict(frozen=True)


class Stages(Body):
    """Stages of the preparation of a drawing that are switched on."""

    crop: bool = True
    scale: bool = True
    centre: bool = True


class Choice(Body):
    """An image: one of the data by its number, or its pixels as base64url."""

    split: Literal["train", "test"] | None = None
    index: Index | None = None
    pixels: Annotated[str, Field(max_length=2**20)] | None = None


class Edit(Body):
    """A weight, moved by a step."""

    at: PlaceText
    step: Number


class NewPage(Body):
    """State from which a page is made."""

    source: SourceText | None = None
    seed: Index = 0
    edits: Annotated[list[Edit], Field(max_length=MOST_EDITS)] = []
    image: Choice | None = None
    label: Label = None
    stages: Stages = Stages()


class NewNetwork(Body):
    """Another network for the same page."""

    source: SourceText
    seed: Index = 0


class NewImage(Body):
    """Another image for the page."""

    choice: Choice
    label: Label = None
    stages: Stages = Stages()


class Edits(Body):
    """Edits of a page, in order."""

    edits: Annotated[list[Edit], Field(max_length=MOST_EDITS)]
    label: Label = None


class ReceiptOf(Body):
    """Place of a number, and the method of a gradient; `lane` for the network of a training."""

    at: PlaceText
    by: Literal["backprop", "difference", "definition"] = "backprop"
    h: Number = 1e-3
    label: Label = None
    expand: Annotated[list[Index], Field(max_length=20)] | None = None
    lane: Lane | None = None


class NudgeOf(Body):
    """A weight, pixel or activation, moved by h."""

    at: PlaceText
    h: Number = 0.1
    label: Label = None
    maps: bool = True


class QuotientsOf(Body):
    """Place of a weight."""

    at: PlaceText
    label: Label = None


class CellOf(Body):
    """A cell of the confusion matrix; `lane` for the network of a training."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    true: Index
    predicted: Index
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    lane: Lane | None = None


# --- answers ------------------------------------------------------------------------------------------------------------------


class ErrorAnswer(BaseModel):
    """An error in one line."""

    error: str
    code: str | None = None
    estimate: dict[str, Any] | None = None


class Health(BaseModel):
    """Sign of life."""

    ok: bool
    version: str


class Source(BaseModel):
    """A network that can be opened."""

    source: str
    title: str
    kind: Literal["example", "preset", "run", "model"]
    weights: int | None
    network: str
    accuracy: float | None
    status: str
    when: str


class Sources(BaseModel):
    """Networks that can be opened, and the one to begin with."""

    first: str
    sources: list[Source]


class ArrayInfo(BaseModel):
    """An array of a layer."""

    key: str
    title: str
    shape: list[int]


class NodeInfo(BaseModel):
    """A node of the network."""

    name: str
    title: str
    mark: str
    kind: str
    reads: list[str]
    shape: list[int]
    settings: dict[str, Any]
    arrays: list[ArrayInfo]
    column: int


class NetworkInfo(BaseModel):
    """A network as the page draws it."""

    source: str
    title: str
    seed: int
    trained: bool
    weights: int
    dtype: str
    classes: list[str]
    named_classes: bool
    input_shape: list[int]
    raw_shape: list[int] | None
    fits_data: bool
    test_images: int
    nodes: list[NodeInfo]
    logits: str
    outputs: list[str]


class PageAnswer(BaseModel):
    """A new page."""

    page: str
    network: NetworkInfo


class NetworkAnswer(BaseModel):
    """The network that a page now shows."""

    network: NetworkInfo


class Closed(BaseModel):
    """A page that is closed."""

    closed: bool


class Curve(BaseModel):
    """Relative error of one method at every h; null where it is not known."""

    method: Literal["textbook", "exact"]
    dtype: Literal["float32", "float64"]
    error: list[float | None]


class QuotientsAnswer(BaseModel):
    """Quotients of a weight against h."""

    h: list[float]
    curves: list[Curve]
    derivative: float
    on_kink: bool


class AccuracyAnswer(BaseModel):
    """Results on the first test images."""

    images: int
    right: int
    accuracy: float
    loss: float | None
    confusion: list[list[int]]


class Mistake(BaseModel):
    """The next test image that the network gets wrong; index is null if there is none."""

    index: int | None
    label: int | None = None
    predicted: int | None = None


class LogAnswer(BaseModel):
    """Curves of a run on disk."""

    steps: list[int]
    loss: list[float | None]
    accuracy: list[float | None]
    validation: list[tuple[int, float]]
