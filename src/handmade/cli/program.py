"""Words that call this program from the current folder, for commands that a user can copy."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

COMMANDS = (
    *("train", "evaluate", "predict", "show", "check", "explain", "trace", "lab", "report", "runs", "networks", "doctor", "plot"),
    *("sweep", "export", "import", "learn", "data", "--help"),
)
NAMED = re.compile(rf"(?<![\w./-])(?<!-m )handmade (?=(?:{'|'.join(COMMANDS)})(?![\w-]))")


def program() -> str:
    """Return the words that call this program from here: its name if the shell finds it by that, else its path."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{_name_or_path(Path(sys.executable))} -m handmade"
    return _name_or_path(called)


def callable_here(text: str) -> str:
    """Return a text in which `handmade train` and other commands are written as they can be called from here.

    Commands that are written so already, as `python -m handmade train`, are left as they are.
    """
    return NAMED.sub(lambda _: f"{program()} ", text)


def _name_or_path(called: Path) -> str:
    found = shutil.which(called.name)
    if found and Path(found).absolute() == called.absolute():
        return called.name
    return shlex.quote(os.path.relpath(called))
