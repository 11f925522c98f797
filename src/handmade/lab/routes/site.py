"""The page itself: its files, and a sign of life."""

import os
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from handmade.lab import schemas
from handmade.lab.routes.common import LabState

STATIC = Path(__file__).parent.parent / "static"
FRESH = {"cache-control": "no-cache"}  # ask again each time, and be told that nothing has changed


class Files(StaticFiles):
    """Files of the page, which the browser asks for again each time."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return a file."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(FRESH)
        return response


def include(app: FastAPI) -> None:
    """Add the page, its files and the sign of life."""

    @app.get("/healthz", response_model=schemas.Health)
    async def health(lab: LabState) -> schemas.Health:
        """Answer that the server is there."""
        return schemas.Health(ok=True, version=lab.version)

    @app.get("/", include_in_schema=False)
    async def index(lab: LabState) -> Response:
        """Send the page, with a mark if there is a workbook."""
        if lab.exercises is None:
            return FileResponse(STATIC / "index.html", headers=FRESH)
        text = (STATIC / "index.html").read_text(encoding="utf-8")
        return HTMLResponse(text.replace("<html ", "<html data-workbook ", 1), headers=FRESH)

    app.mount("/static", Files(directory=STATIC), name="static")
