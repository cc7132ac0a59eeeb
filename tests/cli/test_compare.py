"""``elliptio compare``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_main import spawn


def test_the_same(cli: Run, saved: str, data: Path) -> None:
    other = cli("upload", data, "--project", "story", "--json").artifact_id
    result = cli("compare", saved, other)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Comparison: same\n")
    assert cli("compare", saved[:-1]).code == 0


def test_different(cli: Run, saved: str, data: Path) -> None:
    other = cli("upload", data / "test.txt", "--json").artifact_id
    result = cli("compare", saved, other)
    assert (result.code, result.err) == (1, "")
    assert "files     1 differs\n    train.txt" in result.out
    as_json = cli("compare", saved, other, "--json")
    assert as_json.code == 1
    document = as_json.json
    assert document["same"] is False
    assert (document["a"], document["b"]) == (saved, other)
    assert [(entry["relpath"], entry["change"]) for entry in document["files"]] == [("train.txt", "removed")]
    assert document["labels"] == [{"name": "project", "a": "story", "b": None, "change": "removed"}]
    assert document["packages"] == []
    assert document["git"]["same"] is True


@pytest.mark.slow
def test_errors_are_not_differences(cli: Run, saved: str) -> None:
    result = cli("compare", saved, "artifact_nobody_has")
    assert (result.code, result.out) == (2, "")
    assert "artifact_nobody_has" in result.error
    assert cli("compare").code == 2
    assert cli("compare", saved, "--index", "mongodb://127.0.0.1:1/db?serverSelectionTimeoutMS=300").code == 2


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_not_a_difference(cli: Run, saved: str, root: Path) -> None:
    with open("/dev/full", "w") as full:
        process = spawn("compare", saved, "--root", root, stdout=full)
        _, err = process.communicate()
    assert process.returncode == 2
    assert "No space left on device" in err


@pytest.mark.slow
def test_comparing_does_not_load_pandas(saved: str, root: Path) -> None:
    code = (
        f"import sys; from elliptio.cli import main; main(['compare', {saved!r}, '--root', {str(root)!r}]);"
        "print([name for name in ('pandas', 'numpy') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stderr == "[]\n"
