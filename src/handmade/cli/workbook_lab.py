"""The key w of `handmade learn`: the lab with this workbook, which runs already or is started, in the browser."""

import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from handmade.cli.browser import open_in_browser
from handmade.lab.running import Record

GRACE = 5.0  # seconds that the lab has to end


class WorkbookLab:
    """The lab of a workbook; a context manager, which ends a lab that it started.

    Parameters
    ----------
    folder : Path
        Folder of the workbook.

    Attributes
    ----------
    news : SimpleQueue
        Keys of texts and their values: the address, or the reason why there is none.
    """

    def __init__(self, folder: Path) -> None:
        self.news: SimpleQueue[tuple[str, dict[str, str]]] = SimpleQueue()
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def open(self, step: str) -> None:
        """Open a step in the browser, without waiting for it."""
        threading.Thread(target=self._open, args=(step,), daemon=True).start()

    def _open(self, step: str) -> None:
        with self._lock:
            link, reason = Record(self._folder).link(), ""
            if link is None:
                link, reason = self._start()
        if not link:
            self.news.put(("ui.labFailed", {"reason": reason}))
            return
        address = f"{link.partition('#')[0]}#workbook={step}"
        self.news.put(("ui.lab", {"address": address}))
        open_in_browser(address)

    def _start(self) -> tuple[str, str]:
        """Start the lab; return its link, or the reason why there is none."""
        command = [sys.executable, "-P", "-m", "handmade", "lab", "--no-browser", "--workbook", str(self._folder)]
        with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
            # A session of its own: Ctrl-C in the terminal ends the watch, which then ends the lab.
            process = self._process = subprocess.Popen(  # noqa: S603  this program itself
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
            )
            assert process.stdout is not None
            link = process.stdout.readline().strip()
            if link:
                return link, ""
            process.wait()
            errors.seek(0)
            lines = errors.read().strip().splitlines() or [f"exit code {process.returncode}"]
            return "", lines[-1].removeprefix("handmade: ")
