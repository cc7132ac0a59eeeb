"""Type checkers see the constructor and the fields of a data model."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent / "typing"
FILES = [str(EXAMPLES / "right.py"), str(EXAMPLES / "wrong.py")]

pytestmark = pytest.mark.slow


def _check(refused: set[tuple[str, int]], said: str) -> None:
    """Compare the lines that a checker refuses with those that are marked."""
    lines = (EXAMPLES / "wrong.py").read_text().splitlines()
    assert refused == {("wrong.py", number) for number, line in enumerate(lines, 1) if "# wrong" in line}, said


def test_mypy_accepts_what_is_right_and_refuses_each_wrong_line() -> None:
    # With the settings of `make lint`, so that what that has seen of elliptio is not read again.
    command = [sys.executable, "-m", "mypy", "--strict", *FILES]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=EXAMPLES.parents[2])
    found = re.findall(r"(\w+\.py):(\d+): error", done.stdout)
    _check({(name, int(line)) for name, line in found}, done.stdout)


def test_pyright_accepts_what_is_right_and_refuses_each_wrong_line(tmp_path: Path) -> None:
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(EXAMPLES.parents[2])], "include": FILES}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    options = ["--outputjson", "--pythonpath", sys.executable, "--project", str(tmp_path)]
    command = [sys.executable, "-m", "basedpyright", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["generalDiagnostics"]
    refused = {(Path(one["file"]).name, one["range"]["start"]["line"] + 1) for one in found}
    _check(refused, done.stdout)
