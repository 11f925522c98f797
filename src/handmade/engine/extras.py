"""Optional libraries: the command that installs those of an extra into this Python."""

import shlex
import sys


def install_command(extra: str) -> str:
    """Return the command that installs the libraries of an extra, such as "plots", for the Python that runs.

    The libraries are those that the package's metadata lists, so the command works without a package index that has handmade.
    """
    return f"{installer()} {shlex.join(_requirements(extra))}"


def not_installed(subject: str, library: str, extra: str) -> str:
    """Return the error that a library is missing.

    Parameters
    ----------
    subject : str
        Part of handmade that needs it, such as "pictures".
    library, extra : str
        Name of the library, and of the extra that it belongs to.
    """
    return f"{subject}: expected {library}, which is not installed. Try {install_command(extra)}"


def library_missing(subject: str, library: str) -> str:
    """Return the error that a library of no extra is missing, such as PyTorch; the arguments are those of `not_installed`."""
    return f"{subject}: expected {library}, which is not installed. Try {installer()} {library}"


def installer() -> str:
    """Return the command that installs libraries into this Python."""
    from importlib.util import find_spec  # noqa: PLC0415  needed for messages alone

    python = shlex.quote(sys.executable or "python")
    return f"{python} -m pip install" if find_spec("pip") else f"uv pip install --python {python}"


def _requirements(extra: str) -> list[str]:
    """Return the requirements of an extra, such as matplotlib>=3.10; the extra itself if there are no metadata."""
    from importlib.metadata import PackageNotFoundError, requires  # noqa: PLC0415  needed for messages alone

    try:
        lines = requires("handmade") or []
    except PackageNotFoundError:
        lines = []
    parts = (line.partition(";") for line in lines)
    found = [name.strip() for name, _, marker in parts if marker.replace("'", '"').strip() == f'extra == "{extra}"']
    return found or [f"handmade[{extra}]"]
