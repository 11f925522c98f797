"""The backends, for every test that asks for them; with the marker long, each with every shortcut of it switched off."""

from collections.abc import Iterator

import pytest

from handmade.engine.backend import BACKENDS, shortcuts, use_backend

WHOLE = [pytest.param((name, ()), id=name) for name in BACKENDS]
WITHOUT = [
    pytest.param((name, (shortcut,)), id=f"{name} without {shortcut}", marks=pytest.mark.long)
    for name in BACKENDS
    for shortcut in shortcuts(name)
]
ALONE = [
    pytest.param((name, shortcuts(name)), id=f"{name} without any shortcut", marks=pytest.mark.long)
    for name in BACKENDS
    if shortcuts(name)
]


@pytest.fixture(params=[*WHOLE, *WITHOUT, *ALONE])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Use a backend in this thread, perhaps without some of its shortcuts."""
    name, without = request.param
    with use_backend(name, without=without):
        yield name


@pytest.fixture(params=BACKENDS)
def whole_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Use a backend with all of its shortcuts, also in commands and processes that the test starts."""
    monkeypatch.setenv("HANDMADE_BACKEND", request.param)
    name: str = request.param
    return name
