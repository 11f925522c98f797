"""Memory that tiles of the compiled loops store to: tile_bounds.py ends by a signal if a store is outside its array."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from handmade.engine.backend import unusable

PROGRAM = Path(__file__).with_name("tile_bounds.py")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(unusable("compiled") is not None, reason="there is no compiled backend"),
]


def code_of(arguments: list[str], cache: Path) -> int:
    """Exit code of the program, with a cache of machine code of its own."""
    environment = os.environ | {"HANDMADE_CACHE": str(cache), "HANDMADE_BACKEND": "compiled"}
    return subprocess.run([sys.executable, PROGRAM, *arguments], env=environment, stderr=subprocess.PIPE, check=False).returncode


@pytest.mark.parametrize(
    ("preset", "step"), [("readme", "1e-3"), ("readme", "1e-20"), ("deep", "1e-20"), ("seed", "1e-20"), ("cifar", "1e-20")]
)
def test_no_tile_is_stored_outside_its_array(preset: str, step: str, tmp_path: Path) -> None:
    assert code_of([preset, step], tmp_path) == 0


def test_a_store_outside_its_array_is_noticed(tmp_path: Path) -> None:
    from handmade.compiled.vectors import widest  # noqa: PLC0415  it needs Numba

    if widest(np.dtype(np.float32)) < 16:
        pytest.skip("two vectors are not wider than a run of readme here")
    assert code_of(["readme", "1e-20", "wide"], tmp_path) < 0
