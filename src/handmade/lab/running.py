"""Labs that run with a workbook: a private file holds the link of each, so that `handmade learn` finds the one that runs."""

import hashlib
import http.client
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from handmade.files.atomic import write_atomically
from handmade.lab.guard import on_this_machine

LONGEST = 500  # bytes of a link
SECONDS = 1.0  # that a lab has to answer


class Record:
    """The record of the lab with a workbook.

    Parameters
    ----------
    folder : Path
        Folder of the workbook.
    """

    def __init__(self, folder: Path) -> None:
        self._path = _place(folder)
        self._written = ""

    def write(self, link: str) -> None:
        """Note the link; without a private place for it, nothing is noted."""
        if self._path is not None:
            with suppress(OSError):
                write_atomically(self._path, link.encode())
                self._written = link

    def remove(self) -> None:
        """Remove the record, unless another lab has replaced it."""
        if self._written and self._path is not None and self._read() == self._written:
            self._path.unlink(missing_ok=True)

    def link(self) -> str | None:
        """Return the link of the lab that runs; None if none answers to it."""
        link = self._read()
        try:
            parts = urlsplit(link)
            host, port = parts.hostname, parts.port
        except ValueError:  # no address
            return None
        if parts.scheme != "http" or host is None or port is None or not on_this_machine(host):
            return None
        connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
        try:
            connection.request("GET", f"/?{parts.query}")
            return link if connection.getresponse().status == http.HTTPStatus.SEE_OTHER else None  # the token is right
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _read(self) -> str:
        if self._path is None:
            return ""
        try:
            with self._path.open("rb") as file:
                return file.read(LONGEST).decode("ascii")
        except (OSError, ValueError):
            return ""


def _place(folder: Path) -> Path | None:
    """Return the file of a workbook's record; None if its folder is not private to this user."""
    base = Path(tempfile.gettempdir()) / (f"handmade-lab-{os.geteuid()}" if os.name == "posix" else "handmade-lab")
    try:
        base.mkdir(mode=0o700, exist_ok=True)
        found = base.lstat()
    except OSError:
        return None
    private = os.name != "posix" or (found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return base / name if private and stat.S_ISDIR(found.st_mode) else None
