"""Errors that the page has to tell apart: each has a status of HTTP, and perhaps a code."""

from typing import Any

from handmade.engine.errors import HandmadeError


class LabError(HandmadeError):
    """An error with the status of its answer, a code that the page acts on, and perhaps an estimate of the cost."""

    def __init__(self, message: str, status: int = 400, code: str | None = None, estimate: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.estimate = status, code, estimate


def no_page() -> LabError:
    """Return the error for a page that the server does not know."""
    return LabError("page: expected one that is open; this one is not, or it was silent for too long. Reload it", 404, "no_page")


def no_training() -> LabError:
    """Return the error for a lane in which nothing was started."""
    return LabError("training: expected one that was started; there is none in this lane. Start one", 404, "no_training")


def stale() -> LabError:
    """Return the error for an answer that a newer request has overtaken."""
    return LabError("a newer change has overtaken this request", 409, "stale")
