"""The backends, for every test that asks for them.

By default `compiled`, with all of its rules and with none: without them it computes as `plain` does. With the marker long,
`plain` itself, and `compiled` with each rule switched off. Where Numba cannot be used, `plain` alone.
"""

from collections.abc import Iterator

import pytest

from handmade.engine.backend import BACKENDS, shortcuts, unusable, use_backend

USABLE = [name for name in BACKENDS if unusable(name) is None]
FASTEST = USABLE[0]
WHOLE = [pytest.param((FASTEST, ()), id=FASTEST)]
ALONE = [pytest.param((FASTEST, shortcuts(FASTEST)), id=f"{FASTEST} without any rule")] if shortcuts(FASTEST) else []
OTHERS = [pytest.param((name, ()), id=name, marks=pytest.mark.long) for name in USABLE[1:]]
WITHOUT = [
    pytest.param((FASTEST, (rule,)), id=f"{FASTEST} without {rule}", marks=pytest.mark.long) for rule in shortcuts(FASTEST)
]


@pytest.fixture(params=[*WHOLE, *ALONE, *OTHERS, *WITHOUT])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Use a backend in this thread, perhaps without some of its rules."""
    name, without = request.param
    with use_backend(name, without=without):
        yield name


@pytest.fixture(params=[FASTEST, *(pytest.param(name, marks=pytest.mark.long) for name in USABLE[1:])])
def whole_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Use a backend with all of its rules, also in commands and processes that the test starts."""
    monkeypatch.setenv("HANDMADE_BACKEND", request.param)
    name: str = request.param
    return name
