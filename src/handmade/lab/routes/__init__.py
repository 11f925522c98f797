"""Routes: one file a topic. Each reads the request, calls one function, and answers."""

from fastapi import FastAPI

from handmade.lab import schemas
from handmade.lab.routes import images, numbers, pages, site

ERRORS = {status: {"model": schemas.ErrorAnswer} for status in (400, 403, 404, 409, 413, 421, 422)}


def include(app: FastAPI) -> None:
    """Add all routes to the application."""
    for each in (pages, images, numbers):
        app.include_router(each.router, prefix="/api", responses={**ERRORS})
    site.include(app)
