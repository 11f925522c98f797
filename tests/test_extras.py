"""Advice to install a library: a command that works for this Python, without an index that has handmade."""

import shlex
import subprocess
import sys
from importlib import metadata, util

import pytest
from packaging.requirements import Requirement

from handmade.engine.extras import install_command, not_installed

EXTRAS = {
    "compiled": ["numba"],
    "data": ["pooch"],
    "heic": ["pillow-heif"],
    "images": ["pillow", "scikit-image"],
    "plots": ["matplotlib"],
    "sklearn": ["scikit-learn"],
    "tensorboard": ["tensorboardx"],
    "watch": ["watchfiles"],
}


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_command_names_this_python_and_the_libraries_themselves(extra: str) -> None:
    words = shlex.split(install_command(extra))

    assert words[:4] == [sys.executable, "-m", "pip", "install"]
    assert [Requirement(requirement).name.lower() for requirement in words[4:]] == EXTRAS[extra]


def test_pip_follows_the_command() -> None:
    command = [*shlex.split(install_command("plots")), "--dry-run", "--no-index", "--quiet"]

    subprocess.run(command, check=True, capture_output=True, timeout=60)  # it is installed already: pip agrees


def test_without_pip_it_is_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "find_spec", lambda _: None)

    assert install_command("watch").startswith(f"uv pip install --python {shlex.quote(sys.executable)} 'watchfiles>=")


def test_without_metadata_it_is_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: str) -> list[str]:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "requires", absent)

    assert install_command("plots").endswith(" -m pip install 'handmade[plots]'")


def test_the_error_is_one_line() -> None:
    assert not_installed("pictures", "matplotlib", "plots") == (
        f"pictures: expected matplotlib, which is not installed. Try {install_command('plots')}"
    )
