"""The plugin for pytest: a failing assertion shows the whole report."""

import re
import subprocess
import sys
from pathlib import Path

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


def test_a_failing_assertion_shows_the_report_in_full(tmp_path: Path) -> None:
    (tmp_path / "test_layer.py").write_text(CODE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_layer.py"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "3 failed" in done.stdout, done.stderr
    assert done.stdout.count("- report of handmade -") == 3 - 1, done.stdout  # expect_ok raises with the report itself
    assert len(re.findall(r"^(?:E +)?    ratio: perhaps it is 2 times too large", done.stdout, flags=re.MULTILINE)) == 3
