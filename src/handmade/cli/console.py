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
