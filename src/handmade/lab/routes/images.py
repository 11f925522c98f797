"""Routes of a page's image: one of the data, pixels, a drawing or a picture file."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from handmade.lab import images, schemas
from handmade.lab.images import RawImage
from handmade.lab.pages import Page
from handmade.lab.routes.common import FRAME, Frame, LabState, PageOf, Parts

router = APIRouter(tags=["images"], prefix="/pages/{page}")

BYTES = {"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
StageList = Annotated[str, Query(max_length=100, description="Stages that are switched on: crop,scale,centre")]
Side = Annotated[int, Query(ge=1, le=images.LONGEST_SIDE)]
ALL = "crop,scale,centre"


@router.get("/image", response_class=Frame, responses=FRAME)
async def image(page: PageOf, lab: LabState) -> Frame:
    """Send the image with its activations again."""
    return Frame(await lab.compute(page, page.image_frame))


@router.put("/image", response_class=Frame, responses=FRAME)
async def choose(body: schemas.NewImage, page: PageOf, lab: LabState) -> Frame:
    """Take an image of the data, or pixels."""
    return Frame(await lab.compute(page, _shown, page, body.label, images.chosen, lab.catalogue.data, body.choice))


@router.put("/drawing", response_class=Frame, responses=FRAME, openapi_extra=BYTES)
async def draw(
    request: Request,
    page: PageOf,
    lab: LabState,
    height: Side,
    width: Side,
    stages: StageList = ALL,
    label: schemas.Label = None,
) -> Frame:
    """Take a drawing: height * width bytes, grey, white ink on black."""
    content, chosen = await request.body(), images.stages_named(stages)
    return Frame(await lab.compute(page, _shown, page, label, images.drawing, content, height, width, chosen))


@router.put("/file", response_class=Frame, responses=FRAME, openapi_extra=BYTES)
async def read(request: Request, page: PageOf, lab: LabState, stages: StageList = ALL, label: schemas.Label = None) -> Frame:
    """Take a picture file."""
    content, chosen = await request.body(), images.stages_named(stages)
    return Frame(await lab.compute(page, _shown, page, label, images.picture, content, chosen))


def _shown(page: Page, label: int | None, make: Callable[..., RawImage], *arguments: Any) -> Parts:
    page.show_image(make(page.network, *arguments), label)
    return page.image_frame()
