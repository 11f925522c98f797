"""Display of compiling: in a terminal, a line that counts seconds and then vanishes; elsewhere, one plain line."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.live import Live


class CompilingDisplay:
    """Display of the compiling in one command.

    Parameters
    ----------
    quiet : bool
        True to show nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet, self._printed = quiet, False
        self._seconds, self._began, self._kept = 0.0, 0.0, True
        self._line: Live | None = None

    def begins(self, loop: str, *, kept: bool) -> None:
        """Show that loops are compiled."""
        from handmade.cli.console import news  # noqa: PLC0415  --help does not need it

        self._began, self._kept = time.perf_counter(), kept
        if self._quiet:
            return
        if news.is_terminal:
            self._show()
        elif not self._printed:
            self._printed = True
            news.print(f"Compiling loops ({self._how_often})")

    def ends(self) -> None:
        """Remove the line, until the next loop."""
        self._seconds += time.perf_counter() - self._began
        if self._line is not None:
            self._line.stop()
            self._line = None

    def __str__(self) -> str:
        return f"Compiling loops ({self._how_often}): {self._seconds + time.perf_counter() - self._began:.0f} s"

    @property
    def _how_often(self) -> str:
        return "once" if self._kept else "each time; handmade doctor shows the reason"

    def _show(self) -> None:
        from rich.errors import LiveError  # noqa: PLC0415
        from rich.live import Live  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        from handmade.cli.console import news  # noqa: PLC0415

        line = Live(get_renderable=lambda: Text(str(self)), console=news, refresh_per_second=2, transient=True)
        try:
            line.start(refresh=True)
        except LiveError:  # an older rich shows one display at a time, and there is a bar
            return
        self._line = line
