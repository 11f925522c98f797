"""The plugin for pytest: a failing assertion shows the whole report."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

OF_PYTEST = ("BUILD_NUMBER", "CI", "PYTEST_ADDOPTS")  # variables that change its output
CODE = """
import numpy as np
from handmade.gradients import check_layer


class Doubled:
    def forward(self, x):
        return x

    def backward(self, gy):
        return 2 * gy


def test_at_once():
    assert check_layer(Doubled(), np.ones((2, 3)))


def test_by_name():
    report = check_layer(Doubled(), np.ones((2, 3)))
    assert report.ok


def test_expected():
    check_layer(Doubled(), np.ones((2, 3))).expect_ok()
"""


@pytest.mark.parametrize("on_a_build_server", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_failing_assertion_shows_the_report_in_full(tmp_path: Path, on_a_build_server: bool) -> None:  # noqa: FBT001  a pytest parameter
    (tmp_path / "test_layer.py").write_text(CODE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_layer.py"]

    environment = {name: value for name, value in os.environ.items() if name not in OF_PYTEST}
    environment |= {"CI": "true"} if on_a_build_server else {}

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "3 failed" in done.stdout, done.stderr
    assert done.stdout.count("- report of handmade -") == 3 - 1, done.stdout  # expect_ok raises with the report itself
    failures, _, _ = done.stdout.partition("short test summary info")  # on a build server pytest does not shorten it
    assert len(re.findall(r"^(?:E +)?    ratio: perhaps it is 2 times too large", failures, flags=re.MULTILINE)) == 3
