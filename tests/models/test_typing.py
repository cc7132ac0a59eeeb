"""mypy sees the constructor and the fields of a data model."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent / "typing"


@pytest.mark.slow
def test_mypy_accepts_what_is_right_and_refuses_each_wrong_line() -> None:
    # With the settings of `make lint`, so that what that has seen of elliptio is not read again.
    command = [sys.executable, "-m", "mypy", "--strict"]
    files = [str(EXAMPLES / "right.py"), str(EXAMPLES / "wrong.py")]
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False, cwd=EXAMPLES.parents[2])
    found = {int(line) for line in re.findall(r"wrong\.py:(\d+): error", done.stdout)}
    lines = (EXAMPLES / "wrong.py").read_text().splitlines()
    assert found == {number for number, line in enumerate(lines, 1) if "# wrong" in line}, done.stdout
    assert "right.py" not in done.stdout, done.stdout
