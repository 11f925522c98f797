"""Routes of measures: quotients, contributions, accuracy and mistakes. They take longer, so the page goes on meanwhile."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query

from handmade.engine.arguments import MOST
from handmade.engine.receipts.work import Work
from handmade.lab import accuracy, schemas
from handmade.lab.contributions import contributions
from handmade.lab.errors import no_page, stale
from handmade.lab.pages import Page
from handmade.lab.quotients import quotients
from handmade.lab.routes.common import FRAME, Frame, LabState, PageOf, Plain

router = APIRouter(tags=["measures"], prefix="/pages/{page}")


@router.post("/quotients", response_model=schemas.QuotientsAnswer)
async def quotients_of(body: schemas.QuotientsOf, page: PageOf, lab: LabState) -> Plain:
    """Send the quotients of one weight against h."""
    work: Work = await lab.compute(page, page.checked_work, body.label)
    return Plain(await lab.aside(quotients, work, body.at))


@router.get("/contributions", response_class=Frame, responses=FRAME)
async def contributions_of(page: PageOf, lab: LabState, label: schemas.Label = None) -> Frame:
    """Send the contributions of the pixels to one logit."""
    work: Work = await lab.compute(page, page.checked_work, None)
    return Frame(await lab.aside(contributions, work, label, _current(page)))


@router.get("/accuracy", response_model=schemas.AccuracyAnswer)
async def accuracy_of(page: PageOf, lab: LabState) -> Plain:
    """Send accuracy and confusion matrix on the first test images."""
    network, found = page.network, await lab.aside(_results, page)
    return Plain(accuracy.accuracy(network, page.catalogue.data, found))


@router.post("/cell", response_class=Frame, responses=FRAME)
async def cell(body: schemas.CellOf, page: PageOf, lab: LabState) -> Frame:
    """Send the images of one cell of the confusion matrix, and their numbers in the data."""
    data = page.catalogue.data
    if not body.lane:
        network, found = page.network, await lab.aside(_results, page)
        arrays, meta = accuracy.cell(network, accuracy.first(data.test), found, body.true, body.predicted, body.limit)
        return Frame((arrays, meta | {"split": "test"}))
    lane = page.training().lane(body.lane)
    network, numbers = lane.validation.network or lane.network, lane.validation.numbers()
    images = accuracy.first(data.test) if numbers is None else accuracy.some(data.train, numbers)
    found = await lab.aside(accuracy.results, network, data, _open(page), images)
    arrays, meta = accuracy.cell(network, images, found, body.true, body.predicted, body.limit)
    indices = meta["indices"] if numbers is None else numbers[meta["indices"]].tolist()
    return Frame((arrays, {"indices": indices, "split": "test" if numbers is None else "train"}))


@router.get("/mistake", response_model=schemas.Mistake)
async def mistake(
    page: PageOf, lab: LabState, after: Annotated[int, Query(ge=-1, le=MOST)] = -1, lane: schemas.Lane | None = None
) -> Plain:
    """Send the next test image that the network gets wrong; `lane` for the network of a training."""
    network = page.training().lane(lane).network if lane else page.network
    check = _open(page) if lane else _current(page)
    return Plain(await lab.aside(accuracy.next_mistake, network, page.catalogue.data, after, check))


def _results(page: Page) -> accuracy.Results:
    """Return the results of the network as it is now, remembered until it changes."""
    network = page.network
    known = page.results
    if known is None or known[0] is not network:
        known = page.results = network, accuracy.results(network, page.catalogue.data, _current(page))
    return known[1]


def _open(page: Page) -> Callable[[], None]:
    """Return a function that raises an error once the page is closed."""

    def check() -> None:
        if page.closed:
            raise no_page()

    return check


def _current(page: Page) -> Callable[[], None]:
    """Return a function that raises an error once the page is closed or its network is another one."""
    version = page.version

    def check() -> None:
        if page.closed:
            raise no_page()
        if page.version != version:
            raise stale()

    return check
