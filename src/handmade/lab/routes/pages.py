"""Routes of pages: open one, give it another network, close it."""

from typing import Any

from fastapi import APIRouter

from handmade.lab import images, schemas
from handmade.lab.logs import log_of
from handmade.lab.pages import Page, new_name
from handmade.lab.routes.common import LabState, PageOf, Plain

router = APIRouter(tags=["pages"])


@router.get("/sources", response_model=schemas.Sources)
async def sources(lab: LabState) -> Plain:
    """List the networks that can be opened."""
    found = await lab.aside(lab.catalogue.sources)
    return Plain({"first": lab.catalogue.first, "sources": found})


@router.get("/runs/{name}/log", response_model=schemas.LogAnswer)
async def log(name: str, lab: LabState) -> Plain:
    """Send the curves of a run on disk."""
    return Plain(await lab.aside(_log, lab, name))


@router.post("/pages", response_model=schemas.PageAnswer)
async def new_page(body: schemas.NewPage, lab: LabState) -> Plain:
    """Open a page from its state."""
    page, info = await lab.aside(_made, lab, body)
    lab.pages.add(page)
    return Plain({"page": page.name, "network": info})


@router.put("/pages/{page}/network", response_model=schemas.NetworkAnswer)
async def other_network(body: schemas.NewNetwork, page: PageOf, lab: LabState) -> Plain:
    """Give a page another network; its edits are dropped."""
    return Plain({"network": await lab.compute(page, _with_network, page, body)})


@router.post("/pages/{page}/close", response_model=schemas.Closed)
@router.delete("/pages/{page}", response_model=schemas.Closed)
async def close(page: str, lab: LabState) -> Plain:
    """Close a page and free its memory."""
    return Plain({"closed": lab.pages.close(page)})


def _log(lab: Any, name: str) -> dict[str, Any]:
    return log_of(lab.catalogue.run(name))


def _made(lab: Any, body: schemas.NewPage) -> tuple[Page, dict[str, Any]]:
    page = Page(new_name(), lab.catalogue, lab.catalogue.open(body.source, body.seed))
    if body.edits:
        page.edit(body.edits)
    if body.image is not None:
        page.show_image(images.chosen(page.network, lab.catalogue.data, body.image), body.label)
    elif body.label is not None:
        page.show_image(page.shown, body.label)
    return page, page.info


def _with_network(page: Page, body: schemas.NewNetwork) -> dict[str, Any]:
    page.show_network(page.catalogue.open(body.source, body.seed))
    return page.info
