"""Errors that the page has to tell apart: each has a status of HTTP, and perhaps a code."""

from handmade.engine.errors import HandmadeError


class LabError(HandmadeError):
    """An error with the status of its answer, and a code that the page acts on."""

    def __init__(self, message: str, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def no_page() -> LabError:
    """Return the error for a page that the server does not know."""
    return LabError("page: expected one that is open; this one is not, or it was silent for too long. Reload it", 404, "no_page")


def stale() -> LabError:
    """Return the error for an answer that a newer request has overtaken."""
    return LabError("a newer change has overtaken this request", 409, "stale")
