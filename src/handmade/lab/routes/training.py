"""Routes of trainings: begin, play, pause, adopt, save, the race, and the stream of their news."""

import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from handmade.engine.network import Network
from handmade.lab import maps
from handmade.lab import training_schemas as schemas
from handmade.lab.catalogue import Opened
from handmade.lab.pages import Page
from handmade.lab.plans import Plan
from handmade.lab.race import same_start
from handmade.lab.routes.common import FRAME, Frame, LabState, PageOf, Parts, Plain
from handmade.lab.schemas import Lane, NetworkAnswer
from handmade.lab.training import Trainings

router = APIRouter(tags=["training"], prefix="/pages/{page}")

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Server-sent events"}
}


@router.get("/events", response_class=StreamingResponse, responses=EVENTS)
async def events(page: PageOf, lab: LabState) -> StreamingResponse:
    """Send the news of the trainings as long as the page is open."""
    return StreamingResponse(_messages(page, lab), media_type="text/event-stream")


@router.post("/training", response_model=schemas.TrainingAnswer)
async def train(body: schemas.NewTraining, page: PageOf, lab: LabState) -> Plain:
    """Begin a training in a lane, in the place of the one that is there."""
    plan = _plan(page, body.settings, body.start)
    costs = await lab.aside(_start, page.training(make=True), {body.lane: plan}, body, None, fastest=True)
    return Plain({"lane": body.lane, "estimate": costs[body.lane]})


@router.post("/training/estimate", response_model=schemas.Cost)
async def estimate(body: schemas.EstimateOf, page: PageOf, lab: LabState) -> Plain:
    """Measure the cost of a training."""
    plan = _plan(page, body.settings, body.start)
    return Plain(await lab.aside(plan.estimate, fastest=True))


@router.post("/training/{lane}/adopt", response_model=NetworkAnswer)
async def adopt(lane: Lane, page: PageOf, lab: LabState) -> Plain:
    """Give the page the network of a lane as it is now, under a source of its own."""
    network, _, _ = page.training().network(lane)
    opened = await lab.aside(lab.catalogue.keep, network, page.opened)
    return Plain({"network": await lab.compute(page, _adopted, page, opened)})


@router.post("/training/{lane}/save", response_model=schemas.Saved)
async def save(lane: Lane, body: schemas.SaveAs, page: PageOf, lab: LabState) -> Plain:
    """Save a lane as a run, as it is now."""
    await lab.aside(page.training().save, lane, body.name)
    return Plain({"run": body.name})


@router.post("/training/{lane}/{action}", response_model=schemas.TrainingNews)
async def act(lane: Lane, action: schemas.Action, page: PageOf) -> Plain:
    """Play, pause, make one step or one epoch, or stop."""
    return Plain(page.training().act(lane, action))


@router.get("/training/{lane}/frame", response_class=Frame, responses=FRAME)
async def frame(lane: Lane, page: PageOf, lab: LabState) -> Frame:
    """Send the activations of the page's image in the network of a lane, and its weights."""
    newest = page.training().network(lane)
    return Frame(await lab.compute(page, _maps, page, *newest))


@router.post("/race", response_model=schemas.RaceAnswer)
async def race(body: schemas.Race, page: PageOf, lab: LabState) -> Plain:
    """Begin two trainings with the same weights; each gets the processor for the same time."""
    given = same_start(body.a, body.b)
    plans = {name: _plan(page, each, body.start) for name, each in zip("ab", given, strict=True)}
    costs = await lab.aside(_start, page.training(make=True), plans, body, body.seconds, fastest=True)
    return Plain({name: {"lane": name, "estimate": costs[name]} for name in plans})


def _plan(page: Page, settings: dict[str, Any], start: str) -> Plan:
    return Plan(settings, page.network, start == "here", page.catalogue.source)


def _start(
    trainings: Trainings, plans: dict[str, Plan], body: schemas.NewTraining | schemas.Race, limit: float | None
) -> dict[str, Any]:
    return trainings.start(plans, paused=body.paused, accepted=body.accept_cost, limit=limit)


def _adopted(page: Page, opened: Opened) -> dict[str, Any]:
    page.show_network(opened)
    return page.info


def _maps(page: Page, network: Network, version: int, step: int) -> Parts:
    arrays, meta = page.frame_of(network)
    weights, facts = maps.weight_maps(network)
    return arrays | {f"weight:{key}": array for key, array in weights.items()}, meta | facts | {"version": version, "step": step}


async def _messages(page: Page, lab: Any) -> AsyncIterator[bytes]:
    stream = page.events.open()
    page.listeners += 1
    try:
        if page.trainings is not None:
            page.trainings.show(stream.put)
        async for content in stream.messages(lambda: page.closed or lab.stopping.is_set()):
            yield content
    finally:
        page.listeners -= 1
        page.seen = time.monotonic()
        page.events.drop(stream)
