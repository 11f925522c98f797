"""Bodies of requests about trainings, and answers, as pydantic models."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from handmade.lab.schemas import Body, Lane

Action = Literal["play", "pause", "step", "epoch", "stop"]
Start = Literal["scratch", "here"]
GivenSettings = Annotated[dict[str, str | int | float | bool | None], Field(max_length=60)]


class NewTraining(Body):
    """A training in a lane; `start` is fresh weights or those of the page's network."""

    lane: Lane = "a"
    settings: GivenSettings = Field(default_factory=dict)
    start: Start = "scratch"
    paused: bool = False
    accept_cost: bool = False


class EstimateOf(Body):
    """Settings of a training whose cost is asked for."""

    settings: GivenSettings = Field(default_factory=dict)
    start: Start = "scratch"


class Race(Body):
    """Two trainings from the same weights, each for some seconds."""

    a: GivenSettings
    b: GivenSettings
    start: Start = "scratch"
    seconds: Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)] = 30.0
    paused: bool = False
    accept_cost: bool = False


class SaveAs(Body):
    """Name of a new run."""

    name: Annotated[str, Field(max_length=300)]


class Cost(BaseModel):
    """Measured cost of a training."""

    seconds: float
    step_seconds: float
    epoch_seconds: float
    steps: int
    text: str


class TrainingAnswer(BaseModel):
    """A training that has begun; the estimate is known for the definition alone."""

    lane: Lane
    estimate: Cost | None


class RaceAnswer(BaseModel):
    """A race that has begun."""

    a: TrainingAnswer
    b: TrainingAnswer


class LayerFacts(BaseModel):
    """Gradient of a layer, and its units that are 0 for every image of a batch."""

    step: int
    node: str
    title: str
    gradient: float | None
    dead: float | None
    units: int


class TrainingNews(BaseModel):
    """State of a lane."""

    lane: Lane
    status: Literal["running", "paused", "finished", "stopped", "diverged", "failed"]
    step: int
    steps: int
    part: float
    epoch: int
    epochs: int
    steps_an_epoch: int
    loss: float | None
    smoothed: float | None
    accuracy: float | None
    learning_rate: float | None
    validation: dict[str, Any] | None
    seconds: float
    left: float | None
    images_per_second: float | None
    warnings: list[dict[str, Any]]
    version: int
    layers: list[LayerFacts]
    reason: Literal["", "target", "patience", "time"]
    error: str | None = None


class Saved(BaseModel):
    """Name of a run that was saved."""

    run: str
