"""Single keys from the terminal, without Enter."""

import os
import select
import sys
import time
from types import TracebackType
from typing import Any, Self


class Keys:
    """Reads single keys while it is open; a context manager. Where standard input is no terminal, there are no keys."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None

    @property
    def there_are_some(self) -> bool:
        """Return if a student can press keys."""
        return sys.stdin is not None and sys.stdin.isatty()

    def __enter__(self) -> Self:
        if self.there_are_some and os.name == "posix":
            import termios  # noqa: PLC0415  absent on Windows
            import tty  # noqa: PLC0415

            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._before is not None:
            import termios  # noqa: PLC0415  absent on Windows

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def read(self, seconds: float) -> str:
        """Return the key that is pressed within some seconds, as a small letter; empty if there is none."""
        if not self.there_are_some:
            time.sleep(seconds)
            return ""
        if os.name == "posix":
            ready, _, _ = select.select([sys.stdin], [], [], seconds)
            return os.read(sys.stdin.fileno(), 1).decode("ascii", "replace").lower() if ready else ""
        return self._read_windows(seconds)

    def _read_windows(self, seconds: float) -> str:
        import msvcrt  # noqa: PLC0415  present on Windows alone

        console: Any = msvcrt  # its functions are not known on other systems
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if console.kbhit():
                return str(console.getwch()).lower()
            time.sleep(0.02)
        return ""
