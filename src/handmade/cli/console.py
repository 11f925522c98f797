"""Output of the command: results on standard output, progress and news on standard error."""

import json as json_format
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

results = Console(highlight=False, soft_wrap=True)
news = Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def program() -> str:
    """Return the words that call this program from here: its name if the shell finds it by that, else its path."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{_name_or_path(Path(sys.executable))} -m handmade"
    return _name_or_path(called)


def _name_or_path(called: Path) -> str:
    found = shutil.which(called.name)
    if found and Path(found).absolute() == called.absolute():
        return called.name
    return shlex.quote(os.path.relpath(called))


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on a line of standard output, as it is."""
    print(json_format.dumps(value), flush=True)  # noqa: T201  this is where the command talks
