"""Saves of a file, seen by asking for its time and size: in containers, on network drives, and with every editor."""

import time
from dataclasses import dataclass
from pathlib import Path

QUIET = 0.05  # seconds without a change after which a file counts as written completely


@dataclass(frozen=True)
class Stamp:
    """Properties of a file that change when it is saved; zeros if there is none."""

    time: int = 0
    size: int = 0
    number: int = 0


def stamp(path: Path) -> Stamp:
    """Return the stamp of a file."""
    try:
        found = path.stat()
    except OSError:
        return Stamp()
    return Stamp(found.st_mtime_ns, found.st_size, found.st_ino)


class Saves:
    """Tells if a file was saved since the last question. Editors that save by renaming another file work, too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = stamp(path)

    def happened(self) -> bool:
        """Return if the file was saved, deleted or made; wait until it is written completely."""
        now = stamp(self._path)
        if now == self._seen:
            return False
        end = time.monotonic() + 1
        while time.monotonic() < end:
            time.sleep(QUIET)
            before, now = now, stamp(self._path)
            if before == now and now.size:
                break
        self._seen = now
        return True
