"""Requirements of a test run: on a build server, a missing browser or extra is an error."""

from typing import Any

import pytest


@pytest.fixture
def conftest(pytestconfig: pytest.Config) -> Any:
    return next(plugin for plugin in pytestconfig.pluginmanager.get_plugins() if hasattr(plugin, "NO_BROWSER"))


def test_a_build_server_needs_every_extra_and_a_browser(conftest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "find_spec", lambda _: None)
    monkeypatch.setenv("CI", "")
    conftest.pytest_configure()

    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.UsageError) as refusal:
        conftest.pytest_configure()

    for name in ("matplotlib", "numba", "fastapi", "a browser (chromium)"):
        assert name in str(refusal.value)
