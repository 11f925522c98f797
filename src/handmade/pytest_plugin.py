"""Plugin for pytest: a failing `assert check_layer(layer, x)` shows the complete report, which pytest itself shortens.

pytest finds it by its entry point. It imports nothing of handmade.
"""

from collections.abc import Generator, Iterator
from typing import Any

import pytest

REPORTS = {"handmade.engine.check.layers.report.LayerReport", "handmade.engine.check.networks.report.Report"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Generator[None, Any, Any]:
    """Add the reports of a failing assertion in a separate section."""
    result = yield
    if call.excinfo is not None and call.excinfo.errisinstance(AssertionError):
        message = str(call.excinfo.value)  # contains the report after expect_ok
        texts = [text for text in dict.fromkeys(_reports(call.excinfo.tb)) if text not in message]
        result.sections += [("report of handmade", text) for text in texts]
    del item
    return result


def _reports(traceback: Any) -> Iterator[str]:
    """Yield the reports that are not true among the local variables of the frame that raised the error."""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    for value in list(traceback.tb_frame.f_locals.values()):
        if f"{type(value).__module__}.{type(value).__qualname__}" in REPORTS and not value:
            yield str(value)
