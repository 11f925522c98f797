"""Parts that several routes share: the server's state, the page of a path, and an answer as a frame."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request, Response

from handmade.engine.arrays import Array
from handmade.lab import frames
from handmade.lab.pages import Page

if TYPE_CHECKING:
    from handmade.lab.app import Lab

FRAME: dict[int | str, dict[str, Any]] = {
    200: {"content": {frames.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}, "description": "A frame"}
}


class Frame(Response):
    """Arrays, and facts about them."""

    media_type = frames.MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """Return the bytes of a pair of arrays and facts."""
        arrays, meta = content
        return frames.frame(arrays, meta)


class Plain(Response):
    """Plain data, without numbers that are not finite."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the data as JSON."""
        return frames.dumps(content)


Parts = tuple[dict[str, Array], dict[str, Any]]


async def lab_of(request: Request) -> "Lab":
    """Return the state of the server."""
    lab: Lab = request.app.state.lab
    return lab


async def page_of(request: Request, page: str) -> Page:
    """Return the page that the path names."""
    found: Page = request.app.state.lab.pages.get(page)
    return found


LabState = Annotated[Any, Depends(lab_of)]
PageOf = Annotated[Page, Depends(page_of)]
