"""Routes of numbers: weights, gradients, receipts, nudges and edits of a page."""

from typing import Any

from fastapi import APIRouter

from handmade.engine.receipts.explain import explain_work
from handmade.engine.receipts.receipt import Receipt
from handmade.engine.receipts.work import Work
from handmade.lab import answers, loops, maps, nudges, receipt_schemas, schemas
from handmade.lab.pages import Page
from handmade.lab.reach import reach
from handmade.lab.routes.common import FRAME, Frame, LabState, PageOf, Parts, Plain

router = APIRouter(tags=["numbers"], prefix="/pages/{page}")


@router.put("/edits", response_class=Frame, responses=FRAME)
async def edit(body: schemas.Edits, page: PageOf, lab: LabState) -> Frame:
    """Take these edits in the place of all before, and send the image again."""
    return Frame(await lab.compute(page, _edited, page, body))


@router.get("/weights", response_class=Frame, responses=FRAME)
async def weights(page: PageOf, lab: LabState) -> Frame:
    """Send all weights and statistics."""
    return Frame(await lab.compute(page, _weights, page))


@router.get("/gradients", response_class=Frame, responses=FRAME)
async def gradients(page: PageOf, lab: LabState, label: schemas.Label = None) -> Frame:
    """Send the gradients of the loss with respect to all activations and weights."""
    return Frame(await lab.compute(page, _gradients, page, label))


@router.post("/receipt", response_model=receipt_schemas.ReceiptAnswer)
async def receipt(body: schemas.ReceiptOf, page: PageOf, lab: LabState) -> Plain:
    """Send the receipt of one number."""
    return Plain(await lab.compute(page, _receipt, page, body))


@router.post("/text", response_model=receipt_schemas.TextAnswer)
async def words(body: schemas.ReceiptOf, page: PageOf, lab: LabState) -> Plain:
    """Send the receipt of one number as text."""
    return Plain(await lab.compute(page, _words, page, body))


@router.post("/loop", response_model=receipt_schemas.LoopAnswer)
async def loop(body: schemas.ReceiptOf, page: PageOf, lab: LabState) -> Plain:
    """Send the lines of the nested loops that compute a number."""
    return Plain(await lab.compute(page, _loop, page, body))


@router.post("/nudge", response_class=Frame, responses=FRAME)
async def nudge(body: schemas.NudgeOf, page: PageOf, lab: LabState) -> Frame:
    """Send the differences that a nudge makes."""
    return Frame(await lab.compute(page, _nudge, page, body))


def _edited(page: Page, body: schemas.Edits) -> Parts:
    page.edit(body.edits, body.label)
    return page.image_frame()


def _weights(page: Page) -> Parts:
    return maps.weight_maps(page.network)


def _gradients(page: Page, label: int | None) -> Parts:
    return maps.gradient_maps(page.checked_work(label))


def _receipt(page: Page, body: schemas.ReceiptOf) -> dict[str, Any]:
    work, found = _explained(page, body)
    return answers.receipt_answer(found, reach(work, found.at), loops.name(work.network, found), body.expand)


def _words(page: Page, body: schemas.ReceiptOf) -> dict[str, Any]:
    return {"text": str(_explained(page, body)[1])}


def _loop(page: Page, body: schemas.ReceiptOf) -> dict[str, Any]:
    work, found = _explained(page, body)
    return loops.source(work.network, found)


def _explained(page: Page, body: schemas.ReceiptOf) -> tuple[Work, Receipt]:
    trained = page.training().network(body.lane)[0] if body.lane else None
    work = page.checked_work(body.label) if trained is None else page.checked_work_of(trained, body.label)
    return work, explain_work(work, body.at, by=body.by, h=body.h)


def _nudge(page: Page, body: schemas.NudgeOf) -> Parts:
    return nudges.nudge_maps(page.checked_work(body.label), body.at, body.h, maps=body.maps)
