"""Routes: one file a topic. Each reads the request, calls one function, and answers."""

from typing import Any

from fastapi import FastAPI

from handmade.lab import schemas
from handmade.lab.routes import images, measures, numbers, pages, site, training
from handmade.lab.routes import workbook as workbook_routes

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": schemas.ErrorAnswer, "description": "An error in one line"}
    for status in (400, 403, 404, 409, 413, 421, 422)
}


def include(app: FastAPI, *, workbook: bool = False) -> None:
    """Add all routes to the application; those of the workbook if there is one."""
    for each in (pages, images, numbers, measures, training, *([workbook_routes] if workbook else [])):
        app.include_router(each.router, prefix="/api", responses=ERRORS)
    site.include(app)
