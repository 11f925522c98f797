"""Downloads of known data sets with pooch: each file is checked against its published SHA-256 sum before it gets its name.

A file that is there already is kept, so a download that failed continues with the next file. If a mirror fails, the next one is
tried.
"""

import importlib.util
import os
import shutil
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TypeAlias

from handmade.data.downloads import RemoteFile, RemoteSet
from handmade.data.sources.options import one_line
from handmade.engine.errors import HandmadeError
from handmade.engine.extras import not_installed

CHUNK = 2**16  # bytes
TIMEOUT = 30.0  # seconds without an answer or without data
SLOWEST, PATIENCE = 1000, 60.0  # bytes a second, measured after this number of seconds
Progress: TypeAlias = Callable[[int, int], object]  # bytes so far, and of all files


class DownloadError(Exception):
    """Reason why a mirror failed."""


def fetch(
    remote: RemoteSet,
    folder: Path,
    *,
    progress: Progress | None = None,
    tell: Callable[[str], object] | None = None,
    timeout: float = TIMEOUT,
) -> list[Path]:
    """Download the files of a set that are not in a folder yet.

    Parameters
    ----------
    remote : RemoteSet
        Files, mirrors, sizes and sums.
    folder : Path
        Folder of the set; it is created.
    progress : callable, optional
        Called with the bytes so far, and those of all files.
    tell : callable, optional
        Called with a line for each mirror that fails.
    timeout : float
        Seconds to wait for an answer, and for more data.

    Returns
    -------
    list of Path
        Files of the set.

    Raises
    ------
    HandmadeError
        If pooch is not installed, the folder cannot be written to, or all mirrors of a file fail.
    """
    if importlib.util.find_spec("pooch") is None:
        raise HandmadeError(not_installed("downloads", "pooch", "data"))
    found: list[Path] = []
    before = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in remote.files:
            found += _file(file, folder, _Meter(file, before, remote.size, progress), tell or _silent, timeout)
            before += file.size
    except OSError as error:
        raise HandmadeError(
            f"{str(folder)!r}: expected a folder to write to; got: {error.strerror or one_line(error)}. Try another HANDMADE_DATA"
        ) from None
    return found


def _file(file: RemoteFile, folder: Path, meter: "_Meter", tell: Callable[[str], object], timeout: float) -> list[Path]:
    """Return one file, or the members of one archive; download it if they are not there."""
    members = [folder / PurePosixPath(member).name for member in file.members]
    if members and all(member.is_file() for member in members):
        return members
    reasons = []
    for number, url in enumerate(file.urls):
        meter.begin()
        try:
            _download(url, file, folder, meter, timeout)
            break
        except DownloadError as error:
            reasons.append(f"{url}: {error}")
            if number + 1 < len(file.urls):
                tell(f"{reasons[-1]}. The next mirror is tried.")
    else:
        raise HandmadeError(
            f"{file.name}: expected a download from one of {len(file.urls)} places; all failed: {'; '.join(reasons)}. "
            f"Try again later, or put the file into {str(folder)!r}"
        )
    if not members:
        return [folder / file.name]
    _unpack(folder / file.name, file.members, folder)
    (folder / file.name).unlink()
    return members


def _download(url: str, file: RemoteFile, folder: Path, meter: "_Meter", timeout: float) -> None:
    """Download one file from one place; raise DownloadError, and leave nothing, if that fails."""
    import pooch  # noqa: PLC0415  an optional library
    import requests  # noqa: PLC0415  pooch needs it

    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(
        progressbar=meter, chunk_size=CHUNK, timeout=timeout, headers={"Accept-Encoding": "identity"}
    )
    try:
        pooch.retrieve(url, f"sha256:{file.sha256}", fname=file.name, path=folder, downloader=downloader)
    except requests.HTTPError as error:
        answer = error.response
        raise DownloadError("answered an error" if answer is None else f"answered {answer.status_code} {answer.reason}") from None
    except (requests.Timeout, TimeoutError):
        raise DownloadError(f"sent nothing for {timeout:g} seconds") from None
    except requests.ConnectionError as error:
        silent = "timed out" in str(error).lower()
        raise DownloadError(f"sent nothing for {timeout:g} seconds" if silent else "cannot be reached") from None
    except requests.RequestException as error:
        ended = "IncompleteRead" in str(error)
        raise DownloadError(f"ended before the {file.size:,} bytes of the file" if ended else one_line(error)) from None
    except ValueError:  # the sum is another one
        short = meter.total < file.size and meter.count <= file.size
        got = f"sent {meter.total:,} bytes instead of {file.size:,}" if short else "sent other bytes than the published ones"
        raise DownloadError(got) from None


@dataclass
class _Meter:
    """Progress bar for pooch, which ends a download that is too long or too slow."""

    file: RemoteFile
    before: int
    all: int
    progress: Progress | None
    count: int = 0
    total: int = 0  # pooch writes the number of bytes here that the server promised
    began: float = 0.0

    def begin(self) -> None:
        """Begin with a new mirror."""
        self.count, self.total, self.began = 0, 0, time.monotonic()

    def update(self, more: int) -> None:
        """Count bytes that have come."""
        self.count += more
        if self.count > self.file.size + 2 * CHUNK:
            raise DownloadError(f"sent more than the {self.file.size:,} bytes of the file")
        seconds = time.monotonic() - self.began
        if seconds > PATIENCE and self.count < SLOWEST * seconds:
            raise DownloadError(f"sent less than {SLOWEST:,} bytes a second")
        if self.progress is not None:
            self.progress(self.before + min(self.count, self.file.size), self.all)

    def reset(self) -> None:
        """Count again from 0, as pooch does at the end."""
        self.count = 0

    def close(self) -> None:
        """End the download."""


def _unpack(archive: Path, members: tuple[str, ...], folder: Path) -> None:
    """Take the known files out of a zip or a compressed tar; each gets its name when it is complete."""
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as packed:
                for member in members:
                    with packed.open(member) as stream:
                        _write(stream, folder / PurePosixPath(member).name)
            return
        with tarfile.open(archive) as packed_tar:
            for entry in packed_tar:
                stream_or_none = packed_tar.extractfile(entry) if entry.name in members and entry.isfile() else None
                if stream_or_none is not None:
                    with stream_or_none as stream:
                        _write(stream, folder / PurePosixPath(entry.name).name)
    except (KeyError, zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise HandmadeError(f"{archive.name}: expected the files of the set; got: {one_line(error)}. Fetch it again") from None


def _write(stream: IO[bytes], path: Path) -> None:
    """Copy a stream to a file, completely or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(stream, file)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _silent(_text: str) -> None:
    """Tell nothing."""
