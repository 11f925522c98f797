"""Output of the command: results on standard output, progress and news on standard error."""

import json as json_format
import sys
from typing import Any

from rich.console import Console

results = Console(highlight=False, soft_wrap=True)
news = Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on a line of standard output."""
    print(json_format.dumps(value), flush=True)  # noqa: T201  the command prints here


def percent(share: float) -> str:
    """Format a share as 98.41 %."""
    return f"{100 * share:.2f} %"


def duration(seconds: float) -> str:
    """Format a time in a readable unit: 65.6 ms, 4.5 s, 45 s, 12 min, 31 h, 4 days, 4,210 years."""
    if 0 < seconds < 1:
        return f"{1000 * seconds:.1f} ms"
    for unit, size, most in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 72), ("days", 86400, 730)):
        if seconds < most * size:
            return f"{seconds / size:,.0f} {unit}" if seconds >= 10 * size or unit != "s" else f"{seconds:.1f} s"
    return f"{seconds / (365.25 * 86400):,.0f} years"
